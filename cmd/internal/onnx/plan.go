package onnx

import (
	"errors"
	"fmt"
	"io"
	"math"
)

// maxModel is the largest message that protobuf allows. Tests change it.
var maxModel int64 = math.MaxInt32

// Plan completes the plan of changes and computes the sizes. It writes nothing.
func (r *Rewriter) Plan() error {
	if r.planned {
		return errors.New("planned twice")
	}
	r.planned = true
	if err := r.placeDequantized(); err != nil {
		return err
	}
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

// ModelSize returns the size of the new model file.
func (r *Rewriter) ModelSize() int64 { return r.e.message(&r.m.root).size() }

// DataSize returns the size of the external file, or 0 if there is none.
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

// moveExternal plans to copy external data of the tensors that stay.
func (r *Rewriter) moveExternal() error {
	move := func(t *Tensor) error {
		if r.gone[t] || !t.isExternal {
			return nil
		}
		data, err := t.Data()
		if err != nil {
			return fmt.Errorf("tensor %s: %w", quote(t.Name), err)
		}
		e := &moved{dataName: r.dataName, data: Payload{t.Bytes, func(w io.Writer) error { return copyRange(w, data, 0, t.Bytes) }}}
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
