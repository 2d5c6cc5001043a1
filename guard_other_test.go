//go:build !linux

package quant

import (
	"testing"
	"unsafe"
)

// guardedBytes returns at least size bytes. There are no guard pages here;
// what kernels read outside their slices goes unnoticed, what they write does not.
func guardedBytes(_ testing.TB, size int) []byte {
	size = (size + 63) &^ 63
	m := make([]uint64, size/8+1) // one more, so that an empty slice at the end points into it
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(m))), size)
}
