package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
)

// TestUnknownWords has words that are like others that exist.
func TestUnknownWords(t *testing.T) {
	model := write(t, "network.onnx", string(onnxtest.Network(13)))
	for _, test := range []struct{ name, args, want string }{
		{"help", "help nope", `there is no command "nope"`},
		{"shell", "completion bsh", `"bsh" is none of the shells bash, fish, powershell, zsh`},
		{"a letter less", "compare --goup-size 4", "unknown flag: --goup-size: did you mean --group-size"},
		{"beginning", "compare --sep ,", "did you mean --separator"},
		{"another command", "sweep --bit 4", "did you mean --bits"},
		{"a single dash", "compare -bits 4", "unknown shorthand flag: 'b' in -bits: did you mean --bits"},
		{"a letter more, single dash", "compare -axxis 1", "did you mean --axis"},
		{"a word for a number", "compare --bits four", `--bits: "four" is not a whole number`},
		{"a fraction", "compare --group-size 1.5", `--group-size: "1.5" is not a whole number`},
		{"a word for a target", "sweep --target high", `--target: "high" is not a number`},
		{"a word in a list", "sweep --group-size 32,x", `--group-size: "32,x" is not a list of whole numbers with commas`},
		{"a word for a switch", "compare --codes=maybe", `--codes: "maybe" is not true or false`},
		{"a range from the larger to the smaller width", "sweep --bits 8-3", `"8-3" is no range: the smaller width comes first`},
		{"standard input as an output", "compare -o -", `--output -: "-" is standard input only; /dev/stdout is standard output, and ./- a file of that name`},
		{"standard input as a model", "quantize MODEL -o -", `--output -: "-" is standard input only`},
		{"standard input as CSV", "sweep --csv -", `--csv -: "-" is standard input only`},
		{"ending", "compare -o x.docx", "--output x.docx: the ending .docx stands for no format"},
		{"ending of a sweep", "sweep -o x.docx", "it is .txt, .json or .csv, or --format says it"},
		{"ending of another command", "sweep -o x.md", "the ending .md stands for no format; it is .txt, .json or .csv"},
		{"ending of an inventory", "inspect FILE -o x.docx", "it is .txt or .json, or --format says it"},
		{"ending of a benchmark", "bench -o x.docx", "it is .txt or .json, or --format says it"},
		{"ending of CSV", "compare --csv x.docx", "--csv x.docx: the ending .docx stands for no format of it; it is .csv"},
		{"ending of CSV of a sweep", "sweep --csv x.docx", "--csv x.docx: the ending .docx stands for no format of it; it is .csv"},
		{"ending of PDF", "compare --pdf x.html", "it is .pdf"},
		{"ending of HTML", "compare --html x.pdf", "it is .html or .htm"},
		{"ending of a plot", "compare --plot x.pdf", "the name has to end in .svg or .png"},
		{"ending of a plot of a sweep", "sweep --plot x.pdf", "the name has to end in .svg or .png"},
		{"ending of a calibration", "calibrate FILE -o x.docx", "--output x.docx: the ending .docx stands for no format of it; it is .json"},
		{"ending of a model", "quantize MODEL -o x.docx", "--output x.docx: the ending .docx stands for no format of it; it is .onnx"},
		{"ending of a model of another kind", "quantize MODEL -o x.gguf", "the model is onnx, and is written as such"},
	} {
		t.Run(test.name, func(t *testing.T) {
			fails(t, exitUsage, test.want, "", strings.Fields(strings.ReplaceAll(test.args, "MODEL", model))...)
		})
	}
	if r := fails(t, exitUsage, "unknown flag: --qqqqqq", "", "compare", "--qqqqqq"); strings.Contains(r.errout, "did you mean") {
		t.Errorf("a suggestion for a flag that is like none: %s", r.errout)
	}
	fails(t, exitFailed, "quant: none.json: no such file", "", "quantize", model, "-o", filepath.Join(t.TempDir(), "o.onnx"), "--plan", "none.json")
	fails(t, exitFailed, "quant: none.json: no such file", "", "bench", "--against", "none.json")
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

// commands lists all commands, also those that Cobra adds, with their arguments.
func commands(cmd *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{cmd}
	for _, c := range cmd.Commands() {
		all = append(all, commands(c)...)
	}
	return all
}

// newRoot returns the command as run has it.
func newRoot() *cobra.Command {
	root := (&app{}).root()
	strict(root)
	return root
}

// TestHelpWidth reads the help of every command.
func TestHelpWidth(t *testing.T) {
	for _, cmd := range commands(newRoot()) {
		t.Run(cmd.CommandPath(), func(t *testing.T) {
			args := append(strings.Fields(cmd.CommandPath())[1:], "--help")
			if cmd.Name() == "help" {
				args = []string{"help", "help"}
			}
			narrow(t, ok(t, args...))
		})
	}
}

// TestOverwriting has all commands that write a file: they replace one only with
// --force, say so in help, and leave it as it was otherwise.
func TestOverwriting(t *testing.T) {
	model := safetensors(t, weight{name: "a.weight", shape: []int{16, 16}, data: ramp(256)})
	packed := filepath.Join(t.TempDir(), "packed.safetensors")
	ok(t, "quantize", model, "-o", packed)
	network := write(t, "network.onnx", string(onnxtest.Network(13)))
	ranges := filepath.Join(t.TempDir(), "ranges.json")
	ok(t, "calibrate", model, "-o", ranges)
	for _, args := range []string{
		"observe ONNX --output OUT.onnx", "sensitivity FILE --calibration RANGES --output OUT.csv", "compare FILE --output OUT.json", "compare FILE --csv OUT.csv", "compare FILE --pdf OUT.pdf", "compare FILE --html OUT.html",
		"compare FILE --plot OUT.svg", "compare FILE --against FILE --csv OUT.csv", "sweep FILE --output OUT.txt", "sweep FILE --csv OUT.csv",
		"sweep FILE --plot OUT.png", "plan FILE --bits-per-weight 9 --output OUT.json", "plan FILE --bits-per-weight 9 --csv OUT.csv", "plan FILE --bits-per-weight 9 --plot OUT.svg",
		"diff FILE --between int8,uint8 --output OUT.txt", "diff FILE FILE --csv OUT.csv", "diff --presets --output OUT.txt",
		"inspect FILE --output OUT.txt", "calibrate FILE --output OUT.json", "calibrate FILE --state OUT.state",
		"quantize FILE --output OUT.safetensors", "dequantize PACKED --output OUT.safetensors", "bench --size 4096 --time 1ms --output OUT.txt",
	} {
		t.Run(args, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out")
			args := strings.Fields(strings.NewReplacer("FILE", model, "PACKED", packed, "ONNX", network, "RANGES", ranges, "OUT", out).Replace(args))
			path := args[len(args)-1]
			if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
			fails(t, exitFailed, "the file exists (--force replaces it)", "", args...)
			if got := string(read(t, path)); got != "old" {
				t.Errorf("the file is replaced: %.20q", got)
			}
			ok(t, append(args, "--force")...)
			if got := string(read(t, path)); got == "old" {
				t.Error("--force does not replace the file")
			}
		})
	}
	for _, cmd := range commands(newRoot()) {
		writes := cmd.Flags().Lookup("output") != nil
		told := strings.Contains(strings.ReplaceAll(cmd.Long, "\n", " "), "A file that exists is replaced only with --force, and one that is read never")
		if forced := cmd.Flags().Lookup("force") != nil; writes != told || writes != forced {
			t.Errorf("%s: writes files %t, has --force %t, tells of it %t", cmd.CommandPath(), writes, forced, told)
		}
	}
}

// TestIncludedByName has names in full of tensors that are usually left, in each
// format: they are quantized, or an error says why the format cannot hold them.
func TestIncludedByName(t *testing.T) {
	model := safetensors(t, weight{name: "a.weight", shape: []int{16, 16}, data: ramp(256)},
		weight{name: "lm_head.weight", shape: []int{16, 16}, data: ramp(256)}, weight{name: "tiny.weight", shape: []int{2, 2}, data: ramp(4)},
		weight{name: "conv.weight", shape: []int{16, 16, 3}, data: ramp(768)}, weight{name: "steps", dtype: "I32", shape: []int{8}, data: ramp(8)})
	graph := write(t, "add.onnx", string(onnxtest.Model(13, onnxtest.Graph{
		Nodes: []onnxtest.Message{
			onnxtest.Node("MatMul", []string{"x", "w"}, []string{"y"}), onnxtest.Node("Add", []string{"y", "b"}, []string{"z"})},
		Tensors: []onnxtest.Message{onnxtest.Floats("w", waves(16*16), 16, 16), onnxtest.Floats("b", waves(16), 16)},
		Inputs:  []onnxtest.Message{onnxtest.Value("x", onnxtest.Float, 16, 16)}, Outputs: []onnxtest.Message{onnxtest.Value("z", onnxtest.Float, 16, 16)},
	})))
	for _, test := range []struct{ name, file, tensor, want string }{
		{"the head of a language model", model, "lm_head.weight", ""},
		{"codes that take more", model, "tiny.weight", ""},
		{"no matrix", model, "conv.weight", `tensor "conv.weight": it is included by its name, but cannot be converted: not a matrix, as compressed-tensors needs`},
		{"integers", model, "steps", `tensor "steps": it is included by its name, but cannot be converted: I32 is not a floating-point type`},
		{"a norm of GGUF", ggufModel(t, false), "blk.0.attn_norm.weight", ""},
		{"a bias of ONNX", graph, "b", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			args := []string{"quantize", test.file, "--dry-run", "--include", test.tensor}
			if test.want != "" {
				fails(t, exitFailed, test.want, "", args...)
				return
			}
			if out := ok(t, args...); !strings.Contains(out, "1 weight quantized") {
				t.Error(out)
			}
		})
	}
}

// TestCompleteTensors completes names from the file on the line, as the scripts of
// the shells ask for it.
func TestCompleteTensors(t *testing.T) {
	model := safetensors(t, weight{name: "layers.2.w", shape: []int{2, 2}, data: ramp(4)}, weight{name: "layers.10.w", shape: []int{2, 2}, data: ramp(4)},
		weight{name: "embed", shape: []int{2, 2}, data: ramp(4)}, weight{name: "bad\x1b", shape: []int{2, 2}, data: ramp(4)})
	for _, test := range []struct{ command, flag string }{
		{"compare", "--tensor"}, {"sweep", "--tensor"}, {"calibrate", "--tensor"}, {"quantize", "--include"}, {"quantize", "--exclude"}, {"dequantize", "--include"},
	} {
		for begun, want := range map[string]string{"": "embed\nlayers.2.w\nlayers.10.w\n:4\n", "lay": "layers.2.w\nlayers.10.w\n:4\n", "x": ":4\n"} {
			var out bytes.Buffer
			run(t.Context(), []string{"__complete", test.command, model, test.flag, begun}, nil, &out, io.Discard)
			if out.String() != want {
				t.Errorf("%s %s %q: %q, want %q", test.command, test.flag, begun, &out, want)
			}
		}
	}
	var out bytes.Buffer
	run(t.Context(), []string{"__complete", "compare", model + "none", "--tensor", ""}, nil, &out, io.Discard)
	if out.String() != ":4\n" {
		t.Errorf("without a file: %q", &out)
	}
}

// TestTruncated cuts a file of each format short at several places.
func TestTruncated(t *testing.T) {
	for _, test := range []struct{ name, path string }{
		{"network.onnx", write(t, "network.onnx", string(onnxtest.Network(13)))},
		{"model.gguf", ggufModel(t, false)},
		{"model.safetensors", safetensors(t, weight{name: "a.weight", shape: []int{16, 16}, data: ramp(256)})},
		{"x.npy", write(t, "x.npy", npy(waves(64), 8, 8))},
		{"x.npz", filepath.Join("..", "internal", "tensorfile", "testdata", "stored.npz")},
	} {
		whole := read(t, test.path)
		for _, n := range []int{len(whole) / 3, len(whole) / 2, len(whole) * 9 / 10, len(whole) - 1} {
			t.Run(fmt.Sprintf("%s/%d", test.name, n), func(t *testing.T) {
				fails(t, exitFailed, "truncated", "", "inspect", write(t, test.name, string(whole[:n])))
			})
		}
	}
}
