package summary

import "testing"

func TestNotFloating(t *testing.T) {
	if got := NotFloating("I64"); got != "I64 is not a floating-point type" {
		t.Error(got)
	}
}
