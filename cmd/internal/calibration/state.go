package calibration

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"slices"
	"unicode/utf8"

	"github.com/a01592f9/quant"
)

// The state of a Calibration in bytes. See docs/calibration-file.md.

const (
	stateMagic   = "QCST"
	stateVersion = 1
	maxAxes      = 64
)

// IsState reports whether a file that begins with head holds a state.
func IsState(head []byte) bool {
	return len(head) >= len(stateMagic) && string(head[:len(stateMagic)]) == stateMagic
}

// State returns what c has seen. The same values give the same bytes, whatever
// the files, their order, and what was merged with what; except for moving
// averages.
func (c *Calibration) State() ([]byte, error) {
	b := append([]byte(stateMagic), stateVersion)
	b = binary.AppendUvarint(b, uint64(len(c.tensors)))
	for _, name := range c.names() {
		t := c.tensors[name]
		o, err := t.whole()
		if err != nil {
			return nil, inTensor(name, err)
		}
		state, err := o.MarshalBinary()
		if err != nil {
			return nil, inTensor(name, err)
		}
		b = binary.AppendUvarint(b, uint64(len(name)))
		b = append(b, name...)
		b = binary.AppendUvarint(b, t.batches)
		b = binary.AppendUvarint(b, uint64(len(t.shape)))
		for _, d := range t.shape {
			b = binary.AppendUvarint(b, uint64(d))
		}
		b = binary.AppendUvarint(b, uint64(len(state)))
		b = append(b, state...)
	}
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b)), nil
}

// errState is that a state is not one.
var errState = errors.New("not a state of quant calibrate")

// ParseState returns the Calibration whose State is data. It trusts nothing,
// and allocates a small multiple of the data's length at most. The first tensor
// says what its scheme is; the others have to have the same. Name is what
// errors of a merge call the file.
func ParseState(name string, data []byte) (*Calibration, error) {
	d := decoder{rest: data}
	c := &Calibration{tensors: make(map[string]*tensor)}
	if !IsState(data) || len(data) < len(stateMagic)+1+1+4 {
		return nil, errState
	}
	if v := data[len(stateMagic)]; v != stateVersion {
		return nil, fmt.Errorf("a state of version %d, not %d", v, stateVersion)
	}
	body := data[:len(data)-4]
	if crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(data[len(body):]) {
		return nil, errors.New("the checksum of the state is wrong")
	}
	d.rest = body[len(stateMagic)+1:]
	n := d.number()
	last := ""
	for i := uint64(0); i < n && d.err == nil; i++ {
		t := d.tensor(name)
		if d.err != nil {
			break
		}
		if i > 0 && t.name <= last {
			d.fail("tensors are not in order")
			break
		}
		last = t.name
		o := t.observers[0]
		own := Options{Scheme: o.Scheme(), Policy: o.Policy()}
		if i == 0 {
			c.o = own
		}
		if own.Scheme != c.o.Scheme || own.Policy != c.o.Policy {
			d.fail("tensors %q and %q are of different schemes", c.names()[0], t.name)
			break
		}
		t.params = o.Len()
		c.tensors[t.name] = t
	}
	switch {
	case d.err != nil:
		return nil, d.err
	case len(d.rest) > 0:
		return nil, errors.New("the state goes on behind its end")
	case n == 0:
		return nil, errors.New("there are no tensors in the state")
	}
	return c, nil
}

// ReadState reads a state from a file.
func ReadState(path string) (*Calibration, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, len(stateMagic))
	if _, err := io.ReadFull(f, head); err != nil || !IsState(head) {
		return nil, errState
	}
	rest, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	return ParseState(path, append(head, rest...))
}

// A decoder reads a state. After an error it reads nothing.
type decoder struct {
	rest []byte
	err  error
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("damaged state: "+format, args...)
	}
}

func (d *decoder) number() uint64 {
	if d.err != nil {
		return 0
	}
	v, n := binary.Uvarint(d.rest)
	if n <= 0 || n > 1 && d.rest[n-1] == 0 { // not in the fewest bytes
		d.fail("no number where one should be")
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

// bytes returns the bytes of which the number comes first.
func (d *decoder) bytes() []byte {
	n := d.number()
	if d.err != nil {
		return nil
	}
	if n > uint64(len(d.rest)) {
		d.fail("it ends too early")
		return nil
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) tensor(file string) *tensor {
	t := &tensor{name: string(d.bytes()), first: file, batches: d.number()}
	axes := d.number()
	if axes > maxAxes {
		d.fail("%d axes", axes)
		return nil
	}
	for range axes {
		n := d.number()
		if n > math.MaxInt/8 {
			d.fail("an axis of %d", n)
		}
		t.shape = append(t.shape, int(n))
	}
	state := d.bytes()
	if d.err != nil {
		return nil
	}
	o := new(quant.Observer)
	if err := o.UnmarshalBinary(state); err != nil {
		d.fail("%v", inTensor(t.name, err))
		return nil
	}
	switch {
	case !utf8.ValidString(t.name):
		d.fail("name %q is not UTF-8", t.name)
	case t.batches == 0 || o.Len() == 0:
		d.fail("tensor %q has no batches", t.name)
	case !fits(t.shape, o.Len(), o.Scheme().Granularity):
		d.fail("tensor %q of shape %v does not have %d scales", t.name, []int(t.shape), o.Len())
	}
	t.observers = []*quant.Observer{o}
	t.idle = slices.Clone(t.observers)
	return t
}

// fits reports whether batches of a shape can have so many scales.
func fits(s shape, params int, g quant.Granularity) bool {
	axis, ok := g.Axis()
	if !ok {
		return params == 1
	}
	if len(s) == 0 {
		return true // the number of axes varies
	}
	if axis < 0 {
		axis += len(s)
	}
	if axis < 0 || axis >= len(s) {
		return false
	}
	if _, grouped := g.GroupSize(); grouped {
		if slices.Contains(s, 0) {
			return true
		}
		n, err := quant.Scheme{Bits: 8, Granularity: g}.NumParams(s)
		return err == nil && n == params
	}
	return s[axis] == params
}
