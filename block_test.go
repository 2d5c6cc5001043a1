package quant

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// blocksOf returns granularities of blocks that a shape allows: none if it has one axis.
func blocksOf(shape []int) []Granularity {
	if len(shape) < 2 {
		return nil
	}
	return []Granularity{PerBlock(0, 3, -1, 7), PerBlock(len(shape)-1, 300, -2, 40)}
}

// TestBlockLayout compares everything that a layout says of blocks with the parameter of each
// element.
func TestBlockLayout(t *testing.T) {
	for _, shape := range [][]int{{2, 2}, {5, 7}, {7, 1}, {1, 9}, {3, 4, 5}, {2, 5, 2, 6}} {
		n, _ := elements(shape)
		for axis := range len(shape) - 1 {
			for size0 := 1; size0 <= shape[axis]+1; size0++ {
				for size1 := 1; size1 <= shape[len(shape)-1]+1; size1++ {
					for _, g := range []Granularity{PerBlock(axis, size0, -1, size1), PerBlock(len(shape)-1, size1, axis-len(shape), size0)} {
						testBlockLayout(t, n, shape, g)
					}
				}
			}
		}
	}
}

func testBlockLayout(t *testing.T, n int, shape []int, g Granularity) {
	t.Helper()
	l, err := newLayout(n, shape, g)
	if err != nil {
		t.Fatal(err)
	}
	want := make([]int, n)
	elements := make(map[int][]int)
	for e := range n {
		want[e] = paramIndex(shape, g, e)
		elements[want[e]] = append(elements[want[e]], e)
	}
	if l.params != len(elements) || slices.Max(want) != l.params-1 {
		t.Fatalf("%v of %v: %d parameters, want %d", g, shape, l.params, len(elements))
	}
	if l.cols = 0; l.tall == 0 {
		return // groups or the whole tensor, whose tests are others
	}
	for e := range n {
		for end := e + 1; end <= n; end++ {
			s := l.span(e, end)
			for i := range s.n {
				p := s.p + i/s.run
				if s.columns {
					p = s.p + i%s.run
				}
				if p != want[e+i] {
					t.Fatalf("%v of %v: element %d has parameter %d, want %d", g, shape, e+i, p, want[e+i])
				}
			}
			from, to := l.paramsOf(e, end)
			if least, most := slices.Min(want[e:end]), slices.Max(want[e:end]); from > least || to <= most || to > l.params {
				t.Fatalf("%v of %v: elements %d to %d have parameters %d to %d, want %d to %d", g, shape, e, end, from, to, least, most+1)
			}
		}
	}
	largest := 0
	for p := range l.params {
		b := l.values(p, 1)
		var got []int
		for r := range b.rows {
			for i := range b.n {
				got = append(got, b.e+r*b.stride+i)
			}
		}
		if !slices.Equal(got, elements[p]) || l.size(p) != uint64(len(got)) {
			t.Fatalf("%v of %v: parameter %d has elements %v, and %d, want %v", g, shape, p, got, l.size(p), elements[p])
		}
		largest = max(largest, len(got))
	}
	if l.largest() != largest {
		t.Fatalf("%v of %v: at most %d elements, want %d", g, shape, l.largest(), largest)
	}
}

// TestBlocks has the blocks of a small matrix, with codes that can be computed by hand.
func TestBlocks(t *testing.T) {
	x := Tensor{[]float32{
		127, -1, 2, 254, 0,
		64, 5, -7, 0, 12.7,
		1, 1, 1, 1, 1.27,
	}, []int{3, 5}}
	s := Scheme{Bits: 8, Mapping: Symmetric, NarrowRange: true, Granularity: PerBlock(0, 2, 1, 2)}
	p, err := Calibrate(x, s)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float32{127, 254, 12.7, 1, 1, 1.27} {
		if p.Scale[i] != want/127 {
			t.Errorf("block %d has the scale %v, want %v/127", i, p.Scale[i], want)
		}
	}
	codes := make([]int8, 15)
	if err := QuantizeCodes(codes, x, p); err != nil {
		t.Fatal(err)
	}
	if want := []int8{127, -1, 1, 127, 0, 64, 5, -4, 0, 127, 127, 127, 127, 127, 127}; !slices.Equal(codes, want) {
		t.Errorf("codes %d, want %d", codes, want)
	}
	if m := s.Memory(15, len(p.Scale)); m != (Memory{15, 48}) {
		t.Errorf("memory %+v, want 15 codes and 6 pairs of 8 bytes", m)
	}
	if m := (Scheme{Format: E4M3FN, Granularity: s.Granularity}).Memory(15, 6); m != (Memory{15, 24}) {
		t.Errorf("memory of fp8 %+v, want 15 codes and 6 scales", m)
	}
}

// TestBlocksAreGroups has blocks that are one high or one wide, and so groups of an axis, and
// blocks of a whole tensor.
func TestBlocksAreGroups(t *testing.T) {
	x := Tensor{valuesOf(3, 6*5*40, byName("normal")), []int{6, 5, 40}}
	for _, tt := range []struct{ block, same Granularity }{
		{PerBlock(1, 1, 2, 16), PerGroup(2, 16)},
		{PerBlock(2, 16, 0, 1), PerGroup(2, 16)},
		{PerBlock(0, 4, 2, 1), PerGroup(0, 4)},
		{PerBlock(1, 1, 2, 100), PerGroup(2, 100)},
	} {
		t.Run(tt.block.String(), func(t *testing.T) {
			p, err := Calibrate(x, Scheme{Bits: 4, Granularity: tt.block})
			if err != nil {
				t.Fatal(err)
			}
			want, err := Calibrate(x, Scheme{Bits: 4, Granularity: tt.same})
			if err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(p.Scale, p.ZeroPoint) != fmt.Sprint(want.Scale, want.ZeroPoint) {
				t.Errorf("parameters differ from those %v", tt.same)
			}
		})
	}
	matrix := Tensor{x.Data, []int{30, 40}}
	p, err := Calibrate(matrix, Scheme{Bits: 4, Granularity: PerBlock(0, 30, 1, 64)})
	if err != nil {
		t.Fatal(err)
	}
	want, err := Calibrate(matrix, Scheme{Bits: 4})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Scale) != 1 || p.Scale[0] != want.Scale[0] {
		t.Errorf("a block of the whole tensor has the scales %v, want %v", p.Scale, want.Scale)
	}
}

func TestBadBlocks(t *testing.T) {
	x := Tensor{make([]float32, 24), []int{2, 3, 4}}
	for _, tt := range []struct {
		name string
		x    Tensor
		g    Granularity
		want error
		text string
	}{
		{"no first axis", x, PerBlock(3, 2, -1, 2), ErrAxis, "axis 3"},
		{"no last axis", x, PerBlock(0, 2, -4, 2), ErrAxis, "axis -4"},
		{"one axis twice", x, PerBlock(2, 2, -1, 2), ErrAxis, "both axes of a block are axis 2"},
		{"not the last axis", x, PerBlock(0, 2, 1, 2), ErrAxis, "axes 0 and 1 of a tensor with 3"},
		{"a tensor of one axis", Tensor{Data: x.Data}, PerBlock(0, 2, -1, 2), ErrAxis, "both axes of a block are axis 0"},
		{"no size", x, PerBlock(0, 0, -1, 2), ErrGroupSize, "0 is not positive"},
		{"negative size", x, PerBlock(0, 1, -1, -2), ErrGroupSize, "-2 is not positive"},
		{"no element", Tensor{nil, []int{0, 3}}, PerBlock(0, 2, -1, 2), ErrEmpty, "no elements"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Calibrate(tt.x, Scheme{Bits: 8, Granularity: tt.g})
			checkError(t, err, tt.want, tt.text)
			if errors.Is(tt.want, ErrEmpty) {
				return
			}
			o := newObserver(t, Scheme{Bits: 8}, RefuseNotFinite)
			o.scheme.Granularity = tt.g
			if err := o.Observe(tt.x); !errors.Is(err, tt.want) {
				t.Errorf("Observe: %v", err)
			}
		})
	}
	s := Scheme{Bits: 8, Granularity: PerBlock(1, 2, 2, 2)}
	p := Params{Scheme: s, Scale: []float32{1, 1, 1, 1, 1, 1, 0, 1}, ZeroPoint: make([]int32, 8)}
	var e *ParamError
	if _, err := Quantize(x, p); !errors.As(err, &e) || e.Index != 6 {
		t.Errorf("a scale of 0: %v, want an error at block 6", err)
	}
	x.Data[13] = float32(math.NaN())
	var bad *NotFiniteError
	if _, err := Calibrate(x, s); !errors.As(err, &bad) || bad.Index != 13 || bad.Channel != -1 {
		t.Errorf("NaN: %v, want an error at index 13", err)
	}
	if _, err := Difference(x, x, s.Granularity, PerTensor); !errors.Is(err, ErrScheme) {
		t.Errorf("blocks as channels: %v", err)
	}
	if q, err := Quantize(Tensor{nil, []int{0, 3}}, Params{Scheme: Scheme{Bits: 8, Granularity: PerBlock(0, 2, 1, 2)}}); err != nil || len(q.Codes) != 0 {
		t.Errorf("a batch of no rows: %v", err)
	}
}

func TestBlockGranularity(t *testing.T) {
	g := PerBlock(-2, 128, -1, 64)
	if _, ok := g.Axis(); ok {
		t.Error("Axis of a block")
	}
	if _, ok := g.GroupSize(); ok {
		t.Error("GroupSize of a block")
	}
	if a, s, b, r, ok := g.Block(); a != -2 || s != 128 || b != -1 || r != 64 || !ok {
		t.Error(g.Block())
	}
	if _, _, _, _, ok := PerGroup(0, 4).Block(); ok {
		t.Error("Block of a group")
	}
	if got, want := g.String(), "per block of 128x64 (axes -2 and -1)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for text, want := range map[string]string{
		"block128x128":             "needs two axes",
		"block128@0x1":             `"128" is not two whole numbers`,
		"block128x128@0":           `"0" is not two whole numbers`,
		"128xmany":                 `"many" is not a whole number`,
		"block128x128x2@0x1":       `"128x2" is not a whole number`,
		"block0x128@0x1":           "0 is not positive",
		"block16x16@zerox1":        `"zero" is not a whole number`,
		"block16x16@0x1@2":         `"1@2" is not a whole number`,
		"128x99999999999999999999": "is not a whole number",
	} {
		_, err := ParseGranularity(text)
		checkError(t, err, nil, want)
	}
}

// checkError checks that an error wraps one, unless that is nil, and has a text.
func checkError(t *testing.T, err, want error, text string) {
	t.Helper()
	if err == nil || want != nil && !errors.Is(err, want) || !strings.Contains(err.Error(), text) {
		t.Errorf("error %v, want %v with %q", err, want, text)
	}
}
