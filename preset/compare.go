package preset

import (
	"fmt"
	"slices"

	"github.com/a01592f9/quant"
)

// A Result has the codes of a quantized tensor, and the values that they stand for.
type Result struct {
	Bits int // bit width of a code; 0 if Codes is nil

	// Codes are centred: 2^(Bits-1) is subtracted from unsigned codes, so that int8 around 0 and
	// uint8 around 128 can be compared. Codes is nil if the codes are not integers.
	Codes []int16

	Values []float32 // the reconstructed values
}

// Apply calibrates and quantizes t as the preset does. Errors: those of Calibrate.
func (p Preset) Apply(t quant.Tensor) (Result, error) {
	params, err := p.Calibrate(t)
	if err != nil {
		return Result{}, err
	}
	codes, err := p.Quantize(t, params)
	if err != nil {
		return Result{}, err
	}
	values, err := p.Dequantize(codes, t.Shape, params)
	if err != nil {
		return Result{}, err
	}
	if p.Scheme.Unsigned {
		centre(codes, p.Scheme.Bits)
	}
	return Result{Bits: p.Scheme.Bits, Codes: codes, Values: values}, nil
}

// Apply calibrates and quantizes t under a scheme of the library. Errors: those of
// quant.Calibrate.
func Apply(t quant.Tensor, s quant.Scheme) (Result, error) {
	params, err := quant.Calibrate(t, s)
	if err != nil {
		return Result{}, err
	}
	return ApplyParams(t, params)
}

// ApplyParams quantizes t with parameters of the library. Errors: those of quant.Quantize.
func ApplyParams(t quant.Tensor, params quant.Params) (Result, error) {
	q, err := quant.Quantize(t, params)
	if err != nil {
		return Result{}, err
	}
	x, err := quant.Dequantize(q)
	if err != nil {
		return Result{}, err
	}
	s := params.Scheme
	if s.Format != quant.Integers {
		return Result{Values: x.Data}, nil
	}
	codes := make([]int16, q.Len())
	half := 0
	if s.Unsigned {
		half = 1 << (s.Bits - 1)
	}
	for i := range codes {
		codes[i] = int16(q.At(i) - half)
	}
	return Result{Bits: s.Bits, Codes: codes, Values: x.Data}, nil
}

// centre subtracts 2^(bits-1) from each code.
func centre(codes []int16, bits int) {
	for i := range codes {
		codes[i] -= 1 << (bits - 1)
	}
}

// A Difference says how the codes and the values of two results for one tensor differ.
type Difference struct {
	Elements int // number of elements of the tensor

	// Codes is true if codes were compared: both results have codes of the same width. If it
	// is false, Changed is 0 and Steps is nil.
	Codes   bool
	Changed int    // number of codes that differ
	Steps   []Step // the differences other than 0, in ascending order

	Values   int     // number of values that differ
	MaxValue float64 // largest distance between two values

	// First is the first element whose code differs, or whose value differs if codes were not
	// compared. Its Index is -1 if there is none.
	First Place

	// Channels has, for each channel, the number of elements whose code differs, or whose value
	// differs if codes were not compared.
	Channels []int
}

// A Step counts the elements with one difference between their codes.
type Step struct {
	Difference int // the code of the second result minus that of the first
	Count      int // number of elements
}

// A Place is an element that differs, with its codes and values in the two results.
type Place struct {
	Index   int // in row-major order
	Channel int // 0 if the whole tensor is one channel
	Code    [2]int
	Value   [2]float32
}

// Compare compares two results for a tensor with the given shape. channels must be PerTensor or
// PerChannel. Errors: quant.ErrShape, quant.ErrAxis, quant.ErrEmpty, and quant.ErrScheme for
// other channels.
func Compare(a, b Result, shape []int, channels quant.Granularity) (*Difference, error) {
	if _, groups := channels.GroupSize(); groups {
		return nil, fmt.Errorf("%w: channels are not groups", quant.ErrScheme)
	}
	n := len(a.Values)
	by := Preset{Scheme: quant.Scheme{Bits: 8, Granularity: channels}}
	l, err := newLayout(&by, n, shape)
	if err != nil {
		return nil, err
	}
	if len(b.Values) != n {
		return nil, fmt.Errorf("%w: %d values, and %d", quant.ErrShape, n, len(b.Values))
	}
	d := &Difference{Elements: n, First: Place{Index: -1}, Channels: make([]int, l.params)}
	d.Codes = a.Codes != nil && b.Codes != nil && a.Bits == b.Bits
	steps := map[int]int{}
	l.each(func(from, end, channel, _ int) {
		for i := from; i < end; i++ {
			changed := a.Values[i] != b.Values[i]
			if changed {
				d.Values++
				d.MaxValue = max(d.MaxValue, distance(a.Values[i], b.Values[i]))
			}
			place := Place{Index: i, Channel: channel, Value: [2]float32{a.Values[i], b.Values[i]}}
			if d.Codes {
				place.Code = [2]int{int(a.Codes[i]), int(b.Codes[i])}
				if changed = a.Codes[i] != b.Codes[i]; changed {
					d.Changed++
					steps[place.Code[1]-place.Code[0]]++
				}
			}
			if changed {
				d.Channels[channel]++
				if d.First.Index < 0 {
					d.First = place
				}
			}
		}
	})
	for step, count := range steps {
		d.Steps = append(d.Steps, Step{step, count})
	}
	slices.SortFunc(d.Steps, func(a, b Step) int { return a.Difference - b.Difference })
	return d, nil
}

// distance returns |a - b|.
func distance(a, b float32) float64 {
	d := float64(a) - float64(b)
	return max(d, -d)
}
