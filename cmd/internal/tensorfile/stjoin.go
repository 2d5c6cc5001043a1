package tensorfile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/a01592f9/quant"
)

// A joiner finds the tensors of a safetensors model that are one weight
// together, such as codes and their scales. A weight is listed in the place of
// its codes, with the values that these stand for; its other tensors are listed
// as parts of it.
type joiner struct {
	f      *File
	index  map[string]int
	config *stConfig
	bnb    bool // there are weights of bitsandbytes
}

// joinParts joins the tensors of f. The configuration is looked for in the
// folder dir, unless that is "".
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
			if j.config == nil { // it takes no time where nothing is quantized
				j.config = readSTConfig(dir)
			}
			if err := join(i); err != nil {
				f.entries[i].Floating, f.entries[i].open, f.entries[i].Unread = false, nil, err.Error()
				j.leave(f.entries[i].Name)
			}
		}
	}
}

// partSuffixes are what names of parts have behind the name of the codes, and
// behind what is left of that without codeSuffixes.
var (
	partSuffixes = []string{
		"_scale_inv", "_scale", "_scale_2", "_scales", "_global_scale", "_zero_point", "_shape", "_g_idx",
		".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map", bnbState + "nf4", bnbState + "fp4",
		".scale_weight", ".SCB", ".scale", ".scales", ".biases", ".qzeros", ".g_idx", "._scale",
	}
	codeSuffixes = []string{".weight", ".qweight", "_packed", "_blocks", "._data"}
)

// leave lists the parts of a weight that cannot be read as such, so that
// nobody takes them for weights.
func (j *joiner) leave(codes string) {
	bases := []string{codes}
	for _, suffix := range codeSuffixes {
		if base, ok := strings.CutSuffix(codes, suffix); ok {
			bases = append(bases, base)
		}
	}
	for _, base := range bases {
		for _, suffix := range partSuffixes {
			if part := j.entry(base + suffix); part != nil && part.stored == nil && base+suffix != codes {
				part.PartOf, part.Left = codes, "part of "+codes
			}
		}
	}
}

// layout returns what joins the parts of the weight whose codes are tensor i;
// nil if there are none.
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

func (j *joiner) has(name string) bool {
	_, ok := j.index[name]
	return ok
}

// entry returns a tensor by its name, or nil.
func (j *joiner) entry(name string) *entry {
	if i, ok := j.index[name]; ok {
		return &j.f.entries[i]
	}
	return nil
}

// scaleOf returns the name of the tensor that holds the scales of a weight, or
// "".
func (j *joiner) scaleOf(name, dtype string) string {
	names := []string{name + "_scale_inv", name + "_scale"}
	if base, ok := strings.CutSuffix(name, ".weight"); ok {
		names = append(names, base+".scale_weight")
		if dtype == "I8" {
			names = append(names, base+".SCB")
		} else {
			names = append(names, base+".scale")
		}
	}
	if base, ok := strings.CutSuffix(name, "._data"); ok {
		names = append(names, base+"._scale")
	}
	for _, n := range names {
		if e := j.entry(n); e != nil && e.Name != name {
			return n
		}
	}
	return ""
}

// A weight is what the joined tensors stand for.
type weight struct {
	name, dtype, layout string
	shape               []int
	open                func() (quant.Source, error)
}

// join lists a weight in place of its codes, tensor i, and other tensors as
// its parts. Those that do not exist are left out.
func (j *joiner) join(i int, w weight, parts map[string]string) error {
	e := &j.f.entries[i]
	n, err := elements(w.shape)
	if err != nil {
		return err
	}
	stored := e.Info
	stored.Floating, stored.Left, stored.Unread = false, "quantized already", "codes of "+w.layout
	e.stored = &stored
	e.Name, e.DType, e.Shape, e.Layout = w.name, w.dtype, w.shape, w.layout
	e.Floating, e.Offset, e.elements, e.open = true, -1, n, w.open
	for name, what := range parts {
		if part := j.entry(name); part != nil {
			part.PartOf, part.Left = w.name, what+" of "+w.name
		}
	}
	return nil
}

// codes returns a Source of the codes of a small type that tensor i holds.
func (j *joiner) codes(i int) (quant.Source, int) {
	e := &j.f.entries[i]
	table, bits := smallTables[e.DType], smallFloats[e.DType].bits()
	if e.DType == "I8" {
		table, bits = int8Table, 8
	}
	return e.coded(e.elements, bits, table), bits
}

// coded returns a Source of n codes that a tensor holds, the first in the
// lowest bits of its first byte.
func (e *entry) coded(n, bits int, table []float32) *coded {
	r, start, _ := e.raw.Outer()
	return &coded{r: r, start: start, n: n, bits: bits, table: table}
}

// values returns a Source of a tensor of parameters, with U8 as exponents of
// two, which is how MX formats store scales.
func (e *entry) values() (quant.Source, error) {
	switch {
	case e.DType == "U8":
		return e.coded(e.elements, 8, smallTables["F8_E8M0"]), nil
	case e.open == nil:
		return nil, fmt.Errorf("%s is %s, not floating-point numbers", quote(e.Name), e.DType)
	}
	return e.open()
}

// smallParams is how many parameters are kept in memory while a weight is read.
// Of more, those of the rows at hand are read. Tests lower it.
var smallParams = 1 << 20

// keep returns a Source of n values in memory, if they are few.
func keep(src quant.Source, n int) (quant.Source, error) {
	if n > smallParams {
		return src, nil
	}
	data := make([]float32, n)
	err := src.ReadFloats(data, 0)
	return floats(data), err
}

// joinScaled joins codes of 8 bits or fewer that each stand for a number, and
// scales of the tensor, of channels, of groups or of blocks.
func (j *joiner) joinScaled(i int) error {
	e := &j.f.entries[i]
	name := strings.TrimSuffix(e.Name, "._data")
	scale := j.entry(j.scaleOf(e.Name, e.DType))
	preferred := j.config.BlockSize
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
		if err == nil && isSCB { // the largest magnitudes of rows, of LLM.int8
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

func kindOf(dtype string) string {
	if dtype == "I8" {
		return "integers"
	}
	return "floats (" + dtype + ")"
}

// blockText says what shares a scale.
func blockText(shape, block []int) string {
	whole := func(axis int) bool { return block[axis] >= shape[axis] }
	axes := len(shape)
	first := 0
	for first < axes && block[first] == 1 && shape[first] != 1 {
		first++
	}
	rest := 0
	for axis := first; axis < axes; axis++ {
		if whole(axis) {
			rest++
		}
	}
	switch {
	case rest == axes:
		return "the tensor"
	case first == 1 && rest == axes-1:
		return "each channel"
	case first == axes-1:
		return fmt.Sprintf("each group of %d", block[axes-1])
	}
	return fmt.Sprintf("each block of %s", strings.Trim(strings.ReplaceAll(fmt.Sprint(block), " ", "×"), "[]"))
}
