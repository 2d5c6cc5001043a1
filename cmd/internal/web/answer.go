package web

import (
	"bytes"
	"path/filepath"
	"strings"
	"unicode"
)

// What a request is answered with.

// An answer is made in memory before any of it is sent.
type answer struct {
	kind     string   // media type
	filename string   // under which a browser saves it; empty if it is not to be saved
	reading  *reading // how the text was understood; nil where there is none
	body     bytes.Buffer
}

// readingHeader has the reading of a text as JSON, percent-encoded. It is a
// header so that the body stays what the command line writes.
const readingHeader = "Quant-Reading"

const jsonType = "application/json"

// filename returns a name for a download that is plain everywhere.
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
