package feedback

import (
	"fmt"
	"math"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/internal/exact"
)

// HalfQuadraticOptions are those of HalfQuadratic. In the zero value each is its default.
type HalfQuadraticOptions struct {
	Iterations int     // 0 means 20
	Beta       float64 // weight of the quadratic term in the first iteration; 0 means 10
	Kappa      float64 // what Beta is multiplied with after each iteration; 0 means 1.01
}

// HalfQuadratic returns parameters for weights w, of the shape [out, in], for which no
// inputs are known. They make the sum of |error|^(3/4) of the weights small, which lets
// few weights have large errors so that most have small ones. Badri and Shaji (HQQ, 2023)
// search so, with an exponent of 0.7; 3/4 takes square roots alone, which are the same bits
// on every architecture.
//
// The search begins with the parameters of quant.Calibrate. Each iteration splits the
// errors into sparse ones, which the exponent below 1 asks for (a shrinkage), and a rest
// whose squares are to be small. For the rest it alternates two steps: the best zero point
// for the scale, and the best scale for the zero point. A step that does not lower the sum
// is not taken, so the sum is never above that of quant.Calibrate. Zero points are
// integers, and stay in the grid with ZeroInRange; with the symmetric mapping only scales
// change. Beta is in units of the step between codes.
//
// The granularity of s is as for Quantize. Errors: those of quant.Calibrate,
// quant.ErrShape for w without two axes, and quant.ErrScheme for another granularity, for
// codes that are not integers, for scales that are not float32, and for options that are
// negative or not finite, or a Kappa below 1.
func HalfQuadratic(w quant.Tensor, s quant.Scheme, o HalfQuadraticOptions) (quant.Params, error) {
	_, in, err := layerOf(w)
	if err != nil {
		return quant.Params{}, err
	}
	group, err := groupOf(s, in)
	if err != nil {
		return quant.Params{}, err
	}
	if s.Format != quant.Integers || s.Scales != quant.Float32Scale {
		return quant.Params{}, fmt.Errorf("%w: the half-quadratic search is for integers with scales of float32, not for %v", quant.ErrScheme, s)
	}
	if o, err = o.orDefaults(); err != nil {
		return quant.Params{}, err
	}
	p, err := quant.Calibrate(w, s)
	if err != nil {
		return quant.Params{}, err
	}
	if len(p.Scale) == 1 {
		in, group = len(w.Data), len(w.Data) // all outputs are one
	}
	groups := (in + group - 1) / group
	parallel(len(p.Scale), len(w.Data) > 1<<12, func(i int) {
		row, first := i/groups, i%groups*group
		f := newFit(w.Data[row*in:][first:min(in, first+group)], s, p.Scale[i], p.ZeroPoint[i])
		f.search(o)
		p.Scale[i], p.ZeroPoint[i] = f.scale, f.zero
	})
	return p, nil
}

func (o HalfQuadraticOptions) orDefaults() (HalfQuadraticOptions, error) {
	if o.Iterations == 0 {
		o.Iterations = 20
	}
	if o.Beta == 0 {
		o.Beta = 10
	}
	if o.Kappa == 0 {
		o.Kappa = 1.01
	}
	if o.Iterations < 0 || !(o.Beta > 0) || !(o.Kappa >= 1) || math.IsInf(o.Beta, 0) || math.IsInf(o.Kappa, 0) {
		return o, fmt.Errorf("%w: options of the half-quadratic search %+v", quant.ErrScheme, o)
	}
	return o, nil
}

// A fit is the search for the parameters of the weights x of one group.
type fit struct {
	x          []float32
	scheme     quant.Scheme
	qmin, qmax float32
	scale      float32
	zero       int32
	cost       float64   // the sum of |error|^(3/4)
	steps      []float64 // of each weight: code minus zero point
	target     []float64 // of each weight: what steps are to be near, without the sparse error
}

// least is the smallest scale that quant has.
const least = 0x1p-126

// maxZero is the largest zero point that quant has.
const maxZero = 1 << 23

func newFit(x []float32, s quant.Scheme, scale float32, zero int32) *fit {
	qmin, qmax := s.Grid()
	f := &fit{
		x: x, scheme: s, qmin: float32(qmin), qmax: float32(qmax), scale: scale, zero: zero,
		steps: make([]float64, len(x)), target: make([]float64, len(x)),
	}
	f.cost = f.costOf(scale, zero)
	return f
}

// code returns the code of v minus the zero point, as quant.Quantize makes it. The
// quotient is bounded first: it may be infinite where the scale is small.
func (f *fit) code(v, scale float32, zero int32) float32 {
	z := float32(zero)
	return max(f.qmin-z, min(f.qmax-z, float32(exact.Nearest(float64(max(-1e9, min(1e9, v/scale)))))))
}

// costOf returns the sum of |error|^(3/4) with a scale and a zero point.
func (f *fit) costOf(scale float32, zero int32) float64 {
	sum := 0.0
	for _, v := range f.x {
		root := math.Sqrt(math.Abs(float64(v) - float64(f.code(v, scale, zero)*scale)))
		sum += float64(root * math.Sqrt(root))
	}
	return sum
}

// try takes a scale and a zero point if the cost becomes less.
func (f *fit) try(scale float32, zero int32) {
	if cost := f.costOf(scale, zero); cost < f.cost {
		f.scale, f.zero, f.cost = scale, zero, cost
	}
}

func (f *fit) search(o HalfQuadraticOptions) {
	beta := o.Beta
	for range o.Iterations {
		if f.scheme.Mapping == quant.Asymmetric {
			f.split(beta)
			if zero, ok := f.bestZero(); ok && zero != f.zero {
				f.try(f.scale, zero)
			}
		}
		f.split(beta)
		if scale, ok := f.bestScale(); ok && scale != f.scale {
			f.try(scale, f.zero)
		}
		beta = float64(beta * o.Kappa)
	}
}

// split stores the steps of the codes, and the weights in steps without their sparse
// errors. Those are the errors after a shrinkage: sign(e)·max(0, |e| - |e|^(3/4-1)/beta).
func (f *fit) split(beta float64) {
	for i, v := range f.x {
		f.steps[i] = float64(f.code(v, f.scale, f.zero))
		x := float64(v) / float64(f.scale)
		e := x - f.steps[i]
		sparse := 0.0
		if e != 0 {
			a := math.Abs(e)
			sparse = math.Copysign(max(0, a-1/float64(beta*math.Sqrt(math.Sqrt(a)))), e)
		}
		f.target[i] = x - sparse
	}
}

// bestZero returns the zero point for which the codes are nearest to the target.
func (f *fit) bestZero() (int32, bool) {
	sum := 0.0
	for i, t := range f.target {
		sum += f.steps[i] - t
	}
	zero := float64(f.zero) + exact.Nearest(sum/float64(len(f.x)))
	if f.scheme.ZeroInRange {
		zero = max(float64(f.qmin), min(float64(f.qmax), zero))
	}
	return int32(max(-maxZero, min(maxZero, zero))), math.Abs(zero) <= maxZero
}

// bestScale returns the scale for which the codes are nearest to the target.
func (f *fit) bestScale() (float32, bool) {
	var up, down float64
	for i, t := range f.target {
		up += float64(t * f.steps[i])
		down += float64(f.steps[i] * f.steps[i])
	}
	scale := float32(float64(f.scale) * (up / down))
	return scale, down > 0 && scale >= least && scale <= math.MaxFloat32
}
