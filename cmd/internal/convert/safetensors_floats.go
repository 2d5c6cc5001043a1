package convert

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/a01592f9/quant"
)

// The layouts of compressed-tensors for floating-point codes.
const (
	floatQuantized = "float-quantized"      // E4M3FN with a float32 scale of the tensor or of each row
	mxfp8Quantized = "mxfp8-quantized"      // E4M3FN in groups of 32 with powers of two
	mxfp4Packed    = "mxfp4-pack-quantized" // E2M1 in groups of 32 with powers of two
	nvfp4Packed    = "nvfp4-pack-quantized" // E2M1 in groups of 16 with E4M3FN, and a scale of the tensor
	mixedPrecision = "mixed-precision"      // each group of the configuration names its own
)

// errNoLayout is that of a scheme without a layout.
var errNoLayout = errors.New("compressed-tensors has no layout for it; for floats it has " +
	"fp8_e4m3 per tensor and fp8_e4m3:channel, mxfp8, mxfp4 and nvfp4")

// isMX reports whether scales are powers of two.
func isMX(f quant.ScaleFormat) bool { return f >= quant.E8M0Floor && f <= quant.E8M0Nearest }

// floatLayout returns the layout that holds floating-point codes of a scheme.
func floatLayout(s quant.Scheme) (string, error) {
	size, _ := s.Granularity.GroupSize()
	switch {
	case s.Format == quant.E4M3FN && s.Scales == quant.Float32Scale && size == 0:
		return floatQuantized, nil
	case s.Format == quant.E4M3FN && isMX(s.Scales) && size == 32:
		return mxfp8Quantized, nil
	case s.Format == quant.E2M1 && isMX(s.Scales) && size == 32:
		return mxfp4Packed, nil
	case s.Format == quant.E2M1 && s.Scales == quant.E4M3Scale && size == 16:
		return nvfp4Packed, nil
	}
	return "", errNoLayout
}

// floatArgs describes floating-point codes in a layout.
func floatArgs(s quant.Scheme, format string) compressedArgs {
	args := compressedArgs{Bits: s.Format.Width(), Type: "float", Symmetric: true, Strategy: "tensor"}
	args.GroupSize, _ = s.Granularity.GroupSize()
	switch {
	case format == nvfp4Packed:
		args.Strategy = "tensor_group"
	case args.GroupSize > 0:
		args.Strategy, args.ScaleType = "group", "torch.uint8"
	case s.Granularity != quant.PerTensor:
		args.Strategy = "channel"
	}
	return args
}

// planFloats describes the tensors that a weight of floating-point codes becomes.
// cols are whole groups.
func (j *stJob) planFloats(name string, rows, cols int) {
	size, _ := j.scheme.Granularity.GroupSize()
	params, scales := []int{1}, "F32"
	switch {
	case size > 0:
		params, scales = []int{rows, cols / size}, "U8"
	case j.scheme.Granularity != quant.PerTensor:
		params = []int{rows, 1}
	}
	if j.format == nvfp4Packed {
		scales = "F8_E4M3"
		j.global = newST(name+"_global_scale", "F32", 1)
	}
	j.scale = newST(name+"_scale", scales, params...)
	if j.scheme.Format == quant.E4M3FN {
		j.codes = newST(name, "F8_E4M3", rows, cols)
	} else {
		j.codes = newST(name+packedSuffix, "U8", rows, cols/2)
	}
}

// writeFloatParams writes the scales of floating-point codes.
func (c *stCopy) writeFloatParams(i int, p quant.Params) error {
	j := &c.jobs[i]
	switch j.format {
	case floatQuantized:
		return j.put(j.scale, p.Scale)
	case nvfp4Packed:
		one := c.globals[fusedName(moduleOf(c.infos[i].Name))]
		codes := make([]uint8, len(p.Scale))
		for k, s := range p.Scale {
			// p.Scale is the quotient of a code's value and one, so the code comes back.
			codes[k] = localScale(s, one)
		}
		return errors.Join(j.put(j.global, []float32{one}), j.put(j.scale, codes))
	}
	codes := make([]uint8, len(p.Scale))
	for k, s := range p.Scale {
		codes[k] = uint8(math.Float32bits(s) >> 23)
	}
	return j.put(j.scale, codes)
}

// fusedLayers are the layers that loaders join into one matrix, which has one scale of the
// tensor, by the last parts of their names.
var fusedLayers = [][]string{
	{"q_proj", "k_proj", "v_proj"},
	{"gate_proj", "up_proj"},
	{"w1", "w3"},
	{"q_a_proj", "kv_a_proj_with_mqa"},
}

// fusedName returns the name of the layer that a loader makes of a layer and of its
// partners: that of a layer without partners is its own.
func fusedName(module string) string {
	at := strings.LastIndexByte(module, '.') + 1
	for _, parts := range fusedLayers {
		if slices.Contains(parts, module[at:]) {
			return module[:at] + strings.Join(parts, "+")
		}
	}
	return module
}

// largestGlobal bounds the scale of a tensor, so that its quotients with values of
// E4M3FN are scales that the library has: at least 2^-126.
const largestGlobal = 0x1p117

// globalOf returns the scale of a tensor in the layout: by what the scales of its groups
// were multiplied. The largest magnitude gets the largest scale that E4M3FN has.
func globalOf(largest float32) float32 {
	if largest == 0 {
		return 1
	}
	return min(448*6/largest, largestGlobal)
}

// localScale returns the code of a group's scale under the scale of its tensor.
func localScale(scale, global float32) uint8 {
	var code [1]uint8
	// The error is that of a format without floating-point numbers.
	_ = quant.NarrowFloat8(code[:], []float32{float32(scale * global)}, quant.E4M3FN, true)
	return max(code[0], 1) // 0 is no scale
}

// setGlobals finds the scale of each tensor in the layout of NVFP4, which layers share that
// loaders join: it is that of the largest magnitude in all of them.
func (c *stCopy) setGlobals() error {
	largest := make(map[string]float32)
	c.globals = make(map[string]float32)
	for i := range c.jobs {
		if c.jobs[i].format != nvfp4Packed || c.jobs[i].codes == nil {
			continue
		}
		info := c.infos[i]
		src, err := c.from.Source(i)
		if err != nil {
			return inTensor(info.Name, err)
		}
		counted := &countedSource{Source: interruptible{c.ctx, src}, left: info.Bytes, per: info.Bytes / elements(info.Shape), tick: c.tick}
		r, err := quant.Stream{Source: counted, Shape: info.Shape}.Ranges(quant.PerTensor)
		if err != nil {
			return inTensor(info.Name, err)
		}
		counted.rest()
		name := fusedName(moduleOf(info.Name))
		c.jobs[i].largest = max(-r[0].Min, r[0].Max)
		largest[name] = max(largest[name], c.jobs[i].largest)
		c.globals[name] = globalOf(largest[name])
	}
	return nil
}

// nvfp4 returns the parameters of tensor i as a reader of the layout computes them: the
// value of each group's scale divided by the scale of the tensor. The library's own are
// products instead, and differ in the last bit.
func (c *stCopy) nvfp4(i int, src quant.Source) (quant.Params, error) {
	j, info := &c.jobs[i], c.infos[i]
	one := c.globals[fusedName(moduleOf(info.Name))]
	s := j.scheme
	if one != globalOf(j.largest) {
		s.Scales = quant.Float32Scale // those of the library would be under a scale of this tensor alone
	}
	p, err := quant.Stream{Source: interruptible{c.ctx, src}, Shape: info.Shape}.Calibrate(s)
	if j.known != nil {
		p, err = *j.known, nil
		p.Scale, p.ZeroPoint = slices.Clone(p.Scale), slices.Clone(p.ZeroPoint)
	}
	if err != nil {
		return p, err
	}
	p.Scheme.Scales, p.TensorScale = quant.Float32Scale, 0
	for k, scale := range p.Scale {
		code, value := [1]uint8{localScale(scale, one)}, [1]float32{}
		if err := quant.WidenFloat8(value[:], code[:], quant.E4M3FN); err != nil {
			return p, err
		}
		p.Scale[k] = value[0] / one
	}
	return p, nil
}

// typeOf returns the name of the codes of a scheme: int4, or that of a format.
func typeOf(s quant.Scheme) string {
	if s.Format != quant.Integers {
		return s.Format.String()
	}
	return fmt.Sprintf("int%d", s.Bits)
}
