package quant

import (
	"fmt"
	"math"
)

// Limits between the two walks of a layout, in elements.
const (
	shortRun  = 32      // shorter runs are walked as columns if there are spreadMin rows,
	spreadMin = 4       // each row a run of every channel
	wideRow   = 64      // narrower rows are merged into rows of at least this width
	longRow   = 1 << 12 // shorter rows are read together with the rows of other parameters
	valueCols = 16      // number of columns that are copied at a time: a cache line
)

// A layout divides the elements of a tensor by their parameters: a scale and a zero point. It
// has the shape [outer, axis, inner] in row-major order: axis is the length of the axis of the
// granularity, and outer and inner are the products of the lengths before and after it. The
// words that this package uses:
//
//   - A run is consecutive elements with the same parameters or in the same channel.
//   - A row is consecutive elements with different parameters. A column is the elements at the
//     same place in each row: these share parameters.
//   - A block is some runs, or some rows of some columns, that a walk passes to a kernel in one
//     call.
//   - A part is the blocks that one goroutine handles at a time.
//   - A segment is consecutive blocks of a channel. The sums of its blocks are added first, and
//     then the sums of the segments: see order.
//
// Every granularity uses one of two walks. In the runs walk the elements that share parameters
// are consecutive: the whole tensor, an index of the axis, or a group along the last axis. In
// the columns walk the parameters change with every element of a row and are the same in the
// next row: for channels along the last axis, for channels with a short inner length, and for
// groups along an axis that is not the last.
type layout struct {
	outer, axis, inner int

	// group is the number of consecutive indices of the axis that share parameters, and groups
	// is the number of groups along the axis. Both are 0 if each index of the axis has its
	// own parameters. A layout per tensor has an axis of the length 1.
	group, groups int

	// These are for blocks of two axes, and 0 in other layouts. The rows are those of the last
	// axis. tall is the number of rows of a block: rows at tall consecutive indices of the
	// first axis share parameters, and are a band. high is the length of the first axis, bands
	// is the number of bands along it, and apart is the distance in rows between two
	// consecutive indices of it.
	tall, high, bands, apart int

	params int // number of scales, and of zero points

	// cols is the number of columns of a row in a columns walk without groups, and 0 in other
	// walks. It is a multiple of axis*inner, since narrow rows are merged.
	cols int
}

// newLayout returns the layout of n elements with the given shape, by the granularity g. It
// returns an error if the shape does not have n elements, or g is not valid for the shape.
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

// blockLayout is newLayout for blocks of two axes. If blocks have the length 1 along one axis,
// the layout is that of groups along the other axis.
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

// band returns the index of the band that row o belongs to. It counts the bands at all indices
// of the other axes. In a layout without bands it returns o.
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

// emptyLayout is newLayout for a tensor without elements, such as a batch of no rows. The layout
// cannot be walked. It has the number of parameters that the lengths of the axes give.
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
		return layout{inner: 1, axis: shape[axis1]}, nil // without elements there are no blocks
	}
	axis, err := checkAxis(g.axis, len(shape))
	if err != nil {
		return layout{}, err
	}
	l := layout{inner: 1, axis: shape[axis], params: shape[axis]}
	if g.unit == perGroup {
		l.params = 0 // without elements there are no groups
	}
	return l, nil
}

// partLen is the approximate number of elements of a part. It is a few microseconds of work, and
// a multiple of 8, so the packed codes of a part begin at a byte.
const partLen = 1 << 16

// channelsOf returns the layout of the channels of an axis.
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

// largest returns the largest number of elements that share a parameter.
func (l *layout) largest() int {
	if l.group > 0 {
		return l.group * max(1, l.tall)
	}
	return l.n() / l.params
}

// elementsOrNone is elements, but returns 0 for a shape with an axis of length 0.
func elementsOrNone(shape []int) (int, error) {
	for _, d := range shape {
		if d == 0 {
			_, err := emptyLayout(shape, PerTensor)
			return 0, err
		}
	}
	return elements(shape)
}

// elements returns the number of elements of a shape: the product of its lengths. It returns an
// error if a length is not positive or the product overflows an int.
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

// cloneShape returns a copy of a shape, for the text of an error. Without the copy the shape of
// every caller would escape to the heap.
func cloneShape(shape []int) []int { return append([]int(nil), shape...) }

// n returns the number of elements.
func (l *layout) n() int { return l.outer * l.axis * l.inner }

// spread reports whether the columns walk needs the parameters spread: copied so that each of
// the l.cols columns has its own.
func (l *layout) spread() bool { return l.cols > l.params }

// channel returns the index along the axis of element e.
func (l *layout) channel(e int) int { return e / l.inner % l.axis }

// The largest size of a block: what a kernel takes in one call.
const (
	blockRows = 1024
	blockCols = 512
	blockRuns = 256 // number of short runs
)

// A block is a rectangle of elements that a walk handles at once: rows of consecutive runs, or
// rows of columns.
type block struct {
	e            int // index of the first element
	n            int // number of elements of a row
	rows, stride int // number of rows, and distance in elements between their starts
	run          int // length of a run, or 0 for columns; the last run may be shorter
	p            int // channel or parameter of the first element
	slot         int // index of the sums that the block is added to
}

// A span is a block of consecutive elements, for kernels that need only these fields.
type span struct {
	n int // number of elements

	// run is the length of the consecutive runs, or of the rows if columns is set. The last
	// may be shorter.
	run     int
	columns bool

	// p is the index of the parameter of the first run or of the first column. The others
	// follow it. In a columns walk without groups p counts columns, since the parameters are
	// spread. In other walks it counts parameters.
	p int
}

// span returns the longest span that begins at element e and ends at or before element end.
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
		if l.axis%l.group == 0 && l.tall == 0 { // all groups have the same length, across rows too
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

// cut shortens a span of columns to what a kernel takes in one call, and returns its number of
// rows.
func (p *span) cut() (rows int) {
	if p.run > blockCols {
		p.run, p.n = blockCols, blockCols
	}
	return p.n / p.run
}

// whole reports whether s consists of complete groups. e is the first element of s.
func (l *layout) whole(s span, e int) bool {
	return l.group > 0 && l.tall == 0 && !s.columns && s.run == l.group && (s.n%l.group == 0 || (e+s.n)%l.axis == 0)
}

// size returns the number of elements that share parameter p.
func (l *layout) size(p int) uint64 {
	if l.group == 0 {
		return uint64(l.n() / l.params)
	}
	g := p / l.inner % l.groups
	return uint64(min(l.group, l.axis-g*l.group)) * uint64(l.height(p))
}

// height returns the number of rows of parameter p in a layout of blocks of two axes. It returns
// 1 in other layouts.
func (l *layout) height(p int) int {
	if l.tall == 0 {
		return 1
	}
	return min(l.tall, l.high-p/l.groups/l.apart%l.bands*l.tall)
}

// paramsOf returns a range of parameters, from to to-1, that includes those of the elements e to
// end-1.
func (l *layout) paramsOf(e, end int) (from, to int) {
	first, last := e/l.inner, (end-1)/l.inner // each is at one index of the axis
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

// inPlace reports whether the elements of a parameter are one run or several long runs, so that
// they need not be copied.
func (l *layout) inPlace() bool {
	if l.group > 0 {
		return l.inner == 1 && l.tall == 0
	}
	return l.inner >= shortRun || l.outer == 1
}

// copiedTogether returns the number of channels of short runs that are copied at a time.
func (l *layout) copiedTogether() int { return max(1, valueCols/l.inner) }

// values returns the block of the elements of parameter p. If the elements of the next
// parameters are beside those in memory, the block includes up to n parameters. Each row of the
// block has a run of each parameter.
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

// scattered reports whether the values of a parameter are in short rows. These are read together
// with the rows of other parameters, so that reads are long.
func (l *layout) scattered() bool {
	if l.group > 0 {
		return l.inner > 1
	}
	return l.outer > 1 && l.inner < longRow
}

// The largest number of values of a parameter that are copied into one slice: mostScattered if
// the values are scattered, and otherwise mostInRows. Only tests change these.
var (
	mostInRows    = 1 << 20
	mostScattered = 1 << 16
)

// large reports whether a parameter has too many values to copy them into one slice.
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
