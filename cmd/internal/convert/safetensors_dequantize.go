package convert

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/internal/exact"
)

const (
	packedSuffix = "_packed"
	reasonFloats = "not quantized"
	marker8      = "scaled_fp8" // the tensor by which ComfyUI knows models of 8-bit floats with scales
)

// DequantizeSafetensors converts the quantized weights of a model in safetensors files to
// float32. It reads the layouts int-quantized and pack-quantized of compressed-tensors, all
// layouts that package tensorfile reads, and floating-point numbers of at most 8 bits. Only Include and Exclude of o matter; their names are
// those of the original model: NAME.weight.
func DequantizeSafetensors(ctx context.Context, in string, out *atomicfile.Set, o Options, p Progress) (*Result, error) {
	c, err := openST(ctx, in, out, p)
	if err != nil {
		return nil, err
	}
	defer c.from.Close()
	d := &stDecoder{stCopy: c, index: make(map[string]int), weights: c.from.Tensors()}
	known, err := c.config.compressed()
	if err != nil && !slices.ContainsFunc(d.weights, func(t tensorfile.Info) bool { return t.Layout != "" }) {
		return nil, err
	}
	d.args, d.foreign = known, err != nil
	for i, info := range c.infos {
		d.index[info.Name] = i
	}
	var names []string
	var back []string // layers that are dequantized
	left := false
	for i, info := range c.infos {
		base, quantized := d.quantized(i)
		names = append(names, base)
		if !quantized || c.jobs[i].part {
			continue
		}
		if c.jobs[i].reason = o.reasonByName(base); c.jobs[i].reason != "" {
			left = true
			continue
		}
		plan := d.plan
		if d.joined(i) {
			plan = d.planJoined
		}
		if err := plan(i, base); err != nil {
			return nil, inTensor(info.Name, err)
		}
		back = append(back, moduleOf(base))
	}
	if err := o.selection().Check(names); err != nil {
		return nil, err
	}
	if len(back) == 0 && !left {
		return nil, errors.New("there are no quantized weights in a layout that is read")
	}
	if left && d.foreign {
		return nil, errors.New("its config.json cannot say that a part of the weights is quantized: turn all of them back")
	}
	for i := range c.jobs {
		j := &c.jobs[i]
		if j.floats == nil && !j.part {
			j.copied = c.same(i)
			if j.reason == "" {
				j.reason = reasonFloats
			}
		}
	}
	c.make = d.decode
	r, err := c.run()
	if err != nil {
		return nil, err
	}
	if left && d.args != nil {
		err = c.config.ignore(back)
	} else if !left {
		err = errors.Join(c.config.set(quantConfig, nil), c.config.set("quantization", nil)) // "quantization" is the key of MLX
	}
	return r, errors.Join(err, c.writeRest())
}

// An stDecoder finds the quantized weights of a model.
type stDecoder struct {
	*stCopy
	args  *compressedArgs // arguments of all weights; nil if unknown
	index map[string]int  // index of tensors by name

	weights []tensorfile.Info // weights that the tensors stand for, in order
	foreign bool              // the configuration is not for compressed-tensors
}

// joined reports whether package tensorfile decodes tensor i: small floats, or the codes of a weight
// that it combines from several tensors, in a layout that quant quantize does not write.
func (d *stDecoder) joined(i int) bool {
	t := d.infos[i]
	if d.weights[i].Layout == "" {
		return d.smallFloats(i)
	}
	name, packed := strings.CutSuffix(t.Name, packedSuffix)
	_, scaled := d.index[name+"_scale"]
	_, ordered := d.index[name+"_g_idx"]
	own := scaled && !ordered && len(t.Shape) == 2 && (packed && t.DType == "I32" || !packed && t.DType == "I8")
	return !own || d.foreign
}

// smallFloats reports whether tensor i has floating-point numbers of at most 8 bits, without
// scales. The marker of ComfyUI is no such tensor.
func (d *stDecoder) smallFloats(i int) bool {
	t := d.weights[i]
	small := strings.HasPrefix(t.DType, "F8_") || strings.HasPrefix(t.DType, "F6_") || t.DType == "F4"
	return small && t.Floating && t.PartOf == "" && t.Left == "" && elements(t.Shape) > 0 && t.Name != marker8
}

// planJoined is like plan, for a weight that package tensorfile combines.
func (d *stDecoder) planJoined(i int, name string) error {
	j, t := &d.jobs[i], d.weights[i]
	if elements(t.Shape) == 0 {
		return errors.New("no elements")
	}
	for k, part := range d.weights {
		if part.PartOf == t.Name {
			d.jobs[k].part = true
		}
	}
	// The marker must go: ComfyUI takes a model with this tensor for one of 8-bit floats.
	if marker, there := d.index[marker8]; there {
		d.jobs[marker].part = true
	}
	j.floats, j.joined = newST(name, "F32", t.Shape...), true
	return nil
}

// decodeJoined writes a weight that package tensorfile combines as float32.
func (d *stDecoder) decodeJoined(i int) (*Weight, error) {
	j, t := &d.jobs[i], d.weights[i]
	w := &Weight{Name: t.Name, Shape: t.Shape, Axis: -1, Type: j.floats.dtype, Before: d.infos[i].Bytes, After: j.floats.bytes}
	for _, part := range d.weights {
		if part.PartOf == t.Name {
			w.Before += part.Bytes
		}
	}
	src, err := d.from.Source(i)
	if err != nil {
		return nil, err
	}
	if err := j.file.at(j.floats); err != nil {
		return nil, err
	}
	n, bytes := elements(t.Shape), d.infos[i].Bytes
	return w, writeFloats(d.ctx, j.file, src, t.Shape, func(k int) { d.tick(int64(k) * bytes / n) })
}

// quantized reports whether tensor i has the codes of a weight, and returns the name of the
// weight.
func (d *stDecoder) quantized(i int) (name string, ok bool) {
	if d.joined(i) {
		return d.weights[i].Name, true
	}
	t := d.infos[i]
	name, packed := strings.CutSuffix(t.Name, packedSuffix)
	if _, ok = d.index[name+"_scale"]; !ok {
		return t.Name, false
	}
	if packed {
		return name, t.DType == "I32" && len(t.Shape) == 2
	}
	return name, t.DType == "I8" && len(t.Shape) == 2
}

// part returns the tensor of a weight with a suffix, or nil.
func (d *stDecoder) part(name, suffix string) (i int, info *tensorfile.Info) {
	i, there := d.index[name+suffix]
	if !there {
		return -1, nil
	}
	return i, &d.infos[i]
}

// plan checks the tensors of a weight and plans the result. Tensor i has the codes.
func (d *stDecoder) plan(i int, name string) error {
	j, t := &d.jobs[i], d.infos[i]
	j.packed = t.Name != name
	j.rows, j.cols = t.Shape[0], t.Shape[1]
	bits := 8
	if _, order := d.part(name, "_g_idx"); order != nil {
		return errors.New("groups in the order of activations (weight_g_idx) are not read")
	}
	if j.packed {
		at, shape := d.part(name, "_shape")
		if shape == nil || shape.DType != "I64" || elements(shape.Shape) != 2 {
			return errors.New("no weight_shape of two I64")
		}
		var dims [2]int64
		if err := binary.Read(d.from.Raw(at), binary.LittleEndian, &dims); err != nil {
			return err
		}
		// A code has at least two bits.
		if dims[0] != int64(j.rows) || dims[1] < 0 || dims[1] > int64(j.cols)*16 {
			return fmt.Errorf("weight_shape %v does not go with %d rows of %d words", dims, j.rows, j.cols)
		}
		packed := j.cols
		j.cols = int(dims[1])
		var err error
		if bits, err = d.bits(j.cols, packed); err != nil {
			return err
		}
		d.jobs[at].part = true
	}
	if j.rows == 0 || j.cols == 0 {
		return errors.New("no elements")
	}
	at, scale := d.part(name, "_scale")
	by, err := d.granularity(j, scale)
	if err != nil {
		return err
	}
	d.jobs[at].part = true
	j.scheme = quant.Scheme{Bits: bits, Mapping: quant.Symmetric, Granularity: by}
	if at, zero := d.part(name, "_zero_point"); zero != nil {
		groups := int(elements(scale.Shape)) / j.rows // of a row
		packed := zero.DType == "I32" && slices.Equal(zero.Shape, []int{words(j.rows, bits), groups}) && j.packed && by != quant.PerTensor
		if plain := zero.DType == "I8" && elements(zero.Shape) == elements(scale.Shape); !packed && !plain {
			return fmt.Errorf("weight_zero_point is %s of shape %v", zero.DType, zero.Shape)
		}
		j.scheme.Mapping = quant.Asymmetric
		d.jobs[at].part = true
	}
	j.floats = newST(name, "F32", j.rows, j.cols)
	return nil
}

// bits returns the bit width of cols codes that are packed into the given number of words.
func (d *stDecoder) bits(cols, packed int) (int, error) {
	var fit []int
	for _, bits := range []int{2, 4, 8} {
		if words(cols, bits) == packed {
			fit = append(fit, bits)
		}
	}
	switch {
	case d.args != nil && slices.Contains(fit, d.args.Bits):
		return d.args.Bits, nil
	case d.args == nil && len(fit) == 1:
		return fit[0], nil
	case d.args != nil:
		return 0, fmt.Errorf("%d codes of %d bits are not in %d words, or are of a width that is not read", cols, d.args.Bits, packed)
	}
	return 0, fmt.Errorf("the width of %d codes in %d words is not known", cols, packed)
}

// granularity returns the granularity of scales by their number.
func (d *stDecoder) granularity(j *stJob, scale *tensorfile.Info) (quant.Granularity, error) {
	n, s := elements(scale.Shape), scale.Shape
	switch {
	case !scale.Floating:
		return quant.PerTensor, fmt.Errorf("weight_scale is %s", scale.DType)
	case n == 1 && len(s) < 2:
		return quant.PerTensor, nil
	case n == int64(j.rows) && (len(s) == 1 || s[len(s)-1] == 1):
		return quant.PerChannel(0), nil
	case len(s) == 2 && s[0] == j.rows && s[1] > 0:
		if d.args != nil && d.args.GroupSize > 0 && exact.Parts(j.cols, d.args.GroupSize) == s[1] {
			return quant.PerGroup(1, d.args.GroupSize), nil
		}
		if j.cols%s[1] == 0 {
			return quant.PerGroup(1, j.cols/s[1]), nil
		}
	}
	return quant.PerTensor, fmt.Errorf("weight_scale of shape %v does not go with %d×%d", s, j.rows, j.cols)
}

// decode writes a weight as float32. Tensor i has its codes.
func (d *stDecoder) decode(i int) (*Weight, error) {
	j, t := &d.jobs[i], d.infos[i]
	if j.joined {
		return d.decodeJoined(i)
	}
	name := j.floats.name
	at, scale := d.part(name, "_scale")
	w := &Weight{Name: name, Shape: j.floats.shape, Axis: -1, Type: j.floats.dtype,
		Scheme: j.scheme, Before: t.Bytes + scale.Bytes, After: j.floats.bytes}
	if axis, ok := j.scheme.Granularity.Axis(); ok {
		w.Axis = axis
	}
	p := quant.Params{Scheme: j.scheme}
	var err error
	if p.Scale, err = d.from.Load(at); err != nil {
		return nil, err
	}
	p.Scheme = signedScheme(p.Scheme, p.Scale)
	w.Scheme = p.Scheme
	p.ZeroPoint = make([]int32, len(p.Scale))
	if at, zero := d.part(name, "_zero_point"); zero != nil {
		raw := make([]byte, zero.Bytes)
		if _, err := io.ReadFull(d.from.Raw(at), raw); err != nil {
			return nil, err
		}
		w.Before += zero.Bytes
		if zero.DType == "I32" {
			half := int32(1) << (j.scheme.Bits - 1)
			for k, z := range unpackColumns(raw, j.rows, zero.Shape[1], j.scheme.Bits) {
				p.ZeroPoint[k] = z - half
			}
		} else {
			for k, z := range raw {
				p.ZeroPoint[k] = int32(int8(z))
			}
		}
	}
	var src quant.Source = &codeSource{r: d.from.Raw(i), width: 8, shape: j.floats.shape, params: p}
	if j.packed {
		src = &packedSource{r: d.from.Raw(i), shape: j.floats.shape, params: offsetCodes(p)}
	}
	if err := j.file.at(j.floats); err != nil {
		return nil, err
	}
	tick := func(n int) { d.tick(int64(n) * t.Bytes / int64(j.rows*j.cols)) }
	return w, writeFloats(d.ctx, j.file, src, j.floats.shape, tick)
}
