package quant

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"
)

// sample is the reference calculator's tensor: four channels of five values.
var sample = Tensor{
	Data: []float32{
		0.12, -0.33, 0.48, -0.05, 0.91,
		1.20, 0.95, 1.44, 1.10, 0.88,
		-1.70, -1.22, -0.94, -1.43, -1.11,
		0.03, 0.08, -0.02, 0.11, -0.06,
	},
	Shape: []int{4, 5},
}

type reference struct {
	Scale     []float32 `json:"scale"`
	ZeroPoint []int32   `json:"zero_point"`
	Codes     []int     `json:"codes"`
	Bytes     float64   `json:"bytes"`
	MAE       float64   `json:"mae"`
	RMSE      float64   `json:"rmse"`
	Max       float64   `json:"max"`
}

// TestReference compares with figures that were computed elsewhere by the
// same rules, for 2, 4 and 8 bits, both signs and both mappings.
func TestReference(t *testing.T) {
	text, err := os.ReadFile("testdata/reference-results.json")
	if err != nil {
		t.Fatal(err)
	}
	var sets []struct {
		Bits       int
		Unsigned   bool
		Symmetric  bool
		PerTensor  reference `json:"per_tensor"`
		PerChannel reference `json:"per_channel"`
	}
	if err := json.Unmarshal(text, &sets); err != nil {
		t.Fatal(err)
	}
	if len(sets) != 12 {
		t.Fatalf("%d sets, want 12", len(sets))
	}
	for _, set := range sets {
		s := Scheme{Bits: set.Bits, Unsigned: set.Unsigned}
		if set.Symmetric {
			s.Mapping = Symmetric
		}
		name := fmt.Sprintf("bits=%d/unsigned=%t/%v", s.Bits, s.Unsigned, s.Mapping)
		t.Run(name, func(t *testing.T) {
			pc := s
			pc.Granularity = PerChannel(0)
			c, err := Compare(sample, s, pc)
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range []reference{set.PerTensor, set.PerChannel} {
				checkReference(t, c.Results[i], want)
			}
		})
	}
}

func checkReference(t *testing.T, r Result, want reference) {
	t.Helper()
	q, err := Quantize(sample, r.Params)
	if err != nil {
		t.Fatal(err)
	}
	codes := make([]int, q.Len())
	for i := range codes {
		codes[i] = q.At(i)
	}
	if !slices.Equal(codes, want.Codes) {
		t.Errorf("%v: codes %v, want %v", r.Scheme.Granularity, codes, want.Codes)
	}
	if !slices.Equal(r.Scale, want.Scale) || !slices.Equal(r.ZeroPoint, want.ZeroPoint) {
		t.Errorf("%v: scales %v, zero points %v; want %v, %v", r.Scheme.Granularity, r.Scale, r.ZeroPoint, want.Scale, want.ZeroPoint)
	}
	if float64(r.Memory.Total()) != want.Bytes {
		t.Errorf("%v: %d bytes, want %v", r.Scheme.Granularity, r.Memory.Total(), want.Bytes)
	}
	for _, m := range []struct {
		name      string
		got, want float64
	}{{"MAE", r.MAE, want.MAE}, {"RMSE", r.RMSE, want.RMSE}, {"max error", r.MaxError, want.Max}} {
		if math.Abs(m.got-m.want) > 1e-9 {
			t.Errorf("%v: %s %v, want %v", r.Scheme.Granularity, m.name, m.got, m.want)
		}
	}
}

// TestWorkedFigures is a second case known from elsewhere.
func TestWorkedFigures(t *testing.T) {
	p, err := ParamsFromRanges(Scheme{Bits: 8, Granularity: PerChannel(0)},
		[]Range{{-1.2, 1}, {-0.8, 0.9}, {-1.5, 1.7}, {-0.45, 0.6}})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{0.00862745, 0.00666667, 0.01254902, 0.00411765} {
		if math.Abs(float64(p.Scale[i])-want) > 5e-9 {
			t.Errorf("scale %d is %v, want %v", i, p.Scale[i], want)
		}
	}
	if want := []int32{11, -8, -8, -19}; !slices.Equal(p.ZeroPoint, want) {
		t.Errorf("zero points %v, want %v", p.ZeroPoint, want)
	}
	q, err := Quantize(Tensor{Data: []float32{0.73, 0, 1.11, 0.18}, Shape: []int{4, 1}}, p)
	if err != nil {
		t.Fatal(err)
	}
	if q.At(0) != 96 || q.At(2) != 80 || q.At(3) != 25 {
		t.Errorf("codes %d, %d, %d, want 96, 80, 25", q.At(0), q.At(2), q.At(3))
	}
}
