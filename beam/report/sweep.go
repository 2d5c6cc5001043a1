package report

import (
	"cmp"
	"encoding/json"
	"io"
	"slices"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/calibfile"
	"github.com/a01592f9/quant/internal/numtext"
	"github.com/a01592f9/quant/internal/summary"
)

// A sweep is the report of quant sweep.
type sweep struct {
	Source  string       `json:"source"`
	Options SweepOptions `json:"options"`
	Summary struct {
		sizes
		Chosen     *int  `json:"chosen"`
		MixedBytes int64 `json:"mixed_bytes"`
		Short      int   `json:"short"`
	} `json:"summary"`
	Schemes []sweepScheme     `json:"schemes"`
	Weights []json.RawMessage `json:"weights"`
	Skipped []json.RawMessage `json:"skipped"`

	weights []figures
}

// A sweepScheme is a scheme, and what all weights together take and lose.
type sweepScheme struct {
	Bits          int            `json:"bits"`
	Granularity   string         `json:"granularity"`
	GroupSize     *int           `json:"group_size"`
	Memory        Memory         `json:"memory"`
	BitsPerWeight numtext.Number `json:"bits_per_weight"`
	Compression   numtext.Number `json:"compression"`
	SQNR          numtext.Number `json:"sqnr_db"`
	MeanSQNR      numtext.Number `json:"mean_sqnr_db"`
	MinSQNR       numtext.Number `json:"min_sqnr_db"`
	Worst         int            `json:"worst"`
	Clipped       int64          `json:"clipped"`
	Pareto        bool           `json:"pareto"`
}

// swept is the entry of a tensor in the report of quant sweep.
type swept struct {
	Name     string       `json:"name"`
	DType    string       `json:"dtype"`
	Shape    []int        `json:"shape"`
	Elements int64        `json:"elements"`
	Bytes    int64        `json:"bytes"`
	Use      string       `json:"use"`
	Axis     *int         `json:"axis"`
	AxisFrom string       `json:"axis_from"`
	Results  []sweepError `json:"results"`
	Choice   *int         `json:"choice"`
}

// A sweepError is what one scheme does to one weight. The sizes of codes and of
// parameters follow from the sum and from the scheme.
type sweepError struct {
	RMSE     numtext.Number `json:"rmse"`
	MaxError numtext.Number `json:"max_error"`
	SQNR     numtext.Number `json:"sqnr_db"`
	Clipped  int            `json:"clipped"`
	Bytes    int64          `json:"total_bytes"`
}

// schemes returns the schemes for one weight, in the order of the report.
func (o SweepOptions) schemes(t Tensor) ([]quant.Scheme, error) {
	base, err := o.options().scheme()
	if err != nil {
		return nil, err
	}
	axis, err := t.axis(o.Axis)
	if err != nil {
		return nil, err
	}
	granularities := []quant.Granularity{quant.PerTensor, quant.PerChannel(axis)}
	for _, size := range o.GroupSizes {
		along, err := t.groupAxis(axis, o.GroupAxis)
		if err != nil {
			return nil, err
		}
		granularities = append(granularities, quant.PerGroup(along, size))
	}
	var all []quant.Scheme
	for _, g := range granularities {
		for _, base.Bits = range o.Bits {
			base.Granularity = g
			all = append(all, base)
		}
	}
	return all, nil
}

// Entry sweeps a tensor, whose values come from src.
func (o SweepOptions) Entry(position int, t Tensor, src quant.Source) (Entry, error) {
	o = o.filled()
	schemes, err := o.schemes(t)
	if err != nil {
		return Entry{}, err
	}
	x := swept{
		Name: t.Name, DType: t.DType, Shape: dims(t.Shape), Elements: elements(t.Shape), Bytes: t.Bytes, AxisFrom: axisFrom(o.Axis),
	}
	if axis, err := t.axis(o.Axis); err == nil && !t.vector() {
		x.Axis = &axis
	}
	for _, round := range rounds(schemes, t.shape()) {
		c, err := quant.Stream{Source: src, Shape: t.shape()}.Compare(round...)
		if err != nil {
			return Entry{}, err
		}
		for _, r := range c.Results {
			x.Results = append(x.Results, sweepError{numtext.Number(r.RMSE), numtext.Number(r.MaxError), numtext.Number(r.SQNR), r.Clipped, r.Memory.Total()})
		}
	}
	data, err := marshal(x)
	return Entry{position, t.Name, false, data}, err
}

// mostAtOnce is how many parameters and results of channels one comparison of
// several schemes holds at most.
const mostAtOnce = 1 << 20

// rounds divides schemes into comparisons whose results stay small.
func rounds(schemes []quant.Scheme, shape []int) [][]quant.Scheme {
	var all [][]quant.Scheme
	sum := 0
	for _, s := range schemes {
		n := slices.Max(shape)
		if p, err := s.NumParams(shape); err == nil {
			n += p / 4
		}
		if len(all) == 0 || sum+n > mostAtOnce {
			all, sum = append(all, nil), 0
		}
		sum += n
		last := &all[len(all)-1]
		*last = append(*last, s)
	}
	return all
}

// WriteSweep writes the report of quant sweep. The entries are those of
// SweepOptions.Entry and Skip; their order does not matter.
func WriteSweep(w io.Writer, source string, o SweepOptions, entries []Entry) error {
	s := sweep{Source: source, Options: o.filled()}
	compared, weights, skipped, err := s.Summary.divide(entries)
	if err != nil {
		return err
	}
	if len(compared) == 0 {
		return nothing(source, skipped)
	}
	s.weights, s.Weights, s.Skipped = compared, weights, skipped
	s.addSchemes()
	s.sum()
	if s.Options.Target != nil {
		if err := s.choose(*s.Options.Target); err != nil {
			return err
		}
	}
	return calibfile.WriteJSON(w, s)
}

func (s *sweep) addSchemes() {
	add := func(granularity string, size *int) {
		for _, bits := range s.Options.Bits {
			s.Schemes = append(s.Schemes, sweepScheme{Bits: bits, Granularity: granularity, GroupSize: size})
		}
	}
	add(perTensor, nil)
	add(perChannel, nil)
	for i := range s.Options.GroupSizes {
		add(perGroup, &s.Options.GroupSizes[i])
	}
}

// sum adds up all weights.
func (s *sweep) sum() {
	sums := summary.NewErrorSums(len(s.Schemes))
	for i := range s.weights {
		x := &s.weights[i]
		sums.Add(x.Elements, x.errors)
		for k, r := range x.Results {
			t := &s.Schemes[k]
			// A code has so many bits, and all codes of a weight are packed into whole bytes.
			payload := (x.Elements*int64(t.Bits) + 7) / 8
			t.Memory = t.Memory.add(Memory{payload, r.Total - payload, r.Total})
			t.Clipped += r.Clipped
			if i == 0 || r.SQNR < t.MinSQNR {
				t.MinSQNR, t.Worst = r.SQNR, i
			}
		}
	}
	for k := range s.Schemes {
		t := &s.Schemes[k]
		t.BitsPerWeight = numtext.Number(8 * float64(t.Memory.Total) / float64(s.Summary.Elements))
		t.Compression = numtext.Number(float64(s.Summary.Float32Bytes) / float64(t.Memory.Total))
		t.SQNR, t.MeanSQNR = numtext.Number(sums.SQNR(k)), numtext.Number(sums.MeanSQNR(k))
	}
	for k := range s.Schemes {
		s.Schemes[k].Pareto = true
		for i := range s.Schemes {
			if s.beats(i, k) {
				s.Schemes[k].Pareto = false
			}
		}
	}
}

// beats reports whether scheme i makes scheme k pointless.
func (s *sweep) beats(i, k int) bool {
	a, b := &s.Schemes[i], &s.Schemes[k]
	if i == k || a.Memory.Total > b.Memory.Total || a.SQNR < b.SQNR {
		return false
	}
	return a.Memory.Total < b.Memory.Total || a.SQNR > b.SQNR || i < k
}

// smallest returns the smallest of n schemes that reaches a target, of equals
// the most exact one; nil if there is none.
func smallest(n int, target float64, of func(k int) (bytes int64, sqnr float64)) *int {
	best := -1
	for k := range n {
		bytes, sqnr := of(k)
		if sqnr < target {
			continue
		}
		if best >= 0 {
			least, most := of(best)
			if cmp.Or(cmp.Compare(bytes, least), cmp.Compare(most, sqnr)) >= 0 {
				continue
			}
		}
		best = k
	}
	if best < 0 {
		return nil
	}
	return &best
}

// choose finds the smallest schemes that reach a target: for all weights, and
// for each, whose entry names it.
func (s *sweep) choose(target float64) error {
	s.Summary.Chosen = smallest(len(s.Schemes), target, func(k int) (int64, float64) {
		return s.Schemes[k].Memory.Total, float64(s.Schemes[k].SQNR)
	})
	for i := range s.weights {
		x := &s.weights[i]
		choice := smallest(len(s.Schemes), target, func(k int) (int64, float64) {
			return x.Results[k].Total, float64(x.Results[k].SQNR)
		})
		var entry swept
		err := json.Unmarshal(s.Weights[i], &entry)
		if err != nil {
			return err
		}
		entry.Choice = choice
		if s.Weights[i], err = marshal(entry); err != nil {
			return err
		}
		if choice == nil {
			s.Summary.Short++
			best := 0
			for k, r := range x.Results {
				if r.SQNR > x.Results[best].SQNR {
					best = k
				}
			}
			choice = &best
		}
		s.Summary.MixedBytes += x.Results[*choice].Total
	}
	return nil
}
