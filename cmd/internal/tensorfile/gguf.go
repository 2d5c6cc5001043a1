package tensorfile

import (
	"io"
	"path/filepath"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/gguf"
)

// parseGGUF reads a GGUF model, and keeps the metadata about the model. name is the name of the
// file. dir is the folder where other parts of the model are, or "" for input that is not a
// file.
func (f *File) parseGGUF(r io.ReaderAt, size int64, dir, name string) error {
	m, err := gguf.Parse(r, size)
	if err != nil {
		return err
	}
	path := ""
	if dir != "" {
		path = filepath.Join(dir, filepath.Base(name))
	}
	if m, err = m.OpenParts(path); err != nil {
		return err
	}
	return f.takeGGUF(m, path)
}

// takeGGUF adds the tensors of a model in the file at path.
func (f *File) takeGGUF(m *gguf.File, path string) error {
	f.closers = append(f.closers, m)
	f.Metadata = make(map[string]string)
	for _, key := range []string{"general.architecture", "general.name", "general.file_type", "general.quantization_version"} {
		value, err := m.Text(key)
		if err != nil {
			return err
		}
		if value != "" {
			f.Metadata[key] = value
		}
	}
	for _, x := range m.LeftOut {
		f.Skipped = append(f.Skipped, Skipped{x.Name, x.Reason})
	}
	for _, part := range m.Paths() {
		if part != path {
			f.paths = append(f.paths, part)
		}
	}
	for i := range m.Tensors {
		f.entries = append(f.entries, entryGGUF(m, i, path))
	}
	return nil
}

// entryGGUF returns the entry of tensor i of a model in the file at path.
func entryGGUF(m *gguf.File, i int, path string) entry {
	t := &m.Tensors[i]
	e := newEntry(t.Name, t.Type.String(), t.Shape, t.Bytes)
	e.elements, e.Floating, e.Offset, e.raw = t.Elements(), t.Type.Readable(), t.Offset, m.Data(i)
	if part := m.PartPath(i); part != path {
		e.File = filepath.Base(part)
	}
	switch {
	case e.Floating:
		e.open = func() (quant.Source, error) { return openGGUF(m, i, e.raw), nil }
	case !t.Type.Integer():
		e.Unread = unreadGGUF(t.Type)
		e.open = func() (quant.Source, error) { return nil, m.ReadFloats(i, nil, 0) } // the error says why
	}
	return e
}

// unreadGGUF returns the reason for a type that is not read.
func unreadGGUF(t gguf.Type) string { return "blocks of " + t.String() + " are not read" }

func openGGUF(m *gguf.File, i int, raw *io.SectionReader) quant.Source {
	switch t := &m.Tensors[i]; t.Type {
	case gguf.F32, gguf.F16, gguf.BF16, gguf.F64:
		r, start, _ := raw.Outer()
		return &blocks{r: r, start: start, n: t.Elements(), enc: encoding{dtype: t.Type.String()}}
	}
	return ggufBlocks{m, i}
}

// ggufBlocks is a Source of the values of quantized blocks.
type ggufBlocks struct {
	file  *gguf.File
	index int
}

func (s ggufBlocks) ReadFloats(dst []float32, off int) error {
	return s.file.ReadFloats(s.index, dst, off)
}
