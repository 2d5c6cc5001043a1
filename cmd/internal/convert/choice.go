package convert

import (
	"fmt"
	"maps"
	"slices"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/gguf"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// A Choice says how a plan quantizes one tensor.
type Choice struct {
	Keep   bool         // the tensor is not quantized
	Block  bool         // it gets blocks of Type, for GGUF; otherwise codes of Scheme
	Type   gguf.Type    //
	Scheme quant.Scheme // its axis is that of the tensor's channels or groups
	Shape  []int        // of the tensor that the plan was made for; nil for any
}

// A Plan maps names of tensors to choices. Other tensors are not quantized.
type Plan map[string]Choice

// commonest returns the most frequent type of blocks, and the lower of two equally frequent
// types.
func (p Plan) commonest() gguf.Type {
	counts := make(map[gguf.Type]int)
	for _, c := range p {
		if c.Block {
			counts[c.Type]++
		}
	}
	best := gguf.F32
	for _, t := range slices.Sorted(maps.Keys(counts)) {
		if counts[t] > counts[best] {
			best = t
		}
	}
	return best
}

// String returns the choice as text for a plan file.
func (c Choice) String() string {
	switch {
	case c.Keep:
		return "keep"
	case c.Block:
		return c.Type.String()
	}
	text, err := c.Scheme.MarshalText()
	if err != nil {
		return c.Scheme.String()
	}
	return string(text)
}

// ParseChoice parses the result of String: "keep", a type of GGUF, or a scheme.
func ParseChoice(text string) (Choice, error) {
	if text == "keep" {
		return Choice{Keep: true}, nil
	}
	if t, err := gguf.ParseType(text); err == nil {
		return Choice{Block: true, Type: t}, nil
	}
	s, err := quant.ParseScheme(text)
	return Choice{Scheme: s}, err
}

// plannedAxis returns the axis of a scheme's channels or groups, counted from the front, or -1
// for per tensor.
func plannedAxis(s quant.Scheme, shape []int) (int, error) {
	if _, _, _, _, block := s.Granularity.Block(); block {
		return -1, fmt.Errorf("the plan has parameters %v, which only fp8_e4m3 in safetensors has", s.Granularity)
	}
	axis, ok := s.Granularity.Axis()
	if !ok {
		return -1, nil
	}
	if axis < 0 {
		axis += len(shape)
	}
	if axis < 0 || axis >= len(shape) {
		return -1, fmt.Errorf("the plan has %v, and the tensor has %d dimensions", s.Granularity, len(shape))
	}
	return axis, nil
}

// plannedST returns the planned scheme of a weight for compressed-tensors. It returns an error if
// there is no layout for such codes.
func (c *Choice) plannedST(t tensorfile.Info) (quant.Scheme, error) {
	s := c.Scheme
	if _, _, _, _, block := s.Granularity.Block(); block {
		if _, err := floatLayout(s); err != nil {
			return s, fmt.Errorf("the plan has %s: %w", c, err)
		}
		_, err := s.NumParams(t.Shape)
		return s, err
	}
	axis, err := plannedAxis(s, t.Shape)
	size, grouped := s.Granularity.GroupSize()
	switch {
	case err != nil:
		return s, err
	case s.Format == quant.Integers && s.Bits != 2 && s.Bits != 4 && s.Bits != 8:
		return s, fmt.Errorf("the plan has %s: compressed-tensors has codes of 8, 4 and 2 bits", c)
	case s.Unsigned:
		return s, fmt.Errorf("the plan has %s: codes of compressed-tensors are signed", c)
	case grouped && axis != 1:
		return s, fmt.Errorf("the plan has %s: groups of compressed-tensors run along axis 1", c)
	case grouped && t.Shape[1]%size != 0:
		return s, fmt.Errorf("the plan has %s, and rows of %d are not whole groups", c, t.Shape[1])
	case !grouped && axis > 0:
		return s, fmt.Errorf("the plan has %s: compressed-tensors has output channels on axis 0", c)
	}
	if grouped {
		s.Granularity = quant.PerGroup(axis, size)
	}
	if s.ZeroInRange = s.Format == quant.Integers; s.ZeroInRange {
		return s, nil
	}
	if _, err := floatLayout(s); err != nil {
		return s, fmt.Errorf("the plan has %s: %w", c, err)
	}
	return s, nil
}
