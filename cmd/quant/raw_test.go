package main

import (
	"encoding/binary"
	"encoding/json"
	"testing"
)

// A rawTensor is a tensor of a test file with its bytes.
type rawTensor struct {
	name, dtype string
	shape       []int
	data        []byte
}

// rawSafetensors writes a model and returns its path.
func rawSafetensors(t *testing.T, tensors []rawTensor) string {
	t.Helper()
	header, data := map[string]any{}, []byte(nil)
	for _, x := range tensors {
		header[x.name] = map[string]any{"dtype": x.dtype, "shape": x.shape, "data_offsets": [2]int{len(data), len(data) + len(x.data)}}
		data = append(data, x.data...)
	}
	words, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	file := binary.LittleEndian.AppendUint64(nil, uint64(len(words)))
	return write(t, "raw.safetensors", string(file)+string(words)+string(data))
}
