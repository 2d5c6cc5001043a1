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
	return fmt.Errorf("tensor %q: %s", name, strings.TrimPrefix(err.Error(), "quant: "))
}
