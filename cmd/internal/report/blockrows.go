package report

import (
	"fmt"
	"runtime"

	"github.com/a01592f9/quant/cmd/internal/gguf"
	"github.com/a01592f9/quant/cmd/internal/team"
)

// blockRows are the rows of a tensor that become blocks, and their reconstructed values.
type blockRows struct {
	t                  gguf.Type
	outer, axis, inner int
	x, y               []float32
	clipped            int
}

// newBlockRows returns the rows of a tensor whose channels are on an axis.
func newBlockRows(t gguf.Type, x []float32, j job, axis int) *blockRows {
	b := &blockRows{t: t, outer: 1, axis: j.shape[axis], inner: 1, x: x, y: make([]float32, len(x))}
	for i, d := range j.shape {
		switch {
		case i < axis:
			b.outer *= d
		case i > axis:
			b.inner *= d
		}
	}
	return b
}

// length returns the values of a row, blocks how many of them its blocks hold, and bytes
// what these take.
func (b *blockRows) length() int { return b.outer * b.inner }

func (b *blockRows) padded() int {
	block, _ := b.t.Block()
	return (b.length() + block - 1) / block * block
}

func (b *blockRows) bytes() int {
	block, size := b.t.Block()
	return b.padded() / block * size
}

// all processes all rows, on several goroutines if there are many values. It returns the error
// of the first row that has one.
func (b *blockRows) all() error {
	workers := max(1, min(runtime.GOMAXPROCS(0), b.axis, len(b.x)>>16))
	errs, clipped := make([]error, workers), make([]int, workers)
	var all team.Team
	for w := range workers {
		all.Go(func() {
			row, coded := make([]float32, b.padded()), make([]byte, b.bytes())
			for c := b.axis * w / workers; c < b.axis*(w+1)/workers; c++ {
				n, err := b.row(c, row, coded)
				if err != nil {
					errs[w] = fmt.Errorf("channel %d: %w", c, err)
					return
				}
				clipped[w] += n
			}
		})
	}
	all.Wait()
	for w, err := range errs {
		if err != nil {
			return err
		}
		b.clipped += clipped[w]
	}
	return nil
}

// row processes one row, with memory for its values and blocks, and returns the number of
// clipped values.
func (b *blockRows) row(c int, row []float32, coded []byte) (clipped int, err error) {
	n := b.length()
	for o := range b.outer {
		copy(row[o*b.inner:(o+1)*b.inner], b.x[(o*b.axis+c)*b.inner:])
	}
	clear(row[n:])
	if err := b.t.Quantize(coded, row); err != nil {
		return 0, err
	}
	clipped = b.t.Clipped(row, coded)
	b.t.Dequantize(row, coded)
	for o := range b.outer {
		copy(b.y[(o*b.axis+c)*b.inner:(o*b.axis+c+1)*b.inner], row[o*b.inner:])
	}
	return clipped, nil
}
