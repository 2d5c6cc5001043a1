package onnx

import (
	"errors"
	"fmt"
	"io"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	// largeData is the number of bytes from which data may go to the external file.
	largeData = 1 << 10

	// Where data begin in it: so that they can be mapped, or read fast.
	pageData, pageAlign, smallAlign = 1 << 20, 4096, 64
)

// maxModel is the largest message that protobuf allows. A variable for tests.
var maxModel int64 = math.MaxInt32

// A Rewriter makes another model of one: some tensors become others, and every
// other byte stays, except where the operators must be those of a later
// version, or data were outside the model: these are all in one file beside
// the new model.
type Rewriter struct {
	m        *Model
	e        *editor
	dataName string // of the external file
	names    map[string]bool
	stores   []*store
	moved    []*moved
	gone     map[*Tensor]bool // replaced or removed
	dataSize int64
	version  int64 // of ONNX's own operators, at least
	ir       int64 // at least
	planned  bool

	dequantized []dequantization
}

// Rewrite begins a rewriting. dataName is the name that the external file will
// have, beside the new model.
func (m *Model) Rewrite(dataName string) *Rewriter {
	r := &Rewriter{m: m, e: newEditor(m), dataName: dataName, names: map[string]bool{}, gone: map[*Tensor]bool{}}
	for _, g := range m.graphs {
		for name := range g.defs {
			r.names[name] = true
		}
		for _, n := range g.nodes {
			r.names[n.name] = true
		}
	}
	return r
}

// fresh returns a name that nothing in the model has.
func (r *Rewriter) fresh(name string) string {
	unique := name
	for i := 2; r.names[unique]; i++ {
		unique = name + "_" + itoa(i)
	}
	r.names[unique] = true
	return unique
}

// store plans a new tensor of g; external says whether it is to be outside the model.
func (r *Rewriter) store(g *graph, name string, elem elemType, shape []int, data Payload, external bool) *store {
	s := &store{r: r, name: name, elem: elem, shape: shape, data: data, external: external && data.Size >= largeData}
	if g.fn != nil {
		s.node = 7 // a function has no initializers
	}
	r.stores = append(r.stores, s)
	return s
}

// position returns where a new initializer of g goes.
func (g *graph) position() position {
	if p := g.initializersEnd; p.frame != nil {
		return p
	}
	f := g.frames[0]
	return position{f, f.end}
}

// before returns the place before the first node of g that uses a value, or
// that has a graph in it which does.
func (g *graph) before(name string) position {
	first := len(g.nodes)
	for _, u := range g.uses[name] {
		n := u.node
		if n == nil {
			n = u.graph.owner
		}
		for n != nil && n.graph != g {
			n = n.graph.owner
		}
		if n != nil {
			first = min(first, n.index)
		}
	}
	if first < len(g.nodes) {
		f := &g.nodes[first].frame
		return position{f.parent, f.start}
	}
	if len(g.nodes) > 0 {
		f := &g.nodes[len(g.nodes)-1].frame
		return position{f.parent, f.end}
	}
	f := g.frames[0]
	return position{f, f.end}
}

// nodeField is the number of nodes among the fields of g.
func (g *graph) nodeField() protowire.Number {
	if g.fn != nil {
		return 7
	}
	return 1
}

// removeInput takes the value of t from the inputs of its graph, where older
// models list all initializers.
func (r *Rewriter) removeInput(g *graph, name string) {
	if g.fn != nil {
		return
	}
	for i := range g.inputs {
		if in := &g.inputs[i]; in.name == name {
			r.e.remove(&in.frame)
		}
	}
}

// Plan finishes the changes. Nothing is written yet, but the sizes are known.
func (r *Rewriter) Plan() error {
	if r.planned {
		return errors.New("planned twice")
	}
	r.planned = true
	r.placeDequantized()
	if err := r.raise(); err != nil {
		return err
	}
	if err := r.moveExternal(); err != nil {
		return err
	}
	if err := r.e.sort(); err != nil {
		return err
	}
	if r.ModelSize() > maxModel {
		for _, s := range r.stores {
			s.external = s.data.Size >= largeData
		}
	}
	r.dataSize = 0
	place := func(size int64) int64 {
		align := int64(smallAlign)
		if size >= pageData {
			align = pageAlign
		}
		at := (r.dataSize + align - 1) / align * align
		r.dataSize = at + size
		return at
	}
	for _, s := range r.stores {
		if s.external {
			s.offset = place(s.data.Size)
		}
	}
	for _, e := range r.moved {
		e.offset = place(e.data.Size)
	}
	if n := r.ModelSize(); n > maxModel {
		return fmt.Errorf("the model would have %d bytes, more than the %d that protobuf allows", n, maxModel)
	}
	return nil
}

// ModelSize is the size of the new model.
func (r *Rewriter) ModelSize() int64 { return r.e.message(&r.m.root).size() }

// DataSize is the size of the external file; 0 if there is none.
func (r *Rewriter) DataSize() int64 { return r.dataSize }

// WriteModel writes the model.
func (r *Rewriter) WriteModel(w io.Writer) error { return r.e.message(&r.m.root).write(w, r.m.r) }

// WriteData writes the external file.
func (r *Rewriter) WriteData(w io.Writer) error {
	at := int64(0)
	put := func(offset int64, data *Payload) error {
		if pad := offset - at; pad > 0 {
			if _, err := w.Write(make([]byte, pad)); err != nil {
				return err
			}
		}
		at = offset + data.Size
		return data.write(w)
	}
	for _, s := range r.stores {
		if s.external {
			if err := put(s.offset, &s.data); err != nil {
				return err
			}
		}
	}
	for _, e := range r.moved {
		if err := put(e.offset, &e.data); err != nil {
			return err
		}
	}
	return nil
}

// moveExternal plans the copies of external data of tensors that stay.
func (r *Rewriter) moveExternal() error {
	move := func(t *Tensor) error {
		if r.gone[t] || !t.isExternal {
			return nil
		}
		data, err := t.Data()
		if err != nil {
			return fmt.Errorf("tensor %s: %w", quote(t.Name), err)
		}
		e := &moved{r: r, data: Payload{t.Bytes, func(w io.Writer) error { return copyRange(w, data, 0, t.Bytes) }}}
		r.moved = append(r.moved, e)
		w := newWire(r.m.r)
		for i, f := range t.frames {
			err := w.each(f.inner(), func(field field) error {
				if field.num == 13 || field.num == 14 {
					r.e.replace(f, field.start, field.end)
				}
				return nil
			})
			if err != nil {
				return err
			}
			if i == len(t.frames)-1 {
				r.e.replace(f, f.end, f.end, e)
			}
		}
		return nil
	}
	for _, t := range r.m.Tensors {
		if err := move(t); err != nil {
			return err
		}
	}
	for _, t := range r.m.unlisted {
		if err := t.check(); err != nil {
			return fmt.Errorf("tensor %s: %w", quote(t.Name), err)
		}
		if err := move(t); err != nil {
			return err
		}
	}
	return nil
}
