package report

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/importance"
	"github.com/a01592f9/quant/cmd/internal/table"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// Errors that count with the importance of the inputs of a weight.

// SetImportance makes errors count with the importances in f.
func (o *Options) SetImportance(f *importance.File) {
	o.importance, o.Importance = f, filepath.Base(f.Path)
}

// compareStream compares schemes on the elements of src. weighted is nil if the tensor has no
// importance.
func compareStream(src quant.Source, j job, o Options, schemes []quant.Scheme) (c *quant.Comparison, weighted []quant.WeightedResult, err error) {
	i, err := o.importanceOf(j)
	if err != nil {
		return nil, nil, err
	}
	return compareBy(src, j, i, schemes)
}

// importanceOf returns the importance of the inputs of a tensor; nil if none is known.
func (o Options) importanceOf(j job) (*quant.Importance, error) {
	if o.importance == nil {
		return nil, nil
	}
	axis, err := j.axis(o)
	if err != nil {
		return nil, err
	}
	return o.importance.Of(j.info.Name, j.shape, axis)
}

// CheckImportance returns an error if the importance of a tensor's inputs does not fit its shape.
func (o Options) CheckImportance(info tensorfile.Info) error {
	_, err := o.importanceOf(newJob(0, info))
	return err
}

// compareBy compares schemes on the elements of src, whose inputs have the importance i. weighted is
// nil if i is.
func compareBy(src quant.Source, j job, i *quant.Importance, schemes []quant.Scheme) (c *quant.Comparison, weighted []quant.WeightedResult, err error) {
	stream := quant.Stream{Source: src, Shape: j.shape}
	if i == nil {
		c, err = stream.Compare(schemes...)
		return c, nil, err
	}
	w, err := stream.CompareWeighted(*i, schemes...)
	if err != nil {
		return nil, nil, err
	}
	return w.Comparison, w.Weighted, nil
}

// weigh adds weighted metrics to a result.
func (r *Result) weigh(w *quant.WeightedResult) {
	r.Weighted = NewWeighted(w.WeightedMetrics)
	for i := range r.Channels {
		r.Channels[i].Weighted = NewWeighted(w.Channels[i])
	}
}

// totalImportance is the sum of the importances of all elements of a tensor.
func totalImportance(i *quant.Importance, elements int64) float64 {
	sum := 0.0
	for _, v := range i.Values {
		sum += v
	}
	return sum * (float64(elements) / float64(len(i.Values))) // each value belongs to as many elements
}

// weighted counts the tensors that have an importance.
func (r *Report) weighted() int {
	n := 0
	for i := range r.Tensors {
		if r.Tensors[i].Results[0].Weighted != nil {
			n++
		}
	}
	return n
}

// checkWeighted returns an error if a file of importances has none of any tensor.
func (r *Report) checkWeighted() error {
	return noImportance(r.Options.importance, r.Source, r.weighted())
}

// noImportance returns an error if f has an importance of none of the weights of a source.
func noImportance(f *importance.File, source string, weighted int) error {
	if f == nil || weighted > 0 {
		return nil
	}
	return &noImportanceError{f.Path, source, f.Names()}
}

// A noImportanceError says that a file of importances is not for a model.
type noImportanceError struct {
	path, source string
	names        []string
}

func (e *noImportanceError) Error() string {
	return fmt.Sprintf("%s: it has no importance of any weight of %s that is compared; it has %s", e.path, e.source, text.Names(e.names))
}

// IsNoImportance reports whether err says that a file of importances has none of the weights.
func IsNoImportance(err error) bool {
	var e *noImportanceError
	return errors.As(err, &e)
}

// weightedText says how many tensors have an importance, or "" if that was not asked for.
func (r *Report) weightedText() string {
	return weightedWords(r.Options.Importance, r.weighted(), len(r.Tensors))
}

// weightedWords says how many of several weights have an importance in a file, or "" without a
// file.
func weightedWords(file string, n, all int) string {
	file = text.Clean(file)
	switch {
	case file == "":
		return ""
	case n == all && n == 1:
		return fmt.Sprintf("The importance of its inputs is that of %s.", file)
	case n == all:
		return fmt.Sprintf("All weights have an importance in %s.", file)
	default:
		have := "have"
		if n == 1 {
			have = "has"
		}
		return fmt.Sprintf("Of %s %s %s an importance in %s; the others have no weighted errors.",
			text.Plural(all, "weight"), text.Count(n), have, file)
	}
}

// weightedCells are the weighted SQNR of each result.
func (t *Tensor) weightedCells() []table.Cell {
	var row []table.Cell
	for _, res := range t.Results {
		row = append(row, res.Weighted.cell())
	}
	return row
}

// cell is the SQNR of a table; a dash for a nil w.
func (w *Weighted) cell() table.Cell {
	if w == nil {
		return table.Text("–")
	}
	return table.Decibels(w.SQNR, 1)
}

// exactOr is a number of a row of CSV: empty for nil.
func exactOr(n *text.Number) string {
	if n == nil {
		return ""
	}
	return text.Exact(*n)
}
