package calibration

import (
	"bytes"
	"runtime"
	"strings"
	"testing"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/calibfile"
)

// example is a calibration of two tensors.
func example(t testing.TB, s quant.Scheme) *Calibration {
	c, err := New(Options{Scheme: s, Policy: quant.IgnoreNotFinite})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b\x1b", "ü"} {
		x, err := c.find(name, "file", []int{3, 2})
		if err != nil {
			t.Fatal(err)
		}
		o := c.observer(x)
		if err := o.Observe(quant.Tensor{Data: []float32{1, -2, 3, 4, 5.5, 0}, Shape: []int{3, 2}}); err != nil {
			t.Fatal(err)
		}
		c.done(x, o)
	}
	return c
}

func seeds(t testing.TB) []*Calibration {
	return []*Calibration{
		example(t, quant.Scheme{Bits: 8}),
		example(t, quant.Scheme{Bits: 4, Mapping: quant.Symmetric, Method: quant.LeastSquares, Granularity: quant.PerChannel(-1), ZeroInRange: true}),
		example(t, quant.Scheme{Bits: 8, Unsigned: true, Method: quant.Percentile(99), Granularity: quant.PerGroup(0, 2)}),
		example(t, quant.Scheme{Bits: 8, Method: quant.MovingAverage(0.5)}),
	}
}

func checkError(t *testing.T, err error) {
	if s := err.Error(); s == "" || strings.ContainsAny(s, "\n\r\x1b") {
		t.Errorf("error %q", s)
	}
}

// FuzzState checks that what is read as a state is one, byte for byte.
func FuzzState(f *testing.F) {
	for _, c := range seeds(f) {
		b, err := c.State()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		seen, err := calibfile.ParseState("x", data)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20+uint64(len(data))*20000 {
			t.Errorf("%d bytes allocated for %d of input", used, len(data))
		}
		if err != nil {
			checkError(t, err)
			return
		}
		c := ofSeen(seen)
		if again, err := c.State(); err != nil || !bytes.Equal(again, data) {
			t.Errorf("comes back as %q, %v", again, err)
		}
		if _, err := c.File(c.Options().Scheme); err != nil {
			checkError(t, err)
		}
	})
}

// FuzzFile checks that a calibration file that is read can be written, and is
// the same when it is read again.
func FuzzFile(f *testing.F) {
	for _, c := range seeds(f) {
		file, err := c.File(c.Options().Scheme)
		if err != nil {
			f.Fatal(err)
		}
		var b bytes.Buffer
		if err := file.Write(&b); err != nil {
			f.Fatal(err)
		}
		if _, err := calibfile.Parse(b.Bytes()); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := calibfile.Parse(data)
		if err != nil {
			checkError(t, err)
			return
		}
		var b bytes.Buffer
		if err := file.Write(&b); err != nil {
			t.Fatal(err)
		}
		again, err := calibfile.Parse(b.Bytes())
		if err != nil {
			t.Fatalf("%v of %s", err, b.Bytes())
		}
		var c bytes.Buffer
		if err := again.Write(&c); err != nil || !bytes.Equal(b.Bytes(), c.Bytes()) {
			t.Errorf("%s comes back as %s, %v", b.Bytes(), c.Bytes(), err)
		}
		for i := range file.Tensors {
			x := &file.Tensors[i]
			if _, err := x.Params([]int{3, 2}); err != nil {
				checkError(t, err)
			}
		}
	})
}
