// Package typeface is the one that plots and PDFs are set in: Liberation Sans,
// which has Latin, Greek and Cyrillic letters. It is under the SIL Open Font
// License 1.1, see LICENSE-Liberation, which lets documents embed it freely.
package typeface

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
	"unicode"

	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/norm"

	"github.com/a01592f9/quant/cmd/internal/text"
)

// License is that of the fonts.
//
//go:embed LICENSE-Liberation
var License string

// Regular and Bold return the font files.
func Regular() []byte { return liberationsansregular.TTF }

// Bold is that of headings.
func Bold() []byte { return liberationsansbold.TTF }

// fonts are the parsed files: a character needs a glyph in both.
var fonts = sync.OnceValue(func() []*sfnt.Font {
	var all []*sfnt.Font
	for _, ttf := range [][]byte{Regular(), Bold()} {
		f, err := sfnt.Parse(ttf)
		if err != nil {
			panic(err) // they are part of the program
		}
		all = append(all, f)
	}
	return all
})

// Legible returns s with everything that the typeface cannot show as it should
// be written out, as in [U+4E2D]: characters that it lacks, marks that would
// have to be put over others, letters that run from right to left, and what
// text.Clean escapes, as that does.
func Legible(s string) string {
	var b strings.Builder
	var buf sfnt.Buffer
	for _, r := range norm.NFC.String(text.Clean(s)) {
		if shown(&buf, r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "[U+%04X]", r)
		}
	}
	return b.String()
}

func shown(buf *sfnt.Buffer, r rune) bool {
	if r < 0x7f {
		return true
	}
	if r > 0xffff || unicode.IsMark(r) {
		return false
	}
	if p, _ := bidi.LookupRune(r); p.Class() == bidi.R || p.Class() == bidi.AL {
		return false
	}
	for _, f := range fonts() {
		if i, err := f.GlyphIndex(buf, r); err != nil || i == 0 {
			return false
		}
	}
	return true
}
