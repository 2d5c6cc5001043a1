package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/a01592f9/quant/feedback"
)

// TestInputsAreKept tests that no command replaces a file that it reads, even with --force.
func TestInputsAreKept(t *testing.T) {
	st := safetensors(t, weight{name: "model.layers.0.self_attn.q_proj.weight", shape: []int{64, 64}, data: waves(64 * 64)})
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	plan, ranges, state := at("plan.json"), at("ranges.json"), at("x.state")
	ok(t, "plan", st, "--bits-per-weight", "5", "-o", plan)
	ok(t, "calibrate", st, "--granularity", "per_channel", "--bits", "4", "--mapping", "symmetric", "-o", ranges, "--state", state)
	squares := momentsFile(t, feedback.Diagonal, waves(4*64), 64, "model.layers.0.self_attn.q_proj.weight")
	full := momentsFile(t, feedback.Full, waves(200*64), 64, "model.layers.0.self_attn.q_proj.weight")
	factors := write(t, "factors.csv", "*,2\n")
	model := planModels(t)["onnx"]
	speeds := at("speeds.json")
	ok(t, "bench", "--size", "4096", "--time", "1ms", "--format", "json", "-o", speeds)
	for _, test := range []struct {
		input string
		args  []string
	}{
		{squares, []string{"compare", st, "--importance", squares, "-o", squares, "--format", "json"}},
		{squares, []string{"sweep", st, "--importance", squares, "-o", squares, "--format", "json"}},
		{squares, []string{"plan", st, "--bits-per-weight", "5", "--importance", squares, "-o", squares}},
		{factors, []string{"plan", st, "--bits-per-weight", "5", "--sensitivity", factors, "--csv", factors}},
		{st, []string{"calibrate", st, "--moments", st}},
		{state, []string{"calibrate", st, state, "--moments", state, "-o", at("a.json")}},
		{squares, []string{"calibrate", st, squares, "--moments", at("b"), "--state", squares}},
		{model, []string{"calibrate", st, "--layers", model, "--moments", model}},
		{speeds, []string{"bench", "--size", "4096", "--time", "1ms", "--against", speeds, "-o", speeds}},
		{plan, []string{"quantize", st, "--plan", plan, "-o", plan}},
		{ranges, []string{"quantize", st, "--bits", "4", "--calibration", ranges, "-o", ranges}},
		{squares, []string{"quantize", st, "--bits", "4", "--method", "mse", "--importance", squares, "-o", squares}},
		{full, []string{"quantize", st, "--bits", "4", "--feedback", full, "-o", full}},
	} {
		args := test.args
		if ending := map[string]string{"quantize": ".safetensors", "plan": filepath.Ext(plan)}[args[0]]; ending != "" && test.input != factors { // outputs need these endings
			link := at("link" + ending)
			_ = os.Remove(link) // of the last test, if there is one
			if err := os.Link(test.input, link); err != nil {
				t.Skip(err)
			}
			args[len(args)-1] = link
		}
		before := read(t, test.input)
		r := quant(t, "", append(args, "--force")...)
		if r.code == exitDone || !strings.Contains(r.errout, "would overwrite a file that is read") {
			t.Errorf("quant %q: exit code %d, error %q", args, r.code, r.errout)
		}
		if !bytes.Equal(read(t, test.input), before) {
			t.Errorf("quant %q: the input has changed", args)
		}
	}
	// What goes on from a state may replace it.
	ok(t, "calibrate", st, state, "--state", state, "--force", "--granularity", "per_channel")
	ok(t, "calibrate", st, squares, "--moments", squares, "--force")
}
