package convert

import (
	"context"
	"errors"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/moments"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/feedback"
)

// Ways to choose codes beside the nearest values: error feedback, with second moments of inputs,
// and the half-quadratic search for scales and zero points.

// A fit is such a way for one weight.
type fit struct {
	form   moments.Form
	inputs *moments.Inputs // for error feedback; nil for the half-quadratic search
}

// fits reports whether o asks for a fit.
func (o *Options) fits() bool { return o.Feedback != nil || o.HalfQuadratic }

// errNoFeedback is the error if no weight uses the second moments.
var errNoFeedback = errors.New("no weight that is quantized has second moments in the file: see the names that quant calibrate --moments lists")

// checkFeedback returns an error if there are second moments but no weight used them.
func (o *Options) checkFeedback(weights []Weight) error {
	if o.Feedback == nil || len(weights) == 0 {
		return nil
	}
	for _, w := range weights {
		if w.Feedback {
			return nil
		}
	}
	for _, w := range weights {
		if w.Nearest != reasonNoMoments {
			return nil // the summary has the reasons
		}
	}
	return errNoFeedback
}

// Reasons why a weight of error feedback has the nearest values.
const (
	reasonNoMoments  = "there are no second moments of its inputs"
	reasonDiagonal   = "only the mean squares of its inputs are known"
	reasonCalibrated = "its parameters are those of the calibration"
	reasonNotInteger = "its scheme is not one of integers with float32 scales"
)

// fit returns the fit of a weight of a form, or why there is none. form is nil for a weight without
// one, and why says so. An error is one of second moments that do not go with the weight.
func (o *Options) fit(name string, form *moments.Form, why string, s quant.Scheme) (f *fit, reason string, err error) {
	if !o.fits() {
		return nil, "", nil
	}
	var m *feedback.Moments
	if o.Feedback != nil {
		if m = o.Feedback.Find(name); m == nil {
			return nil, reasonNoMoments, nil
		}
	}
	if form == nil {
		return nil, why, nil
	}
	if _, err := form.Layout(s); err != nil {
		return nil, err.Error(), nil
	}
	if s.Format != quant.Integers || s.Scales != quant.Float32Scale {
		return nil, reasonNotInteger, nil
	}
	f = &fit{form: *form}
	if m == nil {
		return f, "", nil
	}
	if f.inputs, err = moments.FromMoments(*form, m); err != nil {
		return nil, "", err
	}
	if f.inputs.Full == nil {
		return nil, reasonDiagonal, nil
	}
	return f, "", nil
}

// run returns the parameters of a weight, a source whose nearest values are the codes, and the
// errors if they are to be measured. All values of the weight are in memory.
func (f *fit) run(ctx context.Context, src quant.Source, shape []int, s quant.Scheme, measure bool) (quant.Params, quant.Source, *quant.Metrics, error) {
	w := make([]float32, elements(shape))
	if err := tensorfile.Interruptible(ctx, src).ReadFloats(w, 0); err != nil {
		return quant.Params{}, nil, nil, err
	}
	if f.inputs == nil {
		p, err := moments.HalfQuadratic(f.form, w, s)
		if err != nil {
			return quant.Params{}, nil, nil, err
		}
		p, lost, err := calibrate(ctx, inMemory(w), shape, s, &p, nil, measure)
		return p, inMemory(w), lost.Metrics, err
	}
	p, restored, err := f.inputs.Round(w, s, feedback.Options{})
	if err != nil || !measure {
		return p, inMemory(restored), nil, err
	}
	d, err := quant.Difference(quant.Tensor{Data: w, Shape: shape}, quant.Tensor{Data: restored, Shape: shape}, quant.PerTensor, s.Granularity)
	if err != nil {
		return p, nil, nil, err
	}
	m := d.Metrics
	return p, inMemory(restored), &m, nil
}

// inMemory are elements in memory, as a quant.Source.
type inMemory []float32

// ReadFloats implements quant.Source.
func (v inMemory) ReadFloats(dst []float32, off int) error {
	copy(dst, v[off:][:len(dst)])
	return nil
}
