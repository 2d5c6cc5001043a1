package onnx

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// A span is a range of bytes in the file.
type span struct{ start, end int64 }

// A frame is a field that holds a message. It has the offsets of its tag, its message and its
// end, and the message around it. An edit of a message changes the lengths of all messages around
// it.
type frame struct {
	parent    *frame
	num       protowire.Number
	start     int64 // offset of the tag
	body, end int64 // offsets of the message
}

func (f *frame) inner() span { return span{f.body, f.end} }

// A field is a field of a message. A number is in v; bytes and messages lie from body to end.
type field struct {
	num              protowire.Number
	typ              protowire.Type
	start, body, end int64
	v                uint64
}

// windowLen is the number of bytes that a wire buffers, and the maximal length of a string.
const windowLen = 64 << 10

// maxGroups limits the nesting of groups. No version of ONNX has groups.
const maxGroups = 64

// A wire reads fields through a buffer, its window.
type wire struct {
	r    io.ReaderAt
	buf  []byte
	at   int64 // offset of the window
	held int
}

func newWire(r io.ReaderAt) *wire { return &wire{r: r} }

// peek returns the n bytes at pos, which are valid until the next call.
func (w *wire) peek(pos int64, n int) ([]byte, error) {
	if pos < w.at || pos+int64(n) > w.at+int64(w.held) {
		if w.buf == nil {
			w.buf = make([]byte, windowLen)
		}
		got, err := w.r.ReadAt(w.buf, pos)
		w.at, w.held = pos, got
		if got < n {
			w.held = 0
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, fmt.Errorf("offset %d: %w", pos, err)
		}
	}
	i := int(pos - w.at)
	return w.buf[i : i+n], nil
}

// next reads the field at pos of a message that ends at end.
func (w *wire) next(pos, end int64) (field, error) {
	f, err := w.tag(pos, end)
	if err == nil && f.typ == protowire.StartGroupType {
		f.end, err = w.group(f, end, maxGroups)
	} else if err == nil && f.typ == protowire.EndGroupType {
		err = malformed(pos, errors.New("end of a group that did not begin"))
	}
	return f, err
}

// tag is like next, but leaves groups to the caller.
func (w *wire) tag(pos, end int64) (field, error) {
	const most = 20 // enough for two varints
	b, err := w.peek(pos, int(min(end-pos, most)))
	if err != nil {
		return field{}, err
	}
	num, typ, n := protowire.ConsumeTag(b)
	if n < 0 {
		return field{}, malformed(pos, protowire.ParseError(n))
	}
	b = b[n:]
	f := field{num: num, typ: typ, start: pos, body: pos + int64(n)}
	f.end = f.body
	switch typ {
	case protowire.VarintType:
		f.v, n = protowire.ConsumeVarint(b)
	case protowire.Fixed32Type:
		var v uint32
		v, n = protowire.ConsumeFixed32(b)
		f.v = uint64(v)
	case protowire.Fixed64Type:
		f.v, n = protowire.ConsumeFixed64(b)
	case protowire.BytesType:
		var length uint64
		length, n = protowire.ConsumeVarint(b)
		if n > 0 {
			f.body += int64(n)
			if have := end - f.body; length > uint64(have) {
				return field{}, malformed(pos, fmt.Errorf("field %d of %d bytes in a message with %d left", num, length, have))
			}
			f.end = f.body + int64(length)
			return f, nil
		}
	case protowire.StartGroupType, protowire.EndGroupType:
		return f, nil
	default:
		return field{}, malformed(pos, fmt.Errorf("field %d of wire type %d", num, typ))
	}
	if n < 0 {
		return field{}, malformed(pos, protowire.ParseError(n))
	}
	f.end += int64(n)
	return f, nil
}

// group returns the end of the group that begins with start.
func (w *wire) group(start field, end int64, depth int) (int64, error) {
	if depth == 0 {
		return 0, malformed(start.start, errors.New("groups nest too deep"))
	}
	pos := start.body
	for pos < end {
		f, err := w.tag(pos, end)
		if err != nil {
			return 0, err
		}
		switch f.typ {
		case protowire.EndGroupType:
			if f.num != start.num {
				return 0, malformed(pos, fmt.Errorf("group %d ends as %d", start.num, f.num))
			}
			return f.end, nil
		case protowire.StartGroupType:
			if f.end, err = w.group(f, end, depth-1); err != nil {
				return 0, err
			}
		}
		pos = f.end
	}
	return 0, malformed(start.start, fmt.Errorf("group %d does not end", start.num))
}

// each calls fn for every field of the message in s.
func (w *wire) each(s span, fn func(f field) error) error {
	for pos := s.start; pos < s.end; {
		f, err := w.next(pos, s.end)
		if err != nil {
			return err
		}
		if err := fn(f); err != nil {
			return err
		}
		pos = f.end
	}
	return nil
}

// malformed returns err with the offset at which the file is not what it should be. Package protobuf
// begins its errors with "proto:" and a space of a random kind, which is left out.
func malformed(pos int64, err error) error {
	if text, ok := strings.CutPrefix(err.Error(), "proto:"); ok {
		err = errors.New(strings.TrimSpace(text))
	}
	return fmt.Errorf("offset %d: %w", pos, err)
}

// looks reports whether head begins with a field of ModelProto with the right wire type.
func looks(head []byte) bool {
	num, typ, n := protowire.ConsumeTag(head)
	if n < 0 {
		return false
	}
	switch num {
	case 1, 5:
		v, m := protowire.ConsumeVarint(head[n:])
		return typ == protowire.VarintType && m > 0 && (num == 5 || v > 0 && v < 1000)
	case 2, 3, 4, 6, 7, 8, 14, 20, 25, 26:
		return typ == protowire.BytesType
	}
	return false
}
