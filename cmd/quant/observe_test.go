package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
)

// TestObserveCommand observes a network: the list names each tensor that needs a range,
// and how it gets out.
func TestObserveCommand(t *testing.T) {
	in := write(t, "network.onnx", string(onnxtest.Network(13)))
	dir := t.TempDir()
	out := filepath.Join(dir, "observed.onnx")
	text := ok(t, "observe", in, "-o", out)
	narrow(t, text)
	for _, want := range []string{
		"image   input", "a1      new output  Conv", "in floating point", "nodes: it is in a subgraph",
		"10 tensors need ranges: 1 input, 9 new outputs.", "quant calibrate: see",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if got := folder(t, dir); got != "observed.onnx" {
		t.Errorf("the folder has %s", got)
	}
	var v struct {
		Source, Output string
		DryRun         bool `json:"dry_run"`
		Tensors        []struct {
			Name, As, Made string
			Uses           []string
		}
		Shared []struct{ Name, Of string }
		Left   []struct{ Name, Op, Reason string }
		Before int64 `json:"file_bytes_before"`
		After  int64 `json:"file_bytes_after"`
	}
	if err := json.Unmarshal([]byte(ok(t, "observe", in, "--dry-run", "--format", "json")), &v); err != nil {
		t.Fatal(err)
	}
	as := map[string]string{}
	for _, x := range v.Tensors {
		as[x.Name] = x.As
		if (x.As == "input") != (x.Made == "") || x.Uses == nil {
			t.Errorf("%+v", x)
		}
	}
	for name, want := range map[string]string{"image": "input", "a1": "added", "a2": "added", "text": "added"} {
		if as[name] != want {
			t.Errorf("%s is there as %q, want %q", name, as[name], want)
		}
	}
	if !v.DryRun || v.Source != in || v.Output != "" || v.Before == 0 || v.After <= v.Before || len(v.Left) == 0 || v.Shared == nil {
		t.Errorf("%+v", v)
	}
}

func TestObserveErrors(t *testing.T) {
	network := write(t, "network.onnx", string(onnxtest.Network(13)))
	weights := safetensors(t, weight{name: "a.weight", shape: []int{4, 4}, data: ramp(16)})
	dir := t.TempDir()
	quantized, observed := filepath.Join(dir, "q.onnx"), filepath.Join(dir, "o.onnx")
	ok(t, "quantize", network, "-o", quantized)
	for _, test := range []struct {
		name, want string
		args       []string
	}{
		{"other format", weights + ": only ONNX models tell their activations, and this is safetensors", []string{weights}},
		{"quantized already", quantized + ": it is quantized already: node ", []string{quantized}},
		{"no such node", network + `: no node or operator matches "Cnv": did you mean "Conv"`, []string{network, "--nodes", "Cnv"}},
		{"nothing left", network + ": no tensor needs a range: ", []string{network, "--exclude-nodes", "*"}},
		{"no such file", "none.onnx: no such file", []string{"none.onnx"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := fails(t, exitFailed, test.want, "", slices.Concat([]string{"observe", "-o", observed}, test.args)...)
			if r.out != "" || folder(t, dir) != "q.onnx" {
				t.Errorf("writes %q, and the folder has %s", r.out, folder(t, dir))
			}
		})
	}
	fails(t, exitFailed, "it would overwrite a file that is read", "", "observe", network, "-o", network, "--force")
}
