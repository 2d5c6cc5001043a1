package mapfile

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
)

// pattern returns n bytes, none of them zero.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(1 + i%251)
	}
	return b
}

func write(t *testing.T, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// both runs a test on a file that is mapped, and on one that is not.
func both(t *testing.T, data []byte, test func(t *testing.T, path string, m *File)) {
	for name, mapped := range map[string]bool{"mapped": true, "not mapped": false} {
		t.Run(name, func(t *testing.T) {
			path := write(t, data)
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			m, err := newFile(f, mapped)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			if m.Mapped() && !mapped || m.Size() != int64(len(data)) {
				t.Errorf("mapped %v, %d bytes", m.Mapped(), m.Size())
			}
			test(t, path, m)
		})
	}
}

func TestReadAt(t *testing.T) {
	data := pattern(100_000)
	both(t, data, func(t *testing.T, _ string, m *File) {
		for _, c := range []struct{ off, n int64 }{
			{0, 0}, {0, 1}, {0, 100_000}, {1, 99_999}, {4095, 2}, {99_999, 1}, {65_536, 4096},
			{0, 100_001}, {99_999, 2}, {100_000, 0}, {100_000, 1}, {1 << 40, 8},
		} {
			b := make([]byte, c.n)
			n, err := m.ReadAt(b, c.off)
			wantN, wantErr := bytes.NewReader(data).ReadAt(make([]byte, c.n), c.off)
			if c.n == 0 {
				wantErr = nil
			}
			if n != wantN || err != wantErr {
				t.Errorf("%d bytes at %d: %d, %v, want %d, %v", c.n, c.off, n, err, wantN, wantErr)
			}
			if n > 0 && !bytes.Equal(b[:n], data[c.off:][:n]) {
				t.Errorf("%d bytes at %d are others", c.n, c.off)
			}
		}
		if _, err := m.ReadAt(make([]byte, 1), -1); err == nil {
			t.Error("no error for a negative offset")
		}
	})
}

// A file that is truncated while it is open gives what is left of it, and
// errors for the rest: of a mapping, that is a fault, or zeros up to the end of
// the page.
func TestTruncated(t *testing.T) {
	data := pattern(1 << 20)
	both(t, data, func(t *testing.T, path string, m *File) {
		for _, size := range []int64{1<<20 - 1, 1<<20 - 5000, 70_001, 65_536, 100, 0} {
			if err := os.Truncate(path, size); err != nil {
				t.Fatal(err)
			}
			b := make([]byte, size)
			if n, err := m.ReadAt(b, 0); n != len(b) || err != nil || !bytes.Equal(b, data[:size]) {
				t.Errorf("truncated to %d bytes: %d, %v", size, n, err)
			}
			for _, c := range []struct{ off, n int64 }{
				{0, 1 << 20}, {size, 1}, {max(size-1, 0), 4097}, {1<<20 - 1, 1}, {size, 1<<20 - size},
			} {
				if c.off+c.n <= size || c.off+c.n > 1<<20 {
					continue
				}
				_, err := m.ReadAt(make([]byte, c.n), c.off)
				var e *TruncatedError
				if !errors.As(err, &e) || e.Offset != c.off || e.Size != 1<<20 || e.Now != size {
					t.Errorf("truncated to %d bytes, %d at %d: error %v", size, c.n, c.off, err)
				}
			}
		}
		const want = "file was truncated from 1048576 bytes to 0 while it was read, at offset 7"
		if _, err := m.ReadAt(make([]byte, 5), 7); err == nil || err.Error() != want {
			t.Errorf("error %q, want %q", err, want)
		}
	})
}

// Zeros at the end of what is read are no sign of a truncated file.
func TestZeros(t *testing.T) {
	both(t, make([]byte, 10_000), func(t *testing.T, path string, m *File) {
		if n, err := m.ReadAt(make([]byte, 10_000), 0); n != 10_000 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		// Nor is another file at its path.
		if err := os.Rename(write(t, nil), path); err != nil {
			t.Fatal(err)
		}
		if n, err := m.ReadAt(make([]byte, 10_000), 0); n != 10_000 || err != nil {
			t.Errorf("replaced: %d, %v", n, err)
		}
	})
}

func TestEmpty(t *testing.T) {
	m, err := Open(write(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := m.ReadAt(make([]byte, 1), 0); n != 0 || err != io.EOF || m.Size() != 0 {
		t.Errorf("%d, %v", n, err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpen(t *testing.T) {
	m, err := Open(write(t, []byte("1")))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	switch runtime.GOOS {
	case "linux", "darwin":
		if m.Mapped() != (strconv.IntSize == 64) {
			t.Errorf("mapped is %v", m.Mapped())
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if _, err := Open(t.TempDir()); err == nil {
		t.Error("a folder opens")
	}
}

func TestClose(t *testing.T) {
	both(t, pattern(1<<20), func(t *testing.T, _ string, m *File) {
		var readers sync.WaitGroup
		for range 4 {
			readers.Go(func() {
				b := make([]byte, 1<<16)
				for off := int64(0); ; off = (off + 4096) % (1<<20 - 1<<16) {
					_, err := m.ReadAt(b, off)
					if errors.Is(err, os.ErrClosed) {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		readers.Wait()
		if err := m.Close(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("closed twice: %v", err)
		}
	})
}
