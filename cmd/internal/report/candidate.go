package report

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/gguf"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// A candidate is a scheme of a list that is compared side by side: one of the library, or
// a block format of GGUF.
type candidate struct {
	name    string // as it was given
	scheme  quant.Scheme
	channel bool      // one scale for each channel, wherever the channels are
	block   gguf.Type // if blocks is set
	blocks  bool
}

// blockFormats returns the names of the block formats that a candidate may have.
func blockFormats() []string {
	var names []string
	for t := gguf.Type(0); t < 64; t++ {
		if block, _ := t.Block(); t.Writable() && block > 1 && t != gguf.MXFP4 {
			names = append(names, strings.ToLower(t.String()))
		}
	}
	return names
}

// parseCandidate reads a scheme as quant.ParseScheme does, with "channel" for the axis of
// the channels, or the name of a block format.
func parseCandidate(name string) (candidate, error) {
	c := candidate{name: name}
	if slices.Contains(blockFormats(), strings.ToLower(name)) {
		var err error
		c.block, err = gguf.ParseType(name)
		c.blocks = true
		return c, err
	}
	var err error
	if c.scheme, c.channel, err = option.ParseScheme(name); err != nil {
		words := err.Error()
		if !strings.Contains(name, ":") && strings.Contains(words, "there is no part") {
			return c, fmt.Errorf("%s; block formats of GGUF are %s", words, strings.Join(blockFormats(), ", "))
		}
		return c, err
	}
	return c, nil
}

// parseCandidates reads all names of a list.
func parseCandidates(names []string) ([]candidate, error) {
	var all []candidate
	for i, name := range names {
		c, err := parseCandidate(name)
		if err != nil {
			return nil, err
		}
		if slices.Contains(names[:i], name) {
			return nil, fmt.Errorf("scheme %q is there twice", name)
		}
		all = append(all, c)
	}
	return all, nil
}

// of returns the scheme of c for a tensor. Groups along the last axis, which is what the
// short forms say, run along the axis of the tensor's groups instead.
func (c candidate) of(j job, o SweepOptions) (quant.Scheme, error) {
	s := c.scheme
	axis, err := j.axis(o.options())
	if err != nil {
		return s, err
	}
	if c.channel {
		s.Granularity = quant.PerChannel(axis)
		return s, nil
	}
	if size, ok := s.Granularity.GroupSize(); ok {
		if along, _ := s.Granularity.Axis(); along == -1 {
			if along, err = j.groupAxis(axis, o.GroupAxis); err != nil {
				return s, err
			}
			s.Granularity = quant.PerGroup(along, size)
		}
	}
	return s, nil
}

// about fills in the fields of a report's row that describe c.
func (c candidate) about() SweepScheme {
	x := SweepScheme{Name: c.name}
	if c.blocks {
		block, _ := c.block.Block()
		x.Bits, x.Granularity, x.GroupSize = digitOf(c.block.String()), option.PerGroup, &block
		return x
	}
	x.Bits, x.Granularity = c.scheme.Bits, option.Granularity(c.scheme.Granularity)
	if size, ok := c.scheme.Granularity.GroupSize(); ok {
		x.GroupSize = &size
	}
	x.BlockSize = blockSize(c.scheme.Granularity)
	return x
}

// digitOf returns the first digit of a name: the bits of the codes of a block format.
func digitOf(name string) int {
	return int(name[strings.IndexAny(name, "0123456789")] - '0')
}

// measureBlocks returns the errors and the size of the values x of a tensor in a block format.
// A row of blocks has the values of a channel, in the order of the tensor. The last block of a
// row is filled up with zeros, which count as bytes and not as values.
// important is the importance of its inputs; nil if that is not known.
func measureBlocks(t gguf.Type, x []float32, j job, axis int, important *quant.Importance) (SweepError, error) {
	shape := j.shape
	b := newBlockRows(t, x, j, axis)
	if err := b.all(); err != nil {
		return SweepError{}, err
	}
	d, err := quant.Difference(quant.Tensor{Data: x, Shape: shape}, quant.Tensor{Data: b.y, Shape: shape}, quant.PerTensor, quant.PerTensor)
	if err != nil {
		return SweepError{}, err
	}
	var weighted *Weighted
	if important != nil {
		w, err := quant.DifferenceWeighted(quant.Tensor{Data: x, Shape: shape}, quant.Tensor{Data: b.y, Shape: shape}, *important)
		if err != nil {
			return SweepError{}, err
		}
		weighted = NewWeighted(w)
	}
	m := Memory{Payload: int64(b.axis) * int64(b.bytes()), Total: int64(b.axis) * int64(b.bytes())}
	return SweepError{
		RMSE: text.Number(d.RMSE), MaxError: text.Number(d.MaxError), SQNR: text.Number(d.SQNR), Clipped: b.clipped, Weighted: weighted,
		Bytes: m.Total, memory: m, padded: b.padded() > b.length(),
	}, nil
}

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
	var team sync.WaitGroup
	for w := range workers {
		team.Go(func() {
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
	team.Wait()
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
