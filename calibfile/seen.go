package calibfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/a01592f9/quant"
)

// Seen is what was seen of one tensor in all its batches. Two of them merge
// exactly: except for moving averages, nothing in a Seen tells in which order
// the batches came, or how they were cut into parts.
type Seen struct {
	Observer *quant.Observer
	Batches  uint64

	// Shape has what the shapes of the batches have in common: 0 for an axis
	// whose length varies, and nil if the number of axes varies.
	Shape []int

	// File is the first of the files in the order of their names. Errors name it.
	File string

	shaped bool // whether a shape was recorded
}

// NewSeen returns a Seen of no batches. Errors are those of quant.NewObserver.
func NewSeen(s quant.Scheme, p quant.NotFinitePolicy) (*Seen, error) {
	o, err := quant.NewObserver(s, p)
	if err != nil {
		return nil, err
	}
	return &Seen{Observer: o}, nil
}

// Record notes a batch, or a part of one, besides its values, which are for the
// Observer: the shape of the whole batch, and the number of batches, which is 1
// for one part of each batch and 0 for the others.
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

// common is what two shapes have in common.
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

// Merge adds what t has seen to s. After that t must not be used.
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

// Fits returns an error unless a batch in a file, which has n channels or
// groups, has as many as the batches that were seen.
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

// The first byte of a Seen in its binary form.
const (
	seenNothing = 0
	seenBatches = 1
)

// MarshalBinary returns s in bytes: a byte that is 0 if nothing was seen and
// else 1, the file with its length before it, and what the state of
// docs/calibration-file.md has of a tensor after its name.
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

// errSeen is the error for bytes that are not of a Seen.
var errSeen = errors.New("not what was seen of a tensor: the bytes are damaged")

// UnmarshalBinary sets s to what MarshalBinary has returned.
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
