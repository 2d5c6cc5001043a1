package bench

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func tiny() Options {
	return Options{Sizes: []int{RowLen, 3 * RowLen}, Time: time.Microsecond, Procs: 1}
}

func TestRun(t *testing.T) {
	var last, of int64 = -1, 0
	r, err := Run(t.Context(), tiny(), func(done, total int64) {
		if done != last+1 {
			t.Errorf("progress jumps from %d to %d", last, done)
		}
		last, of = done, total
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := int64(2 * len(operations)); last != want || of != want {
		t.Errorf("progress ends at %d of %d, want %d", last, of, want)
	}
	if r.Machine.InstructionSet == "" || r.Machine.Procs != 1 || r.Machine.Cores < 1 {
		t.Errorf("machine %+v", r.Machine)
	}
	if len(r.Sizes) != 2 {
		t.Fatalf("%d sizes", len(r.Sizes))
	}
	for i, s := range r.Sizes {
		if s.Elements != tiny().Sizes[i] || len(s.Results) != len(operations) {
			t.Fatalf("size %d: %d elements, %d results", i, s.Elements, len(s.Results))
		}
		for _, x := range s.Results {
			for _, v := range []float64{x.PerSecond, x.ToRead, x.ToCopy, x.ReadRate, x.CopyRate} {
				if !(v > 0) || math.IsInf(v, 0) {
					t.Errorf("%s: %+v", x.Name, x)
				}
			}
			if x.ToRead != x.PerSecond/x.ReadRate || x.ToCopy != x.PerSecond/x.CopyRate {
				t.Errorf("%s: ratios do not fit: %+v", x.Name, x)
			}
			if x.PerSecond > 1e12 {
				t.Errorf("%s: %g elements a second: is nothing done?", x.Name, x.PerSecond)
			}
		}
		if s.Results[0].ToRead != 1 || s.Results[1].ToCopy != 1 {
			t.Errorf("reading to reading is %v, copying to copying %v", s.Results[0].ToRead, s.Results[1].ToCopy)
		}
	}
}

// TestOperations checks that what is timed does what its name says.
func TestOperations(t *testing.T) {
	whole := newData(4 * RowLen)
	for i := range operations {
		op := &operations[i]
		if op.prepare == nil {
			continue
		}
		d, err := whole.sized(t.Context(), 2*RowLen)
		if err != nil {
			t.Fatal(err)
		}
		f, err := op.prepare(d)
		if err != nil {
			t.Fatalf("%s: %v", op.name, err)
		}
		clear(d.dst)
		if op.verb == "quantize" || op.verb == "dynamic" {
			clear(d.codes)
		}
		f()
		switch {
		case op.verb == "dequantize":
			for i, x := range d.dst {
				if math.Abs(float64(x-d.src[i])) > 0.05 {
					t.Fatalf("%s: %v came back as %v", op.name, d.src[i], x)
				}
			}
		case op.verb == "quantize", op.verb == "dynamic":
			if n := len(d.src) * op.bits / 8; !slices.ContainsFunc(d.codes[n-8:n], func(b byte) bool { return b != 0 }) {
				t.Errorf("%s: no code at the end", op.name)
			}
		}
		if !slices.Equal(d.src[:RowLen], d.src[RowLen:]) {
			t.Fatalf("%s: the source was changed", op.name)
		}
	}
}

func TestValidate(t *testing.T) {
	for _, o := range []Options{
		{Sizes: []int{4096}, Time: 1},
		{Sizes: []int{4096}, Procs: 1},
		{Time: 1, Procs: 1},
		{Sizes: []int{0}, Time: 1, Procs: 1},
		{Sizes: []int{4096, 5000}, Time: 1, Procs: 1},
		{Sizes: []int{2 * MaxSize}, Time: 1, Procs: 1},
	} {
		if _, err := Run(t.Context(), o, func(_, _ int64) {}); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	o := tiny()
	o.Time = time.Hour
	_, err := Run(ctx, o, func(done, _ int64) { time.AfterFunc(10*time.Millisecond, cancel) })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestModelName(t *testing.T) {
	for text, want := range map[string]string{
		"processor\t: 0\nmodel name\t: Some CPU: fast\n": "Some CPU: fast",
		"processor\t: 0\nBogoMIPS\t: 50\n":               "",
		"":                                               "",
	} {
		if got := modelName(strings.NewReader(text)); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestSignificant(t *testing.T) {
	for x, want := range map[float64]string{
		0: "0", 1: "1.00", 9.996: "10.0", 12.34: "12.3", 123.4: "123", 1234: "1234", 0.01234: "0.0123", math.Inf(1): "+Inf",
	} {
		if got := significant(x); got != want {
			t.Errorf("%v: %q, want %q", x, got, want)
		}
	}
}
