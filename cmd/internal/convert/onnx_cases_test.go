package convert

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/internal/summary"
)

// An onnxCase is a model made after a public report, in testdata/cases.
type onnxCase struct {
	file  string
	shape []int // of the input x
	// weights and left are what is quantized per channel, and what is not; err is the
	// error instead. Groups are groupErr of groups of 16 with 8 bits.
	weights       []string
	left          map[string]string
	err, groupErr string
}

var onnxCases = []onnxCase{
	{file: "1394_len0/model", shape: []int{3, 32}, weights: []string{"w 32×32 axis 1", "v 32×32 axis 1"}},
	{file: "3563_dup_init", shape: []int{3, 32}, err: `tensor "w": two values of its graph have the same name`, groupErr: `tensor "w": two values of its graph have the same name`},
	{file: "flat_weight", shape: []int{1, 4, 8, 8}, weights: []string{"f 8×4×3×3 axis 0"}, left: map[string]string{"sh": summary.NotFloating("I64")}},
	{file: "func_nested", shape: []int{3, 32}, weights: []string{"v 32×32 axis 1", "w 32×32 axis 1"}},
	{file: "func_unused_old", shape: []int{3, 32}, weights: []string{"v 32×32 axis 1"}},
	{file: "nan_weight", shape: []int{3, 32}, err: `tensor "w": NaN at index 100 (channel 4 of axis 1)`, groupErr: `tensor "w": NaN at index 100 (channel 4 of axis 1)`},
	{file: "qat_fake", shape: []int{1, 4, 8, 8}, left: map[string]string{"w": "QuantizeLinear makes codes of it with the model's own scale", "ws": "scale of QuantizeLinear", "wz": summary.NotFloating("I8")}},
	{file: "qdq_already", shape: []int{3, 32}, weights: []string{"v 32×32 axis 1"},
		left: map[string]string{"wq": "quantized already: codes of DequantizeLinear", "ws": "scale of DequantizeLinear", "wz": summary.NotFloating("I8"), "xs": "scale of QuantizeLinear", "xz": summary.NotFloating("U8")}},
	{file: "qdq_conv", shape: []int{1, 16, 8, 8}, weights: []string{"w 32×16×3×3 axis 0"},
		left:     map[string]string{"xs": "scale of QuantizeLinear", "xz": summary.NotFloating("U8"), "ys": "scale of QuantizeLinear", "yz": summary.NotFloating("U8")},
		groupErr: `tensor "w": groups of codes of 5 to 8 bits do not run in ONNX Runtime`},
	{file: "qdq_matmul", shape: []int{3, 64}, weights: []string{"w 64×32 axis 1"},
		left:     map[string]string{"xs": "scale of QuantizeLinear", "xz": summary.NotFloating("U8"), "ys": "scale of QuantizeLinear", "yz": summary.NotFloating("U8")},
		groupErr: `tensor "w": groups of codes of 5 to 8 bits do not run in ONNX Runtime`},
	{file: "resize10", shape: []int{1, 8, 4, 4}, weights: []string{"w 16×8×1×1 axis 0"}, left: map[string]string{"sc": "shape computation of Resize"}},
	{file: "sparse_init", shape: []int{3, 32}, weights: []string{"d 32×32 axis 1"}, left: map[string]string{"w": "sparse tensors are not read"}},
	{file: "upsample9", shape: []int{1, 8, 4, 4}, weights: []string{"w 16×8×1×1 axis 0"}, left: map[string]string{"sc": "shape computation of Upsample"}},
	{file: "weight_scaled", shape: []int{1, 4, 8, 8}, weights: []string{"w 8×4×3×3 axis 0"}, left: map[string]string{"g": "an operand of Mul"}},
}

func (c onnxCase) path() string {
	return filepath.Join("testdata", "cases", filepath.FromSlash(c.file)+".onnx")
}

// quantize quantizes the case to a file out.
func (c onnxCase) quantize(t *testing.T, out string, o Options) (*Result, error) {
	t.Helper()
	set, err := atomicfile.New(out, true)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Abort()
	r, err := ONNX(t.Context(), c.path(), set, o, nil)
	if err != nil {
		return nil, err
	}
	return r, set.Commit()
}

// TestONNXCases quantizes models that were found in the reports of other tools.
func TestONNXCases(t *testing.T) {
	for _, c := range onnxCases {
		t.Run(c.file, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "q.onnx")
			for _, o := range []Options{{Bits: 8, Granularity: option.PerTensor}, {Bits: 8, Granularity: option.PerChannel}} {
				r, err := c.quantize(t, out, o)
				if c.err != "" {
					if err == nil || err.Error() != c.err {
						t.Fatalf("%v, want %s", err, c.err)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				var weights []string
				for _, w := range r.Weights {
					shape := strings.ReplaceAll(strings.Trim(fmt.Sprint(w.Shape), "[]"), " ", "×")
					weights = append(weights, fmt.Sprintf("%s %s axis %d", w.Name, shape, w.Axis))
				}
				want := slices.Clone(c.weights)
				for i := range want {
					if o.Granularity == option.PerTensor {
						want[i] = want[i][:strings.LastIndex(want[i], " ")] + " -1"
					}
				}
				if !slices.Equal(weights, want) {
					t.Errorf("%s: %q, want %q", o.Granularity, weights, want)
				}
				for _, l := range r.Left {
					if l.Reason != c.left[l.Name] {
						t.Errorf("%s is left: %q, want %q", l.Name, l.Reason, c.left[l.Name])
					}
				}
				if len(r.Left) != len(c.left) {
					t.Errorf("%d tensors are left, want %d", len(r.Left), len(c.left))
				}
			}
			_, err := c.quantize(t, out, Options{Bits: 8, Granularity: option.PerGroup, GroupSize: 16})
			if c.groupErr == "" && err != nil || c.groupErr != "" && (err == nil || !strings.HasPrefix(err.Error(), c.groupErr)) {
				t.Errorf("groups: %v, want %q", err, c.groupErr)
			}
			_, err = c.quantize(t, out, Options{Bits: 8, Format: quant.E4M3FN, Mapping: quant.Symmetric, Granularity: option.PerChannel})
			if beside := strings.HasSuffix(c.groupErr, "do not run in ONNX Runtime"); beside != errors.Is(err, errFloatsBesideCodes) || !beside && err != nil && c.err == "" {
				t.Errorf("floats: %v", err)
			}
		})
	}
}

// TestSparseBytes counts the bytes of the values and indices of a sparse tensor.
func TestSparseBytes(t *testing.T) {
	m, err := onnx.Open(filepath.Join("testdata", "cases", "sparse_init.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for _, x := range m.Tensors {
		if want := int64(100*4 + 100*8); x.Name == "w" && x.Bytes != want {
			t.Errorf("%d bytes, want %d", x.Bytes, want)
		}
	}
}

// TestONNXRuntimeCases runs the cases before and after in ONNX Runtime, whose
// optimizations fuse operators with the DequantizeLinear nodes before them.
func TestONNXRuntimeCases(t *testing.T) {
	ortFolder(t)
	options := []Options{
		{Bits: 8, Granularity: option.PerTensor}, {Bits: 8, Granularity: option.PerChannel},
		{Bits: 8, Granularity: option.PerGroup, GroupSize: 16}, {Bits: 16, Granularity: option.PerGroup, GroupSize: 16},
	}
	var jobs []ortJob
	var what []string
	for _, c := range onnxCases {
		if len(c.weights) == 0 {
			continue
		}
		n := 1
		for _, d := range c.shape {
			n *= d
		}
		steps := []map[string]value{{"x": floatValue(random(n), c.shape...)}}
		for _, o := range options {
			out := filepath.Join(t.TempDir(), "q.onnx")
			if _, err := c.quantize(t, out, o); err != nil {
				if c.groupErr == "" {
					t.Errorf("%s: %v", c.file, err)
				}
				continue
			}
			for _, level := range []string{"disabled", "all"} {
				what = append(what, fmt.Sprintf("%s, %d bits %s, %s", c.file, o.Bits, o.Granularity, level))
				jobs = append(jobs, ortJob{Model: c.path(), Level: level, Steps: steps}, ortJob{Model: out, Level: level, Steps: steps})
			}
		}
	}
	results := onnxruntime(t, jobs...)
	for i, name := range what {
		if d := distanceOf(results[2*i+1], results[2*i], "y"); !(d.sqnr > 25) {
			t.Errorf("%s: %v", name, d)
		}
	}
}

// TestSeenShape opens a list that is only reshaped: reports compare the kernels that
// the operator sees.
func TestSeenShape(t *testing.T) {
	f, err := tensorfile.Open(filepath.Join("testdata", "cases", "flat_weight.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if x := f.Tensors()[0]; x.Name != "f" || !slices.Equal(x.Shape, []int{8, 4, 3, 3}) || x.Axis != 0 || x.Use != "Conv" {
		t.Errorf("%+v", x)
	}
}
