package quant

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
)

// The divisors of the symmetric mapping, against the formulas of the systems that use
// them, each in float32.

func TestDivisors(t *testing.T) {
	for _, c := range []struct {
		bits     int
		unsigned bool
		narrow   bool
		divisor  Divisor
		r        Range
		scale    float32
		zero     int32
	}{
		{8, false, false, FarEnd, Range{-1, 0.5}, 1.0 / 128, 0},
		{8, false, false, HalfWidth, Range{-1, 0.5}, 1 / float32(127.5), 0},
		{8, false, false, EachEnd, Range{-1, 0.5}, 1.0 / 128, 0},
		{8, false, false, EachEnd, Range{-1, 1}, 1 / float32(127), 0},
		{8, false, false, EachEnd, Range{0.25, 1}, 1 / float32(127), 0},
		{8, false, false, EachEnd, Range{-1, -0.5}, 1.0 / 128, 0},
		{8, true, false, FarEnd, Range{-1, 1}, 1.0 / 128, 128},
		{8, true, false, HalfWidth, Range{-3, 1}, 3 / float32(127.5), 128},
		{8, true, false, EachEnd, Range{-1, 1}, 1 / float32(127), 128},
		{4, false, false, HalfWidth, Range{-3, 3}, 3 / float32(7.5), 0},
		{4, false, false, EachEnd, Range{-7, 7}, 1, 0},
		{4, false, true, HalfWidth, Range{-7, 3}, 1, 0},
		{4, false, true, EachEnd, Range{-7, 3}, 1, 0},
		{8, false, false, EachEnd, Range{0, 0}, 1, 0},
		{8, false, false, HalfWidth, Range{0, 0}, 1, 0},
	} {
		s := Scheme{Bits: c.bits, Unsigned: c.unsigned, NarrowRange: c.narrow, Mapping: Symmetric, Divisor: c.divisor}
		t.Run(fmt.Sprintf("%v of %v", s, c.r), func(t *testing.T) {
			p, err := ParamsFromRanges(s, []Range{c.r})
			if err != nil || p.Scale[0] != c.scale || p.ZeroPoint[0] != c.zero {
				t.Errorf("scale %v, zero point %v (%v), want %v and %d", p.Scale, p.ZeroPoint, err, c.scale, c.zero)
			}
			q, err := Calibrate(Tensor{Data: []float32{c.r.Min, c.r.Max}}, s)
			if err != nil || q.Scale[0] != c.scale || q.ZeroPoint[0] != c.zero {
				t.Errorf("Calibrate: scale %v, zero point %v (%v), want %v and %d", q.Scale, q.ZeroPoint, err, c.scale, c.zero)
			}
		})
	}
}

// TestDivisorClips: EachEnd clips nothing, whatever the values are; the others clip the
// largest if it is on the short side.
func TestDivisorClips(t *testing.T) {
	x := valuesOf(3, 500, distributions[0].of)
	x[0] = 9
	for divisor, want := range map[Divisor]int{FarEnd: 1, HalfWidth: 0, EachEnd: 0} {
		c, err := Compare(Tensor{Data: x}, Scheme{Bits: 8, Mapping: Symmetric, Divisor: divisor})
		if err != nil || int(c.Results[0].Clipped) != want {
			t.Errorf("%v clips %v values (%v), want %d", divisor, c.Results[0].Clipped, err, want)
		}
	}
}

// TestDivisorLeast: a search has the same steps with every divisor.
func TestDivisorLeast(t *testing.T) {
	for _, n := range []int{5, 40, 3000} {
		x := valuesOf(4, n, distributions[0].of)
		var errs [divisors]float64
		for d := range divisors {
			c, err := Compare(Tensor{Data: x}, Scheme{Bits: 4, Mapping: Symmetric, Divisor: d, Method: LeastSquares})
			if err != nil {
				t.Fatal(err)
			}
			errs[d] = c.Results[0].RMSE
		}
		bound := 1e-6 // scales are rounded
		if n > 64 {
			bound = 0.01
		}
		for d, e := range errs {
			if e > errs[0]*(1+bound) || e < errs[0]*(1-bound) {
				t.Errorf("%d values: RMSE %v with %v, %v with %v", n, e, Divisor(d), errs[0], FarEnd)
			}
		}
	}
}

func TestDivisorForms(t *testing.T) {
	for _, d := range []Divisor{FarEnd, HalfWidth, EachEnd} {
		s := Scheme{Bits: 8, Mapping: Symmetric, Divisor: d, Granularity: PerGroup(-1, 32)}
		text, err := s.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		want := "int8:symmetric:group32@-1"
		if d != FarEnd {
			want += ":divisor=" + d.String()
		}
		if got, err := ParseScheme(string(text)); err != nil || got != s || string(text) != want {
			t.Errorf("%s reads as %v, %v; want %s", text, got, err, want)
		}
		b, err := json.Marshal(s)
		var fromJSON Scheme
		if err != nil || json.Unmarshal(b, &fromJSON) != nil || fromJSON != s || bytes.Contains(b, []byte("divisor")) != (d != FarEnd) {
			t.Errorf("%s reads as %v (%v)", b, fromJSON, err)
		}
		var buffer bytes.Buffer
		var fromGob Scheme
		if err := gob.NewEncoder(&buffer).Encode(s); err != nil || gob.NewDecoder(&buffer).Decode(&fromGob) != nil || fromGob != s {
			t.Errorf("gob makes %v of %v (%v)", fromGob, s, err)
		}
		o := newObserver(t, s, RefuseNotFinite)
		mustObserve(t, o, Tensor{valuesOf(1, 64, distributions[0].of), []int{64}})
		var read Observer
		if err := read.UnmarshalBinary(stateOf(t, o)); err != nil || read.Scheme() != s {
			t.Errorf("an observer's state has %v, want %v (%v)", read.Scheme(), s, err)
		}
	}
	for _, text := range []string{"int8:sym:divisor=near", "int8:divisor=half", "nf4:divisor=half", "int8:sym:divisor=half:divisor=each",
		"int8:sym:divisor=", "int8:sym:divisor=each:scale=float16"} {
		if s, err := ParseScheme(text); !errors.Is(err, ErrScheme) {
			t.Errorf("%q: %v, %v", text, s, err)
		}
	}
	for _, text := range []string{`null`, `"near"`, `1`} {
		var d Divisor
		if err := json.Unmarshal([]byte(text), &d); err == nil {
			t.Errorf("%s is read as %v", text, d)
		}
	}
	if err := (Scheme{Bits: 8, Mapping: Symmetric, Divisor: divisors}).Validate(); !errors.Is(err, ErrScheme) {
		t.Errorf("a divisor that there is not: %v", err)
	}
}
