package convert

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/moments"
	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// ONNX quantizes the weights of the ONNX model in. Each weight is replaced by codes, scales and
// zero points, and by a DequantizeLinear node whose output has the name of the weight. The type
// of the codes is int4, uint4, int8, uint8, int16 or uint16, the narrowest that holds o.Bits, or the
// floating-point type of o.Format. Scales are float32 numbers, with the values that o.Scales
// allows. Weights in subgraphs and functions are quantized too.
//
// Everything else is copied byte for byte, with these exceptions:
//   - The version of the operators is raised if DequantizeLinear needs that: to 10, to 13 for
//     channels, to 19 for floating-point codes of 8 bits, to 21 for groups and for integers of 4
//     and 16 bits, and to 23 for floating-point codes of 4 bits. Nodes whose meaning would change
//     are converted.
//   - Quantized weights are no longer inputs of the graph. Older models list all weights as
//     inputs.
//   - External data of all tensors go to one file beside the new model. If the model would be
//     larger than 2 GiB, data inside the model go to that file too.
//
// Constants that no operator multiplies by or looks up in are left unless o.Include or a plan has
// their full names: biases, operands of Add, and inputs of shape computations.
func ONNX(ctx context.Context, in string, out *atomicfile.Set, o Options, p Progress) (*Result, error) {
	c, err := newONNXCopy(ctx, in, out, o, p)
	if err != nil {
		return nil, err
	}
	defer c.model.Close()
	names := make([]string, len(c.model.Tensors))
	for i, t := range c.model.Tensors {
		names[i] = t.Name
	}
	if err := errors.Join(o.selection().Check(names), o.checkPlan(KindONNX, names, func(i int) []int { return tensorfile.InfoONNX(c.model.Tensors[i]).Shape })); err != nil {
		return nil, err
	}
	if o.fits() {
		c.forms, c.formless = moments.Forms(c.model)
	}
	var jobs []*onnxJob
	for _, t := range c.model.Tensors {
		j, why, err := o.onnxJob(c, t)
		if err != nil {
			return nil, inTensor(t.Name, err)
		}
		if why != "" {
			if info := tensorfile.InfoONNX(t); o.NBits == nil && o.spelling(t.Name).onnxReason(t, info) == "" && o.ungrouped(info) == "" {
				c.result.Choosable = append(c.result.Choosable, t.Name)
			}
			c.keep(t, why)
			continue
		}
		if o.NBits != nil {
			j.accuracy = o.NBits.Accuracy
			if why := j.nbits(o.GroupSize); why != "" {
				c.keep(t, why)
				continue
			}
		}
		jobs = append(jobs, j)
		c.expect(t.Bytes) // calibration reads the weight once more
		if o.Measure {
			c.expect(t.Bytes)
		}
	}
	var weights []Weight
	for _, j := range jobs {
		weights = append(weights, j.weight)
	}
	if err := errors.Join(o.checkCalibrated(weights), o.checkFeedback(weights)); err != nil {
		return nil, err
	}
	if err := o.checkImportance(weights); err != nil {
		return nil, err
	}
	version := int64(0)
	for _, j := range jobs {
		if j.use != nil {
			if err := c.rewriter.QuantizeNBits(j.nbitsCodes()); err != nil {
				return nil, err
			}
			continue
		}
		q := j.quantized()
		if err := c.rewriter.Quantize(q); err != nil {
			return nil, err
		}
		version = max(version, q.Version())
	}
	if err := c.model.Raise(version); err != nil {
		return nil, o.advise(err)
	}
	if err := c.write(); err != nil {
		return nil, err
	}
	for _, j := range jobs {
		c.result.Weights = append(c.result.Weights, j.weight)
	}
	return &c.result, nil
}

// advise adds to an error which schemes an older model can have.
func (o *Options) advise(err error) error {
	var v *onnx.VersionError
	if errors.As(err, &v) && v.To > 10 {
		return fmt.Errorf("%w; 8 bits per tensor want version 10 only, 8 bits per channel 13", err)
	}
	return err
}

// onnxCoded returns the reason for leaving codes.
func onnxCoded(t *onnx.Tensor) string { return "quantized already: codes of " + t.Coded }

// onnxReason is like reason, and considers the uses of t in the graph.
func (o *Options) onnxReason(t *onnx.Tensor, info tensorfile.Info) string {
	why := o.reason(info)
	if !info.Floating && t.Coded != "" {
		return onnxCoded(t)
	}
	if !info.Floating {
		return why
	}
	switch why {
	case reasonExcluded, reasonNot, reasonEmpty, reasonKept, reasonNoPlace:
		return why
	}
	if err := t.Replaceable(); err != nil {
		return err.Error()
	}
	if info.Left != "" && !o.asked(t.Name) {
		return info.Left
	}
	return why
}

// onnxJob returns the job for t, or the reason to leave t.
func (o *Options) onnxJob(c *onnxCopy, t *onnx.Tensor) (*onnxJob, string, error) {
	info := tensorfile.SeenONNX(t)
	switch why := o.onnxReason(t, info); {
	case why == onnx.ErrDuplicate.Error():
		return nil, "", onnx.ErrDuplicate
	case why != "":
		return nil, why, nil
	}
	if why := o.ungrouped(info); why != "" {
		return nil, why, nil
	}
	s, axis, err := o.scheme(info)
	if err != nil {
		return nil, "", err
	}
	known, err := o.calibrated(info)
	if err != nil {
		return nil, "", err
	}
	if known != nil {
		s, axis = known.Scheme, -1
		if a, ok := s.Granularity.Axis(); ok {
			axis = a
		}
	}
	inputs, err := o.importanceOf(info, known)
	if err != nil {
		return nil, "", err
	}
	if err := besideCodes(t, s); err != nil && o.NBits == nil {
		return nil, "", err
	}
	j := &onnxJob{c: c, t: t, known: known, inputs: inputs, channels: o.channelAxis(info), shape: info.Shape, scheme: s, measure: o.Measure}
	var name string
	if j.dtype, name, j.width, err = onnxType(s); err != nil {
		return nil, "", err
	}
	if j.n, err = s.NumParams(info.Shape); err != nil {
		return nil, "", err
	}
	j.weight = Weight{Name: t.Name, Use: t.Use, Shape: info.Shape, Axis: axis, Scheme: s, Calibrated: known != nil, Important: inputs != nil, Before: t.Bytes, Type: name}
	j.weight.After = int64(quant.PackedLen(int(elements(info.Shape)), j.width)) + 4*int64(j.n) + j.zeroBytes()
	if j.weight.After >= t.Bytes && !o.asked(t.Name) {
		return nil, reasonLarger, nil
	}
	if err := o.fitONNX(j); err != nil {
		return nil, "", err
	}
	data, err := t.Data()
	if err != nil {
		return nil, "", err
	}
	j.src = tensorfile.Elements(data, 0, int(elements(info.Shape)), t.DType)
	return j, "", nil
}

// fitONNX sets how the codes of j are chosen.
func (o *Options) fitONNX(j *onnxJob) (err error) {
	switch {
	case !o.fits():
		return nil
	case j.known != nil:
		j.weight.Nearest = reasonCalibrated
		return nil
	}
	form, ok := j.c.forms[j.t.Name]
	if ok && slices.Equal(form.Shape, j.shape) {
		j.fit, j.weight.Nearest, err = o.fit(j.t.Name, &form, "", j.scheme)
	} else {
		why := cmp.Or(j.c.formless[j.t.Name], "no operator multiplies by it")
		j.fit, j.weight.Nearest, err = o.fit(j.t.Name, nil, why, j.scheme)
	}
	j.weight.Feedback = j.fit != nil && j.fit.inputs != nil
	return err
}
