package sniff

import (
	"encoding/binary"
	"fmt"
	"io"
)

// maxFields is how many fields of a message Protobuf looks at: a model has few,
// and anything else need not be walked to its end.
const maxFields = 10_000

// Protobuf returns a *TruncatedError if a file of so many bytes is a protobuf
// message, as an ONNX model is, that goes on behind the end of the file. It
// looks at the fields of the message alone, and returns nil for what is no
// message.
func Protobuf(r io.ReaderAt, size int64) error {
	for at, n := int64(0), 0; at < size && n < maxFields; n++ {
		tag, end, ok := varint(r, at, size)
		if !ok || tag>>3 == 0 || tag>>3 > 1<<29-1 {
			return nil
		}
		var length uint64
		switch tag & 7 {
		case 0: // a number
			if _, end, ok = varint(r, end, size); !ok {
				return nil
			}
		case 1:
			length = 8
		case 5:
			length = 4
		case 2: // bytes, which may be a message
			if length, end, ok = varint(r, end, size); !ok {
				return nil
			}
		default:
			return nil
		}
		if length > 1<<62 {
			return nil
		}
		if int64(length) > size-end {
			return &TruncatedError{What: fmt.Sprintf("field %d of the model, at offset %d,", tag>>3, at), Want: end + int64(length), Have: size}
		}
		at = end + int64(length)
	}
	return nil
}

// varint reads a number at an offset, and tells where it ends.
func varint(r io.ReaderAt, at, size int64) (x uint64, end int64, ok bool) {
	b := make([]byte, min(binary.MaxVarintLen64, size-at))
	n, _ := r.ReadAt(b, at)
	x, k := binary.Uvarint(b[:n])
	return x, at + int64(k), k > 0
}
