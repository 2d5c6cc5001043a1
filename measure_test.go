package quant

import (
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"
)

// TestMeasure quantizes, dequantizes and measures: what Compare has predicted
// must come out, to the last bit.
func TestMeasure(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	defer func(n, m int) { slotBytes, copyLen = n, m }(slotBytes, copyLen)
	r := splitmix(11)
	for i, shape := range sourceShapes() {
		x := goldenTensor(&r, i%4, shape...)
		slotBytes = []int{8 << 20, 600, 9000}[i%3]
		copyLen = []int{1 << 20, 0}[i/3%2]
		runtime.GOMAXPROCS(1 + i%4)
		schemes := sourceSchemes(len(shape))
		for k := 0; k < len(schemes); k += 2 {
			// The first per-channel scheme decides what a channel is.
			c, err := Compare(x, append(schemes[k:k+2:k+2], schemes...)...)
			if err != nil {
				t.Fatal(err)
			}
			for j := range c.Results {
				if (i+j+k)%7 == 0 || len(x.Data) < 1000 {
					testMeasure(t, x, c, &c.Results[j])
				}
			}
		}
	}
}

func testMeasure(t *testing.T, x Tensor, c *Comparison, r *Result) {
	t.Helper()
	q, err := Quantize(x, r.Params)
	if err != nil {
		t.Fatal(err)
	}
	y, err := Dequantize(q)
	if err != nil {
		t.Fatal(err)
	}
	want := &Differences{c.Axis, r.Metrics, append([]Metrics(nil), r.ChannelMetrics...)}
	want.Clipped = 0
	for i := range want.ChannelMetrics {
		want.ChannelMetrics[i].Clipped = 0
	}
	got, err := Difference(x, y, c.ChannelGranularity(), r.Scheme.Granularity)
	if err != nil {
		t.Fatal(err)
	}
	if diff := difference(want, got); diff != "" {
		t.Fatalf("%v, axis %d of shape %v (-predicted +measured)\n%s", r.Scheme, c.Axis, x.Shape, diff)
	}
	got, err = Stream{sliceSource(x.Data), x.Shape}.Difference(sliceSource(y.Data), c.ChannelGranularity(), r.Scheme.Granularity)
	if err != nil {
		t.Fatal(err)
	}
	if diff := difference(want, got); diff != "" {
		t.Fatalf("%v, axis %d of shape %v, read (-predicted +measured)\n%s", r.Scheme, c.Axis, x.Shape, diff)
	}
}

// TestMeasureSpecial has restored tensors of infinities and NaN, and errors.
func TestMeasureSpecial(t *testing.T) {
	for _, shape := range [][]int{{5, 8}, {300, 400}, {40, 9000}} {
		n, _ := elements(shape)
		x, y := make([]float32, n), make([]float32, n)
		for i := range x {
			x[i], y[i] = float32(i%7), float32(i%7)+1
		}
		both := func(what string, f func(m *Differences, err error)) {
			t.Helper()
			f(Difference(Tensor{x, shape}, Tensor{y, shape}, PerChannel(1), PerTensor))
			f(Stream{sliceSource(x), shape}.Difference(sliceSource(y), PerChannel(-1), PerTensor))
		}
		both("one", func(m *Differences, err error) {
			if err != nil || m.N != n || m.MAE != 1 || m.RMSE != 1 || m.MaxError != 1 || m.Axis != 1 || len(m.ChannelMetrics) != shape[1] || m.ChannelMetrics[2].N != shape[0] {
				t.Errorf("shape %v, a difference of 1 everywhere: %+v, %v", shape, m, err)
			}
		})
		at := n - 3
		y[at] = -inf
		both("an infinity", func(m *Differences, err error) {
			if err != nil || !math.IsInf(m.MAE, 1) || !math.IsInf(m.MaxError, 1) || !math.IsInf(m.SQNR, -1) || m.ChannelMetrics[0].MAE != 1 {
				t.Errorf("shape %v, an infinity: %+v, %v", shape, m, err)
			}
		})
		for _, test := range []struct {
			where []float32
			text  string
		}{{y, "quant: restored tensor: "}, {x, "quant: "}} {
			test.where[at] = nan
			both("NaN", func(m *Differences, err error) {
				var e *NotFiniteError
				if !errors.As(err, &e) || e.Index != at || e.Channel != at%shape[1] || err.Error() != test.text+e.Error() && err != error(e) {
					t.Errorf("shape %v, NaN: %v", shape, err)
				}
			})
		}
	}
	// The same NaN does not come back.
	calls := 0
	fickle := sourceFunc(func(dst []float32, off int) error {
		clear(dst)
		if calls++; calls == 2 {
			dst[0] = nan
		}
		return nil
	})
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	_, err := Stream{sliceSource(make([]float32, 1<<18)), []int{1 << 18}}.Difference(fickle, PerTensor, PerTensor)
	if err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("a source that changes: %v", err)
	}

	x := Tensor{[]float32{1, 2, 3, 4, 5, 6}, []int{2, 3}}
	broken := errors.New("broken")
	bad := sourceFunc(func([]float32, int) error { return broken })
	good := sourceFunc(func(dst []float32, _ int) error { clear(dst); return nil })
	for i, test := range []struct {
		err error
		is  error
	}{
		{second(Difference(x, Tensor{x.Data, []int{3, 2}}, PerTensor, PerTensor)), ErrShape},
		{second(Difference(x, Tensor{x.Data[:5], nil}, PerTensor, PerTensor)), ErrShape},
		{second(Difference(x, Tensor{x.Data, []int{5}}, PerTensor, PerTensor)), ErrShape},
		{second(Difference(x, Tensor{}, PerTensor, PerTensor)), ErrEmpty},
		{second(Difference(Tensor{}, x, PerTensor, PerTensor)), ErrEmpty},
		{second(Difference(x, x, PerGroup(0, 2), PerTensor)), ErrScheme},
		{second(Difference(x, x, PerChannel(2), PerTensor)), ErrAxis},
		{second(Difference(x, x, PerChannel(0), PerGroup(0, 0))), ErrGroupSize},
		{second(Stream{good, []int{2, -1}}.Difference(good, PerTensor, PerTensor)), ErrShape},
		{second(Stream{good, []int{2, 2}}.Difference(good, PerTensor, PerChannel(7))), ErrAxis},
		{second(Stream{good, []int{2, 2}}.Difference(bad, PerTensor, PerTensor)), broken},
		{second(Stream{bad, []int{2, 2}}.Difference(good, PerTensor, PerTensor)), broken},
		{second(Stream{good, []int{200, 20000}}.Difference(bad, PerTensor, PerTensor)), broken},
		{second(Stream{bad, []int{200, 20000}}.Difference(good, PerTensor, PerTensor)), broken},
		{second(Difference(x, Tensor{x.Data, nil}, PerTensor, PerTensor)), nil},
	} {
		if !errors.Is(test.err, test.is) {
			t.Errorf("case %d: error %v, want %v", i, test.err, test.is)
		}
	}
}
