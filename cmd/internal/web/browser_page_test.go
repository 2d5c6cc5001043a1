package web

import (
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// testExact: values that one scale keeps exactly, and scales of channels do not.
func (b *tab) testExact() {
	b.open("")
	b.redraw(write("text", "1 2 3\n4 5 6"))
	b.shows(b.ask(`{"text":"1 2 3\n4 5 6"}`))
	if got := b.text("#schemes tbody tr:last-child"); !strings.Contains(got, "worse: per tensor is exact") {
		b.Errorf("last row: %q", got)
	}
	if rows := eval[int](b, `document.querySelectorAll("#channel-table tbody tr").length`); rows != 2 {
		b.Errorf("%d channels", rows)
	}
	b.reopen(eval[string](b, `location.hash`))
	if got := eval[string](b, `document.getElementById("text").value`); got != "1 2 3\n4 5 6" {
		b.Errorf("after a reload the text is %q", got)
	}
}

// window sets the size of the window.
func (b *tab) window(width, height int64) { b.do(chromedp.EmulateViewport(width, height)) }

// inView reports whether an element is wholly in the window.
func (b *tab) inView(selector string) bool {
	return eval[bool](b, fmt.Sprintf(`(({ top, bottom, height }) => height > 0 && top >= 0 && bottom <= innerHeight)(document.querySelector(%q).getBoundingClientRect())`, selector))
}

// inSight waits until an element is in the window and nothing covers it.
func (b *tab) inSight(id string) {
	b.Helper()
	js := fmt.Sprintf(`((e) => {
		const { left, top, width, height } = e.getBoundingClientRect();
		const over = (x, y) => { const o = document.elementFromPoint(x, y); return e.contains(o) ? "" : String(o?.id || o?.tagName) + " "; };
		const covered = over(left + 5, top + 5) + over(left + width / 2, top + height - 5);
		return covered && covered + "at its place: " + JSON.stringify({ left, top, width, height, innerWidth, innerHeight, scrollY });
	})(document.getElementById(%q))`, id)
	said := eval[string](b, js)
	for end := time.Now().Add(patience); said != "" && time.Now().Before(end); said = eval[string](b, js) {
		time.Sleep(50 * time.Millisecond)
	}
	if said != "" {
		b.Fatalf("%s is not in sight: %s", id, said)
	}
}

// testErrorsInView: the button and the reason of a failure need no scrolling.
func (b *tab) testErrorsInView() {
	b.refused = true
	defer func() {
		b.refused = false
		b.look(1400, "light")
	}()
	for _, size := range [][2]int64{{1440, 900}, {1280, 720}, {390, 844}} {
		b.window(size[0], size[1])
		b.open("")
		if phone := size[0] < 500; !phone && !b.inView(".primary") {
			b.Errorf("%v: the button is out of view", size)
		}
		b.redraw(script(`document.querySelector(".primary").click()`))
		b.until(`document.getElementById("verdict-head").getBoundingClientRect().top < innerHeight && document.getElementById("verdict-head").getBoundingClientRect().top > -1`)
		b.do(script(`scrollTo({ top: 0, behavior: "instant" })`))
		b.until(`scrollY === 0`) // a press that follows is then what moves the window
		b.do(choose("method", "percentile"), write("percentile", ""), script(`document.querySelector(".primary").click()`))
		b.until(`!document.getElementById("banner").hidden && document.activeElement.id === "percentile"`)
		for _, id := range []string{"banner-said", "method-error", "percentile"} { // in view, and not covered
			b.inSight(id)
		}
		if got := b.text("#method-error"); got != "A number above 0 and at most 100 is wanted here." {
			b.Errorf("percentile: %q", got)
		}
		if eval[string](b, `document.getElementById("percentile").getAttribute("aria-invalid")`) != "true" {
			b.Error("the percentile is not marked")
		}
		if eval[bool](b, `document.getElementById("stale").hidden`) {
			b.Error("nothing says that the results are older")
		}
		b.do(script(`document.getElementById("banner-close").click()`))
		if !eval[bool](b, `document.getElementById("banner").hidden && !document.getElementById("method-error").hidden`) {
			b.Errorf("%v: the message cannot be closed, or the error at the field goes with it", size)
		}
		b.redraw(write("percentile", "99"))
	}
	// A text that is too long is refused before it is sent.
	b.do(script(`{ const e = document.getElementById("text"); e.value = ("0.125 ".repeat(1000) + "\n").repeat(%d); e.dispatchEvent(new Event("input", {bubbles: true})); }`, 9<<20/6000))
	b.until(`document.getElementById("text-error").textContent.includes("This page takes 8 MiB of text")`)
	// A server that is gone.
	b.open("")
	b.do(script(`window.fetch = () => Promise.reject(new TypeError("Failed to fetch"))`), write("bits", "5"))
	b.until(`document.getElementById("banner").innerText.includes("The server does not answer")`)
	b.shows(b.ask(`{"example":"sample"}`))
}

// testOwnValues: they outlast examples, Start over, links within the page and a
// reload, and undo brings them back.
func (b *tab) testOwnValues() {
	const own = "1 2 3; 4 5 6.5"
	text := func() string { return eval[string](b, `document.getElementById("text").value`) }
	b.open("")
	b.redraw(write("text", own))
	b.redraw(choose("example", "pruned"))
	b.redraw(choose("example", ""))
	if text() != own {
		b.Errorf("after an example: %q", text())
	}
	b.redraw(script(`document.getElementById("start-over").click()`))
	b.redraw(script(`document.getElementById("text").focus(); document.execCommand("undo")`))
	if text() != own {
		b.Errorf("undo after Start over: %q", text())
	}
	b.do(script(`document.querySelector('nav a[href="#channels"]').click()`))
	if hash := eval[string](b, `location.hash`); !strings.Contains(hash, "v=1+2+3") {
		b.Errorf("the navigation leaves the address %s", hash)
	}
	b.reopen("")
	if text() != own {
		b.Errorf("after a reload without the address: %q", text())
	}
	// Values too long for a link.
	r := rand.New(rand.NewPCG(1, 2))
	var long strings.Builder
	for range 9000 {
		fmt.Fprintf(&long, "%v ", float32(r.NormFloat64()))
	}
	b.redraw(write("text", long.String()))
	hash := eval[string](b, `location.hash`)
	if strings.Contains(hash, "d=") || strings.Contains(hash, "v=") {
		b.Fatalf("the link holds them: %d characters", len(hash))
	}
	b.reopen(hash)
	if text() != long.String() {
		b.Errorf("after a reload %d characters instead of %d", len(text()), long.Len())
	}
}

// testCodes: the table of codes, its pages and its file have the codes of the
// interface, and the arithmetic comes to them.
func (b *tab) testCodes() {
	b.open("")
	b.until(`document.querySelectorAll("#codes tbody tr").length === 20`)
	want := b.askCodes(`{"example":"sample","options":{"codes":true}}`)
	got := eval[[]int](b, `[...document.querySelectorAll("#codes tbody td.edge")].map((e) => Number(e.dataset.value))`)
	for i := range 20 {
		if got[2*i] != want.Tensors[0].Results[0].Codes[i] || got[2*i+1] != want.Tensors[0].Results[1].Codes[i] {
			b.Errorf("value %d: codes %v", i, got[2*i:2*i+2])
		}
	}
	for _, line := range []string{"scale = (1.44 − (−1.7)) / (127 − (−128)) = 0.012313", "scale = (0.91 − (−0.33)) / (127 − (−128)) = 0.00486", "zero point = round(−128 − (−0.33) /"} {
		if !strings.Contains(b.text("#arithmetic"), line) {
			b.Errorf("the arithmetic lacks %q: %s", line, b.text("#arithmetic"))
		}
	}
	b.do(script(`document.querySelector('[data-export="codes"]').click()`))
	rows, err := csv.NewReader(strings.NewReader(string(b.saved("quant-sample-codes.csv")))).ReadAll()
	if err != nil || len(rows) != 21 || rows[1][3] != fmt.Sprint(want.Tensors[0].Results[0].Codes[0]) {
		b.Errorf("CSV: %v, %d rows", err, len(rows))
	}
	tip := eval[string](b, `document.getElementById("plot-elements").data[0].customdata[0][2]`)
	if tip != fmt.Sprintf("original 0.12<br>per tensor: code %s, x̂ %v<br>per channel: code %s, x̂ %v",
		strings.ReplaceAll(fmt.Sprint(want.Tensors[0].Results[0].Codes[0]), "-", "−"), want.Tensors[0].Results[0].Reconstructed[0],
		strings.ReplaceAll(fmt.Sprint(want.Tensors[0].Results[1].Codes[0]), "-", "−"), want.Tensors[0].Results[1].Reconstructed[0]) {
		b.Errorf("tooltip: %q", tip)
	}
	b.redraw(write("text", strings.Repeat("0.5 -1.25 3 ", 15)), write("group_size", "4"))
	b.until(`document.querySelectorAll("#codes tbody tr").length === 20 && document.getElementById("codes-said").textContent === "Values 1–20 of 45"`)
	b.do(script(`document.getElementById("codes-on").click()`))
	b.until(`document.getElementById("codes-said").textContent === "Values 21–40 of 45"`)
}

// testReading: the page says how the text was read, and another reading is one
// click away.
func (b *tab) testReading() {
	b.open("")
	for _, test := range []struct{ text, as, doubt, other string }{
		{"1 2 3\n4 5 7", "2 channels × 3 values", "", ""},
		{"1;2;3\n4;5;7", "6 channels × 1 value", "Semicolons end channels, which gives 6 channels of one value.", "2 channels × 3 values"},
		{"1,5;2,5;3,25", "3 channels × 2 values", "Semicolons end channels and commas separate values; the commas may be decimal signs.", "1 channel × 3 values"},
		{pytorchPaste, "a 2×3 array", "", ""},
		{"[[1.5, 2], [3, 4]]", "a 2×2 array", "", ""},
		{"| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |", "2 channels × 2 values", "", ""},
		{"x\ty\nconv1\t1.5\t−2\nconv2\t3\t4", "2 channels × 2 values", "", ""},
	} {
		b.redraw(write("text", test.text))
		if got := b.text("#reading"); !strings.HasPrefix(got, "Read as "+test.as) || !strings.Contains(got, test.doubt) {
			b.Errorf("%q: %q", test.text, got)
		}
		if test.other == "" {
			if n := eval[int](b, `document.querySelectorAll("#reading button").length`); n != 0 {
				b.Errorf("%q: %d other readings", test.text, n)
			}
			continue
		}
		b.redraw(script(`document.querySelector("#reading button").click()`))
		if got := b.text("#reading"); !strings.HasPrefix(got, "Read as "+test.other) || !strings.Contains(got, "This reading was chosen.") {
			b.Errorf("%q, read otherwise: %q", test.text, got)
		}
		if got := eval[string](b, `document.getElementById("text").value`); got != test.text {
			b.Errorf("%q becomes %q", test.text, got)
		}
		b.reopen(eval[string](b, `location.hash`))
		if got := b.text("#reading"); !strings.HasPrefix(got, "Read as "+test.other) {
			b.Errorf("%q, after a reload: %q", test.text, got)
		}
		b.redraw(script(`[...document.querySelectorAll("#reading button")].at(-1).click()`))
		if got := b.text("#reading"); !strings.HasPrefix(got, "Read as "+test.as) {
			b.Errorf("%q, back again: %q", test.text, got)
		}
	}
}

// testTerms: the terms of the field, and each channel's range with what it means.
func (b *tab) testTerms() {
	b.open("")
	if got := b.text(".primary"); got != "Compare Quantization" {
		b.Errorf("button: %q", got)
	}
	for _, term := range []string{"Bit width", "Calibration", "Channel axis", "reconstruct", "Local range", "Why it matters", "Zero point"} {
		if !strings.Contains(strings.ToLower(eval[string](b, `document.body.textContent`)), strings.ToLower(term)) {
			b.Errorf("the page lacks %q", term)
		}
	}
	column := eval[int](b, `[...document.querySelectorAll("#channel-table thead tr:last-child th")].findIndex((e) => e.innerText.trim() === "local range")`)
	got := eval[[]float64](b, fmt.Sprintf(`[...document.querySelectorAll("#channel-table tbody tr")].map((r) => Number(r.children[%d].dataset.value))`, column))
	for i, want := range []float64{1.24, 0.56, 0.76, 0.17} {
		if len(got) != 4 || math.Abs(got[i]-want) > 1e-6 {
			b.Errorf("local ranges: %v", got)
		}
	}
	why := eval[[]string](b, `[...document.querySelectorAll("#channel-table td.why")].map((e) => e.textContent)`)
	if len(why) != 4 || !strings.Contains(why[1], "All above 0: its zero point lies outside of the codes.") ||
		!strings.Contains(why[2], "All below 0: its zero point lies outside of the codes.") || !strings.Contains(why[3], "18.5× narrower") {
		b.Errorf("why: %q", why)
	}
}

// testNarrowRange: it is disabled with a reason where it has no meaning.
func (b *tab) testNarrowRange() {
	b.open("")
	b.do(script(`document.getElementById("advanced").open = true`))
	if !eval[bool](b, `document.getElementById("narrow_range").disabled`) || !strings.Contains(b.text("#narrow_range-why"), "Not with the asymmetric mapping") {
		b.Error("narrow range is offered with the asymmetric mapping")
	}
	b.redraw(script(`document.querySelector('[value="symmetric"]').click()`))
	b.redraw(script(`document.getElementById("narrow_range").click()`))
	b.shows(b.ask(`{"example":"sample","options":{"mapping":"symmetric","narrow_range":true}}`))
	b.redraw(script(`document.querySelector('[value="asymmetric"]').click()`))
	b.shows(b.ask(`{"example":"sample"}`))
}

// testCancel: long work shows its time, and ends when asked to.
func (b *tab) testCancel() {
	b.open("")
	b.do(script(`{ const real = window.fetch;
		window.fetch = (path, o) => o?.signal ? new Promise((_, no) => o.signal.addEventListener("abort", () => no(new DOMException("", "AbortError")))) : real(path, o); }`),
		write("bits", "5"))
	b.until(`!document.getElementById("progress").hidden && /Comparing… \d+\.\d s/.test(document.getElementById("elapsed").textContent)`)
	b.do(script(`document.getElementById("cancel").click()`))
	b.until(`document.getElementById("progress").hidden && document.getElementById("banner").innerText.includes("Cancelled") && document.getElementById("results").getAttribute("aria-busy") === "false"`)
	b.shows(b.ask(`{"example":"sample"}`))
}

// testVerdict: it names the worst channel and says when codes are larger than float32.
func (b *tab) testVerdict() {
	b.open("")
	if got := b.text("#verdict-more"); !strings.Contains(got, "channel 3 has the greatest error") && !strings.Contains(got, "has the greatest error: RMSE") {
		b.Errorf("verdict: %q", got)
	}
	b.redraw(write("text", "1; 2; 3.5"))
	if got := b.text("#verdict-more"); !strings.Contains(got, "Per channel, codes and metadata are larger than float32: 27 bytes instead of 12.") {
		b.Errorf("verdict: %q", got)
	}
}

// testPrint: paper has the values and the options, and none of the controls.
func (b *tab) testPrint() {
	b.open("#v=1+2+3%3B4+5+7&b=5")
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
	defer b.look(1400, "light")
	paper := b.text("body")
	for _, want := range []string{"1 2 3;4 5 7", "5-bit signed codes", "asymmetric mapping"} {
		if !strings.Contains(paper, want) {
			b.Errorf("paper lacks %q", want)
		}
	}
	if strings.Contains(paper, "Start over") {
		b.Error("paper has buttons")
	}
}

// testSteady: what is on view does not move when results arrive.
func (b *tab) testSteady() {
	b.open("")
	b.do(script(`{ window.shift = 0; new PerformanceObserver((l) => { for (const e of l.getEntries()) window.shift += e.value; }).observe({ type: "layout-shift", buffered: true }); }`))
	time.Sleep(300 * time.Millisecond)
	if got := eval[float64](b, `window.shift`); got > 0.1 {
		b.Errorf("the layout has shifted by %.3f", got)
	}
}

// testKeys: Ctrl+Enter compares, and a link skips the toolbars of the graphs.
func (b *tab) testKeys() {
	b.open("")
	b.do(script(`document.getElementById("text").focus()`))
	b.redraw(chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(2)))
	b.do(script(`{ const s = document.querySelector(".skip.inside"); s.focus(); s.click(); }`))
	if got := eval[string](b, `document.activeElement.id`); got != "codes-section" {
		b.Errorf("the link leads to %q", got)
	}
	if first := eval[string](b, `document.body.firstElementChild.localName`); first != "noscript" {
		b.Errorf("without JavaScript the page begins with %s", first)
	}
}

// testQuality: the histogram of errors counts each once, and a sentence stands in
// its place where there is none.
func (b *tab) testQuality() {
	b.open("")
	if got := eval[[]int](b, `document.getElementById("plot-spread").data.map((t) => t.y.reduce((a, b) => a + b))`); len(got) != 2 || got[0] != 20 || got[1] != 20 {
		b.Errorf("errors counted: %v", got)
	}
	b.redraw(write("text", "0 0 0; 0 0 0"))
	if eval[bool](b, `!document.getElementById("plot-spread").hidden`) || !strings.Contains(b.text("#note-spread"), "all schemes are exact") {
		b.Errorf("errors of zeros: %q", b.text("#note-spread"))
	}
	// Where the methods agree a sentence stands in place of their graph.
	if got := b.text("#note-methods"); !eval[bool](b, `document.getElementById("plot-methods").hidden`) || !strings.HasPrefix(got, "All methods choose the same range here, from ") {
		b.Errorf("methods of zeros: %q", got)
	}
	b.redraw(write("text", "1 2 3 40; 4 5 6 7"), write("bits", "3"))
	if got := b.text("#note-methods"); eval[bool](b, `document.getElementById("plot-methods").hidden`) || !strings.HasPrefix(got, "All values with one scale for codes of 3 bits") {
		b.Errorf("methods: %q", got)
	}
}

// testLegends: no legend lies under the toolbar of its graph.
func (b *tab) testLegends() {
	b.open("#e=convolution&b=4&t=1&g=32")
	for _, id := range eval[[]string](b, `[...document.querySelectorAll(".plot")].filter((plot) => {
		const l = plot.querySelector(".legend")?.getBoundingClientRect(), m = plot.querySelector(".modebar")?.getBoundingClientRect();
		return l && m && l.top < m.bottom && l.bottom > m.top && l.left < m.right && l.right > m.left; }).map((e) => e.id)`) {
		b.Errorf("%s: the legend lies under the toolbar", id)
	}
}

// testZoomKept: zoom outlasts a change of the bit width.
func (b *tab) testZoomKept() {
	b.open("")
	b.do(script(`document.querySelector('#plot-elements .modebar-btn[data-attr="zoom"][data-val="in"]').click()`))
	b.until(`document.getElementById("plot-elements").layout.xaxis.range?.[1] < 19`)
	want := eval[float64](b, `document.getElementById("plot-elements").layout.xaxis.range[1]`)
	b.redraw(write("bits", "5"))
	if got := eval[float64](b, `document.getElementById("plot-elements").layout.xaxis.range[1]`); got != want {
		b.Errorf("zoomed to %v, and after a change %v", want, got)
	}
}

// testWeights: a file of several weights has a table of them, which can be
// searched and sorted, and leads to each.
func (b *tab) testWeights() {
	b.open("#e=convolution&b=8")
	names := `[...document.querySelectorAll("#weights tbody th")].map((e) => e.innerText)`
	b.until(names + `.length === 2`)
	all := eval[[]string](b, names)
	if said := b.text("#weights-said"); !strings.HasPrefix(said, "2 weights of ") || !strings.Contains(said, "Per channel: ") {
		b.Errorf("totals: %q", said)
	}
	b.do(write("weights-search", all[1]))
	if got := eval[[]string](b, names); len(got) != 1 || got[0] != all[1] {
		b.Errorf("searched for %q: %q", all[1], got)
	}
	b.do(write("weights-search", ""))
	b.do(script(`[...document.querySelectorAll("#weights .sort")].find((e) => e.innerText.startsWith("shape")).click()`))
	shapes := eval[[]string](b, `[...document.querySelectorAll("#weights tbody td:nth-child(2)")].map((e) => e.innerText)`)
	r := b.ask(`{"example":"convolution"}`)
	if len(r.Tensors) != 2 || len(shapes) != 2 || shapes[0] != "128×64×3" {
		b.Errorf("sorted by size: %q", shapes)
	}
	b.testModelGraphs()
	b.redraw(script(`[...document.querySelectorAll("#weights tbody .to-channel")].find((e) => e.innerText === %q).click()`, all[1]))
	b.shows(b.ask(`{"example":"convolution","tensor":1}`))
}
