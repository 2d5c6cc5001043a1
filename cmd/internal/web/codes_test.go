package web

import (
	"context"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestCodes: the codes of a page are those of the report, and the scale and the
// zero point beside each code are the ones that it was made with.
func TestCodes(t *testing.T) {
	site := serve(t, testConfig(t))
	for _, options := range []string{
		`"bits":8`, `"bits":4,"group_size":2`, `"bits":4,"group_size":3,"group_axis":0`, `"mapping":"symmetric","bits":5,"axis":1`,
		`"unsigned":true,"group_size":2,"axis":1,"group_axis":0`,
	} {
		t.Run(options, func(t *testing.T) {
			a := post(t, site+"/api/codes", `{"example":"sample","from":3,"count":15,"options":{`+options+`}}`)
			var page codePage
			if err := json.Unmarshal(a.body, &page); err != nil || a.status != 200 {
				t.Fatalf("%d %v %s", a.status, err, a.body)
			}
			a = post(t, site+"/api/compare", `{"example":"sample","options":{"codes":true,`+options+`}}`)
			var r codesReport
			if err := json.Unmarshal(a.body, &r); err != nil || a.status != 200 {
				t.Fatalf("%d %v %s", a.status, err, a.body)
			}
			if page.Total != 20 || page.From != 3 || len(page.Original) != 15 || len(page.Results) != len(r.Tensors[0].Results) {
				t.Fatalf("page: %+v", page)
			}
			for k, got := range page.Results {
				for i, q := range got.Codes {
					if int(q) != r.Tensors[0].Results[k].Codes[3+i] {
						t.Errorf("result %d, element %d: code %d", k, 3+i, q)
					}
					back := float64(q-got.ZeroPoint[i]) * float64(got.Scale[i])
					if math.Abs(back-float64(got.Reconstructed[i])) > 1e-6 {
						t.Errorf("result %d, element %d: scale %v and zero point %d give %v, not %v", k, 3+i, got.Scale[i], got.ZeroPoint[i], back, got.Reconstructed[i])
					}
				}
			}
		})
	}
	for body, field := range map[string]string{
		`{"example":"sample","from":-1}`:                  "from",
		`{"example":"sample","count":1001}`:               "count",
		`{"example":"convolution"}`:                       "tensor",
		`{"text":"` + strings.Repeat("1 ", 70_000) + `"}`: "codes",
	} {
		if a := post(t, site+"/api/codes", body); a.status != 422 || a.err.Field != field {
			t.Errorf("%.60s: %d %+v", body, a.status, a.err)
		}
	}
}

// TestReading: beside the report of a text stands how it was read.
func TestReading(t *testing.T) {
	site := serve(t, testConfig(t))
	a := post(t, site+"/api/compare", `{"text":"1 2; 3 4.5"}`)
	plain, err := url.PathUnescape(a.header.Get(readingHeader))
	if err != nil || json.Unmarshal([]byte(plain), &reading{}) != nil {
		t.Errorf("%s: %q %v", readingHeader, plain, err)
	}
	if a := upload(t, site+"/api/compare", "w.npy", npy(1, 2), ""); a.status != 200 || a.header.Get(readingHeader) != "" {
		t.Errorf("of a file: %d %q", a.status, a.header.Get(readingHeader))
	}
	// A doubtful reading comes with the other one, which gives the other shape.
	for _, test := range []struct{ name, data, shape, other string }{
		{"", "1;2;3\n4;5;6", "[6,1]", "[2,3]"},
		{"", "1,5;2,5;3,25", "[3,2]", "[1,3]"},
		{"w.csv", "1;2;3\n4;5;6", "[2,3]", "[6,1]"},
	} {
		ask := func(request string) (apiAnswer, reading) {
			a := upload(t, site+"/api/compare", test.name, []byte(test.data), request)
			if test.name == "" {
				a = post(t, site+"/api/compare", `{"text":`+quoted(test.data)+strings.Replace(request, "{", ",", 1))
			}
			plain, _ := url.PathUnescape(a.header.Get(readingHeader))
			var r reading
			if err := json.Unmarshal([]byte(plain), &r); err != nil {
				t.Fatalf("%q: %v %d %s", test.data, err, a.status, a.body)
			}
			return a, r
		}
		a, r := ask(`{"options":{"bits":8}}`)
		if !strings.Contains(compact(t, a.body), `"shape":`+test.shape) || len(r.Notes) != 1 || !r.Notes[0].Doubtful || r.Notes[0].Other == nil || r.Notes[0].Gives == "" {
			t.Fatalf("%q: %+v", test.data, r)
		}
		other, err := json.Marshal(r.Notes[0].Other)
		if err != nil {
			t.Fatal(err)
		}
		if a, _ := ask(`{"options":{"bits":8},"reading":` + string(other) + "}"); !strings.Contains(compact(t, a.body), `"shape":`+test.other) {
			t.Errorf("%q with %s: %s", test.data, other, a.body)
		}
	}
	for _, wrong := range []string{`{"separator":"dot"}`, `{"decimal":";"}`, `{"separator":"comma","decimal":"comma"}`, `{"skip_rows":-1}`} {
		if a := post(t, site+"/api/compare", `{"text":"1 2","reading":`+wrong+"}"); a.status != 422 || a.err.Field != "reading" {
			t.Errorf("%s: %d %+v", wrong, a.status, a.err)
		}
	}
}

// TestCancelled: when nobody waits for an answer any more, the work for it ends.
func TestCancelled(t *testing.T) {
	c := testConfig(t)
	c.Limits = Limits{Workers: 1}
	s := New(c)
	site := httptest.NewServer(s.Handler())
	defer site.Close()
	values := make([]float32, 4<<20)
	for i := range values {
		values[i] = float32(math.Sin(float64(i)))
	}
	ctx, cancel := context.WithCancel(context.Background())
	body, kind := form(t, "w.npy", npy(values...), `{"options":{"method":"mse"}}`)
	r, err := http.NewRequestWithContext(ctx, "POST", site.URL+"/api/graphs", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	done := make(chan error)
	go func() {
		resp, err := http.DefaultClient.Do(r)
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		done <- err
	}()
	for end := time.Now().Add(20 * time.Second); len(s.workers) == 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the work does not begin")
		}
	}
	time.Sleep(100 * time.Millisecond)
	cancel()
	if err := <-done; err == nil {
		t.Fatal("the work was done before it could be cancelled")
	}
	start := time.Now()
	for len(s.workers) > 0 {
		if time.Since(start) > 5*time.Second {
			t.Fatal("the work goes on")
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Logf("the worker was free after %v", time.Since(start).Round(time.Millisecond))
}
