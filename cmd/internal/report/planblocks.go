package report

import (
	"github.com/a01592f9/quant/cmd/internal/gguf"
)

// Weights as blocks of a type of GGUF.

// blockBytes returns how many bytes a weight of whole blocks of type t takes.
func blockBytes(t gguf.Type, elements int64) int64 {
	block, size := t.Block()
	return elements / int64(block) * int64(size)
}

// blockErrors returns the sum of squared errors of a weight as blocks of a type,
// and its sum of squares.
func blockErrors(r *reading, t gguf.Type, elements int64) (noise, signal float64, err error) {
	type sums struct{ noise, signal float64 }
	const each = blockLen // of every type, blocks are whole in it
	blocks := make([]sums, (elements+each-1)/each)
	errs := make([]error, len(blocks))
	block, size := t.Block()
	err = eachBlock(r, elements, func(int) bool { return true }, func(i int, x []float32) {
		codes, back := make([]byte, len(x)/block*size), make([]float32, len(x))
		if errs[i] = gguf.CountedFrom(t.Encode(codes, x), i*each); errs[i] != nil {
			return
		}
		t.Dequantize(back, codes)
		for k, v := range x {
			e := float64(back[k]) - float64(v)
			blocks[i].noise += float64(e * e)
			blocks[i].signal += float64(float64(v) * float64(v))
		}
	})
	for i, b := range blocks {
		noise, signal = noise+b.noise, signal+b.signal
		if err == nil {
			err = errs[i]
		}
	}
	return noise, signal, err
}

// restoredBlocks returns the values of blocks of a type that hold values.
func restoredBlocks(values []float32, t gguf.Type) ([]float32, error) {
	block, size := t.Block()
	codes, restored := make([]byte, len(values)/block*size), make([]float32, len(values))
	if err := t.Encode(codes, values); err != nil {
		return nil, err
	}
	t.Dequantize(restored, codes)
	return restored, nil
}
