package web

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// A tab is a page of the calculator in a real browser. Its methods end the
// test if something goes wrong.
type tab struct {
	testing.TB
	ctx       context.Context
	url       string // of the server
	downloads string

	mu       sync.Mutex
	complain []string // errors on the console, and requests to others
	refused  bool     // answers of 4xx are meant
}

// patience is for a page to have drawn all its graphs on a busy machine.
const patience = 45 * time.Second

// browsers are tabs of browsers of their own, each with its own server, which parts of a
// test use at the same time. Each browser has the focus, its storage and its downloads
// for itself.
type browsers chan *tab

// atOnce is how many parts run at a time: drawing graphs keeps a core busy.
const atOnce = 2

// browseAtOnce starts as many browsers as go test runs tests in parallel, at most atOnce.
func browseAtOnce(t *testing.T) browsers {
	n := min(atOnce, goruntime.GOMAXPROCS(0))
	all := make(browsers, n)
	for range n {
		all <- browse(t)
	}
	return all
}

// in runs a part of a test in a tab that no other part uses then.
func (all browsers) in(t *testing.T, name string, part func(b *tab)) {
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		b := <-all
		defer func() { all <- b }()
		b.as(t, func() { part(b) })
	})
}

// browse starts Chromium and opens a tab. Without QUANT_CHROMIUM the test is
// skipped; in continuous integration it fails.
func browse(t *testing.T) *tab {
	path := os.Getenv("QUANT_CHROMIUM")
	if path == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("QUANT_CHROMIUM names no browser, so the page would go untested")
		}
		t.Skip("QUANT_CHROMIUM names no browser")
	}
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(time.Minute))...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 20*time.Minute)
	t.Cleanup(cancel)
	b := &tab{TB: t, ctx: ctx, url: serve(t, testConfig(t)), downloads: t.TempDir()}
	if err := chromedp.Listen(ctx, b.heard); err != nil {
		t.Fatal(err)
	}
	call(b, network.Enable, network.EnableParams{})
	call(b, cdplog.Enable, cdp.Empty{})
	call(b, runtime.Enable, cdp.Empty{})
	call(b, cdpbrowser.SetDownloadBehavior, cdpbrowser.SetDownloadBehaviorParams{
		Behavior: cdpbrowser.SetDownloadBehaviorBehaviorAllow, DownloadPath: b.downloads,
	})
	b.look(1400, "light")
	return b
}

// in runs a part of a test.
func (b *tab) in(t *testing.T, name string, f func()) {
	t.Run(name, func(t *testing.T) { b.as(t, f) })
}

// as runs f, during which the tab complains to t.
func (b *tab) as(t *testing.T, f func()) {
	outer := b.TB
	b.TB = t
	defer func() { b.TB = outer }()
	f()
	b.mu.Lock()
	defer b.mu.Unlock()
	slices.Sort(b.complain)
	for _, s := range slices.Compact(b.complain) {
		t.Error(s)
	}
	b.complain = nil
}

// abortedAsItStarts is what Chromium writes, rarely, about a request that the page takes back while it starts:
// its body is closed already, counts as a stream, and HTTP/1.1 cannot send those. A request that is not taken
// back and fails does not show its results, for which every part waits.
const abortedAsItStarts = "net::ERR_ALPN_NEGOTIATION_FAILED"

// heard notes what must not happen.
func (b *tab) heard(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		url := e.Request.URL
		if !strings.HasPrefix(url, b.url+"/") && !strings.HasPrefix(url, "data:") && !strings.HasPrefix(url, "blob:"+b.url) {
			b.complain = append(b.complain, "a request to another host: "+url)
		}
	case *runtime.EventExceptionThrown:
		b.complain = append(b.complain, fmt.Sprintf("exception: %s %+v", e.ExceptionDetails.Text, e.ExceptionDetails.Exception))
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" {
			b.complain = append(b.complain, fmt.Sprintf("console: %s %+v", e.Type, e.Args))
		}
	case *cdplog.EventEntryAdded:
		meant := e.Entry.Source == "network" && (b.refused || strings.Contains(e.Entry.Text, abortedAsItStarts))
		if !meant && (e.Entry.Level == "error" || e.Entry.Level == "warning") {
			b.complain = append(b.complain, "console: "+e.Entry.Text+" "+e.Entry.URL)
		}
	}
}

func call[P, R any](b *tab, command cdp.Command[P, R], params P) R {
	b.Helper()
	r, err := chromedp.Call(b.ctx, command, params)
	if err != nil {
		b.Fatal(err)
	}
	return r
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.Fatal(err)
	}
}

// eval returns the value of a JavaScript expression; a promise's is awaited.
func eval[T any](b *tab, js string) T {
	b.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](js, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatalf("%v in %s", err, js)
	}
	return v
}

// until waits for a JavaScript expression to be true. It does not ask at each frame: a browser that has
// nothing to draw, or no time for it, makes none.
func (b *tab) until(js string) {
	b.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Poll[bool](js, chromedp.WithPollingInterval(20*time.Millisecond), chromedp.WithPollingTimeout(patience))); err != nil {
		b.Fatalf("%v: %s", err, js)
	}
}

// look sets the width of the window and the colour scheme.
func (b *tab) look(width int64, scheme string) {
	b.Helper()
	b.do(chromedp.EmulateViewport(width, 900))
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
}

const isDrawn = `Number(document.getElementById("results").dataset.done ?? 0)`

// open opens the page with a fragment, as one who has never been there, and
// waits until all is drawn.
func (b *tab) open(fragment string) {
	b.Helper()
	b.do(script(`try { sessionStorage.clear(); localStorage.clear(); } catch {}`))
	b.reopen(fragment)
}

// reopen is open with what the browser has kept.
func (b *tab) reopen(fragment string) {
	b.Helper()
	b.do(chromedp.Navigate("about:blank"), chromedp.Navigate(b.url+"/"+fragment))
	b.until(isDrawn + " > 0")
}

// redraw does something and waits until all is drawn anew.
func (b *tab) redraw(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	n := eval[int](b, isDrawn)
	b.do(steps...)
	b.until(fmt.Sprintf(`%s > %d && document.getElementById("results").getAttribute("aria-busy") === "false"`, isDrawn, n))
}

// script is a step of JavaScript.
func script(format string, args ...any) chromedp.Action[chromedp.Void] {
	return chromedp.Evaluate[chromedp.Void](fmt.Sprintf(format, args...))
}

// choose picks an option of a select as a user does.
func choose(id, value string) chromedp.Action[chromedp.Void] {
	return script(`{ const e = document.getElementById(%q); e.value = %q; e.dispatchEvent(new Event("change", {bubbles: true})); }`, id, value)
}

// write replaces the text of an input.
func write(id, text string) chromedp.Action[chromedp.Void] {
	return script(`{ const e = document.getElementById(%q); e.value = %s; e.dispatchEvent(new Event("input", {bubbles: true})); }`, id, quoted(text))
}

// text returns what an element shows.
func (b *tab) text(selector string) string {
	b.Helper()
	return eval[string](b, fmt.Sprintf(`document.querySelector(%q).innerText`, selector))
}

// metric returns a number of the table of schemes, for each scheme.
func (b *tab) metric(name string) []*float64 {
	b.Helper()
	return eval[[]*float64](b, fmt.Sprintf(
		`[...document.querySelectorAll('#schemes [data-metric="%s"]')].map((e) => JSON.parse(e.dataset.value))`, name))
}

// saved waits for a download to be complete and returns it.
func (b *tab) saved(name string) []byte {
	b.Helper()
	path := filepath.Join(b.downloads, name)
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if data, err := os.ReadFile(path); err == nil && len(data) > 0 {
			os.Remove(path)
			return data
		}
	}
	found, _ := os.ReadDir(b.downloads)
	b.Fatalf("%s was not downloaded; there are %v", name, found)
	return nil
}

// same reports whether both lists hold the same numbers, or null.
func same(a, b []*float64) bool {
	return slices.EqualFunc(a, b, func(x, y *float64) bool {
		return x == nil && y == nil || x != nil && y != nil && *x == *y
	})
}

// codesReport are the parts of a report with codes that the page is compared with.
type codesReport struct {
	Tensors []struct {
		Results []struct {
			Codes         []int
			Reconstructed []float64
		}
	}
}

// askCodes returns the report with codes that the server makes of a request.
func (b *tab) askCodes(request string) codesReport {
	b.Helper()
	a := post(b, b.url+"/api/compare", request)
	var r codesReport
	if err := json.Unmarshal(a.body, &r); err != nil || a.status != 200 {
		b.Fatalf("%d %v %s", a.status, err, a.body)
	}
	return r
}
