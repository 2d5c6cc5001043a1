package report

import (
	"fmt"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/table"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// Static lists the operators and the activations of a model whose activations were quantized,
// statically or dynamically.
type Static struct {
	Operators      []Operator   `json:"operators"`
	Activations    []Activation `json:"activations"`
	Biases         []Bias       `json:"biases"`
	Normalizations int          `json:"normalizations,omitempty"` // BatchNormalization nodes that were folded into the products before them
	Unfolded       []FloatNode  `json:"unfolded,omitempty"`       // those that were not, since a weight or a bias would not be finite
	Running        int          `json:"running,omitempty"`        // activations that the model quantizes while it runs
}

// An Operator is a node of the model.
type Operator struct {
	Name    string `json:"name"`
	Op      string `json:"op"`
	Integer string `json:"integer,omitempty"` // the operator that ONNX Runtime computes with codes instead
	Folded  bool   `json:"folded,omitempty"`  // the node was removed: its limits are those of the codes
	Reason  string `json:"reason,omitempty"`  // why it is computed in floating point
}

// An Activation is a value that has codes in the new model.
type Activation struct {
	Name      string  `json:"name"`
	Of        string  `json:"of"` // the value whose range it has
	DType     string  `json:"dtype"`
	Min       float32 `json:"min"` // of the calibration
	Max       float32 `json:"max"`
	Scale     float32 `json:"scale"`
	ZeroPoint int32   `json:"zero_point"`
}

// A Bias is a bias that became int32.
type Bias struct {
	Name    string `json:"name"`
	Node    string `json:"node"`
	Widened int    `json:"widened,omitempty"` // scales of the weight that were widened for it
}

// split returns the operators that are computed in integers and those in floating point, and
// counts those that were removed.
func (s *Static) split() (integer, floating []Operator, folded int) {
	for _, o := range s.Operators {
		switch {
		case o.Folded:
			folded++
		case o.Integer != "":
			integer = append(integer, o)
		default:
			floating = append(floating, o)
		}
	}
	return integer, floating, folded
}

// write lists the operators: in integers, removed, and in floating point.
func (s *Static) write(p *table.Terminal) {
	integer, floating, _ := s.split()
	if kinds, by := groupedBy(integer, func(o Operator) string { return o.Op + " → " + o.Integer }); len(kinds) > 0 {
		p.Gap()
		p.Line(table.Bold, "operators with codes")
		var parts []string
		for _, k := range kinds {
			parts = append(parts, fmt.Sprintf("%s %s", text.Count(int64(len(by[k]))), k))
		}
		p.Hanging(table.Plain, strings.Join(parts, ", "), "  ")
	}
	writeReasons(p, "operators in floating point", floating, func(all []Operator) string { return text.Plural(len(all), "operator") },
		func(o Operator) string { return o.Reason }, func(o Operator) string { return o.Name })
	writeUnfolded(p, s.Unfolded)
}

// sentence returns the totals as a sentence.
func (s *Static) sentence() string {
	integer, floating, folded := s.split()
	line := fmt.Sprintf("%s of %s computed with codes in ONNX Runtime", text.Count(len(integer)), text.Plural(len(integer)+len(floating), "operator"))
	if folded > 0 {
		line += fmt.Sprintf("; %s folded into the codes before", text.Plural(int64(folded), "Relu or Clip"))
	}
	if s.Normalizations > 0 {
		line += fmt.Sprintf("; %s folded into the products before", text.Plural(int64(s.Normalizations), "BatchNormalization"))
	}
	if len(s.Activations) > 0 {
		line += fmt.Sprintf(". %s with codes.", text.Plural(int64(len(s.Activations)), "activation"))
	} else {
		line += fmt.Sprintf(". %s quantized while the model runs.", text.Plural(int64(s.Running), "activation"))
	}
	widened := 0
	for _, b := range s.Biases {
		widened += b.Widened
	}
	if widened > 0 {
		line += fmt.Sprintf(" %s of weights widened, so that int32 holds the bias.", text.Plural(int64(widened), "scale"))
	}
	return line
}
