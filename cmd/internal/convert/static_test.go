package convert

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant/calibfile"
	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
	"github.com/a01592f9/quant/cmd/internal/option"
)

// TestActivationParams has scales and zero points that were computed from the formulas of
// ONNX Runtime's tool with another program. The last two are ranges for which float32
// arithmetic would give another zero point.
func TestActivationParams(t *testing.T) {
	for _, test := range []struct {
		lo, hi    float32
		kind      string
		symmetric bool
		scale     uint32
		zero      int32
	}{
		{-1, 1, "uint8", false, 0x3c008081, 128},
		{-1, 1, "uint8", true, 0x3c010204, 127},
		{-1, 1, "int8", false, 0x3c008081, 0},
		{-1, 1, "int8", true, 0x3c010204, 0},
		{-1, 1, "uint16", false, 0x38000080, 32768},
		{-0.3, 2.7, "uint8", false, 0x3c40c0c1, 26},
		{-0.3, 2.7, "uint8", true, 0x3cae291f, 127},
		{-0.3, 2.7, "int8", false, 0x3c40c0c1, -102},
		{-0.3, 2.7, "int8", true, 0x3cae291f, 0},
		{-0.3, 2.7, "uint16", false, 0x384000c0, 6554},
		{0.5, 6, "uint8", false, 0x3cc0c0c1, 0},
		{0.5, 6, "uint8", true, 0x3d418306, 127},
		{0.5, 6, "int8", false, 0x3cc0c0c1, -128},
		{0.5, 6, "int8", true, 0x3d418306, 0},
		{0.5, 6, "uint16", false, 0x38c000c0, 0},
		{-3, -1, "uint8", false, 0x3c40c0c1, 255},
		{-3, -1, "uint8", true, 0x3cc18306, 127},
		{-3, -1, "int8", false, 0x3c40c0c1, 127},
		{-3, -1, "int8", true, 0x3cc18306, 0},
		{-3, -1, "uint16", false, 0x384000c0, 65535},
		{-1.2345678, 7.654321, "uint8", false, 0x3d0ec7ac, 35},
		{-1.2345678, 7.654321, "uint8", true, 0x3d76ddef, 127},
		{-1.2345678, 7.654321, "int8", false, 0x3d0ec7ac, -93},
		{-1.2345678, 7.654321, "int8", true, 0x3d76ddef, 0},
		{-1.2345678, 7.654321, "uint16", false, 0x390e3972, 9102},
		{0, 6, "uint8", false, 0x3cc0c0c1, 0},
		{0, 6, "uint8", true, 0x3d418306, 127},
		{0, 6, "int8", false, 0x3cc0c0c1, -128},
		{0, 6, "int8", true, 0x3d418306, 0},
		{0, 6, "uint16", false, 0x38c000c0, 0},
		{-1e-30, 3e-30, "uint8", false, 0x0aa2e545, 64},
		{-1e-30, 3e-30, "uint8", true, 0x0af54e2c, 127},
		{-1e-30, 3e-30, "int8", false, 0x0aa2e545, -64},
		{-1e-30, 3e-30, "int8", true, 0x0af54e2c, 0},
		{-1e-30, 3e-30, "uint16", false, 0x06a24302, 16384},
		{-1e-38, 1e-38, "uint8", false, 0x3f800000, 0},
		{-1e-38, 1e-38, "uint8", true, 0x3f800000, 0},
		{-1e-38, 1e-38, "int8", false, 0x3f800000, 0},
		{-1e-38, 1e-38, "int8", true, 0x3f800000, 0},
		{-1e-38, 1e-38, "uint16", false, 0x3f800000, 0},
		{-0.5176784992218018, 0.5096211433410645, "uint8", false, 0x3b840291, 129},
		{-0.46153321862220764, 0.4334551692008972, "uint8", false, 0x3b6603fa, 131},
	} {
		p, err := activationTypes[test.kind].params(test.lo, test.hi, test.symmetric)
		if err != nil || math.Float32bits(p.Scale) != test.scale || p.Zero != test.zero {
			t.Errorf("[%v, %v] in %s, symmetric %v: scale %#x and zero point %d (%v), want %#x and %d",
				test.lo, test.hi, test.kind, test.symmetric, math.Float32bits(p.Scale), p.Zero, err, test.scale, test.zero)
		}
	}
	if _, err := activationTypes["uint8"].params(-3e38, 3e38, false); err == nil {
		t.Error("a range whose width is no float32 has a scale")
	}
}

// TestWeightScale has the scales of weights: of a range that is narrow, reduced, and empty.
func TestWeightScale(t *testing.T) {
	for _, test := range []struct {
		far     float32
		reduced bool
		want    float32
	}{{1, false, 1.0 / 127}, {3.7, false, 3.7 / 127}, {1, true, 1.0 / 64}, {0, false, 1}, {1e-38, false, 1}} {
		if got := weightScale(test.far, test.reduced); got != test.want {
			t.Errorf("%v, reduced %v: %v, want %v", test.far, test.reduced, got, test.want)
		}
	}
}

// TestBiasCodes widens the scale of a weight under which int32 does not hold a bias.
func TestBiasCodes(t *testing.T) {
	const input, small = 0.01, 1e-9
	if s := widened(0.02, input, 5); s != 0.02 {
		t.Errorf("a scale that is large enough became %v", s)
	}
	wide := widened(small, input, 5)
	codes, scales := biasCodes([]float32{5, -5}, input, []float32{wide})
	if most := int32(2147268890); codes[0] < most-1000 || codes[0] > most+1000 || codes[1] != -codes[0] {
		t.Errorf("codes %d with scale %v, want about %d", codes, scales, most)
	}
	if codes, _ := biasCodes([]float32{5, -5}, input, []float32{small}); codes[0] != math.MaxInt32 || codes[1] != math.MinInt32 {
		t.Errorf("codes %d are not those of the ends", codes)
	}
	if codes, _ := biasCodes([]float32{0, 1e-40}, 1e-30, []float32{1e-30}); codes[0] != 0 || codes[1] != 0 {
		t.Errorf("codes %v for a scale of 0", codes)
	}
	codes, scales = biasCodes([]float32{1, 3}, 0.5, []float32{0.5, 2})
	if !slices.Equal(codes, []int32{4, 3}) || !slices.Equal(scales, []float32{0.25, 1}) {
		t.Errorf("codes %d, scales %v", codes, scales)
	}
}

// staticModel is a convolution with a bias, a Relu and a second convolution.
func staticModel() []byte {
	pads := onnxtest.AttrInts("pads", 1, 1, 1, 1)
	return staticPattern{nodes: in3(staticConv("x", "a", pads), onnxtest.Node("Relu", []string{"a"}, []string{"z"}), staticConv("z", "y", pads))}.model("y")
}

// ranges is a calibration file of ranges.
func ranges(of map[string][2]float32) *calibfile.File {
	f := &calibfile.File{Format: calibfile.Format, Version: calibfile.Version}
	for name, r := range of {
		f.Tensors = append(f.Tensors, calibfile.Tensor{Name: name, Min: []float32{r[0]}, Max: []float32{r[1]}})
	}
	slices.SortFunc(f.Tensors, func(a, b calibfile.Tensor) int { return strings.Compare(a.Name, b.Name) })
	return f
}

// quantizeStatic quantizes a model to a file in a folder, whose path it returns.
func quantizeStatic(t *testing.T, model []byte, o Options) (*Result, string, error) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "q.onnx")
	set, err := atomicfile.New(out, false)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Abort()
	r, err := onnxStatic(t.Context(), writeONNX(t, model), set, o, nil)
	if err != nil {
		return nil, out, err
	}
	return r, out, set.Commit()
}

// TestStatic quantizes two convolutions with a Relu between them: the Relu is folded, the
// biases are int32, and all that is reported is in the file.
func TestStatic(t *testing.T) {
	o := Options{Granularity: option.PerChannel, Measure: true, Static: &Static{Type: "uint8"},
		Calibration: ranges(map[string][2]float32{"x": {-3, 3}, "z": {0, 9}, "y": {-20, 25}})}
	r, path, err := quantizeStatic(t, staticModel(), o)
	if err != nil {
		t.Fatal(err)
	}
	m, err := onnx.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	want := []string{"DequantizeLinear", "DequantizeLinear", "QuantizeLinear", "DequantizeLinear", "Conv", "QuantizeLinear", "DequantizeLinear",
		"DequantizeLinear", "Conv", "QuantizeLinear", "DequantizeLinear"}
	if ops := m.Operators(); !slices.Equal(ops, want) {
		t.Errorf("operators %q", ops)
	}
	if len(r.Operators) != 3 || !r.Operators[1].Folded || r.Operators[0].Integer != "QLinearConv" || len(r.Activations) != 3 || len(r.Biases) != 2 {
		t.Errorf("%+v, %+v, %+v", r.Operators, r.Activations, r.Biases)
	}
	if len(r.Weights) != 1 || r.Weights[0].Name != "w" || r.Weights[0].Type != "int8" || r.Weights[0].Metrics == nil || !(r.Weights[0].Metrics.SQNR > 35) {
		t.Errorf("%+v", r.Weights)
	}
	if m.QuantizedBy() == nil {
		t.Error("the result does not count as quantized")
	}
	for _, x := range m.Tensors {
		if x.Name == "b" {
			t.Error("the bias is there as float32 as well")
		}
	}
}

// TestStaticSymmetric keeps a Relu, whose limit is no code of symmetric int8, and needs the
// range of what comes into it.
func TestStaticSymmetric(t *testing.T) {
	o := Options{Granularity: option.PerTensor, Static: &Static{Type: "int8", Symmetric: true},
		Calibration: ranges(map[string][2]float32{"x": {-3, 3}, "a": {-8, 9}, "z": {0, 9}, "y": {-20, 25}})}
	r, _, err := quantizeStatic(t, staticModel(), o)
	if err != nil {
		t.Fatal(err)
	}
	if x := r.Operators[1]; x.Folded || x.Integer != "" || x.Reason != "its limits are not those of the codes of its result" || len(r.Activations) != 4 {
		t.Errorf("%+v, %+v", x, r.Activations)
	}
	o.Calibration = ranges(map[string][2]float32{"x": {-3, 3}, "z": {0, 9}, "y": {-20, 25}})
	if _, _, err := quantizeStatic(t, staticModel(), o); err == nil || err.Error() != `tensor "a": the calibration has no range of it` {
		t.Errorf("without the range of what comes into Relu: %v", err)
	}
}

// TestStaticSharedWeight has a square weight that one Gemm transposes: its output channels
// lie on both axes, so it has one scale.
func TestStaticSharedWeight(t *testing.T) {
	p := staticPattern{nodes: in3(onnxtest.Node("Reshape", []string{"x", "rows"}, []string{"a"}),
		onnxtest.Node("Gemm", []string{"a", "m"}, []string{"g"}, onnxtest.AttrInt("transB", 1)), onnxtest.Node("Gemm", []string{"g", "m"}, []string{"y"}))}
	o := Options{Granularity: option.PerChannel, Static: &Static{Type: "uint8"}, Calibration: ranges(map[string][2]float32{"a": {-3, 3}, "g": {-9, 9}})}
	r, _, err := quantizeStatic(t, p.model("y"), o)
	if err != nil || len(r.Weights) != 1 || r.Weights[0].Axis != -1 {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestStaticFails has input of which nothing can be made: the error names it, and nothing
// is written.
func TestStaticFails(t *testing.T) {
	good := map[string][2]float32{"x": {-3, 3}, "z": {0, 9}, "y": {-20, 25}}
	with := func(name string, r [2]float32) map[string][2]float32 {
		all := map[string][2]float32{name: r}
		for n, v := range good {
			if n != name {
				all[n] = v
			}
		}
		return all
	}
	channels := ranges(good)
	channels.Tensors[0].Min, channels.Tensors[0].Max = []float32{-3, -2}, []float32{3, 2}
	quantized := staticPattern{nodes: in2(onnxtest.Node("QuantizeLinear", []string{"x", "s"}, []string{"q"}), onnxtest.Node("DequantizeLinear", []string{"q", "s"}, []string{"y"}))}.model("y")
	for _, test := range []struct {
		name    string
		model   []byte
		file    *calibfile.File
		exclude string
		err     string
	}{
		{"a range is missing", staticModel(), ranges(map[string][2]float32{"x": {-3, 3}, "y": {-20, 25}}), "", `tensor "z": the calibration has no range of it`},
		{"another model", staticModel(), ranges(map[string][2]float32{"logits": {-3, 3}}), "", `the calibration has none of the model's activations: it is of another model (tensor "x" is missing)`},
		{"one value", staticModel(), ranges(with("z", [2]float32{0, 0})), "", `tensor "z": the calibration saw one value only; calibrate with other data`},
		{"several ranges are missing", staticModel(), ranges(map[string][2]float32{"x": {-3, 3}}), "", `tensor "z": the calibration has no range of it, and so of ["y"]`},
		{"not finite", staticModel(), ranges(with("z", [2]float32{0, float32(math.Inf(1))})), "", `tensor "z": the range [0, +Inf] is too wide`},
		{"channels", staticModel(), channels, "", `tensor "x": the calibration has 2 ranges of it`},
		{"quantized already", quantized, ranges(good), "", `the model is quantized already: node "QuantizeLinear q" is a QuantizeLinear`},
		{"no such node", staticModel(), ranges(good), "head*", `no node matches "head*"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := Options{Granularity: option.PerChannel, Static: &Static{Type: "uint8"}, Calibration: test.file}
			if test.exclude != "" {
				o.Exclude = []string{test.exclude}
			}
			_, path, err := quantizeStatic(t, test.model, o)
			if err == nil || !strings.HasPrefix(err.Error(), test.err) {
				t.Errorf("%v, want %s", err, test.err)
			}
			if files, _ := os.ReadDir(filepath.Dir(path)); len(files) > 0 {
				t.Errorf("%v is left behind", files)
			}
		})
	}
}
