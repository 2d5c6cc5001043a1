package beam

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/calibfile"
)

func init() {
	// Without this coder Beam would encode only the exported fields of an accumulator, and lose
	// the state of the observer without an error.
	beam.RegisterCoder(reflect.TypeFor[Accumulator](), encodeAccumulator, decodeAccumulator)
	registerTypes(&ObserveFn{})
}

// An Accumulator is the observations of one tensor.
type Accumulator struct{ seen *calibfile.Seen }

func encodeAccumulator(a Accumulator) ([]byte, error) { return a.seen.MarshalBinary() }

func decodeAccumulator(b []byte) (Accumulator, error) {
	s := new(calibfile.Seen)
	return Accumulator{s}, s.UnmarshalBinary(b)
}

// ObserveFn is a CombineFn that observes the parts of a tensor. Its result is the binary form
// of a calibfile.Seen.
//
// A runner may repeat a bundle that failed, and may combine parts in any order and in any
// number of accumulators. No part counts twice, since a bundle's only result is its
// accumulator: the observations of a failed bundle are dropped.
type ObserveFn struct {
	Scheme          string // text form of the scheme
	IgnoreNotFinite bool

	values []float32
	halves []uint16
}

// CreateAccumulator returns an accumulator of no values.
func (f *ObserveFn) CreateAccumulator() (Accumulator, error) {
	o := Options{Scheme: f.Scheme, IgnoreNotFinite: f.IgnoreNotFinite}
	s, err := o.scheme()
	if err != nil {
		return Accumulator{}, err
	}
	seen, err := calibfile.NewSeen(s, o.policy())
	return Accumulator{seen}, err
}

// AddInput observes a part of a tensor.
func (f *ObserveFn) AddInput(a Accumulator, p Part) (Accumulator, error) {
	if err := f.add(a.seen, &p); err != nil {
		return a, inTensor(p.File, p.Tensor, err)
	}
	return a, nil
}

func (f *ObserveFn) add(seen *calibfile.Seen, p *Part) error {
	if p.DType == "" {
		other := new(calibfile.Seen)
		if err := other.UnmarshalBinary(p.Data); err != nil {
			return err
		}
		return seen.Merge(other)
	}
	n, err := count(p.Shape)
	if err != nil {
		return err
	}
	if len(p.Data) != n*size(p.DType) {
		return fmt.Errorf("%d bytes for a part of shape %v of %s", len(p.Data), p.Shape, p.DType)
	}
	params, err := seen.Observer.Scheme().NumParams(p.Batch)
	if err != nil {
		return errors.New(clean(err))
	}
	if err := seen.Fits(params, p.File); err != nil {
		return err
	}
	f.values, f.halves = slices.Grow(f.values[:0], n)[:n], slices.Grow(f.halves[:0], n)[:n]
	widen(f.values, f.halves, p.Data, p.DType, p.BigEndian)
	if err := seen.Observer.Observe(quant.Tensor{Data: f.values, Shape: p.Shape}); err != nil {
		return placed(err, p.First)
	}
	return seen.Record(p.File, p.Batch, p.Batches)
}

// placed adds first to the index in an error of an observer. first is the index, in the batch,
// of the first value that was observed.
func placed(err error, first int) error {
	var bad *quant.NotFiniteError
	if !errors.As(err, &bad) {
		return errors.New(clean(err))
	}
	value := "NaN"
	if bad.Value == bad.Value {
		value = fmt.Sprintf("%+f", bad.Value)
	}
	if bad.Channel >= 0 {
		return fmt.Errorf("%s in channel %d, at index %d", value, bad.Channel, bad.Index+first)
	}
	return fmt.Errorf("%s at index %d", value, bad.Index+first)
}

// MergeAccumulators merges two accumulators.
func (f *ObserveFn) MergeAccumulators(a, b Accumulator) (Accumulator, error) {
	return a, a.seen.Merge(b.seen)
}

// ExtractOutput returns the binary form of the observations.
func (f *ObserveFn) ExtractOutput(a Accumulator) ([]byte, error) { return a.seen.MarshalBinary() }
