package report

import (
	"path/filepath"
	"strings"
	"time"

	"github.com/a01592f9/quant/cmd/internal/text"
)

// An Origin has the date of a document and the program that made it.
type Origin struct {
	Date    time.Time // zero to leave it out
	Version string    // of the tool; "" to leave it out
	Command string    // that was given; "" if there was none
}

// String is a sentence without its full stop, for the foot of a document; "" if
// nothing is known.
func (o Origin) String() string {
	var parts []string
	if !o.Date.IsZero() {
		parts = append(parts, "on "+o.Date.UTC().Format(time.DateOnly))
	}
	if o.Version != "" {
		parts = append(parts, "by "+text.Clean(o.Version))
	}
	if o.Command != "" {
		parts = append(parts, "with "+text.Clean(o.Command))
	}
	if parts == nil {
		return ""
	}
	return "Made " + strings.Join(parts, " ")
}

// Title returns the title of a document: the name of a source without its folder.
func Title(source string) string {
	switch base := filepath.Base(source); base {
	case ".", "..", string(filepath.Separator):
		return text.Clean(source)
	default:
		return text.Clean(base)
	}
}
