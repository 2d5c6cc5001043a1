//go:build purego || !amd64

package quant

// quantizePacked has no kernel here.
func quantizePacked([]byte, []float32, float32, int32, int32, int32, int) bool { return false }

// quantizeBookPacked has no kernel here.
func quantizeBookPacked([]byte, []float32, int, []float32, *codebook) bool { return false }

// dequantize2Runs has no kernel here.
func dequantize2Runs([]float32, []byte, int, []float32, []int32, bool, bool) bool { return false }
