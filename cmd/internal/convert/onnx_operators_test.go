package convert

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
)

// Types of elements of ONNX.
const (
	tUint8  = 2
	tInt8   = 3
	tInt32  = 6
	tFloat  = 1
	tHalf   = 10
	tUint4  = 21
	tInt64  = 7
	ms      = "com.microsoft"
	opsetOf = 21
)

// raw8 is a tensor with bytes as data.
func raw8(name string, typ int64, data []byte, shape ...int) onnxtest.Message {
	var m onnxtest.Message
	for _, d := range shape {
		m = m.Int(1, int64(d))
	}
	return m.Int(2, typ).Text(8, name).Bytes(9, data)
}

func raw32(name string, data []int32, shape ...int) onnxtest.Message {
	b, _ := binary.Append(nil, binary.LittleEndian, data)
	return raw8(name, tInt32, b, shape...)
}

func halves(name string, data []float32, shape ...int) onnxtest.Message {
	var b []byte
	for _, x := range data {
		b = binary.LittleEndian.AppendUint16(b, halfOf(x))
	}
	return raw8(name, tHalf, b, shape...)
}

// halfOf is a float16 of few digits.
func halfOf(x float32) uint16 {
	bits := math.Float32bits(x)
	if x == 0 {
		return 0
	}
	return uint16(bits>>16&0x8000) | uint16((int(bits>>23&255)-112)<<10) | uint16(bits>>13&0x3ff)
}

// An operator is a small model whose weight is codes of one operator.
type operator struct {
	name   string
	graph  onnxtest.Graph
	inputs map[string]value
	weight string    // its name, once dequantized
	shape  []int     // of the weight
	values []float32 // of the weight
	ops    string    // of the nodes of the dequantized model
	least  float64   // SQNR of the output y beside that of the original, in dB
}

// bytesOf are n random bytes.
func bytesOf(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func scalesOf(r *rand.Rand, n int) []float32 {
	s := make([]float32, n)
	for i := range s {
		s[i] = float32(1+r.IntN(64)) / 1024 // exact in 16 bits too
	}
	return s
}

func domain(node onnxtest.Message, domain string) onnxtest.Message { return node.Text(7, domain) }

// nbits is a MatMulNBits model of [3, row] × [row, rows].
func nbits(r *rand.Rand, bits, block, row, rows int, zeros, groups, half, bias bool) operator {
	blocks := (row + block - 1) / block
	codes := bytesOf(r, rows*blocks*block*bits/8)
	scale := scalesOf(r, rows*blocks)
	zeroBytes := (blocks*bits + 7) / 8
	zp := bytesOf(r, rows*zeroBytes)
	group := make([]int32, row)
	for k := range group {
		group[k] = int32(k / block)
		if groups {
			group[k] = int32((k * 7) % blocks)
		}
	}
	at := func(b []byte, i int) int { // code i of a stream of bits, the lowest first
		v := 0
		for k := range bits {
			v |= int(b[(i*bits+k)/8]>>((i*bits+k)%8)&1) << k
		}
		return v
	}
	values := make([]float32, row*rows)
	for n := range rows {
		for k := range row {
			zero := 1 << (bits - 1)
			if zeros {
				zero = at(zp[n*zeroBytes:], int(group[k]))
			}
			values[k*rows+n] = float32(at(codes[n*blocks*block*bits/8:], k)-zero) * scale[n*blocks+int(group[k])]
		}
	}
	var g onnxtest.Graph
	g.Inputs = []onnxtest.Message{onnxtest.Value("x", tFloat, 3, row)}
	g.Outputs = []onnxtest.Message{onnxtest.Value("y", tFloat, 3, rows)}
	g.Tensors = []onnxtest.Message{raw8("w_Q4", tUint8, codes, rows, blocks, block*bits/8)}
	in, out, x := []string{"x", "w_Q4", "s"}, "y", "x"
	if half {
		g.Tensors = append(g.Tensors, halves("s", scale, rows*blocks))
		g.Nodes = append(g.Nodes, onnxtest.Node("Cast", []string{x}, []string{"xh"}, onnxtest.AttrInt("to", tHalf)))
		in[0], out = "xh", "yh"
	} else {
		g.Tensors = append(g.Tensors, onnxtest.Floats("s", scale, rows*blocks))
	}
	for len(in) < 6 {
		in = append(in, "")
	}
	if zeros {
		g.Tensors, in[3] = append(g.Tensors, raw8("z", tUint8, zp, rows*zeroBytes)), "z"
	}
	if groups {
		g.Tensors, in[4] = append(g.Tensors, raw32("g", group, row)), "g"
	}
	ops := "MatMul"
	if bias {
		g.Tensors, in[5], ops = append(g.Tensors, onnxtest.Floats("b", scalesOf(r, rows), rows)), "b", "MatMul Add"
	}
	for in[len(in)-1] == "" {
		in = in[:len(in)-1]
	}
	node := onnxtest.Node("MatMulNBits", in, []string{out}, onnxtest.AttrInt("K", int64(row)), onnxtest.AttrInt("N", int64(rows)),
		onnxtest.AttrInt("bits", int64(bits)), onnxtest.AttrInt("block_size", int64(block)))
	g.Nodes = append(g.Nodes, domain(node, ms))
	least := 100.0
	if half {
		g.Nodes, ops, least = append(g.Nodes, onnxtest.Node("Cast", []string{"yh"}, []string{"y"}, onnxtest.AttrInt("to", tFloat))), "Cast MatMul Cast", 50
	}
	if zeros && groups {
		least = 0 // ONNX Runtime 1.30 takes no notice of zero points then, against its operator's description
	}
	return operator{
		name:  fmt.Sprintf("MatMulNBits of %d bits, zeros %v, groups %v, half %v, bias %v", bits, zeros, groups, half, bias),
		graph: g, inputs: map[string]value{"x": floatValue(random(3*row), 3, row)},
		weight: "w", shape: []int{row, rows}, values: values, ops: ops, least: least,
	}
}

// dynamic is a MatMulInteger or ConvInteger with what is around it in a model that
// ONNX Runtime quantized dynamically.
func dynamic(r *rand.Rand, conv, channels, unsigned, chained bool) operator {
	shape, in := []int{32, 24}, []int{3, 32}
	n := 24
	op, float := "MatMulInteger", "MatMul"
	if conv {
		shape, in, n, op, float = []int{8, 4, 3, 3}, []int{1, 4, 9, 9}, 8, "ConvInteger", "Conv"
	}
	codes := bytesOf(r, elementsOf(shape))
	typ, zero := int64(tInt8), byte(0)
	if unsigned {
		typ, zero = tUint8, 117
	}
	scale := scalesOf(r, 1)
	scaleShape := []int{}
	if channels {
		scale, scaleShape = scalesOf(r, n), []int{n}
		if conv {
			scaleShape = []int{n, 1, 1}
		}
	}
	values := make([]float32, len(codes))
	for i, c := range codes {
		v, k := int(int8(c)), i%n
		if unsigned {
			v = int(c) - int(zero)
		}
		if conv {
			k = i / (4 * 9)
		}
		values[i] = float32(v) * scale[k%len(scale)]
	}
	var g onnxtest.Graph
	g.Inputs = []onnxtest.Message{onnxtest.Value("x", tFloat, in...)}
	g.Outputs = []onnxtest.Message{onnxtest.Value("y", tFloat)}
	g.Tensors = []onnxtest.Message{raw8("w_quantized", typ, codes, shape...), onnxtest.Floats("ws", scale, scaleShape...), raw8("wz", typ, []byte{zero})}
	node := func(op string, in []string, out string, a ...onnxtest.Message) {
		g.Nodes = append(g.Nodes, onnxtest.Node(op, in, []string{out}, a...))
	}
	g.Nodes = append(g.Nodes, onnxtest.Node("DynamicQuantizeLinear", []string{"x"}, []string{"xq", "xs", "xz"}))
	var attributes []onnxtest.Message
	if conv {
		attributes = []onnxtest.Message{onnxtest.AttrInts("strides", 2, 2), onnxtest.AttrInts("pads", 1, 1, 1, 1)}
	}
	node(op, []string{"xq", "w_quantized", "xz", "wz"}, "i", attributes...)
	node("Cast", []string{"i"}, "f", onnxtest.AttrInt("to", tFloat))
	if chained {
		node("Mul", []string{"xs", "f"}, "m")
		node("Mul", []string{"m", "ws"}, "y")
	} else {
		node("Mul", []string{"xs", "ws"}, "s")
		node("Mul", []string{"f", "s"}, "y")
	}
	return operator{
		name:  fmt.Sprintf("%s, channels %v, unsigned %v, chained %v", op, channels, unsigned, chained),
		graph: g, inputs: map[string]value{"x": floatValue(random(elementsOf(in)), in...)},
		weight: "w", shape: shape, values: values, ops: float, least: 30,
	}
}

func elementsOf(shape []int) int { return int(elements(shape)) }

// qlinearModel is a QLinearConv or QLinearMatMul between QuantizeLinear and
// DequantizeLinear.
func qlinearModel(r *rand.Rand, conv, bias bool) operator {
	shape, in, n := []int{32, 24}, []int{3, 32}, 24
	op, ops := "QLinearMatMul", "QuantizeLinear DequantizeLinear MatMul QuantizeLinear DequantizeLinear"
	if conv {
		shape, in, n, op = []int{8, 4, 3, 3}, []int{1, 4, 9, 9}, 8, "QLinearConv"
		ops = strings.ReplaceAll(ops, "MatMul", "Conv")
	}
	codes, scale := bytesOf(r, elementsOf(shape)), scalesOf(r, n)
	values := make([]float32, len(codes))
	for i, c := range codes {
		k := i % n
		if conv {
			k = i / (4 * 9)
		}
		values[i] = float32(int8(c)) * scale[k]
	}
	var g onnxtest.Graph
	g.Inputs = []onnxtest.Message{onnxtest.Value("x", tFloat, in...)}
	g.Outputs = []onnxtest.Message{onnxtest.Value("y", tFloat)}
	g.Tensors = []onnxtest.Message{
		raw8("w_quantized", tInt8, codes, shape...), onnxtest.Floats("ws", scale, n), raw8("wz", tInt8, make([]byte, n), n),
		onnxtest.Floats("xs", []float32{1.0 / 64}), raw8("xz", tUint8, []byte{128}),
		onnxtest.Floats("ys", []float32{0.25}), raw8("yz", tUint8, []byte{120}),
	}
	inputs := []string{"xq", "xs", "xz", "w_quantized", "ws", "wz", "ys", "yz"}
	if bias {
		b := make([]int32, n)
		for i := range b {
			b[i] = r.Int32N(4000) - 2000
		}
		g.Tensors, inputs = append(g.Tensors, raw32("b", b, n)), append(inputs, "b")
	}
	g.Nodes = []onnxtest.Message{
		onnxtest.Node("QuantizeLinear", []string{"x", "xs", "xz"}, []string{"xq"}),
		onnxtest.Node(op, inputs, []string{"yq"}),
		onnxtest.Node("DequantizeLinear", []string{"yq", "ys", "yz"}, []string{"y"}),
	}
	return operator{
		name: fmt.Sprintf("%s, bias %v", op, bias), graph: g, inputs: map[string]value{"x": floatValue(random(elementsOf(in)), in...)},
		weight: "w", shape: shape, values: values, ops: ops, least: 30,
	}
}

// bnb4 is a MatMulBnb4.
func bnb4(r *rand.Rand, nf4 bool) operator {
	const row, rows, block = 48, 20, 32
	codes, scale := bytesOf(r, row*rows/2), scalesOf(r, row*rows/block)
	table := []float32{0, 1.0 / 192, 2.0 / 3, 1, 1.0 / 3, 1.0 / 2, 1.0 / 6, 1.0 / 4}
	for _, x := range table[:8] {
		table = append(table, -x)
	}
	if nf4 {
		table = []float32{ // of appendix E of QLoRA
			-1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0,
			0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
		}
	}
	values := make([]float32, row*rows)
	for i := range values {
		c := codes[i/2] >> 4
		if i%2 == 1 {
			c = codes[i/2] & 15
		}
		values[i%row*rows+i/row] = table[c] * scale[i/block]
	}
	kind := int64(0)
	if nf4 {
		kind = 1
	}
	g := onnxtest.Graph{
		Inputs:  []onnxtest.Message{onnxtest.Value("x", tFloat, 3, row)},
		Outputs: []onnxtest.Message{onnxtest.Value("y", tFloat, 3, rows)},
		Tensors: []onnxtest.Message{raw8("w_Bnb4", tUint8, codes, len(codes)), onnxtest.Floats("s", scale, len(scale))},
		Nodes: []onnxtest.Message{domain(onnxtest.Node("MatMulBnb4", []string{"x", "w_Bnb4", "s"}, []string{"y"}, onnxtest.AttrInt("K", row),
			onnxtest.AttrInt("N", rows), onnxtest.AttrInt("block_size", block), onnxtest.AttrInt("quant_type", kind)), ms)},
	}
	return operator{name: fmt.Sprintf("MatMulBnb4, NF4 %v", nf4), graph: g, inputs: map[string]value{"x": floatValue(random(3*row), 3, row)},
		weight: "w", shape: []int{row, rows}, values: values, ops: "MatMul", least: 100}
}

// gatherModel is a GatherBlockQuantized of [30, 64] in blocks of 16.
func gatherModel(r *rand.Rand, typ int64, bits int, zeros bool) operator {
	const rows, row, block = 30, 64, 16
	packed := typ == tUint8
	codes, scale, zp := bytesOf(r, rows*row*bits/8), scalesOf(r, rows*row/block), bytesOf(r, rows*row/block*bits/8)
	at := func(b []byte, i int) int {
		if bits == 8 {
			return int(b[i])
		}
		return int(b[i/2] >> (4 * (i % 2)) & 15)
	}
	values := make([]float32, rows*row)
	for i := range values {
		zero := 0
		if packed {
			zero = 1 << (bits - 1)
		}
		if zeros {
			zero = at(zp, i/block)
		}
		values[i] = float32(at(codes, i)-zero) * scale[i/block]
	}
	width, zeroWidth := row, row/block
	if packed && bits == 4 {
		width, zeroWidth = row/2, row/block/2
	}
	in := []string{"w_quantized", "i", "s"}
	g := onnxtest.Graph{
		Inputs:  []onnxtest.Message{onnxtest.Value("i", tInt64, 5)},
		Outputs: []onnxtest.Message{onnxtest.Value("y", tFloat, 5, row)},
		Tensors: []onnxtest.Message{raw8("w_quantized", typ, codes, rows, width), onnxtest.Floats("s", scale, rows, row/block)},
	}
	if zeros {
		g.Tensors, in = append(g.Tensors, raw8("z", typ, zp, rows, zeroWidth)), append(in, "z")
	}
	g.Nodes = []onnxtest.Message{domain(onnxtest.Node("GatherBlockQuantized", in, []string{"y"}, onnxtest.AttrInt("gather_axis", 0),
		onnxtest.AttrInt("quantize_axis", 1), onnxtest.AttrInt("block_size", block), onnxtest.AttrInt("bits", int64(bits))), ms)}
	return operator{name: fmt.Sprintf("GatherBlockQuantized of type %d, %d bits, zeros %v", typ, bits, zeros), graph: g,
		inputs: map[string]value{"i": intValue([]int64{3, 0, 29, 7, 3}, 5)}, weight: "w", shape: []int{rows, row}, values: values, ops: "Gather", least: 100}
}

// fused is a DynamicQuantizeMatMul or MatMulIntegerToFloat.
func fused(r *rand.Rand, op string) operator {
	o := dynamic(r, false, true, false, false)
	first, in := o.graph.Nodes[:1:1], []string{"xq", "w_quantized", "xs", "ws", "xz", "wz", "b"}
	if op == "DynamicQuantizeMatMul" {
		first, in = nil, []string{"x", "w_quantized", "ws", "wz", "b"}
	}
	n := o.shape[1]
	o.graph.Tensors[2] = raw8("wz", tInt8, make([]byte, n), n)
	o.graph.Tensors = append(o.graph.Tensors, onnxtest.Floats("b", scalesOf(r, n), n))
	o.graph.Nodes = append(first, domain(onnxtest.Node(op, in, []string{"y"}), ms))
	o.name, o.ops = op, "MatMul Add"
	return o
}

func operators() []operator {
	r := rand.New(rand.NewPCG(31, 32))
	return []operator{
		nbits(r, 4, 32, 96, 20, false, false, false, false),
		nbits(r, 4, 32, 80, 20, true, false, false, true), // the last block is cut off; zero points of odd count
		nbits(r, 8, 16, 64, 20, true, false, false, false),
		nbits(r, 2, 32, 128, 20, true, false, false, false),
		nbits(r, 4, 16, 64, 20, false, true, false, false),
		nbits(r, 4, 16, 64, 20, true, true, false, false),
		nbits(r, 4, 32, 64, 20, true, false, true, false),
		bnb4(r, true), bnb4(r, false),
		gatherModel(r, tUint4, 4, true), gatherModel(r, tUint8, 4, false), gatherModel(r, tUint8, 4, true), gatherModel(r, tUint8, 8, true), gatherModel(r, tUint8, 8, false),
		dynamic(r, false, false, false, false), dynamic(r, false, true, false, true), dynamic(r, false, false, true, false),
		dynamic(r, true, false, true, false), dynamic(r, true, true, false, true),
		qlinearModel(r, false, false), qlinearModel(r, true, false), qlinearModel(r, true, true),
		fused(r, "DynamicQuantizeMatMul"), fused(r, "MatMulIntegerToFloat"),
	}
}

// model is that of the operator, with the operators of ONNX Runtime.
func (o *operator) model() []byte {
	return onnxtest.Message(onnxtest.Model(opsetOf, o.graph)).Bytes(8, onnxtest.Message{}.Text(1, ms).Int(2, 1))
}

// dequantizeOperator returns the dequantized model.
func dequantizeOperator(t *testing.T, o *operator) (in, out string, r *Result) {
	t.Helper()
	in = writeONNX(t, o.model())
	out = filepath.Join(t.TempDir(), "float.onnx")
	r = produce(t, out, func(set *atomicfile.Set) (*Result, error) {
		return Dequantize(t.Context(), KindONNX, in, set, Options{}, nil)
	})
	return in, out, r
}

// TestDequantizeOperators compares the values that codes of every operator become
// with its formula, and looks at the nodes of the new model.
func TestDequantizeOperators(t *testing.T) {
	for _, o := range operators() {
		t.Run(o.name, func(t *testing.T) {
			_, out, r := dequantizeOperator(t, &o)
			if len(r.Weights) != 1 || r.Weights[0].Name != o.weight || !slices.Equal(r.Weights[0].Shape, o.shape) {
				t.Errorf("%+v", r.Weights)
			}
			values, shapes := tensors(t, out)
			if !slices.Equal(shapes[o.weight], o.shape) {
				t.Errorf("shape %v, want %v", shapes[o.weight], o.shape)
			}
			for i, x := range values[o.weight] {
				if e := math.Abs(float64(x - o.values[i])); e > 1e-7*math.Abs(float64(x)) {
					t.Fatalf("value %d is %v, want %v", i, x, o.values[i])
				}
			}
			m, err := onnx.Open(out)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			if got := strings.Join(m.Operators(), " "); got != o.ops {
				t.Errorf("operators %s, want %s", got, o.ops)
			}
			for _, x := range m.Tensors {
				if strings.HasPrefix(x.Name, "w_") || x.Name == "ws" || x.Name == "wz" || x.Note == "no operator uses it" {
					t.Errorf("%s is still there", x.Name)
				}
			}
		})
	}
}

// TestONNXRuntimeOperators runs the models of all operators before and after.
func TestONNXRuntimeOperators(t *testing.T) {
	ortFolder(t)
	all := operators()
	var jobs []ortJob
	for i := range all {
		in, out, _ := dequantizeOperator(t, &all[i])
		steps := []map[string]value{all[i].inputs}
		jobs = append(jobs, ortJob{Model: in, Level: "disabled", Steps: steps, Session: precise},
			ortJob{Model: out, Level: "disabled", Steps: steps}, ortJob{Model: out, Level: "all", Steps: steps})
	}
	results := onnxruntime(t, jobs...)
	for i, o := range all {
		for _, r := range results[3*i+1 : 3*i+3] {
			if d := distanceOf(r, results[3*i], "y"); o.least > 0 && !(d.sqnr > o.least) {
				t.Errorf("%s: %v", o.name, d)
			}
		}
	}
}
