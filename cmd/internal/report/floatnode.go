package report

import (
	"github.com/a01592f9/quant/cmd/internal/table"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// A FloatNode is a node that stays in floating point.
type FloatNode struct {
	Name   string `json:"name"`
	Op     string `json:"op"`
	Reason string `json:"reason"`
}

// writeUnfolded lists the normalizations that were not folded, by the reasons why.
func writeUnfolded(p *table.Terminal, nodes []FloatNode) {
	writeReasons(p, "not folded", nodes, func(all []FloatNode) string { return text.Plural(len(all), "BatchNormalization") },
		func(n FloatNode) string { return n.Reason }, func(n FloatNode) string { return n.Name })
}
