package quant

import (
	"errors"
	"runtime"
	"testing"
)

// TestPastCaches compares calls on a tensor that is stored without using the caches with calls on its
// parts, which are too small for that.
func TestPastCaches(t *testing.T) {
	const rows, cols = 1312, 4096
	if 4*rows*cols < streamBytes {
		t.Fatal("the tensor is not large")
	}
	r := splitmix(31)
	x := goldenTensor(&r, 0, rows, cols)
	kinds := []struct {
		name string
		s    Scheme
		rows int // of a part whose parameters are those of the tensor's, or 0 for one that has its own
	}{
		{"tensor", Scheme{Bits: 8}, 0},
		{"tensor, packed", Scheme{Bits: 4}, 0},
		{"tensor, 16 bits", Scheme{Bits: 16}, 0},
		{"columns", Scheme{Bits: 8, Granularity: PerChannel(-1)}, 0},
		{"rows", Scheme{Bits: 8, Granularity: PerChannel(0)}, 1},
		{"groups", Scheme{Bits: 8, Granularity: PerGroup(-1, 32)}, cols / 32},
		{"groups, symmetric", Scheme{Bits: 8, Mapping: Symmetric, Granularity: PerGroup(-1, 128)}, cols / 128},
	}
	for _, procs := range []int{1, 3} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		for _, kind := range kinds {
			q, err := QuantizeDynamic(x, kind.s, RefuseNotFinite)
			if err != nil {
				t.Fatal(err)
			}
			want, err := Calibrate(x, kind.s)
			if err != nil {
				t.Fatal(err)
			}
			if differ(q.Params.Scale, want.Scale) >= 0 || differ(q.Params.ZeroPoint, want.ZeroPoint) >= 0 {
				t.Fatalf("%s: other parameters than those of Calibrate", kind.name)
			}
			codes, err := Quantize(x, want)
			if err != nil {
				t.Fatal(err)
			}
			const part = 41 // rows
			for i := 0; i < rows; i += part {
				k := min(part, rows-i)
				p := want
				if kind.rows > 0 {
					p.Scale, p.ZeroPoint = want.Scale[i*kind.rows:(i+k)*kind.rows], want.ZeroPoint[i*kind.rows:(i+k)*kind.rows]
				}
				y, err := Quantize(Tensor{x.Data[i*cols:][:k*cols], []int{k, cols}}, p)
				if err != nil {
					t.Fatal(err)
				}
				at, n := i*cols/8*kind.s.Bits, len(y.Codes)
				if e := differ(q.Codes[at:at+n], y.Codes); e >= 0 {
					t.Fatalf("%s, %d processors: byte %d of rows from %d on differs in a dynamic call", kind.name, procs, e, i)
				}
				if e := differ(codes.Codes[at:at+n], y.Codes); e >= 0 {
					t.Fatalf("%s, %d processors: byte %d of rows from %d on differs", kind.name, procs, e, i)
				}
			}
		}
	}
	x.Data[len(x.Data)-40] = nan
	for _, kind := range kinds {
		var e *NotFiniteError
		if _, err := QuantizeDynamic(x, kind.s, RefuseNotFinite); !errors.As(err, &e) || e.Index != len(x.Data)-40 {
			t.Errorf("%s: error %v", kind.name, err)
		}
	}
}
