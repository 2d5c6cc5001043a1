package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestServe starts the server as a user does, asks it, and ends it as Ctrl-C does.
func TestServe(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r, w := io.Pipe()
	var stderr bytes.Buffer
	code := make(chan int)
	go func() {
		c := run(ctx, []string{"serve", "--addr", "127.0.0.1:0"}, strings.NewReader(""), w, &stderr)
		w.Close()
		code <- c
	}()
	line, err := bufio.NewReader(r).ReadString('\n')
	url := strings.TrimSpace(line)
	if err != nil || !strings.HasPrefix(url, "http://127.0.0.1:") {
		t.Fatalf("%q %v", line, err)
	}
	resp, err := http.Post(url+"api/compare", "application/json", strings.NewReader(`{"example":"convolution","tensor":1}`))
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode != 200 || !strings.Contains(string(body), "encoder.3.reparam_conv.weight") {
		t.Errorf("%d %.200s", resp.StatusCode, body)
	}
	resp, err = http.Get(url + "notices.txt")
	if err != nil {
		t.Fatal(err)
	}
	body, _ = io.ReadAll(resp.Body)
	resp.Body.Close()
	for _, s := range []string{"plotly.js", "Silero", "MIT License", "SIL OPEN FONT LICENSE", "github.com/spf13/cobra"} {
		if !strings.Contains(string(body), s) {
			t.Errorf("the notices do not name %s", s)
		}
	}
	cancel()
	select {
	case c := <-code:
		if c != exitDone {
			t.Errorf("exit code %d: %s", c, &stderr)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it does not stop")
	}
	if !strings.HasPrefix(stderr.String(), "Ctrl-C ends it.\n") {
		t.Errorf("it does not say how it ends: %s", &stderr)
	}
	if n := strings.Count(stderr.String(), "\n"); n != 2 {
		t.Errorf("%d lines for one comparison: %s", n, &stderr)
	}
}

func TestServeErrors(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	fails(t, exitFailed, "another program listens there; --addr 127.0.0.1:0 takes any free port", "", "serve", "--addr", l.Addr().String())
	for _, addr := range []string{"nonsense", "8080", "127.0.0.1:", "", "::1:80"} {
		fails(t, exitUsage, "is not host:port, as in 127.0.0.1:8080", "", "serve", "--addr", addr)
	}
	fails(t, exitFailed, "--addr 127.0.0.1:99999: ", "", "serve", "--addr", "127.0.0.1:99999")
	fails(t, exitUsage, "", "", "serve", "x")
}

func TestURL(t *testing.T) {
	for addr, want := range map[string]string{
		"127.0.0.1:8080": "http://127.0.0.1:8080/",
		"0.0.0.0:80":     "http://localhost:80/",
		"[::]:80":        "http://localhost:80/",
		"[::1]:80":       "http://[::1]:80/",
	} {
		a, err := net.ResolveTCPAddr("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if got := urlOf(a); got != want {
			t.Errorf("urlOf(%s) = %s", addr, got)
		}
	}
}

// TestServeDate: the variable that sets the date of documents is read when the server
// starts, and not understood only when someone saves one.
func TestServeDate(t *testing.T) {
	t.Setenv(epochVariable, "yesterday")
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"serve", "--addr", "127.0.0.1:0"}, strings.NewReader(""), &stdout, &stderr); code != exitUsage ||
		!strings.Contains(stderr.String(), "SOURCE_DATE_EPOCH=yesterday is not a number of seconds") {
		t.Errorf("exit code %d: %s", code, &stderr)
	}
}
