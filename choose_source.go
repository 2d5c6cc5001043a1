package quant

import "sync"

// Choosing ranges for a tensor that is read. Some parameters are read at a
// time, with all of their values, which are then at hand.

// A supply is the job of choosing the range of every parameter of a tensor that
// is read, none of which has many values.
type supply struct {
	failure
	choice
	from Source
	cut  boxes // of a scattered layout
}

// A stock is what a goroutine has at hand of a tensor.
type stock struct {
	gather
	x []float32
}

// stockLen is how many elements a stock has at most, unless a parameter has
// more. Rows that are scattered are as long as that allows.
const stockLen = 1 << 20

// stockRow is how long they need not be, if there are many.
const stockRow = 1 << 10

var (
	supplies  = sync.Pool{New: func() any { return new(supply) }}
	stocks    = sync.Pool{New: func() any { return new(stock) }}
	suppliers = newTeams(func(s **supply, i int) { (*s).guarded(i) })
)

// chooseFrom is choose for a tensor that is read from src.
func (s Scheme) chooseFrom(src Source, l layout, lo, hi []float32) error {
	if s.Method.ranged() {
		return nil
	}
	if l.large() {
		return s.chooseLarge(nil, src, l, lo, hi)
	}
	c := supplies.Get().(*supply)
	c.failure.begin()
	c.choice = choice{layout: l, scheme: s, lo: lo, hi: hi}
	c.from = src
	n := c.items()
	if several(n) {
		suppliers.do(&c, n)
	} else {
		for i := range n {
			c.item(i)
		}
	}
	err := c.outcome()
	c.choice, c.from = choice{}, nil
	supplies.Put(c)
	return err
}

func (c *supply) guarded(i int) {
	done := false
	defer c.guard(&done)
	c.item(i)
	done = true
}

// items cuts the tensor, and returns in how many items.
func (c *supply) items() int {
	if !c.scattered() {
		return (c.params-1)/c.inRow() + 1
	}
	b := &c.cut
	*b = boxes{down: c.outer, across: c.axis * c.inner, each: c.inner}
	matrices := 1
	if c.group > 0 {
		*b = boxes{down: c.group, across: c.inner, each: 1}
		matrices = c.outer * c.groups
	}
	b.rows = b.down
	width := min(max(partLen/b.rows, stockRow), stockLen/b.rows)
	// The last of some channels that are copied together may be alone, and then
	// its elements have another order: that must be the same as at hand.
	few := max(1, gatherCols/b.each) * b.each
	b.fit(width, few)
	return matrices * b.perRow()
}

// inRow returns how many parameters whose values lie together make an item.
func (c *supply) inRow() int {
	if c.group == 0 && c.outer > 1 {
		return 1
	}
	return max(1, partLen/max(1, c.n()/c.params))
}

func (c *supply) item(i int) {
	if c.failed.Load() {
		return
	}
	g := stocks.Get().(*stock)
	var err error
	if c.scattered() {
		err = c.box(g, i)
	} else {
		err = c.row(g, i*c.inRow(), min((i+1)*c.inRow(), c.params))
	}
	if err != nil {
		c.fail(err)
	}
	stocks.Put(g)
}

// row does parameters from one up to another, whose values lie together, in
// rows of their own if there is but one.
func (c *supply) row(g *stock, p, end int) error {
	first, last := c.rectangle(p, 1), c.rectangle(end-1, 1)
	n := last.e + last.cols - first.e
	g.x = resize(g.x, n*first.rows)
	for r := range first.rows {
		if err := readLong(c.from, g.x[r*n:(r+1)*n], first.e+r*first.stride); err != nil {
			return err
		}
	}
	s := searches.Get().(*search)
	for ; p < end; p++ {
		t := c.rectangle(p, 1)
		at := t.e - first.e
		c.exactly(s, p, g.x[at:at+t.rows*t.cols])
	}
	searches.Put(s)
	return nil
}

// box does the parameters of the i-th box of a scattered layout.
func (c *supply) box(g *stock, i int) error {
	b := &c.cut
	m, col := i/b.perRow(), i%b.perRow()*b.cols
	rows, first, p := b.down, 0, col/b.each
	if c.group > 0 {
		o, k := m/c.groups, m%c.groups
		rows = min(c.group, c.axis-k*c.group)
		first = (o*c.axis + k*c.group) * c.inner
		p += m * c.inner
	}
	cols := min(b.cols, b.across-col)
	g.x = resize(g.x, rows*cols)
	e, n, k := first+col, cols, rows
	if cols == b.across {
		n, k = rows*cols, 1
	}
	for r := range k {
		if err := readLong(c.from, g.x[r*n:(r+1)*n], e+r*b.across); err != nil {
			return err
		}
	}
	l := layout{outer: rows, axis: cols / b.each, inner: b.each, params: cols / b.each} // of what is at hand
	s := searches.Get().(*search)
	for k := 0; k < l.axis; {
		t := l.rectangle(k, l.axis-k)
		g.collect(g.x, &t)
		for j := range t.params {
			c.exactly(s, p+k+j, g.whole(g.x, &t, j))
		}
		k += t.params
	}
	searches.Put(s)
	return nil
}

// exactly chooses the range of parameter p, whose values are x.
func (c *supply) exactly(s *search, p int, x []float32) {
	r := s.exactly(c.scheme, x, Range{c.lo[p], c.hi[p]})
	c.lo[p], c.hi[p] = r.Min, r.Max
}
