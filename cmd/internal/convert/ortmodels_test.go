package convert

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
)

func TestONNXRuntimeNetwork(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.onnx")
	os.WriteFile(path, onnxtest.Network(13), 0o666)
	steps := []map[string]value{networkInputs(0), networkInputs(1)}
	r := onnxruntime(t, ortJob{Model: path, Level: "disabled", Steps: steps}, ortJob{Model: path, Level: "all", Steps: steps})
	t.Log(r[0][0]["y"].floats(), r[0][1]["y"].floats(), distanceOf(r[0], r[1], "y"), distanceOf(r[0], r[1], "z"))
}

func networkInputs(flag byte) map[string]value {
	tokens := make([]int64, 9)
	for i := range tokens {
		tokens[i] = int64(i * 5)
	}
	return map[string]value{
		"image": floatValue(random(3*24*24), 1, 3, 24, 24), "tokens": intValue(tokens, 1, 9), "flag": {"bool", []int{}, []byte{flag}},
	}
}
