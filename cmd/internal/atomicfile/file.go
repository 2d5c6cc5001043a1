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

// shared is what the files of a Set have in common.
type shared struct {
	ctx  context.Context // whose end ends all writing
	root string          // the new folder until it is whole; "" if the files go into one that exists

	unnamed int // files that are closed by their writers and still open, as they have no name yet
}

func newShared() *shared { return &shared{ctx: context.Background()} }

// makeFolder makes the new folder, if there is to be one.
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

// A File is one that is being written. Write is buffered. Errors name the path
// that the file will have; after one, Commit of the set fails.
//
// WriteAt may be called concurrently; other methods may not.
type File struct {
	*shared
	path   string
	target string
	temp   string // the name until Commit
	file   handle // nil once closed
	direct bool   // no regular file: there is nothing to rename
	backup string // what Commit replaces, until it is over
	placed bool

	nameless bool  // temp is not there yet
	done     bool  // closed by who wrote it; the file may be open still
	size     int64 // once closed

	mu  sync.Mutex
	buf []byte
	err error
}

// bufferLen is how much Write collects.
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

// usable returns the error that a write is to fail with.
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

// Write appends b to what was written, or overwrites from where Seek went.
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

// Flush writes what Write has collected.
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

// Seek sets where Write goes on.
func (f *File) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekCurrent && offset == 0 && f.file != nil && len(f.buf) > 0 {
		// Only the place is asked for.
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

// WriteAt writes b at an offset. What Write has collected may come later: who
// uses both in one place calls Flush between.
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

// ReadAt reads what was written and flushed.
func (f *File) ReadAt(b []byte, off int64) (int, error) {
	if f.file == nil {
		return 0, os.ErrClosed
	}
	return f.file.ReadAt(b, off)
}

// mostNameless is how many files of a set stay open after Close: those without
// a name, which closing would remove. More of them get a temporary name.
const mostNameless = 64

// Close ends writing, and has the file on the disk: that of a set of many
// files, of which not all can be open at once, nor have a buffer. Commit closes
// the others.
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

// finish writes what is left, to the disk itself.
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

// close closes the file, which has a name then.
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

// tempName is a name for what is not whole yet, in the folder of target: only
// there is a rename one step.
func tempName(target string) string {
	return filepath.Join(filepath.Dir(target), fmt.Sprintf(".quant-%016x.tmp", rand.Uint64()))
}
