package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"

	"github.com/a01592f9/quant"
)

// A check counts the codes, values and parameters that differ from those of ONNX Runtime.
type check struct {
	Cases       int // calls of an operator
	Compared    int // codes, values and parameters
	Differences int
	Examples    []string // of differences

	// Far and Mixed count differences where ONNX Runtime departs from the specification of
	// its operator.
	//
	// Far: in some of its code a quotient is converted to an int32, and the zero
	// point added, before the code is clamped. Quotients from about 2^31 up, below
	// about -2^31 and NaN then get any code. That is so with blocks, with codes of
	// 2 bits, and with codes of 4 bits for channels on the last axis and for the
	// ends of runs of an odd number.
	//
	// Mixed: 2-bit codes with channels on the last axis. The first two of four
	// elements are quantized with the parameters of the third.
	Far, Mixed int
}

func (c *check) String() string {
	s := fmt.Sprintf("%d codes, values and parameters compared in %d calls: %d differences, and %d known faults",
		c.Compared, c.Cases, c.Differences, c.Far+c.Mixed)
	if len(c.Examples) > 0 {
		s += "\n\t" + strings.Join(c.Examples, "\n\t")
	}
	return s
}

// differ counts a difference, and describes the first ones.
func (c *check) differ(format string, args ...any) {
	c.Differences++
	if len(c.Examples) < 10 {
		c.Examples = append(c.Examples, fmt.Sprintf(format, args...))
	}
}

var codeTypes = []struct {
	typ      int
	bits     int
	unsigned bool
	opset    int // of the operators that have the type
}{
	{typeInt8, 8, false, 21}, {typeUint8, 8, true, 21},
	{typeInt16, 16, false, 21}, {typeUint16, 16, true, 21},
	{typeInt4, 4, false, 21}, {typeUint4, 4, true, 21},
	{typeInt2, 2, false, 25}, {typeUint2, 2, true, 25},
}

// checkORT compares the operators with this library, on random data and
// special values.
func checkORT(o *onnxruntime) (*check, error) {
	c := new(check)
	r := rand.New(rand.NewPCG(3, 5))
	tables := [][]int{{7, 31}, {37, 64}, {64, 4096}}
	granularities := []quant.Granularity{
		quant.PerTensor, quant.PerChannel(0), quant.PerChannel(1), quant.PerGroup(1, 16), quant.PerGroup(0, 16),
	}
	solids := [][]int{{3, 5, 9}, {6, 40, 33}, {4, 48, 64}}
	middle := []quant.Granularity{
		quant.PerChannel(1), quant.PerChannel(2), quant.PerGroup(0, 2), quant.PerGroup(1, 16), quant.PerGroup(2, 32),
	}
	for _, ct := range codeTypes {
		for _, shape := range append(tables[:len(tables):len(tables)], solids...) {
			all := granularities
			if len(shape) == 3 {
				all = middle
			}
			for _, by := range all {
				for _, kind := range dataKinds {
					s := quant.Scheme{Bits: ct.bits, Unsigned: ct.unsigned, Granularity: by}
					if err := c.linear(o, r, s, ct.typ, ct.opset, shape, kind); err != nil {
						return nil, err
					}
				}
			}
		}
		runtime.GC()
	}
	for _, kind := range []dataKind{normal, positive, zeros, constant, wide} {
		for _, shape := range append(tables[:len(tables):len(tables)], []int{1}, []int{33}) {
			if err := c.dynamic(o, r, shape, kind); err != nil {
				return nil, err
			}
		}
	}
	return c, nil
}

// A dataKind is a kind of test data.
type dataKind string

const (
	normal   dataKind = "normal"      // as weights are
	ties     dataKind = "ties"        // halves of a scale
	special  dataKind = "special"     // zeros, subnormals, infinities, NaN and the largest
	anything dataKind = "all float32" // any pattern of 32 bits, and any scale
	positive dataKind = "positive"
	zeros    dataKind = "zeros"
	constant dataKind = "constant"
	wide     dataKind = "wide"
)

var dataKinds = []dataKind{normal, ties, special, anything}

// scale returns a scale for data of a kind.
func (k dataKind) scale(r *rand.Rand) float32 {
	switch k {
	case ties:
		return float32(math.Ldexp(1, r.IntN(20)-10))
	case anything:
		return math.Float32frombits(0x0080_0000 + r.Uint32N(0x7f00_0000))
	}
	return float32(math.Exp(r.NormFloat64()) * 1e-3)
}

// specials are the values of the kind special, some of them multiplied by a scale.
var specials = []float32{
	0, float32(math.Copysign(0, -1)), float32(math.NaN()), -float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)),
	math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32, 0x1p-126, -0x1p-126,
	1, -1, 0.5, -0.5, 127.5, 128, -128.5, 0x1p23, 0x1p24 + 2, 0x1p30, 0x1p31, -0x1p31, 0x1.fffffep30, 0x1p32, 0x1p63, 0x1p64, -0x1p64,
}

// fill fills x with data around a scale.
func (k dataKind) fill(r *rand.Rand, x []float32, scale func(i int) float32, steps float64) {
	for i := range x {
		switch k {
		case normal:
			x[i] = float32(r.NormFloat64()*steps/3) * scale(i)
		case ties:
			x[i] = float32(float64(r.IntN(4*int(steps)+1)-2*int(steps))/2) * scale(i)
		case special:
			if x[i] = specials[r.IntN(len(specials))]; r.IntN(2) == 0 {
				x[i] *= scale(i)
			}
		case anything:
			x[i] = math.Float32frombits(r.Uint32())
		case positive:
			x[i] = float32(r.ExpFloat64())
		case zeros:
			x[i] = 0
		case constant:
			x[i] = -3.7
		case wide:
			x[i] = float32(math.Ldexp(r.NormFloat64(), r.IntN(60)-30))
		}
	}
}

// linear compares QuantizeLinear and DequantizeLinear, with random parameters.
func (c *check) linear(o *onnxruntime, r *rand.Rand, s quant.Scheme, typ, opset int, shape []int, kind dataKind) error {
	count, err := s.NumParams(shape)
	if err != nil {
		return err
	}
	qmin, qmax := s.Grid()
	p := quant.Params{Scheme: s}
	zero := make([]uint16, count) // as codes
	for i := range count {
		p.Scale = append(p.Scale, kind.scale(r))
		p.ZeroPoint = append(p.ZeroPoint, int32(qmin+r.IntN(qmax-qmin+1)))
		zero[i] = uint16(p.ZeroPoint[i])
	}
	zeroData := make([]byte, quant.PackedLen(count, s.Bits))
	quant.Pack(zeroData, zero, s.Bits)

	n := product(shape)
	of := func(i int) int { return paramIndex(s.Granularity, shape, i) }
	x := make([]float32, n)
	kind.fill(r, x, func(i int) float32 { return p.Scale[of(i)] }, float64(qmax-qmin))

	ours, err := quant.Quantize(quant.Tensor{Data: x, Shape: shape}, p)
	if err != nil {
		return err
	}
	theirs := quant.Quantized{Codes: make([]byte, len(ours.Codes)), Shape: shape, Params: p}
	node := linear("QuantizeLinear", p, shape, typ, typeFloat, typ, zeroData)
	if err := o.once(node, opset, asBytes(x), theirs.Codes); err != nil {
		return fmt.Errorf("%d bits, %v: %w", s.Bits, s.Granularity, err)
	}
	c.Cases++
	c.Compared += n
	for i := range n {
		a, b := ours.At(i), theirs.At(i)
		if a == b {
			continue
		}
		if c.fault(s, shape, i, x[i]/p.Scale[of(i)]) {
			continue
		}
		c.differ("QuantizeLinear, %d bits, %v, %v: %v / %v + %d has the code %d, not %d",
			s.Bits, s.Granularity, kind, x[i], p.Scale[of(i)], p.ZeroPoint[of(i)], a, b)
	}

	for i := range ours.Codes {
		ours.Codes[i] = byte(r.Uint32())
	}
	mine, err := quant.Dequantize(ours)
	if err != nil {
		return err
	}
	y := make([]float32, n)
	node = linear("DequantizeLinear", p, shape, typ, typ, typeFloat, zeroData)
	if err := o.once(node, opset, ours.Codes, asBytes(y)); err != nil {
		return fmt.Errorf("%d bits, %v: %w", s.Bits, s.Granularity, err)
	}
	c.Cases++
	c.Compared += n
	for i := range n {
		if a, b := mine.Data[i], y[i]; math.Float32bits(a) != math.Float32bits(b) {
			c.differ("DequantizeLinear, %d bits, %v, %v: (%d - %d) * %v is %v, not %v",
				s.Bits, s.Granularity, kind, ours.At(i), p.ZeroPoint[of(i)], p.Scale[of(i)], a, b)
		}
	}
	return nil
}

// fault counts the difference of element i in Far or Mixed, if it is one of these faults.
func (c *check) fault(s quant.Scheme, shape []int, i int, quotient float32) bool {
	axis, channels := s.Granularity.Axis()
	_, blocks := s.Granularity.GroupSize()
	columns := channels && !blocks && axis == len(shape)-1
	if s.Bits == 2 && columns {
		c.Mixed++
		return true
	}
	const most = 1<<31 - 1<<16 // the sum of such a quotient and a zero point is still an int32
	if -most <= quotient && quotient <= most {
		return false
	}
	// A byte with only one 4-bit code of a run is written by another path.
	run := product(shape)
	if channels {
		run = product(shape[axis+1:])
	}
	end := run%2 == 1 && (i%run == 0 || i%run == run-1)
	if blocks || s.Bits == 2 || s.Bits == 4 && (columns || end) {
		c.Far++
		return true
	}
	return false
}

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// paramIndex returns the index of the parameter of element i.
func paramIndex(by quant.Granularity, shape []int, i int) int {
	axis, ok := by.Axis()
	if !ok {
		return 0
	}
	inner := product(shape[axis+1:])
	at, outer := i/inner%shape[axis], i/inner/shape[axis]
	size, ok := by.GroupSize()
	if !ok {
		return at
	}
	groups := (shape[axis] + size - 1) / size
	return (outer*groups+at/size)*inner + i%inner
}

// dynamic compares DynamicQuantizeLinear.
func (c *check) dynamic(o *onnxruntime, r *rand.Rand, shape []int, kind dataKind) error {
	n := product(shape)
	x := make([]float32, n)
	kind.fill(r, x, func(int) float32 { return 0.01 }, 50)
	t := quant.Tensor{Data: x, Shape: shape}
	p, err := quant.Calibrate(t, quant.Scheme{Bits: 8, Unsigned: true, ZeroInRange: true})
	if err != nil {
		return err
	}
	ours, err := quant.Quantize(t, p)
	if err != nil {
		return err
	}
	codes, scale, zero := make([]byte, n), make([]byte, 4), make([]byte, 1)
	if err := o.once(dynamic(shape), opset, asBytes(x), codes, scale, zero); err != nil {
		return err
	}
	c.Cases++
	c.Compared += n + 2
	if s := math.Float32frombits(binary.LittleEndian.Uint32(scale)); s != p.Scale[0] {
		c.differ("DynamicQuantizeLinear, %v: scale %v, not %v", kind, p.Scale[0], s)
	}
	if int32(zero[0]) != p.ZeroPoint[0] {
		c.differ("DynamicQuantizeLinear, %v: zero point %d, not %d", kind, p.ZeroPoint[0], zero[0])
	}
	for i, b := range codes {
		if a := ours.Codes[i]; a != b {
			c.differ("DynamicQuantizeLinear, %v: %v has the code %d, not %d", kind, x[i], a, b)
		}
	}
	return nil
}

// once runs a model once.
func (o *onnxruntime) once(n *node, opset int, buffers ...[]byte) error {
	s, err := o.open(n, opset, 1, buffers...)
	if err != nil {
		return err
	}
	defer s.release()
	return s.run()
}
