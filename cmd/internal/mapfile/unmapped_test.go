//go:build darwin || freebsd || linux || netbsd || openbsd

package mapfile

import (
	"testing"

	"golang.org/x/sys/unix"
)

// maps tells whether files are mapped on this system.
const maps = true

// unmapped returns memory that cannot be touched.
func unmapped(t *testing.T) []byte {
	b, err := unix.Mmap(-1, 0, 4096, unix.PROT_NONE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Munmap(b) })
	return b
}
