package onnx

import (
	"io"

	"google.golang.org/protobuf/encoding/protowire"
)

// A Payload is the data of a tensor, little-endian and in row-major order.
type Payload struct {
	Size  int64
	Write func(w io.Writer) error // writes Size bytes
}

// A store is a tensor to write: an initializer, or the value of a Constant node. Its data go to
// the message or to the external file.
type store struct {
	dataName string // of the external file
	name     string
	elem     elemType
	shape    []int
	data     Payload
	node     protowire.Number // field number of a Constant node around it; 0 for an initializer
	external bool
	offset   int64 // offset in the external file
}

// head returns the TensorProto up to its data.
func (s *store) head() []byte {
	var b []byte
	for _, d := range s.shape {
		b = appendInt(b, 1, int64(d))
	}
	b = appendString(appendInt(b, 2, int64(s.elem)), 8, s.name)
	if s.external {
		return appendExternal(b, s.dataName, s.offset, s.data.Size)
	}
	b = protowire.AppendTag(b, 9, protowire.BytesType)
	return protowire.AppendVarint(b, uint64(s.data.Size))
}

// inline returns the number of bytes of data that follow head.
func (s *store) inline() int64 {
	if s.external {
		return 0
	}
	return s.data.Size
}

// frames returns the bytes before and after the data.
func (s *store) frames() (before, after []byte) {
	head := s.head()
	n := int64(len(head)) + s.inline()
	tag := func(num protowire.Number, n int64, inner []byte) []byte {
		b := protowire.AppendTag(nil, num, protowire.BytesType)
		return append(protowire.AppendVarint(b, uint64(n)), inner...)
	}
	if s.node == 0 {
		return tag(5, n, head), nil
	}
	const typeTensor = 4
	after = appendInt(nil, 20, typeTensor)
	attribute := tag(5, n, head)
	attribute = append(appendString(nil, 1, "value"), attribute...)
	n = int64(len(attribute)+len(after)) + s.inline()
	node := append(appendString(appendString(nil, 2, s.name), 4, "Constant"), tag(5, n, attribute)...)
	n = int64(len(node)+len(after)) + s.inline()
	return tag(s.node, n, node), after
}

func (s *store) size() int64 {
	before, after := s.frames()
	return int64(len(before)+len(after)) + s.inline()
}

func (s *store) write(w io.Writer) error {
	before, after := s.frames()
	if _, err := w.Write(before); err != nil {
		return err
	}
	if !s.external {
		if err := s.data.write(w); err != nil {
			return err
		}
	}
	_, err := w.Write(after)
	return err
}

// write writes the data, and checks that their size is as declared.
func (p *Payload) write(w io.Writer) error {
	c := &counter{w: w}
	if err := p.Write(c); err != nil {
		return err
	}
	if c.n != p.Size {
		return &sizeError{c.n, p.Size}
	}
	return nil
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

type sizeError struct{ have, want int64 }

func (e *sizeError) Error() string {
	return "wrote " + itoa(int(e.have)) + " bytes of " + itoa(int(e.want))
}

// appendExternal appends the fields that refer to data in the external file.
func appendExternal(b []byte, dataName string, offset, length int64) []byte {
	for _, e := range [][2]string{{"location", dataName}, {"offset", itoa(int(offset))}, {"length", itoa(int(length))}} {
		b = appendBytes(b, 13, appendString(appendString(nil, 1, e[0]), 2, e[1]))
	}
	return appendInt(b, 14, 1)
}

// moved is a part that refers to external data which are copied to the new file.
type moved struct {
	dataName string // of the external file
	data     Payload
	offset   int64
}

func (e *moved) bytes() []byte { return appendExternal(nil, e.dataName, e.offset, e.data.Size) }

func (e *moved) size() int64 { return int64(len(e.bytes())) }

func (e *moved) write(w io.Writer) error { return literal(e.bytes()).write(w) }
