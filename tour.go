package quant

import (
	"math"
	"sync"
)

// A tour brings all values to what collects them for each parameter, in any
// order: histograms, or counts of lower bits. They are at hand or come from a
// Source, in pieces; goroutines share the parameters.
type tour struct {
	failure
	layout
	src    Source    // nil if values are at hand:
	x      []float32 // on the heap, for other goroutines
	params []observed
	sift   bool // leave out values that are not finite, and find the ranges
	counts bool // into histograms

	// digits, if there are any, are wanted instead: for each scheme, and of that
	// for each parameter.
	digits [][]digits

	locks [256]sync.Mutex // of parameters, by the last bits of their index
	cut   boxes           // of a scattered layout
}

// boxes are how a tour cuts a scattered layout, a matrix or several: rows of
// cols elements at a time, of as many as rows and cols say.
type boxes struct {
	matrix     int // elements
	down       int // rows of a matrix
	across     int // columns
	rows, cols int // of a box
	each       int // columns of a parameter
}

const (
	// tourLen is how many elements of one parameter are counted before they are
	// added to the whole, which takes a tenth of the time.
	tourLen = 1 << 20

	// longRow is the length from which rows are read one by one.
	longRow = 1 << 12

	// boxRows is how many rows of a box are read at a time, if there are many.
	boxRows = 128
)

// scattered reports whether the values of a parameter are in short rows, which
// only make long reads together with those of others.
func (l *layout) scattered() bool {
	if l.group > 0 {
		return l.inner > 1
	}
	return l.outer > 1 && l.inner < longRow
}

// A guide is what a goroutine needs for a tour.
type guide struct {
	gather
	x      [bufferLen]float32
	own    observed // of a single parameter
	digits [][]digits
}

var (
	tours  = sync.Pool{New: func() any { return new(tour) }}
	guides = sync.Pool{New: func() any { return new(guide) }}
	escort = newTeams(func(t **tour, i int) { (*t).guarded(i) })
)

// run makes the tour. The values are x or, if src is not nil, come from there.
func (t *tour) run(x []float32, src Source) error {
	t.failure.begin()
	t.src = src
	t.cols = 0 // narrow rows need not be merged
	n := t.items()
	if several(n) && onHeap(x) {
		t.x = *hide(&x)
		escort.do(&t, n)
	} else {
		for i := range n {
			t.item(x, i)
		}
	}
	t.x, t.src = nil, nil
	return t.outcome()
}

func (t *tour) guarded(i int) {
	done := false
	defer t.guard(&done)
	t.item(t.x, i)
	done = true
}

// items cuts the tensor, and returns in how many items.
func (t *tour) items() int {
	if !t.scattered() {
		if t.layout.params > 1 {
			return (t.n()-1)/bufferLen + 1
		}
		return (t.n()-1)/tourLen + 1
	}
	b := &t.cut
	*b = boxes{matrix: t.n(), down: t.outer, across: t.axis * t.inner, each: t.inner}
	matrices := 1
	if t.group > 0 {
		*b = boxes{matrix: t.axis * t.inner, down: t.group, across: t.inner, each: 1}
		matrices = t.outer * t.groups
	}
	b.fit(bufferLen/min(b.down, boxRows), b.each)
	b.rows = min(b.down, bufferLen/b.cols)
	return matrices * b.perMatrix()
}

// fit has boxes take about so many columns, all about the same, and a multiple
// of some unit.
func (b *boxes) fit(cols, unit int) {
	n := max(1, cols/unit) * unit
	n = (b.across-1)/((b.across-1)/n+1) + 1
	b.cols = min(b.across, (n+unit-1)/unit*unit)
}

func (b *boxes) perRow() int    { return (b.across-1)/b.cols + 1 }
func (b *boxes) perMatrix() int { return ((b.down-1)/b.rows + 1) * b.perRow() }

func (t *tour) item(x []float32, i int) {
	if t.failed.Load() {
		return
	}
	g := guides.Get().(*guide)
	switch {
	case t.scattered():
		t.box(g, x, i)
	case t.layout.params > 1:
		t.stretch(g, x, i*bufferLen)
	default:
		t.single(g, x, i*tourLen)
	}
	guides.Put(g)
}

// read returns elements that lie together, of x or read.
func (t *tour) read(g *guide, x []float32, e, n int) []float32 {
	if t.src == nil {
		return x[e : e+n]
	}
	if t.failed.Load() {
		return nil
	}
	if err := readFloats(t.src, g.x[:n], e); err != nil {
		t.fail(err)
		return nil
	}
	return g.x[:n]
}

// single takes elements of the only parameter, from e on. They go to
// collections of the goroutine's own, which are added to the others at the end.
func (t *tour) single(g *guide, x []float32, e int) {
	g.own.begin(t)
	g.digits = resize(g.digits, len(t.digits))
	for i := range t.digits {
		g.digits[i] = resize(g.digits[i], 1)
		g.digits[i][0].copy(&t.digits[i][0])
	}
	for end := min(e+tourLen, t.n()); e < end; e += bufferLen {
		x := t.read(g, x, e, min(bufferLen, end-e))
		if x == nil {
			return
		}
		t.add(&g.own, g.digits, 0, x, &g.gather)
	}
	t.locks[0].Lock()
	defer t.locks[0].Unlock()
	t.params[0].join(&g.own, t)
	for i := range t.digits {
		t.digits[i][0].join(&g.digits[i][0])
	}
}

// stretch takes elements of runs, from e on.
func (t *tour) stretch(g *guide, x []float32, e int) {
	x = t.read(g, x, e, min(bufferLen, t.n()-e))
	for len(x) > 0 {
		s := t.span(e, e+len(x))
		for i := 0; i < s.n; i += s.run {
			t.take(g, s.p+i/s.run, x[i:min(i+s.run, s.n)])
		}
		e, x = e+s.n, x[s.n:]
	}
}

// box takes the i-th box of a scattered layout.
func (t *tour) box(g *guide, x []float32, i int) {
	b := &t.cut
	m, k := i/b.perMatrix(), i%b.perMatrix()
	row, col := k/b.perRow()*b.rows, k%b.perRow()*b.cols
	down, first, p := b.down, 0, col/b.each
	if t.group > 0 {
		o, k := m/t.groups, m%t.groups
		down = min(t.group, t.axis-k*t.group)
		first = (o*t.axis + k*t.group) * t.inner
		p += m * t.inner
	}
	r := rectangle{e: first + row*b.across + col, rows: min(b.rows, down-row), cols: min(b.cols, b.across-col), stride: b.across}
	if r.rows <= 0 {
		return // the last group is smaller
	}
	if t.src != nil {
		if r.cols == r.stride {
			r.cols, r.rows = r.rows*r.cols, 1
		}
		for k := range r.rows {
			if err := readFloats(t.src, g.x[k*r.cols:(k+1)*r.cols], r.e+k*r.stride); err != nil {
				t.fail(err)
				return
			}
		}
		r.rows, r.cols = min(b.rows, down-row), min(b.cols, b.across-col)
		x, r.e, r.stride = g.x[:], 0, r.cols
	}
	// Each goroutine begins elsewhere, so that none waits for a lock.
	per := 1
	if b.each < shortRun {
		per = max(1, gatherCols/b.each)
	}
	n := r.cols / b.each
	start := i % ((n + per - 1) / per) * per
	t.matrix(g, x, r, p, start, n, per)
	t.matrix(g, x, r, p, 0, start, per)
}

// matrix takes a rectangle's parameters from one up to another, so many at a
// time. Parameter 0 is p of the tensor.
func (t *tour) matrix(g *guide, x []float32, r rectangle, p, from, to, per int) {
	each := t.cut.each
	for ; from < to; from += per {
		k := min(per, to-from)
		part := rectangle{e: r.e + from*each, rows: r.rows, cols: k * each, stride: r.stride, params: k}
		if each >= shortRun {
			for i := range r.rows {
				t.take(g, p+from, x[part.e+i*r.stride:][:each])
			}
			continue
		}
		for i := 0; i < r.rows; {
			rows := g.columns(x, &part, i, gatherRows)
			n := rows * each
			for j := range k {
				t.take(g, p+from+j, g.buf[j*n:(j+1)*n])
			}
			i += rows
		}
	}
}

// take adds values of one parameter, which other goroutines may do at the time.
func (t *tour) take(g *guide, p int, x []float32) {
	l := &t.locks[p%len(t.locks)]
	l.Lock()
	t.add(&t.params[p], t.digits, p, x, &g.gather)
	l.Unlock()
}

// add adds values of a parameter to what is collected for it.
func (t *tour) add(p *observed, d [][]digits, i int, x []float32, g *gather) {
	if len(d) == 0 {
		p.collect(x, t.sift, t.counts, g)
	}
	for k := range d {
		d[k][i].add(x)
	}
}

// begin readies a collection for a tour.
func (p *observed) begin(t *tour) {
	p.batch, p.notFinite = 0, Counts{}
	if len(t.digits) == 0 && t.counts {
		p.hist.reset(histogramLanes)
	}
}

// join adds to what a tour collects what a goroutine has.
func (p *observed) join(own *observed, t *tour) {
	if len(t.digits) > 0 {
		return
	}
	if t.counts {
		p.hist.merge(&own.hist)
	}
	if own.batch > 0 {
		p.meet(own.batchLo, own.batchHi, own.batch)
	}
	p.notFinite.add(own.notFinite)
}

// digits find the value that is k-th in size in a bin: they count the next bits
// of those that begin as it does. The bits of a value's magnitude ascend with it.
type digits struct {
	prefix  uint32 // the upper bits, known
	left    int    // bits that are not
	width   int    // how many of them are counted
	smaller uint64 // values of that prefix that are smaller
	counts  []uint64
}

// look begins to look for the value of which k in h are smaller.
func (d *digits) look(h *histogram, k uint64, width int) {
	bin, smaller := h.locate(k)
	d.prefix, d.smaller, d.left, d.width = uint32(bin), smaller, 16, width
	d.clear()
}

func (d *digits) clear() {
	d.counts = resize(d.counts, 1<<d.width)
	clear(d.counts)
}

// copy makes d look for what o does.
func (d *digits) copy(o *digits) {
	d.prefix, d.left, d.width = o.prefix, o.left, o.width
	if d.left > 0 {
		d.clear()
	}
}

func (d *digits) add(x []float32) {
	if d.left == 0 {
		return
	}
	prefix, shift, rest := d.prefix, d.left, d.left-d.width
	for _, v := range x {
		if b := math.Float32bits(v); b>>shift == prefix {
			d.counts[b>>rest&(1<<d.width-1)]++
		}
	}
}

func (d *digits) join(o *digits) {
	if d.left == 0 {
		return
	}
	for i, c := range o.counts {
		d.counts[i] += c
	}
}

// settle takes the bits that were counted, and reports whether they were the last.
func (d *digits) settle() bool {
	for i, c := range d.counts {
		if d.smaller < c {
			d.prefix = d.prefix<<d.width | uint32(i)
			break
		}
		d.smaller -= c
	}
	if d.left -= d.width; d.left == 0 {
		return true
	}
	d.clear()
	return false
}

func (d *digits) value() float32 { return plusZero(math.Float32frombits(d.prefix)) }
