package preset

import (
	"fmt"
	"slices"
	"strings"

	"github.com/a01592f9/quant"
)

// A Preset is how a system quantizes. All returns those that there are.
type Preset struct {
	Name    string // as Parse reads it, such as "onnxruntime-int8"
	System  string
	Purpose string // what it makes, as the end of a sentence that begins with the name
	Source  string // the file or document that says so, with its version

	// Scheme has the width, the grid, the mapping, the granularity and the format of scales. It
	// is the scheme of the library that comes nearest to the preset.
	Scheme quant.Scheme

	// Exact says whether Calibrate and Quantize of the library make the same parameters and
	// codes under Scheme. They do for tensors whose ranges are all at least From wide, or of
	// zeros alone: a range is max - min, or the largest magnitude of the symmetric mapping.
	Exact bool
	From  float32

	Rule Rule

	sizes []int // of groups that the system has; nil for any granularity
	whole bool  // groups must not be shorter
	made  func(p *Preset, r limits) made
}

// With returns the preset with another granularity. The error is quant.ErrGroupSize if the
// system has only groups, and these have other sizes, and quant.ErrScheme for quant.PerBlock,
// which no preset has.
func (p Preset) With(g quant.Granularity) (Preset, error) {
	if err := noBlock(g); err != nil {
		return p, err
	}
	size, groups := g.GroupSize()
	if p.sizes != nil && (!groups || !slices.Contains(p.sizes, size)) {
		return p, fmt.Errorf("%w: %s has groups of %s, not %v", quant.ErrGroupSize, p.Name, list(p.sizes), g)
	}
	p.Scheme.Granularity = g
	return p, nil
}

// noBlock returns an error for blocks of two axes.
func noBlock(g quant.Granularity) error {
	if _, _, _, _, block := g.Block(); block {
		return fmt.Errorf("%w: no preset has parameters %v", quant.ErrScheme, g)
	}
	return nil
}

// list returns numbers as text.
func list(n []int) string {
	return strings.Join(strings.Fields(strings.Trim(fmt.Sprint(n), "[]")), ", ")
}
