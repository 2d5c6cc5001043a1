package report

import (
	"fmt"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/table"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// Static lists the operators and the activations of a model that was quantized statically.
type Static struct {
	Operators   []Operator   `json:"operators"`
	Activations []Activation `json:"activations"`
	Biases      []Bias       `json:"biases"`
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

// integers counts the operators that are computed in integers, those that were removed, and
// those in floating point.
func (s *Static) integers() (integer, folded, floating int) {
	for _, o := range s.Operators {
		switch {
		case o.Folded:
			folded++
		case o.Integer != "":
			integer++
		default:
			floating++
		}
	}
	return integer, folded, floating
}

// write lists the operators: in integers, removed, and in floating point.
func (s *Static) write(p *table.Terminal) {
	count := func(key func(o Operator) string) (keys []string, names map[string][]string) {
		names = map[string][]string{}
		for _, o := range s.Operators {
			k := key(o)
			if k == "" {
				continue
			}
			if names[k] == nil {
				keys = append(keys, k)
			}
			names[k] = append(names[k], text.Clean(o.Name))
		}
		return keys, names
	}
	keys, names := count(func(o Operator) string {
		if o.Integer == "" || o.Folded {
			return ""
		}
		return o.Op + " → " + o.Integer
	})
	if len(keys) > 0 {
		p.Line(table.Bold, "operators with codes")
		var parts []string
		for _, k := range keys {
			parts = append(parts, fmt.Sprintf("%s %s", text.Count(int64(len(names[k]))), k))
		}
		p.Hanging(table.Plain, strings.Join(parts, ", "), "  ")
		p.Blank()
	}
	keys, names = count(func(o Operator) string {
		if o.Integer != "" || o.Folded {
			return ""
		}
		return o.Reason
	})
	if len(keys) > 0 {
		p.Line(table.Bold, "operators in floating point")
		for _, k := range keys {
			p.Hanging(table.Plain, fmt.Sprintf("%s: %s", text.Plural(int64(len(names[k])), "operator"), text.Clean(k)), "  ")
			p.Names(names[k])
		}
		p.Blank()
	}
}

// sentence returns the totals as a sentence.
func (s *Static) sentence() string {
	integer, folded, floating := s.integers()
	line := fmt.Sprintf("%s of %s computed with codes in ONNX Runtime", text.Count(int64(integer)), text.Plural(int64(integer+floating), "operator"))
	if folded > 0 {
		line += fmt.Sprintf("; %s folded into the codes before", text.Plural(int64(folded), "Relu or Clip"))
	}
	line += fmt.Sprintf(". %s with codes.", text.Plural(int64(len(s.Activations)), "activation"))
	widened := 0
	for _, b := range s.Biases {
		widened += b.Widened
	}
	if widened > 0 {
		line += fmt.Sprintf(" %s of weights widened, so that int32 holds the bias.", text.Plural(int64(widened), "scale"))
	}
	return line
}
