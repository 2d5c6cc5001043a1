package report

import "github.com/a01592f9/quant/cmd/internal/text"

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
