package atomicfile

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestFullDevice writes to what is always full.
func TestFullDevice(t *testing.T) {
	s := must[*Set](t)(New("/dev/full", false))
	defer s.Abort()
	f := must[*File](t)(s.Main())
	f.Write([]byte("x"))
	err := s.Commit()
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "/dev/full") {
		t.Errorf("got %v", err)
	}
}

// TestFullDisk writes more than a file may have, which the system reports as
// it reports a full disk. A limit holds for a whole process, so it is another.
func TestFullDisk(t *testing.T) {
	if dir := os.Getenv("QUANT_FULL_DISK"); dir != "" {
		fullDisk(t, dir)
		return
	}
	dir := t.TempDir()
	put(t, filepath.Join(dir, "model.onnx"), "old")
	cmd := exec.Command(os.Args[0], "-test.run=^TestFullDisk$", "-test.v")
	cmd.Env = append(os.Environ(), "QUANT_FULL_DISK="+dir)
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS") {
		t.Fatalf("%v\n%s", err, out)
	}
	holds(t, dir, "model.onnx", "old")
}

func fullDisk(t *testing.T, dir string) {
	signal.Ignore(syscall.SIGXFSZ)
	const most = 3 * bufferLen
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: most, Max: most}); err != nil {
		t.Fatal(err)
	}
	block := make([]byte, bufferLen/3)
	for name, write := range map[string]func(f *File) error{
		"Write": func(f *File) (err error) {
			for i := 0; i < 20 && err == nil; i++ {
				_, err = f.Write(block)
			}
			return err
		},
		"WriteAt": func(f *File) error {
			_, err := f.WriteAt(block, most-1)
			return err
		},
	} {
		s := begin(t, filepath.Join(dir, "model.onnx"), true)
		f := must[*File](t)(s.Create("big"))
		err := write(f)
		if !errors.Is(err, syscall.EFBIG) || !strings.Contains(err.Error(), filepath.Join(dir, "big")) {
			t.Errorf("%s: %v", name, err)
		}
		// Whoever does not look at that error, meets it again.
		if err := s.Commit(); !errors.Is(err, syscall.EFBIG) {
			t.Errorf("Commit after %s: %v", name, err)
		}
		holds(t, dir, "model.onnx", "old")
	}
}

// TestKilled kills a process that is writing. What has no name yet is gone with it.
func TestKilled(t *testing.T) {
	if dir := os.Getenv("QUANT_KILLED"); dir != "" {
		s := begin(t, filepath.Join(dir, "model.onnx"), true)
		s.files[0].Flush()
		folder := must[*Set](t)(NewFolder(filepath.Join(dir, "folder"), false))
		must[*File](t)(folder.Create("x"))
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	dir := t.TempDir()
	if f, ok := openNameless(filepath.Join(dir, "x"), 0o666); !ok {
		t.Skip("the file system has no files without a name")
	} else {
		f.Close()
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilled$")
	cmd.Env = append(os.Environ(), "QUANT_KILLED="+dir)
	if err := cmd.Run(); err == nil {
		t.Fatal("it ended by itself")
	}
	holds(t, dir)
}
