package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	library "github.com/a01592f9/quant"
	"github.com/a01592f9/quant/calibfile"
	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// npy is a file of float32.
func npy(x []float32, shape ...int) string {
	text := strings.ReplaceAll(strings.Trim(fmt.Sprint(shape), "[]"), " ", ",")
	head := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%s,), }", text)
	b := append([]byte("\x93NUMPY\x01\x00"), byte(len(head)), byte(len(head)>>8))
	b = append(b, head...)
	b, _ = binary.Append(b, binary.LittleEndian, x)
	return string(b)
}

// batches are files of two tensors of several batches.
func batches(t *testing.T, n int) (paths []string) {
	t.Helper()
	for i := range n {
		x, y := waves(3*4*(50+i)), waves(20)
		x[7*i] *= 40
		path := safetensors(t,
			weight{name: "conv", shape: []int{3, 4, 50 + i}, data: x},
			weight{name: "out", shape: []int{5, 4}, data: y},
			weight{name: "ids", dtype: "I32", shape: []int{2}, data: ramp(2)})
		paths = append(paths, path)
	}
	return paths
}

func TestCalibrateOrder(t *testing.T) {
	in := batches(t, 5)
	dir := t.TempDir()
	for _, flags := range [][]string{
		{"--method", "mse"}, {"--method", "percentile=99", "--axis", "1"}, {"--axis", "-2", "--bits", "4", "--method", "mae", "--mapping", "symmetric"},
		{"--method", "entropy", "--unsigned"}, {},
	} {
		one := filepath.Join(dir, "one.json")
		text := ok(t, slices.Concat([]string{"calibrate", "--force", "-o", one}, in, flags)...)
		narrow(t, text)
		for _, want := range []string{"conv", "out", "2 tensors of", "ids: I32 is not a floating-point type"} {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in\n%s", want, text)
			}
		}
		// Two processes, merged in another order.
		a, b, joint := filepath.Join(dir, "a.state"), filepath.Join(dir, "b.state"), filepath.Join(dir, "joint.json")
		ok(t, slices.Concat([]string{"calibrate", "--force", "--state", a, in[4], in[1]}, flags)...)
		ok(t, slices.Concat([]string{"calibrate", "--force", "--state", b, in[0], in[3], in[2]}, flags)...)
		ok(t, "calibrate", "--merge", b, a, "--force", "-o", joint)
		if !bytes.Equal(read(t, one), read(t, joint)) {
			t.Errorf("%v: merged states give another calibration", flags)
		}
		whole, c := filepath.Join(dir, "whole.state"), filepath.Join(dir, "c.state")
		ok(t, slices.Concat([]string{"calibrate", "--force", "--state", whole}, in, flags)...)
		ok(t, "calibrate", "--force", "--state", c, "--merge", a, b)
		if !bytes.Equal(read(t, whole), read(t, c)) {
			t.Errorf("%v: states differ", flags)
		}
		// A state goes on.
		ok(t, slices.Concat([]string{"calibrate", a, in[0], in[2], in[3], "--force", "-o", joint}, flags)...)
		if !bytes.Equal(read(t, one), read(t, joint)) {
			t.Errorf("%v: going on from a state gives another calibration", flags)
		}
	}
	// The order of a moving average means something, and its states do not merge.
	one, two := filepath.Join(dir, "one.json"), filepath.Join(dir, "two.json")
	ok(t, slices.Concat([]string{"calibrate", "--force", "--method", "ema=0.3", "-o", one}, in)...)
	ok(t, slices.Concat([]string{"calibrate", "--method", "ema=0.3", "-o", two, in[4]}, in[:4])...)
	if bytes.Equal(read(t, one), read(t, two)) {
		t.Error("a moving average that knows no order")
	}
}

func TestCalibrateStream(t *testing.T) {
	dir := t.TempDir()
	var paths []string
	stream := ""
	for i := range 3 {
		x := npy(waves(2*3*40*(i+1)), 2*(i+1), 3, 40)
		stream += x
		path := filepath.Join(dir, fmt.Sprint("act", i, ".npy"))
		if err := os.WriteFile(path, []byte(x), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	for _, flags := range [][]string{{}, {"--axis", "1"}, {"--axis", "-1", "--method", "mae"}, {"--method", "ema=0.5"}} {
		a, b := filepath.Join(dir, "a.json"), filepath.Join(dir, "b.json")
		ok(t, slices.Concat([]string{"calibrate", "--force", "--name", "act", "-o", a}, flags, paths)...)
		if r := quant(t, stream, slices.Concat([]string{"calibrate", "-", "--force", "--name", "act", "-o", b}, flags)...); r.code != exitDone {
			t.Fatal(r.errout)
		}
		if !bytes.Equal(read(t, a), read(t, b)) {
			t.Errorf("%v: a stream gives another calibration", flags)
		}
	}
	js := ok(t, "calibrate", paths[0], "--name", "{folder}/{stem}", "--format", "json")
	if want := filepath.Base(dir) + "/act0"; !strings.Contains(js, fmt.Sprintf("%q", want)) {
		t.Errorf("no %s in %s", want, js)
	}
}

func TestCalibrateErrors(t *testing.T) {
	in := batches(t, 2)
	bad := waves(24)
	bad[17] = float32(math.Inf(-1))
	masked := safetensors(t, weight{name: "mask", shape: []int{2, 3, 4}, data: bad})
	other := safetensors(t, weight{name: "out", shape: []int{5, 7}, data: waves(35)})
	state := filepath.Join(t.TempDir(), "x.state")
	ok(t, "calibrate", in[0], "--state", state)
	long := filepath.Join(t.TempDir(), "long.state")
	if err := os.WriteFile(long, append(read(t, state), 0), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		code  int
		want  string
		stdin string
		args  []string
	}{
		{exitFailed, masked + `: tensor "mask": -Inf at index 17; --ignore-non-finite leaves out such values`, "", []string{masked}},
		{exitFailed, masked + `: tensor "mask": -Inf in channel 1, at index 17`, "", []string{masked, "--axis", "1"}},
		{exitFailed, `stdin: array 1: tensor "stdin": -Inf in channel 1, at index 17`, npy(bad, 2, 3, 4), []string{"-", "--axis", "1"}},
		{exitFailed, `tensor "out": 7 channels where`, "", []string{in[0], other, "--axis", "1", "--tensor", "out"}},
		{exitFailed, `tensor "out": axis out of range`, "", []string{in[0], "--axis", "2"}},
		{exitFailed, `no tensor matches "none"; there are `, "", []string{in[0], "--tensor", "none"}},
		{exitFailed, `no tensor matches "uot": did you mean "out"`, "", []string{in[0], "--tensor", "uot"}},
		{exitFailed, "does not keep what", "", []string{state, "--method", "mse"}},
		{exitFailed, "checksum", "", []string{"--merge", long}},
		{exitFailed, "not a state", "", []string{"--merge", in[0]}},
		{exitFailed, "no such file", "", []string{"none.npz"}},
		{exitUsage, `there is no "best"`, "", []string{in[0], "--method", "best"}},
		{exitUsage, "would overwrite", "", []string{in[0], "--output", in[0]}},
		{exitUsage, "--granularity", "", []string{state, in[0], "--granularity", "per_channel"}},
	} {
		args := append([]string{"calibrate"}, test.args...)
		if !slices.Contains(args, "--output") {
			args = append(args, "-o", filepath.Join(t.TempDir(), "c.json"))
		}
		fails(t, test.code, test.want, test.stdin, args...)
	}
	fails(t, exitUsage, "--output is missing", "", "calibrate", in[0])
	text := ok(t, "calibrate", masked, "--ignore-non-finite", "-o", filepath.Join(t.TempDir(), "c.json"))
	if !strings.Contains(text, "1 more are not finite") {
		t.Errorf("got %s", text)
	}
}

// What is calibrated is what a model is quantized with: codes in the file are
// those of the library.
func TestQuantizeCalibrated(t *testing.T) {
	in := write(t, "network.onnx", string(onnxtest.Network(13)))
	dir := t.TempDir()
	file, out, back := filepath.Join(dir, "c.json"), filepath.Join(dir, "q.onnx"), filepath.Join(dir, "b.onnx")
	ok(t, "calibrate", in, "--method", "percentile=90", "--mapping", "symmetric", "--bits", "6", "-o", file)
	var c struct {
		Weights []struct {
			Name       string
			Calibrated bool
			Scheme     struct{ Method string }
		}
	}
	js := ok(t, "quantize", in, "-o", out, "--calibration", file, "--format", "json")
	if err := json.Unmarshal([]byte(js), &c); err != nil || len(c.Weights) == 0 {
		t.Fatal(err, js)
	}
	ok(t, "dequantize", out, "-o", back)
	known, err := calibfile.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range c.Weights {
		if !w.Calibrated || w.Scheme.Method != "percentile=90" {
			t.Errorf("%+v", w)
		}
		x, shape := load(t, in, w.Name)
		p, err := known.Find(w.Name).Params(shape)
		if err != nil {
			t.Fatal(err)
		}
		q, err := library.Quantize(library.Tensor{Data: x, Shape: shape}, p)
		if err != nil {
			t.Fatal(err)
		}
		want, err := library.Dequantize(q)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := load(t, back, w.Name); !slices.Equal(got, want.Data) {
			t.Errorf("%s differs from what the library makes of it", w.Name)
		}
	}
	// A calibration of something else.
	known.Tensors = known.Tensors[:1]
	known.Tensors[0].Name = "nothing"
	var b bytes.Buffer
	if err := known.Write(&b); err != nil {
		t.Fatal(err)
	}
	fails(t, exitFailed, "no weight that is quantized has a name of the calibration", "", "quantize", in, "-o", filepath.Join(dir, "n.onnx"), "--calibration", write(t, "n.json", b.String()))
	three := int64(3)
	known.Tensors[0].Name, known.Tensors[0].Shape = c.Weights[0].Name, []*int64{&three}
	b.Reset()
	if err := known.Write(&b); err != nil {
		t.Fatal(err)
	}
	fails(t, exitFailed, fmt.Sprintf("tensor %q: the calibration does not go with it: its shape is", c.Weights[0].Name), "",
		"quantize", in, "-o", filepath.Join(dir, "n.onnx"), "--calibration", write(t, "n.json", b.String()))
	fails(t, exitUsage, "GGUF", "", "quantize", ggufModel(t, false), "-o", filepath.Join(dir, "g.gguf"), "--method", "mse")
}

func load(t *testing.T, path, name string) ([]float32, []int) {
	t.Helper()
	f, err := tensorfile.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i, info := range f.Tensors() {
		if info.Name == name {
			x, err := f.Load(i)
			if err != nil {
				t.Fatal(err)
			}
			return x, info.Shape
		}
	}
	t.Fatalf("%s: no tensor %q", path, name)
	return nil, nil
}

func TestMethods(t *testing.T) {
	excerpt := "testdata/silero_vad_v5_excerpt.safetensors"
	text := ok(t, "compare", excerpt, "--method", "mse", "--bits", "4")
	if !strings.Contains(text, "method mse") {
		t.Errorf("got %s", text)
	}
	loss := func(method string) float64 {
		var r struct {
			Summary struct {
				Totals []struct {
					SQNR float64 `json:"sqnr_db"`
				}
			}
		}
		if err := json.Unmarshal([]byte(ok(t, "compare", excerpt, "--method", method, "--bits", "4", "--format", "json")), &r); err != nil {
			t.Fatal(err)
		}
		return r.Summary.Totals[1].SQNR
	}
	if a, b := loss("minmax"), loss("mse"); !(b > a) {
		t.Errorf("min and max give %v dB, least squares %v", a, b)
	}
	fails(t, exitUsage, "moving averages", "", "compare", "--method", "ema=0.1")
	fails(t, exitUsage, "percentile", "", "sweep", "--method", "percentile=101")
}
