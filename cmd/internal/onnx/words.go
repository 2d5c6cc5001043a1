package onnx

import (
	"strconv"
)

func itoa(i int) string { return strconv.Itoa(i) }

// plainDomain returns the one name of ONNX's own operators, which has two.
func plainDomain(domain string) string {
	if domain == "ai.onnx" {
		return ""
	}
	return domain
}

// quote quotes a string of a file for an error on one line of sensible length.
func quote(s string) string {
	const most = 64
	n := 0
	for i := range s {
		if n++; n > most {
			return strconv.Quote(s[:i] + "…")
		}
	}
	return strconv.Quote(s)
}

// printable returns s as it is if it can be shown so, and quoted if not.
func printable(s string) string {
	if q := quote(s); q != `"`+s+`"` {
		return q
	}
	return s
}
