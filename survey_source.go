package quant

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"github.com/a01592f9/quant/internal/work"
)

// A reading is a pass of a survey over a Source. It cuts the tensor into items
// of its own: rectangles that lie together in memory, which it reads piece by
// piece into memory that stays in a second-level cache. What it hands to the
// survey are the same blocks, and for each channel in the same order, so the
// sums are the same.
//
// It holds no caller's slice: what it holds escapes to the heap, since nobody
// knows what a Source does with it.
type reading struct {
	survey        *survey
	src, restored Source // restored may be nil
	ranges        bool   // make the first pass
	errors        bool   // make the second; both is possible

	first   int // segment of the wave
	items   int // of a segment
	perItem int // channels (or columns) of an item
	total   rangeSums

	trouble
	bad      atomic.Int64 // index of the first element found that is not finite
	badValue float32
}

// A trouble is the first error of a Source that goroutines read, or its panic.
type trouble struct {
	failed  atomic.Bool
	mu      sync.Mutex
	err     error
	value   any // that a Source panicked with in another goroutine
	paniced bool
}

// begin forgets what was.
func (t *trouble) begin() {
	t.failed.Store(false)
	t.err, t.value, t.paniced = nil, nil, false
}

// fail keeps an error, if it is the first.
func (t *trouble) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.failed.Swap(true) {
		t.err = err
	}
}

// guarded does an item in any goroutine.
func (t *trouble) guarded(item func()) {
	done := false
	defer t.caught(&done)
	item()
	done = true
}

// caught is to be deferred by what is done in a goroutine that is not the
// caller's: a panic there would end the program, so it is kept for the caller.
func (t *trouble) caught(done *bool) {
	if *done {
		return
	}
	v := recover()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failed.Swap(true) {
		return
	}
	if t.paniced, t.value = v != nil, v; v == nil {
		t.err = errors.New("quant: a Source has ended a goroutine that called it")
	}
}

// outcome panics as a Source has in another goroutine, or returns its error.
func (t *trouble) outcome() error {
	if t.paniced {
		panic(t.value)
	}
	return t.err
}

const (
	// pieceLen is how many elements are read at a time: 256 KiB, which leaves a
	// second-level cache room for what is made of them.
	pieceLen = 1 << 16

	// leastRead is how many elements a read should have at least, if that leaves
	// enough items to share.
	leastRead  = 1 << 12
	leastItems = 4

	// mostTiles is how many tiles of the survey are side by side in an item:
	// more are longer reads, but need more memory for the sums of their columns.
	mostTiles = 8

	rangeBytes = 4 + 4 + 8
	tallyBytes = 8 + 8 + 8 + 8
)

// waveBytes bounds the memory for sums of segments that are not folded yet. Only
// tests change it.
var waveBytes = 8 << 20

// waveSlots returns for how many segments of each of so many channels there
// should be memory at a time.
func waveSlots(channels, schemes int) int {
	return max(1, waveBytes/(rangeBytes+schemes*tallyBytes)/channels)
}

// A piece is what a goroutine needs to read and survey a piece of a tensor.
type piece struct {
	x [pieceLen]float32
	y []float32 // as many of a second tensor, if there is one
	scratch
	ranges []rangeWork  // of each tile of a rectangle
	work   []columnWork // of each tile, for each scheme
}

var (
	pieces   = sync.Pool{New: func() any { return new(piece) }}
	readings = sync.Pool{New: func() any { return new(reading) }}
	readers  = work.New(func(r **reading, i int) { (*r).guarded(func() { (*r).item(i) }) })
)

// newReading returns a reading of what g has been reset for.
func newReading(g *survey, src, restored Source) *reading {
	r := readings.Get().(*reading)
	r.survey, r.src, r.restored = g, src, restored
	r.begin()
	r.bad.Store(math.MaxInt64)
	return r
}

// done gives r back. After a panic it must not be: goroutines may still use it.
func (r *reading) done() {
	r.survey, r.src, r.restored, r.err = nil, nil, nil, nil
	readings.Put(r)
}

// cut decides what an item is: about pieceLen elements that lie together, or
// fewer if that would leave too few items.
func (r *reading) cut() {
	g, l := r.survey, &r.survey.ch
	switch {
	case l.cols > 0: // a rectangle of several tiles of the survey
		r.perItem = g.perItem
		for k := mostTiles; k > 1; k /= 2 {
			n := min(k*g.perItem, l.cols)
			items := g.segments * ((l.cols + n - 1) / n)
			if k*len(g.schemes) <= 2*mostTiles && (items >= leastItems || k == 2 && n == l.cols) {
				r.perItem = n
				break
			}
		}
		r.items = (l.cols + r.perItem - 1) / r.perItem
		return
	case g.blocks == l.outer: // short runs
		rows := min(segBlocks, l.outer)
		n := max(pieceLen/rows, leastRead)
		for ; n > leastRead && g.segments*(l.axis*l.inner/n) < leastItems; n /= 2 {
		}
		r.perItem = min(max(1, n/l.inner), l.axis)
	case g.segments > 1:
		r.perItem = 1
	default:
		r.perItem = max(1, pieceLen/(l.outer*l.inner))
	}
	r.items = (l.axis + r.perItem - 1) / r.perItem
}

// pass reads the tensor once, and leaves in the survey what firstPass, or
// secondPass, or both, would.
func (r *reading) pass(ranges, errors bool, by Granularity) error {
	r.ranges, r.errors = ranges, errors
	r.cut()
	g := r.survey
	waves := g.slots < g.segments
	if waves {
		r.beginTotals()
	}
	for r.first = 0; r.first < g.segments; r.first += g.slots {
		r.wave()
		if err := r.outcome(); err != nil {
			return err
		}
		if waves {
			r.addTotals()
		}
	}
	if i := r.bad.Load(); i != math.MaxInt64 {
		return newNotFinite(int(i), r.badValue, &g.ch, by)
	}
	if waves {
		r.endTotals()
		return nil
	}
	if ranges {
		g.foldRanges()
	}
	if errors {
		g.foldErrors()
	}
	return nil
}

// wave does the items of as many segments as there is memory for.
func (r *reading) wave() {
	n := min(r.survey.slots, r.survey.segments-r.first) * r.items
	if work.Several(n) {
		readers.Do(&r, n)
		return
	}
	for i := range n {
		r.item(i)
	}
}

// item does the i-th item of a wave.
func (r *reading) item(i int) {
	if r.failed.Load() {
		return
	}
	p := pieces.Get().(*piece)
	if r.restored != nil && p.y == nil {
		p.y = make([]float32, pieceLen)
	}
	slot, part := i/r.items, i%r.items
	switch g := r.survey; {
	case g.ch.cols > 0:
		r.columns(p, slot, part)
	case g.blocks == g.ch.outer:
		r.shortRuns(p, slot, part)
	default:
		if n := min(g.slots, g.segments-r.first); g.ch.outer == 1 {
			slot, part = i%n, i/n // so that neighbours are read one after the other
		}
		r.longRuns(p, slot, part)
	}
	pieces.Put(p)
}

// A box is a rectangle of elements: rows of n, stride apart, from e on.
type box struct{ e, n, rows, stride int }

// read stores the elements of b in p, and reports whether they are to be
// looked at: not if reading has failed, or an earlier one is not finite.
func (r *reading) read(p *piece, b box) bool {
	if r.failed.Load() || int64(b.e) > r.bad.Load() {
		return false
	}
	return r.readInto(p.x[:], r.src, b) && (r.restored == nil || r.readInto(p.y, r.restored, b))
}

func (r *reading) readInto(dst []float32, src Source, b box) bool {
	n, rows := b.n, b.rows
	if b.n == b.stride || rows == 1 {
		n, rows = rows*n, 1
	}
	for i := range rows {
		e := b.e + i*b.stride
		if err := readFloats(src, dst[i*n:(i+1)*n], e); err != nil {
			r.fail(err)
			return false
		}
	}
	return true
}

// readFloats calls src.ReadFloats, and says in an error where that was.
func readFloats(src Source, dst []float32, off int) error {
	if c, ok := src.(*cutout); ok {
		return c.ReadFloats(dst, off) // which knows where that is in the whole
	}
	if err := src.ReadFloats(dst[:len(dst):len(dst)], off); err != nil {
		return fmt.Errorf("quant: reading elements %d to %d: %w", off, off+len(dst)-1, err)
	}
	return nil
}

// readLong is readFloats for any number of elements.
func readLong(src Source, dst []float32, off int) error {
	for len(dst) > 0 {
		n := min(pieceLen, len(dst))
		if err := readFloats(src, dst[:n], off); err != nil {
			return err
		}
		dst, off = dst[n:], off+n
	}
	return nil
}

// A cutout is a part of what a Source has, as if that were all: rows of width
// elements, stride apart, from element first on.
type cutout struct {
	src                  Source
	first, width, stride int
}

func (c *cutout) ReadFloats(dst []float32, off int) error {
	for len(dst) > 0 {
		row, at := off/c.width, off%c.width
		n := min(len(dst), c.width-at)
		if err := readFloats(c.src, dst[:n], c.first+row*c.stride+at); err != nil {
			return err
		}
		dst, off = dst[n:], off+n
	}
	return nil
}

// check looks for what is not finite in the elements of b that p holds, once
// a kernel has found some.
func (r *reading) check(p *piece, b box) {
	if !r.ranges || !r.survey.bad.Load() {
		return
	}
	for i, v := range p.x[:b.rows*b.n] {
		if finite(v) {
			continue
		}
		e := int64(b.e + i/b.n*b.stride + i%b.n)
		r.mu.Lock()
		if e < r.bad.Load() {
			r.bad.Store(e)
			r.badValue = v
		}
		r.mu.Unlock()
		return
	}
}

// shortRuns does some channels of a segment, whose runs are a block each.
func (r *reading) shortRuns(p *piece, slot, part int) {
	l := &r.survey.ch
	c0 := part * r.perItem
	c1 := min(c0+r.perItem, l.axis)
	o, end := (r.first+slot)*segBlocks, min((r.first+slot+1)*segBlocks, l.outer)
	width := (c1 - c0) * l.inner
	k := min(tileRuns, max(1, blockLen/l.inner)) // runs at a time
	for ; o < end; o += pieceLen / width {
		b := box{(o*l.axis + c0) * l.inner, width, min(pieceLen/width, end-o), l.axis * l.inner}
		if !r.read(p, b) {
			return
		}
		for row := range b.rows {
			for c := c0; c < c1; c += k {
				n := min(k, c1-c) * l.inner
				at := (c - c0) * l.inner
				t := stretch{e: b.e + row*b.stride + at, n: n, run: l.inner, rows: 1, channel: c, slot: slot}
				r.runs(p, row*width+at, &t)
			}
		}
		r.check(p, b)
	}
}

// longRuns does some channels, or a segment of one, whose runs are several blocks.
func (r *reading) longRuns(p *piece, slot, part int) {
	g, l := r.survey, &r.survey.ch
	perRun := g.blocks / l.outer
	begin, end := (r.first+slot)*segBlocks, min((r.first+slot+1)*segBlocks, g.blocks)
	step := blockLen
	if !r.errors && !g.squares && len(g.others) == 0 {
		step = pieceLen // a range needs no blocks
	}
	for c := part * r.perItem; c < min((part+1)*r.perItem, l.axis); c++ {
		for k := begin; k < end; {
			o, at := k/perRun, k%perRun
			m := min(pieceLen/blockLen, perRun-at, end-k)
			n := min(m*blockLen, l.inner-at*blockLen)
			b := box{(o*l.axis+c)*l.inner + at*blockLen, n, 1, n}
			if !r.read(p, b) {
				return
			}
			for i := 0; i < n; i += step {
				n := min(step, n-i)
				t := stretch{e: b.e + i, n: n, run: n, rows: 1, channel: c, slot: slot}
				r.runs(p, i, &t)
			}
			r.check(p, b)
			k += m
		}
	}
}

// runs hands the stretch whose elements begin at p.x[at] to the survey.
func (r *reading) runs(p *piece, at int, t *stretch) {
	x := p.x[at : at+t.n]
	if r.ranges {
		r.survey.rangesOfRuns(x, t, &p.scratch)
	}
	if r.errors {
		r.survey.errorsOfRuns(x, r.second(p, at, t.n), t, &p.scratch)
	}
}

// second returns n elements of the second tensor, nil if there is none.
func (r *reading) second(p *piece, at, n int) []float32 {
	if r.restored == nil {
		return nil
	}
	return p.y[at : at+n]
}

// columns does a block of rows of some columns, as the survey's tile does.
func (r *reading) columns(p *piece, slot, part int) {
	l := &r.survey.ch
	col := part * r.perItem
	row := (r.first + slot) * rowsPerBlock
	full := l.n() / l.cols
	b := box{row*l.cols + col, min(r.perItem, l.cols-col), min(rowsPerBlock, full-row), l.cols}
	if b.rows > 0 {
		r.tiles(p, b, col, slot)
	}
	if rest := l.n() % l.cols; rest > 0 && full-row < rowsPerBlock {
		r.tiles(p, box{full * l.cols, rest, 1, rest}, 0, slot)
	}
}

// tiles does a box that begins at a column: as many tiles of the survey, side by side.
func (r *reading) tiles(p *piece, b box, col, slot int) {
	g := r.survey
	schemes := g.schemes
	if !r.errors {
		schemes = nil
	}
	tiles := (b.n + g.perItem - 1) / g.perItem
	tile := func(i int, b box) stretch {
		at := i * g.perItem
		return stretch{
			e: b.e + at, n: min(g.perItem, b.n-at), rows: b.rows,
			stride: b.stride, pitch: b.n, channel: (col + at) / g.ch.inner, slot: slot,
		}
	}
	p.ranges, p.work = resize(p.ranges, tiles), resize(p.work, tiles*len(schemes))
	for i := range tiles {
		t := tile(i, b)
		p.ranges[i].reset(t.n)
		for j := range schemes {
			g.layColumns(&schemes[j], &t, &p.work[i*len(schemes)+j])
		}
	}
	step := pieceLen / b.n
	for row := 0; row < b.rows; row += step {
		b := box{b.e + row*b.stride, b.n, min(step, b.rows-row), b.stride}
		if !r.read(p, b) {
			return
		}
		for i := range tiles {
			t := tile(i, b)
			at := i * g.perItem
			if r.ranges {
				g.collectColumns(p.x[at:], &t, &p.ranges[i])
			}
			y := r.second(p, at, pieceLen-at)
			for j := range schemes {
				g.collectErrors(&schemes[j], p.x[at:], y, &t, &p.work[i*len(schemes)+j], &p.scratch)
			}
		}
		if r.ranges {
			for i := range g.others {
				r.others(&g.others[i], p, b)
			}
		}
		r.check(p, b)
	}
	for i := range tiles {
		t := tile(i, b)
		if r.ranges {
			g.addColumns(&t, &p.ranges[i])
		}
		for j := range schemes {
			g.addErrors(&schemes[j], &t, &p.work[i*len(schemes)+j])
		}
	}
}

// others widens other ranges by the elements of b.
func (r *reading) others(o *otherRanges, p *piece, b box) {
	if b.n == b.stride {
		b.n, b.rows = b.n*b.rows, 1
	}
	for i := range b.rows {
		o.add(p.x[i*b.n:(i+1)*b.n], b.e+i*b.stride, &p.scratch)
	}
}

// beginTotals, addTotals and endTotals fold the segments of one wave after the
// other, in the order in which foldRanges and foldErrors fold all of them.

func (r *reading) beginTotals() {
	g := r.survey
	if r.ranges {
		r.total.reset(g.ch.axis)
	}
	for i := range g.schemes {
		u := &g.schemes[i]
		u.total = resize(u.total, g.ch.axis)
		clear(u.total)
	}
}

func (r *reading) addTotals() {
	g := r.survey
	if a := &r.total; r.ranges {
		for i := range g.lo {
			c := i / g.slots
			a.lo[c], a.hi[c] = min(a.lo[c], g.lo[i]), max(a.hi[c], g.hi[i])
			a.sq[c] += g.sq[i]
		}
		g.rangeSums.reset(len(g.lo))
	}
	for i := range g.schemes {
		u := &g.schemes[i]
		for i := range u.tally {
			u.total[i/g.slots].addAll(&u.tally[i])
		}
		clear(u.tally)
	}
}

func (r *reading) endTotals() {
	g := r.survey
	if r.ranges {
		copy(g.lo, r.total.lo)
		copy(g.hi, r.total.hi)
		copy(g.sq, r.total.sq)
	}
	for i := range g.schemes {
		copy(g.schemes[i].tally, g.schemes[i].total)
	}
}
