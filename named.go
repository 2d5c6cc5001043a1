package quant

import "strings"

// A NamedScheme is a scheme with a name. The name stands for the format of the codes, the size
// of the groups along the last axis, and the format of the scales. ParseScheme reads the name,
// and a method may follow it: "mxfp4:mse".
type NamedScheme struct {
	Name    string // the name that ParseScheme reads
	Scheme  Scheme
	Purpose string // what the scheme is, as the end of a sentence that begins with its name
}

// The schemes of the OCP Microscaling Formats 1.0. They have groups of 32 values along the last
// axis. Their scales are powers of two, by the rule E8M0Floor of that specification.
var (
	MXFP8E4M3 = microscaled(E4M3FN)
	MXFP8E5M2 = microscaled(E5M2)
	MXFP6E3M2 = microscaled(E3M2)
	MXFP6E2M3 = microscaled(E2M3)
	MXFP4     = microscaled(E2M1)

	// MXINT8 has integer codes from -127 to 127. In the specification a code stands for a
	// multiple of 1/64; here that factor is part of the scale.
	MXINT8 = Scheme{Bits: 8, Mapping: Symmetric, NarrowRange: true, Granularity: PerGroup(-1, 32), Scales: E8M0Floor}
)

// NVFP4 has codes of E2M1 in groups of 16 values along the last axis, and two levels of scales:
// see E4M3Scale.
var NVFP4 = Scheme{Format: E2M1, Granularity: PerGroup(-1, 16), Scales: E4M3Scale}.normal()

func microscaled(f Format) Scheme {
	return Scheme{Format: f, Granularity: PerGroup(-1, 32), Scales: E8M0Floor}.normal()
}

// NamedSchemes returns all schemes with a name, in the order for a list.
func NamedSchemes() []NamedScheme {
	return []NamedScheme{
		{"mxfp8_e4m3", MXFP8E4M3, "has blocks of 32 values of 8 bits (E4M3FN) under a power of two (OCP MX 1.0)"},
		{"mxfp8_e5m2", MXFP8E5M2, "has blocks of 32 values of 8 bits (E5M2) under a power of two (OCP MX 1.0)"},
		{"mxint8", MXINT8, "has blocks of 32 integers of 8 bits under a power of two (OCP MX 1.0)"},
		{"mxfp6_e3m2", MXFP6E3M2, "has blocks of 32 values of 6 bits (E3M2) under a power of two (OCP MX 1.0)"},
		{"mxfp6_e2m3", MXFP6E2M3, "has blocks of 32 values of 6 bits (E2M3) under a power of two (OCP MX 1.0)"},
		{"mxfp4", MXFP4, "has blocks of 32 values of 4 bits (E2M1) under a power of two (OCP MX 1.0)"},
		{"nvfp4", NVFP4, "has blocks of 16 values of 4 bits (E2M1) under an 8-bit scale, and a float32 scale for the tensor (NVIDIA)"},
	}
}

// The kinds of the parts of a scheme's text that several functions use.
const (
	kindCodes       = "type of codes"
	kindMapping     = "mapping"
	kindGranularity = "granularity"
	kindScales      = "format of scales"
	kindNarrow      = "narrow range"
)

// schemeAliases are other names of formats and of named schemes.
var schemeAliases = map[string]string{
	"fp8":      "fp8_e4m3fn",
	"fp8_e4m3": "fp8_e4m3fn",
	"fp4":      "fp4_e2m1",
	"mxfp8":    "mxfp8_e4m3",
}

// setNamed sets the options of the scheme with the given name, and returns the kinds of these
// options. ok is false if there is no such name.
func (s *Scheme) setNamed(name string) (kinds []string, ok bool) {
	for _, n := range NamedSchemes() {
		if n.Name != name {
			continue
		}
		kinds := []string{kindCodes, kindGranularity, kindScales}
		s.Bits, s.Format, s.Granularity, s.Scales = n.Scheme.Bits, n.Scheme.Format, n.Scheme.Granularity, n.Scheme.Scales
		if s.NarrowRange = n.Scheme.NarrowRange; s.Format == Integers {
			s.Mapping = n.Scheme.Mapping
			kinds = append(kinds, kindMapping, kindNarrow)
		}
		return kinds, true
	}
	return nil, false
}

// namedList returns the names, separated by commas.
func namedList() string {
	var names []string
	for _, n := range NamedSchemes() {
		names = append(names, n.Name)
	}
	return strings.Join(names, ", ")
}
