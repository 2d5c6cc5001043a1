package report

import (
	"errors"
	"slices"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/gguf"
	"github.com/a01592f9/quant/cmd/internal/moments"
)

// Errors of the outputs of layers, for weights whose inputs are known.

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

// errNoInputs is the error for a file of sensitivities that has no weight of the model.
var errNoInputs = errors.New("the sensitivities are of no weight of the model: no name is the same")

// sameUnit makes errors of weights comparable with errors of outputs. A weight whose inputs are
// not known gets inputs with the mean of the mean squares of the others. Outputs are larger than
// uncorrelated inputs of that mean square would make them, while errors are not: so the weight
// also gets the median of that gain of the others, for the objectives that divide by the signal.
func (p *Plan) sameUnit() error {
	if p.Options.Inputs == nil {
		return nil
	}
	sum, known := 0.0, 0
	var gains []float64
	for i := range p.Weights {
		x := &p.Weights[i]
		if x.Error == PlanOfWeights {
			continue
		}
		sum, known = sum+x.square, known+1
		if alone := float64(x.energy * x.square); alone > 0 && x.signal > 0 {
			gains = append(gains, x.signal/alone)
		}
	}
	switch {
	case known == 0 && len(p.Weights) > 0 && p.base.Summary.Failed == 0:
		return errNoInputs
	case known == 0:
		return nil
	}
	gain := median(gains)
	for i := range p.Weights {
		x := &p.Weights[i]
		if x.Error != PlanOfWeights {
			continue
		}
		mean := sum / float64(known)
		x.signal, x.gain = float64(x.signal*mean), gain
		for k := range x.ways {
			x.ways[k].noise = float64(x.ways[k].noise * mean)
		}
	}
	return nil
}

// median returns the median of x, which it sorts: the lower of two, and 0 without values.
func median(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	slices.Sort(x)
	return x[(len(x)-1)/2]
}
