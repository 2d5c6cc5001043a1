package text

import (
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// A Progress is a function that is called with the amount of work done and the total. A nil
// Progress is valid. It is called by one goroutine at a time.
type Progress func(done, total int64)

// patience is the time after which a bar appears.
const patience = time.Second

// A Bar shows the progress of long work in a terminal.
type Bar struct {
	label string
	bytes bool
	out   io.Writer // nil without a terminal, and after Stop

	mu          sync.Mutex
	done, total int64
	bar         *progressbar.ProgressBar // nil until patience has passed
	timer       *time.Timer
}

// NewBar starts a bar, which appears after a second. It counts bytes if bytes is set, and steps
// otherwise. out is the terminal, or nil for a bar that is never shown. The caller must call
// Stop.
func NewBar(out io.Writer, label string, bytes bool) *Bar {
	b := &Bar{label: label, bytes: bytes, out: out}
	if out != nil {
		b.timer = time.AfterFunc(patience, b.show)
	}
	return b
}

// show draws the bar for the first time.
func (b *Bar) show() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.out == nil {
		return // Stop was called before
	}
	counted := []progressbar.Option{progressbar.OptionShowCount()}
	if b.bytes {
		counted = append(counted, progressbar.OptionShowBytes(true), progressbar.OptionShowTotalBytes(true))
	}
	b.bar = progressbar.NewOptions64(b.total, append(counted,
		progressbar.OptionSetWriter(b.out),
		progressbar.OptionSetDescription(b.label),
		progressbar.OptionSetWidth(30),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)...)
	b.bar.Set64(b.done) // only drawing can return an error
}

// Update is a Progress that updates the bar.
func (b *Bar) Update(done, total int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done, b.total = done, total
	if b.bar != nil {
		b.bar.Set64(done)
	}
}

// Stop removes the bar.
func (b *Bar) Stop() {
	if b.timer != nil {
		b.timer.Stop()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bar != nil {
		b.bar.Clear()
		b.bar = nil
	}
	b.out = nil
}
