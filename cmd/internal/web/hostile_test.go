package web

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestLimits sends more than is allowed of everything.
func TestLimits(t *testing.T) {
	c := testConfig(t)
	c.Limits = Limits{Body: 1 << 20, Text: 1 << 20, Elements: 100_000}
	url := serve(t, c)
	check := func(what string, a apiAnswer, status int, field string) {
		t.Helper()
		if a.status != status || a.err.Field != field {
			t.Errorf("%s: %d %+v, want %d %s", what, a.status, a.err, status, field)
		}
	}
	long := `{"text":"` + strings.Repeat("1 ", 1<<20) + `"}`
	check("a long body", post(t, url+"/api/compare", long), 413, "body")
	check("a long body of unknown length", post(t, url+"/api/compare", long, func(r *http.Request) { r.ContentLength = -1 }), 413, "body")
	check("a long file", upload(t, url+"/api/compare", "a.txt", make([]byte, 2<<20), ""), 413, "body")
	check("a long request beside a file", upload(t, url+"/api/compare", "a.txt", []byte("1"), `{"name":"`+strings.Repeat("x", maxRequest)+`"}`), 413, "body")
	check("many elements", post(t, url+"/api/compare", `{"text":"`+strings.Repeat("1 ", 100_001)+`"}`), 413, "text")
	check("many channels", post(t, url+"/api/compare", `{"text":"`+strings.Repeat("1;", 65_537)+`"}`), 413, "axis")
	check("many codes", post(t, url+"/api/compare", `{"text":"`+strings.Repeat("1 ", 65_537)+`","options":{"codes":true}}`), 422, "codes")

	// A megabyte of zeros packs to a kilobyte: the limit must hold before it is unpacked.
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, _ := z.Create("bomb.npy")
	w.Write(npy(make([]float32, 16000)...))
	for _, name := range []string{"x", "y", "z", "p", "q", "r"} {
		w, _ := z.Create(name + ".npy")
		w.Write(npy(make([]float32, 16000)...))
	}
	z.Close()
	check("an npz that inflates", upload(t, url+"/api/compare", "b.npz", b.Bytes(), ""), 413, "file")

	url = serve(t, testConfig(t))
	million := `{"text":"` + strings.Repeat("1 2;", 1_000_000) + `"}`
	check("a million channels", post(t, url+"/api/compare", million), 413, "axis")
	check("a million channels, as a PDF", post(t, url+"/api/report.pdf", million), 413, "axis")
	check("a million groups", post(t, url+"/api/compare", `{"text":"`+strings.Repeat("1 ", 1_000_000)+`","options":{"group_size":1}}`), 413, "group_size")
	check("a million groups in two schemes", post(t, url+"/api/diff", `{"text":"`+strings.Repeat("1 ", 1_000_000)+`","between":["int8","int8:g1"]}`), 413, "between")
	check("a million groups in a preset", post(t, url+"/api/diff", `{"text":"`+strings.Repeat("1 ", 1_000_000)+`","between":["pytorch-int8:g1","int8"]}`), 413, "between")
}

// TestSlow: a body that does not come is not waited for, and keeps nobody
// else from working.
func TestSlow(t *testing.T) {
	c := testConfig(t)
	c.Limits = Limits{Workers: 1, Read: 700 * time.Millisecond}
	url := serve(t, c)
	slow := func() net.Conn {
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST /api/compare HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
		return conn
	}
	var conns []net.Conn
	for range 8 {
		conns = append(conns, slow())
	}
	if a := post(t, url+"/api/compare", `{"example":"sample"}`); a.status != 200 {
		t.Errorf("beside slow ones: %d %s", a.status, a.body)
	}
	for _, conn := range conns {
		conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		answer, _ := io.ReadAll(conn)
		if !strings.HasPrefix(string(answer), "HTTP/1.1 408 ") {
			t.Errorf("got %.200q", answer)
		}
		conn.Close()
	}
}

// TestPatience: a request that has arrived in time may then take longer than that.
func TestPatience(t *testing.T) {
	c := testConfig(t)
	c.Limits = Limits{Workers: 1, Read: 200 * time.Millisecond}
	s := New(c)
	server := httptest.NewUnstartedServer(s.Handler())
	server.Config.ReadTimeout = c.Limits.Read
	server.Start()
	defer server.Close()
	s.workers <- struct{}{} // the only one has work
	time.AfterFunc(600*time.Millisecond, func() { <-s.workers })
	if a := post(t, server.URL+"/api/compare", `{"example":"sample"}`); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}

	// Others are told to come again.
	s.limits.Wait = 50 * time.Millisecond
	s.workers <- struct{}{}
	if a := post(t, server.URL+"/api/compare", `{"example":"sample"}`); a.status != 503 || a.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", a.status, a.body)
	}
	<-s.workers
}

// TestStrangers sends what other sites could make a browser send.
func TestStrangers(t *testing.T) {
	c := testConfig(t)
	c.Hosts = []string{"my-server"}
	url := serve(t, c)
	const body = `{"example":"sample"}`
	host := func(h string) func(*http.Request) { return func(r *http.Request) { r.Host = h } }
	header := func(k, v string) func(*http.Request) { return func(r *http.Request) { r.Header.Set(k, v) } }
	port := url[strings.LastIndexByte(url, ':'):]
	for _, test := range []struct {
		name   string
		edit   func(*http.Request)
		status int
	}{
		{"no Origin", func(*http.Request) {}, 200},
		{"its own Origin", header("Origin", url), 200},
		{"another Origin", header("Origin", "http://evil.example"), 403},
		{"another port", header("Origin", "http://127.0.0.1:1"), 403},
		{"the Origin null", header("Origin", "null"), 403},
		{"cross-site", header("Sec-Fetch-Site", "cross-site"), 403},
		{"same-site", header("Sec-Fetch-Site", "same-site"), 403},
		{"localhost", host("localhost" + port), 200},
		{"localhost, through a tunnel", host("LOCALHOST:9000"), 200},
		{"IPv6", host("[::1]" + port), 200},
		{"a name that is allowed", host("my-server:80"), 200},
		{"DNS rebinding", host("evil.example" + port), 421},
		{"a name like localhost", host("localhost.evil.example"), 421},
		{"a name like an address", host("127.0.0.1.evil.example" + port), 421},
		{"a port that is none", host("localhost:http"), 421},
		{"a Host that is none", host("a b"), 421},
	} {
		if a := post(t, url+"/api/compare", body, test.edit); a.status != test.status {
			t.Errorf("%s: %d %s, want %d", test.name, a.status, a.body, test.status)
		}
	}
	r, _ := http.NewRequest("GET", url+"/", nil)
	r.Host = "evil.example"
	if a := send(t, r); a.status != 421 {
		t.Errorf("the page under another Host: %d", a.status)
	}
}

// TestLoad: of 200 comparisons at once none fails but by being asked to come
// again, and memory stays within what the limits add up to.
func TestLoad(t *testing.T) {
	c := testConfig(t)
	c.Limits = Limits{Pending: 32 << 20}
	url := serve(t, c)
	body := `{"text":"` + strings.Repeat(strings.Repeat("0.125 -3.5 ", 500)+";", 40) + `"}` // 440 kB
	if a := post(t, url+"/api/compare", body); a.status != 200 {
		t.Fatalf("alone: %d %s", a.status, a.body)
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var peak uint64
	stop := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
				runtime.ReadMemStats(&after)
				peak = max(peak, after.HeapAlloc)
			}
		}
	}()
	var mu sync.Mutex
	count := map[int]int{}
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			path := []string{"/api/compare", "/api/graphs", "/api/report.csv", "/api/report.pdf"}[i%4]
			resp, err := http.Post(url+path, jsonType, strings.NewReader(body))
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			_, err = io.Copy(io.Discard, resp.Body)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			count[resp.StatusCode]++
			if resp.StatusCode >= 400 && resp.Header.Get("Retry-After") == "" {
				t.Errorf("%d without Retry-After", resp.StatusCode)
			}
		})
	}
	all.Wait()
	close(stop)
	<-watched
	t.Logf("%v, peak %d MB over %d MB", count, peak>>20, before.HeapAlloc>>20)
	if count[200] == 0 || count[200]+count[429]+count[503] != 200 {
		t.Errorf("answers: %v", count)
	}
	if most := before.HeapAlloc + 256<<20; peak > most {
		t.Errorf("%d MB in use, more than %d MB", peak>>20, most>>20)
	}
}
