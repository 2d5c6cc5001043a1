package quant

import (
	"testing"

	"golang.org/x/sys/unix"
)

// guardedBytes returns at least size bytes, whole pages of them, between two
// inaccessible pages: a kernel that strays by one byte faults.
func guardedBytes(t testing.TB, size int) []byte {
	t.Helper()
	page := unix.Getpagesize()
	body := (size + page - 1) &^ (page - 1)
	m, err := unix.Mmap(-1, 0, body+2*page, unix.PROT_NONE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Munmap(m); err != nil {
			t.Error(err)
		}
	})
	if err := unix.Mprotect(m[page:page+body], unix.PROT_READ|unix.PROT_WRITE); err != nil {
		t.Fatal(err)
	}
	return m[page : page+body]
}
