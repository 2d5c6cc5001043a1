package text

import (
	"io"

	"github.com/a01592f9/quant/internal/jsontext"
)

// WriteJSON writes v as indented JSON. A list of numbers stays on one line, and
// characters that could control a terminal are escaped.
func WriteJSON(w io.Writer, v any) error { return jsontext.Write(w, v) }
