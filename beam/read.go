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
	blockLen    = 1 << 17 // number of values in a part, unless a row has more
	splitBlocks = 64      // number of blocks in each piece of a tensor that is split before a run
)

// Read reads the tensors of refs in parts, keyed by their names. It is a splittable DoFn:
// several workers read the blocks of rows of a large tensor.
func Read(s beam.Scope, o Options, refs beam.PCollection) beam.PCollection {
	return beam.ParDo(s.Scope("quant.Read"), &readFn{Options: o}, refs)
}

// A layout divides a tensor into blocks of whole rows, which have all channels. A row is the
// values for one index of the axes before the axis of the channels. Without channels a row is
// one value.
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

// A readFn reads a tensor. It observes some blocks itself, in pieces, and emits their state:
// blocks with one very long row, and batches with groups. So the memory of a worker does not
// depend on their size.
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

// layout returns the layout of ref. The scheme is parsed again, since Setup may not have been called. For an
// invalid scheme there is one block.
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

// CreateInitialRestriction returns the range of all blocks of a tensor.
func (f *readFn) CreateInitialRestriction(ref Ref) offsetrange.Restriction {
	return offsetrange.Restriction{Start: 0, End: int64(f.layout(ref).blocks())}
}

// SplitRestriction divides the blocks of a tensor, unless the file must be read from its
// beginning.
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

// ProcessElement reads the blocks that the tracker lets it claim.
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

// block reads block i, and also returns the number of its values.
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
		// The axes before the axis of the channels become one, so the axis of the channels gets
		// another number.
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

// atAxis adds axes of length 1, so that shape has the given number of axes and the axis of the
// channels has its number. shape has the rows first, then the axis of the channels and the axes
// after it.
func atAxis(shape []int, axis, axes int) []int {
	if axis == 0 {
		return shape[1:] // there is only one row
	}
	out := make([]int, 0, axes)
	out = append(out, shape[0])
	for range axis - 1 {
		out = append(out, 1)
	}
	return append(out, shape[1:]...)
}

// observed observes a block and returns the state.
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

// A shifted is a Source that begins at a later element of another Source.
type shifted struct {
	quant.Source
	first int
}

func (s shifted) ReadFloats(dst []float32, off int) error {
	return s.Source.ReadFloats(dst, s.first+off)
}
