package quant

import (
	"encoding/binary"
	"fmt"
	"unsafe"
)

// Packed codes, and codes that have an element of a slice each.

// makeCodes returns n bytes, aligned for codes of 16 bits.
func makeCodes(n int) []byte {
	c := make([]uint16, (n+1)/2)
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(c))), n)
}

// mustHold panics if a destination is too short, which is a bug of the caller.
func mustHold(have, need int) {
	if have < need {
		panic(fmt.Sprintf("quant: destination has length %d, need %d", have, need))
	}
}

// Code is a type that holds a code that is not packed.
type Code interface {
	int8 | uint8 | int16 | uint16
}

// codes are in one of three forms; the others are nil.
type codes struct {
	code8  []uint8  // a byte for each code
	code16 []uint16 // two bytes for each code
	packed []byte   // a little-endian bit stream
}

// packedCodes returns b, which holds n packed codes, as codes.
func packedCodes(b []byte, n, bits int) codes {
	switch {
	case bits == 8:
		return codes{code8: b}
	case bits == 16 && aligned16(b):
		return codes{code16: unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(b))), n)}
	}
	return codes{packed: b}
}

// plainCodes returns c, which has an element for each code, as codes.
func plainCodes[T Code](c []T) codes {
	p := unsafe.Pointer(unsafe.SliceData(c))
	if unsafe.Sizeof(T(0)) == 1 {
		return codes{code8: unsafe.Slice((*uint8)(p), len(c))}
	}
	return codes{code16: unsafe.Slice((*uint16)(p), len(c))}
}

// fits returns an error unless T can hold the codes of a scheme.
func fits[T Code](g codeGrid) error {
	size := int(unsafe.Sizeof(T(0)))
	if g.signed != (^T(0) < 0) || g.bits > 8*size || g.book != nil && size > 1 {
		return fmt.Errorf("%w: codes of %d bits, signed %t, do not go into %T", ErrScheme, g.bits, g.signed, T(0))
	}
	return nil
}

// as returns s, whose elements have the size of T.
func as[T, S uint8 | uint16](s []S) []T {
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(s))), len(s))
}

// littleEndian says whether packed codes of 16 bits are the machine's own integers.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// aligned16 reports whether b can be read as the machine's own 16-bit integers.
func aligned16(b []byte) bool {
	return littleEndian && uintptr(unsafe.Pointer(unsafe.SliceData(b)))%2 == 0
}
