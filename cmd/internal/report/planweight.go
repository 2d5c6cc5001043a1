package report

import (
	"math"
	"slices"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/gguf"
	"github.com/a01592f9/quant/cmd/internal/moments"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// One weight of a plan, measured: the errors of its elements, of the outputs of its layer if the
// inputs are known, and those that are weighted by the importance of inputs. The weighted errors stand
// beside the others, which decide.

// A PlanWeight is what a plan has for one weight.
type PlanWeight struct {
	Name      string      `json:"name"`
	Scheme    string      `json:"scheme"` // as quant quantize takes it: "keep", a type of GGUF, or the text of a quant.Scheme
	Candidate string      `json:"candidate"`
	Shape     []int       `json:"shape"`
	Elements  int64       `json:"elements"`
	Bytes     int64       `json:"bytes"`
	SQNR      text.Number `json:"sqnr_db"`
	Error     string      `json:"error"` // of what SQNR is: PlanOfWeights or another

	// WeightedSQNR has errors that count with the importance of their inputs; nil without one.
	WeightedSQNR *text.Number `json:"weighted_sqnr_db,omitempty"`

	Down *PlanStep `json:"down"` // to fewer bytes; nil if there is no such candidate
	Up   *PlanStep `json:"up"`   // to more bytes and a smaller error

	ways   []planWay
	choice int
	signal float64 // the sum of squares, or the mean square of the outputs; 0 if no candidate loses anything
	square float64 // the mean square of the inputs; 0 if they are not known
	energy float64 // the sum of the squares of the values; 0 if the inputs are not known
	gain   float64 // what errorOf multiplies the signal with; 0 means 1
	source int64   // bytes in the file

	weighted *weightedSignal // nil without an importance
}

// A PlanStep has the size and the error with another candidate.
type PlanStep struct {
	Candidate string      `json:"candidate"`
	Bytes     int64       `json:"bytes"`
	SQNR      text.Number `json:"sqnr_db"`

	// WeightedSQNR has errors that count with the importance of their inputs; nil without one.
	WeightedSQNR *text.Number `json:"weighted_sqnr_db,omitempty"`
}

// A planWay is a candidate for one weight, measured.
type planWay struct {
	name, scheme string
	bytes        int64
	noise        float64 // the sum of squared errors, or the mean squared error of the outputs
	weighted     float64 // the sum of squared errors that count with the importance of their inputs
}

// measureBlocks measures candidate i, a type of GGUF. It leaves the type out if rows of this
// length are not whole blocks.
func (x *PlanWeight) measureBlocks(src *reading, j job, c *planCandidate, i int, outputs *planOutputs, important *planImportance) error {
	row := j.shape[len(j.shape)-1]
	t := c.block.Fallback(row)
	if block, _ := t.Block(); row%block != 0 || !t.Writable() {
		return nil
	}
	noise, signal, err := blockErrors(src, t, j.elements)
	if err != nil {
		return err
	}
	x.ways[i] = planWay{name: c.name, scheme: t.String(), bytes: blockBytes(t, j.elements), noise: noise}
	x.signal = max(x.signal, signal)
	if err := important.blocks(x, &x.ways[i], t); err != nil {
		return err
	}
	return outputs.blocks(x, &x.ways[i], t)
}

// errorOf returns the error of a candidate's noise by the objective.
func (x *PlanWeight) errorOf(noise float64, o *PlanOptions) float64 {
	if o.Objective != PlanSum && noise > 0 {
		signal := x.signal
		if x.gain > 0 {
			signal = float64(signal * x.gain)
		}
		noise /= max(signal, math.SmallestNonzeroFloat64)
	}
	return noise * o.factorOf(x.Name)
}

// step returns the next candidate with fewer bytes, the one with the least error of several, or
// the next with more bytes and a smaller error.
func (x *PlanWeight) step(sign int64) *PlanStep {
	now, best := x.ways[x.choice], -1
	for k, w := range x.ways {
		better := sign < 0 && w.bytes < now.bytes || sign > 0 && w.bytes > now.bytes && w.noise < now.noise
		if !better {
			continue
		}
		// The nearest in bytes; of several with the same bytes the one with the least error.
		if best < 0 || sign*w.bytes < sign*x.ways[best].bytes || w.bytes == x.ways[best].bytes && w.noise < x.ways[best].noise {
			best = k
		}
	}
	if best < 0 {
		return nil
	}
	s := x.stepTo(x.ways[best])
	return &s
}

// stepTo returns the size and the errors of the weight with a candidate.
func (x *PlanWeight) stepTo(w planWay) PlanStep {
	return PlanStep{w.name, w.bytes, text.Number(ratio(x.signal, w.noise)), x.weightedRatio(w)}
}

// What the errors of a weight are errors of.
const (
	PlanOfWeights = "weights"  // of the elements of the weight
	PlanDiagonal  = "diagonal" // of the outputs of its layer, from the mean squares of the inputs
	PlanFull      = "full"     // of the outputs of its layer, from all second moments of the inputs
)

// planOutputs measures the errors of a layer's outputs. Its methods do nothing for nil.
type planOutputs struct {
	inputs *moments.Inputs
	values quant.Tensor // of the weight
}

// outputsOf reads weight j if its inputs are known. It returns nil otherwise.
func (x *PlanWeight) outputsOf(w *work, j job, o *PlanOptions) (*planOutputs, error) {
	if o.Inputs == nil {
		return nil, nil
	}
	inputs, err := o.Inputs(j.info.Name, j.info.Shape)
	if err != nil || inputs == nil {
		return nil, err
	}
	values, err := w.src.Load(j.index)
	if err != nil {
		return nil, err
	}
	x.Error, x.square = PlanDiagonal, inputs.MeanSquare()
	for _, v := range values {
		x.energy += float64(float64(v) * float64(v))
	}
	if inputs.Full != nil {
		x.Error = PlanFull
	}
	return &planOutputs{inputs: inputs, values: quant.Tensor{Data: values, Shape: j.shape}}, nil
}

// params measures the codes of parameters, and sets the error of way.
func (p *planOutputs) params(x *PlanWeight, way *planWay, params quant.Params) error {
	if p == nil {
		return nil
	}
	q, err := quant.Quantize(p.values, params)
	if err != nil {
		return err
	}
	restored, err := quant.Dequantize(q)
	if err != nil {
		return err
	}
	return p.take(x, way, restored.Data)
}

// blocks measures blocks of a type of GGUF, and sets the error of way.
func (p *planOutputs) blocks(x *PlanWeight, way *planWay, t gguf.Type) error {
	if p == nil {
		return nil
	}
	restored, err := restoredBlocks(p.values.Data, t)
	if err != nil {
		return err
	}
	return p.take(x, way, restored)
}

func (p *planOutputs) take(x *PlanWeight, way *planWay, restored []float32) (err error) {
	way.noise, x.signal, err = p.inputs.Error(p.values.Data, restored)
	return err
}

// A planImportance is the importance of the inputs of one weight. Its methods do nothing for nil.
type planImportance struct {
	quant.Importance
	values quant.Tensor // of the weight, if a candidate is a type of GGUF
}

// A weightedSignal has weighted sums of a weight that do not depend on a candidate.
type weightedSignal struct {
	total  float64 // of the importances of all elements
	signal float64 // of squares; 0 if no candidate loses anything
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
