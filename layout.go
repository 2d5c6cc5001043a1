package quant

import (
	"fmt"
	"math"
)

// Shapes at which the columns walk takes over from the runs walk, see layout.
const (
	shortRun  = 32      // a run shorter than this may be walked as columns,
	spreadMin = 4       // if at least so many rows share the spread parameters
	wideRow   = 64      // narrower rows are taken several at a time
	longRow   = 1 << 12 // shorter rows are read together with those of others
	valueCols = 16      // columns that are copied at a time: a cache line
)

// A layout is a shape as a granularity sees it: [outer, axis, inner], row-major.
// The words for what it is made of:
//
//   - A run is consecutive elements that share parameters, or a channel.
//   - A row is consecutive elements that have parameters of their own each. A column
//     is the elements at the same place of each row: they share parameters.
//   - A block is some runs, or some rows of some columns, that a walk passes to kernels
//     together.
//   - A part is what one goroutine does at a time: many blocks.
//   - A segment is consecutive blocks of a channel. The sums of its blocks are added
//     first, and then the sums of segments: see order.
//
// One of two walks covers every granularity. In the runs walk elements that
// share parameters are consecutive: a run for the whole tensor, for each index
// of the axis, or for each group along a last axis. In the columns walk the
// parameters change with every element of a row and repeat with the next row:
// an axis that is last, one with a short inner length, or groups along an axis
// that is not last.
type layout struct {
	outer, axis, inner int

	// group is the number of indices of the axis that share parameters; 0
	// means that parameters belong to the indices themselves. Per tensor is an
	// axis of one index.
	group, groups int

	// In a layout of blocks of two axes, the rows are those of the last axis, and bands of
	// tall rows share parameters: rows whose indices of the first axis are neighbours. high
	// is the length of the first axis, bands the number of bands along it, and apart how
	// many rows lie between neighbours, plus one. All are 0 in other layouts.
	tall, high, bands, apart int

	params int // scales and zero points

	// cols is the number of columns of a row in a columns walk without groups,
	// 0 in other walks. It is a multiple of axis*inner: narrow rows are merged.
	cols int
}

// newLayout checks shape against the n elements that there are, and g against shape.
func newLayout(n int, shape []int, g Granularity) (layout, error) {
	if n == 0 {
		return layout{}, ErrEmpty
	}
	if len(shape) > 0 {
		want, err := elements(shape)
		if err != nil {
			return layout{}, err
		}
		if want != n {
			return layout{}, fmt.Errorf("%w: %d elements, but %v makes %d", ErrShape, n, cloneShape(shape), want)
		}
	}
	if g.unit == perTensor {
		return layout{outer: 1, axis: 1, inner: n, params: 1}, nil
	}
	if err := g.validate(); err != nil {
		return layout{}, err
	}
	if g.unit == perBlock {
		return blockLayout(n, shape, g)
	}
	axis, err := checkAxis(g.axis, len(shape))
	if err != nil {
		return layout{}, err
	}
	return axisLayout(n, shape, g, axis), nil
}

// axisLayout is newLayout for channels or groups of an axis.
func axisLayout(n int, shape []int, g Granularity, axis int) layout {
	l := layout{outer: 1, axis: n, inner: 1}
	if len(shape) > 0 {
		l.axis = shape[axis]
		for _, d := range shape[:axis] {
			l.outer *= d
		}
		for _, d := range shape[axis+1:] {
			l.inner *= d
		}
	}
	if g.unit == perGroup {
		l.group = min(g.size, l.axis)
		l.groups = (l.axis + l.group - 1) / l.group
		l.params = l.outer * l.groups * l.inner
		return l
	}
	return channelsOf(l.outer, l.axis, l.inner)
}

// blockLayout is newLayout for blocks of two axes. Blocks that are one element wide or high are
// groups of an axis.
func blockLayout(n int, shape []int, g Granularity) (layout, error) {
	axis0, size0, axis1, size1, err := g.blockAxes(max(1, len(shape)))
	if err != nil {
		return layout{}, err
	}
	tall, wide := min(size0, shape[axis0]), min(size1, shape[axis1])
	switch {
	case tall == 1:
		return axisLayout(n, shape, PerGroup(axis1, wide), axis1), nil
	case wide == 1:
		return axisLayout(n, shape, PerGroup(axis0, tall), axis0), nil
	}
	l := layout{outer: n / shape[axis1], axis: shape[axis1], inner: 1, group: wide, tall: tall, high: shape[axis0], apart: 1}
	for _, d := range shape[axis0+1 : axis1] {
		l.apart *= d
	}
	l.groups = (l.axis + wide - 1) / wide
	l.bands = (l.high + tall - 1) / tall
	l.params = l.outer / l.high * l.bands * l.groups
	if l.params == 1 {
		return layout{outer: 1, axis: 1, inner: n, params: 1}, nil
	}
	return l, nil
}

// band returns the index of the band of row o, among those of all indices of the other axes.
// Where there are no bands, it is o.
func (l *layout) band(o int) int {
	if l.tall == 0 {
		return o
	}
	i := o / l.apart
	return (i/l.high*l.bands+i%l.high/l.tall)*l.apart + o%l.apart
}

// layoutOrEmpty is newLayout for functions that accept a tensor without elements.
func layoutOrEmpty(n int, shape []int, g Granularity) (layout, error) {
	if n == 0 {
		return emptyLayout(shape, g)
	}
	return newLayout(n, shape, g)
}

// emptyLayout is newLayout for a tensor without elements, such as a batch without
// rows. The layout has no walk. The axes that have indices give the number of
// parameters.
func emptyLayout(shape []int, g Granularity) (layout, error) {
	if len(shape) == 0 {
		shape = []int{0}
	}
	empty := false
	for i, d := range shape {
		if d < 0 {
			return layout{}, fmt.Errorf("%w: axis %d has length %d", ErrShape, i, d)
		}
		empty = empty || d == 0
	}
	if !empty {
		return layout{}, fmt.Errorf("%w: 0 elements, but the shape is %v", ErrShape, cloneShape(shape))
	}
	if g.unit == perTensor {
		return layout{inner: 1, params: 1}, nil
	}
	if err := g.validate(); err != nil {
		return layout{}, err
	}
	if g.unit == perBlock {
		_, _, axis1, _, err := g.blockAxes(len(shape))
		if err != nil {
			return layout{}, err
		}
		return layout{inner: 1, axis: shape[axis1]}, nil // each block has an element, or there is none
	}
	axis, err := checkAxis(g.axis, len(shape))
	if err != nil {
		return layout{}, err
	}
	l := layout{inner: 1, axis: shape[axis], params: shape[axis]}
	if g.unit == perGroup {
		l.params = 0 // each group has an element, or there is none
	}
	return l, nil
}

// partLen is about how many elements make a part of a job: a few microseconds of
// work, and a multiple of 8, so that a part's packed codes begin at a byte.
const partLen = 1 << 16

// channelsOf returns the layout of channels.
func channelsOf(outer, axis, inner int) layout {
	l := layout{outer: outer, axis: axis, inner: inner, params: axis}
	if l.axis == 1 { // one channel is the whole tensor
		return layout{outer: 1, axis: 1, inner: l.n(), params: 1}
	}
	if l.inner == 1 || l.inner < shortRun && l.outer >= spreadMin {
		l.cols = l.axis * l.inner
		if l.cols < wideRow {
			l.cols *= min((wideRow+l.cols-1)/l.cols, l.outer)
		}
	}
	return l
}

// checkAxis returns axis counted from the front of rank axes; a tensor without
// a shape has one.
func checkAxis(axis, rank int) (int, error) {
	rank = max(rank, 1)
	if axis < -rank || axis >= rank {
		return 0, fmt.Errorf("%w: axis %d of a tensor with %d", ErrAxis, axis, rank)
	}
	return (axis + rank) % rank, nil
}

// elementsOrNone is elements, but 0 for a shape with an axis of length 0.
func elementsOrNone(shape []int) (int, error) {
	for _, d := range shape {
		if d == 0 {
			_, err := emptyLayout(shape, PerTensor)
			return 0, err
		}
	}
	return elements(shape)
}

// elements returns the product of shape, which must be positive and an int.
func elements(shape []int) (int, error) {
	n := 1
	for i, d := range shape {
		switch {
		case d < 0:
			return 0, fmt.Errorf("%w: axis %d has length %d", ErrShape, i, d)
		case d == 0:
			return 0, fmt.Errorf("%w: axis %d has length 0", ErrEmpty, i)
		case n > math.MaxInt/d:
			return 0, fmt.Errorf("%w: %v has more elements than an int can count", ErrShape, cloneShape(shape))
		}
		n *= d
	}
	return n, nil
}

// cloneShape keeps a shape that an error prints from making every caller's
// shape escape to the heap.
func cloneShape(shape []int) []int { return append([]int(nil), shape...) }

func (l *layout) n() int { return l.outer * l.axis * l.inner }

// spread reports whether the parameters have to be laid out anew, one for each
// of l.cols columns, before the columns walk can read them.
func (l *layout) spread() bool { return l.cols > l.params }

// channel returns the index along the axis of element e.
func (l *layout) channel(e int) int { return e / l.inner % l.axis }

// Blocks are not larger than what a kernel takes at a time.
const (
	blockRows = 1024
	blockCols = 512
	blockRuns = 256 // short runs
)

// A block is a rectangle of elements that is taken at once: rows of consecutive
// runs, or of columns.
type block struct {
	e            int // first element
	n            int // elements of a row
	rows, stride int // rows, and how far one begins behind the one before
	run          int // length of a run, of which the last may be shorter; 0 for columns
	p            int // channel or parameter of the first element
	slot         int // that sums are for
}

// A span is a block of consecutive elements, for kernels that need no more of it.
type span struct {
	n int // elements

	// run is the length of the consecutive runs that the elements form, or of
	// the rows if columns is set. The last may be shorter.
	run     int
	columns bool

	// p is the index of the first parameter: of the first run, or of the first
	// column. The others follow it. In a columns walk without groups it counts
	// columns (spread parameters), else parameters.
	p int
}

// span returns the longest span that begins at element e and ends by end.
func (l *layout) span(e, end int) span {
	switch {
	case l.cols > 0:
		c := e % l.cols
		if c != 0 || end-e < l.cols {
			n := min(l.cols-c, end-e)
			return span{n: n, run: n, columns: true, p: c}
		}
		return span{n: (end - e) / l.cols * l.cols, run: l.cols, columns: true}

	case l.group == 0:
		r := e / l.inner
		c := r % l.axis
		if j := e - r*l.inner; j != 0 {
			n := min(l.inner-j, end-e)
			return span{n: n, run: n, p: c}
		}
		return span{n: min((l.axis-c)*l.inner, end-e), run: l.inner, p: c}

	case l.inner == 1:
		o := e / l.axis
		j := e - o*l.axis
		p := l.band(o)*l.groups + j/l.group
		if k := j % l.group; k != 0 {
			n := min(l.group-k, l.axis-j, end-e)
			return span{n: n, run: n, p: p}
		}
		if l.axis%l.group == 0 && l.tall == 0 { // groups go on seamlessly into the next row
			return span{n: end - e, run: l.group, p: p}
		}
		return span{n: min(l.axis-j, end-e), run: l.group, p: p}
	}
	row := e / l.inner
	o, d := row/l.axis, row%l.axis
	g := d / l.group
	p := (o*l.groups + g) * l.inner
	if c := e - row*l.inner; c != 0 || end-e < l.inner {
		n := min(l.inner-c, end-e)
		return span{n: n, run: n, columns: true, p: p + c}
	}
	rows := min((g+1)*l.group, l.axis) - d
	return span{n: min(rows, (end-e)/l.inner) * l.inner, run: l.inner, columns: true, p: p}
}

// cut shortens a span of columns to what a kernel takes, and returns its rows.
func (p *span) cut() (rows int) {
	if p.run > blockCols {
		p.run, p.n = blockCols, blockCols
	}
	return p.n / p.run
}

// whole reports whether s, which begins at element e, holds all elements of each of
// its groups.
func (l *layout) whole(s span, e int) bool {
	return l.group > 0 && l.tall == 0 && !s.columns && s.run == l.group && (s.n%l.group == 0 || (e+s.n)%l.axis == 0)
}

// size returns how many elements parameter p has.
func (l *layout) size(p int) uint64 {
	if l.group == 0 {
		return uint64(l.n() / l.params)
	}
	g := p / l.inner % l.groups
	return uint64(min(l.group, l.axis-g*l.group)) * uint64(l.height(p))
}

// height returns how many rows parameter p has in a layout of blocks of two axes, 1 in others.
func (l *layout) height(p int) int {
	if l.tall == 0 {
		return 1
	}
	return min(l.tall, l.high-p/l.groups/l.apart%l.bands*l.tall)
}

// paramsOf returns bounds of the parameters of elements e up to end.
func (l *layout) paramsOf(e, end int) (from, to int) {
	first, last := e/l.inner, (end-1)/l.inner // rows, of one index of the axis each
	if l.group == 0 {
		if first/l.axis == last/l.axis {
			return first % l.axis, last%l.axis + 1
		}
		return 0, l.params
	}
	if o, end := first/l.axis, last/l.axis; l.tall > 0 && o != end {
		return l.band(o-o%l.apart) * l.groups, (l.band(end-end%l.apart) + l.apart) * l.groups
	}
	from = (l.band(first/l.axis)*l.groups + first%l.axis/l.group) * l.inner
	to = (l.band(last/l.axis)*l.groups + last%l.axis/l.group + 1) * l.inner
	return from, to
}

// inPlace reports whether the elements of a parameter are in one run, or in long ones.
func (l *layout) inPlace() bool {
	if l.group > 0 {
		return l.inner == 1 && l.tall == 0
	}
	return l.inner >= shortRun || l.outer == 1
}

// copiedTogether returns how many channels of short runs are copied at a time.
func (l *layout) copiedTogether() int { return max(1, valueCols/l.inner) }

// values returns the elements of parameter p, and of as many of the next, up to
// n, as lie beside them: each row has a run of each.
func (l *layout) values(p, n int) block {
	if l.tall > 0 {
		g, band := p%l.groups, p/l.groups
		i := band / l.apart
		o := (i/l.bands*l.high+i%l.bands*l.tall)*l.apart + band%l.apart
		w := min(l.group, l.axis-g*l.group)
		return block{e: o*l.axis + g*l.group, n: w, rows: l.height(p), stride: l.apart * l.axis, run: w, p: p}
	}
	if l.group > 0 {
		c := p % l.inner
		g := p / l.inner % l.groups
		o := p / l.inner / l.groups
		rows := min(l.group, l.axis-g*l.group)
		e := (o*l.axis+g*l.group)*l.inner + c
		if l.inner == 1 {
			return block{e: e, n: rows, rows: 1, stride: rows, run: rows, p: p}
		}
		return block{e: e, n: min(n, l.inner-c, valueCols), rows: rows, stride: l.inner, run: 1, p: p}
	}
	k := 1
	if !l.inPlace() {
		k = min(n, l.axis-p, l.copiedTogether())
	}
	return block{e: p * l.inner, n: k * l.inner, rows: l.outer, stride: l.axis * l.inner, run: l.inner, p: p}
}

// scattered reports whether the values of a parameter are in short rows, which
// only make long reads together with those of others.
func (l *layout) scattered() bool {
	if l.group > 0 {
		return l.inner > 1
	}
	return l.outer > 1 && l.inner < longRow
}

// How many values of a parameter are copied into one slice, at most: in rows that are
// long enough to be read one by one, and scattered. Only tests change them.
var (
	mostInRows    = 1 << 20
	mostScattered = 1 << 16
)

// large reports whether parameters have more values than are copied into one slice.
func (l *layout) large() bool {
	n := l.outer * l.inner
	if l.group > 0 {
		n = l.largest()
	}
	if l.scattered() {
		return n > mostScattered
	}
	return n > mostInRows
}
