package report

import (
	"fmt"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/option"
)

// A Scheme is a quant.Scheme for a tensor of known shape: its axis is counted from the front.
// Axis and GroupSize are nil for a granularity without them.
type Scheme struct {
	Bits        int    `json:"bits"`
	Unsigned    bool   `json:"unsigned"`
	Mapping     string `json:"mapping"`     // "asymmetric" or "symmetric"
	Granularity string `json:"granularity"` // "per_tensor", "per_channel", "per_group" or "per_block"
	Axis        *int   `json:"axis"`
	GroupSize   *int   `json:"group_size"`
	BlockSize   []int  `json:"block_size,omitempty"` // of PerBlock
	NarrowRange bool   `json:"narrow_range"`
	ZeroInRange bool   `json:"zero_in_range"`
	Method      string `json:"method"`            // that chose the ranges
	Format      string `json:"format,omitempty"`  // of codes that are not integers
	Divisor     string `json:"divisor,omitempty"` // of the symmetric mapping; "" is "far"
	Scales      string `json:"scales,omitempty"`  // format of scales; "" is "float32"
	SignedScale bool   `json:"signed_scale,omitempty"`
}

// newScheme returns s in the form of a report. A vector is compared as [1, n], and
// its axes are those of the vector itself.
func newScheme(s quant.Scheme, vector bool) Scheme {
	r := Scheme{
		Bits:        s.Bits,
		Unsigned:    s.Unsigned,
		Mapping:     s.Mapping.String(),
		Granularity: option.Granularity(s.Granularity),
		NarrowRange: s.NarrowRange,
		ZeroInRange: s.ZeroInRange,
		Method:      s.Method.String(),
		Format:      formatWord(s.Format),
		SignedScale: s.SignedScale,
	}
	if s.Divisor != quant.FarEnd {
		r.Divisor = s.Divisor.String()
	}
	if s.Scales != quant.Float32Scale {
		r.Scales = s.Scales.String()
	}
	if size, ok := s.Granularity.GroupSize(); ok {
		r.GroupSize = &size
	}
	r.BlockSize = blockSize(s.Granularity)
	axis, ok := s.Granularity.Axis()
	if vector {
		axis-- // of [1, n]: the channels have no axis, the groups the only one
	}
	if ok && axis >= 0 {
		r.Axis = &axis
	}
	return r
}

// blockSize returns the two sizes of blocks, or nil for other granularities.
func blockSize(g quant.Granularity) []int {
	if _, size0, _, size1, ok := g.Block(); ok {
		return []int{size0, size1}
	}
	return nil
}

// Label returns the granularity for people: "per tensor", "per channel", "groups of 32" or
// "blocks of 128×128".
func (s Scheme) Label() string {
	switch s.Granularity {
	case option.PerChannel:
		return "per channel"
	case option.PerGroup:
		return fmt.Sprintf("groups of %d", *s.GroupSize)
	case option.PerBlock:
		return fmt.Sprintf("blocks of %d×%d", s.BlockSize[0], s.BlockSize[1])
	}
	return "per tensor"
}

// adverb is a Label for the middle of a sentence: "per tensor", "in groups of 32".
func (s Scheme) adverb() string {
	if s.Granularity == option.PerGroup || s.Granularity == option.PerBlock {
		return "in " + s.Label()
	}
	return s.Label()
}

// short is a Label for the head of a narrow column.
func (s Scheme) short() string {
	switch s.Granularity {
	case option.PerChannel:
		return "channel"
	case option.PerGroup:
		return "group"
	case option.PerBlock:
		return "block"
	}
	return "tensor"
}
