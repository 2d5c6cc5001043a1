package quant

// Functions that call the kernel for the format of a scheme. The codes of codebooks are bytes.

// A codeGrid has the fields of a scheme that the loops over elements need: how x/scale becomes a
// code, and which value a code stands for.
type codeGrid struct {
	qmin, qmax int32
	bits       int       // of a code
	signed     bool      // codes are in two's complement
	book       *codebook // nil for integers
}

// grid returns the codeGrid of s.
func (s *Scheme) grid() codeGrid {
	qmin, qmax := s.Grid()
	g := codeGrid{int32(qmin), int32(qmax), s.Bits, !s.Unsigned, s.Format.book()}
	if g.book != nil {
		g.bits, g.signed = g.book.bits, false
	}
	return g
}

func (g *codeGrid) quantizeRuns(dst []uint8, src []float32, run int, scale []float32, zero []int32, stream bool) {
	if g.book != nil {
		quantizeBookRuns(dst, src, run, scale, g.book, stream)
		return
	}
	quantizeInt8Runs(dst, src, run, scale, zero, g.qmin, g.qmax, stream)
}

func (g *codeGrid) quantizeColumns(dst []uint8, src []float32, scale []float32, zero []int32, stream bool) {
	if g.book != nil {
		quantizeBookColumns(dst, src, scale, g.book)
		return
	}
	quantizeInt8Columns(dst, src, scale, zero, g.qmin, g.qmax, stream)
}

func (g *codeGrid) dequantizeRuns(dst []float32, src []uint8, run int, scale []float32, zero []int32, stream bool) {
	if g.book != nil {
		dequantizeBookRuns(dst, src, run, scale, g.book, stream)
		return
	}
	dequantizeInt8Runs(dst, src, run, scale, zero, g.signed, stream)
}

func (g *codeGrid) dequantizeColumns(dst []float32, src []uint8, scale []float32, zero []int32, stream bool) {
	if g.book != nil {
		dequantizeBookColumns(dst, src, scale, g.book)
		return
	}
	dequantizeInt8Columns(dst, src, scale, zero, g.signed, stream)
}

// errorsRuns stores the sums of errors of each run in acc. If sq is not nil, it stores the sums
// of squares in sq.
func (g *codeGrid) errorsRuns(acc []sums, sq []float64, src []float32, run int, scale []float32, zero []int32) {
	switch {
	case g.book != nil:
		errorsBookRuns(acc, src, run, scale, g.book)
		if sq != nil {
			squaresRuns(sq[:len(acc)], src, run)
		}
	case sq != nil:
		errorsSquaresRuns(acc, sq, src, run, scale, zero, g.qmin, g.qmax)
	default:
		errorsRuns(acc, src, run, scale, zero, g.qmin, g.qmax)
	}
}

// errorsInside is errorsRuns for elements that are not clipped.
func (g *codeGrid) errorsInside(acc []sums, sq []float64, src []float32, run int, scale []float32, zero []int32) {
	n := errorsInsideRuns(acc, sq, src, run, scale, zero)
	if n == len(acc) {
		return
	}
	if sq != nil {
		sq = sq[n:]
	}
	g.errorsRuns(acc[n:], sq, src[n*run:], run, scale[n:], zero[n:])
}

// An insideRuns has the arguments of errorsInside for one scheme: the sums that it stores, and
// the parameters of each run.
type insideRuns struct {
	grid  *codeGrid
	acc   []sums
	scale []float32
	zero  []int32
}

// errorsInsideBoth is errorsInside for two schemes.
func errorsInsideBoth(a, b insideRuns, sq []float64, src []float32, run int) {
	n := errorsInsideTwo(a.acc, b.acc, sq, src, run, a.scale, a.zero, b.scale, b.zero)
	if n == len(a.acc) {
		return
	}
	if sq != nil {
		sq = sq[n:]
	}
	a.grid.errorsInside(a.acc[n:], sq, src[n*run:], run, a.scale[n:], a.zero[n:])
	b.grid.errorsInside(b.acc[n:], nil, src[n*run:], run, b.scale[n:], b.zero[n:])
}

// errorsInsideColumns is errorsColumns for elements that are not clipped.
func (g *codeGrid) errorsInsideColumns(acc columnSums, src []float32, rows, stride int, scale []float32, zero []int32) {
	for i := 0; i < len(scale); {
		n := errorsInsideColumns(acc.from(i), src[i:], rows, stride, scale[i:], zero[i:])
		if i += n; i < len(scale) {
			k := len(scale) - i
			if active != generic && k >= 24 {
				k = 16 // errorsInsideColumns may have a kernel for the next columns
			}
			g.errorsColumns(acc.from(i).sub(k), src[i:], rows, stride, scale[i:i+k], zero[i:i+k])
			i += k
		}
	}
}

// errorsInsideColumnsBoth is errorsInsideColumns for two schemes. If sq is not nil, it adds the
// squares of the elements of each column to it.
func errorsInsideColumnsBoth(a, b insideColumns, sq []float64, src []float32, rows, stride int) {
	n := errorsInsideColumnsTwo(a.acc, b.acc, sq, src, rows, stride, a.scale, a.zero, b.scale, b.zero)
	if n == len(a.scale) {
		return
	}
	if sq != nil {
		squaresColumns(sq[n:], src[n:], rows, stride)
	}
	a.grid.errorsInsideColumns(a.acc.from(n), src[n:], rows, stride, a.scale[n:], a.zero[n:])
	b.grid.errorsInsideColumns(b.acc.from(n), src[n:], rows, stride, b.scale[n:], b.zero[n:])
}

// An insideColumns has the arguments of errorsInsideColumns for one scheme.
type insideColumns struct {
	grid  *codeGrid
	acc   columnSums
	scale []float32
	zero  []int32
}

// holds reports whether errorsInside can be used: whether the codes are integers of at most 8
// bits, and the elements of no parameter are clipped. lo and hi have the least and the largest
// element of each parameter. That is enough, because codes increase with the elements.
func (g *codeGrid) holds(lo, hi, scale []float32, zero []int32) bool {
	if g.book != nil || g.qmax-g.qmin > 255 {
		return false
	}
	for i, s := range scale {
		first, last := float32(g.qmin-zero[i]), float32(g.qmax-zero[i])
		// Below 1024 the two products are rounded by less than 0.01 of a step.
		if lo[i] >= (first-0.49)*s && hi[i] <= (last+0.49)*s && -1024 < first && last < 1024 && s > 0x1p-100 {
			continue
		}
		if c := code(lo[i], s, first-1, last+1); float32(c) < first {
			return false
		}
		if c := code(hi[i], s, first-1, last+1); float32(c) > last {
			return false
		}
	}
	return true
}

func (g *codeGrid) errorsColumns(acc columnSums, src []float32, rows, stride int, scale []float32, zero []int32) {
	if g.book != nil {
		errorsBookColumns(acc, src, rows, stride, scale, g.book)
		return
	}
	errorsColumns(acc, src, rows, stride, scale, zero, g.qmin, g.qmax)
}
