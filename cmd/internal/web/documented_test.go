package web

import (
	"testing"

	"github.com/a01592f9/quant/cmd/internal/documented"
	"github.com/a01592f9/quant/cmd/internal/report"
)

// TestInterfaceDocumented: docs/api.md, or docs/json.md for what commands write too, explains every key of
// requests and answers.
func TestInterfaceDocumented(t *testing.T) {
	doc := documented.Text(t, "../../..", "api.md") + documented.Text(t, "../../..", "json.md")
	for _, x := range []any{
		request{}, apiError{}, reading{}, report.Detail{}, codePage{}, planAnswer{}, Example{}, sizes{}, choices{}, conventionChoice{},
	} {
		documented.Keys(t, doc, x)
	}
}
