package quant

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var textSchemes = map[string]Scheme{
	"uint8":                                {Bits: 8, Unsigned: true},
	"int4:symmetric:group32@-1:mse:narrow": {Bits: 4, Mapping: Symmetric, Granularity: PerGroup(-1, 32), Method: LeastSquares, NarrowRange: true},
	"int8:channel@0:percentile=99.9:zero":  {Bits: 8, Granularity: PerChannel(0), Method: Percentile(99.9), ZeroInRange: true},
}

// through returns what becomes of v in JSON and in gob.
func through[T any](t *testing.T, v T) (fromJSON, fromGob T) {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &fromJSON); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	var buf bytes.Buffer
	if err := gob.NewEncoder(&buf).Encode(v); err != nil {
		t.Fatal(err)
	}
	if err := gob.NewDecoder(&buf).Decode(&fromGob); err != nil {
		t.Fatal(err)
	}
	return fromJSON, fromGob
}

func TestTextJSONGob(t *testing.T) {
	type nested struct {
		Scheme Scheme
		ByKey  map[Scheme]Params
		Method Method
		Unit   Granularity
		Map    Mapping
	}
	for text, s := range textSchemes {
		t.Run(text, func(t *testing.T) {
			if b, err := s.MarshalText(); err != nil || string(b) != text {
				t.Fatalf("%s, %v", b, err)
			}
			if p, err := ParseScheme(text); err != nil || p != s {
				t.Fatalf("%+v, %v", p, err)
			}
			p := Params{s, []float32{0.1, 1e-38, math.SmallestNonzeroFloat32}, []int32{0, -5, 7}}
			v := nested{s, map[Scheme]Params{s: p}, s.Method, s.Granularity, s.Mapping}
			j, g := through(t, v)
			if d := cmp.Diff(v, j) + cmp.Diff(v, g); d != "" {
				t.Fatal(d)
			}
		})
	}
	if s, err := ParseScheme("g128:sym:int4"); err != nil || s != (Scheme{Bits: 4, Mapping: Symmetric, Granularity: PerGroup(-1, 128)}) {
		t.Fatal(s, err)
	}
}

func TestComparisonJSONGob(t *testing.T) {
	c, err := Compare(Tensor{Data: []float32{0, 0, 0, 0}}, Scheme{Bits: 8}, Scheme{Bits: 4, Method: LeastSquares})
	if err != nil {
		t.Fatal(err)
	}
	j, g := through(t, *c)
	for _, got := range []Comparison{j, g} {
		if d := cmp.Diff(c.Results, got.Results); d != "" || !math.IsInf(got.Results[0].SQNR, 1) {
			t.Fatal(d)
		}
	}
	if s := c.String(); strings.Count(s, "\n") != 2 || !strings.Contains(s, "int4 asymmetric, per tensor, mse: RMSE 0, SQNR +Inf dB") {
		t.Fatal(s)
	}
	_ = (&Comparison{}).String() + Result{}.String() + Scheme{}.String()
}

func TestObserverJSONGob(t *testing.T) {
	o, err := NewObserver(Scheme{Bits: 8, Method: Entropy}, RefuseNotFinite)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Observe(Tensor{Data: []float32{1, 2, 3}}); err != nil {
		t.Fatal(err)
	}
	type holder struct{ O *Observer }
	want, _ := o.MarshalBinary()
	j, g := through(t, holder{o})
	for _, h := range []holder{j, g} {
		if b, err := h.O.MarshalBinary(); err != nil || !bytes.Equal(b, want) {
			t.Fatal("other state", err)
		}
	}
	if _, err := json.Marshal(new(Observer)); !errors.Is(err, ErrState) {
		t.Fatal(err)
	}
}

func TestBadSchemeText(t *testing.T) {
	for text, want := range map[string]string{
		"": `there is no part ""`, "symmetric": "type of the codes is missing", "int8:foo": `there is no part "foo"`,
		"int8:uint4": "both a type of codes", "int8:mse:minmax": "both a method", "int99": "not in [2, 16]",
		"int08": "not a number of bits", "int8:group0@1": "not positive", "int8:channel@x": "not a whole number",
	} {
		if _, err := ParseScheme(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, bad := range []string{`null`, `{}`, `{"bits":8,"x":1}`, `{"bits":8,"unsigned":false,"mapping":"asymmetric","granularity":"per_channel","narrow_range":false,"zero_in_range":false,"method":"minmax"}`} {
		var s Scheme
		if err := s.UnmarshalJSON([]byte(bad)); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
	if _, err := json.Marshal(Params{Scheme{Bits: 8}, []float32{float32(math.Inf(1))}, []int32{0}}); !errors.Is(err, ErrScale) {
		t.Error(err)
	}
}
