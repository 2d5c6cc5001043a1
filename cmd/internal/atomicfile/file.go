package atomicfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
)

// shared is the state that the files of a Set share.
type shared struct {
	ctx  context.Context // writing fails when it is done
	root string          // the new folder until it is whole; "" if the files go into one that exists

	unnamed int // number of closed files that stay open, since they have no name yet
}

func newShared() *shared { return &shared{ctx: context.Background()} }

// makeFolder makes the folder of the set if it is new.
func (s *shared) makeFolder() error {
	if s.root == "" {
		return nil
	}
	err := os.Mkdir(s.root, 0o777)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// A File is a file that is being written. Write is buffered. Errors name the path that the file
// will have; after an error, Commit of the set fails.
//
// WriteAt may be called concurrently; other methods may not.
type File struct {
	*shared
	path   string
	target string
	temp   string // the temporary name until Commit
	file   handle // nil after it is closed
	direct bool   // a pipe or a device, which is not renamed
	backup string // the file that Commit replaces, until Commit is complete
	placed bool

	nameless bool  // temp does not exist yet
	done     bool  // the caller has closed the file, which may still be open
	size     int64 // set by Close

	mu  sync.Mutex
	buf []byte
	err error
}

// bufferLen is the size of the buffer of Write.
const bufferLen = 1 << 16

// Path is the path that the file will have.
func (f *File) Path() string { return f.path }

// fail keeps the first error.
func (f *File) fail(err error) error {
	err = failed(f.path, err)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
	return err
}

// usable returns the error of a write that is not possible.
func (f *File) usable() error {
	if err := f.ctx.Err(); err != nil {
		return err
	}
	if f.file == nil || f.done {
		return f.fail(os.ErrClosed)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// Write writes b at the end of the file, or after Seek at that place.
func (f *File) Write(b []byte) (int, error) {
	if len(f.buf)+len(b) > bufferLen {
		if err := f.Flush(); err != nil {
			return 0, err
		}
	}
	if len(b) < bufferLen {
		if f.buf == nil {
			f.buf = make([]byte, 0, bufferLen)
		}
		f.buf = append(f.buf, b...)
		return len(b), nil
	}
	if err := f.usable(); err != nil {
		return 0, err
	}
	n, err := f.file.Write(b)
	if err != nil {
		err = f.fail(err)
	}
	return n, err
}

// Flush writes the buffer of Write to the file.
func (f *File) Flush() error {
	if err := f.usable(); err != nil || len(f.buf) == 0 {
		return err
	}
	_, err := f.file.Write(f.buf)
	f.buf = f.buf[:0]
	if err != nil {
		return f.fail(err)
	}
	return nil
}

// Seek sets the place of the next Write.
func (f *File) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekCurrent && offset == 0 && f.file != nil && len(f.buf) > 0 {
		// The caller only asks for the current place.
		n, err := f.file.Seek(0, whence)
		return n + int64(len(f.buf)), err
	}
	if err := f.Flush(); err != nil {
		return 0, err
	}
	n, err := f.file.Seek(offset, whence)
	if err != nil {
		err = f.fail(err)
	}
	return n, err
}

// WriteAt writes b at an offset. It does not flush the buffer of Write: call Flush first to
// write to the same place with both.
func (f *File) WriteAt(b []byte, off int64) (int, error) {
	if err := f.usable(); err != nil {
		return 0, err
	}
	n, err := f.file.WriteAt(b, off)
	if err != nil {
		err = f.fail(err)
	}
	return n, err
}

// ReadAt reads data that were written and flushed.
func (f *File) ReadAt(b []byte, off int64) (int, error) {
	if f.file == nil {
		return 0, os.ErrClosed
	}
	return f.file.ReadAt(b, off)
}

// mostNameless is the largest number of nameless files that a set keeps open after Close, since
// closing a nameless file removes it. Further files get a temporary name.
const mostNameless = 64

// Close ends writing. A set of many files cannot keep all of them open, so Close writes the
// file to the disk. Commit closes the remaining files.
func (f *File) Close() error {
	if err := f.finish(); err != nil {
		return err
	}
	f.buf, f.done = nil, true
	if f.nameless {
		f.unnamed++
	}
	if f.direct || f.nameless && f.unnamed <= mostNameless {
		return nil
	}
	return f.close()
}

// finish writes the buffer to the file, and the file to the disk.
func (f *File) finish() error {
	if f.file == nil || f.done {
		return f.err
	}
	err := f.Flush()
	if err == nil && !f.direct {
		err = f.file.Sync()
	}
	if st, e := f.file.Stat(); e == nil {
		f.size = st.Size()
	}
	if err != nil {
		return f.fail(err)
	}
	return nil
}

// close closes the file after it has been given a name.
func (f *File) close() error {
	if f.file == nil {
		return nil
	}
	var err error
	if f.nameless {
		if err = f.makeFolder(); err == nil {
			err = giveName(f.file.(*os.File), f.temp)
		}
		if err == nil {
			f.nameless = false
			if f.done {
				f.unnamed--
			}
		}
	}
	err = errors.Join(err, f.file.Close())
	f.file = nil
	if err != nil {
		return f.fail(err)
	}
	return nil
}

// tempName returns a temporary name in the folder of target. A rename is atomic only inside one
// file system.
func tempName(target string) string {
	return filepath.Join(filepath.Dir(target), fmt.Sprintf(".quant-%016x.tmp", rand.Uint64()))
}
