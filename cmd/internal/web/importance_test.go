package web

import (
	"bytes"
	"fmt"
	"math"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/a01592f9/quant"
)

// weightedReport is what the page reads of weighted errors.
type weightedReport struct {
	Options struct{ Importance string }
	Tensors []struct {
		Name    string
		Results []struct {
			Scale    []float32
			Weighted *struct {
				RMSE *float64
				SQNR *float64 `json:"sqnr_db"`
			}
		}
	}
}

// weighed posts a form with a request and files: each is the name of the part, the name of the file,
// and its content.
func weighed(t testing.TB, url, request string, parts ...[3]string) apiAnswer {
	t.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	form.WriteField("request", request)
	for _, p := range parts {
		w, err := form.CreateFormFile(p[0], p[1])
		if err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(p[2]))
	}
	form.Close()
	return post(t, url, b.String(), func(r *http.Request) { r.Header.Set("Content-Type", form.FormDataContentType()) })
}

// vectorOf is a safetensors file with a vector of importances, 1 to n, of a weight.
func vectorOf(name string, n int) string {
	var values []float32
	for i := range n {
		values = append(values, float32(i+1))
	}
	data := npy(values...)
	data = data[len(data)-4*n:]
	head := fmt.Sprintf(`{%q:{"dtype":"F32","shape":[%d],"data_offsets":[0,%d]}}`, name, n, 4*n)
	return string(append([]byte{byte(len(head)), 0, 0, 0, 0, 0, 0, 0}, append([]byte(head), data...)...))
}

// TestImportance: a list of importances is that of one tensor, a file has those of the weights that
// it names, and all answers count with them.
func TestImportance(t *testing.T) {
	site := serve(t, testConfig(t))
	x := quant.Tensor{Data: []float32{1, 2, 3, 4.5, -5, 60}, Shape: []int{2, 3}}
	s := quant.Scheme{Bits: 4, Mapping: quant.Symmetric, Method: quant.LeastSquares}
	channel := s
	channel.Granularity = quant.PerChannel(0)
	want, err := quant.CompareWeighted(x, quant.Importance{Axis: 1, Values: []float64{4, 9, 0.5}}, s, channel)
	if err != nil {
		t.Fatal(err)
	}
	const values, options = `"text":"1 2 3\n4.5 -5 60"`, `"options":{"bits":4,"mapping":"symmetric","method":"mse"}`
	request := `{` + values + `,"importance":"4, 9 0.5",` + options + `}`
	check := func(how, importance string, a apiAnswer) {
		t.Helper()
		r := answered[weightedReport](t, a)
		if r.Options.Importance != importance {
			t.Errorf("%s: importance of %q", how, r.Options.Importance)
		}
		for k, w := range want.Weighted {
			got := r.Tensors[0].Results[k]
			if got.Weighted == nil || *got.Weighted.RMSE != w.RMSE || got.Scale[0] != want.Comparison.Results[k].Scale[0] {
				t.Errorf("%s, scheme %d: %+v, want %v", how, k, got.Weighted, w)
			}
		}
	}
	check("a list", "typed importances", post(t, site+"/api/compare", request))
	check("a file without a name", "inputs.csv", weighed(t, site+"/api/compare", `{`+values+`,`+options+`}`, [3]string{"importance", "inputs.csv", "4,9,0.5\n"}))
	for _, path := range []string{"graphs", "elements", "codes", "report.csv", "report.pdf", "sweep"} {
		if a := post(t, site+"/api/"+path, request); a.status != 200 || path == "report.csv" && !strings.Contains(string(a.body), ",weighted_sqnr_db\r\n") ||
			path == "sweep" && !strings.Contains(string(a.body), `"weighted_sqnr_db"`) {
			t.Errorf("%s: %d %.300s", path, a.status, a.body)
		}
	}
	// The curves of all widths have the errors of the table, at its width and at another.
	type curves struct {
		Sweep []struct {
			Bits    int
			Results []struct {
				RMSE     *float64
				Weighted *struct{ RMSE *float64 }
			}
		}
	}
	g := answered[curves](t, post(t, site+"/api/graphs", request))
	for _, bits := range []int{4, 3} {
		a, b := s, channel
		a.Bits, b.Bits = bits, bits
		want, err := quant.CompareWeighted(x, quant.Importance{Axis: 1, Values: []float64{4, 9, 0.5}}, a, b)
		if err != nil {
			t.Fatal(err)
		}
		for k, w := range want.Weighted {
			got := g.Sweep[bits-2].Results[k]
			if got.Weighted == nil || *got.Weighted.RMSE != w.RMSE || *got.RMSE != want.Comparison.Results[k].RMSE {
				t.Errorf("curve %d at %d bits: %+v, want %v", k, bits, got, w)
			}
		}
	}
	// A model, and a file that has one of its weights.
	model := [3]string{"file", "m.safetensors", string(layersFile(2))}
	vector := [3]string{"importance", "inputs.safetensors", vectorOf("layers.1.weight", 128)}
	r := answered[weightedReport](t, weighed(t, site+"/api/compare", `{}`, model, vector))
	for _, x := range r.Tensors {
		if got := x.Results[1].Weighted != nil; got != (x.Name == "layers.1.weight") {
			t.Errorf("%s: weighted is %t", x.Name, got)
		}
	}
	type plan struct {
		Options struct{ Importance string }
		Weights []struct {
			Name     string
			Weighted *float64 `json:"weighted_sqnr_db"`
		}
		Choices struct {
			Weights [][]struct {
				Candidate string
				Weighted  *float64 `json:"weighted_sqnr_db"`
			}
		}
	}
	p := answered[plan](t, weighed(t, site+"/api/plan", `{}`, model, vector))
	if p.Options.Importance != "inputs.safetensors" || p.Weights[0].Weighted != nil || p.Weights[1].Weighted == nil || p.Choices.Weights[1][0].Weighted == nil {
		t.Errorf("%+v", p.Options)
	}
	for _, c := range p.Choices.Weights[1] {
		if c.Weighted != nil && math.IsNaN(*c.Weighted) {
			t.Errorf("candidate %s: %v", c.Candidate, *c.Weighted)
		}
	}
}

// TestImportanceErrors: an error about importances names their field, and one about their number
// both lengths.
func TestImportanceErrors(t *testing.T) {
	config := testConfig(t)
	config.Limits.Elements = 1 << 16
	site := serve(t, config)
	model := [3]string{"file", "m.safetensors", string(layersFile(2))}
	part := func(name, data string) [3]string { return [3]string{"importance", name, data} }
	list := func(request string) apiAnswer { return post(t, site+"/api/compare", request) }
	for _, c := range []struct {
		name, want string
		answer     apiAnswer
	}{
		{"too few", "2 importances, but axis 1 of [2 3] has 3 indices", list(`{"text":"1 2 3\n4 5 6","importance":"1 2"}`)},
		{"negative", "-1 at index 1 is negative or not finite", list(`{"text":"1 2 3\n4 5 6","importance":"1 -1 3"}`)},
		{"not a number", `"x" is not a number`, list(`{"text":"1 2 3\n4 5 6","importance":"1 x 3"}`)},
		{"several tensors", "choose one, or give a file with their names", list(`{"example":"convolution","importance":"1 2 3"}`)},
		{"length in a file", `a.safetensors: entry "layers.1.weight": invalid importance: 3 values, but axis 1 of [64 128] has 128 indices`,
			weighed(t, site+"/api/compare", `{"tensor":1}`, model, part("a.safetensors", vectorOf("layers.1.weight", 3)))},
		{"other names", "it has no importance of any weight", weighed(t, site+"/api/compare", `{}`, model, part("a.safetensors", vectorOf("w", 128)))},
		{"other names of a plan", "it has no importance of any weight", weighed(t, site+"/api/plan", `{}`, model, part("a.safetensors", vectorOf("w", 128)))},
		{"no file of importances", "a.npy: ", weighed(t, site+"/api/compare", `{}`, model, part("a.npy", "\x93NUMPY\x01"))},
		{"both", "a list of importances and a file", weighed(t, site+"/api/compare", `{"importance":"1","tensor":1}`, model, part("a.csv", "1"))},
		{"too many", "importances of more than 65536 values", weighed(t, site+"/api/compare", `{"text":"1 2"}`, part("a.npy", string(npy(make([]float32, 1<<16+1)...))))},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.answer.status != 422 || c.answer.err.Field != "importance" || !strings.Contains(c.answer.err.Message, c.want) {
				t.Errorf("%d %+v, want %s", c.answer.status, c.answer.err, c.want)
			}
		})
	}
}

// testImportance: the page shows weighted errors of a list and of a file, which stay with the link,
// and the error of a wrong length at the field.
func (b *tab) testImportance() {
	b.open("#v=1+2+3%0A4.5+-5+60&b=4&m=s&r=mse")
	weighted := func(how string, a apiAnswer) {
		b.Helper()
		r := answered[weightedReport](b, a)
		var rmse, sqnr []*float64
		for _, x := range r.Tensors[0].Results {
			rmse, sqnr = append(rmse, x.Weighted.RMSE), append(sqnr, x.Weighted.SQNR)
		}
		if !same(b.metric("weighted_rmse"), rmse) || !same(b.metric("weighted_sqnr_db"), sqnr) {
			b.Errorf("%s: weighted errors are not those of the interface", how)
		}
	}
	if len(b.metric("weighted_rmse")) != 0 {
		b.Error("weighted errors without importances")
	}
	const options = `"options":{"bits":4,"mapping":"symmetric","method":"mse"}`
	b.redraw(write("importance", "4, 9, 0.5"))
	weighted("a list", post(b, b.url+"/api/compare", `{"text":"1 2 3\n4.5 -5 60","importance":"4 9 0.5",`+options+`}`))
	b.reopen(eval[string](b, `location.hash`))
	if got := eval[string](b, `document.getElementById("importance").value`); got != "4, 9, 0.5" || !eval[bool](b, `document.getElementById("advanced").open`) {
		b.Errorf("after a link: %q", got)
	}
	weighted("a link", post(b, b.url+"/api/compare", `{"text":"1 2 3\n4.5 -5 60","importance":"4 9 0.5",`+options+`}`))
	b.refused = true
	b.do(write("importance", "4 9"))
	b.until(`!document.getElementById("importance-error").hidden`)
	if got := b.text("#importance-error"); got != "2 importances, but axis 1 of [2 3] has 3 indices." {
		b.Errorf("error: %q", got)
	}
	b.refused = false
	b.redraw(write("importance", ""))
	// A file of importances for one of the weights of a model.
	model, vector := layersFile(2), vectorOf("layers.1.weight", 128)
	path := filepath.Join(b.TempDir(), "inputs.safetensors")
	if err := os.WriteFile(path, []byte(vector), 0o600); err != nil {
		b.Fatal(err)
	}
	b.upload("layers.safetensors", model)
	b.redraw(choose("tensor", "1"))
	b.redraw(chromedp.SetUploadFiles("#importance-file", []string{path}))
	weighted("a file", weighed(b, b.url+"/api/compare", `{"tensor":1,`+options+`}`, [3]string{"file", "layers.safetensors", string(model)}, [3]string{"importance", "inputs.safetensors", vector}))
	if got := b.text("#importance-name"); got != "inputs.safetensors" {
		b.Errorf("chosen: %q", got)
	}
	b.until(`[...document.querySelectorAll("#weights thead th")].some((e) => e.innerText.startsWith("weighted dB"))`)
	if got := eval[int](b, `[...document.querySelectorAll("#weights tbody tr")].filter((r) => r.innerText.includes("–\t–")).length`); got != 1 {
		b.Errorf("%d weights without an importance, want 1", got)
	}
	b.do(script(`document.querySelector("#plan-form button").click()`))
	b.until(`document.querySelectorAll("#plot-front .main-svg").length > 0`)
	if got := b.text("#plan-weights thead"); !strings.Contains(got, "weighted dB") {
		b.Errorf("head of the plan: %q", got)
	}
	if got := b.text("#plan-written"); !strings.Contains(got, "--plan FILE --importance FILE") {
		b.Errorf("how to follow the plan: %q", got)
	}
	b.redraw(script(`document.getElementById("importance-remove").click()`))
	if len(b.metric("weighted_rmse")) != 0 || !eval[bool](b, `document.getElementById("importance-chosen").hidden && !document.getElementById("importance").disabled`) {
		b.Error("the file of importances stays")
	}
}
