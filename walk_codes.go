package quant

import (
	"sync"
	"unsafe"

	"github.com/a01592f9/quant/internal/work"
)

// bufLen is the number of codes that are packed or unpacked at a time. They are in a buffer that
// stays in the first-level cache. It is a multiple of 8.
const bufLen = 1024

// A transform is a call of Quantize or Dequantize, with the real values and the codes.
type transform struct {
	layout
	off  int // index of the first element of real in the tensor
	real []float32
	codes

	coding      // the parameters are spread if the walk of the layout needs it
	stream bool // store without using the caches: see streamBytes
}

// streamBytes is the size of input and output together from which output is stored without using
// the caches. It is about the size of a last-level cache. For smaller sizes such stores cost
// several times what they save.
const streamBytes = 20 << 20

var (
	quantizers   = work.New(func(t *transform, i int) { t.part(i, true) })
	dequantizers = work.New(func(t *transform, i int) { t.part(i, false) })
)

// newTransform returns the transform of n elements. It returns an error if the shape or the
// parameters are not valid for n elements. The result is a value, not a pointer: slices that are
// stored through a pointer would escape to the heap in every caller.
func newTransform(n int, shape []int, p Params) (transform, error) {
	if err := p.Scheme.Validate(); err != nil {
		return transform{}, err
	}
	l, err := layoutOrEmpty(n, shape, p.Scheme.Granularity)
	if err != nil {
		return transform{}, err
	}
	if err := p.check(l.params); err != nil {
		return transform{}, err
	}
	return transform{layout: l, coding: p.coding()}, nil
}

// partLen returns the number of elements of a part: a multiple of 8. In the columns walk, which
// prepares parameters for each part, a part has at least partRows rows.
func (t *transform) partLen() int {
	return max(partLen, (partRows*t.cols+7)&^7)
}

// partRows is the least number of rows for which preparing the parameters of the columns pays.
const partRows = 64

// parts returns the number of parts of the transform: 1 if a slice is on the stack.
func (t *transform) parts() int {
	n := (len(t.real) + t.partLen() - 1) / t.partLen()
	if work.Several(n) && work.OnHeap(t.real) && work.OnHeap(t.code8) && work.OnHeap(t.code16) && work.OnHeap(t.packed) {
		return n
	}
	return 1
}

// A spreader holds spread parameters: see layout.spread.
type spreader struct {
	scale []float32
	zero  []int32
}

var spreaders = sync.Pool{New: func() any { return new(spreader) }}

// spreadParams spreads the parameters if the columns walk needs it. If they are on the stack and
// team is true, which means that several goroutines read them, it copies them to the heap. The
// caller must put a result that is not nil back into the pool.
func (t *transform) spreadParams(team bool) *spreader {
	spread := t.spread()
	if !spread && (!team || work.OnHeap(t.scale) && work.OnHeap(t.zero)) {
		return nil
	}
	s := spreaders.Get().(*spreader)
	if spread {
		s.scale, s.zero = resize(s.scale, t.cols), resize(s.zero, t.cols)
		for j := range t.cols {
			c := t.channel(j)
			s.scale[j], s.zero[j] = t.scale[c], t.zero[c]
		}
	} else {
		s.scale, s.zero = append(s.scale[:0], t.scale...), append(s.zero[:0], t.zero...)
	}
	t.scale, t.zero = s.scale, s.zero
	return s
}

func (t *transform) quantize()   { t.run(true) }
func (t *transform) dequantize() { t.run(false) }

// run quantizes if toCodes is true, and dequantizes otherwise.
func (t *transform) run(toCodes bool) {
	t.stream = 4*len(t.real)+int(packedLen(int64(len(t.real)), t.bits)) >= streamBytes
	n := t.parts()
	s := t.spreadParams(n > 1)
	switch {
	case n == 1:
		for i := 0; i*t.partLen() < len(t.real); i++ {
			t.part(i, toCodes)
		}
	case toCodes:
		quantizers.Do(work.Hide(t), n)
	default:
		dequantizers.Do(work.Hide(t), n)
	}
	if s != nil {
		spreaders.Put(s)
	}
}

// part handles the i-th part. Its calls are direct, so that slices do not escape. A large tensor
// is quantized from its end to its beginning. If it was calibrated just before, from its beginning
// to its end, the last-level cache still has its last elements.
func (t *transform) part(i int, toCodes bool) {
	n := t.partLen()
	if toCodes && t.stream {
		i = (len(t.real)-1)/n - i
	}
	e, end := i*n, min((i+1)*n, len(t.real))
	if toCodes {
		t.quantizeElements(e, end)
	} else {
		t.dequantizeElements(e, end)
	}
	if t.stream {
		fence()
	}
}

// quantizeElements quantizes the elements e to end-1. e must be a multiple of 8.
func (t *transform) quantizeElements(e, end int) {
	switch {
	case t.code8 != nil:
		quantizeBlocks(t, t.code8[e:end], e, end, t.stream)
	case t.code16 != nil:
		quantizeBlocks(t, t.code16[e:end], e, end, t.stream)
	case t.bits <= 8:
		if e = t.quantizePacked(e, end); e == end {
			return
		}
		var buf [bufLen]uint8
		for ; e < end; e += bufLen {
			n := min(bufLen, end-e)
			quantizeBlocks(t, buf[:n], e, e+n, false)
			pack8(t.packed[e/8*t.bits:], buf[:n], t.bits, t.stream)
		}
	default:
		var buf [bufLen]uint16
		for ; e < end; e += bufLen {
			n := min(bufLen, end-e)
			quantizeBlocks(t, buf[:n], e, e+n, false)
			pack16(t.packed[e/8*t.bits:], buf[:n], t.bits)
		}
	}
}

// leastPacked is the least length of several runs that quantizePacked takes one by one.
const leastPacked = 64

// quantizePacked quantizes the elements from e on with the kernels for packed codes of 4 and of 2
// bits, until no kernel can be used. It returns the index of the next element: a multiple of 8, or
// end.
func (t *transform) quantizePacked(e, end int) int {
	for (t.bits == 4 || t.bits == 2) && e < end {
		s := t.span(t.off+e, t.off+end)
		n := s.n
		switch {
		case s.columns:
			return e
		case t.book != nil:
			if n%8 != 0 && e+n < end || !quantizeBookPacked(t.packed[e/8*t.bits:], t.real[e:e+n], s.run, t.scale[s.p:], t.book) {
				return e
			}
		case t.bits == 4 && !t.stream && (n%8 == 0 || e+n == end) &&
			quantize4Runs(t.packed[e/2:], t.real[e:e+n], s.run, t.scale[s.p:], t.zero[s.p:], t.qmin, t.qmax):
		default:
			if n = min(s.run, n); n < s.n && n < leastPacked || n%8 != 0 && e+n < end ||
				!quantizePacked(t.packed[e/8*t.bits:], t.real[e:e+n], t.scale[s.p], t.zero[s.p], t.qmin, t.qmax, t.bits) {
				return e
			}
		}
		e += n
	}
	return e
}

// quantizeBlocks stores the codes of the elements e to end-1 in dst.
func quantizeBlocks[T uint8 | uint16](t *transform, dst []T, e, end int, stream bool) {
	for e < end {
		s := t.span(t.off+e, t.off+end)
		x := t.real[e : e+s.n]
		switch oneByte := unsafe.Sizeof(T(0)) == 1; {
		case oneByte && s.columns:
			t.quantizeColumns(as[uint8](dst), x, t.scale[s.p:s.p+s.run], t.zero[s.p:], stream)
		case oneByte:
			t.quantizeRuns(as[uint8](dst), x, s.run, t.scale[s.p:], t.zero[s.p:], stream)
		case s.columns:
			quantizeInt16Columns(as[uint16](dst), x, t.scale[s.p:s.p+s.run], t.zero[s.p:], t.qmin, t.qmax, stream)
		default:
			quantizeInt16Runs(as[uint16](dst), x, s.run, t.scale[s.p:], t.zero[s.p:], t.qmin, t.qmax, stream)
		}
		e += s.n
		dst = dst[s.n:]
	}
}

// dequantizeElements is the inverse of quantizeElements.
func (t *transform) dequantizeElements(e, end int) {
	switch {
	case t.code8 != nil:
		dequantizeBlocks(t, t.code8[e:end], e, end)
	case t.code16 != nil:
		dequantizeBlocks(t, t.code16[e:end], e, end)
	case t.bits <= 8:
		if e = t.dequantizePacked(e, end); e == end {
			return
		}
		var buf [bufLen]uint8
		for ; e < end; e += bufLen {
			n := min(bufLen, end-e)
			unpack8(buf[:n], t.packed[e/8*t.bits:], t.bits, t.signed)
			dequantizeBlocks(t, buf[:n], e, e+n)
		}
	default:
		var buf [bufLen]uint16
		for ; e < end; e += bufLen {
			n := min(bufLen, end-e)
			unpack16(buf[:n], t.packed[e/8*t.bits:], t.bits, t.signed)
			dequantizeBlocks(t, buf[:n], e, e+n)
		}
	}
}

// dequantizePacked dequantizes the elements from e on with the kernels for packed codes of 4 and of
// 2 bits, until no kernel can be used. It returns the index of the next element: a multiple of 8,
// or end.
func (t *transform) dequantizePacked(e, end int) int {
	for (t.bits == 4 || t.bits == 2) && t.book == nil && e < end {
		s := t.span(t.off+e, t.off+end)
		if s.columns || s.run < s.n && s.run*t.bits%8 != 0 || s.n%8 != 0 && e+s.n < end {
			break
		}
		x, packed, scale, zero := t.real[e:e+s.n], t.packed[e/8*t.bits:], t.scale[s.p:], t.zero[s.p:]
		if t.bits == 4 && !dequantize4Runs(x, packed, s.run, scale, zero, t.signed, t.stream) ||
			t.bits == 2 && !dequantize2Runs(x, packed, s.run, scale, zero, t.signed, t.stream) {
			break
		}
		e += s.n
	}
	return e
}

// dequantizeBlocks dequantizes the elements e to end-1. src has their codes.
func dequantizeBlocks[T uint8 | uint16](t *transform, src []T, e, end int) {
	for e < end {
		s := t.span(t.off+e, t.off+end)
		x := t.real[e : e+s.n]
		switch oneByte := unsafe.Sizeof(T(0)) == 1; {
		case oneByte && s.columns:
			t.dequantizeColumns(x, as[uint8](src[:s.n]), t.scale[s.p:s.p+s.run], t.zero[s.p:], t.stream)
		case oneByte:
			t.dequantizeRuns(x, as[uint8](src[:s.n]), s.run, t.scale[s.p:], t.zero[s.p:], t.stream)
		case s.columns:
			dequantizeInt16Columns(x, as[uint16](src[:s.n]), t.scale[s.p:s.p+s.run], t.zero[s.p:], t.signed, t.stream)
		default:
			dequantizeInt16Runs(x, as[uint16](src[:s.n]), s.run, t.scale[s.p:], t.zero[s.p:], t.signed, t.stream)
		}
		e += s.n
		src = src[s.n:]
	}
}
