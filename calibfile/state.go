package calibfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"unicode/utf8"

	"github.com/a01592f9/quant"
)

// The beginning of a state.
const (
	stateMagic   = "QCST"
	stateVersion = 1
)

// IsState reports whether a file with the beginning head is a state.
func IsState(head []byte) bool {
	return len(head) >= len(stateMagic) && string(head[:len(stateMagic)]) == stateMagic
}

// State returns the bytes of a state file of the given tensors, by their names. All of them
// must have been observed with the same scheme. The error names the tensor.
func State(tensors map[string]*Seen) ([]byte, error) {
	b := append([]byte(stateMagic), stateVersion)
	b = binary.AppendUvarint(b, uint64(len(tensors)))
	for _, name := range slices.Sorted(maps.Keys(tensors)) {
		b = binary.AppendUvarint(b, uint64(len(name)))
		var err error
		if b, err = tensors[name].append(append(b, name...)); err != nil {
			return nil, inTensor(name, err)
		}
	}
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b)), nil
}

// errState is the error for bytes that are not a state.
var errState = errors.New("not a state of quant calibrate")

// ParseState returns the tensors of a state, by their names. The data need not be trusted:
// ParseState checks all of it, and allocates at most a small multiple of its length. All
// tensors have the same scheme and policy. file is the name of the state in later errors of a
// merge.
func ParseState(file string, data []byte) (map[string]*Seen, error) {
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
	d := decoder{rest: body[len(stateMagic)+1:]}
	tensors := make(map[string]*Seen)
	n := d.number()
	first, last := "", ""
	for i := uint64(0); i < n && d.err == nil; i++ {
		name, t := d.tensor(file)
		switch {
		case d.err != nil:
		case i == 0:
			first = name
		case name <= last:
			d.fail("tensors are not in order")
		case t.Observer.Scheme() != tensors[first].Observer.Scheme() || t.Observer.Policy() != tensors[first].Observer.Policy():
			d.fail("tensors %q and %q are of different schemes", first, name)
		}
		last, tensors[name] = name, t
	}
	switch {
	case d.err != nil:
		return nil, d.err
	case len(d.rest) > 0:
		return nil, errors.New("the state goes on behind its end")
	case n == 0:
		return nil, errors.New("there are no tensors in the state")
	}
	return tensors, nil
}

// ReadState reads a state from a file like ParseState.
func ReadState(path string) (map[string]*Seen, error) {
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

// A decoder reads a state. After an error its methods return zero values.
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
	if n <= 0 || n > 1 && d.rest[n-1] == 0 { // the encoding is longer than it need be
		d.fail("no number where one should be")
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

// bytes reads a number and then that many bytes.
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

// tensor reads the name and the observations of a tensor.
func (d *decoder) tensor(file string) (name string, t *Seen) {
	name = string(d.bytes())
	t = &Seen{Batches: d.number(), File: file, shaped: true}
	axes := d.number()
	if axes > maxAxes {
		d.fail("%d axes", axes)
		return name, nil
	}
	for range axes {
		n := d.number()
		if n > math.MaxInt/8 {
			d.fail("an axis of %d", n)
		}
		t.Shape = append(t.Shape, int(n))
	}
	state := d.bytes()
	if d.err != nil {
		return name, nil
	}
	o := new(quant.Observer)
	if err := o.UnmarshalBinary(state); err != nil {
		d.fail("%v", inTensor(name, err))
		return name, nil
	}
	switch {
	case !utf8.ValidString(name):
		d.fail("name %q is not UTF-8", name)
	case t.Batches == 0 || o.Len() == 0:
		d.fail("tensor %q has no batches", name)
	case !fits(t.Shape, o.Len(), o.Scheme().Granularity):
		d.fail("tensor %q of shape %v does not have %d scales", name, t.Shape, o.Len())
	}
	t.Observer = o
	return name, t
}
