package system

import (
	"strings"
	"testing"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/preset"
)

// TestSystems has the schemes of every system, as --schemes reads them.
func TestSystems(t *testing.T) {
	want := map[string]string{
		"onnxruntime": "int8:sym:channel:narrow int8:sym:g128:narrow int8:sym:g32:narrow int4:sym:channel:divisor=half int4:sym:g128:divisor=half int4:sym:g32:divisor=half",
		"tensorrt":    "int8:sym:channel:narrow int4:sym:g128:narrow int4:sym:g64:narrow",
		"vllm":        "int8:sym:channel:divisor=half int8:sym:g128:divisor=half int8:sym:g32:divisor=half int4:sym:channel:divisor=half int4:sym:g128:divisor=half int4:sym:g32:divisor=half",
		"llama.cpp":   "q8_0 q4_0 q5_0",
		"tflite":      "int8:sym:channel:narrow",
		"xnnpack":     "int8:sym:channel:narrow int4:sym:channel:divisor=half int4:sym:g128:scale=bfloat16:divisor=half int4:sym:g64:scale=bfloat16:divisor=half int4:sym:g32:scale=bfloat16:divisor=half",
		"pytorch":     "int8:sym:channel:divisor=half",
		"torchao":     "int8:sym:channel:divisor=half int8:sym:g128:divisor=half int8:sym:g32:divisor=half int4:sym:channel:divisor=half int4:sym:g128:divisor=half int4:sym:g64:divisor=half int4:sym:g32:divisor=half",
		"mlx":         "uint4:g128 uint4:g64 uint4:g32 uint8:g128 uint8:g64 uint8:g32",
	}
	for _, s := range systems {
		if got := strings.Join(s.Schemes(quant.MinMax), " "); got != want[s.Name] {
			t.Errorf("%s has %s, want %s", s.Name, got, want[s.Name])
		}
		for _, w := range s.Weights {
			if w.Block != "" {
				continue
			}
			x, channel, err := option.ParseScheme(w.Text(quant.LeastSquares))
			p, _ := preset.ByName(w.Preset)
			g := p.Scheme.Granularity
			p.Scheme.Granularity, p.Scheme.Method, p.Scheme.Scales = x.Granularity, quant.LeastSquares, w.GroupScales
			if size, grouped := g.GroupSize(); grouped && size != w.Group && s.Name != "onnxruntime" {
				t.Errorf("%s has groups of %d, the preset %d", s.Name, w.Group, size)
			}
			if err != nil || channel != (w.Group == 0) || x != p.Scheme {
				t.Errorf("%s: %s is %v, the preset %v (%v)", s.Name, w.Text(quant.LeastSquares), x, p.Scheme, err)
			}
		}
		if len(want) != len(systems) {
			t.Errorf("%d systems, and %d here", len(systems), len(want))
		}
	}
}

// TestWith has granularities that systems have, and others.
func TestWith(t *testing.T) {
	for _, test := range []struct {
		system, granularity string
		bits, group         int
		want, err           string
	}{
		{"onnxruntime", option.PerTensor, 8, 0, "int8:sym:narrow", ""},
		{"onnxruntime", option.PerChannel, 4, 0, "int4:sym:channel:divisor=half", ""},
		{"onnxruntime", option.PerGroup, 8, 0, "int8:sym:g32:narrow", ""},
		{"onnxruntime", option.PerGroup, 4, 64, "int4:sym:g64:divisor=half", ""},
		{"xnnpack", option.PerChannel, 4, 0, "int4:sym:channel:divisor=half", ""},
		{"xnnpack", option.PerGroup, 4, 64, "int4:sym:g64:scale=bfloat16:divisor=half", ""},
		{"xnnpack", option.PerGroup, 8, 0, "", "groups of 32: XNNPACK has a scale for each channel of 8-bit weights, and no groups"},
		{"vllm", option.PerGroup, 4, 0, "int4:sym:g128:divisor=half", ""},
		{"vllm", option.PerChannel, 4, 0, "int4:sym:channel:divisor=half", ""},
		{"tensorrt", option.PerGroup, 8, 32, "", "TensorRT has a scale for each channel of 8-bit weights, and no groups"},
		{"mlx", option.PerGroup, 4, 16, "", "MLX has groups of 128, 64 or 32"},
		{"mlx", option.PerChannel, 4, 0, "", "MLX has groups of 128, 64 or 32"},
		{"llama.cpp", option.PerGroup, 8, 64, "", "llama.cpp has groups of 32"},
	} {
		s, err := Parse(test.system)
		if err != nil {
			t.Fatal(err)
		}
		w, err := s.Of(test.bits)
		if err != nil {
			t.Fatal(err)
		}
		switch w, err = w.With(s, test.granularity, test.group); {
		case test.err == "" && (err != nil || w.Text(quant.MinMax) != test.want):
			t.Errorf("%v: %s, %v", test, w.Text(quant.MinMax), err)
		case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)):
			t.Errorf("%v: error %v", test, err)
		}
	}
	s, _ := Parse("onnxruntime")
	if _, err := s.Of(5); err == nil || err.Error() != "5 bits: the weights of ONNX Runtime have 8 or 4" {
		t.Errorf("5 bits: %v", err)
	}
	if _, err := Parse("none"); err == nil || !strings.Contains(err.Error(), "onnxruntime, tensorrt, vllm") {
		t.Errorf("no system: %v", err)
	}
}

// TestActivations has the schemes of activations.
func TestActivations(t *testing.T) {
	for name, want := range map[string]string{
		"onnxruntime": "uint8:zero", "tensorrt": "int8:symmetric:narrow", "tflite": "int8:zero", "xnnpack": "", "pytorch": "uint8:zero", "vllm": "", "llama.cpp": "", "mlx": "", "torchao": "",
	} {
		s, err := Parse(name)
		if err != nil {
			t.Fatal(err)
		}
		x, err := s.Activation()
		text, _ := x.MarshalText()
		if string(text) != want || (err != nil) != (want == "") {
			t.Errorf("%s: %s, %v", name, text, err)
		}
	}
}

// TestConform has schemes that get the divisor and the narrow range of a system, and others.
func TestConform(t *testing.T) {
	s, _ := Parse("onnxruntime")
	for from, want := range map[string]string{
		"int8:sym": "int8:symmetric:narrow", "int4:sym:g32": "int4:symmetric:group32@-1:divisor=half", "int4": "int4", "uint8:sym": "uint8:symmetric", "int16:sym": "int16:symmetric",
	} {
		x, err := quant.ParseScheme(from)
		if err != nil {
			t.Fatal(err)
		}
		if text, _ := s.Conform(x).MarshalText(); string(text) != want {
			t.Errorf("%s becomes %s, want %s", from, text, want)
		}
	}
}

// TestCosts has schemes that waste bits or accuracy, and others.
func TestCosts(t *testing.T) {
	for _, test := range []struct{ scheme, kind, want string }{
		{"int4:sym:g32", "onnx", ""},
		{"int8:sym:c0", "onnx", ""},
		{"int16:sym:c0", "onnx", ""},
		{"int8:sym:c0", "", ""},
		{"int3:sym:g32", "onnx", "stored in 4: --bits 4"},
		{"int5:sym:c0", "onnx", "stored in 8: --bits 8"},
		{"int9:sym:c0", "onnx", "stored in 16: --bits 16"},
		{"int5:sym:c0", "", ""},
		{"int4:sym:c0", "safetensors", "A whole channel has one scale of 4-bit codes"},
		{"uint8", "", "A whole tensor has one scale"},
		{"uint8:sym:c0", "onnx", "have zero points in the file"},
		{"uint8:c0", "onnx", ""},
		{"int4:sym:g32:narrow", "onnx", "one of 16 codes unused"},
		{"int4:sym:g32:scale=float16", "safetensors", "rounded to float16 and stored as float32"},
		{"int4:sym:g32:scale=float16", "", ""},
		{"nvfp4", "safetensors", ""},
	} {
		s, err := quant.ParseScheme(test.scheme)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(Costs(s, test.kind), " ")
		if !strings.Contains(got, test.want) || (test.want == "") != (got == "") {
			t.Errorf("%s in %q: %q, want %q", test.scheme, test.kind, got, test.want)
		}
	}
}
