package atomicfile

import (
	"errors"
	"io"
	"os"
	"sync"
)

// A handle has the methods of *os.File that this package uses.
type handle interface {
	io.Writer
	io.WriterAt
	io.ReaderAt
	io.Seeker
	io.Closer
	Sync() error
	Stat() (os.FileInfo, error)
}

// nowhere is a handle that only counts the length of a file.
type nowhere struct {
	os.FileInfo // nil: only Size is called

	mu       sync.Mutex
	at, size int64
}

func (n *nowhere) Write(b []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.at += int64(len(b))
	n.size = max(n.size, n.at)
	return len(b), nil
}

func (n *nowhere) WriteAt(b []byte, off int64) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.size = max(n.size, off+int64(len(b)))
	return len(b), nil
}

func (n *nowhere) Seek(offset int64, whence int) (int64, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch whence {
	case io.SeekCurrent:
		offset += n.at
	case io.SeekEnd:
		offset += n.size
	}
	if offset < 0 {
		return n.at, os.ErrInvalid
	}
	n.at = offset
	return offset, nil
}

func (n *nowhere) ReadAt([]byte, int64) (int, error) {
	return 0, errors.New("what is written nowhere cannot be read")
}

func (n *nowhere) Sync() error                { return nil }
func (n *nowhere) Close() error               { return nil }
func (n *nowhere) Stat() (os.FileInfo, error) { return n, nil }
func (n *nowhere) Size() int64                { return n.size }
