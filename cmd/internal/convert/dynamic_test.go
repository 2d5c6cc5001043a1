package convert

import (
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
	"github.com/a01592f9/quant/cmd/internal/option"
)

// TestDynamic quantizes a model of most operators dynamically: nodes in subgraphs too, and a weight
// that nodes of several graphs share once. Dequantizing returns each weight to within
// half a step, under its name.
func TestDynamic(t *testing.T) {
	for _, test := range []struct {
		name string
		o    Options
		want string // operators that take codes
		left string // the others
	}{
		{"int8 per channel", Options{Bits: 8, Mapping: quant.Symmetric, Granularity: option.PerChannel},
			"3 ConvInteger, 1 DynamicQuantizeLSTM, 1 Gather, 10 MatMulInteger", "ConvTranspose: there is no operator with codes for ConvTranspose; GRU: there is no operator with codes for GRU"},
		{"uint8 per tensor", Options{Bits: 8, Unsigned: true, Granularity: option.PerTensor},
			"3 ConvInteger, 1 DynamicQuantizeLSTM, 1 Gather, 10 MatMulInteger", "ConvTranspose: there is no operator with codes for ConvTranspose; GRU: there is no operator with codes for GRU"},
		{"some operators", Options{Bits: 8, Mapping: quant.Symmetric, Granularity: option.PerChannel, Dynamic: &Dynamic{Operators: []string{"Conv"}}},
			"3 ConvInteger", "ConvTranspose: there is no operator with codes for ConvTranspose; GRU: there is no operator with codes for GRU; Gather: the operator is not chosen; Gemm: the operator is not chosen; LSTM: the operator is not chosen; MatMul: the operator is not chosen"},
		{"excluded by operator and name", Options{Bits: 8, Mapping: quant.Symmetric, Granularity: option.PerChannel, Exclude: []string{"LSTM", "*then_branch*", "Gather"}},
			"3 ConvInteger, 7 MatMulInteger", "ConvTranspose: there is no operator with codes for ConvTranspose; GRU: there is no operator with codes for GRU; Gather: excluded; LSTM: excluded; MatMul: excluded"},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := writeONNX(t, onnxtest.Network(13))
			out, r := dynamically(t, in, test.o)
			counts, left := map[string]int{}, map[string]bool{}
			for _, o := range r.Operators {
				if o.Integer != "" {
					counts[o.Integer]++
				} else {
					left[o.Op+": "+o.Reason] = true
				}
			}
			var got []string
			for _, op := range slices.Sorted(maps.Keys(counts)) {
				got = append(got, fmt.Sprint(counts[op])+" "+op)
			}
			if s := strings.Join(got, ", "); s != test.want {
				t.Errorf("%s, want %s", s, test.want)
			}
			if s := strings.Join(slices.Sorted(maps.Keys(left)), "; "); s != test.left {
				t.Errorf("left: %s\nwant %s", s, test.left)
			}
			back := filepath.Join(t.TempDir(), "back.onnx")
			produce(t, back, func(set *atomicfile.Set) (*Result, error) {
				return Dequantize(t.Context(), KindONNX, out, set, Options{}, nil)
			})
			before, shapes := tensors(t, in)
			after, _ := tensors(t, back)
			for _, w := range r.Weights {
				x, y := before[w.Name], after[w.Name]
				if strings.HasPrefix(w.Name, "gemm1") { // its codes have the order of MatMulInteger
					x = transposed(x, shapes[w.Name][0])
				}
				if len(y) != len(x) {
					t.Errorf("%s: %d values of %d", w.Name, len(y), len(x))
					continue
				}
				low, high := min(slices.Min(x), 0), max(slices.Max(x), 0)
				half := float64(max(high-low, 2*high, -2*low)) / 254 / 2 * 1.01
				for i := range x {
					if d := math.Abs(float64(x[i] - y[i])); !(d <= half) {
						t.Errorf("%s[%d]: %v becomes %v, which differs by %v, more than %v", w.Name, i, x[i], y[i], d, half)
						break
					}
				}
			}
		})
	}
}

// transposed exchanges the axes of a matrix.
func transposed(x []float32, rows int) []float32 {
	y := make([]float32, len(x))
	n := len(x) / rows
	for i, v := range x {
		y[i%n*rows+i/n] = v
	}
	return y
}

// TestDynamicRefused has models and patterns that are errors. No file is written.
func TestDynamicRefused(t *testing.T) {
	o := Options{Bits: 8, Mapping: quant.Symmetric, Granularity: option.PerChannel, Dynamic: &Dynamic{}}
	again, _ := dynamically(t, writeONNX(t, onnxtest.Network(13)), o)
	excluding := o
	excluding.Exclude = []string{"Softmax"}
	infinite := dynamicPattern{nodes: in1(onnxtest.Node("MatMul", []string{"x", "bad"}, []string{"y"}))}
	values := make([]float32, 64)
	values[11] = float32(math.Inf(1))
	bad := staticPattern{nodes: infinite.nodes}.with([]onnxtest.Message{onnxtest.Floats("bad", values, 8, 8)})
	for _, test := range []struct {
		name, model string
		o           Options
		want        string
	}{
		{"quantized already", again, o, `the model is quantized already: node "image_DynamicQuantizeLinear" is a DynamicQuantizeLinear`},
		{"no such node", writeONNX(t, onnxtest.Network(13)), excluding, `no node or operator matches "Softmax"; there are "Conv a1", "Conv a3", "Conv a4", "ConvTranspose a6", "Gemm a9", "Gemm features", "Gather b1", "LSTM b3", "GRU ", "MatMul text" and 14 more`},
		{"not finite", writeONNX(t, bad), o, `tensor "bad": +Inf at index 11 (channel 3 of axis 1)`},
	} {
		t.Run(test.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "q.onnx")
			set, err := atomicfile.New(out, false)
			if err != nil {
				t.Fatal(err)
			}
			defer set.Abort()
			if _, err := Quantize(t.Context(), KindONNX, test.model, set, test.o, nil); err == nil || err.Error() != test.want {
				t.Errorf("%v, want %s", err, test.want)
			}
			set.Abort()
			if _, err := os.Stat(out); err == nil {
				t.Error("a file was written")
			}
		})
	}
}
