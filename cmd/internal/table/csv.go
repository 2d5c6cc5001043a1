package table

import (
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/text"
)

// A CSV writes rows in the format of RFC 4180, in full precision, for programs and
// spreadsheets. After an error it writes nothing, and Flush returns the error.
type CSV struct {
	w   *csv.Writer
	err error
}

// NewCSV returns a CSV and writes the names of its columns.
func NewCSV(w io.Writer, head []string) *CSV {
	c := &CSV{w: csv.NewWriter(w)}
	c.w.UseCRLF = true
	c.Row(head)
	return c
}

// Row writes a row. Its fields are those of all parts.
func (c *CSV) Row(parts ...[]string) {
	if c.err == nil {
		c.err = c.w.Write(slices.Concat(parts...))
	}
}

// Flush writes what is left, and returns the first error.
func (c *CSV) Flush() error {
	if c.err != nil {
		return c.err
	}
	c.w.Flush()
	return c.w.Error()
}

// Inert returns a name from a file in a form that spreadsheets do not take for a formula, and
// terminals not for a command. It writes an apostrophe before each character that can begin a
// formula, also in its wide form, if that character is the first, or follows a character that
// some spreadsheet takes for the end of a cell.
func Inert(s string) string {
	var b strings.Builder
	start := true
	for _, r := range text.Clean(s) {
		if start && strings.ContainsRune("=+-@\uff1d\uff0b\uff0d\uff20", r) {
			b.WriteByte('\'')
		}
		b.WriteRune(r)
		// The character after a space or a quote still counts as the first.
		start = strings.ContainsRune(",;|", r) || start && (r == ' ' || r == '"' || r == '\'')
	}
	return b.String()
}

// Shape returns a shape in the form "512x128".
func Shape(shape []int) string { return strings.ReplaceAll(text.Shape(shape), "×", "x") }

// Integer returns the field for an integer, or "" for nil.
func Integer(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}
