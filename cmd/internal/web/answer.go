package web

import (
	"bytes"
	"path/filepath"
	"strings"
	"unicode"
)

// The answer to a request.

// An answer is made in memory before any of it is sent.
type answer struct {
	kind     string   // media type
	filename string   // under which a browser saves it; empty if it is not to be saved
	reading  *reading // how the text was read; nil if there is no text
	body     bytes.Buffer
}

// readingHeader is the header with the reading of a text, as percent-encoded JSON. It is not in
// the body, which has the same bytes as the output of the command line.
const readingHeader = "Quant-Reading"

const jsonType = "application/json"

// filename returns a name for a download that is valid on every system.
func filename(name, ext string) string {
	name = strings.TrimSuffix(name, filepath.Ext(name))
	plain := strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) || strings.ContainsRune("-_.", r) {
			return r
		}
		return '-'
	}, name)
	if plain = strings.Trim(plain, "-."); plain == "" {
		plain = "values"
	}
	return "quant-" + plain + ext
}
