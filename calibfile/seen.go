package calibfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/a01592f9/quant"
)

// A Seen is what was observed of one tensor in all its batches. Merging two of them is exact.
// Except for moving averages, a Seen does not depend on the order of the batches, or on how
// they were divided into parts.
type Seen struct {
	Observer *quant.Observer
	Batches  uint64

	// Shape is the common shape of the batches. An axis whose length varies is 0. Shape is nil
	// if the number of axes varies.
	Shape []int

	// File is the first file in the order of names. Errors name it.
	File string

	shaped bool // whether a shape was recorded
}

// NewSeen returns a Seen without batches. Errors are those of quant.NewObserver.
func NewSeen(s quant.Scheme, p quant.NotFinitePolicy) (*Seen, error) {
	o, err := quant.NewObserver(s, p)
	if err != nil {
		return nil, err
	}
	return &Seen{Observer: o}, nil
}

// Record notes the file, the shape and the number of a batch. The Observer gets the values
// separately. shape is that of the whole batch. If a batch is observed in parts, batches is 1
// for one of the parts and 0 for the others.
func (s *Seen) Record(file string, shape []int, batches uint64) error {
	if s.Batches+batches < s.Batches {
		return errors.New("too many batches")
	}
	s.Batches += batches
	if !s.shaped {
		s.shaped, s.Shape, s.File = true, slices.Clone(shape), file
		return nil
	}
	s.Shape = common(s.Shape, shape)
	s.File = min(s.File, file)
	return nil
}

// common returns the common shape of a and b.
func common(a, b []int) []int {
	if len(a) != len(b) {
		return nil
	}
	for i := range a {
		if a[i] != b[i] {
			a[i] = 0
		}
	}
	return a
}

// Merge adds the observations of t to s. t must not be used afterwards.
func (s *Seen) Merge(t *Seen) error {
	if !t.shaped {
		return nil
	}
	if !s.shaped {
		*s = *t
		return nil
	}
	if err := s.Fits(t.Observer.Len(), t.File); err != nil {
		return err
	}
	if err := s.Observer.Merge(t.Observer); err != nil {
		return err
	}
	return s.Record(t.File, t.Shape, t.Batches)
}

// Fits returns an error unless a batch in a file, with n channels or groups, has as many as the
// earlier batches.
func (s *Seen) Fits(n int, file string) error {
	have := s.Observer.Len()
	if have == 0 || n == 0 || n == have {
		return nil
	}
	parts := "channels"
	if _, ok := s.Observer.Scheme().Granularity.GroupSize(); ok {
		parts = "groups"
	}
	if file < s.File {
		return fmt.Errorf("%d %s in %s where %s has %d", have, parts, s.File, file, n)
	}
	return fmt.Errorf("%d %s in %s where %s has %d", n, parts, file, s.File, have)
}

// The first byte of the binary form of a Seen.
const (
	seenNothing = 0
	seenBatches = 1
)

// MarshalBinary returns the binary form of s. The first byte is 0 if nothing was observed, else
// 1. Then come the length of the file name, the file name, and the bytes that follow the name
// of a tensor in the state of docs/calibration-file.md.
func (s *Seen) MarshalBinary() ([]byte, error) {
	if !s.shaped {
		state, err := s.Observer.MarshalBinary()
		return append([]byte{seenNothing}, state...), err
	}
	b := binary.AppendUvarint([]byte{seenBatches}, uint64(len(s.File)))
	return s.append(append(b, s.File...))
}

func (s *Seen) append(b []byte) ([]byte, error) {
	state, err := s.Observer.MarshalBinary()
	if err != nil {
		return nil, err
	}
	b = binary.AppendUvarint(b, s.Batches)
	b = binary.AppendUvarint(b, uint64(len(s.Shape)))
	for _, d := range s.Shape {
		b = binary.AppendUvarint(b, uint64(d))
	}
	b = binary.AppendUvarint(b, uint64(len(state)))
	return append(b, state...), nil
}

// errSeen is the error for bytes that are not the binary form of a Seen.
var errSeen = errors.New("not what was seen of a tensor: the bytes are damaged")

// UnmarshalBinary sets s to the Seen with the given binary form.
func (s *Seen) UnmarshalBinary(data []byte) error {
	if len(data) == 0 || data[0] > seenBatches {
		return errSeen
	}
	t := Seen{Observer: new(quant.Observer), shaped: data[0] == seenBatches}
	rest := data[1:]
	number := func() uint64 {
		v, n := binary.Uvarint(rest)
		if n <= 0 {
			rest = nil
			return math.MaxUint64
		}
		rest = rest[n:]
		return v
	}
	if t.shaped {
		n := number()
		if n > uint64(len(rest)) {
			return errSeen
		}
		t.File, rest = string(rest[:n]), rest[n:]
		t.Batches = number()
		axes := number()
		if axes > uint64(len(rest)) {
			return errSeen
		}
		for range axes {
			d := number()
			if d > math.MaxInt {
				return errSeen
			}
			t.Shape = append(t.Shape, int(d))
		}
		if n := number(); n != uint64(len(rest)) {
			return errSeen
		}
	}
	if err := t.Observer.UnmarshalBinary(rest); err != nil {
		return err
	}
	*s = t
	return nil
}
