package tensorfile

// Elements in column-major order.

// columnWalk visits the elements of an array in row-major order, in which the last axis varies
// fastest. For each element it has the index in column-major order.
type columnWalk struct {
	column  int // index of the current element in column-major order
	shape   []int
	strides []int // in column-major order
	at      []int // position on each axis
}

func newColumnWalk(shape []int) *columnWalk {
	w := &columnWalk{shape: shape, strides: make([]int, len(shape)), at: make([]int, len(shape))}
	n := 1
	for axis, d := range shape {
		w.strides[axis] = n
		n *= d
	}
	return w
}

// seek goes to an index in row-major order.
func (w *columnWalk) seek(index int) {
	w.column = 0
	for axis := len(w.shape) - 1; axis >= 0; axis-- {
		w.at[axis] = index % w.shape[axis]
		index /= w.shape[axis]
		w.column += w.at[axis] * w.strides[axis]
	}
}

func (w *columnWalk) next() {
	for axis := len(w.shape) - 1; axis >= 0; axis-- {
		w.at[axis]++
		w.column += w.strides[axis]
		if w.at[axis] < w.shape[axis] {
			return
		}
		w.at[axis] = 0
		w.column -= w.strides[axis] * w.shape[axis]
	}
}
