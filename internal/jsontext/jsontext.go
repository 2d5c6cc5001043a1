// Package jsontext writes the JSON files of this project.
package jsontext

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Write writes v as indented JSON. A list of numbers stays on one line, and
// characters that could control a terminal are escaped.
func Write(w io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	indent(out, b.Bytes())
	return out.Flush()
}

// indent copies compact JSON and adds line breaks and escapes.
func indent(w *bufio.Writer, src []byte) {
	depth := 0
	flat := false // whether src is inside a list of numbers
	newline := func() {
		w.WriteByte('\n')
		w.WriteString(strings.Repeat("  ", depth))
	}
	for i := 0; i < len(src); i++ {
		switch c := src[i]; c {
		case '"':
			n := stringLen(src[i:])
			writeString(w, src[i:i+n])
			i += n - 1
		case '{', '[':
			w.WriteByte(c)
			switch next := src[i+1]; {
			case next == c+2: // the code of the closing bracket is that of the opening one plus two
				w.WriteByte(next)
				i++
			case c == '[' && next != '{' && next != '[':
				flat = true
			default:
				depth++
				newline()
			}
		case '}', ']':
			if flat {
				flat = false
			} else {
				depth--
				newline()
			}
			w.WriteByte(c)
		case ',':
			w.WriteByte(c)
			if flat {
				w.WriteByte(' ')
			} else {
				newline()
			}
		case ':':
			w.WriteString(": ")
		default:
			w.WriteByte(c)
		}
	}
}

// stringLen returns the length of the JSON string that b begins with.
func stringLen(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// writeString copies a JSON string. It escapes invisible characters that encoding/json does not
// escape: C1 controls, which control some terminals, and marks that change the order of text.
func writeString(w *bufio.Writer, s []byte) {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRune(s[i:])
		if unicode.IsPrint(r) || r == utf8.RuneError {
			w.Write(s[i : i+n])
		} else if a, b := utf16.EncodeRune(r); a != utf8.RuneError {
			writeEscape(w, a)
			writeEscape(w, b)
		} else {
			writeEscape(w, r)
		}
		i += n
	}
}

func writeEscape(w *bufio.Writer, r rune) {
	const hex = "0123456789abcdef"
	w.WriteString(`\u`)
	for shift := 12; shift >= 0; shift -= 4 {
		w.WriteByte(hex[r>>shift&15])
	}
}
