package quant

import "math"

// An order is how a tensor is cut into channels, and where the sums over these
// begin and end. It is fixed by the shape alone, so that the sums have the same
// bits wherever the elements come from and however many goroutines there are:
//
//   - Where channels are runs, a run is cut into blocks of blockLen elements.
//     Element i of a block adds to lane i%lanes, and the lanes are folded.
//   - Where channels are columns, a block is blockRows rows. Each column is
//     a lane, and the lanes of a channel are added from left to right.
//   - The blocks of a channel are added in order within segments of segBlocks
//     blocks, then the segments in order; a tensor's sums are those of its
//     channels in order. (Where channels are columns a segment is a block.)
type order struct {
	ch       layout // of channels
	blocks   int    // of a channel, where channels are runs
	segments int    // of a channel
	slots    int    // segments that there is memory for at a time: all, unless a Source is read
}

const (
	segBlocks = 64

	rangeBytes = 4 + 4 + 8
	tallyBytes = 8 + 8 + 8 + 8
)

// slotBytes bounds the memory for sums of segments that are not folded yet. Only
// tests change it.
var slotBytes = 8 << 20

// cut makes o the order of the sums over the channels of l, with memory for
// all segments or, if it is to be bounded, for as many as that allows with sums
// for so many schemes.
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

// sums returns how many sums there are at a time, one for each slot of each channel.
func (o *order) sums() int { return o.ch.axis * o.slots }

// A lane names the channels of the columns of a block, from left to right.
type lane struct{ channel, column, inner, axis int }

func (o *order) lanes(b *block) lane {
	return lane{channel: b.p, inner: o.ch.inner, axis: o.ch.axis}
}

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

// A tally is sums of errors over any number of blocks.
type tally struct {
	abs, sq float64
	max     float32
	clipped int
}

func (t *tally) add(s *sums) {
	t.abs += s.abs
	t.sq += s.sq
	t.max = max(t.max, s.max)
	t.clipped += int(s.clipped)
}

func (t *tally) addAll(o *tally) {
	t.abs += o.abs
	t.sq += o.sq
	t.max = max(t.max, o.max)
	t.clipped += o.clipped
}

// rangeSums are ranges and sums of squares.
type rangeSums struct {
	lo, hi []float32
	sq     []float64
}

// reset makes n ranges of nothing, and as many sums.
func (r *rangeSums) reset(n int) {
	r.lo, r.hi, r.sq = resize(r.lo, n), resize(r.hi, n), resize(r.sq, n)
	clear(r.sq)
	resetRanges(r.lo, r.hi)
}

func resetRanges(lo, hi []float32) {
	for i := range lo {
		lo[i], hi[i] = float32(math.Inf(1)), float32(math.Inf(-1))
	}
}
