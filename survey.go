package quant

import (
	"math"
	"sync"
	"sync/atomic"
)

// A survey reads a tensor channel by channel, first for the ranges and the sum
// of squares, then for the errors of any number of schemes. It is the engine
// of Compare and Calibrate.
//
// The order of its sums is fixed by the shape alone:
//
//   - Where channels are runs, a run is cut into blocks of blockLen elements.
//     Element i of a block adds to lane i%lanes, and the lanes are folded.
//   - Where channels are columns, a block is rowsPerBlock rows. Each column is
//     a lane, and the lanes of a channel are added from left to right.
//   - The blocks of a channel are added in order within segments of segBlocks
//     blocks, then the segments in order; a tensor's sums are those of its
//     channels in order. (In the columns walk a segment is a block.)
type survey struct {
	ch       layout // how the tensor is cut into channels
	segments int    // of a channel
	blocks   int    // of a channel, runs walk only
	perItem  int    // channels (or columns) of an item

	squares  bool // whether sums of x² are wanted
	channels bool // whether ranges of channels are wanted
	quiet    bool // whether the error for a value that is not finite need not say which

	// Of the first pass, at channel*segments + segment.
	lo, hi []float32
	sq     []float64
	bad    atomic.Bool
	others []otherRanges // ranges that are not a channel's

	schemes []subject // of the second pass
}

const (
	segBlocks    = 64
	rowsPerBlock = 1024
	tileCols     = 512 // of a tile in the columns walk
	tileRuns     = 256 // short runs that a kernel takes at a time
)

// otherRanges are ranges of a granularity whose parameters are not the
// survey's channels. Groups may reach over the borders of parts.
type otherRanges struct {
	layout
	lo, hi []float32
	mu     *sync.Mutex
}

// A subject is a scheme in the second pass.
type subject struct {
	layout
	own        bool // parameters belong to the survey's channels
	scale      []float32
	zero       []int32
	qmin, qmax int32
	tally      []tally // at channel*segments + segment
}

// A tally is sums over any number of blocks.
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

// A scratch holds what a part needs beside the survey.
type scratch struct {
	scale   [tileCols]float32
	zero    [tileCols]int32
	lo, hi  [tileCols]float32
	sq, abs [tileCols]float64
	max     [tileCols]float32
	clipped [tileCols]uint32
	acc     [tileRuns]sums
}

// columns returns n column sums of zero.
func (s *scratch) columns(n int) columnSums {
	c := columnSums{s.abs[:], s.sq[:], s.max[:], s.clipped[:]}.sub(n)
	clear(c.abs)
	clear(c.sq)
	clear(c.max)
	clear(c.clipped)
	return c
}

var (
	rangers   = sync.Pool{New: func() any { return new(survey) }}
	scratches = sync.Pool{New: func() any { return new(scratch) }}
	surveyors = newTeams(func(a *surveyArgs, i int) { a.survey.item(a.src, i, a.errors) })
)

type surveyArgs struct {
	survey *survey
	src    []float32
	errors bool
}

// reset makes l the channels of the next passes. Their ranges are wanted, sums
// of squares perhaps.
func (g *survey) reset(l layout, squares bool) {
	g.ch, g.squares, g.channels = l, squares, true
	g.bad.Store(false)
	g.others, g.schemes = g.others[:0], g.schemes[:0]
	if l.cols > 0 {
		rows := (l.n() + l.cols - 1) / l.cols
		g.segments = (rows + rowsPerBlock - 1) / rowsPerBlock
		g.perItem = l.cols
		if width := l.axis * l.inner; l.cols == width { // else narrow rows, taken several at a time
			g.perItem = min(width, tileCols/l.inner*l.inner)
		}
	} else {
		g.blocks = l.outer * ((l.inner + blockLen - 1) / blockLen)
		g.segments = (g.blocks + segBlocks - 1) / segBlocks
		g.perItem = 1
		if g.segments == 1 {
			g.perItem = max(1, partLen/(l.outer*l.inner))
		}
	}
	n := l.axis * g.segments
	g.lo, g.hi = resize(g.lo, n), resize(g.hi, n)
	g.sq = resize(g.sq, n)
	clear(g.sq)
	resetRanges(g.lo, g.hi)
}

func resetRanges(lo, hi []float32) {
	for i := range lo {
		lo[i], hi[i] = float32(math.Inf(1)), float32(math.Inf(-1))
	}
}

func (l *layout) n() int { return l.outer * l.axis * l.inner }

// items returns how many independent items of work a pass has.
func (g *survey) items() int {
	if g.ch.cols > 0 {
		return g.segments * ((g.ch.cols + g.perItem - 1) / g.perItem)
	}
	if g.segments > 1 {
		return g.ch.axis * g.segments
	}
	return (g.ch.axis + g.perItem - 1) / g.perItem
}

// run makes the first pass or, for errors, the second. g must be on the heap.
func (g *survey) run(src []float32, errors bool) {
	if n := g.items(); several(n) && onHeap(src) {
		a := surveyArgs{g, src, errors}
		surveyors.do(hide(&a), n)
	} else {
		for i := range n {
			g.item(src, i, errors)
		}
	}
}

// item does the i-th item of a pass.
func (g *survey) item(src []float32, i int, errors bool) {
	s := scratches.Get().(*scratch)
	if g.ch.cols > 0 {
		g.tile(src, i, errors, s)
	} else {
		g.runs(src, i, errors, s)
	}
	scratches.Put(s)
}

// A stretch is a rectangle of elements: rows of n elements, stride apart.
// In the runs walk there is one row, of consecutive runs that belong to
// consecutive channels.
type stretch struct {
	e            int // first element
	n            int // elements of a row
	run          int // length of a run, runs walk only
	rows, stride int
	channel      int // of the first element
	segment      int
}

// runs does an item of the runs walk: some channels, or a segment of one.
func (g *survey) runs(src []float32, i int, errors bool, s *scratch) {
	l := &g.ch
	c0, segment := i*g.perItem, 0
	c1 := min(c0+g.perItem, l.axis)
	if g.segments > 1 {
		c0, segment = i/g.segments, i%g.segments
		c1 = c0 + 1
	}
	perRun := g.blocks / l.outer
	step := 1
	if !errors && !g.squares && len(g.others) == 0 {
		step = segBlocks // a range needs no blocks
	}
	end := min((segment+1)*segBlocks, g.blocks)
	for b := segment * segBlocks; b < end; {
		o, at := b/perRun, b%perRun
		m := min(step, perRun-at, end-b) // blocks of this run
		n := min(m*blockLen, l.inner-at*blockLen)
		k := 1 // runs at a time
		if perRun == 1 {
			k = min(tileRuns, max(1, blockLen/l.inner))
		}
		for c := c0; c < c1; c += k {
			r := min(k, c1-c)
			t := stretch{
				e: (o*l.axis+c)*l.inner + at*blockLen, n: r * n, run: n,
				rows: 1, channel: c, segment: segment,
			}
			if errors {
				g.errorsOfRuns(src, &t, s)
			} else {
				g.rangesOfRuns(src, &t, s)
			}
		}
		b += m
	}
}

// tile does an item of the columns walk: a block of rows of some columns. The
// last row is shorter where narrow rows are merged and do not come out even.
func (g *survey) tile(src []float32, i int, errors bool, s *scratch) {
	l := &g.ch
	tiles := (l.cols + g.perItem - 1) / g.perItem
	col := i % tiles * g.perItem
	t := stretch{segment: i / tiles, stride: l.cols, channel: col / l.inner}
	t.n = min(g.perItem, l.cols-col)
	row := t.segment * rowsPerBlock
	full := len(src) / l.cols
	t.rows = min(rowsPerBlock, full-row)
	t.e = row*l.cols + col
	if t.rows > 0 {
		g.columns(src, &t, errors, s)
	}
	if rest := len(src) % l.cols; rest > 0 && full-row < rowsPerBlock {
		t.e, t.n, t.rows = full*l.cols, rest, 1
		g.columns(src, &t, errors, s)
	}
}

func (g *survey) columns(src []float32, t *stretch, errors bool, s *scratch) {
	if errors {
		g.errorsOfColumns(src, t, s)
	} else {
		g.rangesOfColumns(src, t, s)
	}
}

// A lane walks the channels of a stretch's columns from left to right.
type lane struct{ channel, column, inner, axis int }

func (g *survey) lanes(t *stretch) lane {
	return lane{channel: t.channel, inner: g.ch.inner, axis: g.ch.axis}
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
