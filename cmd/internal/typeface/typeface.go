// Package typeface holds the typeface of plots and PDFs: Liberation Sans, which has Latin,
// Greek and Cyrillic letters. Its licence is the SIL Open Font License 1.1, which allows
// documents to embed it; see LICENSE-Liberation.
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

// License is the licence of the fonts.
//
//go:embed LICENSE-Liberation
var License string

// Regular returns the font file of the regular style.
func Regular() []byte { return liberationsansregular.TTF }

// Bold returns the font file of the bold style, for headings.
func Bold() []byte { return liberationsansbold.TTF }

// fonts returns the parsed files. Both must have a glyph for a character.
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

// Legible returns s with characters that the typeface cannot show written as escapes, as in
// [U+4E2D]: characters without a glyph, combining marks, and letters of scripts that run from
// right to left. It also escapes what text.Clean escapes.
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
