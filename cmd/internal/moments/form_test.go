package moments

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/feedback"
)

func random(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// TestLayout compares parameters of the matrix with those of the weight, and codes too.
func TestLayout(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		shape []int
		in    []int
		g     quant.Granularity
	}{
		{[]int{6, 10}, []int{1}, quant.PerTensor},
		{[]int{6, 10}, []int{1}, quant.PerChannel(0)},
		{[]int{6, 10}, []int{1}, quant.PerChannel(-2)},
		{[]int{6, 10}, []int{1}, quant.PerGroup(1, 4)},
		{[]int{6, 10}, []int{1}, quant.PerGroup(-1, 32)},
		{[]int{10, 6}, []int{0}, quant.PerChannel(1)},
		{[]int{10, 6}, []int{0}, quant.PerGroup(0, 4)},
		{[]int{5, 8, 3, 2}, []int{1, 2, 3}, quant.PerChannel(0)},
		{[]int{5, 8, 3, 2}, []int{1, 2, 3}, quant.PerGroup(1, 4)},
		{[]int{5, 8, 3, 2}, []int{1, 2, 3}, quant.PerGroup(1, 128)},
		{[]int{5, 4, 3, 6}, []int{1, 2, 3}, quant.PerGroup(3, 3)},
		{[]int{1, 12, 7}, []int{2}, quant.PerChannel(1)},
		{[]int{1, 12, 7}, []int{2}, quant.PerGroup(2, 4)},
		{[]int{2, 12, 8}, []int{2}, quant.PerGroup(2, 4)},
	} {
		t.Run(fmt.Sprintf("%v %v", c.shape, c.g), func(t *testing.T) {
			s := quant.Scheme{Bits: 4, Mapping: quant.Asymmetric, ZeroInRange: true, Granularity: c.g}
			w := quant.Tensor{Data: random(r, elements(c.shape)), Shape: c.shape}
			want, err := quant.Calibrate(w, s)
			if err != nil {
				t.Fatal(err)
			}
			l, err := NewForm(c.shape, c.in...).Layout(s)
			if err != nil {
				t.Fatal(err)
			}
			p, err := quant.Calibrate(l.Matrix(w.Data), l.Scheme)
			if err != nil {
				t.Fatal(err)
			}
			got, err := l.Params(p)
			if err != nil {
				t.Fatal(err)
			}
			if got.Scheme != want.Scheme || !slices.Equal(got.Scale, want.Scale) || !slices.Equal(got.ZeroPoint, want.ZeroPoint) {
				t.Errorf("parameters %v, want %v", got, want)
			}
			if back := l.Weight(l.Matrix(w.Data).Data); !slices.Equal(back, w.Data) {
				t.Error("the matrix does not become the weight again")
			}
		})
	}
}

func TestLayoutErrors(t *testing.T) {
	for _, c := range []struct {
		shape []int
		in    []int
		g     quant.Granularity
		want  string
	}{
		{[]int{6, 10}, []int{1}, quant.PerChannel(1), "not those of output channels"},
		{[]int{2, 6, 10}, []int{2}, quant.PerChannel(1), "not those of output channels"},
		{[]int{6, 10}, []int{1}, quant.PerGroup(0, 4), "groups of outputs"},
		{[]int{5, 10, 3}, []int{1, 2}, quant.PerGroup(1, 4), "groups of 4 do not divide axis 1, which has 10"},
		{[]int{6, 10}, []int{1}, quant.PerChannel(2), "of the shape [6 10]"},
	} {
		t.Run(fmt.Sprintf("%v %v", c.shape, c.g), func(t *testing.T) {
			_, err := NewForm(c.shape, c.in...).Layout(quant.Scheme{Bits: 4, Granularity: c.g})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// TestRound rounds a convolution with error feedback: the output error must be lower than that of
// the nearest values, the values must be those of codes of the parameters, and Error must be that
// of the layer.
func TestRound(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	shape := []int{6, 8, 3}
	form := NewForm(shape, 1, 2)
	m, err := feedback.NewMoments(24, feedback.Full, quant.RefuseNotFinite)
	if err != nil {
		t.Fatal(err)
	}
	x := random(r, 24*200)
	for i := range x {
		if i%24 > 0 {
			x[i] = x[i]/2 + x[i-1]*7/8
		}
	}
	if err := m.Observe(quant.Tensor{Data: x, Shape: []int{200, 24}}); err != nil {
		t.Fatal(err)
	}
	in, err := FromMoments(form, m)
	if err != nil {
		t.Fatal(err)
	}
	w := quant.Tensor{Data: random(r, elements(shape)), Shape: shape}
	for _, g := range []quant.Granularity{quant.PerChannel(0), quant.PerGroup(1, 4)} {
		s := quant.Scheme{Bits: 4, Mapping: quant.Symmetric, Granularity: g, ZeroInRange: true}
		p, restored, err := in.Round(w.Data, s, feedback.Options{})
		if err != nil {
			t.Fatal(err)
		}
		again, err := quant.Quantize(quant.Tensor{Data: restored, Shape: shape}, p)
		if err != nil {
			t.Fatal(err)
		}
		values, err := quant.Dequantize(again)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(values.Data, restored) {
			t.Errorf("%v: the values are not those of codes", g)
		}
		nearest, err := quant.Calibrate(w, s)
		if err != nil {
			t.Fatal(err)
		}
		q, err := quant.Quantize(w, nearest)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := quant.Dequantize(q)
		if err != nil {
			t.Fatal(err)
		}
		noise, _, err := in.Error(w.Data, restored)
		if err != nil {
			t.Fatal(err)
		}
		before, _, err := in.Error(w.Data, plain.Data)
		if err != nil {
			t.Fatal(err)
		}
		if !(noise < before/2) {
			t.Errorf("%v: error %v with feedback, %v without", g, noise, before)
		}
	}
}

// TestError compares the weighted error with its definition.
func TestError(t *testing.T) {
	w, restored := []float32{1, 2, 3, 4, 5, 6, 7, 8}, []float32{1, 1, 3, 2, 5, 6, 7, 5}
	for _, c := range []struct {
		name    string
		in      Inputs
		noise   float64
		signal  float64
		squared float64
	}{
		{"rows", Inputs{Form: NewForm([]int{4, 2}, 1), Squares: []float64{10, 1}}, 1 + 4 + 9, 10*(1+9+25+49) + 4 + 16 + 36 + 64, 5.5},
		{"columns", Inputs{Form: NewForm([]int{4, 2}, 0), Squares: []float64{10, 1, 0, 2}}, 10 + 4 + 2*9, 10*5 + 25 + 2*113, 13.0 / 4},
		{"experts", Inputs{Form: NewForm([]int{2, 2, 2}, 2), Squares: []float64{10, 1, 0, 3}}, 1 + 4 + 27, 10*(1+9) + 4 + 16 + 3*(36+64), 3.5},
	} {
		t.Run(c.name, func(t *testing.T) {
			noise, signal, err := c.in.Error(w, restored)
			if err != nil || noise != c.noise || signal != c.signal || c.in.MeanSquare() != c.squared {
				t.Errorf("error %v of %v, mean square %v, %v; want %v of %v, %v", noise, signal, c.in.MeanSquare(), err, c.noise, c.signal, c.squared)
			}
		})
	}
}
