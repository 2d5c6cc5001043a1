package onnx

import (
	"fmt"
	"slices"
	"strings"
)

// This file raises the version of the operators. Most operators keep their meaning in a later
// version, which only adds types, inputs or attributes. The table changes lists the others, by
// operator and version, from oldestOperators to newestOperators.

// knownOperators are all operators of those versions. What changed in other operators is unknown.
const knownOperators = " Abs Acos Acosh Add AffineGrid And ArgMax ArgMin Asin Asinh Atan Atanh Attention AveragePool " +
	"BatchNormalization Bernoulli BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor BlackmanWindow Cast CastLike Ceil " +
	"Celu CenterCropPad Clip Col2Im Compress Concat ConcatFromSequence Constant ConstantOfShape Conv ConvInteger " +
	"ConvTranspose Cos Cosh CumSum DFT DeformConv DepthToSpace DequantizeLinear Det Div Dropout DynamicQuantizeLinear " +
	"Einsum Elu Equal Erf Exp Expand EyeLike Flatten Floor GRU Gather GatherElements GatherND Gelu Gemm " +
	"GlobalAveragePool GlobalLpPool GlobalMaxPool Greater GreaterOrEqual GridSample GroupNormalization HammingWindow " +
	"HannWindow HardSigmoid HardSwish Hardmax Identity If ImageDecoder InstanceNormalization IsInf IsNaN LRN LSTM " +
	"LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax Loop LpNormalization LpPool MatMul MatMulInteger Max " +
	"MaxPool MaxRoiPool MaxUnpool Mean MeanVarianceNormalization MelWeightMatrix Min Mish Mod Mul Multinomial Neg " +
	"NegativeLogLikelihoodLoss NonMaxSuppression NonZero Not OneHot Optional OptionalGetElement OptionalHasElement Or " +
	"PRelu Pad Pow QLinearConv QLinearMatMul QuantizeLinear RMSNormalization RNN RandomNormal RandomNormalLike RandomUniform " +
	"RandomUniformLike Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin " +
	"ReduceProd ReduceSum ReduceSumSquare RegexFullMatch Relu Reshape Resize ReverseSequence RoiAlign RotaryEmbedding Round STFT Scan " +
	"Scatter ScatterElements ScatterND Selu SequenceAt SequenceConstruct SequenceEmpty SequenceErase SequenceInsert " +
	"SequenceLength SequenceMap Shape Shrink Sigmoid Sign Sin Sinh Size Slice Softmax SoftmaxCrossEntropyLoss Softplus " +
	"Softsign SpaceToDepth Split SplitToSequence Sqrt Squeeze StringConcat StringNormalizer StringSplit Sub Sum Tan Tanh " +
	"TfIdfVectorizer ThresholdedRelu Tile TopK Transpose Trilu Unique Unsqueeze Upsample Where Xor "

// A change converts a node from the version before to the given version without a change of
// meaning. It returns an error if that is impossible.
type change struct {
	version int64
	make    func(c *conversion) error
}

// changes has the changes of each operator in the order of versions.
var changes = map[string][]change{
	"AveragePool":        {{22, roundedDown}},
	"BatchNormalization": {{9, dropIf("spatial", 1)}, {14, oneOutput}},
	"Upsample":           {{9, scalesToInput}, {10, renamed("Resize")}, {11, resizeOf10}},
	"Scan":               {{9, none}},
	"Slice":              {{10, attributesToInputs("starts", "ends", "axes")}},
	"TopK":               {{10, attributesToInputs("k")}},
	"Clip":               {{11, attributesToInputs("min", "max")}},
	"MaxPool":            {{22, roundedDown}},
	"Pad":                {{11, attributesToInputs("pads", "value")}},
	"Resize":             {{11, resizeOf10}},
	"Scatter":            {{11, none}},
	"Dropout":            {{12, drop("ratio")}},
	"ReduceSum":          {{13, attributesToInputs("axes")}},
	"Squeeze":            {{13, attributesToInputs("axes")}},
	"Unsqueeze":          {{13, attributesToInputs("axes")}},
	"Split":              {{13, attributesToInputs("split")}, {18, countOutputs}},
	"Softmax":            {{13, flattenAround}},
	"LogSoftmax":         {{13, flattenAround}},
	"Hardmax":            {{13, flattenAround}},
	"RoiAlign":           {{16, addString("coordinate_transformation_mode", "output_half_pixel")}},
	"ReduceL1":           {{18, attributesToInputs("axes")}},
	"ReduceL2":           {{18, attributesToInputs("axes")}},
	"ReduceLogSum":       {{18, attributesToInputs("axes")}},
	"ReduceLogSumExp":    {{18, attributesToInputs("axes")}},
	"ReduceMax":          {{18, attributesToInputs("axes")}},
	"ReduceMean":         {{18, attributesToInputs("axes")}},
	"ReduceMin":          {{18, attributesToInputs("axes")}},
	"ReduceProd":         {{18, attributesToInputs("axes")}},
	"ReduceSumSquare":    {{18, attributesToInputs("axes")}},
	"DFT":                {{20, none}},
	"GridSample":         {{20, renameModes}},
	"GroupNormalization": {{21, none}},
}

// A VersionError says that the operators of a model cannot be raised to a version.
type VersionError struct {
	From, To int64
	Node, Op string // the node that cannot be converted; "" if the version is out of range
}

func (e *VersionError) Error() string {
	what := fmt.Sprintf("the model's operators are of version %d, DequantizeLinear has to be of version %d", e.From, e.To)
	if e.Op == "" {
		return what
	}
	return fmt.Sprintf("%s, and %s (node %s) means something else there", what, printable(e.Op), quote(e.Node))
}

// Raise returns nil if the model's operators have version to or can be converted to it. It
// returns a *VersionError otherwise.
func (m *Model) Raise(to int64) error {
	_, err := m.conversions(to)
	return err
}

// conversions returns the changes that raise the operators to version to.
func (m *Model) conversions(to int64) ([]*conversion, error) {
	var all []*conversion
	for _, g := range m.graphs {
		from := m.version(g)
		if from >= to || !g.root().live() || !g.usesDomain("") {
			continue
		}
		if from < oldestOperators || to > newestOperators {
			return nil, &VersionError{From: from, To: to}
		}
		for _, n := range g.nodes {
			if n.domain != "" || m.function(n) != nil {
				continue
			}
			refused := &VersionError{from, to, n.label(), n.op}
			if !strings.Contains(knownOperators, " "+n.op+" ") {
				return nil, refused
			}
			c := &conversion{m: m, node: n}
			for _, change := range changes[n.op] {
				if from < change.version && change.version <= to && (n.refers() || change.make(c) != nil) {
					return nil, refused
				}
			}
			if !c.empty() {
				all = append(all, c)
			}
		}
	}
	return all, nil
}

// refers reports whether an attribute of n refers to an attribute of the function that n is in.
func (n *node) refers() bool {
	return slices.ContainsFunc(n.attrs, func(a attribute) bool { return a.ref })
}

// raise plans the versions of the operators and of the format that the new tensors need.
func (r *Rewriter) raise() error {
	m := r.m
	conversions, err := m.conversions(r.version)
	if err != nil {
		return err
	}
	for _, c := range conversions {
		if r.dropped[c.node] {
			continue
		}
		if err := c.apply(r); err != nil {
			return err
		}
		r.dropped[c.node] = true
	}
	if err := r.rename(); err != nil {
		return err
	}
	set := func(imports []importSpan) {
		for i := range imports {
			if x := &imports[i]; x.Domain == "" && x.Version < r.version {
				r.setVersion(&x.frame)
			}
		}
	}
	set(m.imports)
	for _, f := range m.functions {
		if f.called {
			set(f.imports)
		}
	}
	if r.ir > m.IR {
		r.e.replace(&m.root, m.irSpan.start, m.irSpan.end, literal(appendInt(nil, 1, r.ir)))
		if m.IR < irInitializers {
			// In older formats initializers had to be inputs as well, and were still constants.
			// In the new version an initializer that is also an input is not constant, so these
			// inputs go.
			for i := range m.main.inputs {
				in := &m.main.inputs[i]
				if t := m.main.defs[in.name].tensor; t != nil && t.node == nil && !r.gone[t] {
					r.e.remove(&in.frame)
				}
			}
		}
	}
	return nil
}

// setVersion plans a new version in an OperatorSetIdProto.
func (r *Rewriter) setVersion(f *frame) {
	version := literal(appendInt(nil, 2, r.version))
	done := false
	// The parser read the message before, so there are no errors.
	_ = newWire(r.m.r).each(f.inner(), func(x field) error {
		if x.num == 2 && !done {
			r.e.replace(f, x.start, x.end, version)
			done = true
		}
		return nil
	})
	if !done {
		r.e.replace(f, f.end, f.end, version)
	}
}
