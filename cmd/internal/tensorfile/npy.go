package tensorfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/a01592f9/quant"
)

const (
	npyMagic = "\x93NUMPY"

	// maxNPYHeader is the length of the longest header that is read. NumPy's limit for files
	// that are not trusted is 10000 characters.
	maxNPYHeader = 1 << 16
)

// parseNPY reads a file with one array, or with several arrays in sequence. Several arrays are
// called arr_0, arr_1 and so on, as by numpy.savez.
func parseNPY(r io.ReaderAt, size int64) ([]entry, error) {
	var entries []entry
	for start := int64(0); start == 0 || start < size; {
		name := "arr_" + strconv.Itoa(len(entries))
		e, end, err := npyArray(r, start, size)
		if err != nil {
			if len(entries) > 0 {
				err = inTensor(name, err)
			}
			return nil, err
		}
		e.Name = name
		entries = append(entries, e)
		start = end
	}
	if len(entries) == 1 {
		entries[0].Name = ""
	}
	return entries, nil
}

// npyArray returns the entry of the array at an offset, and its end.
func npyArray(r io.ReaderAt, start, size int64) (e entry, end int64, err error) {
	h, err := readNPYHeader(io.NewSectionReader(r, start, size-start), size-start)
	if err != nil {
		return entry{}, 0, err
	}
	offset, have := start+h.len, size-start-h.len
	if want, known, err := h.bytes(); err != nil {
		return entry{}, 0, err
	} else if known && want < have && beginsNPY(r, offset+want) {
		have = want
	}
	if e, err = h.entry("", have); err != nil {
		return entry{}, 0, err
	}
	h.locate(&e, r, offset, have)
	return e, offset + have, nil
}

// beginsNPY reports whether an array begins at an offset.
func beginsNPY(r io.ReaderAt, offset int64) bool {
	magic := make([]byte, len(npyMagic))
	n, _ := r.ReadAt(magic, offset)
	return n == len(magic) && string(magic) == npyMagic
}

// bytes returns the size of the data. known is false if the type has no fixed size.
func (h *npyHeader) bytes() (n int64, known bool, err error) {
	if !h.kind.known {
		return 0, false, nil
	}
	n, err = byteSize(h.elements, h.kind.size*8)
	return n, true, err
}

// entry returns the entry of the array of h. have is the number of bytes of its data.
func (h *npyHeader) entry(name string, have int64) (entry, error) {
	e := newEntry(name, printable(h.descr), h.shape, have)
	e.elements = h.elements
	want, known, err := h.bytes()
	switch {
	case err != nil:
		return entry{}, err
	case known && want > have:
		return entry{}, fmt.Errorf("truncated: %s of shape %v takes %d bytes, %d are there", e.DType, h.shape, want, have)
	case known && want < have:
		return entry{}, fmt.Errorf("%s of shape %v takes %d bytes, %d are there", e.DType, h.shape, want, have)
	}
	e.Unread = h.kind.unread
	if !h.simple {
		e.Unread = npyRecords(h.fields)
	}
	if h.kind.dtype != "" {
		e.DType, e.Floating = h.kind.dtype, true
	}
	return e, nil
}

// encoding returns the encoding of the elements, for types that are read.
func (h *npyHeader) encoding() encoding {
	return encoding{dtype: h.kind.dtype, big: h.kind.big}
}

// locate sets the data of e to size bytes from offset.
func (h *npyHeader) locate(e *entry, r io.ReaderAt, offset, size int64) {
	inOrder := !h.fortran || len(h.shape) < 2 || h.elements == 0
	if inOrder {
		e.Offset, e.raw = offset, io.NewSectionReader(r, offset, size)
	}
	if !e.Floating {
		return
	}
	b := blocks{r: r, start: offset, n: h.elements, enc: h.encoding()}
	e.open = func() (quant.Source, error) {
		switch {
		case inOrder:
			return &b, nil
		case size > fewBytes:
			return &columns{blocks: b, shape: h.shape}, nil
		}
		// Looking up single elements takes more time than reading all of them.
		data, err := h.read(io.NewSectionReader(r, offset, size))
		return floats(data), err
	}
}

// fewBytes is the largest size of an array in column-major order that is read and reordered at
// once.
const fewBytes = 64 << 20

// read reads the data of a floating-point array. Data after it are an error.
func (h *npyHeader) read(r io.Reader) ([]float32, error) {
	data, err := h.encoding().read(r, h.elements)
	if err != nil {
		var o *overflowError
		if h.fortran && errors.As(err, &o) {
			o.Index = rowMajorIndex(o.Index, h.shape)
		}
		return nil, err
	}
	// Reading to the end makes a zip archive check its checksum.
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
		return nil, fmt.Errorf("truncated: header of %d bytes is longer than the file of %d", n, size)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return nil, headerError(err)
	}
	// Latin-1 is the encoding of headers before version 3.
	if major < 3 {
		text = latin1(text)
	} else if !utf8.Valid(text) {
		return nil, errors.New("header is not UTF-8, as it must be in version 3.0")
	}
	h, err := parseNPYHeader(string(text))
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	h.len = int64(len(pre)) + n
	return h, nil
}

// latin1 returns text of that encoding as UTF-8.
func latin1(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for _, c := range text {
		out = utf8.AppendRune(out, rune(c))
	}
	return out
}

// headerError returns err with the place if the file ends in the header.
func headerError(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return errors.New("truncated: the file ends in the header")
	}
	return err
}
