package tensorfile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/a01592f9/quant"
)

// joinMLX joins the tensors of a weight of MLX: codes in words of 32 bits, with the first code
// in the lowest bits, and a scale and a bias for each group of the last axis. The value is code
// · scale + bias.
func (j *joiner) joinMLX(i int) error {
	e := &j.f.entries[i]
	base := strings.TrimSuffix(e.Name, ".weight")
	scale, bias := j.entry(base+".scales"), j.entry(base+".biases")
	axes := len(e.Shape)
	if !scale.Floating || !bias.Floating || !slices.Equal(scale.Shape, bias.Shape) || len(scale.Shape) != axes ||
		!slices.Equal(scale.Shape[:axes-1], e.Shape[:axes-1]) || scale.elements == 0 {
		return fmt.Errorf("scales of shape %v and biases of shape %v do not go with words of shape %v", scale.Shape, bias.Shape, e.Shape)
	}
	bits, size, err := mlxWidth(e.Shape[axes-1], scale.Shape[axes-1], j.config)
	if err != nil {
		return err
	}
	w := weight{name: e.Name, dtype: fmt.Sprintf("MLX-%d", bits), shape: slices.Clone(e.Shape),
		layout: fmt.Sprintf("MLX: %d-bit integers with a scale and a bias for each group of %d", bits, size)}
	w.shape[axes-1] = scale.Shape[axes-1] * size
	n, err := elements(w.shape)
	if err != nil {
		return err
	}
	block := slices.Repeat([]int{1}, axes)
	block[axes-1] = size
	source := e.coded(n, bits, integerTable(bits, 0))
	w.open = func() (quant.Source, error) {
		s := &scaled{codes: source, shape: w.shape}
		params := make([]blockParams, 2)
		for k, part := range []*entry{scale, bias} {
			src, err := part.values()
			if err == nil {
				src, err = keep(src, part.elements)
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", quote(part.Name), err)
			}
			params[k] = newBlockParams(src, part.Shape, block)
		}
		s.scale, s.bias = params[0], &params[1]
		return s, nil
	}
	return j.join(i, w, map[string]string{scale.Name: "scale", bias.Name: "bias"})
}

// mlxWidth returns the bits of a code and the size of a group. The numbers of words and groups
// in a row only give their product. The rest follows from the configuration, or from the pairs
// that MLX supports if only one fits.
func mlxWidth(words, groups int, config *stConfig) (bits, size int, err error) {
	fits := func(bits, size int) bool { return int64(words)*32 == int64(groups)*int64(size)*int64(bits) }
	found := 0
	for _, b := range []int{2, 3, 4, 5, 6, 8} {
		for _, s := range []int{32, 64, 128} {
			if !fits(b, s) {
				continue
			}
			if b == config.Bits && s == config.GroupSize {
				return b, s, nil
			}
			bits, size = b, s
			found++
		}
	}
	switch {
	case found == 1:
		return bits, size, nil
	case found > 1:
		return 0, 0, fmt.Errorf("%d words for %d groups are codes of several widths: config.json must tell bits and group_size", words, groups)
	}
	return 0, 0, fmt.Errorf("%d words for %d groups are no codes of MLX", words, groups)
}
