// Package imatrix reads importance matrices, the files that llama-imatrix of llama.cpp writes. An
// importance matrix has, for each weight of a model, the mean square of each input channel of
// the weight over a text. Both forms are read: GGUF, and the binary form (.dat) of earlier
// versions of llama.cpp.
//
// Files are not trusted. A file that violates the rules of its format gives a one-line error with
// the entry and the place, and never an allocation out of proportion to the size of the file.
package imatrix

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"unicode"
	"unicode/utf8"

	"github.com/a01592f9/quant/cmd/internal/gguf"
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

// Is reports whether head, the beginning of a file, is that of an importance matrix in the binary
// form, or that of a GGUF file, which may be an importance matrix.
func Is(head []byte) bool {
	if bytes.HasPrefix(head, []byte(gguf.Magic)) {
		return true
	}
	if len(head) < 8 {
		return false
	}
	entries, length := binary.LittleEndian.Uint32(head), binary.LittleEndian.Uint32(head[4:])
	if entries == 0 || entries > math.MaxInt32 || length == 0 || length > maxName {
		return false
	}
	name := head[8:min(len(head), 8+int(length))]
	return len(name) > 0 && !bytes.ContainsFunc(name, func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) })
}

// Open reads the importance matrix at path. Errors name the file.
func Open(path string) (*File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	st, err := file.Stat()
	if err != nil {
		return nil, err
	}
	f, err := Parse(file, st.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: importance matrix: %w", path, err)
	}
	return f, nil
}

// Parse reads the importance matrix in r, which has size bytes.
func Parse(r io.ReaderAt, size int64) (*File, error) {
	head := make([]byte, len(gguf.Magic))
	n, err := r.ReadAt(head, 0)
	if n < len(head) && err != io.EOF {
		return nil, err
	}
	f := &File{index: make(map[string]int)}
	if string(head[:n]) == gguf.Magic {
		err = f.parseGGUF(r, size)
	} else {
		f.Legacy = true
		err = f.parseLegacy(r, size)
	}
	if err != nil {
		return nil, err
	}
	return f, nil
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
