package tensorfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxShards is a few times the number of shards in the largest models.
const maxShards = 10_000

// openIndex opens the shards in the index at path. They must be in its folder or below.
func openIndex(path string, progress func(done, total int64)) (*File, error) {
	index, err := readIndex(path)
	if err != nil {
		return nil, err
	}
	seen := make(map[string]bool)
	var names []string
	for _, shard := range index.shards {
		if !seen[shard] {
			seen[shard] = true
			names = append(names, shard)
		}
	}
	slices.Sort(names)
	return openShards(filepath.Dir(path), names, index, progress)
}

// partName matches the name of a file that is one of several.
var partName = regexp.MustCompile(`^(.*[-_.])(\d{1,6})([-_]of[-_])(\d{1,6})\.safetensors$`)

// maxParts is the largest number of missing parts in an error.
const maxParts = 4

// missingParts returns an error if files whose names are numbered are not complete. Without an
// index only the names show that a part is missing.
func missingParts(names []string) error {
	there := make(map[string]bool)
	for _, name := range names {
		there[name] = true
	}
	for _, name := range names {
		m := partName.FindStringSubmatch(name)
		if m == nil {
			continue
		}
		of, _ := strconv.Atoi(m[4]) // there are at most six digits
		has := func(part int) bool {
			return there[fmt.Sprintf("%s%0*d%s%s.safetensors", m[1], len(m[2]), part, m[3], m[4])]
		}
		first := 1
		if has(0) { // some names count from 0
			first = 0
		}
		var missing []string
		for part := first; part < first+of; part++ {
			if !has(part) {
				missing = append(missing, strconv.Itoa(part))
			}
		}
		if len(missing) == 0 {
			continue
		}
		verb := "is"
		if len(missing) > 1 {
			verb = "are"
		}
		if len(missing) > maxParts {
			missing = append(missing[:maxParts], "…")
		}
		return fmt.Errorf("part %s of %d %s missing beside %s; download the rest of the model", strings.Join(missing, ", "), of, verb, quote(name))
	}
	return nil
}

// openShards opens files in a folder as one model. If index is not nil, it says which tensors
// the files hold.
func openShards(dir string, names []string, index *stIndex, progress func(done, total int64)) (*File, error) {
	if len(names) > maxShards {
		return nil, fmt.Errorf("%d shards: at most %d are read", len(names), maxShards)
	}
	place, err := newFolder(dir)
	if err != nil {
		return nil, err
	}
	defer place.Close()
	f := &File{Kind: "safetensors", Metadata: make(map[string]string)}
	owner := make(map[string]string) // the shard with each tensor
	for i, name := range names {
		if progress != nil {
			progress(int64(i), int64(len(names)))
		}
		if err = f.addShard(dir, place, name, owner); err != nil {
			break
		}
	}
	if err == nil && index != nil {
		f.paths = append(f.paths, index.path)
		err = index.check(owner)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	f.joinParts(dir)
	return f, nil
}

// addShard opens a shard, and adds its tensors to f.
func (f *File) addShard(dir string, place *folder, name string, owner map[string]string) error {
	m, err := place.open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("shard %s is missing; download the rest of the model", quote(name))
	}
	if err != nil {
		return fmt.Errorf("shard %s: %w", quote(name), err)
	}
	f.closers = append(f.closers, m)
	if err := foreign(m, m.Size()); err != nil {
		return fmt.Errorf("shard %s: %w", quote(name), err)
	}
	path := filepath.Join(dir, filepath.FromSlash(name))
	f.paths = append(f.paths, path)
	return f.takeShard(name, path, m, m.Size(), owner)
}

// takeShard adds the tensors of a shard to f.
func (f *File) takeShard(name, path string, r io.ReaderAt, size int64, owner map[string]string) error {
	entries, metadata, err := parseSafetensors(r, size)
	if err != nil {
		return fmt.Errorf("safetensors: shard %s: %w", quote(name), err)
	}
	for i := range entries {
		e := &entries[i]
		e.File = name
		if other, twice := owner[e.Name]; twice {
			return fmt.Errorf("tensor %s is in two files, %s and %s", quote(e.Name), quote(other), quote(name))
		}
		owner[e.Name] = name
	}
	f.entries = append(f.entries, entries...)
	f.Shards = append(f.Shards, Shard{Name: name, Path: path, Metadata: metadata})
	for key, value := range metadata {
		if _, known := f.Metadata[key]; !known {
			f.Metadata[key] = value
		}
	}
	return nil
}

// stIndex is the index of a safetensors model in shards.
type stIndex struct {
	path    string
	tensors []string
	shards  []string // names of the shards
}

// check checks that every tensor of the index is in its shard.
func (x *stIndex) check(owner map[string]string) error {
	for i, name := range x.tensors {
		switch have, there := owner[name]; {
		case !there:
			return fmt.Errorf("index: tensor %s is not in shard %s", quote(name), quote(x.shards[i]))
		case have != x.shards[i]:
			return fmt.Errorf("index: tensor %s is not in shard %s but in %s", quote(name), quote(x.shards[i]), quote(have))
		}
	}
	return nil
}

func readIndex(path string) (*stIndex, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSafetensorsHeader+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > maxSafetensorsHeader:
		return nil, fmt.Errorf("index is longer than %d bytes", maxSafetensorsHeader)
	}
	x, err := parseIndex(data)
	if err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	x.path = path
	return x, nil
}

// parseIndex parses {"metadata": …, "weight_map": {tensor: shard, …}}.
func parseIndex(data []byte) (*stIndex, error) {
	x := new(stIndex)
	hasMap := false
	d := newJSONReader(data, "file")
	err := d.object(func(key string) error {
		if key != "weight_map" {
			return d.skip(0)
		}
		hasMap = true
		return d.object(func(key string) error {
			shard, err := d.str()
			if err == nil && !localName(shard) {
				err = fmt.Errorf("shard %s is not a file below the folder", quote(shard))
			}
			if err != nil {
				return inTensor(key, err)
			}
			x.tensors, x.shards = append(x.tensors, key), append(x.shards, shard)
			return nil
		})
	})
	switch {
	case err != nil:
		return nil, err
	case !hasMap:
		return nil, errors.New("no weight_map: it is not the index of safetensors files")
	case len(x.tensors) == 0:
		return nil, errors.New("weight_map is empty")
	}
	if _, err := d.dec.Token(); err != io.EOF {
		return nil, errors.New("goes on after its closing }")
	}
	return x, nil
}

// localName reports whether name is a path below a folder on every system. It has slashes.
func localName(name string) bool {
	return name != "" && name == filepath.ToSlash(filepath.Clean(filepath.FromSlash(name))) &&
		name != "." && filepath.IsLocal(filepath.FromSlash(name)) && !strings.ContainsAny(name, "\\\x00")
}
