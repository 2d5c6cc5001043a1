package convert

import (
	"fmt"
	"slices"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// importanceOf returns the importance of the inputs of t. It is nil if there is none, and if the
// parameters of t are known.
func (o *Options) importanceOf(t tensorfile.Info, known *quant.Params) (*quant.Importance, error) {
	if o.Importance == nil || known != nil {
		return nil, nil
	}
	return o.Importance.Of(t.Name, t.Shape, o.channelAxis(t))
}

// checkImportance returns an error if there is a file of importances but no weight used it.
func (o *Options) checkImportance(weights []Weight) error {
	if o.Importance == nil || len(weights) == 0 || slices.ContainsFunc(weights, func(w Weight) bool { return w.Important }) {
		return nil
	}
	return fmt.Errorf("no weight that is quantized has an importance in %s, which has %s", o.Importance.Path, text.Names(o.Importance.Names()))
}

// Measured are the errors of the reconstructed values of a weight.
type Measured struct {
	Metrics  *quant.Metrics         // nil if they were not measured
	Weighted *quant.WeightedMetrics // nil without an importance, and if Metrics is nil
}

// calibrateWeighted is calibrate for a weight whose inputs have an importance.
func calibrateWeighted(stream quant.Stream, s quant.Scheme, i quant.Importance, measure bool) (quant.Params, Measured, error) {
	if !measure {
		p, err := stream.CalibrateWeighted(s, i)
		return p, Measured{}, err
	}
	c, err := stream.CompareWeighted(i, s)
	if err != nil {
		return quant.Params{}, Measured{}, err
	}
	r := &c.Comparison.Results[0]
	return r.Params, Measured{&r.Metrics, &c.Weighted[0].WeightedMetrics}, nil
}
