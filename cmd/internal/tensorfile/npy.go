package tensorfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/a01592f9/quant"
)

const (
	npyMagic = "\x93NUMPY"

	// maxNPYHeader is the longest header that is read. NumPy's own limit for
	// files that are not trusted is 10000 characters.
	maxNPYHeader = 1 << 16
)

// npyHeader is what comes before the data of an npy file.
type npyHeader struct {
	descr    string // the element type as the file names it
	simple   bool   // descr is one type, not a structure
	fortran  bool   // column-major
	shape    []int
	elements int
	len      int64 // of the header, and so the offset of the data
}

// parseNPY reads a file that holds one array.
func parseNPY(r io.ReaderAt, size int64) ([]entry, error) {
	h, err := readNPYHeader(io.NewSectionReader(r, 0, size), size)
	if err != nil {
		return nil, err
	}
	e, err := h.entry("", size-h.len)
	if err != nil {
		return nil, err
	}
	h.locate(&e, r, h.len, size-h.len)
	return []entry{e}, nil
}

// entry describes the array of h, which has have bytes of data.
func (h *npyHeader) entry(name string, have int64) (entry, error) {
	e := newEntry(name, printable(h.descr), h.shape, have)
	e.elements = h.elements
	itemSize, known := h.itemSize()
	if known {
		want, err := byteSize(h.elements, itemSize*8)
		if err != nil {
			return entry{}, err
		}
		if want != have {
			return entry{}, fmt.Errorf("%s of shape %v takes %d bytes, %d are there", e.DType, h.shape, want, have)
		}
	}
	enc, ok := h.encoding()
	if ok {
		e.DType, e.Floating = enc.dtype, true
	}
	return e, nil
}

// encoding returns the encoding of the elements, if they are floating-point
// numbers of a type that can be read.
func (h *npyHeader) encoding() (enc encoding, ok bool) {
	if !h.simple || len(h.descr) != 3 || h.descr[0] != '<' && h.descr[0] != '>' {
		return enc, false
	}
	enc.big = h.descr[0] == '>'
	switch h.descr[1:] {
	case "f2":
		enc.dtype = "F16"
	case "f4":
		enc.dtype = "F32"
	case "f8":
		enc.dtype = "F64"
	}
	return enc, enc.dtype != ""
}

// itemSize returns the bytes of one element, if its type says so: a type is a
// byte order, a letter and a number, as in <f4, and perhaps a unit of time.
func (h *npyHeader) itemSize() (n int, known bool) {
	d := h.descr
	if !h.simple || len(d) < 3 || !strings.ContainsRune("<>|=", rune(d[0])) {
		return 0, false
	}
	digits := d[2:]
	if d[1] == 'M' || d[1] == 'm' {
		digits, _, _ = strings.Cut(digits, "[")
	}
	u, err := strconv.ParseUint(digits, 10, 31)
	if err != nil {
		return 0, false
	}
	switch d[1] {
	case 'b', 'i', 'u', 'f', 'c', 'S', 'a', 'V', 'M', 'm':
		return int(u), true
	case 'U':
		// Code points of four bytes; on a 32-bit machine their size may not fit an int.
		n = int(u) * 4
		return n, n/4 == int(u)
	}
	return 0, false // O, pickled objects
}

// locate says that the data of e are the size bytes from offset on.
func (h *npyHeader) locate(e *entry, r io.ReaderAt, offset, size int64) {
	inOrder := !h.fortran || len(h.shape) < 2 || h.elements == 0
	if inOrder {
		e.Offset, e.raw = offset, io.NewSectionReader(r, offset, size)
	}
	if !e.Floating {
		return
	}
	enc, _ := h.encoding()
	b := blocks{r: r, start: offset, n: h.elements, enc: enc}
	e.open = func() (quant.Source, error) {
		switch {
		case inOrder:
			return &b, nil
		case size > fewBytes:
			return &columns{blocks: b, shape: h.shape}, nil
		}
		// It takes a while to look up elements one by one.
		data, err := h.read(io.NewSectionReader(r, offset, size))
		return floats(data), err
	}
}

// fewBytes is how large an array in column-major order may be to be read, and
// put into order, at once.
const fewBytes = 64 << 20

// read reads the data of a floating-point array. Nothing may come after it.
func (h *npyHeader) read(r io.Reader) ([]float32, error) {
	enc, _ := h.encoding()
	data, err := enc.read(r, h.elements)
	if err != nil {
		var o *overflowError
		if h.fortran && errors.As(err, &o) {
			o.Index = rowMajorIndex(o.Index, h.shape)
		}
		return nil, err
	}
	// Reading on makes a zip archive check its sum.
	switch n, err := io.ReadFull(r, make([]byte, 1)); {
	case n > 0:
		return nil, errors.New("data does not end where its shape says")
	case err != io.EOF:
		return nil, err
	}
	if h.fortran {
		data = rowMajor(data, h.shape)
	}
	return data, nil
}

// readNPYHeader reads the header from the beginning of a file of size bytes.
func readNPYHeader(r io.Reader, size int64) (*npyHeader, error) {
	// The magic, a version of two bytes, and a length of two or four.
	pre := make([]byte, len(npyMagic)+4)
	if _, err := io.ReadFull(r, pre); err != nil {
		return nil, headerError(err)
	}
	if string(pre[:len(npyMagic)]) != npyMagic {
		return nil, errors.New("file does not begin with \"\\x93NUMPY\"")
	}
	major, minor := pre[len(npyMagic)], pre[len(npyMagic)+1]
	n := int64(binary.LittleEndian.Uint16(pre[len(npyMagic)+2:]))
	switch {
	case minor != 0 || major < 1 || major > 3:
		return nil, fmt.Errorf("version %d.%d is not 1.0, 2.0 or 3.0", major, minor)
	case major > 1:
		high := make([]byte, 2)
		if _, err := io.ReadFull(r, high); err != nil {
			return nil, headerError(err)
		}
		pre = append(pre, high...)
		n = int64(binary.LittleEndian.Uint32(pre[len(npyMagic)+2:]))
	}
	switch start := int64(len(pre)); {
	case n > maxNPYHeader:
		return nil, fmt.Errorf("header of %d bytes is longer than %d", n, maxNPYHeader)
	case n > size-start:
		return nil, fmt.Errorf("header of %d bytes is longer than the file of %d", n, size)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return nil, headerError(err)
	}
	h, err := parseNPYHeader(string(text))
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	h.len = int64(len(pre)) + n
	return h, nil
}

// headerError says where it happened that a file ends.
func headerError(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return errors.New("file ends in the header")
	}
	return err
}
