// Package mapfile reads files that are mapped into memory.
//
// A mapping takes no memory of the process, and no file descriptor. If a mapped file becomes
// shorter, reading it would end the process; here it is an error. Files that cannot be mapped
// are read with system calls. Only Mapped tells the difference.
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

// A File is a file that is read at offsets. Its methods may be called concurrently.
type File struct {
	path string
	stat fs.FileInfo // from when the file was opened
	size int64

	mu     sync.RWMutex // read-locked during reads; Close waits for it
	closed bool
	data   []byte   // the mapping, or nil
	file   *os.File // only without a mapping
}

// Open opens the regular file at path. Other files, such as pipes, are an error.
func Open(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return New(f)
}

// New returns a File that reads f. It closes f at once or in Close.
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
	// The working folder may change later.
	if abs, err := filepath.Abs(m.path); err == nil {
		m.path = abs
	}
	// On 32-bit systems there are too few addresses for large or many files.
	if mapped && m.size > 0 && strconv.IntSize == 64 {
		m.data, _ = mapping(f, m.size)
	}
	if m.data == nil {
		m.file = f
		return m, nil
	}
	return m, f.Close()
}

// Size returns the size of the file when it was opened.
func (m *File) Size() int64 { return m.size }

// Mapped reports whether the file is mapped into memory.
func (m *File) Mapped() bool { return m.data != nil }

// ReadAt implements io.ReaderAt. The error is a *TruncatedError for data that the file no
// longer has, and os.ErrClosed after Close.
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
		return 0, fmt.Errorf("cannot read at offset %d", off) // a disk or network error
	}
	// After the new end of a truncated file, the rest of its last page reads as zeros, and
	// further pages cause a fault. There was no fault, so if the file was truncated, b ends
	// with zeros.
	if len(b) > 0 && b[len(b)-1] == 0 && m.shorter(off+int64(len(b))) {
		return 0, io.EOF
	}
	return len(b), nil
}

// copyMapped copies from a mapping. It returns false if a part of src no longer exists.
func copyMapped(dst, src []byte) (ok bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			// Nothing else in this function can fail. The address of the fault is not checked,
			// since some systems do not report it.
			if _, fault := r.(runtime.Error); !fault {
				panic(r)
			}
		}
	}()
	copy(dst, src)
	return true
}

// now returns the current size of the file, or -1 if it is no longer at its path.
func (m *File) now() int64 {
	st, err := os.Stat(m.path)
	if err != nil || !os.SameFile(st, m.stat) {
		return -1
	}
	return st.Size()
}

// shorter reports whether the file is now shorter than size.
func (m *File) shorter(size int64) bool {
	now := m.now()
	return now >= 0 && now < size
}

func (m *File) truncated(off int64) error {
	return &TruncatedError{Offset: off, Size: m.size, Now: m.now()}
}

// A TruncatedError reports a file that became shorter while it was open.
type TruncatedError struct {
	Offset int64 // offset of the read
	Size   int64 // size when the file was opened
	Now    int64 // current size; -1 if it is not known
}

func (e *TruncatedError) Error() string {
	now := ""
	if e.Now >= 0 {
		now = fmt.Sprintf(" to %d", e.Now)
	}
	return fmt.Sprintf("file was truncated from %d bytes%s while it was read, at offset %d", e.Size, now, e.Offset)
}

// Close waits for reads to end, and releases the file.
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
