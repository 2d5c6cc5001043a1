package quant

import (
	"math"
	"runtime"
	"sync"

	"github.com/a01592f9/quant/internal/histogram"
	"github.com/a01592f9/quant/internal/search"
	"github.com/a01592f9/quant/internal/work"
)

// What collects the values of each parameter in any order, block by block:
// histograms, or counts of the lower bits of values.

// A histogramWalk brings all values to what collects them. Goroutines share the
// parameters.
type histogramWalk struct {
	valueWalk
	params []observed
	sift   bool // leave out values that are not finite, and find the ranges
	counts bool // into histograms

	// digits, if there are any, are wanted instead: for each scheme, and of that
	// for each parameter.
	digits [][]search.KthValue

	locks [256]sync.Mutex // of parameters, by the last bits of their index
	cut   matrixCut       // of a scattered layout
	each  int             // elements of a part of a single parameter
	parts int
	alone bool // each part has parameters of its own, with all of their values
}

// A matrixCut is how a scattered layout, a matrix or several, is cut into blocks.
type matrixCut struct {
	down   int // rows of a matrix
	across int // columns
	rows   int // of a block
	cols   int
	each   int // columns of a parameter
}

const (
	// countLen is how many elements of one parameter are counted at least before
	// they are added to the whole, which takes a tenth of the time.
	countLen = 1 << 20

	// rowsOfMany is how many rows of a block are taken at a time, if there are many.
	rowsOfMany = 128
)

// A histogramWork is what a goroutine needs beside the walk.
type histogramWork struct {
	valueBuffer
	siftBuffer
	single observed // of the only parameter
	digits [][]search.KthValue
}

// histogramArgs are what goroutines need of a walk.
type histogramArgs struct {
	walk *histogramWalk
	x    []float32
}

var (
	histogramWalks   = sync.Pool{New: func() any { return new(histogramWalk) }}
	histogramWorks   = sync.Pool{New: func() any { return new(histogramWork) }}
	histogramWalkers = work.New(func(a *histogramArgs, i int) { a.walk.guarded(a.x, i) })
)

// run brings all values of l to params or, if there are any, to digits. They are x
// or, if src is not nil, come from there.
func (w *histogramWalk) run(x []float32, src Source, l layout, params []observed, digits [][]search.KthValue) error {
	w.params, w.digits = params, digits
	w.parts = w.begin(l, src)
	w.cols = 0 // narrow rows need not be merged
	w.alone = src == nil && l.params > 1 && w.parts >= runtime.GOMAXPROCS(0)
	if !w.alone {
		w.parts = w.cutParts()
	}
	if work.Several(w.parts) && (src != nil || l.n() >= partLen) && work.OnHeap(x) {
		a := histogramArgs{w, x}
		histogramWalkers.Do(work.Hide(&a), w.parts)
	} else {
		for i := range w.parts {
			w.part(x, i)
		}
	}
	err := w.outcome()
	w.end()
	w.params, w.digits = nil, nil
	return err
}

// guarded does a part in any goroutine.
func (w *histogramWalk) guarded(x []float32, i int) {
	done := false
	defer w.guard(&done)
	w.part(x, i)
	done = true
}

// cutParts cuts the tensor, and returns in how many parts.
func (w *histogramWalk) cutParts() int {
	if w.layout.params == 1 {
		w.each = max(countLen, w.n()/(4*runtime.GOMAXPROCS(0)))
		return (w.n()-1)/w.each + 1
	}
	if !w.scattered() {
		return (w.n()-1)/bufferLen + 1
	}
	m := &w.cut
	*m = matrixCut{down: w.outer, across: w.axis * w.inner, each: w.inner}
	matrices := 1
	if w.group > 0 {
		*m = matrixCut{down: w.group, across: w.inner, each: 1}
		matrices = w.outer * w.groups
	}
	m.cols = evenly(m.across, bufferLen/min(m.down, rowsOfMany), m.each)
	m.rows = min(m.down, bufferLen/m.cols)
	return matrices * m.perMatrix()
}

func (m *matrixCut) perRow() int    { return (m.across-1)/m.cols + 1 }
func (m *matrixCut) perMatrix() int { return ((m.down-1)/m.rows + 1) * m.perRow() }

func (w *histogramWalk) part(x []float32, i int) {
	if w.failed.Load() {
		return
	}
	g := histogramWorks.Get().(*histogramWork)
	switch {
	case w.alone:
		w.own(g, x, i)
	case w.layout.params == 1:
		w.single(g, x, i*w.each)
	case w.scattered():
		w.block(g, x, i)
	default:
		w.runs(g, x, i*bufferLen)
	}
	histogramWorks.Put(g)
}

// single takes elements of the only parameter, from e on. If there are others,
// they go to collections of the goroutine's own, which are added to the whole at
// the end.
func (w *histogramWalk) single(g *histogramWork, x []float32, e int) {
	p, d := &w.params[0], w.digits
	if w.parts > 1 {
		p, d = &g.single, w.ownDigits(g)
		p.batch, p.notFinite = 0, Counts{}
		if len(d) == 0 && w.counts {
			p.hist.Reset(histogram.Lanes)
		}
	}
	for end := min(e+w.each, w.n()); e < end; e += bufferLen {
		n := min(bufferLen, end-e)
		x, _, _ := w.elements(x, nil, &block{e: e, n: n, rows: 1, stride: n}, &g.read, nil)
		if x == nil {
			return
		}
		w.add(p, d, 0, x[:n], &g.siftBuffer)
	}
	if w.parts == 1 {
		return
	}
	w.locks[0].Lock()
	defer w.locks[0].Unlock()
	for i := range d {
		w.digits[i][0].Join(&d[i][0])
	}
	if len(d) == 0 {
		w.params[0].join(p, w.counts)
	}
}

// ownDigits returns digits that look for what those of w do.
func (w *histogramWalk) ownDigits(g *histogramWork) [][]search.KthValue {
	g.digits = resize(g.digits, len(w.digits))
	for i := range w.digits {
		g.digits[i] = resize(g.digits[i], 1)
		g.digits[i][0].Copy(&w.digits[i][0])
	}
	return g.digits
}

// own takes all values of the parameters of the i-th part. That is fastest, but
// no way to read, and leaves goroutines idle where there are few parameters.
func (w *histogramWalk) own(g *histogramWork, x []float32, i int) {
	for p, end, _ := w.parameters(i); p < end; {
		b := w.values(p, end-p)
		k := b.n / b.run
		for r := 0; r < b.rows; {
			if k == 1 {
				w.add(&w.params[p], w.digits, p, x[b.e+r*b.stride:][:b.n], &g.siftBuffer)
				r++
				continue
			}
			rows := g.copyRows(x, &b, r, valueRows)
			n := rows * b.run
			for j := range k {
				w.add(&w.params[p+j], w.digits, p+j, g.copied[j*n:(j+1)*n], &g.siftBuffer)
			}
			r += rows
		}
		p += k
	}
}

// runs takes elements of runs, from e on.
func (w *histogramWalk) runs(g *histogramWork, x []float32, e int) {
	n := min(bufferLen, w.n()-e)
	x, _, _ = w.elements(x, nil, &block{e: e, n: n, rows: 1, stride: n}, &g.read, nil)
	if x == nil {
		return
	}
	for x = x[:n]; len(x) > 0; {
		s := w.span(e, e+len(x))
		for i := 0; i < s.n; i += s.run {
			w.take(g, s.p+i/s.run, x[i:min(i+s.run, s.n)])
		}
		e, x = e+s.n, x[s.n:]
	}
}

// block takes the i-th block of a scattered layout.
func (w *histogramWalk) block(g *histogramWork, x []float32, i int) {
	m := &w.cut
	at, k := i/m.perMatrix(), i%m.perMatrix()
	row, col := k/m.perRow()*m.rows, k%m.perRow()*m.cols
	down, first, p := m.down, 0, col/m.each
	if w.group > 0 {
		b := w.values(at*w.inner, 1)
		down, first = b.rows, b.e
		p += at * w.inner
	}
	b := block{
		e: first + row*m.across + col, n: min(m.cols, m.across-col), rows: min(m.rows, down-row), stride: m.across,
		run: m.each, p: p,
	}
	if b.rows <= 0 {
		return // the last group is smaller
	}
	x, _, pitch := w.elements(x, nil, &b, &g.read, nil)
	if x == nil {
		return
	}
	b.e, b.stride = 0, pitch
	// Each goroutine begins elsewhere, so that none waits for a lock.
	per := 1
	if m.each < shortRun {
		per = max(1, valueCols/m.each)
	}
	n := b.n / m.each
	start := i % ((n + per - 1) / per) * per
	w.columns(g, x, &b, start, n, per)
	w.columns(g, x, &b, 0, start, per)
}

// columns takes parameters of b from one up to another, so many at a time. The
// elements are x.
func (w *histogramWalk) columns(g *histogramWork, x []float32, b *block, from, to, per int) {
	for ; from < to; from += per {
		k := min(per, to-from)
		t := *b
		t.e, t.n = from*b.run, k*b.run
		if b.run >= shortRun {
			for i := range t.rows {
				w.take(g, b.p+from, x[t.e+i*t.stride:][:t.n])
			}
			continue
		}
		for i := 0; i < t.rows; {
			rows := g.copyRows(x, &t, i, valueRows)
			n := rows * b.run
			for j := range k {
				w.take(g, b.p+from+j, g.copied[j*n:(j+1)*n])
			}
			i += rows
		}
	}
}

// take adds values of one parameter, which other goroutines may do at the time.
func (w *histogramWalk) take(g *histogramWork, p int, x []float32) {
	l := &w.locks[p%len(w.locks)]
	l.Lock()
	w.add(&w.params[p], w.digits, p, x, &g.siftBuffer)
	l.Unlock()
}

// add adds values of a parameter to what is collected for it.
func (w *histogramWalk) add(p *observed, d [][]search.KthValue, i int, x []float32, b *siftBuffer) {
	if len(d) == 0 {
		p.collect(x, w.sift, w.counts, b)
	}
	for k := range d {
		d[k][i].Add(x)
	}
}

// An observed is what is known of one tensor, channel or group.
type observed struct {
	n         uint64 // finite values
	lo, hi    float32
	avgLo     float64 // moving averages
	avgHi     float64
	hist      histogram.Histogram
	waiting   []float32 // values that are not in it yet; see count
	batch     uint64    // finite values of the current batch
	batchLo   float32   // their range
	batchHi   float32
	notFinite Counts // of all batches, Finite left out
}

// Counts are numbers of values.
type Counts struct {
	Finite         uint64 // those that count
	NaN            uint64 // not among Finite, as the next two
	PosInf, NegInf uint64
}

func (c *Counts) add(o Counts) {
	c.Finite += o.Finite
	c.NaN += o.NaN
	c.PosInf += o.PosInf
	c.NegInf += o.NegInf
}

func (c *Counts) all() uint64 { return c.Finite + c.NaN + c.PosInf + c.NegInf }

// A siftBuffer is memory for finite values among others.
type siftBuffer struct{ finite [valueRows]float32 }

// collect adds elements to what is collected for p: finite ones to the
// histogram if that counts, or, sifted, any to the batch's range and counts too.
func (p *observed) collect(x []float32, sift, counts bool, b *siftBuffer) {
	if !sift {
		p.count(x)
		return
	}
	if len(x) == 0 {
		return
	}
	var lo, hi [1]float32
	if rangeRuns(lo[:], hi[:], x, len(x)) {
		p.addFinite(x, lo[0], hi[0], counts)
		return
	}
	for len(x) > 0 {
		n := min(len(x), len(b.finite))
		f := p.sifted(b.finite[:0], x[:n])
		if x = x[n:]; len(f) > 0 {
			rangeRuns(lo[:], hi[:], f, len(f))
			p.addFinite(f, lo[0], hi[0], counts)
		}
	}
}

// addFinite adds finite values of a range to the batch.
func (p *observed) addFinite(x []float32, lo, hi float32, counts bool) {
	p.addRange(lo, hi, uint64(len(x)))
	if counts {
		p.count(x)
	}
}

// addRange widens the range of the batch by that of n values.
func (p *observed) addRange(lo, hi float32, n uint64) {
	if p.batch == 0 {
		p.batchLo, p.batchHi = lo, hi
	}
	p.batchLo, p.batchHi = min(p.batchLo, lo), max(p.batchHi, hi)
	p.batch += n
}

// join adds what a goroutine has collected on its own.
func (p *observed) join(own *observed, counts bool) {
	if counts {
		p.hist.Merge(&own.hist)
	}
	if own.batch > 0 {
		p.addRange(own.batchLo, own.batchHi, own.batch)
	}
	p.notFinite.add(own.notFinite)
}

// waitingLen is how many values wait to be counted. They are next to each other,
// where the bins that some values are in are all over a histogram, and all
// histograms together do not fit in a cache.
const waitingLen = 512

// count adds finite values to the histogram, at once or later. The first have
// their octaves placed at once, so that more of the kind allocate nothing.
func (p *observed) count(x []float32) {
	if len(x) >= cap(p.waiting) || p.hist.Empty() {
		countValues(&p.hist, x)
		return
	}
	n := min(len(x), cap(p.waiting)-len(p.waiting))
	p.waiting = append(p.waiting, x[:n]...)
	if len(p.waiting) == cap(p.waiting) {
		p.flush()
		p.waiting = append(p.waiting, x[n:]...)
	}
}

// flush counts the values that wait.
func (p *observed) flush() {
	if len(p.waiting) > 0 {
		countValues(&p.hist, p.waiting)
		p.waiting = p.waiting[:0]
	}
}

// sifted appends the finite elements of x to dst, and counts the others.
func (p *observed) sifted(dst, x []float32) []float32 {
	for _, v := range x {
		switch b := math.Float32bits(v); {
		case b&0x7f800000 != 0x7f800000:
			dst = append(dst, v)
		case b == 0x7f800000:
			p.notFinite.PosInf++
		case b == 0xff800000:
			p.notFinite.NegInf++
		default:
			p.notFinite.NaN++
		}
	}
	return dst
}

// clampAverage returns an average, which rounding may have put outside the range.
func (p *observed) clampAverage(v float64) float64 {
	return min(max(v, float64(p.lo)), float64(p.hi))
}

// lanesOf returns the number of lanes of each of n histograms: several for
// one, where memory is not scarce and all values go to it.
func lanesOf(n int) int {
	if n == 1 {
		return histogram.Lanes
	}
	return 1
}
