//go:build ggml && linux && amd64

// What is written, read by ggml itself, and the other way round: see the tests
// of package gguf for how these are run.
package convert

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"unsafe"

	"github.com/ebitengine/purego"

	"github.com/a01592f9/quant/cmd/internal/gguf"
	"github.com/a01592f9/quant/cmd/internal/gguf/gguftest"
)

var ggmlKeep = flag.String("keep", "", "also write the file that ggml makes here")

// ggml is the functions of the library that the tests call.
type ggml struct {
	// The structure of three words that ggml_init takes goes on the stack, after
	// the six words that go into registers.
	init     func(r1, r2, r3, r4, r5, r6, size, memory, noAlloc uintptr) uintptr
	free     func(ctx uintptr)
	tensor   func(ctx uintptr, t gguf.Type, axes int32, dims *int64) uintptr
	setName  func(tensor uintptr, name string) uintptr
	get      func(ctx uintptr, name string) uintptr
	data     func(tensor uintptr) unsafe.Pointer
	bytes    func(tensor uintptr) uint64
	chunk    func(t gguf.Type, src *float32, dst *byte, start, rows, perRow int64, imatrix *float32) uint64
	newFile  func() uintptr
	freeFile func(file uintptr)
	add      func(file, tensor uintptr)
	write    func(file uintptr, path string, onlyHeader bool) bool
	open     func(path string, noAlloc uintptr, ctx *uintptr) uintptr // the structure is two words

	setU8   func(file uintptr, key string, v uint8)
	setI8   func(file uintptr, key string, v int8)
	setU16  func(file uintptr, key string, v uint16)
	setI16  func(file uintptr, key string, v int16)
	setU32  func(file uintptr, key string, v uint32)
	setI32  func(file uintptr, key string, v int32)
	setU64  func(file uintptr, key string, v uint64)
	setI64  func(file uintptr, key string, v int64)
	setF32  func(file uintptr, key string, v float32)
	setF64  func(file uintptr, key string, v float64)
	setBool func(file uintptr, key string, v bool)
	setStr  func(file uintptr, key, v string)
	setArr  func(file uintptr, key string, t gguf.ValueType, data unsafe.Pointer, n uint64)
	setStrs func(file uintptr, key string, data **byte, n uint64)

	version  func(file uintptr) uint32
	align    func(file uintptr) uint64
	start    func(file uintptr) uint64
	values   func(file uintptr) int64
	key      func(file uintptr, i int64) string
	kind     func(file uintptr, i int64) gguf.ValueType
	value    func(file uintptr, i int64) unsafe.Pointer
	text     func(file uintptr, i int64) string
	elem     func(file uintptr, i int64) gguf.ValueType
	length   func(file uintptr, i int64) uint64
	array    func(file uintptr, i int64) unsafe.Pointer
	item     func(file uintptr, i int64, j uint64) string
	find     func(file uintptr, key string) int64
	tensors  func(file uintptr) int64
	name     func(file uintptr, i int64) string
	typ      func(file uintptr, i int64) gguf.Type
	offset   func(file uintptr, i int64) uint64
	toFloats map[gguf.Type]func(x *byte, y *float32, n int64)
}

func loadGGML(t *testing.T) *ggml {
	t.Helper()
	folder := os.Getenv("QUANT_GGML")
	if folder == "" {
		t.Fatal("QUANT_GGML does not say where libggml-base.so is")
	}
	lib, err := purego.Dlopen(filepath.Join(folder, "libggml-base.so"), purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		t.Fatal(err)
	}
	g := new(ggml)
	for name, f := range map[string]any{
		"ggml_init": &g.init, "ggml_free": &g.free, "ggml_new_tensor": &g.tensor, "ggml_set_name": &g.setName,
		"ggml_get_tensor": &g.get, "ggml_get_data": &g.data, "ggml_nbytes": &g.bytes, "ggml_quantize_chunk": &g.chunk,
		"gguf_init_empty": &g.newFile, "gguf_free": &g.freeFile, "gguf_add_tensor": &g.add, "gguf_write_to_file": &g.write,
		"gguf_init_from_file": &g.open,
		"gguf_set_val_u8":     &g.setU8, "gguf_set_val_i8": &g.setI8, "gguf_set_val_u16": &g.setU16, "gguf_set_val_i16": &g.setI16,
		"gguf_set_val_u32": &g.setU32, "gguf_set_val_i32": &g.setI32, "gguf_set_val_u64": &g.setU64, "gguf_set_val_i64": &g.setI64,
		"gguf_set_val_f32": &g.setF32, "gguf_set_val_f64": &g.setF64, "gguf_set_val_bool": &g.setBool, "gguf_set_val_str": &g.setStr,
		"gguf_set_arr_data": &g.setArr, "gguf_set_arr_str": &g.setStrs,
		"gguf_get_version": &g.version, "gguf_get_alignment": &g.align, "gguf_get_data_offset": &g.start,
		"gguf_get_n_kv": &g.values, "gguf_get_key": &g.key, "gguf_get_kv_type": &g.kind, "gguf_get_val_data": &g.value,
		"gguf_get_val_str": &g.text, "gguf_get_arr_type": &g.elem, "gguf_get_arr_n": &g.length, "gguf_get_arr_data": &g.array,
		"gguf_get_arr_str": &g.item, "gguf_find_key": &g.find, "gguf_get_n_tensors": &g.tensors, "gguf_get_tensor_name": &g.name,
		"gguf_get_tensor_type": &g.typ, "gguf_get_tensor_offset": &g.offset,
	} {
		purego.RegisterLibFunc(f, lib, name)
	}
	g.toFloats = map[gguf.Type]func(x *byte, y *float32, n int64){}
	for typ, name := range map[gguf.Type]string{
		gguf.F16: "ggml_fp16_to_fp32_row", gguf.BF16: "ggml_bf16_to_fp32_row", gguf.Q8_0: "dequantize_row_q8_0",
		gguf.Q4_0: "dequantize_row_q4_0", gguf.Q4_1: "dequantize_row_q4_1", gguf.Q5_0: "dequantize_row_q5_0", gguf.Q5_1: "dequantize_row_q5_1",
		gguf.Q4_K: "dequantize_row_q4_K",
	} {
		var f func(x *byte, y *float32, n int64)
		purego.RegisterLibFunc(&f, lib, name)
		g.toFloats[typ] = f
	}
	return g
}

// writeFile makes a file with ggml's own writer: metadata of every type, and
// tensors of every type that is read and of some others. It returns the
// values of those of floating-point types.
func (g *ggml) writeFile(t *testing.T, path string) map[string][]float32 {
	file := g.newFile()
	defer g.freeFile(file)
	g.setStr(file, "general.architecture", "llama")
	g.setStr(file, "general.name", "Größe")
	g.setU32(file, "general.file_type", 0)
	g.setU8(file, "a.u8", 200)
	g.setI8(file, "a.i8", -100)
	g.setU16(file, "a.u16", 60000)
	g.setI16(file, "a.i16", -30000)
	g.setI32(file, "a.i32", -2e9)
	g.setU64(file, "a.u64", math.MaxUint64)
	g.setI64(file, "a.i64", math.MinInt64)
	g.setF32(file, "a.f32", 0.1)
	g.setF64(file, "a.f64", 0.1)
	g.setBool(file, "a.bool", true)
	words := []string{"<unk>", "", "▁the", "x"}
	pointers := make([]*byte, len(words))
	for i, w := range words {
		pointers[i] = unsafe.SliceData(append([]byte(w), 0))
	}
	g.setStrs(file, "tokenizer.ggml.tokens", &pointers[0], uint64(len(words)))
	scores := []float32{0, -1, -2.5, 3}
	g.setArr(file, "tokenizer.ggml.scores", gguf.Float32, unsafe.Pointer(&scores[0]), uint64(len(scores)))
	flags := []byte{1, 0, 1}
	g.setArr(file, "a.bools", gguf.Bool, unsafe.Pointer(&flags[0]), uint64(len(flags)))

	ctx := g.init(0, 0, 0, 0, 0, 0, 16<<20, 0, 0)
	if ctx == 0 {
		t.Fatal("no context")
	}
	defer g.free(ctx)
	all := map[string][]float32{}
	for i, tensor := range []struct {
		typ  gguf.Type
		dims []int64
	}{
		{gguf.F32, []int64{64, 5}}, {gguf.F16, []int64{96, 3}}, {gguf.BF16, []int64{32, 7}}, {gguf.F32, []int64{32, 3, 2}},
		{gguf.F32, []int64{64, 2, 2, 2}}, {gguf.F32, []int64{45}}, {gguf.F32, []int64{45, 3}}, {gguf.Q8_0, []int64{64, 2}},
		{gguf.Q4_0, []int64{64, 2}}, {gguf.Q4_1, []int64{64, 2}}, {gguf.Q5_0, []int64{64, 2}}, {gguf.Q5_1, []int64{64, 2}},
		{12, []int64{256, 2}}, {26, []int64{3}},
	} {
		n := int64(1)
		for _, d := range tensor.dims {
			n *= d
		}
		w := g.tensor(ctx, tensor.typ, int32(len(tensor.dims)), &tensor.dims[0])
		name := fmt.Sprintf("%d.%s.weight", i, tensor.typ)
		g.setName(w, name)
		x, raw := normals(int(n), tensor.typ)
		data := unsafe.Slice((*byte)(g.data(w)), g.bytes(w))
		if block, _ := tensor.typ.Block(); block > 1 {
			g.chunk(tensor.typ, &x[0], &data[0], 0, n/tensor.dims[0], tensor.dims[0], nil)
		} else {
			copy(data, raw)
		}
		switch toFloats := g.toFloats[tensor.typ]; {
		case toFloats != nil:
			toFloats(&data[0], &x[0], n)
			all[name] = x
		case tensor.typ == gguf.F32:
			all[name] = x
		}
		g.add(file, w)
	}
	if !g.write(file, path, false) {
		t.Fatal("ggml cannot write")
	}
	return all
}

// TestGGMLFiles lets ggml write a file, quantizes it, and lets ggml read what
// came out.
func TestGGMLFiles(t *testing.T) {
	g := loadGGML(t)
	in := filepath.Join(t.TempDir(), "ggml.gguf")
	floats := g.writeFile(t, in)
	data, err := os.ReadFile(in)
	if err != nil {
		t.Fatal(err)
	}
	if *ggmlKeep != "" {
		if err := os.WriteFile(*ggmlKeep, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	f := parseGGUF(t, data)
	for i, w := range f.Tensors {
		if !w.Type.Readable() {
			continue
		}
		got := make([]float32, w.Elements())
		if err := f.ReadFloats(i, got, 0); err != nil || !slices.Equal(got, floats[w.Name]) {
			t.Errorf("%s: other values: %v", w.Name, err)
		}
	}
	g.convert(t, in, 5, floats)
}

// TestGGMLAlignment is TestGGMLFiles with data further apart, which ggml reads
// but cannot write.
func TestGGMLAlignment(t *testing.T) {
	g := loadGGML(t)
	b := gguftest.New()
	b.Align = 256
	b.Text("general.architecture", "llama").Number("general.alignment", 256)
	floats := map[string][]float32{}
	for _, rows := range []int{1, 7, 100} {
		name := fmt.Sprintf("%d.weight", rows)
		x, raw := normals(96*rows, gguf.F32)
		floats[name] = x
		b.Tensor(name, 0, raw, 96, uint64(rows))
	}
	g.convert(t, write(t, b.Bytes()), 2, floats)
}

// convert quantizes the file in and dequantizes it. So many of its tensors are
// to be quantized.
func (g *ggml) convert(t *testing.T, in string, weights int, floats map[string][]float32) {
	t.Helper()
	for bits, typ := range map[int]gguf.Type{8: gguf.Q8_0, 4: gguf.Q4_0} {
		r, quantized := converted(t, GGUF, in, Options{Bits: bits})
		if len(r.Weights) != weights {
			t.Errorf("%d tensors are quantized to %s", len(r.Weights), typ)
		}
		path := write(t, quantized)
		g.compare(t, in, path, typ, floats)

		// And back: what the blocks stand for by ggml.
		f := parseGGUF(t, quantized)
		values := map[string][]float32{}
		for _, w := range f.Tensors {
			x := make([]float32, w.Elements())
			values[w.Name] = x
			if toFloats := g.toFloats[w.Type]; toFloats != nil {
				toFloats(&quantized[w.Offset], &x[0], int64(len(x)))
			}
		}
		_, widened := converted(t, DequantizeGGUF, path, Options{})
		g.compare(t, path, write(t, widened), gguf.F32, values)
	}
}

// compare opens two files with ggml, of which the second was made of the first
// with tensors converted to a type.
func (g *ggml) compare(t *testing.T, in, out string, to gguf.Type, floats map[string][]float32) {
	t.Helper()
	var before, after uintptr
	a, b := g.open(in, 0, &before), g.open(out, 0, &after)
	if a == 0 || b == 0 {
		t.Fatalf("ggml opens %s: %v, and %s: %v", in, a != 0, out, b != 0)
	}
	defer func() {
		g.free(before)
		g.free(after)
		g.freeFile(a)
		g.freeFile(b)
	}()
	if g.version(a) != g.version(b) || g.align(a) != g.align(b) || g.start(b)%g.align(b) != 0 {
		t.Errorf("versions %d and %d, alignments %d and %d", g.version(a), g.version(b), g.align(a), g.align(b))
	}
	added := 0
	if to != gguf.F32 || !g.has(b, 12) {
		for _, s := range gguf.Settings(to) {
			i := g.find(b, s.Key)
			if i < 0 || g.kind(b, i) != gguf.Uint32 || *(*uint32)(g.value(b, i)) != s.Value {
				t.Errorf("%s is not %d", s.Key, s.Value)
			}
			if g.find(a, s.Key) < 0 {
				added++
			}
		}
	}
	if g.values(b) != g.values(a)+int64(added) {
		t.Errorf("%d pairs, and %d before", g.values(b), g.values(a))
	}
	for i := range g.values(a) {
		key := g.key(a, i)
		if key == "general.file_type" {
			continue
		}
		if va, vb := g.show(a, i), g.show(b, g.find(b, key)); va != vb {
			t.Errorf("%s is %s, and was %s", key, vb, va)
		}
	}
	if g.tensors(a) != g.tensors(b) {
		t.Fatalf("%d tensors, and %d before", g.tensors(b), g.tensors(a))
	}
	for i := range g.tensors(a) {
		name := g.name(a, i)
		if g.name(b, i) != name {
			t.Fatalf("tensor %d is %s, and was %s", i, g.name(b, i), name)
		}
		wa, wb := g.get(before, name), g.get(after, name)
		raw := unsafe.Slice((*byte)(g.data(wa)), g.bytes(wa))
		got := unsafe.Slice((*byte)(g.data(wb)), g.bytes(wb))
		want := slices.Clone(raw)
		if g.typ(b, i) != g.typ(a, i) {
			if g.typ(b, i) != to {
				t.Errorf("%s is %s", name, g.typ(b, i))
			}
			want = make([]byte, len(got))
			x := floats[name]
			if to == gguf.F32 {
				want = gguftest.Floats(x...)
			} else {
				rows := int64(len(x)) / 32
				g.chunk(to, &x[0], &want[0], 0, rows, 32, nil)
			}
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s has other bytes", name)
		}
	}
}

// has reports whether a file has tensors of a type.
func (g *ggml) has(file uintptr, t gguf.Type) bool {
	for i := range g.tensors(file) {
		if g.typ(file, i) == t {
			return true
		}
	}
	return false
}

// show returns a value of the metadata as text.
func (g *ggml) show(file uintptr, i int64) string {
	if i < 0 {
		return "absent"
	}
	size := map[gguf.ValueType]int{gguf.Uint8: 1, gguf.Int8: 1, gguf.Bool: 1, gguf.Uint16: 2, gguf.Int16: 2, gguf.Uint32: 4, gguf.Int32: 4,
		gguf.Float32: 4, gguf.Uint64: 8, gguf.Int64: 8, gguf.Float64: 8}
	switch kind := g.kind(file, i); kind {
	case gguf.String:
		return "string " + g.text(file, i)
	case gguf.Array:
		n, elem := g.length(file, i), g.elem(file, i)
		s := fmt.Sprintf("%d %s:", n, elem)
		if elem != gguf.String {
			return s + fmt.Sprintf("%x", unsafe.Slice((*byte)(g.array(file, i)), size[elem]*int(n)))
		}
		for j := range n {
			s += fmt.Sprintf(" %q", g.item(file, i, j))
		}
		return s
	default:
		return fmt.Sprintf("%s %x", kind, unsafe.Slice((*byte)(g.value(file, i)), size[kind]))
	}
}
