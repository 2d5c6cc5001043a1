package report

import (
	"math"
	"slices"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// Codes of formats that are not integers, such as those of small floating-point
// numbers.

// formatWord names a format in JSON: "" for integers.
func formatWord(f quant.Format) string {
	if f == quant.Integers {
		return ""
	}
	return f.String()
}

// asIntegers returns s for integers instead of another format.
func asIntegers(s quant.Scheme) quant.Scheme {
	s.Format, s.Mapping = quant.Integers, quant.Symmetric
	return s
}

// formatValues returns what every code of a format stands for under a scale. Codes
// that stand for no number have NaN or an infinity.
func formatValues(f quant.Format, scale float32) ([]float32, error) {
	codes := make([]uint8, 1<<f.Width())
	for i := range codes {
		codes[i] = uint8(i)
	}
	values := make([]float32, len(codes))
	p := quant.Params{Scheme: quant.Scheme{Format: f}, Scale: []float32{scale}, ZeroPoint: []int32{0}}
	return values, quant.DequantizeCodes(values, codes, []int{len(codes)}, p)
}

// formatLevels returns the finite values among those of formatValues in ascending
// order, each once.
func formatLevels(f quant.Format, scale float32) ([]float32, error) {
	values, err := formatValues(f, scale)
	values = slices.DeleteFunc(values, func(v float32) bool {
		return math.IsNaN(float64(v)) || math.IsInf(float64(v), 0)
	})
	slices.Sort(values)
	return slices.Compact(values), err // -0 and 0 are the same
}

// A FormatInfo describes a format for a page that draws its codes.
type FormatInfo struct {
	Name   string        `json:"name"` // as Options have it
	Bits   int           `json:"bits"`
	Values []text.Number `json:"values"` // of each code with a scale of 1; null for codes of no number
}

// Formats describes all formats but integers.
func Formats() ([]FormatInfo, error) {
	var all []FormatInfo
	for _, f := range quant.Formats() {
		values, err := formatValues(f, 1)
		if err != nil {
			return nil, err
		}
		info := FormatInfo{Name: f.String(), Bits: f.Width()}
		for _, v := range values {
			info.Values = append(info.Values, text.Number(v))
		}
		all = append(all, info)
	}
	return all, nil
}

// ends returns the values that the least and the greatest code of a scheme with one
// scale stand for.
func ends(s quant.Scheme, scale float32, zero int32) (from, to float64, err error) {
	if s.Format != quant.Integers {
		levels, err := formatLevels(s.Format, scale)
		if err != nil {
			return 0, 0, err
		}
		return float64(levels[0]), float64(levels[len(levels)-1]), nil
	}
	qmin, qmax := s.Grid()
	from, to = (float64(qmin)-float64(zero))*float64(scale), (float64(qmax)-float64(zero))*float64(scale)
	return min(from, to), max(from, to), nil // a signed scale may be negative
}
