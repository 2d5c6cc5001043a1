package calibfile

import (
	"fmt"
	"io"
	"strings"

	"github.com/a01592f9/quant/internal/jsontext"
)

// WriteJSON writes v as the tool writes its JSON files: it is indented, but a
// list of numbers stays on one line, and characters that could steer a terminal
// are escaped.
func WriteJSON(w io.Writer, v any) error { return jsontext.Write(w, v) }

func inTensor(name string, err error) error {
	return fmt.Errorf("tensor %q: %w", name, trimmed{err})
}

// trimmed is an error without the name of the library.
type trimmed struct{ error }

func (e trimmed) Error() string { return strings.TrimPrefix(e.error.Error(), "quant: ") }
func (e trimmed) Unwrap() error { return e.error }
