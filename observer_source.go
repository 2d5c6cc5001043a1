package quant

import "fmt"

// ObserveStream is [Observer.Observe] of a batch that is read from t.Source. The Source must
// not use o. A shape of no axes is one element.
//
// The batch is read once. It is read a second time to find the index of a value that is not
// finite, or to count such values for an Observer of MinMax or MovingAverage that ignores them.
// For methods that need a histogram, the batch is counted in memory of its own, about as much
// as o has, because an error may come at the end of the batch.
//
// Errors are a *BatchError that wraps those of Observe or the error of the Source.
func (o *Observer) ObserveStream(t Stream) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen++
	if err := o.observeFrom(t.Source, t.Shape); err != nil {
		return &BatchError{o.seen - 1, err}
	}
	return nil
}

func (o *Observer) observeFrom(src Source, shape []int) error {
	by := o.scheme.Granularity
	if n, err := elementsOrNone(shape); n == 0 && err == nil {
		return o.observeNothing(shape)
	}
	l, err := layoutFrom(shape, by)
	if err != nil {
		return err
	}
	if len(o.params) > 0 && len(o.params) != l.params {
		return fmt.Errorf("%w: %d scales where earlier batches have %d", ErrShape, l.params, len(o.params))
	}
	if n := l.n(); n <= bufferLen {
		p := buffers.Get().(*[bufferLen]float32)
		x := p[:n]
		if err = readFloats(src, x, 0); err == nil {
			err = o.observe(Tensor{x, shape})
		}
		buffers.Put(p)
		return err
	}
	if o.scheme.Method.ranged() {
		found, err := o.rangesFrom(src, l)
		if found || err != nil {
			return err
		}
	}
	if l.size(0) <= fewValues && !o.scheme.Method.ranged() {
		o.values = resize(o.values, l.n())
		if err := readLong(src, o.values, 0); err != nil {
			return err
		}
		return o.observe(Tensor{o.values, shape})
	}
	return o.observeApart(nil, src, l)
}

// fewValues is the largest number of values for each parameter for which a batch is read into
// memory as a whole. The values then take no more memory than the histograms.
const fewValues = 1 << 12

// rangesFrom observes a batch of which only the ranges are needed. It reports false, and
// observes nothing, if the batch has values that must be left out.
func (o *Observer) rangesFrom(src Source, l layout) (bool, error) {
	g := walks.Get().(*walk)
	lo, hi, err := g.rangesOf(nil, src, l, o.scheme.Granularity)
	if err != nil {
		walks.Put(g)
		if _, ok := err.(*NotFiniteError); ok && o.policy == IgnoreNotFinite {
			err = nil
		}
		return false, err
	}
	o.grow(l.params)
	o.counter.Finite += uint64(l.n())
	for i := range o.params {
		o.widen(&o.params[i], l.size(i), lo[i], hi[i])
	}
	walks.Put(g)
	return true, nil
}
