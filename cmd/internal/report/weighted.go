package report

import (
	"fmt"
	"path/filepath"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/importance"
	"github.com/a01592f9/quant/cmd/internal/table"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// Errors that count with the importance of the inputs of a weight.

// Weighted are quant.WeightedMetrics of all elements or of one channel.
type Weighted struct {
	RMSE text.Number `json:"rmse"`
	SQNR text.Number `json:"sqnr_db"` // infinite, and so null in JSON, where nothing is lost
}

// NewWeighted returns the metrics for a report.
func NewWeighted(m quant.WeightedMetrics) *Weighted {
	return &Weighted{text.Number(m.RMSE), text.Number(m.SQNR)}
}

// SetImportance makes errors count with the importances in f.
func (o *Options) SetImportance(f *importance.File) {
	o.importance, o.Importance = f, filepath.Base(f.Path)
}

// compareStream compares schemes on the elements of src. weighted is nil if the tensor has no
// importance.
func compareStream(src quant.Source, j job, o Options, schemes []quant.Scheme) (c *quant.Comparison, weighted []quant.WeightedResult, err error) {
	stream := quant.Stream{Source: src, Shape: j.shape}
	var i *quant.Importance
	if o.importance != nil {
		axis, err := j.axis(o)
		if err != nil {
			return nil, nil, err
		}
		if i, err = o.importance.Of(j.info.Name, j.shape, axis); err != nil {
			return nil, nil, err
		}
	}
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
	f := r.Options.importance
	if f == nil || r.weighted() > 0 {
		return nil
	}
	return fmt.Errorf("%s: it has no importance of any weight of %s that is compared; it has %s", f.Path, r.Source, text.Names(f.Names()))
}

// weightedText says how many tensors have an importance, or "" if that was not asked for.
func (r *Report) weightedText() string {
	switch n := r.weighted(); {
	case r.Options.Importance == "":
		return ""
	case n == len(r.Tensors) && n == 1:
		return fmt.Sprintf("The importance of its inputs is that of %s.", text.Clean(r.Options.Importance))
	case n == len(r.Tensors):
		return fmt.Sprintf("All weights have an importance in %s.", text.Clean(r.Options.Importance))
	default:
		have := "have"
		if n == 1 {
			have = "has"
		}
		return fmt.Sprintf("Of %s %s %s an importance in %s; the others have no weighted errors.",
			text.Plural(len(r.Tensors), "weight"), text.Count(n), have, text.Clean(r.Options.Importance))
	}
}

// weightedCells are the weighted SQNR of each result.
func (t *Tensor) weightedCells() []table.Cell {
	var row []table.Cell
	for _, res := range t.Results {
		if res.Weighted == nil {
			row = append(row, table.Text("–"))
			continue
		}
		row = append(row, table.Decibels(res.Weighted.SQNR, 1))
	}
	return row
}

// fields are the numbers of a row of CSV: empty for a nil w.
func (w *Weighted) fields() []string {
	if w == nil {
		return []string{"", ""}
	}
	return []string{text.Exact(w.RMSE), text.Exact(w.SQNR)}
}
