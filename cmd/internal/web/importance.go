package web

import (
	"errors"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// What is said about the importances of a request, and the tensor that they are of.

// typed is what reports call importances that are a list of the request.
const typed = "typed importances"

// only returns the only floating-point tensor of a list, or that there are several.
func only(infos []tensorfile.Info) (one tensorfile.Info, several bool) {
	n := 0
	for _, t := range infos {
		if t.Floating {
			one = t
			n++
		}
	}
	return one, n > 1
}

// ofImportance returns an error about the importances of a request.
func ofImportance(err error) error {
	words := err.Error()
	if after, is := strings.CutPrefix(words, typed+": "); is {
		words = after
		if _, list, ok := strings.Cut(words, "invalid importance: "); ok {
			words = strings.Replace(list, " values, but", " importances, but", 1) // there is one list, whose name says nothing
		}
	}
	e := bad("importance", "%s", text.Clean(words))
	var syntax *tensorfile.SyntaxError
	if errors.As(err, &syntax) {
		e.Message, e.Line, e.Column = text.Clean(syntax.Msg), syntax.Line, syntax.Column
	}
	return e
}
