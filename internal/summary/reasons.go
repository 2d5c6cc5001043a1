package summary

// NotFloating says why a tensor of a type is left: it is compared and quantized only if its elements
// are floating-point numbers. dtype is the name of the type in the file.
func NotFloating(dtype string) string { return dtype + " is not a floating-point type" }
