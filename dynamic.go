package quant

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"github.com/a01592f9/quant/internal/work"
)

// Dynamic quantization: a tensor is calibrated and quantized in one call. Runs that have
// parameters of their own stay in a cache between the two, so that memory is read once.

// QuantizeDynamic calibrates t to s and quantizes it in one call, as activations
// are at run time. Parameters and codes have the same bits as those of Calibrate and Quantize,
// but memory is read once where parameters belong to rows or to groups of them.
// The method of s must be MinMax.
//
// An element that is NaN or infinite is an error under RefuseNotFinite. Under
// MarkNotFinite the tensor, channel or group that it belongs to gets the scale NaN, the zero
// point 0, and the code of NaN for all its elements; the others are done as usual.
// A tensor of no elements has no codes and the parameters of zeros, which is no error.
//
// Errors: those of Calibrate but ErrEmpty, ErrMethod for another method than MinMax, and
// ErrScheme for another policy.
func QuantizeDynamic(t Tensor, s Scheme, policy NotFinitePolicy) (Quantized, error) {
	var p Params
	codes := makeCodes(PackedLen(len(t.Data), bitsOf(&s)))
	if err := QuantizeDynamicInto(codes, &p, t, s, policy); err != nil {
		return Quantized{}, err
	}
	return Quantized{Codes: codes, Shape: shapeOf(t), Params: p}, nil
}

// bitsOf returns the width of a code of s, or 0 for a width that there is not.
func bitsOf(s *Scheme) int {
	if s.Format.number == 0 && s.Bits >= 2 && s.Bits <= 16 {
		return s.Bits
	}
	if s.Validate() != nil {
		return 0
	}
	return s.normal().Bits
}

// QuantizeDynamicInto is QuantizeDynamic into the first PackedLen(len(t.Data), Bits)
// bytes of dst and into p, whose slices it uses again as CalibrateInto does: it then
// allocates nothing. It panics if dst is shorter. After an error dst and p mean nothing.
// Errors: those of QuantizeDynamic.
func QuantizeDynamicInto(dst []byte, p *Params, t Tensor, s Scheme, policy NotFinitePolicy) error {
	if len(t.Data) <= dynamicLen && policy <= MarkNotFinite && policy != IgnoreNotFinite {
		if e, ok := s.calibrateSmall(p, t); ok && p.quantizeSmall(dst, t.Data, e) {
			return nil
		}
	}
	d, err := newDynamic(p, t, s, policy)
	if err != nil {
		return err
	}
	n := PackedLen(len(t.Data), d.bits)
	mustHold(len(dst), n)
	d.codes = packedCodes(dst[:n], len(t.Data), d.bits)
	d.real = t.Data
	return d.run(p, t)
}

// QuantizeDynamicCodes is QuantizeDynamicInto for codes that are not packed: one element
// of dst for each of t, with a T as for QuantizeCodes. It panics if dst is shorter than
// t.Data. Errors: those of QuantizeDynamic, and ErrScheme for another T.
func QuantizeDynamicCodes[T Code](dst []T, p *Params, t Tensor, s Scheme, policy NotFinitePolicy) error {
	n := len(t.Data)
	if n <= dynamicLen && n <= len(dst) && policy <= MarkNotFinite && policy != IgnoreNotFinite && fitsSmall[T](&s) {
		if e, ok := s.calibrateSmall(p, t); ok {
			p.quantizeElements(plainCodes(dst[:n]), t.Data, e)
			return nil
		}
	}
	d, err := newDynamic(p, t, s, policy)
	if err != nil {
		return err
	}
	mustHold(len(dst), n)
	if err := fits[T](d.codeGrid); err != nil {
		return err
	}
	d.codes = plainCodes(dst[:n])
	d.real = t.Data
	return d.run(p, t)
}

const (
	// dynamicLen is about how many elements are calibrated and quantized together: they stay
	// in a first-level cache with their codes.
	dynamicLen = 1 << 12

	// dynamicRuns is how many runs these are at most.
	dynamicRuns = 128

	// longestRow is the length up to which a row is calibrated and quantized by one
	// goroutine: it stays in a second-level cache.
	longestRow = 1 << 17
)

// A dynamic is a transform whose parameters are made on the way.
type dynamic struct {
	transform
	scheme Scheme
	marks  bool // parameters of elements that are not finite are marked
	rows   int  // runs that are done together; 0 if the tensor is calibrated as a whole
	part   int  // runs of a part
	bad    *atomic.Int64
}

var (
	dynamics = work.New(func(d *dynamic, i int) { d.doPart(i) })

	// badIndexes are indexes of the first element found that is not finite.
	badIndexes = sync.Pool{New: func() any { return new(atomic.Int64) }}
)

// newDynamic checks everything but the values, and gives p room.
func newDynamic(p *Params, t Tensor, s Scheme, policy NotFinitePolicy) (dynamic, error) {
	if policy != RefuseNotFinite && policy != MarkNotFinite {
		return dynamic{}, fmt.Errorf("%w: policy %d for values that are not finite is not for dynamic quantization", ErrScheme, policy)
	}
	if err := s.validateForTensor(); err != nil {
		return dynamic{}, err
	}
	if s.Method.kind != minMax {
		return dynamic{}, fmt.Errorf("%w: dynamic quantization takes min and max, not %v", ErrMethod, s.Method)
	}
	l, err := layoutOrEmpty(len(t.Data), t.Shape, s.Granularity)
	if err != nil {
		return dynamic{}, err
	}
	p.set(s, l.params)
	d := dynamic{transform: transform{layout: l, coding: p.coding()}, scheme: s, marks: policy == MarkNotFinite}
	if l.params > 1 && s.Scales != E4M3Scale { // which needs the largest value of all
		d.cutRows()
	}
	return d, nil
}

// cutRows decides how many runs are done together, if each has its own parameters.
func (d *dynamic) cutRows() {
	run := d.runLen()
	if run == 0 || run > longestRow {
		return
	}
	whole := 1 // runs that end at a byte, whatever the width of a code
	for whole*run%8 != 0 {
		whole *= 2
	}
	d.rows = max(1, min(dynamicLen/run, dynamicRuns)/whole) * whole
	d.part = max(1, partLen/(d.rows*run)) * d.rows
}

// runLen returns the length of the runs that have parameters of their own each, in
// order, or 0 if there are no such runs.
func (d *dynamic) runLen() int {
	switch {
	case d.cols > 0 || d.layout.group == 0 && d.outer > 1:
		return 0
	case d.layout.group == 0:
		return d.inner
	case d.inner == 1 && (d.outer == 1 || d.axis%d.layout.group == 0):
		return d.layout.group
	}
	return 0
}

// run does the job.
func (d *dynamic) run(p *Params, t Tensor) error {
	switch {
	case len(t.Data) == 0:
		p.TensorScale = d.scheme.tensorScaleOf(Range{})
		for i := range p.Scale {
			p.Scale[i], p.ZeroPoint[i] = d.scheme.params(Range{})
		}
		return nil
	case d.rows == 0:
		return d.whole(p, t)
	}
	d.stream = 4*len(d.real)+int(packedLen(int64(len(d.real)), d.bits)) >= streamBytes
	first := badIndexes.Get().(*atomic.Int64)
	first.Store(math.MaxInt64)
	d.bad = first
	n := (d.params + d.part - 1) / d.part
	if work.Several(n) && work.OnHeap(d.real) && work.OnHeap(d.code8) && work.OnHeap(d.code16) && work.OnHeap(d.packed) &&
		work.OnHeap(d.scale) && work.OnHeap(d.zero) {
		dynamics.Do(work.Hide(d), n)
	} else {
		for i := range n {
			d.doPart(i)
		}
	}
	bad := first.Load()
	badIndexes.Put(first)
	if bad != math.MaxInt64 {
		return newNotFinite(int(bad), t.Data[bad], &d.layout, d.scheme.Granularity)
	}
	return nil
}

// doPart does the i-th part.
func (d *dynamic) doPart(i int) {
	for p, end := i*d.part, min((i+1)*d.part, d.params); p < end; p += d.rows {
		d.do(p, min(p+d.rows, end))
	}
	if d.stream {
		fence()
	}
}

// do calibrates and quantizes runs p up to end.
func (d *dynamic) do(p, end int) {
	run := d.runLen()
	from, to := p*run, min(end*run, len(d.real))
	if int64(from) > d.bad.Load() {
		return
	}
	var ends [2][dynamicRuns]float32
	x, lo, hi := d.real[from:to], ends[0][:end-p], ends[1][:end-p]
	made := Params{Scale: d.scale[p:end], ZeroPoint: d.zero[p:end]}
	switch {
	case rangeRuns(lo, hi, x, run):
		d.scheme.paramsOf(&made, lo, hi, 0)
	case d.marks:
		d.mark(&made, lo, hi, x, run)
	default:
		d.refuse(x, from)
		return
	}
	d.quantizeElements(from, to)
}

// refuse keeps the index of the first element of x that is not finite. The
// first element of x is e.
func (d *dynamic) refuse(x []float32, e int) {
	i := 0
	for finite(x[i]) {
		i++
	}
	for at := int64(e + i); ; {
		bad := d.bad.Load()
		if at >= bad || d.bad.CompareAndSwap(bad, at) {
			return
		}
	}
}

// mark is paramsOf for runs of which some have elements that are not finite.
func (d *dynamic) mark(p *Params, lo, hi, x []float32, run int) {
	var marked [dynamicRuns]bool
	for i := range lo {
		r := x[i*run : min((i+1)*run, len(x))]
		if !rangeRuns(lo[i:i+1], hi[i:i+1], r, len(r)) {
			marked[i], lo[i], hi[i] = true, 0, 0
		}
	}
	d.scheme.paramsOf(p, lo, hi, 0)
	for i := range lo {
		if marked[i] {
			p.mark(i)
		}
	}
}

// mark gives elements that are not finite their parameters.
func (p *Params) mark(i int) { p.Scale[i], p.ZeroPoint[i] = float32(math.NaN()), 0 }

// whole calibrates the tensor as a whole before it quantizes it. p keeps its slices.
func (d *dynamic) whole(p *Params, t Tensor) error {
	if d.marks {
		d.calibrateMarked(p, t)
	} else if err := CalibrateInto(p, t, d.scheme); err != nil {
		return err
	}
	d.quantize()
	return nil
}

// calibrateMarked is CalibrateInto that marks what is not finite.
func (d *dynamic) calibrateMarked(p *Params, t Tensor) {
	w := walks.Get().(*walk)
	defer walks.Put(w)
	w.quiet = true
	lo, hi, err := w.rangesOf(t.Data, nil, d.layout, d.scheme.Granularity)
	w.quiet = false
	if err != nil {
		d.markWhole(p, w)
		return
	}
	d.scheme.paramsOf(p, lo, hi, d.scheme.tensorScale(lo, hi))
}

// markWhole calibrates a tensor of which some elements are not finite, one parameter after
// the other.
func (d *dynamic) markWhole(p *Params, w *walk) {
	r := &w.ranges
	r.reset(d.params)
	marked := r.sq // not 0 for a parameter that is to be marked
	for i := range marked {
		b := d.values(i, 1)
		for row := range b.rows {
			var lo, hi [1]float32
			x := d.real[b.e+row*b.stride:][:b.run]
			if !rangeRuns(lo[:], hi[:], x, len(x)) {
				marked[i], r.lo[i], r.hi[i] = 1, 0, 0
				break
			}
			r.lo[i], r.hi[i] = min(r.lo[i], lo[0]), max(r.hi[i], hi[0])
		}
	}
	d.scheme.paramsOf(p, r.lo, r.hi, d.scheme.tensorScale(r.lo, r.hi))
	for i, m := range marked {
		if m != 0 {
			p.mark(i)
		}
	}
}
