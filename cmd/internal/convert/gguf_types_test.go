package convert

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/gguf"
	"github.com/a01592f9/quant/cmd/internal/gguf/gguftest"
)

func rules(t *testing.T, list ...string) (rules gguf.Rules) {
	t.Helper()
	for _, s := range list {
		r, err := gguf.ParseRule(s)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, r)
	}
	return rules
}

// typedModel has weights whose rows are whole blocks of 256, of 32 and of neither.
func typedModel() []byte {
	b := gguftest.New().Text("general.architecture", "llama")
	add := func(name string, typ gguf.Type, dims ...uint64) {
		_, data := normals(int(dims[0]*dims[1]), typ)
		b.Tensor(name, uint32(typ), data, dims...)
	}
	add("blk.0.attn_q.weight", gguf.F32, 512, 40)
	add("blk.0.attn_v.weight", gguf.BF16, 512, 40)
	add("blk.0.ffn_down.weight", gguf.F16, 96, 40)
	add("blk.0.odd.weight", gguf.F32, 33, 40)
	add("output.weight", gguf.F16, 256, 40)
	return b.Bytes()
}

// TestGGUFTypes quantizes to every type, with other types for some tensors.
func TestGGUFTypes(t *testing.T) {
	data := typedModel()
	in := write(t, data)
	before := parseGGUF(t, data)
	for _, test := range []struct {
		typ      string
		rules    []string
		types    []gguf.Type // of the tensors
		fileType string
	}{
		{"q4_0", nil, []gguf.Type{gguf.Q4_0, gguf.Q4_0, gguf.Q4_0, gguf.F32, gguf.Q4_0}, "2"},
		{"q4_1", nil, []gguf.Type{gguf.Q4_1, gguf.Q4_1, gguf.Q4_1, gguf.F32, gguf.Q4_1}, "3"},
		{"q5_0", nil, []gguf.Type{gguf.Q5_0, gguf.Q5_0, gguf.Q5_0, gguf.F32, gguf.Q5_0}, "8"},
		{"q5_1", nil, []gguf.Type{gguf.Q5_1, gguf.Q5_1, gguf.Q5_1, gguf.F32, gguf.Q5_1}, "9"},
		{"Q4_K", nil, []gguf.Type{gguf.Q4_K, gguf.Q4_K, gguf.Q5_0, gguf.F32, gguf.Q4_K}, "14"},
		{"q5_k", nil, []gguf.Type{gguf.Q5_K, gguf.Q5_K, gguf.Q5_1, gguf.F32, gguf.Q5_K}, "16"},
		{"q6_k", nil, []gguf.Type{gguf.Q6_K, gguf.Q6_K, gguf.Q8_0, gguf.F32, gguf.Q6_K}, "18"},
		{"iq4_nl", nil, []gguf.Type{gguf.IQ4_NL, gguf.IQ4_NL, gguf.IQ4_NL, gguf.F32, gguf.IQ4_NL}, "25"},
		{"mxfp4", nil, []gguf.Type{gguf.MXFP4, gguf.MXFP4, gguf.MXFP4, gguf.F32, gguf.MXFP4}, "38"},
		{"f16", nil, []gguf.Type{gguf.F16, gguf.F16, gguf.F16, gguf.F32, gguf.F16}, "1"},
		{"q4_k", []string{"attn_v=q6_k", "output=f16", "ffn=q8_0"}, []gguf.Type{gguf.Q4_K, gguf.Q6_K, gguf.Q8_0, gguf.F32, gguf.F16}, "14"},
		{"", []string{"attn_v=q6_k"}, []gguf.Type{gguf.Q8_0, gguf.Q6_K, gguf.Q8_0, gguf.F32, gguf.Q8_0}, "7"},
	} {
		t.Run(test.typ+" "+test.types[1].String(), func(t *testing.T) {
			r, got := converted(t, GGUF, in, Options{Bits: 8, Type: test.typ, TensorTypes: rules(t, test.rules...), Measure: true})
			after := parseGGUF(t, got)
			for i, from := range before.Tensors {
				to := after.Tensors[i]
				if to.Type != test.types[i] {
					t.Errorf("%s is %s, want %s", to.Name, to.Type, test.types[i])
					continue
				}
				raw := got[to.Offset:][:to.Bytes]
				want := data[from.Offset:][:from.Bytes]
				if to.Type != from.Type {
					x := make([]float32, from.Elements())
					if err := before.ReadFloats(i, x, 0); err != nil {
						t.Fatal(err)
					}
					want = make([]byte, to.Bytes)
					if err := to.Type.Encode(want, x); err != nil {
						t.Fatal(err)
					}
				}
				if !bytes.Equal(raw, want) {
					t.Errorf("%s of %s has other bytes", to.Name, to.Type)
				}
			}
			for _, w := range r.Weights {
				checkMetrics(t, w, before, after)
			}
			if text, err := after.Text("general.file_type"); err != nil || text != test.fileType {
				t.Errorf("file type is %s, want %s: %v", text, test.fileType, err)
			}
			if len(r.Weights)+len(r.Left) != len(before.Tensors) {
				t.Errorf("%d quantized and %d left", len(r.Weights), len(r.Left))
			}
		})
	}
}

func TestGGUFTypeErrors(t *testing.T) {
	in := write(t, typedModel())
	for _, test := range []struct {
		o    Options
		want string
	}{
		{Options{Type: "q7"}, `"q7" is no type of ggml`},
		{Options{Type: "iq2_xs"}, "type IQ2_XS is read but not written; types that are written are " + gguf.Written()},
		{Options{Type: "q6_k", GroupSize: 32}, "group size 32: Q6_K has groups of 16"},
		{Options{Type: "f16", GroupSize: 32}, "granularity: F16 has no scales"},
		{Options{Type: "q4_k", NarrowRange: true}, "narrow range: Q4_K says which codes there are"},
		{Options{Bits: 8, TensorTypes: rules(t, "attn_v=q6_k", "ffn_up=q4_k")}, `no tensor matches "ffn_up", which gives tensors a type`},
	} {
		out, err := atomicfile.New(filepath.Join(t.TempDir(), "out.gguf"), false)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := GGUF(t.Context(), in, out, test.o, nil); err == nil || err.Error() != test.want {
			t.Errorf("%+v: error is %v, want %s", test.o, err, test.want)
		}
		out.Abort()
	}
}

// TestGGUFParts makes one file of a model in parts, by any part and by the
// folder.
func TestGGUFParts(t *testing.T) {
	const cases = "../gguf/testdata/cases/"
	dir := t.TempDir()
	for _, name := range []string{"s-00001-of-00002.gguf", "s-00002-of-00002.gguf"} {
		data, err := os.ReadFile(cases + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, in := range []string{dir, filepath.Join(dir, "s-00001-of-00002.gguf"), filepath.Join(dir, "s-00002-of-00002.gguf"), cases + "first-00001-of-00002.gguf"} {
		if kind, folder, err := KindOf(in); kind != KindGGUF || folder || err != nil {
			t.Fatalf("%s is %s, a folder: %v, %v", in, kind, folder, err)
		}
		from, err := gguf.Open(in)
		if err != nil {
			t.Fatal(err)
		}
		defer from.Close()
		path := filepath.Join(t.TempDir(), "whole.gguf")
		out, err := atomicfile.New(path, false)
		if err != nil {
			t.Fatal(err)
		}
		defer out.Abort()
		r, err := Quantize(t.Context(), KindGGUF, in, out, Options{Bits: 8}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := out.Commit(); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		whole := parseGGUF(t, data)
		if len(whole.Tensors) != len(from.Tensors) || r.Read != from.Size() {
			t.Errorf("%s: %d tensors of %d, from %d bytes", in, len(whole.Tensors), len(from.Tensors), r.Read)
		}
		for _, v := range whole.Metadata {
			if v.Key == "split.count" || v.Key == "split.no" || v.Key == "split.tensors.count" {
				t.Errorf("%s: the whole has the key %s", in, v.Key)
			}
		}
	}
}
