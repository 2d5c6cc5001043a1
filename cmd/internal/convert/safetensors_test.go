package convert

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// stBytes encodes values as a type of safetensors.
func stBytes(dtype string, x []float32) []byte {
	var b []byte
	for _, v := range x {
		switch dtype {
		case "F64":
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(float64(v)))
		case "F32":
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		case "BF16":
			b = binary.LittleEndian.AppendUint16(b, uint16(math.Float32bits(v)>>16))
		default:
			b = append(b, byte(int8(v)))
		}
	}
	return b
}

type stInput struct {
	name, dtype string
	shape       []int
	data        []byte
}

// writeST writes a safetensors file, with tensors in the order given.
func writeST(t *testing.T, path string, tensors ...stInput) {
	t.Helper()
	header := map[string]any{"__metadata__": map[string]string{"of": filepath.Base(path)}}
	var data []byte
	for _, x := range tensors {
		header[x.name] = map[string]any{"dtype": x.dtype, "shape": x.shape, "data_offsets": []int{len(data), len(data) + len(x.data)}}
		data = append(data, x.data...)
	}
	h, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, slices.Concat(binary.LittleEndian.AppendUint64(nil, uint64(len(h))), h, data), 0o600); err != nil {
		t.Fatal(err)
	}
}

// weightsST are tensors of a small model. The rows of one are no whole words
// of codes, and the rows of none are a power of two.
func weightsST() []stInput {
	x := random(40_000)
	f := func(name, dtype string, shape ...int) stInput {
		n := int(elements(shape))
		return stInput{name, dtype, shape, stBytes(dtype, x[:n])}
	}
	return []stInput{
		f("lm_head.weight", "F32", 12, 64),
		f("a.embed_tokens.weight", "BF16", 12, 64),
		f("a.0.proj.weight", "BF16", 70, 96),
		f("a.0.proj.bias", "BF16", 70),
		f("a.0.odd.weight", "F64", 37, 60),
		{"a.0.scalar", "F32", []int{}, stBytes("F32", x[7:8])},
		f("a.0.norm.weight", "F32", 96),
		f("a.0.conv.weight", "F32", 8, 8, 3),
		f("a.0.table", "F32", 32, 32),
		f("a.0.down.weight", "F32", 96, 70*4),
		{"a.0.steps", "I64", []int{1}, make([]byte, 8)},
		f("a.0.bytes", "I8", 3),
	}
}

// A readST is a file that was written, as read by a parser of its own.
type readST struct {
	metadata map[string]string
	tensors  map[string]stInput
}

func parseST(t *testing.T, path string) readST {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n := binary.LittleEndian.Uint64(b)
	if n%8 != 0 {
		t.Errorf("header of %d bytes", n)
	}
	var header map[string]json.RawMessage
	if err := json.Unmarshal(b[8:8+n], &header); err != nil {
		t.Fatal(err)
	}
	r := readST{tensors: make(map[string]stInput)}
	total := uint64(0)
	for name, raw := range header {
		if name == "__metadata__" {
			if err := json.Unmarshal(raw, &r.metadata); err != nil {
				t.Fatal(err)
			}
			continue
		}
		var x struct {
			DType   string    `json:"dtype"`
			Shape   []int     `json:"shape"`
			Offsets [2]uint64 `json:"data_offsets"`
		}
		if err := json.Unmarshal(raw, &x); err != nil {
			t.Fatal(err)
		}
		if x.Offsets[0]%uint64(elemBytes[x.DType]) != 0 {
			t.Errorf("%s: %s at %d is not aligned", name, x.DType, x.Offsets[0])
		}
		r.tensors[name] = stInput{name, x.DType, x.Shape, b[8+n+x.Offsets[0] : 8+n+x.Offsets[1]]}
		total += x.Offsets[1] - x.Offsets[0]
	}
	if 8+n+total != uint64(len(b)) {
		t.Errorf("%s: %d bytes of tensors, %d of data", path, total, uint64(len(b))-8-n)
	}
	return r
}

func (r readST) floats(t *testing.T, name string, shape ...int) []float32 {
	t.Helper()
	x := r.tensors[name]
	if x.dtype != "F32" || !slices.Equal(x.shape, shape) {
		t.Errorf("%s is %s %v, want F32 %v", name, x.dtype, x.shape, shape)
	}
	out := make([]float32, len(x.data)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(x.data[4*i:]))
	}
	return out
}

// unpackWord reads a code of a matrix of int32 that rows of codes, from 0 up,
// were packed into, by what the format says: code i is in the bits from i·bits
// on of the words of its row, and half of the grid was added to it.
func unpackWord(t *testing.T, x stInput, row, i, bits int) int {
	t.Helper()
	perWord := 32 / bits
	word := binary.LittleEndian.Uint32(x.data[4*(row*x.shape[1]+i/perWord):])
	return int(word>>(bits*(i%perWord)))&(1<<bits-1) - 1<<(bits-1)
}

// unpackDown is unpackWord for codes that were packed along columns.
func unpackDown(t *testing.T, x stInput, i, col, bits int) int {
	t.Helper()
	perWord := 32 / bits
	word := binary.LittleEndian.Uint32(x.data[4*(i/perWord*x.shape[1]+col):])
	return int(word>>(bits*(i%perWord)))&(1<<bits-1) - 1<<(bits-1)
}

func convertST(t *testing.T, f func(context.Context, Kind, string, *atomicfile.Set, Options, Progress) (*Result, error), in, out string, o Options) (*Result, error) {
	t.Helper()
	set, err := atomicfile.NewFolder(out, false)
	if strings.HasSuffix(out, ".safetensors") {
		set, err = atomicfile.New(out, false)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer set.Abort()
	var done, total int64
	r, err := f(context.Background(), KindSafetensors, in, set, o, func(d, n int64) { done, total = d, n })
	if err != nil {
		return nil, err
	}
	if done > total || done < total-total/100-int64(10*len(r.Weights)) {
		t.Errorf("progress ended at %d of %d", done, total)
	}
	return r, set.Commit()
}

// TestSafetensors reads what was written by the rules of compressed-tensors,
// with nothing of the code that wrote it, and compares it with the library.
func TestSafetensors(t *testing.T) {
	for _, o := range []Options{
		{Bits: 8, Mapping: quant.Symmetric, Granularity: option.PerChannel},
		{Bits: 8, Mapping: quant.Symmetric, Granularity: option.PerTensor, NarrowRange: true},
		{Bits: 8, Mapping: quant.Asymmetric, Granularity: option.PerChannel, Measure: true},
		{Bits: 8, Mapping: quant.Asymmetric, Granularity: option.PerTensor},
		{Bits: 8, Mapping: quant.Symmetric, Granularity: option.PerGroup, GroupSize: 20},
		{Bits: 4, Mapping: quant.Symmetric, Granularity: option.PerGroup, GroupSize: 12, Measure: true},
		{Bits: 4, Mapping: quant.Asymmetric, Granularity: option.PerGroup, GroupSize: 4},
		{Bits: 4, Mapping: quant.Asymmetric, Granularity: option.PerChannel},
		{Bits: 4, Mapping: quant.Symmetric, Granularity: option.PerChannel, NarrowRange: true},
		{Bits: 4, Mapping: quant.Asymmetric, Granularity: option.PerTensor},
		{Bits: 2, Mapping: quant.Asymmetric, Granularity: option.PerChannel},
		{Bits: 4, Mapping: quant.Symmetric, Granularity: option.PerGroup, GroupSize: 12, SignedScale: true},
	} {
		t.Run(fmt.Sprintf("%d %v %s", o.Bits, o.Mapping, o.Granularity), func(t *testing.T) {
			dir := t.TempDir()
			inputs := weightsST()
			writeST(t, filepath.Join(dir, "in", "model.safetensors"), inputs...)
			config := "{\"b\": 1, \"a\": {\"x\": [1.50, \"<&>\"]}}"
			if err := os.WriteFile(filepath.Join(dir, "in", "config.json"), []byte(config), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "in", "tokenizer.json"), []byte("{}"), 0o600); err != nil {
				t.Fatal(err)
			}
			out := filepath.Join(dir, "out")
			r, err := convertST(t, Quantize, filepath.Join(dir, "in"), out, o)
			if err != nil {
				t.Fatal(err)
			}
			checkCodesST(t, r, parseST(t, filepath.Join(out, "model.safetensors")), inputs, o)
			checkConfigST(t, out, r, o)
			if _, err := os.Stat(filepath.Join(out, "tokenizer.json")); err != nil {
				t.Error(err)
			}
			checkBackST(t, r, out, inputs, o)
		})
	}
}

// floatsOf are the values of a tensor.
func floatsOf(x stInput) []float32 {
	out := make([]float32, elements(x.shape))
	for i := range out {
		switch x.dtype {
		case "F64":
			out[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(x.data[8*i:])))
		case "F32":
			out[i] = math.Float32frombits(binary.LittleEndian.Uint32(x.data[4*i:]))
		case "BF16":
			out[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(x.data[2*i:])) << 16)
		}
	}
	return out
}

func checkCodesST(t *testing.T, r *Result, got readST, inputs []stInput, o Options) {
	t.Helper()
	if got.metadata["of"] != "model.safetensors" || got.metadata["format"] != "pt" {
		t.Errorf("metadata %v", got.metadata)
	}
	quantized := make(map[string]Weight)
	for _, w := range r.Weights {
		quantized[w.Name] = w
	}
	if _, ok := quantized["a.0.odd.weight"]; !ok || len(r.Weights)+len(r.Left) != len(inputs) {
		t.Errorf("%d weights, %d left of %d", len(r.Weights), len(r.Left), len(inputs))
	}
	used := 0
	for _, x := range inputs {
		w, ok := quantized[x.name]
		if !ok {
			same := got.tensors[x.name]
			if same.dtype != x.dtype || !slices.Equal(same.shape, x.shape) || !bytes.Equal(same.data, x.data) {
				t.Errorf("%s is another: %s %v", x.name, same.dtype, same.shape)
			}
			used++
			continue
		}
		used += checkWeightST(t, w, got, x, o)
	}
	if used != len(got.tensors) {
		t.Errorf("%d tensors, of which %d are known", len(got.tensors), used)
	}
}

// checkWeightST returns how many tensors a weight became.
func checkWeightST(t *testing.T, w Weight, got readST, x stInput, o Options) (used int) {
	t.Helper()
	rows, cols, bits := x.shape[0], x.shape[1], o.Bits
	tensor := quant.Tensor{Data: floatsOf(x), Shape: x.shape}
	p, err := quant.Calibrate(tensor, w.Scheme)
	if err != nil {
		t.Fatal(err)
	}
	codes := make([]int8, len(tensor.Data))
	if err := quant.QuantizeCodes(codes, tensor, p); err != nil {
		t.Fatal(err)
	}
	packed := bits != 8 || o.Granularity == option.PerGroup
	params := []int{rows, 1}
	switch {
	case o.Granularity == option.PerGroup:
		params[1] = cols / o.GroupSize
	case o.Granularity == option.PerTensor && !packed:
		params = []int{1}
	}
	scale := got.floats(t, x.name+"_scale", params...)
	zero := got.tensors[x.name+"_zero_point"]
	used = 2
	if o.Mapping == quant.Asymmetric {
		used++
	}
	if packed {
		used++
		words := (cols*bits + 31) / 32
		all := got.tensors[x.name+"_packed"]
		if all.dtype != "I32" || !slices.Equal(all.shape, []int{rows, words}) {
			t.Fatalf("%s_packed is %s %v", x.name, all.dtype, all.shape)
		}
		shape := got.tensors[x.name+"_shape"]
		if want := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, uint64(rows)), uint64(cols)); shape.dtype != "I64" || !bytes.Equal(shape.data, want) {
			t.Errorf("%s_shape is %s %v", x.name, shape.dtype, shape.data)
		}
		for row := range rows {
			for i := range words * 32 / bits {
				c := unpackWord(t, all, row, i, bits)
				if i >= cols && c != -1<<(bits-1) || i < cols && c != int(codes[row*cols+i]) {
					t.Fatalf("%s: code %d of row %d is %d", x.name, i, row, c)
				}
			}
		}
	} else {
		all := got.tensors[x.name]
		if all.dtype != "I8" || !slices.Equal(all.shape, x.shape) || !bytes.Equal(all.data, stBytes("I8", toFloats(codes))) {
			t.Errorf("%s is %s %v", x.name, all.dtype, all.shape)
		}
	}
	for i, s := range scale {
		row, group := i/params[len(params)-1], i%params[len(params)-1]
		k := i
		if o.Granularity == option.PerTensor {
			k = 0
		}
		if s != p.Scale[k] {
			t.Fatalf("%s: scale %d is %v, want %v", x.name, i, s, p.Scale[k])
		}
		if o.Mapping != quant.Asymmetric {
			continue
		}
		z := 0
		if packed {
			z = unpackDown(t, zero, row, group, bits)
		} else {
			z = int(int8(zero.data[i]))
		}
		if z != int(p.ZeroPoint[k]) {
			t.Fatalf("%s: zero point %d is %d, want %d", x.name, i, z, p.ZeroPoint[k])
		}
	}
	if packed && zero.name != "" && (zero.dtype != "I32" || !slices.Equal(zero.shape, []int{(rows*bits + 31) / 32, params[1]})) {
		t.Errorf("%s_zero_point is %s %v", x.name, zero.dtype, zero.shape)
	}
	after := int64(0)
	for _, suffix := range []string{"", "_packed", "_scale", "_zero_point", "_shape"} {
		after += int64(len(got.tensors[x.name+suffix].data))
	}
	if w.Before != int64(len(x.data)) || w.After != after || (w.Metrics != nil) != o.Measure {
		t.Errorf("%+v, %d bytes", w, after)
	}
	return used
}

func toFloats(codes []int8) []float32 {
	x := make([]float32, len(codes))
	for i, c := range codes {
		x[i] = float32(c)
	}
	return x
}

func checkConfigST(t *testing.T, dir string, r *Result, o Options) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(text, []byte("{\n  \"b\": 1,\n  \"a\": {\n    \"x\": [\n      1.50,\n      \"<&>\"\n    ]\n  },\n  \"quantization_config\": {")) {
		t.Errorf("configuration\n%s", text)
	}
	var c struct {
		Q struct {
			Method string `json:"quant_method"`
			Format string `json:"format"`
			Status string `json:"quantization_status"`
			Ignore []string
			Groups map[string]struct {
				Targets []string
				Weights map[string]any
				Inputs  map[string]any `json:"input_activations"`
			} `json:"config_groups"`
		} `json:"quantization_config"`
	}
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	format, strategy := "pack-quantized", map[string]string{option.PerTensor: "channel", option.PerChannel: "channel", option.PerGroup: "group"}[o.Granularity]
	if o.Bits == 8 && o.Granularity != option.PerGroup {
		format = "int-quantized"
		if o.Granularity == option.PerTensor {
			strategy = "tensor"
		}
	}
	g := c.Q.Groups["group_0"]
	w := g.Weights
	if c.Q.Method != "compressed-tensors" || c.Q.Format != format || c.Q.Status != "compressed" || !slices.Equal(g.Targets, []string{"Linear"}) ||
		w["num_bits"] != float64(o.Bits) || w["strategy"] != strategy || w["symmetric"] != (o.Mapping == quant.Symmetric) || w["type"] != "int" {
		t.Errorf("configuration\n%s", text)
	}
	if size, there := w["group_size"]; there != (strategy == "group") || there && size != float64(o.GroupSize) {
		t.Errorf("configuration\n%s", text)
	}
	if activations := format == "int-quantized" && o.Mapping == quant.Symmetric; activations != (g.Inputs["strategy"] == "token") {
		t.Errorf("configuration\n%s", text)
	}
	want := []string{"a.embed_tokens", "lm_head"}
	for _, l := range r.Left {
		if strings.HasPrefix(l.Reason, "its rows of") {
			want = append(want, strings.TrimSuffix(l.Name, ".weight"))
		}
	}
	if slices.Sort(want); !slices.Equal(c.Q.Ignore, want) {
		t.Errorf("ignored are %q, want %q", c.Q.Ignore, want)
	}
}

// checkBackST turns what was quantized back, and compares it with what the
// library makes of it.
func checkBackST(t *testing.T, r *Result, dir string, inputs []stInput, o Options) {
	t.Helper()
	for _, config := range []bool{true, false} {
		out := filepath.Join(dir, fmt.Sprint("back", config))
		if !config { // bits and groups can be told from shapes
			if err := os.Remove(filepath.Join(dir, "config.json")); err != nil {
				t.Fatal(err)
			}
		}
		back, err := convertST(t, Dequantize, dir, out, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if len(back.Weights) != len(r.Weights) || len(back.Left) != len(r.Left) {
			t.Errorf("%d weights came back of %d, %d left of %d", len(back.Weights), len(r.Weights), len(back.Left), len(r.Left))
		}
		got := parseST(t, filepath.Join(out, "model.safetensors"))
		if len(got.tensors) != len(inputs) {
			t.Errorf("%d tensors came back of %d", len(got.tensors), len(inputs))
		}
		for _, x := range inputs {
			k := slices.IndexFunc(r.Weights, func(w Weight) bool { return w.Name == x.name })
			if k < 0 {
				if y := got.tensors[x.name]; !bytes.Equal(y.data, x.data) || y.dtype != x.dtype || !slices.Equal(y.shape, x.shape) {
					t.Errorf("%s came back as another", x.name)
				}
				continue
			}
			tensor := quant.Tensor{Data: floatsOf(x), Shape: x.shape}
			p, err := quant.Calibrate(tensor, r.Weights[k].Scheme)
			if err != nil {
				t.Fatal(err)
			}
			q, err := quant.Quantize(tensor, p)
			if err != nil {
				t.Fatal(err)
			}
			want, err := quant.Dequantize(q)
			if err != nil {
				t.Fatal(err)
			}
			if values := got.floats(t, x.name, x.shape...); !slices.Equal(values, want.Data) {
				t.Errorf("%s came back with other values", x.name)
			}
		}
		if !config {
			continue
		}
		text, err := os.ReadFile(filepath.Join(out, "config.json"))
		if err != nil || bytes.Contains(text, []byte("quantization_config")) {
			t.Errorf("configuration\n%s%v", text, err)
		}
	}
}

func TestSafetensorsShards(t *testing.T) {
	dir := t.TempDir()
	w := weightsST()
	writeST(t, filepath.Join(dir, "in", "s-1.safetensors"), w[:5]...)
	writeST(t, filepath.Join(dir, "in", "sub", "s-2.safetensors"), w[5:]...)
	where := make(map[string]string)
	for i, x := range w {
		where[x.name] = "s-1.safetensors"
		if i >= 5 {
			where[x.name] = "sub/s-2.safetensors"
		}
	}
	index, err := json.Marshal(map[string]any{"weight_map": where})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "in", "model.safetensors.index.json")
	if err := os.WriteFile(path, index, 0o600); err != nil {
		t.Fatal(err)
	}
	o := Options{Bits: 4, Mapping: quant.Asymmetric, Granularity: option.PerGroup, GroupSize: 12}
	out := filepath.Join(dir, "out")
	r, err := convertST(t, Quantize, path, out, o)
	if err != nil {
		t.Fatal(err)
	}
	size := int64(0)
	for _, name := range []string{"s-1.safetensors", "sub/s-2.safetensors", "model.safetensors.index.json"} {
		st, err := os.Stat(filepath.Join(dir, "in", name))
		if err != nil {
			t.Fatal(err)
		}
		size += st.Size()
	}
	if r.Read != size {
		t.Errorf("%d bytes were read, not %d", r.Read, size)
	}
	var got struct {
		Metadata map[string]int64  `json:"metadata"`
		Where    map[string]string `json:"weight_map"`
	}
	text, err := os.ReadFile(filepath.Join(out, "model.safetensors.index.json"))
	if err == nil {
		err = json.Unmarshal(text, &got)
	}
	if err != nil {
		t.Fatal(err)
	}
	total, n := int64(0), 0
	for _, name := range []string{"s-1.safetensors", "s-2.safetensors"} {
		f := parseST(t, filepath.Join(out, name))
		if f.metadata["of"] != name {
			t.Errorf("%s: metadata %v", name, f.metadata)
		}
		for tensor, x := range f.tensors {
			n++
			total += int64(len(x.data))
			if got.Where[tensor] != name {
				t.Errorf("index has %s in %q, not in %s", tensor, got.Where[tensor], name)
			}
		}
	}
	if n != len(got.Where) || got.Metadata["total_size"] != total {
		t.Errorf("index\n%s", text)
	}
	// It reads as a model, and comes back as one.
	f, err := tensorfile.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	back, err := convertST(t, Dequantize, out, filepath.Join(dir, "back"), Options{})
	if err != nil || len(back.Weights) != len(r.Weights) {
		t.Errorf("%+v, %v", back, err)
	}
	if _, err := convertST(t, Quantize, path, filepath.Join(dir, "one.safetensors"), o); err == nil || err.Error() != "a model of 2 files is written to a folder" {
		t.Errorf("error %v", err)
	}
}

// A model of one file has its configuration beside it.
func TestSafetensorsFile(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "in", "x.safetensors")
	writeST(t, in, weightsST()...)
	o := Options{Bits: 8, Mapping: quant.Symmetric, Granularity: option.PerChannel, Include: []string{"a.0.*", "lm_head.weight"}, Exclude: []string{"*.odd.*"}}
	if err := os.Mkdir(filepath.Join(dir, "out"), 0o700); err != nil {
		t.Fatal(err)
	}
	r, err := convertST(t, Quantize, in, filepath.Join(dir, "out", "y.safetensors"), o)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, w := range r.Weights {
		names = append(names, w.Name)
	}
	if want := []string{"lm_head.weight", "a.0.proj.weight", "a.0.down.weight"}; !slices.Equal(names, want) {
		t.Errorf("quantized are %q, want %q", names, want)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "out", "config.json")); err != nil || !bytes.Contains(text, []byte(`"a.0.odd"`)) {
		t.Errorf("configuration\n%s%v", text, err)
	}
	// Some are turned back, and from then on ignored.
	b, err := convertST(t, Dequantize, filepath.Join(dir, "out"), filepath.Join(dir, "back"), Options{Include: []string{"lm_head.weight"}})
	if err != nil || len(b.Weights) != 1 {
		t.Fatalf("%+v, %v", b, err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "back", "config.json"))
	if err != nil || !bytes.Contains(text, []byte(`"a.0.odd"`)) || !bytes.Contains(text, []byte(`"lm_head"`)) {
		t.Errorf("configuration\n%s%v", text, err)
	}
	got := parseST(t, filepath.Join(dir, "back", "model.safetensors"))
	if got.tensors["lm_head.weight"].dtype != "F32" || got.tensors["a.0.proj.weight"].dtype != "I8" || got.tensors["a.0.proj.weight_scale"].dtype != "F32" {
		t.Error("others came back than were to")
	}
}

func TestSafetensorsErrors(t *testing.T) {
	dir := t.TempDir()
	nan := random(64 * 64)
	nan[70] = float32(math.NaN())
	channel := Options{Bits: 8, Mapping: quant.Symmetric, Granularity: option.PerChannel}
	writeST(t, filepath.Join(dir, "nan.safetensors"), stInput{"x.weight", "F32", []int{64, 64}, stBytes("F32", nan)})
	writeST(t, filepath.Join(dir, "taken.safetensors"),
		stInput{"x.weight", "F32", []int{64, 64}, make([]byte, 64*64*4)}, stInput{"x.weight_scale", "F32", []int{1}, make([]byte, 4)})
	writeST(t, filepath.Join(dir, "done", "x.safetensors"), stInput{"x.weight", "F32", []int{64, 64}, make([]byte, 64*64*4)})
	if err := os.WriteFile(filepath.Join(dir, "done", "config.json"), []byte(`{"quantization_config":{}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	one := 1
	for _, c := range []struct {
		in   string
		o    Options
		want string
	}{
		{"nan.safetensors", channel, `tensor "x.weight": NaN`},
		{"taken.safetensors", channel, `tensor "x.weight_scale": the file has one of this name, which is to be written`},
		{"done", channel, "the model is quantized already: its config.json has a quantization_config"},
		{"nan.safetensors", Options{Bits: 5}, "5 bits: compressed-tensors has 8, 4 and 2"},
		{"nan.safetensors", Options{Bits: 8, Unsigned: true}, "unsigned: codes of compressed-tensors are signed"},
		{"nan.safetensors", Options{Bits: 8, Axis: &one}, "axis 1: compressed-tensors has output channels on axis 0"},
		{"nan.safetensors", Options{Bits: 8, Granularity: option.PerChannel, Exclude: []string{"y*"}}, `no tensor matches "y*"`},
		{"none", channel, "no such file"},
	} {
		out := filepath.Join(dir, "out")
		_, err := convertST(t, Quantize, filepath.Join(dir, c.in), out, c.o)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want %q", c.in, err, c.want)
		}
		if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: something is written: %v", c.in, err)
		}
	}
}

// Files beside a model are not copied from elsewhere.
func TestSafetensorsLinks(t *testing.T) {
	o := Options{Bits: 8, Mapping: quant.Symmetric, Granularity: option.PerChannel}
	for _, name := range []string{"tokenizer.json", "config.json"} {
		dir := t.TempDir()
		writeST(t, filepath.Join(dir, "in", "model.safetensors"), weightsST()...)
		if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join("..", "secret"), filepath.Join(dir, "in", name)); err != nil {
			t.Skip(err)
		}
		_, err := convertST(t, Quantize, filepath.Join(dir, "in"), filepath.Join(dir, "out"), o)
		if err == nil || err.Error() != name+": path escapes from parent" {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// dequantizeST writes a file and turns it back.
func dequantizeST(t *testing.T, tensors ...stInput) error {
	dir := t.TempDir()
	writeST(t, filepath.Join(dir, "in.safetensors"), tensors...)
	set := atomicfile.Dry(filepath.Join(dir, "out"), true)
	_, err := DequantizeSafetensors(context.Background(), filepath.Join(dir, "in.safetensors"), set, Options{}, nil)
	return err
}

// TestDequantizeSmallFloats turns 8-bit floats without scales into float32, in the presence of
// other tensors.
func TestDequantizeSmallFloats(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.safetensors"), filepath.Join(dir, "out.safetensors")
	writeST(t, in, stInput{"scaled_fp8", "F8_E4M3", []int{0}, nil}, stInput{"a.weight", "F8_E4M3", []int{2, 2}, []byte{0x38, 0x40, 0xb8, 0x7e}},
		stInput{"a.bias", "F8_E5M2", []int{2}, []byte{0x3c, 0x7b}}, stInput{"n.weight", "F32", []int{1}, stBytes("F32", []float32{7})})
	set, err := atomicfile.New(out, true)
	if err != nil {
		t.Fatal(err)
	}
	r, err := DequantizeSafetensors(context.Background(), in, set, Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := set.Commit(); err != nil {
		t.Fatal(err)
	}
	if len(r.Weights) != 2 || len(r.Left) != 1 || r.Left[0].Reason != reasonFloats {
		t.Errorf("%+v", r)
	}
	f, err := tensorfile.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := map[string][]float32{"a.weight": {1, 2, -1, 448}, "a.bias": {1, 57344}, "n.weight": {7}}
	for i, info := range f.Tensors() {
		got, err := f.Load(i)
		if err != nil || info.DType != "F32" || !slices.Equal(got, want[info.Name]) {
			t.Errorf("%+v: %v, error %v, want %v", info, got, err, want[info.Name])
		}
	}
	if len(f.Tensors()) != len(want) {
		t.Errorf("%+v", f.Tensors())
	}
}

func TestDequantizeSafetensorsErrors(t *testing.T) {
	i64 := func(x ...int64) []byte {
		b, _ := binary.Append(nil, binary.LittleEndian, x)
		return b
	}
	ones := stBytes("F32", []float32{1, 1, 1, 1})
	codes := stInput{"x.weight", "I8", []int{2, 8}, make([]byte, 16)}
	packed := stInput{"x.weight_packed", "I32", []int{2, 2}, make([]byte, 16)}
	scale := stInput{"x.weight_scale", "F32", []int{2, 1}, ones[:8]}
	shape := stInput{"x.weight_shape", "I64", []int{2}, i64(2, 16)}
	for _, c := range []struct {
		tensors []stInput
		want    string
	}{
		{[]stInput{codes, scale}, ""},
		{[]stInput{packed, scale, shape}, ""},
		{[]stInput{codes}, "there are no quantized weights in a layout that is read"},
		{[]stInput{packed, scale}, "no weight_shape of two I64"},
		{[]stInput{packed, scale, {"x.weight_shape", "I64", []int{2}, i64(2, 1<<62)}}, "does not go with 2 rows of 2 words"},
		{[]stInput{packed, scale, {"x.weight_shape", "I64", []int{2}, i64(3, 8)}}, "does not go with 2 rows of 2 words"},
		{[]stInput{packed, scale, {"x.weight_shape", "I64", []int{2}, i64(2, 32)}}, ""},
		{[]stInput{packed, scale, {"x.weight_shape", "I64", []int{2}, i64(2, 7)}}, ""},
		{[]stInput{packed, scale, {"x.weight_shape", "I64", []int{2}, i64(2, -8)}}, "does not go with 2 rows of 2 words"},
		{[]stInput{packed, scale, {"x.weight_shape", "I64", []int{2}, i64(2, 0)}}, "the width of 0 codes in 2 words is not known"},
		{[]stInput{packed, scale, {"x.weight_shape", "I64", []int{2}, i64(2, 1)}}, "the width of 1 codes in 2 words is not known"},
		{[]stInput{packed, scale, shape, {"x.weight_g_idx", "I32", []int{1}, ones[:4]}}, "not the group of each of 16 columns"},
		{[]stInput{codes, {"x.weight_scale", "F32", []int{4}, ones}}, "weight_scale of shape [4] does not go with 2×8"},
		{[]stInput{codes, {"x.weight_scale", "F32", []int{0, 2}, nil}}, "weight_scale of shape [0 2] does not go with 2×8"},
		{[]stInput{codes, {"x.weight_scale", "I32", []int{2, 1}, ones[:8]}}, "weight_scale is I32"},
		{[]stInput{codes, {"x.weight_scale", "F32", []int{2, 1}, make([]byte, 8)}}, "scale"},
		{[]stInput{codes, scale, {"x.weight_zero_point", "I8", []int{1}, make([]byte, 1)}}, "weight_zero_point is I8 of shape [1]"},
		{[]stInput{packed, scale, shape, {"x.weight_zero_point", "I32", []int{2, 1}, make([]byte, 8)}}, "weight_zero_point is I32 of shape [2 1]"},
		{[]stInput{packed, {"x.weight_scale", "F32", []int{2}, ones[:8]}, shape, {"x.weight_zero_point", "I32", []int{1, 1}, make([]byte, 4)}}, ""},
		{[]stInput{packed, {"x.weight_scale", "F32", []int{2}, ones[:8]}, shape, {"x.weight_zero_point", "I32", []int{1, 2}, make([]byte, 8)}}, "weight_zero_point is I32 of shape [1 2]"},
	} {
		err := dequantizeST(t, c.tensors...)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

// FuzzDequantizeSafetensors turns back what others say are codes.
func FuzzDequantizeSafetensors(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8}, int64(2), int64(8), uint8(2), uint8(1), uint8(1), "I8")
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8}, int64(1), int64(1<<40), uint8(1), uint8(2), uint8(2), "I32")
	f.Fuzz(func(t *testing.T, data []byte, rows, cols int64, words, scales, zeros uint8, zeroType string) {
		n := len(data) / 4
		if words == 0 || n/int(words) == 0 {
			return
		}
		size := map[string]int{"I8": 1, "I32": 4}[zeroType]
		dims, _ := binary.Append(nil, binary.LittleEndian, []int64{rows, cols})
		packed := stInput{"x.weight_packed", "I32", []int{n / int(words), int(words)}, data[:n/int(words)*int(words)*4]}
		scale := stInput{"x.weight_scale", "F32", []int{packed.shape[0], int(scales)}, bytes.Repeat([]byte{0, 0, 0x80, 0x3f}, packed.shape[0]*int(scales))}
		zero := stInput{"x.weight_zero_point", zeroType, []int{int(zeros), int(scales)}, make([]byte, int(zeros)*int(scales)*size)}
		tensors := []stInput{packed, scale, {"x.weight_shape", "I64", []int{2}, dims}}
		if size > 0 {
			tensors = append(tensors, zero)
		}
		if err := dequantizeST(t, tensors...); err != nil && strings.ContainsAny(err.Error(), "\r\n") {
			t.Errorf("error %q", err)
		}
	})
}

var _ io.Writer = (*stFile)(nil)
