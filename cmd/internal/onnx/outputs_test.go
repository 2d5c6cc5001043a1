package onnx

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
)

// withOutputs returns the model with further outputs.
func withOutputs(t *testing.T, model []byte, values ...string) []byte {
	t.Helper()
	r := parse(t, model).Rewrite("out.data")
	if err := r.AddOutputs(values); err != nil {
		t.Fatal(err)
	}
	if err := r.Plan(); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := r.WriteModel(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestAddOutputs adds outputs, and takes them out of the bytes again.
func TestAddOutputs(t *testing.T) {
	model := onnxtest.Network(13)
	values := []string{"a1", "features", "c1"}
	changed := withOutputs(t, model, values...)
	m := parse(t, changed)
	var got []string
	for _, o := range m.main.outputs {
		got = append(got, o.name)
		if m.main.elems[o.name] != elemFloat {
			t.Errorf("%s has the type %d", o.name, m.main.elems[o.name])
		}
	}
	if want := []string{"y", "z", "a1", "features", "c1"}; !slices.Equal(got, want) {
		t.Errorf("outputs %q, want %q", got, want)
	}
	for _, name := range values {
		if _, told := m.main.ranks[name]; told {
			t.Errorf("%s has a rank that the model does not tell", name)
		}
		changed = bytes.Replace(changed, appendBytes(nil, outputField, floatValue(name)), nil, 1)
	}
	before, after := parse(t, model).main.frames[0], m.main.frames[0]
	a := model[before.body:before.end]
	if b := changed[after.body : len(changed)-(len(model)-int(before.end))]; !bytes.Equal(a, b) {
		t.Error("the graph has changed in something else")
	}
}

func TestAddOutputsRefuses(t *testing.T) {
	model := onnxtest.Network(13)
	twice := onnxtest.Model(13, onnxtest.Graph{
		Nodes:   []message{nodeOf("Relu", names("x"), names("a")), nodeOf("Neg", names("x"), names("a")), nodeOf("Abs", names("a"), names("y"))},
		Inputs:  []message{valueInfo("x", 2)},
		Outputs: []message{valueInfo("y", 2)},
	})
	for _, test := range []struct {
		name, value, want string
		model             []byte
	}{
		{"unknown", "none", `value "none": the main graph computes none of that name`, model},
		{"no name", "", `value "": the main graph computes none`, model},
		{"of a branch", "then1", `value "then1": the main graph computes none`, model},
		{"input", "image", `value "image": no node computes it`, model},
		{"constant", "conv.weight", `value "conv.weight": no node computes it`, model},
		{"output", "y", `value "y": it is an output already`, model},
		{"two nodes", "a", `value "a": two nodes compute it`, twice},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := parse(t, test.model).Rewrite("out.data").AddOutputs([]string{test.value})
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("%v, want %s", err, test.want)
			}
		})
	}
}

// TestAddOutputsNone adds the first output of a graph that has none.
func TestAddOutputsNone(t *testing.T) {
	model := onnxtest.Model(13, onnxtest.Graph{
		Nodes: []message{nodeOf("Relu", names("x"), names("a"))}, Inputs: []message{valueInfo("x", 2)},
	})
	if m := parse(t, withOutputs(t, model, "a")); len(m.main.outputs) != 1 || m.main.outputs[0].name != "a" {
		t.Errorf("outputs %+v", m.main.outputs)
	}
}
