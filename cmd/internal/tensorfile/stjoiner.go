package tensorfile

import (
	"fmt"
	"strings"

	"github.com/a01592f9/quant"
)

// Functions for all layouts of joined weights.

// A joiner finds the tensors of a safetensors model that together form a weight, such as codes
// and their scales. The weight is listed in the place of its codes, with their values. Its
// other tensors are listed as parts of it.
type joiner struct {
	f      *File
	index  map[string]int
	config *stConfig
	bnb    bool // whether there are weights of bitsandbytes
}

// leave lists the parts of a weight that cannot be read, so that they are not taken for
// weights.
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

func (j *joiner) has(name string) bool {
	_, ok := j.index[name]
	return ok
}

// entry returns the tensor with the given name, or nil.
func (j *joiner) entry(name string) *entry {
	if i, ok := j.index[name]; ok {
		return &j.f.entries[i]
	}
	return nil
}

// scaleOf returns the name of the tensor with the scales of a weight, or "".
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

// A weight is the result of joining tensors.
type weight struct {
	name, dtype, layout string
	shape               []int
	open                func() (quant.Source, error)
}

// join replaces the codes, tensor i, by the weight, and lists the other tensors as its parts.
// It ignores parts that do not exist.
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

// codes returns a Source of the values of the codes in tensor i, which has a small type.
func (j *joiner) codes(i int) (quant.Source, int) {
	e := &j.f.entries[i]
	table, bits := smallTables[e.DType], smallFloats[e.DType].bits()
	if e.DType == "I8" {
		table, bits = int8Table, 8
	}
	return e.coded(e.elements, bits, table), bits
}

// values returns a Source of a tensor of parameters. U8 is read as exponents of two, as MX
// formats store scales.
func (e *entry) values() (quant.Source, error) {
	switch {
	case e.DType == "U8":
		return e.coded(e.elements, 8, smallTables["F8_E8M0"]), nil
	case e.open == nil:
		return nil, fmt.Errorf("%s is %s, not floating-point numbers", quote(e.Name), e.DType)
	}
	return e.open()
}

// smallParams is the largest number of parameters that stay in memory while a weight is read.
// Larger tensors of parameters are read again for each part. Tests lower it.
var smallParams = 1 << 20

// keep returns a Source in memory of n values, if they are at most smallParams.
func keep(src quant.Source, n int) (quant.Source, error) {
	if n > smallParams {
		return src, nil
	}
	data := make([]float32, n)
	err := src.ReadFloats(data, 0)
	return floats(data), err
}

func kindOf(dtype string) string {
	if dtype == "I8" {
		return "integers"
	}
	return "floats (" + dtype + ")"
}

// blockText describes the elements that share a scale.
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

// partSuffixes are the suffixes of the names of parts. They follow the name of the codes, with
// or without one of codeSuffixes.
var (
	partSuffixes = []string{
		"_scale_inv", "_scale", "_scale_2", "_scales", "_global_scale", "_zero_point", "_shape", "_g_idx",
		".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map", bnbState + "nf4", bnbState + "fp4",
		".scale_weight", ".SCB", ".scale", ".scales", ".biases", ".qzeros", ".g_idx", "._scale",
	}
	codeSuffixes = []string{".weight", ".qweight", "_packed", "_blocks", "._data"}
)

const bnbState = ".quant_state.bitsandbytes__"
