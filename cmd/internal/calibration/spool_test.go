package calibration

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/a01592f9/quant"
)

// array is an npy file of float32.
func array(x []float32, shape ...int) []byte {
	text := strings.ReplaceAll(strings.Trim(fmt.Sprint(shape), "[]"), " ", ",")
	head := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%s,), }", text)
	b := append([]byte("\x93NUMPY\x01\x00"), byte(len(head)), byte(len(head)>>8))
	b = append(b, head...)
	b, _ = binary.Append(b, binary.LittleEndian, x)
	return b
}

// TestWholesale: what is observed in one piece, read from a file, held in
// memory, or by way of a temporary file, is what the library makes of it.
func TestWholesale(t *testing.T) {
	defer func(n int) { mostHeld = n }(mostHeld)
	dir, temp := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", temp)
	shape := []int{3, 400, 250}
	x := make([]float32, 3*400*250)
	for i := range x {
		x[i] = float32(math.Sin(float64(i)*1.3)) * float32(1+i%7)
	}
	path := filepath.Join(dir, "act.npy")
	for _, s := range []quant.Scheme{
		{Bits: 8, Granularity: quant.PerGroup(1, 200), Method: quant.LeastSquares},
		{Bits: 8, Granularity: quant.PerGroup(-1, 125)},
		{Bits: 8, Granularity: quant.PerChannel(2), Method: quant.MovingAverage(0.3)},
		{Bits: 8, Method: quant.MovingAverage(0.3)},
	} {
		for _, bad := range []bool{false, true} {
			if x[1000] = 1; bad {
				x[1000] = float32(math.Inf(1))
			}
			b := array(x, shape...)
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, policy := range []quant.NotFinitePolicy{quant.RefuseNotFinite, quant.IgnoreNotFinite} {
				o, err := quant.NewObserver(s, policy)
				if err != nil {
					t.Fatal(err)
				}
				refused := o.Observe(quant.Tensor{Data: x, Shape: shape})
				want, err := o.MarshalBinary()
				if err != nil {
					t.Fatal(err)
				}
				for _, way := range []string{"file", "memory", "spool"} {
					if mostHeld = 1 << 24; way == "spool" {
						mostHeld = 1000
					}
					c, err := New(Options{Scheme: s, Policy: policy, Name: "act"})
					if err != nil {
						t.Fatal(err)
					}
					if way == "file" {
						_, err = c.Files(t.Context(), []string{path}, nil)
					} else {
						_, err = c.Stream(t.Context(), bytes.NewReader(b), "act", nil)
					}
					if refused != nil {
						if err == nil || !strings.Contains(err.Error(), "+Inf") || !strings.HasSuffix(err.Error(), "at index 1000") {
							t.Errorf("%+v, %s: %v", s, way, err)
						}
						continue
					}
					if err != nil {
						t.Fatal(err)
					}
					state, err := c.State()
					if err != nil {
						t.Fatal(err)
					}
					if !bytes.Contains(state, want) {
						t.Errorf("%+v, %s: another state than the library's", s, way)
					}
				}
			}
		}
	}
	mostHeld = 1000
	c, err := New(Options{Scheme: quant.Scheme{Bits: 8, Method: quant.MovingAverage(0.3)}, Name: "act"})
	if err != nil {
		t.Fatal(err)
	}
	b := array(x, shape...)
	if _, err := c.Stream(t.Context(), bytes.NewReader(b[:len(b)/2]), "act", nil); err == nil || !strings.Contains(err.Error(), "data ends") {
		t.Errorf("half an array: %v", err)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	// A file is not held in memory.
	large := make([]float32, 1<<24)
	large[5] = 1
	if err := os.WriteFile(path, array(large, 1<<10, 1<<14), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, s := range []quant.Scheme{{Bits: 8, Method: quant.MovingAverage(0.3)}, {Bits: 8, Granularity: quant.PerGroup(0, 1<<9)}} {
		c, err := New(Options{Scheme: s, Name: "act"})
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := c.Files(t.Context(), []string{path}, nil); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 16<<20 {
			t.Errorf("%+v: %d MiB are allocated for a file of 64", s, n>>20)
		}
	}
}
