package report

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// Options say what to compare. Their JSON is part of a Report's, and is what a
// program sends to ask for one.
type Options struct {
	Bits        int      `json:"bits"`
	Unsigned    bool     `json:"unsigned"`
	Mapping     string   `json:"mapping"`    // "asymmetric" (or empty) or "symmetric"
	Axis        *int     `json:"axis"`       // of the channels; negative counts from the end; nil for what the file tells, else 0
	GroupSize   int      `json:"group_size"` // 0 for no groups
	GroupAxis   *int     `json:"group_axis"` // nil for the longest axis other than Axis
	NarrowRange bool     `json:"narrow_range"`
	ZeroInRange bool     `json:"zero_in_range"`
	Tensors     []string `json:"tensors"` // patterns of names, see Match; empty for all
	Method      string   `json:"method"`  // that chooses ranges, as quant.ParseMethod has it; "" is "minmax"
	Codes       bool     `json:"codes"`   // whether results hold codes and reconstructed values

	// Few allows a report of very many channels to keep the worst of each tensor
	// only, so that it stays small whatever the model is.
	Few bool `json:"-"`
}

// DefaultOptions returns the options of a comparison about which nothing was said.
func DefaultOptions() Options {
	return Options{Bits: 8, Mapping: quant.Asymmetric.String(), Method: quant.MinMax.String(), Tensors: []string{}}
}

// Validate returns an error if an option is out of its range or does not go
// with another. Whether the axes exist is for each tensor to say.
func (o Options) Validate() error {
	mapping, err := o.mapping()
	if err != nil {
		return err
	}
	switch _, err := ParseMethod(o.Method); {
	case err != nil:
		return optionf("method", "%w", err)
	case o.Bits < 2 || o.Bits > 16:
		return optionf("bits", "%d bits: a code has 2 to 16", o.Bits)
	case o.NarrowRange && mapping != quant.Symmetric:
		return optionf("narrow_range", "narrow range needs the symmetric mapping")
	case o.NarrowRange && o.Unsigned:
		return optionf("narrow_range", "narrow range is for signed codes, not for unsigned ones")
	case o.GroupSize < 0:
		return optionf("group_size", "group size %d is not positive", o.GroupSize)
	case o.GroupAxis != nil && o.GroupSize == 0:
		return optionf("group_axis", "a group axis needs a group size")
	}
	for _, p := range o.Tensors {
		if _, err := path.Match(p, ""); err != nil {
			return optionf("tensors", "%q is not a pattern: %w", p, err)
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
	return 0, optionf("mapping", "mapping %q is neither asymmetric nor symmetric", o.Mapping)
}

// methodMinMax is the name of the method that clips nothing.
const methodMinMax = "minmax"

// ParseMethod is quant.ParseMethod for tensors that are at hand: "" is MinMax,
// and there are no moving averages.
func ParseMethod(name string) (quant.Method, error) {
	if name == "" {
		return quant.MinMax, nil
	}
	m, err := quant.ParseMethod(name)
	switch {
	case err != nil:
		return m, errors.New(strings.TrimPrefix(err.Error(), "quant: "))
	case strings.HasPrefix(name, "ema="):
		return m, fmt.Errorf("method %s: moving averages are of batches, which a tensor at hand does not come in", name)
	}
	return m, nil
}

// An OptionError reports an option that cannot be, by its name in JSON.
type OptionError struct {
	Field string
	err   error
}

func optionf(field, format string, args ...any) error {
	return &OptionError{field, fmt.Errorf(format, args...)}
}

func (e *OptionError) Error() string { return e.err.Error() }

func (e *OptionError) Unwrap() error { return e.err }

// Parts returns how many channels o makes of a tensor that is compared, and
// how many groups (0 without a group size): what the size of a report depends
// on, known before any data is read. The error is an *OptionError.
func (o Options) Parts(info tensorfile.Info) (channels, groups int64, err error) {
	j := newJob(0, info)
	axis, err := j.axis(o)
	if err != nil {
		return 0, 0, &OptionError{"axis", err}
	}
	channels = int64(j.shape[axis])
	if o.GroupSize <= 0 {
		return channels, 0, nil
	}
	along, err := j.groupAxis(axis, o.GroupAxis)
	if err != nil {
		return 0, 0, &OptionError{"group_axis", err}
	}
	if n := int64(j.shape[along]); n > 0 {
		size := min(int64(o.GroupSize), n)
		groups = j.elements / n * ((n + size - 1) / size)
	}
	return channels, groups, nil
}

// scheme returns the scheme per tensor.
func (o Options) scheme(m quant.Mapping) quant.Scheme {
	method, _ := ParseMethod(o.Method) // Validate has looked at it
	return quant.Scheme{
		Method:      method,
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
