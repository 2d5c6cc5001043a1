package report

import (
	"fmt"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/importance"
	"github.com/a01592f9/quant/cmd/internal/option"
)

// Options say what to compare. Their JSON is a part of a Report's JSON, and of a request to the
// interface of quant serve.
type Options struct {
	Bits        int      `json:"bits"`
	Unsigned    bool     `json:"unsigned"`
	Mapping     string   `json:"mapping"`    // "asymmetric" (or empty) or "symmetric"
	Axis        *int     `json:"axis"`       // of the channels; negative counts from the end; nil for the axis that the file gives, else 0
	GroupSize   int      `json:"group_size"` // 0 for no groups
	GroupAxis   *int     `json:"group_axis"` // nil for the longest axis other than Axis
	NarrowRange bool     `json:"narrow_range"`
	ZeroInRange bool     `json:"zero_in_range"`
	Tensors     []string `json:"tensors"` // patterns of names, see Match; empty for all
	Method      string   `json:"method"`  // that chooses ranges, as quant.ParseMethod has it; "" is "minmax"
	Codes       bool     `json:"codes"`   // whether results hold codes and reconstructed values

	// Divisor and Scales are names of a quant.Divisor and of a quant.ScaleFormat. "" is "far", and
	// "float32".
	Divisor string `json:"divisor,omitempty"`
	Scales  string `json:"scales,omitempty"`

	// SignedScale lets scales of the symmetric mapping be negative.
	SignedScale bool `json:"signed_scale,omitempty"`

	// Format is the name of a quant.Format whose codes are not integers; "" for
	// integers. With a format Bits and Mapping are ignored.
	Format string `json:"format,omitempty"`

	// Importance names the file with the importance of the inputs of weights; "" for none. See
	// SetImportance.
	Importance string `json:"importance,omitempty"`
	importance *importance.File

	// Few allows a report of very many channels to keep only the worst of each tensor, so that
	// the report of any model is small.
	Few bool `json:"-"`
}

// DefaultOptions returns the default options of a comparison.
func DefaultOptions() Options {
	return Options{Bits: 8, Mapping: quant.Asymmetric.String(), Method: quant.MinMax.String(), Tensors: []string{}}
}

// Validate returns an error if an option is out of its range or does not go with another. It
// does not check whether the axes exist, which depends on the tensor.
func (o Options) Validate() error {
	mapping, err := o.mapping()
	if err != nil {
		return err
	}
	format, err := o.format()
	if err != nil {
		return err
	}
	if _, err := option.ParseDivisor(o.Divisor); err != nil {
		return &OptionError{"divisor", err}
	}
	if _, err := option.ParseScales(o.Scales); err != nil {
		return &OptionError{"scales", err}
	}
	switch _, err := option.ParseMethod(o.Method); {
	case err != nil:
		return optionf("method", "%w", err)
	case format == quant.Integers && (o.Bits < 2 || o.Bits > 16):
		return optionf("bits", "%d bits: a code has 2 to 16", o.Bits)
	case format == quant.Integers && o.NarrowRange && mapping != quant.Symmetric:
		return optionf("narrow_range", "narrow range needs the symmetric mapping")
	case o.NarrowRange && o.Unsigned:
		return optionf("narrow_range", "narrow range is for signed codes, not for unsigned ones")
	case o.divisor() != quant.FarEnd && (mapping != quant.Symmetric || format != quant.Integers):
		return optionf("divisor", "the divisor %s is for integers and the symmetric mapping", o.Divisor)
	case o.divisor() == quant.EachEnd && o.scales() != quant.Float32Scale:
		return optionf("divisor", "the divisor %s is for scales that are float32, not %s", o.Divisor, o.Scales)
	case o.SignedScale && (mapping != quant.Symmetric || format != quant.Integers):
		return optionf("signed_scale", "a signed scale is for integers and the symmetric mapping")
	case o.SignedScale && o.NarrowRange:
		return optionf("signed_scale", "a signed scale is not for the narrow range, which has as many codes below 0 as above")
	case o.SignedScale && o.divisor() != quant.FarEnd:
		return optionf("signed_scale", "a signed scale is for the divisor far, not for %s", o.Divisor)
	case o.SignedScale && o.scales() > quant.BFloat16Scale:
		return optionf("signed_scale", "a signed scale is for scales that are float32, float16 or bfloat16, not %s", o.Scales)
	case o.GroupSize < 0:
		return optionf("group_size", "group size %d is not positive", o.GroupSize)
	case o.GroupAxis != nil && o.GroupSize == 0:
		return optionf("group_axis", "a group axis needs a group size")
	}
	if err := o.checkFormat(format); err != nil {
		return err
	}
	if err := o.selection().Validate(); err != nil {
		return optionf("tensors", "%w", err)
	}
	return o.scheme(mapping).Validate()
}

func (o Options) mapping() (quant.Mapping, error) {
	if o.Mapping == "" {
		return quant.Asymmetric, nil
	}
	m, err := option.ParseMapping(o.Mapping)
	if err != nil {
		return 0, optionf("mapping", "%w", err)
	}
	return m, nil
}

// An OptionError reports an invalid option, by its name in JSON.
type OptionError struct {
	Field string
	err   error
}

func optionf(field, format string, args ...any) error {
	return &OptionError{field, fmt.Errorf(format, args...)}
}

func (e *OptionError) Error() string { return e.err.Error() }

func (e *OptionError) Unwrap() error { return e.err }

// scheme returns the scheme per tensor.
func (o Options) scheme(m quant.Mapping) quant.Scheme {
	method, _ := option.ParseMethod(o.Method) // Validate has checked it
	if f, _ := o.format(); f != quant.Integers {
		return quant.Scheme{Method: method, Format: f, Scales: o.scales()}
	}
	return quant.Scheme{
		Method:      method,
		Bits:        o.Bits,
		Unsigned:    o.Unsigned,
		Mapping:     m,
		Scales:      o.scales(),
		Divisor:     o.divisor(),
		NarrowRange: o.NarrowRange,
		ZeroInRange: o.ZeroInRange,
		SignedScale: o.SignedScale,
	}
}

// divisor and scales return what the names stand for. Validate has checked them.
func (o Options) divisor() quant.Divisor {
	d, _ := option.ParseDivisor(o.Divisor)
	return d
}

func (o Options) scales() quant.ScaleFormat {
	f, _ := option.ParseScales(o.Scales)
	return f
}

// format returns the format of the codes.
func (o Options) format() (quant.Format, error) {
	f := quant.Integers
	if o.Format == "" {
		return f, nil
	}
	if err := f.UnmarshalText([]byte(o.Format)); err != nil {
		return f, optionf("format", "%w", err)
	}
	return f, nil
}

// checkFormat returns an error for options that do not go with a format.
func (o Options) checkFormat(f quant.Format) error {
	if f == quant.Integers {
		return nil
	}
	if o.Unsigned || o.NarrowRange || o.ZeroInRange {
		return optionf("format", "unsigned codes, narrow range and zero in range are for integers, not for %s", f)
	}
	s := quant.Scheme{Format: f, Method: o.scheme(quant.Symmetric).Method}
	if err := s.Validate(); err != nil {
		return optionf("method", "%w", err)
	}
	s.Scales = o.scales()
	if err := s.Validate(); err != nil {
		return optionf("scales", "%w", err)
	}
	return nil
}

// normal returns o with the width of a code and the symmetric mapping that its format implies.
// The format of integers, the divisor far and scales of float32 are "".
func (o Options) normal() Options {
	f, err := o.format()
	if o.divisor() == quant.FarEnd {
		o.Divisor = ""
	}
	if o.scales() == quant.Float32Scale {
		o.Scales = ""
	}
	if o.importance == nil {
		o.Importance = ""
	}
	switch {
	case err != nil:
	case f == quant.Integers:
		o.Format = ""
	default:
		o.Bits, o.Mapping = f.Width(), quant.Symmetric.String()
	}
	return o
}

// selection is what the patterns of Tensors pick.
func (o Options) selection() option.Selection { return option.Selection{Include: o.Tensors} }

// About describes the options in a line.
func (o Options) About() string {
	if o.Format != "" {
		return fmt.Sprintf("codes of %s, %d bits, with scales and no zero points", o.Format, o.Bits) + o.restText()
	}
	sign := "signed"
	if o.Unsigned {
		sign = "unsigned"
	}
	return fmt.Sprintf("%d-bit %s codes, %s mapping", o.Bits, sign, o.Mapping) + o.restText()
}

// mappingText names the mapping, and what changes its codes and ranges.
func (o Options) mappingText() string { return o.Mapping + o.restText() }

// restText lists the options that are not the usual ones, each after a comma.
func (o Options) restText() string {
	s := ""
	if o.NarrowRange {
		s += ", narrow range"
	}
	if o.ZeroInRange {
		s += ", zero in range"
	}
	if o.Divisor != "" {
		s += ", divisor " + o.Divisor
	}
	if o.SignedScale {
		s += ", signed scale"
	}
	if o.Scales != "" {
		s += ", scales " + o.Scales
	}
	if o.Method != "" && o.Method != quant.MinMax.String() {
		s += ", method " + o.Method
	}
	if o.Importance != "" {
		s += ", importance of " + o.Importance
	}
	return s
}

// axisText says where the axis of the channels comes from.
func (o Options) axisText() string {
	if o.Axis == nil {
		return "on the axis that the operator of the file has, or else on axis 0"
	}
	return fmt.Sprintf("axis %d", *o.Axis)
}
