package quant

import (
	"fmt"
	"math"

	"github.com/a01592f9/quant/internal/exact"
	"github.com/a01592f9/quant/internal/histogram"
	"github.com/a01592f9/quant/internal/work"
)

// Params returns the parameters that s gives to the values observed so far. s has the
// granularity of the Observer's scheme, and a method that the Observer keeps enough for. An
// Observer with a histogram gives the parameters of all methods except MovingAverage. Every
// Observer gives those of MinMax. The cost does not depend on the number of values.
//
// The smallest and the largest value are exact. A percentile is in the same bin as the exact
// one, so it differs from it by at most 2^-7 of its magnitude, or by 2^-133 if that is more.
// For LeastSquares and LeastAbsolute, the RMSE of a range is known up to 2^-7 of the root mean
// square of the values, and the MAE up to 2^-7 of their mean magnitude; the differences are
// usually much smaller. Entropy counts in 2048 bins of equal width, and spreads the values of a
// histogram's bin evenly over them.
//
// Errors: those of Scheme.Validate, ErrScheme for another granularity, ErrMethod for a method
// that o does not keep enough for, and ErrEmpty if the tensor, or some channel or group, has no
// values.
func (o *Observer) Params(s Scheme) (Params, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	lo, hi, tensor, err := o.ranges(s)
	if err != nil {
		return Params{}, err
	}
	var p Params
	p.set(s, len(lo))
	s.paramsOf(&p, lo, hi, tensor)
	return p, nil
}

// Ranges returns the ranges that s chooses, for an s as in Params. ParamsFromRanges makes the
// parameters of Params from them. For E4M3Scale that is true for MinMax only: Params makes the
// scale of the tensor from the range of all values, and ParamsFromRanges from the chosen
// ranges.
func (o *Observer) Ranges(s Scheme) ([]Range, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	lo, hi, _, err := o.ranges(s)
	if err != nil {
		return nil, err
	}
	r := make([]Range, len(lo))
	for i := range r {
		r[i] = Range{lo[i], hi[i]}
	}
	return r, nil
}

// ranges returns the ranges that s chooses, and the scale of the tensor.
func (o *Observer) ranges(s Scheme) (lo, hi []float32, tensor float32, err error) {
	if err := s.Validate(); err != nil {
		return nil, nil, 0, err
	}
	if s.Granularity != o.scheme.Granularity {
		return nil, nil, 0, fmt.Errorf("%w: %v is not the observer's granularity, %v", ErrScheme, s.Granularity, o.scheme.Granularity)
	}
	kept := o.scheme.Method
	if s.Method.kind == movingAverage && s.Method != kept || !s.Method.ranged() && kept.ranged() {
		return nil, nil, 0, fmt.Errorf("%w: an observer for %v does not keep what %v needs", ErrMethod, kept, s.Method)
	}
	if len(o.params) == 0 {
		return nil, nil, 0, fmt.Errorf("%w: nothing was observed", ErrEmpty)
	}
	for i := range o.params {
		if o.params[i].n == 0 {
			return nil, nil, 0, fmt.Errorf("%w: no finite value was observed at index %d of the scales", ErrEmpty, i)
		}
	}
	lo, hi = make([]float32, len(o.params)), make([]float32, len(o.params))
	for i := range o.params {
		lo[i], hi[i] = o.params[i].lo, o.params[i].hi
	}
	tensor = s.tensorScale(lo, hi)
	c := observedChoice{s.scaler(tensor), o.params, lo, hi}
	if work.Several(len(lo)) && !s.Method.ranged() {
		observedChoices.Do(&c, len(lo))
	} else {
		for i := range lo {
			c.choose(i)
		}
	}
	return lo, hi, tensor, nil
}

// An observedChoice is the job of choosing the ranges of all parameters from the state of an
// Observer.
type observedChoice struct {
	scheme scaler
	params []observed
	lo, hi []float32
}

var observedChoices = work.New(func(c *observedChoice, i int) { c.choose(i) })

// choose chooses the range of parameter i.
func (c *observedChoice) choose(i int) {
	p := &c.params[i]
	r := Range{p.lo, p.hi}
	switch {
	case c.scheme.Method.kind == movingAverage:
		all := histogram.Range(r)
		r = Range{all.Clamp(float32(p.avgLo)), all.Clamp(float32(p.avgHi))}
	case !c.scheme.Method.ranged():
		p.flush()
		q := choosers.Get().(*chooser)
		q.use(c.scheme)
		r = q.ofHistogram(&p.hist, p.n, r)
		choosers.Put(q)
	}
	r = c.scheme.decided(r, Range{p.lo, p.hi})
	c.lo[i], c.hi[i] = exact.PlusZero(r.Min), exact.PlusZero(r.Max)
}

// An Estimate is the expected error of quantizing the values of one parameter.
type Estimate struct {
	RMSE float64 // differs from the real one by at most 2^-7 of the values' root mean square
	MAE  float64 // differs from the real one by at most 2^-7 of their mean magnitude
}

// Estimate returns the expected errors of quantizing the observed values with p, one for each
// parameter. It computes them from the histograms. p may come from o or from any other source.
//
// Errors: ErrScheme for another granularity, ErrMethod if o keeps no histograms, those of
// Quantize for p, and ErrEmpty if there are no values.
func (o *Observer) Estimate(p Params) ([]Estimate, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := p.Scheme
	if err := s.Validate(); err != nil {
		return nil, err
	}
	switch {
	case s.Granularity != o.scheme.Granularity:
		return nil, fmt.Errorf("%w: %v is not the observer's granularity, %v", ErrScheme, s.Granularity, o.scheme.Granularity)
	case o.scheme.Method.ranged():
		return nil, fmt.Errorf("%w: an observer for %v keeps no histogram", ErrMethod, o.scheme.Method)
	case len(o.params) == 0:
		return nil, fmt.Errorf("%w: nothing was observed", ErrEmpty)
	}
	if err := p.check(len(o.params)); err != nil {
		return nil, err
	}
	c := choosers.Get().(*chooser)
	defer choosers.Put(c)
	c.use(s.scaler(p.TensorScale))
	all := make([]Estimate, len(o.params))
	for i := range all {
		q := &o.params[i]
		if q.n == 0 {
			continue
		}
		q.flush()
		scale, zero := p.Scale[i], p.ZeroPoint[i]
		if scale < 0 {
			scale, zero = -scale, s.mirror(zero)
		}
		squares, absolute := c.search.Estimate(&c.task.Grid, scale, zero, &q.hist, q.n, histogram.Range{Min: q.lo, Max: q.hi})
		n := float64(q.n)
		all[i] = Estimate{math.Sqrt(squares / n), absolute / n}
	}
	return all, nil
}

// A Bin is one bin of a histogram.
type Bin struct {
	Range        // of the values that the bin may hold
	Count uint64 // number of values
}

// Bins returns the bins of the histogram of parameter i that hold values, in ascending order.
// It is nil if the scheme's method needs no histogram. The bin of zeros also holds all values
// with magnitudes below 2^-133. Bins panics if i is not in [0, o.Len()).
func (o *Observer) Bins(i int) []Bin {
	o.mu.Lock()
	defer o.mu.Unlock()
	p := &o.params[i]
	if o.scheme.Method.ranged() || p.n == 0 {
		return nil
	}
	p.flush()
	var all []Bin
	r := histogram.Range{Min: p.lo, Max: p.hi}
	for i, b, n := p.hist.NextAscending(0); i < histogram.Bins; i, b, n = p.hist.NextAscending(i + 1) {
		least, greatest := histogram.Edges(b)
		if b >= histogram.Negative {
			least, greatest = -greatest, -least
		}
		all = append(all, Bin{Range{exact.PlusZero(r.Clamp(float32(least))), exact.PlusZero(r.Clamp(float32(greatest)))}, n})
	}
	return all
}
