package main

import (
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
)

func TestCommit(t *testing.T) {
	setting := func(key, value string) debug.BuildSetting { return debug.BuildSetting{Key: key, Value: value} }
	for _, test := range []struct {
		settings []debug.BuildSetting
		want     string
	}{
		{nil, ""},
		{[]debug.BuildSetting{setting("vcs.revision", "0123456789abcdef")}, " (0123456789ab)"},
		{[]debug.BuildSetting{setting("vcs.modified", "true"), setting("vcs.revision", "0123")}, " (0123, modified)"},
	} {
		if got := commitOf(test.settings); got != test.want {
			t.Errorf("commitOf(%v) = %q, want %q", test.settings, got, test.want)
		}
	}
}

func TestSpecialFiles(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the files of Unix")
	}
	ok(t, "compare", "--output", os.DevNull)
	fails(t, exitFailed, "it is a folder without safetensors files", "", "compare", t.TempDir())

	// A named pipe, such as a shell makes for <(command), cannot be sought in.
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	go func() {
		io.WriteString(w, "1 2\n3 5\n")
		w.Close()
	}()
	path := "/dev/fd/" + strconv.Itoa(int(r.Fd()))
	if _, err := os.Stat(path); err != nil {
		t.Skip("no /dev/fd")
	}
	if out := ok(t, "compare", path, "--format", "csv"); !strings.Contains(out, ",2x2,") {
		t.Errorf("got %s", out)
	}
}

func TestReadOnlyOutput(t *testing.T) {
	if os.Geteuid() <= 0 {
		t.Skip("nothing is read-only for root")
	}
	path := write(t, "report.txt", "keep")
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	fails(t, exitFailed, "cannot write", "", "compare", "--output", path)
}
