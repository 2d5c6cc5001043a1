package quant

import "strings"

// A NamedScheme is a scheme that goes by a name: a type of codes, the size of groups along
// the last axis, and the format of their scales. ParseScheme reads the name as those
// parts, to which a method may be added: "mxfp4:mse".
type NamedScheme struct {
	Name    string // as ParseScheme reads it
	Scheme  Scheme
	Purpose string // what the scheme is, as the end of a sentence that begins with its name
}

// The schemes of the OCP Microscaling Formats 1.0 have blocks of 32 values along the last
// axis and scales that are powers of two, by the rule E8M0Floor of that specification.
var (
	MXFP8E4M3 = microscaled(E4M3FN)
	MXFP8E5M2 = microscaled(E5M2)
	MXFP6E3M2 = microscaled(E3M2)
	MXFP6E2M3 = microscaled(E2M3)
	MXFP4     = microscaled(E2M1)

	// MXINT8 has the integers from -127 to 127. The specification writes them as multiples
	// of 1/64; here the scale has that factor.
	MXINT8 = Scheme{Bits: 8, Mapping: Symmetric, NarrowRange: true, Granularity: PerGroup(-1, 32), Scales: E8M0Floor}
)

// NVFP4 has blocks of 16 values of E2M1 along the last axis, and two levels of scales: see
// E4M3Scale.
var NVFP4 = Scheme{Format: E2M1, Granularity: PerGroup(-1, 16), Scales: E4M3Scale}.normal()

func microscaled(f Format) Scheme {
	return Scheme{Format: f, Granularity: PerGroup(-1, 32), Scales: E8M0Floor}.normal()
}

// NamedSchemes returns all schemes that go by a name, in an order to list them in.
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

// The kinds of parts that more than one function knows.
const (
	kindCodes       = "type of codes"
	kindMapping     = "mapping"
	kindGranularity = "granularity"
	kindScales      = "format of scales"
	kindNarrow      = "narrow range"
)

// schemeAliases are other names of types of codes and of named schemes.
var schemeAliases = map[string]string{
	"fp8":      "fp8_e4m3fn",
	"fp8_e4m3": "fp8_e4m3fn",
	"fp4":      "fp4_e2m1",
	"mxfp8":    "mxfp8_e4m3",
}

// setNamed sets what the name of a scheme says, and returns of what kinds that is. ok is
// false if there is no such name.
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
