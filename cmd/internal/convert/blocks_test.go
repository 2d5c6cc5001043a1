package convert

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/internal/summary"
)

// values is a source in memory; what is read from element fault on is an error.
type values struct {
	data  []float32
	fault int
}

var errFault = errors.New("fault")

func (v values) ReadFloats(dst []float32, off int) error {
	if v.fault > 0 && off+len(dst) > v.fault {
		return fmt.Errorf("%w in the block from %d", errFault, off)
	}
	copy(dst, v.data[off:off+len(dst)])
	return nil
}

func random(n int) []float32 {
	r := rand.New(rand.NewPCG(1, 2))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// TestCodes writes tensors of several blocks as codes of every width, compares
// them with those of the library and reads them back.
func TestCodes(t *testing.T) {
	shapes := [][]int{{7, 9}, {513, 1023}, {3, 5, 1 << 15}}
	if testing.Short() {
		shapes = shapes[:2]
	}
	for _, test := range []struct {
		bits, width int
		unsigned    bool
		by          quant.Granularity
	}{
		{8, 8, false, quant.PerChannel(0)}, {8, 8, true, quant.PerChannel(1)}, {5, 8, false, quant.PerTensor},
		{4, 4, false, quant.PerGroup(1, 32)}, {4, 4, true, quant.PerGroup(0, 2)}, {3, 4, false, quant.PerTensor},
		{2, 2, true, quant.PerChannel(0)}, {16, 16, false, quant.PerChannel(0)}, {12, 16, true, quant.PerTensor}, {8, 16, false, quant.PerTensor},
	} {
		for _, shape := range shapes {
			t.Run(fmt.Sprint(test, shape), func(t *testing.T) {
				s := quant.Scheme{Bits: test.bits, Unsigned: test.unsigned, Granularity: test.by, ZeroInRange: true}
				x := random(int(elements(shape)))
				src := values{data: x}
				p, m, err := calibrate(t.Context(), src, shape, s, nil, nil, true)
				if err != nil {
					t.Fatal(err)
				}
				if plain, _, err := calibrate(t.Context(), src, shape, s, nil, nil, false); err != nil || !slices.Equal(plain.Scale, p.Scale) {
					t.Errorf("other scales without metrics: %v", err)
				}
				q, err := quant.Quantize(quant.Tensor{Data: x, Shape: shape}, p)
				if err != nil {
					t.Fatal(err)
				}
				var want []byte
				if test.unsigned {
					codes := make([]uint16, len(x))
					quant.Unpack(codes, q.Codes, test.bits)
					want = make([]byte, quant.PackedLen(len(x), test.width))
					quant.Pack(want, codes, test.width)
				} else {
					codes := make([]int16, len(x))
					quant.Unpack(codes, q.Codes, test.bits)
					want = make([]byte, quant.PackedLen(len(x), test.width))
					quant.Pack(want, codes, test.width)
				}
				var got bytes.Buffer
				got.WriteString("head")
				done := 0
				if err := writeCodes(t.Context(), &got, src, shape, p, test.width, func(n int) { done += n }); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got.Bytes()[4:], want) {
					t.Error("other codes than the library's")
				}
				if done != len(x) {
					t.Errorf("%d elements done of %d", done, len(x))
				}

				back := &codeSource{r: bytes.NewReader(got.Bytes()), off: 4, width: test.width, shape: shape, params: p}
				var floats bytes.Buffer
				if err := writeFloats(t.Context(), &floats, back, shape, func(int) {}); err != nil {
					t.Fatal(err)
				}
				y := make([]float32, len(x))
				if _, err := binary.Decode(floats.Bytes(), binary.LittleEndian, y); err != nil {
					t.Fatal(err)
				}
				all, err := quant.Dequantize(q)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(y, all.Data) {
					t.Error("other values than the library's")
				}
				one := make([]float32, 5)
				if err := back.ReadFloats(one, 13); err != nil || !slices.Equal(one, y[13:18]) {
					t.Errorf("from an odd element on: %v, %v, want %v", one, err, y[13:18])
				}
				most := 0.0
				for i := range x {
					most = max(most, math.Abs(float64(y[i]-x[i])))
				}
				if most != float64(m.Metrics.MaxError) {
					t.Errorf("the largest error is %v, not %v", most, m.Metrics.MaxError)
				}
				short := &codeSource{r: bytes.NewReader(got.Bytes()[:got.Len()-1]), off: 4, width: test.width, shape: shape, params: p}
				if err := short.ReadFloats(y, 0); err == nil {
					t.Error("codes that are cut short are read")
				}
			})
		}
	}
}

func TestBlocksFail(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	shape := []int{10, blockLen}
	data := make([]float32, 10*blockLen)
	s := quant.Scheme{Bits: 8}
	p := quant.Params{Scheme: s, Scale: []float32{1}, ZeroPoint: []int32{0}}
	for range 20 {
		var out bytes.Buffer
		err := writeCodes(t.Context(), &out, values{data, 3*blockLen + 5}, shape, p, 8, func(int) {})
		if !errors.Is(err, errFault) || err.Error() != fmt.Sprintf("fault in the block from %d", 3*blockLen) {
			t.Fatalf("a fault in block 3: %v", err)
		}
		if out.Len() != 3*blockLen {
			t.Fatalf("%d bytes written before the fault, want %d", out.Len(), 3*blockLen)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := writeFloats(ctx, &bytes.Buffer{}, values{data: data}, shape, func(int) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	if err := writeFloats(ctx, &bytes.Buffer{}, values{data: data}, []int{3}, func(int) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted before: %v", err)
	}
}

func TestReason(t *testing.T) {
	info := func(name string, shape ...int) tensorfile.Info {
		return tensorfile.Info{Name: name, Floating: true, Shape: shape, Axis: tensorfile.NoAxis}
	}
	o := Options{Include: []string{"a*", "small"}, Exclude: []string{"*.x"}}
	for _, test := range []struct {
		o    Options
		info tensorfile.Info
		want string
	}{
		{o, info("a", 64, 64), ""},
		{o, info("b", 64, 64), reasonNot},
		{o, info("a.x", 64, 64), reasonExcluded},
		{o, info("small", 2, 2), ""},
		{o, info("a.y", 2, 2), reasonTiny},
		{Options{}, info("a", 4096), reasonVector},
		{Options{}, info("a", 1, 4096), reasonVector},
		{Options{}, info("a", 8, 8), ""},
		{Options{}, info("a", 8, 0), reasonEmpty},
		{Options{}, tensorfile.Info{Name: "i", DType: "I64", Shape: []int{64, 64}}, summary.NotFloating("I64")},
	} {
		if got := test.o.reason(test.info); got != test.want {
			t.Errorf("%v %v: %q, want %q", test.info.Name, test.info.Shape, got, test.want)
		}
	}
	if err := o.selection().Check([]string{"small"}); err == nil || err.Error() != `no tensor matches "a*"; there are "small"` {
		t.Errorf("a pattern without a tensor: %v", err)
	}
}

func TestScheme(t *testing.T) {
	last, off := -1, 7
	for _, test := range []struct {
		granularity string
		axis        *int
		known       int
		shape       []int
		want        quant.Granularity
		on          int
	}{
		{option.PerTensor, nil, 1, []int{4, 8}, quant.PerTensor, -1},
		{option.PerChannel, nil, 1, []int{4, 8}, quant.PerChannel(1), 1},
		{option.PerChannel, nil, tensorfile.NoAxis, []int{4, 8}, quant.PerChannel(0), 0},
		{option.PerChannel, &last, 0, []int{4, 8}, quant.PerChannel(1), 1},
		{option.PerGroup, nil, 0, []int{8, 18, 3}, quant.PerGroup(1, 17), 1},
		{option.PerGroup, nil, 1, []int{16, 8}, quant.PerGroup(0, 17), 0},
		{option.PerGroup, nil, 0, []int{8, 40, 40}, quant.PerGroup(2, 17), 2},
		{option.PerGroup, nil, 0, []int{384, 1, 5, 5}, quant.PerChannel(0), 0}, // too short for groups
		{option.PerGroup, nil, 1, []int{15, 8}, quant.PerChannel(1), 1},
		{option.PerGroup, nil, 0, []int{8}, quant.PerGroup(0, 17), 0},
	} {
		o := Options{Bits: 8, Granularity: test.granularity, GroupSize: 17, Axis: test.axis}
		s, axis, err := o.scheme(tensorfile.Info{Shape: test.shape, Axis: test.known})
		if err != nil || s.Granularity != test.want || axis != test.on || !s.ZeroInRange {
			t.Errorf("%+v: %v on axis %d, %v", test, s, axis, err)
		}
	}
	o := Options{Bits: 8, Granularity: option.PerChannel, Axis: &off}
	if _, _, err := o.scheme(tensorfile.Info{Shape: []int{4, 8}}); err == nil {
		t.Error("an axis that is not there is accepted")
	}
	good := Options{Bits: 4, Granularity: option.PerGroup, GroupSize: 32}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for _, bad := range []Options{
		{Bits: 1, Granularity: option.PerTensor}, {Bits: 17, Granularity: option.PerTensor}, {Bits: 8},
		{Bits: 8, Granularity: option.PerGroup}, {Bits: 8, Granularity: option.PerTensor, NarrowRange: true},
		{Bits: 8, Granularity: option.PerTensor, Include: []string{"["}}, {Bits: 8, Granularity: option.PerTensor, Exclude: []string{"["}},
	} {
		if bad.Validate() == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
}

// TestGroupsOfAny has groups and blocks that are longer than any axis: each has one scale for a whole
// row, and is read back.
func TestGroupsOfAny(t *testing.T) {
	linear := filepath.Join(t.TempDir(), "linear.safetensors")
	writeLayers(t, linear)
	for _, test := range []struct {
		kind  Kind
		model string
		o     Options
	}{
		{KindONNX, writeONNX(t, onnxtest.Network(21)), Options{Bits: 4, Mapping: quant.Symmetric, Granularity: option.PerGroup, GroupSize: math.MaxInt}},
		{KindSafetensors, linear, Options{Bits: 8, Format: quant.E4M3FN, Mapping: quant.Symmetric, Granularity: option.PerBlock, Block: [2]int{1, math.MaxInt}}},
	} {
		t.Run(string(test.kind), func(t *testing.T) {
			_, _, r := bothWays(t, test.kind, test.model, t.TempDir(), test.o)
			roundTrip(t, test.kind, test.model, len(r.Weights), test.o)
		})
	}
}

// TestPanicInOrder tests that a panic while a block is filled or taken comes to the caller, and that
// the goroutines that wait for their turn end.
func TestPanicInOrder(t *testing.T) {
	for _, procs := range []int{1, 4} {
		for _, taking := range []bool{false, true} {
			t.Run(fmt.Sprintf("procs=%d/take=%t", procs, taking), func(t *testing.T) {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
				lost := func(in bool, from int) {
					if in == taking && from == 5*blockLen {
						panic("lost")
					}
				}
				var taken []int
				defer func() {
					if v := fmt.Sprint(recover()); !strings.HasPrefix(v, "lost") {
						t.Errorf("panic %.200q", v)
					}
					if !slices.IsSorted(taken) || len(taken) > 5 {
						t.Errorf("blocks at %d were taken", taken)
					}
				}()
				err := inOrder(t.Context(), 20*blockLen,
					func(_ *piece, from, _ int) error { lost(false, from); return nil },
					func(_ *piece, from, _ int) error { lost(true, from); taken = append(taken, from); return nil })
				t.Errorf("there is no panic, but the error %v", err)
			})
		}
	}
}
