package convert

import (
	"fmt"
	"maps"
	"slices"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// Reasons why a plan leaves a tensor.
const (
	reasonKept    = "kept by the plan"
	reasonNoPlace = "not in the plan"
)

// planned returns the plan's choice for a tensor, or why the plan leaves it. Without a plan it
// returns nil and "".
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

// asked reports whether Include or a plan has the full name of a tensor.
func (o *Options) asked(name string) bool {
	c, _ := o.planned(name)
	return c != nil || o.selection().Spells(name)
}

// checkPlan returns an error for names that no tensor has, for shapes that the tensors do not have,
// and for choices that the file format does not support. shape returns that of the tensor at an
// index of names.
func (o *Options) checkPlan(kind Kind, names []string, shape func(i int) []int) error {
	for _, name := range slices.Sorted(maps.Keys(o.Plan)) {
		c, at := o.Plan[name], slices.Index(names, name)
		switch {
		case at < 0:
			return fmt.Errorf("the plan names %q, and the model has no such tensor", name)
		case c.Shape != nil && !slices.Equal(c.Shape, shape(at)):
			return inTensor(name, fmt.Errorf("the plan has the shape %s, and the tensor %s: the plan is of another model", text.Shape(c.Shape), text.Shape(shape(at))))
		case c.Keep:
		case c.Block != (kind == KindGGUF):
			return inTensor(name, fmt.Errorf("the plan has %s, which %s files do not hold", c, kind))
		case !c.Block && c.Scheme.Format == quant.Integers && TwoLevels(c.Scheme.Scales):
			return inTensor(name, fmt.Errorf("the plan has %s, which %s files do not get", c, kind))
		case c.Block && !c.Type.Writable():
			return inTensor(name, fmt.Errorf("the plan has %s, which is read but not written", c))
		}
	}
	return nil
}

// TwoLevels reports whether a format of scales has a second level, for which files of integers have
// no place.
func TwoLevels(f quant.ScaleFormat) bool { return f == quant.E4M3Scale || f == quant.DynamicScale }
