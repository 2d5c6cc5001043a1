package tensorfile

import (
	"testing"

	"github.com/a01592f9/quant/cmd/internal/gguf"
	"github.com/a01592f9/quant/cmd/internal/onnx"
)

// TestReason has tensors that are not read, and why.
func TestReason(t *testing.T) {
	for _, test := range []struct {
		name string
		info Info
		want string
	}{
		{"read", Info{DType: "F32", Floating: true}, ""},
		{"integers", Info{DType: "I32"}, "I32 is not a floating-point type"},
		{"reason of its own", Info{DType: "|V2", Unread: "two bytes"}, "two bytes"},
		{"part", Info{DType: "I32", PartOf: "w", Left: "zero points of w"}, "zero points of w"},
		{"left", Info{DType: "I64", Left: "shape of Reshape"}, "I64 is not a floating-point type"},
		{"sparse", InfoONNX(&onnx.Tensor{DType: "F32", Note: onnx.SparseNote}), "sparse tensors are not read"},
		{"small floats of ONNX", InfoONNX(&onnx.Tensor{DType: "F8E4M3FN"}), "elements of type F8E4M3FN are not read"},
		{"a type that ONNX does not have", InfoONNX(&onnx.Tensor{DType: "type 99"}), "elements of type 99 are not read"},
		{"blocks of GGUF", Info{DType: "Q4_0_4_4", Unread: unreadGGUF(gguf.Type(31))}, "blocks of Q4_0_4_4 are not read"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.info.Reason(); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}
