package feedback

import (
	"fmt"
	"math"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/internal/exact"
)

// HalfQuadraticOptions are the options of HalfQuadratic. A field that is 0 has its default.
type HalfQuadraticOptions struct {
	Iterations int     // number of iterations; the default is 20
	Beta       float64 // weight of the quadratic term in the first iteration; the default is 10
	Kappa      float64 // the factor of Beta after each iteration; the default is 1.01
}

// HalfQuadratic returns parameters for weights w, of the shape [out, in], without any inputs. It
// searches for a small sum of |error|^(3/4) over the weights. Under this sum few weights may have
// large errors, so that most have small ones. Source: Badri and Shaji (HQQ, 2023). Their exponent
// is 0.7. The exponent 3/4 needs only square roots, which have the same bits on every
// architecture.
//
// The search begins with the parameters of quant.Calibrate. Each iteration splits the errors, by
// a shrinkage, into a sparse part and a rest. The sparse part is the large errors of few weights.
// The sum of the squares of the rest is made small in two steps: the best zero point for the
// scale, and then the best scale for the zero point. A step that does not lower the sum of
// |error|^(3/4) is not taken, so that sum is never above that of quant.Calibrate. Zero points
// are integers, and are codes of the grid with ZeroInRange. With the symmetric mapping only
// scales change. Beta applies to errors in units of the scale.
//
// The granularity of s is as for Quantize. Errors: those of quant.Calibrate; quant.ErrShape if w
// does not have two axes; and quant.ErrScheme for another granularity, codes that are not
// integers, scales that are not float32, options that are negative or not finite, and a Kappa
// below 1.
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
		in, group = len(w.Data), len(w.Data) // all weights are one group
	}
	groups := exact.Parts(in, group)
	parallel(len(p.Scale), len(w.Data) > 1<<12, func(i int) {
		row, first := i/groups, i%groups*group
		f := newFit(w.Data[row*in:][first:min(in, first+group)], s, p.Scale[i], p.ZeroPoint[i])
		f.search(o)
		p.Scale[i], p.ZeroPoint[i] = f.scale, f.zero
	})
	return p, nil
}

// orDefaults returns o with the defaults for fields that are 0. The error is quant.ErrScheme for
// options that are not valid.
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
	steps      []float64 // of each weight: its code minus the zero point
	target     []float64 // of each weight: the weight without its sparse error, divided by the scale
}

// least is the smallest scale of package quant.
const least = 0x1p-126

// maxZero is the largest zero point of package quant.
const maxZero = 1 << 23

// newFit returns a fit that begins with the given scale and zero point.
func newFit(x []float32, s quant.Scheme, scale float32, zero int32) *fit {
	qmin, qmax := s.Grid()
	f := &fit{
		x: x, scheme: s, qmin: float32(qmin), qmax: float32(qmax), scale: scale, zero: zero,
		steps: make([]float64, len(x)), target: make([]float64, len(x)),
	}
	f.cost = f.costOf(scale, zero)
	return f
}

// code returns the code of v minus the zero point. The code is that of quant.Quantize. The
// quotient is limited before it is rounded, since it is infinite for a very small scale.
func (f *fit) code(v, scale float32, zero int32) float32 {
	z := float32(zero)
	return max(f.qmin-z, min(f.qmax-z, float32(exact.Nearest(float64(max(-1e9, min(1e9, v/scale)))))))
}

// costOf returns the sum of |error|^(3/4) under a scale and a zero point.
func (f *fit) costOf(scale float32, zero int32) float64 {
	sum := 0.0
	for _, v := range f.x {
		root := math.Sqrt(math.Abs(float64(v) - float64(f.code(v, scale, zero)*scale)))
		sum += float64(root * math.Sqrt(root))
	}
	return sum
}

// try sets f to a scale and a zero point if their cost is lower.
func (f *fit) try(scale float32, zero int32) {
	if cost := f.costOf(scale, zero); cost < f.cost {
		f.scale, f.zero, f.cost = scale, zero, cost
	}
}

// search runs the iterations of the search.
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

// split sets f.steps and f.target for the current scale and zero point. The sparse part of an
// error e, in units of the scale, is its shrinkage: sign(e)·max(0, |e| - |e|^(3/4-1)/beta).
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

// bestZero returns the zero point with the least sum of squared differences between f.steps,
// shifted by the change of the zero point, and f.target. The result is false if the zero point
// is out of bounds.
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

// bestScale returns the scale with the least sum of squared differences between the values of
// the codes and the targets. The result is false if the scale is out of bounds.
func (f *fit) bestScale() (float32, bool) {
	var up, down float64
	for i, t := range f.target {
		up += float64(t * f.steps[i])
		down += float64(f.steps[i] * f.steps[i])
	}
	scale := float32(float64(f.scale) * (up / down))
	size := math.Abs(float64(scale))
	return scale, down > 0 && up > 0 && size >= least && size <= math.MaxFloat32
}
