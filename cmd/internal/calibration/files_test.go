package calibration

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/a01592f9/quant"
)

// TestPanicOfObserver tests that a panic while a file is observed comes to the caller of Files, and
// ends the other goroutines.
func TestPanicOfObserver(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	dir := t.TempDir()
	var paths []string
	for i := range 8 {
		path := filepath.Join(dir, fmt.Sprintf("%d.npy", i))
		if err := os.WriteFile(path, array(make([]float32, 300_000), 3, 100_000), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	c, err := New(Options{Scheme: quant.Scheme{Bits: 8}, Name: "{stem}"})
	if err != nil {
		t.Fatal(err)
	}
	before := runtime.NumGoroutine()
	defer func() {
		if v := fmt.Sprint(recover()); !strings.HasPrefix(v, "lost at ") {
			t.Errorf("panic %.200q", v)
		}
		for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d goroutines more than before", runtime.NumGoroutine()-before)
			}
		}
	}()
	_, err = c.Files(t.Context(), paths, func(done, total int64) {
		if done > 0 {
			panic("lost")
		}
	})
	t.Errorf("there is no panic, but the error %v", err)
}
