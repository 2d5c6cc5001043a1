package exact

// Parts returns the number of parts of n elements: all but the last have size elements. n is not
// negative, and size is positive.
func Parts[I int | int64](n, size I) I { return n/size + min(1, n%size) }
