package quant

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"github.com/a01592f9/quant/internal/histogram"
	"github.com/a01592f9/quant/internal/work"
)

// An Observer calibrates over data that come in batches: activations in an
// inference loop, or a tensor too large for memory. It reads each batch once. Its
// memory depends on the distribution of the values, and not on their number.
//
// What it keeps depends on the scheme's method. For MinMax it keeps ranges. For
// MovingAverage it also keeps averages of ranges. For all other methods it also
// keeps a histogram, whose bins the float format defines: the upper 16 bits of a
// value. From these Params makes the parameters of any method that needs no more.
//
// Except for moving averages, the order of the values does not matter: any split
// of the data over batches and observers, merged in any order, gives the same
// bytes (MarshalBinary) and the same parameters.
//
// MarshalJSON returns an object with the fields version, which is 1, and state,
// which is the bytes of MarshalBinary in base64. Package gob writes MarshalBinary.
// The error of both is ErrState for the zero Observer, which has no scheme. An
// Observer must not be copied, which go vet checks.
//
// All methods are safe for concurrent use; one call runs at a time. (The first
// UnmarshalBinary or UnmarshalJSON of a zero Observer must return before
// MarshalJSON is called.) For more speed give each goroutine an Observer, and merge
// them.
type Observer struct {
	observerForms
	mu     sync.Mutex
	id     uint64 // decides which of two is locked first
	scheme Scheme
	policy NotFinitePolicy

	seen    int        // batches, those with errors too
	params  []observed // one for each parameter, none before the first batch
	counter Counts
	shares  []share    // memory for large batches
	batch   []observed // memory for batches that are read,
	values  []float32  // and for all of one
}

// A NotFinitePolicy says what an Observer does with NaN and infinities.
type NotFinitePolicy uint8

const (
	// RefuseNotFinite makes Observe return an error, and leave out the batch.
	RefuseNotFinite NotFinitePolicy = iota

	// IgnoreNotFinite leaves out such values, and counts them. Attention masks
	// hold -Inf.
	IgnoreNotFinite
)

// Counts are numbers of values.
type Counts struct {
	Finite         uint64 // those that count
	NaN            uint64 // not among Finite, as the next two
	PosInf, NegInf uint64
}

// observed is what is known of one tensor, channel or group.
type observed struct {
	n         uint64 // finite values
	lo, hi    float32
	avgLo     float64 // moving averages
	avgHi     float64
	hist      histogram.Histogram
	few       []float32 // values that are not in it yet; see count
	batch     uint64    // finite values of the current batch
	batchLo   float32   // their range
	batchHi   float32
	notFinite Counts // of all batches, Finite left out
}

// observers counts them.
var observers atomic.Uint64

// NewObserver returns an Observer without values for s. Errors: those of
// Scheme.Validate, and ErrScheme for a policy that there is not.
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

// Len returns the number of parameters, as Scheme.NumParams: 0 before the first batch.
func (o *Observer) Len() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.params)
}

// Counts returns how many values there were in all.
func (o *Observer) Counts() Counts {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.counter
}

// Observe adds a batch. Batches may differ in shape, as long as they have the
// same number of channels or groups: 1 for a scheme per tensor. Memory is
// allocated for the first of them, and for values of a magnitude not seen
// before: there are 512 octaves at most.
//
// A batch of no elements adds nothing, and is no error.
//
// Errors are a *BatchError of ErrShape, ErrAxis or, unless they are
// to be ignored, a *NotFiniteError for the first NaN or infinity. They leave o
// as it was.
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
	if l.params == 1 && !o.scheme.Method.ranged() && o.share(batch.Data) {
		return nil
	}
	g := rangers.Get().(*survey)
	defer rangers.Put(g)
	g.quiet = o.policy == IgnoreNotFinite
	lo, hi, err := g.ranges(batch.Data, l, by)
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
		o.collect(batch.Data, l, sift)
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

// observeNothing checks the shape of a batch of no elements.
func (o *Observer) observeNothing(shape []int) error {
	_, err := emptyLayout(shape, o.scheme.Granularity)
	return err
}

// countNotFinite adds up what is not finite.
func (o *Observer) countNotFinite() {
	o.counter.NaN, o.counter.PosInf, o.counter.NegInf = 0, 0, 0
	for i := range o.params {
		c := &o.params[i].notFinite
		o.counter.NaN += c.NaN
		o.counter.PosInf += c.PosInf
		o.counter.NegInf += c.NegInf
	}
}

// grow makes the parameters of the first batch.
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

// lanesOf returns the number of lanes of each of n histograms: several for
// one, where memory is not scarce and all values go to it.
func lanesOf(n int) int {
	if n == 1 {
		return histogram.Lanes
	}
	return 1
}

// size returns how many elements parameter p has.
func (l *layout) size(p int) uint64 {
	if l.group == 0 {
		return uint64(l.n() / l.params)
	}
	g := p / l.inner % l.groups
	return uint64(min(l.group, l.axis-g*l.group))
}

// widen adds n values in a range, those of a batch.
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
		p.avgLo = p.within(float64((1-f)*p.avgLo) + float64(f*float64(lo)))
		p.avgHi = p.within(float64((1-f)*p.avgHi) + float64(f*float64(hi)))
	}
	p.n += n
}

// within returns an average, which rounding may have put outside the range.
func (p *observed) within(v float64) float64 {
	return min(max(v, float64(p.lo)), float64(p.hi))
}

// A collection is the pass of a batch into histograms.
type collection struct {
	layout
	params []observed
	src    []float32
	sift   bool // leave out values that are not finite, and find the ranges
	counts bool // into histograms
}

var collectors = work.New(func(c *collection, i int) { c.item(c.src, i) })

func (o *Observer) collect(src []float32, l layout, sift bool) {
	c := collection{layout: l, params: o.params, sift: sift, counts: !o.scheme.Method.ranged()}
	n := (l.params + l.perItem() - 1) / l.perItem()
	if work.Several(n) && len(src) >= partLen && work.OnHeap(src) {
		c.src = *work.Hide(&src)
		collectors.Do(&c, n)
		return
	}
	for i := range n {
		c.item(src, i)
	}
}

// item adds the elements of some parameters.
func (c *collection) item(src []float32, i int) {
	g := gathers.Get().(*gather)
	defer gathers.Put(g)
	end := min((i+1)*c.perItem(), c.layout.params)
	for p := i * c.perItem(); p < end; {
		t := c.rectangle(p, end-p)
		to := c.params[p : p+t.params]
		for j := range to {
			to[j].batch = 0
		}
		if t.params == 1 {
			for r := range t.rows {
				e := t.e + r*t.stride
				to[0].collect(src[e:e+t.cols], c.sift, c.counts, g)
			}
		} else {
			for r := 0; r < t.rows; {
				rows := g.columns(src, &t, r, gatherRows)
				n := rows * t.cols / t.params
				for j := range to {
					to[j].collect(g.buf[j*n:(j+1)*n], c.sift, c.counts, g)
				}
				r += rows
			}
		}
		p += t.params
	}
}

// collect adds elements to what is collected for p: finite ones to the
// histogram if that counts, or, sifted, any to the batch's range and counts too.
func (p *observed) collect(x []float32, sift, counts bool, g *gather) {
	if !sift {
		p.count(x)
		return
	}
	if len(x) == 0 {
		return
	}
	var lo, hi [1]float32
	if rangeRuns(lo[:], hi[:], x, len(x)) {
		p.met(x, lo[0], hi[0], counts)
		return
	}
	for len(x) > 0 {
		n := min(len(x), len(g.finite))
		f := p.sifted(g.finite[:0], x[:n])
		if x = x[n:]; len(f) > 0 {
			rangeRuns(lo[:], hi[:], f, len(f))
			p.met(f, lo[0], hi[0], counts)
		}
	}
}

// met adds finite values of a range to the batch.
func (p *observed) met(x []float32, lo, hi float32, counts bool) {
	p.meet(lo, hi, uint64(len(x)))
	if counts {
		p.count(x)
	}
}

// fewLen is how many values wait to be counted. They are next to each other,
// where the bins that a few values are in are all over a histogram, and all
// histograms together do not fit in a cache.
const fewLen = 512

// count adds finite values to the histogram, at once or later. The first have
// their octaves placed at once, so that more of the kind allocate nothing.
func (p *observed) count(x []float32) {
	if len(x) >= cap(p.few) || p.hist.Empty() {
		countValues(&p.hist, x)
		return
	}
	n := min(len(x), cap(p.few)-len(p.few))
	p.few = append(p.few, x[:n]...)
	if len(p.few) == cap(p.few) {
		p.flush()
		p.few = append(p.few, x[n:]...)
	}
}

// flush counts the values that wait.
func (p *observed) flush() {
	if len(p.few) > 0 {
		countValues(&p.hist, p.few)
		p.few = p.few[:0]
	}
}

// wait makes room for values that wait, if batches bring few of them for each
// of several parameters.
func (o *Observer) wait(l layout) {
	if n := l.params; n > 1 && l.size(0) < fewLen && cap(o.params[0].few) == 0 {
		all := make([]float32, n*fewLen)
		for i := range o.params {
			o.params[i].few = all[i*fewLen : i*fewLen : (i+1)*fewLen]
		}
	}
}

// meet widens the range of the batch by that of n values.
func (p *observed) meet(lo, hi float32, n uint64) {
	if p.batch == 0 {
		p.batchLo, p.batchHi = lo, hi
	}
	p.batchLo, p.batchHi = min(p.batchLo, lo), max(p.batchHi, hi)
	p.batch += n
}

// sifted appends the finite elements of x to dst, and counts the others.
func (p *observed) sifted(dst, x []float32) []float32 {
	for _, v := range x {
		switch b := math.Float32bits(v); {
		case b&0x7f800000 != 0x7f800000:
			dst = append(dst, v)
		case b == 0x7f800000:
			p.notFinite.PosInf++
		case b == 0xff800000:
			p.notFinite.NegInf++
		default:
			p.notFinite.NaN++
		}
	}
	return dst
}

// Merge adds the values of other to o, as if o had observed them too, and
// leaves other alone. Both must have been made for the same scheme and policy,
// and, unless one has no values, have the same number of parameters: the error
// is ErrMerge otherwise, and for moving averages, which know no order to be
// merged in.
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

// maxValues is how many values merging may come to: by observing nobody will.
const maxValues = 1 << 62

func (c *Counts) add(o Counts) {
	c.Finite += o.Finite
	c.NaN += o.NaN
	c.PosInf += o.PosInf
	c.NegInf += o.NegInf
}

func (c *Counts) all() uint64 { return c.Finite + c.NaN + c.PosInf + c.NegInf }
