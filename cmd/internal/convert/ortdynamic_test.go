package convert

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
	"github.com/a01592f9/quant/cmd/internal/option"
)

// A dynamicPattern is a small graph whose output y is computed of x, of shape 1×4×8×8.
type dynamicPattern struct {
	name      string
	nodes     []onnxtest.Message
	o         Options
	written   string // operators of the written model
	optimized string // operators that ONNX Runtime computes

	// gain is how much larger an error of x becomes in y at most: the largest sum of magnitudes of
	// weights for an output.
	gain float64
	most float64 // the largest difference in y if gain is 0
}

// gains returns the largest sum of magnitudes of rows and of columns of a matrix.
func gains(w []float32, rows int) (row, column float64) {
	n := len(w) / rows
	columns := make([]float64, n)
	for i := range rows {
		sum := 0.0
		for k, v := range w[i*n : (i+1)*n] {
			sum += math.Abs(float64(v))
			columns[k] += math.Abs(float64(v))
		}
		row = max(row, sum)
	}
	return row, slices.Max(columns)
}

// dynamicTensors are the constants of all patterns.
func dynamicTensors() []onnxtest.Message {
	tensors, _ := staticTensors()
	r := rand.New(rand.NewPCG(5, 6))
	return append(tensors, onnxtest.Floats("r1", onnxtest.Random(r, 2*32*8, 8, 0.3), 2, 32, 8), onnxtest.Floats("r2", onnxtest.Random(r, 2*32*8, 8, 0.3), 2, 32, 8),
		onnxtest.Floats("lb", onnxtest.Random(r, 2*64, 64, 0.3), 2, 64), onnxtest.Floats("table", onnxtest.Random(r, 50*8, 8, 0.3), 50, 8),
		onnxtest.Floats("n", onnxtest.Random(r, 64, 8, 0.3), 8, 8), onnxtest.Floats("o", onnxtest.Random(r, 64, 8, 0.3), 8, 8), onnxtest.Ints("seq", 4, 8, 8))
}

func dynamicPatterns() []dynamicPattern {
	node := onnxtest.Node
	in := func(s ...string) []string { return s }
	pads := onnxtest.AttrInts("pads", 1, 1, 1, 1)
	signed := Options{Bits: 8, Mapping: quant.Symmetric, Granularity: option.PerChannel}
	whole := Options{Bits: 8, Mapping: quant.Symmetric, Granularity: option.PerTensor}
	unsigned := Options{Bits: 8, Unsigned: true, Granularity: option.PerChannel}
	even := Options{Bits: 8, Unsigned: true, Mapping: quant.Symmetric, Granularity: option.PerChannel}
	reduced := signed
	reduced.Dynamic = &Dynamic{Reduced: true}
	_, values := staticTensors()
	channel, _ := gains(values["w"], 4)
	row, column := gains(values["m"], 8)
	product := func(op string) string { return "DynamicQuantizeLinear " + op + " Cast Mul Mul" }
	conv := in1(staticConv("x", "y", pads))
	matmul := in1(node("MatMul", in("x", "m"), in("y")))
	gemm := []onnxtest.Message{node("Reshape", in("x", "rows"), in("a")), node("Gemm", in("a", "m", "mb"), in("y"), onnxtest.AttrInt("transB", 1))}
	shared := []onnxtest.Message{node("MatMul", in("x", "m"), in("a")), node("MatMul", in("x", "n"), in("k")), node("Sub", in("a", "k"), in("z")),
		node("MatMul", in("x", "o"), in("d")), node("Add", in("z", "d"), in("y"))}
	lstm := []onnxtest.Message{node("Reshape", in("x", "seq"), in("a")), node("LSTM", in("a", "r1", "r2", "lb"), in("y"), onnxtest.AttrInt("hidden_size", 8), attrText("direction", "bidirectional"))}
	embedding := []onnxtest.Message{node("ArgMax", in("x"), in("picked"), onnxtest.AttrInt("axis", 3)), node("Gather", in("table", "picked"), in("a")), node("Add", in("a", "mb"), in("y"))}
	return []dynamicPattern{
		{"Conv", conv, signed, product("ConvInteger") + " Constant Reshape Add", "DynamicQuantizeLinear Mul ConvInteger Cast Mul Add", channel, 0},
		{"Conv per tensor", conv, whole, product("ConvInteger") + " Constant Reshape Add", "DynamicQuantizeLinear Mul ConvInteger Cast Mul Add", channel, 0},
		{"Conv uint8", conv, unsigned, product("ConvInteger") + " Constant Reshape Add", "DynamicQuantizeLinear Mul ConvInteger Cast Mul Add", channel, 0},
		{"Conv uint8 symmetric", conv, even, product("ConvInteger") + " Constant Reshape Add", "DynamicQuantizeLinear Mul ConvInteger Cast Mul Add", channel, 0},
		{"Conv with a computed bias", in2(node("Relu", in("b"), in("bb")), node("Conv", in("x", "w", "bb"), in("y"))), signed,
			"Relu " + product("ConvInteger") + " Constant Reshape Add", "DynamicQuantizeLinear Mul ConvInteger Cast Mul Add", channel, 0},
		{"MatMul", matmul, signed, product("MatMulInteger"), "DynamicQuantizeMatMul", column, 0},
		{"MatMul per tensor", matmul, whole, product("MatMulInteger"), "DynamicQuantizeMatMul", column, 0},
		{"MatMul uint8", matmul, unsigned, product("MatMulInteger"), "DynamicQuantizeMatMul", column, 0},
		{"MatMul uint8 symmetric", matmul, even, product("MatMulInteger"), "DynamicQuantizeMatMul", column, 0},
		{"MatMul reduced", matmul, reduced, product("MatMulInteger"), "DynamicQuantizeMatMul", column, 0},
		{"Gemm", gemm, signed, "Reshape " + product("MatMulInteger") + " Add", "Reshape DynamicQuantizeMatMul", row, 0},
		{"three products of one value", shared, signed, product("MatMulInteger") + " MatMulInteger Cast Mul Mul Sub MatMulInteger Cast Mul Mul Add",
			"DynamicQuantizeLinear MatMulIntegerToFloat MatMulIntegerToFloat MatMulIntegerToFloat Sub Add", column + 2*8*0.9, 0},
		{"LSTM", lstm, signed, "Reshape DynamicQuantizeLSTM", "Reshape DynamicQuantizeLSTM", 0, 0.02},
		{"LSTM per tensor", lstm, whole, "Reshape DynamicQuantizeLSTM", "Reshape DynamicQuantizeLSTM", 0, 0.02},
		{"Gather", embedding, signed, "ArgMax Gather DequantizeLinear Add", "ArgMax Gather DequantizeLinear Add", 0, 0},
	}
}

func (p dynamicPattern) model() []byte {
	return staticPattern{nodes: p.nodes}.with(dynamicTensors())
}

func (p staticPattern) with(tensors []onnxtest.Message) []byte {
	g := onnxtest.Graph{Nodes: p.nodes, Tensors: tensors, Inputs: []onnxtest.Message{onnxtest.Value("x", onnxtest.Float, 1, 4, 8, 8)}}
	g.Outputs = append(g.Outputs, onnxtest.Message{}.Text(1, "y").Bytes(2, onnxtest.Message{}.Bytes(1, onnxtest.Message{}.Int(1, onnxtest.Float))))
	return onnxtest.Model(13, g)
}

// dynamically quantizes a model dynamically.
func dynamically(t *testing.T, in string, o Options) (string, *Result) {
	t.Helper()
	if o.Dynamic == nil {
		o.Dynamic = &Dynamic{}
	}
	out := filepath.Join(t.TempDir(), "q.onnx")
	return out, produce(t, out, func(set *atomicfile.Set) (*Result, error) { return Quantize(t.Context(), KindONNX, in, set, o, nil) })
}

// operatorsOf returns the operators of the main graph of a model.
func operatorsOf(t *testing.T, path string) string {
	t.Helper()
	m, err := onnx.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	return strings.Join(m.Operators(), " ")
}

// TestONNXRuntimeDynamic quantizes each pattern dynamically, and turns that back. It runs the three
// models. Without optimizations the difference between the latter two is that of the codes of
// the activations, at most a step of the range of x for each.
func TestONNXRuntimeDynamic(t *testing.T) {
	ortFolder(t)
	patterns := dynamicPatterns()
	x := random(4 * 8 * 8)
	steps := []map[string]value{{"x": floatValue(x, 1, 4, 8, 8)}}
	var jobs []ortJob
	var saved []string
	for i, p := range patterns {
		before := writeONNX(t, p.model())
		quantized, _ := dynamically(t, before, p.o)
		if got := operatorsOf(t, quantized); got != p.written {
			t.Errorf("%s: %s, want %s", p.name, got, p.written)
		}
		back := filepath.Join(t.TempDir(), "back.onnx")
		produce(t, back, func(set *atomicfile.Set) (*Result, error) {
			return Dequantize(t.Context(), KindONNX, quantized, set, Options{}, nil)
		})
		saved = append(saved, filepath.Join(t.TempDir(), fmt.Sprint(i, ".onnx")))
		jobs = append(jobs, ortJob{Model: before, Level: "disabled", Steps: steps}, ortJob{Model: quantized, Level: "disabled", Steps: steps},
			ortJob{Model: back, Level: "disabled", Steps: steps}, ortJob{Model: quantized, Level: "extended", Steps: steps, Saved: saved[i]})
	}
	all := onnxruntime(t, jobs...)
	low, high := min(slices.Min(x), 0), max(slices.Max(x), 0)
	step := float64(high-low) / 255
	for i, p := range patterns {
		t.Run(p.name, func(t *testing.T) {
			float, codes, back, optimized := all[4*i], all[4*i+1], all[4*i+2], all[4*i+3]
			if got := operatorsOf(t, saved[i]); got != p.optimized {
				t.Errorf("optimized: %s, want %s", got, p.optimized)
			}
			whole, rounding := distanceOf(codes, float, "y"), distanceOf(codes, back, "y")
			most := p.most
			if p.gain > 0 {
				most = p.gain * step
			}
			t.Logf("SQNR %.1f dB; of the activations alone: largest difference %.3g, bound %.3g", whole.sqnr, rounding.max, most)
			if !(rounding.max <= most) {
				t.Errorf("largest difference %g, more than %g", rounding.max, most)
			}
			if !(whole.sqnr > 30) {
				t.Errorf("SQNR %.1f dB", whole.sqnr)
			}
			if d := distanceOf(optimized, codes, "y"); !(d.sqnr > 90) {
				t.Errorf("optimizations make a difference of %v", d)
			}
		})
	}
}
