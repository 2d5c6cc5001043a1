package report

import (
	"errors"
	"fmt"
	"math"
	"path"
	"slices"
	"strings"

	"github.com/a01592f9/quant"
)

// Options say what to compare, with the names and meanings of docs/json.md.
type Options struct {
	Bits        int      `json:"bits"`
	Unsigned    bool     `json:"unsigned"`
	Mapping     string   `json:"mapping"` // "asymmetric" or "symmetric"
	Axis        *int     `json:"axis"`    // of the channels; negative counts from the end; nil for 0
	GroupSize   int      `json:"group_size"`
	GroupAxis   *int     `json:"group_axis"` // nil for the longest axis other than Axis
	NarrowRange bool     `json:"narrow_range"`
	ZeroInRange bool     `json:"zero_in_range"`
	Tensors     []string `json:"tensors"` // patterns of names; empty for all
	Method      string   `json:"method"`
	Codes       bool     `json:"codes"` // always false: codes stay where the tensors are

	Divisor     string `json:"divisor,omitempty"` // of the symmetric mapping: "half" or "each"; "" is "far"
	SignedScale bool   `json:"signed_scale,omitempty"`
}

// DefaultOptions returns the options of quant compare without flags.
func DefaultOptions() Options {
	return Options{Bits: 8, Mapping: quant.Asymmetric.String(), Method: quant.MinMax.String(), Tensors: []string{}}
}

// filled returns o with the words that stand for empty ones.
func (o Options) filled() Options {
	if o.Tensors == nil {
		o.Tensors = []string{}
	}
	if o.Mapping == "" {
		o.Mapping = quant.Asymmetric.String()
	}
	if o.Method == "" {
		o.Method = quant.MinMax.String()
	}
	if o.Divisor == quant.FarEnd.String() {
		o.Divisor = ""
	}
	return o
}

// Validate returns an error if an option is out of its range or does not go
// with another.
func (o Options) Validate() error {
	s, err := o.scheme()
	switch {
	case err != nil:
		return err
	case o.Codes:
		return errors.New("codes are not part of a distributed report")
	case o.Bits < 2 || o.Bits > 16:
		return fmt.Errorf("%d bits: a code has 2 to 16", o.Bits)
	case o.NarrowRange && s.Mapping != quant.Symmetric:
		return errors.New("narrow range needs the symmetric mapping")
	case o.NarrowRange && o.Unsigned:
		return errors.New("narrow range is for signed codes, not for unsigned ones")
	case s.Divisor != quant.FarEnd && s.Mapping != quant.Symmetric:
		return fmt.Errorf("the divisor %s is for integers and the symmetric mapping", o.Divisor)
	case o.SignedScale && s.Mapping != quant.Symmetric:
		return errors.New("a signed scale is for integers and the symmetric mapping")
	case o.SignedScale && o.NarrowRange:
		return errors.New("a signed scale is not for the narrow range, which has as many codes below 0 as above")
	case o.SignedScale && s.Divisor != quant.FarEnd:
		return fmt.Errorf("a signed scale is for the divisor far, not for %s", o.Divisor)
	case o.GroupSize < 0:
		return fmt.Errorf("group size %d is not positive", o.GroupSize)
	case o.GroupAxis != nil && o.GroupSize == 0:
		return errors.New("a group axis needs a group size")
	}
	for _, p := range o.Tensors {
		if _, err := path.Match(p, ""); err != nil {
			return fmt.Errorf("%q is not a pattern: %w", p, err)
		}
	}
	return s.Validate()
}

// scheme returns the scheme per tensor.
func (o Options) scheme() (quant.Scheme, error) {
	o = o.filled()
	s := quant.Scheme{Bits: o.Bits, Unsigned: o.Unsigned, NarrowRange: o.NarrowRange, ZeroInRange: o.ZeroInRange, SignedScale: o.SignedScale}
	switch o.Mapping {
	case quant.Asymmetric.String():
		s.Mapping = quant.Asymmetric
	case quant.Symmetric.String():
		s.Mapping = quant.Symmetric
	default:
		return s, fmt.Errorf("mapping %q is neither asymmetric nor symmetric", o.Mapping)
	}
	if o.Divisor != "" {
		if err := s.Divisor.UnmarshalText([]byte(o.Divisor)); err != nil {
			return s, fmt.Errorf("divisor %q is none of far, half and each", o.Divisor)
		}
	}
	var err error
	if s.Method, err = quant.ParseMethod(o.Method); err != nil {
		return s, errors.New(clean(err))
	}
	if strings.HasPrefix(o.Method, "ema=") {
		return s, fmt.Errorf("method %s: moving averages need batches, see quant calibrate", o.Method)
	}
	return s, nil
}

// SweepOptions say what to sweep, with the names and meanings of docs/json.md.
type SweepOptions struct {
	Bits        []int    `json:"bits"`
	GroupSizes  []int    `json:"group_sizes"`
	Unsigned    bool     `json:"unsigned"`
	Mapping     string   `json:"mapping"`
	Axis        *int     `json:"axis"`
	GroupAxis   *int     `json:"group_axis"`
	NarrowRange bool     `json:"narrow_range"`
	ZeroInRange bool     `json:"zero_in_range"`
	Method      string   `json:"method"`
	Tensors     []string `json:"tensors"`
	Target      *float64 `json:"target_db"` // SQNR to reach; nil for none

	// Divisor and SignedScale are those of Options.
	Divisor     string `json:"divisor,omitempty"`
	SignedScale bool   `json:"signed_scale,omitempty"`
}

// options returns o as the options of a comparison.
func (o SweepOptions) options() Options {
	return Options{
		Unsigned: o.Unsigned, Mapping: o.Mapping, Axis: o.Axis, NarrowRange: o.NarrowRange,
		ZeroInRange: o.ZeroInRange, Method: o.Method, Tensors: o.Tensors, Divisor: o.Divisor, SignedScale: o.SignedScale,
	}
}

// Validate returns an error if an option is out of its range.
func (o SweepOptions) Validate() error {
	if len(o.Bits) == 0 {
		return errors.New("there is no width of a code")
	}
	x := o.options()
	for _, x.Bits = range o.Bits {
		if err := x.Validate(); err != nil {
			return err
		}
	}
	for _, n := range o.GroupSizes {
		if n <= 0 {
			return fmt.Errorf("group size %d is not positive", n)
		}
	}
	if o.Target != nil && (math.IsNaN(*o.Target) || math.IsInf(*o.Target, 0)) {
		return fmt.Errorf("the target %v is not a finite number", *o.Target)
	}
	if o.GroupAxis != nil && len(o.GroupSizes) == 0 {
		return errors.New("a group axis needs a group size")
	}
	return nil
}

// filled returns o with widths and sizes in their order, and the words that
// stand for empty ones.
func (o SweepOptions) filled() SweepOptions {
	words := o.options().filled()
	o.Tensors, o.Mapping, o.Method, o.Divisor = words.Tensors, words.Mapping, words.Method, words.Divisor
	o.Bits = slices.Compact(slices.Sorted(slices.Values(o.Bits)))
	o.GroupSizes = slices.Compact(slices.Sorted(slices.Values(o.GroupSizes)))
	slices.Reverse(o.GroupSizes) // from coarse to fine
	if o.GroupSizes == nil {
		o.GroupSizes = []int{}
	}
	return o
}

// Picked reports whether patterns match a name, or there are none. The star of
// a pattern matches a slash too.
func Picked(patterns []string, name string) bool {
	flat := strings.NewReplacer("/", "\x00")
	for _, p := range patterns {
		if ok, err := path.Match(flat.Replace(p), flat.Replace(name)); p == name || ok && err == nil {
			return true
		}
	}
	return len(patterns) == 0
}

// clean is an error without the name of the library.
func clean(err error) string { return strings.TrimPrefix(err.Error(), "quant: ") }
