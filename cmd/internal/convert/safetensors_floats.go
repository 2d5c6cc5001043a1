package convert

import (
	"errors"
	"math"
	"slices"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/internal/exact"
)

// planFloats plans the tensors for a weight with floating-point codes. cols must be a multiple of
// the group size.
func (j *stJob) planFloats(name string, rows, cols int) {
	size, _ := j.scheme.Granularity.GroupSize()
	_, high, _, wide, block := j.scheme.Granularity.Block()
	params, scales := []int{1}, "F32"
	switch {
	case block:
		params = []int{exact.Parts(rows, high), exact.Parts(cols, wide)}
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
			// p.Scale is the value of a code divided by one, so localScale returns that code.
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

// setGlobals finds the scale of each tensor for NVFP4, from its largest magnitude. Layers that
// loaders join share the scale of the largest magnitude of all.
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
		counted := &countedSource{Source: tensorfile.Interruptible(c.ctx, src), left: info.Bytes, per: info.Bytes / elements(info.Shape), tick: c.tick}
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

// nvfp4 returns the parameters of tensor i as a reader of the layout computes them: the value of
// each group's scale, divided by the scale of the tensor. The library multiplies instead, and the
// last bit differs.
func (c *stCopy) nvfp4(i int, src quant.Source) (quant.Params, error) {
	j, info := &c.jobs[i], c.infos[i]
	one := c.globals[fusedName(moduleOf(info.Name))]
	s := j.scheme
	if one != globalOf(j.largest) {
		s.Scales = quant.Float32Scale // the library would use the scale of this tensor alone
	}
	p, _, err := calibrate(c.ctx, src, info.Shape, s, nil, j.inputs, false)
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
