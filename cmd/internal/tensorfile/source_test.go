package tensorfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/a01592f9/quant"
)

// A Source gives in any pieces what Load gives.
func TestSource(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.np[yz]")
	if err != nil || len(paths) == 0 {
		t.Fatal(err)
	}
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("1 2 3\n4 5 6"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range append(paths, text, "../../quant/testdata/silero_vad_v5_excerpt.safetensors") {
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		for i, info := range f.Tensors() {
			src, err := f.Source(i)
			if err != nil {
				if info.Floating || src != nil {
					t.Errorf("%s: %v", path, err)
				}
				continue
			}
			want, err := f.Load(i)
			if err != nil {
				t.Fatal(err)
			}
			wantPieces(t, src, want)
			// A tensor that is where the file says it is.
			if r := f.Raw(i); r != nil && info.DType == "F32" && len(want) > 0 && !strings.Contains(path, "_be_") {
				b := make([]byte, 4)
				if _, err := r.ReadAt(b, r.Size()-4); err != nil {
					t.Error(err)
				}
				if x := math.Float32frombits(binary.LittleEndian.Uint32(b)); x != want[len(want)-1] || r.Size() != info.Bytes {
					t.Errorf("%s: %q ends with %v in the file, want %v", path, info.Name, x, want[len(want)-1])
				}
				if _, offset, _ := r.Outer(); offset != info.Offset {
					t.Errorf("%s: %q is at %d, want %d", path, info.Name, offset, info.Offset)
				}
			} else if r == nil && info.Offset >= 0 {
				t.Errorf("%s: %q is at %d", path, info.Name, info.Offset)
			}
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

// wantPieces fails the test unless src, read in pieces by several goroutines,
// is want.
func wantPieces(t *testing.T, src quant.Source, want []float32) {
	t.Helper()
	got := make([]float32, len(want))
	var readers sync.WaitGroup
	random := rand.New(rand.NewPCG(1, uint64(len(want))))
	for at := 0; at < len(got); {
		n := min(len(got)-at, 1+random.IntN(1+random.IntN(len(got))))
		piece, off := got[at:at+n], at
		readers.Go(func() {
			if err := src.ReadFloats(piece, off); err != nil {
				t.Error(err)
			}
		})
		at += n
	}
	readers.Wait()
	if !sameBits(got, want) {
		t.Errorf("%d elements in pieces are others than those at once", len(want))
	}
	if err := src.ReadFloats(nil, len(want)); err != nil {
		t.Errorf("no elements at the end: %v", err)
	}
}

func TestSourcePanics(t *testing.T) {
	f, err := Open("testdata/f4_le_c.npy")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	src, err := f.Source(0)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ n, off int }{{1, 6}, {7, 0}, {1, -1}, {1, math.MaxInt}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%d elements at %d of 6: no panic", c.n, c.off)
				}
			}()
			src.ReadFloats(make([]float32, c.n), c.off)
		}()
	}
}

// Arrays in column-major order that are too large to be read at once.
func TestColumns(t *testing.T) {
	for _, shape := range [][]int{{1, 7}, {7, 1}, {5, 3}, {3, 50}, {4, 3, 5}, {2, 1, 3, 2, 2}, {40, 30}} {
		n, err := elements(shape)
		if err != nil {
			t.Fatal(err)
		}
		var data []byte
		column := make([]float32, n)
		for i := range column {
			column[i] = float32(i)
			data = binary.BigEndian.AppendUint64(data, math.Float64bits(float64(i)))
		}
		want := rowMajor(column, shape)
		s := &columns{blocks{bytes.NewReader(data), 0, n, encoding{"F64", true}}, shape}
		for off := range n {
			for end := off + 1; end <= n; end += 1 + n/20 {
				got := make([]float32, end-off)
				if err := s.ReadFloats(got, off); err != nil || !sameBits(got, want[off:end]) {
					t.Fatalf("%v from %d to %d: %v, %v, want %v", shape, off, end, got, err, want[off:end])
				}
			}
		}
		// The error names the element by its place in row-major order.
		for i := range n {
			bad := bytes.Clone(data)
			binary.BigEndian.PutUint64(bad[i*8:], math.Float64bits(1e300))
			s.r = bytes.NewReader(bad)
			err := s.ReadFloats(make([]float32, n), 0)
			wantError(t, err, fmt.Sprintf("1e+300 at index %d overflows float32", rowMajorIndex(i, shape)))
		}
	}
}

// bigFile makes a file with one tensor of n zeros, of which the disk holds none.
func bigFile(t *testing.T, dtype string, n, size int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "big.safetensors")
	header := fmt.Sprintf(`{"w":{"dtype":%q,"shape":[%d,1024],"data_offsets":[0,%d]}}`, dtype, n/1024, n*size)
	if err := os.WriteFile(path, []byte(safetensors(header, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, int64(8+len(header))+n*size); err != nil {
		t.Fatal(err)
	}
	return path
}

// However large a tensor is, reading it takes the same memory.
func TestMemory(t *testing.T) {
	for dtype, size := range map[string]int64{"F64": 8, "F32": 4, "F16": 2, "BF16": 2} {
		const n = 4 << 20
		path := bigFile(t, dtype, n, size)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		src, err := f.Source(0)
		if err != nil {
			t.Fatal(err)
		}
		dst := make([]float32, 1<<16)
		for off := 0; off < n; off += len(dst) {
			if err := src.ReadFloats(dst, off); err != nil {
				t.Fatal(err)
			}
		}
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 2<<20 {
			t.Errorf("%s: %d bytes allocated to read %d", dtype, used, n*size)
		}
		f.Close()
	}
}

// A file that is truncated while it is open is an error that names the tensor.
func TestTruncatedWhileOpen(t *testing.T) {
	path := bigFile(t, "BF16", 1<<20, 2)
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	src, err := f.Source(0)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 1<<20); err != nil {
		t.Fatal(err)
	}
	dst := make([]float32, 1<<18)
	if err := src.ReadFloats(dst, 0); err != nil {
		t.Error(err)
	}
	err = src.ReadFloats(dst, 3<<18)
	wantError(t, err, `safetensors: tensor "w": file was truncated from 2097229 bytes to 1048576 while it was read, at offset 1572941`)
	if _, err := f.Load(0); err == nil {
		t.Error("a tensor of which half is gone is loaded")
	}
	f.Close()
	if err := src.ReadFloats(dst, 0); !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}
