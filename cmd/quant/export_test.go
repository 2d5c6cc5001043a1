package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"image/png"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// reports runs a comparison that writes every kind of file into a folder, and
// returns its JSON.
func reports(t *testing.T, dir string, args ...string) []byte {
	t.Helper()
	all := append([]string{"compare", "--format", "json",
		"--csv", filepath.Join(dir, "r.csv"), "--pdf", filepath.Join(dir, "r.pdf"),
		"--html", filepath.Join(dir, "r.html"), "--plot", filepath.Join(dir, "r.svg")}, args...)
	return []byte(ok(t, all...))
}

func read(t *testing.T, path ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A doc is as much of the JSON as these tests look at, read without the types
// that wrote it.
type doc struct {
	Tensors []struct {
		Name    string
		Verdict string
		Results []struct {
			Scheme struct{ Granularity string }
			Scale  []float64
			Zero   []int64 `json:"zero_point"`
			numbers
			Memory struct {
				Payload  float64 `json:"payload_bytes"`
				Metadata float64 `json:"metadata_bytes"`
				Total    float64 `json:"total_bytes"`
			}
			Gain *struct {
				Factor *float64 `json:"rmse_factor"`
				SQNR   *float64 `json:"sqnr_gain_db"`
				Extra  float64  `json:"extra_bytes"`
			}
			Channels []struct {
				Min, Max float64
				numbers
			}
		}
	}
}

type numbers struct {
	MAE, RMSE float64
	MaxError  float64  `json:"max_error"`
	SQNR      *float64 `json:"sqnr_db"`
	Clipped   float64
}

// TestSameNumbers reads the sample's numbers from all four kinds of reports.
func TestSameNumbers(t *testing.T) {
	dir := t.TempDir()
	var want doc
	if err := json.Unmarshal(reports(t, dir), &want); err != nil {
		t.Fatal(err)
	}
	if len(want.Tensors) != 1 || len(want.Tensors[0].Results) != 2 {
		t.Fatalf("the JSON is %+v", want)
	}

	rows, err := csv.NewReader(bytes.NewReader(read(t, dir, "r.csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1+2*5 {
		t.Fatalf("%d rows of CSV", len(rows))
	}
	at := map[string]int{}
	for i, name := range rows[0] {
		at[name] = i
	}
	same := func(row []string, column string, x float64) {
		t.Helper()
		got, err := strconv.ParseFloat(row[at[column]], 64)
		if err != nil || got != x {
			t.Errorf("%s is %q in CSV, %v in JSON", column, row[at[column]], x)
		}
	}
	ratio := func(row []string, x *float64) {
		t.Helper()
		if x != nil {
			same(row, "sqnr_db", *x)
		} else if row[at["sqnr_db"]] != "" {
			t.Errorf("sqnr_db is %q", row[at["sqnr_db"]])
		}
	}
	html := string(read(t, dir, "r.html"))
	shown := func(x float64) {
		t.Helper()
		text, err := json.Marshal(x)
		if err != nil || !strings.Contains(html, `data-v="`+string(text)+`"`) {
			t.Errorf("%s is not in the HTML", text)
		}
	}
	pdf := pdfText(t, filepath.Join(dir, "r.pdf"))
	var printed []float64
	for _, w := range regexp.MustCompile(`-?\d[\d,]*\.?\d*`).FindAllString(pdf, -1) {
		x, err := strconv.ParseFloat(strings.ReplaceAll(w, ",", ""), 64)
		if err != nil {
			t.Fatal(err)
		}
		printed = append(printed, x)
	}
	// near looks for a number in the PDF, which has so many digits.
	near := func(x float64, digits int) {
		t.Helper()
		if !slices.ContainsFunc(printed, func(p float64) bool {
			return math.Abs(p-x) <= 0.5001*math.Pow(10, math.Floor(math.Log10(math.Abs(x)))+1-float64(digits)) || p == x
		}) {
			t.Errorf("%v is not in the PDF", x)
		}
	}

	next := 1
	for _, r := range want.Tensors[0].Results {
		row := rows[next]
		next++
		if row[at["row"]] != "tensor" || row[at["granularity"]] != r.Scheme.Granularity || row[at["channel"]] != "" {
			t.Errorf("the row is %q", row)
		}
		same(row, "mae", r.MAE)
		same(row, "rmse", r.RMSE)
		same(row, "max_error", r.MaxError)
		same(row, "clipped", r.Clipped)
		same(row, "payload_bytes", r.Memory.Payload)
		same(row, "metadata_bytes", r.Memory.Metadata)
		same(row, "total_bytes", r.Memory.Total)
		same(row, "scale_min", slices.Min(r.Scale))
		same(row, "scale_max", slices.Max(r.Scale))
		same(row, "zero_point_min", float64(slices.Min(r.Zero)))
		ratio(row, r.SQNR)
		if g := r.Gain; g != nil {
			same(row, "rmse_factor", *g.Factor)
			same(row, "sqnr_gain_db", *g.SQNR)
			same(row, "extra_bytes", g.Extra)
			shown(*g.Factor)
			near(*g.Factor, 3)
		}
		for _, x := range []float64{r.MAE, r.RMSE, r.MaxError} {
			shown(x)
			near(x, 6)
		}
		for _, x := range []float64{r.Memory.Payload, r.Memory.Metadata, r.Memory.Total} {
			shown(x)
			near(x, 6)
		}
		shown(*r.SQNR)
		near(*r.SQNR, 5)
		for i, c := range r.Channels {
			row := rows[next]
			next++
			if row[at["row"]] != "channel" || row[at["channel"]] != strconv.Itoa(i) {
				t.Errorf("the row is %q", row)
			}
			same(row, "min", c.Min)
			same(row, "max", c.Max)
			same(row, "mae", c.MAE)
			same(row, "rmse", c.RMSE)
			same(row, "max_error", c.MaxError)
			ratio(row, c.SQNR)
			for _, x := range []float64{c.Min, c.Max, c.RMSE, c.MaxError} {
				shown(x)
				near(x, 4)
			}
			if c.SQNR != nil {
				shown(*c.SQNR)
			}
		}
	}
	verdict := want.Tensors[0].Verdict
	if !strings.Contains(strings.Join(strings.Fields(pdf), " "), verdict) {
		t.Error("the verdict is not in the PDF")
	}
	if !strings.Contains(html, strings.ReplaceAll(verdict, "+", "&#43;")) {
		t.Error("the verdict is not in the HTML")
	}
	if svg := string(read(t, dir, "r.svg")); !strings.Contains(svg, verdict) {
		t.Error("the SVG has no verdict")
	}
}

// pdfText returns the text of a PDF. Poppler must be there where CI is set.
func pdfText(t *testing.T, path string) string {
	t.Helper()
	if _, err := exec.LookPath("pdftotext"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	out, err := exec.CommandContext(t.Context(), "pdftotext", "-layout", path, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestProcess is not a test: TestSameFiles runs it as a process of its own.
func TestProcess(t *testing.T) {
	if dir := os.Getenv("QUANT_TEST_REPORTS"); dir != "" {
		t.Chdir(dir) // the command stands in the files
		reports(t, ".")
	}
}

// TestSameFiles writes all files in two processes.
func TestSameFiles(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	for _, dir := range []string{a, b} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProcess$")
		cmd.Env = append(os.Environ(), "QUANT_TEST_REPORTS="+dir, "TZ=Asia/Tokyo", epochVariable+"=1700000000")
		if dir == a {
			cmd.Env = append(cmd.Env, "TZ=UTC")
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	for _, name := range []string{"r.csv", "r.pdf", "r.html", "r.svg"} {
		if !bytes.Equal(read(t, a, name), read(t, b, name)) {
			t.Errorf("%s differs between two processes", name)
		}
	}
}

// TestExportModel writes the reports of a model with names that mean mischief.
func TestExportModel(t *testing.T) {
	dir := t.TempDir()
	model := safetensors(t,
		weight{name: "=HYPERLINK(\"x\")", shape: []int{3, 4}, data: ramp(12)},
		weight{name: "a; @SUM(1)", shape: []int{3, 4}, data: ramp(12)},
		weight{name: "\uff1d1+1", shape: []int{3, 4}, data: ramp(12)},
		weight{name: "\t-2", shape: []int{3, 4}, data: ramp(12)},
		weight{name: "line\r\nbreak \"quoted\", β中", shape: []int{3, 4}, data: ramp(12)},
		weight{name: "ordinary.weight-2", shape: []int{3, 4}, data: ramp(12)})
	reports(t, dir, model, "--group-size", "2")
	rows, err := csv.NewReader(bytes.NewReader(read(t, dir, "r.csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range rows[1:] {
		names = append(names, r[1])
	}
	slices.Sort(names)
	names = slices.Compact(names)
	want := []string{`'=HYPERLINK("x")`, "'\uff1d1+1", `\t-2`, "a; '@SUM(1)", `line\r\nbreak "quoted", β中`, "ordinary.weight-2"}
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("names are %q, not %q", names, want)
	}
	if crlf, lf := bytes.Count(read(t, dir, "r.csv"), []byte("\r\n")), bytes.Count(read(t, dir, "r.csv"), []byte("\n")); crlf != lf || crlf != len(rows) {
		t.Errorf("%d of %d lines end in CRLF", crlf, lf)
	}
	if !bytes.HasPrefix(read(t, dir, "r.pdf"), []byte("%PDF-")) {
		t.Error("the PDF is none")
	}
	d := xml.NewDecoder(bytes.NewReader(read(t, dir, "r.svg")))
	for {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestExportPNG(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.PNG")
	if out := ok(t, "compare", "--plot", path); !strings.Contains(out, "Per-channel lowers") {
		t.Error("the normal output is missing")
	}
	if _, err := png.Decode(bytes.NewReader(read(t, path))); err != nil {
		t.Error(err)
	}
}

func TestExportErrors(t *testing.T) {
	file := write(t, "a.csv", "1 2\n3 5\n")
	for _, test := range []struct {
		want string
		args []string
	}{
		{"--plot a.pdf: the name has to end in .svg or .png", []string{"--plot", "a.pdf"}},
		{"--plot plot: the name has to end in .svg or .png", []string{"--plot", "plot"}},
		{"--csv needs the name of a file", []string{"--csv", ""}},
		{"--pdf needs the name of a file", []string{"--pdf="}},
		{"--pdf and --csv name the same file", []string{"--csv", "x", "--pdf", "./x"}},
		{"--html and --output name the same file", []string{"--html", "x", "-o", "x"}},
		{"--csv " + file + " would overwrite a file that is read", []string{"--csv", file}},
	} {
		fails(t, exitUsage, test.want, "", append([]string{"compare", file}, test.args...)...)
	}
	missing := filepath.Join(t.TempDir(), "none", "x")
	for _, flag := range []string{"csv", "pdf", "html"} {
		if r := fails(t, exitFailed, "cannot write "+missing, "", "compare", file, "--"+flag, missing); r.out != "" {
			t.Errorf("writes %q", r.out)
		}
	}
	// What cannot be compared leaves no file.
	dir := t.TempDir()
	quant(t, "1 nan\n", "compare", "-", "--pdf", filepath.Join(dir, "x.pdf"))
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
}

// TestOrigin has what documents tell of themselves: the base name as title, date,
// version and command.
func TestOrigin(t *testing.T) {
	t.Setenv(epochVariable, "1700000000")
	dir := t.TempDir()
	t.Chdir(dir)
	path := filepath.Join("models", "the model.txt")
	if err := os.Mkdir("models", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("1 2 3\n4 5 9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ok(t, "compare", path, "-o", "r.md", "--html", "r.html", "--pdf", "r.pdf")
	const made = "Made on 2023-11-14 by quant (devel) with quant compare 'models/the model.txt' -o r.md --html r.html --pdf r.pdf"
	md := strings.NewReplacer(`\`, "").Replace(string(read(t, "r.md")))
	html := strings.ReplaceAll(string(read(t, "r.html")), "&#39;", "'")
	for name, doc := range map[string]string{"Markdown": md, "HTML": html, "PDF": pdfText(t, "r.pdf")} {
		if !strings.Contains(doc, made) {
			t.Errorf("%s does not say %q", name, made)
		}
	}
	for name, title := range map[string]bool{
		"Markdown": strings.HasPrefix(md, "# Quantization of the model.txt\n"), "HTML": strings.Contains(html, "<title>Quantization of the model.txt</title>"),
		"heading of HTML": strings.Contains(html, "<h1>the model.txt</h1>"), "PDF": strings.Contains(pdfText(t, "r.pdf"), "Quantization of the model.txt"),
	} {
		if !title {
			t.Errorf("%s does not have the base name as its title", name)
		}
	}
	t.Setenv(epochVariable, "yesterday")
	fails(t, exitUsage, "SOURCE_DATE_EPOCH=yesterday is not a number of seconds since 1970", "", "compare", path)
}

// TestBrief writes the reports of a model of 13 weights: without
// --full they are small enough to be sent.
func TestBrief(t *testing.T) {
	var weights []weight
	for i := range 13 {
		weights = append(weights, weight{name: fmt.Sprintf("layers.%d.weight", i), shape: []int{128, 16}, data: waves(128 * 16)})
	}
	model, dir := safetensors(t, weights...), t.TempDir()
	brief, full, html := filepath.Join(dir, "brief.pdf"), filepath.Join(dir, "full.pdf"), filepath.Join(dir, "r.html")
	ok(t, "compare", model, "--pdf", brief, "--html", html)
	ok(t, "compare", model, "--pdf", full, "--full")
	if n := len(read(t, html)); n > 3<<20 {
		t.Errorf("the HTML has %d bytes", n)
	}
	count := func(path string) int { return bytes.Count(read(t, path), []byte("/Type /Page\n")) }
	if n := count(brief); n == 0 || n > 6 {
		t.Errorf("the PDF has %d pages", n)
	}
	if n := count(full); n < 20 {
		t.Errorf("the full PDF has %d pages", n)
	}
}
