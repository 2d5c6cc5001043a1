package tensorfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"unsafe"
)

// Buffers of bytes that are read, and what is said where they end too soon.

// blockBytes is how much of a file is read before it is widened. It stays in
// the cache with what it becomes.
const blockBytes = 1 << 16

func scratchBytes(buf *[blockBytes / 8]uint64) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(buf)), blockBytes)
}

// scratch holds blocks while they are widened.
var scratch = sync.Pool{New: func() any { return new([blockBytes / 8]uint64) }}

var bigEndian = binary.NativeEndian.Uint16([]byte{0, 1}) == 1

// shortRead words the error of a read that came to its end too early, of the
// element at which it did so.
func shortRead(err error, element, n int, offset int64) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("data ends after %d of %d elements, at offset %d of the file", element, n, offset)
	}
	return err
}
