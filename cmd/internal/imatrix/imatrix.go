// Package imatrix reads importance matrices, the files that llama-imatrix of llama.cpp writes. An
// importance matrix has, for each weight of a model, the mean square of each input channel of
// the weight over a text. Both forms are read: GGUF, and the binary form (.dat) of earlier
// versions of llama.cpp.
//
// Files are not trusted. A file that violates the rules of its format gives a one-line error with
// the entry and the place, and never an allocation out of proportion to the size of the file.
package imatrix

import (
	"fmt"
	"math"
)

// A File is an importance matrix.
type File struct {
	Entries []Entry // in the order of the file
	Chunks  int     // how many chunks of text llama-imatrix read; 0 if the file does not say so
	Legacy  bool    // the file has the binary form of earlier versions

	index map[string]int
}

// An Entry has the mean squares of the input channels of one weight. Weights with several
// matrices, one for each expert of a layer, have the mean squares of each matrix, in order.
type Entry struct {
	Name string // of the weight

	// Squares are the mean squares, with the same bits as in llama.cpp: the sum of squares
	// divided by the number of inputs, in float32. They are 1 for a matrix that had no inputs.
	// In the binary form they are per call, which is up to a constant factor per input.
	Squares []float32

	// Counts has the number of inputs of each matrix, or one number that is for all matrices. In
	// the binary form it is the number of calls.
	Counts []float64
}

// Entry returns the entry of a weight, or nil if there is none.
func (f *File) Entry(name string) *Entry {
	i, ok := f.index[name]
	if !ok {
		return nil
	}
	return &f.Entries[i]
}

// add checks the numbers of an entry, and adds it.
func (f *File) add(e Entry) error {
	if _, twice := f.index[e.Name]; twice {
		return inEntry(e.Name, fmt.Errorf("the file has two entries of this name"))
	}
	for i, v := range e.Squares {
		if !(v >= 0) || math.IsInf(float64(v), 0) {
			return inEntry(e.Name, fmt.Errorf("mean square %v at index %d is not a finite number from 0 up", v, i))
		}
	}
	f.index[e.Name] = len(f.Entries)
	f.Entries = append(f.Entries, e)
	return nil
}

// For returns the mean squares for a weight of a shape whose last axis is that of the input
// channels. Axes before the last two count matrices. The result has one mean square for each
// input channel, for each matrix; or for one matrix that stands for all.
func (e *Entry) For(shape []int) ([]float32, error) {
	if len(shape) == 0 {
		return nil, inEntry(e.Name, fmt.Errorf("%d mean squares for a weight without axes", len(e.Squares)))
	}
	inputs, matrices := shape[len(shape)-1], 1
	for _, d := range shape[:max(0, len(shape)-2)] {
		matrices *= d
	}
	if n := len(e.Squares); n != inputs && n != matrices*inputs {
		return nil, inEntry(e.Name, fmt.Errorf("%d mean squares for a weight of the shape %v, which has %d input channels", n, shape, inputs))
	}
	return e.Squares, nil
}

// inEntry adds the name of an entry to an error.
func inEntry(name string, err error) error {
	const most = 64
	if len(name) > most {
		name = name[:most] + "…"
	}
	return fmt.Errorf("entry %q: %w", name, err)
}
