package beam

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/a01592f9/quant/internal/summary"
	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem"
)

func init() {
	registerTypes(&listFn{}, &openFn{}, Ref{}, Bad{})
}

// A Ref is the place of a tensor. Stages pass it instead of the values.
type Ref struct {
	File   string
	Index  int // index of the tensor in the file
	Name   string
	DType  string // f32, f16 or bf16
	Word   string // the name of the type in reports, such as F32
	Big    bool   // whether the bytes are big-endian
	Shape  []int
	Offset int64  // offset of the values in the file or in the member
	Member string // of a compressed archive, or ""
	Bytes  int64
}

// A Bad is a file that was left out, with the reason.
type Bad struct {
	File, Reason string
}

// A LeftOut is a tensor that was left out, with the reason.
type LeftOut struct {
	Tensor Ref
	Reason string
}

// A Sources is the result of Find: the tensors, the tensors that were left out because they are
// not floating-point or have no elements, and the bad files.
type Sources struct {
	Tensors beam.PCollection // of Ref
	Left    beam.PCollection // of LeftOut
	Bad     beam.PCollection // of Bad, empty unless Options.SkipBad
}

// Find finds the tensors in the .npy, .npz and safetensors files that match globs. A bad file
// has no tensors, cannot be read, or is shorter than its header says. A glob that matches no
// file is an error.
func Find(s beam.Scope, o Options, globs ...string) Sources {
	s = s.Scope("quant.Find")
	files := beam.ParDo(s, &listFn{}, beam.CreateList(s, globs))
	refs, left, bad := beam.ParDo3(s, &openFn{Options: o}, beam.Reshuffle(s, files))
	return Sources{Tensors: refs, Left: left, Bad: bad}
}

// A listFn lists the files of a glob.
type listFn struct{}

func (*listFn) ProcessElement(ctx context.Context, glob string, emit func(string)) error {
	fs, err := filesystem.New(ctx, glob)
	if err != nil {
		return err
	}
	defer fs.Close()
	if st, err := os.Stat(glob); err == nil && st.IsDir() {
		return fmt.Errorf("%s: a folder: name its files, as %s/*.safetensors", glob, strings.TrimSuffix(glob, "/"))
	}
	files, err := fs.List(ctx, glob)
	if err != nil {
		return fmt.Errorf("%s: %w", glob, err)
	}
	if len(files) == 0 {
		return fmt.Errorf("%s: there is no such file", glob)
	}
	for _, f := range files {
		emit(f)
	}
	return nil
}

// An openFn reads the headers of a file.
type openFn struct{ Options Options }

var (
	tensorsFound = beam.NewCounter("quant", "tensors")
	badFiles     = beam.NewCounter("quant", "bad_files")
)

func (f *openFn) ProcessElement(ctx context.Context, file string, emit func(Ref), left func(LeftOut), bad func(Bad)) error {
	var all []member
	var err error
	for range tries { // a second attempt may succeed
		if all, err = tensorsOf(ctx, file, f.Options.SkipBad); err == nil || ctx.Err() != nil {
			break
		}
	}
	if err == nil && len(all) == 0 {
		err = errors.New("there are no tensors in it")
	}
	if err != nil {
		if !f.Options.SkipBad {
			return fmt.Errorf("%s: %w", file, err)
		}
		badFiles.Inc(ctx, 1)
		bad(Bad{File: file, Reason: err.Error()})
		return nil
	}
	for i, m := range all {
		name := m.name
		if name == "" {
			name = f.Options.name(file)
		}
		if !f.Options.picked(name) {
			continue
		}
		ref := Ref{file, i, name, m.dtype, m.word, m.big, m.shape, m.offset, m.member, m.bytes}
		n, err := count(m.shape)
		switch {
		case err != nil:
			return inTensor(file, name, err)
		case !m.float:
			left(LeftOut{ref, summary.NotFloating(m.word)})
		case n == 0:
			left(LeftOut{ref, "no elements"})
		default:
			tensorsFound.Inc(ctx, 1)
			emit(ref)
		}
	}
	return nil
}

// A member is an array in a file, or in a member of an archive.
type member struct {
	array
	member string // the name of the member if it is compressed
}

// tensorsOf reads the headers of a file, and checks the length of the file. If whole is set, it
// reads compressed members to their end, so that a damaged member is found before any of its
// values are used.
func tensorsOf(ctx context.Context, file string, whole bool) ([]member, error) {
	in, length, err := open(ctx, file)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	head := make([]byte, len(npyMagic))
	n, err := io.ReadFull(in, head)
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
		return nil, err
	}
	rest := io.MultiReader(bytes.NewReader(head[:n]), in)
	switch {
	case bytes.HasPrefix(head, npyMagic):
		a, err := readNPY(rest)
		if err == nil && a.float && a.offset+a.bytes != length {
			err = fmt.Errorf("%d bytes where the header tells of %d", length, a.offset+a.bytes)
		}
		a.bytes = length - a.offset
		return []member{{array: a}}, err
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return membersOf(rest, in, length, whole)
	case strings.HasSuffix(file, ".safetensors"):
		arrays, err := readSafetensors(rest, length)
		var all []member
		for _, a := range arrays {
			all = append(all, member{array: a})
		}
		return all, err
	}
	return nil, errors.New("neither an .npy, an .npz nor a .safetensors file")
}

func membersOf(rest, in io.Reader, length int64, whole bool) ([]member, error) {
	z, err := archive(rest, in, length)
	if err != nil {
		return nil, err
	}
	var all []member
	seen := map[string]bool{}
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		m, err := memberOf(f, whole)
		if err == nil && seen[f.Name] {
			err = errors.New("it is in the archive twice")
		}
		if err != nil {
			return nil, fmt.Errorf("member %q: %w", f.Name, err)
		}
		seen[f.Name] = true
		all = append(all, m)
	}
	return all, nil
}

func memberOf(f *zip.File, whole bool) (member, error) {
	r, err := f.Open()
	if err != nil {
		return member{}, err
	}
	defer r.Close()
	a, err := readNPY(r)
	if err != nil {
		return member{}, err
	}
	if a.float && a.offset+a.bytes != int64(f.UncompressedSize64) {
		return member{}, fmt.Errorf("%d bytes where the header tells of %d", f.UncompressedSize64, a.offset+a.bytes)
	}
	if whole {
		if _, err := io.Copy(io.Discard, r); err != nil {
			return member{}, err
		}
	}
	a.name = strings.TrimSuffix(f.Name, ".npy")
	a.bytes = int64(f.UncompressedSize64) - a.offset
	if f.Method != zip.Store {
		return member{a, f.Name}, nil
	}
	base, err := f.DataOffset()
	a.offset += base
	return member{array: a}, err
}
