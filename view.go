package quant

import "fmt"

// A Matrix is a matrix whose rows begin Stride elements apart in Data, as in BLAS. For example,
// one head of a tensor of shape [tokens, heads*width] is a matrix of tokens rows and width
// columns with the stride heads*width. A Matrix has the shape [Rows, Cols].
type Matrix[T any] struct {
	Data       []T // element j of row i is Data[i*Stride+j]
	Rows, Cols int
	Stride     int // at least Cols
}

// check returns an error unless all elements of m are in its data.
func (m *Matrix[T]) check() error {
	switch n := len(m.Data); {
	case m.Rows < 0 || m.Cols < 0 || m.Stride < m.Cols:
		return fmt.Errorf("%w: a matrix of %d rows and %d columns, with a stride of %d", ErrShape, m.Rows, m.Cols, m.Stride)
	case m.Rows == 0 || m.Cols == 0:
	case m.Cols > n || m.Rows > 1 && (n-m.Cols)/(m.Rows-1) < m.Stride:
		return fmt.Errorf("%w: %d elements for a matrix of %d rows and %d columns, with a stride of %d", ErrShape, n, m.Rows, m.Cols, m.Stride)
	}
	return nil
}

// row returns the elements of row i.
func (m *Matrix[T]) row(i int) []T { return m.Data[i*m.Stride:][:m.Cols] }

// matrixTransform is newTransform for two matrices, one of elements and one of codes.
func matrixTransform[A, B any](a *Matrix[A], b *Matrix[B], p Params) (transform, error) {
	if err := a.check(); err != nil {
		return transform{}, err
	}
	if err := b.check(); err != nil {
		return transform{}, err
	}
	if a.Rows != b.Rows || a.Cols != b.Cols {
		return transform{}, fmt.Errorf("%w: matrices of %d by %d and %d by %d", ErrShape, a.Rows, a.Cols, b.Rows, b.Cols)
	}
	if err := p.Scheme.Validate(); err != nil {
		return transform{}, err
	}
	shape := [2]int{a.Rows, a.Cols}
	n, err := elementsOrNone(shape[:])
	if err != nil {
		return transform{}, err
	}
	return newTransform(n, shape[:], p)
}

// QuantizeMatrix is QuantizeCodes for a matrix: it stores the codes of the elements of src in
// dst. It does not change the elements of dst.Data between the rows. It works on the calling
// goroutine and allocates nothing. Errors: those of QuantizeCodes, and ErrShape for matrices
// that differ in shape or that need more elements than their data have.
func QuantizeMatrix[T Code](dst Matrix[T], src Matrix[float32], p Params) error {
	f, err := matrixTransform(&dst, &src, p)
	if err != nil {
		return err
	}
	return transformRows(&f, dst, src, true)
}

// DequantizeMatrix is DequantizeCodes for a matrix: it stores the real values of the codes of src
// in dst, and is otherwise like QuantizeMatrix. Errors: those of DequantizeCodes, and ErrShape as
// for QuantizeMatrix.
func DequantizeMatrix[T Code](dst Matrix[float32], src Matrix[T], p Params) error {
	f, err := matrixTransform(&dst, &src, p)
	if err != nil {
		return err
	}
	return transformRows(&f, src, dst, false)
}

// transformRows quantizes the rows of real to codes, or dequantizes codes to real.
func transformRows[T Code](f *transform, codes Matrix[T], real Matrix[float32], quantize bool) error {
	if err := fits[T](f.codeGrid); err != nil {
		return err
	}
	if real.Cols == 0 {
		return nil
	}
	s := f.spreadParams(false)
	for i := range real.Rows {
		row := transform{layout: f.layout, off: i * real.Cols, real: real.row(i), coding: f.coding, codes: plainCodes(codes.row(i))}
		if quantize {
			row.quantizeElements(0, real.Cols)
		} else {
			row.dequantizeElements(0, real.Cols)
		}
	}
	if s != nil {
		spreaders.Put(s)
	}
	return nil
}

// RangesMatrix is RangesInto for a matrix. It works on the calling goroutine and allocates
// nothing. RangesMatrix and ParamsFromRangesInto together calibrate to a matrix. Errors: those
// of Ranges, and ErrShape for a matrix that needs more elements than its data have. The index
// of a NotFiniteError counts the elements of the matrix row by row, without the elements
// between rows. After an error the contents of dst are undefined.
func RangesMatrix(dst []Range, src Matrix[float32], g Granularity) error {
	if err := src.check(); err != nil {
		return err
	}
	shape := [2]int{src.Rows, src.Cols}
	n, err := elements(shape[:])
	if err != nil {
		return err
	}
	l, err := newLayout(n, shape[:], g)
	if err != nil {
		return err
	}
	mustHold(len(dst), l.params)
	s := scratches.Get().(*scratch)
	w := walks.Get().(*walk)
	w.ranges.others = w.ranges.others[:0]
	w.ranges.addOther(l, true)
	o := &w.ranges.others[0]
	for i := range src.Rows {
		if x := src.row(i); !o.add(x, i*src.Cols, &s.ranges) {
			err = notFiniteFrom(x, i*src.Cols, &l, g)
			break
		}
	}
	for i := range dst[:l.params] {
		dst[i] = Range{o.lo[i], o.hi[i]}
	}
	walks.Put(w)
	scratches.Put(s)
	return err
}

// notFiniteFrom returns the error for the first NaN or infinity of x, which has one. x begins
// at element e.
func notFiniteFrom(x []float32, e int, l *layout, by Granularity) error {
	i := 0
	for finite(x[i]) {
		i++
	}
	return newNotFinite(e+i, x[i], l, by)
}
