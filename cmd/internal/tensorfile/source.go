package tensorfile

import (
	"errors"
	"io"
	"math"
	"math/bits"
	"unsafe"

	"github.com/a01592f9/quant"
)

// floats is a Source in memory.
type floats []float32

func (s floats) ReadFloats(dst []float32, off int) error {
	copy(dst, s[off:])
	return nil
}

// blocks is a Source of elements that are contiguous in a file.
type blocks struct {
	r     io.ReaderAt
	start int64 // offset of the first element
	n     int   // number of elements
	enc   encoding
}

// Elements returns a Source of n elements that are contiguous in r from start on, with the
// least significant byte first. The type is F64, F32, F16, BF16 or an 8-bit type of safetensors
// files, such as F8_E4M3. The rules are those of [File.Load].
func Elements(r io.ReaderAt, start int64, n int, dtype string) quant.Source {
	return &blocks{r: r, start: start, n: n, enc: encoding{dtype: dtype}}
}

func (s *blocks) ReadFloats(dst []float32, off int) error {
	if s.enc.dtype == "F32" {
		return s.readF32(dst, off)
	}
	buf := scratch.Get().(*[blockBytes / 8]uint64)
	defer scratch.Put(buf)
	size := s.enc.size()
	for len(dst) > 0 {
		k := min(len(dst), blockBytes/size)
		b := scratchBytes(buf)[:k*size]
		if err := s.read(b, off); err != nil {
			return err
		}
		if i := s.enc.decode(dst[:k], b); i >= 0 {
			return &overflowError{Index: off + i, Value: s.enc.float64(b[i*8:])}
		}
		dst, off = dst[k:], off+k
	}
	return nil
}

// readF32 reads elements that need no conversion into dst.
func (s *blocks) readF32(dst []float32, off int) error {
	swap := s.enc.big != bigEndian
	for len(dst) > 0 {
		k := len(dst)
		if swap {
			k = min(k, blockBytes/4)
		}
		b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(dst))), k*4)
		if err := s.read(b, off); err != nil {
			return err
		}
		if swap {
			for i, x := range dst[:k] {
				dst[i] = math.Float32frombits(bits.ReverseBytes32(math.Float32bits(x)))
			}
		}
		dst, off = dst[k:], off+k
	}
	return nil
}

// read reads the bytes of elements from element off on.
func (s *blocks) read(b []byte, off int) error {
	size := s.enc.size()
	n, err := s.r.ReadAt(b, s.start+int64(off)*int64(size))
	if n == len(b) {
		return nil
	}
	return shortRead(err, off+n/size, s.n, s.start+int64(off)*int64(size)+int64(n))
}

// columns is a Source of an array in column-major (Fortran) order. For each index of the other
// axes it reads a run along the first axis.
type columns struct {
	blocks
	shape []int // at least two axes
}

func (s *columns) ReadFloats(dst []float32, off int) error {
	rows, rest := s.shape[0], s.shape[1:]
	width := s.n / rows // elements of a row; in the file they are rows elements apart
	end := off + len(dst) - 1
	first, last := off/width, end/width
	from, to := 0, width-1 // range of indices in a row
	if first == last {
		from, to = off-first*width, end-first*width
	}
	run := make([]float32, last-first+1)
	walk := newColumnWalk(rest)
	walk.seek(from)
	for j := from; j <= to; j++ {
		lo, hi := first, last
		if j < off-first*width {
			lo++
		}
		if j > end-last*width {
			hi--
		}
		if lo <= hi {
			x := run[:hi-lo+1]
			if err := s.blocks.ReadFloats(x, walk.column*rows+lo); err != nil {
				var o *overflowError
				if errors.As(err, &o) {
					o.Index = (o.Index-walk.column*rows)*width + j
				}
				return err
			}
			for i, v := range x {
				dst[(lo+i)*width+j-off] = v
			}
		}
		walk.next()
	}
	return nil
}
