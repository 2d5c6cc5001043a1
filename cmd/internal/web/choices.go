package web

import (
	"slices"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/report"
)

// The choices of the page, each with an explanation: the methods, the mappings and the formats of
// the library.

type choices struct {
	Methods  []methodChoice  `json:"methods"`
	Mappings []mappingChoice `json:"mappings"`
	Formats  []formatChoice  `json:"formats"`

	Divisors     []string `json:"divisors"`
	ScaleFormats []string `json:"scale_formats"` // without e4m3, which has two levels
}

// A methodChoice is a method that chooses ranges.
type methodChoice struct {
	Name    string  `json:"name"`
	Value   string  `json:"value,omitempty"`   // letter for the value that the method takes
	Example float64 `json:"example,omitempty"` // a common value
	Purpose string  `json:"purpose"`           // what the method does, as the end of a sentence that begins with its name

	Integers bool `json:"integers"` // the method is for integers only
}

// A mappingChoice is a mapping.
type mappingChoice struct {
	Name    string `json:"name"`
	Purpose string `json:"purpose"` // as that of a method
}

// A formatChoice is a format of codes that are not integers.
type formatChoice struct {
	report.FormatInfo
	Title  string `json:"title"`
	About  string `json:"about"`  // two sentences
	Source string `json:"source"` // where the format is defined
}

// mappingPurposes say what each mapping does.
var mappingPurposes = map[string]string{
	"asymmetric": "lays the ends of the range over the lowest and the highest code, and has a zero point",
	"symmetric":  "lays 0 over the middle code and the largest magnitude over the ends, so that the zero point is fixed",
}

// formatWords say what formats are.
var formatWords = map[string]struct{ title, about, source string }{
	"fp8_e4m3fn": {"FP8 E4M3",
		"8-bit floating-point numbers of 4 exponent and 3 mantissa bits, up to 448, without infinities. Steps grow with the values, so small values keep about one part in 16 where integers would lose them.",
		"OCP 8-bit Floating Point Specification; ONNX FLOAT8E4M3FN"},
	"fp8_e5m2": {"FP8 E5M2",
		"8-bit floating-point numbers of 5 exponent and 2 mantissa bits, up to 57344. They span more magnitudes than E4M3, with steps twice as coarse.",
		"OCP 8-bit Floating Point Specification; ONNX FLOAT8E5M2"},
	"fp8_e4m3fnuz": {"FP8 E4M3 FNUZ",
		"E4M3 with another bias, up to 240, and without a negative zero. Its only code of no number is the one that would be −0.",
		"ONNX FLOAT8E4M3FNUZ"},
	"fp8_e5m2fnuz": {"FP8 E5M2 FNUZ",
		"E5M2 with another bias, up to 57344, and without infinities and a negative zero. Its smallest step is half of that of E5M2.",
		"ONNX FLOAT8E5M2FNUZ"},
	"fp6_e3m2": {"FP6 E3M2",
		"6-bit floating-point numbers of 3 exponent and 2 mantissa bits, up to 28. Every code is a number.",
		"OCP Microscaling Formats 1.0"},
	"fp6_e2m3": {"FP6 E2M3",
		"6-bit floating-point numbers of 2 exponent and 3 mantissa bits, up to 7.5. They are finer near the largest value than E3M2 and coarser near 0.",
		"OCP Microscaling Formats 1.0"},
	"fp4_e2m1": {"FP4 E2M1",
		"The 4-bit values 0, 0.5, 1, 1.5, 2, 3, 4 and 6 with a sign. MXFP4 and NVFP4 are these codes with a scale for each 32 or 16 values.",
		"OCP Microscaling Formats 1.0; ONNX FLOAT4E2M1"},
	"nf4": {"NF4",
		"A table of 16 values between −1 and 1 that are dense near 0, at equal shares of a normal distribution. It suits weights that are distributed so, in groups of 64.",
		"Dettmers et al., QLoRA, 2023, appendix E"},
}

// newChoices lists the methods, mappings and formats of the library.
func newChoices() choices {
	c := choices{Divisors: option.Divisors(), ScaleFormats: option.ScaleFormats()}
	c.ScaleFormats = slices.DeleteFunc(c.ScaleFormats, func(name string) bool { return name == quant.E4M3Scale.String() })
	for _, m := range quant.Methods() {
		if m.Batches { // it needs more than one tensor
			continue
		}
		other := quant.Scheme{Format: quant.NF4, Method: m.Method()}
		c.Methods = append(c.Methods, methodChoice{m.Name, m.Value, m.Example, m.Purpose, other.Validate() != nil})
	}
	for _, name := range option.Mappings() {
		c.Mappings = append(c.Mappings, mappingChoice{name, mappingPurposes[name]})
	}
	formats, err := report.Formats()
	if err != nil {
		panic(err) // of what is in this binary
	}
	for _, f := range formats {
		words, known := formatWords[f.Name]
		if !known { // a format of the library that has no words here yet
			words.title = f.Name
			words.about = "A table of values. Each value becomes the one of the table that is next to it in units of the scale."
			words.source = "the documentation of the library"
		}
		c.Formats = append(c.Formats, formatChoice{f, words.title, words.about, words.source})
	}
	return c
}
