package quant

import "sync"

// A gather brings the elements that share a parameter together, a piece at a
// time, whatever the walk: those of runs where they are, those of columns
// copied. It is for what must be done to each parameter on its own.
type gather struct {
	buf    []float32           // of columns, one after the other
	finite [gatherRows]float32 // those of an Observer that ignores the others
}

const (
	gatherCols = 16   // columns that are copied at a time: a cache line
	gatherRows = 1024 // rows that are
)

// A rectangle is the elements of params parameters: rows of cols elements,
// stride apart, of which each parameter has the next cols/params.
type rectangle struct {
	e, rows, cols, stride int
	params                int
}

// perItem returns how many parameters make an item: of columns, as many as are
// copied at a time.
func (l *layout) perItem() int {
	switch {
	case l.params == 1:
		return 1
	case l.group > 0 && l.inner == 1 || l.group == 0 && l.inner >= shortRun:
		return max(1, partLen/max(1, l.n()/l.params)) // elements are in place
	case l.group > 0:
		return gatherCols
	}
	return max(1, gatherCols/l.inner)
}

// rectangle returns the elements of parameter p, and of as many of the next, up
// to n, as lie beside them.
func (l *layout) rectangle(p, n int) rectangle {
	switch {
	case l.group > 0:
		c := p % l.inner
		g := p / l.inner % l.groups
		o := p / l.inner / l.groups
		rows := min(l.group, l.axis-g*l.group)
		e := (o*l.axis+g*l.group)*l.inner + c
		if l.inner == 1 {
			return rectangle{e: e, rows: 1, cols: rows, stride: rows, params: 1}
		}
		k := min(n, l.inner-c, gatherCols)
		return rectangle{e: e, rows: rows, cols: k, stride: l.inner, params: k}
	case l.inner >= shortRun || l.params == 1:
		return rectangle{e: p * l.inner, rows: l.outer, cols: l.inner, stride: l.axis * l.inner, params: 1}
	}
	k := min(n, l.axis-p, max(1, gatherCols/l.inner))
	return rectangle{e: p * l.inner, rows: l.outer, cols: k * l.inner, stride: l.axis * l.inner, params: k}
}

// columns copies up to most rows of a rectangle, from row r on, and returns how
// many: its columns follow each other in g.buf.
func (g *gather) columns(src []float32, t *rectangle, r, most int) int {
	rows := min(most, t.rows-r)
	g.buf = resize(g.buf, rows*t.cols)
	transpose(g.buf, src[t.e+r*t.stride:], rows, t.cols, t.stride)
	return rows
}

// collect makes slices of the elements of each parameter of t: see whole.
func (g *gather) collect(src []float32, t *rectangle) {
	switch {
	case t.params > 1:
		g.columns(src, t, 0, t.rows)
	case t.rows > 1:
		g.buf = g.buf[:0]
		for r := range t.rows {
			e := t.e + r*t.stride
			g.buf = append(g.buf, src[e:e+t.cols]...)
		}
	}
}

// whole returns the elements of the i-th parameter of t, which were collected.
func (g *gather) whole(src []float32, t *rectangle, i int) []float32 {
	if t.params == 1 && t.rows == 1 {
		return src[t.e : t.e+t.cols]
	}
	n := t.rows * t.cols / t.params
	return g.buf[i*n : (i+1)*n]
}

var gathers = sync.Pool{New: func() any { return new(gather) }}
