//go:build darwin || freebsd || linux || netbsd || openbsd

package mapfile

import (
	"os"

	"golang.org/x/sys/unix"
)

func mapping(f *os.File, size int64) ([]byte, error) {
	data, err := unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	// Tensors are read from the beginning to the end, so the system can read ahead and release
	// what was read. This is only a hint.
	_ = unix.Madvise(data, unix.MADV_SEQUENTIAL)
	return data, nil
}

func unmap(data []byte) error { return unix.Munmap(data) }
