package onnx

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
)

// TestRaise raises models of one node. QUANT_ONNX_DIR names a folder to leave
// them in, for another program to compare.
func TestRaise(t *testing.T) {
	for _, c := range onnxtest.Raisings() {
		t.Run(c.Name, func(t *testing.T) {
			before := c.Model()
			m := parse(t, before)
			r := m.Rewrite("")
			r.version = c.To
			var refused *VersionError
			if err := m.Raise(c.To); errors.As(err, &refused) != c.Refused {
				t.Fatal(err)
			}
			if c.Refused {
				if err := r.Plan(); !errors.As(err, &refused) {
					t.Error(err)
				}
				return
			}
			out, _ := result(t, r)
			q := parse(t, out)
			checkModel(t, q)
			if got := q.version(q.main); got != c.To {
				t.Errorf("version %d, want %d", got, c.To)
			}
			op := m.main.nodes[0].op
			want := c.Want
			if want == "" {
				want = fmt.Sprintf("%s(%s)", op, strings.Join(m.main.nodes[0].inputs, " "))
			}
			var got []string
			for _, n := range q.main.nodes[:len(q.main.nodes)-1] { // but the MatMul
				s := n.op
				if s == op || s == "Resize" {
					s += "(" + strings.Join(n.inputs, " ") + ")"
				}
				got = append(got, s)
			}
			if have := strings.Join(got, " "); sorted(have) != sorted(want) {
				t.Errorf("%s, want %s", have, want)
			}
			for _, change := range changes[op] {
				if c.From < change.version && change.version <= c.To {
					again := &conversion{m: q, node: q.main.nodes[len(q.main.nodes)-2]}
					if again.node.op == op && change.make(again) == nil && len(again.dropped) > 0 {
						t.Errorf("attributes %q are left", again.dropped)
					}
				}
			}
			name := strings.ReplaceAll(c.Name, " ", "_")
			leave(t, name+".before.onnx", before)
			leave(t, name+".after.onnx", out)
		})
	}
}

// leave puts a model into the folder QUANT_ONNX_DIR, if there is one.
func leave(t *testing.T, name string, model []byte) {
	t.Helper()
	if dir := os.Getenv("QUANT_ONNX_DIR"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name), model, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func sorted(s string) string {
	words := strings.Split(s, " ")
	slices.Sort(words)
	return strings.Join(words, " ")
}

func TestVersionError(t *testing.T) {
	m := parse(t, modelOf(8, 10, graphParts{nodes: []message{nodeOf("Resize", names("x"), names("y")).Text(3, "up")}}.message()))
	err := m.Raise(13)
	want := `the model's operators are of version 10, DequantizeLinear has to be of version 13, and Resize (node "up") means something else there`
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
	if err := m.Raise(10); err != nil {
		t.Error(err)
	}
}

// TestRaiseSubgraphs raises what is in branches and functions too.
func TestRaiseSubgraphs(t *testing.T) {
	squeeze := nodeOf("Squeeze", names("x"), names("s"), attrInts("axes", 0))
	g := graphParts{
		nodes:   []message{nodeOf("f", names("x"), names("called")).Text(7, "local"), nodeOf("If", names("c"), names("y"), attrGraph("then_branch", graphParts{nodes: []message{squeeze}, outputs: []message{valueInfo("s")}}.message()))},
		inputs:  []message{valueInfo("x"), valueInfo("c")},
		outputs: []message{valueInfo("y")},
	}
	fn := func(node message) message {
		return message{}.Text(1, "f").Text(4, "x").Text(5, "s").Bytes(7, node).Bytes(9, message{}.Int(2, 11)).Text(10, "local")
	}
	m := parse(t, modelOf(8, 12, g.message()).Bytes(25, fn(squeeze)))
	r := m.Rewrite("")
	r.version = 13
	out, _ := result(t, r)
	q := parse(t, out)
	checkModel(t, q)
	for _, g := range q.graphs[1:] {
		if len(g.nodes) != 2 || !g.nodes[0].is("Constant") || len(g.nodes[1].inputs) != 2 || q.version(g) != 13 {
			t.Errorf("%s: %d nodes", g.path(), len(g.nodes))
		}
	}
	ref := message{}.Text(1, "axes").Text(21, "axes")
	m = parse(t, modelOf(8, 12, graphParts{nodes: []message{nodeOf("f", names("x"), names("y")).Text(7, "local")}}.message()).
		Bytes(25, fn(nodeOf("Squeeze", names("x"), names("s"), ref))))
	if err := m.Raise(13); err == nil {
		t.Error("an attribute of a function becomes a constant")
	}
}
