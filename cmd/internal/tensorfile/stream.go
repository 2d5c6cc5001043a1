package tensorfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
)

// A Stream reads consecutive npy files, such as those that numpy.save writes to a pipe. It
// reads each file once from its beginning. Headers are not trusted: memory is allocated only as
// data arrive.
type Stream struct {
	r       *bufio.Reader
	count   int // number of arrays read
	header  *npyHeader
	enc     encoding
	left    int       // number of elements of the array that are not read yet
	ordered []float32 // the elements of a column-major array, after it was read
}

// NewStream returns a Stream of r.
func NewStream(r io.Reader) *Stream {
	return &Stream{r: bufio.NewReaderSize(r, blockBytes)}
}

// Next advances to the next array and describes it. It skips the rest of the array before. At
// the end of the stream the error is io.EOF.
func (s *Stream) Next() (Info, error) {
	if err := s.skip(); err != nil {
		return Info{}, err
	}
	switch head, err := s.r.Peek(1); {
	case err == io.EOF:
		return Info{}, io.EOF
	case err != nil:
		return Info{}, s.wrap(err)
	case s.count == 0 && head[0] != npyMagic[0]:
		return Info{}, errors.New("npy: it does not begin with \"\\x93NUMPY\"")
	}
	s.count++
	h, err := readNPYHeader(s.r, math.MaxInt64)
	if err != nil {
		return Info{}, s.wrap(err)
	}
	bytes, known, err := h.bytes()
	if err == nil && !known {
		err = fmt.Errorf("elements of type %s have no size", printable(h.descr))
	}
	if err != nil {
		return Info{}, s.wrap(err)
	}
	e, err := h.entry("", bytes)
	if err != nil {
		return Info{}, s.wrap(err)
	}
	s.header, s.ordered, s.left = h, nil, h.elements
	s.enc = h.encoding()
	return e.Info, nil
}

// skip reads the rest of an array.
func (s *Stream) skip() error {
	if s.header == nil || s.ordered != nil {
		return nil
	}
	want := int64(s.left) * int64(s.header.kind.size)
	n, err := io.CopyN(io.Discard, s.r, want)
	if err == io.EOF {
		err = fmt.Errorf("data ends %d bytes too early", want-n)
	}
	s.left = 0
	return s.wrap(err)
}

// Read returns the next n elements of the array in row-major order, or all that are left. The
// rules are those of [File.Load]. The slice belongs to the caller.
func (s *Stream) Read(n int) ([]float32, error) {
	n = min(n, s.left)
	if s.header.fortran && len(s.header.shape) > 1 {
		if s.ordered == nil {
			data, err := s.enc.read(s.r, s.left)
			if err != nil {
				return nil, s.wrap(err)
			}
			s.ordered = rowMajor(data, s.header.shape)
		}
		from := len(s.ordered) - s.left
		s.left -= n
		return s.ordered[from : from+n : from+n], nil
	}
	data, err := s.enc.read(s.r, n)
	s.left -= n
	var o *overflowError
	if errors.As(err, &o) {
		o.Index += s.header.elements - s.left - n
	}
	return data, s.wrap(err)
}

// wrap adds the name of the array to an error.
func (s *Stream) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("npy: array %d: %w", s.count, err)
}
