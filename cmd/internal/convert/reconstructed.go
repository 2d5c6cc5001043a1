package convert

import (
	"strings"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// A Reconstructed tensor is a quantized weight or bias of a model, as reconstructed values.
type Reconstructed struct {
	Info   tensorfile.Info // the name is that of the operators' input; DType is the type of the codes
	Source func() (quant.Source, error)
}

// plainName returns the name that d has in the original model. A bias or another constant operand that
// is quantized statically comes out of its DequantizeLinear as NAME_dequantized, of NAME_quantized.
func plainName(d *onnx.Dequantizer) string {
	name, made := strings.CutSuffix(d.Name, "_dequantized")
	if codes, ok := strings.CutSuffix(d.Codes.Name, "_quantized"); made && ok && codes == name && name != "" {
		return name
	}
	return d.Name
}

// Reconstruct lists the quantized weights and biases of the ONNX model at path. The caller has to
// close the model after using the sources.
func Reconstruct(path string) (*onnx.Model, []Reconstructed, error) {
	m, err := onnx.Open(path)
	if err != nil {
		return nil, nil, cutOff(path, err)
	}
	found, _ := m.Dequantizers()
	var all []Reconstructed
	for _, d := range found {
		info := tensorfile.InfoONNX(d.Codes)
		info.Name, info.Use, info.Axis = plainName(d), d.Use, tensorfile.NoAxis
		info.Floating, info.Unread, info.Left = true, "", ""
		info.Shape = d.Shape
		if len(d.Shape) == 0 {
			info.Shape = []int{1}
		}
		if d.Block == 0 && d.Axis >= 0 {
			info.Axis = d.Axis
		}
		all = append(all, Reconstructed{Info: info, Source: func() (quant.Source, error) {
			src, _, err := onnxValues(d)
			return src, inTensor(d.Name, err)
		}})
	}
	return m, all, nil
}
