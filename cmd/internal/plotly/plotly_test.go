package plotly

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
)

// TestPinned fails if the bundle is not the one of the version it claims to be.
func TestPinned(t *testing.T) {
	if !strings.Contains(Script[:200], "plotly.js (cartesian - minified) v"+Version+"\n") {
		t.Error("the bundle names another version")
	}
	const sum = "79542150855a52c567260e3137095dbe2b744e6d702a5cabe67da246942fba7a"
	if got := fmt.Sprintf("%x", sha256.Sum256([]byte(Script))); got != sum {
		t.Errorf("the bundle's SHA-256 is %s, not %s", got, sum)
	}
	if !strings.HasPrefix(License, "MIT License") {
		t.Error("the licence is not MIT")
	}
}

// TestInline fails if the bundle cannot stand inside a script element as it is.
func TestInline(t *testing.T) {
	low := strings.ToLower(Script)
	for _, s := range []string{"</script", "<!--"} {
		if strings.Contains(low, s) {
			t.Errorf("the bundle has %s in it", s)
		}
	}
}
