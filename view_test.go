package quant

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
)

// TestMatrix compares a matrix with gaps between its rows with the tensor of its elements.
func TestMatrix(t *testing.T) {
	r := splitmix(12)
	forEachISA(t, func(t *testing.T) {
		for i, c := range []struct{ rows, cols, gap int }{{1, 1, 0}, {3, 5, 0}, {3, 5, 2}, {9, 64, 192}, {40, 33, 7}, {70, 500, 1}, {2, 9000, 11}} {
			x := goldenTensor(&r, i%4, c.rows, c.cols)
			for _, s := range blockSchemes(i) {
				if s.Format == Integers && !(s.Granularity.axis == 1 && s.Granularity.unit == perChannel && c.cols < 2) {
					t.Run(fmt.Sprintf("rows=%d/cols=%d/gap=%d/%v", c.rows, c.cols, c.gap, s), func(t *testing.T) {
						if s.Unsigned {
							testMatrix[uint16](t, x, s, c.gap)
						} else {
							testMatrix[int16](t, x, s, c.gap)
						}
					})
				}
			}
		}
	})
}

// spaced returns the matrix of elements with gaps between its rows, which hold a mark.
func spaced[T any](x []T, rows, cols, gap int, mark T) Matrix[T] {
	m := Matrix[T]{Rows: rows, Cols: cols, Stride: cols + gap}
	m.Data = make([]T, (rows-1)*m.Stride+cols)
	fill(m.Data, mark)
	for i := range rows {
		copy(m.row(i), x[i*cols:(i+1)*cols])
	}
	return m
}

func testMatrix[T Code](t *testing.T, x Tensor, s Scheme, gap int) {
	rows, cols := x.Shape[0], x.Shape[1]
	in := spaced(x.Data, rows, cols, gap, nan) // NaN between rows must not be read
	want, err := Calibrate(x, s)
	if err != nil {
		t.Fatal(err)
	}
	ranges := make([]Range, len(want.Scale))
	if err := RangesMatrix(ranges, in, s.Granularity); err != nil {
		t.Fatal(err)
	}
	p, err := ParamsFromRanges(s, ranges)
	if err != nil || differ(p.Scale, want.Scale) >= 0 || differ(p.ZeroPoint, want.ZeroPoint) >= 0 {
		t.Fatalf("parameters differ from those of Calibrate (%v)", err)
	}
	codes, real := make([]T, rows*cols), make([]float32, rows*cols)
	if err := errors.Join(QuantizeCodes(codes, x, p), DequantizeCodes(real, codes, x.Shape, p)); err != nil {
		t.Fatal(err)
	}
	out := spaced(make([]T, rows*cols), rows, cols, gap+3, 77)
	if err := QuantizeMatrix(out, in, p); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(out.Data, spaced(codes, rows, cols, gap+3, 77).Data) {
		t.Fatal("codes differ, or are stored between rows")
	}
	back := spaced(make([]float32, rows*cols), rows, cols, gap, 77)
	if err := DequantizeMatrix(back, out, p); err != nil {
		t.Fatal(err)
	}
	if differ(back.Data, spaced(real, rows, cols, gap, 77).Data) >= 0 {
		t.Fatal("values differ, or are stored between rows")
	}
}

// TestMatrixErrors has matrices that do not lie within their data, and more.
func TestMatrixErrors(t *testing.T) {
	p := Params{Scheme: Scheme{Bits: 8}, Scale: []float32{1}, ZeroPoint: []int32{0}}
	good := Matrix[int8]{make([]int8, 12), 3, 4, 4}
	for _, tt := range []struct {
		name string
		m    Matrix[float32]
	}{
		{"too short", Matrix[float32]{make([]float32, 11), 3, 4, 4}},
		{"a stride below the width", Matrix[float32]{make([]float32, 12), 3, 4, 3}},
		{"a row less", Matrix[float32]{make([]float32, 12), 2, 4, 4}},
		{"a negative height", Matrix[float32]{nil, -1, 4, 4}},
		{"a product that overflows", Matrix[float32]{make([]float32, 12), 3, 4, math.MaxInt}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := QuantizeMatrix(good, tt.m, p); !errors.Is(err, ErrShape) {
				t.Errorf("QuantizeMatrix: %v, want %v", err, ErrShape)
			}
			if err := DequantizeMatrix(tt.m, good, p); !errors.Is(err, ErrShape) {
				t.Errorf("DequantizeMatrix: %v, want %v", err, ErrShape)
			}
		})
	}
	t.Run("a value that is not finite", func(t *testing.T) {
		m := Matrix[float32]{make([]float32, 20), 3, 4, 8}
		m.Data[17] = nan
		var e *NotFiniteError
		if err := RangesMatrix(make([]Range, 3), m, PerChannel(0)); !errors.As(err, &e) || e.Index != 9 || e.Channel != 2 {
			t.Errorf("%v, want index 9 of channel 2", err)
		}
	})
	t.Run("no rows", func(t *testing.T) {
		if err := QuantizeMatrix(Matrix[int8]{}, Matrix[float32]{}, p); err != nil {
			t.Error(err)
		}
	})
	t.Run("no allocations", func(t *testing.T) {
		if raceEnabled || !stacksAreKnown() {
			t.Skip("there are some here")
		}
		f := func() error {
			var x [40]float32
			var c [40]int8
			var r [4]Range
			in, out := Matrix[float32]{x[:], 4, 7, 10}, Matrix[int8]{c[:], 4, 7, 11}
			return errors.Join(RangesMatrix(r[:], in, PerChannel(0)), QuantizeMatrix(out, in, p), DequantizeMatrix(in, out, p))
		}
		if n := allocations(t, f); n != 0 {
			t.Errorf("%d allocations, want 0", n)
		}
	})
}
