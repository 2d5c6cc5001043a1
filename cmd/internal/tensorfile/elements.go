package tensorfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"slices"
	"unsafe"

	"github.com/a01592f9/quant"
)

// maxAxes is the largest number of axes. It is NumPy's limit, and more than other frameworks
// allow.
const maxAxes = 64

// elements returns the product of shape. It is small enough for a slice of that many float32 or
// float64.
func elements(shape []int) (int, error) {
	n := uint64(1)
	overflow := false
	for _, d := range shape {
		if d == 0 {
			return 0, nil // the other axes do not matter
		}
		hi, lo := bits.Mul64(n, uint64(d))
		n = lo
		overflow = overflow || hi != 0 || n > math.MaxInt/8
		if overflow {
			n = 1
		}
	}
	if overflow {
		return 0, fmt.Errorf("shape %v has too many elements", shape)
	}
	return int(n), nil
}

// byteSize returns the size of n elements of elemBits bits each.
func byteSize(n, elemBits int) (int64, error) {
	hi, lo := bits.Mul64(uint64(n), uint64(elemBits))
	if hi != 0 || lo > math.MaxInt64 {
		return 0, errors.New("size overflows")
	}
	if lo%8 != 0 {
		return 0, fmt.Errorf("%d elements of %d bits are not whole bytes", n, elemBits)
	}
	return int64(lo / 8), nil
}

// axes returns shape, or one axis of length 1 for a scalar.
func axes(shape []int) []int {
	if len(shape) == 0 {
		return []int{1}
	}
	return shape
}

// encoding is the storage format of a floating-point type.
type encoding struct {
	dtype string // F64, F32, F16, BF16, or one of smallFloats whose codes take a byte each
	big   bool   // most significant byte first
}

// size returns the bytes of one element.
func (e encoding) size() int {
	switch e.dtype {
	case "F64":
		return 8
	case "F32":
		return 4
	case "F16", "BF16":
		return 2
	}
	return 1
}

// chunk is the number of elements of a stream that are read at a time.
const chunk = 1 << 14

// read reads n elements. It allocates memory as the data arrive, since the length of a stream
// is not known.
func (e encoding) read(r io.Reader, n int) ([]float32, error) {
	first := min(n, chunk)
	buf := make([]byte, first*e.size())
	out := make([]float32, 0, first)
	for len(out) < n {
		done := len(out)
		k := min(n-done, chunk)
		b := buf[:k*e.size()]
		if got, err := io.ReadFull(r, b); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				err = fmt.Errorf("data ends after %d of %d elements", done+got/e.size(), n)
			}
			return nil, err
		}
		out = slices.Grow(out, k)[:done+k]
		if i := e.decode(out[done:], b); i >= 0 {
			return nil, &overflowError{Index: done + i, Value: e.float64(b[i*8:])}
		}
	}
	return out, nil
}

// decode decodes the elements in src. It may change the order of the bytes in src. It returns
// the index of the first element that float32 cannot hold, or -1.
func (e encoding) decode(dst []float32, src []byte) int {
	switch e.dtype {
	case "F64":
		for i := range dst {
			x := e.float64(src[i*8:])
			dst[i] = float32(x)
			if math.IsInf(float64(dst[i]), 0) && !math.IsInf(x, 0) {
				return i
			}
		}
	case "F32":
		if e.big {
			for i := range dst {
				dst[i] = math.Float32frombits(binary.BigEndian.Uint32(src[i*4:]))
			}
			break
		}
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[i*4:]))
		}
	case "F16":
		quant.WidenFloat16(dst, halves(src, e.big))
	case "BF16":
		quant.WidenBFloat16(dst, halves(src, e.big))
	default:
		table := smallTables[e.dtype]
		mask := len(table) - 1
		for i := range dst {
			dst[i] = table[int(src[i])&mask]
		}
	}
	return -1
}

// halves returns src, which must be aligned, as 16-bit numbers.
func halves(src []byte, big bool) []uint16 {
	h := unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(src))), len(src)/2)
	if big != bigEndian {
		for i, x := range h {
			h[i] = bits.ReverseBytes16(x)
		}
	}
	return h
}

func (e encoding) float64(b []byte) float64 {
	if e.big {
		return math.Float64frombits(binary.BigEndian.Uint64(b))
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b))
}

// overflowError reports a finite float64 outside float32's range.
type overflowError struct {
	Index int // in row-major order
	Value float64
}

func (e *overflowError) Error() string {
	return fmt.Sprintf("%g at index %d overflows float32", e.Value, e.Index)
}

// rowMajor reorders column-major (Fortran) data.
func rowMajor(data []float32, shape []int) []float32 {
	if len(data) < 2 || len(shape) < 2 {
		return data
	}
	out := make([]float32, len(data))
	w := newColumnWalk(shape)
	for i := range out {
		out[i] = data[w.column]
		w.next()
	}
	return out
}

// rowMajorIndex returns the row-major index of column-major element i.
func rowMajorIndex(i int, shape []int) int {
	index := 0
	for axis, stride := range rowStrides(shape) {
		index += i % shape[axis] * stride
		i /= shape[axis]
	}
	return index
}

// rowStrides returns the distance between neighbours on each axis, in row-major order.
func rowStrides(shape []int) []int {
	strides := make([]int, len(shape))
	n := 1
	for axis := len(shape) - 1; axis >= 0; axis-- {
		strides[axis] = n
		n *= shape[axis]
	}
	return strides
}
