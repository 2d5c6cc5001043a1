package convert

import (
	"cmp"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/calibfile"
	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
	"github.com/a01592f9/quant/cmd/internal/option"
)

// A staticPattern is a small graph whose output y is computed of x, of shape 1×4×8×8.
type staticPattern struct {
	name  string
	nodes []onnxtest.Message
	opset int64 // 0 for 13
	o     Static
	want  string // the operators of the optimized model that are not QuantizeLinear or DequantizeLinear

	// bound is how far the result of codes may be from that of float32 by the steps of the
	// values, whose names are the keys; a weight has its largest step, and of |name| the
	// value is the largest magnitude, or of a weight the largest sum of magnitudes for an output.
	bound func(step map[string]float64) float64
}

func staticConv(in, out string, more ...onnxtest.Message) onnxtest.Message {
	return onnxtest.Node("Conv", []string{in, "w", "b"}, []string{out}, more...)
}

// staticTensors are the constants of all patterns.
func staticTensors() (all []onnxtest.Message, values map[string][]float32) {
	values = map[string][]float32{"w": random(4 * 4 * 9), "b": random(4), "m": random(8 * 8), "mb": random(8), "s": {0.75}, "c": random(4), "six": {6}, "zero": {0}}
	return []onnxtest.Message{
		onnxtest.Floats("w", values["w"], 4, 4, 3, 3), onnxtest.Floats("b", values["b"], 4), onnxtest.Floats("m", values["m"], 8, 8),
		onnxtest.Floats("mb", values["mb"], 8), onnxtest.Floats("s", values["s"]), onnxtest.Floats("c", values["c"], 1, 4, 1, 1),
		onnxtest.Floats("six", values["six"]), onnxtest.Floats("zero", values["zero"]), onnxtest.Ints("rows", -1, 8), onnxtest.Ints("halves", 2, 2),
		onnxtest.Ints("first", 0, 1), onnxtest.Ints("start", 1), onnxtest.Ints("end", 3), onnxtest.Ints("axis", 1),
		onnxtest.Floats("scales", []float32{1, 1, 2, 2}, 4), onnxtest.Ints("four", 1, 4, 8, 8), onnxtest.Ints("unsqueezed", 0),
	}, values
}

func staticPatterns() []staticPattern {
	node := onnxtest.Node
	in := func(s ...string) []string { return s }
	pads := onnxtest.AttrInts("pads", 1, 1, 1, 1)
	// product is the error of a product of a value and a weight whose sum has the step out: each
	// value and each weight is off by half a step, and so is the sum. A value may be off by a whole
	// step at the ends of its range, where the zero point is rounded.
	product := func(s map[string]float64, value, weight, out string) float64 {
		n := s["terms of "+weight]
		return s["|"+weight+"|"]*s[value] + n*s["|"+value+"|"]*s[weight]/2 + n*s[value]*s[weight]/2 + 0.51*s[out]
	}
	// behind is the largest factor by which an error grows in a second convolution.
	second := func(s map[string]float64, err float64, value, out string) float64 {
		return product(s, value, "w", out) + s["|w|"]*err
	}
	// chain has something between two convolutions.
	chain := func(between ...onnxtest.Message) []onnxtest.Message {
		return append(append([]onnxtest.Message{staticConv("x", "a", pads)}, between...), staticConv("z", "y", pads))
	}
	through := func(gain float64, value string) func(s map[string]float64) float64 {
		return func(s map[string]float64) float64 {
			return second(s, gain*product(s, "x", "w", "a")+s[value], value, "y")
		}
	}
	return []staticPattern{
		{name: "Conv", nodes: in1(staticConv("x", "y", pads)), want: "QLinearConv", bound: func(s map[string]float64) float64 { return product(s, "x", "w", "y") }},
		{name: "Conv int8", nodes: in1(staticConv("x", "y", pads)), o: Static{Type: "int8", Symmetric: true}, want: "QLinearConv", bound: func(s map[string]float64) float64 { return product(s, "x", "w", "y") }},
		{name: "Conv reduced", nodes: in1(staticConv("x", "y", pads)), o: Static{Reduced: true}, want: "QLinearConv", bound: func(s map[string]float64) float64 { return product(s, "x", "w", "y") }},
		{name: "Conv of version 11", opset: 11, nodes: in1(staticConv("x", "y", pads)), want: "QLinearConv", bound: func(s map[string]float64) float64 { return product(s, "x", "w", "y") }},
		{name: "Conv Relu", nodes: in2(staticConv("x", "a", pads), node("Relu", in("a"), in("y"))), want: "QLinearConv", bound: func(s map[string]float64) float64 { return product(s, "x", "w", "y") }},
		{name: "Conv Relu int8", nodes: in2(staticConv("x", "a", pads), node("Relu", in("a"), in("y"))), o: Static{Type: "int8", Symmetric: true}, want: "QLinearConv Relu", bound: func(s map[string]float64) float64 { return product(s, "x", "w", "a") + s["y"] }},
		{name: "Conv Clip", nodes: in2(staticConv("x", "a", pads), node("Clip", in("a", "zero", "six"), in("y"))), want: "QLinearConv", bound: func(s map[string]float64) float64 { return product(s, "x", "w", "y") }},
		{name: "Conv Clip of version 6", opset: 10, nodes: in2(staticConv("x", "a", pads), node("Clip", in("a"), in("y"), attrFloat("min", 0), attrFloat("max", 6))), want: "QLinearConv", bound: func(s map[string]float64) float64 { return product(s, "x", "w", "y") }},
		{name: "MatMul", nodes: in2(node("MatMul", in("x", "m"), in("a")), node("MatMul", in("a", "m"), in("y"))), want: "QLinearMatMul MatMulIntegerToFloat", bound: func(s map[string]float64) float64 {
			return product(s, "a", "m", "") + s["|m|"]*product(s, "x", "m", "a")
		}},
		{name: "MatMul and a bias", nodes: in2(node("MatMul", in("x", "m"), in("a")), node("Add", in("a", "mb"), in("y"))), want: "QLinearMatMul Add", bound: func(s map[string]float64) float64 {
			return product(s, "x", "m", "a")
		}},
		{name: "MatMul of two activations", nodes: in1(node("MatMul", in("x", "x"), in("y"))), want: "MatMulIntegerToFloat", bound: func(s map[string]float64) float64 { return 8 * (2*s["|x|"]*s["x"]/2 + s["x"]*s["x"]/4) }},
		{name: "Gemm", nodes: in3(node("Reshape", in("x", "rows"), in("a")), node("Gemm", in("a", "m", "mb"), in("g"), onnxtest.AttrInt("transB", 1)), node("Gemm", in("g", "m"), in("y"))), want: "Reshape QGemm QGemm", bound: func(s map[string]float64) float64 {
			return product(s, "g", "m", "") + s["|m|"]*product(s, "a", "m", "g")
		}},
		{name: "Add", nodes: chain(node("Add", in("a", "x"), in("z"))), want: "QLinearConv QLinearAdd QLinearConv", bound: func(s map[string]float64) float64 {
			return second(s, product(s, "x", "w", "a")+s["x"]+s["z"], "z", "y")
		}},
		{name: "Add of a constant", nodes: chain(node("Add", in("a", "c"), in("z"))), want: "QLinearConv QLinearAdd QLinearConv", bound: func(s map[string]float64) float64 {
			return second(s, product(s, "x", "w", "a")+s["c"]+s["z"], "z", "y")
		}},
		{name: "Mul", nodes: chain(node("Mul", in("a", "s"), in("z"))), want: "QLinearConv QLinearMul QLinearConv", bound: func(s map[string]float64) float64 {
			return second(s, product(s, "x", "w", "a")+s["|a|"]*s["s"]+s["z"], "z", "y")
		}},
		{name: "Sigmoid", nodes: chain(node("Sigmoid", in("a"), in("z"))), want: "QLinearConv QLinearSigmoid QLinearConv", bound: through(0.25, "z")},
		{name: "LeakyRelu", nodes: chain(node("LeakyRelu", in("a"), in("z"))), want: "QLinearConv QLinearLeakyRelu QLinearConv", bound: through(1, "z")},
		{name: "Softmax", nodes: chain(node("Softmax", in("a"), in("z"), onnxtest.AttrInt("axis", -1))), want: "QLinearConv QLinearSoftmax QLinearConv", bound: through(1, "z")},
		{name: "AveragePool", nodes: chain(node("AveragePool", in("a"), in("z"), onnxtest.AttrInts("kernel_shape", 2, 2))), want: "QLinearConv QLinearAveragePool QLinearConv", bound: through(1, "z")},
		{name: "GlobalAveragePool", nodes: chain(node("GlobalAveragePool", in("a"), in("z"))), want: "QLinearConv QLinearGlobalAveragePool QLinearConv", bound: through(1, "z")},
		{name: "MaxPool", nodes: chain(node("MaxPool", in("a"), in("z"), onnxtest.AttrInts("kernel_shape", 2, 2))), want: "QLinearConv MaxPool QLinearConv", bound: through(1, "z")},
		{name: "Resize", nodes: chain(node("Resize", in("a", "", "scales"), in("z"), attrText("mode", "nearest"))), want: "QLinearConv Resize QLinearConv", bound: through(1, "z")},
		{name: "Transpose", nodes: chain(node("Transpose", in("a"), in("z"), onnxtest.AttrInts("perm", 0, 1, 3, 2))), want: "QLinearConv Transpose QLinearConv", bound: through(1, "z")},
		{name: "Reshape", nodes: chain(node("Reshape", in("a", "four"), in("z"))), want: "QLinearConv Reshape QLinearConv", bound: through(1, "z")},
		{name: "Slice and Concat", nodes: chain(node("Slice", in("a", "start", "end", "axis"), in("k")), node("Concat", in("k", "k"), in("z"), onnxtest.AttrInt("axis", 1))), want: "QLinearConv Slice QLinearConcat QLinearConv", bound: through(1, "z")},
		{name: "Split", nodes: chain(onnxtest.Node("Split", in("a", "halves"), in("k", "l"), onnxtest.AttrInt("axis", 1)), node("Concat", in("l", "k"), in("z"), onnxtest.AttrInt("axis", 1))), want: "QLinearConv Split QLinearConcat QLinearConv", bound: through(1, "z")},
		{name: "Unsqueeze and Squeeze", nodes: chain(node("Unsqueeze", in("a", "unsqueezed"), in("k")), node("Squeeze", in("k", "unsqueezed"), in("z"))), want: "QLinearConv Unsqueeze Squeeze QLinearConv", bound: through(1, "z")},
		{name: "Gather", nodes: chain(node("Gather", in("a", "halves"), in("z"), onnxtest.AttrInt("axis", 2))), want: "QLinearConv Gather QLinearConv", bound: through(1, "z")},
		{name: "a value that float32 takes as well", nodes: append(chain(node("Transpose", in("a"), in("z"), onnxtest.AttrInts("perm", 0, 1, 3, 2)))[:2], staticConv("z", "k", pads), node("Sin", in("a"), in("l")), node("Add", in("k", "l"), in("y"))), want: "QLinearConv Sin Transpose QLinearConv Add", bound: through(2, "a")},
		{name: "an output that codes are made of", nodes: in2(staticConv("x", "y", pads), node("Relu", in("y"), in("unused"))), want: "QLinearConv Relu", bound: func(s map[string]float64) float64 { return product(s, "x", "w", "y") }},
		{name: "of 16 bits", nodes: chain(node("Transpose", in("a"), in("z"), onnxtest.AttrInts("perm", 0, 1, 3, 2))), o: Static{Type: "uint16"}, want: "Conv Transpose Conv", bound: through(1, "z")},
	}
}

func in1(a onnxtest.Message) []onnxtest.Message       { return []onnxtest.Message{a} }
func in2(a, b onnxtest.Message) []onnxtest.Message    { return []onnxtest.Message{a, b} }
func in3(a, b, c onnxtest.Message) []onnxtest.Message { return []onnxtest.Message{a, b, c} }

func attrFloat(name string, v float32) onnxtest.Message {
	return onnxtest.Message{}.Text(1, name).Fixed32(2, math.Float32bits(v)).Int(20, 1)
}

func attrText(name, v string) onnxtest.Message {
	return onnxtest.Message{}.Text(1, name).Text(4, v).Int(20, 3)
}

// model returns the model of p, with outputs of the given names.
func (p staticPattern) model(outputs ...string) []byte {
	tensors, _ := staticTensors()
	g := onnxtest.Graph{Nodes: p.nodes, Tensors: tensors, Inputs: []onnxtest.Message{onnxtest.Value("x", onnxtest.Float, 1, 4, 8, 8)}}
	for _, name := range outputs {
		value := onnxtest.Message{}.Text(1, name).Bytes(2, onnxtest.Message{}.Bytes(1, onnxtest.Message{}.Int(1, onnxtest.Float)))
		g.Outputs = append(g.Outputs, value)
	}
	return onnxtest.Model(cmp.Or(p.opset, 13), g)
}

// activationNames are the names of the values that become codes.
func activationNames(t *testing.T, path string, bits int) []string {
	t.Helper()
	m, err := onnx.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var names []string
	for _, v := range m.Activations(onnx.ActivationChoice{Bits: bits}).Values {
		names = append(names, v.Name)
	}
	return names
}

// calibrationOf returns the calibration file of values.
func calibrationOf(t *testing.T, batches []map[string][]float32) *calibfile.File {
	t.Helper()
	s := quant.Scheme{Bits: 8, Unsigned: true, ZeroInRange: true}
	all := map[string]*calibfile.Seen{}
	for _, batch := range batches {
		for name, data := range batch {
			if all[name] == nil {
				o, err := quant.NewObserver(s, quant.RefuseNotFinite)
				if err != nil {
					t.Fatal(err)
				}
				all[name] = &calibfile.Seen{Observer: o}
			}
			all[name].Batches++
			if err := all[name].Observer.Observe(quant.Tensor{Data: data, Shape: []int{len(data)}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	f, err := calibfile.New(all, s)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// static returns the options of p.
func (p staticPattern) static() *Static {
	o := p.o
	if o.Type == "" {
		o.Type = "uint8"
	}
	return &o
}

// TestONNXRuntimeStatic runs each pattern before and after in ONNX Runtime: the optimized
// model has the operators with codes that are expected, the result is as near to that
// of float32 as the steps of the scales say, and within a step of that of the model without
// optimizations, which computes in floating point between codes.
func TestONNXRuntimeStatic(t *testing.T) {
	ortFolder(t)
	patterns := staticPatterns()
	dir := t.TempDir()
	x := random(4 * 8 * 8)
	steps := []map[string]value{{"x": floatValue(x, 1, 4, 8, 8)}}
	var jobs []ortJob
	for _, p := range patterns {
		before := writeONNX(t, p.model("y"))
		names := activationNames(t, before, activationTypes[p.static().Type].bits())
		names = slices.DeleteFunc(names, func(n string) bool { return n == "x" || n == "y" })
		jobs = append(jobs, ortJob{Model: writeONNX(t, p.model(append(names, "y")...)), Level: "disabled", Steps: steps})
	}
	before := onnxruntime(t, jobs...)
	jobs = nil
	var results []*Result
	for i, p := range patterns {
		batch := map[string][]float32{"x": x}
		for name, v := range before[i][0] {
			batch[name] = v.floats()
		}
		in := writeONNX(t, p.model("y"))
		out := filepath.Join(t.TempDir(), "q.onnx")
		o := Options{Bits: 8, Granularity: option.PerChannel, Static: p.static(), Calibration: calibrationOf(t, []map[string][]float32{batch})}
		results = append(results, produce(t, out, func(set *atomicfile.Set) (*Result, error) { return onnxStatic(t.Context(), in, set, o, nil) }))
		saved := filepath.Join(dir, strings.ReplaceAll(p.name, " ", "_")+".onnx")
		jobs = append(jobs, ortJob{Model: out, Level: "extended", Steps: steps, Saved: saved}, ortJob{Model: out, Level: "disabled", Steps: steps})
	}
	after := onnxruntime(t, jobs...)
	for i, p := range patterns {
		t.Run(p.name, func(t *testing.T) {
			m, err := onnx.Open(jobs[2*i].Saved)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			ops := slices.DeleteFunc(m.Operators(), func(op string) bool { return op == "QuantizeLinear" || op == "DequantizeLinear" })
			if got := strings.Join(ops, " "); got != p.want {
				t.Errorf("optimized: %s, want %s", got, p.want)
			}
			step, values := staticSteps(t, results[i], p.static().Reduced), before[i][0]
			for name, v := range values {
				step["|"+name+"|"] = largest(v.floats())
			}
			d := distanceOf(after[2*i], before[i], "y")
			bound := p.bound(step)
			t.Logf("largest difference %.3g, bound %.3g, SQNR %.1f dB", d.max, bound, d.sqnr)
			if !(d.max <= bound) {
				t.Errorf("largest difference %g, more than %g", d.max, bound)
			}
			if !(d.sqnr > 33) {
				t.Errorf("SQNR %g dB", d.sqnr)
			}
			// Integers and floating point between codes round a sum to the same code, or to the next
			// one. A result without codes is the same number but for rounding in float32.
			most := max(1.01*step["y"], 1e-5*largest(values["y"].floats()))
			if d := distanceOf(after[2*i], after[2*i+1], "y"); !(d.max <= most) {
				t.Errorf("the operators with codes differ by %g from DequantizeLinear, floating point and QuantizeLinear, more than %g", d.max, most)
			}
		})
	}
}

// staticSteps returns the scales of activations and the largest scales of weights. For each weight
// it has the number of terms of a sum, and the largest sum of magnitudes for an output.
func staticSteps(t *testing.T, r *Result, reduced bool) map[string]float64 {
	step := map[string]float64{"|x|": largest(random(4 * 8 * 8))}
	for _, a := range r.Activations {
		step[a.Name] = float64(a.Scale)
	}
	_, values := staticTensors()
	codes := 127.0
	if reduced {
		codes = 64
	}
	for name, v := range values {
		step[name] = largest(v) / codes
	}
	step["s"], step["c"] = largest(values["s"])/255, 2*largest(values["c"])/255 // operands with the codes of activations
	channel, _ := gains(values["w"], 4)
	row, column := gains(values["m"], 8)
	step["|w|"], step["terms of w"] = channel, 36
	step["|m|"], step["terms of m"] = max(row, column), 8 // one Gemm takes it transposed
	return step
}

func largest(x []float32) float64 {
	far := 0.0
	for _, v := range x {
		far = max(far, math.Abs(float64(v)))
	}
	return far
}
