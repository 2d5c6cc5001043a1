//go:build ggml && linux && amd64

package convert

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"github.com/ebitengine/purego"

	"github.com/a01592f9/quant/cmd/internal/gguf"
	"github.com/a01592f9/quant/cmd/internal/gguf/gguftest"
)

// llama is the functions of llama.cpp that the tests call. Its parameters are
// structures whose layout matters little here: they are passed on as they come.
type llama struct {
	backends       func(folder string)
	start          func()
	modelParams    func(p *opaque)
	contextParams  func(p *opaque)
	quantizeParams func(p *opaque)
	quantize       func(in, out string, p *opaque) uint32
	load           func(path string, p opaque) uintptr
	context        func(model uintptr, p opaque) uintptr
	batch          func(p *opaque, tokens *int32, n int32)
	decode         func(ctx uintptr, batch opaque) int32
	threads        func(ctx uintptr, one, many int32)
	logits         func(ctx uintptr, i int32) *float32
	describe       func(model uintptr, buf *byte, n uint64) int32
	freeContext    func(ctx uintptr)
	freeModel      func(model uintptr)
}

// opaque is larger than any structure of parameters. Those of more than 16
// bytes are returned where the first argument says, and passed on the stack,
// where words too many do no harm.
type opaque struct{ A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P, Q, R, S, T, U, V, W, X uint64 }

func loadLlama(t *testing.T) *llama {
	t.Helper()
	folder := os.Getenv("QUANT_GGML")
	if folder == "" {
		t.Fatal("QUANT_GGML does not say where libllama is")
	}
	open := func(pattern string) uintptr {
		names, _ := filepath.Glob(filepath.Join(folder, pattern))
		if len(names) != 1 {
			t.Fatalf("%d files are named %s", len(names), pattern)
		}
		lib, err := purego.Dlopen(names[0], purego.RTLD_NOW|purego.RTLD_GLOBAL)
		if err != nil {
			t.Fatal(err)
		}
		return lib
	}
	backends, lib := open("libggml.v*.so"), open("libllama.v*.so")
	l := new(llama)
	purego.RegisterLibFunc(&l.backends, backends, "ggml_backend_load_all_from_path")
	for name, f := range map[string]any{
		"llama_backend_init": &l.start, "llama_model_default_params": &l.modelParams, "llama_context_default_params": &l.contextParams,
		"llama_model_quantize_default_params": &l.quantizeParams, "llama_model_quantize": &l.quantize,
		"llama_model_load_from_file": &l.load, "llama_init_from_model": &l.context, "llama_batch_get_one": &l.batch,
		"llama_decode": &l.decode, "llama_set_n_threads": &l.threads, "llama_get_logits_ith": &l.logits, "llama_model_desc": &l.describe,
		"llama_free": &l.freeContext, "llama_model_free": &l.freeModel,
	} {
		purego.RegisterLibFunc(f, lib, name)
	}
	// It has much to say.
	var setLog func(callback, data uintptr)
	purego.RegisterLibFunc(&setLog, lib, "llama_log_set")
	setLog(purego.NewCallback(func(level int32, text, data uintptr) uintptr { return 0 }), 0)
	l.backends(folder)
	l.start()
	return l
}

// Of the model that llamaModel makes.
const (
	llamaVocabulary = 3 + 256
	llamaLayers     = 2
)

// Widths of the models: rows of the first are no blocks of 256, those of the
// second are.
const (
	llamaNarrow = 64
	llamaWide   = 256
)

// llamaModel makes a model of the architecture llama, with random weights of a
// type, F32, F16 or BF16, of a width, and a vocabulary of bytes.
func llamaModel(weights gguf.Type, width int) []byte {
	hidden := width * 5 / 2
	if width == llamaWide {
		hidden = 2 * llamaWide
	}
	b := gguftest.New()
	f32 := func(v float32) []byte { return gguftest.U32(math.Float32bits(v)) }
	b.Text("general.architecture", "llama").Text("general.name", "random").
		Number("llama.context_length", 128).Number("llama.embedding_length", uint32(width)).
		Number("llama.block_count", llamaLayers).Number("llama.feed_forward_length", uint32(hidden)).
		Number("llama.attention.head_count", 2).Number("llama.rope.dimension_count", uint32(width/2)).
		Value("llama.attention.layer_norm_rms_epsilon", uint32(gguf.Float32), f32(1e-5)).
		Number("llama.vocab_size", llamaVocabulary).
		Text("tokenizer.ggml.model", "llama")
	words, kinds := [][]byte{gguftest.String("<unk>"), gguftest.String("<s>"), gguftest.String("</s>")}, []uint32{2, 3, 3}
	for c := range 256 {
		words, kinds = append(words, gguftest.String(fmt.Sprintf("<0x%02X>", c))), append(kinds, 6)
	}
	list := func(t gguf.ValueType, items [][]byte) []byte {
		return gguftest.Cat(gguftest.U32(uint32(t)), gguftest.U64(uint64(len(items))), gguftest.Cat(items...))
	}
	scores, numbers := make([][]byte, len(words)), make([][]byte, len(words))
	for i := range words {
		scores[i], numbers[i] = f32(0), gguftest.U32(kinds[i])
	}
	b.Value("tokenizer.ggml.tokens", uint32(gguf.Array), list(gguf.String, words)).
		Value("tokenizer.ggml.scores", uint32(gguf.Array), list(gguf.Float32, scores)).
		Value("tokenizer.ggml.token_type", uint32(gguf.Array), list(gguf.Int32, numbers)).
		Number("tokenizer.ggml.bos_token_id", 1).Number("tokenizer.ggml.eos_token_id", 2)

	r := rand.New(rand.NewPCG(3, 4))
	add := func(name string, columns, rows int) {
		x := make([]float32, columns*max(rows, 1))
		for i := range x {
			x[i] = float32(r.NormFloat64()) / 4
			if rows == 0 {
				x[i] = 1
			}
		}
		if rows == 0 {
			b.Tensor(name, uint32(gguf.F32), gguftest.Floats(x...), uint64(columns))
			return
		}
		data := gguftest.Floats(x...)
		if weights != gguf.F32 {
			data = data[:0]
			for _, v := range x {
				h := uint16(math.Float32bits(v) >> 16)
				if weights == gguf.F16 {
					h = truncated(v)
				}
				data = binary.LittleEndian.AppendUint16(data, h)
			}
		}
		b.Tensor(name, uint32(weights), data, uint64(columns), uint64(rows))
	}
	// In the order that llama.cpp writes them in.
	add("output.weight", width, llamaVocabulary)
	add("output_norm.weight", width, 0)
	add("token_embd.weight", width, llamaVocabulary)
	for i := range llamaLayers {
		layer := fmt.Sprintf("blk.%d.", i)
		add(layer+"attn_k.weight", width, width)
		add(layer+"attn_norm.weight", width, 0)
		add(layer+"attn_output.weight", width, width)
		add(layer+"attn_q.weight", width, width)
		add(layer+"attn_v.weight", width, width)
		add(layer+"ffn_down.weight", hidden, width)
		add(layer+"ffn_gate.weight", width, hidden)
		add(layer+"ffn_norm.weight", width, 0)
		add(layer+"ffn_up.weight", width, hidden)
	}
	return b.Bytes()
}

// truncated is a float16 near x, which is not far from 1, or 0.
func truncated(x float32) uint16 {
	m, e := math.Frexp(math.Abs(float64(x)))
	if e < -10 {
		return 0
	}
	h := uint16(e+14)<<10 | uint16(m*2048)&0x3ff
	if x < 0 {
		h |= 0x8000
	}
	return h
}

// run loads a model and lets it go on from a few tokens, each time with the
// likeliest. It returns those and all logits.
func (l *llama) run(t *testing.T, path string) (tokens []int32, logits []float32, description string) {
	t.Helper()
	var p opaque
	l.modelParams(&p)
	model := l.load(path, p)
	if model == 0 {
		t.Fatalf("llama.cpp cannot load %s", path)
	}
	defer l.freeModel(model)
	buf := make([]byte, 200)
	n := l.describe(model, &buf[0], uint64(len(buf)))
	description = string(buf[:n])
	p = opaque{}
	l.contextParams(&p)
	ctx := l.context(model, p)
	if ctx == 0 {
		t.Fatalf("llama.cpp makes no context for %s", path)
	}
	defer l.freeContext(ctx)
	l.threads(ctx, 1, 1) // they would wait for each other, busily
	next := []int32{1, 'a' + 3, 'b' + 3, 'c' + 3}
	for range 8 {
		var batch opaque
		l.batch(&batch, &next[0], int32(len(next)))
		if code := l.decode(ctx, batch); code != 0 {
			t.Fatalf("llama_decode of %s returns %d", path, code)
		}
		x := unsafe.Slice(l.logits(ctx, -1), llamaVocabulary)
		best := 0
		for i, v := range x {
			if v > x[best] {
				best = i
			}
			if v != v {
				t.Fatalf("logit %d is NaN", i)
			}
		}
		logits = append(logits, x...)
		tokens = append(tokens, int32(best))
		next = []int32{int32(best)}
	}
	return tokens, logits, description
}

// TestGGMLModel quantizes a model and lets llama.cpp quantize it too, which makes
// the same file, and generates with it.
func TestGGMLModel(t *testing.T) {
	l := loadLlama(t)
	for _, weights := range []gguf.Type{gguf.F32, gguf.F16, gguf.BF16} {
		for _, width := range []int{llamaNarrow, llamaWide} {
			t.Run(fmt.Sprint(weights, width), func(t *testing.T) { l.model(t, write(t, llamaModel(weights, width))) })
		}
	}
}

// same compares a file with what llama.cpp's quantizer makes of in for a type of
// file.
func (l *llama) same(t *testing.T, name string, got []byte, in string, fileType uint32) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "theirs.gguf")
	var p opaque
	l.quantizeParams(&p)
	raw := (*[64]byte)(unsafe.Pointer(&p))
	copy(raw[0:4], gguftest.U32(1)) // thread
	copy(raw[4:8], gguftest.U32(fileType))
	raw[16] = 1 // what is quantized may be quantized again
	raw[19] = 1 // pure: the output head is given no other type
	if code := l.quantize(in, out, &p); code != 0 {
		t.Fatalf("llama_model_quantize returns %d", code)
	}
	want, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		f, g := parseGGUF(t, got), parseGGUF(t, want)
		t.Errorf("%s: the file differs from llama.cpp's: %+v, want %+v", name, f, g)
	}
}

func (l *llama) model(t *testing.T, in string) {
	_, plain, description := l.run(t, in)
	t.Logf("%s", description)
	for _, test := range []struct {
		name     string
		most     float64 // that logits may be off, of their size
		fileType int     // of llama.cpp's quantizer; -1 if that does otherwise
	}{
		{"Q8_0", 0.1, 7}, {"Q4_0", 1, 2}, {"Q4_1", 1, 3}, {"Q5_0", 0.5, 8}, {"Q5_1", 0.5, 9}, {"Q4_K", 1, 14}, {"Q5_K", 0.5, 16}, {"Q6_K", 0.3, 18},
		{"IQ4_NL", 1, -1},  // it looks further for scales than the reference
		{"MXFP4", 1.5, -1}, // for the weights of experts alone
	} {
		_, got := converted(t, GGUF, in, Options{Type: test.name})
		ours := write(t, got)
		if test.fileType >= 0 {
			l.same(t, test.name, got, in, uint32(test.fileType))
		}
		_, back := converted(t, DequantizeGGUF, ours, Options{})
		l.same(t, test.name+" dequantized", back, ours, 0)
		tokens, logits, description := l.run(t, ours)
		// Of the first token: what comes after depends on which it was.
		e, s := 0.0, 0.0
		for i := range llamaVocabulary {
			e += math.Pow(float64(logits[i]-plain[i]), 2)
			s += math.Pow(float64(plain[i]), 2)
		}
		off := math.Sqrt(e / s)
		t.Logf("%s: %v, logits off by %.3g of their size", description, tokens, off)
		if off > test.most {
			t.Errorf("%s: logits are off by %.3g of their size", test.name, off)
		}
	}
}
