package summary

import (
	"math"
	"testing"
)

func TestErrorSums(t *testing.T) {
	type tensor struct {
		n          int64
		rmse, sqnr float64
	}
	for _, tt := range []struct {
		name                string
		tensors             []tensor
		squares, sqnr, mean float64
	}{
		{"none", nil, 0, math.Inf(1), math.Inf(1)},
		{"one", []tensor{{4, 0.5, 20}}, 1, 20, 20},
		{"two", []tensor{{4, 0.5, 20}, {1, 1, 10}}, 2, 17.403627, 15},
		{"one without errors", []tensor{{4, 0.5, 20}, {8, 0, math.Inf(1)}}, 1, 20, 20},
		{"one of zeros", []tensor{{4, 0.5, 20}, {8, 0, math.NaN()}}, 1, 20, 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := NewErrorSums(1)
			for _, x := range tt.tensors {
				s.Add(x.n, func(int) (float64, float64) { return x.rmse, x.sqnr })
			}
			if s.Squares(0) != tt.squares || s.SQNR(0) != tt.sqnr || s.MeanSQNR(0) != tt.mean {
				t.Errorf("squares %v, SQNR %v, mean %v; want %v, %v, %v", s.Squares(0), s.SQNR(0), s.MeanSQNR(0), tt.squares, tt.sqnr, tt.mean)
			}
		})
	}
}

func TestClause(t *testing.T) {
	for _, tt := range []struct {
		g    Gain
		want string
	}{
		{Gain{Channels: 1}, "With one channel, per-channel is the same as per-tensor"},
		{Gain{Channels: 2, RMSE: 1, ExtraBytes: 8, ExtraPercent: 4},
			"Per-channel is worse, as per-tensor is exact here, for 8 bytes more (+4.00%)"},
		{Gain{Channels: 2, ExtraBytes: 8, ExtraPercent: 4},
			"Per-channel gains nothing, as per-tensor is exact here, for 8 bytes more (+4.00%)"},
		{Gain{Channels: 2, Base: 1, Factor: math.Inf(1), ExtraBytes: 8, ExtraPercent: 4},
			"Per-channel removes the error altogether for 8 bytes more (+4.00%)"},
		{Gain{Groups: 32, Channels: 1, Base: 2, RMSE: 1, Factor: 2, SQNR: 6.02, ExtraBytes: 4096, ExtraPercent: 25},
			"groups of 32 lower the RMSE by a factor of 2.00 (SQNR +6.0 dB) for 4,096 bytes more (+25.0%)"},
		{Gain{Channels: 2, Base: 1, RMSE: 2, Factor: 0.5, SQNR: -6.02, ExtraBytes: 8, ExtraPercent: 4},
			"Per-channel raises the RMSE by a factor of 2.00 (SQNR -6.0 dB) for 8 bytes more (+4.00%): per-tensor is the better choice"},
		{Gain{Channels: 2, Base: 1, RMSE: 1.004, Factor: 0.996, ExtraBytes: 8, ExtraPercent: 4},
			"Per-channel gains nothing (the RMSE changes by less than half a percent) for 8 bytes more (+4.00%)"},
	} {
		if got := tt.g.Clause(); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.g, got, tt.want)
		}
	}
}
