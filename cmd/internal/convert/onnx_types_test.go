package convert

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
)

// TestONNXFloatTypes checks the type of the codes, the versions of the operators and of the
// format, and the size of the scales, for floating-point codes in each granularity.
func TestONNXFloatTypes(t *testing.T) {
	in := writeONNX(t, onnxtest.Network(13))
	for _, test := range []struct {
		scheme, dtype, name string
		opset, ir           int64
		scales              int64 // of lstm.W, 1×128×40
	}{
		{"fp8_e4m3", "F8_E4M3", "fp8_e4m3fn", 19, 9, 1},
		{"fp8_e4m3:channel", "F8_E4M3", "fp8_e4m3fn", 19, 9, 128},
		{"fp8_e4m3:g16", "F8_E4M3", "fp8_e4m3fn", 21, 9, 128 * 3},
		{"fp8_e5m2:channel", "F8_E5M2", "fp8_e5m2", 19, 9, 128},
		{"fp8_e4m3fnuz", "F8_E4M3FNUZ", "fp8_e4m3fnuz", 19, 9, 1},
		{"fp8_e5m2fnuz", "F8_E5M2FNUZ", "fp8_e5m2fnuz", 19, 9, 1},
		{"mxfp8", "F8_E4M3", "fp8_e4m3fn", 21, 9, 128 * 2},
		{"fp4", "F4", "fp4_e2m1", 23, 11, 1},
		{"fp4:channel", "F4", "fp4_e2m1", 23, 11, 128},
		{"mxfp4", "F4", "fp4_e2m1", 23, 11, 128 * 2},
		{"nvfp4", "F4", "fp4_e2m1", 23, 11, 128 * 3},
	} {
		t.Run(test.scheme, func(t *testing.T) {
			o := Options{}
			if err := o.SetScheme(test.scheme); err != nil {
				t.Fatal(err)
			}
			out := filepath.Join(t.TempDir(), "q.onnx")
			r := produce(t, out, func(set *atomicfile.Set) (*Result, error) { return ONNX(t.Context(), in, set, o, nil) })
			m, err := onnx.Open(out)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			if m.IR != test.ir || m.Imports[0].Version != test.opset {
				t.Errorf("format %d with operators of version %d, want %d and %d", m.IR, m.Imports[0].Version, test.ir, test.opset)
			}
			found, others := m.Dequantizers()
			if len(found) != len(r.Weights) || len(others) > 0 {
				t.Errorf("%d of %d weights are read, and not %v", len(found), len(r.Weights), others)
			}
			for _, d := range found {
				if d.Codes.DType != test.dtype || d.Scales.DType != "F32" || d.Zeros != nil {
					t.Errorf("%s: codes of %s, scales of %s, zero points %v", d.Name, d.Codes.DType, d.Scales.DType, d.Zeros)
				}
			}
			for _, w := range r.Weights {
				if w.Type != test.name {
					t.Errorf("%s: type %s, want %s", w.Name, w.Type, test.name)
				}
				if want := 128*40*int64(w.Scheme.Format.Width())/8 + 4*test.scales; w.Name == "lstm.W" && w.After != want {
					t.Errorf("%s: %d bytes, want %d", w.Name, w.After, want)
				}
			}
		})
	}
}

// TestONNXFloatErrors has formats that ONNX has no type for, and operators that would mean
// something else in version 23.
func TestONNXFloatErrors(t *testing.T) {
	pooled := onnxtest.Model(13, onnxtest.Graph{
		Nodes: []onnxtest.Message{
			onnxtest.Node("Conv", []string{"x", "w"}, []string{"c"}),
			onnxtest.Node("MaxPool", []string{"c"}, []string{"y"}, onnxtest.AttrInts("kernel_shape", 2, 2), onnxtest.AttrInt("ceil_mode", 1)),
		},
		Tensors: []onnxtest.Message{onnxtest.Floats("w", random(256), 16, 16, 1, 1)},
		Inputs:  []onnxtest.Message{onnxtest.Value("x", onnxtest.Float, 1, 16, 5, 5)},
		Outputs: []onnxtest.Message{onnxtest.Value("y", onnxtest.Float, 1, 16, 2, 2)},
	})
	for _, test := range []struct {
		scheme, err string
	}{
		{"fp8_e4m3", ""},
		{"fp4", `the model's operators are of version 13, DequantizeLinear has to be of version 23, and MaxPool (node "MaxPool y") means something else there`},
		{"nf4:g64", `tensor "w": ONNX has no type for codes of nf4: its floating-point types are fp4_e2m1, fp8_e4m3fn, fp8_e4m3fnuz, fp8_e5m2, fp8_e5m2fnuz`},
		{"fp8_e4m3:16x32", `tensor "w": blocks of 16×32 are for safetensors: DequantizeLinear has blocks along one axis, as with g32`},
		{"mxfp6_e2m3", `tensor "w": ONNX has no type for codes of fp6_e2m3`},
	} {
		t.Run(test.scheme, func(t *testing.T) {
			o := Options{}
			if err := o.SetScheme(test.scheme); err != nil {
				t.Fatal(err)
			}
			set, err := atomicfile.New(filepath.Join(t.TempDir(), "q.onnx"), false)
			if err != nil {
				t.Fatal(err)
			}
			defer set.Abort()
			_, err = ONNX(t.Context(), writeONNX(t, pooled), set, o, nil)
			if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
				t.Errorf("%v, want %q", err, test.err)
			}
		})
	}
}

// TestDequantizeFloatZeros reads floating-point codes with zero points: those of 0 change nothing,
// and others are an error.
func TestDequantizeFloatZeros(t *testing.T) {
	for _, test := range []struct {
		zero byte
		err  string
	}{
		{0, ""},
		{0x38, `tensor "w": zero points of F8_E4M3 are not 0`},
	} {
		in := writeONNX(t, onnxtest.Model(19, onnxtest.Graph{
			Nodes: []onnxtest.Message{
				onnxtest.Node("DequantizeLinear", []string{"c", "s", "z"}, []string{"w"}),
				onnxtest.Node("MatMul", []string{"x", "w"}, []string{"y"}),
			},
			Tensors: []onnxtest.Message{
				raw8("c", 17, []byte{0, 0x38, 0xb8, 0x7e, 0x01, 0x80}, 2, 3), onnxtest.Floats("s", []float32{0.5}), raw8("z", 17, []byte{test.zero}),
			},
			Inputs:  []onnxtest.Message{onnxtest.Value("x", onnxtest.Float, 1, 2)},
			Outputs: []onnxtest.Message{onnxtest.Value("y", onnxtest.Float, 1, 3)},
		}))
		out := filepath.Join(t.TempDir(), "f.onnx")
		set, err := atomicfile.New(out, false)
		if err != nil {
			t.Fatal(err)
		}
		_, err = DequantizeONNX(t.Context(), in, set, Options{}, nil)
		if test.err != "" {
			set.Abort()
			if err == nil || err.Error() != test.err {
				t.Errorf("%v, want %s", err, test.err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := set.Commit(); err != nil {
			t.Fatal(err)
		}
		values, _ := tensors(t, out)
		for i, want := range []float32{0, 0.5, -0.5, 224, 0.5 / 512, 0} {
			if values["w"][i] != want {
				t.Errorf("value %d is %v, want %v", i, values["w"][i], want)
			}
		}
	}
}

// TestONNXRuntimeFloat4 checks that ONNX Runtime accepts the types and shapes of floating-point
// codes of 4 bits, and only has no kernel for them.
func TestONNXRuntimeFloat4(t *testing.T) {
	ortFolder(t)
	in := writeONNX(t, onnxtest.Network(13))
	for _, s := range float4 {
		out := filepath.Join(t.TempDir(), "q.onnx")
		produce(t, out, func(set *atomicfile.Set) (*Result, error) { return ONNX(t.Context(), in, set, s.o, nil) })
		const want = "Could not find an implementation for DequantizeLinear(23)"
		if _, err := tryONNXRuntime(t, ortJob{Model: out, Level: "disabled"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", s.name, err, want)
		}
	}
}
