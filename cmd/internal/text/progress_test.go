package text

import (
	"bytes"
	"strings"
	"testing"
)

func TestBar(t *testing.T) {
	var out bytes.Buffer
	m := &Bar{label: "working", out: &out}
	m.Update(0, 200)
	if out.Len() > 0 {
		t.Errorf("drawn too early: %q", &out)
	}
	m.Update(50, 200)
	m.show()
	m.Update(100, 200)
	m.Stop()
	if s := out.String(); !strings.Contains(s, "working") || !strings.Contains(s, "25%") || !strings.Contains(s, "50/200") {
		t.Errorf("drawn: %q", s)
	}
	n := out.Len()
	m.show() // the timer may go off just when work ends
	m.Update(200, 200)
	if out.Len() != n {
		t.Errorf("drawn too late: %q", out.String()[n:])
	}
}
