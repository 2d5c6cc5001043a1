package main

import (
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// patience is how long work takes before a bar is shown.
const patience = time.Second

// A meter shows the progress of work that takes long, if someone is there to
// see it.
type meter struct {
	label string
	bytes bool      // whether it counts bytes
	out   io.Writer // nil if no terminal is there

	mu          sync.Mutex
	done, total int64
	bar         *progressbar.ProgressBar // nil until patience is over
	timer       *time.Timer
}

// progress starts a meter. Its stop must be called.
func (a *app) progress(label string) *meter {
	m := &meter{label: label}
	if terminal(a.stderr) && os.Getenv("TERM") != "dumb" {
		m.out = a.stderr
		m.timer = time.AfterFunc(patience, m.show)
	}
	return m
}

// reading is progress of work that is counted in bytes.
func (a *app) reading(label string) *meter {
	m := a.progress(label)
	m.bytes = true // no bar is there yet: see patience
	return m
}

// show draws the bar for the first time.
func (m *meter) show() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.out == nil {
		return // stopped meanwhile
	}
	counted := []progressbar.Option{progressbar.OptionShowCount()}
	if m.bytes {
		counted = append(counted, progressbar.OptionShowBytes(true), progressbar.OptionShowTotalBytes(true))
	}
	m.bar = progressbar.NewOptions64(m.total, append(counted,
		progressbar.OptionSetWriter(m.out),
		progressbar.OptionSetDescription(m.label),
		progressbar.OptionSetWidth(30),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)...)
	m.bar.Set64(m.done) // an error is one of drawing
}

// update is a text.Progress.
func (m *meter) update(done, total int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done, m.total = done, total
	if m.bar != nil {
		m.bar.Set64(done)
	}
}

// stop removes the bar.
func (m *meter) stop() {
	if m.timer != nil {
		m.timer.Stop()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.bar != nil {
		m.bar.Clear()
		m.bar = nil
	}
	m.out = nil
}
