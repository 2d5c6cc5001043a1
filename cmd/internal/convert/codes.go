package convert

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"sync"
	"unsafe"

	"github.com/a01592f9/quant"
)

// signed returns codes as signed integers in the same memory.
func signed(codes []uint8) []int8 {
	return unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(codes))), len(codes))
}

// A codeSource is a quant.Source of the values that the codes in a file stand for. The codes are
// packed as writeCodes does it.
type codeSource struct {
	r      io.ReaderAt
	off    int64 // offset of the first code
	width  int   // bits of a code in the file: 2, 4, 8 or 16, at least those of the scheme
	shape  []int
	params quant.Params
}

// buffers are for reuse by codeSource.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// ReadFloats reads values from element off on into dst.
func (s *codeSource) ReadFloats(dst []float32, off int) error {
	// A read may begin within a byte.
	per := max(8/s.width, 1) // codes in a byte
	skip := off % per
	n := len(dst) + skip
	size := quant.PackedLen(n, s.width)
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	if cap(*buf) < size+n {
		*buf = make([]byte, size+n)
	}
	raw := (*buf)[:size]
	if _, err := s.r.ReadAt(raw, s.off+int64(off/per)*int64(max(s.width/8, 1))); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	unsigned := s.params.Scheme.Unsigned || s.params.Scheme.Format != quant.Integers
	switch {
	case s.width == 16 && unsigned:
		return dequantize16[uint16](s, dst, raw, off)
	case s.width == 16:
		return dequantize16[int16](s, dst, raw, off)
	case s.width == 8 && unsigned:
		return quant.DequantizePart(dst, raw, off, s.shape, s.params)
	case s.width == 8:
		return quant.DequantizePart(dst, signed(raw), off, s.shape, s.params)
	case unsigned:
		codes := (*buf)[size : size+n]
		quant.Unpack(codes, raw, s.width)
		return quant.DequantizePart(dst, codes[skip:], off, s.shape, s.params)
	}
	codes := signed((*buf)[size : size+n])
	quant.Unpack(codes, raw, s.width)
	return quant.DequantizePart(dst, codes[skip:], off, s.shape, s.params)
}

func dequantize16[T int16 | uint16](s *codeSource, dst []float32, raw []byte, off int) error {
	codes := make([]T, len(dst))
	if _, err := binary.Decode(raw, binary.LittleEndian, codes); err != nil {
		return err
	}
	return quant.DequantizePart(dst, codes, off, s.shape, s.params)
}

// inTensor adds the name of a tensor to an error.
func inTensor(name string, err error) error {
	if err == nil {
		return nil
	}
	return &tensorError{name, err}
}

type tensorError struct {
	name string
	err  error
}

func (e *tensorError) Error() string {
	return fmt.Sprintf("tensor %q: %s", e.name, strings.TrimPrefix(e.err.Error(), "quant: "))
}

func (e *tensorError) Unwrap() error { return e.err }
