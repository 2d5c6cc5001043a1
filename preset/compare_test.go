package preset

import (
	"errors"
	"reflect"
	"testing"

	"github.com/a01592f9/quant"
)

func TestCompare(t *testing.T) {
	// Under the scale 1 a tie goes to even in one system and away from zero in the other.
	x := quant.Tensor{Data: []float32{127, 0.5, 1.5, 2.5, -127, -0.5, 3, -2.5}, Shape: []int{2, 4}}
	a, err := must(Parse("onnxruntime-int8")).Apply(x)
	if err != nil {
		t.Fatal(err)
	}
	b, err := must(Parse("tflite-int8")).Apply(x)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Compare(a, b, x.Shape, quant.PerChannel(0))
	if err != nil {
		t.Fatal(err)
	}
	want := &Difference{
		Elements: 8, Codes: true, Changed: 4, Steps: []Step{{-1, 2}, {1, 2}}, Values: 4, MaxValue: 1,
		First:    Place{Index: 1, Channel: 0, Code: [2]int{0, 1}, Value: [2]float32{0, 1}},
		Channels: []int{2, 2},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	if got, err := Compare(a, a, x.Shape, quant.PerTensor); err != nil || got.Changed != 0 || got.Values != 0 || got.First.Index != -1 {
		t.Errorf("with itself: %+v, %v", got, err)
	}
}

// TestCompareCentred compares codes around 0 with codes around 128.
func TestCompareCentred(t *testing.T) {
	x := quant.Tensor{Data: []float32{-1, 0, 0.25, 1}}
	a, err := must(Parse("pytorch-int8")).Apply(x)
	if err != nil {
		t.Fatal(err)
	}
	b, err := must(Parse("pytorch-uint8-symmetric")).Apply(x)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Compare(a, b, x.Shape, quant.PerTensor)
	if err != nil || !got.Codes || got.Changed != 0 || got.Values != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestCompareSchemes compares schemes of the library, of which some have no integers.
func TestCompareSchemes(t *testing.T) {
	x := tensors(1)["normal"]
	apply := func(scheme string) Result {
		s, err := quant.ParseScheme(scheme)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Apply(x, s)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for _, c := range []struct {
		a, b    string
		codes   bool
		changed bool // codes, or values
	}{
		{"int8:sym:narrow", "int8:sym:narrow", true, false},
		{"int8:sym", "uint8:sym", true, false},
		{"int8:sym", "int8:sym:narrow", true, true},
		{"int4:g32", "uint4:g32:mse", true, true},
		{"int4", "int8", false, true},
		{"nf4", "int4", false, true},
		{"nf4", "nf4", false, false},
	} {
		d, err := Compare(apply(c.a), apply(c.b), x.Shape, quant.PerTensor)
		if err != nil || d.Codes != c.codes || (d.Values > 0) != c.changed || (d.First.Index >= 0) != c.changed {
			t.Errorf("%s and %s: %+v, %v", c.a, c.b, d, err)
		}
	}
}

func TestCompareErrors(t *testing.T) {
	r := Result{Values: []float32{1, 2}}
	if _, err := Compare(r, Result{Values: []float32{1}}, []int{2}, quant.PerTensor); !errors.Is(err, quant.ErrShape) {
		t.Error(err)
	}
	if _, err := Compare(r, r, []int{2}, quant.PerGroup(0, 1)); !errors.Is(err, quant.ErrScheme) {
		t.Error(err)
	}
	if _, err := Compare(r, r, []int{1, 2}, quant.PerBlock(0, 1, 1, 1)); !errors.Is(err, quant.ErrScheme) {
		t.Error(err)
	}
	if _, err := Compare(r, r, []int{3}, quant.PerTensor); !errors.Is(err, quant.ErrShape) {
		t.Error(err)
	}
}
