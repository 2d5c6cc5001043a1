package quant

import (
	"sync"
	"unsafe"

	"github.com/a01592f9/quant/internal/work"
)

// bufLen is the number of codes that are packed or unpacked at a time, from or
// to a buffer that stays in the first-level cache; a multiple of 8.
const bufLen = 1024

// A transform is a call of Quantize or Dequantize: real values on one side,
// codes on the other, in one of the three forms.
type transform struct {
	layout
	off  int // of the first element of real in the tensor
	real []float32
	codes

	coding      // with parameters as the layout's walk reads them
	stream bool // store past the caches, see streamBytes
}

// streamBytes is the size of input and output together from which output is
// stored past the caches: about a last-level cache. Below it that would cost
// several times what it saves.
const streamBytes = 20 << 20

var (
	quantizers   = work.New(func(t *transform, i int) { t.part(i, true) })
	dequantizers = work.New(func(t *transform, i int) { t.part(i, false) })
)

// newTransform checks shape and parameters against n elements. Like what
// follows, it returns its result by value: what is stored through a pointer
// moves to the heap, and every caller's slices with it.
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

// partLen returns how many elements make a part, a multiple of 8. Where the
// columns walk prepares parameters anew for each part, that is enough rows.
func (t *transform) partLen() int {
	return max(partLen, (partRows*t.cols+7)&^7)
}

// partRows is how many rows repay preparing the parameters of their columns.
const partRows = 64

// parts returns how many parts the job has: one if a slice is on the stack.
func (t *transform) parts() int {
	n := (len(t.real) + t.partLen() - 1) / t.partLen()
	if work.Several(n) && work.OnHeap(t.real) && work.OnHeap(t.code8) && work.OnHeap(t.code16) && work.OnHeap(t.packed) {
		return n
	}
	return 1
}

// A spreader holds parameters laid out for the columns walk.
type spreader struct {
	scale []float32
	zero  []int32
}

var spreaders = sync.Pool{New: func() any { return new(spreader) }}

// spreadParams lays the parameters out for the columns walk, if they need it, and
// takes them off the stack if they are on it and a team is to read them.
// A result that is not nil is to be put back into the pool.
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

// run does the job, to codes or from them.
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

// part does the i-th part, direct calls keeping slices from escaping.
func (t *transform) part(i int, toCodes bool) {
	n := t.partLen()
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

// quantizeElements quantizes elements e up to end; e is a multiple of 8.
func (t *transform) quantizeElements(e, end int) {
	switch {
	case t.code8 != nil:
		quantizeBlocks(t, t.code8[e:end], e, end, t.stream)
	case t.code16 != nil:
		quantizeBlocks(t, t.code16[e:end], e, end, t.stream)
	case t.bits <= 8:
		if e = t.quantize4(e, end); e == end {
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

// quantize4 packs the codes of elements from e on for as long as a kernel makes packed codes of 4
// bits, and returns the first that it has left, a multiple of 8, or end.
func (t *transform) quantize4(e, end int) int {
	for t.bits == 4 && t.book == nil && !t.stream && e < end {
		s := t.span(t.off+e, t.off+end)
		if s.columns || s.n%8 != 0 && e+s.n < end ||
			!quantize4Runs(t.packed[e/2:], t.real[e:e+s.n], s.run, t.scale[s.p:], t.zero[s.p:], t.qmin, t.qmax) {
			break
		}
		e += s.n
	}
	return e
}

// quantizeBlocks stores the codes of elements e up to end in dst.
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
		if e = t.dequantize4(e, end); e == end {
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

// dequantize4 stores elements from e on for as long as a kernel takes their packed codes of 4 bits,
// and returns the first that it has left, a multiple of 8, or end.
func (t *transform) dequantize4(e, end int) int {
	for t.bits == 4 && t.book == nil && e < end {
		s := t.span(t.off+e, t.off+end)
		if s.columns || s.run < s.n && s.run%2 != 0 || s.n%8 != 0 && e+s.n < end ||
			!dequantize4Runs(t.real[e:e+s.n], t.packed[e/2:], s.run, t.scale[s.p:], t.zero[s.p:], t.signed, t.stream) {
			break
		}
		e += s.n
	}
	return e
}

// dequantizeBlocks stores elements e up to end, whose codes are src.
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
