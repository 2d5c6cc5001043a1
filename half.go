package quant

import (
	"fmt"
)

// Quantizing from and dequantizing to 16-bit floats, and dequantizing parts of a tensor. Values
// are converted to or from float32 in blocks on the stack.

// DequantizeBFloat16 stores the real values of the codes of q in dst as the bits of bfloat16
// numbers. The result is that of Dequantize followed by NarrowBFloat16 without saturation. It
// works on the calling goroutine and allocates nothing. It panics if dst is shorter than q.
// Errors: those of Dequantize.
func DequantizeBFloat16(dst []uint16, q Quantized) error { return dequantizeTo(dst, nil, q, false) }

// DequantizeFloat16 is DequantizeBFloat16 for IEEE 754 binary16.
func DequantizeFloat16(dst []uint16, q Quantized) error { return dequantizeTo(dst, nil, q, true) }

// DequantizeAdd adds the real values of the codes of q to the elements of dst. Each real value
// is rounded to float32, and so is each sum. DequantizeAdd works on the calling goroutine and
// allocates nothing. It panics if dst is shorter than q. Errors: those of Dequantize.
func DequantizeAdd(dst []float32, q Quantized) error { return dequantizeTo(nil, dst, q, false) }

// dequantizeTo stores the real values of the codes of q in half, as binary16 or else as bfloat16,
// or adds them to sum. One of half and sum is nil.
func dequantizeTo(half []uint16, sum []float32, q Quantized, binary16 bool) error {
	f, err := q.transform()
	if err != nil {
		return err
	}
	n := q.Len()
	mustHold(max(len(half), len(sum)), n)
	b := f.blocks(n)
	defer b.end()
	var buf [bufLen]float32
	for b.next() {
		x, end := buf[:b.n], b.e+b.n
		f.dequantizeBlock(x, q.Codes, b.e)
		switch {
		case half == nil:
			d := sum[b.e:end]
			for i, v := range x {
				d[i] += v
			}
		case binary16:
			NarrowFloat16(half[b.e:end], x, false)
		default:
			NarrowBFloat16(half[b.e:end], x, false)
		}
	}
	return nil
}

// QuantizeBFloat16 is QuantizeInto for a tensor whose elements are the bits of bfloat16
// numbers: dst gets the codes of the values of WidenBFloat16. It works on the calling goroutine
// and allocates nothing. A shape of no axes means one axis. Errors: those of Quantize.
func QuantizeBFloat16(dst []byte, src []uint16, shape []int, p Params) error {
	return quantizeHalf(dst, src, shape, p, false)
}

// QuantizeFloat16 is QuantizeBFloat16 for IEEE 754 binary16.
func QuantizeFloat16(dst []byte, src []uint16, shape []int, p Params) error {
	return quantizeHalf(dst, src, shape, p, true)
}

func quantizeHalf(dst []byte, src []uint16, shape []int, p Params, binary16 bool) error {
	f, err := newTransform(len(src), shape, p)
	if err != nil {
		return err
	}
	n := PackedLen(len(src), f.bits)
	mustHold(len(dst), n)
	b := f.blocks(len(src))
	defer b.end()
	var buf [bufLen]float32
	for b.next() {
		x, s := buf[:b.n], src[b.e:b.e+b.n]
		if binary16 {
			widenFloat16(x, s)
		} else {
			widenBFloat16(x, s)
		}
		f.quantizeBlock(dst[:n], x, b.e)
	}
	return nil
}

// DequantizeFrom stores the real values of len(dst) elements of q in dst. In row-major order,
// they begin with element first. It allocates nothing, and reads only the bytes of q.Codes that
// hold these elements. Errors: those of Dequantize, and ErrShape if q does not have the
// elements.
func DequantizeFrom(dst []float32, q Quantized, first int) error {
	f, err := q.transform()
	if err != nil {
		return err
	}
	if n := q.Len(); first < 0 || first > n || len(dst) > n-first {
		return fmt.Errorf("%w: %d elements from %d on, but %v has %d", ErrShape, len(dst), first, cloneShape(q.Shape), n)
	}
	b := f.blocks(len(dst))
	defer b.end()
	if head := first % 8; head > 0 && len(dst) > 0 { // element first is inside a block of 8
		var buf [8]float32
		n := min(8, q.Len()-first+head)
		f.dequantizeBlock(buf[:n], q.Codes, first-head)
		k := copy(dst, buf[head:n])
		dst, first = dst[k:], first+k
	}
	for len(dst) > 0 {
		n := min(partLen, len(dst))
		f.dequantizeBlock(dst[:n], q.Codes, first)
		dst, first = dst[n:], first+n
	}
	return nil
}

// UnpackFrom is Unpack for codes that begin at any place: it stores codes first up to
// first+len(dst) of packed in dst. It panics if packed does not hold these codes, if first is
// negative, or if bits is not in [2, 16] or wider than T.
func UnpackFrom[T Code](dst []T, packed []byte, first, bits int) {
	mustFit[T](bits)
	if have := len(packed) * 8 / bits; first < 0 || first > have || len(dst) > have-first {
		panic(fmt.Sprintf("quant: codes %d to %d of %d", first, first+len(dst)-1, have))
	}
	if head := first % 8; head > 0 && len(dst) > 0 {
		var buf [8]T
		n := min(8, head+len(dst))
		Unpack(buf[:n], packed[first/8*bits:], bits)
		k := copy(dst, buf[head:n])
		dst, first = dst[k:], first+k
	}
	if len(dst) > 0 {
		Unpack(dst, packed[first/8*bits:], bits)
	}
}

// A blockwise iterates over a tensor in blocks of bufLen elements.
type blockwise struct {
	e, n     int // first element and length of the block
	all      int
	spreader *spreader
}

// blocks begins an iteration over a tensor of n elements, and lays out the parameters of t for
// it. The caller must call end.
func (t *transform) blocks(n int) blockwise {
	return blockwise{all: n, spreader: t.spreadParams(false)}
}

// next advances to the next block, and reports whether there is one.
func (b *blockwise) next() bool {
	b.e += b.n
	b.n = min(bufLen, b.all-b.e)
	return b.n > 0
}

func (b *blockwise) end() {
	if b.spreader != nil {
		spreaders.Put(b.spreader)
	}
}

// quantizeBlock stores the codes of x in packed, which holds the codes of the whole tensor. x
// begins at element e of the tensor, where e is a multiple of 8.
func (t *transform) quantizeBlock(packed []byte, x []float32, e int) {
	s := transform{layout: t.layout, off: e, real: x, coding: t.coding}
	at := e / 8 * t.bits
	s.codes = packedCodes(packed[at:at+PackedLen(len(x), t.bits)], len(x), t.bits)
	s.quantizeElements(0, len(x))
}

// dequantizeBlock is the inverse of quantizeBlock.
func (t *transform) dequantizeBlock(x []float32, packed []byte, e int) {
	s := transform{layout: t.layout, off: e, real: x, coding: t.coding}
	at := e / 8 * t.bits
	s.codes = packedCodes(packed[at:at+PackedLen(len(x), t.bits)], len(x), t.bits)
	s.dequantizeElements(0, len(x))
}
