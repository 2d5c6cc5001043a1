package convert

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/internal/summary"
)

// A staticCopy copies an ONNX model and quantizes its activations and weights.
type staticCopy struct {
	*onnxCopy
	o      *Options
	kind   activationType
	plan   *onnx.Activations
	params map[string]onnx.ActivationParams // by the names of values with their own scale
	folded map[string]bool                  // by the names of nodes
	jobs   map[*onnx.Tensor]*onnxJob
	order  []*onnxJob
	biases map[*onnx.Tensor]bool
}

// onnxStatic quantizes the weights and activations of the model in. The ranges of activations
// come from o.Calibration. QuantizeLinear and DequantizeLinear nodes are inserted around the
// operators that ONNX Runtime computes with codes. Weights are int8 and symmetric, per channel or
// per tensor; biases are int32. The patterns in o.Include and o.Exclude are for names of nodes.
func onnxStatic(ctx context.Context, in string, out *atomicfile.Set, o Options, p Progress) (*Result, error) {
	c, err := newONNXCopy(ctx, in, out, o, p)
	if err != nil {
		return nil, err
	}
	defer c.model.Close()
	if !o.Static.Unfolded {
		done, err := c.fold()
		defer done()
		if err != nil {
			return nil, err
		}
	}
	s := &staticCopy{onnxCopy: c, o: &o, kind: activationTypes[o.Static.Type], params: map[string]onnx.ActivationParams{},
		folded: map[string]bool{}, jobs: map[*onnx.Tensor]*onnxJob{}, biases: map[*onnx.Tensor]bool{}}
	if by := c.model.QuantizedBy(); by != nil {
		return nil, fmt.Errorf("the model is quantized already: node %q is a %s", by.Name, by.Op)
	}
	choice := onnx.ActivationChoice{Operators: o.Static.Operators, Bits: s.kind.bits(), Skip: func(name, _ string) bool { return !o.selection().Picks(name) }}
	s.plan = c.model.Activations(choice)
	if err := s.checkNames(); err != nil {
		return nil, err
	}
	for _, step := range []func() error{s.calibrateActivations, s.makeJobs, s.widen, s.quantize} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	s.report()
	if len(s.plan.Values) == 0 {
		return &c.result, nil
	}
	if err := c.write(); err != nil {
		return nil, err
	}
	for _, j := range s.order {
		c.result.Weights = append(c.result.Weights, j.weight)
	}
	return &c.result, nil
}

// checkNames returns an error if a pattern matches no node.
func (s *staticCopy) checkNames() error {
	var names []string
	for _, n := range s.plan.Nodes {
		names = append(names, n.Name)
	}
	for _, p := range slices.Concat(s.o.Include, s.o.Exclude) {
		if !slices.ContainsFunc(names, func(name string) bool { return option.Match(p, name) }) {
			return fmt.Errorf("no node matches %q", p)
		}
	}
	return nil
}

// calibrateActivations computes the scales of all activations, and finds the Relu and Clip nodes
// to fold.
func (s *staticCopy) calibrateActivations() error {
	var missing, constant []string
	found := false
	for _, v := range s.plan.Values {
		if v.Of != v.Name || v.Folded != "" {
			continue
		}
		entry := s.o.Calibration.Find(v.Name)
		if entry == nil {
			missing = append(missing, v.Name)
			continue
		}
		found = true
		err := s.calibrateValue(v.Name)
		switch {
		case errors.Is(err, errOneValue):
			constant = append(constant, v.Name)
		case err != nil:
			return err
		}
	}
	switch {
	case len(missing) > 0 && !found:
		return fmt.Errorf("the calibration has none of the model's activations: it is of another model (tensor %q is missing)", missing[0])
	case len(missing) > 0:
		return inTensor(missing[0], fmt.Errorf("the calibration has no range of it%s", others(missing)))
	case len(constant) > 0:
		return inTensor(constant[0], fmt.Errorf("%w%s; calibrate with other data, or exclude the nodes that make or take it", errOneValue, others(constant)))
	}
	for i := range s.plan.Nodes {
		x := &s.plan.Nodes[i]
		if !x.Folds() {
			continue
		}
		if s.folds(x) {
			s.folded[x.Name] = true
		} else if err := s.calibrateValue(x.Input()); err != nil {
			return err
		}
	}
	return nil
}

// errOneValue is the error for a range of width 0.
var errOneValue = errors.New("the calibration saw one value only")

// others returns text for an error about several tensors: all names but the first.
func others(names []string) string {
	const most = 4
	switch n := len(names) - 1; {
	case n == 0:
		return ""
	case n > most:
		return fmt.Sprintf(", and so of %q and %d more", names[1:1+most], n-most)
	}
	return fmt.Sprintf(", and so of %q", names[1:])
}

// calibrateValue computes the scale of a value from its range.
func (s *staticCopy) calibrateValue(name string) error {
	entry := s.o.Calibration.Find(name)
	switch {
	case entry == nil:
		return inTensor(name, errors.New("the calibration has no range of it"))
	case len(entry.Min) != 1:
		return inTensor(name, fmt.Errorf("the calibration has %d ranges of it: activations have one scale, so calibrate per tensor", len(entry.Min)))
	case entry.Min[0] == entry.Max[0]:
		return inTensor(name, errOneValue)
	}
	p, err := s.kind.params(entry.Min[0], entry.Max[0], s.o.Static.Symmetric)
	if err != nil {
		return inTensor(name, err)
	}
	s.params[name] = p
	return nil
}

// folds reports whether the limits of a Relu or Clip have the lowest and the highest code. Then
// the operator changes no code and can be removed.
func (s *staticCopy) folds(x *onnx.ActivationNode) bool {
	v := s.plan.Value(x.Output())
	if v == nil {
		return false
	}
	p, ok := s.params[v.Of]
	lo, hi, constant := s.model.ClipLimits(x)
	return ok && constant && s.kind.code(lo, p) == s.kind.min && s.kind.code(hi, p) == s.kind.max
}

// makeJobs creates the jobs for the weights and other constants to quantize, with their scales.
func (s *staticCopy) makeJobs() error {
	axes := map[*onnx.Tensor]int{}
	for i := range s.plan.Nodes {
		x := &s.plan.Nodes[i]
		w := x.Weight()
		if w == nil || !x.Quantized() {
			continue
		}
		axis := x.WeightAxis()
		if had, shared := axes[w]; s.o.Granularity == option.PerTensor || shared && had != axis {
			axis = onnx.NoAxis // nodes that share the weight disagree on its channel axis
		}
		axes[w] = axis
	}
	for i := range s.plan.Nodes {
		x := &s.plan.Nodes[i]
		if !x.Quantized() {
			continue
		}
		if w := x.Weight(); w != nil {
			if err := s.weight(w, axes[w]); err != nil {
				return inTensor(w.Name, err)
			}
		}
		for _, t := range x.Constants() {
			if err := s.operand(t); err != nil {
				return inTensor(t.Name, err)
			}
		}
	}
	return nil
}

// job returns a new job for a tensor, or nil if there is one already.
func (s *staticCopy) job(t *onnx.Tensor, scheme quant.Scheme, dtype string) (*onnxJob, error) {
	if s.jobs[t] != nil {
		return nil, nil
	}
	j, err := newOperatorJob(s.onnxCopy, t, tensorfile.InfoONNX(t).Shape, scheme, dtype)
	if err != nil {
		return nil, err
	}
	j.measure = s.o.Measure
	s.jobs[t] = j
	s.order = append(s.order, j)
	return j, nil
}

// weight creates the job of a weight: int8 and symmetric, without the lowest code.
func (s *staticCopy) weight(t *onnx.Tensor, axis int) error {
	scheme := quant.Scheme{Bits: 8, Mapping: quant.Symmetric, NarrowRange: true, ZeroInRange: true, Method: s.o.Range}
	if axis != onnx.NoAxis {
		scheme.Granularity = quant.PerChannel(axis)
	}
	j, err := s.job(t, scheme, "I8")
	if j == nil || err != nil {
		return err
	}
	stream := quant.Stream{Source: tensorfile.Interruptible(s.ctx, j.src), Shape: j.shape}
	if scheme.Method != quant.MinMax {
		p, err := stream.Calibrate(scheme)
		if err != nil {
			return inChannel(err, j.shape, j.channels)
		}
		*j.known = p
		return nil
	}
	ranges, err := stream.Ranges(scheme.Granularity)
	if err != nil {
		return inChannel(err, j.shape, j.channels)
	}
	for i, r := range ranges {
		j.known.Scale[i] = weightScale(max(-r.Min, r.Max), s.o.Static.Reduced)
	}
	return nil
}

// operand creates the job of a constant operand of an element-wise operator. Its codes have the
// type of activations.
func (s *staticCopy) operand(t *onnx.Tensor) error {
	scheme := quant.Scheme{Bits: s.kind.bits(), Unsigned: s.kind.min == 0, ZeroInRange: true}
	if s.o.Static.Symmetric && s.kind.min < 0 {
		scheme.Mapping = quant.Symmetric
	}
	j, err := s.job(t, scheme, s.kind.dtype)
	if j == nil || err != nil {
		return err
	}
	ranges, err := quant.Stream{Source: tensorfile.Interruptible(s.ctx, j.src), Shape: j.shape}.Ranges(quant.PerTensor)
	if err != nil {
		return err
	}
	p, err := s.kind.params(ranges[0].Min, ranges[0].Max, s.o.Static.Symmetric)
	j.known.Scale[0], j.known.ZeroPoint[0] = p.Scale, p.Zero
	return err
}

// widen increases scales of weights if a bias would not fit in int32 otherwise.
func (s *staticCopy) widen() error {
	for i := range s.plan.Nodes {
		x := &s.plan.Nodes[i]
		t := s.bias(x)
		if t == nil {
			continue
		}
		values, err := onnxFloats(t)
		if err != nil {
			return inTensor(t.Name, err)
		}
		input, scale := s.params[s.plan.Value(x.Input()).Of].Scale, s.jobs[x.Weight()].known.Scale
		far := float32(0)
		b := Bias{Name: t.Name, Node: x.Name}
		for k, v := range values {
			if v != v || math.IsInf(float64(v), 0) {
				return inTensor(t.Name, fmt.Errorf("%v at index %d", v, k))
			}
			if far = max(far, v, -v); len(scale) == 1 {
				continue
			}
			if wide := widened(scale[k], input, v); wide != scale[k] {
				scale[k] = wide
				b.Widened++
			}
		}
		if len(scale) == 1 {
			if wide := widened(scale[0], input, far); wide != scale[0] {
				scale[0] = wide
				b.Widened++
			}
		}
		s.result.Biases = append(s.result.Biases, b)
	}
	return nil
}

// bias returns the bias of x to quantize to int32, or nil.
func (s *staticCopy) bias(x *onnx.ActivationNode) *onnx.Tensor {
	if !x.Quantized() {
		return nil
	}
	return x.Bias()
}

// quantize plans all changes to the model.
func (s *staticCopy) quantize() error {
	for _, j := range s.order {
		if err := s.rewriter.Quantize(j.quantized()); err != nil {
			return err
		}
	}
	for i := range s.plan.Nodes {
		x := &s.plan.Nodes[i]
		t := s.bias(x)
		if t == nil {
			continue
		}
		values, err := onnxFloats(t)
		if err != nil {
			return inTensor(t.Name, err)
		}
		codes, scales := biasCodes(values, s.params[s.plan.Value(x.Input()).Of].Scale, s.jobs[x.Weight()].known.Scale)
		s.rewriter.QuantizeBias(x, codes, scales)
		s.biases[t] = true
	}
	if err := s.rewriter.QuantizeActivations(s.plan, s.params, s.folded); err != nil {
		return err
	}
	version := int64(13)
	if s.kind.bits() == 16 {
		version = 21
	}
	return s.model.Raise(version)
}

// report adds the nodes, values and tensors to the result.
func (s *staticCopy) report() {
	r := &s.result
	for _, x := range s.plan.Nodes {
		o := Operator{Name: x.Name, Op: x.Op, Integer: x.Integer, Reason: x.Reason}
		if x.Folds() {
			if o.Folded = s.folded[x.Name]; !o.Folded {
				o.Integer, o.Reason = "", "its limits are not those of the codes of its result"
			}
		}
		r.Operators = append(r.Operators, o)
	}
	for _, v := range s.plan.Values {
		if v.Folded != "" && slices.ContainsFunc(s.plan.Nodes, func(x onnx.ActivationNode) bool { return s.folded[x.Name] && x.Input() == v.Name }) {
			continue
		}
		p, entry := s.params[v.Of], s.o.Calibration.Find(v.Of)
		r.Activations = append(r.Activations, Activation{Name: v.Name, Of: v.Of, Type: s.o.Static.Type, Min: entry.Min[0], Max: entry.Max[0], Scale: p.Scale, Zero: p.Zero})
	}
	for _, t := range s.model.Tensors {
		switch {
		case s.jobs[t] != nil || s.biases[t]:
		case t.Floating:
			s.keep(t, reasonNoOperator)
		default:
			s.keep(t, summary.NotFloating(t.DType))
		}
	}
}
