package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/table"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// An Observation lists the tensors of a model whose ranges static quantization needs.
// Marshalled, it is the JSON of `quant observe`, which docs/json.md describes.
type Observation struct {
	Source         string           `json:"source"`
	Output         string           `json:"output"` // "" for a dry run that named none
	DryRun         bool             `json:"dry_run"`
	Tensors        []ObservedTensor `json:"tensors"`
	Shared         []SharedRange    `json:"shared"`
	Left           []FloatNode      `json:"left"`
	Normalizations int              `json:"normalizations,omitempty"` // BatchNormalization nodes that were folded into the products before them
	Unfolded       []FloatNode      `json:"unfolded,omitempty"`       // those that were not, since a weight or a bias would not be finite
	FilesBefore    int64            `json:"file_bytes_before"`
	FilesAfter     int64            `json:"file_bytes_after"`
}

// An ObservedTensor is a tensor that needs a range.
type ObservedTensor struct {
	Name string   `json:"name"`
	As   string   `json:"as"`   // "input", "output" or "added"
	Made string   `json:"made"` // the operator that computes it; "" for an input
	Uses []string `json:"uses"` // the operators that take it
}

// A SharedRange is a tensor that has the range of another tensor.
type SharedRange struct {
	Name string `json:"name"`
	Of   string `json:"of"`
}

// count returns how many tensors are there as "input", "output" or "added".
func (o *Observation) count(as string) int {
	n := 0
	for _, t := range o.Tensors {
		if t.As == as {
			n++
		}
	}
	return n
}

// Table has a row for each tensor that needs a range.
func (o *Observation) Table() *table.Table {
	t := &table.Table{Columns: table.Texts("tensor", "as", "of", "for"), Pressed: []int{3, 2}}
	t.Columns[3].Limit = 24
	for _, x := range o.Tensors {
		as := x.As
		if as == "added" {
			as = "new output"
		}
		t.Add(table.Name(x.Name), table.Text(as), table.Text(x.Made), table.Text(strings.Join(x.Uses, ", ")))
	}
	return t
}

// WriteText writes o for a terminal of the given number of columns, 0 if there is
// none.
func (o *Observation) WriteText(w io.Writer, color bool, columns int) error {
	p := table.NewTerminal(w, color, columns)
	p.Title(text.Clean(o.Source))
	if o.Output != "" {
		p.Line(table.Plain, "→ "+text.Shorten(text.Clean(o.Output), p.Columns-2))
	}
	if o.DryRun {
		p.Line(table.Dim, "nothing is written")
	}
	p.Blank()
	p.Table(o.Table())
	p.Blank()
	o.writeShared(p)
	o.writeLeft(p)
	writeUnfolded(p, o.Unfolded)
	p.Gap()
	if o.Normalizations > 0 {
		p.Paragraph(table.Plain, text.Plural(int64(o.Normalizations), "BatchNormalization")+" folded into the products before.")
	}
	p.Paragraph(table.Plain, o.sum())
	return p.Flush()
}

// writeShared lists the tensors that have the range of another tensor.
func (o *Observation) writeShared(p *table.Terminal) {
	if len(o.Shared) == 0 {
		return
	}
	p.Line(table.Bold, "moved only")
	p.Hanging(table.Plain, text.Plural(len(o.Shared), "tensor")+" with the range of another tensor, whose values an operator moves or picks:", "  ")
	p.Names(cleanNames(o.Shared, func(s SharedRange) string { return s.Name }))
	p.Blank()
}

// writeLeft lists the nodes that stay in floating point, by the reasons why.
func (o *Observation) writeLeft(p *table.Terminal) {
	writeReasons(p, "in floating point", o.Left, func(all []FloatNode) string { return text.Plural(len(all), "node") },
		func(n FloatNode) string { return n.Reason }, func(n FloatNode) string { return n.Name })
}

// sum returns the totals, and tells the user what to do next.
func (o *Observation) sum() string {
	need := "tensors need ranges"
	if len(o.Tensors) == 1 {
		need = "tensor needs a range"
	}
	s := fmt.Sprintf("%s %s", text.Count(len(o.Tensors)), need)
	var parts []string
	for _, x := range []struct{ as, words string }{{"input", "input"}, {"output", "output of the model"}, {"added", "new output"}} {
		switch n := o.count(x.as); {
		case n == 1:
			parts = append(parts, "1 "+x.words)
		case n > 1:
			first, rest, _ := strings.Cut(x.words+" ", " ")
			if x.as == "added" {
				first, rest = x.words, ""
			}
			parts = append(parts, strings.TrimSpace(fmt.Sprintf("%s %ss %s", text.Count(n), first, rest)))
		}
	}
	s += ": " + strings.Join(parts, ", ") + "."
	if o.DryRun {
		return s
	}
	return s + " Run the new model, save these tensors under their names, and give the files to quant calibrate: see docs/observing.md."
}
