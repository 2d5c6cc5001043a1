package preset

import (
	"math"

	"github.com/a01592f9/quant"
)

// The parameters that each system computes from a range. Each function is named after the system,
// and its comment names the function of the system that it follows. Every operation is rounded to
// float32 unless the code says float64.

const (
	tiny       = 0x1p-126 // the smallest normal float32
	torchEps   = 0x1p-23  // torch.finfo(torch.float32).eps
	fp16Cutoff = 6.1e-5   // the smallest scale of PyTorch's dynamic quantization
	mlxEps     = 1e-7     // the smallest scale of MLX

	modeloptEps = 1e-5 // CLIP_MIN, the smallest scale of NVIDIA's Model Optimizer
)

// withZero returns the ends of a range that is widened to hold 0.
func (r limits) withZero() (lo, hi float32) { return min(r.lo, 0), max(r.hi, 0) }

// largest returns the largest magnitude.
func (r limits) largest() float32 { return abs(r.most) }

// width returns the number of steps of the grid.
func (p *Preset) width() float32 {
	lo, hi := p.Scheme.Grid()
	return float32(hi - lo)
}

// clamped returns v limited to the grid.
func (p *Preset) clamped(v float64) float64 {
	lo, hi := p.Scheme.Grid()
	return min(max(v, float64(lo)), float64(hi))
}

// ortStatic is compute_scale_zp: differences in float32, quotients in float64.
func ortStatic(p *Preset, r limits) made {
	qmin, qmax := p.Scheme.Grid()
	lo, hi := r.withZero()
	symmetric := p.Scheme.Mapping == quant.Symmetric
	if symmetric {
		if p.Scheme.Unsigned {
			qmax-- // 0 to 254, around 127
		}
		hi = max(abs(lo), hi)
		lo = -hi
	}
	scale := float64(hi-lo) / float64(qmax-qmin)
	switch {
	case scale < tiny:
		return made{scale: 1}
	case symmetric:
		return made{scale: float32(scale), zero: int32(math.RoundToEven(float64(qmin+qmax) / 2))}
	}
	return made{scale: float32(scale), zero: int32(math.RoundToEven(float64(qmin) - float64(lo)/scale))}
}

// ortDynamic is GetQuantizationParameter: float32 throughout.
func ortDynamic(p *Preset, r limits) made {
	lo, hi := r.withZero()
	if lo == hi {
		return made{scale: 1}
	}
	m := made{scale: (hi - lo) / p.width()}
	m.zero = int32(math.RoundToEven(p.clamped(float64(0 - lo/m.scale))))
	return m
}

// mlasSymmetric is range2scale: the value of the largest magnitude, whatever its sign, has the
// lowest code.
func mlasSymmetric(p *Preset, r limits) made {
	most := r.lo
	if abs(r.hi) > abs(r.lo) {
		most = r.hi
	}
	half := float32(int(1) << (p.Scheme.Bits - 1))
	m := made{scale: -most / half, zero: int32(half)}
	m.multiplier = reciprocal(m.scale)
	return m
}

// mlasAsymmetric is range2scalezp.
func mlasAsymmetric(p *Preset, r limits) made {
	lo, hi := r.withZero()
	m := made{scale: (hi - lo) / p.width()}
	zero := lo
	if m.scale != 0 {
		zero = 0 - lo/m.scale
	}
	m.zero = int32(math.Round(p.clamped(float64(zero))))
	m.multiplier = reciprocal(m.scale)
	return m
}

// reciprocal returns 1/v, or 0 if v is 0.
func reciprocal(v float32) float32 {
	if v == 0 {
		return 0
	}
	return 1 / v
}

// torchObserver is _calculate_qparams of PyTorch's observers.
func torchObserver(p *Preset, r limits) made {
	lo, hi := r.withZero()
	var m made
	if p.Scheme.Mapping == quant.Symmetric {
		m.scale = max(max(-lo, hi)/(p.width()/2), p.Rule.Epsilon)
		if p.Scheme.Unsigned {
			m.zero = 128
		}
	} else {
		qmin, _ := p.Scheme.Grid()
		m.scale = max((hi-lo)/p.width(), p.Rule.Epsilon)
		m.zero = int32(p.clamped(float64(qmin) - math.RoundToEven(float64(lo/m.scale))))
	}
	m.multiplier = 1 / m.scale
	return m
}

// torchDynamic is ChooseQuantizationParams of PyTorch. It widens small ranges so that the scale is
// at least fp16Cutoff.
func torchDynamic(p *Preset, r limits) made {
	lo, hi := r.withZero()
	steps := float64(p.width())
	scale := (float64(hi) - float64(lo)) / steps
	if float32(scale) == 0 || isInf(1/float32(scale)) {
		scale = 0.1
	}
	if cutoff := float32(fp16Cutoff); scale < float64(cutoff) {
		before := float32(scale)
		scale = float64(cutoff)
		switch {
		case lo == 0:
			hi = cutoff * float32(steps)
		case hi == 0:
			lo = -cutoff * float32(steps)
		default:
			by := cutoff / before
			lo, hi = float32(lo*by), float32(hi*by)
		}
	}
	return p.nearerEnd(scale, lo, hi, -1, math.RoundToEven)
}

// fbgemm is ChooseQuantizationParams of FBGEMM.
func fbgemm(p *Preset, r limits) made {
	lo, hi := r.withZero()
	scale := float64(hi-lo) / float64(p.width())
	if scale == 0 {
		scale = 0.1
	}
	return p.nearerEnd(scale, lo, hi, 1, math.RoundToEven)
}

// nearerEnd returns the parameters with the given scale. The zero point is computed from the
// lower end of the range if |qmin| ± |lo/scale| is less than |qmax| ± |hi/scale|, and otherwise
// from the upper end. sign is 1 for + and -1 for -.
func (p *Preset) nearerEnd(scale float64, lo, hi float32, sign float64, round func(float64) float64) made {
	qmin, qmax := p.Scheme.Grid()
	a, b := float64(lo)/scale, float64(hi)/scale
	zero := float64(qmax) - b
	if math.Abs(float64(qmin))+float64(sign*math.Abs(a)) < math.Abs(float64(qmax))+float64(sign*math.Abs(b)) {
		zero = float64(qmin) - a
	}
	m := made{scale: float32(scale), zero: int32(round(p.clamped(zero)))}
	m.multiplier = 1 / m.scale
	return m
}

// torchao is choose_qparams_affine for the symmetric mapping.
func torchao(p *Preset, r limits) made {
	m := made{scale: max(r.largest()/(p.width()/2), p.Rule.Epsilon)}
	m.multiplier = 1 / m.scale
	return m
}

// compressedTensors is calculate_qparams.
func compressedTensors(p *Preset, r limits) made {
	lo, hi := r.withZero()
	if p.Scheme.Mapping == quant.Symmetric {
		return made{scale: max(r.largest()/(p.width()/2), p.Rule.Epsilon)}
	}
	qmin, _ := p.Scheme.Grid()
	m := made{scale: max((hi-lo)/p.width(), p.Rule.Epsilon)}
	m.zero = int32(math.RoundToEven(p.clamped(float64(float32(qmin) - lo/m.scale))))
	return m
}

// tfliteWeights is SymmetricPerChannelQuantization. The multiplier is computed from the range, not
// from the rounded scale.
func tfliteWeights(_ *Preset, r limits) made {
	most := r.largest()
	if most == 0 {
		return made{}
	}
	return made{scale: most / 127, multiplier: 127 / most}
}

// tfliteActivations is ChooseQuantizationParams of TensorFlow Lite.
func tfliteActivations(p *Preset, r limits) made {
	lo, hi := r.withZero()
	if lo == hi {
		return made{}
	}
	scale := (float64(hi) - float64(lo)) / float64(p.width())
	return p.nearerEnd(scale, lo, hi, 1, math.Round)
}

// xnnpack is xnn_f32_qd8_asymmetric_quantization_params. The multiplier is computed from the
// range, and the scale from the multiplier.
func xnnpack(p *Preset, r limits) made {
	lo, hi := r.withZero()
	m := made{multiplier: 1}
	if lo != hi {
		m.multiplier = p.width() / (hi - lo)
	}
	a, b := float32(lo*m.multiplier), float32(hi*m.multiplier)
	zero := 127 - b
	if (-128+a)+(127+b) > 0 {
		zero = -128 - a
	}
	m.zero = int32(math.RoundToEven(p.clamped(float64(zero))))
	m.scale = 1 / m.multiplier
	return m
}

// tensorrt is the formula of TensorRT's documentation.
func tensorrt(_ *Preset, r limits) made {
	if r.most == 0 {
		return made{scale: 1}
	}
	return made{scale: r.largest() / 127}
}

// modelopt is find_scales of NVIDIA's Model Optimizer, without zero points and with alpha 1.
func modelopt(p *Preset, r limits) made {
	return made{scale: max(r.largest()/7, p.Rule.Epsilon)}
}

// ggmlQ8 is quantize_row_q8_0_ref.
func ggmlQ8(_ *Preset, r limits) made { return ggmlScale(r.largest()/127, 0) }

// ggmlSymmetric is quantize_row_q4_0_ref and quantize_row_q5_0_ref.
func ggmlSymmetric(p *Preset, r limits) made {
	half := int32(1) << (p.Scheme.Bits - 1)
	return ggmlScale(r.most/float32(-half), half)
}

// ggmlScale returns the parameters with the scale d rounded to float16. The multiplier is the
// reciprocal of d before that rounding.
func ggmlScale(d float32, zero int32) made {
	return made{scale: float16(d), multiplier: reciprocal(d), zero: zero}
}

// ggmlMinimum is quantize_row_q4_1_ref and quantize_row_q5_1_ref.
func ggmlMinimum(p *Preset, r limits) made {
	m := ggmlScale((r.hi-r.lo)/p.width(), 0)
	m.offset, m.subtrahend = float16(r.lo), r.lo
	return m
}

// float16 returns v rounded to the nearest float16. The result is infinite if |v| is at least
// 65520.
func float16(v float32) float32 {
	var h [1]uint16
	x := [1]float32{v}
	quant.NarrowFloat16(h[:], x[:], false)
	quant.WidenFloat16(x[:], h[:])
	return x[0]
}

// mlx is quantize of MLX on a CPU. The end of the range with the larger magnitude is a multiple of
// the scale and has the code 0.
func mlx(p *Preset, r limits) made {
	scale := max((r.hi-r.lo)/p.width(), mlxEps)
	edge := r.lo
	if !(abs(r.lo) > abs(r.hi)) {
		scale, edge = -scale, r.hi
	}
	q := float32(math.RoundToEven(float64(edge / scale)))
	if q == 0 {
		return made{scale: scale}
	}
	return made{scale: edge / q, offset: edge, subtrahend: edge}
}
