package numtext

import (
	"encoding/json"
	"math"
	"testing"
)

func TestJSON(t *testing.T) {
	for _, tt := range []struct {
		name string
		v    any
		want string
	}{
		{"a number", Number(0.1), "0.1"},
		{"a small number", Number(1e-7), "1e-07"},
		{"infinity", Number(math.Inf(-1)), "null"},
		{"NaN", Number(math.NaN()), "null"},
		{"a float32", Float(float32(0.1)), "0.1"},
		{"floats", Floats{0.1, float32(math.Inf(1)), 1e-10}, "[0.1,null,1e-10]"},
		{"no floats", Floats(nil), "[]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := json.Marshal(tt.v); err != nil || string(got) != tt.want {
				t.Errorf("%s, %v, want %s", got, err, tt.want)
			}
		})
	}
}

func TestReadJSON(t *testing.T) {
	x := []Number{7, 7}
	if err := json.Unmarshal([]byte("[null, 0.5]"), &x); err != nil || !math.IsNaN(float64(x[0])) || x[1] != 0.5 {
		t.Errorf("null and 0.5 read as %v, %v", x, err)
	}
	if err := json.Unmarshal([]byte(`"1"`), &x[0]); err == nil {
		t.Error("a string reads as a number")
	}
}

func TestText(t *testing.T) {
	for got, want := range map[string]string{
		Digits(0, 4): "0", Digits(9.9996, 4): "10.00", Digits(0.00012344, 4): "0.0001234", Digits(0.000099, 3): "9.90e-05",
		Digits(1234567, 3): "1234567", Digits(-0.5, 3): "-0.500", Digits(math.Inf(1), 3): "inf", Digits(math.NaN(), 3): "NaN",
		Signed(1.26, 1): "+1.3", Signed(-0.04, 1): "0.0", Signed(-2, 1): "-2.0", Signed(math.Inf(-1), 1): "-inf",
		Exact(math.Inf(1), 64): "", Exact(0.1, 64): "0.1", Exact(float64(float32(0.1)), 32): "0.1",
		Percent(35): "35.0%", Count(1234567): "1,234,567", Count(-1234): "-1,234", Count(-999): "-999",
		Plural(1, "byte"): "1 byte", Plural(2000, "byte"): "2,000 bytes",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
