package tensorfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/gguf"
	"github.com/a01592f9/quant/cmd/internal/mapfile"
)

// Open opens the tensor file at path. That is a file of any format, the index of a safetensors
// model in shards (model.safetensors.index.json), or a folder with such files or with one GGUF
// model. Any part of a GGUF model opens all parts. Only errors of the operating system name the
// path.
func Open(path string) (*File, error) { return Options{}.Open(path) }

// OpenProgress is Open with progress, which may be nil. It is called with the number of bytes
// read, for text and for many shards, which take long to open.
func OpenProgress(path string, progress func(done, total int64)) (*File, error) {
	return Options{Progress: progress}.Open(path)
}

// Open is the function Open with options.
func (o Options) Open(path string) (*File, error) {
	st, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case st.IsDir():
		return openFolder(path, o.Progress)
	case !st.Mode().IsRegular():
		// Pipes and devices cannot be read at an offset.
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return o.Read(path, f, 0)
	case isIndex(path):
		return openIndex(path, o.Progress)
	}
	m, err := mapfile.Open(path)
	if err != nil {
		return nil, err
	}
	f, err := o.parse(path, m, m.Size(), filepath.Dir(path))
	if err != nil {
		m.Close()
		return nil, err
	}
	f.paths = append([]string{path}, f.paths...)
	f.closers = append(f.closers, m)
	return f, nil
}

// openFolder opens the model in a folder: the files of an index or, without an index, all
// safetensors files.
func openFolder(dir string, progress func(done, total int64)) (*File, error) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var indices, names, others []string
	for _, d := range list {
		switch name := d.Name(); {
		case name == defaultName:
			return openIndex(filepath.Join(dir, name), progress)
		case strings.HasPrefix(name, "."):
			// Skip hidden files.
		case strings.HasSuffix(name, indexSuffix):
			indices = append(indices, name)
		case strings.HasSuffix(name, ".safetensors"):
			names = append(names, name)
		default:
			others = append(others, name)
		}
	}
	switch {
	case len(indices) == 1:
		return openIndex(filepath.Join(dir, indices[0]), progress)
	case len(indices) > 1:
		return nil, fmt.Errorf("folder holds %d indices of safetensors files: name one of %s", len(indices), quoteAll(indices))
	case len(names) == 0:
		return openFolderGGUF(dir, others, progress)
	}
	if err := missingParts(names); err != nil {
		return nil, err
	}
	return openShards(dir, names, nil, progress)
}

// openFolderGGUF opens the GGUF model in a folder without safetensors files.
func openFolderGGUF(dir string, names []string, progress func(done, total int64)) (*File, error) {
	name, err := gguf.PickModel(names)
	switch {
	case errors.Is(err, gguf.ErrNoModel):
		return nil, noModel(names)
	case err != nil:
		return nil, err
	}
	return OpenProgress(filepath.Join(dir, name), progress)
}
