//go:build (darwin || linux) && (amd64 || arm64 || s390x)

package tensorfile

import (
	"testing"

	"golang.org/x/sys/unix"
)

// lower leaves the process only so many files, where they are mapped.
func lower(t *testing.T, files uint64) {
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	limit := old
	limit.Cur = min(limit.Cur, files)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Setrlimit(unix.RLIMIT_NOFILE, &old) })
}
