package convert

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/moments"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// Reasons why a tensor of a safetensors file is left.
const (
	reasonName   = "not the weight of a layer by its name"
	reasonMatrix = "not a matrix, as compressed-tensors needs"
	reasonLoader = "an embedding, an output head or a router by its name, which loaders want as it is"
)

// Safetensors quantizes the weights of a model in safetensors files. The path in is that of a
// file, of an index of shards, or of a folder. The result has a layout of compressed-tensors,
// with a config.json that describes it:
//
//   - int-quantized: 8-bit integers, per tensor or per channel. NAME.weight has the codes, and
//     NAME.weight_scale has the shape [1] or [rows, 1]. With the asymmetric mapping,
//     NAME.weight_zero_point has the same shape as the scales. With the symmetric mapping, the
//     configuration asks for 8-bit activations with a scale for each token, because vLLM has no
//     kernel for other activations.
//   - pack-quantized: other integers of 2, 4 or 8 bits. NAME.weight_packed has rows of int32,
//     NAME.weight_shape has the shape, and NAME.weight_scale has the shape [rows, groups] or
//     [rows, 1]. Zero points are packed along the columns. A scale for the whole tensor is
//     repeated for each row, because loaders require that.
//   - float-quantized: 8-bit floats (E4M3FN), per tensor or per channel, with tensors like those
//     of int-quantized. The configuration asks for activations of 8-bit floats with a scale for
//     each token.
//   - mxfp8-quantized: 8-bit floats in groups of 32. NAME.weight_scale has the exponents of
//     scales that are powers of two.
//   - mxfp4-pack-quantized: 4-bit floats in groups of 32, with scales like mxfp8-quantized.
//     NAME.weight_packed has two codes in a byte, the first in the low half.
//   - nvfp4-pack-quantized: 4-bit floats in groups of 16. NAME.weight_scale has E4M3FN values,
//     which loaders divide by NAME.weight_global_scale. Layers that loaders join, such as q_proj,
//     k_proj and v_proj, share the global scale.
//
// If a plan uses several layouts, the format of the configuration is mixed-precision.
//
// Scales of integers are float32, whatever the type of the weights. The int8 kernels need that;
// other kernels round the scales when they load them. Rows are output channels. Groups are parts
// of a row, and the size of a group must divide the length of a row.
//
// Embeddings, output heads and routers are left unless Include or a plan has their full names. If
// out is a folder, the other files that loaders need are copied to it.
func Safetensors(ctx context.Context, in string, out *atomicfile.Set, o Options, p Progress) (*Result, error) {
	if err := o.checkSafetensors(); err != nil {
		return nil, err
	}
	c, err := openST(ctx, in, out, p)
	if err != nil {
		return nil, err
	}
	defer c.from.Close()
	if raw, there := c.config.values[quantConfig]; there && string(raw) != "null" {
		return nil, errors.New("the model is quantized already: its config.json has a quantization_config")
	}
	if err := errors.Join(o.selection().Check(c.names()), o.checkPlan(KindSafetensors, c.names(), func(i int) []int { return c.infos[i].Shape })); err != nil {
		return nil, err
	}
	o.setOtherNames(c.infos)
	c.measure, c.make, c.prepare = o.Measure, c.quantize, c.setGlobals
	integers := o.formatST()
	var ignore []string
	var groups schemeGroups
	for i, info := range c.infos {
		j := &c.jobs[i]
		if j.reason = o.reasonST(info); j.reason == "" {
			scheme, err := o.schemeST(info)
			if err != nil {
				return nil, inTensor(info.Name, err)
			}
			if err := j.planCodes(info, scheme, integers); err != nil {
				return nil, inTensor(info.Name, err)
			}
			if err := j.calibrated(&o, info); err != nil {
				return nil, inTensor(info.Name, err)
			}
			if err := j.setFit(&o, info); err != nil {
				return nil, inTensor(info.Name, err)
			}
			if j.inputs, err = o.importanceOf(info, j.known); err != nil {
				return nil, inTensor(info.Name, err)
			}
			after := int64(0)
			for _, t := range j.tensors() {
				after += t.bytes
			}
			if after >= info.Bytes && !o.selection().Spells(info.Name) {
				*j = stJob{file: j.file, reason: reasonLarger}
			} else {
				groups.add(j.format, argsOf(scheme, j.format), moduleOf(info.Name))
			}
		}
		if j.reason != "" {
			if j.reason != reasonLarger && o.spelling(info.Name).reasonST(info) == "" {
				c.result.Choosable = append(c.result.Choosable, info.Name)
			}
			j.copied = c.same(i)
			if isLayer(info.Name) && info.Floating && len(info.Shape) == 2 {
				ignore = append(ignore, moduleOf(info.Name))
			}
		}
	}
	r, err := c.run()
	if err != nil {
		return nil, err
	}
	if len(r.Weights) == 0 {
		return r, c.writeRest()
	}
	if err := errors.Join(o.checkCalibrated(r.Weights), o.checkFeedback(r.Weights)); err != nil {
		return nil, err
	}
	if err := o.checkImportance(r.Weights); err != nil {
		return nil, err
	}
	slices.Sort(ignore)
	err = c.config.set(quantConfig, compressedConfig{
		Method: compressedMethod, Format: groups.format(), Status: "compressed",
		Groups: groups.config(o.Plan != nil), Ignore: append([]string{}, ignore...),
	})
	return r, errors.Join(err, c.writeRest())
}

// checkSafetensors returns an error for options without a layout in compressed-tensors.
func (o *Options) checkSafetensors() error {
	switch {
	case o.Format == quant.Integers && o.Bits != 2 && o.Bits != 4 && o.Bits != 8:
		return fmt.Errorf("%d bits: compressed-tensors has 8, 4 and 2", o.Bits)
	case o.Unsigned:
		return errors.New("unsigned: codes of compressed-tensors are signed")
	case o.Axis != nil && *o.Axis != 0 && *o.Axis != -2:
		return fmt.Errorf("axis %d: compressed-tensors has output channels on axis 0", *o.Axis)
	}
	if o.Format != quant.Integers && o.Plan == nil {
		if _, err := floatLayout(o.rowScheme()); err != nil {
			return fmt.Errorf("%v: %w", o.rowScheme(), err)
		}
	}
	return o.Validate()
}

// schemeST returns the scheme of a weight.
func (o *Options) schemeST(t tensorfile.Info) (quant.Scheme, error) {
	if c, _ := o.planned(t.Name); c != nil {
		return c.plannedST(t)
	}
	return o.rowScheme(), nil
}

// formatST returns the layout of integer codes. It is int-quantized if all weights have 8 bits
// and no groups, and pack-quantized otherwise.
func (o *Options) formatST() string {
	if o.Plan == nil {
		if o.Bits == 8 && o.Granularity != option.PerGroup {
			return intQuantized
		}
		return packQuantized
	}
	for _, c := range o.Plan {
		if c.Scheme.Format != quant.Integers {
			continue
		}
		if _, grouped := c.Scheme.Granularity.GroupSize(); !c.Keep && (grouped || c.Scheme.Bits != 8) {
			return packQuantized
		}
	}
	return intQuantized
}

// reasonST is like reason, with the rules of the layout and its loaders.
func (o *Options) reasonST(t tensorfile.Info) string {
	if why := o.reason(t); why != "" {
		return why
	}
	switch {
	case !isLayer(t.Name) && !o.asked(t.Name) && !o.others().Picks(t.Name):
		return reasonName
	case len(t.Shape) != 2:
		return reasonMatrix
	case leftByLoaders(moduleOf(t.Name)) && !o.asked(t.Name):
		return reasonLoader
	case o.Plan == nil && o.Granularity == option.PerGroup && t.Shape[1]%o.GroupSize != 0:
		return fmt.Sprintf("its rows of %d are not whole groups of %d", t.Shape[1], o.GroupSize)
	}
	return ""
}

// setOtherNames sets otherNames to the patterns of Include that match no weight of a layer.
func (o *Options) setOtherNames(infos []tensorfile.Info) {
	o.otherNames = slices.DeleteFunc(slices.Clone(o.Include), func(p string) bool {
		return slices.ContainsFunc(infos, func(t tensorfile.Info) bool { return isLayer(t.Name) && option.Match(p, t.Name) })
	})
}

// others returns a selection of the patterns in otherNames. They select tensors that are not
// weights of layers.
func (o *Options) others() option.Selection {
	if len(o.otherNames) == 0 {
		return option.Selection{Exclude: []string{"*"}}
	}
	return option.Selection{Include: o.otherNames}
}

// leftByLoaders reports whether a layer is usually not linear, or computed in the model's own
// type by runtimes.
func leftByLoaders(module string) bool {
	last := module[strings.LastIndexByte(module, '.')+1:]
	switch last {
	case "lm_head", "wte", "wpe", "shared", "relative_attention_bias", "gate", "shared_expert_gate", "router":
		return true
	}
	return strings.Contains(module, "embed")
}

// planCodes plans the tensors for a weight. integers is the layout of integer codes.
func (j *stJob) planCodes(t tensorfile.Info, s quant.Scheme, integers string) (err error) {
	rows, cols := t.Shape[0], t.Shape[1]
	j.rows, j.cols, j.scheme, j.format = rows, cols, s, integers
	if s.Format != quant.Integers {
		if j.format, err = floatLayout(s); err == nil {
			j.planFloats(t.Name, rows, cols)
		}
		return err
	}
	j.packed = j.format == packQuantized
	params := []int{1}
	groupSize, grouped := s.Granularity.GroupSize()
	switch {
	case grouped:
		params = []int{rows, cols / groupSize}
	case j.packed || s.Granularity != quant.PerTensor:
		params = []int{rows, 1}
	}
	j.scale = newST(t.Name+"_scale", "F32", params...)
	asymmetric := s.Mapping == quant.Asymmetric
	if !j.packed {
		j.codes = newST(t.Name, "I8", rows, cols)
		if asymmetric {
			j.zero = newST(t.Name+"_zero_point", "I8", params...)
		}
		return nil
	}
	j.codes = newST(t.Name+"_packed", "I32", rows, words(cols, s.Bits))
	j.shape = newST(t.Name+"_shape", "I64", 2)
	if asymmetric {
		j.zero = newST(t.Name+"_zero_point", "I32", words(rows, s.Bits), params[1])
	}
	return nil
}

// calibrated uses the parameters of a calibration file, if it has some for t. They must have the
// scheme of the weight.
func (j *stJob) calibrated(o *Options, t tensorfile.Info) error {
	p, err := o.calibrated(t)
	if p == nil || err != nil {
		return err
	}
	want := p.Scheme
	want.Method, want.ZeroInRange = j.scheme.Method, j.scheme.ZeroInRange
	if want != j.scheme {
		return fmt.Errorf("it was calibrated for %s, and the model is to have %s", schemeText(p.Scheme), schemeText(j.scheme))
	}
	j.known = p
	return nil
}

// setFit sets how the codes of a weight are chosen.
func (j *stJob) setFit(o *Options, t tensorfile.Info) (err error) {
	if !o.fits() {
		return nil
	}
	if j.known != nil {
		j.nearest = reasonCalibrated
		return nil
	}
	form := moments.RowsForm(t.Shape)
	j.fit, j.nearest, err = o.fit(t.Name, &form, "", j.scheme)
	return err
}

func schemeText(s quant.Scheme) string {
	text := fmt.Sprintf("%d bits, %v, %v", s.Bits, s.Mapping, s.Granularity)
	if s.Unsigned {
		text += ", unsigned"
	}
	if s.NarrowRange {
		text += ", narrow range"
	}
	if s.Divisor != quant.FarEnd {
		text += fmt.Sprintf(", divisor %v", s.Divisor)
	}
	if s.SignedScale {
		text += ", signed scale"
	}
	if s.Scales != quant.Float32Scale {
		text += fmt.Sprintf(", scales %v", s.Scales)
	}
	return text
}

// quantize writes the codes of tensor i, and the tensors needed to read them.
func (c *stCopy) quantize(i int) (*Weight, error) {
	j, info := &c.jobs[i], c.infos[i]
	src, err := c.from.Source(i)
	if err != nil {
		return nil, err
	}
	counted := &countedSource{Source: src, left: c.reads(info), per: info.Bytes / elements(info.Shape), tick: c.tick}
	known := j.known
	if j.format == nvfp4Packed {
		p, err := c.nvfp4(i, src)
		if err != nil {
			return nil, err
		}
		known = &p
	}
	var p quant.Params
	var lost Measured
	if j.fit != nil {
		p, src, lost.Metrics, err = j.fit.run(c.ctx, counted, info.Shape, j.scheme, c.measure)
	} else {
		p, lost, err = calibrate(c.ctx, counted, info.Shape, j.scheme, known, j.inputs, c.measure)
	}
	if err != nil {
		return nil, err
	}
	counted.rest()
	w := &Weight{Name: info.Name, Shape: info.Shape, Axis: -1, Type: typeOf(j.scheme),
		Scheme: j.schemeOf(p), Calibrated: j.known != nil, Important: j.inputs != nil, Before: info.Bytes, Measured: lost,
		Feedback: j.fit != nil && j.fit.inputs != nil, Nearest: j.nearest}
	if axis, ok := j.scheme.Granularity.Axis(); ok {
		w.Axis = axis
	}
	for _, t := range j.tensors() {
		w.After += t.bytes
	}
	if err := c.writeParams(i, p); err != nil {
		return nil, err
	}
	if err := j.file.at(j.codes); err != nil {
		return nil, err
	}
	size := info.Bytes / elements(info.Shape)
	tick := func(n int) { c.tick(int64(n) * size) }
	if j.packed {
		return w, writePacked(c.ctx, j.file, src, info.Shape, p, tick)
	}
	return w, writeCodes(c.ctx, j.file, src, info.Shape, p, p.Scheme.Bits, tick)
}

// schemeOf returns the scheme of a weight for the report. For NVFP4 the scheme of p does not have
// the format of the scales.
func (j *stJob) schemeOf(p quant.Params) quant.Scheme {
	if j.format == nvfp4Packed {
		return j.scheme
	}
	return p.Scheme
}

// writeParams writes the scales, zero points and shape of tensor i.
func (c *stCopy) writeParams(i int, p quant.Params) error {
	j := &c.jobs[i]
	if p.Scheme.Format != quant.Integers {
		return c.writeFloatParams(i, p)
	}
	scale, zero := p.Scale, p.ZeroPoint
	if n := int(elements(j.scale.shape)); len(scale) < n { // repeat a single scale for all rows
		scale, zero = slices.Repeat(scale, n), slices.Repeat(zero, n)
	}
	if err := j.put(j.scale, scale); err != nil {
		return err
	}
	if j.shape != nil {
		shape := []int64{int64(j.rows), int64(j.cols)}
		if err := j.put(j.shape, shape); err != nil {
			return err
		}
	}
	switch {
	case j.zero == nil:
		return nil
	case j.packed:
		p.ZeroPoint = zero
		packed := packColumns(offsetCodes(p).ZeroPoint, j.rows, j.zero.shape[1], p.Scheme.Bits)
		return j.put(j.zero, packed)
	}
	codes := make([]int8, len(zero))
	for i, z := range zero {
		codes[i] = int8(z)
	}
	return j.put(j.zero, codes)
}
