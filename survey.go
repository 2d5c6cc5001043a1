package quant

import (
	"math"
	"sync"
	"sync/atomic"

	"github.com/a01592f9/quant/internal/work"
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
	slots    int    // segments that there is memory for: all, unless a Source is read
	blocks   int    // of a channel, runs walk only
	perItem  int    // channels of an item, or columns of a tile

	squares  bool // whether sums of x² are wanted
	later    bool // whether the second pass makes those of runs, beside the errors
	channels bool // whether ranges of channels are wanted
	quiet    bool // whether the error for a value that is not finite need not say which

	// Of the first pass, at channel*slots + slot.
	rangeSums
	bad    atomic.Bool
	others []otherRanges // ranges that are not a channel's

	chosenLo, chosenHi []float32 // ranges that a scheme's method narrows
	chosen             []bool    // of each result, whether that was done with another
	with               []int     // results that are done together

	schemes []subject // of the second pass
}

type rangeSums struct {
	lo, hi []float32
	sq     []float64
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
	own   bool      // parameters belong to the survey's channels
	scale []float32 // nil where two tensors are compared
	zero  []int32
	grid  codeGrid
	tally []tally // at channel*slots + slot
	total []tally // of the segments folded so far, where there is no memory for all
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
	columnWork
	rangeWork
	acc [tileRuns]sums
}

// A tiling is what the tiles of an item come to.
type tiling struct {
	ranges []rangeWork  // of each tile
	work   []columnWork // of each tile, for each scheme
}

// A rangeWork is ranges and sums of squares of some columns or short runs.
type rangeWork struct {
	lo, hi  [tileCols]float32
	squares [tileCols]float64
}

// reset makes n ranges of nothing, and as many sums.
func (w *rangeWork) reset(n int) {
	resetRanges(w.lo[:n], w.hi[:n])
	clear(w.squares[:n])
}

// A columnWork is what a scheme needs for the columns of a tile.
type columnWork struct {
	scale   [tileCols]float32
	zero    [tileCols]int32
	sq, abs [tileCols]float64
	max     [tileCols]float32
	clipped [tileCols]uint32
}

// sums returns the sums of n columns.
func (w *columnWork) sums(n int) columnSums {
	return columnSums{w.abs[:], w.sq[:], w.max[:], w.clipped[:]}.sub(n)
}

// columns returns n column sums of zero.
func (w *columnWork) columns(n int) columnSums {
	c := w.sums(n)
	clear(c.abs)
	clear(c.sq)
	clear(c.max)
	clear(c.clipped)
	return c
}

var (
	rangers   = sync.Pool{New: func() any { return new(survey) }}
	scratches = sync.Pool{New: func() any { return new(scratch) }}
	tilings   = sync.Pool{New: func() any { return new(tiling) }}
	surveyors = work.New(func(a *surveyArgs, i int) { a.survey.item(a.src, a.restored, i, a.errors) })
)

type surveyArgs struct {
	survey        *survey
	src, restored []float32
	errors        bool
}

// reset makes l the channels of the next passes, with memory for at most so
// many segments. Ranges of channels are wanted, sums of squares perhaps.
func (g *survey) reset(l layout, squares bool, slots int) {
	g.ch, g.squares, g.later, g.channels = l, squares, false, true
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
	g.slots = min(g.segments, slots)
	if squares {
		g.rangeSums.reset(l.axis * g.slots)
		return
	}
	n := l.axis * g.slots // sums that nobody looks at need not be zero
	g.lo, g.hi, g.sq = resize(g.lo, n), resize(g.hi, n), resize(g.sq, n)
	resetRanges(g.lo, g.hi)
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

func (l *layout) n() int { return l.outer * l.axis * l.inner }

// items returns how many independent items of work a pass has.
func (g *survey) items() int {
	if g.ch.cols > 0 {
		n := g.itemCols()
		return g.segments * ((g.ch.cols + n - 1) / n)
	}
	if g.segments > 1 {
		return g.ch.axis * g.segments
	}
	return (g.ch.axis + g.perItem - 1) / g.perItem
}

// run makes the first pass or, for errors, the second: those of schemes or, if
// restored is not nil, the differences from it. g must be on the heap.
func (g *survey) run(src, restored []float32, errors bool) {
	if n := g.items(); work.Several(n) && work.OnHeap(src) && work.OnHeap(restored) {
		a := surveyArgs{g, src, restored, errors}
		surveyors.Do(work.Hide(&a), n)
	} else {
		for i := range n {
			g.item(src, restored, i, errors)
		}
	}
}

// item does the i-th item of a pass.
func (g *survey) item(src, restored []float32, i int, errors bool) {
	s := scratches.Get().(*scratch)
	if g.ch.cols > 0 {
		g.tile(src, restored, i, errors, s)
	} else {
		g.runs(src, restored, i, errors, s)
	}
	scratches.Put(s)
}

// A stretch is a rectangle of elements: rows of n elements, stride apart.
// In the runs walk there is one row, of consecutive runs that belong to
// consecutive channels. Its elements are passed along with it, the first one
// first, since they may be a copy.
type stretch struct {
	e            int // first element
	n            int // elements of a row
	run          int // length of a run, runs walk only
	rows, stride int
	pitch        int // stride of the elements that are passed
	channel      int // of the first element
	slot         int
}

// runs does an item of the runs walk: some channels, or a segment of one.
func (g *survey) runs(src, restored []float32, i int, errors bool, s *scratch) {
	l := &g.ch
	c0, segment := i*g.perItem, 0
	c1 := min(c0+g.perItem, l.axis)
	if g.segments > 1 {
		c0, segment = i/g.segments, i%g.segments
		c1 = c0 + 1
	}
	perRun := g.blocks / l.outer
	step := 1
	if !errors && (!g.squares || g.later) && len(g.others) == 0 {
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
				rows: 1, channel: c, slot: segment,
			}
			if x := src[t.e : t.e+t.n]; errors {
				g.errorsOfRuns(x, from(restored, t.e), &t, s)
			} else {
				g.rangesOfRuns(x, &t, s)
			}
		}
		b += m
	}
}

// itemCols returns how many columns make an item: of a large tensor those of
// several tiles side by side, which lie together in memory, if that leaves enough
// items to share.
func (g *survey) itemCols() int {
	for k := mostTiles; k > 1 && g.ch.n() > copyLen; k /= 2 {
		n := min(k*g.perItem, g.ch.cols)
		items := g.segments * ((g.ch.cols + n - 1) / n)
		if k*len(g.schemes) <= 2*mostTiles && (items >= leastItems || k == 2 && n == g.ch.cols) {
			return n
		}
	}
	return g.perItem
}

// tile does an item of the columns walk: a block of rows of some columns. The
// last row is shorter where narrow rows are merged and do not come out even.
func (g *survey) tile(src, restored []float32, i int, errors bool, s *scratch) {
	l := &g.ch
	n := g.itemCols()
	items := (l.cols + n - 1) / n
	col, slot := i%items*n, i/items
	row := slot * rowsPerBlock
	full := len(src) / l.cols
	b := box{row*l.cols + col, min(n, l.cols-col), min(rowsPerBlock, full-row), l.cols}
	if b.rows > 0 {
		g.tiles(src, restored, b, col, slot, errors, s)
	}
	if rest := len(src) % l.cols; rest > 0 && full-row < rowsPerBlock {
		g.tiles(src, restored, box{full * l.cols, rest, 1, rest}, 0, slot, errors, s)
	}
}

// tiles does a box that begins at a column. It takes as many rows at a time as
// stay in a second-level cache while its columns are gone down, for the ranges
// and the squares or for one scheme after the other. Of a large tensor it makes
// a copy of these: read in order, they come several times as fast, and without
// the gaps between rows they do not put one another out of the cache.
func (g *survey) tiles(src, restored []float32, b box, col, slot int, errors bool, s *scratch) {
	schemes := g.schemes
	if !errors {
		schemes = nil
	}
	count := (b.n + g.perItem - 1) / g.perItem
	tile := func(i int, b box) stretch {
		at := i * g.perItem
		return stretch{
			e: b.e + at, n: min(g.perItem, b.n-at), rows: b.rows,
			stride: b.stride, pitch: b.stride, channel: (col + at) / g.ch.inner, slot: slot,
		}
	}
	// A column that is a channel, and has no other columns, needs no sums of its own.
	direct := g.segments == 1 && g.ch.cols == g.ch.axis
	var w *tiling
	if errors || !direct {
		w = tilings.Get().(*tiling)
		w.ranges, w.work = resize(w.ranges, count), resize(w.work, count*len(schemes))
		defer tilings.Put(w)
	}
	for i := range count {
		t := tile(i, b)
		if !errors && !direct {
			w.ranges[i].reset(t.n)
		}
		for j := range schemes {
			g.layColumns(&schemes[j], &t, &w.work[i*len(schemes)+j])
		}
	}
	var p *piece
	if len(src) > copyLen {
		p = pieces.Get().(*piece)
		if restored != nil && p.y == nil {
			p.y = make([]float32, pieceLen)
		}
	}
	step := max(1, pieceLen/b.n)
	if p == nil && !errors && !g.squares {
		step = b.rows // which are read once only
	}
	for row := 0; row < b.rows; row += step {
		b := box{b.e + row*b.stride, b.n, min(step, b.rows-row), b.stride}
		x, y, pitch := src[b.e:], from(restored, b.e), b.stride
		if p != nil {
			x, pitch = b.gather(p.x[:], x), b.n
			if y != nil {
				y = b.gather(p.y, y)
			}
		}
		for i := range count {
			t := tile(i, b)
			t.pitch = pitch
			at := i * g.perItem
			switch {
			case errors:
			case direct:
				c, end := t.channel, t.channel+t.n
				g.rangesOfColumns(x[at:], &t, g.lo[c:end], g.hi[c:end], g.sq[c:end])
			default:
				g.collectColumns(x[at:], &t, &w.ranges[i])
			}
			for j := range schemes {
				g.collectErrors(&schemes[j], x[at:], from(y, at), &t, &w.work[i*len(schemes)+j], s)
			}
		}
		if !errors {
			g.rangesOfOthers(x, b, pitch, s)
		}
	}
	if p != nil {
		pieces.Put(p)
	}
	for i := range count {
		t := tile(i, b)
		if !errors && !direct {
			g.addColumns(&t, &w.ranges[i])
		}
		for j := range schemes {
			g.addErrors(&schemes[j], &t, &w.work[i*len(schemes)+j])
		}
	}
}

// copyLen is the length from which a tensor is copied piece by piece. Only tests
// change it.
var copyLen = 1 << 20

// gather stores the elements of b, the first of which is the first of src, in
// dst without the gaps between rows.
func (b *box) gather(dst, src []float32) []float32 {
	if b.n == b.stride {
		copy(dst, src[:b.rows*b.n])
		return dst
	}
	for i := range b.rows {
		copy(dst[i*b.n:(i+1)*b.n], src[i*b.stride:])
	}
	return dst
}

// from returns s from element i on, nil if it is nil.
func from(s []float32, i int) []float32 {
	if s == nil {
		return nil
	}
	return s[i:]
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
