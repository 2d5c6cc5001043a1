package gguf

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync"
)

// bufferLen is how many bytes of data are read at a time.
const bufferLen = 1 << 16

// A buffer is what reading takes: bytes of a file, and a block of which only a
// part is wanted.
type buffer struct {
	bytes [bufferLen]byte
	block [SuperBlockLen]float32
}

var buffers = sync.Pool{New: func() any { return new(buffer) }}

// ReadFloats stores the elements of tensor i from off on, in row-major order,
// in dst: F16 and BF16 exactly, F64 and integers rounded to the nearest float32,
// and the values of a quantized type with the bits that ggml has. NaN and
// infinities pass. An F64 that is finite and beyond float32 is an error, and so
// is a type that is not read. It panics if there are no such elements.
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
	most := bufferLen / size // blocks at a time
	for len(dst) > 0 {
		first, skip := off/block, off%block
		n := 1 // block of which only a part is wanted, or
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

// notRead is the error of a type that is not read.
func notRead(t Type) error {
	if t.String() == fmt.Sprintf("type %d", uint32(t)) {
		return fmt.Errorf("elements are of %s of ggml, which is not known and not read", t)
	}
	return fmt.Errorf("elements of %s (type %d of ggml) are not read", t, uint32(t))
}

// overflow returns an error if one of the float64 in src is finite and dst,
// which they were rounded to, is not. The first has the index off.
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
