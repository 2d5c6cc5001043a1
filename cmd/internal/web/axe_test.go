package web

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
)

// TestAxePinned fails if the copy of axe-core is not the one of the npm package that its
// README names. The copy lies beside the tests, so that no machine tests the page without it.
func TestAxePinned(t *testing.T) {
	if !strings.HasPrefix(axe, "/*! axe v4.14.1") {
		t.Errorf("the copy begins with %.40q", axe)
	}
	const sum = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
	if got := fmt.Sprintf("%x", sha256.Sum256([]byte(axe))); got != sum {
		t.Errorf("the SHA-256 of the copy is %s, not %s", got, sum)
	}
}
