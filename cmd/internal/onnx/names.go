package onnx

import (
	"slices"
	"strings"
)

// nameTensors gives every tensor a unique name.
func (m *Model) nameTensors() {
	seen := map[string]int{}
	for _, t := range m.Tensors {
		seen[t.value]++
	}
	names := map[string]bool{}
	next := map[string]int{}
	for _, t := range m.Tensors {
		t.Name = t.value
		if seen[t.value] > 1 {
			if path := t.graph.path(); path != "" {
				t.Name = path + "/" + t.value
			}
		}
		for name := t.Name; names[t.Name]; {
			next[name] = max(next[name]+1, 2)
			t.Name = name + "#" + itoa(next[name])
		}
		names[t.Name] = true
	}
}

// path returns the path from the main graph to g, as in "If_0.else_branch/If_3.then_branch".
func (g *graph) path() string {
	var parts []string
	for ; g != nil; g = g.parent {
		switch {
		case g.fn != nil:
			parts = append(parts, g.fn.name)
		case g.owner != nil:
			part := g.owner.label() + "." + g.attr
			if g.sibling > 0 {
				part += "#" + itoa(g.sibling)
			}
			parts = append(parts, part)
		}
	}
	slices.Reverse(parts)
	return strings.Join(parts, "/")
}
