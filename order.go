package quant

import "math"

// An order says how a tensor is divided into channels, and in which order their sums are
// computed. It depends only on the shape. So the sums have the same bits for data in memory and
// data that are read, and for any number of goroutines:
//
//   - If channels are runs, a run is divided into blocks of blockLen elements.
//     Element i of a block is added to lane i%lanes, and then the lanes are added.
//   - If channels are columns, a block is blockRows rows. Each column is
//     a lane, and the lanes of a channel are added from left to right.
//   - A segment is segBlocks blocks of a channel. (If channels are columns, a
//     segment is one block.) The blocks of a segment are added in order, then the
//     segments of a channel, then the channels of the tensor.
type order struct {
	ch       layout // of channels
	blocks   int    // in a channel, if channels are runs
	segments int    // in a channel
	slots    int    // number of segments with memory for their sums: all, unless a Source is read
}

const (
	segBlocks = 64

	rangeBytes = 4 + 4 + 8
	tallyBytes = 8 + 8 + 8 + 8
)

// slotBytes is the largest memory for sums of segments that are not yet added to those of their
// channels. Only tests change it.
var slotBytes = 8 << 20

// cut sets o to the order of the sums over the channels of l. With bounded, o has only as many
// slots as slotBytes allows for sums of the given number of schemes.
func (o *order) cut(l *layout, bounded bool, schemes int) {
	o.ch, o.blocks = *l, 0
	if l.cols > 0 {
		rows := (l.n() + l.cols - 1) / l.cols
		o.segments = (rows + blockRows - 1) / blockRows
	} else {
		o.blocks = l.outer * ((l.inner + blockLen - 1) / blockLen)
		o.segments = (o.blocks + segBlocks - 1) / segBlocks
	}
	o.slots = o.segments
	if bounded {
		o.slots = min(o.segments, max(1, slotBytes/(rangeBytes+schemes*tallyBytes)/l.axis))
	}
}

// sums returns the number of sums in memory: one for each slot of each channel.
func (o *order) sums() int { return o.ch.axis * o.slots }

// A lane iterates over the channels of the columns of a block, from left to right.
type lane struct{ channel, column, inner, axis int }

func (o *order) lanes(b *block) lane {
	return lane{channel: b.p, inner: o.ch.inner, axis: o.ch.axis}
}

// inTurn reports whether the columns of b are those of consecutive channels from b.p on.
func (o *order) inTurn(b *block) bool { return o.ch.inner == 1 && b.p+b.n <= o.ch.axis }

// next returns the channel of the next column.
func (l *lane) next() int {
	c := l.channel
	if l.column++; l.column == l.inner {
		l.column = 0
		if l.channel++; l.channel == l.axis {
			l.channel = 0
		}
	}
	return c
}

// A tally is the sums of errors over any number of blocks.
type tally struct {
	abs, sq float64
	max     float32
	clipped int
}

func (t *tally) add(s *sums) {
	t.abs += s.abs
	t.sq += s.sq
	if s.max > t.max || s.max != s.max { // faster than max, and NaN stays, too
		t.max = s.max
	}
	t.clipped += int(s.clipped)
}

func (t *tally) addAll(o *tally) {
	t.abs += o.abs
	t.sq += o.sq
	if o.max > t.max || o.max != o.max { // faster than max, and NaN stays, too
		t.max = o.max
	}
	t.clipped += o.clipped
}

// rangeSums are ranges with their sums of squares.
type rangeSums struct {
	lo, hi []float32
	sq     []float64
}

// reset sets r to n empty ranges and n sums of 0.
func (r *rangeSums) reset(n int) {
	r.lo, r.hi, r.sq = resize(r.lo, n), resize(r.hi, n), resize(r.sq, n)
	clear(r.sq)
	resetRanges(r.lo, r.hi)
}

// emptyLo and emptyHi are empty ranges, for resetRanges.
var emptyLo, emptyHi [blockCols]float32

func init() {
	fill(emptyLo[:], float32(math.Inf(1)))
	fill(emptyHi[:], float32(math.Inf(-1)))
}

// resetRanges sets the ranges of lo and hi, which have the same length, to the empty range. It
// copies, which is several times as fast as a loop.
func resetRanges(lo, hi []float32) {
	for len(lo) > 0 {
		n := copy(lo, emptyLo[:])
		copy(hi[:n], emptyHi[:])
		lo, hi = lo[n:], hi[n:]
	}
}
