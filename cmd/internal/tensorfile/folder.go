package tensorfile

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/a01592f9/quant/cmd/internal/mapfile"
)

// Files of a folder that must not lead out of it.

// A folder opens files that do not lie outside of it, whatever links say.
//
// The cache of Hugging Face's tools is known: there a model is a folder of
// links, …/snapshots/revision/file, to …/blobs/checksum.
type folder struct {
	root  *os.Root
	inner string // the folder, within root
}

func newFolder(dir string) (*folder, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	snapshots := filepath.Dir(abs)
	if filepath.Base(snapshots) == "snapshots" {
		model := filepath.Dir(snapshots)
		if st, err := os.Stat(filepath.Join(model, "blobs")); err == nil && st.IsDir() {
			root, err := os.OpenRoot(model)
			return &folder{root, filepath.Join("snapshots", filepath.Base(abs))}, err
		}
	}
	root, err := os.OpenRoot(abs)
	return &folder{root, "."}, err
}

func (d *folder) Close() error { return d.root.Close() }

// file opens a regular file.
func (d *folder) file(name string) (*os.File, error) {
	path := filepath.Join(d.inner, filepath.FromSlash(name))
	// Opening a pipe would wait for whoever writes to it.
	st, err := d.root.Stat(path)
	if err != nil {
		return nil, withoutPath(err)
	}
	if !st.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	f, err := d.root.Open(path)
	return f, withoutPath(err)
}

func (d *folder) open(name string) (*mapfile.File, error) {
	f, err := d.file(name)
	if err != nil {
		return nil, err
	}
	m, err := mapfile.New(f)
	return m, withoutPath(err)
}

// OpenBeside opens a file in the folder of a model, by the rules for shards:
// it must not lie elsewhere, whatever links say. Errors do not name it.
func OpenBeside(dir, name string) (*os.File, error) {
	place, err := newFolder(dir)
	if err != nil {
		return nil, err
	}
	defer place.Close()
	return place.file(name)
}
