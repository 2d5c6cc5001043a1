// Package option has the names of methods, mappings and granularities on the command line, on
// the page and in JSON, and the patterns that select tensors.
//
// The names are those of the library wherever the library has them.
package option

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/a01592f9/quant"
)

// The names of granularities.
const (
	PerTensor  = "per_tensor"
	PerChannel = "per_channel"
	PerGroup   = "per_group"
	PerBlock   = "per_block"
)

// Granularity returns the name of g.
func Granularity(g quant.Granularity) string {
	if _, ok := g.GroupSize(); ok {
		return PerGroup
	}
	if _, _, _, _, ok := g.Block(); ok {
		return PerBlock
	}
	if _, ok := g.Axis(); ok {
		return PerChannel
	}
	return PerTensor
}

// Granularities returns the names of the granularities that flags and the page offer. PerBlock is
// only for the text of schemes, as in fp8:128x128.
func Granularities() []string { return []string{PerTensor, PerChannel, PerGroup} }

// Mappings returns the names of all mappings.
func Mappings() []string { return []string{quant.Asymmetric.String(), quant.Symmetric.String()} }

// ParseMapping returns the mapping with the given name.
func ParseMapping(word string) (quant.Mapping, error) {
	for _, m := range []quant.Mapping{quant.Asymmetric, quant.Symmetric} {
		if m.String() == word {
			return m, nil
		}
	}
	return 0, fmt.Errorf("mapping %q is neither asymmetric nor symmetric", word)
}

// Divisors returns the names of all divisors of the symmetric mapping.
func Divisors() []string {
	return []string{quant.FarEnd.String(), quant.HalfWidth.String(), quant.EachEnd.String()}
}

// ParseDivisor returns the divisor with the given name. "" is FarEnd.
func ParseDivisor(word string) (d quant.Divisor, err error) {
	if word != "" && d.UnmarshalText([]byte(word)) != nil {
		return d, fmt.Errorf("divisor %q is none of %s", word, strings.Join(Divisors(), ", "))
	}
	return d, nil
}

// ScaleFormats returns the names of all formats of scales.
func ScaleFormats() []string {
	var names []string
	for _, f := range quant.ScaleFormats() {
		names = append(names, f.String())
	}
	return names
}

// ParseScales returns the format of scales with the given name. "" is Float32Scale.
func ParseScales(word string) (f quant.ScaleFormat, err error) {
	if word != "" && f.UnmarshalText([]byte(word)) != nil {
		return f, fmt.Errorf("format of scales %q is none of %s", word, strings.Join(ScaleFormats(), ", "))
	}
	return f, nil
}

// Methods returns the methods that choose a range for a whole tensor, with Percentile(p) among
// them. All lists of methods in the tool come from it.
func Methods(p float64) []quant.Method {
	var all []quant.Method
	for _, i := range quant.Methods() {
		m := i.Method()
		if _, ok := m.Fraction(); ok && !i.Batches {
			m, _ = quant.ParseMethod(fmt.Sprintf("%s=%v", i.Name, p)) // MinMax if p is not a valid percentile
		}
		if !i.Batches {
			all = append(all, m)
		}
	}
	return all
}

// MethodWords returns the names of methods, with a common percentile.
func MethodWords() []string {
	var words []string
	for _, m := range Methods(99.99) {
		words = append(words, m.String())
	}
	return words
}

// ParseMethod is quant.ParseMethod for a whole tensor. "" is MinMax. Moving averages, which
// need batches, are an error.
func ParseMethod(word string) (quant.Method, error) {
	if word == "" {
		return quant.MinMax, nil
	}
	m, err := quant.ParseMethod(word)
	switch {
	case err != nil:
		return m, errors.New(strings.TrimPrefix(err.Error(), "quant: "))
	case strings.HasPrefix(word, "ema="):
		return m, fmt.Errorf("method %s: moving averages need batches, see quant calibrate", word)
	}
	return m, nil
}

// ChannelPart is the part of the text of a scheme that means the axis of the channels, which
// each tensor has for itself.
const ChannelPart = "channel"

// ParseScheme reads a scheme as quant.ParseScheme does, for a whole tensor. The part
// "channel" means the axis of the channels, which each tensor has for itself: for it
// channel is true, and the granularity of s means nothing.
func ParseScheme(text string) (s quant.Scheme, channel bool, err error) {
	parts := strings.Split(text, ":")
	for i, part := range parts {
		if part == ChannelPart {
			parts[i], channel = "c0", true
		}
	}
	if s, err = quant.ParseScheme(strings.Join(parts, ":")); err != nil {
		return s, channel, errors.New(strings.ReplaceAll(err.Error(), "quant: ", ""))
	}
	if strings.HasPrefix(s.Method.String(), "ema") {
		return s, channel, fmt.Errorf("scheme %q: %v is of batches, which a model is not", text, s.Method)
	}
	return s, channel, nil
}

// A Selection selects tensors by patterns of their names, see Match.
type Selection struct {
	Include []string // patterns; none for all tensors
	Exclude []string // patterns of tensors to leave out, even if Include matches them
}

// Validate returns an error for an invalid pattern.
func (s Selection) Validate() error {
	for _, p := range slices.Concat(s.Include, s.Exclude) {
		if _, err := path.Match(p, ""); err != nil {
			return fmt.Errorf("%q is not a pattern: %w", p, err)
		}
	}
	return nil
}

// Excludes reports whether a pattern of Exclude matches a name.
func (s Selection) Excludes(name string) bool { return matches(s.Exclude, name) }

// Includes reports whether a pattern of Include matches a name, or there is no
// such pattern.
func (s Selection) Includes(name string) bool {
	return len(s.Include) == 0 || matches(s.Include, name)
}

// Picks reports whether a name is included and not excluded.
func (s Selection) Picks(name string) bool { return !s.Excludes(name) && s.Includes(name) }

// Spells reports whether name itself is in Include. Some tensors are used only then.
func (s Selection) Spells(name string) bool { return slices.Contains(s.Include, name) }

// Check returns an error for a pattern that matches none of the names, since it is probably
// misspelled.
func (s Selection) Check(names []string) error {
	for _, p := range slices.Concat(s.Include, s.Exclude) {
		if !slices.ContainsFunc(names, func(name string) bool { return Match(p, name) }) {
			return Unmatched("tensor", []string{p}, names)
		}
	}
	return nil
}

func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return Match(p, name) })
}
