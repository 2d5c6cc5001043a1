package atomicfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// files returns what is in a folder: names, and contents of files.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if path != dir && err == nil {
				all[d.Name()+"/"] = ""
			}
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		all[filepath.ToSlash(rel)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// holds checks what is in a folder: pairs of a name and a content.
func holds(t *testing.T, dir string, want ...string) {
	t.Helper()
	all := files(t, dir)
	for i := 0; i < len(want); i += 2 {
		if got, ok := all[want[i]]; !ok || got != want[i+1] {
			t.Errorf("%s holds %q, %v; want %q", want[i], got, ok, want[i+1])
		}
		delete(all, want[i])
	}
	for name := range all {
		t.Errorf("%s is left", name)
	}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func put(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// begin is a set with a main file and a sibling, both written.
func begin(t *testing.T, path string, force bool) *Set {
	t.Helper()
	s := must[*Set](t)(New(path, force))
	t.Cleanup(s.Abort)
	io.WriteString(must[*File](t)(s.Main()), "main")
	io.WriteString(must[*File](t)(s.Create("model.data")), "sibling")
	return s
}

// bothWays runs a test with files that have no name at first, where the system
// has such, and with files that have.
func bothWays(t *testing.T, f func(t *testing.T)) {
	defer func() { named = false }()
	for _, named = range []bool{false, true} {
		t.Run(fmt.Sprintf("named=%v", named), f)
	}
}

func TestCommit(t *testing.T) { bothWays(t, testCommit) }

func testCommit(t *testing.T) {
	dir := t.TempDir()
	s := begin(t, filepath.Join(dir, "model.onnx"), false)
	found := files(t, dir)
	if !named && len(found) > 0 && runtime.GOOS == "linux" {
		t.Log("this file system has no files without a name")
	}
	for name := range found {
		if !strings.HasPrefix(name, ".quant-") || !strings.HasSuffix(name, ".tmp") {
			t.Errorf("%s is there before Commit", name)
		}
	}
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	s.Abort() // does nothing
	holds(t, dir, "model.onnx", "main", "model.data", "sibling")
	if n := s.Size(); n != 4+7 {
		t.Errorf("%d bytes", n)
	}
}

func TestAbort(t *testing.T) { bothWays(t, testAbort) }

func testAbort(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "model.onnx"), "old")
	s := begin(t, filepath.Join(dir, "model.onnx"), true)
	s.Abort()
	s.Abort()
	holds(t, dir, "model.onnx", "old")
}

func TestForce(t *testing.T) { bothWays(t, testForce) }

func testForce(t *testing.T) {
	dir := t.TempDir()
	main, data := filepath.Join(dir, "model.onnx"), filepath.Join(dir, "model.data")
	put(t, data, "old")
	s := must[*Set](t)(New(main, false))
	defer s.Abort()
	if _, err := s.Create("model.data"); !errors.Is(err, ErrExists) || !strings.Contains(err.Error(), data) {
		t.Errorf("a sibling that exists: %v", err)
	}
	s.Abort()
	put(t, main, "old")
	if _, err := New(main, false); !errors.Is(err, ErrExists) || !strings.Contains(err.Error(), "--force") {
		t.Errorf("a file that exists: %v", err)
	}
	holds(t, dir, "model.onnx", "old", "model.data", "old")
	if err := begin(t, main, true).Commit(); err != nil {
		t.Fatal(err)
	}
	holds(t, dir, "model.onnx", "main", "model.data", "sibling")
}

// TestRace has files appear between New and Commit.
func TestRace(t *testing.T) { bothWays(t, testRace) }

func testRace(t *testing.T) {
	for _, name := range []string{"model.onnx", "model.data"} {
		dir := t.TempDir()
		s := begin(t, filepath.Join(dir, "model.onnx"), false)
		put(t, filepath.Join(dir, name), "theirs")
		if err := s.Commit(); !errors.Is(err, ErrExists) {
			t.Errorf("%s came meanwhile: %v", name, err)
		}
		holds(t, dir, name, "theirs")
	}
}

// TestHalfway makes the rename of the last file fail, when others have been
// put in their places.
func TestHalfway(t *testing.T) { bothWays(t, testHalfway) }

func testHalfway(t *testing.T) {
	for _, old := range []bool{false, true} {
		dir := t.TempDir()
		want := []string{"model.onnx/", "", "model.onnx/x", "x"}
		if old {
			put(t, filepath.Join(dir, "model.data"), "old")
			want = append(want, "model.data", "old")
		}
		main := filepath.Join(dir, "model.onnx")
		s := begin(t, main, true)
		if err := os.Mkdir(main, 0o777); err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(main, "x"), "x")
		if err := s.Commit(); err == nil || !strings.Contains(err.Error(), main) || strings.Contains(err.Error(), ".tmp") {
			t.Errorf("a folder in the way: %v", err)
		}
		holds(t, dir, want...)
	}
}

func TestProtect(t *testing.T) {
	dir := t.TempDir()
	in := put(t, filepath.Join(dir, "in.onnx"), "in")
	link := filepath.Join(dir, "link.onnx")
	if err := os.Symlink("in.onnx", link); err != nil && runtime.GOOS != "windows" {
		t.Fatal(err)
	}
	for _, out := range []string{in, link, filepath.Join(dir, ".", "in.onnx")} {
		s := must[*Set](t)(New(out, true))
		defer s.Abort()
		if err := s.Protect(in, filepath.Join(dir, "none")); !errors.Is(err, ErrIsRead) {
			t.Errorf("%s: %v", out, err)
		}
	}
	s := must[*Set](t)(New(filepath.Join(dir, "out.onnx"), true))
	defer s.Abort()
	if err := s.Protect(in); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Create("in.onnx"); !errors.Is(err, ErrIsRead) {
		t.Errorf("as a sibling: %v", err)
	}
	must[*File](t)(s.Create("late"))
	put(t, filepath.Join(dir, "late"), "")
	if err := s.Protect(filepath.Join(dir, "late")); !errors.Is(err, ErrIsRead) {
		t.Errorf("after Create: %v", err)
	}
}

func TestNames(t *testing.T) {
	dir := t.TempDir()
	s := must[*Set](t)(New(filepath.Join(dir, "x"), false))
	defer s.Abort()
	for _, name := range []string{"", ".", "..", "../x", "a/b", "/x", "a\x00b"} {
		if _, err := s.Create(name); err == nil {
			t.Errorf("%q is accepted", name)
		}
	}
	must[*File](t)(s.Create("y"))
	if _, err := s.Create("y"); err == nil {
		t.Error("one name twice is accepted")
	}
	for _, test := range []struct{ path, want string }{
		{dir, "directory"},
		{filepath.Join(dir, "none", "x"), "no such file"},
		{filepath.Join(put(t, filepath.Join(dir, "file"), ""), "x"), "not a "},
	} {
		if _, err := New(test.path, true); err == nil || !strings.Contains(err.Error(), test.want) && runtime.GOOS != "windows" {
			t.Errorf("%s: %v", test.path, err)
		}
	}
}

func TestWriting(t *testing.T) {
	dir := t.TempDir()
	s := must[*Set](t)(New(filepath.Join(dir, "x"), false))
	defer s.Abort()
	f := must[*File](t)(s.Main())
	big := bytes.Repeat([]byte("0123456789"), 3*bufferLen/10)
	for _, part := range [][]byte{[]byte("head"), big, big[:7], big[:bufferLen-1], big[:2]} {
		if n, err := f.Write(part); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	want := slices.Concat([]byte("head"), big, big[:7], big[:bufferLen-1], big[:2])
	if n, err := f.Seek(0, io.SeekCurrent); n != int64(len(want)) || err != nil {
		t.Errorf("at %d, %v; want %d", n, err, len(want))
	}
	for _, at := range []int64{2, bufferLen} {
		must[int64](t)(f.Seek(at, io.SeekStart))
		must[int](t)(f.Write([]byte("sought")))
		copy(want[at:], "sought")
	}
	must[int](t)(f.WriteAt([]byte("placed"), 77))
	copy(want[77:], "placed")
	if err := f.Flush(); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 6)
	if must[int](t)(f.ReadAt(got, bufferLen)); string(got) != "sought" {
		t.Errorf("reads %q", got)
	}
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	holds(t, dir, "x", string(want))
	if _, err := f.Write(nil); err == nil {
		if _, err = f.Write(big); err == nil {
			t.Error("written to after its end")
		}
	}
}

func TestFolder(t *testing.T) { bothWays(t, testFolder) }

func testFolder(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "model")
	fill := func(force bool) *Set {
		s := must[*Set](t)(NewFolder(path, force))
		t.Cleanup(s.Abort)
		io.WriteString(must[*File](t)(s.Create("config.json")), "{}")
		return s
	}
	fill(false).Abort()
	holds(t, dir)
	if err := fill(false).Commit(); err != nil {
		t.Fatal(err)
	}
	holds(t, dir, "model/", "", "model/config.json", "{}")

	put(t, filepath.Join(path, "config.json"), "old")
	put(t, filepath.Join(path, "other"), "other")
	if _, err := NewFolder(path, false); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("a folder with files: %v", err)
	}
	fill(true).Abort()
	holds(t, dir, "model/", "", "model/config.json", "old", "model/other", "other")
	if err := fill(true).Commit(); err != nil {
		t.Fatal(err)
	}
	holds(t, dir, "model/", "", "model/config.json", "{}", "model/other", "other")

	// One that is there and empty is filled, and one that comes meanwhile kept.
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	s := fill(false)
	if err := os.Mkdir(path, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("a folder that came meanwhile: %v", err)
	}
	if err := fill(false).Commit(); err != nil {
		t.Fatal(err)
	}
	holds(t, dir, "model/", "", "model/config.json", "{}")
	if _, err := NewFolder(filepath.Join(path, "config.json"), true); err == nil {
		t.Error("a file is taken for a folder")
	}
}

func TestInterrupt(t *testing.T) { bothWays(t, testInterrupt) }

func testInterrupt(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	s := begin(t, filepath.Join(dir, "model.onnx"), false)
	s.Bind(ctx)
	f := must[*File](t)(s.Create("third"))
	cancel()
	for name, f := range map[string]func() error{
		"Write":   func() error { _, err := f.Write(make([]byte, bufferLen)); return err },
		"WriteAt": func() error { _, err := f.WriteAt([]byte("x"), 0); return err },
		"Flush":   f.Flush,
		"Commit":  s.Commit,
	} {
		if name == "Commit" {
			continue // it ends the set, so it comes last
		}
		if err := f(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.Commit(); !errors.Is(err, context.Canceled) {
		t.Errorf("Commit: %v", err)
	}
	holds(t, dir)
}

func TestPermissions(t *testing.T) { bothWays(t, testPermissions) }

func testPermissions(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the permissions of Unix")
	}
	dir := t.TempDir()
	path := put(t, filepath.Join(dir, "x"), "old")
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("x", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	err := WriteFile(filepath.Join(dir, "link"), true, func(w io.Writer) error {
		_, err := io.WriteString(w, "new")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	if target, err := os.Readlink(filepath.Join(dir, "link")); target != "x" {
		t.Errorf("the link is gone: %q, %v", target, err)
	}
	holds(t, dir, "x", "new", "link", "new")
	if os.Geteuid() <= 0 {
		return // nothing is forbidden to root
	}
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	if _, err := New(path, true); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a file that is read-only: %v", err)
	}
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o700)
	s := must[*Set](t)(New(filepath.Join(dir, "y"), true))
	if _, err := s.Main(); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a folder that is read-only: %v", err)
	}
	if _, err := NewFolder(filepath.Join(dir, "z"), true); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a folder in one that is read-only: %v", err)
	}
}

func TestDry(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "x"), "old")
	for _, path := range []string{filepath.Join(dir, "x"), filepath.Join(dir, "none", "x")} {
		s := Dry(path, false)
		defer s.Abort()
		if err := s.Protect(path); err != nil {
			t.Fatal(err)
		}
		f := must[*File](t)(s.Main())
		io.WriteString(f, "head")
		must[int64](t)(f.Seek(10, io.SeekCurrent))
		io.WriteString(f, "tail")
		must[int64](t)(f.Seek(2, io.SeekStart))
		io.WriteString(f, "x")
		must[int](t)(must[*File](t)(s.Create("y")).WriteAt(make([]byte, 7), 100))
		if err := s.Commit(); err != nil {
			t.Fatal(err)
		}
		if n := s.Size(); n != 18+107 {
			t.Errorf("%d bytes", n)
		}
	}
	holds(t, dir, "x", "old")
}
