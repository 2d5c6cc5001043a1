package quant

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// An Observer calibrates over data that come in batches: activations in an inference loop, or a
// tensor too large for memory. It reads each batch once. Its memory depends on the distribution
// of the values, and not on their number.
//
// The method of the scheme decides what an Observer keeps. For MinMax it keeps ranges. For
// MovingAverage it also keeps averages of ranges. For all other methods it also keeps a
// histogram. The bins of the histogram are fixed: a bin is all values with the same upper 16
// bits. [Observer.Params] makes parameters from what is kept.
//
// Except for moving averages, the order of the values does not matter: any split of the data
// over batches and observers, merged in any order, gives the same bytes (MarshalBinary) and the
// same parameters.
//
// MarshalJSON returns an object with the fields version, which is 1, and state, which is the
// bytes of MarshalBinary in base64. Package gob writes the bytes of MarshalBinary. The error of
// both is ErrState for the zero Observer, which has no scheme. An Observer must not be copied;
// go vet reports copies.
//
// All methods are safe for concurrent use; one call runs at a time. (The first UnmarshalBinary
// or UnmarshalJSON of a zero Observer must return before MarshalJSON is called.) For more speed
// give each goroutine an Observer, and merge them.
type Observer struct {
	observerForms
	mu     sync.Mutex
	id     uint64 // two observers are locked in the order of their ids
	scheme Scheme
	policy NotFinitePolicy

	seen    int        // number of batches, including those with errors
	params  []observed // one for each parameter; empty before the first batch
	counter Counts
	batch   []observed // memory for the counts of a large batch, or of one that is read
	values  []float32  // memory for the values of a batch
}

// A NotFinitePolicy says what an Observer, or QuantizeDynamic, does with NaN and
// infinities.
type NotFinitePolicy uint8

const (
	// RefuseNotFinite makes Observe return an error, and leave out the batch. It makes
	// QuantizeDynamic return an error.
	RefuseNotFinite NotFinitePolicy = iota

	// IgnoreNotFinite makes an Observer leave out such values and count them. Attention masks,
	// for example, hold -Inf. QuantizeDynamic does not take it.
	IgnoreNotFinite

	// MarkNotFinite makes QuantizeDynamic give the scale NaN to the parameters of such a value,
	// and quantize the rest of the tensor. An Observer does not take it.
	MarkNotFinite
)

// observers is the number of observers that were made: the source of their ids.
var observers atomic.Uint64

// NewObserver returns an empty Observer for s. Errors: those of Scheme.Validate, and ErrScheme
// for MarkNotFinite or an unknown policy.
func NewObserver(s Scheme, p NotFinitePolicy) (*Observer, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if p > IgnoreNotFinite {
		return nil, fmt.Errorf("%w: there is no policy %d for values that are not finite", ErrScheme, p)
	}
	o := &Observer{id: observers.Add(1), scheme: s.normal(), policy: p}
	o.of = o
	return o, nil
}

// Scheme returns the scheme that o was made for.
func (o *Observer) Scheme() Scheme {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.scheme
}

// Policy returns what o does with values that are not finite.
func (o *Observer) Policy() NotFinitePolicy {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.policy
}

// Len returns the number of parameters, as Scheme.NumParams does. It is 0 before the first
// batch.
func (o *Observer) Len() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.params)
}

// Counts returns the numbers of finite values, NaN and infinities that o has observed.
func (o *Observer) Counts() Counts {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.counter
}

// Observe adds a batch. Batches may differ in shape as long as they have the same number of
// channels or groups. Memory is allocated for the first batch, and for values in an octave that
// was not seen before; there are at most 512 octaves.
//
// A batch of no elements adds nothing, and is no error.
//
// Errors are a *BatchError that wraps ErrShape, ErrAxis or, under RefuseNotFinite, a
// *NotFiniteError for the first NaN or infinity. An error leaves o as it was.
func (o *Observer) Observe(batch Tensor) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen++
	if err := o.observe(batch); err != nil {
		return &BatchError{o.seen - 1, err}
	}
	return nil
}

func (o *Observer) observe(batch Tensor) error {
	by := o.scheme.Granularity
	if len(batch.Data) == 0 {
		return o.observeNothing(batch.Shape)
	}
	l, err := newLayout(len(batch.Data), batch.Shape, by)
	if err != nil {
		return err
	}
	if len(o.params) > 0 && len(o.params) != l.params {
		return fmt.Errorf("%w: %d scales where earlier batches have %d", ErrShape, l.params, len(o.params))
	}
	if l.params == 1 && l.n() >= countLen && !o.scheme.Method.ranged() {
		return o.observeApart(batch.Data, nil, l)
	}
	g := walks.Get().(*walk)
	defer walks.Put(g)
	g.quiet = o.policy == IgnoreNotFinite
	lo, hi, err := g.rangesOf(batch.Data, nil, l, by)
	g.quiet = false
	if err != nil && o.policy == RefuseNotFinite {
		return err
	}
	o.grow(l.params)
	sift := err != nil
	if !o.scheme.Method.ranged() {
		o.wait(l)
	}
	if sift || !o.scheme.Method.ranged() {
		for i := range o.params {
			o.params[i].batch = 0
		}
		o.collect(batch.Data, nil, l, o.params, sift) // there is no Source, so no error
	}
	if !sift {
		o.counter.Finite += uint64(len(batch.Data))
		for i := range o.params {
			o.widen(&o.params[i], l.size(i), lo[i], hi[i])
		}
		return nil
	}
	for i := range o.params {
		if p := &o.params[i]; p.batch > 0 {
			o.counter.Finite += p.batch
			o.widen(p, p.batch, p.batchLo, p.batchHi)
		}
	}
	o.countNotFinite()
	return nil
}

// observeApart counts a batch in o.batch, and adds o.batch to o if there is no error. So one
// pass over the batch is enough. The batch is x, or is read from src.
func (o *Observer) observeApart(x []float32, src Source, l layout) error {
	o.batch = resize(o.batch, l.params)
	for i := range o.batch {
		b := &o.batch[i]
		b.batch, b.notFinite = 0, Counts{}
		if !o.scheme.Method.ranged() {
			b.hist.Reset(lanesOf(l.params))
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
			p.hist.Merge(&b.hist)
		}
	}
	o.countNotFinite()
	return nil
}

// collect adds the values of a batch to params. The batch is x, or is read from src. sift
// leaves out values that are not finite.
func (o *Observer) collect(x []float32, src Source, l layout, params []observed, sift bool) error {
	w := histogramWalks.Get().(*histogramWalk)
	w.sift, w.counts = sift, !o.scheme.Method.ranged()
	var err error
	if src != nil && l.params > 1 && !l.scattered() && l.size(0) > countLen {
		// One parameter after the other, as goroutines would have to wait for each other.
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

// findNotFinite returns the error for the first value that is not finite, in a tensor that has
// one. The tensor is x, or is read from src.
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

// observeNothing checks the shape of a batch of no elements.
func (o *Observer) observeNothing(shape []int) error {
	_, err := emptyLayout(shape, o.scheme.Granularity)
	return err
}

// countNotFinite sets the counts of NaN and infinities to the sums over all parameters.
func (o *Observer) countNotFinite() {
	o.counter.NaN, o.counter.PosInf, o.counter.NegInf = 0, 0, 0
	for i := range o.params {
		c := &o.params[i].notFinite
		o.counter.NaN += c.NaN
		o.counter.PosInf += c.PosInf
		o.counter.NegInf += c.NegInf
	}
}

// grow makes n parameters if there are none yet.
func (o *Observer) grow(n int) {
	if len(o.params) == n {
		return
	}
	o.params = make([]observed, n)
	if !o.scheme.Method.ranged() {
		for i := range o.params {
			o.params[i].hist.Reset(lanesOf(n))
		}
	}
}

// widen adds to p a batch of n values whose range is [lo, hi].
func (o *Observer) widen(p *observed, n uint64, lo, hi float32) {
	if p.n == 0 {
		p.lo, p.hi = lo, hi
	}
	p.lo, p.hi = min(p.lo, lo), max(p.hi, hi)
	if m := o.scheme.Method; m.kind == movingAverage {
		f := m.fraction
		if p.n == 0 {
			f, p.avgLo, p.avgHi = 1, 0, 0
		}
		p.avgLo = p.clampAverage(float64((1-f)*p.avgLo) + float64(f*float64(lo)))
		p.avgHi = p.clampAverage(float64((1-f)*p.avgHi) + float64(f*float64(hi)))
	}
	p.n += n
}

// wait allocates memory for values that wait to be counted, if there are several parameters and
// a batch has few values for each.
func (o *Observer) wait(l layout) {
	if n := l.params; n > 1 && l.size(0) < waitingLen && cap(o.params[0].waiting) == 0 {
		all := make([]float32, n*waitingLen)
		for i := range o.params {
			o.params[i].waiting = all[i*waitingLen : i*waitingLen : (i+1)*waitingLen]
		}
	}
}

// Merge adds the values of other to o, as if o had observed them too, and leaves other
// unchanged. Both must have been made for the same scheme and policy and, unless one has no
// values, must have the same number of parameters. Otherwise the error is ErrMerge. It is also
// ErrMerge for moving averages, which depend on the order of the batches.
func (o *Observer) Merge(other *Observer) error {
	if o == other {
		return fmt.Errorf("%w: an observer cannot be merged with itself", ErrMerge)
	}
	first, second := o, other
	if second.id < first.id {
		first, second = second, first
	}
	first.mu.Lock()
	defer first.mu.Unlock()
	second.mu.Lock()
	defer second.mu.Unlock()

	switch {
	case o.scheme != other.scheme:
		return fmt.Errorf("%w: they were made for different schemes, %+v and %+v", ErrMerge, o.scheme, other.scheme)
	case o.policy != other.policy:
		return fmt.Errorf("%w: one refuses values that are not finite, one ignores them", ErrMerge)
	case o.scheme.Method.kind == movingAverage:
		return fmt.Errorf("%w: moving averages depend on the order of the batches", ErrMerge)
	case len(other.params) == 0:
		return nil
	case len(o.params) > 0 && len(o.params) != len(other.params):
		return fmt.Errorf("%w: one has %d scales, one %d", ErrMerge, len(o.params), len(other.params))
	}
	total := o.counter
	if total.add(other.counter); total.all() > maxValues {
		return fmt.Errorf("%w: together they have more than 2^62 values", ErrMerge)
	}
	o.grow(len(other.params))
	o.counter = total
	for i := range o.params {
		p, q := &o.params[i], &other.params[i]
		p.notFinite.add(q.notFinite)
		if q.n > 0 {
			o.widen(p, q.n, q.lo, q.hi)
			q.flush()
			p.hist.Merge(&q.hist)
		}
	}
	return nil
}

// maxValues is the largest number of values that observers may have after a merge, so that the
// counts do not overflow.
const maxValues = 1 << 62

// observerForms has the methods that a copy of an Observer needs too. Package json does not
// call a method with a pointer receiver for a value that it cannot address: without
// observerForms it would write {}.
type observerForms struct {
	of *Observer // nil for the zero Observer
}
