// Package htmlreport writes a report as one HTML file with interactive graphs.
package htmlreport

import (
	"errors"
	"io"

	"github.com/a01592f9/quant/cmd/internal/report"
)

// Options say how Write writes.
type Options struct {
	Channels bool // whether all channels of large tensors are listed
}

// Write writes r with the graphs of the given tensors, see report.Details.
func Write(w io.Writer, r *report.Report, details []*report.Detail, o Options) error {
	return errors.New("not yet")
}
