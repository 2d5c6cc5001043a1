package onnxtest

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"strconv"
)

// Float16 is a type of elements.
const Float16 = 10

// External is a TensorProto whose data are in another file.
func External(name, file string, offset, length int, typ int64, shape ...int) Message {
	entry := func(key, value string) Message { return Message{}.Text(1, key).Text(2, value) }
	return tensor(name, typ, shape).Bytes(13, entry("location", file),
		entry("offset", strconv.Itoa(offset)), entry("length", strconv.Itoa(length))).Int(14, 1)
}

// Outside returns a model whose weights, one of float32 and one of float16, are
// in the file "weights.bin" with the data returned. Its input is x, its output
// y, [1, 64] each.
func Outside() (model, data []byte) {
	r := rand.New(rand.NewPCG(33, 44))
	for _, x := range Random(r, 64*64, 64, 0.2) {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x))
	}
	half := len(data)
	for range 64 * 64 {
		// Of either sign, from 2^-6 to 2^-2.
		data = binary.LittleEndian.AppendUint16(data, uint16(r.UintN(2)<<15|(9+r.UintN(4))<<10|r.UintN(1<<10)))
	}
	cast := func(from, to string, typ int64) Message {
		return Node("Cast", []string{from}, []string{to}, AttrInt("to", typ))
	}
	g := Graph{
		Inputs: []Message{Value("x", Float, 1, 64)}, Outputs: []Message{Value("y", Float, 1, 64)},
		Tensors: []Message{
			External("single", "weights.bin", 0, half, Float, 64, 64),
			External("half", "weights.bin", half, len(data)-half, Float16, 64, 64),
		},
		Nodes: []Message{
			Node("MatMul", []string{"x", "single"}, []string{"a"}), cast("a", "b", Float16),
			Node("MatMul", []string{"b", "half"}, []string{"c"}), cast("c", "y", Float),
		},
	}
	return Model(17, g), data
}
