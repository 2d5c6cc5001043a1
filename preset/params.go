package preset

import (
	"fmt"
	"math"

	"github.com/a01592f9/quant"
)

// Params are the parameters of a tensor, with one element for each tensor, channel or group, in
// the order of quant.Params. A code q stands for the value
//
//	(q - ZeroPoint) * Scale          or q * Scale + Offset
//
// Calibrate sets the slices that the rule of its preset uses. The others are nil.
type Params struct {
	Scale     []float32 // as it is stored; 0 or negative if the system makes such scales
	ZeroPoint []int32   // nil if there is an Offset
	Offset    []float32 // as it is stored: the value of code 0 (ggml's minimum, MLX's bias)

	// Multiplier is the factor of the values, if Rule.Multiply is true. For some systems it is
	// the reciprocal of Scale. Others compute it from the range, or from the scale before that
	// is rounded to its stored form.
	Multiplier []float32

	// Subtrahend is subtracted from the values first, if Rule.Subtract is true. It is Offset
	// before that is rounded to its stored form.
	Subtrahend []float32
}

// Calibrate returns the parameters that the system computes for t.
//
// Errors: those of quant.Scheme.Validate, quant.ErrEmpty, quant.ErrShape, quant.ErrAxis and
// quant.ErrGroupSize; a *quant.NotFiniteError for the first NaN or infinity; and a
// *quant.ParamError for the first range for which the system has no finite parameters.
func (p Preset) Calibrate(t quant.Tensor) (Params, error) {
	l, err := newLayout(&p, len(t.Data), t.Shape)
	if err != nil {
		return Params{}, err
	}
	if i := notFinite(t.Data); i >= 0 {
		return Params{}, &quant.NotFiniteError{Index: i, Channel: l.channelOf(i), Value: t.Data[i]}
	}
	all := make([]limits, l.params)
	for i := range all {
		all[i] = limits{lo: math.MaxFloat32, hi: -math.MaxFloat32}
	}
	l.each(func(from, end, first, step int) {
		for k, v := range t.Data[from:end] {
			all[first+k*step].add(v)
		}
	})
	return p.of(all)
}

// of returns the parameters for all limits. The error is a *quant.ParamError.
func (p *Preset) of(all []limits) (Params, error) {
	out := Params{Scale: make([]float32, len(all))}
	offsets := p.Rule.Subtract
	if offsets {
		out.Offset, out.Subtrahend = make([]float32, len(all)), make([]float32, len(all))
	} else {
		out.ZeroPoint = make([]int32, len(all))
	}
	if p.Rule.Multiply {
		out.Multiplier = make([]float32, len(all))
	}
	for i, r := range all {
		m := p.made(p, r)
		infinite := p.Rule.Multiply && isInf(m.multiplier)
		lost := m.scale == 0 && !p.Rule.Multiply && r.most != 0
		// ggml makes a scale of 0 where a reciprocal is infinite.
		if !finite(m.scale) || !finite(m.offset) || infinite && m.scale != 0 && !p.Rule.limitsFirst() || lost {
			return Params{}, &quant.ParamError{Index: i, Scale: m.scale, Err: quant.ErrScale}
		}
		out.Scale[i] = m.scale
		if offsets {
			out.Offset[i], out.Subtrahend[i] = m.offset, m.subtrahend
		} else {
			out.ZeroPoint[i] = m.zero
		}
		if p.Rule.Multiply {
			out.Multiplier[i] = m.multiplier
		}
	}
	return out, nil
}

// check returns an error unless each slice of params that the rule uses has n elements.
func (p *Preset) check(params *Params, n int) error {
	for _, x := range []struct {
		what string
		have int
		need bool
	}{
		{"scales", len(params.Scale), true},
		{"zero points", len(params.ZeroPoint), !p.Rule.Subtract},
		{"offsets", len(params.Offset), p.Rule.Subtract},
		{"subtrahends", len(params.Subtrahend), p.Rule.Subtract},
		{"multipliers", len(params.Multiplier), p.Rule.Multiply},
	} {
		if x.need && x.have != n {
			return fmt.Errorf("%w: %d %s, want %d", quant.ErrParams, x.have, x.what, n)
		}
	}
	return nil
}

// at returns the parameters at index i.
func (p *Params) at(i int) made {
	m := made{scale: p.Scale[i]}
	if p.ZeroPoint != nil {
		m.zero = p.ZeroPoint[i]
	}
	if p.Offset != nil {
		m.offset = p.Offset[i]
	}
	if p.Multiplier != nil {
		m.multiplier = p.Multiplier[i]
	}
	if p.Subtrahend != nil {
		m.subtrahend = p.Subtrahend[i]
	}
	return m
}

// Quantize returns the codes of t under params, one for each element of t.
//
// Errors: those of Calibrate, and quant.ErrParams for slices of the wrong length.
func (p Preset) Quantize(t quant.Tensor, params Params) ([]int16, error) {
	l, err := newLayout(&p, len(t.Data), t.Shape)
	if err != nil {
		return nil, err
	}
	if err := p.check(&params, l.params); err != nil {
		return nil, err
	}
	if i := notFinite(t.Data); i >= 0 {
		return nil, &quant.NotFiniteError{Index: i, Channel: l.channelOf(i), Value: t.Data[i]}
	}
	lo, hi := p.Scheme.Grid()
	codes := make([]int16, len(t.Data))
	l.each(func(from, end, first, step int) {
		m := params.at(first)
		for k, v := range t.Data[from:end] {
			if step > 0 && k > 0 {
				m = params.at(first + k)
			}
			codes[from+k] = int16(p.Rule.code(v, &m, int32(lo), int32(hi)))
		}
	})
	return codes, nil
}

// Dequantize returns the values that the codes of a tensor with the given shape stand for.
// Errors: those of Quantize.
func (p Preset) Dequantize(codes []int16, shape []int, params Params) ([]float32, error) {
	l, err := newLayout(&p, len(codes), shape)
	if err != nil {
		return nil, err
	}
	if err := p.check(&params, l.params); err != nil {
		return nil, err
	}
	x := make([]float32, len(codes))
	l.each(func(from, end, first, step int) {
		for k, q := range codes[from:end] {
			i := first + k*step
			if p.Rule.Subtract {
				x[from+k] = float32(float32(q)*params.Scale[i]) + params.Offset[i]
			} else {
				x[from+k] = float32(int32(q)-params.ZeroPoint[i]) * params.Scale[i]
			}
		}
	})
	return x, nil
}
