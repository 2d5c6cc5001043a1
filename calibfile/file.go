// Package calibfile reads and writes the two files of a calibration, which
// docs/calibration-file.md of this project describes. The calibration file is JSON and holds
// parameters. The state holds what was observed, and can be merged with other states.
//
// The commands quant calibrate and quant quantize use this package. Other programs can use it
// to write a calibration of their own observations, or to quantize with the parameters of a
// calibration.
package calibfile

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/a01592f9/quant"
)

// The format and the version in a calibration file.
const (
	Format  = "quant calibration"
	Version = 1
)

// A File is a calibration file.
type File struct {
	Format  string   `json:"format"`
	Version int      `json:"version"`
	Tensors []Tensor `json:"tensors"` // in the order of their names
}

// A Tensor is one tensor of a calibration file.
type Tensor struct {
	Name    string   `json:"name"`
	Scheme  Scheme   `json:"scheme"`
	Shape   []*int64 `json:"shape"` // the common shape of the batches: a nil element varies, and a nil Shape has a varying number of axes
	Batches uint64   `json:"batches"`
	Counts  Counts   `json:"counts"`

	// The following slices have one element for the tensor, or for each channel or group.
	SeenMin   []float32 `json:"seen_min"`
	SeenMax   []float32 `json:"seen_max"`
	Min       []float32 `json:"min"` // of the range that the method chose
	Max       []float32 `json:"max"`
	Scale     []float32 `json:"scale"`
	ZeroPoint []int32   `json:"zero_point"`

	// Clipped is an estimate of the fraction of the values whose codes are outside the grid,
	// computed from the histogram. It is nil without a histogram.
	Clipped *float64 `json:"clipped"`
}

// A Scheme is the form of a quant.Scheme in the file.
type Scheme struct {
	Bits        int    `json:"bits"`
	Unsigned    bool   `json:"unsigned"`
	Mapping     string `json:"mapping"`
	NarrowRange bool   `json:"narrow_range"`
	ZeroInRange bool   `json:"zero_in_range"`
	SignedScale bool   `json:"signed_scale,omitempty"`
	Method      string `json:"method"`
	Granularity string `json:"granularity"`
	Axis        *int   `json:"axis"`
	GroupSize   *int   `json:"group_size"`
}

// Counts is the form of quant.Counts in the file.
type Counts struct {
	Finite uint64 `json:"finite"`
	NaN    uint64 `json:"nan"`
	PosInf uint64 `json:"pos_inf"`
	NegInf uint64 `json:"neg_inf"`
}

// Others is the number of values that are not finite.
func (c Counts) Others() uint64 { return c.NaN + c.PosInf + c.NegInf }

// New returns the calibration file of the given tensors, by their names, for scheme s. s must
// have the granularity that was observed, and a method that the observers keep enough for. The
// errors are those of [Describe].
func New(tensors map[string]*Seen, s quant.Scheme) (*File, error) {
	f := &File{Format: Format, Version: Version, Tensors: []Tensor{}}
	for _, name := range slices.Sorted(maps.Keys(tensors)) {
		t, err := Describe(name, tensors[name], s)
		if err != nil {
			return nil, err
		}
		f.Tensors = append(f.Tensors, *t)
	}
	return f, nil
}

// Describe returns the entry of one tensor in a calibration file. The file has no place for codes
// that are not integers, blocks of two axes, a divisor other than [quant.FarEnd] and scales other
// than [quant.Float32Scale]: these schemes are an error. The error names the tensor.
func Describe(name string, seen *Seen, s quant.Scheme) (*Tensor, error) {
	if !utf8.ValidString(name) {
		return nil, inTensor(name, errors.New("its name is not UTF-8"))
	}
	if s.Format != quant.Integers {
		return nil, inTensor(name, fmt.Errorf("a calibration file has no place for the format %v", s.Format))
	}
	if _, _, _, _, block := s.Granularity.Block(); block {
		return nil, inTensor(name, fmt.Errorf("a calibration file has no place for parameters %v", s.Granularity))
	}
	if s.Divisor != quant.FarEnd {
		return nil, inTensor(name, fmt.Errorf("a calibration file has no place for the divisor %v", s.Divisor))
	}
	if s.Scales != quant.Float32Scale {
		return nil, inTensor(name, fmt.Errorf("a calibration file has no place for scales in %v", s.Scales))
	}
	t, err := describe(seen.Observer, s)
	if err != nil {
		return nil, inTensor(name, err)
	}
	t.Name, t.Batches = name, seen.Batches
	for _, d := range seen.Shape {
		t.Shape = append(t.Shape, nil)
		if n := int64(d); n != 0 {
			t.Shape[len(t.Shape)-1] = &n
		}
	}
	return t, nil
}

func describe(o *quant.Observer, s quant.Scheme) (*Tensor, error) {
	plain := s
	plain.Method = quant.MinMax
	seen, err := o.Ranges(plain)
	if err != nil {
		return nil, err
	}
	chosen, err := o.Ranges(s)
	if err != nil {
		return nil, err
	}
	p, err := o.Params(s)
	if err != nil {
		return nil, err
	}
	n := o.Counts()
	t := &Tensor{
		Scheme: schemeOf(s), Counts: Counts{n.Finite, n.NaN, n.PosInf, n.NegInf},
		Scale: p.Scale, ZeroPoint: p.ZeroPoint,
	}
	for i := range seen {
		t.SeenMin, t.SeenMax = append(t.SeenMin, seen[i].Min), append(t.SeenMax, seen[i].Max)
		t.Min, t.Max = append(t.Min, chosen[i].Min), append(t.Max, chosen[i].Max)
	}
	if share, ok := clipped(o, p, seen); ok {
		t.Clipped = &share
	}
	return t, nil
}

// clipped returns the fraction of the values whose codes are outside the grid.
func clipped(o *quant.Observer, p quant.Params, seen []quant.Range) (share float64, ok bool) {
	qmin, qmax := p.Scheme.Grid()
	n, all := 0.0, float64(o.Counts().Finite)
	for i, r := range seen {
		scale, zero := float64(p.Scale[i]), float64(p.ZeroPoint[i])
		lo := (float64(qmin) - zero - 0.5) * scale
		hi := (float64(qmax) - zero + 0.5) * scale
		lo, hi = min(lo, hi), max(lo, hi) // a signed scale may be negative
		if float64(r.Min) >= lo && float64(r.Max) <= hi {
			continue
		}
		bins := o.Bins(i)
		if bins == nil {
			return 0, false
		}
		for _, b := range bins {
			n += float64(float64(b.Count) * outside(float64(b.Min), float64(b.Max), lo, hi))
		}
	}
	return n / all, true
}

// outside returns the fraction of values outside [lo, hi], for values that are spread evenly
// from a to b.
func outside(a, b, lo, hi float64) float64 {
	switch {
	case b < lo || a > hi:
		return 1
	case a >= lo && b <= hi:
		return 0
	}
	return min(1, (max(0, lo-a)+max(0, b-hi))/(b-a))
}

// The names of granularities in a file.
const (
	perTensor  = "per_tensor"
	perChannel = "per_channel"
	perGroup   = "per_group"
)

func schemeOf(s quant.Scheme) Scheme {
	x := Scheme{
		Bits: s.Bits, Unsigned: s.Unsigned, Mapping: s.Mapping.String(), NarrowRange: s.NarrowRange,
		ZeroInRange: s.ZeroInRange, SignedScale: s.SignedScale, Method: s.Method.String(), Granularity: perTensor,
	}
	if axis, ok := s.Granularity.Axis(); ok {
		x.Granularity, x.Axis = perChannel, &axis
	}
	if size, ok := s.Granularity.GroupSize(); ok {
		x.Granularity, x.GroupSize = perGroup, &size
	}
	return x
}

// Scheme returns x as a quant.Scheme.
func (x *Scheme) Scheme() (quant.Scheme, error) {
	s := quant.Scheme{Bits: x.Bits, Unsigned: x.Unsigned, NarrowRange: x.NarrowRange, ZeroInRange: x.ZeroInRange, SignedScale: x.SignedScale}
	switch x.Mapping {
	case quant.Asymmetric.String():
	case quant.Symmetric.String():
		s.Mapping = quant.Symmetric
	default:
		return s, fmt.Errorf("mapping %q is neither asymmetric nor symmetric", x.Mapping)
	}
	var err error
	if s.Method, err = quant.ParseMethod(x.Method); err != nil {
		return s, trimmed{err}
	}
	hasAxis, hasSize := x.Axis != nil, x.GroupSize != nil
	switch {
	case x.Granularity == perTensor && !hasAxis && !hasSize:
	case x.Granularity == perChannel && hasAxis && !hasSize:
		s.Granularity = quant.PerChannel(*x.Axis)
	case x.Granularity == perGroup && hasAxis && hasSize:
		s.Granularity = quant.PerGroup(*x.Axis, *x.GroupSize)
	default:
		return s, fmt.Errorf("granularity %q does not go with what axis and group_size are", x.Granularity)
	}
	if err := s.Validate(); err != nil {
		return s, trimmed{err}
	}
	return s, nil
}

// Write writes f as JSON.
func (f *File) Write(w io.Writer) error { return WriteJSON(w, f) }
