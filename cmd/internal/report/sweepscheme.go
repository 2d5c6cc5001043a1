package report

import (
	"fmt"
	"strconv"

	"github.com/a01592f9/quant/cmd/internal/text"
)

// A SweepScheme is a scheme with the size and the errors of all weights together.
type SweepScheme struct {
	Name          string      `json:"name,omitempty"` // of a list, as it was given
	Bits          int         `json:"bits"`
	Granularity   string      `json:"granularity"`
	GroupSize     *int        `json:"group_size"`
	BlockSize     []int       `json:"block_size,omitempty"`
	Memory        Memory      `json:"memory"`
	BitsPerWeight text.Number `json:"bits_per_weight"`
	Compression   text.Number `json:"compression"`
	SQNR          text.Number `json:"sqnr_db"`      // of all values together
	MeanSQNR      text.Number `json:"mean_sqnr_db"` // over the weights that are not exact
	MinSQNR       text.Number `json:"min_sqnr_db"`  // of the worst weight
	Worst         int         `json:"worst"`        // which that is, an index of Weights
	Clipped       int64       `json:"clipped"`

	// WeightedSQNR is that of all weights together that have an importance; nil if none has.
	WeightedSQNR *text.Number `json:"weighted_sqnr_db,omitempty"`

	Padded int  `json:"padded,omitempty"` // weights whose rows are no whole blocks, and were filled up with zeros
	Pareto bool `json:"pareto"`           // no other scheme is at least as small and as exact

	// own is the scheme of a list. It is nil for block formats of GGUF, and for the schemes that
	// have no Name, which the options describe.
	own *Scheme
}

// Label is the scheme for people: "4 bits per channel".
func (s SweepScheme) Label() string {
	if s.Name != "" {
		return s.Name
	}
	return fmt.Sprintf("%d bits %s", s.Bits, Scheme{Granularity: s.Granularity, GroupSize: s.GroupSize, BlockSize: s.BlockSize}.adverb())
}

// GranularityLabel is its granularity for people: "per channel".
func (s SweepScheme) GranularityLabel() string {
	return Scheme{Granularity: s.Granularity, GroupSize: s.GroupSize, BlockSize: s.BlockSize}.Label()
}

// Short is a label of a scheme beside others of its series: the bits, or the name.
func (s SweepScheme) Short() string {
	if s.Name != "" {
		return s.Name
	}
	return strconv.Itoa(s.Bits)
}
