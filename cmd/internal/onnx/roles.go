package onnx

import (
	"slices"
	"strings"
)

// maxSteps bounds the work of tracing: the uses that are followed for all
// tensors of a model, and for one.
const (
	maxSteps       = 1 << 24
	maxTensorSteps = 1 << 12
	maxDepth       = 32 // of nodes in a row
	maxFindings    = 64 // of a tensor
)

// A finding is an operator that a tensor gets to.
type finding struct {
	op   string
	role string // what it is there; "" for a weight
	axis int    // of the output channels, in the tensor
}

func (f finding) String() string {
	if f.role == "" {
		return f.op
	}
	return f.op + " " + f.role
}

// weights are the operators that multiply with a weight or look up in one, and
// the inputs that may be one. Those of a domain begin with its name.
var weights = map[string][]int{
	"Conv": {1}, "ConvTranspose": {1}, "ConvInteger": {1}, "QLinearConv": {3}, "DeformConv": {1},
	"MatMul": {0, 1}, "MatMulInteger": {0, 1}, "Gemm": {0, 1}, "Gather": {0}, "Einsum": nil,
	"LSTM": {1, 2}, "GRU": {1, 2}, "RNN": {1, 2},
	"com.microsoft.MatMulNBits": {1}, "com.microsoft.MatMulBnb4": {1}, "com.microsoft.MatMulIntegerToFloat": {1},
	"com.microsoft.DynamicQuantizeMatMul": {1}, "com.microsoft.QGemm": {3}, "com.microsoft.GatherBlockQuantized": {0},
	"QLinearMatMul":           {0, 3},
	"com.microsoft.FusedConv": {1}, "com.microsoft.FusedMatMul": {0, 1}, "com.microsoft.Attention": {1},
}

// inputs names the inputs of operators that constants go to.
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

// codeInputs are the inputs of operators that are codes of a weight.
var codeInputs = map[string][]int{
	"DequantizeLinear": {0}, "ConvInteger": {1}, "MatMulInteger": {0, 1}, "QLinearConv": {3}, "QLinearMatMul": {0, 3},
	"com.microsoft.DequantizeLinear": {0}, "com.microsoft.MatMulNBits": {1}, "com.microsoft.MatMulBnb4": {1},
	"com.microsoft.MatMulIntegerToFloat": {1}, "com.microsoft.DynamicQuantizeMatMul": {1}, "com.microsoft.QGemm": {3},
	"com.microsoft.QAttention": {1}, "com.microsoft.GatherBlockQuantized": {0}, "com.microsoft.DynamicQuantizeLSTM": {1, 2},
	"com.microsoft.QMoE": {2, 5, 8},
}

// takesCodes reports whether input index of n is codes of a weight.
func takesCodes(n *node, index int) bool { return slices.Contains(codeInputs[n.qualified()], index) }

// qualified is the operator of n, behind its domain if that is not ONNX's own.
func (n *node) qualified() string {
	if n.domain != "" {
		return n.domain + "." + n.op
	}
	return n.op
}

// isQDQ reports whether n is a QuantizeLinear or DequantizeLinear, be it ONNX's or
// that of ONNX Runtime, which does the same for more types.
func (n *node) isQDQ() bool {
	return (n.op == "QuantizeLinear" || n.op == "DequantizeLinear") && (n.domain == "" || n.domain == microsoft)
}

// role returns what input index of n is, or "" if it is a weight.
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

// note says why a tensor that f found is no weight.
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
