package preset

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/internal/samples"
)

// shape is of the tensors of these tests: groups of 32, 64 and 128 are whole.
var shape = []int{6, 256}

// tensors returns a tensor for each distribution of values.
func tensors(seed uint64) map[string]quant.Tensor {
	all := map[string]quant.Tensor{}
	for _, d := range samples.Distributions {
		all[d.Name] = quant.Tensor{Data: samples.Values(seed, shape[0]*shape[1], d.Of), Shape: shape}
	}
	// Ties, under a scale that is a power of two in most systems.
	ties := make([]float32, shape[0]*shape[1])
	rng := rand.New(rand.NewPCG(seed, 2))
	for i := range ties {
		ties[i] = float32(rng.IntN(511)-255) / 2
	}
	all["ties"] = quant.Tensor{Data: ties, Shape: shape}
	return all
}

// TestPresetExact compares the presets that say so with the library's own functions.
func TestPresetExact(t *testing.T) {
	for _, p := range All() {
		if !p.Exact {
			continue
		}
		all := []quant.Granularity{quant.PerTensor, quant.PerChannel(0), quant.PerChannel(1), quant.PerGroup(1, 32), quant.PerGroup(0, 3)}
		if p.sizes != nil {
			all = nil
			for _, size := range p.sizes {
				all = append(all, quant.PerGroup(1, size))
			}
		}
		for _, g := range all {
			p := must(p.With(g))
			for name, x := range tensors(3) {
				p, x := p, clone(x)
				above(&p, x)
				got, err := p.Calibrate(x)
				want, err2 := quant.Calibrate(x, p.Scheme)
				if err != nil || err2 != nil {
					// What overflows float32 has a scale in the library, and none in some systems.
					if name != "huge" && name != "octaves" {
						t.Errorf("%s, %v, %s: %v, %v", p.Name, g, name, err, err2)
					}
					continue
				}
				if !slices.Equal(got.Scale, want.Scale) || !slices.Equal(got.ZeroPoint, want.ZeroPoint) {
					t.Errorf("%s, %v, %s: parameters differ from those of %v", p.Name, g, name, p.Scheme)
					continue
				}
				codes, err := p.Quantize(x, got)
				if err != nil {
					t.Fatal(err)
				}
				theirs, err := quant.Quantize(x, want)
				if err != nil {
					t.Fatal(err)
				}
				back, err := quant.Dequantize(theirs)
				if err != nil {
					t.Fatal(err)
				}
				values, err := p.Dequantize(codes, x.Shape, got)
				if err != nil {
					t.Fatal(err)
				}
				for i, q := range codes {
					if int(q) != theirs.At(i) || values[i] != back.Data[i] {
						t.Fatalf("%s, %v, %s: %v has the code %d, and %d in the library", p.Name, g, name, x.Data[i], q, theirs.At(i))
					}
				}
			}
		}
	}
}

// TestPresetSignedScale compares the scales of presets whose scheme has a signed scale with those
// of the library, bit for bit, also their signs. Codes differ by at most 1, since the presets round
// by rules of their own.
func TestPresetSignedScale(t *testing.T) {
	presets, negative := 0, 0
	for _, p := range All() {
		if p.Scheme.SignedScale != (p.Rule.SignedScale && p.Scheme.Mapping == quant.Symmetric) {
			t.Errorf("%s: the scheme has a signed scale: %t", p.Name, p.Scheme.SignedScale)
		}
		if !p.Scheme.SignedScale {
			continue
		}
		presets++
		for _, seed := range []uint64{3, 4} {
			for _, name := range []string{"normal", "outliers", "one sign"} {
				x := signTensor(seed, name)
				got, err := p.Calibrate(x)
				if err != nil {
					t.Fatal(err)
				}
				want, err := quant.Calibrate(x, p.Scheme)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(got.Scale, want.Scale) || !slices.Equal(got.ZeroPoint, want.ZeroPoint) {
					t.Errorf("%s, %s: scales %v, and %v in the library", p.Name, name, got.Scale[:4], want.Scale[:4])
					continue
				}
				codes, err := p.Quantize(x, got)
				if err != nil {
					t.Fatal(err)
				}
				theirs, err := quant.Quantize(x, want)
				if err != nil {
					t.Fatal(err)
				}
				for i, q := range codes {
					if d := int(q) - theirs.At(i); d < -1 || d > 1 {
						t.Fatalf("%s, %s: %v has the code %d, and %d in the library", p.Name, name, x.Data[i], q, theirs.At(i))
					}
				}
				for _, s := range got.Scale {
					if s < 0 {
						negative++
					}
				}
			}
		}
	}
	if presets != 4 || negative == 0 {
		t.Errorf("%d presets, %d negative scales", presets, negative)
	}
}

// signTensor returns values of about 1, without two largest magnitudes in a group.
func signTensor(seed uint64, kind string) quant.Tensor {
	rng := rand.New(rand.NewPCG(seed, 9))
	x := make([]float32, shape[0]*shape[1])
	for i := range x {
		x[i] = float32(rng.NormFloat64())
		switch {
		case kind == "one sign":
			x[i] = abs(x[i])
		case kind == "outliers" && i%37 == 0:
			x[i] *= 20
		}
	}
	return quant.Tensor{Data: x, Shape: shape}
}

// above makes zeros of the values of x whose range is below p.From.
func above(p *Preset, x quant.Tensor) {
	l, err := newLayout(p, len(x.Data), x.Shape)
	if err != nil {
		panic(err)
	}
	all := make([]limits, l.params)
	l.each(func(from, end, first, step int) {
		for k, v := range x.Data[from:end] {
			all[first+k*step].add(v)
		}
	})
	l.each(func(from, end, first, step int) {
		for k := range x.Data[from:end] {
			r := all[first+k*step]
			width := max(r.hi, 0) - min(r.lo, 0)
			if p.Scheme.Mapping == quant.Symmetric {
				width = abs(r.most)
			}
			if width < p.From {
				x.Data[from+k] = 0
			}
		}
	})
	// A range of zeros alone has the scale 1 in the library and Epsilon elsewhere.
	if p.Rule.Epsilon > 0 {
		for i, v := range x.Data {
			if v == 0 {
				x.Data[i] = 2 * p.From
			}
		}
	}
}

// TestPresetBelow shows that From says where a preset and the scheme part.
func TestPresetBelow(t *testing.T) {
	for _, p := range All() {
		if !p.Exact {
			continue
		}
		zeros := []float32{}
		if p.sizes == nil {
			p = must(p.With(quant.PerTensor))
		} else {
			p, zeros = must(p.With(quant.PerGroup(-1, p.sizes[0]))), make([]float32, p.sizes[0]-4)
		}
		for _, by := range []float32{0.9, 1} {
			v := p.From * by
			x := quant.Tensor{Data: append([]float32{v, -v / 3, v / 2, 0}, zeros...)}
			if p.Scheme.Mapping != quant.Symmetric {
				x.Data[1] = 0
			}
			got, err := p.Calibrate(x)
			if err != nil {
				t.Fatal(err)
			}
			want, err := quant.Calibrate(x, p.Scheme)
			if err != nil {
				t.Fatal(err)
			}
			if same := got.Scale[0] == want.Scale[0]; same != (by == 1) {
				t.Errorf("%s: largest value %v: scale %v, and %v in the library", p.Name, v, got.Scale[0], want.Scale[0])
			}
		}
	}
}

func must(p Preset, err error) Preset {
	if err != nil {
		panic(err)
	}
	return p
}

func clone(x quant.Tensor) quant.Tensor {
	return quant.Tensor{Data: slices.Clone(x.Data), Shape: x.Shape}
}

// TestPresetTable checks what each preset says of itself.
func TestPresetTable(t *testing.T) {
	var seen []string
	for _, p := range All() {
		t.Run(p.Name, func(t *testing.T) {
			if slices.Contains(seen, p.Name) || strings.ContainsAny(p.Name, ":, ") {
				t.Error("the name is there twice, or no name")
			}
			seen = append(seen, p.Name)
			if p.System == "" || !strings.HasPrefix(p.Purpose, "makes ") || len(p.Source) < 20 {
				t.Errorf("system %q, purpose %q, source %q", p.System, p.Purpose, p.Source)
			}
			if err := p.Scheme.Validate(); err != nil {
				t.Error(err)
			}
			q, err := Parse(p.Name)
			if err != nil || q.Name != p.Name || q.Scheme != p.Scheme {
				t.Errorf("Parse: %v, %v", q.Scheme, err)
			}
		})
	}
}

func TestPresetParse(t *testing.T) {
	for text, want := range map[string]quant.Granularity{
		"pytorch-int8":                quant.PerTensor,
		"pytorch-int8:channel@0":      quant.PerChannel(0),
		"pytorch-int8:g32":            quant.PerGroup(-1, 32),
		"mlx-4bit:g128":               quant.PerGroup(-1, 128),
		"matmulnbits-4bit:group16@0":  quant.PerGroup(0, 16),
		"torchao-int8:tensor":         quant.PerTensor,
		"compressed-tensors-int4:g64": quant.PerGroup(-1, 64),
	} {
		p, err := Parse(text)
		if err != nil || p.Scheme.Granularity != want {
			t.Errorf("%s: %v, %v", text, p.Scheme.Granularity, err)
		}
	}
	for text, want := range map[string]error{
		"pytorch":               quant.ErrScheme,
		"pytorch-int8:mse":      quant.ErrScheme,
		"pytorch-int8:sym":      quant.ErrScheme,
		"pytorch-int8:32x32":    quant.ErrScheme,
		"ggml-q8_0:channel@0":   quant.ErrGroupSize,
		"ggml-q8_0:g64":         quant.ErrGroupSize,
		"mlx-4bit:g16":          quant.ErrGroupSize,
		"matmulnbits-4bit:g512": quant.ErrGroupSize,
	} {
		if _, err := Parse(text); !errors.Is(err, want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestPresetErrors checks errors and where they point.
func TestPresetErrors(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	channel := must(Parse("pytorch-int8:channel@1"))
	tensor := must(Parse("onnxruntime-dynamic"))
	blocks := must(Parse("ggml-q8_0"))
	for _, c := range []struct {
		name string
		p    Preset
		x    quant.Tensor
		want error
		text string
	}{
		{"NaN", channel, quant.Tensor{Data: []float32{1, 2, 3, 4, nan, 6}, Shape: []int{2, 3}}, quant.ErrNotFinite, "quant: NaN at index 4 (channel 1)"},
		{"infinity", tensor, quant.Tensor{Data: []float32{1, inf}}, quant.ErrNotFinite, "quant: +Inf at index 1"},
		{"shape", tensor, quant.Tensor{Data: []float32{1, 2}, Shape: []int{3}}, quant.ErrShape, ""},
		{"empty", tensor, quant.Tensor{}, quant.ErrEmpty, ""},
		{"axis", must(Parse("pytorch-int8:channel@2")), quant.Tensor{Data: []float32{1, 2}, Shape: []int{1, 2}}, quant.ErrAxis, ""},
		{"blocks that are not whole", blocks, quant.Tensor{Data: make([]float32, 33)}, quant.ErrGroupSize,
			"quant: group size out of range: axis 0 has 33 elements, which ggml-q8_0 cannot cut into groups of 32"},
		{"range beyond float32", tensor, quant.Tensor{Data: []float32{-math.MaxFloat32, math.MaxFloat32}}, quant.ErrScale, ""},
		{"scale beyond float16", blocks, quant.Tensor{Data: append(make([]float32, 31), 1e7)}, quant.ErrScale, ""},
		{"blocks of two axes", Preset{Scheme: quant.Scheme{Bits: 8, Granularity: quant.PerBlock(0, 2, 1, 2)}},
			quant.Tensor{Data: make([]float32, 9), Shape: []int{3, 3}}, quant.ErrScheme, ""},
		{"scale that underflows", tensor, quant.Tensor{Data: []float32{0, math.SmallestNonzeroFloat32}}, quant.ErrScale, ""},
	} {
		_, err := c.p.Calibrate(c.x)
		if !errors.Is(err, c.want) || c.text != "" && err.Error() != c.text {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	x := quant.Tensor{Data: []float32{1, 2, 3, 4}, Shape: []int{2, 2}}
	if _, err := channel.Quantize(x, Params{Scale: []float32{1, 1}}); !errors.Is(err, quant.ErrParams) {
		t.Error(err)
	}
	if _, err := channel.Dequantize([]int16{1}, []int{1}, Params{}); !errors.Is(err, quant.ErrAxis) {
		t.Error(err)
	}
	params, err := channel.Calibrate(x)
	if err != nil {
		t.Fatal(err)
	}
	x.Data[3] = nan
	if _, err := channel.Quantize(x, params); !errors.Is(err, quant.ErrNotFinite) {
		t.Error(err)
	}
}

// TestRuleExamples has values whose codes the details of a rule decide.
func TestRuleExamples(t *testing.T) {
	const x, s = 0.273939937, 0.00214854861 // of FBGEMM's source
	for _, c := range []struct {
		name string
		rule Rule
		x    float32
		m    made
		want int32
	}{
		{"quotient", Rule{}, x, made{scale: s}, 127},
		{"reciprocal", Rule{Multiply: true}, x, made{scale: s, multiplier: 1 / float32(s)}, 128},
		{"tie to even", Rule{}, 2.5, made{scale: 1}, 2},
		{"tie away", Rule{Rounding: AwayFromZero}, 2.5, made{scale: 1}, 3},
		{"negative tie away", Rule{Rounding: AwayFromZero}, -2.5, made{scale: 1}, -3},
		{"tie, zero point after", Rule{}, 2.5, made{scale: 1, zero: 3}, 5},
		{"tie, zero point before", Rule{Zero: BeforeRounding}, 2.5, made{scale: 1, zero: 3}, 6},
		{"half added", Rule{Multiply: true, Rounding: AddHalf}, 2.5, made{multiplier: 1, zero: 8}, 11},
		{"half added to less than a half", Rule{Multiply: true, Rounding: AddHalf}, 0x1.fffffep-2, made{multiplier: 1, zero: 8}, 9},
		{"product and sum rounded twice", Rule{Multiply: true, Zero: BeforeRounding}, 0x1.fffffep-1, made{multiplier: 0x1.000002p-1, zero: 128}, 128},
		{"subtrahend", Rule{Subtract: true}, 5, made{scale: 2, subtrahend: 1}, 2},
		{"infinite product, limited before it is an integer", Rule{Multiply: true, Zero: BeforeRounding}, 5, made{scale: 1e-40, multiplier: float32(math.Inf(1)), zero: 8}, 255},
		{"zero times infinity", Rule{Multiply: true, Zero: BeforeRounding}, 0, made{scale: 1e-40, multiplier: float32(math.Inf(1)), zero: 8}, -128},
		{"infinite reciprocal", Rule{Multiply: true}, 5, made{multiplier: float32(math.Inf(1))}, 0},
		{"clamped", Rule{}, 1e9, made{scale: 1}, 255},
	} {
		if got := c.rule.code(c.x, &c.m, -128, 255); got != c.want {
			t.Errorf("%s: code %d, want %d", c.name, got, c.want)
		}
	}
}

// TestSources has a link for every source, at the commit that the source names.
func TestSources(t *testing.T) {
	for _, p := range All() {
		link := p.Link()
		if !strings.HasPrefix(link, "https://") {
			t.Errorf("%s has no link", p.Name)
		}
		_, rest, ok := strings.Cut(p.Source, " at ")
		if p.Name == "tensorrt-int8" {
			if !strings.Contains(p.Source, "TensorRT 11.0.0") || !strings.Contains(link, "/11.0.0/") {
				t.Errorf("%s: %s is not of the version of %s", p.Name, link, p.Source)
			}
		} else if !ok {
			t.Errorf("%s: %s names no commit", p.Name, p.Source)
		}
		if ok {
			if commit := strings.Fields(strings.NewReplacer(",", " ", ":", " ").Replace(rest))[0]; !strings.Contains(link, "/"+commit+"/") {
				t.Errorf("%s: %s is not at %s", p.Name, link, commit)
			}
		}
		if says := p.Says(); !strings.HasPrefix(says, p.System+" ") || !strings.HasSuffix(says, ".") {
			t.Errorf("%s says %q", p.Name, says)
		}
	}
	for name, want := range map[string]string{
		"tensorrt-int4":    "TensorRT divides by the scale, then rounds ties to even.",
		"tensorrt-int8":    "TensorRT divides by the scale, then rounds ties to even.",
		"ggml-q4_0":        "ggml multiplies by the reciprocal of the scale, then adds a half and cuts off the fraction; its scales may be negative.",
		"ggml-q4_1":        "ggml subtracts an edge from each value, then multiplies by the reciprocal of the scale, then adds a half and cuts off the fraction.",
		"fbgemm-uint8":     "FBGEMM multiplies by the reciprocal of the scale, then adds the zero point in the same operation and then rounds ties to even.",
		"matmulnbits-4bit": "ONNX Runtime multiplies by the reciprocal of the scale, then adds the zero point and then rounds ties away from zero; its scales may be negative.",
	} {
		if p, _ := ByName(name); p.Says() != want {
			t.Errorf("%s says %q", name, p.Says())
		}
	}
}
