package web

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// claim begins a request whose body is said to have size bytes, and sends one.
func claim(t *testing.T, url string, size int) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "POST /api/compare HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: %d\r\n\r\n-", size)
	return conn
}

// TestMinimumRate: a body that comes byte by byte gives the budget back long
// before the time for a whole request is over.
func TestMinimumRate(t *testing.T) {
	c := testConfig(t)
	c.Limits = Limits{Grace: 400 * time.Millisecond, Rate: 1 << 20}
	url := serve(t, c)
	start := time.Now()
	conn := claim(t, url, 60<<20)
	go func() {
		for range 200 {
			time.Sleep(50 * time.Millisecond)
			if _, err := conn.Write([]byte("-")); err != nil {
				return
			}
		}
	}()
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	answer, _ := io.ReadAll(conn)
	if took := time.Since(start); !strings.HasPrefix(string(answer), "HTTP/1.1 408 ") || took > 5*time.Second {
		t.Errorf("after %v: %.100q", took, answer)
	}
	if a := post(t, url+"/api/compare", `{"example":"sample"}`); a.status != 200 {
		t.Errorf("then: %d %s", a.status, a.body)
	}
}

// TestShares: an address that holds its share is refused, and others are not.
func TestShares(t *testing.T) {
	c := testConfig(t)
	c.Limits = Limits{Peer: 8 << 20, Pending: 64 << 20, Grace: 5 * time.Second}
	server := New(c)
	site := httptest.NewServer(server.Handler())
	defer site.Close()
	url := site.URL
	conn := claim(t, url, 3<<20)
	defer conn.Close()
	held := func() int64 {
		server.peers.mu.Lock()
		defer server.peers.mu.Unlock()
		return server.peers.used["127.0.0.1"]
	}
	for end := time.Now().Add(5 * time.Second); held() == 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the claim does not arrive")
		}
	}
	if a := post(t, url+"/api/compare", `{"example":"sample","name":"`+strings.Repeat("x", 150)+`"}`); a.status != 429 {
		t.Errorf("beside the claim: %d %s", a.status, a.body)
	}
	other := &http.Client{Transport: &http.Transport{DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}).DialContext}}
	resp, err := other.Post(url+"/api/compare", jsonType, strings.NewReader(`{"example":"sample"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Errorf("another address: %d", resp.StatusCode)
	}
	s := newShares(10)
	if !s.take("a", 8) || s.take("a", 3) || !s.take("b", 10) {
		t.Error("shares are not of each peer")
	}
	if s.give("a", 8); !s.take("a", 10) {
		t.Error("a share that was given back is gone")
	}
}

// TestCompressed: what is large is compressed for clients that can take it, and
// comes to the same bytes.
func TestCompressed(t *testing.T) {
	url := serve(t, testConfig(t))
	get := func(encoding string) (*http.Response, []byte) {
		r, _ := http.NewRequest("GET", url+"/plotly.js", nil)
		r.Header.Set("Accept-Encoding", encoding)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, body
	}
	_, plain := get("identity")
	resp, packed := get("gzip")
	if resp.Header.Get("Content-Encoding") != "gzip" || len(packed) > len(plain)/2 {
		t.Errorf("%q, %d bytes instead of %d", resp.Header.Get("Content-Encoding"), len(packed), len(plain))
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	if back, err := io.ReadAll(r); err != nil || !bytes.Equal(back, plain) {
		t.Errorf("unpacked: %v, %d bytes instead of %d", err, len(back), len(plain))
	}
	t.Logf("%d bytes, compressed %d", len(plain), len(packed))
}

// TestTimeOfSearch tests that the time for a comparison ends a search that takes minutes, also one
// for a tensor of few values, which is read at once.
func TestTimeOfSearch(t *testing.T) {
	c := testConfig(t)
	c.Limits = Limits{Time: 300 * time.Millisecond}
	url := serve(t, c)
	var values strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&values, "%d.%04d%s", 1000+i%7, i*7919%10007, []string{" ", ";"}[i%600/599])
	}
	body := func(rest string) string { return `{"text":"` + values.String() + `",` + rest + `}` }
	const options = `"options":{"bits":16,"mapping":"symmetric","method":"mae","group_size":8}`
	for _, r := range []struct{ path, rest string }{
		{"/api/compare", options},
		{"/api/graphs", options},
		{"/api/elements", options},
		{"/api/sweep", options},
		{"/api/report.json", options},
		{"/api/report.csv", options},
		{"/api/report.pdf", options},
		{"/api/diff", `"between":["int16:symmetric:g8:mae","int8"]`},
		{"/api/diff", `"between":["int8","int16:symmetric:g8:mae"]`},
		{"/api/plan", `"plan":{"bits_per_weight":8,"candidates":["int16:symmetric:g8:mae","int16:g8:mae"]}`},
	} {
		start := time.Now()
		a := post(t, url+r.path, body(r.rest))
		if took := time.Since(start); a.status != 503 || took > 5*time.Second {
			t.Errorf("%s: %d %.200s after %v", r.path, a.status, a.body, took)
		}
	}
}
