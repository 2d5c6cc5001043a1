// Package importance reads how much the inputs of weights matter: the mean squares of the
// activations that weights are multiplied with, by the names of the weights.
//
// Four kinds of files have them: importance matrices of llama.cpp, states of feedback.Moments,
// states of quant calibrate, and files of tensors with a vector for each weight.
package importance

import (
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
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/cmd/internal/text"
	"github.com/a01592f9/quant/feedback"
)

// A File has importances of weights by name.
type File struct {
	Path    string
	entries map[string]entry
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
	head := make([]byte, 64)
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	n, err := io.ReadFull(file, head)
	file.Close()
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	head = head[:n]
	f := &File{Path: path, entries: make(map[string]entry)}
	switch {
	case calibfile.IsState(head):
		err = f.readState()
	case strings.HasPrefix(string(head), momentsMagic):
		err = f.readMoments()
	case imatrix.Is(head):
		return f, f.readMatrix()
	default:
		err = f.readTensors()
	}
	if err == nil && len(f.entries) == 0 {
		err = fmt.Errorf("there are no importances in it")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %s", path, strings.TrimPrefix(err.Error(), "quant: "))
	}
	return f, nil
}

// readMatrix reads an importance matrix of llama.cpp. Its errors name the file.
func (f *File) readMatrix() error {
	m, err := imatrix.Open(f.Path)
	if err != nil {
		return err
	}
	for _, e := range m.Entries {
		values := make([]float64, len(e.Squares))
		for i, v := range e.Squares {
			values[i] = float64(v)
		}
		f.entries[e.Name] = entry{values, true}
	}
	return nil
}

// readMoments reads the state of a feedback.Moments. The weight has the name of the file, without
// its extension.
func (f *File) readMoments() error {
	data, err := os.ReadFile(f.Path)
	if err != nil {
		return err
	}
	var m feedback.Moments
	if err := m.UnmarshalBinary(data); err != nil {
		return err
	}
	name := filepath.Base(f.Path)
	f.entries[strings.TrimSuffix(name, filepath.Ext(name))] = entry{values: m.MeanSquares()}
	return nil
}

// readState reads a state of quant calibrate with a histogram for each input.
func (f *File) readState() error {
	seen, err := calibfile.ReadState(f.Path)
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

// readTensors reads a file of tensors, of any format, which have the names of weights.
func (f *File) readTensors() error {
	file, err := tensorfile.Open(f.Path)
	if err != nil {
		return err
	}
	defer file.Close()
	for i, t := range file.Tensors() {
		if !t.Floating {
			continue
		}
		x, err := file.Load(i)
		if err != nil {
			return err
		}
		values := make([]float64, len(x))
		for k, v := range x {
			values[k] = float64(v)
		}
		name := t.Name
		if name == "" {
			name = filepath.Base(f.Path)
			name = strings.TrimSuffix(name, filepath.Ext(name))
		}
		f.entries[name] = entry{values: values}
	}
	return nil
}

// Of returns the importance of the weight with a name and a shape, whose output channels are on
// the given axis. It returns nil if the file has none.
func (f *File) Of(name string, shape []int, channels int) (*quant.Importance, error) {
	e, ok := f.entries[name]
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
