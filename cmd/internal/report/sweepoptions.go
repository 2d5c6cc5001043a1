package report

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/gguf"
	"github.com/a01592f9/quant/cmd/internal/importance"
	"github.com/a01592f9/quant/cmd/internal/option"
)

// What a sweep is asked for, and the schemes of its list.

// SweepOptions say what to sweep.
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

	// Divisor, Scales and SignedScale are those of Options.
	Divisor     string `json:"divisor,omitempty"`
	Scales      string `json:"scales,omitempty"`
	SignedScale bool   `json:"signed_scale,omitempty"`

	// Importance names the file with the importance of the inputs of weights; "" for none. See
	// SetImportance.
	Importance string `json:"importance,omitempty"`
	importance *importance.File

	// Schemes are a list to compare beside those of Bits and GroupSizes: texts as
	// quant.ParseScheme reads them, with "channel" for the axis of the channels, and
	// block formats of GGUF such as "q4_k". If Bits is empty, only these are compared.
	Schemes []string `json:"schemes,omitempty"`

	// listed are Schemes after parsing.
	listed []candidate
}

// options returns o as the options of a comparison.
func (o SweepOptions) options() Options {
	return Options{
		Unsigned: o.Unsigned, Mapping: o.Mapping, Axis: o.Axis, NarrowRange: o.NarrowRange,
		ZeroInRange: o.ZeroInRange, Method: o.Method, Tensors: o.Tensors, Divisor: o.Divisor, Scales: o.Scales, SignedScale: o.SignedScale,
		Importance: o.Importance, importance: o.importance,
	}
}

// SetImportance makes errors count with the importances in f.
func (o *SweepOptions) SetImportance(f *importance.File) {
	o.importance, o.Importance = f, filepath.Base(f.Path)
}

// Validate returns an error if an option is out of its range.
func (o SweepOptions) Validate() error {
	if len(o.Bits) == 0 && len(o.Schemes) == 0 {
		return optionf("bits", "there is no width of a code")
	}
	if _, err := parseCandidates(o.Schemes); err != nil {
		return optionf("schemes", "%w", err)
	}
	x := o.options()
	for _, x.Bits = range o.Bits {
		if err := x.Validate(); err != nil {
			return err
		}
	}
	for _, n := range o.GroupSizes {
		if n <= 0 {
			return optionf("group_sizes", "group size %d is not positive", n)
		}
	}
	if o.Target != nil && (math.IsNaN(*o.Target) || math.IsInf(*o.Target, 0)) {
		return optionf("target_db", "the target %v is not a finite number", *o.Target)
	}
	if o.GroupAxis != nil && len(o.GroupSizes) == 0 && len(o.Schemes) == 0 {
		return optionf("group_axis", "a group axis needs a group size")
	}
	return nil
}

// schemes returns the schemes for one weight, in the order of Sweep.Schemes, without those
// of a list.
func (o SweepOptions) schemes(j job) ([]quant.Scheme, error) {
	base := o.options()
	mapping, err := base.mapping()
	if err != nil {
		return nil, err
	}
	axis, err := j.axis(base)
	if err != nil {
		return nil, err
	}
	granularities := []quant.Granularity{quant.PerTensor, quant.PerChannel(axis)}
	for _, size := range o.GroupSizes {
		along, err := j.groupAxis(axis, o.GroupAxis)
		if err != nil {
			return nil, err
		}
		granularities = append(granularities, quant.PerGroup(along, size))
	}
	var all []quant.Scheme
	for _, g := range granularities {
		for _, base.Bits = range o.Bits {
			s := base.scheme(mapping)
			s.Granularity = g
			all = append(all, s)
		}
	}
	return all, nil
}

// A candidate is a scheme of a list that is compared side by side: one of the library, or
// a block format of GGUF.
type candidate struct {
	name    string // as it was given
	scheme  quant.Scheme
	channel bool      // one scale for each channel, wherever the channels are
	block   gguf.Type // if blocks is set
	blocks  bool
}

// blockFormats returns the names of the block formats that a candidate may have.
func blockFormats() []string {
	var names []string
	for t := gguf.Type(0); t < 64; t++ {
		if block, _ := t.Block(); t.Writable() && block > 1 && t != gguf.MXFP4 {
			names = append(names, strings.ToLower(t.String()))
		}
	}
	return names
}

// parseCandidate reads a scheme as quant.ParseScheme does, with "channel" for the axis of
// the channels, or the name of a block format.
func parseCandidate(name string) (candidate, error) {
	c := candidate{name: name}
	if slices.Contains(blockFormats(), strings.ToLower(name)) {
		var err error
		c.block, err = gguf.ParseType(name)
		c.blocks = true
		return c, err
	}
	var err error
	if c.scheme, c.channel, err = option.ParseScheme(name); err != nil {
		words := err.Error()
		if !strings.Contains(name, ":") && strings.Contains(words, "there is no part") {
			return c, fmt.Errorf("%s; block formats of GGUF are %s", words, strings.Join(blockFormats(), ", "))
		}
		return c, err
	}
	return c, nil
}

// parseCandidates reads all names of a list.
func parseCandidates(names []string) ([]candidate, error) {
	var all []candidate
	for i, name := range names {
		c, err := parseCandidate(name)
		if err != nil {
			return nil, err
		}
		if slices.Contains(names[:i], name) {
			return nil, fmt.Errorf("scheme %q is there twice", name)
		}
		all = append(all, c)
	}
	return all, nil
}

// of returns the scheme of c for a tensor. Groups along the last axis, which is what the
// short forms say, run along the axis of the tensor's groups instead.
func (c candidate) of(j job, o SweepOptions) (quant.Scheme, error) {
	s := c.scheme
	axis, err := j.axis(o.options())
	if err != nil {
		return s, err
	}
	if c.channel {
		s.Granularity = quant.PerChannel(axis)
		return s, nil
	}
	if size, ok := s.Granularity.GroupSize(); ok {
		if along, _ := s.Granularity.Axis(); along == -1 {
			if along, err = j.groupAxis(axis, o.GroupAxis); err != nil {
				return s, err
			}
			s.Granularity = quant.PerGroup(along, size)
		}
	}
	return s, nil
}

// about fills in the fields of a report's row that describe c.
func (c candidate) about() SweepScheme {
	x := SweepScheme{Name: c.name}
	if c.blocks {
		block, _ := c.block.Block()
		x.Bits, x.Granularity, x.GroupSize = digitOf(c.block.String()), option.PerGroup, &block
		return x
	}
	own := newScheme(c.scheme, false)
	x.own, x.Bits, x.Granularity = &own, c.scheme.Bits, option.Granularity(c.scheme.Granularity)
	if size, ok := c.scheme.Granularity.GroupSize(); ok {
		x.GroupSize = &size
	}
	x.BlockSize = blockSize(c.scheme.Granularity)
	return x
}

// digitOf returns the first digit of a name: the bits of the codes of a block format.
func digitOf(name string) int {
	return int(name[strings.IndexAny(name, "0123456789")] - '0')
}
