package web

import (
	"errors"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/importance"
	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// The importance of the inputs of a weight, or of those of each weight of a model.

// typed is what reports call importances that are a list of the request.
const typed = "typed importances"

// readImportance reads the importances of a request, for the tensors that it is about. It does
// nothing without them.
func (q *request) readImportance(infos []tensorfile.Info) error {
	q.importances = nil
	name, data := typed, []byte(q.Importance)
	switch {
	case q.Importance != "" && q.sent != nil:
		return bad("importance", "there are a list of importances and a file of them")
	case q.sent != nil:
		name, data = q.sent.name, q.sent.data
	case strings.TrimSpace(q.Importance) == "":
		return nil
	}
	f, err := importance.Parse(name, data, q.limits.Elements)
	if err != nil {
		return ofImportance(err)
	}
	if f.Unnamed() {
		one, several := only(infos)
		if several {
			return bad("importance", "the importances have no name, and there are several tensors: choose one, or give a file with their names")
		}
		f.Rename(one.Name)
	}
	q.importances = f
	q.Options.SetImportance(f)
	if one, several := only(infos); !several && one.Floating {
		if err := q.Options.CheckImportance(one); err != nil {
			return ofImportance(err)
		}
	}
	return nil
}

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

// ofBuild returns an error of a report of q.
func (q *request) ofBuild(err error) error {
	if report.IsNoImportance(err) {
		return ofImportance(err)
	}
	return of(q.field(), err)
}
