package convert

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
	"github.com/a01592f9/quant/preset"
)

// Types of ONNX that only these tests need.
const (
	tInt4  = 22
	tUint2 = 25
	tInt2  = 26
)

// judged are the values of the tests with presets, [12, 64]: as weights are, ties, one-sided,
// bfloat16, tiny, and with rows of zeros.
func judged() map[string][]float32 {
	r := rand.New(rand.NewPCG(11, 12))
	all := map[string][]float32{}
	for name, of := range map[string]func() float32{
		"normal":    func() float32 { return float32(r.NormFloat64()) },
		"ties":      func() float32 { return float32(r.IntN(509)-254) / 2 },
		"one-sided": func() float32 { return float32(r.ExpFloat64()) },
		"bfloat16":  func() float32 { return math.Float32frombits(math.Float32bits(float32(r.NormFloat64())) &^ 0xffff) },
		"small":     func() float32 { return float32(r.NormFloat64() * 0x1p-100) },
		"negative":  func() float32 { return -1 - r.Float32() },
	} {
		x := make([]float32, 12*64)
		for i := range x {
			x[i] = of()
		}
		if name == "ties" {
			x[70], x[5] = 127, -127
		}
		clear(x[3*64 : 4*64])
		all[name] = x
	}
	return all
}

// modelOf writes a model and returns a job that runs it.
func modelOf(t *testing.T, opset int64, g onnxtest.Graph, inputs map[string]value) ortJob {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.onnx")
	if err := os.WriteFile(path, onnxtest.Model(opset, g), 0o600); err != nil {
		t.Fatal(err)
	}
	return ortJob{Model: path, Level: "disabled", Steps: []map[string]value{inputs}}
}

// codesOf returns zero points as bytes of codes of a type.
func codesOf(zero []int32, bits int) []byte {
	codes := make([]uint16, len(zero))
	for i, z := range zero {
		codes[i] = uint16(z) & (1<<bits - 1)
	}
	b := make([]byte, quant.PackedLen(len(zero), bits))
	quant.Pack(b, codes, bits)
	return b
}

// linearJob quantizes x by QuantizeLinear. The codes become floats by DequantizeLinear with the
// scale 1.
func linearJob(t *testing.T, opset int64, typ int64, bits int, x []float32, shape []int, scale []float32, zero []int32, attributes ...onnxtest.Message) ortJob {
	dims := []int{}
	if len(scale) > 1 {
		dims = []int{len(scale)}
	}
	return scaledJob(t, opset, typ, bits, x, shape, scale, zero, dims, attributes...)
}

// scaledJob is linearJob with a shape of the scales.
func scaledJob(t *testing.T, opset int64, typ int64, bits int, x []float32, shape []int, scale []float32, zero []int32, dims []int, attributes ...onnxtest.Message) ortJob {
	return modelOf(t, opset, onnxtest.Graph{
		Inputs:  []onnxtest.Message{onnxtest.Value("x", tFloat, shape...)},
		Outputs: []onnxtest.Message{onnxtest.Value("y", tFloat, shape...)},
		Tensors: []onnxtest.Message{
			onnxtest.Floats("s", scale, dims...), raw8("z", typ, codesOf(zero, bits), dims...),
			onnxtest.Floats("one", []float32{1}), raw8("none", typ, []byte{0}),
		},
		Nodes: []onnxtest.Message{
			onnxtest.Node("QuantizeLinear", []string{"x", "s", "z"}, []string{"q"}, attributes...),
			onnxtest.Node("DequantizeLinear", []string{"q", "one", "none"}, []string{"y"}),
		},
	}, map[string]value{"x": floatValue(x, shape...)})
}

// TestONNXRuntimePresets has ONNX Runtime quantize with the parameters of its presets. Those of
// DynamicQuantizeLinear are its own.
func TestONNXRuntimePresets(t *testing.T) {
	shape := []int{12, 64}
	types := map[string]int64{"onnxruntime-int8": tInt8, "onnxruntime-uint8": tUint8, "onnxruntime-uint8-symmetric": tUint8, "onnxruntime-int4": tInt4}
	type trial struct {
		p     preset.Preset
		kind  string
		x     quant.Tensor
		have  preset.Params
		codes []int16
	}
	var trials []trial
	var jobs []ortJob
	for name, typ := range types {
		p, _ := preset.ByName(name)
		for _, g := range []quant.Granularity{quant.PerTensor, quant.PerChannel(0)} {
			p, err := p.With(g)
			if err != nil {
				t.Fatal(err)
			}
			for kind, data := range judged() {
				x := quant.Tensor{Data: data, Shape: shape}
				params, err := p.Calibrate(x)
				if err != nil {
					t.Fatal(err)
				}
				codes, err := p.Quantize(x, params)
				if err != nil {
					t.Fatal(err)
				}
				trials = append(trials, trial{p, kind, x, params, codes})
				jobs = append(jobs, linearJob(t, 21, typ, p.Scheme.Bits, data, shape, params.Scale, params.ZeroPoint, onnxtest.AttrInt("axis", 0)))
			}
		}
	}
	for i, steps := range onnxruntime(t, jobs...) {
		for k, y := range steps[0]["y"].floats() {
			if c := trials[i]; float32(c.codes[k]) != y {
				t.Fatalf("%s, %v, %s: %v has the code %d, by ONNX Runtime %v", c.p.Name, c.p.Scheme.Granularity, c.kind, c.x.Data[k], c.codes[k], y)
			}
		}
	}
	t.Logf("%d codes compared of QuantizeLinear", len(jobs)*12*64)

	t.Run("DynamicQuantizeLinear", testDynamic)
}

// testDynamic compares the parameters and codes of DynamicQuantizeLinear.
func testDynamic(t *testing.T) {
	p, _ := preset.ByName("onnxruntime-dynamic")
	shape := []int{12, 64}
	var jobs []ortJob
	var inputs []quant.Tensor
	for _, data := range judged() {
		inputs = append(inputs, quant.Tensor{Data: data, Shape: shape})
		jobs = append(jobs, dynamicJob(t, data, shape...))
	}
	for i, steps := range onnxruntime(t, jobs...) {
		x, out := inputs[i], steps[0]
		params, err := p.Calibrate(x)
		if err != nil {
			t.Fatal(err)
		}
		codes, err := p.Quantize(x, params)
		if err != nil {
			t.Fatal(err)
		}
		if scale, zero := out["s"].floats()[0], out["z"].Data[0]; scale != params.Scale[0] || int32(zero) != params.ZeroPoint[0] {
			t.Errorf("scale %v and zero point %d, by ONNX Runtime %v and %d", params.Scale[0], params.ZeroPoint[0], scale, zero)
		}
		for k, q := range out["q"].Data {
			if int16(q) != codes[k] {
				t.Fatalf("%v has the code %d, by ONNX Runtime %d", x.Data[k], codes[k], q)
			}
		}
	}
	t.Logf("%d codes compared", len(jobs)*12*64)
}

// dynamicJob runs DynamicQuantizeLinear.
func dynamicJob(t *testing.T, x []float32, shape ...int) ortJob {
	return modelOf(t, 21, onnxtest.Graph{
		Inputs:  []onnxtest.Message{onnxtest.Value("x", tFloat, shape...)},
		Outputs: []onnxtest.Message{onnxtest.Value("q", tUint8, shape...), onnxtest.Value("s", tFloat), onnxtest.Value("z", tUint8)},
		Nodes:   []onnxtest.Message{onnxtest.Node("DynamicQuantizeLinear", []string{"x"}, []string{"q", "s", "z"})},
	}, map[string]value{"x": floatValue(x, shape...)})
}

// TestONNXRuntimeMatMulNBits multiplies the codes and scales of presets with the unit matrix. The
// operator returns what the presets say that codes stand for. It has no operator that makes the
// codes.
func TestONNXRuntimeMatMulNBits(t *testing.T) {
	const rows, row, block = 12, 64, 32
	unit := make([]float32, row*row)
	for i := range row {
		unit[i*row+i] = 1
	}
	type trial struct {
		name, kind string
		data, want []float32
	}
	var trials []trial
	var jobs []ortJob
	for _, name := range []string{"matmulnbits-4bit", "matmulnbits-4bit-asymmetric", "matmulnbits-8bit"} {
		p, _ := preset.ByName(name)
		bits := p.Scheme.Bits
		for kind, data := range judged() {
			x := quant.Tensor{Data: data, Shape: []int{rows, row}}
			params, err := p.Calibrate(x)
			if err != nil {
				t.Fatal(err)
			}
			codes, err := p.Quantize(x, params)
			if err != nil {
				t.Fatal(err)
			}
			want, err := p.Dequantize(codes, x.Shape, params)
			if err != nil {
				t.Fatal(err)
			}
			wide := make([]int32, len(codes))
			for i, q := range codes {
				wide[i] = int32(q)
			}
			g := onnxtest.Graph{
				Inputs:  []onnxtest.Message{onnxtest.Value("x", tFloat, row, row)},
				Outputs: []onnxtest.Message{onnxtest.Value("y", tFloat, row, rows)},
				Tensors: []onnxtest.Message{
					raw8("b", tUint8, codesOf(wide, bits), rows, row/block, block*bits/8),
					onnxtest.Floats("s", params.Scale, rows*row/block),
				},
			}
			inputs := []string{"x", "b", "s"}
			if p.Scheme.Mapping == quant.Asymmetric {
				g.Tensors = append(g.Tensors, raw8("z", tUint8, codesOf(params.ZeroPoint, bits), rows*row/block*bits/8))
				inputs = append(inputs, "z")
			}
			g.Nodes = []onnxtest.Message{domain(onnxtest.Node("MatMulNBits", inputs, []string{"y"}, onnxtest.AttrInt("K", row), onnxtest.AttrInt("N", rows),
				onnxtest.AttrInt("bits", int64(bits)), onnxtest.AttrInt("block_size", block)), ms)}
			trials = append(trials, trial{name, kind, data, want})
			jobs = append(jobs, modelOf(t, 21, g, map[string]value{"x": floatValue(unit, row, row)}))
		}
	}
	for k, steps := range onnxruntime(t, jobs...) {
		c, y := trials[k], steps[0]["y"].floats()
		for i, v := range c.want {
			if got := y[i%row*rows+i/row]; got != v {
				t.Errorf("%s, %s: the code of %v stands for %v, by ONNX Runtime %v", c.name, c.kind, c.data[i], v, got)
				break
			}
		}
	}
	t.Logf("%d values compared", len(jobs)*rows*row)
}

// TestONNXRuntimeDynamicRange shows that DynamicQuantizeLinear has the scale of the library's
// scheme for ranges above 3.0e-36, and another below.
func TestONNXRuntimeDynamicRange(t *testing.T) {
	const least = 255 * 0x1p-126
	if least < 2.95e-36 || least > 3.05e-36 {
		t.Errorf("the limit is %v", least)
	}
	largest := []float32{3, least, least * 0.999, 1e-37}
	var jobs []ortJob
	for _, v := range largest {
		jobs = append(jobs, dynamicJob(t, []float32{0, v, v / 3, 0}, 4))
	}
	for i, steps := range onnxruntime(t, jobs...) {
		v := largest[i]
		want, err := quant.Calibrate(quant.Tensor{Data: []float32{0, v, v / 3, 0}}, quant.Scheme{Bits: 8, Unsigned: true, ZeroInRange: true})
		if err != nil {
			t.Fatal(err)
		}
		if scale := steps[0]["s"].floats()[0]; (scale == want.Scale[0]) != (v >= least) {
			t.Errorf("range %v: scale %v, and %v by ONNX Runtime", v, want.Scale[0], scale)
		}
	}
}

// TestONNXRuntimeClaims has known faults of QuantizeLinear: below 8 bits some of
// it converts quotients to int32 before it limits them, and 2-bit codes with channels on
// the last axis take the parameters of a neighbour. Where nothing differs any more, the documents
// are to be changed.
func TestONNXRuntimeClaims(t *testing.T) {
	shape := []int{2, 32}
	ones := func(n int) []float32 {
		s := make([]float32, n)
		for i := range s {
			s[i] = 1
		}
		return s
	}
	far, near := make([]float32, 2*32), ones(2*32)
	for i := range far {
		far[i] = []float32{3e9, -3e9, float32(math.NaN()), 1e20}[i%4]
	}
	neighbours := ones(32)
	for i := range neighbours {
		neighbours[i] = float32(int(1) << (i % 4))
	}
	claims := []struct {
		name       string
		typ, opset int64
		s          quant.Scheme
		x, scale   []float32
		right      bool
	}{
		{"8 bits per tensor", tInt8, 21, quant.Scheme{Bits: 8}, far, ones(1), true},
		{"8 bits per channel", tInt8, 21, quant.Scheme{Bits: 8, Granularity: quant.PerChannel(0)}, far, ones(2), true},
		{"4 bits per tensor", tInt4, 21, quant.Scheme{Bits: 4}, far, ones(1), true},
		{"4 bits, channels on the last axis", tInt4, 21, quant.Scheme{Bits: 4, Granularity: quant.PerChannel(1)}, far, ones(32), false},
		{"2 bits per tensor", tInt2, 25, quant.Scheme{Bits: 2}, far, ones(1), false},
		{"2 bits per tensor, small quotients", tInt2, 25, quant.Scheme{Bits: 2}, near, ones(1), true},
		{"2 bits, channels on the last axis", tInt2, 25, quant.Scheme{Bits: 2, Granularity: quant.PerChannel(1)}, near, neighbours, false},
		{"8 bits in blocks of the last axis", tInt8, 21, quant.Scheme{Bits: 8, Granularity: quant.PerGroup(1, 16)}, far, ones(4), true},
		{"4 bits in blocks of the last axis", tInt4, 21, quant.Scheme{Bits: 4, Granularity: quant.PerGroup(1, 16)}, far, ones(4), true},
		{"8 bits in blocks of the first axis", tInt8, 21, quant.Scheme{Bits: 8, Granularity: quant.PerGroup(0, 2)}, far, ones(32), false},
		{"4 bits in blocks of the first axis", tInt4, 21, quant.Scheme{Bits: 4, Granularity: quant.PerGroup(0, 2)}, far, ones(32), false},
		{"2 bits in blocks of the last axis", tInt2, 25, quant.Scheme{Bits: 2, Granularity: quant.PerGroup(1, 16)}, far, ones(4), false},
		{"2 bits, channels on the first axis", tInt2, 25, quant.Scheme{Bits: 2, Granularity: quant.PerChannel(0)}, near, neighbours[:2], true},
	}
	var jobs []ortJob
	for _, c := range claims {
		axis, _ := c.s.Granularity.Axis()
		if size, grouped := c.s.Granularity.GroupSize(); grouped {
			jobs = append(jobs, scaledJob(t, c.opset, c.typ, c.s.Bits, c.x, shape, c.scale, make([]int32, len(c.scale)), [][]int{{1, 32}, {2, 32 / size}}[axis],
				onnxtest.AttrInt("axis", int64(axis)), onnxtest.AttrInt("block_size", int64(size))))
			continue
		}
		jobs = append(jobs, linearJob(t, c.opset, c.typ, c.s.Bits, c.x, shape, c.scale, make([]int32, len(c.scale)), onnxtest.AttrInt("axis", int64(axis))))
	}
	for i, steps := range onnxruntime(t, jobs...) {
		c := claims[i]
		q, err := quant.Quantize(quant.Tensor{Data: c.x, Shape: shape}, quant.Params{Scheme: c.s, Scale: c.scale, ZeroPoint: make([]int32, len(c.scale))})
		if err != nil {
			t.Fatal(err)
		}
		wrong := 0
		for k, v := range steps[0]["y"].floats() {
			if float32(q.At(k)) != v {
				wrong++
			}
		}
		if (wrong == 0) != c.right {
			t.Errorf("%s: %d codes of %d are not those of the specification", c.name, wrong, len(c.x))
		}
	}
}
