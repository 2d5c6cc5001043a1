package quant

// Collecting the values of a parameter in one slice, for methods that choose among the values.
// Consecutive values are used in place; others are copied. A Source is read for several
// parameters at a time, so that reads are long.

const (
	valueRows = 1024 // number of rows that are copied at a time

	// valuesLen is the largest number of elements that are copied together, unless one
	// parameter has more. Rows of at least valuesRow elements are read one by one.
	valuesLen = 1 << 20
	valuesRow = 1 << 10
)

// A valueWalk collects the values of each parameter, part by part.
type valueWalk struct {
	feed
	layout
	size int // number of parameters of a part

	// perMatrix is the number of parts of a group that is a matrix with many columns, or of a
	// band of blocks of two axes. It is 0 in other cases.
	perMatrix int
}

// A valueBuffer has the memory for collected values.
type valueBuffer struct {
	read   []float32 // elements read from a Source
	copied []float32 // values, one parameter after the other
}

// begin prepares w for a tensor with the layout l. The tensor is in memory, or is read from src
// if that is not nil. begin returns the number of parts. The values that are copied together, and
// so their order, are the same in both cases.
func (w *valueWalk) begin(l layout, src Source) (parts int) {
	w.feed.begin(src, nil)
	w.layout, w.perMatrix = l, 0
	each := l.n() / l.params // number of values of a parameter
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
		each = min(l.group, l.axis) * l.inner // number of values of a group that is a matrix
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

// readWidth returns the number of columns that are read at a time from a matrix with the given
// number of rows.
func readWidth(rows int) int { return min(max(partLen/rows, valuesRow), valuesLen/rows) }

// evenly divides n columns into parts of about the same number of columns, and returns that
// number. It is near about, and a multiple of unit or n.
func evenly(n, about, unit int) int {
	about = max(1, about/unit) * unit
	about = (n-1)/((n-1)/about+1) + 1
	return min(n, (about+unit-1)/unit*unit)
}

// parameters returns the parameters of the i-th part, p to end-1, and a block with all of their
// elements.
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

// copyRows copies up to most rows of b, from row r on, and returns the number of copied rows. The
// copy has the elements of one parameter after those of another.
func (v *valueBuffer) copyRows(x []float32, b *block, r, most int) int {
	rows := min(most, b.rows-r)
	v.copied = resize(v.copied, rows*b.n)
	transpose(v.copied, x[b.e+r*b.stride:], rows, b.n, b.stride)
	return rows
}

// together collects the values of each parameter of b, for the method of.
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

// of returns the values of the i-th parameter of b. The method together must have collected
// them.
func (v *valueBuffer) of(x []float32, b *block, i int) []float32 {
	if b.n == b.run && b.rows == 1 {
		return x[b.e : b.e+b.n]
	}
	n := b.rows * b.run
	return v.copied[i*n : (i+1)*n]
}
