package feedback

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant"
)

// correlated returns rows of n inputs of which neighbours are alike: an autoregressive
// process of order 1, x[i] = a·x[i-1] + sqrt(1-a²)·noise. relu sets the negative ones to 0.
func correlated(r *rand.Rand, rows, n int, a float64, relu bool) []float32 {
	x := make([]float32, rows*n)
	for row := range rows {
		v := r.NormFloat64()
		for i := range n {
			v = a*v + math.Sqrt(1-a*a)*r.NormFloat64()
			x[row*n+i] = float32(v)
			if relu {
				x[row*n+i] = max(0, x[row*n+i])
			}
		}
	}
	return x
}

func normal(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

func ascending(n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	return order
}

var integerSchemes = []quant.Scheme{
	{Bits: 4, Mapping: quant.Symmetric, Granularity: quant.PerGroup(1, 8)},
	{Bits: 3, Mapping: quant.Symmetric, Granularity: quant.PerGroup(-1, 8), Method: quant.LeastSquares},
	{Bits: 4, Granularity: quant.PerGroup(1, 7), Unsigned: true},
	{Bits: 2, Granularity: quant.PerGroup(1, 1000), ZeroInRange: true},
	{Bits: 3, Granularity: quant.PerChannel(0)},
	{Bits: 4, Granularity: quant.PerChannel(-2), Mapping: quant.Symmetric, NarrowRange: true},
	{Bits: 5},
	{Bits: 10, Granularity: quant.PerGroup(1, 8)},
	{Bits: 16, Unsigned: true, Mapping: quant.Symmetric, Granularity: quant.PerChannel(0)},
}

func TestQuantizePlain(t *testing.T) {
	for _, s := range integerSchemes {
		for _, size := range [][2]int{{3, 1}, {outputs + 3, 2}, {outputs + 3, 21}, {4, 40}} {
			out, in := size[0], size[1]
			for _, o := range []Order{Ascending, Activation} {
				t.Run(fmt.Sprintf("%v, %d inputs, %v", s, in, o), func(t *testing.T) {
					r := rand.New(rand.NewPCG(uint64(in), 9))
					w := quant.Tensor{Data: normal(r, out*in), Shape: []int{out, in}}
					m := newMoments(t, in, Full, quant.RefuseNotFinite)
					x := correlated(r, 100, in, 0.9, true)
					if in > 2 {
						for row := range 100 {
							x[row*in+2] = 0 // an input that is dead
						}
					}
					observe(t, m, x)
					q, err := Quantize(w, m, s, Options{Damping: 0.02, Order: o})
					if err != nil {
						t.Fatal(err)
					}
					h := matrixOf(m)
					order := ascending(in)
					if o == Activation {
						slices.SortStableFunc(order, func(a, b int) int { return cmpFloat(h[b][b], h[a][a]) })
						if slices.IsSorted(order) {
							return // groups are made as they begin there, and not beforehand
						}
					}
					codes, params := plain(t, w, h, s, 0.02, order)
					for i, c := range codes {
						if q.At(i) != c {
							t.Fatalf("code %d of output %d, input %d; want %d", q.At(i), i/in, i%in, c)
						}
					}
					if !slices.Equal(q.Params.Scale, params.Scale) || !slices.Equal(q.Params.ZeroPoint, params.ZeroPoint) {
						t.Error("other parameters")
					}
				})
			}
		}
	}
}

func cmpFloat(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// errorOf returns the error of the outputs under h.
func errorOf(d []float64, h [][]float64) float64 {
	sum := 0.0
	for i := range d {
		for j := range d {
			sum += d[i] * h[i][j] * d[j]
		}
	}
	return sum
}

// TestQuantizeExhaustive compares with the best of all assignments of codes.
func TestQuantizeExhaustive(t *testing.T) {
	const in, cases = 4, 400
	s := quant.Scheme{Bits: 2, Mapping: quant.Symmetric, NarrowRange: true, Granularity: quant.PerChannel(0)}
	r := rand.New(rand.NewPCG(10, 11))
	best, better, same, worse := 0, 0, 0, 0
	var sumOurs, sumNearest, sumBest float64
	for range cases {
		w := quant.Tensor{Data: normal(r, in), Shape: []int{1, in}}
		m := newMoments(t, in, Full, quant.RefuseNotFinite)
		observe(t, m, correlated(r, 20, in, 0.8, false))
		h := matrixOf(m)
		q, err := Quantize(w, m, s, Options{Damping: 1e-6})
		if err != nil {
			t.Fatal(err)
		}
		scale := q.Params.Scale[0]
		errorFor := func(code func(i int) int) float64 {
			d := make([]float64, in)
			for i := range d {
				d[i] = float64(w.Data[i]) - float64(float32(code(i))*scale)
			}
			return errorOf(d, h)
		}
		least := math.Inf(1)
		for a := range 81 {
			least = min(least, errorFor(func(i int) int { return a/[]int{1, 3, 9, 27}[i]%3 - 1 }))
		}
		plain, err := quant.Quantize(w, q.Params)
		if err != nil {
			t.Fatal(err)
		}
		ours, nearest := errorFor(q.At), errorFor(plain.At)
		if ours < least*(1-1e-12) {
			t.Fatalf("error %v, below the least there is, %v", ours, least)
		}
		if ours <= least*(1+1e-9) {
			best++
		}
		switch {
		case ours < nearest*(1-1e-9):
			better++
		case ours <= nearest*(1+1e-9):
			same++
		default:
			worse++
		}
		sumOurs, sumNearest, sumBest = sumOurs+ours, sumNearest+nearest, sumBest+least
	}
	t.Logf("of %d: %d are the best there is; %d are better than the nearest values, %d the same, %d worse; sums of errors %.3f, nearest %.3f, best %.3f",
		cases, best, better, same, worse, sumOurs, sumNearest, sumBest)
	if best < cases/2 || worse > cases/5 || sumOurs > 0.8*sumNearest {
		t.Error("too far from the best")
	}
}

func outputError(t testing.TB, w quant.Tensor, q quant.Quantized, m *Moments) Output {
	t.Helper()
	x, err := quant.Dequantize(q)
	if err != nil {
		t.Fatal(err)
	}
	o, err := OutputError(w, x, m)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestQuantizeGain has all kinds of schemes, codebooks and formats of scales among them.
func TestQuantizeGain(t *testing.T) {
	const out, in = 16, 256
	r := rand.New(rand.NewPCG(12, 13))
	w := quant.Tensor{Data: normal(r, out*in), Shape: []int{out, in}}
	m := newMoments(t, in, Full, quant.RefuseNotFinite)
	observe(t, m, correlated(r, 320, in, 0.9, true))
	for _, c := range []struct {
		name  string
		s     quant.Scheme
		order Order
		most  float64 // of the error of the nearest values
	}{
		{"4 bits in groups of 128", quant.Scheme{Bits: 4, Mapping: quant.Symmetric, Granularity: quant.PerGroup(1, 128)}, 0, 0.5},
		{"3 bits in groups of 128", quant.Scheme{Bits: 3, Mapping: quant.Symmetric, Granularity: quant.PerGroup(1, 128)}, 0, 0.5},
		{"by activation", quant.Scheme{Bits: 4, Mapping: quant.Symmetric, Granularity: quant.PerGroup(1, 128)}, Activation, 0.5},
		{"asymmetric", quant.Scheme{Bits: 4, Granularity: quant.PerGroup(1, 32)}, 0, 0.5},
		{"least squares", quant.Scheme{Bits: 3, Granularity: quant.PerGroup(1, 64), Method: quant.LeastSquares}, 0, 0.5},
		{"nf4", quant.Scheme{Format: quant.NF4, Granularity: quant.PerGroup(1, 64)}, 0, 0.5},
		{"mxfp4", quant.MXFP4, 0, 0.5},
		{"nvfp4", quant.NVFP4, 0, 0.5},
		{"float16 scales", quant.Scheme{Bits: 4, Granularity: quant.PerGroup(1, 32), Scales: quant.Float16Scale}, 0, 0.5},
		{"8 bits", quant.Scheme{Bits: 8, Granularity: quant.PerChannel(0)}, 0, 0.5},
	} {
		t.Run(c.name, func(t *testing.T) {
			q, err := Quantize(w, m, c.s, Options{Order: c.order})
			if err != nil {
				t.Fatal(err)
			}
			p, err := quant.Calibrate(w, c.s)
			if err != nil {
				t.Fatal(err)
			}
			nearest, err := quant.Quantize(w, p)
			if err != nil {
				t.Fatal(err)
			}
			ours, plain := outputError(t, w, q, m), outputError(t, w, nearest, m)
			t.Logf("%.2f dB, nearest %.2f dB", ours.SQNR(), plain.SQNR())
			if ours.Error > c.most*plain.Error {
				t.Errorf("error %v, nearest %v", ours.Error, plain.Error)
			}
			if q.Params.Scheme != p.Scheme {
				t.Errorf("scheme %v, want %v", q.Params.Scheme, p.Scheme)
			}
		})
	}
}

// TestQuantizeProcs has one goroutine and several, and rows of weights alone.
func TestQuantizeProcs(t *testing.T) {
	const out, in = 2*outputs + 6, 80
	r := rand.New(rand.NewPCG(14, 15))
	w := quant.Tensor{Data: normal(r, out*in), Shape: []int{out, in}}
	s := quant.Scheme{Bits: 4, Granularity: quant.PerGroup(1, 32)}
	m := newMoments(t, in, Full, quant.RefuseNotFinite)
	observe(t, m, correlated(r, 100, in, 0.9, false))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	want, err := Quantize(w, m, s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	runtime.GOMAXPROCS(5)
	got, err := Quantize(w, m, s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Codes, want.Codes) || !slices.Equal(got.Params.Scale, want.Params.Scale) {
		t.Error("several goroutines give other codes")
	}
	for _, row := range []int{0, outputs - 1, outputs, out - 1} {
		one, err := Quantize(quant.Tensor{Data: w.Data[row*in:][:in], Shape: []int{1, in}}, m, s, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range in {
			if one.At(i) != want.At(row*in+i) {
				t.Fatalf("output %d alone has other codes", row)
			}
		}
	}
}

// TestQuantizeUncorrelated has inputs without correlation: the nearest values are best.
func TestQuantizeUncorrelated(t *testing.T) {
	const out, in = 5, 12
	r := rand.New(rand.NewPCG(16, 17))
	m := newMoments(t, in, Full, quant.RefuseNotFinite)
	for i := range in - 1 { // the last input is always 0
		x := make([]float32, in)
		x[i] = float32(i + 1)
		observe(t, m, x)
	}
	w := quant.Tensor{Data: normal(r, out*in), Shape: []int{out, in}}
	s := quant.Scheme{Bits: 4, Granularity: quant.PerGroup(1, 4)}
	q, err := Quantize(w, m, s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := quant.Calibrate(w, s)
	if err != nil {
		t.Fatal(err)
	}
	if want, _ := quant.Quantize(w, p); !bytes.Equal(q.Codes, want.Codes) {
		t.Error("the codes are not those of the nearest values")
	}
}

func TestQuantizeErrors(t *testing.T) {
	m := newMoments(t, 2, Full, quant.RefuseNotFinite)
	observe(t, m, []float32{1, 2, 2, 4})
	w := quant.Tensor{Data: []float32{1, 2, 3, 4}, Shape: []int{2, 2}}
	s := quant.Scheme{Bits: 4}
	none, one := newMoments(t, 2, Full, quant.RefuseNotFinite), newMoments(t, 2, Full, quant.RefuseNotFinite)
	observe(t, one, []float32{1, 2})
	for _, c := range []struct {
		name string
		w    quant.Tensor
		m    *Moments
		s    quant.Scheme
		o    Options
		want error
	}{
		{"fine", w, m, s, Options{}, nil},
		{"one axis", quant.Tensor{Data: w.Data}, m, s, Options{}, quant.ErrShape},
		{"shape", quant.Tensor{Data: w.Data, Shape: []int{3, 2}}, m, s, Options{}, quant.ErrShape},
		{"empty", quant.Tensor{Shape: []int{0, 2}}, m, s, Options{}, quant.ErrEmpty},
		{"not finite", quant.Tensor{Data: []float32{1, 2, float32(math.NaN()), 4}, Shape: []int{2, 2}}, m, s, Options{}, quant.ErrNotFinite},
		{"bits", w, m, quant.Scheme{Bits: 1}, Options{}, quant.ErrBits},
		{"moving average", w, m, quant.Scheme{Bits: 4, Method: quant.MovingAverage(0.1)}, Options{}, quant.ErrMethod},
		{"moving average of groups", w, m, quant.Scheme{Bits: 4, Method: quant.MovingAverage(0.1), Granularity: quant.PerGroup(1, 1)}, Options{}, quant.ErrMethod},
		{"channels of inputs", w, m, quant.Scheme{Bits: 4, Granularity: quant.PerChannel(1)}, Options{}, quant.ErrScheme},
		{"groups of outputs", w, m, quant.Scheme{Bits: 4, Granularity: quant.PerGroup(0, 2)}, Options{}, quant.ErrScheme},
		{"blocks", w, m, quant.Scheme{Bits: 4, Granularity: quant.PerBlock(0, 2, 1, 2)}, Options{}, quant.ErrScheme},
		{"group size", w, m, quant.Scheme{Bits: 4, Granularity: quant.PerGroup(1, 0)}, Options{}, quant.ErrGroupSize},
		{"axis", w, m, quant.Scheme{Bits: 4, Granularity: quant.PerChannel(2)}, Options{}, quant.ErrScheme},
		{"negative damping", w, m, s, Options{Damping: -1}, ErrDamping},
		{"NaN", w, m, s, Options{Damping: math.NaN()}, ErrDamping},
		{"damping too small", w, one, s, Options{Damping: 1e-300}, ErrDamping},
		{"order", w, m, s, Options{Order: 2}, quant.ErrScheme},
		{"diagonal", w, m.Diagonal(), s, Options{}, ErrMoments},
		{"no rows", w, none, s, Options{}, ErrMoments},
		{"inputs", quant.Tensor{Data: w.Data, Shape: []int{1, 4}}, m, s, Options{}, ErrMoments},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Quantize(c.w, c.m, c.s, c.o); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
	t.Run("corrected weight", func(t *testing.T) {
		// An input that is small corrects the error of one that is large.
		const most = math.MaxFloat32
		w := quant.Tensor{Data: []float32{0, 0, 0, 0, most, 0.3 * most, 0, 0}, Shape: []int{2, 4}}
		m := newMoments(t, 4, Full, quant.RefuseNotFinite)
		observe(t, m, []float32{0, 100, 0, 1, 1, 1, 1, 0})
		s := quant.Scheme{Bits: 2, Mapping: quant.Symmetric, Granularity: quant.PerGroup(1, 2)}
		_, err := Quantize(w, m, s, Options{Damping: 1e-9})
		var at *quant.NotFiniteError
		if !errors.As(err, &at) || at.Index != 7 || at.Channel != 1 {
			t.Errorf("error %v", err)
		}
	})
}

// TestOverflow tests that a correction that overflows is one error, which names the first weight.
func TestOverflow(t *testing.T) {
	m, err := NewMoments(2, Full, quant.RefuseNotFinite)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Observe(quant.Tensor{Data: []float32{4, 1, 8, 2, 12, 3.1}, Shape: []int{3, 2}}); err != nil {
		t.Fatal(err)
	}
	rows := 3 * outputs
	w := slices.Repeat([]float32{1.6e38, 3.2e38}, rows)
	s := quant.Scheme{Bits: 2, Granularity: quant.PerGroup(1, 1), Mapping: quant.Symmetric}
	_, err = Quantize(quant.Tensor{Data: w, Shape: []int{rows, 2}}, m, s, Options{Damping: 1e-6})
	var at *quant.NotFiniteError
	if !errors.As(err, &at) || at.Index != 1 || at.Channel != 0 || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v", err)
	}
}
