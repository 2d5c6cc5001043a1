package quant

import "fmt"

// ObserveStream is [Observer.Observe] of a batch that is read from t.Source,
// which must not use o. A shape of no axes is one element.
//
// The batch is read once, and once more to say where a value is that is not
// finite, or to count such values for an observer of MinMax or MovingAverage
// that ignores them. Where there are histograms, that takes about as much memory
// as o has, since nothing of a batch may count whose end turns out to be an
// error: a *BatchError, also of an error of the Source.
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

// observeApart collects a batch in o.batch, and adds that to o if there is no error.
// So the batch need be gone through but once. It is x, or comes from src.
func (o *Observer) observeApart(x []float32, src Source, l layout) error {
	o.batch = resize(o.batch, l.params)
	for i := range o.batch {
		b := &o.batch[i]
		b.batch, b.notFinite = 0, Counts{}
		if !o.scheme.Method.ranged() {
			b.hist.reset(lanesOf(l.params))
		}
	}
	if err := o.collect(x, src, l, o.batch, true); err != nil {
		return err
	}
	if o.policy == RefuseNotFinite {
		for i := range o.batch {
			if o.batch[i].notFinite != (Counts{}) {
				return findNotFinite(x, src, l, o.scheme.Granularity)
			}
		}
	}
	o.grow(l.params)
	for i := range o.batch {
		p, b := &o.params[i], &o.batch[i]
		p.notFinite.add(b.notFinite)
		if b.batch > 0 {
			o.counter.Finite += b.batch
			o.widen(p, b.batch, b.batchLo, b.batchHi)
			p.hist.merge(&b.hist)
		}
	}
	o.countNotFinite()
	return nil
}

// fewValues is up to how many values of a parameter a batch is brought together:
// they take no more memory than the histogram does.
const fewValues = 1 << 12

// rangesFrom observes a batch whose ranges are all that is needed, and reports
// whether it has: it has not if there are values to be left out.
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

// collect brings the values of a batch, which are x or come from src, to params.
func (o *Observer) collect(x []float32, src Source, l layout, params []observed, sift bool) error {
	w := histogramWalks.Get().(*histogramWalk)
	w.sift, w.counts = sift, !o.scheme.Method.ranged()
	var err error
	if src != nil && l.params > 1 && !l.scattered() && l.size(0) > countLen {
		// One parameter after the other: goroutines would have to wait for each other.
		var c columnsSource
		for p := 0; p < l.params && err == nil; p++ {
			b := l.values(p, 1)
			c = columnsSource{src, b.e, b.n, b.stride}
			err = w.run(nil, &c, channelsOf(1, 1, b.rows*b.n), params[p:p+1], nil)
		}
	} else {
		err = w.run(x, src, l, params, nil)
	}
	histogramWalks.Put(w)
	return err
}

// findNotFinite returns the error for the first value of a tensor that is not
// finite, of which there are some. It is x, or comes from src.
func findNotFinite(x []float32, src Source, l layout, by Granularity) error {
	if src == nil {
		return notFinite(x, &l, by)
	}
	p := buffers.Get().(*[bufferLen]float32)
	defer buffers.Put(p)
	for e := 0; e < l.n(); e += bufferLen {
		x := p[:min(bufferLen, l.n()-e)]
		if err := readFloats(src, x, e); err != nil {
			return err
		}
		for i, v := range x {
			if !finite(v) {
				return newNotFinite(e+i, v, &l, by)
			}
		}
	}
	return errFickle
}
