// Package mapfile reads files that are mapped into memory.
//
// A mapping costs no memory of the process and, once made, no file descriptor.
// What a plain mapping does when the file gets shorter meanwhile, which is to
// end the process, is an error here. Files that cannot be mapped are read with
// system calls instead, and nobody but Mapped can tell.
package mapfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
)

// A File is a file that is read at offsets. Its methods may be called
// concurrently.
type File struct {
	path string
	stat fs.FileInfo // when it was opened
	size int64

	mu     sync.RWMutex // held to read; Close waits for it
	closed bool
	data   []byte   // the mapping, or nil
	file   *os.File // if there is no mapping
}

// Open opens the regular file at path. Others, such as pipes, are an error.
func Open(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return New(f)
}

// New makes a File of f, which it closes, at once or when it is closed itself.
func New(f *os.File) (*File, error) {
	m, err := newFile(f, true)
	if err != nil {
		f.Close()
	}
	return m, err
}

func newFile(f *os.File, mapped bool) (*File, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: f.Name(), Err: errors.New("not a regular file")}
	}
	m := &File{path: f.Name(), stat: st, size: st.Size()}
	// The folder that a path is relative to may change.
	if abs, err := filepath.Abs(m.path); err == nil {
		m.path = abs
	}
	// The addresses of 32 bits are too few for large files, or many.
	if mapped && m.size > 0 && strconv.IntSize == 64 {
		m.data, _ = mapping(f, m.size)
	}
	if m.data == nil {
		m.file = f
		return m, nil
	}
	return m, f.Close()
}

// Size returns the size that the file had when it was opened.
func (m *File) Size() int64 { return m.size }

// Mapped reports whether the file is mapped into memory.
func (m *File) Mapped() bool { return m.data != nil }

// ReadAt is that of io.ReaderAt. A file that was truncated since it was opened
// is a *TruncatedError where its data would have been; a File that is closed
// is os.ErrClosed.
func (m *File) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("negative offset %d", off)
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return 0, os.ErrClosed
	}
	if off >= m.size {
		if len(b) == 0 {
			return 0, nil
		}
		return 0, io.EOF
	}
	want := b[:min(int64(len(b)), m.size-off)]
	n, err := m.read(want, off)
	switch {
	case n < len(want) && (err == nil || err == io.EOF):
		return n, m.truncated(off)
	case err == io.EOF:
		err = nil
	}
	if err == nil && n < len(b) {
		err = io.EOF
	}
	return n, err
}

// read reads all of b, or less from a file that has become shorter.
func (m *File) read(b []byte, off int64) (int, error) {
	if m.data == nil {
		return m.file.ReadAt(b, off)
	}
	if !copyMapped(b, m.data[off:]) {
		if m.shorter(m.size) {
			return 0, io.EOF
		}
		return 0, fmt.Errorf("cannot read at offset %d", off) // the disk, or the network
	}
	// Past the new end of a file that was truncated, the rest of the page reads
	// as zeros. Behind that page there are only faults, so if there was none,
	// the zeros are last.
	if len(b) > 0 && b[len(b)-1] == 0 && m.shorter(off+int64(len(b))) {
		return 0, io.EOF
	}
	return len(b), nil
}

// copyMapped copies from a mapping. It returns false if some of it is not there.
func copyMapped(dst, src []byte) (ok bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			// Nothing else can go wrong here. Where the fault was is not looked
			// at: not every system tells.
			if _, fault := r.(runtime.Error); !fault {
				panic(r)
			}
		}
	}()
	copy(dst, src)
	return true
}

// now returns the size of the file; -1 if it is no longer at its path.
func (m *File) now() int64 {
	st, err := os.Stat(m.path)
	if err != nil || !os.SameFile(st, m.stat) {
		return -1
	}
	return st.Size()
}

// shorter reports whether the file is known to be shorter than size.
func (m *File) shorter(size int64) bool {
	now := m.now()
	return now >= 0 && now < size
}

func (m *File) truncated(off int64) error {
	return &TruncatedError{Offset: off, Size: m.size, Now: m.now()}
}

// A TruncatedError reports a file that became shorter while it was open.
type TruncatedError struct {
	Offset int64 // of what was to be read
	Size   int64 // that the file had
	Now    int64 // that it has; -1 if that is not known
}

func (e *TruncatedError) Error() string {
	now := ""
	if e.Now >= 0 {
		now = fmt.Sprintf(" to %d", e.Now)
	}
	return fmt.Sprintf("file was truncated from %d bytes%s while it was read, at offset %d", e.Size, now, e.Offset)
}

// Close releases the file, after what is being read of it.
func (m *File) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return os.ErrClosed
	}
	m.closed = true
	if m.data != nil {
		data := m.data
		m.data = nil
		return unmap(data)
	}
	return m.file.Close()
}
