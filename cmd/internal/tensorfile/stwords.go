package tensorfile

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/a01592f9/quant"
)

// joinWords joins the tensors of a linear layer in the layout of AutoGPTQ or AutoAWQ: qweight,
// the codes in words of 32 bits; qzeros, the zero points in such words; scales, of the shape
// [groups, outputs]; and g_idx, the group of each input. They hold the matrix with the inputs
// on the first axis. The joined weight has the shape [outputs, inputs] of the layer. Its values
// are (code - zero) · scale.
//
//   - GPTQ packs codes of consecutive inputs into a word, from the lowest bits on.
//     Codes of 3 bits can continue in the next word. Zero points are packed by
//     outputs. Version 1 stores them minus 1. Some files of version 2 say that they
//     are of version 1. If all zero points, as stored, are the middle of the codes,
//     which is so for symmetric weights, they are read as those of version 2.
//   - AWQ packs 8 outputs into a word, with the first, third, fifth and seventh
//     output first. Its zero points are stored unchanged.
func (j *joiner) joinWords(i int) error {
	e := &j.f.entries[i]
	base := strings.TrimSuffix(e.Name, ".qweight")
	zero, scale, order := j.entry(base+".qzeros"), j.entry(base+".scales"), j.entry(base+".g_idx")
	switch {
	case j.has(base + ".weight"):
		return fmt.Errorf("there is a %s too", quote(base+".weight"))
	case scale == nil || !scale.Floating || len(scale.Shape) != 2 || len(e.Shape) != 2 || scale.elements == 0:
		return fmt.Errorf("there is no matrix of scales, %s", quote(base+".scales"))
	case zero == nil || zero.DType != "I32" || len(zero.Shape) != 2 || zero.Shape[0] != scale.Shape[0]:
		return fmt.Errorf("there is no %s with zero points of %d groups", quote(base+".qzeros"), scale.Shape[0])
	}
	if version, ok := j.config.Version.(string); ok && j.config.Method == "awq" && !strings.EqualFold(version, "gemm") {
		return fmt.Errorf("AWQ of version %s is not read, only gemm", quote(version))
	}
	g := &wordMatrix{codes: e, groups: scale.Shape[0], outputs: scale.Shape[1]}
	var err error
	if g.awq = e.Shape[1] != g.outputs; g.awq {
		err = g.layoutAWQ(zero)
	} else {
		err = g.layoutGPTQ(zero, j.config.Format != "gptq_v2")
		if err == nil && g.less == 1 && g.wholeZeros(zero) {
			g.less = 0
		}
	}
	if err != nil {
		return err
	}
	name := map[bool]string{false: "GPTQ", true: "AWQ"}[g.awq]
	w := weight{name: base + ".weight", dtype: fmt.Sprintf("%s-%d", name, g.bits), shape: []int{g.outputs, g.inputs}}
	size := (g.inputs + g.groups - 1) / g.groups
	w.layout = fmt.Sprintf("%s: %d-bit integers with a scale and a zero point for each group of %d", name, g.bits, size)
	if !g.awq && g.less == 1 {
		w.layout += ", zero points stored less 1"
	}
	w.open = func() (quant.Source, error) {
		m := *g
		if err := m.load(zero, scale, order, size); err != nil {
			return nil, err
		}
		return &m, nil
	}
	return j.join(i, w, map[string]string{zero.Name: "zero points", scale.Name: "scale", base + ".g_idx": "order of the groups"})
}

// A wordMatrix is a Source of a weight of GPTQ or AWQ. It keeps the parameters of the groups in
// memory, and reads the words of the outputs that it needs.
type wordMatrix struct {
	codes                   *entry
	awq                     bool
	inputs, outputs, groups int
	bits                    int
	less                    int // is subtracted from stored zero points

	scales, zeros []float32 // [groups, outputs]
	group         []int32   // of each input
}

// unitWords and unitCodes are the numbers of words and codes in the smallest unit of whole
// words with whole codes of GPTQ.
func (m *wordMatrix) unitWords() int {
	if m.bits == 3 {
		return 3
	}
	return 1
}

func (m *wordMatrix) unitCodes() int { return m.unitWords() * 32 / m.bits }

// layoutGPTQ finds the width of the codes from the number of words of zero points.
func (m *wordMatrix) layoutGPTQ(zero *entry, less bool) error {
	for _, bits := range []int{2, 3, 4, 8} {
		if m.outputs*bits == zero.Shape[1]*32 {
			m.bits = bits
		}
	}
	if less {
		m.less = 1
	}
	words := m.codes.Shape[0]
	if m.bits == 0 || words%m.unitWords() != 0 {
		return fmt.Errorf("words of shape %v and zero points of shape %v are not GPTQ of 2, 3, 4 or 8 bits", m.codes.Shape, zero.Shape)
	}
	m.inputs = words / m.unitWords() * m.unitCodes()
	return nil
}

// wholeZeros reports whether all zero points at the beginning are, as stored, the middle of the
// codes.
func (m *wordMatrix) wholeZeros(zero *entry) bool {
	const most = 4096
	values := make([]float32, min(most, m.groups*m.outputs))
	if err := zero.coded(len(values), m.bits, integerTable(m.bits, 1<<(m.bits-1))).ReadFloats(values, 0); err != nil {
		return false // reading the weight will report the error
	}
	return !slices.ContainsFunc(values, func(x float32) bool { return x != 0 })
}

func (m *wordMatrix) layoutAWQ(zero *entry) error {
	m.bits, m.inputs = 4, m.codes.Shape[0]
	if m.codes.Shape[1]*8 != m.outputs || zero.Shape[1]*8 != m.outputs {
		return fmt.Errorf("words of shape %v and zero points of shape %v are not AWQ of 4 bits for %d outputs", m.codes.Shape, zero.Shape, m.outputs)
	}
	return nil
}

// load reads the parameters of the groups.
func (m *wordMatrix) load(zero, scale, order *entry, size int) error {
	m.scales = make([]float32, m.groups*m.outputs)
	src, err := scale.values()
	if err == nil {
		err = src.ReadFloats(m.scales, 0)
	}
	if err != nil {
		return fmt.Errorf("scales: %w", err)
	}
	m.zeros = make([]float32, len(m.scales))
	table := integerTable(m.bits, -m.less)
	if err := zero.coded(len(m.zeros), m.bits, table).ReadFloats(m.zeros, 0); err != nil {
		return fmt.Errorf("zero points: %w", err)
	}
	if m.awq {
		for at := 0; at < len(m.zeros); at += 8 {
			var in [8]float32
			copy(in[:], m.zeros[at:])
			for k, output := range awqOrder {
				m.zeros[at+output] = in[k]
			}
		}
	}
	if order != nil {
		m.group, err = groupOrder(order, m.inputs, m.groups)
		return err
	}
	m.group = make([]int32, m.inputs)
	for i := range m.group {
		m.group[i] = int32(i / size)
	}
	return nil
}

// awqOrder has the output for each four bits of a word, from the lowest bits on.
var awqOrder = [8]int{0, 2, 4, 6, 1, 3, 5, 7}

// ReadFloats stores elements of the weight in dst, from element off on.
func (m *wordMatrix) ReadFloats(dst []float32, off int) error {
	first, last := off/m.inputs, (off+len(dst)-1)/m.inputs
	from, to := 0, m.inputs-1
	if first == last {
		from, to = off%m.inputs, (off+len(dst)-1)%m.inputs
	}
	if m.awq {
		return m.readAWQ(dst, off, first, last, from, to)
	}
	return m.readGPTQ(dst, off, first, last, from, to)
}

// value returns the value of a code of an output and an input.
func (m *wordMatrix) value(code uint32, output, input int) float32 {
	p := int(m.group[input])*m.outputs + output
	return (float32(code) - m.zeros[p]) * m.scales[p]
}

// readGPTQ reads the outputs first to last and the inputs from to to, and stores the elements
// that are in dst. dst begins at element off.
func (m *wordMatrix) readGPTQ(dst []float32, off, first, last, from, to int) error {
	n, width, codes := last-first+1, m.unitWords(), m.unitCodes()
	raw := make([]byte, 4*n*width)
	words := make([]uint32, width+1)
	mask := uint32(1)<<m.bits - 1
	for unit := from / codes; unit <= to/codes; unit++ {
		for k := range width {
			if err := m.read(raw[4*n*k:4*n*(k+1)], (unit*width+k)*m.outputs+first); err != nil {
				return err
			}
		}
		for o := range n {
			for k := range width {
				words[k] = binary.LittleEndian.Uint32(raw[4*(n*k+o):])
			}
			// dst holds the codes lo to hi of the unit.
			at := (first+o)*m.inputs + unit*codes - off
			lo, hi := max(0, -at), min(codes, len(dst)-at)
			for c := lo; c < hi; c++ {
				bit := c * m.bits
				pair := uint64(words[bit/32]) | uint64(words[bit/32+1])<<32
				dst[at+c] = m.value(uint32(pair>>(bit%32))&mask, first+o, unit*codes+c)
			}
		}
	}
	return nil
}

// readAWQ is readGPTQ for the layout of AWQ.
func (m *wordMatrix) readAWQ(dst []float32, off, first, last, from, to int) error {
	n := last/8 - first/8 + 1
	raw := make([]byte, 4*n)
	for input := from; input <= to; input++ {
		if err := m.read(raw, input*m.outputs/8+first/8); err != nil {
			return err
		}
		for k := range n {
			word := binary.LittleEndian.Uint32(raw[4*k:])
			for nibble, place := range awqOrder {
				output := (first/8+k)*8 + place
				if at := output*m.inputs + input - off; at >= 0 && at < len(dst) {
					dst[at] = m.value(word>>(4*nibble)&15, output, input)
				}
			}
		}
	}
	return nil
}

// read reads words from index word on.
func (m *wordMatrix) read(raw []byte, word int) error {
	if n, err := m.codes.raw.ReadAt(raw, 4*int64(word)); n < len(raw) {
		return shortRead(err, word+n/4, m.codes.elements, m.codes.stored.Offset+4*int64(word)+int64(n))
	}
	return nil
}
