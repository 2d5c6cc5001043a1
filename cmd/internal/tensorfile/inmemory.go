package tensorfile

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/gguf"
)

// Models of several files in memory, for example from a browser.

// A MemoryFile is one of several files in memory.
type MemoryFile struct {
	Name string // with slashes; only the part after the last slash matters
	Data io.ReaderAt
	Size int64
}

// ParseFiles reads the files of a folder as Open reads a folder: the safetensors files of a
// model with their index, or the parts of a GGUF model. It ignores other files. A single file
// is read as by Parse.
func (o Options) ParseFiles(files []MemoryFile) (*File, error) {
	if len(files) == 1 {
		return o.Parse(files[0].Name, files[0].Data, files[0].Size)
	}
	files = slices.Clone(files)
	for i := range files {
		files[i].Name = path.Base(files[i].Name)
	}
	slices.SortFunc(files, func(a, b MemoryFile) int { return cmp.Compare(a.Name, b.Name) })
	for i := 1; i < len(files); i++ {
		if files[i].Name == files[i-1].Name {
			return nil, fmt.Errorf("there are two files named %s", quote(files[i].Name))
		}
	}
	ending := func(suffix string) (some []MemoryFile) {
		for _, f := range files {
			if strings.HasSuffix(f.Name, suffix) && !strings.HasPrefix(f.Name, ".") {
				some = append(some, f)
			}
		}
		return some
	}
	if shards := ending(".safetensors"); len(shards) > 0 {
		return parseShards(shards, ending(indexSuffix), files)
	}
	if parts := ending(".gguf"); len(parts) > 0 {
		return o.parseParts(parts)
	}
	var one []MemoryFile
	for _, suffix := range []string{".onnx", ".npy", ".npz", ".csv", ".tsv", ".txt"} {
		one = append(one, ending(suffix)...)
	}
	if len(one) == 1 {
		return o.Parse(one[0].Name, one[0].Data, one[0].Size)
	}
	return nil, fmt.Errorf("%d files that are no parts of one model: choose one of them", len(files))
}

// parseShards reads the safetensors files of a folder as one model. If there is an index, it
// says which tensors the files hold.
func parseShards(shards, indices, all []MemoryFile) (*File, error) {
	var index *stIndex
	var names []string
	for _, s := range shards {
		names = append(names, s.Name)
	}
	if i := slices.IndexFunc(indices, func(x MemoryFile) bool { return x.Name == defaultName }); i >= 0 {
		indices = indices[i : i+1]
	}
	switch {
	case len(indices) > 1:
		return nil, fmt.Errorf("%d indices of safetensors files: leave out all but one", len(indices))
	case len(indices) == 1:
		var err error
		if index, err = indexIn(indices[0]); err != nil {
			return nil, err
		}
		// The folder may have other models too.
		shards = slices.DeleteFunc(shards, func(s MemoryFile) bool { return !slices.Contains(index.shards, s.Name) })
		for _, name := range index.shards {
			if !slices.Contains(names, name) {
				return nil, fmt.Errorf("shard %s of the index is missing: choose it with the others", quote(name))
			}
		}
	default:
		if err := missingParts(names); err != nil {
			return nil, err
		}
	}
	f := &File{Kind: "safetensors", Metadata: make(map[string]string), config: configIn(all)}
	owner := make(map[string]string)
	for _, s := range shards {
		if err := foreign(s.Data, s.Size); err != nil {
			return nil, fmt.Errorf("shard %s: %w", quote(s.Name), err)
		}
		if err := f.takeShard(s.Name, s.Name, s.Data, s.Size, owner); err != nil {
			return nil, err
		}
	}
	if index != nil {
		if err := index.check(owner); err != nil {
			return nil, err
		}
	}
	f.joinParts("")
	return f, nil
}

// indexIn parses the index of safetensors files.
func indexIn(file MemoryFile) (*stIndex, error) {
	if file.Size > maxSafetensorsHeader {
		return nil, fmt.Errorf("index is longer than %d bytes", maxSafetensorsHeader)
	}
	data, err := io.ReadAll(io.NewSectionReader(file.Data, 0, file.Size))
	if err != nil {
		return nil, err
	}
	index, err := parseIndex(data)
	if err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	for i, name := range index.shards {
		index.shards[i] = path.Base(name)
	}
	return index, nil
}

// configIn returns the configuration of quantization in the files of a model.
func configIn(files []MemoryFile) *stConfig {
	return stConfigOf(func(name string) ([]byte, bool) {
		for _, f := range files {
			if f.Name == name {
				data, err := io.ReadAll(io.NewSectionReader(f.Data, 0, min(f.Size, maxSTConfig)))
				return data, err == nil
			}
		}
		return nil, false
	})
}

// parseParts reads the parts of a GGUF model, or a single file.
func (o Options) parseParts(parts []MemoryFile) (*File, error) {
	if len(parts) == 1 {
		return o.Parse(parts[0].Name, parts[0].Data, parts[0].Size)
	}
	files := make([]*gguf.File, len(parts))
	for i, p := range parts {
		name, ok := gguf.ParsePartName(p.Name)
		switch {
		case !ok:
			return nil, fmt.Errorf("%d GGUF files that are no parts of one model, as %s: choose one of them", len(parts), quote(p.Name))
		case name.Count != len(parts) || name.No != i+1:
			return nil, fmt.Errorf("gguf: %s is one of %d parts, and %d files are there: choose all of its parts and no other", quote(p.Name), name.Count, len(parts))
		}
		var err error
		if files[i], err = gguf.Parse(p.Data, p.Size); err != nil {
			return nil, fmt.Errorf("gguf: part %s: %w", quote(p.Name), err)
		}
	}
	whole, err := gguf.Join(files)
	if err != nil {
		return nil, fmt.Errorf("gguf: %w", err)
	}
	f := &File{Kind: "gguf"}
	if err := f.takeGGUF(whole, ""); err != nil {
		return nil, errors.Join(fmt.Errorf("gguf: %w", err), f.Close())
	}
	return f, nil
}
