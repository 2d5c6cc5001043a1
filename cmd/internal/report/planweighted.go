package report

import (
	"path/filepath"
	"slices"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/gguf"
	"github.com/a01592f9/quant/cmd/internal/importance"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// Plans whose scales have the least error weighted by the importance of inputs. The weighted errors
// stand beside the others, which decide.

// SetImportance makes the method mse choose the least error weighted by the importances in f.
func (o *PlanOptions) SetImportance(f *importance.File) {
	o.importance, o.Importance = f, filepath.Base(f.Path)
}

// A planImportance is the importance of the inputs of one weight. Its methods do nothing for nil.
type planImportance struct {
	quant.Importance
	values quant.Tensor // of the weight, if a candidate is a type of GGUF
}

// importanceOf returns the importance of the inputs of weight j; nil if it is not known.
func (x *PlanWeight) importanceOf(w *work, j job, candidates []planCandidate, o *PlanOptions) (*planImportance, error) {
	i, err := Options{importance: o.importance}.importanceOf(j)
	if err != nil || i == nil {
		return nil, err
	}
	p := &planImportance{Importance: *i}
	x.weighted = &weightedSignal{total: totalImportance(i, j.elements)}
	if slices.ContainsFunc(candidates, func(c planCandidate) bool { return c.blocks }) {
		values, err := w.src.Load(j.index)
		if err != nil {
			return nil, err
		}
		p.values = quant.Tensor{Data: values, Shape: j.shape}
	}
	return p, nil
}

// of returns the importance for a comparison.
func (p *planImportance) of() *quant.Importance {
	if p == nil {
		return nil
	}
	return &p.Importance
}

// weigh sets the weighted error of way.
func (x *PlanWeight) weigh(way *planWay, m quant.WeightedMetrics) {
	way.weighted = x.weighted.total * m.RMSE * m.RMSE
	x.weighted.signal = max(x.weighted.signal, signalOf(way.weighted, m.SQNR))
}

// weightedRatio is the weighted ratio of the weight with a candidate; nil without an importance.
func (x *PlanWeight) weightedRatio(w planWay) *text.Number {
	if x.weighted == nil {
		return nil
	}
	n := text.Number(ratio(x.weighted.signal, w.weighted))
	return &n
}

// blocks measures blocks of a type of GGUF, and sets the weighted error of way.
func (p *planImportance) blocks(x *PlanWeight, way *planWay, t gguf.Type) error {
	if p == nil {
		return nil
	}
	restored, err := restoredBlocks(p.values.Data, t)
	if err != nil {
		return err
	}
	m, err := quant.DifferenceWeighted(p.values, quant.Tensor{Data: restored, Shape: p.values.Shape}, p.Importance)
	if err != nil {
		return err
	}
	x.weigh(way, m)
	return nil
}

// restoredBlocks returns the values of blocks of a type that hold values.
func restoredBlocks(values []float32, t gguf.Type) ([]float32, error) {
	block, size := t.Block()
	codes, restored := make([]byte, len(values)/block*size), make([]float32, len(values))
	if err := t.Encode(codes, values); err != nil {
		return nil, err
	}
	t.Dequantize(restored, codes)
	return restored, nil
}

// weighted counts the weights that have an importance.
func (p *Plan) weighted() int {
	n := 0
	for i := range p.Weights {
		if p.Weights[i].weighted != nil {
			n++
		}
	}
	return n
}

// weightedSQNR is the weighted ratio of all weights together that have an importance; nil if none
// has.
func (p *Plan) weightedSQNR() *text.Number {
	signal, noise := 0.0, 0.0
	for i := range p.Weights {
		if x := &p.Weights[i]; x.weighted != nil {
			signal, noise = signal+x.weighted.signal, noise+x.ways[x.choice].weighted
		}
	}
	if p.weighted() == 0 {
		return nil
	}
	n := text.Number(ratio(signal, noise))
	return &n
}
