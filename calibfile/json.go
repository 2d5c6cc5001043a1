package calibfile

import (
	"fmt"
	"io"
	"strings"

	"github.com/a01592f9/quant/internal/jsontext"
)

// WriteJSON writes v in the style of the tool's JSON files: indented, with a list of numbers on
// one line, and with characters that could control a terminal escaped.
func WriteJSON(w io.Writer, v any) error { return jsontext.Write(w, v) }

func inTensor(name string, err error) error {
	return fmt.Errorf("tensor %q: %w", name, trimmed{err})
}

// A trimmed is an error whose text does not begin with "quant: ".
type trimmed struct{ error }

func (e trimmed) Error() string { return strings.TrimPrefix(e.error.Error(), "quant: ") }
func (e trimmed) Unwrap() error { return e.error }
