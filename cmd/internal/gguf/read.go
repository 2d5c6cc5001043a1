package gguf

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync"

	"github.com/a01592f9/quant"
)

// bufferLen is how many bytes of data are read at a time.
const bufferLen = 1 << 16

var buffers = sync.Pool{New: func() any { return new([bufferLen]byte) }}

// ReadFloats stores the elements of tensor i from off on, in row-major order,
// in dst: F16 and BF16 exactly, and of a quantized type what the codes stand
// for, with the bits that ggml has. NaN and infinities pass. A type that is not
// Readable is an error. It panics if there are no such elements.
func (f *File) ReadFloats(i int, dst []float32, off int) error {
	t := &f.Tensors[i]
	if !t.Type.Readable() {
		return inTensor(t.Name, fmt.Errorf("elements of %s are not read", t.Type))
	}
	if n := t.Elements(); off < 0 || off > n || len(dst) > n-off {
		panic(fmt.Sprintf("gguf: elements %d to %d of %d", off, off+len(dst), n))
	}
	buf := buffers.Get().(*[bufferLen]byte)
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
		b := buf[:n*size]
		at := t.Offset + int64(first)*int64(size)
		if got, err := f.r.ReadAt(b, at); got < len(b) {
			return inTensor(t.Name, fmt.Errorf("at byte %d: %w", at+int64(got), err))
		}
		done := n * block
		if whole {
			t.Type.decode(dst[:done], b)
		} else {
			var x [BlockLen]float32
			t.Type.decode(x[:], b)
			done = copy(dst, x[skip:])
		}
		dst, off = dst[done:], off+done
	}
	return nil
}

// decode decodes whole blocks.
func (t Type) decode(dst []float32, src []byte) {
	switch t {
	case F32:
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
		}
	case F16, BF16:
		var halves [256]uint16
		for len(dst) > 0 {
			h := halves[:min(len(dst), len(halves))]
			for i := range h {
				h[i] = binary.LittleEndian.Uint16(src[2*i:])
			}
			if t == F16 {
				quant.WidenFloat16(dst[:len(h)], h)
			} else {
				quant.WidenBFloat16(dst[:len(h)], h)
			}
			dst, src = dst[len(h):], src[2*len(h):]
		}
	default:
		t.Dequantize(dst, src)
	}
}
