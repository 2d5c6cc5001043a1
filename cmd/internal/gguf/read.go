package gguf

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync"
)

// bufferLen is the number of bytes of data that are read at a time.
const bufferLen = 1 << 16

// A buffer is memory for reading: bytes of a file, and the values of a block of which only a
// part is needed.
type buffer struct {
	bytes [bufferLen]byte
	block [SuperBlockLen]float32
}

var buffers = sync.Pool{New: func() any { return new(buffer) }}

// ReadFloats stores elements of tensor i in dst, from element off on in row-major order. F16
// and BF16 are exact, F64 and integers are rounded to the nearest float32, and the values of
// quantized types have the same bits as in ggml. NaN and infinities are no error. A finite F64
// beyond float32 is an error, and so is a type that is not read. ReadFloats panics if the
// tensor does not have the elements.
func (f *File) ReadFloats(i int, dst []float32, off int) error {
	t := &f.Tensors[i]
	if !t.Type.decoded() {
		return inTensor(t.Name, notRead(t.Type))
	}
	if n := t.Elements(); off < 0 || off > n || len(dst) > n-off {
		panic(fmt.Sprintf("gguf: elements %d to %d of %d", off, off+len(dst), n))
	}
	buf := buffers.Get().(*buffer)
	defer buffers.Put(buf)
	block, size := t.Type.Block()
	most := bufferLen / size // number of blocks
	for len(dst) > 0 {
		first, skip := off/block, off%block
		n := 1 // one block if only a part of it is needed, or several
		whole := skip == 0 && len(dst) >= block
		if whole {
			n = min(most, len(dst)/block)
		}
		b := buf.bytes[:n*size]
		at := t.Offset + int64(first)*int64(size)
		if got, err := f.reader(t).ReadAt(b, at); got < len(b) {
			return inTensor(t.Name, fmt.Errorf("at byte %d: %w", at+int64(got), err))
		}
		done := n * block
		if whole {
			t.Type.Dequantize(dst[:done], b)
		} else {
			t.Type.Dequantize(buf.block[:block], b)
			done = copy(dst, buf.block[skip:block])
		}
		if t.Type == F64 {
			if err := overflow(dst[:done], b, off); err != nil {
				return inTensor(t.Name, err)
			}
		}
		dst, off = dst[done:], off+done
	}
	return nil
}

// notRead returns the error for a type that is not read.
func notRead(t Type) error {
	if t.String() == fmt.Sprintf("type %d", uint32(t)) {
		return fmt.Errorf("elements are of %s of ggml, which is not known and not read", t)
	}
	return fmt.Errorf("elements of %s (type %d of ggml) are not read", t, uint32(t))
}

// overflow returns an error if a float64 in src is finite and its float32 in dst is not. off is
// the index of the first element.
func overflow(dst []float32, src []byte, off int) error {
	for i, v := range dst {
		if !math.IsInf(float64(v), 0) {
			continue
		}
		if x := math.Float64frombits(binary.LittleEndian.Uint64(src[8*i:])); !math.IsInf(x, 0) {
			return fmt.Errorf("%g at index %d overflows float32", x, off+i)
		}
	}
	return nil
}
