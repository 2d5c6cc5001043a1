package convert

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/gguf"
	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// A Choice is how a plan has one tensor quantized.
type Choice struct {
	Keep   bool         // the tensor stays as it is
	Block  bool         // it becomes blocks of Type, which GGUF has; else codes of Scheme
	Type   gguf.Type    //
	Scheme quant.Scheme // with the axis of the tensor's channels or groups
}

// A Plan is the choice for each tensor that is named. Others stay as they are.
type Plan map[string]Choice

// Reasons why a plan leaves a tensor.
const (
	reasonKept    = "kept by the plan"
	reasonNoPlace = "not in the plan"
)

// planned returns what the plan has for a tensor, or why it leaves it. Without a
// plan it returns neither.
func (o *Options) planned(name string) (c *Choice, why string) {
	if o.Plan == nil {
		return nil, ""
	}
	choice, there := o.Plan[name]
	switch {
	case !there:
		return nil, reasonNoPlace
	case choice.Keep:
		return nil, reasonKept
	}
	return &choice, ""
}

// asked reports whether somebody asked for a tensor by its full name: in
// Include, or in a plan.
func (o *Options) asked(name string) bool {
	c, _ := o.planned(name)
	return c != nil || o.selection().Spells(name)
}

// checkPlan returns an error for names that no tensor has, and for choices that a
// kind of file cannot hold.
func (o *Options) checkPlan(kind Kind, names []string) error {
	for _, name := range slices.Sorted(maps.Keys(o.Plan)) {
		c := o.Plan[name]
		switch {
		case !slices.Contains(names, name):
			return fmt.Errorf("the plan names %q, and the model has no such tensor", name)
		case c.Keep:
		case c.Block != (kind == KindGGUF):
			return inTensor(name, fmt.Errorf("the plan has %s, which %s files do not hold", c, kind))
		case !c.Block && (c.Scheme.Format != quant.Integers || c.Scheme.Scales != quant.Float32Scale):
			return inTensor(name, fmt.Errorf("the plan has %s, which %s files do not get", c, kind))
		case c.Block && !c.Type.Writable():
			return inTensor(name, fmt.Errorf("the plan has %s, which is read but not written", c))
		}
	}
	return nil
}

// commonest returns the type of blocks that most tensors get, of two the lower one.
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

// String returns the choice as a plan file has it.
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

// ParseChoice parses what String returns: "keep", a type of GGUF or the text form
// of a scheme.
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

// plannedAxis returns the axis of a scheme's channels or groups, from the front: -1
// for per tensor.
func plannedAxis(s quant.Scheme, shape []int) (int, error) {
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

// plannedST returns the scheme that the plan has for a weight in the layout of
// compressed-tensors, or an error if the layout has no such codes.
func (c *Choice) plannedST(t tensorfile.Info) (quant.Scheme, error) {
	s := c.Scheme
	axis, err := plannedAxis(s, t.Shape)
	size, grouped := s.Granularity.GroupSize()
	switch {
	case err != nil:
		return s, err
	case s.Format != quant.Integers || s.Bits != 2 && s.Bits != 4 && s.Bits != 8:
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
	s.ZeroInRange = true
	return s, nil
}

// A Selection says which tensors of a model Quantize would quantize, whatever their
// size would be afterwards, in the order of the file.
type Selection struct {
	Names     []string
	Left      []Left   // the others
	Choosable []string // names of those left that Options.Include picks if it spells them out
}

// add adds a tensor, why being the reason to leave it, or "", and alone the reason
// if its name were spelled out.
func (s *Selection) add(t Left, why, alone string) {
	if why == "" {
		s.Names = append(s.Names, t.Name)
		return
	}
	t.Reason = why
	s.Left = append(s.Left, t)
	if alone == "" {
		s.Choosable = append(s.Choosable, t.Name)
	}
}

// Select reads which tensors of a model o picks.
func Select(kind Kind, in string, o Options) (*Selection, error) {
	s := new(Selection)
	switch kind {
	case KindONNX:
		m, err := onnx.Open(in)
		if err != nil {
			return nil, cutOff(in, err)
		}
		defer m.Close()
		for _, t := range m.Tensors {
			info := tensorfile.SeenONNX(t)
			s.add(Left{Name: t.Name, DType: t.DType, Shape: info.Shape, Bytes: t.Bytes},
				o.onnxReason(t, info), o.spelling(t.Name).onnxReason(t, info))
		}
	case KindGGUF:
		f, err := gguf.Open(in)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		for i := range f.Tensors {
			t := &f.Tensors[i]
			s.add(Left{Name: t.Name, DType: t.Type.String(), Shape: t.Shape, Bytes: t.Bytes},
				o.reasonGGUF(t), o.spelling(t.Name).reasonGGUF(t))
		}
	case KindSafetensors:
		f, err := tensorfile.Open(in)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		o.Granularity = option.PerChannel // whether groups go with a shape, the plan looks itself
		stored := f.Stored()
		o.setOtherNames(stored)
		for _, t := range stored {
			s.add(Left{Name: t.Name, DType: t.DType, Shape: t.Shape, Bytes: t.Bytes}, o.reasonST(t), o.spelling(t.Name).reasonST(t))
		}
	default:
		return nil, errors.New("not a model: neither ONNX nor GGUF nor safetensors")
	}
	all := slices.Clone(s.Names)
	for _, t := range s.Left {
		all = append(all, t.Name)
	}
	return s, o.selection().Check(all)
}
