package tensorfile

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/sniff"
)

// maxSafetensorsHeader is the limit of the format.
const maxSafetensorsHeader = 100_000_000

// safetensorsBits has the bits of an element for every type of the format.
var safetensorsBits = map[string]int{
	"F64": 64, "F32": 32, "F16": 16, "BF16": 16,
	"F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
	"F6_E2M3": 6, "F6_E3M2": 6, "F4": 4,
	"I64": 64, "I32": 32, "I16": 16, "I8": 8,
	"U64": 64, "U32": 32, "U16": 16, "U8": 8,
	"C64": 64, "BOOL": 8,
}

// parseSafetensors reads a file that consists of a header length of eight bytes, a JSON header,
// and the data of all tensors without gaps.
func parseSafetensors(r io.ReaderAt, size int64) ([]entry, map[string]string, error) {
	header, err := readSafetensorsHeader(r, size)
	if err != nil {
		return nil, nil, err
	}
	tensors, metadata, err := parseSafetensorsHeader(header)
	if err != nil {
		return nil, nil, err
	}
	slices.SortStableFunc(tensors, func(a, b stTensor) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	start := 8 + int64(len(header))
	if err := checkLayout(tensors, start, size); err != nil {
		return nil, nil, err
	}
	entries := make([]entry, len(tensors))
	for i, t := range tensors {
		n, err := t.check()
		if err != nil {
			return nil, nil, inTensor(t.name, err)
		}
		e := newEntry(t.name, t.dtype, t.shape, t.end-t.begin)
		e.elements, e.Offset = n, start+t.begin
		e.raw = io.NewSectionReader(r, e.Offset, e.Bytes)
		switch t.dtype {
		case "F64", "F32", "F16", "BF16":
			e.Floating = true
			b := &blocks{r: r, start: e.Offset, n: n, enc: encoding{dtype: t.dtype}}
			e.open = func() (quant.Source, error) { return b, nil }
		default:
			if table := smallTables[t.dtype]; table != nil {
				e.Floating = true
				src := e.coded(n, smallFloats[t.dtype].bits(), table)
				e.open = func() (quant.Source, error) { return src, nil }
			} else if safetensorsBits[t.dtype] == 0 {
				e.Unread = "elements of type " + shorten(t.dtype) + " are not read"
			}
		}
		entries[i] = e
	}
	return entries, metadata, nil
}

func readSafetensorsHeader(r io.ReaderAt, size int64) ([]byte, error) {
	const lenSize = 8
	if size < lenSize {
		return nil, &sniff.TruncatedError{What: "the length of the header", Want: lenSize, Have: size}
	}
	b := make([]byte, lenSize)
	if n, err := r.ReadAt(b, 0); n < len(b) {
		return nil, err
	}
	n := binary.LittleEndian.Uint64(b)
	switch {
	case n > maxSafetensorsHeader && n <= uint64(size) && beginsHeader(r, lenSize, size):
		return nil, fmt.Errorf("header of %d bytes is longer than the %d that the format allows; save the tensors in several files", n, maxSafetensorsHeader)
	case n > maxSafetensorsHeader:
		return nil, fmt.Errorf("it does not begin as such a file: a header of %d bytes would be longer than %d", n, maxSafetensorsHeader)
	case int64(n) > size-lenSize && !beginsHeader(r, lenSize, size):
		return nil, fmt.Errorf("it does not begin as such a file: a header of %d bytes is longer than the file of %d", n, size)
	case int64(n) > size-lenSize:
		return nil, &sniff.TruncatedError{What: "the header", Want: lenSize + int64(n), Have: size}
	}
	header := make([]byte, n)
	if got, err := r.ReadAt(header, lenSize); got < len(header) {
		return nil, err
	}
	switch {
	case n == 0:
		return nil, errors.New("zeros where the length of the header should be: the file is damaged; download it again")
	case header[0] != '{':
		return nil, errors.New("header does not begin with {")
	}
	return header, nil
}

// beginsHeader reports whether a header can begin at an offset.
func beginsHeader(r io.ReaderAt, offset, size int64) bool {
	b := make([]byte, 1)
	n, _ := r.ReadAt(b, offset)
	return n == 1 && b[0] == '{' || size == offset
}

// checkLayout checks that the tensors, in the order of their data, cover the file from start to
// fileSize without gaps and overlaps.
func checkLayout(tensors []stTensor, start, fileSize int64) error {
	at, size := int64(0), fileSize-start
	end := int64(0)
	for _, t := range tensors {
		end = max(end, t.end)
	}
	for i, t := range tensors {
		var err error
		switch {
		case t.begin > t.end:
			err = fmt.Errorf("data_offsets [%d, %d] are reversed", t.begin, t.end)
		case t.begin > at:
			err = fmt.Errorf("data begins at %d, after a hole that begins at %d", t.begin, at)
		case t.begin < at:
			err = fmt.Errorf("data begins at %d, inside tensor %s", t.begin, quote(tensors[i-1].name))
		case t.end > size && end > math.MaxInt64-start:
			err = fmt.Errorf("data ends at %d, which no file does", end)
		case t.end > size:
			return &sniff.TruncatedError{What: "tensor " + quote(t.name), Want: start + end, Have: fileSize}
		}
		if err != nil {
			return inTensor(t.name, err)
		}
		at = t.end
	}
	if at < size {
		return fmt.Errorf("%d bytes after the data of the last tensor", size-at)
	}
	return nil
}

// check checks that the length of the tensor's data agrees with its type and shape. It returns
// the number of elements.
func (t *stTensor) check() (int, error) {
	n, err := elements(t.shape)
	if err != nil {
		return 0, err
	}
	elemBits, known := safetensorsBits[t.dtype]
	if !known {
		return n, nil // an unknown type, which can be listed
	}
	want, err := byteSize(n, elemBits)
	if err != nil {
		return 0, err
	}
	if have := t.end - t.begin; have != want {
		return 0, fmt.Errorf("%s of shape %v takes %d bytes, data_offsets span %d", t.dtype, t.shape, want, have)
	}
	return n, nil
}

// coded returns a Source of n codes of a tensor. The first code is in the lowest bits of the
// first byte.
func (e *entry) coded(n, bits int, table []float32) *coded {
	r, start, _ := e.raw.Outer()
	return &coded{r: r, start: start, n: n, bits: bits, table: table}
}
