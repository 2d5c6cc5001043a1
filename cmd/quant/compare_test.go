package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/atomicfile"
)

// model is a file of several tensors of every fate.
func model(t *testing.T) string {
	bad := ramp(6)
	bad[4] = float32(math.NaN())
	loud := ramp(6)
	loud[0] = 1000
	return safetensors(t,
		weight{name: "a.weight", shape: []int{2, 3}, data: ramp(6)},
		weight{name: "a.bias", shape: []int{2}, data: ramp(2)},
		weight{name: "b/weight", shape: []int{2, 3}, data: loud},
		weight{name: "bad", shape: []int{2, 3}, data: bad},
		weight{name: "empty", shape: []int{0, 3}},
		weight{name: "step", dtype: "I32", shape: []int{1, 1}, data: ramp(1)},
	)
}

func TestSeveralTensors(t *testing.T) {
	file := model(t)
	r := fails(t, exitFailed, `tensor "bad": NaN in channel 1, at index 4`, "", "compare", file, "--format", "json")
	got := decode(t, r.out)
	if got.Source != file {
		t.Errorf("source %q", got.Source)
	}
	var names, skipped []string
	for _, x := range got.Tensors {
		names = append(names, x.Name)
	}
	for _, x := range got.Skipped {
		skipped = append(skipped, fmt.Sprintf("%s: %s %t", x.Name, x.Reason, x.Failed))
	}
	if want := []string{"a.weight", "b/weight"}; !slices.Equal(names, want) {
		t.Errorf("compared %q, want %q", names, want)
	}
	slices.Sort(skipped)
	want := []string{
		"a.bias: fewer than two dimensions false", "bad: NaN in channel 1, at index 4 true",
		"empty: no elements false", "step: I32 is not a floating-point type false",
	}
	if !slices.Equal(skipped, want) {
		t.Errorf("skipped %q, want %q", skipped, want)
	}
	if s := got.Summary; s.Compared != 2 || s.Skipped != 3 || s.Failed != 1 || !slices.Equal(s.ByGain, []int{1, 0}) {
		t.Errorf("summary %+v", s)
	}

	// The table has the summary first, and what gains most before the rest.
	out := quant(t, "", "compare", file).out
	narrow(t, out)
	summary, rest, _ := strings.Cut(out, "\n\n2 weights")
	if b, a := strings.Index(summary, "b/weight"), strings.Index(summary, "a.weight"); a < b || b < 0 {
		t.Errorf("summary:\n%s", summary)
	}
	if !strings.Contains(rest, "bad") || !strings.Contains(rest, "NaN in channel 1") {
		t.Errorf("the failed tensor is not listed:\n%s", rest)
	}
}

func TestTensorFlag(t *testing.T) {
	file := model(t)
	for _, test := range []struct {
		patterns []string
		want     []string
	}{
		{[]string{"a.*t"}, []string{"a.weight"}},
		{[]string{"*weight"}, []string{"a.weight", "b/weight"}},
		{[]string{"b?weight"}, []string{"b/weight"}},
		{[]string{"b*", "a.weight", "empty"}, nil}, // bad is among them
		{[]string{"[ab].[wb]*"}, []string{"a.weight"}},
		{[]string{"a.bias"}, []string{"a.bias"}}, // spelled out
	} {
		args := []string{"compare", file, "--format", "json"}
		for _, p := range test.patterns {
			args = append(args, "--tensor", p)
		}
		if test.want == nil {
			fails(t, exitFailed, `"bad"`, "", args...)
			continue
		}
		var names []string
		for _, x := range decode(t, ok(t, args...)).Tensors {
			names = append(names, x.Name)
		}
		if !slices.Equal(names, test.want) {
			t.Errorf("--tensor %q compares %q, want %q", test.patterns, names, test.want)
		}
	}
}

func TestOneDimension(t *testing.T) {
	file := safetensors(t, weight{name: "v", shape: []int{6}, data: ramp(6)})
	results := decode(t, ok(t, "compare", file, "--format", "json", "--group-size", "4", "--axis", "-1")).Tensors[0].Results
	channel, group := results[1], results[2]
	if channel.Scheme.Axis != nil || len(channel.Scale) != 1 || len(channel.Channels) != 1 {
		t.Errorf("per channel: %+v", channel)
	}
	if group.Scheme.Axis == nil || *group.Scheme.Axis != 0 || len(group.Scale) != 2 {
		t.Errorf("per group: %+v", group)
	}
	fails(t, exitFailed, "there is no axis 1 in shape 6", "", "compare", file, "--axis", "1")
	narrow(t, ok(t, "compare", file, "--codes"))
	if out := ok(t, "compare", file); !strings.Contains(out, "With one channel") {
		t.Errorf("verdict:\n%s", out)
	}
}

func TestGroupAxis(t *testing.T) {
	file := safetensors(t, weight{name: "w", shape: []int{2, 6, 3, 6}, data: ramp(216)})
	for _, test := range []struct {
		args   []string
		axis   int
		params int
	}{
		{nil, 3, 2 * 6 * 3 * 2},                                    // the last of two that are longest
		{[]string{"--axis", "3"}, 1, 2 * 2 * 3 * 6},                // not that of the channels
		{[]string{"--group-axis", "-2"}, 2, 2 * 6 * 1 * 6},         // a short last group
		{[]string{"--group-axis", "0", "--axis", "0"}, 0, 6 * 18},  // that of the channels, if asked for
		{[]string{"--group-axis", "1", "--axis", "-2"}, 1, 2 * 36}, // negative axes
	} {
		args := append([]string{"compare", file, "--group-size", "4", "--format", "json"}, test.args...)
		r := decode(t, ok(t, args...)).Tensors[0].Results[2]
		if r.Scheme.Axis == nil || *r.Scheme.Axis != test.axis || *r.Scheme.GroupSize != 4 || len(r.Scale) != test.params {
			t.Errorf("%q: axis %d, %d scales; want %d, %d", test.args, *r.Scheme.Axis, len(r.Scale), test.axis, test.params)
		}
	}
}

func TestChannelsFlag(t *testing.T) {
	file := safetensors(t, weight{name: "w", shape: []int{30, 4}, data: ramp(120)})
	lines := func(args ...string) int { return strings.Count(ok(t, args...), "\n") }
	if few, all := lines("compare", file), lines("compare", file, "--channels"); few != all-10+1 {
		t.Errorf("%d lines, with --channels %d", few, all)
	}
	if few, all := lines("compare", file, "--format", "csv"), lines("compare", file, "--format", "csv", "--channels"); few != 3 || all != 3+60 {
		t.Errorf("CSV: %d lines, with --channels %d", few, all)
	}
}

func TestHostileNames(t *testing.T) {
	names := []string{
		"=1+1", "+x", "-x", "@x", "\tx", "\x1b[31mred", "line\nbreak", "\u009b2J", "\u202egpj.exe", "quote\"s, and |pipes|",
		"重み.層.0.非常に長い名前のテンソルである.ウェイト.重み.層.0.非常に長い名前", strings.Repeat("long.", 60), "emoji👩‍👩‍👧‍👦", "e\u0301",
	}
	var weights []weight
	for i, n := range names {
		weights = append(weights, weight{name: n, shape: []int{2, 3}, data: ramp(6)})
		weights = append(weights, weight{name: fmt.Sprint(n, i), shape: []int{3}, data: ramp(3)})
	}
	file := safetensors(t, weights...)
	narrow(t, ok(t, "compare", file))
	narrow(t, ok(t, "compare", file, "--group-size", "2"))
	narrow(t, ok(t, "inspect", file))
	for _, format := range []string{"json", "csv", "markdown"} {
		out := ok(t, "compare", file, "--format", format)
		if i := strings.IndexFunc(out, func(r rune) bool {
			return r < ' ' && r != '\n' && r != '\r' || r >= 0x7f && r < 0xa0 || r == 0x202e
		}); i >= 0 {
			t.Errorf("%s: control character after %q", format, out[max(0, i-30):i])
		}
	}
	got := decode(t, ok(t, "compare", file, "--format", "json"))
	for i, x := range got.Tensors {
		if !slices.Contains(names, x.Name) {
			t.Errorf("JSON: name %d is %q", i, x.Name)
		}
	}
	rows, err := csv.NewReader(strings.NewReader(ok(t, "compare", file, "--format", "csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		if strings.ContainsAny(row[1][:1], "=+-@\t") {
			t.Errorf("CSV: a spreadsheet would run %q", row[1])
		}
	}
	fails(t, exitFailed, `\n`, "", "compare", file, "--tensor", "x\ny")
}

// large is a model of n weights in layers, some of which have outliers, and one
// with a NaN if bad is true.
func large(t *testing.T, n int, bad bool) string {
	kinds := []string{"self_attn.q_proj", "self_attn.o_proj", "mlp.up_proj", "mlp.down_proj"}
	weights := []weight{{name: "model.embed_tokens.weight", shape: []int{40, 8}, data: ramp(320)}}
	for i := range n - 1 {
		w := weight{name: fmt.Sprintf("model.layers.%d.%s.weight", i/len(kinds), kinds[i%len(kinds)]), shape: []int{12, 8}, data: make([]float32, 96)}
		for k := range w.data {
			// Channels differ by more, the later the layer is.
			w.data[k] = float32(math.Sin(float64(k*k+i)) * math.Exp(-float64(k/8*(i%29))/90))
		}
		if i%10 == 3 {
			w.data[i%96] = float32(2 + i%5)
		}
		weights = append(weights, w, weight{name: fmt.Sprintf("model.layers.%d.norm.%d", i/len(kinds), i), shape: []int{8}, data: ramp(8)})
	}
	if bad {
		weights[9].data[5] = float32(math.NaN())
	}
	return safetensors(t, weights...)
}

// TestLargeModel writes everything about a model of 300 weights.
func TestLargeModel(t *testing.T) {
	file, dir := large(t, 300, true), t.TempDir()
	args := []string{"compare", file, "--pdf", filepath.Join(dir, "r.pdf"), "--html", filepath.Join(dir, "r.html"), "--csv", filepath.Join(dir, "r.csv"), "--plot", filepath.Join(dir, "r.svg")}
	r := fails(t, exitFailed, `tensor "model.layers.1.self_attn.q_proj.weight": NaN in channel 0, at index 5`, "", args...)
	narrow(t, r.out)
	for _, want := range []string{`Names are without "model." at the start.`, "299 weights", "The worst 5 weights", "failed", "and 296 more", "--worst N"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("the table does not say %q", want)
		}
	}
	last := 0
	for _, next := range []string{"The worst 5 weights", "left out\n", "tensors: fewer than two dimensions\n", "299 weights", "failed", "NaN in channel 0"} {
		i := strings.Index(r.out[last:], next)
		if i < 0 {
			t.Errorf("%q is not where it belongs: what was left out comes before the totals, and failures are last", next)
			continue
		}
		last += i
	}
	if n := strings.Count(r.out, "Names are without"); n != 1 {
		t.Errorf("it is said %d times what names are without", n)
	}
	if n := strings.Count(r.out, "\n"); n > 299+60 {
		t.Errorf("%d lines", n)
	}
	for _, name := range []string{"r.pdf", "r.html", "r.csv", "r.svg"} {
		if len(read(t, dir, name)) < 10000 {
			t.Errorf("%s is too small", name)
		}
	}
	if !strings.Contains(string(read(t, dir, "r.svg")), "All 299 tensors") {
		t.Error("the plot does not show all")
	}

	file = large(t, 300, false)
	first := func(sort string) string {
		out := ok(t, "compare", file, "--sort", sort)
		narrow(t, out)
		return strings.Fields(out[strings.Index(out, "clipped bytes"):])[2]
	}
	for sort, want := range map[string]string{"file": "embed_tokens.weight", "name": "embed_tokens.weight", "bytes": "embed_tokens.weight"} {
		if got := first(sort); got != want {
			t.Errorf("--sort %s begins with %s, not with %s", sort, got, want)
		}
	}
	if out := ok(t, "compare", file, "--worst", "0"); strings.Contains(out, "worst") {
		t.Error("--worst 0 lists some")
	}
	if out := ok(t, "compare", file, "--worst", "7"); !strings.Contains(out, "The worst 7 weights") {
		t.Error("--worst 7 does not list 7")
	}
	narrow(t, ok(t, "inspect", file))
}

// TestNarrow writes tables with numbers of every width.
func TestNarrow(t *testing.T) {
	extreme := []float32{
		-1.2345678e-38, 3.4028235e38, -3.4028235e38, 1e-45, -9.9999e-5, 9999999, -1.2345678e-12, 1,
		0, 0, 0, 0, -7.7777777e-9, -6.6666666e-9, 1.2345678e10, 1.2345679e10,
	}
	huge := []float32{
		-1.8e24, 4.28e17, 1e12, 3e7, -3.5e-7, 7.35e27, 1.2345e-12, -5e3, -9.6e32, 1.2e32, 1e-33, -7e-20,
		-12032, 2.42e32, -3.68e-32, 1.44e-34, -1.8e24, 4.28e17, 2.4e-38, 8e-39, 1e-38, -1e-37, -3e38, 3e37,
	}
	big := make([]float32, 300*200)
	for i := range big {
		big[i] = float32(math.Sin(float64(i)*1.7)) * float32(math.Pow(10, float64(i/200%70-36)))
	}
	file := safetensors(t,
		weight{name: "extreme", shape: []int{4, 4}, data: extreme},
		weight{name: "extreme.transposed", shape: []int{2, 2, 2, 2}, data: extreme},
		weight{name: "tiny", shape: []int{4, 2}, data: []float32{1e-45, 1e-44, -1e-42, 1e-41, 1e-39, 2e-39, -3e-40, 0}},
		weight{name: "constant", shape: []int{2, 2}, data: []float32{7, 7, 7, 7}},
		weight{name: "zero", shape: []int{2, 2}, data: make([]float32, 4)},
		weight{name: strings.Repeat("a.very.long.name.", 5), shape: []int{300, 10, 1, 20}, data: big},
	)
	for _, args := range [][]string{
		{}, {"--group-size", "3"}, {"--group-size", "1", "--channels"}, {"--axis", "-1", "--bits", "2"},
		{"--mapping", "symmetric", "--bits", "16"}, {"--unsigned", "--zero-in-range", "--group-size", "1000000"},
		{"--bits", "16", "--group-size", "7", "--group-axis", "0"},
	} {
		out := ok(t, append([]string{"compare", file}, args...)...)
		narrow(t, out)
		for _, word := range []string{"NaN", "++", "%!"} {
			if strings.Contains(out, word) {
				t.Errorf("%q: %s in\n%s", args, word, out)
			}
		}
		decode(t, ok(t, append([]string{"compare", file, "--format", "json"}, args...)...))
	}
	narrow(t, ok(t, "inspect", file))
	small := safetensors(t, weight{name: "extreme", shape: []int{2, 8}, data: extreme})
	narrow(t, ok(t, "compare", small, "--codes", "--group-size", "2"))

	// One tensor of every column at its widest, and many channels.
	alone := safetensors(t, weight{name: "huge", shape: []int{4, 6}, data: huge})
	flat := safetensors(t, weight{name: "channels", shape: []int{len(big) / 3, 3}, data: big})
	for _, args := range [][]string{
		{}, {"--group-size", "2"}, {"--group-size", "4", "--bits", "16"}, {"--group-size", "2", "--bits", "2", "--method", "mse"}, {"--group-size", "1", "--codes"},
	} {
		narrow(t, ok(t, append([]string{"compare", alone}, args...)...))
		narrow(t, ok(t, append([]string{"compare", flat}, args...)...))
	}
	narrow(t, ok(t, "sweep", alone))
	narrow(t, ok(t, "sweep", flat))
}

// TestFixtures compares every file that the readers are tested with.
func TestFixtures(t *testing.T) {
	n := 0
	err := filepath.WalkDir("../internal/tensorfile/testdata", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		for _, args := range [][]string{{"compare", path}, {"compare", path, "--group-size", "4"}, {"inspect", path}} {
			r := quant(t, "", args...)
			narrow(t, r.out)
			if r.code == exitUsage {
				t.Errorf("quant %q: %s", args, r.errout)
			}
			if r.code == exitDone {
				n++
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d reports", n)
}

func TestStandardInput(t *testing.T) {
	r := quant(t, "1 2 3; 10 20 30", "compare", "-", "--format", "json")
	got := decode(t, r.out)
	if r.code != exitDone || got.Source != "stdin" || !slices.Equal(got.Tensors[0].Shape, []int{2, 3}) {
		t.Errorf("exit code %d, %+v", r.code, got)
	}
	r = quant(t, "1 2 3; 10 20 30", "inspect", "-")
	if r.code != exitDone || !strings.Contains(r.out, "2×3") {
		t.Errorf("exit code %d, %q", r.code, r.out)
	}
	if out := ok(t, "compare"); !strings.HasPrefix(out, "sample (built in") {
		t.Errorf("without FILE: %q", out)
	}
}

func TestNoColor(t *testing.T) {
	t.Setenv("NO_COLOR", "1")
	if colorful(os.Stdout) {
		t.Error("colour in spite of NO_COLOR")
	}
	if out := ok(t, "compare"); strings.Contains(out, "\x1b") {
		t.Error("colour where there is no terminal")
	}
}

func TestOutput(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "report.json")
	if out := ok(t, "compare", "--output", path); out != "" {
		t.Errorf("writes %q", out)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(file), ok(t, "compare", "--format", "json"); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}

	// A report takes the place of another, with the same permissions, and
	// through a link.
	if runtime.GOOS != "windows" {
		if err := os.Chmod(path, 0o640); err != nil {
			t.Fatal(err)
		}
		link := filepath.Join(dir, "link.csv")
		if err := os.Symlink(path, link); err != nil {
			t.Fatal(err)
		}
		ok(t, "compare", "-o", link, "--format", "csv", "--force")
		if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o640 {
			t.Errorf("mode %v, %v", st.Mode(), err)
		}
		if file, _ := os.ReadFile(path); !strings.HasPrefix(string(file), "source,") {
			t.Errorf("the link's file holds %.40q", file)
		}
	}

	// What fails leaves nothing behind.
	fails(t, exitFailed, "directory", "", "compare", "--output", dir)
	fails(t, exitFailed, "cannot write", "", "compare", "--output", filepath.Join(dir, "none", "x"))
	err = atomicfile.WriteFile(path, true, func(io.Writer) error { return fs.ErrInvalid })
	if err == nil {
		t.Error("an error is lost")
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".tmp") {
			t.Errorf("%s is left", e.Name())
		}
	}
	if file, _ := os.ReadFile(path); len(file) == 0 {
		t.Error("the old file is gone")
	}
}

func TestInspect(t *testing.T) {
	file := model(t)
	out := ok(t, "inspect", file)
	narrow(t, out)
	for _, want := range []string{"a.weight", "I32", "b/weight", "1000", "6 tensors", "outliers", "zeros"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	js := ok(t, "inspect", file, "--format", "json")
	for _, want := range []string{`"kind": "safetensors"`, `"nan": 1`, `"nan": null`, `"shape": [0, 3]`, `"max": 1000`, `"axis": null`, `"dtypes": [`, `"outliers": 0`} {
		if !strings.Contains(js, want) {
			t.Errorf("no %s in\n%s", want, js)
		}
	}
}
