package report

import (
	"fmt"

	"github.com/a01592f9/quant/cmd/internal/table"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// Lists in groups, for texts that give one reason for many names.

// groupedBy returns the elements of a list by their keys, and the keys in the order of their first
// elements.
func groupedBy[T any](list []T, key func(T) string) (keys []string, by map[string][]T) {
	by = map[string][]T{}
	for _, x := range list {
		k := key(x)
		if by[k] == nil {
			keys = append(keys, k)
		}
		by[k] = append(by[k], x)
	}
	return keys, by
}

// cleanNames returns the names of the elements of a list, as text for a terminal.
func cleanNames[T any](list []T, name func(T) string) []string {
	names := make([]string, len(list))
	for i, x := range list {
		names[i] = text.Clean(name(x))
	}
	return names
}

// writeReasons writes a title and, for each reason, how many elements of a list have it and as many of
// their names as fit into a line, after an empty line. Count describes the elements with one reason:
// "3 tensors". An empty list writes nothing.
func writeReasons[T any](p *table.Terminal, title string, list []T, count func([]T) string, reason, name func(T) string) {
	reasons, by := groupedBy(list, reason)
	if len(reasons) == 0 {
		return
	}
	p.Gap()
	p.Line(table.Bold, title)
	for _, reason := range reasons {
		p.Hanging(table.Plain, fmt.Sprintf("%s: %s", count(by[reason]), text.Clean(reason)), "  ")
		p.Names(cleanNames(by[reason], name))
	}
}

// If more than manyAlike elements of a table have the same reason, only the first fewAlike are named.
const (
	manyAlike = 8
	fewAlike  = 3
)

// eachAlike calls one for each element of a list in its order. Of many with the same reason it calls one
// for the first few, and then more with the last of them and the number of the others.
func eachAlike[T any](list []T, reason func(T) string, one func(T), more func(last T, others int)) {
	_, by := groupedBy(list, reason)
	listed := map[string]int{}
	for _, x := range list {
		r := reason(x)
		listed[r]++
		if n := len(by[r]); n > manyAlike && listed[r] > fewAlike {
			continue
		}
		one(x)
		if n := len(by[r]); n > manyAlike && listed[r] == fewAlike {
			more(x, n-fewAlike)
		}
	}
}

// andMore says how many others a table does not name.
func andMore(n int) table.Cell { return table.Cell{Text: fmt.Sprintf("and %s more", text.Count(n))} }
