package documented

import (
	"fmt"
	"strings"
	"testing"
)

type inner struct {
	Deep []int `json:"deep,omitempty"`
}

type outer struct {
	inner
	List   []*inner         `json:"list"`
	Names  map[string]inner `json:"names"`
	Hidden int              `json:"-"`
	unseen int
}

// recorder keeps the errors of a check.
type recorder struct {
	testing.TB
	errors []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

func TestKeys(t *testing.T) {
	for _, test := range []struct{ doc, missing string }{
		{"`deep` `list` `names`", ""},
		{"`deep` list `names`", "list"},
		{"`list` `names`", "deep"},
	} {
		r := &recorder{TB: t}
		Keys(r, test.doc, outer{unseen: 1})
		got := strings.Join(r.errors, "; ")
		if test.missing == "" && got != "" || test.missing != "" && (len(r.errors) != 1 || !strings.Contains(got, `"`+test.missing+`"`)) {
			t.Errorf("%s: %q", test.doc, got)
		}
	}
	r := &recorder{TB: t}
	if Keys(r, "", 1); len(r.errors) != 1 {
		t.Errorf("a type without keys: %q", r.errors)
	}
}
