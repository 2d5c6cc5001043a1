package web

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/a01592f9/quant"
)

// testFormats: each format of the library can be chosen, is explained, and has its
// grid drawn below the histogram.
func (b *tab) testFormats() {
	b.open("")
	names := eval[[]string](b, `[...document.getElementById("format").options].map((o) => o.value)`)
	if len(names) != 1+len(quant.Formats()) {
		b.Fatalf("formats: %q", names)
	}
	for _, name := range []string{"fp8_e4m3fn", "fp4_e2m1", "nf4"} {
		b.redraw(choose("format", name))
		want := b.ask(fmt.Sprintf(`{"example":"sample","options":{"format":%q}}`, name))
		b.shows(want)
		if !eval[bool](b, `document.getElementById("bits").disabled && document.querySelector('[name="mapping"]').disabled && document.getElementById("zero_in_range").disabled`) ||
			!strings.Contains(b.text("#format-why"), "do not apply") {
			b.Errorf("%s: what does not apply is offered", name)
		}
		if words := b.text("#format-hint"); strings.Count(words, ". ") != 2 || !strings.Contains(words, "Source: ") {
			b.Errorf("%s is explained as %q", name, words)
		}
		grid := eval[[]float64](b, `document.getElementById("plot-histogram").data[2].x`)
		if len(grid) < 5 || !slices.IsSorted(grid) {
			b.Errorf("%s: the grid is %v", name, grid)
		}
		steps := map[float64]bool{}
		for i := range grid[1:] {
			steps[math.Round(1e5*(grid[i+1]-grid[i]))] = true
		}
		if len(steps) < 2 {
			b.Errorf("%s: all steps of the grid are equal, as those of integers", name)
		}
	}
	if got := b.text("#arithmetic"); !strings.Contains(got, "the code of the nearest value of NF4") || !strings.Contains(got, "scale = max(|−1.7|, |1.44|) / 1 = 1.7") {
		b.Errorf("arithmetic: %s", got)
	}
	if got := eval[string](b, `document.querySelector("#plot-sweep").data.map((t) => t.name).join()`); !strings.Contains(got, "NF4 per channel") {
		b.Errorf("the sweep has %s", got)
	}
	if !eval[bool](b, `[...document.getElementById("method").options].find((o) => o.value === "entropy").disabled`) {
		b.Error("entropy is offered for a format")
	}
	b.reopen(eval[string](b, `location.hash`))
	b.shows(b.ask(`{"example":"sample","options":{"format":"nf4"}}`))
	b.redraw(choose("format", ""))
	b.shows(b.ask(`{"example":"sample"}`))
	for _, f := range quant.Methods() {
		if f.Batches {
			continue
		}
		b.redraw(choose("method", f.Name))
		if got := b.text("#method-hint"); got != "" && got != f.Name+" "+f.Purpose+"." {
			b.Errorf("%s is explained as %q", f.Name, got)
		}
	}
	if got := b.text("#mapping-hint"); !strings.HasPrefix(got, "Asymmetric lays the ends") {
		b.Errorf("the mapping is explained as %q", got)
	}
	// With a format the heatmap of a model is of formats, and says so.
	b.open("#e=convolution&b=8&k=nf4")
	heat := fmt.Sprintf(`document.getElementById("plot-heat").data?.[0].z[0].length === %d`, 2*len(quant.Formats()))
	b.until(heat)
	if got := b.text("#heat-head") + " " + eval[string](b, `document.getElementById("plot-heat").layout.xaxis.ticktext.join()`); !strings.HasPrefix(got, "Each weight in other formats") ||
		!strings.Contains(got, "NF4<br>") || !strings.Contains(got, "FP8<br>E4M3<br>FNUZ<br>") {
		b.Errorf("heatmap of formats: %s", got)
	}
	b.redraw(choose("format", ""))
	b.until(fmt.Sprintf(`document.getElementById("plot-heat").data?.[0].z[0].length === %d`, 2*len(sweepBits)))
	if got := b.text("#heat-head"); got != "Each weight at other widths" {
		b.Errorf("heatmap of integers: %s", got)
	}
}

// testFolder: shards that are dropped or chosen together, and a folder of them, are one
// model.
func (b *tab) testFolder() {
	dir := filepath.Join(b.TempDir(), "model")
	if err := os.Mkdir(dir, 0o700); err != nil {
		b.Fatal(err)
	}
	var paths []string
	for i := range 2 {
		path := filepath.Join(dir, fmt.Sprintf("m-0000%d-of-00002.safetensors", i+1))
		if err := os.WriteFile(path, shardOf(fmt.Sprintf("layer.%d.weight", i), 1, 2, 3, float32(i)+7), 0o600); err != nil {
			b.Fatal(err)
		}
		paths = append(paths, path)
	}
	if err := os.WriteFile(filepath.Join(dir, "README.md"), []byte("about it"), 0o600); err != nil {
		b.Fatal(err)
	}
	shown := func(how, name string) {
		b.until(`document.querySelectorAll("#weights tbody tr").length === 2`)
		if got := b.text("#chosen-name"); got != name+" (safetensors, 2 tensors)" {
			b.Errorf("%s: %q", how, got)
		}
		b.redraw(script(`document.querySelectorAll("#weights tbody .to-channel")[1].click()`))
		b.shows(b.ask(`{"text":"1 2\n3 8"}`))
	}
	b.open("")
	b.redraw(chromedp.SetUploadFiles("#file", paths))
	shown("chosen together", "m-00001-of-00002.safetensors")
	b.open("")
	b.redraw(chromedp.SetUploadFiles("#folder", []string{dir}))
	shown("a folder", "model")
	b.open("")
	b.redraw(script(`{
		const d = new DataTransfer();
		for (const i of [1, 2]) {
			const head = JSON.stringify({ ["layer." + i]: { dtype: "F32", shape: [2, 2], data_offsets: [0, 16] } });
			d.items.add(new File([new BigUint64Array([BigInt(head.length)]), head, new Float32Array([1, 2, 3, 6 + i])], "m-0000" + i + "-of-00002.safetensors"));
		}
		document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: d, bubbles: true, cancelable: true })); }`))
	shown("dropped", "m-00001-of-00002.safetensors")
	b.refused = true
	defer func() { b.refused = false }()
	b.do(chromedp.SetUploadFiles("#file", append(paths[:1:1], filepath.Join(dir, "README.md"))))
	b.until(`!document.getElementById("file-error").hidden || document.getElementById("chosen-name").innerText.includes("1 tensor")`)
}

// testThinned: of a tensor with too many values the extremes are drawn.
func (b *tab) testThinned() {
	b.open("")
	values := make([]float32, 100_000)
	for i := range values {
		values[i] = float32(math.Sin(float64(i)))
	}
	values[77_777] = 50
	path := filepath.Join(b.TempDir(), "large.npy")
	if err := os.WriteFile(path, npy(values...), 0o600); err != nil {
		b.Fatal(err)
	}
	b.redraw(chromedp.SetUploadFiles("#file", []string{path}))
	if note := b.text("#note-elements"); !strings.Contains(note, "of 100,000 elements are shown") {
		b.Errorf("note: %s", note)
	}
	if got := b.text("#codes-none"); !strings.HasPrefix(got, "Codes are listed of tensors of at most 65,536 values.") {
		b.Errorf("codes: %q", got)
	}
	original := eval[[]*float64](b, `document.getElementById("plot-elements").data[0].y`)
	if len(original) > 1000 || !slices.ContainsFunc(original, func(y *float64) bool { return y != nil && *y == 50 }) {
		b.Errorf("%d points, or the peak is gone", len(original))
	}
	if d := b.drawing("elements"); d.Traces[1].Points != d.Traces[0].Points || d.Marks != 0 {
		b.Errorf("drawn: %v", d)
	}
	// A graph that is zoomed loads the values of its stretch, and forgets them when it is not.
	for _, id := range []string{"elements", "errors"} {
		plot := fmt.Sprintf(`document.getElementById("plot-%s")`, id)
		zoom := func(change string) { b.do(script(`Plotly.relayout(%s, %s)`, plot, change)) }
		zoom(`{"xaxis.range": [77700, 77899.5]}`)
		b.until(plot + `.querySelectorAll(".scatterlayer .point").length >= 400`)
		if note := b.text("#note-" + id); !strings.Contains(note, "All 200 elements of this stretch are shown.") {
			b.Errorf("%s, zoomed: %s", id, note)
		}
		if got := eval[[]float64](b, plot+`.layout.xaxis.range`); got[0] != 77_700 || got[1] != 77_899.5 {
			b.Errorf("%s: the zoom is lost when values are loaded: %v", id, got)
		}
		zoom(`{"xaxis.autorange": true}`)
		b.until(plot + `.querySelectorAll(".scatterlayer .point").length === 0`)
	}
	if got := eval[float64](b, `document.getElementById("plot-errors").data[0].y.reduce((a, b) => Math.max(a, Math.abs(b)), 0)`); math.Abs(got-*b.metric("max_error")[0]) > 1e-6*got {
		b.Errorf("the band of errors reaches %v of %v", got, *b.metric("max_error")[0])
	}
	if counted := eval[int](b, `document.getElementById("plot-spread").data[0].y.reduce((a, b) => a + b)`); counted != len(values) {
		b.Errorf("%d errors are counted of %d", counted, len(values))
	}
}

// Limits of what the page takes before its first verdict and for all of it, in bytes
// on the wire.
const (
	mostToVerdict = 80_000
	mostInAll     = 650_000
)

// testBytes: the verdict does not wait for the library of the graphs, and the page is small
// on the wire.
func (b *tab) testBytes() {
	b.do(chromedp.Navigate("about:blank")) // the page before may still ask for something
	call(b, network.ClearBrowserCache, cdp.Empty{})
	b.open("")
	type resource struct {
		Name              string
		Bytes, Start, End float64
	}
	all := eval[[]resource](b, `performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation"))
		.map((e) => ({ Name: e.name, Bytes: e.transferSize, Start: e.startTime, End: e.responseEnd }))`)
	verdict := eval[float64](b, `performance.getEntriesByName("verdict")[0].startTime`)
	var before, sum float64
	graphs := false
	for _, r := range all {
		sum += r.Bytes
		if r.End <= verdict {
			before += r.Bytes
		}
		if strings.HasSuffix(r.Name, "/plotly.js") {
			graphs = true
			if r.Start < verdict {
				b.Errorf("the library of the graphs is asked for %.0f ms before the verdict", verdict-r.Start)
			}
		}
	}
	b.Logf("%.0f bytes and %.0f ms to the first verdict, %.0f bytes in all, of %d files", before, verdict, sum, len(all))
	if !graphs || before == 0 || before > mostToVerdict || sum > mostInAll {
		b.Errorf("%.0f bytes to the verdict, at most %d; %.0f in all, at most %d", before, mostToVerdict, sum, mostInAll)
	}
}

// testNoScript: without JavaScript the page begins with the notice, in view.
func (b *tab) testNoScript() {
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	defer call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: false})
	b.do(chromedp.Navigate("about:blank"), chromedp.Navigate(b.url+"/"))
	top := eval[[]float64](b, `[".noscript", ".top", "#inputs"].map((s) => document.querySelector(s).getBoundingClientRect().top)`)
	if !slices.IsSorted(top) || top[0] != 0 || !strings.Contains(b.text(".noscript"), "This page needs JavaScript.") {
		b.Errorf("the notice, the head and the form are at %v", top)
	}
}

// testTableFits: the table of channels fits its box, or says that it scrolls.
func (b *tab) testTableFits() {
	defer b.look(1400, "light")
	b.look(1440, "light")
	b.open("")
	const fits = `(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth)(document.querySelector("#channels .scroll"))`
	const says = `!document.getElementById("channels-scroll").hidden`
	if !eval[bool](b, fits) || eval[bool](b, says) {
		b.Error("the table does not fit a window of 1440")
	}
	b.do(script(`document.getElementById("channels-all").click()`))
	if n := eval[int](b, `document.querySelectorAll("#channel-table thead tr:last-child th").length`); n != 21 {
		b.Errorf("%d columns in all", n)
	}
	if eval[bool](b, fits) || !eval[bool](b, says) {
		b.Error("all columns fit, or nothing says that they scroll")
	}
	b.do(script(`document.getElementById("channels-all").click()`))
	b.look(390, "light")
	b.until(says)
}

// testLearner: what people try first gets a verdict, or an error that tells what is
// wrong and where.
func (b *tab) testLearner() {
	b.refused = true
	defer func() { b.refused = false }()
	b.open("")
	for _, test := range []struct{ name, text, verdict, problem string }{
		{"whole numbers", "1 2 3\n4 5 6", "Per-channel is worse, as per-tensor is exact here", ""},
		{"one value", "7", "With one channel, per-channel is the same as per-tensor", ""},
		{"zeros", "0 0 0; 0 0 0", "gains nothing, as per-tensor is exact here", ""},
		{"a list of Python", "[[0.1, -0.25, 3e-2],\n [1, 2, 3]]", "Per-channel", ""},
		{"a spreadsheet", "name\ta\tb\nrow 1\t1.5\t2\nrow 2\t30\t41", "Per-channel", ""},
		{"huge values", "3.4e38 -3.4e38\n1 2", "Per-channel", ""},
		{"nothing", "", "", "Line 1, column 1: No values."},
		{"a word", "1 two 3", "", "Line 1, column 3: \"two\" is not a number."},
		{"NaN", "1 2\n3 NaN", "", "Line 2, column 3: \"NaN\" is not a finite number."},
		{"too large", "1e39 2", "", "Line 1, column 1: \"1e39\" overflows float32."},
		{"thousands of a spreadsheet", "1,234.5\t2\n3\t4", "", "Line 1, column 1: \"1,234.5\" is not a number: write thousands without separators."},
		{"a ragged table", "1 2 3\n4 5", "", "Line 2, column 1: Channel 1 has 2 values, channel 0 has 3."},
		{"an empty cell", "1,,3\n4,5,6", "", "Line 1, column 3: Empty field."},
		{"a cut print", "[1.0, 2.0, ..., 9.0]", "", "Line 1, column 12: Values are left out here: print all of them"},
	} {
		if test.problem == "" {
			b.redraw(write("text", test.text))
			if got := b.text("#verdict"); !strings.Contains(got, test.verdict) {
				b.Errorf("%s: verdict %q", test.name, got)
			}
			b.shows(b.ask(`{"text":` + quoted(test.text) + `}`))
			continue
		}
		b.do(script(`document.getElementById("text-error").textContent = ""`), write("text", test.text))
		b.until(`!document.getElementById("text-error").hidden && document.getElementById("text-error").textContent !== "" && document.getElementById("results").getAttribute("aria-busy") === "false"`)
		if got := b.text("#text-error"); !strings.Contains(got, test.problem) {
			b.Errorf("%s: %q", test.name, got)
		}
		if eval[bool](b, `document.getElementById("banner").hidden`) {
			b.Errorf("%s: nothing is said above the results", test.name)
		}
	}
}

// testModelGraphs: the gain of each weight and its errors at other widths are those of
// the interface, and lead to the weight.
func (b *tab) testModelGraphs() {
	b.until(`document.getElementById("plot-heat").data?.[0].z.length === 2`)
	report := b.ask(`{"example":"convolution"}`)
	gains := eval[[][]float64](b, `document.getElementById("plot-gain").data.map((t) => t.x)`)
	order := eval[[]string](b, `document.getElementById("plot-gain").data[0].customdata.map((x) => x[0])`)
	names := eval[[]string](b, `[...document.querySelectorAll("#weights tbody th")].map((e) => e.innerText)`)
	for i, t := range report.Tensors {
		at := slices.Index(order, names[len(names)-1-i]) // the table is sorted, the larger first
		for k, r := range t.Results {
			if at < 0 || gains[k][at] != *r.SQNR {
				b.Errorf("the gain of weight %d is drawn as %v", i, gains)
			}
		}
	}
	sweep := answered[struct {
		Weights []struct {
			Name    string
			Results []struct {
				SQNR float64 `json:"sqnr_db"`
			}
		}
	}](b, post(b, b.url+"/api/sweep", `{"example":"convolution"}`))
	z := eval[[][]float64](b, `document.getElementById("plot-heat").data[0].z`)
	for i, w := range sweep.Weights {
		for k, r := range w.Results {
			if z[i][k] != r.SQNR {
				b.Errorf("%s under scheme %d is drawn as %v, not %v", w.Name, k, z[i][k], r.SQNR)
			}
		}
	}
	for _, id := range []string{"gain", "heat"} {
		for row, name := range map[string][]string{"gain": order, "heat": {sweep.Weights[0].Name, sweep.Weights[1].Name}}[id] {
			b.redraw(script(`document.getElementById("plot-%s").emit("plotly_click", { points: [{ y: %d }] })`, id, row))
			if got := eval[string](b, `document.getElementById("tensor").selectedOptions[0].textContent`); !strings.HasPrefix(got, name+" ") {
				b.Errorf("row %d of %s leads to %q, not %q", row, id, got, name)
			}
		}
	}
}

// paleIn lists texts of the graphs with a contrast below 4.5 against their ground, and traces
// of which neither area nor outline has one of 3.
const paleIn = `(() => {
	const parse = (c) => {
		if (c.startsWith("#")) return [1, 3, 5].map((i) => parseInt(c.slice(i, i + 2), 16)).concat(1);
		const n = c.match(/[\d.]+/g).map(Number);
		return n.length === 3 ? [...n, 1] : n;
	};
	const light = ([r, g, b]) => [r, g, b].map((x) => x / 255).map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4)).reduce((s, x, i) => s + x * [0.2126, 0.7152, 0.0722][i], 0);
	const ground = parse(getComputedStyle(document.documentElement).getPropertyValue("--card").trim());
	const contrast = (c, opacity = 1, below = ground) => {
		const [r, g, b, a] = parse(c), o = a * opacity;
		const [x, y] = [light([r, g, b].map((v, i) => v * o + below[i] * (1 - o))), light(below)].sort((p, q) => q - p);
		return (x + 0.05) / (y + 0.05);
	};
	const pale = [];
	for (const plot of document.querySelectorAll(".plot")) {
		if (!plot.data || plot.hidden) continue;
		for (const t of plot.querySelectorAll("svg text")) {
			const s = getComputedStyle(t), on = t.closest(".hm") ? null : ground;
			if (on && t.textContent && contrast(s.fill, Number(s.fillOpacity)) < 4.5) pale.push(plot.id + ": text " + t.textContent + " " + s.fill);
		}
		for (const d of plot.data) {
			if (d.type === "heatmap") {
				for (const [, c] of d.colorscale) if (contrast(d.textfont.color, 1, parse(c)) < 4.5) pale.push(plot.id + ": numbers on " + c);
				continue;
			}
			const colors = [[d.marker?.color, d.marker?.opacity ?? 1], [d.marker?.line?.color, d.marker?.opacity ?? 1], [d.line?.color, 1]].filter(([c]) => typeof c === "string");
			if (colors.length && Math.max(...colors.map(([c, o]) => contrast(c, o * (d.opacity ?? 1)))) < 3) pale.push(plot.id + ": " + d.name + " " + JSON.stringify(colors));
		}
	}
	return [...new Set(pale)];
})()`

// testContrast: texts and marks of all graphs stand out from their ground.
func (b *tab) testContrast() {
	defer b.look(1400, "light")
	for _, scheme := range []string{"light", "dark"} {
		b.look(1400, scheme)
		for _, fragment := range []string{"#e=pruned&b=4&g=2", "#e=convolution&b=3&t=1&r=mse"} {
			b.open(fragment)
			if strings.Contains(fragment, "convolution") {
				b.until(`document.getElementById("plot-heat").data?.length > 0`)
			}
			if n := eval[int](b, `[...document.querySelectorAll(".plot")].filter((p) => p.data && !p.hidden).length`); n < 8 {
				b.Errorf("%s: %d graphs", fragment, n)
			}
			for _, pale := range eval[[]string](b, paleIn) {
				b.Errorf("%s, %s: %s", scheme, fragment, pale)
			}
		}
	}
}
