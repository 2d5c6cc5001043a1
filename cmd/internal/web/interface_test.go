package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/a01592f9/quant"
)

// compact returns JSON without blanks.
func compact(t testing.TB, data []byte) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, data); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// answered decodes the answer to a request, which must not be an error.
func answered[T any](t testing.TB, a apiAnswer) (v T) {
	t.Helper()
	if err := json.Unmarshal(a.body, &v); err != nil || a.status != 200 {
		t.Fatalf("%d %v %s", a.status, err, a.body)
	}
	return v
}

// TestChoices: the page offers what the library has, each with an explanation.
func TestChoices(t *testing.T) {
	site := serve(t, testConfig(t))
	r, err := http.NewRequest("GET", site+"/api/examples", nil)
	if err != nil {
		t.Fatal(err)
	}
	c := answered[struct {
		Methods, Mappings []struct{ Name, Purpose string }
		Formats           []struct {
			Name, Title, About, Source string
			Bits                       int
			Values                     []*float64
		}
	}](t, send(t, r))
	methods := 0
	for _, m := range quant.Methods() {
		if m.Batches {
			continue
		}
		if got := c.Methods[methods]; got.Name != m.Name || got.Purpose != m.Purpose {
			t.Errorf("method %s is offered as %+v", m.Name, got)
		}
		methods++
	}
	if len(c.Methods) != methods || len(c.Mappings) != 2 || len(c.Formats) != len(quant.Formats()) {
		t.Errorf("%d methods, %d mappings, %d formats", len(c.Methods), len(c.Mappings), len(c.Formats))
	}
	for _, m := range c.Mappings {
		if m.Purpose == "" {
			t.Errorf("mapping %s has no explanation", m.Name)
		}
	}
	for i, f := range quant.Formats() {
		got := c.Formats[i]
		if got.Name != f.String() || got.Bits != f.Width() || len(got.Values) != 1<<got.Bits {
			t.Errorf("format %v is offered as %+v", f, got)
		}
		sentences := strings.Count(got.About+" ", ". ")
		if got.Title == "" || got.Source == "" || sentences != 2 {
			t.Errorf("format %v: %q, %d sentences, source %q", f, got.Title, sentences, got.Source)
		}
	}
}

// TestElements: a stretch of a tensor has its values and errors, whatever the size of
// the tensor.
func TestElements(t *testing.T) {
	site := serve(t, testConfig(t))
	values := make([]float32, 50_000)
	for i := range values {
		values[i] = float32(math.Sin(float64(i)))
	}
	type curves struct {
		Total, From, To, Bins int
		Position              []int
		Original              []float32
	}
	whole := answered[curves](t, upload(t, site+"/api/elements", "w.npy", npy(values...), `{}`))
	if whole.Total != len(values) || whole.Bins == 0 || len(whole.Position) > 4096 || whole.To != len(values) {
		t.Errorf("all: %d points in %d bins", len(whole.Position), whole.Bins)
	}
	part := answered[curves](t, upload(t, site+"/api/elements", "w.npy", npy(values...), `{"from":40000,"count":300}`))
	if part.Bins != 0 || part.From != 40_000 || part.To != 40_300 || len(part.Original) != 300 || part.Original[7] != values[40_007] {
		t.Errorf("a part: %+v", part)
	}
	for _, wrong := range []string{`{"from":50000}`, `{"from":-1}`} {
		if a := upload(t, site+"/api/elements", "w.npy", npy(values...), wrong); a.status != 422 || a.err.Field != "from" {
			t.Errorf("%s: %d %+v", wrong, a.status, a.err)
		}
	}
}

// TestSweep: every weight of a file under several widths.
func TestSweep(t *testing.T) {
	site := serve(t, testConfig(t))
	s := answered[struct {
		Schemes []struct{ Bits int }
		Weights []struct {
			Name    string
			Results []struct{ RMSE float64 }
		}
	}](t, post(t, site+"/api/sweep", `{"example":"convolution","options":{"group_size":32}}`))
	r := answered[shownReport](t, post(t, site+"/api/compare", `{"example":"convolution","options":{"bits":4,"group_size":32}}`))
	if len(s.Schemes) != 3*len(sweepBits) || len(s.Weights) != len(r.Tensors) {
		t.Fatalf("%d schemes, %d weights", len(s.Schemes), len(s.Weights))
	}
	for i, x := range r.Tensors {
		for k, scheme := range s.Schemes {
			if want := *x.Results[k/len(sweepBits)].RMSE; scheme.Bits == 4 && s.Weights[i].Results[k].RMSE != want {
				t.Errorf("weight %d, scheme %d: %v, want %v", i, k, s.Weights[i].Results[k].RMSE, want)
			}
		}
	}
}

// TestSweepFormats: with a format every weight is compared under all formats.
func TestSweepFormats(t *testing.T) {
	site := serve(t, testConfig(t))
	for _, options := range []string{`{"format":"nf4","group_size":32,"method":"mse"}`, `{"format":"nf4","group_size":32,"scales":"e8m0_floor"}`} {
		checkSweepFormats(t, site, `{"example":"convolution","options":`+options+`}`)
	}
}

// checkSweepFormats tests that the errors of a sweep are those of the comparison that the same request asks for.
func checkSweepFormats(t *testing.T, site, request string) {
	s := answered[struct {
		Schemes []struct{ Name, Granularity string }
		Weights []struct {
			Results []struct{ RMSE float64 }
		}
	}](t, post(t, site+"/api/sweep", request))
	r := answered[shownReport](t, post(t, site+"/api/compare", request))
	each := len(quant.Formats())
	if len(s.Schemes) != 3*each || len(s.Weights) != len(r.Tensors) {
		t.Fatalf("%d schemes, %d weights", len(s.Schemes), len(s.Weights))
	}
	found := 0
	for k, scheme := range s.Schemes {
		if !strings.HasPrefix(scheme.Name, "nf4:") {
			continue
		}
		found++
		for i, x := range r.Tensors {
			if got, want := s.Weights[i].Results[k].RMSE, *x.Results[k/each].RMSE; got != want {
				t.Errorf("weight %d, %s: %v, want %v", i, scheme.Name, got, want)
			}
		}
	}
	if found != 3 {
		t.Errorf("%d schemes of nf4", found)
	}
}

// TestFormatReports: a format goes into all reports that the page saves.
func TestFormatReports(t *testing.T) {
	site := serve(t, testConfig(t))
	for _, path := range []string{"report.json", "report.csv", "report.pdf", "codes.csv", "graphs"} {
		a := post(t, site+"/api/"+path, `{"example":"sample","options":{"format":"nf4","group_size":2}}`)
		if a.status != 200 || len(a.body) < 500 {
			t.Errorf("%s: %d %.200s", path, a.status, a.body)
		}
		if path == "report.csv" && !strings.Contains(string(a.body), ",nf4\r\n") {
			t.Errorf("%s lacks the format: %.300s", path, a.body)
		}
	}
	if a := post(t, site+"/api/compare", `{"example":"sample","options":{"format":"fp3"}}`); a.status != 422 || a.err.Field != "format" && a.err.Field != "options" {
		t.Errorf("%d %+v", a.status, a.err)
	}
}

// shardOf is a safetensors file with one tensor of 2 x 2 values.
func shardOf(name string, values ...float32) []byte {
	data := npy(values...)
	data = data[len(data)-4*len(values):]
	head := fmt.Sprintf(`{%q:{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}`, name)
	return append([]byte{byte(len(head)), 0, 0, 0, 0, 0, 0, 0}, append([]byte(head), data...)...)
}

// TestFolder: the shards of a model are compared as one.
func TestFolder(t *testing.T) {
	site := serve(t, testConfig(t))
	send := func(names ...string) apiAnswer {
		var b bytes.Buffer
		form := multipart.NewWriter(&b)
		form.WriteField("request", `{"name":"folder"}`)
		for i, name := range names {
			w, err := form.CreateFormFile("file", name)
			if err != nil {
				t.Fatal(err)
			}
			w.Write(shardOf(fmt.Sprintf("layer.%d.weight", i), 1, 2, 3, float32(i)))
		}
		form.Close()
		return post(t, site+"/api/compare", b.String(), func(r *http.Request) { r.Header.Set("Content-Type", form.FormDataContentType()) })
	}
	r := answered[struct {
		Source  string
		Tensors []struct{ Name string }
	}](t, send("m-00001-of-00002.safetensors", "m-00002-of-00002.safetensors"))
	if r.Source != "folder" || len(r.Tensors) != 2 || r.Tensors[1].Name != "layer.1.weight" {
		t.Errorf("%+v", r)
	}
	if a := send("m-00001-of-00003.safetensors", "m-00002-of-00003.safetensors"); a.status != 422 || a.err.Field != "file" || !strings.Contains(a.err.Message, "part 3 of 3 is missing") {
		t.Errorf("without a part: %d %+v", a.status, a.err)
	}
	many := make([]string, maxFiles+1)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	if a := send(many...); a.status != 422 || !strings.Contains(a.err.Message, "more than 1000 files") {
		t.Errorf("too many: %d %+v", a.status, a.err)
	}
}
