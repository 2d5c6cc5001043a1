package convert

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/internal/summary"
)

// writeONNX writes a model to a folder of its own.
func writeONNX(t *testing.T, model []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.onnx")
	if err := os.WriteFile(path, model, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// tensors returns the floating-point tensors of a model, by name.
func tensors(t *testing.T, path string) (values map[string][]float32, shapes map[string][]int) {
	t.Helper()
	m, err := onnx.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	values, shapes = map[string][]float32{}, map[string][]int{}
	for _, x := range m.Tensors {
		if !x.Floating {
			continue
		}
		r, err := x.Data()
		if err != nil {
			t.Fatal(err)
		}
		data := make([]float32, elements(x.Shape))
		if err := tensorfile.Elements(r, 0, len(data), x.DType).ReadFloats(data, 0); err != nil {
			t.Fatal(err)
		}
		values[x.Name], shapes[x.Name] = data, x.Shape
	}
	return values, shapes
}

// TestONNX quantizes a network in every way, and compares what comes back with
// what the library makes of each weight.
func TestONNX(t *testing.T) {
	in := writeONNX(t, onnxtest.Network(13))
	before, shapes := tensors(t, in)
	for _, s := range slices.Concat(schemes, float4) {
		t.Run(s.name, func(t *testing.T) {
			o := s.o
			o.Measure = true
			dir := t.TempDir()
			path := filepath.Join(dir, "q.onnx")
			done := int64(0)
			r := produce(t, path, func(out *atomicfile.Set) (*Result, error) {
				return ONNX(t.Context(), in, out, o, func(at, total int64) {
					if at < done || at > total {
						t.Errorf("%d of %d bytes are done, after %d", at, total, done)
					}
					done = at
				})
			})
			if st, err := os.Stat(in); err != nil || done < st.Size()/2 {
				t.Errorf("%d bytes are done, %v", done, err)
			}
			back := filepath.Join(dir, "f.onnx")
			b := produce(t, back, func(out *atomicfile.Set) (*Result, error) {
				return DequantizeONNX(t.Context(), path, out, Options{}, nil)
			})
			after, _ := tensors(t, back)
			if len(after) != len(before) || len(b.Weights) != len(r.Weights) || len(r.Weights)+len(r.Left) != len(before)+2 {
				t.Errorf("%d tensors, were %d; %d and %d weights, %d left", len(after), len(before), len(r.Weights), len(b.Weights), len(r.Left))
			}
			for i, w := range r.Weights {
				x := quant.Tensor{Data: before[w.Name], Shape: shapes[w.Name]}
				c, err := quant.Compare(x, w.Scheme)
				if err != nil {
					t.Fatal(err)
				}
				q, err := quant.Quantize(x, c.Results[0].Params)
				if err != nil {
					t.Fatal(err)
				}
				want, err := quant.Dequantize(q)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(after[w.Name], want.Data) {
					t.Errorf("%s: other values than the library's", w.Name)
				}
				if w.Metrics == nil || *w.Metrics != c.Results[0].Metrics {
					t.Errorf("%s: metrics %+v, want %+v", w.Name, w.Metrics, c.Results[0].Metrics)
				}
				if v := b.Weights[slices.IndexFunc(b.Weights, func(v Weight) bool { return v.Name == w.Name })]; v.Use != w.Use || v.Before != w.After || v.Axis != w.Axis {
					t.Errorf("%d: %+v came back as %+v", i, w, v)
				}
			}
			for _, l := range r.Left {
				if !slices.Equal(after[l.Name], before[l.Name]) {
					t.Errorf("%s was left, and has other values", l.Name)
				}
			}
		})
	}
}

func TestONNXReasons(t *testing.T) {
	in := writeONNX(t, onnxtest.Network(13))
	o := Options{Bits: 8, Granularity: option.PerChannel, Exclude: []string{"embed*"}}
	r := produce(t, filepath.Join(t.TempDir(), "q.onnx"), func(out *atomicfile.Set) (*Result, error) {
		return ONNX(t.Context(), in, out, o, nil)
	})
	got := map[string]string{}
	for _, l := range r.Left {
		got[l.Name] = l.Reason
	}
	for name, want := range map[string]string{"conv.bias": "bias of Conv", "embedding": reasonExcluded, "lstm.B": "bias of LSTM", "one": summary.NotFloating("I64")} {
		if got[name] != want {
			t.Errorf("%s is left: %q, want %q", name, got[name], want)
		}
	}
	for _, want := range []Weight{
		{Name: "conv.weight", Use: "Conv", Axis: 0, Type: "int8"}, {Name: "up.weight", Use: "ConvTranspose", Axis: 1, Type: "int8"},
		{Name: "gemm1.weight", Use: "Gemm", Axis: 0, Type: "int8"}, {Name: "gemm2.weight", Use: "Gemm", Axis: 1, Type: "int8"},
		{Name: "lstm.W", Use: "LSTM", Axis: 1, Type: "int8"}, {Name: "then.constant", Use: "MatMul", Axis: 1, Type: "int8"},
	} {
		i := slices.IndexFunc(r.Weights, func(w Weight) bool { return w.Name == want.Name })
		if i < 0 || r.Weights[i].Use != want.Use || r.Weights[i].Axis != want.Axis || r.Weights[i].Type != want.Type {
			t.Errorf("%+v is not among %+v", want, r.Weights)
		}
	}

	// What is spelled out is quantized, whatever it is for.
	o = Options{Bits: 8, Granularity: option.PerTensor, Include: []string{"conv.bias", "lstm.*"}}
	r = produce(t, filepath.Join(t.TempDir(), "q.onnx"), func(out *atomicfile.Set) (*Result, error) {
		return ONNX(t.Context(), in, out, o, nil)
	})
	var names []string
	for _, w := range r.Weights {
		names = append(names, w.Name)
	}
	if want := []string{"conv.bias", "lstm.W", "lstm.R"}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
}

func TestONNXFails(t *testing.T) {
	matmul := func(data []float32) []byte {
		return onnxtest.Model(11, onnxtest.Graph{
			Nodes:   []onnxtest.Message{onnxtest.Node("MatMul", []string{"x", "w"}, []string{"y"}), onnxtest.Node("Mystery", []string{"y"}, []string{"z"})},
			Tensors: []onnxtest.Message{onnxtest.Floats("w", data, 16, 16)},
			Inputs:  []onnxtest.Message{onnxtest.Value("x", onnxtest.Float, 1, 16)}, Outputs: []onnxtest.Message{onnxtest.Value("y", onnxtest.Float, 1, 16)},
		})
	}
	bad := random(256)
	bad[35] = float32(math.NaN())
	tests := []struct {
		name  string
		model []byte
		o     Options
		err   string
	}{
		{"NaN", matmul(bad), Options{Bits: 8, Granularity: option.PerTensor}, `tensor "w": NaN at index 35`},
		{"no match", matmul(random(256)), Options{Bits: 8, Granularity: option.PerTensor, Include: []string{"v*"}}, `no tensor matches "v*"`},
		{"too old", matmul(random(256)), Options{Bits: 8, Granularity: option.PerChannel},
			`the model's operators are of version 11, DequantizeLinear has to be of version 13, and Mystery (node "Mystery z") means something else there; 8 bits per tensor want version 10 only`},
		{"no model", []byte("\x08\x07"), Options{Bits: 8, Granularity: option.PerTensor}, "no graph"},
	}
	for _, test := range tests {
		in := writeONNX(t, test.model)
		dir := t.TempDir()
		set, err := atomicfile.New(filepath.Join(dir, "q.onnx"), false)
		if err != nil {
			t.Fatal(err)
		}
		_, err = ONNX(t.Context(), in, set, test.o, nil)
		set.Abort()
		if err == nil || !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: %v", test.name, err)
		}
		if files, _ := os.ReadDir(dir); len(files) > 0 {
			t.Errorf("%s: %v is left behind", test.name, files)
		}
	}
	in := writeONNX(t, matmul(random(256)))
	set, err := atomicfile.New(in, true)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Abort()
	if _, err := ONNX(t.Context(), in, set, Options{Bits: 8, Granularity: option.PerTensor}, nil); !errors.Is(err, atomicfile.ErrIsRead) {
		t.Errorf("the input would be overwritten: %v", err)
	}
}

// external is a TensorProto with data in another file.
func external(name string, offset int, shape ...int) onnxtest.Message {
	var m onnxtest.Message
	for _, d := range shape {
		m = m.Int(1, int64(d))
	}
	m = m.Int(2, onnxtest.Float).Text(8, name)
	for _, e := range [][2]string{{"location", "model.bin"}, {"offset", fmt.Sprint(offset)}} {
		m = m.Bytes(13, onnxtest.Message{}.Text(1, e[0]).Text(2, e[1]))
	}
	return m.Int(14, 1)
}

// TestONNXExternal has weights beside the model, more than one block of work
// of them.
func TestONNXExternal(t *testing.T) {
	const rows, columns = 600, 1000
	x := random(rows*columns + columns)
	in := writeONNX(t, onnxtest.Model(13, onnxtest.Graph{
		Nodes: []onnxtest.Message{
			onnxtest.Node("MatMul", []string{"x", "w"}, []string{"y"}), onnxtest.Node("Add", []string{"y", "b"}, []string{"z"})},
		Tensors: []onnxtest.Message{external("w", 0, rows, columns), external("b", 4*rows*columns, columns)},
		Inputs:  []onnxtest.Message{onnxtest.Value("x", onnxtest.Float, 1, rows)}, Outputs: []onnxtest.Message{onnxtest.Value("z", onnxtest.Float, 1, columns)},
	}))
	var data []byte
	for _, v := range x {
		data = append(data, byte(math.Float32bits(v)), byte(math.Float32bits(v)>>8), byte(math.Float32bits(v)>>16), byte(math.Float32bits(v)>>24))
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(in), "model.bin"), data, 0o666); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	out := filepath.Join(dir, "q.onnx")
	o := Options{Bits: 4, Granularity: option.PerGroup, GroupSize: 32}
	r := produce(t, out, func(set *atomicfile.Set) (*Result, error) { return ONNX(t.Context(), in, set, o, nil) })
	if st, err := os.Stat(in); len(r.Weights) != 1 || err != nil || r.Read != st.Size()+int64(len(data)) {
		t.Fatalf("%+v", r)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 2 || files[1].Name() != "q.onnx.data" {
		t.Fatalf("%v, %v", files, err)
	}
	back := filepath.Join(dir, "f.onnx")
	produce(t, back, func(set *atomicfile.Set) (*Result, error) {
		return DequantizeONNX(t.Context(), out, set, Options{}, nil)
	})
	values, _ := tensors(t, back)
	if !slices.Equal(values["b"], x[rows*columns:]) {
		t.Error("the bias has other values")
	}
	w := quant.Tensor{Data: x[:rows*columns], Shape: []int{rows, columns}}
	p, err := quant.Calibrate(w, r.Weights[0].Scheme)
	if err != nil {
		t.Fatal(err)
	}
	q, err := quant.Quantize(w, p)
	if err != nil {
		t.Fatal(err)
	}
	if want, err := quant.Dequantize(q); err != nil || !slices.Equal(values["w"], want.Data) {
		t.Errorf("other values than the library's: %v", err)
	}
	if err := os.Remove(filepath.Join(filepath.Dir(in), "model.bin")); err != nil {
		t.Fatal(err)
	}
	set, err := atomicfile.New(filepath.Join(dir, "r.onnx"), false)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Abort()
	if _, err := ONNX(t.Context(), in, set, o, nil); err == nil || !strings.HasPrefix(err.Error(), `tensor "w": external data: "model.bin": no such file`) {
		t.Errorf("without the data: %v", err)
	}
}

// TestDequantizeFloat16 has scales of float16, which the values are too: each is
// rounded once, after the multiplication.
func TestDequantizeFloat16(t *testing.T) {
	codes := onnxtest.Message{}.Int(1, 4).Int(2, 3).Text(8, "q").Bytes(9, []byte{1, 0xff, 100, 127})
	scale := onnxtest.Message{}.Int(2, 10).Text(8, "s").Bytes(9, []byte{0x01, 0x3c}) // 1 + 2⁻¹⁰
	for _, domain := range []string{"", "com.microsoft"} {
		in := writeONNX(t, onnxtest.Model(19, onnxtest.Graph{
			Nodes:   []onnxtest.Message{onnxtest.Node("DequantizeLinear", []string{"q", "s"}, []string{"b"}).Text(7, domain)},
			Tensors: []onnxtest.Message{codes, scale},
			Outputs: []onnxtest.Message{onnxtest.Value("b", 10, 4)},
		}))
		out := filepath.Join(t.TempDir(), "f.onnx")
		r := produce(t, out, func(set *atomicfile.Set) (*Result, error) {
			return DequantizeONNX(t.Context(), in, set, Options{}, nil)
		})
		if len(r.Weights) != 1 || r.Weights[0].Type != "float16" || r.Weights[0].After != 8 {
			t.Errorf("%+v", r.Weights)
		}
		// 100·(1 + 2⁻¹⁰) is 100.09765625, and float16 has steps of 1/16 there: 100.125.
		values, _ := tensors(t, out)
		if want := []float32{1 + 1.0/1024, -1 - 1.0/1024, 100.125, 127.125}; !slices.Equal(values["b"], want) {
			t.Errorf("domain %q: %v, want %v", domain, values["b"], want)
		}
	}
}

// TestDequantizeInt32 is a bias as other tools quantize it.
func TestDequantizeInt32(t *testing.T) {
	codes := onnxtest.Message{}.Int(1, 3).Int(2, 6).Text(8, "q").Int(5, 7, -1, 1<<30)
	in := writeONNX(t, onnxtest.Model(13, onnxtest.Graph{
		Nodes:   []onnxtest.Message{onnxtest.Node("DequantizeLinear", []string{"q", "s"}, []string{"b"}, onnxtest.AttrInt("axis", 0))},
		Tensors: []onnxtest.Message{codes, onnxtest.Floats("s", []float32{0.5, 3, 0.25}, 3)},
		Outputs: []onnxtest.Message{onnxtest.Value("b", onnxtest.Float, 3)},
	}))
	out := filepath.Join(t.TempDir(), "f.onnx")
	produce(t, out, func(set *atomicfile.Set) (*Result, error) {
		return DequantizeONNX(t.Context(), in, set, Options{}, nil)
	})
	values, _ := tensors(t, out)
	if want := []float32{3.5, -3, 1 << 28}; !slices.Equal(values["b"], want) {
		t.Errorf("%v, want %v", values["b"], want)
	}
}
