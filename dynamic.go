package quant

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"github.com/a01592f9/quant/internal/work"
)

// Dynamic quantization calibrates and quantizes a tensor in one call. Where each run of elements
// has its own parameters, the run stays in a cache between the two steps, and memory is read
// once.

// QuantizeDynamic calibrates s on t and quantizes t in one call, as inference does with
// activations. The parameters and codes have the same bits as those of Calibrate and Quantize.
// Memory is read once if the parameters belong to rows, or to groups in a row. The method of s
// must be MinMax.
//
// Under RefuseNotFinite an element that is NaN or infinite is an error. Under MarkNotFinite the
// tensor, channel or group with such an element gets the scale NaN and the zero point 0, and all
// its elements get the code of NaN. The other channels and groups are quantized as usual. A
// tensor without elements is no error: it has no codes, and the parameters of a tensor of zeros.
//
// Errors: those of Calibrate except ErrEmpty, ErrMethod for a method other than MinMax, and
// ErrScheme for another policy.
func QuantizeDynamic(t Tensor, s Scheme, policy NotFinitePolicy) (Quantized, error) {
	var p Params
	codes := makeCodes(PackedLen(len(t.Data), bitsOf(&s)))
	if err := QuantizeDynamicInto(codes, &p, t, s, policy); err != nil {
		return Quantized{}, err
	}
	return Quantized{Codes: codes, Shape: shapeOf(t), Params: p}, nil
}

// bitsOf returns the width of a code of s in bits, or 0 if s is not valid.
func bitsOf(s *Scheme) int {
	if s.Format.number == 0 && s.Bits >= 2 && s.Bits <= 16 {
		return s.Bits
	}
	if s.Validate() != nil {
		return 0
	}
	return s.normal().Bits
}

// QuantizeDynamicInto is QuantizeDynamic with the codes in the first PackedLen(len(t.Data),
// Bits) bytes of dst and the parameters in p. It uses the slices of p as CalibrateInto does, and
// allocates nothing if they are large enough. It panics if dst is too short. After an error the
// contents of dst and p are undefined. Errors: those of QuantizeDynamic.
func QuantizeDynamicInto(dst []byte, p *Params, t Tensor, s Scheme, policy NotFinitePolicy) error {
	if s.Bits == 8 && len(dst) >= len(t.Data) && dynamicPolicy(policy) && s.quantizeDynamicSmall(dst, p, t) {
		return nil
	}
	if len(t.Data) <= dynamicLen && dynamicPolicy(policy) {
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

// QuantizeDynamicCodes is QuantizeDynamicInto for codes that are not packed: dst gets one code
// for each element of t. The type T is one that QuantizeCodes accepts for the scheme. It panics
// if dst is shorter than t.Data. Errors: those of QuantizeDynamic, and ErrScheme for another T.
func QuantizeDynamicCodes[T Code](dst []T, p *Params, t Tensor, s Scheme, policy NotFinitePolicy) error {
	n := len(t.Data)
	if n <= len(dst) && dynamicPolicy(policy) && fitsSmall[T](&s) {
		if c := plainCodes(dst[:n]); c.code8 != nil && s.quantizeDynamicSmall(c.code8, p, t) {
			return nil
		}
	}
	if n <= dynamicLen && n <= len(dst) && dynamicPolicy(policy) && fitsSmall[T](&s) {
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

// dynamicPolicy reports whether p is a policy of a dynamic call.
func dynamicPolicy(p NotFinitePolicy) bool { return p == RefuseNotFinite || p == MarkNotFinite }

// quantizeDynamicSmall calibrates and quantizes a tensor of at most dynamicLen elements, or of at
// most partLen with one parameter, with the kernel that does both, or a short tensor with two
// kernels. It returns false if it has not handled all elements; t then needs another way, which
// sets p and dst again.
func (s *Scheme) quantizeDynamicSmall(dst []uint8, p *Params, t Tensor) bool {
	if s.Granularity.unit == perTensor && s.Bits == 8 && !dynamicRunsPay(len(t.Data), 1) {
		ok := s.calibratePlain(p, t)
		if ok {
			p.quantizePlain(dst[:len(t.Data)], t.Data)
		}
		return ok
	}
	if s.Method.kind != minMax || !s.usual() {
		return false
	}
	e := s.Granularity.extent(len(t.Data), t.Shape)
	if e.run == 0 || e.columns || e.params*e.run != len(t.Data) || !dynamicRunsPay(e.run, e.params) || len(t.Data) > dynamicLen && e.params > 1 {
		return false
	}
	rule, ok := s.dynamicRule()
	if !ok {
		return false
	}
	p.set(*s, e.params)
	return quantizeDynamicRuns(dst[:len(t.Data)], t.Data, e.run, p.Scale, p.ZeroPoint, &rule, false) == e.params
}

const (
	// dynamicRuns is the largest number of runs that are calibrated and quantized together.
	dynamicRuns = 128

	// longestRow is the greatest length of a row that one goroutine calibrates and quantizes.
	// Such a row fits into a second-level cache.
	longestRow = 1 << 17
)

// A dynamic is a transform that computes its parameters, part by part.
type dynamic struct {
	transform
	scheme Scheme
	rule   dynamicRule   // of the kernel that calibrates and quantizes, if there may be one
	fused  bool          // there is a kernel that follows rule
	marks  bool          // the policy is MarkNotFinite
	rows   int           // number of runs at a time; 0: the whole tensor is calibrated first
	part   int           // number of runs in a part
	bad    *atomic.Int64 // the lowest index found so far of an element that is not finite
}

var (
	dynamics = work.New(func(d *dynamic, i int) { d.doPart(i) })

	// badIndexes is a pool of the counters that dynamic.bad points to.
	badIndexes = sync.Pool{New: func() any { return new(atomic.Int64) }}
)

// newDynamic checks everything except the values, and makes the slices of p long enough.
func newDynamic(p *Params, t Tensor, s Scheme, policy NotFinitePolicy) (dynamic, error) {
	if !dynamicPolicy(policy) {
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
	if l.params > 1 && !s.Scales.ofTensor() {
		d.cutRows()
	}
	return d, nil
}

// cutRows sets rows and part if each run has its own parameters.
func (d *dynamic) cutRows() {
	run := d.runLen()
	if run == 0 || run > longestRow {
		return
	}
	whole := 1 // the least number of runs whose packed codes end at a byte, for every width of a code
	for whole*run%8 != 0 {
		whole *= 2
	}
	d.rows = max(1, min(dynamicLen/run, dynamicRuns)/whole) * whole
	d.part = max(1, partLen/(d.rows*run)) * d.rows
}

// runLen returns the length of the consecutive runs that have one parameter each. It returns 0
// if the elements of a parameter are not consecutive.
func (d *dynamic) runLen() int {
	switch {
	case d.cols > 0 || d.layout.group == 0 && d.outer > 1 || d.tall > 0:
		return 0
	case d.layout.group == 0:
		return d.inner
	case d.inner == 1 && (d.outer == 1 || d.axis%d.layout.group == 0):
		return d.layout.group
	}
	return 0
}

// run calibrates and quantizes t, whose parameters go to p.
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
	if d.code8 != nil && hasDynamicRuns(d.runLen()) {
		d.rule, d.fused = d.scheme.dynamicRule()
	}
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

// doPart calibrates and quantizes the i-th part.
func (d *dynamic) doPart(i int) {
	p, end := i*d.part, min((i+1)*d.part, d.params)
	least := dynamicApart(d.runLen())
	for k := least; d.fused && p < end; {
		n := d.doFused(p, end)
		if p += n; p == end {
			break
		}
		// The kernel does not serve one of the next runs, or they are not whole. If it served none, it
		// is likely that there are more such runs.
		if k = min(2*k, dynamicRuns); n > 0 {
			k = least
		}
		for stop := min(p+k, end); p < stop; {
			next := min(p+d.rows, stop)
			d.do(p, next)
			p = next
		}
	}
	for ; p < end; p += d.rows {
		d.do(p, min(p+d.rows, end))
	}
	if d.stream {
		fence()
	}
}

// doFused calibrates and quantizes runs from p on, and not beyond end-1, with the kernel that does
// both. It returns the number of runs that it has handled.
func (d *dynamic) doFused(p, end int) int {
	run := d.runLen()
	from, to := p*run, min(end*run, len(d.real))
	return quantizeDynamicRuns(d.code8[from:to], d.real[from:to], run, d.scale[p:end], d.zero[p:end], &d.rule, d.stream)
}

// do calibrates and quantizes the runs p to end-1.
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

// refuse finds the first element of x that is not finite, and lowers d.bad to its index. The
// index of x[0] is e.
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

// mark is paramsOf for runs some of which have elements that are not finite.
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

// mark sets the i-th parameter to that of a run with an element that is not finite.
func (p *Params) mark(i int) { p.Scale[i], p.ZeroPoint[i] = float32(math.NaN()), 0 }

// whole calibrates the whole tensor and then quantizes it. It does not reallocate the slices of p.
func (d *dynamic) whole(p *Params, t Tensor) error {
	if d.marks {
		d.calibrateMarked(p, t)
	} else if err := CalibrateInto(p, t, d.scheme); err != nil {
		return err
	}
	d.quantize()
	return nil
}

// calibrateMarked is CalibrateInto under the policy MarkNotFinite.
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

// markWhole calibrates a tensor some of whose elements are not finite, one parameter after
// another.
func (d *dynamic) markWhole(p *Params, w *walk) {
	r := &w.ranges
	r.reset(d.params)
	marked := r.sq // 1 for a parameter to mark, else 0
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
