package tensorfile

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// The layouts below are computed from their published formulas, element by
// element, in another way than the readers do it. No original implementation
// was at hand to judge them: neither compressed-tensors, AutoGPTQ, AutoAWQ,
// bitsandbytes, the Model Optimizer nor gpt-oss.

// stored is a tensor of a safetensors file that a test puts together.
type stored struct {
	name, dtype string
	shape       []int
	data        []byte
}

func stFile(tensors ...stored) string {
	var entries []string
	var data []byte
	for _, t := range tensors {
		shape, _ := json.Marshal(t.shape)
		if t.shape == nil {
			shape = []byte("[]")
		}
		entries = append(entries, fmt.Sprintf(`%q:{"dtype":%q,"shape":%s,"data_offsets":[%d,%d]}`, t.name, t.dtype, shape, len(data), len(data)+len(t.data)))
		data = append(data, t.data...)
	}
	return safetensors("{"+strings.Join(entries, ",")+"}", string(data))
}

// dice makes data that are the same in each run.
type dice struct{ *rand.Rand }

func newDice() dice { return dice{rand.New(rand.NewPCG(1, 2))} }

func (d dice) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(d.Uint32())
	}
	return b
}

// fp8 returns codes of finite values.
func (d dice) fp8(n int) []byte {
	b := d.bytes(n)
	for i := range b {
		if b[i]&0x7f >= 0x7c {
			b[i] &= 0xbf
		}
	}
	return b
}

// scales returns n scales between 1/2 and 1, as F32.
func (d dice) scales(n int) []byte {
	var b []byte
	for range n {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(0.5+d.Float32()/2))
	}
	return b
}

// halves returns n scales as F16 codes between 1 and 2.
func (d dice) halves(n int) []byte {
	var b []byte
	for range n {
		b = binary.LittleEndian.AppendUint16(b, 0x3c00|uint16(d.Uint32())&0x3ff)
	}
	return b
}

func f32At(b []byte, i int) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:])) }

// f16At decodes normal numbers.
func f16At(b []byte, i int) float32 {
	h := binary.LittleEndian.Uint16(b[2*i:])
	x := float32(math.Ldexp(float64(1024+int(h&0x3ff)), int(h>>10&31)-25))
	if h>>15 == 1 {
		return -x
	}
	return x
}

// e4m3 decodes a code by the formula of the OCP specification.
func e4m3(c byte) float32 {
	e, m := int(c>>3&15), float64(c&7)
	x := math.Ldexp(1+m/8, e-7)
	if e == 0 {
		x = math.Ldexp(m/8, -6)
	}
	if c&0x7f == 0x7f {
		x = math.NaN()
	}
	if c>>7 == 1 {
		x = -x
	}
	return float32(x)
}

var e2m1 = []float32{0, .5, 1, 1.5, 2, 3, 4, 6, float32(math.Copysign(0, -1)), -.5, -1, -1.5, -2, -3, -4, -6}

// putBits writes codes of so many bits one after the other, from the lowest
// bits of the first byte on.
func putBits(codes []int, bits int) []byte {
	b := make([]byte, (len(codes)*bits+7)/8)
	for i, c := range codes {
		for k := range bits {
			b[(i*bits+k)/8] |= byte(c>>k&1) << ((i*bits + k) % 8)
		}
	}
	return b
}

// join is a test of one weight.
type join struct {
	name    string
	tensors []stored
	config  string // of the folder
	weight  string
	dtype   string
	shape   []int
	want    func(index []int) float32
	layout  string
	parts   []string // names of the tensors that are parts
}

func scaledCases() []join {
	d := newDice()
	const rows, cols = 200, 300
	f8, e := d.fp8(rows*cols), d.fp8(3*4*8)
	one, perRow, blocks, perExpert := d.scales(1), d.scales(rows), d.scales(2*3), d.scales(3)
	i8, zeros := d.bytes(rows*cols), d.bytes(rows)
	groups, exponents := d.scales(rows*30), make([]byte, rows*30)
	for i := range exponents {
		exponents[i] = byte(120 + i%16)
	}
	at := func(i []int) float32 { return e4m3(f8[i[0]*cols+i[1]]) }
	weight := stored{"l.weight", "F8_E4M3", []int{rows, cols}, f8}
	experts := stored{"experts.gate_up_proj", "F8_E4M3", []int{3, 4, 8}, e}
	expert := func(i []int) float32 { return e4m3(e[(i[0]*4+i[1])*8+i[2]]) }
	expertBlocks := d.scales(3 * 2 * 2)
	return []join{
		{"tensor", []stored{weight, {"l.weight_scale", "F32", nil, one}, {"l.input_scale", "F32", nil, d.scales(1)}}, "", "l.weight", "F8_E4M3", []int{rows, cols},
			func(i []int) float32 { return at(i) * f32At(one, 0) }, "8-bit floats (F8_E4M3) with a scale for the tensor", []string{"l.weight_scale", "l.input_scale"}},
		{"ComfyUI", []stored{weight, {"l.scale_weight", "F32", []int{1}, one}}, "", "l.weight", "F8_E4M3", []int{rows, cols},
			func(i []int) float32 { return at(i) * f32At(one, 0) }, "8-bit floats (F8_E4M3) with a scale for the tensor", []string{"l.scale_weight"}},
		{"channel", []stored{{"l.weight_scale", "F32", []int{rows, 1}, perRow}, weight}, "", "l.weight", "F8_E4M3", []int{rows, cols},
			func(i []int) float32 { return at(i) * f32At(perRow, i[0]) }, "8-bit floats (F8_E4M3) with a scale for each channel", []string{"l.weight_scale"}},
		{"channel, one axis", []stored{weight, {"l.weight_scale", "F32", []int{rows}, perRow}}, "", "l.weight", "F8_E4M3", []int{rows, cols},
			func(i []int) float32 { return at(i) * f32At(perRow, i[0]) }, "8-bit floats (F8_E4M3) with a scale for each channel", []string{"l.weight_scale"}},
		{"blocks of DeepSeek", []stored{weight, {"l.weight_scale_inv", "F32", []int{2, 3}, blocks}}, "", "l.weight", "F8_E4M3", []int{rows, cols},
			func(i []int) float32 { return at(i) * f32At(blocks, i[0]/128*3+i[1]/128) }, "8-bit floats (F8_E4M3) with a scale for each block of 128×128", []string{"l.weight_scale_inv"}},
		{"blocks of compressed-tensors", []stored{weight, {"l.weight_scale", "F32", []int{2, 3}, blocks}}, "", "l.weight", "F8_E4M3", []int{rows, cols},
			func(i []int) float32 { return at(i) * f32At(blocks, i[0]/128*3+i[1]/128) }, "8-bit floats (F8_E4M3) with a scale for each block of 128×128", []string{"l.weight_scale"}},
		{"blocks of the configuration", []stored{weight, {"l.weight_scale_inv", "F32", []int{2, 3}, blocks}}, `{"quantization_config":{"quant_method":"fp8","weight_block_size":[100,100]}}`,
			"l.weight", "F8_E4M3", []int{rows, cols},
			func(i []int) float32 { return at(i) * f32At(blocks, i[0]/100*3+i[1]/100) }, "8-bit floats (F8_E4M3) with a scale for each block of 100×100", []string{"l.weight_scale_inv"}},
		{"groups", []stored{weight, {"l.weight_scale", "F32", []int{rows, 30}, groups}}, "", "l.weight", "F8_E4M3", []int{rows, cols},
			func(i []int) float32 { return at(i) * f32At(groups, i[0]*30+i[1]/10) }, "8-bit floats (F8_E4M3) with a scale for each group of 10", []string{"l.weight_scale"}},
		{"powers of two", []stored{weight, {"l.weight_scale", "U8", []int{rows, 30}, exponents}}, "", "l.weight", "F8_E4M3", []int{rows, cols},
			func(i []int) float32 {
				return at(i) * float32(math.Ldexp(1, int(exponents[i[0]*30+i[1]/10])-127))
			}, "8-bit floats (F8_E4M3) with a scale for each group of 10", []string{"l.weight_scale"}},
		{"scales of DeepSeek's own code", []stored{weight, {"l.scale", "F32", []int{2, 3}, blocks}}, "", "l.weight", "F8_E4M3", []int{rows, cols},
			func(i []int) float32 { return at(i) * f32At(blocks, i[0]/128*3+i[1]/128) }, "8-bit floats (F8_E4M3) with a scale for each block of 128×128", []string{"l.scale"}},
		{"names of quanto", []stored{{"l.weight._data", "I8", []int{rows, cols}, i8}, {"l.weight._scale", "F32", []int{rows, 1}, perRow}, {"l.input_scale", "F32", nil, one}}, "",
			"l.weight", "I8", []int{rows, cols},
			func(i []int) float32 { return float32(int8(i8[i[0]*cols+i[1]])) * f32At(perRow, i[0]) }, "8-bit integers with a scale for each channel", []string{"l.weight._scale", "l.input_scale"}},
		{"integers", []stored{{"l.weight", "I8", []int{rows, cols}, i8}, {"l.weight_scale", "F32", []int{rows, 1}, perRow}, {"l.weight_zero_point", "I8", []int{rows, 1}, zeros}}, "",
			"l.weight", "I8", []int{rows, cols},
			func(i []int) float32 {
				return float32(int(int8(i8[i[0]*cols+i[1]]))-int(int8(zeros[i[0]]))) * f32At(perRow, i[0])
			}, "8-bit integers with a scale for each channel", []string{"l.weight_scale", "l.weight_zero_point"}},
		{"LLM.int8", []stored{{"l.weight", "I8", []int{rows, cols}, i8}, {"l.SCB", "F32", []int{rows}, perRow}, {"l.weight_format", "U8", nil, []byte{0}}}, "", "l.weight", "I8", []int{rows, cols},
			func(i []int) float32 { return float32(int8(i8[i[0]*cols+i[1]])) * (f32At(perRow, i[0]) / 127) }, "8-bit integers with a scale for each channel", []string{"l.SCB", "l.weight_format"}},
		{"experts, a scale each", []stored{experts, {"experts.gate_up_proj_scale", "F32", []int{3, 1, 1}, perExpert}}, "", "experts.gate_up_proj", "F8_E4M3", []int{3, 4, 8},
			func(i []int) float32 { return expert(i) * f32At(perExpert, i[0]) }, "8-bit floats (F8_E4M3) with a scale for each channel", []string{"experts.gate_up_proj_scale"}},
		{"experts, one axis of scales", []stored{experts, {"experts.gate_up_proj_scale", "F32", []int{3}, perExpert}}, "", "experts.gate_up_proj", "F8_E4M3", []int{3, 4, 8},
			func(i []int) float32 { return expert(i) * f32At(perExpert, i[0]) }, "8-bit floats (F8_E4M3) with a scale for each channel", []string{"experts.gate_up_proj_scale"}},
		{"experts, blocks", []stored{experts, {"experts.gate_up_proj_scale_inv", "F32", []int{3, 2, 2}, expertBlocks}}, `{"quantization_config":{"weight_block_size":[2,4]}}`,
			"experts.gate_up_proj", "F8_E4M3", []int{3, 4, 8},
			func(i []int) float32 { return expert(i) * f32At(expertBlocks, (i[0]*2+i[1]/2)*2+i[2]/4) }, "8-bit floats (F8_E4M3) with a scale for each block of 1×2×4", []string{"experts.gate_up_proj_scale_inv"}},
	}
}

func packedCases() []join {
	d := newDice()
	const rows, cols = 5, 64
	nibbles, codes := d.bytes(rows*cols/2), make([]int, rows*cols)
	for i := range codes {
		codes[i] = int(nibbles[i/2]) >> (4 * (i % 2)) & 15
	}
	f8, exponents, global := d.fp8(rows*cols/16), []byte{120, 121, 122, 123, 124, 125, 126, 127, 128, 129}, d.scales(1)
	block := func(i []int) int { return i[0]*cols/16 + i[1]/16 }
	mx := func(i []int) float32 {
		return e2m1[codes[i[0]*cols+i[1]]] * float32(math.Ldexp(1, int(exponents[i[0]*2+i[1]/32])-127))
	}
	// Integers of 4 bits: a row of 20 codes takes three words of eight.
	const width = 20
	words, scales := d.bytes(rows*3*4), d.halves(rows*2)
	code := func(r, c int) int { return int(words[r*12+c/2]) >> (4 * (c % 2)) & 15 }
	zeros := d.bytes(4 * 2) // one word holds 8 rows, for each of two groups
	zero := func(r, g int) int { return int(zeros[4*g+r/2]) >> (4 * (r % 2)) & 15 }
	plain, biases := d.bytes(rows*2), d.halves(rows*2)
	order := make([]byte, 4*width)
	for c := range width {
		order[4*c] = byte(c % 2)
	}
	shape := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, rows), width)
	packed := []stored{{"l.weight_packed", "I32", []int{rows, 3}, words}, {"l.weight_scale", "F16", []int{rows, 2}, scales}, {"l.weight_shape", "I64", []int{2}, shape}}
	return []join{
		{"NVFP4 of the Model Optimizer", []stored{{"l.weight", "U8", []int{rows, cols / 2}, nibbles}, {"l.weight_scale", "F8_E4M3", []int{rows, cols / 16}, f8}, {"l.weight_scale_2", "F32", nil, global}}, "",
			"l.weight", "NVFP4", []int{rows, cols},
			func(i []int) float32 {
				return e2m1[codes[i[0]*cols+i[1]]] * float32(e4m3(f8[block(i)])*f32At(global, 0))
			},
			"NVFP4: 4-bit floats with a scale for each group of 16", []string{"l.weight_scale", "l.weight_scale_2"}},
		{"NVFP4 of compressed-tensors", []stored{{"l.weight_packed", "U8", []int{rows, cols / 2}, nibbles}, {"l.weight_scale", "F8_E4M3", []int{rows, cols / 16}, f8}, {"l.weight_global_scale", "F32", []int{1}, global}}, "",
			"l.weight", "NVFP4", []int{rows, cols},
			func(i []int) float32 {
				return e2m1[codes[i[0]*cols+i[1]]] * float32(e4m3(f8[block(i)])/f32At(global, 0))
			},
			"NVFP4: 4-bit floats with a scale for each group of 16", []string{"l.weight_scale", "l.weight_global_scale"}},
		{"MXFP4", []stored{{"l.weight_packed", "U8", []int{rows, cols / 2}, nibbles}, {"l.weight_scale", "U8", []int{rows, cols / 32}, exponents}}, "",
			"l.weight", "MXFP4", []int{rows, cols}, mx, "MXFP4: 4-bit floats with a scale for each group of 32", []string{"l.weight_scale"}},
		{"experts of gpt-oss", []stored{{"experts.gate_up_proj_blocks", "U8", []int{1, rows, cols / 32, 16}, nibbles}, {"experts.gate_up_proj_scales", "U8", []int{1, rows, cols / 32}, exponents}}, "",
			"experts.gate_up_proj", "MXFP4", []int{1, rows, cols}, func(i []int) float32 { return mx(i[1:]) }, "MXFP4: 4-bit floats with a scale for each group of 32", []string{"experts.gate_up_proj_scales"}},
		{"packed integers", packed, "", "l.weight", "I4", []int{rows, width},
			func(i []int) float32 { return float32(code(i[0], i[1])-8) * f16At(scales, i[0]*2+i[1]/10) },
			"4-bit integers with a scale for each group of 10", []string{"l.weight_scale", "l.weight_shape"}},
		{"packed integers with zero points of a byte", append(slices.Clone(packed), stored{"l.weight_zero_point", "I8", []int{rows, 2}, plain}), "", "l.weight", "I4", []int{rows, width},
			func(i []int) float32 {
				return float32(code(i[0], i[1])-8-int(int8(plain[i[0]*2+i[1]/10]))) * f16At(scales, i[0]*2+i[1]/10)
			}, "4-bit integers with a scale for each group of 10", []string{"l.weight_scale", "l.weight_shape", "l.weight_zero_point"}},
		{"MLX", []stored{{"l.weight", "U32", []int{rows, cols / 8}, nibbles}, {"l.scales", "F16", []int{rows, 2}, scales}, {"l.biases", "F16", []int{rows, 2}, biases}},
			`{"quantization":{"bits":4,"group_size":32}}`, "l.weight", "MLX-4", []int{rows, cols},
			func(i []int) float32 {
				group := i[0]*2 + i[1]/32
				return float32(float32(codes[i[0]*cols+i[1]])*f16At(scales, group)) + f16At(biases, group)
			}, "MLX: 4-bit integers with a scale and a bias for each group of 32", []string{"l.scales", "l.biases"}},
		{"MLX of 8 bits", []stored{{"l.weight", "U32", []int{rows, 8}, nibbles}, {"l.scales", "F16", []int{rows, 1}, scales[:2*rows]}, {"l.biases", "F16", []int{rows, 1}, biases[:2*rows]}},
			`{"quantization":{"bits":8,"group_size":32}}`, "l.weight", "MLX-8", []int{rows, 32},
			func(i []int) float32 {
				return float32(float32(nibbles[i[0]*32+i[1]])*f16At(scales, i[0])) + f16At(biases, i[0])
			}, "MLX: 8-bit integers with a scale and a bias for each group of 32", []string{"l.scales", "l.biases"}},
		{"packed integers with zero points and an order",
			append(slices.Clone(packed), stored{"l.weight_zero_point", "I32", []int{1, 2}, zeros}, stored{"l.weight_g_idx", "I32", []int{width}, order}), "", "l.weight", "I4", []int{rows, width},
			func(i []int) float32 {
				return float32(code(i[0], i[1])-zero(i[0], i[1]%2)) * f16At(scales, i[0]*2+i[1]%2)
			}, "4-bit integers with a scale for each group of 10", []string{"l.weight_scale", "l.weight_shape", "l.weight_zero_point", "l.weight_g_idx"}},
	}
}

// wordCases are weights of GPTQ and AWQ.
func wordCases() []join {
	return append(gptqCases(), awqCase())
}

func gptqCases() []join {
	d := newDice()
	const inputs, outputs, size, groups = 96, 32, 32, 3
	var all []join
	var point func() int // makes zero points; nil for random ones
	gptq := func(name string, bits int, config string, order bool, less int) {
		codes, zeros := make([]int, inputs*outputs), make([]int, groups*outputs)
		for i := range codes {
			codes[i] = d.IntN(1 << bits)
		}
		for i := range zeros {
			if zeros[i] = d.IntN(1 << bits); point != nil {
				zeros[i] = point()
			}
		}
		// A column of codes is a stream of bits; its words are a column of the matrix.
		words := make([]byte, inputs*bits/32*outputs*4)
		for o := range outputs {
			var column []int
			for i := range inputs {
				column = append(column, codes[i*outputs+o])
			}
			for w, b := range slices.Collect(slices.Chunk(putBits(column, bits), 4)) {
				copy(words[4*(w*outputs+o):], b)
			}
		}
		scales := d.halves(groups * outputs)
		group := func(i int) int { return i / size }
		tensors := []stored{
			{"q.qweight", "I32", []int{inputs * bits / 32, outputs}, words},
			{"q.qzeros", "I32", []int{groups, outputs * bits / 32}, putBits(zeros, bits)},
			{"q.scales", "F16", []int{groups, outputs}, scales},
		}
		parts := []string{"q.qzeros", "q.scales"}
		if order {
			group = func(i int) int { return i * 7 % groups }
			var index []byte
			for i := range inputs {
				index = binary.LittleEndian.AppendUint32(index, uint32(group(i)))
			}
			tensors, parts = append(tensors, stored{"q.g_idx", "I32", []int{inputs}, index}), append(parts, "q.g_idx")
		}
		layout := fmt.Sprintf("GPTQ: %d-bit integers with a scale and a zero point for each group of 32", bits)
		if less == 1 {
			layout += ", zero points stored less 1"
		}
		all = append(all, join{name, tensors, config, "q.weight", fmt.Sprintf("GPTQ-%d", bits), []int{outputs, inputs},
			func(i []int) float32 {
				at := group(i[1])*outputs + i[0]
				return float32(codes[i[1]*outputs+i[0]]-zeros[at]-less) * f16At(scales, at)
			}, layout, parts})
	}
	mid := func(bits, less int) func() int { return func() int { return 1<<(bits-1) - less } }
	gptq("GPTQ of 4 bits", 4, "", false, 1)
	gptq("GPTQ of 4 bits in another order", 4, "", true, 1)
	gptq("GPTQ of 2 bits", 2, "", true, 1)
	gptq("GPTQ of 3 bits", 3, "", false, 1)
	gptq("GPTQ of 8 bits", 8, "", false, 1)
	gptq("GPTQ of version 2", 4, `{"quantization_config":{"quant_method":"gptq","checkpoint_format":"gptq_v2"}}`, false, 0)
	point = mid(4, 0)
	gptq("GPTQ of version 2 that says it is 1", 4, `{"quantization_config":{"quant_method":"gptq","checkpoint_format":"gptq"}}`, false, 0)
	point = mid(4, 1)
	gptq("symmetric GPTQ", 4, "", false, 1)
	return all
}

func awqCase() join {
	d := newDice()
	const inputs, outputs, size, groups = 96, 32, 32, 3
	codes, zeros, scales := make([]int, inputs*outputs), make([]int, groups*outputs), d.halves(groups*outputs)
	for i := range codes {
		codes[i] = d.IntN(16)
	}
	for i := range zeros {
		zeros[i] = d.IntN(16)
	}
	pack := func(codes []int) []byte {
		shuffled := make([]int, len(codes))
		for i := range codes {
			shuffled[i] = codes[i/8*8+[]int{0, 2, 4, 6, 1, 3, 5, 7}[i%8]]
		}
		return putBits(shuffled, 4)
	}
	return join{"AWQ", []stored{
		{"q.qweight", "I32", []int{inputs, outputs / 8}, pack(codes)},
		{"q.qzeros", "I32", []int{groups, outputs / 8}, pack(zeros)},
		{"q.scales", "F16", []int{groups, outputs}, scales}}, "", "q.weight", "AWQ-4", []int{outputs, inputs},
		func(i []int) float32 {
			at := i[1]/size*outputs + i[0]
			return float32(codes[i[1]*outputs+i[0]]-zeros[at]) * f16At(scales, at)
		}, "AWQ: 4-bit integers with a scale and a zero point for each group of 32", []string{"q.qzeros", "q.scales"}}
}

func blockwiseCases() []join {
	d := newDice()
	const rows, cols, size = 6, 50, 64
	const n, blocks = rows * cols, 5
	nibbles, absmax, table := d.bytes(n/2), d.scales(blocks), d.scales(16)
	code := func(i []int) int { // the first of two is in the high half
		at := i[0]*cols + i[1]
		return int(nibbles[at/2]) >> (4 - 4*(at%2)) & 15
	}
	state := func(nested string) []byte {
		return []byte(fmt.Sprintf(`{"quant_type":"nf4","blocksize":%d,"dtype":"bfloat16","shape":[%d,%d]%s}`, size, rows, cols, nested))
	}
	plain := []stored{{"l.weight", "U8", []int{n / 2, 1}, nibbles}, {"l.weight.quant_map", "F32", []int{16}, table}}
	deep := []byte(`{"quant_type":"nf4","blocksize":64,"shape":[2,3,50]}`)
	short, outer, nestedMap := d.bytes(blocks), d.scales(3), d.scales(256)
	nestedState := state(`,"nested_blocksize":2,"nested_dtype":"float32","nested_offset":0.25`)
	return []join{
		{"NF4", append(slices.Clone(plain), stored{"l.weight.absmax", "F32", []int{blocks}, absmax},
			stored{"l.weight.quant_state.bitsandbytes__nf4", "U8", []int{len(state(""))}, state("")}), "", "l.weight", "NF4", []int{rows, cols},
			func(i []int) float32 { return f32At(table, code(i)) * f32At(absmax, (i[0]*cols+i[1])/size) },
			"NF4: 4-bit codes with a scale for each 64 values", []string{"l.weight.absmax", "l.weight.quant_map", "l.weight.quant_state.bitsandbytes__nf4"}},
		{"NF4 stored as BF16, of three axes", []stored{{"experts.up", "BF16", []int{n / 4, 1}, nibbles}, {"experts.up.quant_map", "F32", []int{16}, table}, {"experts.up.absmax", "F32", []int{blocks}, absmax},
			{"experts.up.quant_state.bitsandbytes__nf4", "U8", []int{len(deep)}, deep}}, "", "experts.up", "NF4", []int{2, 3, 50},
			func(i []int) float32 {
				at := (i[0]*3+i[1])*50 + i[2]
				return f32At(table, int(nibbles[at/2])>>(4-4*(at%2))&15) * f32At(absmax, at/size)
			}, "NF4: 4-bit codes with a scale for each 64 values", []string{"experts.up.absmax", "experts.up.quant_map", "experts.up.quant_state.bitsandbytes__nf4"}},
		{"NF4, quantized twice", append(slices.Clone(plain), stored{"l.weight.absmax", "U8", []int{blocks}, short},
			stored{"l.weight.nested_absmax", "F32", []int{3}, outer}, stored{"l.weight.nested_quant_map", "F32", []int{256}, nestedMap},
			stored{"l.weight.quant_state.bitsandbytes__nf4", "U8", []int{len(nestedState)}, nestedState}), "", "l.weight", "NF4", []int{rows, cols},
			func(i []int) float32 {
				block := (i[0]*cols + i[1]) / size
				return f32At(table, code(i)) * (float32(f32At(nestedMap, int(short[block]))*f32At(outer, block/2)) + 0.25)
			}, "NF4: 4-bit codes with a scale for each 64 values, scales quantized to 8 bits",
			[]string{"l.weight.absmax", "l.weight.quant_map", "l.weight.nested_absmax", "l.weight.nested_quant_map", "l.weight.quant_state.bitsandbytes__nf4"}},
	}
}
