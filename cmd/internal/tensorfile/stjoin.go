package tensorfile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/a01592f9/quant"
)

// joinParts joins the tensors of f that form a weight. dir is the folder with the
// configuration, or "".
func (f *File) joinParts(dir string) {
	j := &joiner{f: f, index: make(map[string]int, len(f.entries))}
	for i, e := range f.entries {
		j.index[e.Name] = i
		j.bnb = j.bnb || strings.Contains(e.Name, bnbState)
	}
	for i := range f.entries {
		if f.entries[i].PartOf != "" || f.entries[i].stored != nil {
			continue
		}
		if join := j.layout(i); join != nil {
			if j.config == nil { // only models with quantized weights need the configuration
				if j.config = f.config; j.config == nil {
					j.config = readSTConfig(dir)
				}
			}
			if err := join(i); err != nil {
				f.entries[i].Floating, f.entries[i].open, f.entries[i].Unread = false, nil, err.Error()
				j.leave(f.entries[i].Name)
			}
		}
	}
	j.markParts()
}

// layout returns the function that joins the weight with the codes tensor i, or nil if tensor i
// is not such codes.
func (j *joiner) layout(i int) func(i int) error {
	e := &j.f.entries[i]
	base, isWeight := strings.CutSuffix(e.Name, ".weight")
	switch {
	case e.elements == 0:
	case strings.HasSuffix(e.Name, ".qweight") && e.DType == "I32":
		return j.joinWords
	case e.DType == "U32" && isWeight && j.has(base+".scales") && j.has(base+".biases"):
		return j.joinMLX
	case j.bnb && j.has(e.Name+bnbState+"nf4") || j.bnb && j.has(e.Name+bnbState+"fp4"):
		return j.joinBlockwise
	case strings.HasSuffix(e.Name, "_packed") && j.has(strings.TrimSuffix(e.Name, "_packed")+"_scale"):
		return j.joinPacked
	case strings.HasSuffix(e.Name, "_blocks") && e.DType == "U8" && j.has(strings.TrimSuffix(e.Name, "_blocks")+"_scales"):
		return j.joinMX
	case e.DType == "U8" && j.has(e.Name+"_scale") && j.has(e.Name+"_scale_2"):
		return j.joinPacked
	case e.DType == "I8" && isWeight && j.has(base+".SCB"):
		return j.joinScaled
	case (e.DType == "I8" || smallTables[e.DType] != nil) && j.scaleOf(e.Name, e.DType) != "":
		return j.joinScaled
	}
	return nil
}

// joinScaled joins codes of at most 8 bits with scales of the tensor, of channels, of groups or
// of blocks.
func (j *joiner) joinScaled(i int) error {
	e := &j.f.entries[i]
	name := strings.TrimSuffix(e.Name, "._data")
	scale := j.entry(j.scaleOf(e.Name, e.DType))
	preferred := j.config.blockSize()
	if len(preferred) == 0 && strings.HasSuffix(scale.Name, "_scale_inv") {
		preferred = []int{128, 128}
	}
	shape, block, err := matchBlocks(e.Shape, scale.Shape, preferred)
	if err != nil {
		return fmt.Errorf("%s: %w", quote(scale.Name), err)
	}
	var zero *entry
	if e.DType == "I8" {
		zero = j.entry(e.Name + "_zero_point")
	}
	if zero != nil && (zero.DType != "I8" || !slices.Equal(zero.Shape, scale.Shape)) {
		return fmt.Errorf("%s is %s of shape %v, which does not go with scales of shape %v", quote(zero.Name), zero.DType, zero.Shape, scale.Shape)
	}
	isSCB := strings.HasSuffix(scale.Name, ".SCB")
	source, bits := j.codes(i)
	w := weight{name: name, dtype: e.DType, shape: e.Shape, layout: fmt.Sprintf("%d-bit %s with a scale for %s", bits, kindOf(e.DType), blockText(e.Shape, block))}
	w.open = func() (quant.Source, error) {
		src, err := scale.values()
		if err == nil && isSCB { // in LLM.int8 they are the largest magnitudes of rows
			src = mapped{src, func(x float32) float32 { return x / 127 }}
		}
		if err == nil {
			src, err = keep(src, scale.elements)
		}
		if err != nil {
			return nil, fmt.Errorf("scale: %w", err)
		}
		s := &scaled{codes: source, shape: w.shape, scale: newBlockParams(src, shape, block)}
		if zero != nil {
			src, err := keep(zero.coded(zero.elements, 8, int8Table), zero.elements)
			if err != nil {
				return nil, fmt.Errorf("zero point: %w", err)
			}
			p := newBlockParams(src, shape, block)
			s.zero = &p
		}
		return s, nil
	}
	base := strings.TrimSuffix(name, ".weight")
	parts := map[string]string{scale.Name: "scale", base + ".input_scale": "scale of the inputs", base + ".scale_input": "scale of the inputs",
		base + ".output_scale": "scale of the outputs", base + ".weight_format": "format", base + ".comfy_quant": "format"}
	if zero != nil {
		parts[zero.Name] = "zero point"
	}
	return j.join(i, w, parts)
}
