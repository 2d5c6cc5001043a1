package search

// The smaller and the larger of two values. Unlike min and max, these do not check for NaN.

// lower returns the smaller of two values that are not NaN.
func lower(a, b float64) float64 {
	if b < a {
		return b
	}
	return a
}

// upper returns the larger of two values that are not NaN.
func upper(a, b float64) float64 {
	if b > a {
		return b
	}
	return a
}
