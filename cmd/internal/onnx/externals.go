package onnx

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/a01592f9/quant/cmd/internal/mapfile"
)

// external is the location of tensor data outside the model.
type external struct {
	location       string
	offset, length int64 // length is -1 if the model does not give it
}

// externals are the open files of external data.
type externals struct {
	mu    sync.Mutex
	root  *os.Root
	files map[string]*mapfile.File
}

// section returns a reader of the given number of bytes at e, the data of a tensor. It opens
// files through os.Root, so absolute paths, .. and symbolic links cannot lead out of the folder.
func (x *externals) section(dir string, e *external, bytes int64) (io.ReaderAt, error) {
	if dir == "" {
		return nil, fmt.Errorf("data are in %s, and a model that is not a file has no folder", quote(e.location))
	}
	f, size, err := x.open(dir, e.location)
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) { // leave out the operation, which does not help users
			err = fmt.Errorf("%s: %w", quote(e.location), path.Err)
		}
		return nil, fmt.Errorf("external data: %w", err)
	}
	if err := foreign(f, size, e.location); err != nil {
		return nil, err
	}
	if e.offset > size || bytes > size-e.offset {
		return nil, fmt.Errorf("external data of %d bytes from offset %d on, but %s has %d bytes", bytes, e.offset, quote(e.location), size)
	}
	return io.NewSectionReader(f, e.offset, bytes), nil
}

func (x *externals) open(dir, location string) (*mapfile.File, int64, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !filepath.IsLocal(filepath.FromSlash(location)) {
		return nil, 0, fmt.Errorf("%s is outside the model's folder", quote(location))
	}
	f := x.files[location]
	if f == nil {
		var err error
		if x.root == nil {
			if x.root, err = os.OpenRoot(dir); err != nil {
				return nil, 0, err
			}
		}
		st, err := x.root.Stat(location) // opening a pipe could block
		if err == nil && !st.Mode().IsRegular() {
			err = fmt.Errorf("%s is not a regular file", quote(location))
		}
		if err != nil {
			return nil, 0, err
		}
		opened, err := x.root.Open(location)
		if err != nil {
			return nil, 0, err
		}
		if f, err = mapfile.New(opened); err != nil {
			return nil, 0, err
		}
		if x.files == nil {
			x.files = map[string]*mapfile.File{}
		}
		x.files[location] = f
	}
	return f, f.Size(), nil
}

func (x *externals) close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	var err error
	for _, f := range x.files {
		err = errors.Join(err, f.Close())
	}
	x.files = nil
	if x.root != nil {
		err = errors.Join(err, x.root.Close())
		x.root = nil
	}
	return err
}
