package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/convert"
)

// TestUnknownWords has words that are like others that exist.
func TestUnknownWords(t *testing.T) {
	for _, test := range []struct{ name, args, want string }{
		{"help", "help nope", `there is no command "nope"`},
		{"shell", "completion bsh", `"bsh" is none of the shells bash, fish, powershell, zsh`},
		{"a letter less", "compare --goup-size 4", "unknown flag: --goup-size: did you mean --group-size"},
		{"beginning", "compare --sep ,", "did you mean --separator"},
		{"another command", "sweep --bit 4", "did you mean --bits"},
		{"ending", "compare -o x.docx", "--output x.docx: the ending .docx stands for no format"},
		{"ending of a sweep", "sweep -o x.docx", "it is .txt, .json, .csv or .md"},
	} {
		t.Run(test.name, func(t *testing.T) { fails(t, exitUsage, test.want, "", strings.Fields(test.args)...) })
	}
	if r := fails(t, exitUsage, "unknown flag: --qqqqqq", "", "compare", "--qqqqqq"); strings.Contains(r.errout, "did you mean") {
		t.Errorf("a suggestion for a flag that is like none: %s", r.errout)
	}
	ok(t, "help", "compare")
	ok(t, "completion")
	dir := t.TempDir()
	ok(t, "compare", "--output", filepath.Join(dir, "x.txt"))
	ok(t, "compare", "--output", filepath.Join(dir, "x.docx"), "--format", "csv")
	if got, want := ok(t, "sweep", "--bits", "4", "--group-size", "0,2"), ok(t, "sweep", "--bits", "4", "--group-size", "2"); got != want {
		t.Errorf("a group size of 0 beside another counts:\n%s", got)
	}
}

// TestPiped has input without FILE.
func TestPiped(t *testing.T) {
	for _, command := range []string{"compare", "sweep"} {
		if r := quant(t, "1 2 3; 4 5 6", command); r.code != exitDone || !strings.HasPrefix(r.out, "stdin\n") {
			t.Errorf("%s: exit code %d\n%s", command, r.code, r.out)
		}
		if r := quant(t, "", command); !strings.HasPrefix(r.out, "sample (built in") {
			t.Errorf("%s without input:\n%s", command, r.out)
		}
	}
}

// TestNothingQualifies has models of which no weight is quantized unless its name is
// given.
func TestNothingQualifies(t *testing.T) {
	path := safetensors(t, weight{name: "decoder.rnn.weight_ih", shape: []int{16, 16}, data: ramp(256)},
		weight{name: "decoder.rnn.weight_hh", shape: []int{16, 16}, data: ramp(256)},
		weight{name: "decoder.rnn.bias", shape: []int{16}, data: ramp(16)})
	dir := t.TempDir
	fails(t, exitFailed, "nothing is written; --include 'decoder.rnn.*' picks 2 tensors that are left", "", "quantize", path, "-o", filepath.Join(dir(), "a.safetensors"))
	one := filepath.Join(dir(), "b.safetensors")
	if out := ok(t, "quantize", path, "-o", one, "--include", "decoder.rnn.weight_ih"); !strings.Contains(out, "1 weight quantized") {
		t.Error(out)
	}
	two := filepath.Join(dir(), "c.safetensors")
	if out := ok(t, "quantize", path, "-o", two, "--include", "decoder.rnn.*"); !strings.Contains(out, "2 weights quantized") {
		t.Error(out)
	}
	back := filepath.Join(dir(), "d.safetensors")
	if out := ok(t, "dequantize", two, "-o", back); !strings.Contains(out, "2 weights turned into floating-point numbers") {
		t.Error(out)
	}
	if out := ok(t, "compare", path, "--against", back); !strings.Contains(out, "3 tensors of 528 values, 1 the same") {
		t.Error(out)
	}
	four := filepath.Join(dir(), "e.safetensors")
	if out := ok(t, "quantize", path, "-o", four, "--include", "decoder.rnn.*", "--bits", "4"); !strings.Contains(out, "int4") {
		t.Error(out)
	}
	if out := ok(t, "dequantize", four, "-o", filepath.Join(dir(), "f.safetensors")); !strings.Contains(out, "2 weights turned") {
		t.Error(out)
	}
}

// TestUnusedBits has widths that ONNX stores in more bits.
func TestUnusedBits(t *testing.T) {
	for bits, want := range map[int]string{4: "", 8: "", 16: "", 3: "stored in 4: --bits 4", 5: "stored in 8: --bits 8", 9: "stored in 16: --bits 16"} {
		if got := unused(bits, convert.KindONNX); !strings.Contains(got, want) || (want == "") != (got == "") {
			t.Errorf("%d bits: %q, want %q", bits, got, want)
		}
	}
	if got := unused(5, convert.KindGGUF); got != "" {
		t.Errorf("GGUF: %q", got)
	}
}
