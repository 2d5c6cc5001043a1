package pdf

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/report/reporttest"
)

// document writes the PDF of a comparison.
func document(t *testing.T, src report.Source, o report.Options, po Options) (*report.Report, []byte) {
	t.Helper()
	r, d := reporttest.Build(t, src, o, 12)
	var b bytes.Buffer
	if err := Write(&b, r, d, po); err != nil {
		t.Fatal(err)
	}
	return r, b.Bytes()
}

// poppler runs one of Poppler's tools on a PDF. It must be there where CI is set.
func poppler(t *testing.T, pdf []byte, tool string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(tool); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	path := filepath.Join(t.TempDir(), "test.pdf")
	if err := os.WriteFile(path, pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	for i, a := range args {
		args[i] = strings.ReplaceAll(a, "FILE", path)
	}
	cmd := exec.CommandContext(t.Context(), tool, args...)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil || complaints.Len() > 0 {
		t.Fatalf("%s: %v: %s", tool, err, &complaints)
	}
	return string(out)
}

// pages returns the text of each page.
func pages(t *testing.T, pdf []byte) []string {
	t.Helper()
	text := poppler(t, pdf, "pdftotext", "-layout", "FILE", "-")
	return strings.Split(strings.TrimSuffix(text, "\f"), "\f")
}

// number finds the numbers of a line after its label.
var number = regexp.MustCompile(`[-+]?\d[\d,]*\.?\d*(?:e[-+]\d+)?`)

// row returns the numbers in the first line that begins with a label.
func row(t *testing.T, text, label string) []float64 {
	t.Helper()
	for _, l := range strings.Split(text, "\n") {
		rest, ok := strings.CutPrefix(strings.TrimSpace(l), label+" ")
		if !ok {
			continue
		}
		var all []float64
		for _, w := range number.FindAllString(rest, -1) {
			x, err := strconv.ParseFloat(strings.ReplaceAll(w, ",", ""), 64)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, x)
		}
		return all
	}
	t.Fatalf("there is no line %q in\n%s", label, text)
	return nil
}

// near compares numbers to so many significant digits.
func near(t *testing.T, what string, got []float64, digits int, want ...float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %v, not %v", what, got, want)
	}
	for i := range got {
		if math.Abs(got[i]-want[i]) > 0.51*math.Pow(10, float64(1-digits))*math.Abs(want[i]) {
			t.Errorf("%s: %v, not %v", what, got[i], want[i])
		}
	}
}

// TestNumbers reads the numbers of the sample back.
func TestNumbers(t *testing.T) {
	r, pdf := document(t, reporttest.Sample(t), report.DefaultOptions(), Options{})
	text := strings.Join(pages(t, pdf), "\n")
	x := r.Tensors[0].Results
	a, b := x[0], x[1]
	near(t, "MAE", row(t, text, "MAE"), 6, float64(a.MAE), float64(b.MAE))
	near(t, "RMSE", row(t, text, "RMSE"), 6, float64(a.RMSE), float64(b.RMSE))
	near(t, "max error", row(t, text, "max error"), 6, float64(a.MaxError), float64(b.MaxError))
	near(t, "SQNR", row(t, text, "SQNR, dB"), 5, float64(a.SQNR), float64(b.SQNR))
	near(t, "clipped", row(t, text, "clipped"), 6, float64(a.Clipped), float64(b.Clipped))
	near(t, "payload", row(t, text, "payload, bytes"), 6, float64(a.Memory.Payload), float64(b.Memory.Payload))
	near(t, "metadata", row(t, text, "metadata, bytes"), 6, float64(a.Memory.Metadata), float64(b.Memory.Metadata))
	near(t, "total", row(t, text, "bytes"), 6, float64(a.Memory.Total), float64(b.Memory.Total))
	near(t, "scale", row(t, text, "scale"), 6, float64(a.Scale[0]), float64(b.Scale[3]), float64(b.Scale[0]))
	near(t, "zero point", row(t, text, "zero point"), 6, float64(a.ZeroPoint[0]), float64(b.ZeroPoint[1]), float64(b.ZeroPoint[2]))
	near(t, "gain", row(t, text, "gain in RMSE"), 3, float64(b.Gain.RMSEFactor))
	for i := range 3 {
		p, c := a.Channels[i], b.Channels[i]
		near(t, fmt.Sprint("channel ", i), row(t, text, strconv.Itoa(i)+"  "), 3,
			float64(p.Min), float64(p.Max), float64(b.Scale[i]), float64(b.ZeroPoint[i]),
			float64(p.RMSE), float64(c.RMSE), float64(p.MaxError), float64(c.MaxError),
			float64(p.SQNR), float64(c.SQNR), float64(p.RMSE)/float64(c.RMSE))
	}
	for _, want := range []string{r.Tensors[0].Verdict[:60], "4×5 F32", "8 bits, signed", "asymmetric", "exact", "Histogram", "1 of 2", "2 of 2", "All 20 elements are shown."} {
		if !strings.Contains(text, want) {
			t.Errorf("the PDF does not say %q", want)
		}
	}
}

// TestSameBytes writes the same report twice.
func TestSameBytes(t *testing.T) {
	_, a := document(t, reporttest.Sample(t), report.DefaultOptions(), Options{})
	_, b := document(t, reporttest.Sample(t), report.DefaultOptions(), Options{})
	if !bytes.Equal(a, b) {
		t.Error("the same report gives different bytes")
	}
	if info := poppler(t, a, "pdfinfo", "FILE"); !strings.Contains(info, "Title:           Quantization of test") {
		t.Errorf("pdfinfo says\n%s", info)
	}
}

// TestConcurrent writes several at once, as a server does.
func TestConcurrent(t *testing.T) {
	src := reporttest.Sample(t)
	r, want := document(t, src, report.DefaultOptions(), Options{})
	d, err := r.Details(t.Context(), src, 1, report.DetailOptions{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			var b bytes.Buffer
			if err := Write(&b, r, d, Options{}); err != nil || !bytes.Equal(b.Bytes(), want) {
				t.Errorf("a PDF written beside others differs: %v", err)
			}
		})
	}
	wait.Wait()
}

// TestWide has numbers that take much room.
func TestWide(t *testing.T) {
	x := []float32{-1.2345678e-38, 3.3333333e38, -3.1111111e37, 1.2345678e-30, 5e-45, -7.7777777e36}
	o := report.DefaultOptions()
	o.Bits, o.GroupSize = 2, 1
	_, pdf := document(t, reporttest.Tensors([]string{"wide"}, []int{3, 2}, x), o, Options{})
	text := strings.Join(pages(t, pdf), "\n")
	for _, l := range strings.Split(text, "\n") {
		if strings.Contains(l, "channel") && strings.Contains(l, "zero point") && len(strings.Fields(l)) != 16 {
			t.Errorf("the head of the table is %q", l)
		}
	}
	poppler(t, pdf, "pdftoppm", "-r", "40", "-png", "FILE", "FILE")
}

// TestPages lists 1000 channels, with the head of the table on every page.
func TestPages(t *testing.T) {
	src := reporttest.Tensors([]string{"many"}, []int{1000, 12}, reporttest.Wave(12000))
	_, pdf := document(t, src, report.DefaultOptions(), Options{Channels: true})
	all := pages(t, pdf)
	next := 0
	for n, p := range all {
		if want := fmt.Sprintf("%d of %d", n+1, len(all)); !strings.Contains(p, want) {
			t.Errorf("page %d is not numbered %q", n+1, want)
		}
		if strings.Contains(p, "Graphs of") {
			continue
		}
		began := next
		for _, l := range strings.Split(p, "\n") {
			if f := strings.Fields(l); len(f) == 12 && f[0] == strconv.Itoa(next) {
				next++
			}
		}
		if next > began && !strings.Contains(p, "zero point") {
			t.Errorf("the table on page %d has no head", n+1)
		}
	}
	if next != 1000 || len(all) < 10 {
		t.Errorf("%d channels on %d pages", next, len(all))
	}
	// Unasked, the worst are listed, and the PDF says so.
	_, pdf = document(t, src, report.DefaultOptions(), Options{})
	if text := strings.Join(pages(t, pdf), ""); !strings.Contains(text, "The 20 worst of 1,000 channels") {
		t.Error("the PDF does not say that channels are left out")
	}
}

// TestNames looks for names that the font cannot show.
func TestNames(t *testing.T) {
	names := []string{"größe.βета.вес", "中.weight", "שלום", "a\nb\x1b[31m", "\U0001f600", "</script>", strings.Repeat("very.long.", 40) + "end", "nospaces" + strings.Repeat("x", 300)}
	_, pdf := document(t, reporttest.Tensors(names, []int{4, 3}, reporttest.Wave(12)), report.DefaultOptions(), Options{})
	text := strings.Join(pages(t, pdf), "\n")
	for _, want := range []string{"größe.βета.вес", "[U+4E2D].weight", "[U+05E9][U+05DC]", `a\nb\x1b[31m`, "[U+1F600]", "</script>", "very.long.end"} {
		if !strings.Contains(strings.ReplaceAll(text, "\n", ""), want) {
			t.Errorf("%q is not in the PDF", want)
		}
	}
	if strings.Contains(text, "中") || strings.Contains(text, "\x1b") {
		t.Error("a name is not escaped")
	}
}

// TestSkipped has tensors that were not compared, and ones without graphs.
func TestSkipped(t *testing.T) {
	var names []string
	for i := range 40 {
		names = append(names, fmt.Sprintf("layer.%d", i))
	}
	src := reporttest.Tensors(names, []int{2, 6}, reporttest.Wave(12))
	o := report.DefaultOptions()
	o.GroupSize, o.Unsigned = 3, true
	r, err := report.Build(t.Context(), "model", src, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Skipped = append(r.Skipped, report.Skipped{Name: "bias", DType: "F32", Reason: "fewer than two dimensions"})
	r.Summary.Skipped = 1
	var b bytes.Buffer
	if err := Write(&b, r, nil, Options{}); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(pages(t, b.Bytes()), "\n")
	for _, want := range []string{"Not compared", "fewer than two dimensions", "40 compared, 1 skipped", "layer.39", "Gain by tensor", "groups of 3"} {
		if !strings.Contains(text, want) {
			t.Errorf("the PDF does not say %q", want)
		}
	}
}

// TestDrawn looks at the pictures: every page has ink, and the graphs colours.
func TestDrawn(t *testing.T) {
	_, pdf := document(t, reporttest.Sample(t), report.DefaultOptions(), Options{})
	ppm := []byte(poppler(t, pdf, "pdftoppm", "-r", "50", "-f", "2", "-l", "2", "FILE"))
	if !bytes.HasPrefix(ppm, []byte("P6")) {
		t.Fatal("there is no picture")
	}
	for _, c := range [][]byte{{0xd5, 0x5e, 0x00}, {0x00, 0x72, 0xb2}} {
		if !bytes.Contains(ppm, c) {
			t.Errorf("nothing on the page of graphs has the colour %x", c)
		}
	}
	if bytes.Contains(pdf, []byte("/Subtype /Image")) {
		t.Error("a graph is a picture, not vectors")
	}
}
