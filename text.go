package quant

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The text forms of Scheme, Granularity, Method and Mapping. Those of Format and ScaleFormat
// are in format.go and scaleformat.go.

// MarshalText returns "asymmetric" or "symmetric". The error is ErrScheme for an unknown
// mapping.
func (m Mapping) MarshalText() ([]byte, error) {
	if m > Symmetric {
		return nil, fmt.Errorf("%w: there is no %v", ErrScheme, m)
	}
	return []byte(m.String()), nil
}

// UnmarshalText reads "asymmetric" or "symmetric". The error is ErrScheme for any other text.
func (m *Mapping) UnmarshalText(text []byte) error {
	switch string(text) {
	case "asymmetric":
		*m = Asymmetric
	case "symmetric":
		*m = Symmetric
	default:
		return fmt.Errorf("%w: there is no mapping %q; there are asymmetric and symmetric", ErrScheme, text)
	}
	return nil
}

// GobEncode returns the text form.
func (m Mapping) GobEncode() ([]byte, error) { return m.MarshalText() }

// GobDecode reads the text form.
func (m *Mapping) GobDecode(data []byte) error { return m.UnmarshalText(data) }

// MarshalText returns the text that ParseMethod reads. The error is ErrMethod.
func (m Method) MarshalText() ([]byte, error) {
	if err := m.validate(); err != nil {
		return nil, err
	}
	return []byte(m.String()), nil
}

// UnmarshalText is ParseMethod.
func (m *Method) UnmarshalText(text []byte) error {
	n, err := ParseMethod(string(text))
	if err != nil {
		return err
	}
	*m = n
	return nil
}

// GobEncode returns the text form.
func (m Method) GobEncode() ([]byte, error) { return m.MarshalText() }

// GobDecode reads the text form.
func (m *Method) GobDecode(data []byte) error { return m.UnmarshalText(data) }

// MarshalText returns a text such as "tensor", "channel@0", "group32@-1" or
// "block128x128@-2x-1", where the numbers after @ are the axes. The error is ErrGroupSize for a
// size that is not positive.
func (g Granularity) MarshalText() ([]byte, error) {
	if err := g.validate(); err != nil {
		return nil, err
	}
	return []byte(g.text()), nil
}

func (g Granularity) text() string {
	switch g.unit {
	case perChannel:
		return "channel@" + strconv.Itoa(g.axis)
	case perGroup:
		return "group" + strconv.Itoa(g.size) + "@" + strconv.Itoa(g.axis)
	case perBlock:
		return fmt.Sprintf("block%dx%d@%dx%d", g.size0, g.size, g.axis0, g.axis)
	}
	return "tensor"
}

// UnmarshalText is ParseGranularity.
func (g *Granularity) UnmarshalText(text []byte) error {
	h, err := ParseGranularity(string(text))
	if err != nil {
		return err
	}
	*g = h
	return nil
}

// GobEncode returns the text form.
func (g Granularity) GobEncode() ([]byte, error) { return g.MarshalText() }

// GobDecode reads the text form.
func (g *Granularity) GobDecode(data []byte) error { return g.UnmarshalText(data) }

// ParseGranularity returns the granularity with the given text, such as "tensor", "channel@0",
// "group32@-1" or "block128x128@-2x-1". The numbers after @ are the axes. There are short forms:
// "c0" for "channel@0", "g32" for "group32@-1", and "128x128" for "block128x128@-2x-1". The error
// is ErrScheme, or ErrGroupSize for a size that is not positive.
func ParseGranularity(text string) (Granularity, error) {
	if text == "tensor" {
		return PerTensor, nil
	}
	number := func(digits string) (int, error) {
		n, err := strconv.Atoi(digits)
		if err != nil {
			return 0, fmt.Errorf("%w: granularity %q: %q is not a whole number", ErrScheme, text, digits)
		}
		return n, nil
	}
	if rest, ok := strings.CutPrefix(text, "channel@"); ok {
		axis, err := number(rest)
		if err != nil {
			return Granularity{}, err
		}
		return PerChannel(axis), nil
	}
	if rest, long := strings.CutPrefix(text, "block"); long || isBlock(text) {
		return parseBlock(text, rest, long)
	}
	if rest, ok := strings.CutPrefix(text, "c"); ok && startsNumber(rest) {
		axis, err := number(rest)
		if err != nil {
			return Granularity{}, err
		}
		return PerChannel(axis), nil
	}
	rest, long := strings.CutPrefix(text, "group")
	if !long {
		rest, _ = strings.CutPrefix(text, "g")
	}
	if rest == text || !startsNumber(rest) {
		return Granularity{}, fmt.Errorf("%w: there is no granularity %q; there are tensor, channel@AXIS, groupSIZE@AXIS and blockSIZExSIZE@AXISxAXIS", ErrScheme, text)
	}
	digits, after, hasAxis := strings.Cut(rest, "@")
	size, err := number(digits)
	if err != nil {
		return Granularity{}, err
	}
	axis := -1
	if hasAxis {
		if axis, err = number(after); err != nil {
			return Granularity{}, err
		}
	} else if long {
		return Granularity{}, fmt.Errorf("%w: granularity %q needs an axis, as in %s@-1", ErrScheme, text, text)
	}
	if size <= 0 {
		return Granularity{}, fmt.Errorf("%w: granularity %q: %d is not positive", ErrGroupSize, text, size)
	}
	return PerGroup(axis, size), nil
}

// isBlock reports whether s starts like the short form of a block, as in 128x128.
func isBlock(s string) bool {
	first, _, found := strings.Cut(s, "x")
	_, err := strconv.Atoi(first)
	return found && err == nil
}

// parseBlock is ParseGranularity for a block with the given text. rest is the text without the
// word block, which long says is there: then there are axes too.
func parseBlock(text, rest string, long bool) (Granularity, error) {
	sizes, axes, hasAxes := strings.Cut(rest, "@")
	switch {
	case long && !hasAxes:
		return Granularity{}, fmt.Errorf("%w: granularity %q needs two axes, as in %s@-2x-1", ErrScheme, text, text)
	case !hasAxes:
		axes = "-2x-1"
	}
	var v [4]int
	for i, pair := range [2]string{sizes, axes} {
		first, second, found := strings.Cut(pair, "x")
		if !found {
			return Granularity{}, fmt.Errorf("%w: granularity %q: %q is not two whole numbers, as in 128x128", ErrScheme, text, pair)
		}
		for j, digits := range [2]string{first, second} {
			n, err := strconv.Atoi(digits)
			if err != nil {
				return Granularity{}, fmt.Errorf("%w: granularity %q: %q is not a whole number", ErrScheme, text, digits)
			}
			v[2*i+j] = n
		}
	}
	g := PerBlock(v[2], v[0], v[3], v[1])
	if err := g.validate(); err != nil {
		return Granularity{}, fmt.Errorf("granularity %q: %w", text, err)
	}
	return g, nil
}

// startsNumber reports whether s starts like a whole number.
func startsNumber(s string) bool {
	return s != "" && (s[0] >= '0' && s[0] <= '9' || s[0] == '-' || s[0] == '+')
}

// code returns the type of the codes, such as "int8", or the name of the format.
func (s Scheme) code() string {
	if s.Format != Integers {
		return s.Format.String()
	}
	if s.Unsigned {
		return "uint" + strconv.Itoa(s.Bits)
	}
	return "int" + strconv.Itoa(s.Bits)
}

// String returns s as a line of a report: "int8 asymmetric, per channel (axis 0), mse".
// ParseScheme does not read this form; it reads that of MarshalText.
func (s Scheme) String() string {
	text := s.code()
	if s.Format == Integers {
		text += " " + s.Mapping.String()
	}
	text += ", " + s.Granularity.String() + ", " + s.Method.String()
	if s.Scales != Float32Scale {
		text += ", scales " + s.Scales.String()
	}
	if s.Divisor != FarEnd {
		text += ", divisor " + s.Divisor.String()
	}
	if s.SignedScale {
		text += ", signed scale"
	}
	if s.NarrowRange {
		text += ", narrow range"
	}
	if s.ZeroInRange {
		text += ", zero in range"
	}
	return text
}

// MarshalText returns the canonical text that ParseScheme reads: the type of the codes, and
// then the options that are not the default, such as "int4:symmetric:group32@-1:mse:narrow".
// The errors are those of Validate.
func (s Scheme) MarshalText() ([]byte, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	text := s.code()
	if s.Mapping != Asymmetric && s.Format == Integers {
		text += ":" + s.Mapping.String()
	}
	if s.Granularity != PerTensor {
		text += ":" + s.Granularity.text()
	}
	if s.Method != MinMax {
		text += ":" + s.Method.String()
	}
	if s.Scales != Float32Scale {
		text += ":scale=" + s.Scales.String()
	}
	if s.Divisor != FarEnd {
		text += ":divisor=" + s.Divisor.String()
	}
	if s.SignedScale {
		text += ":signed-scale"
	}
	if s.NarrowRange {
		text += ":narrow"
	}
	if s.ZeroInRange {
		text += ":zero"
	}
	return []byte(text), nil
}

// UnmarshalText is ParseScheme.
func (s *Scheme) UnmarshalText(text []byte) error {
	t, err := ParseScheme(string(text))
	if err != nil {
		return err
	}
	*s = t
	return nil
}

// GobEncode returns the text form.
func (s Scheme) GobEncode() ([]byte, error) { return s.MarshalText() }

// GobDecode reads the text form.
func (s *Scheme) GobDecode(data []byte) error { return s.UnmarshalText(data) }

// ParseScheme returns the scheme with the given text: parts between colons, in
// any order and each at most once.
//
//	int4, uint8, nf4, fp8_e4m3fn, …       type of the codes: the only part that must be there
//	mxfp4, nvfp4, mxfp8_e4m3, …          type of codes, granularity and scales of NamedSchemes
//	asymmetric, symmetric                mapping; short: asym, sym
//	tensor, channel@AXIS, groupSIZE@AXIS granularity; short: c0 is channel@0, g32 is group32@-1
//	blockSIZExSIZE@AXISxAXIS             granularity; short: 128x128 is block128x128@-2x-1
//	minmax, percentile=99.9, mse, …      method, as ParseMethod reads it
//	scale=float16, scale=e8m0_floor, …   Scales, as ScaleFormat has them
//	divisor=half, divisor=each           Divisor
//	signed-scale                         SignedScale
//	narrow                               NarrowRange
//	zero                                 ZeroInRange
//
// fp8 and fp8_e4m3 are fp8_e4m3fn, fp4 is fp4_e2m1, and mxfp8 is mxfp8_e4m3.
//
// Errors: ErrScheme that names the part, ErrMethod, and those of Validate.
func ParseScheme(text string) (Scheme, error) {
	var s Scheme
	seen := map[string]string{}
	for part := range strings.SplitSeq(text, ":") {
		name := part
		if long, ok := schemeAliases[part]; ok {
			name = long
		}
		kinds, named := s.setNamed(name)
		if !named {
			kind, err := s.set(name)
			if err != nil {
				return Scheme{}, fmt.Errorf("scheme %q: %w", text, err)
			}
			kinds = []string{kind}
		}
		for _, kind := range kinds {
			if first, ok := seen[kind]; ok {
				return Scheme{}, fmt.Errorf("scheme %q: %w: %q and %q are both a %s", text, ErrScheme, first, part, kind)
			}
			seen[kind] = part
		}
	}
	if _, ok := seen[kindCodes]; !ok {
		return Scheme{}, fmt.Errorf("scheme %q: %w: the type of the codes is missing, such as int8 or uint4", text, ErrScheme)
	}
	if _, ok := seen[kindMapping]; ok && s.Format != Integers && s.Mapping == Asymmetric {
		return Scheme{}, fmt.Errorf("scheme %q: %w: %v has no zero point, so that its mapping is symmetric", text, ErrScheme, s.Format)
	}
	if err := s.Validate(); err != nil {
		return Scheme{}, fmt.Errorf("scheme %q: %w", text, err)
	}
	return s.normal(), nil
}

// ParseSchemes returns the schemes of a list that is separated by commas, such as
// "int8,int4:sym:g32:mse". ParseScheme reads each of them; spaces around it are ignored.
// Errors: those of ParseScheme, and ErrScheme for an empty scheme.
func ParseSchemes(list string) ([]Scheme, error) {
	var all []Scheme
	for text := range strings.SplitSeq(list, ",") {
		if text = strings.TrimSpace(text); text == "" {
			return nil, fmt.Errorf("%w: scheme %d of the list %q is empty", ErrScheme, len(all)+1, list)
		}
		s, err := ParseScheme(text)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// set reads one part of a scheme's text into s, and returns the kind of the part.
func (s *Scheme) set(part string) (kind string, err error) {
	switch part {
	case "asymmetric", "asym":
		s.Mapping = Asymmetric
		return kindMapping, nil
	case "symmetric", "sym":
		s.Mapping = Symmetric
		return kindMapping, nil
	case "narrow":
		s.NarrowRange = true
		return kindNarrow, nil
	case "signed-scale":
		s.SignedScale = true
		return "signed scale", nil
	case "zero":
		s.ZeroInRange = true
		return "zero in range", nil
	}
	if name, ok := strings.CutPrefix(part, "divisor="); ok {
		return "divisor", s.Divisor.UnmarshalText([]byte(name))
	}
	if name, ok := strings.CutPrefix(part, "scale="); ok {
		return kindScales, s.Scales.UnmarshalText([]byte(name))
	}
	if f, ok := formatNamed(part); ok && f != Integers {
		s.Format = f
		return kindCodes, nil
	}
	digits, unsigned := strings.CutPrefix(part, "uint")
	if !unsigned {
		digits, _ = strings.CutPrefix(part, "int")
	}
	if digits != part {
		if s.Bits, err = strconv.Atoi(digits); err != nil || digits != strconv.Itoa(s.Bits) {
			return "", fmt.Errorf("%w: part %q: %q is not a number of bits", ErrBits, part, digits)
		}
		s.Unsigned = unsigned
		return kindCodes, nil
	}
	if word, _, _ := strings.Cut(part, "="); isMethod(word) {
		s.Method, err = ParseMethod(part)
		return "method", err
	}
	if part == "tensor" || strings.HasPrefix(part, "channel@") || strings.HasPrefix(part, "group") || strings.HasPrefix(part, "block") ||
		isBlock(part) || len(part) > 1 && (part[0] == 'c' || part[0] == 'g') && startsNumber(part[1:]) {
		s.Granularity, err = ParseGranularity(part)
		return kindGranularity, err
	}
	return "", fmt.Errorf("%w: there is no part %q; there are intBITS, uintBITS, %v, %s, asymmetric, symmetric, tensor, channel@AXIS, groupSIZE@AXIS, blockSIZExSIZE@AXISxAXIS, scale=FORMAT, divisor=NAME, signed-scale, narrow, zero, %s",
		ErrScheme, part, formatList(), namedList(), methodNames())
}

// isMethod reports whether a method has the given name.
func isMethod(name string) bool {
	return slices.ContainsFunc(Methods(), func(m MethodInfo) bool { return m.Name == name })
}
