package onnx

import (
	"slices"
	"strings"
)

// Limits for tracing. maxSteps and maxTensorSteps limit the number of uses to follow, for all
// tensors of a model and for one tensor.
const (
	maxSteps       = 1 << 24
	maxTensorSteps = 1 << 12
	maxDepth       = 32 // length of a chain of nodes
	maxFindings    = 64 // findings for a tensor
)

// A finding is an operator that uses a tensor.
type finding struct {
	op   string
	role string // the role of the tensor; "" for a weight
	axis int    // axis of the output channels in the tensor
}

func (f finding) String() string {
	if f.role == "" {
		return f.op
	}
	return f.op + " " + f.role
}

// weights are the operators that multiply by a weight or look up in one, and the inputs that can
// be weights. Names of operators in other domains begin with the domain.
var weights = map[string][]int{
	"Conv": {1}, "ConvTranspose": {1}, "ConvInteger": {1}, "QLinearConv": {3}, "DeformConv": {1},
	"MatMul": {0, 1}, "MatMulInteger": {0, 1}, "Gemm": {0, 1}, "Gather": {0}, "Einsum": nil,
	"LSTM": {1, 2}, "GRU": {1, 2}, "RNN": {1, 2},
	"com.microsoft.MatMulNBits": {1}, "com.microsoft.MatMulBnb4": {1}, "com.microsoft.MatMulIntegerToFloat": {1},
	"com.microsoft.DynamicQuantizeMatMul": {1}, "com.microsoft.QGemm": {3}, "com.microsoft.GatherBlockQuantized": {0},
	"QLinearMatMul":           {0, 3},
	"com.microsoft.FusedConv": {1}, "com.microsoft.FusedMatMul": {0, 1}, "com.microsoft.Attention": {1},
}

// inputs names the roles of operators' inputs that can be constants.
var inputs = map[string]string{
	"Conv":          "input,,bias",
	"ConvTranspose": "input,,bias",
	"ConvInteger":   "input,,zero point,zero point",
	"QLinearConv":   "input,scale,zero point,,scale,zero point,scale,zero point,bias",
	"DeformConv":    "input,,offset,bias,mask",
	"Gemm":          ",,bias",
	"MatMulInteger": ",,zero point,zero point",
	"QLinearMatMul": ",scale,zero point,,scale,zero point,scale,zero point",
	"Gather":        ",indices",
	"LSTM":          "input,,,bias,lengths,state,state,peepholes",
	"GRU":           "input,,,bias,lengths,state",
	"RNN":           "input,,,bias,lengths,state",

	"com.microsoft.FusedConv": "input,,bias,input",
	"com.microsoft.Attention": "input,,bias,mask",

	"com.microsoft.QuantizeLinear":        "input,scale,zero point",
	"com.microsoft.DequantizeLinear":      "input,scale,zero point",
	"com.microsoft.MatMulNBits":           "input,,scale,zero point,indices,bias",
	"com.microsoft.MatMulBnb4":            "input,,scale",
	"com.microsoft.MatMulIntegerToFloat":  "input,,scale,scale,zero point,zero point,bias",
	"com.microsoft.DynamicQuantizeMatMul": "input,,scale,zero point,bias",
	"com.microsoft.QGemm":                 "input,scale,zero point,,scale,zero point,bias,scale,zero point",
	"com.microsoft.GatherBlockQuantized":  ",indices,scale,zero point",

	"BatchNormalization":    "input,scale,bias,mean,variance",
	"InstanceNormalization": "input,scale,bias",
	"LayerNormalization":    "input,scale,bias",
	"GroupNormalization":    "input,scale,bias",
	"RMSNormalization":      "input,scale",
	"PRelu":                 "input,slope",
	"QuantizeLinear":        "input,scale,zero point",
	"DequantizeLinear":      "input,scale,zero point",
	"Clip":                  "input,limit,limit",

	"Reshape":         "input,shape",
	"Expand":          "input,shape",
	"ConstantOfShape": "shape",
	"Resize":          "input,shape,shape,shape",
	"Upsample":        "input,shape",
	"Slice":           "input,shape,shape,shape,shape",
	"Pad":             "input,shape,value,shape",
	"Tile":            "input,shape",
	"Squeeze":         "input,shape",
	"Unsqueeze":       "input,shape",
	"Split":           "input,shape",
	"TopK":            "input,shape",
	"OneHot":          "input,shape,values",
	"Range":           "shape,shape,shape",
}

// microsoft is the domain of ONNX Runtime's own operators.
const microsoft = "com.microsoft"

// codeInputs are the inputs of operators that take codes of a weight.
var codeInputs = map[string][]int{
	"DequantizeLinear": {0}, "ConvInteger": {1}, "MatMulInteger": {0, 1}, "QLinearConv": {3}, "QLinearMatMul": {0, 3},
	"com.microsoft.DequantizeLinear": {0}, "com.microsoft.MatMulNBits": {1}, "com.microsoft.MatMulBnb4": {1},
	"com.microsoft.MatMulIntegerToFloat": {1}, "com.microsoft.DynamicQuantizeMatMul": {1}, "com.microsoft.QGemm": {3},
	"com.microsoft.QAttention": {1}, "com.microsoft.GatherBlockQuantized": {0}, "com.microsoft.DynamicQuantizeLSTM": {1, 2},
	"com.microsoft.QMoE": {2, 5, 8},
}

// takesCodes reports whether input index of n takes codes of a weight.
func takesCodes(n *node, index int) bool { return slices.Contains(codeInputs[n.qualified()], index) }

// qualified returns the operator of n, after its domain if that is not ONNX's own.
func (n *node) qualified() string {
	if n.domain != "" {
		return n.domain + "." + n.op
	}
	return n.op
}

// isQDQ reports whether n is a QuantizeLinear or DequantizeLinear, of ONNX or of ONNX Runtime.
// The latter do the same for more types.
func (n *node) isQDQ() bool {
	return (n.op == "QuantizeLinear" || n.op == "DequantizeLinear") && (n.domain == "" || n.domain == microsoft)
}

// role returns the role of input index of n, or "" if it is a weight.
func role(n *node, index int) string {
	op := n.qualified()
	if may, known := weights[op]; known && (may == nil || slices.Contains(may, index)) {
		return ""
	}
	if names, ok := inputs[op]; ok {
		if list := strings.Split(names, ","); index < len(list) && list[index] != "" {
			return list[index]
		}
	}
	return "input"
}

// note returns why the tensor of f is not a weight.
func (f finding) note() string {
	switch {
	case f.op == "output":
		return "an output of the graph"
	case f.role == "shape":
		return "shape computation of " + f.op
	case f.role == "input":
		return "an operand of " + f.op
	}
	return f.role + " of " + f.op
}
