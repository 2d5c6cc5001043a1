package report

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/table"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// PlanTextOptions say how Plan.WriteText writes.
type PlanTextOptions struct {
	Color   bool
	Columns int // of the terminal; 0 if there is none
}

// WriteText writes p for a terminal.
func (p *Plan) WriteText(w io.Writer, o PlanTextOptions) error {
	t := table.NewTerminal(w, o.Color, o.Columns)
	t.Title(named(p.Source, ""))
	t.Paragraph(table.Dim, p.About())
	(&p.FileNotes).writeReading(t)
	t.Blank()
	t.Table(p.WeightsTable())
	writeSkipped(t, &p.base)
	t.Gap()
	t.Table(p.RecipesTable())
	t.Blank()
	about := "SQNR is of all values together. Planned is the best plan that takes no more bytes than what all weights have."
	if words := weightedWords(p.Options.Importance, p.Summary.Weighted, len(p.Weights)); words != "" {
		about += " " + words + " In the weighted SQNR each squared error counts with the importance of its input."
	}
	t.Paragraph(table.Plain, about)
	t.Blank()
	t.Paragraph(table.Bold, p.Verdict())
	(&p.FileNotes).writeLeftOut(t)
	writeFailed(t, &p.base)
	return t.Flush()
}

// About describes the options in a line.
func (p *Plan) About() string {
	o := &p.Options
	words := "Candidates " + strings.Join(o.Candidates, ", ")
	if o.Target != PlanAny {
		words += "; for " + string(o.Target)
	}
	words += "; " + map[string]string{
		PlanSum:      "the sum of squared errors counts",
		PlanRelative: "the errors of each weight count next to its values",
		PlanWorst:    "the worst weight counts",
	}[o.Objective]
	if o.Inputs != nil {
		words += "; " + p.outputsText()
	}
	if o.Importance != "" {
		words += "; importance of " + text.Clean(o.Importance)
	}
	return words
}

// outputsText says of which weights errors are those of outputs.
func (p *Plan) outputsText() string {
	n := map[string]int{}
	for i := range p.Weights {
		n[p.Weights[i].Error]++
	}
	words := fmt.Sprintf("errors are those of the outputs of layers, by %s: of %s from mean squares of inputs, of %d from all second moments",
		text.Clean(p.Options.Sensitivity), text.Plural(n[PlanDiagonal], "weight"), n[PlanFull])
	if left := n[PlanOfWeights]; left > 0 {
		words += fmt.Sprintf(", and of %d, which the file does not have, as if their inputs had the mean square of the others", left)
	}
	return words
}

// Budget is the budget for people: "4.5 bits per weight".
func (p *Plan) Budget() string {
	switch o := &p.Options; {
	case o.BitsPerWeight != nil:
		return text.Digits(*o.BitsPerWeight, 4) + " bits per weight"
	case o.Bytes != nil:
		return text.Plural(*o.Bytes, "byte")
	default:
		return text.DecibelsWithUnit(text.Number(*o.SQNR))
	}
}

// Verdict describes the plan in a few sentences.
func (p *Plan) Verdict() string {
	s := &p.Summary
	words := fmt.Sprintf("For %s: %s in %s, %s bits per weight, with %s.", p.Budget(), text.Plural(s.Weights, "weight"),
		text.Plural(s.Bytes, "byte"), text.Digits(float64(s.BitsPerWeight), 3), text.DecibelsWithUnit(s.SQNR))
	if s.Weights > 1 && s.Worst != "" {
		words += fmt.Sprintf(" The worst weight, %s, has %s.", text.Clean(s.Worst), text.DecibelsWithUnit(s.MinSQNR))
	}
	if s.WeightedSQNR != nil {
		words += fmt.Sprintf(" Weighted by the importance of the inputs it is %s.", text.DecibelsWithUnit(*s.WeightedSQNR))
	}
	if s.Gap > 0 {
		words += " The plan is not proved to be the best."
	}
	if r := p.next(); r != nil {
		words += fmt.Sprintf(" With %s for all weights, which takes %s, they have %s.", r.Name, text.Plural(r.Bytes, "byte"), text.DecibelsWithUnit(r.SQNR))
	}
	return words
}

// next returns the best recipe that takes no more bytes than the plan; nil if none
// does.
func (p *Plan) next() *PlanRecipe {
	var best *PlanRecipe
	for i := range p.Recipes {
		if r := &p.Recipes[i]; r.Bytes <= p.Summary.Bytes && (best == nil || r.SQNR > best.SQNR) {
			best = r
		}
	}
	return best
}

// stepCells returns the cells of the cost and the gain of a step; "" if there is none.
func stepCells(x *PlanWeight, s *PlanStep) []table.Cell {
	if s == nil {
		return []table.Cell{table.Text(""), table.Text(""), table.Text("")}
	}
	cost := table.Brief(s.Bytes - x.Bytes)
	if s.Bytes > x.Bytes {
		cost.Text = "+" + cost.Text
		if cost.Short != "" {
			cost.Short = "+" + cost.Short
		}
	}
	return []table.Cell{table.Text(s.Candidate), cost, table.Decibels(s.SQNR, 1)}
}

// WeightsTable has a row for each weight, and what the next steps would cost.
func (p *Plan) WeightsTable() *table.Table {
	t := &table.Table{Columns: table.Texts("weight", "shape", "chosen"), Optional: []int{1, 9, 10, 11, 6, 7, 8}}
	t.Columns = append(t.Columns, table.Numbers("", "bytes", "bits", "SQNR, dB")...)
	weighted := p.Summary.Weighted > 0
	if weighted {
		t.Columns = append(t.Columns, table.Numbers("", "weighted")...)
		t.Optional = []int{1, 10, 11, 12, 7, 8, 9}
	}
	for _, side := range []string{"one step down", "one step up"} {
		t.Columns = append(t.Columns, table.Column{Group: side, Head: "candidate"})
		t.Columns = append(t.Columns, table.Numbers(side, "bytes", "dB")...)
	}
	for i := range p.Weights {
		x := &p.Weights[i]
		row := []table.Cell{
			table.Name(x.Name), table.Text(text.Shape(x.Shape)), table.Text(x.Candidate), table.Brief(x.Bytes),
			table.Digits(text.Number(8*float64(x.Bytes)/float64(x.Elements)), 3), table.Decibels(x.SQNR, 1),
		}
		switch {
		case x.WeightedSQNR != nil:
			row = append(row, table.Decibels(*x.WeightedSQNR, 1))
		case weighted:
			row = append(row, table.Text("–"))
		}
		t.Add(slices.Concat(row, stepCells(x, x.Down), stepCells(x, x.Up))...)
	}
	return t
}

// RecipesTable has a row for each candidate that all weights can have.
func (p *Plan) RecipesTable() *table.Table {
	t := &table.Table{Columns: table.Texts("all weights")}
	t.Columns = append(t.Columns, table.Numbers("", "bytes", "bits/weight", "SQNR, dB", "planned")...)
	for _, r := range p.Recipes {
		t.Add(table.Text(r.Name), table.Brief(r.Bytes), table.Digits(r.BitsPerWeight, 3), table.Decibels(r.SQNR, 1), table.Decibels(r.Planned, 1))
	}
	return t
}

var planHead = []string{
	"source", "row", "tensor", "shape", "elements", "candidate", "scheme", "bytes", "bits_per_weight", "sqnr_db", "planned_sqnr_db",
}

// WriteCSV writes a row for each weight, one for all of them, one for each point
// of the front and one for each recipe. It has the form of Report.WriteCSV.
func (p *Plan) WriteCSV(w io.Writer) error {
	head := planHead
	if p.Options.Importance != "" {
		head = append(slices.Clip(head), "weighted_sqnr_db")
	}
	c := table.NewCSV(w, head)
	weighted := func(n *text.Number) []string {
		if p.Options.Importance == "" {
			return nil
		}
		return []string{exactOr(n)}
	}
	source, s := table.Inert(p.Source), &p.Summary
	point := func(bytes int64, bits, sqnr text.Number) []string {
		return []string{strconv.FormatInt(bytes, 10), text.Exact(bits), text.Exact(sqnr)}
	}
	all := strconv.FormatInt(s.Elements, 10)
	c.Row([]string{source, "total", "", "", all, "", ""}, point(s.Bytes, s.BitsPerWeight, s.SQNR), []string{""}, weighted(s.WeightedSQNR))
	for i := range p.Weights {
		x := &p.Weights[i]
		c.Row([]string{source, "weight", table.Inert(x.Name), table.Shape(x.Shape), strconv.FormatInt(x.Elements, 10), x.Candidate, x.Scheme},
			point(x.Bytes, text.Number(8*float64(x.Bytes)/float64(x.Elements)), x.SQNR), []string{""}, weighted(x.WeightedSQNR))
	}
	for _, f := range p.Front {
		c.Row([]string{source, "front", "", "", all, "", ""}, point(f.Bytes, f.BitsPerWeight, f.SQNR), []string{""}, weighted(f.WeightedSQNR))
	}
	for _, r := range p.Recipes {
		c.Row([]string{source, "recipe", "", "", all, r.Name, ""}, point(r.Bytes, r.BitsPerWeight, r.SQNR), []string{text.Exact(r.Planned)}, weighted(r.WeightedSQNR))
	}
	return c.Flush()
}
