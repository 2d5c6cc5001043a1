package quant

import (
	"math"
	"unsafe"
)

// Small calls: functions on tensors so small that one kernel call can do the whole tensor, or
// one for each buffer of codes. They do without a layout, a transform and a walk, which would
// take most of the time. A call with an error, or with unusual options, takes the general way,
// which also reports the error.

// An extent says how a small tensor is divided: into runs, or into rows of columns.
type extent struct {
	run     int // length of a run or a row; 0 if the tensor is not small
	params  int
	columns bool
}

const (
	// smallRows is the largest number of rows in a small call, if the rows have fewer than
	// wideRow columns. The general way merges more rows than that, see layout.
	smallRows = 16

	// smallLen is the longest tensor for which a call uses a smaller buffer. Go sets buffers to
	// zero, which takes time.
	smallLen = 128

	// smallParams is the largest number of parameters in a small calibration. The ranges of up to
	// stackParams are on the stack. Go sets them to zero there, which takes time.
	smallParams = 512
	stackParams = 32
)

// extent returns how g divides a tensor of n elements.
func (g *Granularity) extent(n int, shape []int) extent {
	if n == 0 || n > partLen || len(shape) > 0 && smallElements(shape) != n {
		return extent{}
	}
	if g.unit == perTensor {
		return extent{run: n, params: 1}
	}
	rank := max(len(shape), 1)
	axis := g.axis
	if axis < 0 {
		axis += rank
	}
	if uint(axis) >= uint(rank) {
		return extent{}
	}
	outer, length, inner := 1, n, 1
	if len(shape) > 0 {
		length = shape[axis]
		for _, d := range shape[:axis] {
			outer *= d
		}
		if axis < rank-1 {
			inner = n / (outer * length)
		}
	}
	switch {
	case g.unit == perGroup:
		if inner > 1 || g.size <= 0 || outer > 1 && length%min(g.size, length) != 0 {
			return extent{}
		}
		run := min(g.size, length)
		return extent{run: run, params: outer * ((length + run - 1) / run)}
	case length == 1:
		return extent{run: n, params: 1}
	case inner == 1 && (length >= wideRow || outer <= smallRows):
		return extent{run: length, params: length, columns: true}
	case outer == 1:
		return extent{run: inner, params: length}
	}
	return extent{}
}

// smallElements returns the number of elements of shape, or 0 if it is more than partLen.
func smallElements(shape []int) int {
	if len(shape) == 0 {
		return 0
	}
	n := 1
	for _, d := range shape {
		if d <= 0 || d > partLen {
			return 0
		}
		if n *= d; n > partLen {
			return 0
		}
	}
	return n
}

// usual reports whether s is valid and has integer codes and float32 scales.
func (s *Scheme) usual() bool {
	return s.Format.number == 0 && s.Scales == Float32Scale && uint(s.Bits-2) <= 14 && s.Mapping <= Symmetric && s.Granularity.unit <= perGroup &&
		(!s.NarrowRange || !s.Unsigned && s.Mapping == Symmetric) &&
		(s.Divisor == FarEnd || s.Mapping == Symmetric && s.Divisor < divisors) &&
		(!s.SignedScale || s.Mapping == Symmetric && s.Divisor == FarEnd && !s.NarrowRange) &&
		(s.Method.kind == minMax && math.Float64bits(s.Method.fraction) == 0 || s.Method.validate() == nil)
}

// small returns how p divides a tensor of n elements. ok is false if a small call cannot use p
// for it.
func (p *Params) small(n int, shape []int) (extent, bool) {
	e := p.Scheme.Granularity.extent(n, shape)
	if e.run == 0 || len(p.Scale) != e.params || len(p.ZeroPoint) != e.params || !p.Scheme.usual() {
		return e, false
	}
	if p.Scheme.SignedScale {
		return e, p.usable(0, e.params)
	}
	if e.params == 1 {
		return e, usableParam(p.Scale[0], p.ZeroPoint[0])
	}
	return e, usableParams(p.Scale, p.ZeroPoint)
}

// smallOf reports whether a tensor of n elements and the given shape is small.
func smallOf(n int, shape []int) bool {
	return uint(n-1) < partLen && (len(shape) == 0 || len(shape) == 1 && shape[0] == n || smallElements(shape) == n)
}

// ofOne8 reports whether p can be plain8. It is a part of that check which is compiled into the
// caller, so that other calls lose no time.
func (p *Params) ofOne8() bool {
	return p.Scheme.Bits == 8 && p.Scheme.Granularity.unit == perTensor
}

// plain8 reports whether p, which is ofOne8, is one valid scale and zero point of codes of 8 bits
// for a small tensor of n elements.
func (p *Params) plain8(n int, shape []int) bool {
	return p.Scheme.usual() && p.Scheme.Divisor == FarEnd && !p.Scheme.SignedScale && smallOf(n, shape) &&
		len(p.Scale) == 1 && len(p.ZeroPoint) == 1 && usableParam(p.Scale[0], p.ZeroPoint[0])
}

// quantizePlain stores the codes of x, one byte each, in dst.
func (p *Params) quantizePlain(dst []uint8, x []float32) {
	qmin, qmax := p.Scheme.grid8()
	quantizeInt8Runs(dst, x, len(x), p.Scale, p.ZeroPoint, qmin, qmax, false)
}

// dequantizePlain stores the real values of c, one byte each, in dst.
func (p *Params) dequantizePlain(dst []float32, c []uint8) {
	dequantizeInt8Runs(dst, c, len(c), p.Scale, p.ZeroPoint, !p.Scheme.Unsigned, false)
}

// usableParam reports whether a scale that is not signed and a zero point are valid.
func usableParam(scale float32, zero int32) bool {
	return math.Float32bits(scale)-1 < 0x7f7fffff && uint32(zero+maxZeroPoint) <= 2*maxZeroPoint
}

// grid8 is Grid for integer codes of 8 bits.
func (s *Scheme) grid8() (qmin, qmax int32) {
	if s.Unsigned {
		return 0, 255
	}
	if s.NarrowRange {
		return -127, 127
	}
	return -128, 127
}

// fitsSmall reports whether codes of s fit into T, and T is a type of the kernels.
func fitsSmall[T Code](s *Scheme) bool {
	return s.Unsigned == (^T(0) > 0) && s.Bits <= 8*int(unsafe.Sizeof(T(0)))
}

// smallFormat is small for codes of a format other than integers, which have the type T and are
// not packed. It also returns the table of the format, or nil if a small call cannot use p.
func smallFormat[T Code](p *Params, n int, shape []int) (extent, *codebook) {
	s := &p.Scheme
	if s.Format.number == 0 || unsafe.Sizeof(T(0)) > 1 || ^T(0) < 0 || s.Scales != Float32Scale || s.Granularity.unit > perGroup {
		return extent{}, nil
	}
	e := s.Granularity.extent(n, shape)
	if e.run == 0 || len(p.Scale) != e.params || len(p.ZeroPoint) != e.params || s.Validate() != nil || !usableParams(p.Scale, p.ZeroPoint) {
		return extent{}, nil
	}
	return e, s.Format.book()
}

// quantizeBook stores the codes of x in dst, not packed.
func (p *Params) quantizeBook(dst []uint8, x []float32, e extent, b *codebook) {
	if e.columns {
		quantizeBookColumns(dst, x, p.Scale, b)
	} else {
		quantizeBookRuns(dst, x, e.run, p.Scale, b, false)
	}
}

// quantizeSmallTable stores the codes of t in dst if they have 4 bits and a kernel packs them. It
// returns false, and stores nothing, if t needs the general way.
func (p *Params) quantizeSmallTable(dst []byte, t Tensor) bool {
	e, b := smallFormat[uint8](p, len(t.Data), t.Shape)
	return b != nil && b.bits == 4 && !e.columns && PackedLen(len(t.Data), 4) <= len(dst) && quantizeBookPacked(dst, t.Data, e.run, p.Scale, b)
}

// dequantizeBook stores the real values of c in dst.
func (p *Params) dequantizeBook(dst []float32, c []uint8, e extent, b *codebook) {
	if e.columns {
		dequantizeBookColumns(dst, c, p.Scale, b)
	} else {
		dequantizeBookRuns(dst, c, e.run, p.Scale, b, false)
	}
}

// quantizeElements stores the codes of x in dst, not packed.
func (p *Params) quantizeElements(dst codes, x []float32, e extent) {
	lo, hi := p.Scheme.Grid()
	qmin, qmax := int32(lo), int32(hi)
	switch {
	case dst.code8 != nil && e.columns:
		quantizeInt8Columns(dst.code8, x, p.Scale, p.ZeroPoint, qmin, qmax, false)
	case dst.code8 != nil:
		quantizeInt8Runs(dst.code8, x, e.run, p.Scale, p.ZeroPoint, qmin, qmax, false)
	case e.columns:
		quantizeInt16Columns(dst.code16, x, p.Scale, p.ZeroPoint, qmin, qmax, false)
	default:
		quantizeInt16Runs(dst.code16, x, e.run, p.Scale, p.ZeroPoint, qmin, qmax, false)
	}
}

// dequantizeElements stores the real values of c, which is not packed, in dst.
func (p *Params) dequantizeElements(dst []float32, c codes, e extent) {
	signed := !p.Scheme.Unsigned
	switch {
	case c.code8 != nil && e.columns:
		dequantizeInt8Columns(dst, c.code8, p.Scale, p.ZeroPoint, signed, false)
	case c.code8 != nil:
		dequantizeInt8Runs(dst, c.code8, e.run, p.Scale, p.ZeroPoint, signed, false)
	case e.columns:
		dequantizeInt16Columns(dst, c.code16, p.Scale, p.ZeroPoint, signed, false)
	default:
		dequantizeInt16Runs(dst, c.code16, e.run, p.Scale, p.ZeroPoint, signed, false)
	}
}

// inBuffers reports whether codes can be packed one buffer after the other: every buffer holds
// whole runs, or one buffer holds all codes.
func (e extent) inBuffers(n int) bool {
	return n <= bufLen || e.params == 1 || !e.columns && bufLen%e.run == 0
}

// quantizeSmall stores the packed codes of x in dst. It returns false, and stores nothing, if
// the tensor needs the general way.
func (p *Params) quantizeSmall(dst []byte, x []float32, e extent) bool {
	bits := p.Scheme.Bits
	n := PackedLen(len(x), bits)
	if n > len(dst) {
		return false
	}
	switch {
	case bits == 8:
		p.quantizeElements(codes{code8: dst[:n]}, x, e)
	case bits > 8:
		c := packedCodes(dst[:n], len(x), bits)
		if c.code16 == nil {
			return false
		}
		p.quantizeElements(c, x, e)
	case (bits == 4 || bits == 2) && !e.columns && p.quantizeInRegisters(dst, x, e):
	case len(x) <= smallLen:
		p.quantizeShort(dst, x, e)
	case e.inBuffers(len(x)):
		p.quantizePacked(dst, x, e)
	default:
		return false
	}
	return true
}

// quantizeInRegisters packs the codes of x if a kernel makes packed codes of 4 or 2 bits.
func (p *Params) quantizeInRegisters(dst []byte, x []float32, e extent) bool {
	lo, hi := p.Scheme.Grid()
	if e.params == 1 && quantizePacked(dst, x, p.Scale[0], p.ZeroPoint[0], int32(lo), int32(hi), p.Scheme.Bits) {
		return true
	}
	return p.Scheme.Bits == 4 && quantize4Runs(dst, x, e.run, p.Scale, p.ZeroPoint, int32(lo), int32(hi))
}

// quantizeShort packs the codes of up to smallLen elements.
func (p *Params) quantizeShort(dst []byte, x []float32, e extent) {
	var buf [smallLen]uint8
	c := buf[:len(x)]
	p.quantizeElements(codes{code8: c}, x, e)
	pack8(dst, c, p.Scheme.Bits, false)
}

func (p *Params) quantizePacked(dst []byte, x []float32, e extent) {
	var buf [bufLen]uint8
	q := *p
	for len(x) > 0 {
		n := min(bufLen, len(x))
		q.quantizeElements(codes{code8: buf[:n]}, x[:n], e)
		pack8(dst, buf[:n], p.Scheme.Bits, false)
		if x = x[n:]; len(x) > 0 {
			dst = dst[bufLen/8*p.Scheme.Bits:]
			q.next(e)
		}
	}
}

// next advances p to the parameters of the next buffer.
func (p *Params) next(e extent) {
	if e.params > 1 {
		p.Scale, p.ZeroPoint = p.Scale[bufLen/e.run:], p.ZeroPoint[bufLen/e.run:]
	}
}

// dequantizeSmall is the inverse of quantizeSmall.
func (p *Params) dequantizeSmall(dst []float32, packed []byte, e extent) bool {
	bits := p.Scheme.Bits
	if PackedLen(len(dst), bits) != len(packed) {
		return false
	}
	switch {
	case bits == 8:
		p.dequantizeElements(dst, codes{code8: packed}, e)
	case bits > 8:
		c := packedCodes(packed, len(dst), bits)
		if c.code16 == nil {
			return false
		}
		p.dequantizeElements(dst, c, e)
	case bits == 4 && !e.columns && (e.params == 1 || e.run%2 == 0) &&
		dequantize4Runs(dst, packed, e.run, p.Scale, p.ZeroPoint, !p.Scheme.Unsigned, false):
	case bits == 2 && !e.columns && (e.params == 1 || e.run%4 == 0) &&
		dequantize2Runs(dst, packed, e.run, p.Scale, p.ZeroPoint, !p.Scheme.Unsigned, false):
	case len(dst) <= smallLen:
		p.dequantizeShort(dst, packed, e)
	case e.inBuffers(len(dst)):
		p.dequantizePacked(dst, packed, e)
	default:
		return false
	}
	return true
}

// dequantizeShort stores the real values of up to smallLen packed codes.
func (p *Params) dequantizeShort(dst []float32, packed []byte, e extent) {
	var buf [smallLen]uint8
	c := buf[:len(dst)]
	unpack8(c, packed, p.Scheme.Bits, !p.Scheme.Unsigned)
	p.dequantizeElements(dst, codes{code8: c}, e)
}

func (p *Params) dequantizePacked(dst []float32, packed []byte, e extent) {
	var buf [bufLen]uint8
	q := *p
	for len(dst) > 0 {
		n := min(bufLen, len(dst))
		unpack8(buf[:n], packed, p.Scheme.Bits, !p.Scheme.Unsigned)
		q.dequantizeElements(dst[:n], codes{code8: buf[:n]}, e)
		if dst = dst[n:]; len(dst) > 0 {
			packed = packed[bufLen/8*p.Scheme.Bits:]
			q.next(e)
		}
	}
}

// calibratePlain stores the parameters of t in p, for a scheme per tensor. It returns false, and
// leaves p unchanged, if t needs the general way.
func (s *Scheme) calibratePlain(p *Params, t Tensor) bool {
	return s.Method.kind == minMax && s.usual() && smallOf(len(t.Data), t.Shape) && s.calibrateOne(p, t.Data)
}

// calibrateOne stores the parameters of the range of x in p. It returns false, and leaves p
// unchanged, for values that are not finite.
func (s *Scheme) calibrateOne(p *Params, x []float32) bool {
	var lo, hi [1]float32
	if !rangeRuns(lo[:], hi[:], x, len(x)) {
		return false
	}
	p.resize(1)
	p.Scheme = *s
	p.TensorScale = 0
	p.Scale[0], p.ZeroPoint[0] = s.paramsOfOne(lo[0], hi[0])
	return true
}

// calibrateSmall stores the parameters of t in p, and returns how t is divided. ok is false,
// and p unchanged, if t needs the general way.
func (s *Scheme) calibrateSmall(p *Params, t Tensor) (e extent, ok bool) {
	if s.Method.kind != minMax || !s.usual() {
		return extent{}, false
	}
	e = s.Granularity.extent(len(t.Data), t.Shape)
	switch {
	case e.run == 0:
	case e.params == 1:
		ok = s.calibrateOne(p, t.Data)
	case e.params <= stackParams:
		var lo, hi [stackParams]float32
		ok = s.calibrateExtent(p, t.Data, e, lo[:e.params], hi[:e.params])
	case e.params <= smallParams:
		w := walks.Get().(*walk)
		r := &w.ranges.rangeSums
		r.lo, r.hi = resize(r.lo, e.params), resize(r.hi, e.params)
		ok = s.calibrateExtent(p, t.Data, e, r.lo, r.hi)
		walks.Put(w)
	}
	return e, ok
}

// paramsOfOne is params that does not copy s.
func (s *Scheme) paramsOfOne(lo, hi float32) (scale float32, zero int32) {
	if s.Mapping == Asymmetric && !s.ZeroInRange {
		qmin, steps := float32(0), float32(int(1)<<s.Bits-1)
		if !s.Unsigned {
			qmin = -float32(int(1) << (s.Bits - 1))
		}
		return asymmetricOf(lo, hi, qmin, steps)
	}
	return s.params(Range{lo, hi})
}

// calibrateExtent stores the parameters of x in p. lo and hi are memory for the ranges. It
// returns false for values that are not finite.
func (s *Scheme) calibrateExtent(p *Params, x []float32, e extent, lo, hi []float32) bool {
	if e.columns {
		resetRanges(lo, hi)
		if !rangeColumns(lo, hi, x, len(x)/e.run, e.run) {
			return false
		}
	} else if !rangeRuns(lo, hi, x, e.run) {
		return false
	}
	p.set(*s, e.params)
	s.paramsOf(p, lo, hi, 0)
	return true
}
