package onnx

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// An editor replaces pieces of messages in a model. It copies everything else byte for byte,
// except the lengths of the messages that contain a change.
type editor struct {
	m       *Model
	changed map[*frame]*changed
}

// changed is a message in which something is replaced.
type changed struct {
	frame *frame
	items []item
}

// An item replaces the bytes from start to end by parts, or by a changed message.
type item struct {
	start, end int64
	parts      []part
	message    *changed
}

// A part is a sequence of bytes to write.
type part interface {
	size() int64
	write(w io.Writer) error
}

// literal is a part in memory.
type literal []byte

func (l literal) size() int64 { return int64(len(l)) }

func (l literal) write(w io.Writer) error {
	_, err := w.Write(l)
	return err
}

func newEditor(m *Model) *editor {
	e := &editor{m: m, changed: map[*frame]*changed{}}
	e.changed[&m.root] = &changed{frame: &m.root}
	return e
}

// message returns the changed message for f, and creates it if there is none.
func (e *editor) message(f *frame) *changed {
	c := e.changed[f]
	if c == nil {
		c = &changed{frame: f}
		e.changed[f] = c
		parent := e.message(f.parent)
		parent.items = append(parent.items, item{start: f.start, end: f.end, message: c})
	}
	return c
}

// replace plans to replace the bytes from start to end in the message f by parts.
func (e *editor) replace(f *frame, start, end int64, parts ...part) {
	c := e.message(f)
	c.items = append(c.items, item{start: start, end: end, parts: parts})
}

// remove plans to remove a field.
func (e *editor) remove(f *frame) { e.replace(f.parent, f.start, f.end) }

func (e *editor) insert(p position, parts ...part) { e.replace(p.frame, p.at, p.at, parts...) }

// sort sorts the items of every message by their place in the file. An insertion at an offset
// goes before a replacement that starts there.
func (e *editor) sort() error {
	for _, c := range e.changed {
		slices.SortStableFunc(c.items, func(a, b item) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end)) })
		for i := 1; i < len(c.items); i++ {
			if c.items[i].start < c.items[i-1].end {
				return fmt.Errorf("offset %d is to be changed in two ways", c.items[i].start)
			}
		}
	}
	return nil
}

// size is the new length of the message without its tag and length.
func (c *changed) size() int64 {
	n := c.frame.end - c.frame.body
	for _, i := range c.items {
		n -= i.end - i.start
		if i.message != nil {
			n += i.message.whole()
		}
		for _, p := range i.parts {
			n += p.size()
		}
	}
	return n
}

// whole is the new length of the message with its tag and length.
func (c *changed) whole() int64 {
	return int64(protowire.SizeTag(c.frame.num)) + int64(protowire.SizeBytes(int(c.size())))
}

// write writes the message without its tag and length.
func (c *changed) write(w io.Writer, r io.ReaderAt) error {
	pos := c.frame.body
	for _, i := range c.items {
		if err := copyRange(w, r, pos, i.start); err != nil {
			return err
		}
		if m := i.message; m != nil {
			b := protowire.AppendTag(nil, m.frame.num, protowire.BytesType)
			b = protowire.AppendVarint(b, uint64(m.size()))
			if _, err := w.Write(b); err != nil {
				return err
			}
			if err := m.write(w, r); err != nil {
				return err
			}
		}
		for _, p := range i.parts {
			if err := p.write(w); err != nil {
				return err
			}
		}
		pos = i.end
	}
	return copyRange(w, r, pos, c.frame.end)
}

// copyRange copies the bytes from start to end.
func copyRange(w io.Writer, r io.ReaderAt, start, end int64) error {
	n, err := io.Copy(w, io.NewSectionReader(r, start, end-start))
	if err == nil && n < end-start {
		err = fmt.Errorf("offset %d: %w", start+n, io.ErrUnexpectedEOF)
	}
	return err
}

// read returns the bytes of a small field.
func (m *Model) read(f *frame) ([]byte, error) {
	const most = 1 << 20
	n := f.end - f.body
	if n > most {
		return nil, malformed(f.start, errors.New("a message too large to be changed"))
	}
	b := make([]byte, n)
	if got, err := m.r.ReadAt(b, f.body); got < len(b) {
		return nil, malformed(f.body, err)
	}
	return b, nil
}
