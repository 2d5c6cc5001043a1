package convert

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
)

// A foldCase is a graph with a BatchNormalization, of x of shape 2×4×6×6.
type foldCase struct {
	name   string
	nodes  []onnxtest.Message
	folded string // the operators that remain
}

// foldTensors are the constants of all cases; those of the normalization are n0 to n3.
func foldTensors() []onnxtest.Message {
	positive := func(n int) []float32 {
		x := random(n)
		for i, v := range x {
			x[i] = float32(v*v) + 0.25
		}
		return x
	}
	return []onnxtest.Message{
		onnxtest.Floats("w", random(6*4*9), 6, 4, 3, 3), onnxtest.Floats("b", random(6), 6), onnxtest.Floats("wg", random(6*2*9), 6, 2, 3, 3),
		onnxtest.Floats("wt", random(4*3*4), 4, 3, 2, 2), onnxtest.Floats("m", random(144*6), 144, 6), onnxtest.Floats("mt", random(144*6), 6, 144),
		onnxtest.Floats("n0", random(6), 6), onnxtest.Floats("n1", random(6), 6), onnxtest.Floats("n2", random(6), 6), onnxtest.Floats("n3", positive(6), 6),
		onnxtest.Floats("negative", []float32{1, 1, -2, 1, 1, 1}, 6),
	}
}

func foldCases() []foldCase {
	node := onnxtest.Node
	in := func(s ...string) []string { return s }
	bn := func(from, to string, a ...onnxtest.Message) onnxtest.Message {
		return node("BatchNormalization", in(from, "n0", "n1", "n2", "n3"), in(to), a...)
	}
	flat := node("Flatten", in("x"), in("f"))
	return []foldCase{
		{name: "Conv", nodes: in2(node("Conv", in("x", "w"), in("a")), bn("a", "y")), folded: "Conv"},
		{name: "Conv with a bias", nodes: in2(node("Conv", in("x", "w", "b"), in("a"), onnxtest.AttrInts("pads", 1, 1, 1, 1)), bn("a", "y", attrFloat("epsilon", 0.01))), folded: "Conv"},
		{name: "Conv in groups", nodes: in2(node("Conv", in("x", "wg"), in("a"), onnxtest.AttrInt("group", 2)), bn("a", "y")), folded: "Conv"},
		{name: "ConvTranspose in groups", nodes: in2(node("ConvTranspose", in("x", "wt", "b"), in("a"), onnxtest.AttrInt("group", 2), onnxtest.AttrInts("strides", 2, 2)), bn("a", "y")), folded: "ConvTranspose"},
		{name: "Gemm", nodes: in3(flat, node("Gemm", in("f", "m", "b"), in("a")), bn("a", "y")), folded: "Flatten Gemm"},
		{name: "Gemm of a transposed weight", nodes: in3(flat, node("Gemm", in("f", "mt"), in("a"), onnxtest.AttrInt("transB", 1)), bn("a", "y")), folded: "Flatten Gemm"},
		{name: "a weight that two products share", nodes: []onnxtest.Message{node("Conv", in("x", "w"), in("a")), bn("a", "c"), node("Conv", in("x", "w"), in("d")), node("Add", in("c", "d"), in("y"))}, folded: "Conv Conv Add"},
		{name: "two in a row", nodes: in3(node("Conv", in("x", "w"), in("a")), bn("a", "c"), bn("c", "y")), folded: "Conv BatchNormalization"},
		{name: "the product is used twice", nodes: in3(node("Conv", in("x", "w"), in("a")), bn("a", "c"), node("Add", in("a", "c"), in("y"))), folded: "Conv BatchNormalization Add"},
		{name: "no product", nodes: in3(node("Conv", in("x", "w"), in("a")), node("Relu", in("a"), in("c")), bn("c", "y")), folded: "Conv Relu BatchNormalization"},
		{name: "Gemm with alpha", nodes: in3(flat, node("Gemm", in("f", "m"), in("a"), attrFloat("alpha", 0.5)), bn("a", "y")), folded: "Flatten Gemm BatchNormalization"},
		{name: "a negative variance", nodes: in2(node("Conv", in("x", "w"), in("a")), node("BatchNormalization", in("a", "n0", "n1", "n2", "negative"), in("y"))), folded: "Conv BatchNormalization"},
	}
}

// folding writes the model of a case, and the model that fold makes of it.
func (f foldCase) folding(t *testing.T) (before, after string) {
	t.Helper()
	g := onnxtest.Graph{Nodes: f.nodes, Tensors: foldTensors(), Inputs: []onnxtest.Message{onnxtest.Value("x", onnxtest.Float, 2, 4, 6, 6)}}
	g.Outputs = []onnxtest.Message{onnxtest.Message{}.Text(1, "y").Bytes(2, onnxtest.Message{}.Bytes(1, onnxtest.Message{}.Int(1, onnxtest.Float)))}
	before, after = writeONNX(t, onnxtest.Model(13, g)), filepath.Join(t.TempDir(), "folded.onnx")
	produce(t, after, func(set *atomicfile.Set) (*Result, error) {
		c, err := newONNXCopy(t.Context(), before, set, Options{}, nil)
		if err != nil {
			return nil, err
		}
		defer c.model.Close()
		done, err := c.fold()
		defer done()
		if err != nil {
			return nil, err
		}
		if kept := strings.Contains(f.folded, "BatchNormalization") && f.name != "two in a row"; kept != (c.result.Normalizations == 0) {
			t.Errorf("%d are folded", c.result.Normalizations)
		}
		return &c.result, c.write()
	})
	return before, after
}

// TestFold folds normalizations, and compares the weight and the bias of a Conv with the formula.
func TestFold(t *testing.T) {
	for _, f := range foldCases() {
		t.Run(f.name, func(t *testing.T) {
			_, after := f.folding(t)
			if got := operatorsOf(t, after); got != f.folded {
				t.Errorf("operators %s, want %s", got, f.folded)
			}
			values, _ := tensors(t, after)
			if f.name != "Conv with a bias" {
				return
			}
			w, b, n := random(6*4*9), random(6), random(6)
			for i, got := range values["w_folded"] {
				k := i / 36
				factor := float64(n[k]) / math.Sqrt(float64(float32(n[k]*n[k])+0.25)+float64(float32(0.01)))
				if want := float32(float64(w[i]) * factor); got != want {
					t.Fatalf("weight %d is %v, want %v", i, got, want)
				}
				shifted := float64((float64(b[k]) - float64(n[k])) * factor)
				if want, got := float32(shifted+float64(n[k])), values["w_bias"][k]; got != want {
					t.Fatalf("bias %d is %v, want %v", k, got, want)
				}
			}
			if len(values["w_folded"]) != len(w) || values["w"] != nil || values["n0"] != nil {
				t.Errorf("tensors %d, w %v, n0 %v", len(values["w_folded"]), values["w"], values["n0"])
			}
		})
	}
}

// TestFoldOverflow tests that a normalization stays whose factors would make a weight, a bias or
// themselves infinite, and that the result names node, tensor and channel.
func TestFoldOverflow(t *testing.T) {
	for _, test := range []struct {
		scale, mean, variance []float32
		want                  string
	}{
		{[]float32{1, 1, 3e38, 1, 1, 1}, make([]float32, 6), []float32{1, 1, 0.25, 1, 1, 1}, `channel 2 of the weight "w" would overflow float32`},
		{[]float32{1, 1, 1, -3e38, 1, 1}, []float32{0, 0, 0, 1e9, 0, 0}, []float32{1, 1, 1, 1, 1, 1}, `the bias of channel 3 of "product" would not be finite`},
		{[]float32{1, 1, 1, 1, 1, 1}, make([]float32, 6), []float32{1, 1, 1, 1, 1, -2}, `the factor of channel 5 is not finite`},
	} {
		t.Run(test.want, func(t *testing.T) {
			g := onnxtest.Graph{
				Nodes: []onnxtest.Message{
					onnxtest.Node("Conv", []string{"x", "w"}, []string{"a"}).Text(3, "product"),
					onnxtest.Node("BatchNormalization", []string{"a", "scale", "shift", "mean", "variance"}, []string{"y"}).Text(3, "normalization"),
				},
				Tensors: []onnxtest.Message{
					onnxtest.Floats("w", random(6*4*9), 6, 4, 3, 3), onnxtest.Floats("scale", test.scale, 6), onnxtest.Floats("shift", make([]float32, 6), 6),
					onnxtest.Floats("mean", test.mean, 6), onnxtest.Floats("variance", test.variance, 6),
				},
				Inputs:  []onnxtest.Message{onnxtest.Value("x", onnxtest.Float, 2, 4, 6, 6)},
				Outputs: []onnxtest.Message{onnxtest.Value("y", onnxtest.Float, 2, 6, 4, 4)},
			}
			set := atomicfile.Dry(filepath.Join(t.TempDir(), "out.onnx"), false)
			defer set.Abort()
			r, err := Observe(t.Context(), writeONNX(t, onnxtest.Model(13, g)), set, ObserveOptions{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if want := (FloatNode{"normalization", "BatchNormalization", test.want}); r.Normalizations != 0 || len(r.Unfolded) != 1 || r.Unfolded[0] != want {
				t.Errorf("%d folded, and %q stay, want %q", r.Normalizations, r.Unfolded, want)
			}
		})
	}
}

// TestFoldObserved observes a model with a normalization: the range of the folded convolution has
// the name of what the normalization computed. Unfolded, the convolution has its own.
func TestFoldObserved(t *testing.T) {
	before, _ := foldCases()[0].folding(t)
	for _, test := range []struct {
		unfolded bool
		want     []string
	}{{false, []string{"x", "y"}}, {true, []string{"x", "a"}}} {
		out := filepath.Join(t.TempDir(), "observed.onnx")
		set, err := atomicfile.New(out, false)
		if err != nil {
			t.Fatal(err)
		}
		defer set.Abort()
		r, err := Observe(t.Context(), before, set, ObserveOptions{Unfolded: test.unfolded}, nil)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, v := range r.Values {
			names = append(names, v.Name)
		}
		if !slices.Equal(names, test.want) || r.Normalizations != map[bool]int{false: 1, true: 0}[test.unfolded] {
			t.Errorf("unfolded %v: %q, %d folded", test.unfolded, names, r.Normalizations)
		}
	}
}

// TestONNXRuntimeFold runs each case before and after.
func TestONNXRuntimeFold(t *testing.T) {
	ortFolder(t)
	var jobs []ortJob
	steps := []map[string]value{{"x": floatValue(random(2*4*36), 2, 4, 6, 6)}}
	for _, f := range foldCases() {
		before, after := f.folding(t)
		jobs = append(jobs, ortJob{Model: before, Level: "disabled", Steps: steps}, ortJob{Model: after, Level: "disabled", Steps: steps})
	}
	all := onnxruntime(t, jobs...)
	for i, f := range foldCases() {
		if f.name == "a negative variance" {
			continue // NaN before and after
		}
		if d := distanceOf(all[2*i+1], all[2*i], "y"); !(d.sqnr > 115) {
			t.Errorf("%s: %v", f.name, d)
		}
	}
}
