package convert

import (
	"fmt"
	"math"
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

// nbitsModel has two MatMul of one weight, a Gemm of a transposed weight, and a Gemm with one that is
// not transposed, whose rows are no whole blocks. A Conv's weight is left.
func nbitsModel() []byte {
	x := random(96*20 + 20*80 + 80*12 + 12 + 9)
	cut := func(n int) []float32 { v := x[:n]; x = x[n:]; return v }
	node := onnxtest.Node
	in := func(s ...string) []string { return s }
	return onnxtest.Model(7, onnxtest.Graph{
		Inputs: []onnxtest.Message{onnxtest.Value("x", onnxtest.Float, 3, 96)}, Outputs: []onnxtest.Message{onnxtest.Value("y", onnxtest.Float, 3, 12)},
		Tensors: []onnxtest.Message{onnxtest.Floats("w", cut(96*20), 96, 20), onnxtest.Floats("t", cut(20*80), 80, 20), onnxtest.Floats("g", cut(80*12), 80, 12), onnxtest.Floats("b", cut(12), 12)},
		Nodes: []onnxtest.Message{node("MatMul", in("x", "w"), in("a")), node("MatMul", in("x", "w"), in("c")), node("Add", in("a", "c"), in("d")),
			node("Gemm", in("d", "t"), in("e"), onnxtest.AttrInt("transB", 1)), node("Gemm", in("e", "g", "b"), in("y"))},
	})
}

func nbitsOptions() (names []string, all []Options) {
	for _, bits := range []int{2, 3, 4, 6, 8} {
		for _, kind := range []string{"int symmetric", "int symmetric, signed scale", "int asymmetric", "uint asymmetric"} {
			for _, size := range []int{16, 32} {
				o := Options{Bits: bits, Granularity: option.PerGroup, GroupSize: size, Unsigned: kind == "uint asymmetric", NBits: &NBits{Accuracy: 1}}
				if strings.HasPrefix(kind, "int symmetric") {
					o.Mapping, o.SignedScale = quant.Symmetric, kind != "int symmetric"
				}
				names, all = append(names, fmt.Sprintf("%s of %d bits in groups of %d", kind, bits, size)), append(all, o)
			}
		}
	}
	return names, all
}

// nbits writes a model for MatMulNBits, and turns that back.
func nbitsBothWays(t *testing.T, in string, o Options) (quantized, back string, r *Result) {
	t.Helper()
	return bothWays(t, KindONNX, in, t.TempDir(), o)
}

// TestNBits reads back every weight as the library's Quantize and Dequantize make it, bit for bit.
func TestNBits(t *testing.T) {
	in := writeONNX(t, nbitsModel())
	before, shapes := tensors(t, in)
	names, all := nbitsOptions()
	for i, o := range all {
		t.Run(names[i], func(t *testing.T) {
			quantized, back, r := nbitsBothWays(t, in, o)
			if got, want := operatorsOf(t, quantized), "MatMulNBits MatMulNBits Add MatMulNBits MatMulNBits Add"; got != want {
				t.Errorf("operators %s, want %s", got, want)
			}
			if got, want := operatorsOf(t, back), "MatMul MatMul Add MatMul MatMul Add"; got != want {
				t.Errorf("dequantized: operators %s, want %s", got, want)
			}
			after, _ := tensors(t, back)
			if len(r.Weights) != 3 {
				t.Fatalf("%d weights", len(r.Weights))
			}
			for _, w := range r.Weights {
				x := quant.Tensor{Data: before[w.Name], Shape: shapes[w.Name]}
				p, err := quant.Calibrate(x, w.Scheme)
				if err != nil {
					t.Fatal(err)
				}
				q, err := quant.Quantize(x, p)
				if err != nil {
					t.Fatal(err)
				}
				want, err := quant.Dequantize(q)
				if err != nil {
					t.Fatal(err)
				}
				values := want.Data
				if w.Name == "t" {
					values = transposed(values, 80)
				}
				if !slices.EqualFunc(after[w.Name], values, func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) || a == 0 && b == 0 }) {
					t.Errorf("%s: other values than those of the library", w.Name)
				}
			}
		})
	}
}

// TestNBitsLeft names the weights that MatMulNBits cannot take.
func TestNBitsLeft(t *testing.T) {
	in := writeONNX(t, onnxtest.Network(13))
	o := Options{Bits: 4, Mapping: quant.Symmetric, Granularity: option.PerGroup, GroupSize: 32, NBits: &NBits{}}
	out := filepath.Join(t.TempDir(), "q.onnx")
	r := produce(t, out, func(set *atomicfile.Set) (*Result, error) { return Quantize(t.Context(), KindONNX, in, set, o, nil) })
	var got, left []string
	for _, w := range r.Weights {
		got = append(got, w.Name)
	}
	for _, l := range r.Left {
		if strings.HasPrefix(l.Reason, "MatMulNBits") || strings.Contains(l.Reason, "MatMul and Gemm") {
			left = append(left, l.Name+": "+l.Reason)
		}
	}
	slices.Sort(got)
	slices.Sort(left)
	if s, want := strings.Join(got, " "), "else.constant else.weight gemm1.weight gemm2.weight matmul.weight shared.weight then.constant then.weight"; s != want {
		t.Errorf("quantized %s, want %s", s, want)
	}
	want := []string{"conv.weight: MatMulNBits takes matrices of float32", "depthwise.weight: MatMulNBits takes matrices of float32", "embedding: nodes other than MatMul and Gemm take it",
		"gru.R: MatMulNBits takes matrices of float32", "gru.W: MatMulNBits takes matrices of float32", "lstm.R: MatMulNBits takes matrices of float32", "lstm.W: MatMulNBits takes matrices of float32",
		"pointwise.weight: MatMulNBits takes matrices of float32", "up.weight: MatMulNBits takes matrices of float32"}
	if !slices.Equal(left, want) {
		t.Errorf("left %q", left)
	}
	if len(r.Choosable) > 0 {
		t.Errorf("--include is said to pick %s, which MatMulNBits does not take", r.Choosable)
	}
	m, err := onnx.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if !slices.Contains(m.Imports, onnx.Import{Domain: "com.microsoft", Version: 1}) || !slices.Contains(m.Imports, onnx.Import{Version: 13}) {
		t.Errorf("imports %v", m.Imports)
	}
}

// TestCheckNBits has schemes that MatMulNBits does not have.
func TestCheckNBits(t *testing.T) {
	for _, test := range []struct {
		bits, size, accuracy int
		want                 string
	}{
		{4, 32, 4, ""}, {8, 16, 0, ""}, {2, 1024, 1, ""},
		{16, 32, 0, "MatMulNBits has codes of 2 to 8 bits, not 16"},
		{4, 24, 0, "MatMulNBits has groups of a power of two of at least 16 values, not 24"},
		{4, 8, 0, "MatMulNBits has groups of a power of two of at least 16 values, not 8"},
		{4, 32, 5, "MatMulNBits has accuracy levels 0 to 4, not 5"},
	} {
		o := Options{Bits: test.bits, GroupSize: test.size, NBits: &NBits{Accuracy: test.accuracy}}
		got := ""
		if err := o.CheckNBits(); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%+v: %q", test, got)
		}
	}
}

// TestONNXRuntimeNBits runs MatMulNBits beside the dequantized model. At accuracy level 1 the
// operator computes in float32; at level 4 it rounds the other operand to int8.
func TestONNXRuntimeNBits(t *testing.T) {
	ortFolder(t)
	in := writeONNX(t, nbitsModel())
	steps := []map[string]value{{"x": floatValue(random(3*96), 3, 96)}}
	names, all := nbitsOptions()
	var jobs []ortJob
	for _, o := range all {
		quantized, back, _ := nbitsBothWays(t, in, o)
		o.NBits = &NBits{Accuracy: 4}
		rounding, _, _ := nbitsBothWays(t, in, o)
		jobs = append(jobs, ortJob{Model: quantized, Level: "all", Steps: steps}, ortJob{Model: back, Level: "disabled", Steps: steps}, ortJob{Model: rounding, Level: "all", Steps: steps})
	}
	results := onnxruntime(t, jobs...)
	for i, name := range names {
		t.Run(name, func(t *testing.T) {
			if d := distanceOf(results[3*i], results[3*i+1], "y"); !(d.sqnr > 110) {
				t.Errorf("%v from the dequantized model", d)
			}
			if d := distanceOf(results[3*i+2], results[3*i+1], "y"); !(d.sqnr > 30) {
				t.Errorf("%v from the dequantized model at accuracy level 4", d)
			}
		})
	}
}
