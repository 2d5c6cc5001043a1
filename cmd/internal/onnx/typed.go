package onnx

import (
	"encoding/binary"
	"fmt"
	"io"
	"sort"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
)

// typedData reads numbers in a repeated field, packed or not, as if they were raw data.
type typedData struct {
	t     *Tensor
	num   protowire.Number
	typ   protowire.Type // wire type of a single number
	width int            // bytes of a number in raw data
	marks []mark         // places of every markEvery-th number
}

// markEvery is the number of numbers between two marks, where reading can start.
const markEvery = 1 << 14

// A mark is a place before a number. If packed is not 0, it is in a packed field that ends there;
// otherwise it is before a field of message i.
type mark struct {
	message     int
	pos, packed int64
}

// newTypedData scans all numbers of t.
func newTypedData(t *Tensor) (*typedData, error) {
	d := &typedData{t: t, num: protowire.Number(t.field), typ: protowire.VarintType, width: max(elemTypes[t.elem].bits/8, 1)}
	switch elemTypes[t.elem].field {
	case 4:
		d.typ, d.width = protowire.Fixed32Type, 4
	case 10:
		d.typ, d.width = protowire.Fixed64Type, 8
	}
	want := t.Bytes / int64(d.width)
	w := wires.Get().(*wire)
	defer d.free(w)
	w.reset(t.model.r)
	var at mark
	for n := int64(0); ; n++ {
		if n%markEvery == 0 {
			d.marks = append(d.marks, at)
		}
		_, err := d.next(w, &at)
		if err == io.EOF {
			if n != want {
				return nil, fmt.Errorf("%d numbers in field %d, want %d", n, t.field, want)
			}
			return d, nil
		}
		if err != nil {
			return nil, err
		}
		if n == want {
			return nil, fmt.Errorf("more than %d numbers in field %d", want, t.field)
		}
	}
}

var wires = sync.Pool{New: func() any { return new(wire) }}

func (d *typedData) free(w *wire) {
	w.reset(nil)
	wires.Put(w)
}

func (w *wire) reset(r io.ReaderAt) { w.r, w.held = r, 0 }

// next reads the number at m, and moves m after it. It returns io.EOF at the end.
func (d *typedData) next(w *wire, m *mark) (uint64, error) {
	for {
		if m.pos < m.packed {
			v, n, err := d.number(w, m.pos, m.packed)
			m.pos += n
			return v, err
		}
		m.packed = 0
		if m.message == len(d.t.typed) {
			return 0, io.EOF
		}
		s := d.t.typed[m.message]
		if m.pos == 0 {
			m.pos = s.start
		}
		if m.pos >= s.end {
			*m = mark{message: m.message + 1}
			continue
		}
		f, err := w.next(m.pos, s.end)
		if err != nil {
			return 0, err
		}
		m.pos = f.end
		switch {
		case f.num != d.num:
		case f.typ == d.typ:
			return f.v, nil
		case f.typ == protowire.BytesType:
			m.pos, m.packed = f.body, f.end
		}
	}
}

func (d *typedData) number(w *wire, pos, end int64) (uint64, int64, error) {
	b, err := w.peek(pos, int(min(end-pos, 10)))
	if err != nil {
		return 0, 0, err
	}
	var v uint64
	var n int
	switch d.typ {
	case protowire.Fixed32Type:
		var u uint32
		u, n = protowire.ConsumeFixed32(b)
		v = uint64(u)
	case protowire.Fixed64Type:
		v, n = protowire.ConsumeFixed64(b)
	default:
		v, n = protowire.ConsumeVarint(b)
	}
	if n < 0 {
		return 0, 0, malformed(pos, protowire.ParseError(n))
	}
	return v, int64(n), nil
}

// ReadAt implements io.ReaderAt.
func (d *typedData) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= d.t.Bytes {
		return 0, io.EOF
	}
	w := wires.Get().(*wire)
	defer d.free(w)
	w.reset(d.t.model.r)
	n := off / int64(d.width)
	k := sort.Search(len(d.marks), func(i int) bool { return int64(i)*markEvery > n }) - 1
	at := d.marks[k]
	done := 0
	for i := int64(k) * markEvery; done < len(p); i++ {
		v, err := d.next(w, &at)
		if err != nil {
			return done, err
		}
		if i < n {
			continue
		}
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], v)
		from := max(off-i*int64(d.width), 0)
		done += copy(p[done:], b[from:d.width])
	}
	return done, nil
}
