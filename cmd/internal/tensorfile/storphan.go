package tensorfile

import (
	"fmt"
	"slices"
	"strings"
)

// scaleSuffixes are the ends of names that only scales of codes have.
var scaleSuffixes = []string{"_scale_inv", ".weight_scale", "._weight_scale", ".scale_weight", "._scale", ".absmax", ".nested_absmax", ".SCB"}

// paramNames are names of the parameters of codes in layouts that are not read, such as those of
// HQQ, Marlin and AQLM. Layers without codes have such names too.
var paramNames = []string{"scale", "scales", "s", "zero", "zeros", "zero_point", "zero_points", "biases", "codebook", "codebooks", "lut"}

// markParts marks what no weight was joined with. Small floats beside scales in an unknown layout
// are not read, because their values without the scales are wrong. Scales without codes are no
// weights.
func (j *joiner) markParts() {
	modules := make(map[string][]int) // indices of tensors by the name before the last dot
	for i, e := range j.f.entries {
		m, _ := moduleOf(e.Name)
		modules[m] = append(modules[m], i)
	}
	for i := range j.f.entries {
		e := &j.f.entries[i]
		if e.free() && smallTables[e.DType] != nil && e.DType != "F8_E8M0" && len(e.Shape) > 1 {
			m, _ := moduleOf(e.Name)
			j.markSmall(e, slices.Concat(modules[m], modules[e.Name])) // the latter has names such as weight.scale
		}
	}
	for i := range j.f.entries {
		e := &j.f.entries[i]
		if !e.free() || !e.Floating {
			continue
		}
		m, last := moduleOf(e.Name)
		switch {
		case e.DType == "F8_E8M0":
			e.Left = "powers of two, which are scales by their type"
		case slices.ContainsFunc(scaleSuffixes, func(s string) bool { return strings.HasSuffix("."+e.Name, s) }):
			e.Left = "scales by their name, of no weight that is read"
		case slices.Contains(paramNames, last):
			if codes := j.codesIn(modules[m]); codes != "" {
				e.Left = fmt.Sprintf("beside %s, codes in a layout that is not read", codes)
			}
		}
	}
}

// free reports whether e is neither a joined weight nor a part of one.
func (e *entry) free() bool {
	return e.stored == nil && e.PartOf == "" && e.Left == "" && e.Unread == ""
}

// moduleOf returns the name of the layer that a tensor is in, and its name in that layer.
func moduleOf(name string) (module, last string) {
	at := strings.LastIndexByte(name, '.')
	return name[:max(at, 0)], name[at+1:]
}

// markSmall marks small floats e as codes if one of the given tensors can be their scales.
func (j *joiner) markSmall(e *entry, others []int) {
	for _, i := range others {
		s := &j.f.entries[i]
		_, last := moduleOf(s.Name)
		if s == e || !s.free() || s.DType == e.DType || !s.Floating && s.DType != "U8" || !strings.Contains(last, "scale") ||
			slices.ContainsFunc([]string{"input", "output", "act", "q_scale", "k_scale", "v_scale"}, func(w string) bool { return strings.Contains(last, w) }) {
			continue
		}
		e.Floating, e.open = false, nil
		e.Unread = fmt.Sprintf("codes beside %s, which may be scales in a layout that is not read", quote(s.Name))
		s.PartOf, s.Left = e.Name, "beside "+e.Name+", codes in a layout that is not read"
		return
	}
}

// codesIn returns the name of the first of the given tensors that is a matrix of integers and
// part of no weight, or "".
func (j *joiner) codesIn(tensors []int) string {
	for _, i := range tensors {
		e := &j.f.entries[i]
		if e.free() && !e.Floating && len(e.Shape) > 1 && slices.Contains([]string{"I8", "U8", "I16", "U16", "I32", "U32"}, e.DType) {
			return e.Name
		}
	}
	return ""
}
