package beam

import (
	"context"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/sdf"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/rtrackers/offsetrange"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/calibfile"
)

func init() {
	registerTypes(&readFn{})
}

const (
	blockLen    = 1 << 17 // values of a part, unless a row has more
	splitBlocks = 64      // blocks of a tensor that are split off before a run
)

// Read reads the tensors of refs in parts, by their names. It is a splittable
// DoFn: a large tensor is read in blocks of rows, by several workers.
func Read(s beam.Scope, o Options, refs beam.PCollection) beam.PCollection {
	return beam.ParDo(s.Scope("quant.Read"), &readFn{Options: o}, refs)
}

// A layout is how a tensor is cut into blocks of whole rows, which have all
// channels. A row is what one index of the axes before the axis of the channels
// has; without channels it is one value.
type layout struct {
	rows, row int // the number of rows, and the values of each
	axis      int // the axis of the channels, from the front; -1 for none
	perBlock  int // rows of a block
	observe   bool
}

func newLayout(shape []int, s quant.Scheme) layout {
	l := layout{rows: 1, row: 1, axis: -1}
	if axis, ok := s.Granularity.Axis(); ok {
		l.axis = axis
		if axis < 0 {
			l.axis += len(shape)
		}
	}
	for i, d := range shape {
		if i < l.axis || l.axis < 0 {
			l.rows *= d
		} else {
			l.row *= d
		}
	}
	if grouped(s) {
		l.rows, l.row = 1, l.rows*l.row
		l.perBlock, l.observe = 1, true
		return l
	}
	l.perBlock = max(1, blockLen/l.row)
	l.observe = l.row > blockLen
	return l
}

func (l layout) blocks() int { return (l.rows + l.perBlock - 1) / l.perBlock }

// A readFn reads a tensor. Blocks of one row that is longer than a block, and
// batches that have groups, are observed where they are read, piece by piece,
// and become a state: a worker's memory does not grow with them.
type readFn struct {
	Options Options

	scheme quant.Scheme
}

// Setup parses the scheme.
func (f *readFn) Setup() error {
	var err error
	f.scheme, err = f.Options.scheme()
	return err
}

// parsed returns the scheme where no Setup was called; a bad one gives one block.
func (f *readFn) layout(ref Ref) layout {
	s, err := f.Options.scheme()
	if err == nil {
		_, err = s.NumParams(ref.Shape)
	}
	if err != nil {
		return layout{rows: 1, row: 1, axis: -1, perBlock: 1}
	}
	return newLayout(ref.Shape, s)
}

// CreateInitialRestriction returns all blocks of a tensor.
func (f *readFn) CreateInitialRestriction(ref Ref) offsetrange.Restriction {
	return offsetrange.Restriction{Start: 0, End: int64(f.layout(ref).blocks())}
}

// SplitRestriction splits the blocks of a tensor, except where the file has to
// be read from its start anyway.
func (f *readFn) SplitRestriction(ref Ref, rest offsetrange.Restriction) []offsetrange.Restriction {
	if ref.Member != "" {
		return []offsetrange.Restriction{rest}
	}
	return rest.SizedSplits(splitBlocks)
}

// RestrictionSize returns the number of blocks.
func (f *readFn) RestrictionSize(_ Ref, rest offsetrange.Restriction) float64 { return rest.Size() }

// CreateTracker returns a tracker of blocks.
func (f *readFn) CreateTracker(rest offsetrange.Restriction) *sdf.LockRTracker {
	return sdf.NewLockRTracker(offsetrange.NewTracker(rest))
}

var (
	valuesRead = beam.NewCounter("quant", "values")
	bytesRead  = beam.NewCounter("quant", "bytes")
)

// ProcessElement reads the blocks that it can claim.
func (f *readFn) ProcessElement(ctx context.Context, rt *sdf.LockRTracker, ref Ref, emit func(string, Part)) error {
	if _, err := f.scheme.NumParams(ref.Shape); err != nil {
		return inTensor(ref.File, ref.Name, err)
	}
	l := newLayout(ref.Shape, f.scheme)
	c := &cursor{ctx: ctx, ref: ref}
	defer c.close()
	for i := rt.GetRestriction().(offsetrange.Restriction).Start; rt.TryClaim(i); i++ {
		before := c.read
		p, n, err := f.block(c, l, int(i))
		if err != nil {
			return inTensor(ref.File, ref.Name, err)
		}
		valuesRead.Inc(ctx, int64(n))
		bytesRead.Inc(ctx, c.read-before)
		emit(ref.Name, p)
	}
	return nil
}

// block reads a block, and returns the number of its values too.
func (f *readFn) block(c *cursor, l layout, i int) (Part, int, error) {
	first := i * l.perBlock
	rows := min(l.perBlock, l.rows-first)
	n := rows * l.row
	p := Part{PartHeader: PartHeader{
		File: c.ref.File, Tensor: c.ref.Name, Batch: c.ref.Shape, First: first * l.row,
		DType: c.ref.DType, BigEndian: c.ref.Big, Shape: []int{n},
	}}
	if i == 0 {
		p.Batches = 1
	}
	if l.axis >= 0 {
		// The axes before that of the channels become one, so that it moves.
		p.Shape = append([]int{rows}, c.ref.Shape[l.axis:]...)
		p.Shape = atAxis(p.Shape, l.axis, len(c.ref.Shape))
	}
	if !l.observe {
		w := size(c.ref.DType)
		p.Data = make([]byte, n*w)
		return p, n, c.bytes(p.Data, int64(p.First)*int64(w))
	}
	if grouped(f.scheme) {
		p.Shape = c.ref.Shape
	}
	state, err := f.observed(c, &p)
	p.DType, p.Data = "", state
	return p, n, err
}

// atAxis puts ones before or between axes: the shape that a block has, rows
// first and then the axis of the channels and those behind it, with as many
// axes as the tensor, so that the axis of the channels has its number.
func atAxis(shape []int, axis, axes int) []int {
	if axis == 0 {
		return shape[1:] // there is one row
	}
	out := make([]int, 0, axes)
	out = append(out, shape[0])
	for range axis - 1 {
		out = append(out, 1)
	}
	return append(out, shape[1:]...)
}

// observed observes a block where it is, and returns the state.
func (f *readFn) observed(c *cursor, p *Part) ([]byte, error) {
	seen, err := calibfile.NewSeen(f.scheme, f.Options.policy())
	if err != nil {
		return nil, err
	}
	src := quant.Source(c)
	if p.First > 0 {
		src = shifted{c, p.First}
	}
	if err := seen.Observer.ObserveStream(quant.Stream{Source: src, Shape: p.Shape}); err != nil {
		return nil, placed(err, p.First)
	}
	if err := seen.Record(p.File, p.Batch, p.Batches); err != nil {
		return nil, err
	}
	return seen.MarshalBinary()
}

// A shifted source begins at a later element of another.
type shifted struct {
	quant.Source
	first int
}

func (s shifted) ReadFloats(dst []float32, off int) error {
	return s.Source.ReadFloats(dst, s.first+off)
}
