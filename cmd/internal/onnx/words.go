package onnx

import (
	"strconv"
)

func itoa(i int) string { return strconv.Itoa(i) }

// plainDomain returns the domain, and "" for ai.onnx, the other name of ONNX's own domain.
func plainDomain(domain string) string {
	if domain == "ai.onnx" {
		return ""
	}
	return domain
}

// quote quotes a string from a file for a one-line error, and limits its length.
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

// printable returns s unchanged if it is short and printable, and quoted otherwise.
func printable(s string) string {
	if q := quote(s); q != `"`+s+`"` {
		return q
	}
	return s
}
