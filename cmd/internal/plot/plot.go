package plot

import (
	"github.com/a01592f9/quant/cmd/internal/report"
)

// New draws the graph that summarizes a report: the sheet of its tensor if there is only one,
// and the overview otherwise.
func New(r *report.Report, details []*report.Detail) *Figure {
	if len(r.Tensors) == 1 && len(details) == 1 {
		return Tensor(r, details[0], Options{Width: Full, Title: true})
	}
	return Overview(r, Options{Width: Full, Title: true})
}
