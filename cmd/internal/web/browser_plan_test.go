package web

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// upload has the page read a file.
func (b *tab) upload(name string, data []byte) {
	b.Helper()
	path := filepath.Join(b.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		b.Fatal(err)
	}
	b.redraw(chromedp.SetUploadFiles("#file", []string{path}))
}

// testFileNotes: the page says what of a file was left out, and that a model is quantized
// already.
func (b *tab) testFileNotes() {
	b.open("")
	coded, err := os.ReadFile("../convert/testdata/cases/qdq_already.onnx")
	if err != nil {
		b.Fatal(err)
	}
	b.upload("coded.onnx", coded)
	if got := b.text("#file-reading"); got != "Quantized already: 1 weight is codes of DequantizeLinear; 1 node rounds what is computed." {
		b.Errorf("notes of a quantized model: %q", got)
	}
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	add := func(name string, data []byte) {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	add("w.npy", npy(1, 2, 3, 7.5))
	for i := range 7 {
		add(fmt.Sprintf("<b>note %d.txt", i), []byte("words"))
	}
	if err := z.Close(); err != nil {
		b.Fatal(err)
	}
	b.upload("a.npz", archive.Bytes())
	lines := strings.FieldsFunc(b.text("#file-reading"), func(r rune) bool { return r == '\n' })
	if len(lines) != 6 || lines[0] != "Left out: <b>note 0.txt, not an array." || lines[4] != "Left out: <b>note 4.txt, not an array." || lines[5] != "Left out: 2 more." {
		b.Errorf("notes of an archive: %q", lines)
	}
	// The notes go with the file.
	b.redraw(script(`document.getElementById("chosen-remove").click()`))
	if got := b.text("#file-reading"); got != "" {
		b.Errorf("without a file: %q", got)
	}
}

// testPlan: a plan of an uploaded model has the numbers of the interface at each point of
// its front, by mouse and by key, and its file is that of the interface.
func (b *tab) testPlan() {
	b.open("")
	if eval[bool](b, `!document.getElementById("plan-section").hidden`) {
		b.Error("a plan is offered of typed values")
	}
	model := layersFile(3)
	b.upload("layers.safetensors", model)
	b.until(`!document.getElementById("plan-section").hidden`)
	b.do(script(`document.querySelector("#plan-form button").click()`))
	const drawn = `document.querySelectorAll("#plot-front .main-svg").length > 0`
	b.until(drawn)
	p := answered[shownPlan](b, upload(b, b.url+"/api/plan", "layers.safetensors", model, ""))
	type row struct{ Name, Scheme, Bytes string }
	shows := func(k int) {
		b.Helper()
		f := p.Front[k]
		b.until(fmt.Sprintf(`document.getElementById("plan-size").value === "%d" && document.getElementById("plot-front").data[2].x.length === %d`, k, map[bool]int{true: 1, false: 0}[f.SQNR != nil]))
		if got, want := b.text("#plan-verdict"), fmt.Sprintf("3 weights in %s bytes, ", grouped(f.Bytes)); !strings.HasPrefix(got, want) ||
			f.SQNR != nil && !strings.Contains(got, fmt.Sprintf("with %.1f dB. The worst weight, %s, has ", *f.SQNR, p.Choices.Points[k].Worst)) {
			b.Errorf("point %d: %q, want %q", k, got, want)
		}
		rows := eval[[]row](b, `[...document.querySelectorAll("#plan-weights tbody tr")].map((r) => ({ Name: r.children[0].innerText, Scheme: r.children[2].innerText, Bytes: r.children[3].innerText }))`)
		for i, c := range p.choice(k) {
			if want := p.Choices.Weights[i][c]; len(rows) != 3 || rows[i] != (row{p.Weights[i].Name, want.Candidate, grouped(want.Bytes)}) {
				b.Errorf("point %d, weight %d: %+v, want %+v", k, i, rows, want)
			}
		}
	}
	at := eval[int](b, `Number(document.getElementById("plan-size").value)`)
	if p.Front[at].Bytes != p.Summary.Bytes || eval[int](b, `Number(document.getElementById("plan-size").max)`) != len(p.Front)-1 {
		b.Errorf("the slider begins at %d of %d points", at, len(p.Front))
	}
	shows(at)
	b.do(script(`document.getElementById("plan-size").focus()`), chromedp.KeyEvent(kb.ArrowRight))
	shows(at + 1)
	b.do(chromedp.KeyEvent(kb.End))
	shows(len(p.Front) - 1)
	b.do(chromedp.KeyEvent(kb.Home))
	shows(0)
	b.do(script(`document.getElementById("plot-front").emit("plotly_click", { points: [{ data: { name: "best plans" }, customdata: %d }] })`, at))
	shows(at)
	if got := eval[string](b, `document.getElementById("plan-size").getAttribute("aria-valuetext")`); !strings.Contains(got, "bits per weight, ") {
		b.Errorf("the slider is read as %q", got)
	}
	var recipes []string
	for _, r := range p.Recipes {
		recipes = append(recipes, r.Name)
	}
	if got := eval[string](b, `document.getElementById("plot-front").data[1].text.join()`); got != strings.Join(recipes, ",") {
		b.Errorf("recipes drawn: %s, want %v", got, recipes)
	}
	b.do(script(`document.getElementById("plan-save").click()`))
	var file shownPlan
	if err := json.Unmarshal(b.saved("quant-layers-plan.json"), &file); err != nil || file.Summary.Bytes != p.Front[at].Bytes || len(file.Weights) != 3 {
		b.Errorf("saved: %v %+v", err, file)
	}
	b.testPlanLooks()
	b.testPlanFails()
}

// testPlanLooks: axe finds nothing in the section of the plan, it fits a phone, and its
// marks stand out.
func (b *tab) testPlanLooks() {
	defer b.look(1400, "light")
	b.do(script("%s", axe))
	for _, scheme := range []string{"light", "dark"} {
		b.look(390, scheme)
		for _, v := range eval[[]string](b, `axe.run("#plan-section", { resultTypes: ["violations"] }).then((r) => r.violations.flatMap((v) =>
			v.nodes.slice(0, 3).map((n) => v.id + ": " + n.html.slice(0, 160) + " " + n.failureSummary)))`) {
			b.Errorf("%s: %s", scheme, v)
		}
		if got := eval[int](b, `document.documentElement.scrollWidth`); got > 390 {
			b.Errorf("the page is %d wide in a window of 390", got)
		}
	}
}

// testPlanFails: an error stands beside the button, and long work can be cancelled.
func (b *tab) testPlanFails() {
	b.refused = true
	defer func() { b.refused = false }()
	b.do(script(`document.getElementById("plan-candidates").value = "int4:g32, int99"; document.querySelector("#plan-form button").click()`))
	b.until(`document.getElementById("plan-error").innerText.includes("int99") && document.getElementById("plan-progress").hidden`)
	b.do(script(`{ const real = window.fetch;
		window.fetch = (path, o) => path === "api/plan" ? new Promise((_, no) => o.signal.addEventListener("abort", () => no(new DOMException("", "AbortError")))) : real(path, o);
		document.getElementById("plan-candidates").value = ""; document.querySelector("#plan-form button").click(); }`))
	b.until(`!document.getElementById("plan-progress").hidden && /\d\.\d s/.test(document.getElementById("plan-elapsed").textContent) && document.getElementById("plan-error").hidden`)
	b.do(script(`document.getElementById("plan-cancel").click()`))
	b.until(`document.getElementById("plan-progress").hidden && document.getElementById("plan-section").getAttribute("aria-busy") === "false"`)
}

// grouped writes a number with commas, as the page does.
func grouped(n int64) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", grouped(n/1000), n%1000)
}
