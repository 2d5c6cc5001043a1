package gguf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/mapfile"
)

// A model may be divided into parts: files with names such as NAME-00001-of-00003.gguf. Every
// part has a header. Its keys split.no (from 0), split.count and split.tensors.count give the
// number of the part, the number of parts, and the number of tensors in the model. The first
// part has the metadata of the model, and may have no tensors.

// Keys of parts.
const (
	keySplitNo      = "split.no"
	keySplitCount   = "split.count"
	keySplitTensors = "split.tensors.count"
)

// A PartName is the name of a part: Prefix-00001-of-00003.gguf.
type PartName struct {
	Prefix    string
	No, Count int // from 1
}

var partPattern = regexp.MustCompile(`^(.*)-(\d{5})-of-(\d{5})\.gguf$`)

// ParsePartName parses the name of a file. It returns false if that is not the name of a part.
func ParsePartName(name string) (PartName, bool) {
	m := partPattern.FindStringSubmatch(name)
	if m == nil {
		return PartName{}, false
	}
	p := PartName{Prefix: m[1]}
	p.No, _ = strconv.Atoi(m[2]) // no error, since there are five digits
	p.Count, _ = strconv.Atoi(m[3])
	return p, p.No >= 1 && p.No <= p.Count
}

// String returns the name.
func (p PartName) String() string {
	return fmt.Sprintf("%s-%05d-of-%05d.gguf", p.Prefix, p.No, p.Count)
}

// part returns the name of part no of the same model.
func (p PartName) part(no int) PartName { return PartName{p.Prefix, no, p.Count} }

// Open opens the model at path: a file, any part of a model, or the folder of either. It opens
// all parts, as OpenParts does. Only errors of the operating system name the path.
func Open(path string) (*File, error) {
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		name, err := pickIn(path)
		if err != nil {
			return nil, err
		}
		path = filepath.Join(path, name)
	}
	m, err := mapfile.Open(path)
	if err != nil {
		return nil, err
	}
	f, err := Parse(m, m.Size())
	if err != nil {
		m.Close()
		return nil, err
	}
	f.closers = append(f.closers, m)
	whole, err := f.OpenParts(path)
	if err != nil {
		f.Close()
		return nil, err
	}
	return whole, nil
}

// OpenParts returns the model of which f is a part. f was parsed from the file at path, and the
// other parts are opened from the same folder. The model has the tensors of all parts. If f is
// not one of several parts, OpenParts returns f itself, with its path. A missing part is an
// error, and so are parts that contradict each other. The path may be "" for a model that is
// not in a file.
//
// The returned File closes f, so the caller must not close f. After an error the caller must
// close f.
func (f *File) OpenParts(path string) (*File, error) {
	s, err := f.split()
	if err != nil {
		return nil, err
	}
	name, named := ParsePartName(filepath.Base(path))
	if f.parts[0].path = path; s.count <= 1 && !(named && name.Count > 1 && s.count < 0) {
		return f, nil
	}
	switch {
	case !named && f.joined():
		return nil, fmt.Errorf("it is one of %d parts, by its metadata, with another GGUF file behind it: leave parts as files of their own", s.count)
	case !named && s.no < 0:
		return nil, fmt.Errorf("it is one of %d parts, by its metadata; the others are found by names such as model-00001-of-%05d.gguf", s.count, s.count)
	case !named:
		other := PartName{"model", int(s.no) + 1, int(s.count)}
		return nil, fmt.Errorf("it is part %d of %d, by its metadata; the other parts are found by names such as %s", s.no+1, s.count, other)
	case s.count >= 0 && s.count != int64(name.Count):
		return nil, fmt.Errorf("it is named as one of %d parts, and its key %s says %d", name.Count, keySplitCount, s.count)
	}
	dir := filepath.Dir(path)
	if err := missing(dir, name); err != nil {
		return nil, err
	}
	files := make([]*File, name.Count)
	var opened []io.Closer
	for i := range files {
		if files[i] = f; i == name.No-1 {
			continue
		}
		m, err := mapfile.Open(filepath.Join(dir, name.part(i+1).String()))
		if err == nil {
			opened = append(opened, m)
			if files[i], err = Parse(m, m.Size()); err == nil {
				files[i].parts[0].path = filepath.Join(dir, name.part(i+1).String())
				continue
			}
		}
		return nil, errors.Join(fmt.Errorf("part %d of %d: %w", i+1, name.Count, err), closeAll(opened))
	}
	whole, err := Join(files)
	if err != nil {
		return nil, errors.Join(err, closeAll(opened))
	}
	whole.closers = append(slices.Clone(f.closers), opened...)
	return whole, nil
}

// maxMissing is the largest number of missing parts in an error.
const maxMissing = 4

// missing returns an error that names the parts that a folder lacks.
func missing(dir string, name PartName) error {
	var numbers, names []string
	for i := 1; i <= name.Count && len(names) <= maxMissing; i++ {
		part := name.part(i).String()
		if _, err := os.Stat(filepath.Join(dir, part)); i != name.No && err != nil {
			numbers, names = append(numbers, strconv.Itoa(i)), append(names, quote(part))
		}
	}
	switch {
	case len(names) == 0:
		return nil
	case len(names) == 1:
		return fmt.Errorf("part %s of %d is missing: %s", numbers[0], name.Count, names[0])
	case len(names) > maxMissing:
		numbers[maxMissing], names[maxMissing] = "more", "…"
	}
	last := len(numbers) - 1
	return fmt.Errorf("parts %s and %s of %d are missing: %s", strings.Join(numbers[:last], ", "), numbers[last], name.Count, strings.Join(names, ", "))
}

// A split is the metadata about parts. A number is -1 if the metadata lack it.
type split struct{ no, count, tensors int64 }

func (f *File) split() (s split, err error) {
	for _, number := range []struct {
		key string
		n   *int64
	}{{keySplitNo, &s.no}, {keySplitCount, &s.count}, {keySplitTensors, &s.tensors}} {
		if *number.n, err = f.count(number.key); err != nil {
			return split{}, err
		}
	}
	if s.count > 1 && s.no >= s.count {
		return split{}, fmt.Errorf("key %q: part %d of %d, where the first is 0", keySplitNo, s.no, s.count)
	}
	return s, nil
}

// count returns the value of a key with a number; -1 if it is missing.
func (f *File) count(key string) (int64, error) {
	v := f.find(key)
	if v == nil {
		return -1, nil
	}
	switch v.Type {
	case Uint8, Uint16, Uint32, Uint64, Int8, Int16, Int32, Int64:
	default:
		return 0, fmt.Errorf("key %s: value is %s, not an integer", quote(key), v.Type)
	}
	bits, err := f.number(v)
	if err != nil {
		return 0, err
	}
	n := int64(bits)
	switch v.Type {
	case Int8:
		n = int64(int8(bits))
	case Int16:
		n = int64(int16(bits))
	case Int32:
		n = int64(int32(bits))
	}
	const most = 99_999 // the largest number in a name
	if n < 0 || n > most && key != keySplitTensors {
		return 0, fmt.Errorf("key %s: %d is no number of parts", quote(key), n)
	}
	return n, nil
}

// Join makes one model of its parts, which must be in order. It has the metadata of the first
// part without the keys of parts, the metadata of later parts that the first does not have, and
// the tensors of all parts. Join checks the keys of parts. The parts must not be used
// afterwards.
func Join(parts []*File) (*File, error) {
	first := parts[0]
	whole := &File{Version: first.Version, Align: first.Align, DataStart: first.DataStart, r: first.r, size: first.size}
	owner := make(map[string]int)
	keys := make(map[string]int)
	said := split{-1, -1, -1} // the number of tensors according to the parts
	for i, f := range parts {
		s, err := f.split()
		if err == nil {
			err = s.check(i, len(parts))
		}
		if err != nil {
			return nil, fmt.Errorf("part %d of %d: %w", i+1, len(parts), err)
		}
		if s.tensors >= 0 {
			said = split{no: int64(i), tensors: s.tensors}
		}
		whole.parts = append(whole.parts, f.parts...)
		for _, x := range f.LeftOut {
			whole.LeftOut = append(whole.LeftOut, LeftOut{fmt.Sprintf("part %d of %d, %s", i+1, len(parts), x.Name), x.Reason})
		}
		if err := whole.joinMetadata(f, keys, i, len(parts)); err != nil {
			return nil, err
		}
		for _, t := range f.Tensors {
			if other, twice := owner[t.Name]; twice {
				return nil, fmt.Errorf("tensor %s is in part %d and in part %d of %d", quote(t.Name), other+1, i+1, len(parts))
			}
			owner[t.Name] = i
			t.Part = i
			whole.Tensors = append(whole.Tensors, t)
		}
	}
	if said.tensors >= 0 && said.tensors != int64(len(whole.Tensors)) {
		return nil, fmt.Errorf("part %d of %d: key %q says %d, and the parts have %d tensors",
			said.no+1, len(parts), keySplitTensors, said.tensors, len(whole.Tensors))
	}
	return whole, nil
}

// joinMetadata adds the metadata of part i of n to those of f. keys has the indexes of the keys
// in f. If values differ, the first value stays.
func (f *File) joinMetadata(from *File, keys map[string]int, i, n int) error {
	for _, v := range from.Metadata {
		switch v.Key {
		case keySplitNo, keySplitCount, keySplitTensors:
			continue
		case keyAlignment: // every part has its own alignment
			if i > 0 {
				continue
			}
		}
		v.part = i
		at, ok := keys[v.Key]
		if !ok {
			keys[v.Key] = len(f.Metadata)
			f.Metadata = append(f.Metadata, v)
			continue
		}
		known := &f.Metadata[at]
		same, err := f.equal(known, &v)
		if err != nil {
			return fmt.Errorf("part %d of %d: key %s: %w", i+1, n, quote(v.Key), err)
		}
		if !same {
			f.LeftOut = append(f.LeftOut, LeftOut{fmt.Sprintf("part %d of %d, key %s", i+1, n, quote(v.Key)),
				fmt.Sprintf("part %d has another value, which counts", known.part+1)})
		}
	}
	return nil
}

// equal compares the bytes of two values.
func (f *File) equal(a, b *Value) (bool, error) {
	n := a.end - a.start
	if a.Type != b.Type || n != b.end-b.start {
		return false, nil
	}
	x, y := make([]byte, min(n, windowLen)), make([]byte, min(n, windowLen))
	for at := int64(0); at < n; at += windowLen {
		k := min(n-at, windowLen)
		if got, err := f.parts[a.part].r.ReadAt(x[:k], a.start+at); int64(got) < k {
			return false, err
		}
		if got, err := f.parts[b.part].r.ReadAt(y[:k], b.start+at); int64(got) < k {
			return false, err
		}
		if !bytes.Equal(x[:k], y[:k]) {
			return false, nil
		}
	}
	return true, nil
}

// check returns an error if the metadata of part i of n contradict i or n.
func (s split) check(i, n int) error {
	switch {
	case s.count >= 0 && s.count != int64(n):
		return fmt.Errorf("key %q says %d", keySplitCount, s.count)
	case s.no >= 0 && s.no != int64(i):
		return fmt.Errorf("key %q says %d, where %d is expected", keySplitNo, s.no, i)
	}
	return nil
}

// Size returns the size of the file, or of all parts.
func (f *File) Size() int64 {
	n := int64(0)
	for _, p := range f.parts {
		n += p.size
	}
	return n
}

// Paths returns the known paths of the file, or of all parts in order.
func (f *File) Paths() []string {
	var paths []string
	for _, p := range f.parts {
		if p.path != "" {
			paths = append(paths, p.path)
		}
	}
	return paths
}

// PartPath returns the path of the part with tensor i, or "" if it is not known.
func (f *File) PartPath(i int) string { return f.parts[f.Tensors[i].Part].path }

// Data returns the data of tensor i in the file.
func (f *File) Data(i int) *io.SectionReader {
	t := &f.Tensors[i]
	return io.NewSectionReader(f.reader(t), t.Offset, t.Bytes)
}

func (f *File) reader(t *Tensor) io.ReaderAt { return f.parts[t.Part].r }

// Close closes the files that Open or OpenParts opened.
func (f *File) Close() error {
	closers := f.closers
	f.closers = nil
	return closeAll(closers)
}

func closeAll(closers []io.Closer) error {
	var errs []error
	for _, c := range closers {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// pickIn is PickModel for a folder.
func pickIn(dir string) (string, error) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	names := make([]string, len(list))
	for i, d := range list {
		names[i] = d.Name()
	}
	return PickModel(names)
}

// ErrNoModel is the error of PickModel if there is no model.
var ErrNoModel = errors.New("folder holds no GGUF file")

// PickModel returns which of the files of a folder to Open for the model in it: the only file
// with the name of a GGUF file, or the first of its parts. The error is ErrNoModel if there is
// no model, and names some if there are several models. PickModel ignores names that begin with
// a dot.
func PickModel(names []string) (string, error) {
	var models, files []string // one file for each model
	for _, name := range slices.Sorted(slices.Values(names)) {
		if strings.HasPrefix(name, ".") || !strings.EqualFold(filepath.Ext(name), ".gguf") {
			continue
		}
		model := name
		if p, ok := ParsePartName(name); ok {
			model = p.part(1).String()
		}
		if !slices.Contains(models, model) {
			models, files = append(models, model), append(files, name)
		}
	}
	switch {
	case len(models) == 0:
		return "", ErrNoModel
	case len(models) > 1:
		shown := make([]string, 0, maxMissing)
		for _, name := range files[:min(len(files), maxMissing)] {
			shown = append(shown, quote(name))
		}
		if len(files) > maxMissing {
			shown = append(shown, "…")
		}
		return "", fmt.Errorf("folder holds %d GGUF models: name one of %s", len(models), strings.Join(shown, ", "))
	}
	return files[0], nil
}
