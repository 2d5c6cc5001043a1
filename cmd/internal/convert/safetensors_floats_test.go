package convert

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// attentionST are weights of layers that loaders join, each of another magnitude.
func attentionST() []stInput {
	x := random(64 * 96)
	f := func(name string, rows, cols int, factor float32) stInput {
		y := make([]float32, rows*cols)
		for i := range y {
			y[i] = x[i] * factor
		}
		return stInput{name, "F32", []int{rows, cols}, stBytes("F32", y)}
	}
	zero := f("l.0.zero.weight", 8, 64, 1)
	clear(zero.data[:4*64]) // a row of zeros
	return []stInput{
		f("l.0.q_proj.weight", 64, 96, 1), f("l.0.k_proj.weight", 32, 96, 7.3), f("l.0.v_proj.weight", 32, 96, 0.01),
		f("l.0.gate_proj.weight", 32, 64, 3), f("l.0.up_proj.weight", 32, 64, 5),
		f("l.0.o_proj.weight", 32, 64, 0.5), zero,
		f("l.0.tiny.weight", 8, 64, 1e-37), f("l.0.huge.weight", 8, 64, 1e37),
	}
}

// e4m3 is the value of a code by the formula of the format.
func e4m3(c byte) float32 {
	e, m := int(c>>3&15), float64(c&7)
	v := math.Ldexp(m, -9)
	if e > 0 {
		v = math.Ldexp(8+m, e-10)
	}
	if c >= 128 {
		v = -v
	}
	return float32(v)
}

// e2m1 is likewise.
func e2m1(c byte) float32 {
	v := []float32{0, .5, 1, 1.5, 2, 3, 4, 6}[c&7]
	if c >= 8 {
		return -v
	}
	return v
}

// readFloatST returns the values and the scales of a weight by the rules of
// compressed-tensors, with nothing of the code that wrote it.
func readFloatST(t *testing.T, got readST, name, format string, shape []int) (values, scales []float32) {
	t.Helper()
	n, cols := int(elements(shape)), shape[1]
	scale := got.tensors[name+"_scale"]
	group := cols
	switch format {
	case "float-quantized":
		scales = floatsOf(scale)
		if len(scales) == 1 {
			group = n
		}
	case "nvfp4-pack-quantized":
		group = 16
		global := got.floats(t, name+"_global_scale", 1)
		for _, c := range scale.data {
			scales = append(scales, e4m3(c)/global[0])
		}
	default:
		group = 32
		for _, c := range scale.data {
			scales = append(scales, float32(math.Ldexp(1, int(c)-127)))
		}
	}
	types := map[string]string{"float-quantized": "F32", "nvfp4-pack-quantized": "F8_E4M3", "mxfp4-pack-quantized": "U8", "mxfp8-quantized": "U8"}
	if scale.dtype != types[format] || len(scales)*group != n {
		t.Fatalf("%s: %d scales of type %s", name, len(scales), scale.dtype)
	}
	codes, packed := got.tensors[name], got.tensors[name+"_packed"]
	for i := range n {
		c := float32(0)
		switch {
		case codes.dtype == "F8_E4M3" && slices.Equal(codes.shape, shape):
			c = e4m3(codes.data[i])
		case packed.dtype == "U8" && slices.Equal(packed.shape, []int{shape[0], cols / 2}):
			c = e2m1(packed.data[i/2] >> (4 * (i % 2)) & 15)
		default:
			t.Fatalf("%s: codes %s %v, packed %s %v", name, codes.dtype, codes.shape, packed.dtype, packed.shape)
		}
		values = append(values, c*scales[i/group])
	}
	return values, scales
}

// floatConfig is what the tests read of a configuration.
type floatConfig struct {
	Q struct {
		Format string `json:"format"`
		Groups map[string]struct {
			Targets []string       `json:"targets"`
			Format  string         `json:"format"`
			Weights map[string]any `json:"weights"`
			Inputs  map[string]any `json:"input_activations"`
		} `json:"config_groups"`
	} `json:"quantization_config"`
}

func readFloatConfig(t *testing.T, dir string) (c floatConfig) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestSafetensorsFloats reads floating-point codes by the rules of compressed-tensors and
// compares them with the nearest values, with the listed errors, and with the tool's reader.
func TestSafetensorsFloats(t *testing.T) {
	for _, c := range []struct{ scheme, format, strategy string }{
		{"fp8_e4m3", "float-quantized", "tensor"},
		{"fp8_e4m3:channel", "float-quantized", "channel"},
		{"fp8_e4m3:channel:mse", "float-quantized", "channel"},
		{"mxfp8", "mxfp8-quantized", "group"},
		{"mxfp4", "mxfp4-pack-quantized", "group"},
		{"fp4:g32:scale=e8m0_rceil:mse", "mxfp4-pack-quantized", "group"},
		{"nvfp4", "nvfp4-pack-quantized", "tensor_group"},
		{"nvfp4:mse", "nvfp4-pack-quantized", "tensor_group"},
	} {
		t.Run(c.scheme, func(t *testing.T) {
			dir := t.TempDir()
			inputs := attentionST()[3:5]
			if !strings.HasSuffix(c.scheme, ":mse") { // which takes longer
				inputs = append(attentionST(), weightsST()...)
			}
			writeST(t, filepath.Join(dir, "in", "model.safetensors"), inputs...)
			o := Options{Measure: true}
			if err := o.SetScheme(c.scheme); err != nil {
				t.Fatal(err)
			}
			out, back := filepath.Join(dir, "out"), filepath.Join(dir, "back")
			r, err := convertST(t, Quantize, filepath.Join(dir, "in"), out, o)
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Weights) < min(9, len(inputs)) {
				t.Fatalf("%d weights", len(r.Weights))
			}
			group := readFloatConfig(t, out).Q.Groups["group_0"]
			if f := readFloatConfig(t, out).Q.Format; f != c.format || group.Weights["strategy"] != c.strategy || group.Weights["type"] != "float" {
				t.Errorf("format %s, weights %v", f, group.Weights)
			}
			if (group.Inputs != nil) != (c.format == "float-quantized") {
				t.Errorf("inputs %v", group.Inputs)
			}
			if _, err := convertST(t, Dequantize, out, back, Options{}); err != nil {
				t.Fatal(err)
			}
			checkFloatsST(t, r, inputs, parseST(t, filepath.Join(out, "model.safetensors")), parseST(t, filepath.Join(back, "model.safetensors")), c.format)
		})
	}
}

// checkFloatsST checks each weight.
func checkFloatsST(t *testing.T, r *Result, inputs []stInput, got, back readST, format string) {
	t.Helper()
	levels := func(scale float32) (all []float32) {
		for c := range 256 {
			switch {
			case strings.Contains(format, "fp4"):
				all = append(all, e2m1(byte(c&15))*scale)
			case c&127 != 127:
				all = append(all, e4m3(byte(c))*scale)
			}
		}
		return all
	}
	for _, w := range r.Weights {
		x := inputs[slices.IndexFunc(inputs, func(x stInput) bool { return x.name == w.Name })]
		original := floatsOf(x)
		values, scales := readFloatST(t, got, w.Name, format, x.shape)
		if !slices.Equal(values, floatsOf(back.tensors[w.Name])) {
			t.Errorf("%s comes back as other values", w.Name)
		}
		d, err := quant.Difference(quant.Tensor{Data: original, Shape: x.shape}, quant.Tensor{Data: values, Shape: x.shape}, quant.PerTensor, quant.PerTensor)
		if err != nil || d.MaxError != w.Metrics.MaxError {
			t.Errorf("%s: largest error %v, listed %v (%v)", w.Name, d.MaxError, w.Metrics.MaxError, err)
		}
		for i := 0; i < len(values); i += 61 {
			near := math.Inf(1)
			for _, level := range levels(scales[i/(len(values)/len(scales))]) {
				near = min(near, math.Abs(float64(level)-float64(original[i])))
			}
			// x / scale is rounded, so that of two values the other may be nearer by a little.
			if e := math.Abs(float64(values[i]) - float64(original[i])); e > near+1e-6*math.Abs(float64(original[i])) {
				t.Fatalf("%s: %v became %v, and there is a value %v away", w.Name, original[i], values[i], near)
			}
		}
	}
}

// TestSafetensorsFused: layers that loaders join have one scale of the tensor, the
// reciprocal of the largest one.
func TestSafetensorsFused(t *testing.T) {
	dir := t.TempDir()
	inputs := attentionST()
	writeST(t, filepath.Join(dir, "in", "model.safetensors"), inputs...)
	var o Options
	if err := o.SetScheme("nvfp4"); err != nil {
		t.Fatal(err)
	}
	if _, err := convertST(t, Quantize, filepath.Join(dir, "in"), filepath.Join(dir, "out"), o); err != nil {
		t.Fatal(err)
	}
	got := parseST(t, filepath.Join(dir, "out", "model.safetensors"))
	largest := func(names ...string) (m float32) {
		for _, x := range inputs {
			if slices.Contains(names, x.name) {
				for _, v := range floatsOf(x) {
					m = max(m, max(v, -v))
				}
			}
		}
		return m
	}
	for _, names := range [][]string{
		{"l.0.q_proj.weight", "l.0.k_proj.weight", "l.0.v_proj.weight"},
		{"l.0.gate_proj.weight", "l.0.up_proj.weight"},
		{"l.0.o_proj.weight"},
		{"l.0.huge.weight"},
	} {
		for _, name := range names {
			if g := got.floats(t, name+"_global_scale", 1)[0]; g != 2688/largest(names...) {
				t.Errorf("%s has the scale %v, want %v", name, g, 2688/largest(names...))
			}
		}
	}
}

// TestSafetensorsMixed: a plan may have several layouts.
func TestSafetensorsMixed(t *testing.T) {
	dir := t.TempDir()
	writeST(t, filepath.Join(dir, "in", "model.safetensors"), attentionST()...)
	plan := make(Plan)
	for name, text := range map[string]string{
		"l.0.q_proj.weight": "fp4_e2m1:group16@-1:scale=e4m3", "l.0.o_proj.weight": "fp8_e4m3:channel@0", "l.0.k_proj.weight": "fp4_e2m1:group32@-1:scale=e8m0_floor",
		"l.0.up_proj.weight": "int4:symmetric:group32@1", "l.0.v_proj.weight": "keep",
	} {
		c, err := ParseChoice(text)
		if err != nil {
			t.Fatal(err)
		}
		plan[name] = c
	}
	out, back := filepath.Join(dir, "out"), filepath.Join(dir, "back")
	r, err := convertST(t, Quantize, filepath.Join(dir, "in"), out, Options{Plan: plan, Bits: 8, Granularity: option.PerChannel, Measure: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Weights) != 4 {
		t.Errorf("%d weights", len(r.Weights))
	}
	formats := make(map[string]string)
	c := readFloatConfig(t, out)
	for _, g := range c.Q.Groups {
		for _, target := range g.Targets {
			formats[target] = g.Format
		}
	}
	for module, want := range map[string]string{
		"l.0.q_proj": "nvfp4-pack-quantized", "l.0.o_proj": "float-quantized", "l.0.k_proj": "mxfp4-pack-quantized", "l.0.up_proj": "pack-quantized",
	} {
		if formats[module] != want {
			t.Errorf("%s is %s, want %s", module, formats[module], want)
		}
	}
	if c.Q.Format != "mixed-precision" {
		t.Errorf("format %s", c.Q.Format)
	}
	if _, err := convertST(t, Dequantize, out, back, Options{}); err != nil {
		t.Fatal(err)
	}
	checkReadST(t, out, back)
}

// TestSafetensorsBlocks reads 8-bit floats with a scale for each block, by the formulas of the
// format, from a scheme and from a plan.
func TestSafetensorsBlocks(t *testing.T) {
	inputs := attentionST()
	x := inputs[slices.IndexFunc(inputs, func(x stInput) bool { return x.name == "l.0.q_proj.weight" })]
	plan := Plan{x.name: Choice{Scheme: quant.Scheme{Format: quant.E4M3FN, Bits: 8, Mapping: quant.Symmetric, Granularity: quant.PerBlock(-2, 10, -1, 36)}}}
	var scheme Options
	if err := scheme.SetScheme("fp8_e4m3:10x36"); err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]Options{"scheme": scheme, "plan": {Plan: plan, Bits: 8, Granularity: option.PerChannel}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			in, out, back := filepath.Join(dir, "in"), filepath.Join(dir, "out"), filepath.Join(dir, "back")
			writeST(t, filepath.Join(in, "model.safetensors"), inputs...)
			o.Measure = true
			if _, err := convertST(t, Quantize, in, out, o); err != nil {
				t.Fatal(err)
			}
			group := readFloatConfig(t, out).Q.Groups["group_0"]
			if group.Weights["strategy"] != "block" || fmt.Sprint(group.Weights["block_structure"]) != "[10 36]" {
				t.Errorf("weights %v", group.Weights)
			}
			if group.Inputs["strategy"] != "group" || group.Inputs["group_size"] != 36.0 || group.Inputs["dynamic"] != true {
				t.Errorf("inputs %v", group.Inputs)
			}
			got := parseST(t, filepath.Join(out, "model.safetensors"))
			scale, codes, original := got.tensors[x.name+"_scale"], got.tensors[x.name], floatsOf(x)
			if scale.dtype != "F32" || !slices.Equal(scale.shape, []int{7, 3}) || codes.dtype != "F8_E4M3" {
				t.Fatalf("scales %s %v, codes %s", scale.dtype, scale.shape, codes.dtype)
			}
			scales, largest := floatsOf(scale), make([]float32, 21)
			values := make([]float32, len(original))
			for i, v := range original {
				block := i/96/10*3 + i%96/36
				largest[block] = max(largest[block], v, -v)
				values[i] = e4m3(codes.data[i]) * scales[block]
				if e := math.Abs(float64(values[i]) - float64(v)); e > math.Abs(float64(v))/16+float64(scales[block])/1024 {
					t.Fatalf("element %d: %v became %v", i, v, values[i])
				}
			}
			for i, want := range largest {
				if scales[i] != want/448 {
					t.Errorf("block %d has the scale %v, want %v/448", i, scales[i], want)
				}
			}
			if _, err := convertST(t, Dequantize, out, back, Options{}); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(values, floatsOf(parseST(t, filepath.Join(back, "model.safetensors")).tensors[x.name])) {
				t.Error("it comes back as other values")
			}
			checkReadST(t, out, back)
		})
	}
}

// checkReadST checks that the tool's reader of weights and what was turned back agree.
func checkReadST(t *testing.T, out, back string) {
	t.Helper()
	f, err := tensorfile.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	floats := parseST(t, filepath.Join(back, "model.safetensors"))
	for i, info := range f.Tensors() {
		if !strings.HasSuffix(info.Name, "weight") {
			continue
		}
		x, err := f.Load(i)
		if err != nil || !slices.Equal(x, floatsOf(floats.tensors[info.Name])) {
			t.Errorf("%s differs: %v", info.Name, err)
		}
	}
}

// TestSafetensorsFloatErrors: schemes without a layout.
func TestSafetensorsFloatErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in", "model.safetensors")
	writeST(t, path, attentionST()...)
	for scheme, want := range map[string]string{
		"fp8_e5m2:channel":    "compressed-tensors has no layout for it",
		"fp8_e4m3:g32":        "compressed-tensors has no layout for it",
		"fp4:g32":             "compressed-tensors has no layout for it",
		"nf4:g64":             "compressed-tensors has no layout for it",
		"int8:sym:scale=e4m3": "scales of e4m3 are for floating-point codes",
		"fp8_e4m3:channel@1":  "axis 1: compressed-tensors has output channels on axis 0",
		"int4:g32@0":          "write g32",
		"int8:sym:8x8":        "blocks of 8×8: they are written of fp8_e4m3",
		"fp8_e5m2:8x8":        "blocks of 8×8: they are written of fp8_e4m3",
		"fp8:block8x8@1x0":    "blocks are of the last two axes: write 8x8",
		"int8:ema=0.1":        "is of batches",
	} {
		var o Options
		err := o.SetScheme(scheme)
		if err == nil {
			_, err = convertST(t, Quantize, path, filepath.Join(t.TempDir(), "out"), o)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", scheme, err, want)
		}
	}
	var o Options
	if err := o.SetScheme("nvfp4"); err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(t.TempDir(), "bad.safetensors")
	writeST(t, bad, stInput{"x.weight", "F32", []int{8, 16}, slices.Repeat(binary.LittleEndian.AppendUint32(nil, 0x7fc00000), 128)})
	if _, err := convertST(t, Quantize, bad, filepath.Join(t.TempDir(), "out"), o); err == nil || !strings.Contains(err.Error(), `"x.weight"`) {
		t.Errorf("error of NaN: %v", err)
	}
}
