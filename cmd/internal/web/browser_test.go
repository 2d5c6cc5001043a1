package web

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

//go:embed testdata/axe/axe.min.js
var axe string

// The parts of a report that are compared with what the page shows.
type shownReport struct {
	Tensors []struct {
		Verdict  string
		Channels int
		Results  []struct {
			Scale  []float64
			MAE    *float64
			RMSE   *float64
			Max    *float64 `json:"max_error"`
			SQNR   *float64 `json:"sqnr_db"`
			Memory struct {
				Total int64 `json:"total_bytes"`
			}
			Channels []struct{ RMSE float64 }
		}
	}
}

// ask returns the report that the server makes of a request.
func (b *tab) ask(request string) shownReport {
	b.Helper()
	a := post(b, b.url+"/api/compare", request)
	var r shownReport
	if err := json.Unmarshal(a.body, &r); err != nil || a.status != 200 {
		b.Fatalf("%d %v %s", a.status, err, a.body)
	}
	return r
}

// shows fails unless the page shows the numbers of a report.
func (b *tab) shows(r shownReport) {
	b.Helper()
	if got := b.text("#verdict"); got != r.Tensors[0].Verdict {
		b.Errorf("verdict %q, want %q", got, r.Tensors[0].Verdict)
	}
	var mae, rmse, most, sqnr []*float64
	for _, x := range r.Tensors[0].Results {
		mae, rmse, most, sqnr = append(mae, x.MAE), append(rmse, x.RMSE), append(most, x.Max), append(sqnr, x.SQNR)
	}
	for name, want := range map[string][]*float64{"mae": mae, "rmse": rmse, "max_error": most, "sqnr_db": sqnr} {
		if !same(b.metric(name), want) {
			b.Errorf("%s differs from the JSON", name)
		}
	}
}

func TestBrowser(t *testing.T) {
	all := browseAtOnce(t)
	all.in(t, "sample", (*tab).testSample)
	all.in(t, "upload", (*tab).testUpload)
	all.in(t, "errors", (*tab).testErrors)
	all.in(t, "exports", (*tab).testExports)
	all.in(t, "exact per tensor", (*tab).testExact)
	all.in(t, "random values and options", (*tab).testRandom)
	all.in(t, "errors in view", (*tab).testErrorsInView)
	all.in(t, "own values", (*tab).testOwnValues)
	all.in(t, "codes", (*tab).testCodes)
	all.in(t, "reading", (*tab).testReading)
	all.in(t, "terms", (*tab).testTerms)
	all.in(t, "narrow range", (*tab).testNarrowRange)
	all.in(t, "cancel", (*tab).testCancel)
	all.in(t, "verdict", (*tab).testVerdict)
	all.in(t, "print", (*tab).testPrint)
	all.in(t, "steady", (*tab).testSteady)
	all.in(t, "keys", (*tab).testKeys)
	all.in(t, "graphs", (*tab).testQuality)
	all.in(t, "zoom kept", (*tab).testZoomKept)
	all.in(t, "legends", (*tab).testLegends)
	all.in(t, "weights", (*tab).testWeights)
	all.in(t, "formats", (*tab).testFormats)
	all.in(t, "conventions", (*tab).testConventions)
	all.in(t, "folder", (*tab).testFolder)
	all.in(t, "file notes", (*tab).testFileNotes)
	all.in(t, "plan", (*tab).testPlan)
	all.in(t, "importance", (*tab).testImportance)
	all.in(t, "bytes", (*tab).testBytes)
	all.in(t, "no script", (*tab).testNoScript)
	all.in(t, "table fits", (*tab).testTableFits)
	all.in(t, "learner", (*tab).testLearner)
	if testing.Short() {
		return // a race detector or another processor changes nothing in the browser
	}
	all.in(t, "options", (*tab).testOptions)
	all.in(t, "examples", (*tab).testExamples)
	all.in(t, "thinned", (*tab).testThinned)
	all.in(t, "link", (*tab).testLink)
	all.in(t, "channels", (*tab).testChannels)
	all.in(t, "keyboard", (*tab).testKeyboard)
	all.in(t, "looks", (*tab).testLooks)
	all.in(t, "contrast of graphs", (*tab).testContrast)
}

// points counts what is in the graph with an id: of each trace its name and
// how many points it has, and how many are in the drawing.
type drawing struct {
	Traces []struct {
		Name   string
		Points int
	}
	Marks, Bars int
}

func (b *tab) drawing(id string) drawing {
	b.Helper()
	return eval[drawing](b, fmt.Sprintf(`(() => { const e = document.getElementById("plot-%s"); return {
		Traces: e.data.map((t) => ({ Name: t.name, Points: t.y.filter((y) => y !== null).length })),
		Marks: e.querySelectorAll(".scatterlayer .point").length, Bars: e.querySelectorAll(".barlayer .point").length }; })()`, id))
}

func (d drawing) String() string {
	s := ""
	for _, t := range d.Traces {
		s += fmt.Sprintf("%s %d, ", t.Name, t.Points)
	}
	return fmt.Sprintf("%s%d marks, %d bars", s, d.Marks, d.Bars)
}

func (b *tab) testSample() {
	b.open("")
	r := b.ask(`{"example":"sample"}`)
	b.shows(r)
	if !strings.Contains(b.text("#verdict"), "3.73") {
		b.Errorf("verdict: %s", b.text("#verdict"))
	}
	for id, want := range map[string]string{
		"elements":  "original 20, per tensor 20, per channel 20, 60 marks, 0 bars",
		"errors":    "per tensor 20, per channel 20, 0 marks, 40 bars",
		"channels":  "per tensor 4, per channel 4, 0 marks, 8 bars",
		"histogram": "values 8, codes per tensor 15, codes per channel 256, 271 marks, 8 bars",
		"spread":    "per tensor 41, per channel 41, 0 marks, 0 bars",
		"ranges":    "range of the values 4, codes per tensor 8, codes per channel 8, 16 marks, 4 bars",
		"sweep":     "per tensor 15, per tensor 15, per channel 15, per channel 15, 60 marks, 0 bars",
	} {
		if got := b.drawing(id).String(); got != want {
			b.Errorf("%s: %s, want %s", id, got, want)
		}
	}
	// The numbers in the graphs are those of the report.
	rmse := eval[[]float64](b, `document.getElementById("plot-channels").data[1].y`)
	for i, c := range r.Tensors[0].Results[1].Channels {
		if rmse[i] != c.RMSE {
			b.Errorf("channel %d is drawn at %v, not %v", i, rmse[i], c.RMSE)
		}
	}
	sweep := eval[[]float64](b, `document.getElementById("plot-sweep").data[0].y`)
	if want := *r.Tensors[0].Results[0].RMSE; sweep[8-2] != want {
		b.Errorf("the sweep has %v at 8 bits, not %v", sweep[6], want)
	}
	if buttons := eval[string](b, `[...document.querySelectorAll(".modebar-btn")].map((e) => e.dataset.title ?? e.ariaLabel).join()`); strings.Contains(strings.ToLower(buttons), "share") ||
		strings.Contains(strings.ToLower(buttons), "cloud") || !strings.Contains(strings.ToLower(buttons), "png") {
		b.Errorf("buttons of the graphs: %s", buttons)
	}
	// Zoom and the PNG work.
	b.do(script(`document.querySelector("#plot-elements .modebar-btn").click()`))
	if png := b.saved("quant-elements.png"); !bytes.HasPrefix(png, []byte("\x89PNG")) || len(png) < 5000 {
		b.Errorf("the PNG has %d bytes", len(png))
	}
	before := eval[float64](b, `document.getElementById("plot-elements").layout.xaxis.range?.[1] ?? 99`)
	b.do(script(`document.querySelector('#plot-elements .modebar-btn[data-attr="zoom"][data-val="in"]').click()`))
	b.until(fmt.Sprintf(`document.getElementById("plot-elements").layout.xaxis.range[1] < %v`, before))
}

func (b *tab) testOptions() {
	b.open("")
	click := func(selector string) chromedp.Action[chromedp.Void] {
		return script(`document.querySelector(%q).click()`, selector)
	}
	for _, step := range []struct {
		act     chromedp.Action[chromedp.Void]
		options string
	}{
		{write("bits", "4"), `"bits":4`},
		{click(`[value="unsigned"]`), `"bits":4,"unsigned":true`},
		{click(`[value="signed"]`), `"bits":4`},
		{click("#zero_in_range"), `"bits":4,"zero_in_range":true`},
		{click("#zero_in_range"), `"bits":4`},
		{click(`[value="symmetric"]`), `"bits":4,"mapping":"symmetric"`},
		{click("#narrow_range"), `"bits":4,"mapping":"symmetric","narrow_range":true`},
		{write("bits-slider", "16"), `"bits":16,"mapping":"symmetric","narrow_range":true`},
		{write("bits", "2"), `"bits":2,"mapping":"symmetric","narrow_range":true`},
		{choose("method", "mse"), `"bits":2,"mapping":"symmetric","narrow_range":true,"method":"mse"`},
		{choose("method", "percentile"), `"bits":2,"mapping":"symmetric","narrow_range":true,"method":"percentile=99.9"`},
		{write("percentile", "60"), `"bits":2,"mapping":"symmetric","narrow_range":true,"method":"percentile=60"`},
		{choose("method", "entropy"), `"bits":2,"mapping":"symmetric","narrow_range":true,"method":"entropy"`},
		{choose("method", "minmax"), `"bits":2,"mapping":"symmetric","narrow_range":true`},
		{write("group_size", "2"), `"bits":2,"mapping":"symmetric","narrow_range":true,"group_size":2`},
		{choose("group_axis", "0"), `"bits":2,"mapping":"symmetric","narrow_range":true,"group_size":2,"group_axis":0`},
	} {
		b.redraw(step.act)
		b.shows(b.ask(`{"example":"sample","options":{` + step.options + `}}`))
	}
	if got := b.drawing("elements").String(); got != "original 20, per tensor 20, per channel 20, groups of 2 20, 80 marks, 0 bars" {
		b.Errorf("with groups: %s", got)
	}
	b.redraw(click("#start-over"))
	b.shows(b.ask(`{"example":"sample"}`))
}

func (b *tab) testExamples() {
	b.open("")
	for _, e := range testConfig(b).Examples[1:] {
		b.redraw(choose("example", e.ID))
		request := fmt.Sprintf(`{"example":%q}`, e.ID)
		if e.File != "" {
			request = fmt.Sprintf(`{"example":%q,"tensor":0}`, e.ID)
			if eval[bool](b, `document.getElementById("tensor").value === "1"`) {
				request = fmt.Sprintf(`{"example":%q,"tensor":1}`, e.ID)
			}
		} else if got := eval[string](b, `document.getElementById("text").value`); got != e.Text {
			b.Errorf("%s: the text is %q", e.ID, got)
		}
		b.shows(b.ask(request))
	}
	// The example that is a file has axes.
	b.redraw(choose("tensor", "1"), choose("axis", "2"))
	b.until(`document.querySelectorAll("#channel-table tbody tr").length === 3`)
	b.shows(b.ask(`{"example":"convolution","tensor":1,"options":{"axis":2}}`))
}

func (b *tab) testUpload() {
	b.open("")
	dir := b.TempDir()
	path := func(name string, data []byte) []string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, data, 0o600); err != nil {
			b.Fatal(err)
		}
		return []string{p}
	}
	b.redraw(chromedp.SetUploadFiles("#file", path("my <b>model.safetensors", testConfig(b).Examples[4].Data)))
	if got := b.text("#chosen-name"); got != "my <b>model.safetensors (safetensors, 2 tensors)" {
		b.Errorf("chosen: %q", got)
	}
	b.redraw(choose("tensor", "1"))
	b.shows(b.ask(`{"example":"convolution","tensor":1}`))
	b.redraw(chromedp.SetUploadFiles("#file", path("w.csv", []byte("a,b,c\n1,2,3.5\n-4,5,6\n"))))
	b.shows(b.ask(`{"text":"1,2,3.5\n-4,5,6"}`))
	b.redraw(chromedp.SetUploadFiles("#file", path("w.npy", npy(1, 2, 3, 7.5))))
	b.shows(b.ask(`{"text":"1,2,3,7.5"}`))

	b.refused = true
	defer func() { b.refused = false }()
	b.do(chromedp.SetUploadFiles("#file", path("w.gguf", []byte("GGUF file"))))
	b.until(`!document.getElementById("file-error").hidden`)
	if got := b.text("#file-error"); got != "gguf: file of 9 bytes is shorter than a header." {
		b.Errorf("error: %q", got)
	}
	b.shows(b.ask(`{"text":"1,2,3,7.5"}`)) // the last good result stays
	b.do(script(`{ const d = new DataTransfer(); d.items.add(new File([new Uint8Array(65 << 20)], "large.npy"));
		document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: d, bubbles: true, cancelable: true })); }`))
	b.until(`document.getElementById("file-error").textContent.startsWith("The file has 65 MiB. This page takes 64 MiB")`)
	b.redraw(script(`document.getElementById("chosen-remove").click()`))
	b.shows(b.ask(`{"example":"sample"}`))

	// A file can be dropped.
	b.redraw(script(`{ const d = new DataTransfer(); d.items.add(new File(["1 2 3; 4 5 9"], "dropped.txt"));
		document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: d, bubbles: true, cancelable: true })); }`))
	b.shows(b.ask(`{"text":"1 2 3; 4 5 9"}`))
}

func (b *tab) testErrors() {
	b.open("")
	b.refused = true
	defer func() { b.refused = false }()
	good := b.ask(`{"example":"sample"}`)
	for _, test := range []struct {
		act, undo   chromedp.Action[chromedp.Void]
		field, want string
	}{
		{write("text", "1 2 3\n4 five 6"), write("text", testConfig(b).Examples[0].Text), "text", "Line 2, column 3: \"five\" is not a number."},
		{write("text", ""), write("text", testConfig(b).Examples[0].Text), "text", "Line 1, column 1: No values."},
		{write("bits", "99"), write("bits", "8"), "bits", "99 bits: a code has 2 to 16."},
		{write("bits", ""), write("bits", "8"), "bits", "A whole number from 2 to 16 is wanted here."},
		{write("bits", "7.5"), write("bits", "8"), "bits", "A whole number from 2 to 16 is wanted here."},
		{write("group_size", "-3"), write("group_size", ""), "group_size", "Group size -3 is not positive."},
	} {
		b.do(test.act)
		b.until(fmt.Sprintf(`!document.getElementById("%s-error").hidden && document.getElementById("results").getAttribute("aria-busy") === "false"`, test.field))
		if got := b.text("#" + test.field + "-error"); got != test.want {
			b.Errorf("error of %s: %q, want %q", test.field, got, test.want)
		}
		if eval[string](b, fmt.Sprintf(`document.getElementById(%q).getAttribute("aria-invalid")`, test.field)) != "true" {
			b.Errorf("%s is not marked", test.field)
		}
		b.shows(good)
		if eval[bool](b, `document.getElementById("stale").hidden`) {
			b.Error("nothing says that the result is an older one")
		}
		if test.want[0] == 'L' && strings.Contains(test.want, "five") {
			b.do(script(`document.querySelector("#text-error button").click()`))
			if got := eval[string](b, `getSelection().toString() || (({ value, selectionStart, selectionEnd }) => value.slice(selectionStart, selectionEnd))(document.getElementById("text"))`); got != "five" {
				b.Errorf("selected: %q", got)
			}
		}
		b.redraw(test.undo)
		if !eval[bool](b, `document.getElementById("stale").hidden && document.querySelectorAll(".error:not([hidden])").length === 0`) {
			b.Error("the error stays")
		}
	}
}

func (b *tab) testExports() {
	b.open("")
	r := b.ask(`{"example":"sample"}`)
	press := func(kind string) { b.do(script(`document.querySelector('[data-export="%s"]').click()`, kind)) }

	press("json")
	var back shownReport
	if err := json.Unmarshal(b.saved("quant-sample.json"), &back); err != nil {
		b.Fatal(err)
	}
	b.shows(back)

	press("csv")
	rows, err := csv.NewReader(bytes.NewReader(b.saved("quant-sample.csv"))).ReadAll()
	if err != nil || len(rows) != 1+2*(1+4) {
		b.Fatalf("CSV: %v, %d rows", err, len(rows))
	}
	column := slices.Index(rows[0], "rmse")
	channel := slices.Index(rows[0], "channel")
	scheme := slices.Index(rows[0], "granularity")
	for _, row := range rows[1:] {
		result := r.Tensors[0].Results[slices.Index([]string{"per_tensor", "per_channel"}, row[scheme])]
		want := *result.RMSE
		if row[channel] != "" {
			i, _ := strconv.Atoi(row[channel])
			want = result.Channels[i].RMSE
		}
		if got, err := strconv.ParseFloat(row[column], 64); err != nil || got != want {
			b.Errorf("CSV has the RMSE %s, JSON %v", row[column], want)
		}
	}

	press("pdf")
	pdf := b.saved("quant-sample.pdf")
	if !bytes.HasPrefix(pdf, []byte("%PDF-")) || !bytes.Contains(pdf, []byte("%%EOF")) {
		b.Errorf("not a PDF: %.40q", pdf)
	}
	if tool, err := exec.LookPath("pdftotext"); err == nil {
		command := exec.Command(tool, "-", "-")
		command.Stdin = bytes.NewReader(pdf)
		text, err := command.Output()
		rmse := fmt.Sprintf("%.4g", *r.Tensors[0].Results[0].RMSE)
		if plain := strings.Join(strings.Fields(string(text)), " "); err != nil || !strings.Contains(plain, r.Tensors[0].Verdict) || !strings.Contains(plain, rmse) ||
			!strings.Contains(plain, "Made on 2023-11-14 by quant <test> with quant serve") {
			b.Errorf("the PDF says %v %s", err, plain)
		}
	}
	if again := post(b, b.url+"/api/report.pdf", `{"example":"sample","options":{"bits":8,"axis":0}}`); !bytes.Equal(again.body, pdf) {
		b.Error("the PDF is not that of the interface")
	}
}

func (b *tab) testLink() {
	b.open("")
	b.redraw(write("text", "1 2 3; 4 5 6.25"), write("bits", "5"), script(`document.querySelector('[value="symmetric"]').click()`), choose("method", "mae"), write("group_size", "2"))
	b.until(`location.hash.includes("g=2")`)
	want := b.ask(`{"text":"1 2 3; 4 5 6.25","options":{"bits":5,"mapping":"symmetric","method":"mae","group_size":2}}`)
	hash := eval[string](b, `location.hash`)
	b.open(hash)
	b.shows(want)
	if got := eval[string](b, `document.getElementById("text").value`); got != "1 2 3; 4 5 6.25" {
		b.Errorf("text: %q", got)
	}
	b.do(script(`document.getElementById("link").click()`))
	b.until(`document.getElementById("link-said").textContent !== ""`)

	// Longer values are packed.
	long := strings.Repeat("0.125 -0.25 0.5 1 2 -4.5 0.0625 8;\n", 200)
	b.redraw(write("text", long))
	b.until(`location.hash.includes("d=")`)
	hash = eval[string](b, `location.hash`)
	if len(hash) > 2000 {
		b.Errorf("the link has %d characters", len(hash))
	}
	b.open(hash)
	if got := eval[string](b, `document.getElementById("text").value`); got != long {
		b.Errorf("text of %d characters instead of %d", len(got), len(long))
	}
	b.open("#e=convolution&b=3&t=1&a=1&c=9")
	b.shows(b.ask(`{"example":"convolution","tensor":1,"options":{"bits":3,"axis":1}}`))
	if got := eval[string](b, `document.getElementById("channel").value`); got != "9" {
		b.Errorf("channel: %s", got)
	}
	// A link that is broken, or made up, breaks nothing.
	b.refused = true
	defer func() { b.refused = false }()
	for _, hash := range []string{"#b=8&d=!!!", "#b=8&e=nothing", "#b=8&v=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E", "#b=99"} {
		b.do(chromedp.Navigate("about:blank"), chromedp.Navigate(b.url+"/"+hash))
		b.until(isDrawn + ` > 0 || document.querySelector(".error:not([hidden])") !== null`)
	}
}

func (b *tab) testChannels() {
	b.open("#e=convolution&b=4&t=1")
	r := b.ask(`{"example":"convolution","tensor":1,"options":{"bits":4}}`)
	order := func() []int {
		return eval[[]int](b, `[...document.querySelectorAll("#channel-table tbody tr")].map((r) => Number(r.dataset.channel))`)
	}
	want := make([]int, 128)
	for i := range want {
		want[i] = i
	}
	if got := order(); !slices.Equal(got, want[:25]) {
		b.Errorf("first page: %v", got)
	}
	b.do(script(`[...document.querySelectorAll("#channel-table .sort")].find((e) => e.textContent.startsWith("per tensor")).click()`))
	base := r.Tensors[0].Results[0].Channels
	slices.SortStableFunc(want, func(i, j int) int {
		switch {
		case base[i].RMSE > base[j].RMSE:
			return -1
		case base[i].RMSE < base[j].RMSE:
			return 1
		}
		return 0
	})
	if got := order(); !slices.Equal(got, want[:25]) {
		b.Errorf("by RMSE: %v, want %v", got, want[:25])
	}
	if got := eval[string](b, `document.querySelector('#channel-table [aria-sort="descending"]').innerText.trim()`); !strings.HasPrefix(got, "per tensor") {
		b.Errorf("sorted by %q", got)
	}
	b.do(script(`document.getElementById("page-last").click()`))
	if got := order(); !slices.Equal(got, want[125:]) || b.text("#page-said") != "Rows 126–128 of 128" {
		b.Errorf("last page: %v %s", got, b.text("#page-said"))
	}
	// A channel's number shows it in the histogram.
	b.do(script(`document.querySelector("#channel-table .to-channel").click()`))
	b.until(fmt.Sprintf(`document.getElementById("note-histogram").textContent.startsWith("Channel %d,")`, want[125]))
	counted := eval[int](b, `document.getElementById("plot-histogram").data[0].y.reduce((a, b) => a + b)`)
	if counted != 192 {
		b.Errorf("the histogram counts %d of 192 values", counted)
	}
}

// testKeyboard goes through the page with the tab key.
func (b *tab) testKeyboard() {
	b.open("")
	b.do(script(`document.getElementById("advanced").open = true`))
	reached := map[string]bool{}
	for range 160 {
		b.do(chromedp.KeyEvent(kb.Tab))
		reached[eval[string](b, `document.activeElement.id || document.activeElement.name || document.activeElement.dataset.export || document.activeElement.className`)] = true
	}
	for _, id := range []string{
		"skip", "example", "text", "file", "bits-slider", "bits", "sign", "mapping", "method", "zero_in_range", "group_size", "group_axis",
		"start-over", "csv", "pdf", "json", "link", "modebar-btn", "channels-log", "channel", "sort",
	} {
		found := false
		for r := range reached {
			found = found || strings.HasPrefix(r, id)
		}
		if !found {
			b.Errorf("the tab key does not reach %s", id)
		}
	}
	b.do(script(`document.querySelector('[value="asymmetric"]').focus()`))
	b.redraw(chromedp.KeyEvent(kb.ArrowRight))
	b.shows(b.ask(`{"example":"sample","options":{"mapping":"symmetric"}}`))
}

// testLooks: no horizontal scrolling on a phone, and no violation of what axe
// checks, in either colour scheme.
func (b *tab) testLooks() {
	for _, fragment := range []string{"#e=sample&b=8", "#e=convolution&b=4&t=1&g=32"} {
		for _, width := range []int64{360, 768, 1920} {
			b.look(width, "light")
			b.open(fragment)
			if got := eval[int64](b, `document.documentElement.scrollWidth`); got > width {
				b.Errorf("%s is %d wide in a window of %d", fragment, got, width)
			}
		}
	}
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{360, 1400} {
			b.look(width, scheme)
			b.open("#e=pruned&b=4&g=2") // not thousands of marks: axe looks at each
			b.do(script(`document.querySelectorAll("details").forEach((d) => { d.open = true; })`), script("%s", axe))
			for _, v := range eval[[]string](b, `axe.run(document, { resultTypes: ["violations"] }).then((r) => r.violations.flatMap((v) =>
				v.nodes.slice(0, 3).map((n) => v.id + ": " + n.html.slice(0, 160) + " " + n.failureSummary)))`) {
				b.Errorf("%s, %d wide: %s", scheme, width, v)
			}
		}
		paper := eval[string](b, `document.querySelector("#plot-elements .main-svg").style.background`)
		if dark := strings.Contains(paper, "27, 31, 36"); dark != (scheme == "dark") {
			b.Errorf("%s: graphs on %s", scheme, paper)
		}
	}
	b.look(1400, "light")
}
