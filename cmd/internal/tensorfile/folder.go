package tensorfile

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/a01592f9/quant/cmd/internal/mapfile"
)

// Opening files of a folder, without following links to other places.

// A folder opens only files that are inside of it after all links are resolved.
//
// There is one exception, the cache of Hugging Face's tools: there a model is a folder of links
// from …/snapshots/revision/file to …/blobs/checksum.
type folder struct {
	root  *os.Root
	inner string // path of the folder in root
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
	// Opening a pipe would wait for a writer.
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

// OpenBeside opens a file in the folder of a model, with the rules for shards: after resolving
// links, it must be in the folder. Errors do not name the file.
func OpenBeside(dir, name string) (*os.File, error) {
	place, err := newFolder(dir)
	if err != nil {
		return nil, err
	}
	defer place.Close()
	return place.file(name)
}
