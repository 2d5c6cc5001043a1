package report

import (
	"strconv"

	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// A RoundedActivation is an activation that a quantized model quantizes while it runs. Min and
// Max are the smallest and the largest value that codes stand for.
type RoundedActivation struct {
	Name      string      `json:"name"`
	Made      string      `json:"made"`  // the operator that computes it; "" for an input
	DType     string      `json:"dtype"` // of the codes; "" if it is not in the file
	Axis      *int        `json:"axis"`  // of the scales; nil for one scale
	Scale     text.Floats `json:"scale"`
	ZeroPoint []int32     `json:"zero_point"`
	Min       text.Floats `json:"min"`
	Max       text.Floats `json:"max"`
	Note      string      `json:"note,omitempty"` // why there is no scale
}

// rounding is a Source that lists the activations that its model quantizes.
type rounding interface {
	Rounded() []tensorfile.Activation
}

// roundedBy lists the activations that the model of src quantizes.
func roundedBy(src Source) []RoundedActivation {
	r, ok := src.(rounding)
	if !ok {
		return nil
	}
	var all []RoundedActivation
	for _, x := range r.Rounded() {
		a := RoundedActivation{Name: x.Name, Made: x.Made, DType: x.DType, Note: x.Note,
			Scale: text.Floats{}, ZeroPoint: []int32{}, Min: text.Floats{}, Max: text.Floats{}}
		if x.Axis != tensorfile.NoAxis {
			a.Axis = &x.Axis
		}
		if x.Note == "" {
			a.Scale, a.ZeroPoint = x.Scale, x.Zero
		}
		lo, hi, known := codeLimits(x.DType)
		for i, scale := range a.Scale {
			if known {
				a.Min = append(a.Min, float32(lo-int64(a.ZeroPoint[i]))*scale)
				a.Max = append(a.Max, float32(hi-int64(a.ZeroPoint[i]))*scale)
			}
		}
		all = append(all, a)
	}
	return all
}

// codeLimits returns the smallest and the largest code of a type such as U8 or I16.
func codeLimits(dtype string) (lo, hi int64, known bool) {
	if len(dtype) < 2 {
		return 0, 0, false
	}
	bits, err := strconv.Atoi(dtype[1:])
	switch {
	case err != nil || bits < 2 || bits > 32:
		return 0, 0, false
	case dtype[0] == 'U':
		return 0, 1<<bits - 1, true
	case dtype[0] == 'I':
		return -1 << (bits - 1), 1<<(bits-1) - 1, true
	}
	return 0, 0, false
}
