package imatrix

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/gguf"
)

// The form in GGUF. The metadata have general.type "imatrix". Each weight NAME has a tensor
// NAME.in_sum2 with the sums of squares, a row for each matrix, and a tensor NAME.counts with the
// number of inputs of each matrix. Other tensors are not read.
const (
	keyType   = "general.type"
	keyChunks = "imatrix.chunk_count"
	typeName  = "imatrix"

	sumsSuffix   = ".in_sum2"
	countsSuffix = ".counts"
)

func (f *File) parseGGUF(r io.ReaderAt, size int64) error {
	g, err := gguf.Parse(r, size)
	if err != nil {
		return err
	}
	counts := make(map[string]int) // index of the tensor with the counts of a weight
	sums := 0
	for i, t := range g.Tensors {
		if name, ok := strings.CutSuffix(t.Name, countsSuffix); ok {
			counts[name] = i
		} else if strings.HasSuffix(t.Name, sumsSuffix) {
			sums++
		}
	}
	kind, err := g.Text(keyType)
	if err != nil {
		return err
	}
	if kind != typeName && sums == 0 {
		return fmt.Errorf("the GGUF file is none: its %s is %q, and no tensor is named *%s", keyType, kind, sumsSuffix)
	}
	if f.Chunks, err = chunksOf(g); err != nil {
		return err
	}
	for i, t := range g.Tensors {
		name, ok := strings.CutSuffix(t.Name, sumsSuffix)
		if !ok {
			continue
		}
		c, ok := counts[name]
		if !ok {
			return inEntry(name, fmt.Errorf("there is no tensor %s%s", name, countsSuffix))
		}
		delete(counts, name)
		if err := f.addSums(g, name, i, c); err != nil {
			return err
		}
	}
	for _, t := range g.Tensors {
		if name, ok := strings.CutSuffix(t.Name, countsSuffix); ok {
			if _, left := counts[name]; left {
				return inEntry(name, fmt.Errorf("there is no tensor %s%s", name, sumsSuffix))
			}
		}
	}
	if len(f.Entries) == 0 {
		return fmt.Errorf("the file has no entries")
	}
	return nil
}

// chunksOf returns the number of chunks of text in the metadata.
func chunksOf(g *gguf.File) (int, error) {
	s, err := g.Text(keyChunks)
	if err != nil || s == "" {
		return 0, err
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("key %q: %q is no number of chunks", keyChunks, s)
	}
	return int(n), nil
}

// addSums adds the entry of the tensor of sums and the tensor of counts with the indices.
func (f *File) addSums(g *gguf.File, name string, sums, counts int) error {
	e := Entry{Name: name}
	var err error
	if e.Squares, err = floats(g, sums); err != nil {
		return inEntry(name, err)
	}
	n, err := floats(g, counts)
	if err != nil {
		return inEntry(name, err)
	}
	if len(e.Squares)%len(n) != 0 {
		return inEntry(name, fmt.Errorf("%d sums of squares are not those of %d matrices", len(e.Squares), len(n)))
	}
	inputs := len(e.Squares) / len(n)
	for k, count := range n {
		if !(count >= 0) {
			return inEntry(name, fmt.Errorf("count %v of matrix %d is not a number from 0 up", count, k))
		}
		e.Counts = append(e.Counts, float64(count))
		row := e.Squares[k*inputs:][:inputs]
		for i := range row {
			if count == 0 {
				row[i] = 1
			} else {
				row[i] /= count
			}
		}
	}
	return f.add(e)
}

// floats reads a tensor of float32.
func floats(g *gguf.File, i int) ([]float32, error) {
	t := &g.Tensors[i]
	if t.Type != gguf.F32 {
		return nil, fmt.Errorf("tensor %q has elements of %s, not of F32", t.Name, t.Type)
	}
	n := t.Elements()
	if n == 0 {
		return nil, fmt.Errorf("tensor %q is empty", t.Name)
	}
	x := make([]float32, n)
	return x, g.ReadFloats(i, x, 0)
}
