package convert

import (
	"encoding/binary"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// TestRoundTrip quantizes models, turns them back and measures how far the
// weights are from where they were: exactly as far as the comparison said that
// they would be, to the last bit.
func TestRoundTrip(t *testing.T) {
	dir := t.TempDir()
	network := filepath.Join(dir, "network.onnx")
	if err := os.WriteFile(network, onnxtest.Network(13), 0o666); err != nil {
		t.Fatal(err)
	}
	linear := filepath.Join(dir, "linear.safetensors")
	writeLayers(t, linear)
	for _, s := range slices.Concat(schemes, float4) {
		t.Run("onnx/"+s.name, func(t *testing.T) { roundTrip(t, KindONNX, network, 17, s.o) })
	}
	for _, s := range []struct {
		name string
		o    Options
	}{
		{"int8 per channel", Options{Bits: 8, Mapping: quant.Symmetric, Granularity: option.PerChannel}},
		{"int8 per channel, asymmetric", Options{Bits: 8, Granularity: option.PerChannel}},
		{"int8 per tensor", Options{Bits: 8, Mapping: quant.Symmetric, Granularity: option.PerTensor}},
		{"int4 in groups of 32", Options{Bits: 4, Mapping: quant.Symmetric, Granularity: option.PerGroup, GroupSize: 32}},
		{"int4 in groups of 32, half divisor", Options{Bits: 4, Mapping: quant.Symmetric, Granularity: option.PerGroup, GroupSize: 32, Divisor: quant.HalfWidth}},
		{"int4 in groups of 32, signed scale", Options{Bits: 4, Mapping: quant.Symmetric, Granularity: option.PerGroup, GroupSize: 32, SignedScale: true}},
		{"int8 per channel, signed scale", Options{Bits: 8, Mapping: quant.Symmetric, Granularity: option.PerChannel, SignedScale: true, Range: quant.LeastSquares}},
		{"int8 per channel, each end", Options{Bits: 8, Mapping: quant.Symmetric, Granularity: option.PerChannel, Divisor: quant.EachEnd}},
		{"int4 in groups of 32, bfloat16 scales", Options{Bits: 4, Granularity: option.PerGroup, GroupSize: 32, Scales: quant.BFloat16Scale}},
		{"int4 in groups of 16, asymmetric", Options{Bits: 4, Granularity: option.PerGroup, GroupSize: 16}},
	} {
		t.Run("safetensors/"+s.name, func(t *testing.T) { roundTrip(t, KindSafetensors, linear, 3, s.o) })
	}
}

func roundTrip(t *testing.T, kind Kind, model string, weights int, o Options) {
	o.Measure = true
	_, back, r := bothWays(t, kind, model, t.TempDir(), o)
	if len(r.Weights) != weights {
		t.Errorf("%d weights are quantized, want %d", len(r.Weights), weights)
	}
	from, to := open(t, model), open(t, back)
	for _, w := range r.Weights {
		x, y := from(w.Name), to(w.Name)
		c, err := quant.Stream{Source: x, Shape: w.Shape}.Compare(w.Scheme)
		if err != nil {
			t.Fatal(err)
		}
		m, err := quant.Stream{Source: x, Shape: w.Shape}.Difference(y, c.ChannelGranularity(), w.Scheme.Granularity)
		if err != nil {
			t.Fatal(err)
		}
		predicted := c.Results[0].Metrics
		if *w.Metrics != predicted {
			t.Errorf("%s: %+v is told, but compare says %+v", w.Name, *w.Metrics, predicted)
		}
		predicted.Clipped = 0 // what was clipped does not show any more
		if m.Metrics != predicted {
			t.Errorf("%s: %+v measured, but %+v predicted", w.Name, m.Metrics, predicted)
		}
		if predicted.RMSE == 0 {
			t.Errorf("%s: nothing is lost, so nothing was quantized", w.Name)
		}
	}
	// What was left is the same still.
	for _, l := range r.Left {
		x, y := from(l.Name), to(l.Name)
		if x == nil {
			continue // no floating-point numbers
		}
		m, err := quant.Stream{Source: x, Shape: l.Shape}.Difference(y, quant.PerTensor, quant.PerTensor)
		if err != nil || m.MaxError != 0 {
			t.Errorf("%s, which was left, differs: %v", l.Name, err)
		}
	}
}

// open returns where the tensors of a file come from: nil if they are not
// floating-point.
func open(t *testing.T, path string) func(name string) quant.Source {
	f, err := tensorfile.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return func(name string) quant.Source {
		t.Helper()
		for i, info := range f.Tensors() {
			if info.Name != name {
				continue
			}
			if !info.Floating {
				return nil
			}
			src, err := f.Source(i)
			if err != nil {
				t.Fatal(err)
			}
			return src
		}
		t.Fatalf("%s has no tensor %s", path, name)
		return nil
	}
}

// writeLayers writes a safetensors file with layers of a model.
func writeLayers(t *testing.T, path string) {
	r := rand.New(rand.NewPCG(9, 1))
	type entry struct {
		DType   string `json:"dtype"`
		Shape   []int  `json:"shape"`
		Offsets [2]int `json:"data_offsets"`
	}
	header := map[string]entry{}
	var data []byte
	add := func(name string, shape ...int) {
		n := int(elements(shape))
		start := len(data)
		data, _ = binary.Append(data, binary.LittleEndian, onnxtest.Random(r, n, n/shape[0], 0.3))
		header[name] = entry{"F32", shape, [2]int{start, len(data)}}
	}
	add("model.layers.0.mlp.up_proj.weight", 96, 64)
	add("model.layers.0.mlp.down_proj.weight", 64, 96)
	add("model.layers.0.self_attn.q_proj.weight", 64, 64)
	add("model.layers.0.self_attn.q_proj.bias", 64)
	add("model.norm.weight", 64)
	h, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	file := append(binary.LittleEndian.AppendUint64(nil, uint64(len(h))), h...)
	if err := os.WriteFile(path, append(file, data...), 0o666); err != nil {
		t.Fatal(err)
	}
}
