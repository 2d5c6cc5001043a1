package convert

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/gguf"
	"github.com/a01592f9/quant/cmd/internal/gguf/gguftest"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/internal/summary"
)

// normals returns n numbers, and their bytes as a type.
func normals(n int, t gguf.Type) ([]float32, []byte) {
	r := rand.New(rand.NewPCG(uint64(n), uint64(t)))
	x := make([]float32, n)
	var b []byte
	for i := range x {
		x[i] = float32(r.NormFloat64())
		switch t {
		case gguf.F16:
			h := uint16(r.UintN(0x7c00)) | uint16(r.UintN(2))<<15
			quant.WidenFloat16(x[i:i+1], []uint16{h})
			b = binary.LittleEndian.AppendUint16(b, h)
		case gguf.BF16:
			h := uint16(math.Float32bits(x[i]) >> 16)
			quant.WidenBFloat16(x[i:i+1], []uint16{h})
			b = binary.LittleEndian.AppendUint16(b, h)
		default:
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x[i]))
		}
	}
	return x, b
}

// model is a file with tensors of every fate.
func model() *gguftest.Builder {
	b := gguftest.New()
	b.Text("general.architecture", "llama").
		Value("tokenizer.ggml.tokens", 9, gguftest.U32(8), gguftest.U64(2), gguftest.String("a"), gguftest.String("b")).
		Number("general.file_type", 1).
		Text("general.name", "a test")
	add := func(name string, t gguf.Type, dims ...uint64) {
		n := 1
		for _, d := range dims {
			n *= int(d)
		}
		_, data := normals(n, t)
		b.Tensor(name, uint32(t), data, dims...)
	}
	add("token_embd.weight", gguf.F16, 64, 100)
	add("blk.0.attn_q.weight", gguf.BF16, 64, 64)
	add("blk.0.attn_norm.weight", gguf.F32, 64)
	add("blk.0.ffn_up_exps.weight", gguf.F32, 64, 96, 2)
	add("blk.0.ffn_gate_inp.weight", gguf.F32, 64, 4)
	add("blk.0.odd.weight", gguf.F32, 33, 4)
	add("blk.0.attn_q.bias", gguf.F32, 64, 2)
	b.Tensor("blk.0.ffn_down.weight", 31, make([]byte, 18*16), 256, 2) // Q4_0_4_4
	b.Tensor("ids", 26, make([]byte, 4*64*2), 64, 2)                   // I32
	add("large.weight", gguf.F32, 1<<10, 600)                          // several blocks of work
	return b
}

func write(t *testing.T, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.gguf")
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

type converter func(ctx context.Context, in string, out *atomicfile.Set, o Options, p Progress) (*Result, error)

// converted runs f and returns the file that it made.
func converted(t *testing.T, f converter, in string, o Options) (*Result, []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "out.gguf")
	out, err := atomicfile.New(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Abort()
	last, total := int64(0), int64(0)
	r, err := f(t.Context(), in, out, o, func(done, all int64) {
		if done < last {
			t.Errorf("progress goes from %d back to %d", last, done)
		}
		last, total = done, all
	})
	if err != nil {
		t.Fatal(err)
	}
	measured := int64(0) // weights are read again to measure their errors
	for _, w := range r.Weights {
		if o.Measure {
			measured += w.Before
		}
	}
	if st, err := os.Stat(in); err != nil || last != total || total != st.Size()+measured {
		t.Errorf("progress ends at %d of %d: %v", last, total, err)
	}
	if err := out.Commit(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return r, data
}

func parseGGUF(t *testing.T, data []byte) *gguf.File {
	t.Helper()
	f, err := gguf.Parse(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestGGUF(t *testing.T) {
	reasons := map[string]string{
		"blk.0.attn_norm.weight":    reasonVector,
		"blk.0.ffn_gate_inp.weight": reasonRuntime,
		"blk.0.odd.weight":          reasonRows,
		"blk.0.attn_q.bias":         reasonRuntime,
		"blk.0.ffn_down.weight":     reasonQuantized,
		"ids":                       summary.NotFloating("I32"),
	}
	for _, test := range []struct {
		bits     int
		to       gguf.Type
		fileType string
	}{{8, gguf.Q8_0, "7"}, {4, gguf.Q4_0, "2"}} {
		for _, align := range []int{32, 128} {
			t.Run(fmt.Sprint(test.to, align), func(t *testing.T) {
				b := model()
				if align != 32 {
					b = gguftest.New()
					b.Align = align
					b.Number("general.alignment", uint32(align)).Number("general.quantization_version", 1)
					_, data := normals(64, gguf.F32)
					b.Tensor("a.weight", 0, data, 32, 2).Tensor("b.weight", 0, data, 64)
				}
				data := b.Bytes()
				in := write(t, data)
				r, got := converted(t, GGUF, in, Options{Bits: test.bits, Measure: true})
				before, after := parseGGUF(t, data), parseGGUF(t, got)
				if len(r.Weights)+len(r.Left) != len(before.Tensors) || after.Align != int64(align) || len(got)%align != 0 {
					t.Errorf("%d quantized and %d left of %d; alignment %d in %d bytes",
						len(r.Weights), len(r.Left), len(before.Tensors), after.Align, len(got))
				}
				for key, want := range map[string]string{"general.file_type": test.fileType, "general.quantization_version": "2"} {
					if text, err := after.Text(key); err != nil || text != want {
						t.Errorf("%s is %q, want %q: %v", key, text, want, err)
					}
				}
				for _, l := range r.Left {
					if why := reasons[l.Name]; why != l.Reason && align == 32 {
						t.Errorf("%s left because %s, want %s", l.Name, l.Reason, why)
					}
				}
				at := after.DataStart
				for i, from := range before.Tensors {
					to := after.Tensors[i]
					if to.Name != from.Name || !slices.Equal(to.Shape, from.Shape) || to.Offset != at {
						t.Errorf("tensor %d is %+v, want %+v at %d", i, to, from, at)
					}
					at = (to.Offset + to.Bytes + int64(align) - 1) / int64(align) * int64(align)
					raw := got[to.Offset:][:to.Bytes]
					if to.Type == from.Type {
						if !bytes.Equal(raw, data[from.Offset:][:from.Bytes]) {
							t.Errorf("%s has other bytes", to.Name)
						}
						continue
					}
					x := make([]float32, from.Elements())
					if err := before.ReadFloats(i, x, 0); err != nil {
						t.Fatal(err)
					}
					want := make([]byte, to.Bytes)
					if err := test.to.Quantize(want, x); err != nil {
						t.Fatal(err)
					}
					if to.Type != test.to || !bytes.Equal(raw, want) {
						t.Errorf("%s of %s has other bytes", to.Name, to.Type)
					}
				}
				for _, w := range r.Weights {
					checkMetrics(t, w, before, after)
					if w.Scheme.Bits != test.bits || w.Axis != len(w.Shape)-1 || w.After >= w.Before {
						t.Errorf("weight is %+v", w)
					}
				}

				// And back.
				q := write(t, got)
				_, back := converted(t, DequantizeGGUF, q, Options{})
				float := parseGGUF(t, back)
				for i, to := range float.Tensors {
					from := after.Tensors[i]
					if !from.Type.Readable() {
						if to.Type != from.Type {
							t.Errorf("%s is %s", to.Name, to.Type)
						}
						continue
					}
					want, have := make([]float32, to.Elements()), make([]float32, to.Elements())
					if err := errors.Join(after.ReadFloats(i, want, 0), float.ReadFloats(i, have, 0)); err != nil {
						t.Fatal(err)
					}
					if to.Type != gguf.F32 || !slices.Equal(have, want) {
						t.Errorf("%s of %s has other values", to.Name, to.Type)
					}
				}
				wantType := test.fileType // Q4_0_4_4 is left
				if align != 32 {
					wantType = "0"
				}
				if text, _ := float.Text("general.file_type"); text != wantType {
					t.Errorf("file type is %s after dequantizing", text)
				}
			})
		}
	}
}

// checkMetrics compares the errors of a weight with what two files hold.
func checkMetrics(t *testing.T, w Weight, before, after *gguf.File) {
	t.Helper()
	i := slices.IndexFunc(before.Tensors, func(t gguf.Tensor) bool { return t.Name == w.Name })
	x, y := make([]float32, before.Tensors[i].Elements()), make([]float32, before.Tensors[i].Elements())
	if err := errors.Join(before.ReadFloats(i, x, 0), after.ReadFloats(i, y, 0)); err != nil {
		t.Fatal(err)
	}
	var abs, sq, squares, most float64
	for j := range x {
		e := math.Abs(float64(y[j] - x[j]))
		abs, sq, squares, most = abs+e, sq+e*e, squares+float64(x[j])*float64(x[j]), max(most, e)
	}
	n := float64(len(x))
	near := func(got, want float64) bool { return got == want || math.Abs(got-want) <= 1e-9*math.Abs(want) }
	ends := map[string]bool{"Q4_0": true, "Q5_0": true, "Q8_0": false, "Q4_1": false, "Q5_1": false, "F16": false} // whether some are clipped
	clips, known := ends[w.Type]
	// They are what a comparison of the two files says, to the last bit.
	d, err := quant.Difference(quant.Tensor{Data: x, Shape: w.Shape}, quant.Tensor{Data: y, Shape: w.Shape}, quant.PerTensor, w.Scheme.Granularity)
	if err != nil {
		t.Fatal(err)
	}
	if w.Metrics != nil {
		if d.Clipped = w.Metrics.Clipped; d.Metrics != *w.Metrics {
			t.Errorf("%s: %+v, but the difference is %+v", w.Name, *w.Metrics, d.Metrics)
		}
	}
	if m := w.Metrics; m == nil || m.N != len(x) || !near(m.MAE, abs/n) || !near(m.RMSE, math.Sqrt(sq/n)) || m.MaxError != most ||
		!near(m.SQNR, 10*math.Log10(squares/sq)) || len(x) > 1000 && known && (m.Clipped > 0) != clips {
		t.Errorf("%s: errors are %+v, want a mean of %g", w.Name, m, abs/n)
	}
}

// TestGGUFMetadata checks that metadata are what they were, byte for byte.
func TestGGUFMetadata(t *testing.T) {
	b := model()
	data := b.Bytes()
	_, got := converted(t, GGUF, write(t, data), Options{Bits: 8})
	end := bytes.Index(data, gguftest.String("token_embd.weight"))
	want := slices.Clone(data[:end])
	n := binary.LittleEndian.Uint64(want[16:])
	binary.LittleEndian.PutUint64(want[16:], n+1)
	at := bytes.Index(want, []byte("general.file_type")) + len("general.file_type") + 4
	want[at] = 7
	want = append(want, gguftest.String("general.quantization_version")...)
	want = append(want, 4, 0, 0, 0, 2, 0, 0, 0)
	if !bytes.HasPrefix(got, want) {
		t.Errorf("metadata are %q, want %q", got[:len(want)], want)
	}
}

func TestGGUFSelection(t *testing.T) {
	in := write(t, model().Bytes())
	names := func(o Options) string {
		o.Bits = 8
		r, _ := converted(t, GGUF, in, o)
		var s []string
		for _, w := range r.Weights {
			s = append(s, w.Name)
		}
		return strings.Join(s, " ")
	}
	all := "token_embd.weight blk.0.attn_q.weight blk.0.ffn_up_exps.weight large.weight"
	for _, test := range []struct {
		o    Options
		want string
	}{
		{Options{}, all},
		{Options{Include: []string{"*"}}, all},
		{Options{Include: []string{"blk.*"}}, "blk.0.attn_q.weight blk.0.ffn_up_exps.weight"},
		{Options{Exclude: []string{"blk.*"}}, "token_embd.weight large.weight"},
		{Options{Include: []string{"blk.*"}, Exclude: []string{"*attn*"}}, "blk.0.ffn_up_exps.weight"},
		{Options{Include: []string{"blk.0.ffn_gate_inp.weight"}}, "blk.0.ffn_gate_inp.weight"},
		{Options{Include: []string{"blk.0.odd.weight"}}, ""},
	} {
		if got := names(test.o); got != test.want {
			t.Errorf("%+v: %s, want %s", test.o, got, test.want)
		}
	}
}

func TestGGUFErrors(t *testing.T) {
	nan, _ := normals(1<<20, gguf.F32)
	nan[1<<19+5] = float32(math.NaN())
	huge := make([]float32, 64)
	huge[40] = 1e30
	b := gguftest.New().
		Tensor("ok.weight", 0, gguftest.Floats(make([]float32, 64)...), 32, 2).
		Tensor("nan.weight", 0, gguftest.Floats(nan...), 1024, 1024).
		Tensor("huge.weight", 0, gguftest.Floats(huge...), 32, 2)
	in := write(t, b.Bytes())
	axis := 0
	for _, test := range []struct {
		o    Options
		want string
	}{
		{Options{Bits: 5}, "5 bits: GGUF files are quantized to 8 (Q8_0) or 4 (Q4_0), or to a type that is named"},
		{Options{Bits: 8, Granularity: option.PerChannel}, "granularity per_channel: Q8_0 has groups of 32"},
		{Options{Bits: 4, GroupSize: 64}, "group size 64: Q4_0 has groups of 32"},
		{Options{Bits: 4, Axis: &axis}, "axis: groups of Q4_0 run along the rows of a tensor"},
		{Options{Bits: 4, Unsigned: true}, "unsigned: codes of Q4_0 are signed"},
		{Options{Bits: 4, NarrowRange: true}, "narrow range: Q4_0 uses the code -8"},
		{Options{Bits: 8, Exclude: []string{"none"}}, `no tensor matches "none"; there are "ok.weight", "nan.weight", "huge.weight"`},
		{Options{Bits: 8}, `tensor "nan.weight": NaN at index 524293`},
		{Options{Bits: 8, Exclude: []string{"nan*"}}, `tensor "huge.weight": 1e+30 in the block from index 32 on needs a scale beyond float16`},
	} {
		path := filepath.Join(t.TempDir(), "out.gguf")
		out, err := atomicfile.New(path, false)
		if err != nil {
			t.Fatal(err)
		}
		_, err = GGUF(t.Context(), in, out, test.o, nil)
		if err == nil || err.Error() != test.want {
			t.Errorf("%+v: error is %v, want %s", test.o, err, test.want)
		}
		out.Abort()
		if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 0 {
			t.Errorf("%+v: %v is left", test.o, left[0])
		}
	}

	out, err := atomicfile.New(filepath.Join(t.TempDir(), "out.gguf"), false)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Abort()
	ctx, cancel := context.WithCancel(t.Context())
	_, err = GGUF(ctx, write(t, model().Bytes()), out, Options{Bits: 8}, func(done, total int64) {
		if done > total/2 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := GGUF(t.Context(), write(t, []byte("GGUF")), out, Options{Bits: 8}, nil); err == nil {
		t.Error("no error for a file that is none")
	}
}
