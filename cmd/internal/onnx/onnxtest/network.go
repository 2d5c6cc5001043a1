package onnxtest

import "math/rand/v2"

// Network returns a model of most operators that have weights: convolutions,
// a transposed and a depthwise one among them, Gemm both ways, MatMul, an
// embedding, LSTM and GRU, and weights in both branches of an If; some as
// initializers, some as Constant nodes, one with typed data, and one that two
// operators share. Its inputs are image [1, 3, 24, 24], tokens [1, 9] of 0 to
// 49 and flag; its outputs are y and z, [1, 40] each.
func Network(opset int64) []byte {
	r := rand.New(rand.NewPCG(11, 22))
	var g Graph
	node := func(op string, inputs []string, output string, attributes ...Message) {
		g.Nodes = append(g.Nodes, Node(op, inputs, []string{output}, attributes...))
	}
	weight := func(name string, spread float64, shape ...int) {
		n := product(shape)
		g.Tensors = append(g.Tensors, Floats(name, Random(r, n, n/shape[0], spread), shape...))
	}
	names := func(s ...string) []string { return s }

	g.Inputs = []Message{Value("image", Float, 1, 3, 24, 24), Value("tokens", Int64, 1, 9), Value("flag", Bool)}
	g.Outputs = []Message{Value("y", Float, 1, 40), Value("z", Float, 1, 40)}

	weight("conv.weight", 0.3, 16, 3, 3, 3)
	weight("conv.bias", 0.1, 16)
	node("Conv", names("image", "conv.weight", "conv.bias"), "a1", AttrInts("pads", 1, 1, 1, 1))
	node("Relu", names("a1"), "a2")
	weight("depthwise.weight", 0.4, 16, 1, 3, 3)
	node("Conv", names("a2", "depthwise.weight"), "a3", AttrInt("group", 16), AttrInts("strides", 2, 2))
	g.Nodes = append(g.Nodes, Constant("pointwise.weight", Floats("", Random(r, 64*16, 16, 0.3), 64, 16, 1, 1)))
	node("Conv", names("a3", "pointwise.weight"), "a4")
	node("Relu", names("a4"), "a5")
	weight("up.weight", 0.2, 64, 8, 2, 2)
	node("ConvTranspose", names("a5", "up.weight"), "a6", AttrInts("strides", 2, 2))
	node("GlobalAveragePool", names("a6"), "a7")
	node("Flatten", names("a7"), "a8")
	weight("gemm1.weight", 0.5, 64, 8)
	weight("gemm1.bias", 0.1, 64)
	node("Gemm", names("a8", "gemm1.weight", "gemm1.bias"), "a9", AttrInt("transB", 1))
	node("Tanh", names("a9"), "a10")
	weight("gemm2.weight", 0.2, 64, 40)
	node("Gemm", names("a10", "gemm2.weight"), "features")

	weight("embedding", 1, 50, 40)
	node("Gather", names("embedding", "tokens"), "b1")
	node("Transpose", names("b1"), "b2", AttrInts("perm", 1, 0, 2))
	weight("lstm.W", 0.2, 1, 128, 40)
	weight("lstm.R", 0.2, 1, 128, 32)
	weight("lstm.B", 0.1, 1, 256)
	g.Nodes = append(g.Nodes, Node("LSTM", names("b2", "lstm.W", "lstm.R", "lstm.B"), names("b3", "b4"), AttrInt("hidden_size", 32)))
	g.Tensors = append(g.Tensors, Ints("one", 1))
	node("Squeeze", names("b3", "one"), "b5")
	weight("gru.W", 0.2, 1, 96, 32)
	weight("gru.R", 0.2, 1, 96, 32)
	g.Nodes = append(g.Nodes, Node("GRU", names("b5", "gru.W", "gru.R"), names("", "b6"), AttrInt("hidden_size", 32)))
	g.Tensors = append(g.Tensors, Ints("zero", 0))
	node("Squeeze", names("b6", "zero"), "b7")
	g.Tensors = append(g.Tensors, TypedFloats("matmul.weight", Random(r, 32*40, 40, 0.3), 32, 40))
	node("MatMul", names("b7", "matmul.weight"), "text")

	// One weight of the outer graph is used in both branches and outside.
	weight("shared.weight", 0.2, 40, 40)
	branch := func(name, input string) Message {
		var b Graph
		b.Tensors = []Message{Floats(name+".weight", Random(r, 40*40, 40, 0.2), 40, 40)}
		b.Nodes = []Message{
			Node("MatMul", names(input, name+".weight"), names(name+"1")),
			Constant(name+".constant", Floats("", Random(r, 40*40, 40, 0.2), 40, 40)),
			Node("MatMul", names(name+"1", name+".constant"), names(name+"2")),
			Node("MatMul", names(name+"2", "shared.weight"), names(name+"3")),
		}
		b.Outputs = []Message{Value(name+"3", Float, 1, 40)}
		return b.Message(name)
	}
	g.Nodes = append(g.Nodes, Node("If", names("flag"), names("y"),
		AttrGraph("then_branch", branch("then", "features")), AttrGraph("else_branch", branch("else", "text"))))
	node("MatMul", names("text", "shared.weight"), "c1")
	node("Add", names("c1", "features"), "z")
	return Model(opset, g)
}

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}
