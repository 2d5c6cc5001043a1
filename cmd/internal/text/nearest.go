package text

import (
	"strings"
	"unicode/utf8"
)

// Nearest returns the word that is most similar to a misspelled one, or "" if none is similar.
// Letters in another case count as the same. A word that begins with the misspelled one is the most
// similar.
func Nearest(misspelled string, words []string) string {
	wrong := strings.ToLower(misspelled)
	n := utf8.RuneCountInString(wrong)
	like, least := "", n/3+1
	for _, w := range words {
		right := strings.ToLower(w)
		d := 0
		switch {
		case n >= 3 && strings.HasPrefix(right, wrong):
		case max(len(right)-len(wrong), len(wrong)-len(right)) > 4*least: // a rune has at most 4 bytes
			continue
		default:
			d = distance([]rune(wrong), []rune(right))
		}
		if d < least {
			like, least = w, d
		}
	}
	return like
}

// distance returns the number of letters to insert, remove or replace, or of neighbours to swap, to
// turn a into b.
func distance(a, b []rune) int {
	before, row, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		next[0] = i + 1
		for j := range b {
			cost := row[j]
			if a[i] != b[j] {
				cost = 1 + min(row[j], row[j+1], next[j])
				if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
					cost = min(cost, 1+before[j-1])
				}
			}
			next[j+1] = cost
		}
		before, row, next = row, next, before
	}
	return row[len(b)]
}
