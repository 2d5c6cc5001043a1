package quant

// A method that chooses among the values of a parameter needs all of them in one slice.
// Values that lie together stay where they are; others are copied. A Source is read for
// several parameters at a time, so that reads are long.

const (
	valueRows = 1024 // rows that are copied at a time

	// valuesLen is how many elements are copied together at most, unless one parameter
	// has more. Rows of valuesRow elements and more are read one by one.
	valuesLen = 1 << 20
	valuesRow = 1 << 10
)

// A valueWalk brings the values of each parameter together, part by part.
type valueWalk struct {
	feed
	layout
	size int // parameters of a part

	// Where the groups of an axis are matrices, these are cut into columns if they
	// are large: so many parts. Blocks of two axes are cut along a band: so many parts of it.
	perMatrix int
}

// A valueBuffer is memory for values that are brought together.
type valueBuffer struct {
	read   []float32 // from a Source
	copied []float32 // one parameter after the other
}

// begin readies w for a tensor in memory or, if src is not nil, from there, and
// returns the number of parts. Which values are copied together, and so their
// order, is the same for both.
func (w *valueWalk) begin(l layout, src Source) (parts int) {
	w.feed.begin(src, nil)
	w.layout, w.perMatrix = l, 0
	each := l.n() / l.params // values of a parameter
	switch {
	case l.tall > 0:
		w.size = max(1, partLen/(l.tall*l.group))
		if src != nil {
			w.size = max(w.size, min(valuesRow/l.group, valuesLen/(l.tall*l.group)))
		}
		w.size = min(w.size, l.groups)
		w.perMatrix = (l.groups-1)/w.size + 1
		return l.params / l.groups * w.perMatrix
	case l.group > 0 && l.inner > 1:
		each = min(l.group, l.axis) * l.inner // of a matrix
		length := partLen
		if src == nil {
			length /= 8
		}
		if each > length {
			w.size = valueCols
			if src != nil {
				w.size = evenly(l.inner, readWidth(l.group), 1)
			}
			w.perMatrix = (l.inner-1)/w.size + 1
			return l.outer * l.groups * w.perMatrix
		}
		w.size = length / each * l.inner
	case l.inPlace():
		w.size = max(1, partLen/max(1, each))
		if l.group == 0 && l.outer > 1 && src != nil {
			w.size = 1
			if l.inner < longRow {
				w.size = evenly(l.axis*l.inner, readWidth(l.outer), l.inner) / l.inner
			}
		}
	default:
		w.size = l.copiedTogether()
		if src != nil {
			w.size = evenly(l.axis*l.inner, readWidth(l.outer), w.size*l.inner) / l.inner
		}
	}
	return (l.params-1)/w.size + 1
}

// readWidth returns how many columns of so many rows are read at a time.
func readWidth(rows int) int { return min(max(partLen/rows, valuesRow), valuesLen/rows) }

// evenly cuts n columns into parts that have about so many, all about the same
// and a multiple of some unit, and returns how many they have.
func evenly(n, about, unit int) int {
	about = max(1, about/unit) * unit
	about = (n-1)/((n-1)/about+1) + 1
	return min(n, (about+unit-1)/unit*unit)
}

// parameters returns those of the i-th part, and a block that holds all of
// their elements.
func (w *valueWalk) parameters(i int) (p, end int, b block) {
	l := &w.layout
	if l.tall > 0 {
		p = i / w.perMatrix * l.groups
		first := i % w.perMatrix * w.size
		p, end = p+first, p+min(first+w.size, l.groups)
		b, last := l.values(p, 1), l.values(end-1, 1)
		b.n = last.e + last.n - b.e
		return p, end, b
	}
	if w.perMatrix > 0 {
		m, c := i/w.perMatrix, i%w.perMatrix*w.size
		n := min(w.size, l.inner-c)
		b = l.values(m*l.inner+c, 1)
		b.n = n
		return m*l.inner + c, m*l.inner + c + n, b
	}
	p = i * w.size
	end = min(p+w.size, l.params)
	if l.group > 0 || l.outer == 1 {
		first, last := l.values(p, 1), l.values(end-1, 1)
		n := last.e + (last.rows-1)*last.stride + last.n - first.e
		return p, end, block{e: first.e, n: n, rows: 1, stride: n}
	}
	return p, end, block{e: p * l.inner, n: (end - p) * l.inner, rows: l.outer, stride: l.axis * l.inner}
}

// copyRows copies up to most rows of b, from row r on, and returns how many: the
// elements of one parameter follow those of another.
func (v *valueBuffer) copyRows(x []float32, b *block, r, most int) int {
	rows := min(most, b.rows-r)
	v.copied = resize(v.copied, rows*b.n)
	transpose(v.copied, x[b.e+r*b.stride:], rows, b.n, b.stride)
	return rows
}

// together brings the values of each parameter of b together: see of.
func (v *valueBuffer) together(x []float32, b *block) {
	if b.n == b.run && b.n == b.stride {
		b.n, b.run, b.rows = b.n*b.rows, b.n*b.rows, 1
	}
	switch {
	case b.n > b.run:
		v.copyRows(x, b, 0, b.rows)
	case b.rows > 1:
		v.copied = v.copied[:0]
		for r := range b.rows {
			v.copied = append(v.copied, x[b.e+r*b.stride:][:b.n]...)
		}
	}
}

// of returns the values of the i-th parameter of b, which were brought together.
func (v *valueBuffer) of(x []float32, b *block, i int) []float32 {
	if b.n == b.run && b.rows == 1 {
		return x[b.e : b.e+b.n]
	}
	n := b.rows * b.run
	return v.copied[i*n : (i+1)*n]
}
