package tensorfile

import (
	"encoding/binary"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestJoined(t *testing.T) { testJoined(t) }

// The scales of a large weight are read as they are needed.
func TestJoinedLarge(t *testing.T) {
	defer func(n int) { smallParams = n }(smallParams)
	smallParams = 0
	testJoined(t)
}

func testJoined(t *testing.T) {
	for _, c := range slices.Concat(scaledCases(), packedCases(), wordCases(), blockwiseCases()) {
		t.Run(c.name, func(t *testing.T) {
			contents := map[string]string{"m.safetensors": stFile(c.tensors...)}
			if c.config != "" {
				contents["config.json"] = c.config
			}
			f, err := Open(filepath.Join(files(t, contents), "m.safetensors"))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			at := slices.IndexFunc(f.Tensors(), func(i Info) bool { return i.Name == c.weight })
			if at < 0 {
				t.Fatalf("%+v", f.Tensors())
			}
			info := f.Tensors()[at]
			if info.DType != c.dtype || !slices.Equal(info.Shape, c.shape) || info.Layout != c.layout || !info.Floating || info.Left != "" || info.Unread != "" {
				t.Fatalf("%+v, want %s of shape %v, %s", info, c.dtype, c.shape, c.layout)
			}
			n, _ := elements(c.shape)
			want := make([]float32, n)
			for i := range want {
				index, rest := make([]int, len(c.shape)), i
				for axis := len(index) - 1; axis >= 0; axis-- {
					index[axis] = rest % c.shape[axis]
					rest /= c.shape[axis]
				}
				want[i] = c.want(index)
			}
			wantTensor(t, f, at, c.weight, c.shape, want)
			src, err := f.Source(at)
			if err != nil {
				t.Fatal(err)
			}
			wantPieces(t, src, want)
			wantParts(t, f, c, at)
		})
	}
}

// wantParts looks at the other tensors, and at all of them as they are stored.
func wantParts(t *testing.T, f *File, c join, at int) {
	var parts []string
	for _, info := range f.Tensors() {
		if info.PartOf == c.weight && strings.HasSuffix(info.Left, " of "+c.weight) {
			parts = append(parts, info.Name)
		}
	}
	slices.Sort(parts)
	if want := slices.Sorted(slices.Values(c.parts)); !slices.Equal(parts, want) {
		t.Errorf("parts %q, want %q", parts, want)
	}
	for i, info := range f.Stored() {
		s := c.tensors[i]
		if info.Name != s.name || info.DType != s.dtype || s.shape != nil && !slices.Equal(info.Shape, s.shape) || info.Bytes != int64(len(s.data)) {
			t.Errorf("stored %+v, want %s of shape %v", info, s.dtype, s.shape)
		}
		raw := make([]byte, info.Bytes)
		if _, err := f.Raw(i).ReadAt(raw, 0); err != nil || string(raw) != string(s.data) {
			t.Errorf("%s: other bytes, %v", info.Name, err)
		}
		if i == at && (info.Floating || info.Left == "" || info.Unread == "") {
			t.Errorf("codes are %+v", info)
		}
	}
}

// What does not go together is neither read as a weight nor compared as one.
func TestNotJoined(t *testing.T) {
	scale := func(shape ...int) stored {
		n, _ := elements(shape)
		return stored{"l.weight_scale", "F32", shape, make([]byte, 4*n)}
	}
	f8 := stored{"l.weight", "F8_E4M3", []int{4, 6}, make([]byte, 24)}
	words := func(name string, shape ...int) stored {
		n, _ := elements(shape)
		return stored{name, "I32", shape, make([]byte, 4*n)}
	}
	scales := stored{"q.scales", "F16", []int{2, 32}, make([]byte, 128)}
	wrong := binary.LittleEndian.AppendUint32(make([]byte, 60), 2)
	for _, c := range []struct {
		name    string
		tensors []stored
		unread  string
	}{
		{"scales of another shape", []stored{f8, scale(5, 1)}, `"l.weight_scale": shape [5 1] of the scales does not go with shape [4 6] of the weight`},
		{"scales of more axes", []stored{f8, scale(4, 1, 1)}, `"l.weight_scale": shape [4 1 1] of the scales does not go with shape [4 6] of the weight`},
		{"GPTQ without scales", []stored{words("q.qweight", 4, 32), words("q.qzeros", 2, 4)}, `there is no matrix of scales, "q.scales"`},
		{"GPTQ without zero points", []stored{words("q.qweight", 4, 32), scales}, `there is no "q.qzeros" with zero points of 2 groups`},
		{"GPTQ of another width", []stored{words("q.qweight", 4, 32), words("q.qzeros", 2, 5), scales},
			"words of shape [4 32] and zero points of shape [2 5] are not GPTQ of 2, 3, 4 or 8 bits"},
		{"AWQ of another width", []stored{words("q.qweight", 4, 8), words("q.qzeros", 2, 4), scales},
			"words of shape [4 8] and zero points of shape [2 4] are not AWQ of 4 bits for 32 outputs"},
		{"MLX of an unknown width", []stored{{"l.weight", "U32", []int{4, 8}, make([]byte, 128)}, {"l.scales", "F16", []int{4, 1}, make([]byte, 8)}, {"l.biases", "F16", []int{4, 1}, make([]byte, 8)}},
			"8 words for 1 groups are codes of several widths: config.json must tell bits and group_size"},
		{"NF4 without a shape", []stored{{"l.weight", "U8", []int{8, 1}, make([]byte, 8)}, {"l.weight.quant_state.bitsandbytes__nf4", "U8", []int{37}, []byte(`{"quant_type":"nf4","blocksize":64}  `)}},
			`"l.weight.quant_state.bitsandbytes__nf4": no block size, or no shape`},
		{"packed without a shape", []stored{words("l.weight_packed", 4, 1), scale(4, 1)}, `there is no "l.weight_shape" of two integers`},
		{"order", []stored{words("q.qweight", 2, 32), words("q.qzeros", 2, 4), scales, {"q.g_idx", "I32", []int{16}, wrong}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := parse("", stFile(c.tensors...))
			if err != nil {
				t.Fatal(err)
			}
			_, err = f.Load(0)
			if c.unread == "" {
				wantError(t, err, `safetensors: tensor "q.weight": "q.g_idx": group 2 of column 15 is none of 2`)
				return
			}
			if info := f.Tensors()[0]; info.Floating || info.Unread != c.unread {
				t.Errorf("%+v, want %q", info, c.unread)
			}
			for _, info := range f.Tensors()[1:] { // must not be compared as if they were weights
				if info.PartOf != f.Tensors()[0].Name || info.Left == "" {
					t.Errorf("%+v", info)
				}
			}
			if err == nil || !strings.Contains(err.Error(), c.unread) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestGEMV has the layout of AWQ's version gemv, whose shapes can be those of GPTQ.
func TestGEMV(t *testing.T) {
	words := func(name string, shape ...int) stored {
		n, _ := elements(shape)
		return stored{name, "I32", shape, make([]byte, 4*n)}
	}
	file := stFile(words("l.qweight", 32, 8), words("l.qzeros", 32, 1), stored{"l.scales", "F16", []int{32, 8}, make([]byte, 512)})
	for version, unread := range map[string]string{
		`"gemv"`: `AWQ of version "gemv" is not read, only gemm`, `"GEMM"`: "", `0.7`: "",
	} {
		dir := files(t, map[string]string{"m.safetensors": file, "config.json": `{"quantization_config":{"quant_method":"awq","version":` + version + `}}`})
		f, err := Open(filepath.Join(dir, "m.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if info := f.Tensors()[0]; info.Unread != unread {
			t.Errorf("version %s: %+v, want %q", version, info, unread)
		}
	}
}

// TestBlocksOfTwoSizes has numbers of scales for which one axis needs blocks of 128 with a rest, and
// the other axis blocks of another size.
func TestBlocksOfTwoSizes(t *testing.T) {
	for _, c := range []struct {
		weight, params, preferred, block []int
	}{
		{[]int{200, 300}, []int{2, 3}, nil, []int{128, 128}},
		{[]int{200, 300}, []int{2, 4}, []int{128, 128}, nil},
		{[]int{200, 300}, []int{2, 4}, nil, nil},
		{[]int{256, 192}, []int{2, 3}, []int{128, 128}, []int{128, 64}},
		{[]int{200, 300}, []int{200, 4}, []int{128, 128}, []int{1, 75}},
		{[]int{200, 300}, []int{1, 3}, []int{128, 128}, []int{200, 128}},
	} {
		_, block, err := matchBlocks(c.weight, c.params, c.preferred)
		if !slices.Equal(block, c.block) || (err == nil) != (c.block != nil) {
			t.Errorf("%v of %v: blocks %v, error %v, want %v", c.params, c.weight, block, err, c.block)
		}
	}
}

// TestPartsOfNothing has tensors that are no weights by their names or types, though no codes are
// joined with them, and tensors that are weights in spite of such names.
func TestPartsOfNothing(t *testing.T) {
	f := func(name string, shape ...int) stored {
		n, _ := elements(shape)
		return stored{name, "F32", shape, make([]byte, 4*n)}
	}
	codes := func(name, dtype string, shape ...int) stored {
		n, _ := elements(shape)
		return stored{name, dtype, shape, make([]byte, n)}
	}
	const byName, byType = "scales by their name, of no weight that is read", "powers of two, which are scales by their type"
	unread := func(codes string) string { return "beside " + codes + ", codes in a layout that is not read" }
	for _, c := range []struct {
		name    string
		tensors []stored
		left    []string // of each tensor
		unread  string   // of the first tensor
	}{
		{"scales in a shard", []stored{f("l.weight_scale_inv", 2, 4), f("k.weight", 4, 4)}, []string{byName, ""}, ""},
		{"powers of two", []stored{codes("s", "F8_E8M0", 8, 2), codes("f", "F8_E4M3", 8, 2)}, []string{byType, ""}, ""},
		{"HQQ", []stored{codes("l.W_q", "U8", 8, 8), f("l.scale", 8, 1), f("l.zero", 8, 1), f("k.scale", 8, 1)}, []string{"", unread("l.W_q"), unread("l.W_q"), ""}, ""},
		{"torchao", []stored{codes("l._weight_qdata", "F8_E4M3", 8, 4), f("l._weight_scale", 8, 1)}, []string{"", unread("l._weight_qdata")},
			`codes beside "l._weight_scale", which may be scales in a layout that is not read`},
		{"another name", []stored{codes("l.weight", "F8_E4M3", 8, 4), f("l.weight_scales", 8)}, []string{"", unread("l.weight")},
			`codes beside "l.weight_scales", which may be scales in a layout that is not read`},
		{"below the weight", []stored{codes("l.weight", "F8_E5M2", 8, 4), f("l.weight.scale")}, []string{"", unread("l.weight")},
			`codes beside "l.weight.scale", which may be scales in a layout that is not read`},
		{"scales of activations", []stored{codes("l.weight", "F8_E4M3", 8, 4), f("l.input_scale"), f("l.k_scale")}, []string{"", "", ""}, ""},
		{"a model of 8-bit floats", []stored{codes("n.weight", "F8_E4M3", 8, 4), codes("n.scale_shift", "F8_E4M3", 2, 4)}, []string{"", ""}, ""},
		{"mask", []stored{codes("a.mask", "U8", 8, 8), f("a.weight", 8, 8), f("a.gain", 8, 8)}, []string{"", "", ""}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			file, err := parse("", stFile(c.tensors...))
			if err != nil {
				t.Fatal(err)
			}
			for i, info := range file.Tensors() {
				if info.Left != c.left[i] {
					t.Errorf("%s: %q, want %q", info.Name, info.Left, c.left[i])
				}
			}
			info := file.Tensors()[0]
			if _, err := file.Load(0); info.Unread != c.unread || c.unread != "" && (err == nil || info.Floating) {
				t.Errorf("%+v, error %v", info, err)
			}
		})
	}
}

// TestSmallFloats compares every code with the values that the specifications
// list: the largest, the smallest, and special ones.
func TestSmallFloats(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, c := range []struct {
		dtype string
		code  int
		want  float32
	}{
		{"F8_E4M3", 0x7e, 448}, {"F8_E4M3", 0x01, 0x1p-9}, {"F8_E4M3", 0x08, 0x1p-6}, {"F8_E4M3", 0xfe, -448}, {"F8_E4M3", 0x38, 1},
		{"F8_E5M2", 0x7b, 57344}, {"F8_E5M2", 0x01, 0x1p-16}, {"F8_E5M2", 0x7c, inf}, {"F8_E5M2", 0xfc, -inf}, {"F8_E5M2", 0x3c, 1},
		{"F8_E4M3FNUZ", 0x7f, 240}, {"F8_E4M3FNUZ", 0x01, 0x1p-10}, {"F8_E5M2FNUZ", 0x7f, 57344}, {"F8_E5M2FNUZ", 0x01, 0x1p-17},
		{"F8_E8M0", 0, 0x1p-127}, {"F8_E8M0", 127, 1}, {"F8_E8M0", 254, 0x1p127},
		{"F6_E2M3", 0x1f, 7.5}, {"F6_E2M3", 1, 0.125}, {"F6_E2M3", 0x3f, -7.5}, {"F6_E3M2", 0x1f, 28}, {"F6_E3M2", 1, 0.0625},
		{"F4", 7, 6}, {"F4", 1, 0.5}, {"F4", 15, -6},
	} {
		if got := smallTables[c.dtype][c.code]; got != c.want {
			t.Errorf("%s %#x: %v, want %v", c.dtype, c.code, got, c.want)
		}
	}
	for code, want := range e2m1 {
		if got := smallTables["F4"][code]; math.Float32bits(got) != math.Float32bits(want) {
			t.Errorf("F4 %d: %v, want %v", code, got, want)
		}
	}
	nans := map[string][]int{"F8_E4M3": {0x7f, 0xff}, "F8_E5M2": {0x7d, 0x7e, 0x7f, 0xfd, 0xfe, 0xff}, "F8_E4M3FNUZ": {0x80}, "F8_E5M2FNUZ": {0x80}, "F8_E8M0": {0xff}}
	for dtype, table := range smallTables {
		for code, x := range table {
			if (x != x) != slices.Contains(nans[dtype], code) {
				t.Errorf("%s %#x is %v", dtype, code, x)
			}
		}
	}
	for code := range 256 {
		if got, want := smallTables["F8_E4M3"][code], e4m3(byte(code)); math.Float32bits(got) != math.Float32bits(want) && want == want {
			t.Errorf("F8_E4M3 %#x: %v, want %v", code, got, want)
		}
	}
}

// Codes of fewer than eight bits follow one another without a gap.
func TestSubByte(t *testing.T) {
	d := newDice()
	for dtype, bits := range map[string]int{"F4": 4, "F6_E2M3": 6, "F6_E3M2": 6} {
		codes, want := make([]int, 48), make([]float32, 48)
		for i := range codes {
			codes[i] = d.IntN(1 << bits)
			want[i] = smallFloats[dtype].value(codes[i])
		}
		f, err := parse("", stFile(stored{"w", dtype, []int{6, 8}, putBits(codes, bits)}))
		if err != nil {
			t.Fatal(err)
		}
		wantTensor(t, f, 0, "w", []int{6, 8}, want)
		src, err := f.Source(0)
		if err != nil {
			t.Fatal(err)
		}
		wantPieces(t, src, want)
	}
}
