package atomicfile

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestClose writes many files one after the other, of which few stay open.
func TestClose(t *testing.T) { bothWays(t, testClose) }

func testClose(t *testing.T) {
	const many = mostNameless + 20
	open := func() int {
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil || runtime.GOOS != "linux" {
			return 0
		}
		return len(list)
	}
	for _, there := range []bool{false, true} {
		for _, commit := range []bool{false, true} {
			dir := t.TempDir()
			path := filepath.Join(dir, "model")
			if there {
				if err := os.Mkdir(path, 0o777); err != nil {
					t.Fatal(err)
				}
			}
			before := open()
			s := must[*Set](t)(NewFolder(path, false))
			defer s.Abort()
			want := []string{"model/", ""}
			for i := range many {
				name := fmt.Sprintf("f%d", i)
				f := must[*File](t)(s.Create(name))
				io.WriteString(f, name)
				if err := f.Close(); err != nil {
					t.Fatal(err)
				}
				if err := f.Close(); err != nil {
					t.Errorf("closed twice: %v", err)
				}
				want = append(want, "model/"+name, name)
			}
			if n := open() - before; n > mostNameless+4 {
				t.Errorf("%d files are open", n)
			}
			if !commit {
				s.Abort()
				if want = nil; there {
					want = []string{"model/", ""}
				}
			} else if err := s.Commit(); err != nil {
				t.Fatal(err)
			}
			holds(t, dir, want...)
		}
	}
}

// TestWriteAfterClose is an error that Commit has too.
func TestWriteAfterClose(t *testing.T) {
	dir := t.TempDir()
	s := begin(t, filepath.Join(dir, "model.onnx"), false)
	f := must[*File](t)(s.Create("third"))
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(make([]byte, bufferLen)); err == nil {
		t.Error("written to after Close")
	}
	if err := s.Commit(); err == nil {
		t.Error("committed")
	}
	holds(t, dir)
}

// TestBeside has a main file that is a link: others can be next to it only if
// that is one folder.
func TestBeside(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "else"), 0o777); err != nil {
		t.Fatal(err)
	}
	for target, ok := range map[string]bool{"real.onnx": true, filepath.Join("else", "real.onnx"): false} {
		put(t, filepath.Join(dir, target), "old")
		link := filepath.Join(dir, "link.onnx")
		os.Remove(link)
		if err := os.Symlink(target, link); err != nil {
			t.Skip(err)
		}
		s := must[*Set](t)(New(link, true))
		defer s.Abort()
		_, err := s.Create("link.onnx.data")
		if ok != (err == nil) || !ok && (!strings.Contains(err.Error(), link) || !strings.Contains(err.Error(), target)) {
			t.Errorf("%s: %v", target, err)
		}
	}
}

func TestOthers(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "a"), "")
	put(t, filepath.Join(dir, "b"), "")
	s := must[*Set](t)(NewFolder(dir, true))
	defer s.Abort()
	must[*File](t)(s.Create("a"))
	if names, err := s.Others(); err != nil || len(names) != 1 || names[0] != "b" {
		t.Errorf("%q, %v", names, err)
	}
}
