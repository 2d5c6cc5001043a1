// Package importance reads how much the inputs of weights matter: the mean squares of the
// activations that weights are multiplied with, by the names of the weights.
//
// These files have them: importance matrices of llama.cpp, second moments of quant calibrate
// --moments or of a feedback.Moments, states of quant calibrate with histograms, and files of
// tensors with a vector for each weight.
package importance

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/calibfile"
	"github.com/a01592f9/quant/cmd/internal/imatrix"
	"github.com/a01592f9/quant/cmd/internal/moments"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/cmd/internal/text"
	"github.com/a01592f9/quant/feedback"
)

// A File has importances of weights by name.
type File struct {
	Path    string
	entries map[string]entry
	unnamed bool // an entry has the name of the file
}

// An entry has the importances of one weight.
type entry struct {
	values []float64
	last   bool // they belong to the last axis of the weight, as in llama.cpp
}

// momentsMagic begins a state of feedback.Moments.
const momentsMagic = "QMOM"

// Open reads the importances in the file at path, whose content tells what kind it is. Errors
// name the file.
func Open(path string) (*File, error) {
	head, err := headOf(path)
	if err != nil {
		return nil, err
	}
	f := newFile(path)
	switch {
	case imatrix.Is(head): // a model in GGUF, which this may be, is not read as a whole
		m, err := imatrix.Open(path)
		if err != nil {
			return nil, err
		}
		f.takeMatrix(m)
		return f.done(nil)
	case isTensors(head):
		file, err := tensorfile.Open(path)
		if err != nil {
			return nil, f.name(err)
		}
		defer file.Close()
		return f.done(f.takeTensors(file, 0))
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return f.done(f.take(data))
}

// Parse reads the importances in data, the content of a file of the given name. A file of tensors may
// have at most the given number of values, as its compressed tensors may be much larger than the
// file. Errors name the file.
func Parse(name string, data []byte, most int64) (*File, error) {
	f := newFile(name)
	if !isTensors(data) {
		return f.done(f.take(data))
	}
	file, err := tensorfile.Options{}.ParseFiles([]tensorfile.MemoryFile{{Name: name, Data: bytes.NewReader(data), Size: int64(len(data))}})
	if err != nil {
		return nil, f.name(err)
	}
	return f.done(f.takeTensors(file, most))
}

func newFile(path string) *File { return &File{Path: path, entries: make(map[string]entry)} }

// headLen is how many bytes at the beginning of a file tell its kind.
const headLen = 64

// headOf returns the beginning of a file.
func headOf(path string) ([]byte, error) {
	head := make([]byte, headLen)
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	n, err := io.ReadFull(file, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return head[:n], nil
}

// isTensors reports whether a file that begins with data is none of those that have importances
// only.
func isTensors(data []byte) bool {
	head := data[:min(headLen, len(data))]
	return !calibfile.IsState(head) && !moments.IsState(head) && !bytes.HasPrefix(head, []byte(momentsMagic)) && !imatrix.Is(head)
}

// done returns f, or the error that reading it had.
func (f *File) done(err error) (*File, error) {
	if err == nil && len(f.entries) == 0 {
		err = fmt.Errorf("there are no importances in it")
	}
	if err != nil {
		return nil, f.name(err)
	}
	return f, nil
}

// name adds the name of f to an error that does not have it.
func (f *File) name(err error) error {
	if strings.HasPrefix(err.Error(), f.Path+":") {
		return err
	}
	return fmt.Errorf("%s: %w", f.Path, trimmed{err})
}

// A trimmed is an error whose text does not begin with the name of a package.
type trimmed struct{ error }

func (e trimmed) Error() string { return strings.TrimPrefix(e.error.Error(), "quant: ") }
func (e trimmed) Unwrap() error { return e.error }

// take reads a file of importances.
func (f *File) take(data []byte) error {
	switch {
	case calibfile.IsState(data):
		return f.takeState(data)
	case moments.IsState(data):
		return f.takeMoments(data)
	case bytes.HasPrefix(data, []byte(momentsMagic)):
		return f.takeOneMoments(data)
	}
	m, err := imatrix.Parse(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return fmt.Errorf("importance matrix: %w", err)
	}
	f.takeMatrix(m)
	return nil
}

// takeMatrix takes an importance matrix of llama.cpp.
func (f *File) takeMatrix(m *imatrix.File) {
	for _, e := range m.Entries {
		values := make([]float64, len(e.Squares))
		for i, v := range e.Squares {
			values[i] = float64(v)
		}
		f.entries[e.Name] = entry{values, true}
	}
}

// takeMoments reads the second moments of quant calibrate --moments.
func (f *File) takeMoments(data []byte) error {
	s, err := moments.Parse(data)
	if err != nil {
		return err
	}
	for name, m := range s {
		f.entries[name] = entry{values: m.MeanSquares()}
	}
	return nil
}

// takeOneMoments reads the state of a feedback.Moments. The weight has the name of the file, without
// its extension.
func (f *File) takeOneMoments(data []byte) error {
	var m feedback.Moments
	if err := m.UnmarshalBinary(data); err != nil {
		return err
	}
	f.only(m.MeanSquares())
	return nil
}

// only takes the importance of one weight, which has the name of the file without its extension.
func (f *File) only(values []float64) {
	name := filepath.Base(f.Path)
	f.unnamed = true
	f.entries[strings.TrimSuffix(name, filepath.Ext(name))] = entry{values: values}
}

// takeState reads a state of quant calibrate with a histogram for each input.
func (f *File) takeState(data []byte) error {
	seen, err := calibfile.ParseState(f.Path, data)
	if err != nil {
		return err
	}
	for name, x := range seen {
		values := make([]float64, x.Observer.Len())
		for i := range values {
			bins := x.Observer.Bins(i)
			if bins == nil {
				return fmt.Errorf("tensor %q has no histograms of its channels: the state has to be made with --granularity per_channel --axis -1 --method mse", name)
			}
			values[i] = meanSquare(bins)
		}
		f.entries[name] = entry{values: values}
	}
	return nil
}

// meanSquare returns the mean square of values that are known by their bins. The values of a bin
// are taken to be spread evenly.
func meanSquare(bins []quant.Bin) float64 {
	sum, n := 0.0, 0.0
	for _, b := range bins {
		lo, hi := float64(b.Min), float64(b.Max)
		sum += float64(float64(b.Count)*(float64(lo*lo)+float64(lo*hi)+float64(hi*hi))) / 3
		n += float64(b.Count)
	}
	return sum / n
}

// takeTensors reads a file of tensors, of any format, which have the names of weights. The tensors have
// at most the given number of values together; 0 is any number.
func (f *File) takeTensors(file *tensorfile.File, most int64) error {
	sum := int64(0)
	for i, t := range file.Tensors() {
		if !t.Floating {
			continue
		}
		n := int64(1)
		for _, d := range t.Shape {
			n *= int64(d) // readers have checked the product
		}
		if sum += n; most > 0 && sum > most {
			return fmt.Errorf("importances of more than %d values", most)
		}
		x, err := file.Load(i)
		if err != nil {
			return err
		}
		values := make([]float64, len(x))
		for k, v := range x {
			values[k] = float64(v)
		}
		if t.Name == "" {
			f.only(values)
			continue
		}
		f.entries[t.Name] = entry{values: values}
	}
	return nil
}

// Unnamed reports whether f has one importance, without the name of its weight.
func (f *File) Unnamed() bool { return f.unnamed && len(f.entries) == 1 }

// Rename lets the only importance of an unnamed file be that of the weight with a name.
func (f *File) Rename(weight string) {
	for _, e := range f.entries {
		f.entries, f.unnamed = map[string]entry{weight: e}, false
		return
	}
}

// Of returns the importance of the weight with a name and a shape, whose output channels are on
// the given axis. It returns nil if the file has none.
func (f *File) Of(name string, shape []int, channels int) (*quant.Importance, error) {
	e, ok := f.entries[name]
	if short, is := strings.CutSuffix(name, ".weight"); !ok && is { // the name of the layer
		e, ok = f.entries[short]
	}
	if !ok {
		if name = matrixName(name); name == "" {
			return nil, nil
		}
		if e, ok = f.entries[name]; !ok || !e.last {
			return nil, nil
		}
	}
	axes := []int{-1}
	if !e.last {
		axes = []int{inputs(len(shape), channels), -1}
	}
	var first error
	for _, axis := range axes {
		i := &quant.Importance{Axis: axis, Values: e.values}
		err := i.Validate(shape)
		if err == nil {
			return i, nil
		}
		if first == nil {
			first = err
		}
	}
	words := strings.TrimPrefix(first.Error(), "quant: ")
	return nil, fmt.Errorf("%s: entry %q: %s", f.Path, text.Clean(name), words)
}

// inputs returns the axis of the inputs of a weight whose output channels are on an axis.
func inputs(rank, channels int) int {
	switch {
	case rank == 1:
		return 0
	case channels == 0:
		return 1
	}
	return 0
}

// Names lists the names of the weights that have an importance.
func (f *File) Names() []string { return slices.Sorted(maps.Keys(f.entries)) }
