package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/text"
	"github.com/a01592f9/quant/internal/summary"
)

// summarize sets the summary over all tensors.
func (r *Report) summarize() {
	s := &r.Summary
	s.Compared = len(r.Tensors)
	for _, res := range r.Tensors[0].Results {
		s.Totals = append(s.Totals, Total{Granularity: res.Scheme.Granularity})
	}
	sums := summary.NewErrorSums(len(s.Totals))
	for i, t := range r.Tensors {
		s.Elements += t.Elements
		s.Float32Bytes += 4 * t.Elements
		s.SourceBytes += t.Bytes
		s.ByGain = append(s.ByGain, i)
		for k, res := range t.Results {
			s.Totals[k].Memory = s.Totals[k].Memory.add(res.Memory)
			s.Totals[k].Clipped += int64(res.Clipped)
		}
		sums.Add(t.Elements, func(k int) (float64, float64) {
			return float64(t.Results[k].RMSE), float64(t.Results[k].SQNR)
		})
	}
	for k := range s.Totals {
		t := &s.Totals[k]
		t.BitsPerWeight = text.Number(8 * float64(t.Memory.Total) / float64(s.Elements))
		t.Compression = text.Number(float64(s.Float32Bytes) / float64(t.Memory.Total))
		t.SQNR, t.MeanSQNR = text.Number(sums.SQNR(k)), text.Number(sums.MeanSQNR(k))
	}
	for _, x := range r.Skipped {
		s.OtherBytes += x.Bytes
	}
	slices.SortStableFunc(s.ByGain, func(a, b int) int {
		return cmp.Compare(r.Tensors[b].main().Gain.RMSEFactor, r.Tensors[a].main().Gain.RMSEFactor)
	})
}

// Sorts lists the keys that Sort takes.
var Sorts = []string{"gain", "name", "file", "rmse", "sqnr", "bytes"}

// Sort sets the order of the tensors in tables: by gain, the greatest first (the default); by
// name; as in the file; or by the RMSE, the SQNR or the bytes per channel, the worst or the
// largest first.
func (r *Report) Sort(by string) error {
	var less func(a, b *Tensor) int
	switch by {
	case "gain":
		r.order = nil
		return nil
	case "name":
		less = func(a, b *Tensor) int { return text.Natural(a.Name, b.Name) }
	case "file":
		less = func(a, b *Tensor) int { return 0 }
	case "rmse":
		less = func(a, b *Tensor) int { return cmp.Compare(b.main().RMSE, a.main().RMSE) }
	case "sqnr":
		less = func(a, b *Tensor) int { return cmp.Compare(a.main().SQNR, b.main().SQNR) }
	case "bytes":
		less = func(a, b *Tensor) int { return cmp.Compare(b.main().Memory.Total, a.main().Memory.Total) }
	default:
		return fmt.Errorf("there is no order by %q: there are %s", by, strings.Join(Sorts, ", "))
	}
	r.order = upTo(len(r.Tensors))
	slices.SortStableFunc(r.order, func(a, b int) int { return less(&r.Tensors[a], &r.Tensors[b]) })
	return nil
}

// Order lists indices of Tensors in the order of tables.
func (r *Report) Order() []int {
	if r.order != nil {
		return r.order
	}
	return r.Summary.ByGain
}

// A WorstTensor is a weight with a low SQNR, and its channels with the lowest SQNR.
type WorstTensor struct {
	Tensor   int   // index in Report.Tensors
	Channels []int // places in the results' channels, those with the lowest SQNR per channel first
}

// WorstTensors returns the n tensors with the lowest SQNR per channel. Each has up to the given
// number of channels, those with the lowest SQNR.
func (r *Report) WorstTensors(n, channels int) []WorstTensor {
	index := upTo(len(r.Tensors))
	slices.SortStableFunc(index, func(a, b int) int {
		return cmp.Compare(r.Tensors[a].main().SQNR, r.Tensors[b].main().SQNR)
	})
	var all []WorstTensor
	for _, i := range index[:min(n, len(index))] {
		t := &r.Tensors[i]
		own := t.main().Channels
		of := upTo(len(own))
		slices.SortStableFunc(of, func(a, b int) int { return cmp.Compare(own[a].SQNR, own[b].SQNR) })
		of = slices.DeleteFunc(of[:min(channels, len(of))], func(c int) bool { return math.IsInf(float64(own[c].SQNR), 1) })
		if t.Channels == 1 {
			of = nil // it is the weight again
		}
		all = append(all, WorstTensor{i, of})
	}
	return all
}
