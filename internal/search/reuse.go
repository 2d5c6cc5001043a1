package search

// resize returns a slice of n elements, in the memory of s if its capacity is large enough.
// The elements are not cleared.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
