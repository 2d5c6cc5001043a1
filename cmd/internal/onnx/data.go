package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"sync"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/mapfile"
)

// Data returns the elements as they would lie in memory: t.Bytes bytes in
// row-major order, each element with its least significant byte first, four-bit
// elements low nibble first. It may be read from several goroutines at once,
// until the model is closed. Errors do not name the tensor.
func (t *Tensor) Data() (io.ReaderAt, error) {
	switch {
	case t.sparse:
		return nil, errors.New("sparse data are not read")
	case elemTypes[t.elem].bits == 0:
		return nil, fmt.Errorf("data of type %s are not read", t.DType)
	case t.isExternal:
		return t.model.externals.section(t.model.dir, t)
	case t.rawOffset >= 0:
		return io.NewSectionReader(t.model.r, t.rawOffset, t.Bytes), nil
	}
	return newTypedData(t)
}

// Source gives the elements of a Floating tensor as float32, piece by piece:
// F16 and BF16 widened exactly, F64 rounded to the nearest float32. A finite
// value that this would make infinite is an error. Errors do not name the tensor.
func (t *Tensor) Source() (quant.Source, error) {
	if !t.Floating {
		return nil, fmt.Errorf("elements are %s, not floating-point numbers that can be read", t.DType)
	}
	r, err := t.Data()
	if err != nil {
		return nil, err
	}
	return &source{t: t, r: r, width: elemTypes[t.elem].bits / 8}, nil
}

type source struct {
	t     *Tensor
	r     io.ReaderAt
	width int
}

// sourceLen is how many elements are read at a time.
const sourceLen = 1 << 14

var sourceBuffers = sync.Pool{New: func() any { return new([8 * sourceLen]byte) }}

func (s *source) ReadFloats(dst []float32, off int) error {
	buf := sourceBuffers.Get().(*[8 * sourceLen]byte)
	defer sourceBuffers.Put(buf)
	for len(dst) > 0 {
		k := min(len(dst), sourceLen)
		b := buf[:k*s.width]
		if n, err := s.r.ReadAt(b, int64(off)*int64(s.width)); n < len(b) {
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return fmt.Errorf("element %d: %w", off+n/s.width, err)
		}
		if i := widen(dst[:k], b, s.t.DType); i >= 0 {
			x := math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
			return fmt.Errorf("%g at index %d overflows float32", x, off+i)
		}
		dst, off = dst[k:], off+k
	}
	return nil
}

// widen decodes src. It returns the index of the first element that float32
// cannot hold, or -1.
func widen(dst []float32, src []byte, dtype string) int {
	switch dtype {
	case "F32":
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
		}
	case "F64":
		for i := range dst {
			x := math.Float64frombits(binary.LittleEndian.Uint64(src[8*i:]))
			dst[i] = float32(x)
			if math.IsInf(float64(dst[i]), 0) && !math.IsInf(x, 0) {
				return i
			}
		}
	default:
		var halves [256]uint16
		for len(dst) > 0 {
			h := halves[:min(len(dst), len(halves))]
			for i := range h {
				h[i] = binary.LittleEndian.Uint16(src[2*i:])
			}
			if dtype == "F16" {
				quant.WidenFloat16(dst[:len(h)], h)
			} else {
				quant.WidenBFloat16(dst[:len(h)], h)
			}
			dst, src = dst[len(h):], src[2*len(h):]
		}
	}
	return -1
}

// externals are the open files of external data.
type externals struct {
	mu    sync.Mutex
	root  *os.Root
	files map[string]*mapfile.File
}

// section returns the data of t. Files are opened through os.Root, which no
// path leads out of: neither an absolute one, nor .., nor a symbolic link.
func (x *externals) section(dir string, t *Tensor) (io.ReaderAt, error) {
	e := t.external
	if dir == "" {
		return nil, fmt.Errorf("data are in %s, and a model that is not a file has no folder", quote(e.location))
	}
	f, size, err := x.open(dir, e.location)
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) { // of which the operation says nothing
			err = fmt.Errorf("%s: %w", quote(e.location), path.Err)
		}
		return nil, fmt.Errorf("external data: %w", err)
	}
	if e.offset > size || t.Bytes > size-e.offset {
		return nil, fmt.Errorf("external data from offset %d to %d, but %s has %d bytes", e.offset, e.offset+t.Bytes, quote(e.location), size)
	}
	return io.NewSectionReader(f, e.offset, t.Bytes), nil
}

func (x *externals) open(dir, location string) (*mapfile.File, int64, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !filepath.IsLocal(filepath.FromSlash(location)) {
		return nil, 0, fmt.Errorf("%s is outside the model's folder", quote(location))
	}
	f := x.files[location]
	if f == nil {
		var err error
		if x.root == nil {
			if x.root, err = os.OpenRoot(dir); err != nil {
				return nil, 0, err
			}
		}
		st, err := x.root.Stat(location) // a pipe must not even be opened
		if err == nil && !st.Mode().IsRegular() {
			err = fmt.Errorf("%s is not a regular file", quote(location))
		}
		if err != nil {
			return nil, 0, err
		}
		opened, err := x.root.Open(location)
		if err != nil {
			return nil, 0, err
		}
		if f, err = mapfile.New(opened); err != nil {
			return nil, 0, err
		}
		if x.files == nil {
			x.files = map[string]*mapfile.File{}
		}
		x.files[location] = f
	}
	return f, f.Size(), nil
}

func (x *externals) close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	var err error
	for _, f := range x.files {
		err = errors.Join(err, f.Close())
	}
	x.files = nil
	if x.root != nil {
		err = errors.Join(err, x.root.Close())
		x.root = nil
	}
	return err
}
