// Package documented checks documents of the repository against the code that they describe. It is for
// tests.
package documented

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// Text returns the text of a document in the folder docs. It skips the test where the module is on
// its own. root is the path from the folder of the test to that of the repository.
func Text(t testing.TB, root, name string) string {
	t.Helper()
	doc, err := os.ReadFile(filepath.Join(root, "docs", name))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("this module is on its own, without the repository's docs")
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(doc)
}

// Keys fails the test for each key that a value of the type of x can have in JSON and that the
// document does not have between backquotes. Keys that are left out when empty count too.
func Keys(t testing.TB, doc string, x any) {
	t.Helper()
	n := 0
	keys(reflect.TypeOf(x), map[reflect.Type]bool{}, func(key string) {
		n++
		if !strings.Contains(doc, "`"+key+"`") {
			t.Errorf("the document does not explain %q of %T", key, x)
		}
	})
	if n == 0 {
		t.Errorf("%T has no keys", x)
	}
}

// keys calls f with the keys of t and of all types in it.
func keys(t reflect.Type, seen map[reflect.Type]bool, f func(string)) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		keys(t.Elem(), seen, f)
	case reflect.Struct:
		if seen[t] {
			return
		}
		seen[t] = true
		for i := range t.NumField() {
			field := t.Field(i)
			key, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			switch {
			case field.Anonymous && key == "": // its fields are those of t
			case !field.IsExported() || key == "-":
				continue
			default:
				f(key)
			}
			keys(field.Type, seen, f)
		}
	}
}
