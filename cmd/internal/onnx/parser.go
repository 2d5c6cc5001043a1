package onnx

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	maxGraphs     = 64      // depth of nested graphs
	maxInts       = 256     // numbers kept of an attribute
	maxAttributes = 1024    // attributes of a node
	maxParts      = 1 << 22 // nodes, attributes and tensors of a model
	maxStrings    = 1 << 23 // inputs and outputs of nodes
)

// A parser parses a model. As in protobuf, a message field that occurs twice is merged: each
// occurrence adds to what was read before.
type parser struct {
	*wire
	m       *Model
	names   map[string]string // each different string, to store it once
	parts   int
	strings int
}

// str returns the bytes of f as a string.
func (p *parser) str(f field) (string, error) {
	n := f.end - f.body
	if n > windowLen {
		return "", malformed(f.start, fmt.Errorf("a name of %d bytes", n))
	}
	b, err := p.peek(f.body, int(n))
	if err != nil {
		return "", err
	}
	s, ok := p.names[string(b)]
	if !ok {
		s = string(b)
		p.names[s] = s
	}
	return s, nil
}

func (p *parser) setString(s *string, f field) error {
	v, err := p.str(f)
	*s = v
	return err
}

func (p *parser) addString(list *[]string, f field) error {
	if p.strings++; p.strings > maxStrings {
		return malformed(f.start, fmt.Errorf("more than %d inputs and outputs", maxStrings))
	}
	v, err := p.str(f)
	*list = append(*list, v)
	return err
}

func (p *parser) count(f field) error {
	if p.parts++; p.parts > maxParts {
		return malformed(f.start, fmt.Errorf("more than %d nodes, attributes and tensors", maxParts))
	}
	return nil
}

// frame returns the frame of a message.
func (f field) frame(parent *frame) frame {
	return frame{parent: parent, num: f.num, start: f.start, body: f.body, end: f.end}
}

// packed calls fn for the varints in s until it returns false.
func (p *parser) packed(s span, fn func(v uint64) bool) error {
	for pos := s.start; pos < s.end; {
		b, err := p.peek(pos, int(min(s.end-pos, 10)))
		if err != nil {
			return err
		}
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return malformed(pos, protowire.ParseError(n))
		}
		if !fn(v) {
			return nil
		}
		pos += int64(n)
	}
	return nil
}
