package web

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/sample"
)

const convolutionFile = "../../quant/testdata/silero_vad_v5_excerpt.safetensors"

// testConfig is what quant serve serves.
func testConfig(t testing.TB) Config {
	data, err := os.ReadFile(convolutionFile)
	if err != nil {
		t.Fatal(err)
	}
	return Config{
		Examples: append(Examples(), Example{ID: "convolution", Title: "A real convolution", File: "silero_vad_v5_excerpt.safetensors", Data: data}),
		Notices:  "Silero",
		Version:  "quant <test>",
		Origin: func() report.Origin {
			return report.Origin{Date: time.Unix(1_700_000_000, 0), Version: "quant <test>", Command: "quant serve"}
		},
	}
}

// serve serves c as quant serve does, on a port of its own, until the test is over.
func serve(t testing.TB, c Config) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- New(c).Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return "http://" + l.Addr().String()
}

// an apiAnswer is a response that was read.
type apiAnswer struct {
	status int
	header http.Header
	body   []byte
	err    apiError
}

func send(t testing.TB, r *http.Request) apiAnswer {
	t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := apiAnswer{status: resp.StatusCode, header: resp.Header, body: body}
	if resp.StatusCode >= 400 && resp.Header.Get("Content-Type") == jsonType {
		var e struct{ Error apiError }
		if err := json.Unmarshal(body, &e); err != nil {
			t.Fatalf("error is not JSON: %v: %s", err, body)
		}
		a.err = e.Error
	}
	return a
}

func post(t testing.TB, url, body string, edit ...func(*http.Request)) apiAnswer {
	t.Helper()
	r, err := http.NewRequest("POST", url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", jsonType)
	for _, f := range edit {
		f(r)
	}
	return send(t, r)
}

// upload posts a file, with a request beside it if that is not empty.
func upload(t testing.TB, url, name string, data []byte, request string) apiAnswer {
	t.Helper()
	b, kind := form(t, name, data, request)
	return post(t, url, b.String(), func(r *http.Request) { r.Header.Set("Content-Type", kind) })
}

// form returns the body of a form with a file and a request, and its media type.
func form(t testing.TB, name string, data []byte, request string) (*bytes.Buffer, string) {
	t.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	if request != "" {
		form.WriteField("request", request)
	}
	w, err := form.CreateFormFile("file", name)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(data)
	form.Close()
	return &b, form.FormDataContentType()
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// TestSame: what the server answers is what the command line writes.
func TestSame(t *testing.T) {
	url := serve(t, testConfig(t))
	want, err := os.ReadFile("../../quant/testdata/golden/sample.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{
		`{"example":"sample"}`,
		`{"text":` + quoted(sample.Text) + `,"name":"sample"}`,
		`{"text":` + quoted(sample.Text) + `,"name":"sample","tensor":0,"options":{"bits":8,"mapping":"asymmetric"}}`,
	} {
		for _, path := range []string{"/api/compare", "/api/report.json"} {
			a := post(t, url+path, body)
			if a.status != 200 || !bytes.Equal(a.body, want) {
				t.Errorf("%s %s: %d\n%s", path, body, a.status, a.body)
			}
		}
	}

	a := post(t, url+"/api/report.csv", `{"example":"sample"}`)
	golden, err := os.ReadFile("../../quant/testdata/golden/sample-channels.csv")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.body, golden) {
		t.Errorf("CSV: %s", a.body)
	}
	if _, err := csv.NewReader(bytes.NewReader(a.body)).ReadAll(); err != nil {
		t.Error(err)
	}
	if got := a.header.Get("Content-Disposition"); got != "attachment; filename=quant-sample.csv" {
		t.Errorf("Content-Disposition: %s", got)
	}
	if a := post(t, url+"/api/report.pdf", `{"example":"sample"}`); a.status != 200 || !bytes.HasPrefix(a.body, []byte("%PDF-")) ||
		!bytes.Contains(a.body, []byte("D:20231114")) { // the date of testConfig
		t.Errorf("PDF: %d %.40s", a.status, a.body)
	}
}

func TestGraphs(t *testing.T) {
	url := serve(t, testConfig(t))
	a := post(t, url+"/api/graphs", `{"example":"convolution","tensor":1,"options":{"bits":4,"group_size":32},"channel":100}`)
	var got struct {
		Focus      int
		Elements   struct{ Total int }
		Sweep      []struct{ Bits int }
		Histograms []struct{ Channel int }
	}
	if err := json.Unmarshal(a.body, &got); err != nil || a.status != 200 {
		t.Fatalf("%d %v %s", a.status, err, a.body)
	}
	if got.Focus != 100 || got.Elements.Total != 24576 || len(got.Sweep) != 15 || len(got.Histograms) != histograms {
		t.Errorf("got %+v", got)
	}
	if !slices.ContainsFunc(got.Histograms, func(h struct{ Channel int }) bool { return h.Channel == 100 }) {
		t.Error("no histogram of the channel that was asked for")
	}
	for body, field := range map[string]string{
		`{"example":"sample","channel":4}`:  "channel",
		`{"example":"sample","channel":-1}`: "channel",
		`{"example":"convolution"}`:         "tensor",
	} {
		if a := post(t, url+"/api/graphs", body); a.status != 422 || a.err.Field != field {
			t.Errorf("%s: %d %+v", body, a.status, a.err)
		}
	}
}

func TestFiles(t *testing.T) {
	url := serve(t, testConfig(t))
	data := testConfig(t).Examples[4].Data
	a := upload(t, url+"/api/tensors", "m.safetensors", data, "")
	var list report.Inventory
	if err := json.Unmarshal(a.body, &list); err != nil || a.status != 200 || len(list.Tensors) != 2 || list.Kind != "safetensors" {
		t.Fatalf("%d %v %s", a.status, err, a.body)
	}
	a = upload(t, url+"/api/compare", "dir/../m.safetensors", data, `{"tensor":1,"options":{"axis":-1}}`)
	var r struct {
		Source  string
		Tensors []struct {
			Name     string
			Axis     int
			Channels int
		}
	}
	if err := json.Unmarshal(a.body, &r); err != nil || a.status != 200 {
		t.Fatalf("%d %v %s", a.status, err, a.body)
	}
	if r.Source != "m.safetensors" || len(r.Tensors) != 1 || r.Tensors[0].Axis != 2 || r.Tensors[0].Channels != 3 {
		t.Errorf("got %+v", r)
	}
	// The name of CSV makes a header line of the first; typed text has none.
	a = upload(t, url+"/api/compare", "w.csv", []byte("a,b\n1,2\n3,4\n"), "")
	if a.status != 200 {
		t.Errorf("CSV: %d %s", a.status, a.body)
	}
	a = upload(t, url+"/api/compare", "w.npy", npy(1, float32(math.NaN())), "")
	if a.status != 422 || a.err.Field != "file" || !strings.Contains(a.err.Message, "NaN in channel 0, at index 1") {
		t.Errorf("NaN: %d %+v", a.status, a.err)
	}
}

// npy returns a file of one row of values.
func npy(values ...float32) []byte {
	head := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (1, %d), }", len(values))
	b := []byte("\x93NUMPY\x01\x00")
	b = binary.LittleEndian.AppendUint16(b, uint16(len(head)))
	b = append(b, head...)
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

func TestErrors(t *testing.T) {
	url := serve(t, testConfig(t))
	for _, test := range []struct {
		body   string
		status int
		want   apiError
	}{
		{`{"text":"1 2\n3 x"}`, 422, apiError{Message: `"x" is not a number`, Field: "text", Line: 2, Column: 3}},
		{`{"text":"1 2\n3 4 5"}`, 422, apiError{Field: "text", Line: 2, Column: 1}},
		{`{"text":"1 NaN"}`, 422, apiError{Message: `"NaN" is not a finite number`, Field: "text", Line: 1, Column: 3}},
		{`{"text":"1e99"}`, 422, apiError{Field: "text", Line: 1, Column: 1}},
		{`{"text":""}`, 422, apiError{Message: "no values", Field: "text", Line: 1, Column: 1}},
		{`{"text":"\u0000\u0001"}`, 422, apiError{Field: "text"}},
		{`{}`, 422, apiError{Field: "text"}},
		{`{"text":"1","example":"sample"}`, 422, apiError{Field: "text"}},
		{`{"example":"../../etc/passwd"}`, 422, apiError{Field: "example"}},
		{`{"text":"1","name":"` + strings.Repeat("x", 300) + `"}`, 422, apiError{Field: "name"}},
		{`{"text":"1 2","options":{"bits":1}}`, 422, apiError{Message: "1 bits: a code has 2 to 16", Field: "bits"}},
		{`{"text":"1 2","options":{"bits":17}}`, 422, apiError{Field: "bits"}},
		{`{"text":"1 2","options":{"bits":8.5}}`, 400, apiError{Field: "bits", Line: 1}},
		{`{"text":"1 2","options":{"bits":1e999}}`, 400, apiError{Field: "bits", Line: 1}},
		{`{"text":"1 2","options":{"mapping":"log"}}`, 422, apiError{Field: "mapping"}},
		{`{"text":"1 2","options":{"narrow_range":true}}`, 422, apiError{Field: "narrow_range"}},
		{`{"text":"1 2","options":{"group_size":-1}}`, 422, apiError{Field: "group_size"}},
		{`{"text":"1 2","options":{"group_axis":1}}`, 422, apiError{Field: "group_axis"}},
		{`{"text":"1 2","options":{"group_size":2,"group_axis":7}}`, 422, apiError{Field: "group_axis"}},
		{`{"text":"1 2","options":{"axis":2}}`, 422, apiError{Field: "axis"}},
		{`{"text":"1 2","tensor":1}`, 422, apiError{Field: "tensor"}},
		{`{"text":"1 2","tensor":-1}`, 422, apiError{Field: "tensor"}},
		{`{"text":"1 2","options":{"tensors":["nothing"]}}`, 422, apiError{Field: "text"}},
		{`{"text":"1 2","options":{"tensors":["["]}}`, 422, apiError{Field: "tensors"}},
		{`{"text":"1","colour":"red"}`, 400, apiError{Message: `unknown field "colour"`, Field: "body", Line: 1}},
		{`{"text":7}`, 400, apiError{Field: "text", Line: 1}},
		{"{\n \"text\":\n oops}", 400, apiError{Field: "body", Line: 3, Column: 2}},
		{`{"text":"1"`, 400, apiError{Field: "body"}},
		{`{"text":"1"} {"text":"2"}`, 400, apiError{Field: "body"}},
		{``, 400, apiError{Message: "the body is empty", Field: "body"}},
		{`[]`, 400, apiError{Message: "an array, where an object is wanted", Field: "body"}},
		{`{"text":NaN}`, 400, apiError{Field: "body", Line: 1}},
		{strings.Repeat("[", 100_000), 400, apiError{Field: "body"}},
	} {
		a := post(t, url+"/api/compare", test.body)
		got, want := a.err, test.want
		if a.status != test.status || got.Field != want.Field || got.Message == "" ||
			want.Message != "" && got.Message != want.Message ||
			want.Line != 0 && got.Line != want.Line || want.Column != 0 && got.Column != want.Column {
			t.Errorf("%.80s: %d %+v, want %d %+v", test.body, a.status, got, test.status, want)
		}
	}
	if a := post(t, url+"/api/compare", "text=1", func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }); a.status != 415 {
		t.Errorf("text/plain: %d", a.status)
	}
	for _, kind := range []string{"multipart/form-data", "multipart/form-data; boundary="} {
		a := post(t, url+"/api/compare", `{"example":"sample"}`, func(r *http.Request) { r.Header.Set("Content-Type", kind) })
		if a.status != 400 || a.err.Field != "body" || !strings.Contains(a.err.Message, "boundary") {
			t.Errorf("%s: %d %+v", kind, a.status, a.err)
		}
	}
	for _, test := range []struct{ name, form string }{
		{"an unknown part", "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n1\r\n--b--\r\n"},
		{"no end", "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\n1"},
		{"two requests", strings.Repeat("--b\r\nContent-Disposition: form-data; name=\"request\"\r\n\r\n{}\r\n", 2) + "--b--\r\n"},
	} {
		a := post(t, url+"/api/compare", test.form, func(r *http.Request) { r.Header.Set("Content-Type", "multipart/form-data; boundary=b") })
		if a.status != 400 && a.status != 422 || a.err.Field != "body" {
			t.Errorf("%s: %d %+v", test.name, a.status, a.err)
		}
	}
}

// TestAssets: the page has its headers, and no path leads anywhere else.
func TestAssets(t *testing.T) {
	url := serve(t, testConfig(t))
	get := func(path string, edit ...func(*http.Request)) apiAnswer {
		r, err := http.NewRequest("GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.URL.Opaque = "//" + r.URL.Host + path // as it is, not cleaned
		for _, f := range edit {
			f(r)
		}
		return send(t, r)
	}
	for path, kind := range map[string]string{
		"/": "text/html", "/page.css": "text/css", "/app.js": "text/javascript", "/plotly.js": "text/javascript",
		"/icon.svg": "image/svg+xml", "/notices.txt": "text/plain", "/api/examples": "application/json",
	} {
		a := get(path)
		if a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), kind) || len(a.body) == 0 {
			t.Errorf("%s: %d %s", path, a.status, a.header.Get("Content-Type"))
		}
		for name, part := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self';", "X-Content-Type-Options": "nosniff",
			"Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if !strings.Contains(a.header.Get(name), part) {
				t.Errorf("%s: %s is %q", path, name, a.header.Get(name))
			}
		}
		if tag := a.header.Get("ETag"); tag != "" {
			if b := get(path, func(r *http.Request) { r.Header.Set("If-None-Match", tag) }); b.status != 304 {
				t.Errorf("%s again: %d", path, b.status)
			}
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") {
		t.Errorf("the policy is not strict: %s", policy)
	}
	if page := string(get("/").body); !strings.Contains(page, "quant &lt;test&gt;") || strings.Contains(page, "{{") {
		t.Error("the page is not put together")
	}
	for _, path := range []string{
		"/server.go", "/static/", "/static/index.html", "/how.html", "/../server.go", "/../../../../etc/passwd", "/..%2f..%2fetc/passwd",
		"/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/plotly.js/../../x", `/..\..\x`, "/api/", "/api/compare", "/app.js%00", "/.git/config",
	} {
		if a := get(path); a.status < 301 || bytes.Contains(a.body, []byte("root:")) || bytes.Contains(a.body, []byte("package web")) {
			t.Errorf("%s: %d %.80s", path, a.status, a.body)
		}
	}
}

// TestLog: at most one line a request, whatever is in it.
func TestLog(t *testing.T) {
	var log bytes.Buffer
	c := testConfig(t)
	c.Log = &log
	h := New(c).Handler()
	for _, path := range []string{"/", "/api/compare", "/no%0athing%1b[31m", "/" + strings.Repeat("x", 500)} {
		r := httptest.NewRequest("GET", path, nil)
		r.Host = "localhost"
		before := strings.Count(log.String(), "\n")
		h.ServeHTTP(httptest.NewRecorder(), r)
		if n := strings.Count(log.String(), "\n") - before; n > 1 {
			t.Errorf("%s: %d lines", path, n)
		}
	}
	if s := log.String(); strings.Contains(s, "\x1b") || strings.Contains(s, strings.Repeat("x", 100)) {
		t.Errorf("log: %q", s)
	}
}

// TestPanic: an error of this program ends one request, not the server.
func TestPanic(t *testing.T) {
	var log bytes.Buffer
	c := testConfig(t)
	c.Log = &log
	s := New(c)
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", "/api/x", nil)
	r.Host = "localhost"
	s.guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("oh\nno") })).ServeHTTP(w, r)
	if w.Code != 500 || strings.Count(log.String(), "\n") != 1 {
		t.Errorf("%d %s", w.Code, log.String())
	}
}
