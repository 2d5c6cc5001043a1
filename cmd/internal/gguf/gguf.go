// Package gguf reads and writes GGUF files, the model files of llama.cpp. A file has a header,
// metadata, a list of tensors, and their data. Versions 2 and 3 are read, with the least
// significant byte first.
//
// Files are not trusted. A file that violates the rules of the format gives a one-line error
// with the key or the tensor and the offset. It never causes a panic, or an allocation that is
// out of proportion to the size of the file. Values of metadata are not read into memory, so
// the many strings of a tokenizer take none.
package gguf

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"math/bits"
	"slices"
)

// Parse reads the header of a file of size bytes. The File reads from r, which must stay valid.
func Parse(r io.ReaderAt, size int64) (*File, error) {
	s := newScanner(r, size)
	f := &File{r: r, size: size, parts: []part{{r: r, size: size}}}
	tensors, values, err := f.parseHeader(s)
	if err != nil {
		return nil, err
	}
	if err := f.parseMetadata(s, values); err != nil {
		return nil, err
	}
	if err := f.parseTensors(s, tensors); err != nil {
		return nil, err
	}
	if end := f.dataEnd(); end < size {
		what := fmt.Sprintf("%d bytes from byte %d on are no tensor's", size-end, end)
		if f.joined() {
			what += ": another GGUF file"
		}
		f.LeftOut = append(f.LeftOut, LeftOut{"after the last tensor", what})
	}
	return f, nil
}

// parseHeader returns the numbers of tensors and of metadata pairs in the header. It checks
// that the file has room for them.
func (f *File) parseHeader(s *scanner) (tensors, values uint64, err error) {
	if f.size < headerLen {
		return 0, 0, fmt.Errorf("file of %d bytes is shorter than a header", f.size)
	}
	b, err := s.next(4)
	if err != nil {
		return 0, 0, err
	}
	if string(b) != Magic {
		return 0, 0, fmt.Errorf("file does not begin with %q", Magic)
	}
	if f.Version, err = s.uint32(); err != nil {
		return 0, 0, err
	}
	switch v := f.Version; {
	case v == 2 || v == 3:
	case v != 0 && v&0xffff == 0:
		return 0, 0, fmt.Errorf("file of version %d has the most significant byte first, which is not read", bits.ReverseBytes32(v))
	default:
		return 0, 0, fmt.Errorf("version %d is not read, only 2 and 3", v)
	}
	if tensors, err = s.uint64(); err != nil {
		return 0, 0, err
	}
	if values, err = s.uint64(); err != nil {
		return 0, 0, err
	}
	// The smallest size of each: a tensor without a name and axes; a pair with a key and a
	// value of one byte each.
	room := uint64(f.size - s.pos())
	if values > room/14 {
		return 0, 0, fmt.Errorf("truncated or damaged: header claims %d pairs of metadata, in a file of %d bytes", values, f.size)
	}
	if tensors > room/24 {
		return 0, 0, fmt.Errorf("truncated or damaged: header claims %d tensors, in a file of %d bytes", tensors, f.size)
	}
	return tensors, values, nil
}

// parseTensors reads the list of tensors, and checks the places of their data.
func (f *File) parseTensors(s *scanner, n uint64) error {
	seen := make(map[string]bool)
	for i := range n {
		t, err := parseTensor(s)
		if err != nil {
			if t.Name != "" {
				err = inTensor(t.Name, err)
			}
			return fmt.Errorf("tensor %d of %d: %w", i, n, err)
		}
		if seen[t.Name] {
			return fmt.Errorf("two tensors are named %s", quote(t.Name))
		}
		seen[t.Name] = true
		f.Tensors = append(f.Tensors, t)
	}
	f.DataStart = s.pos()
	if n == 0 {
		return nil
	}
	pad := -f.DataStart & (f.Align - 1)
	if pad > f.size-f.DataStart {
		return fmt.Errorf("truncated: file ends at byte %d, before the data of its tensors", f.size)
	}
	f.DataStart += pad
	return f.place()
}

// parseTensor reads one entry of the list. Its Offset is relative to DataStart. After an error
// the result is incomplete.
func parseTensor(s *scanner) (t Tensor, err error) {
	if t.Name, err = s.string(maxName, "a name"); err != nil {
		return t, err
	}
	axes, err := s.uint32()
	if err != nil {
		return t, err
	}
	if axes > maxAxes {
		return t, fmt.Errorf("%d axes, where %d are allowed", axes, maxAxes)
	}
	dims := make([]uint64, axes)
	t.Shape = make([]int, axes)
	for i := range dims {
		if dims[i], err = s.uint64(); err != nil {
			return t, err
		}
	}
	slices.Reverse(dims)
	id, err := s.uint32()
	if err != nil {
		return t, err
	}
	t.Type = Type(id)
	offset, err := s.uint64()
	if err != nil {
		return t, err
	}
	if offset > math.MaxInt64 {
		return t, fmt.Errorf("data begins at %d, outside the file", offset)
	}
	t.Offset = int64(offset)
	n, ok := product(dims)
	if !ok {
		return t, fmt.Errorf("shape %d has too many elements", dims)
	}
	for i, d := range dims {
		t.Shape[i] = int(d)
	}
	block, size := t.Type.Block()
	if size == 0 {
		return t, nil
	}
	if row := t.RowLen(); row%block != 0 {
		return t, fmt.Errorf("rows of %d elements are not whole blocks of %s, which have %d", row, t.Type, block)
	}
	t.Bytes = int64(n) / int64(block) * int64(size)
	return t, nil
}

// product returns the product of the axes of a shape. ok is false unless an int can hold each
// axis, and the size of the elements with 8 bytes each.
func product(dims []uint64) (int, bool) {
	n, empty := uint64(1), false
	for _, d := range dims {
		if d == 0 {
			empty = true
			continue
		}
		hi, lo := bits.Mul64(n, d)
		if hi != 0 || lo > math.MaxInt/8 {
			return 0, false
		}
		n = lo
	}
	if empty {
		n = 0
	}
	return int(n), true
}

// place makes the offsets of tensors relative to the beginning of the file. It checks that
// their data are inside the file and do not overlap.
func (f *File) place() error {
	room := f.size - f.DataStart
	order := make([]*Tensor, len(f.Tensors))
	for i := range order {
		t := &f.Tensors[i]
		order[i] = t
		if t.Offset%f.Align != 0 {
			return inTensor(t.Name, fmt.Errorf("data begin at %d, which is no multiple of %d", t.Offset, f.Align))
		}
		if t.Offset > room || t.Bytes > room-t.Offset {
			return inTensor(t.Name, fmt.Errorf("%d bytes of data from %d on are not in the file of %d bytes, which is truncated",
				t.Bytes, f.DataStart+min(t.Offset, math.MaxInt64-f.DataStart), f.size))
		}
		t.Offset += f.DataStart
	}
	slices.SortStableFunc(order, func(a, b *Tensor) int {
		return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Bytes, b.Bytes))
	})
	for i, t := range order {
		end := f.size
		if i+1 < len(order) {
			end = order[i+1].Offset
		}
		if _, size := t.Type.Block(); size == 0 {
			t.Bytes = end - t.Offset
		}
		if t.Bytes > end-t.Offset {
			return inTensor(t.Name, fmt.Errorf("data end at %d, inside tensor %s", t.Offset+t.Bytes, quote(order[i+1].Name)))
		}
		// ggml allows no gaps. Other programs may use the numbers of ggml's types for their own
		// types, with other block sizes.
		if i+1 < len(order) && t.Type.Quantized() && end-t.Offset-t.Bytes >= f.Align {
			return inTensor(t.Name, fmt.Errorf("data of %s end at %d, and the next tensor begins at %d: type %d of this file is not that of ggml",
				t.Type, t.Offset+t.Bytes, end, uint32(t.Type)))
		}
	}
	return nil
}
