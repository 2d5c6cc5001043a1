package report

import (
	"fmt"
	"slices"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/gguf"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// A SweepWeight has the results of each scheme for one weight.
type SweepWeight struct {
	Name     string       `json:"name"`
	DType    string       `json:"dtype"`
	Shape    []int        `json:"shape"`
	Elements int64        `json:"elements"`
	Bytes    int64        `json:"bytes"` // in the file
	Use      string       `json:"use"`
	Axis     *int         `json:"axis"`
	AxisFrom string       `json:"axis_from"`
	Results  []SweepError `json:"results"` // in the order of Schemes
	Choice   *int         `json:"choice"`  // the smallest scheme that reaches the target; nil for none

	important float64 // the sum of the importances of all elements
}

// A SweepError has the errors and the size of one weight under one scheme.
type SweepError struct {
	RMSE     text.Number `json:"rmse"`
	MaxError text.Number `json:"max_error"`
	SQNR     text.Number `json:"sqnr_db"`
	Clipped  int         `json:"clipped"`
	Weighted *Weighted   `json:"weighted,omitempty"` // nil without an importance
	Bytes    int64       `json:"total_bytes"`

	memory Memory
	padded bool
}

// addBlocks inserts the results of block formats at their places in the list. If there are any,
// all values of the tensor are in memory.
func (x *SweepWeight) addBlocks(w *work, j job, o SweepOptions, important *quant.Importance) error {
	if !slices.ContainsFunc(o.listed, func(c candidate) bool { return c.blocks }) {
		return nil
	}
	values, err := w.src.Load(j.index)
	if err != nil {
		return err
	}
	axis, err := j.axis(o.options())
	if err != nil {
		return err
	}
	at := len(x.Results)
	for _, c := range o.listed {
		if !c.blocks {
			at--
		}
	}
	for _, c := range o.listed {
		if c.blocks {
			e, err := measureBlocks(c.block, values, j, axis, important)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			x.Results = slices.Insert(x.Results, at, e)
		}
		at++
	}
	return nil
}

// measureBlocks returns the errors and the size of the values x of a tensor in a block format.
// A row of blocks has the values of a channel, in the order of the tensor. The last block of a
// row is filled up with zeros, which count as bytes and not as values.
// important is the importance of its inputs; nil if that is not known.
func measureBlocks(t gguf.Type, x []float32, j job, axis int, important *quant.Importance) (SweepError, error) {
	shape := j.shape
	b := newBlockRows(t, x, j, axis)
	if err := b.all(); err != nil {
		return SweepError{}, err
	}
	d, err := quant.Difference(quant.Tensor{Data: x, Shape: shape}, quant.Tensor{Data: b.y, Shape: shape}, quant.PerTensor, quant.PerTensor)
	if err != nil {
		return SweepError{}, err
	}
	var weighted *Weighted
	if important != nil {
		w, err := quant.DifferenceWeighted(quant.Tensor{Data: x, Shape: shape}, quant.Tensor{Data: b.y, Shape: shape}, *important)
		if err != nil {
			return SweepError{}, err
		}
		weighted = NewWeighted(w)
	}
	m := Memory{Payload: int64(b.axis) * int64(b.bytes()), Total: int64(b.axis) * int64(b.bytes())}
	return SweepError{
		RMSE: text.Number(d.RMSE), MaxError: text.Number(d.MaxError), SQNR: text.Number(d.SQNR), Clipped: b.clipped, Weighted: weighted,
		Bytes: m.Total, memory: m, padded: b.padded() > b.length(),
	}, nil
}
