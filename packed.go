package quant

import (
	"fmt"
	"unsafe"
)

// PackedLen returns how many bytes n codes of the given width take when packed:
// n*bits/8, rounded up.
func PackedLen(n, bits int) int { return int(packedLen(int64(n), bits)) }

// QuantizedFromPacked returns packed codes and parameters of another source as a Quantized. It
// does not copy them. Bits after the last code are ignored.
//
// Errors: those of Quantize, ErrShape if the shape has no axes, ErrCodesLength if len(codes) is
// not exactly PackedLen, and a *CodeError for the lowest code under narrow range.
func QuantizedFromPacked(codes []byte, shape []int, p Params) (Quantized, error) {
	q := Quantized{Codes: codes, Shape: shape, Params: p}
	if len(shape) == 0 {
		return Quantized{}, fmt.Errorf("%w: packed codes need a shape", ErrShape)
	}
	if _, err := q.transform(); err != nil {
		return Quantized{}, err
	}
	if !p.Scheme.NarrowRange {
		return q, nil // every bit pattern is in the grid
	}
	qmin, qmax := p.Scheme.Grid()
	for i := range q.Len() {
		if c := q.At(i); c < qmin {
			return Quantized{}, &CodeError{Index: i, Code: c, Min: qmin, Max: qmax}
		}
	}
	return q, nil
}

// QuantizedFromCodes is QuantizedFromPacked for integers that are not packed: it packs them
// into new memory. T may be wider than the codes, and may be unsigned for signed codes. An
// empty shape means one axis. Errors: those of Quantize, and a *CodeError for a code outside
// the scheme's grid.
func QuantizedFromCodes[T Code](codes []T, shape []int, p Params) (Quantized, error) {
	f, err := newTransform(len(codes), shape, p)
	if err != nil {
		return Quantized{}, err
	}
	for i, c := range codes {
		if c := int(c); c < int(f.qmin) || c > int(f.qmax) {
			return Quantized{}, &CodeError{Index: i, Code: c, Min: int(f.qmin), Max: int(f.qmax)}
		}
	}
	q := Quantized{Codes: makeCodes(PackedLen(len(codes), f.bits)), Shape: cloneShape(shape), Params: p}
	if len(shape) == 0 {
		q.Shape = []int{len(codes)}
	}
	if width := 8 * int(unsafe.Sizeof(T(0))); f.bits > width { // codes of 9 bits or more, in bytes
		wide := make([]uint16, len(codes))
		for i, c := range codes {
			wide[i] = uint16(c)
		}
		pack16(q.Codes, wide, f.bits)
		return q, nil
	}
	packCodes(q.Codes, codes, f.bits)
	return q, nil
}

// transform returns the job of dequantizing q, without a destination.
func (q Quantized) transform() (transform, error) {
	n, err := elementsOrNone(q.Shape)
	if err != nil {
		return transform{}, err
	}
	t, err := newTransform(n, q.Shape, q.Params)
	if err != nil {
		return transform{}, err
	}
	if want := packedLen(int64(n), t.bits); int64(len(q.Codes)) != want {
		return transform{}, fmt.Errorf("%w: %d bytes for %d codes of %d bits, want %d", ErrCodesLength, len(q.Codes), n, t.bits, want)
	}
	t.codes = packedCodes(q.Codes, n, t.bits)
	return t, nil
}

// Len returns the number of elements: the product of the shape.
func (q Quantized) Len() int {
	n := 1
	for _, d := range q.Shape {
		n *= d
	}
	return n
}

// At returns the code of element i, in row-major order, for i from 0 to Len()-1. Unpack is
// faster for many codes.
func (q Quantized) At(i int) int {
	bits := q.Params.Scheme.normal().Bits
	at := i * bits
	v := uint32(0)
	for j, b := range q.Codes[at/8 : (at+bits+7)/8] {
		v |= uint32(b) << (8 * j)
	}
	v = v >> (at % 8) << (32 - bits)
	if !q.Params.Scheme.grid().signed {
		return int(v >> (32 - bits))
	}
	return int(int32(v) >> (32 - bits))
}

// Int8 returns q.Codes as int8 values, without a copy. ok is false unless the codes are signed
// and have 8 bits.
func (q Quantized) Int8() (codes []int8, ok bool) { return view[int8](q, false, 8) }

// Uint8 is Int8 for unsigned codes.
func (q Quantized) Uint8() (codes []uint8, ok bool) { return view[uint8](q, true, 8) }

// Int16 returns q.Codes as int16 values, without a copy. ok is false unless the codes are
// signed and have 16 bits, the machine is little-endian, and the memory is aligned. (Codes that
// Quantize returns are aligned.) Unpack works for all codes on all machines.
func (q Quantized) Int16() (codes []int16, ok bool) { return view[int16](q, false, 16) }

// Uint16 is Int16 for unsigned codes.
func (q Quantized) Uint16() (codes []uint16, ok bool) { return view[uint16](q, true, 16) }

func view[T Code](q Quantized, unsigned bool, bits int) ([]T, bool) {
	if g := q.Params.Scheme.grid(); g.signed == unsigned || g.bits != bits || bits == 16 && !aligned16(q.Codes) {
		return nil, false
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(q.Codes))), len(q.Codes)*8/bits), true
}

// Pack stores the low bits of each code in dst as a little-endian bit stream, as in
// Quantized.Codes. It returns the number of bytes, which is PackedLen. It panics if dst is
// shorter, or if bits is not in [2, 16] or wider than T.
func Pack[T Code](dst []byte, codes []T, bits int) int {
	mustFit[T](bits)
	n := PackedLen(len(codes), bits)
	mustHold(len(dst), n)
	packCodes(dst[:n], codes, bits)
	return n
}

// Unpack is the inverse of Pack: it stores the codes of packed in dst. It sign-extends them if
// T is signed. It panics if packed is shorter than PackedLen, or if bits is not in [2, 16] or
// wider than T.
func Unpack[T Code](dst []T, packed []byte, bits int) {
	mustFit[T](bits)
	if n := PackedLen(len(dst), bits); len(packed) < n {
		panic(fmt.Sprintf("quant: %d packed bytes, need %d", len(packed), n))
	}
	signed := ^T(0) < 0
	if p := unsafe.Pointer(unsafe.SliceData(dst)); unsafe.Sizeof(T(0)) == 1 {
		unpack8(unsafe.Slice((*uint8)(p), len(dst)), packed, bits, signed)
	} else {
		unpack16(unsafe.Slice((*uint16)(p), len(dst)), packed, bits, signed)
	}
}

func packCodes[T Code](dst []byte, codes []T, bits int) {
	if p := unsafe.Pointer(unsafe.SliceData(codes)); unsafe.Sizeof(T(0)) == 1 {
		pack8(dst, unsafe.Slice((*uint8)(p), len(codes)), bits, false)
	} else {
		pack16(dst, unsafe.Slice((*uint16)(p), len(codes)), bits)
	}
}

func mustFit[T Code](bits int) {
	if width := 8 * int(unsafe.Sizeof(T(0))); bits < 2 || bits > width {
		panic(fmt.Sprintf("quant: bit width %d is not in [2, %d]", bits, width))
	}
}

// pack16 and unpack16 are for widths above 8. They have no assembly.

// WidenBFloat16 stores the value of each bfloat16 of src, given by its bits, in dst. A NaN
// keeps its sign and payload, and a signalling NaN stays signalling. It panics if dst is
// shorter than src.
func WidenBFloat16(dst []float32, src []uint16) {
	mustHold(len(dst), len(src))
	widenBFloat16(dst[:len(src)], src)
}

// WidenFloat16 is WidenBFloat16 for IEEE 754 binary16. A NaN keeps its sign, and its payload
// moves to the top of the mantissa. It becomes quiet, as with F16C and NEON instructions.
func WidenFloat16(dst []float32, src []uint16) {
	mustHold(len(dst), len(src))
	widenFloat16(dst[:len(src)], src)
}

// A Quantized is a tensor of packed codes, with its shape and parameters.
type Quantized struct {
	// Codes holds element i, in row-major order, in the bits [i*b, (i+1)*b) of a little-endian
	// bit stream, where b is Params.Scheme.Bits. So codes of 8 and 16 bits are plain
	// little-endian integers, and the first of two 4-bit codes is the low nibble. Signed codes
	// are in two's complement.
	Codes  []byte
	Shape  []int  // of the tensor
	Params Params // with which the codes were made
}
