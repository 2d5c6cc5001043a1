package preset

import (
	"fmt"
	"slices"
	"strings"

	"github.com/a01592f9/quant"
)

// Finding presets by name.

// All returns all presets. The presets of a system are together.
func All() []Preset { return slices.Clone(presets) }

// Names returns the names of all presets.
func Names() []string {
	var names []string
	for i := range presets {
		names = append(names, presets[i].Name)
	}
	return names
}

// ByName returns the preset with the given name. ok is false if there is none.
func ByName(name string) (p Preset, ok bool) {
	for _, p := range presets {
		if p.Name == name {
			return p, true
		}
	}
	return Preset{}, false
}

// Parse returns the preset with the given name. A colon and a granularity, in a form that
// quant.ParseScheme reads, may follow the name: "pytorch-int8", "pytorch-int8:channel@0",
// "mlx-4bit:group32@-1" or "mlx-4bit:g32". Errors: quant.ErrScheme for an unknown name or
// granularity, and those of With.
func Parse(text string) (Preset, error) {
	name, part, found := strings.Cut(text, ":")
	p, ok := ByName(name)
	if !ok {
		return Preset{}, fmt.Errorf("%w: there is no preset %q; there are %s", quant.ErrScheme, name, strings.Join(Names(), ", "))
	}
	if !found {
		return p, nil
	}
	s, err := quant.ParseScheme("int8:" + part)
	if err != nil {
		return Preset{}, err
	}
	if g := s.Granularity; s == (quant.Scheme{Bits: 8, Granularity: g}) {
		return p.With(g)
	}
	return Preset{}, fmt.Errorf("%w: %q is no granularity, which alone may be added to a preset", quant.ErrScheme, part)
}
