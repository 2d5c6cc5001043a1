package convert

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/typeface"
)

// namedOptions are options with a name.
type namedOptions struct {
	name string
	o    Options
}

// schemes are those that models are run with.
var schemes = []namedOptions{
	{"int8 per channel", Options{Bits: 8, Mapping: quant.Symmetric, Granularity: option.PerChannel}},
	{"int8 per tensor", Options{Bits: 8, Mapping: quant.Symmetric, Granularity: option.PerTensor}},
	{"int4 in groups of 32", Options{Bits: 4, Mapping: quant.Symmetric, Granularity: option.PerGroup, GroupSize: 32}},
	{"uint8 per channel, asymmetric", Options{Bits: 8, Unsigned: true, Granularity: option.PerChannel}},
	{"uint4 in groups of 16, asymmetric", Options{Bits: 4, Unsigned: true, Granularity: option.PerGroup, GroupSize: 16}},
	{"int4 per channel", Options{Bits: 4, Mapping: quant.Symmetric, Granularity: option.PerChannel}},
	{"int16 per channel", Options{Bits: 16, Mapping: quant.Symmetric, Granularity: option.PerChannel}},
	{"uint16 per tensor, asymmetric", Options{Bits: 16, Unsigned: true, Granularity: option.PerTensor}},
	{"int4 in groups of 32, half divisor", Options{Bits: 4, Mapping: quant.Symmetric, Divisor: quant.HalfWidth, Scales: quant.Float16Scale, Granularity: option.PerGroup, GroupSize: 32}},
	{"int8 per channel, narrow", Options{Bits: 8, Mapping: quant.Symmetric, NarrowRange: true, Granularity: option.PerChannel}},
	{"fp8_e4m3 per channel", Options{Bits: 8, Format: quant.E4M3FN, Mapping: quant.Symmetric, Granularity: option.PerChannel}},
	{"fp8_e5m2 per tensor", Options{Bits: 8, Format: quant.E5M2, Mapping: quant.Symmetric, Granularity: option.PerTensor}},
	{"mxfp8", Options{Bits: 8, Format: quant.E4M3FN, Scales: quant.E8M0Floor, Mapping: quant.Symmetric, Granularity: option.PerGroup, GroupSize: 32}},
	{"fp8_e4m3fnuz in groups of 16", Options{Bits: 8, Format: quant.E4M3FNUZ, Mapping: quant.Symmetric, Granularity: option.PerGroup, GroupSize: 16}},
	{"fp8_e5m2fnuz per channel", Options{Bits: 8, Format: quant.E5M2FNUZ, Mapping: quant.Symmetric, Granularity: option.PerChannel}},
	{"int4 in groups of 32, signed scale", Options{Bits: 4, Mapping: quant.Symmetric, SignedScale: true, Granularity: option.PerGroup, GroupSize: 32}},
	{"int8 per channel, signed scale", Options{Bits: 8, Mapping: quant.Symmetric, SignedScale: true, Granularity: option.PerChannel}},
	{"uint4 per channel, signed scale", Options{Bits: 4, Unsigned: true, Mapping: quant.Symmetric, SignedScale: true, Range: quant.LeastSquares, Granularity: option.PerChannel}},
}

// float4 are schemes that ONNX has a type for, and that ONNX Runtime does not run.
var float4 = []namedOptions{
	{"fp4_e2m1 per channel", Options{Bits: 4, Format: quant.E2M1, Mapping: quant.Symmetric, Granularity: option.PerChannel}},
	{"mxfp4", Options{Bits: 4, Format: quant.E2M1, Scales: quant.E8M0Floor, Mapping: quant.Symmetric, Granularity: option.PerGroup, GroupSize: 32}},
	{"nvfp4", Options{Bits: 4, Format: quant.E2M1, Scales: quant.E4M3Scale, Mapping: quant.Symmetric, Granularity: option.PerGroup, GroupSize: 16}},
}

// produce writes a file as f does.
func produce(t *testing.T, out string, f func(out *atomicfile.Set) (*Result, error)) *Result {
	t.Helper()
	set, err := atomicfile.New(out, false)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Abort()
	r, err := f(set)
	if err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	if err := set.Commit(); err != nil {
		t.Fatal(err)
	}
	return r
}

// bothWays quantizes a model, and turns that back.
func bothWays(t *testing.T, kind Kind, model, dir string, o Options) (quantized, dequantized string, r *Result) {
	t.Helper()
	quantized = filepath.Join(dir, "quantized."+string(kind))
	dequantized = filepath.Join(dir, "dequantized."+string(kind))
	r = produce(t, quantized, func(out *atomicfile.Set) (*Result, error) {
		return Quantize(t.Context(), kind, model, out, o, nil)
	})
	produce(t, dequantized, func(out *atomicfile.Set) (*Result, error) {
		return Dequantize(t.Context(), kind, quantized, out, Options{}, nil)
	})
	return quantized, dequantized, r
}

// A trial is a model with inputs for several steps.
type trial struct {
	model   string
	steps   []map[string]value
	carry   map[string]string
	outputs []string
	schemes int // how many of schemes, from the first on

	// tolerance is how far, in units of the largest output, optimizations may
	// take the quantized from the dequantized model.
	tolerance float64

	// threshold is where the first of outputs, a probability, makes a difference.
	threshold float32

	// least is the SQNR that outputs have to have, in dB, next to those of the
	// original: by scheme, 0 for any.
	least []float64
}

// Settings of ONNX Runtime.
var (
	// Weights that are packed beforehand, as only constants are, are summed in
	// another order. Without that the two models are one graph.
	unpacked = map[string]string{"disable_prepacking": "1"}

	// By default the runtime also rounds what comes in to 8 bits where it makes
	// one operator of DequantizeLinear and MatMul. With this it does not.
	precise = map[string]string{"qdq_matmulnbits_accuracy_level": "1"}
)

// run checks that ONNX Runtime loads the quantized model and computes with it
// what it computes with the dequantized one: the same bits without its
// optimizations, and what is in float error of it with them. It tells the
// distance to what the original computes, for each scheme.
func (m trial) run(t *testing.T) {
	ortFolder(t)
	jobs := []ortJob{{Model: m.model, Level: "disabled"}}
	var made []*Result
	for _, s := range schemes[:m.schemes] {
		q, d, r := bothWays(t, KindONNX, m.model, t.TempDir(), s.o)
		if len(r.Weights) == 0 {
			t.Fatalf("%s: nothing is quantized", s.name)
		}
		made = append(made, r)
		jobs = append(jobs,
			ortJob{Model: q, Level: "disabled", Session: unpacked}, ortJob{Model: d, Level: "disabled", Session: unpacked},
			ortJob{Model: q, Level: "all", Session: precise}, ortJob{Model: d, Level: "all"}, ortJob{Model: q, Level: "all"})
	}
	for i := range jobs {
		jobs[i].Steps, jobs[i].Carry = m.steps, m.carry
	}
	results := onnxruntime(t, jobs...)
	original := results[0]
	for i, s := range schemes[:m.schemes] {
		r := results[1+5*i : 6+5*i]
		before, after := int64(0), int64(0)
		for _, w := range made[i].Weights {
			before += w.Before
			after += w.After
		}
		t.Logf("%s: %d weights, %d → %d bytes", s.name, len(made[i].Weights), before, after)
		sameBits(t, s.name+", quantized and dequantized without optimizations", r[0], r[1])
		for k, output := range m.outputs {
			most := 0.0
			for _, step := range original {
				for _, x := range step[output].floats() {
					most = max(most, math.Abs(float64(x)))
				}
			}
			d := distanceOf(r[0], original, output)
			other := ""
			if k == 0 && m.threshold > 0 {
				n, of := decisions(r[0], original, output, m.threshold)
				other = fmt.Sprintf(", %d of %d on the other side of %v", n, of, m.threshold)
			}
			t.Logf("    %s, of up to %.3g, next to the original's: max error %.3g, RMSE %.3g, SQNR %.1f dB%s", output, most, d.max, d.rmse, d.sqnr, other)
			if i < len(m.least) && !(d.sqnr >= m.least[i]) {
				t.Errorf("%s: SQNR of %s is %.1f dB, want %v", s.name, output, d.sqnr, m.least[i])
			}
			opt, rounded := distanceOf(r[2], r[3], output), distanceOf(r[4], r[3], output)
			t.Logf("    optimized, next to the dequantized model's: max error %.3g; with what comes in rounded too: %.3g", opt.max, rounded.max)
			if !(opt.max <= m.tolerance*most) {
				t.Errorf("%s: optimized, %s is %.3g from that of the dequantized model: more than %v of %.3g",
					s.name, output, opt.max, m.tolerance, most)
			}
		}
	}
}

// decisions counts the values that are on another side of a threshold.
func decisions(got, want []map[string]value, name string, threshold float32) (other, all int) {
	for i := range want {
		x, y := want[i][name].floats(), got[i][name].floats()
		for k := range x {
			if (x[k] < threshold) != (y[k] < threshold) {
				other++
			}
		}
		all += len(x)
	}
	return other, all
}

// TestONNXRuntimeNetwork runs a network of most operators that have weights,
// for several versions of the operators.
func TestONNXRuntimeNetwork(t *testing.T) {
	for _, opset := range []int64{13, 21} {
		t.Run(fmt.Sprint("opset ", opset), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "network.onnx")
			if err := os.WriteFile(path, onnxtest.Network(opset), 0o666); err != nil {
				t.Fatal(err)
			}
			var steps []map[string]value
			r := rand.New(rand.NewPCG(5, 6))
			for flag := range byte(2) {
				tokens := make([]int64, 9)
				for i := range tokens {
					tokens[i] = r.Int64N(50)
				}
				steps = append(steps, map[string]value{
					"image": floatValue(onnxtest.Random(r, 3*24*24, 24*24, 1), 1, 3, 24, 24), "tokens": intValue(tokens, 1, 9), "flag": {"bool", []int{}, []byte{flag}},
				})
			}
			trial{
				model: path, steps: steps, outputs: []string{"y", "z"}, schemes: len(schemes),
				tolerance: 1e-5, least: []float64{25, 20, 8, 25, 8, 5, 60, 60, 8, 25, 20, 6, 14, 20, 9, 8, 25, 8},
			}.run(t)
		})
	}
}

// TestONNXRuntimeOutside runs a model whose weights are in another file, one of
// them in 16 bits.
func TestONNXRuntimeOutside(t *testing.T) {
	dir := t.TempDir()
	model, data := onnxtest.Outside()
	path := filepath.Join(dir, "outside.onnx")
	for name, content := range map[string][]byte{path: model, filepath.Join(dir, "weights.bin"): data} {
		if err := os.WriteFile(name, content, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	trial{
		model: path, steps: []map[string]value{{"x": floatValue(random(64), 1, 64)}}, outputs: []string{"y"}, schemes: 5,
		tolerance: 2e-3, least: []float64{30, 25, 10, 30, 10}, // what is between is rounded to 16 bits
	}.run(t)
}

// models is a folder with real models, which .ci/run provides.
func models(t *testing.T, name string) string {
	folder := os.Getenv("QUANT_MODELS")
	if folder == "" {
		t.Skip("QUANT_MODELS names no folder with real models")
	}
	return filepath.Join(folder, name)
}

// TestONNXRuntimeSilero runs a voice activity detector, whose weights are in
// branches of If, over two seconds of what resembles speech, at both rates
// that it has branches for.
func TestONNXRuntimeSilero(t *testing.T) {
	model := models(t, "silero_vad_v5.onnx")
	for _, rate := range []int{16000, 8000} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			chunk, context := rate/1000*32, rate/1000*4
			audio := append(make([]float32, context), speech(rate, 2*rate)...)
			var steps []map[string]value
			for at := 0; at+context+chunk <= len(audio); at += chunk {
				steps = append(steps, map[string]value{
					"input": floatValue(audio[at:at+context+chunk], 1, context+chunk),
					"sr":    intValue([]int64{int64(rate)}),
					"state": floatValue(make([]float32, 2*128), 2, 1, 128),
				})
			}
			trial{
				model: model, steps: steps, carry: map[string]string{"stateN": "state"}, outputs: []string{"output", "stateN"},
				schemes: 3, tolerance: 1e-5, threshold: 0.5, least: []float64{25, 10, 5},
			}.run(t)
		})
	}
}

// speech is a voiced sound with formants that comes and goes, with noise.
func speech(rate, n int) []float32 {
	r := rand.New(rand.NewPCG(7, 8))
	x := make([]float32, n)
	type resonator struct{ a, b, y1, y2 float64 }
	formants := make([]resonator, 3)
	phase := 0.0
	for i := range x {
		at := float64(i) / float64(rate)
		syllable := math.Mod(at*3.5, 1)
		loud := math.Sin(math.Pi*min(1, syllable*1.4)) * max(0, math.Sin(2*math.Pi*at*0.9)+0.4)
		pitch := 120 + 25*math.Sin(2*math.Pi*at*1.7)
		phase += pitch / float64(rate)
		source := 0.02 * r.NormFloat64()
		if phase >= 1 {
			phase--
			source += 1
		}
		vowel := 0.5 + 0.5*math.Sin(2*math.Pi*at*1.3)
		sum := 0.0
		for k, f := range []float64{350 + 400*vowel, 1900 - 800*vowel, 2600} {
			p := &formants[k]
			radius := math.Exp(-math.Pi * (60 + 40*float64(k)) / float64(rate))
			p.a, p.b = 2*radius*math.Cos(2*math.Pi*f/float64(rate)), -radius*radius
			y := source + p.a*p.y1 + p.b*p.y2
			p.y1, p.y2 = y, p.y1
			sum += y / float64(1+2*k)
		}
		x[i] = float32(0.05*loud*sum + 0.002*r.NormFloat64())
	}
	return x
}

// TestONNXRuntimeText runs a detector of text over an image with some lines.
func TestONNXRuntimeText(t *testing.T) {
	trial{
		model:   models(t, "ch_PP-OCRv4_det_infer.onnx"),
		steps:   []map[string]value{{"x": page(t, 448, 320)}},
		outputs: []string{"sigmoid_0.tmp_0"},
		schemes: 3, tolerance: 1e-3, threshold: 0.3, least: []float64{20, 5, 1},
	}.run(t)
}

// page is an image with text, as the detector takes it.
func page(t *testing.T, width, height int) value {
	return pageOf(t, width, height, "Quantized to eight bits", "the quick brown fox jumps", "0123456789  (4.5 %)", "over the lazy dog.")
}

// pageOf is an image with lines of text.
func pageOf(t *testing.T, width, height int, lines ...string) value {
	t.Helper()
	f, err := opentype.Parse(typeface.Regular())
	if err != nil {
		t.Fatal(err)
	}
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(img, img.Bounds(), image.NewUniform(color.RGBA{240, 238, 230, 255}), image.Point{}, draw.Src)
	y := 12
	for i, line := range lines {
		face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: float64(18 + 7*i), DPI: 72})
		if err != nil {
			t.Fatal(err)
		}
		y += 32 + 12*i
		d := font.Drawer{Dst: img, Src: image.NewUniform(color.RGBA{uint8(30 * i), 20, 60, 255}), Face: face, Dot: fixed.P(16+20*i, y)}
		d.DrawString(line)
	}
	data := make([]float32, 3*width*height)
	mean, dev := [3]float64{0.485, 0.456, 0.406}, [3]float64{0.229, 0.224, 0.225}
	for y := range height {
		for x := range width {
			c := img.RGBAAt(x, y)
			for k, v := range [3]uint8{c.R, c.G, c.B} {
				data[(k*height+y)*width+x] = float32((float64(v)/255 - mean[k]) / dev[k])
			}
		}
	}
	return floatValue(data, 1, 3, height, width)
}

// TestONNXRuntimeSays is what a failed load looks like: the runtime is heard.
func TestONNXRuntimeSays(t *testing.T) {
	ortFolder(t)
	path := filepath.Join(t.TempDir(), "broken.onnx")
	if err := os.WriteFile(path, []byte(strings.Repeat("\x08\x08", 3)), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := tryONNXRuntime(t, ortJob{Model: path, Level: "all"}); err == nil {
		t.Error("a model that is none is loaded")
	}
}
