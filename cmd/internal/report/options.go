package report

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/a01592f9/quant"
)

// Options say what to compare. Their JSON is part of a Report's, and is what a
// program sends to ask for one.
type Options struct {
	Bits        int      `json:"bits"`
	Unsigned    bool     `json:"unsigned"`
	Mapping     string   `json:"mapping"`    // "asymmetric" (or empty) or "symmetric"
	Axis        int      `json:"axis"`       // of the channels; negative counts from the end
	GroupSize   int      `json:"group_size"` // 0 for no groups
	GroupAxis   *int     `json:"group_axis"` // nil for the longest axis other than Axis
	NarrowRange bool     `json:"narrow_range"`
	ZeroInRange bool     `json:"zero_in_range"`
	Tensors     []string `json:"tensors"` // patterns of names, see Match; empty for all
	Codes       bool     `json:"codes"`   // whether results hold codes and reconstructed values
}

// DefaultOptions returns the options of a comparison about which nothing was said.
func DefaultOptions() Options {
	return Options{Bits: 8, Mapping: quant.Asymmetric.String(), Tensors: []string{}}
}

// Validate returns an error if an option is out of its range or does not go
// with another. Whether the axes exist is for each tensor to say.
func (o Options) Validate() error {
	mapping, err := o.mapping()
	switch {
	case err != nil:
		return err
	case o.Bits < 2 || o.Bits > 16:
		return fmt.Errorf("%d bits: a code has 2 to 16", o.Bits)
	case o.NarrowRange && mapping != quant.Symmetric:
		return errors.New("narrow range needs the symmetric mapping")
	case o.NarrowRange && o.Unsigned:
		return errors.New("narrow range is for signed codes, not for unsigned ones")
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
	return o.scheme(mapping).Validate()
}

func (o Options) mapping() (quant.Mapping, error) {
	switch o.Mapping {
	case "", quant.Asymmetric.String():
		return quant.Asymmetric, nil
	case quant.Symmetric.String():
		return quant.Symmetric, nil
	}
	return 0, fmt.Errorf("mapping %q is neither asymmetric nor symmetric", o.Mapping)
}

// scheme returns the scheme per tensor.
func (o Options) scheme(m quant.Mapping) quant.Scheme {
	return quant.Scheme{
		Bits:        o.Bits,
		Unsigned:    o.Unsigned,
		Mapping:     m,
		NarrowRange: o.NarrowRange,
		ZeroInRange: o.ZeroInRange,
	}
}

// Match reports whether a tensor's name matches a pattern: the syntax is that
// of path.Match, except that * and ? match a slash too, which in names of
// tensors is a character like others. A name always matches itself.
func Match(pattern, name string) bool {
	if pattern == name {
		return true
	}
	// path.Match stops only at a slash, so none may be left.
	flat := strings.NewReplacer("/", "\x00")
	ok, err := path.Match(flat.Replace(pattern), flat.Replace(name))
	return ok && err == nil
}

// selected reports whether any pattern picks name, and whether it was picked
// by being spelled out. No patterns pick everything.
func (o Options) selected(name string) (picked, spelled bool) {
	picked = len(o.Tensors) == 0
	for _, p := range o.Tensors {
		spelled = spelled || p == name
		picked = picked || Match(p, name)
	}
	return picked, spelled
}
