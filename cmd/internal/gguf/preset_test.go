package gguf

import (
	"encoding/binary"
	"testing"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/preset"
)

// presetTypes are the types that have a preset, by its name.
var presetTypes = map[string]Type{"ggml-q8_0": Q8_0, "ggml-q4_0": Q4_0, "ggml-q4_1": Q4_1, "ggml-q5_0": Q5_0, "ggml-q5_1": Q5_1}

// presetBlocks returns the blocks of the parameters and codes that a preset makes of x, and the
// values that they stand for.
func presetBlocks(t *testing.T, name string, typ Type, x []float32) (blocks []byte, values []float32, err error) {
	t.Helper()
	p, ok := preset.ByName(name)
	if !ok {
		t.Fatalf("there is no preset %s", name)
	}
	params, err := p.Calibrate(quant.Tensor{Data: x})
	if err != nil {
		return nil, nil, err
	}
	codes, err := p.Quantize(quant.Tensor{Data: x}, params)
	if err != nil {
		return nil, nil, err
	}
	if values, err = p.Dequantize(codes, []int{len(codes)}, params); err != nil {
		return nil, nil, err
	}
	for i, scale := range params.Scale {
		blocks = binary.LittleEndian.AppendUint16(blocks, Float16(scale))
		if params.Offset != nil {
			blocks = binary.LittleEndian.AppendUint16(blocks, Float16(params.Offset[i]))
		}
		row := codes[i*BlockLen:][:BlockLen]
		if typ == Q8_0 {
			for _, q := range row {
				blocks = append(blocks, byte(q))
			}
			continue
		}
		fifth, low := uint32(0), [16]byte{}
		for k, q := range row {
			fifth |= uint32(q>>4&1) << k
			low[k%16] |= byte(q&15) << (k / 16 * 4)
		}
		if typ == Q5_0 || typ == Q5_1 {
			blocks = binary.LittleEndian.AppendUint32(blocks, fifth)
		}
		blocks = append(blocks, low[:]...)
	}
	return blocks, values, nil
}

// TestPresetBlocks compares the presets with the blocks of this package, of the rows that
// TestGGMLGoldenRows compares with ggml.
func TestPresetBlocks(t *testing.T) {
	for name, typ := range presetTypes {
		x := goldenRows(typ)
		_, size := typ.Block()
		want := make([]byte, len(x)/BlockLen*size)
		if err := typ.Quantize(want, x); err != nil {
			t.Fatal(err)
		}
		got, values, err := presetBlocks(t, name, typ, x)
		if err != nil {
			t.Fatal(err)
		}
		back := make([]float32, len(x))
		typ.Dequantize(back, want)
		for i := range len(x) / BlockLen {
			if string(got[i*size:][:size]) != string(want[i*size:][:size]) {
				t.Fatalf("%s: %v is %x, and %x in this package", name, x[i*BlockLen:][:BlockLen], got[i*size:][:size], want[i*size:][:size])
			}
		}
		for i, v := range values {
			if v != back[i] {
				t.Fatalf("%s: %v comes back as %v, and %v in this package", name, x[i], v, back[i])
			}
		}
	}
}
