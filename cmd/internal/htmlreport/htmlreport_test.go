package htmlreport

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/plotly"
	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/report/reporttest"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// write writes the page of a comparison.
func write(t *testing.T, src report.Source, o report.Options) (*report.Report, []*report.Detail, string) {
	t.Helper()
	r, d := reporttest.Build(t, src, o, 12)
	var b bytes.Buffer
	if err := Write(&b, r, d, Options{}); err != nil {
		t.Fatal(err)
	}
	return r, d, b.String()
}

// embedded returns the data of a page.
func embedded(t *testing.T, page string) (d data) {
	t.Helper()
	_, rest, ok := strings.Cut(page, `<script id="data" type="application/json">`)
	text, _, end := strings.Cut(rest, "</script>")
	if !ok || !end {
		t.Fatal("there is no data")
	}
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// own returns a page without Plotly, which is not ours to search.
func own(page string) string { return strings.Replace(page, plotly.Script, "", 1) }

// TestNumbers finds every number of the sample in full precision.
func TestNumbers(t *testing.T) {
	r, details, page := write(t, reporttest.Sample(t), report.DefaultOptions())
	find := func(numbers ...text.Number) {
		t.Helper()
		for _, v := range numbers {
			text, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			if string(text) != "null" && !strings.Contains(page, `data-v="`+string(text)+`"`) {
				t.Errorf("%s is not in the tables", text)
			}
		}
	}
	for _, res := range r.Tensors[0].Results {
		find(res.MAE, res.RMSE, res.MaxError, res.SQNR, text.Number(res.Memory.Total))
		for _, c := range res.Channels {
			find(c.RMSE, c.MaxError, c.SQNR)
		}
	}
	if !strings.Contains(page, `id="verdict">`+strings.ReplaceAll(r.Verdict(), "+", "&#43;")+"<") {
		t.Error("the verdict is not in the page")
	}
	d := embedded(t, page)
	want, err := json.Marshal(details)
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(d.Details)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the data of the graphs are %s, not %s", got, want)
	}
	_, _, again := write(t, reporttest.Sample(t), report.DefaultOptions())
	if again != page {
		t.Error("the same report gives different bytes")
	}
}

// TestSelfContained looks for anything that would be fetched.
func TestSelfContained(t *testing.T) {
	_, _, page := write(t, reporttest.Tensors([]string{"a", "b"}, []int{4, 3}, reporttest.Wave(12)), report.DefaultOptions())
	if !strings.Contains(page, plotly.Script) {
		t.Error("Plotly is not in the page, or altered")
	}
	for _, bad := range []string{"http:", "https:", "src=", "href=", "url(", "@import", "//cdn", "<link", "<iframe", "fetch(", "XMLHttp"} {
		if i := strings.Index(own(page), bad); i >= 0 {
			t.Errorf("%s in the page: %.100s", bad, own(page)[i:])
		}
	}
	policy := regexp.MustCompile(`content="(default-src [^"]*)"`).FindStringSubmatch(page)
	if policy == nil || !strings.Contains(policy[1], "default-src &#39;none&#39;") || strings.Contains(policy[1], "unsafe-eval") {
		t.Errorf("the policy is %q", policy)
	}
	for _, want := range []string{"displaylogo: false", "showSendToCloud: false", plotly.Version, "Permission is hereby granted"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not in the page", want)
		}
	}
}

const hostile = `</script><script>alert(1)</script><img src=x onerror=alert(2)>'"&<b>`

func hostileFile() report.Source {
	return reporttest.Tensors([]string{hostile, "plain", "<!--", "]]>中\u202e"}, []int{4, 3}, reporttest.Wave(12))
}

// TestHostileNames has names that try to be markup.
func TestHostileNames(t *testing.T) {
	r, _, page := write(t, hostileFile(), report.DefaultOptions())
	if n := strings.Count(own(page), "<script"); n != 3 {
		t.Errorf("%d scripts", n)
	}
	for _, bad := range []string{"<img", "<b>alert", "<!--", "alert(1)</script>", "\u202e"} {
		if strings.Contains(strings.ReplaceAll(own(page), script, ""), bad) {
			t.Errorf("%s is in the page", bad)
		}
	}
	if d := embedded(t, page); d.Details[0].Name != r.Tensors[d.Details[0].Tensor].Name {
		t.Errorf("the name became %q", d.Details[0].Name)
	}
}

// TestTables counts the channels that are listed.
func TestTables(t *testing.T) {
	for rows, want := range map[int]int{300: 300, maxRows + 1: 20} {
		_, _, page := write(t, reporttest.Tensors([]string{"w"}, []int{rows, 2}, reporttest.Wave(2*rows)), report.DefaultOptions())
		_, table, _ := strings.Cut(page, `aria-label="Channels of w"`)
		body, _, _ := strings.Cut(table, "</table>")
		if n := strings.Count(body, "<tr>") - 2; n != want {
			t.Errorf("%d of %d channels are listed", n, rows)
		}
	}
}

// TestExtremes has errors that are infinite, and none at all.
func TestExtremes(t *testing.T) {
	for _, x := range [][]float32{{-math.MaxFloat32, math.MaxFloat32, 1, 2}, {0, 0, 0, 0}, {5, 5, 5, 5}} {
		o := report.DefaultOptions()
		o.GroupSize = 1
		_, _, page := write(t, reporttest.Tensors([]string{"w"}, []int{2, 2}, x), o)
		embedded(t, page)
	}
}

// TestBrowser opens pages in Chromium and counts what is drawn. It must be
// there where CI is set.
func TestBrowser(t *testing.T) {
	browser := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			browser = p
			break
		}
	}
	if browser == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("there is no Chromium")
		}
		t.Skip("there is no Chromium")
	}
	for name, test := range map[string]struct {
		src    report.Source
		graphs int // that are drawn before anything is opened
	}{
		"sample":  {reporttest.Sample(t), 7},
		"hostile": {hostileFile(), 8},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, page := write(t, test.src, report.DefaultOptions())
			dir := t.TempDir()
			path := filepath.Join(dir, "page.html")
			if err := os.WriteFile(path, []byte(page), 0o600); err != nil {
				t.Fatal(err)
			}
			args := []string{"--headless", "--disable-gpu", "--user-data-dir=" + filepath.Join(dir, "profile"), "--enable-logging=stderr",
				"--window-size=1200,3000", "--virtual-time-budget=20000", "--dump-dom", "file://" + filepath.ToSlash(path)}
			if os.Geteuid() == 0 {
				args = append([]string{"--no-sandbox"}, args...)
			}
			cmd := exec.CommandContext(t.Context(), browser, args...)
			var log bytes.Buffer
			cmd.Stderr = &log
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v: %s", err, &log)
			}
			dom := strings.ReplaceAll(string(out), plotly.Script, "")
			if n := strings.Count(dom, `class="main-svg"`); n < 2*test.graphs {
				t.Errorf("%d drawings, not %d graphs: %s", n, test.graphs, &log)
			}
			if n := len(regexp.MustCompile(`data-drawn=""`).FindAllString(dom, -1)); n != test.graphs {
				t.Errorf("%d graphs are drawn, not %d", n, test.graphs)
			}
			if n := strings.Count(dom, `class="trace scatter`); n < 9 {
				t.Errorf("%d curves", n)
			}
			if n := strings.Count(dom, `class="point"`); n < 20 {
				t.Errorf("%d points", n)
			}
			if strings.Contains(dom, "<img") {
				t.Error("a name has become markup")
			}
			for _, l := range strings.Split(log.String(), "\n") {
				if strings.Contains(l, ":CONSOLE") {
					t.Error(l)
				}
			}
		})
	}
}

// TestSortKeys checks that what is sorted by is a number.
func TestSortKeys(t *testing.T) {
	_, _, page := write(t, reporttest.Sample(t), report.DefaultOptions())
	keys := regexp.MustCompile(`data-v="([^"]*)"`).FindAllStringSubmatch(page, -1)
	if len(keys) < 40 {
		t.Errorf("%d keys", len(keys))
	}
	for _, k := range keys {
		if _, err := strconv.ParseFloat(strings.ReplaceAll(k[1], "&#43;", "+"), 64); err != nil {
			t.Error(fmt.Errorf("%q: %w", k[1], err))
		}
	}
}
