package report

import (
	"encoding/json"
	"errors"
	"fmt"
)

// The choices in the JSON of a plan, as quant quantize --plan reads them.

// A PlanChoice is what a plan file has for a weight.
type PlanChoice struct {
	Name   string `json:"name"`
	Scheme string `json:"scheme"`
	Shape  []int  `json:"shape"` // of the weight that was measured; nil if it is not there
}

// ReadPlan reads the names, schemes and shapes of a plan, which quant quantize needs, and the
// name of the file of --importance; "" for none. The file may have been edited by hand.
func ReadPlan(data []byte) (weights []PlanChoice, importance string, err error) {
	var file struct {
		Version *int `json:"quant_plan"`
		Options struct {
			Importance string `json:"importance"`
		} `json:"options"`
		Weights []PlanChoice `json:"weights"`
	}
	var wrong *json.UnmarshalTypeError
	switch err := json.Unmarshal(data, &file); {
	case errors.As(err, &wrong) && wrong.Field != "":
		return nil, "", fmt.Errorf("the plan has a %s for %q, at byte %d", wrong.Value, wrong.Field, wrong.Offset)
	case errors.As(err, &wrong):
		return nil, "", fmt.Errorf("not a plan: it is a JSON %s", wrong.Value)
	case err != nil:
		return nil, "", err
	}
	switch {
	case file.Version == nil:
		return nil, "", errors.New("not a plan: it has no quant_plan")
	case *file.Version != PlanVersion:
		return nil, "", fmt.Errorf("a plan of version %d: version %d is read", *file.Version, PlanVersion)
	case len(file.Weights) == 0:
		return nil, "", errors.New("the plan has no weights")
	}
	names := make(map[string]bool)
	for i, w := range file.Weights {
		switch {
		case w.Name == "":
			return nil, "", fmt.Errorf("weight %d of the plan has no name", i)
		case w.Scheme == "":
			return nil, "", fmt.Errorf("weight %q of the plan has no scheme", w.Name)
		case names[w.Name]:
			return nil, "", fmt.Errorf("weight %q is in the plan twice", w.Name)
		}
		names[w.Name] = true
	}
	return file.Weights, file.Options.Importance, nil
}

// SchemeOf returns the scheme of a candidate for the weight, as PlanWeight.Scheme has it.
func (x *PlanWeight) SchemeOf(candidate string) (string, error) {
	for _, w := range x.ways {
		if w.name == candidate {
			return w.scheme, nil
		}
	}
	return "", fmt.Errorf("%s: there is no candidate %q", x.Name, candidate)
}
