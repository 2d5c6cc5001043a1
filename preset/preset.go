package preset

import (
	"fmt"
	"slices"
	"strings"

	"github.com/a01592f9/quant"
)

// A Preset says how another system quantizes. All returns all presets.
type Preset struct {
	Name    string // the name that Parse reads, such as "onnxruntime-int8"
	System  string // the name of the system, such as "ONNX Runtime"
	Purpose string // what it is for: a phrase that follows the name in a sentence
	Source  string // the file or document that defines it, with its version

	// Scheme has the bit width, the grid, the mapping, the granularity and the format of the
	// scales. It is the scheme of package quant that is most similar to the preset.
	Scheme quant.Scheme

	// Exact is true if quant.Calibrate and quant.Quantize return the same parameters and codes
	// with Scheme. This holds for tensors in which the width of every range is at least From,
	// or 0 because all values are zeros. The width is max - min, or the largest magnitude for
	// the symmetric mapping.
	Exact bool
	From  float32

	Rule Rule // how a value becomes a code

	sizes []int                          // the sizes of groups that the system has; nil for any granularity
	whole bool                           // the last group must not be shorter than the others
	made  func(p *Preset, r limits) made // computes the parameters of a range
}

// With returns the preset with another granularity. The error is quant.ErrGroupSize if the
// system has only groups of other sizes, and quant.ErrScheme for quant.PerBlock, which no preset
// has.
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

// noBlock returns an error if g is PerBlock.
func noBlock(g quant.Granularity) error {
	if _, _, _, _, block := g.Block(); block {
		return fmt.Errorf("%w: no preset has parameters %v", quant.ErrScheme, g)
	}
	return nil
}

// list returns numbers as text, separated by commas.
func list(n []int) string {
	return strings.Join(strings.Fields(strings.Trim(fmt.Sprint(n), "[]")), ", ")
}
