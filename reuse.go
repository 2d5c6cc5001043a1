package quant

// Slices that are used again, so that nothing is allocated.

// resize returns a slice of n elements, s itself if it is large enough.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// extended returns s with one more element. The element keeps the memory of an earlier
// use.
func extended[T any](s []T) []T {
	if len(s) < cap(s) {
		return s[:len(s)+1]
	}
	var none T
	return append(s, none)
}

// fill sets all elements of s to v.
func fill[T any](s []T, v T) {
	for i := range s {
		s[i] = v
	}
}
