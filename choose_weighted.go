package quant

import (
	"math"

	"github.com/a01592f9/quant/internal/search"
	"github.com/a01592f9/quant/internal/work"
)

// Calibration with the least weighted error.

// CalibrateWeighted is [Calibrate] with an importance for the elements: LeastSquares chooses the
// range with the least sum of w·e², where e is the error of an element and w its importance. For
// all other methods it returns what Calibrate returns.
//
//   - If all elements of a tensor, channel or group have the same importance, which may be 0,
//     its parameters are exactly those of Calibrate.
//   - Elements with the importance 0 do not count, and may be clipped.
//   - For up to 64 elements with an importance above 0, and scales that are float32, the
//     weighted error is the least over all scales and zero points, up to rounding. There is one
//     exception: the asymmetric mapping, if the elements are far from 0 compared with the
//     distances between them, so that elements change their codes at more than 2^24 scales.
//   - For more elements the weighted error is at most that of Calibrate's parameters. It is also
//     at most that of MinMax for the same scheme, and for schemes whose codes are a subset.
//
// Unlike Calibrate, CalibrateWeighted allocates memory. Errors: those of Calibrate and of
// Importance.Validate.
func CalibrateWeighted(t Tensor, s Scheme, i Importance) (Params, error) {
	return calibrateWeighted(t.Data, nil, len(t.Data), t.Shape, s, i)
}

// CalibrateWeighted is [CalibrateWeighted] for t. With LeastSquares it reads t once more than
// Calibrate does, and needs memory for all elements that share a parameter.
func (t Stream) CalibrateWeighted(s Scheme, i Importance) (Params, error) {
	n, err := elements(t.Shape)
	if err != nil {
		return Params{}, err
	}
	return calibrateWeighted(nil, t.Source, n, t.Shape, s, i)
}

// calibrateWeighted is CalibrateWeighted for a tensor of n elements. The elements are x, or are
// read from src if that is not nil.
func calibrateWeighted(x []float32, src Source, n int, shape []int, s Scheme, i Importance) (Params, error) {
	if err := s.validateForTensor(); err != nil {
		return Params{}, err
	}
	l, err := newLayout(n, shape, s.Granularity)
	if err != nil {
		return Params{}, err
	}
	w, err := i.weights(n, shape)
	if err != nil {
		return Params{}, err
	}
	g := walks.Get().(*walk)
	defer walks.Put(g)
	lo, hi, err := g.rangesOf(x, src, l, s.Granularity)
	if err != nil {
		return Params{}, err
	}
	whole := make([]Range, l.params)
	for k := range whole {
		whole[k] = Range{lo[k], hi[k]}
	}
	tensor := s.tensorScale(lo, hi)
	if err := s.choose(x, src, l, lo, hi, tensor); err != nil {
		return Params{}, err
	}
	if s.Method.kind == leastSquares && !w.equal {
		c := weightedChoice{scheme: s.scaler(tensor), weights: w, whole: whole, lo: lo, hi: hi}
		if err := c.run(x, src, l); err != nil {
			return Params{}, err
		}
	}
	var p Params
	p.set(s, l.params)
	s.paramsOf(&p, lo, hi, tensor)
	return p, nil
}

// A weightedChoice chooses the ranges of all parameters of a tensor by their weighted errors.
type weightedChoice struct {
	valueWalk
	scheme  scaler
	weights weights
	x       []float32
	whole   []Range   // of the values of each parameter
	lo, hi  []float32 // the chosen ranges; before run, those of the least error without weights
}

var weightedParts = work.New(func(c **weightedChoice, i int) { (*c).guarded(i) })

// run chooses all ranges. The elements of the tensor are x, or are read from src if that is not
// nil.
func (c *weightedChoice) run(x []float32, src Source, l layout) error {
	n := c.begin(l, src)
	c.x = x
	if work.Several(n) && work.OnHeap(x) {
		weightedParts.Do(&c, n)
	} else {
		for i := range n {
			c.part(i)
		}
	}
	err := c.outcome()
	c.end()
	return err
}

// guarded is part for a goroutine other than the caller's. It records a panic, which is raised
// again in the caller's goroutine.
func (c *weightedChoice) guarded(i int) {
	done := false
	defer c.guard(&done)
	c.part(i)
	done = true
}

// part chooses the ranges of the parameters of part i.
func (c *weightedChoice) part(i int) {
	v, s := valueBuffers.Get().(*valueBuffer), choosers.Get().(*chooser)
	s.use(c.scheme)
	var u weightedValues
	p, end, b := c.parameters(i)
	x, _, pitch := c.elements(c.x, nil, &b, &v.read, nil)
	since := 0 // values since the Source was asked whether the call has ended
	for x != nil && p < end {
		t := c.values(p, end-p)
		from := t
		t.e -= b.e
		if b.rows > 1 {
			t.stride = pitch
		}
		v.together(x, &t)
		for j := range t.n / t.run {
			if u.take(v.of(x, &t, j), &c.weights, &from, j) {
				r := u.chosen(s, c.whole[p+j], Range{c.lo[p+j], c.hi[p+j]})
				c.lo[p+j], c.hi[p+j] = r.Min, r.Max
			}
			if c.ended(&since, t.rows*t.run) {
				end = p // the results are not needed
				break
			}
		}
		p += t.n / t.run
	}
	choosers.Put(s)
	valueBuffers.Put(v)
}

// weightedValues are the elements of a parameter that have a weight above 0.
type weightedValues struct {
	search.Weighted
	columns columnWork
}

// chosen returns the range that c chooses for u. whole is the range of all elements, and start
// the one with the least error without weights.
func (u *weightedValues) chosen(c *chooser, whole, start Range) Range {
	u.Whole, u.Start = search.Range(whole), search.Range(start)
	cost := func(r search.Range, limit float64) float64 { return u.cost(&c.scheme, Range(r), limit) }
	if !c.scheme.bySide() {
		return Range(c.search.OfWeighted(&c.task, &u.Weighted, cost))
	}
	var best [2]Range
	var costs [2]float64
	for i := range best {
		c.scheme.side = positiveSide + side(i)
		best[i] = Range(c.search.OfWeighted(&c.task, &u.Weighted, cost))
		costs[i] = u.cost(&c.scheme, best[i], math.Inf(1))
	}
	c.scheme.side = bothSides
	return cheaper(best[0], best[1], costs, whole)
}

// take sets u to the elements x of the j-th parameter of b that have a weight above 0. It reports
// whether the weights of all elements of the parameter differ.
func (u *weightedValues) take(x []float32, w *weights, b *block, j int) bool {
	u.Values, u.Weights = u.Values[:0], u.Weights[:0]
	outer, inner, byOuter, byInner := b.rows, b.run, b.stride, 1
	if b.n > b.run { // x is a copy in which the columns are one after the other
		outer, inner, byOuter, byInner = b.run, b.rows, 1, b.stride
	}
	first, equal := w.of(b.e+j*b.run), true
	for o := range outer {
		for i := range inner {
			k := o*inner + i
			h := w.of(b.e + j*b.run + o*byOuter + i*byInner)
			equal = equal && h == first
			if h > 0 {
				u.Values, u.Weights = append(u.Values, x[k]), append(u.Weights, h)
			}
		}
	}
	u.scale()
	return !equal
}

// scale multiplies the weights by a power of two, so that the largest is in [1/2, 1). It removes
// elements whose weights underflow to 0.
func (u *weightedValues) scale() {
	most := 0.0
	for _, h := range u.Weights {
		most = max(most, h)
	}
	_, exponent := math.Frexp(most)
	if exponent == 0 {
		return
	}
	n := 0
	for k, h := range u.Weights {
		if h = math.Ldexp(h, -exponent); h > 0 {
			u.Values[n], u.Weights[n] = u.Values[k], h
			n++
		}
	}
	u.Values, u.Weights = u.Values[:n], u.Weights[:n]
}

// cost returns the sum of w·e² under the range r. If the sum is above limit, cost may return
// infinity. The products are added in the order of the elements.
func (u *weightedValues) cost(s *scaler, r Range, limit float64) float64 {
	scale, zero := s.of(r)
	g := s.grid()
	total := 0.0
	for x, w := u.Values, u.Weights; len(x) > 0; {
		n := min(len(x), blockCols)
		c := u.columns.columns(n)
		fill(u.columns.scale[:n], scale)
		fill(u.columns.zero[:n], zero)
		g.errorsColumns(c, x[:n], 1, n, u.columns.scale[:n], u.columns.zero[:n])
		for j, sq := range c.sq[:n] {
			total += float64(w[j] * sq)
		}
		if x, w = x[n:], w[n:]; total > limit {
			return math.Inf(1)
		}
	}
	return total
}
