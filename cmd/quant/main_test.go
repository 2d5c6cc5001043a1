package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rivo/uniseg"
)

var update = flag.Bool("update", false, "write the golden files")

// result is what a run of the command leaves.
type result struct {
	code        int
	out, errout string
}

// quant runs the command.
func quant(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	var out, errout bytes.Buffer
	code := run(t.Context(), args, strings.NewReader(stdin), &out, &errout)
	r := result{code, out.String(), errout.String()}
	if code == exitDone && r.errout != "" {
		t.Errorf("quant %q: exit code 0, but says %q", args, r.errout)
	}
	if code != exitDone {
		if !strings.HasPrefix(r.errout, "quant: ") || strings.Count(r.errout, "\n") != 1 || !strings.HasSuffix(r.errout, "\n") {
			t.Errorf("quant %q: exit code %d, and error %q, not one line with a prefix", args, code, r.errout)
		}
	}
	return r
}

// ok runs the command and fails the test if it fails.
func ok(t *testing.T, args ...string) string {
	t.Helper()
	r := quant(t, "", args...)
	if r.code != exitDone {
		t.Fatalf("quant %q: exit code %d: %s", args, r.code, r.errout)
	}
	return r.out
}

// fails runs the command and checks how it fails.
func fails(t *testing.T, code int, want, stdin string, args ...string) result {
	t.Helper()
	r := quant(t, stdin, args...)
	if r.code != code || !strings.Contains(r.errout, want) {
		t.Errorf("quant %q: exit code %d, error %q; want %d, %q", args, r.code, r.errout, code, want)
	}
	return r
}

// A weight is a tensor of a test file.
type weight struct {
	name  string
	dtype string // F32 if empty
	shape []int
	data  []float32
}

// safetensors writes a model and returns its path.
func safetensors(t *testing.T, weights ...weight) string {
	t.Helper()
	type entry struct {
		DType   string `json:"dtype"`
		Shape   []int  `json:"shape"`
		Offsets [2]int `json:"data_offsets"`
	}
	header := map[string]entry{}
	var data []byte
	for _, w := range weights {
		start := len(data)
		data, _ = binary.Append(data, binary.LittleEndian, w.data)
		if w.dtype == "" {
			w.dtype = "F32"
		}
		header[w.name] = entry{w.dtype, w.shape, [2]int{start, len(data)}}
	}
	h, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	file := binary.LittleEndian.AppendUint64(nil, uint64(len(h)))
	return write(t, "model.safetensors", string(file)+string(h)+string(data))
}

// write writes a file of a test and returns its path.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// ramp returns n values from -1 on, each a little larger.
func ramp(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i)*0.37 - 1
	}
	return x
}

func TestGolden(t *testing.T) {
	t.Setenv(epochVariable, "1700000000")
	golden(t, "compare", map[string][]string{
		"sample.txt":          {},
		"sample.md":           {"--format", "markdown"},
		"sample.csv":          {"--format", "csv"},
		"sample-channels.csv": {"--format", "csv", "--channels"},
		"sample.json":         {"--format", "json"},
		"sample-codes.json":   {"--format", "json", "--codes"},
		"sample-codes.txt":    {"--codes", "--bits", "4", "--unsigned"},
		"sample-groups.txt":   {"--group-size", "2"},
		"sample-worse.txt":    {"--bits", "2", "--mapping", "symmetric"},
	})
	golden(t, "sweep", map[string][]string{
		"sweep.txt":  {"--target", "30"},
		"sweep.csv":  {"--format", "csv", "--bits", "2-4", "--group-size", "3"},
		"sweep.json": {"--format", "json", "--bits", "4,8", "--group-size", "0", "--target", "99"},
	})
	list := "int4:g128,int4:g32:mse,nf4:g64,mxfp4,nvfp4,q4_0,q4_k,fp8_e4m3:channel"
	golden(t, "compare", map[string][]string{
		"schemes.txt":  {"testdata/silero_vad_v5_excerpt.safetensors", "--schemes", list},
		"schemes.csv":  {"testdata/silero_vad_v5_excerpt.safetensors", "--schemes", list, "--format", "csv"},
		"schemes.json": {"testdata/silero_vad_v5_excerpt.safetensors", "--schemes", list, "--format", "json"},
	})
	excerpt, between := "testdata/silero_vad_v5_excerpt.safetensors", "onnxruntime-int8:channel,pytorch-int8:channel"
	golden(t, "diff", map[string][]string{
		"diff.txt":    {excerpt, "--between", between},
		"diff.csv":    {excerpt, "--between", between, "--format", "csv"},
		"diff.json":   {excerpt, "--between", between, "--format", "json"},
		"presets.txt": {"--presets"},
	})
	golden(t, "inspect", map[string][]string{
		"inspect.txt":  {"testdata/silero_vad_v5_excerpt.safetensors"},
		"inspect.json": {"testdata/silero_vad_v5_excerpt.safetensors", "--format", "json"},
	})
}

func golden(t *testing.T, command string, files map[string][]string) {
	for name, args := range files {
		t.Run(name, func(t *testing.T) {
			got := ok(t, append([]string{command}, args...)...)
			path := filepath.Join("testdata", "golden", name)
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestUsageErrors(t *testing.T) {
	file := write(t, "a.txt", "1 2\n3 5\n")
	table := write(t, "a.csv", "1,2\n3,5\n")
	for _, test := range []struct {
		want string
		args []string
	}{
		{`did you mean compare`, []string{"compar"}},
		{`unknown command "tensor"`, []string{"tensor"}},
		{`unknown flag: --bit`, []string{"compare", "--bit", "8"}},
		{`--bits: "eight" is not a whole number`, []string{"compare", "--bits", "eight"}},
		{`17 bits`, []string{"compare", "--bits", "17"}},
		{`1 bits`, []string{"compare", "--bits", "1"}},
		{`mapping "affine"`, []string{"compare", "--mapping", "affine"}},
		{`symmetric`, []string{"compare", "--narrow-range"}},
		{`unsigned`, []string{"compare", "--narrow-range", "--mapping", "symmetric", "--unsigned"}},
		{`--group-size 0 is not positive`, []string{"compare", "--group-size", "0"}},
		{`--group-size -4 is not positive`, []string{"compare", "--group-size", "-4"}},
		{`group axis needs a group size`, []string{"compare", "--group-axis", "0"}},
		{`scheme 2 is empty`, []string{"compare", "--schemes", "int4,,nf4"}},
		{`--bits does not go with --schemes`, []string{"compare", "--schemes", "int4", "--bits", "4"}},
		{`--against does not go with --schemes`, []string{"compare", "--schemes", "int4", "--against", file}},
		{`there is no part "five"`, []string{"compare", "--schemes", "five"}},
		{`format "markdown" is none of`, []string{"compare", "--schemes", "int4", "--format", "markdown"}},
		{`block formats of GGUF are q4_0`, []string{"sweep", "--schemes", "q4_9"}},
		{`"[" is not a pattern`, []string{"compare", "--tensor", "["}},
		{`format "xml"`, []string{"compare", "--format", "xml"}},
		{`--codes goes with`, []string{"compare", "--codes", "--format", "csv"}},
		{`one FILE at a time`, []string{"compare", "a", "b"}},
		{`--output needs`, []string{"compare", "--output", ""}},
		{`would overwrite`, []string{"compare", file, "--output", file}},
		{`would overwrite`, []string{"inspect", file, "--output", file}},
		{`FILE is missing`, []string{"inspect"}},
		{`format "csv"`, []string{"inspect", file, "--format", "csv"}},
		{`--sort "size" is none of gain`, []string{"compare", file, "--sort", "size"}},
		{`--worst -1 is negative`, []string{"compare", file, "--worst", "-1"}},
		{`"2-" is neither`, []string{"sweep", file, "--bits", "2-"}},
		{`1-3 bits: a code has 2 to 16`, []string{"sweep", file, "--bits", "1-3"}},
		{`1 bits`, []string{"sweep", file, "--bits", "1,2"}},
		{`group size -4 is not positive`, []string{"sweep", file, "--group-size", "-4"}},
		{`group axis needs a group size`, []string{"sweep", file, "--group-size", "0", "--group-axis", "1"}},
		{`.svg or .png`, []string{"sweep", file, "--plot", "x.jpg"}},
		{`format "markdown"`, []string{"sweep", file, "--format", "markdown"}},
		{`would overwrite`, []string{"sweep", table, "--csv", table}},
		{`name the same file`, []string{"sweep", file, "--csv", "a", "-o", "a"}},
		{`unknown command`, []string{"version", "please"}},
		{`FILES are missing`, []string{"sensitivity"}},
		{`not from standard input`, []string{"sensitivity", "-", "--calibration", file}},
		{`--calibration is missing`, []string{"sensitivity", file}},
		{`format "markdown" is none of table, json and csv`, []string{"sensitivity", file, "--calibration", file, "--format", "markdown"}},
		{`--output x.pdf: the ending .pdf stands for no format`, []string{"sensitivity", file, "--calibration", file, "-o", "x.pdf"}},
		{`--tensor "[" is not a pattern`, []string{"sensitivity", file, "--calibration", file, "--tensor", "["}},
		{`would overwrite a file that is read`, []string{"sensitivity", file, "--calibration", table, "-o", table}},
		{`MODEL is missing`, []string{"observe"}},
		{`--output is missing`, []string{"observe", file}},
		{`--output observed.json: the ending .json stands for no format of it; it is .onnx`, []string{"observe", file, "-o", "observed.json"}},
		{`format "csv" is neither table nor json`, []string{"observe", file, "--dry-run", "--format", "csv"}},
		{`--nodes "[" is not a pattern`, []string{"observe", file, "--dry-run", "--nodes", "["}},
	} {
		r := fails(t, exitUsage, test.want, "", test.args...)
		if r.out != "" {
			t.Errorf("quant %q: writes %q", test.args, r.out)
		}
	}
}

func TestDataErrors(t *testing.T) {
	nan := float32(math.NaN())
	for _, test := range []struct {
		want  string
		stdin string
		args  []string
	}{
		{"missing.npy: ", "", []string{"compare", filepath.Join(t.TempDir(), "missing.npy")}},
		{"stdin: ", "", []string{"compare", "-"}},
		{"line 2, column 3", "1 2\n3 x\n", []string{"compare", "-"}},
		{"line 2, column 3", "1 2\n3 NaN\n", []string{"compare", "-"}},
		{"line 2", "1 2\n3\n", []string{"compare", "-"}},
		{"sample: there is no axis 2 in shape 4×5", "", []string{"compare", "--axis", "2"}},
		{"sample: there is no axis -3 in shape 4×5", "", []string{"compare", "--axis", "-3"}},
		{"sample: there is no axis 5 in shape 4×5", "", []string{"compare", "--group-size", "2", "--group-axis", "5"}},
		{`no tensor matches "lstm*" or "gru*"; there are "sample"`, "", []string{"compare", "--tensor", "lstm*", "--tensor", "gru*"}},
		{`no tensor matches "Sample": did you mean "sample"`, "", []string{"compare", "--tensor", "Sample"}},
		{`no tensor matches "amp": did you mean "*amp*"`, "", []string{"sweep", "--tensor", "amp"}},
		{`tensor "w": NaN in channel 1, at index 3`, "",
			[]string{"compare", safetensors(t, weight{name: "w", shape: []int{2, 2}, data: []float32{1, 2, 3, nan}})}},
		{`tensor "w": -Inf in channel 0 of axis 1, at index 2`, "",
			[]string{"compare", "--axis", "-1", safetensors(t, weight{name: "w", shape: []int{2, 2}, data: []float32{1, 2, float32(math.Inf(-1)), 4}})}},
		{`tensor "i": cannot be compared: I32 is not a floating-point type (nor can 1 tensor more)`, "",
			[]string{"compare", safetensors(t,
				weight{name: "i", dtype: "I32", shape: []int{2, 2}, data: make([]float32, 4)},
				weight{name: "v", shape: []int{4}, data: ramp(4)})}},
	} {
		r := fails(t, exitFailed, test.want, test.stdin, test.args...)
		if r.out != "" {
			t.Errorf("quant %q: writes %q", test.args, r.out)
		}
	}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{}, {"--help"}, {"compare", "--help"}, {"inspect", "--help"}, {"sweep", "--help"}, {"calibrate", "--help"}, {"help", "version"}} {
		narrow(t, ok(t, args...))
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if out := ok(t, "completion", shell); !strings.Contains(out, "quant") {
			t.Errorf("completion %s: %q", shell, out)
		}
	}
	var out, errout bytes.Buffer // Cobra tells the directive on standard error
	run(t.Context(), []string{"__complete", "compare", "--format", "m"}, nil, &out, &errout)
	if !strings.Contains(out.String(), "markdown\n") {
		t.Errorf("completion of --format: %q", &out)
	}
	for _, args := range [][]string{{"version"}, {"--version"}} {
		if out := ok(t, args...); !strings.HasPrefix(out, "quant ") || !strings.Contains(out, "go1.") {
			t.Errorf("version: %q", out)
		}
	}
	if out := ok(t, "version", "--licences"); !strings.Contains(out, "\ngithub.com/spf13/cobra v") {
		t.Errorf("version --licences does not name the modules: %.200q", out)
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errout bytes.Buffer
	// A standard input that never ends: reading must not be waited for.
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	defer r.Close()
	code := run(ctx, []string{"compare", "-"}, r, &out, &errout)
	if code != exitInterrupted || errout.String() != "quant: interrupted\n" || out.Len() > 0 {
		t.Errorf("exit code %d, error %q, output %q", code, &errout, &out)
	}
}

func TestClosedPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	var errout bytes.Buffer
	if code := run(t.Context(), []string{"compare"}, nil, w, &errout); code != exitFailed || errout.Len() > 0 {
		t.Errorf("exit code %d, error %q", code, &errout)
	}
}

// narrow checks that text fits into a terminal, and cannot steer it.
func narrow(t *testing.T, text string) {
	t.Helper()
	for _, line := range strings.Split(text, "\n") {
		if n := uniseg.StringWidth(line); n > 80 {
			t.Errorf("%d columns: %q", n, line)
		}
		if i := strings.IndexFunc(line, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }); i >= 0 {
			t.Errorf("control character in %q", line)
		}
	}
}
