package tensorfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"unsafe"
)

// Buffers for reading, and the error for data that end too soon.

// blockBytes is the number of bytes of a file that are read before they are widened. They stay
// in the cache.
const blockBytes = 1 << 16

func scratchBytes(buf *[blockBytes / 8]uint64) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(buf)), blockBytes)
}

// scratch has buffers for bytes that are being widened.
var scratch = sync.Pool{New: func() any { return new([blockBytes / 8]uint64) }}

var bigEndian = binary.NativeEndian.Uint16([]byte{0, 1}) == 1

// shortRead returns the error for data that end too soon, with the element at the end.
func shortRead(err error, element, n int, offset int64) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("data ends after %d of %d elements, at offset %d of the file", element, n, offset)
	}
	return err
}
