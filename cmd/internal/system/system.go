// Package system has the systems that run quantized models or quantize weights: the files that
// they read, and the schemes that they have for weights and activations. Every command of the
// tool that takes --for uses it.
//
// The schemes are those of package preset. What a system writes with these schemes by its own
// rule of rounding is there too: quant diff counts the codes that differ.
package system

import (
	"fmt"
	"strings"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/text"
	"github.com/a01592f9/quant/preset"
)

// A System runs quantized models, or quantizes weights.
type System struct {
	Name  string // as --for has it
	Title string

	// File is the kind of file that quant quantize writes for the system: "onnx", "safetensors" or
	// "gguf". It is "" if the system reads no such file.
	File string

	// Weights has a choice for each width of a code. The first is the default.
	Weights []Weights

	// Activations is the preset of activations whose ranges are calibrated. It is "" for a system
	// that finds the ranges of activations when it runs, or quantizes none.
	Activations string
}

// Weights say how a system quantizes weights with codes of one width.
type Weights struct {
	Bits   int
	Preset string // its name
	Scheme quant.Scheme

	// Group is the size of the groups; 0 for a scale for each channel.
	Group int

	Tensor bool // one scale for the whole tensor instead

	// Sizes are the sizes of groups that a sweep compares. A system without groups has none.
	Sizes []int

	Block string // type of GGUF, which says all; "" for codes with scales

	// WholeGroups is true if files have only whole groups, along one of the last two axes. Other
	// weights are left.
	WholeGroups bool

	// GroupScales is the format in which scales of groups are stored. Scales of channels are
	// float32.
	GroupScales quant.ScaleFormat

	Note string // what the choice costs or leaves out, in sentences; may be ""
}

// weights returns the choice of a preset.
func weights(name string, group int, sizes ...int) Weights {
	p, ok := preset.ByName(name)
	if !ok {
		panic("there is no preset " + name)
	}
	w := Weights{Bits: p.Scheme.Bits, Preset: name, Scheme: p.Scheme, Group: group, Sizes: sizes}
	w.Scheme.Granularity = quant.PerTensor
	return w
}

// blocks returns the choice of a preset of ggml, with its type.
func blocks(name, block string) Weights {
	w := weights(name, 32, 32)
	w.Block = block
	return w
}

// scaled returns w with groups by default, whose scales are stored in a format.
func scaled(w Weights, f quant.ScaleFormat, note string) Weights {
	w.Scheme.Scales, w.GroupScales, w.Note = f, f, note
	return w
}

// wholeGroups returns w for a system that has nothing but whole groups.
func wholeGroups(w Weights) Weights {
	w.WholeGroups = true
	return w
}

// noted returns w with a note.
func noted(w Weights, note string) Weights {
	w.Note = note
	return w
}

// XNNPACK quantizes no weights. It runs those that TensorFlow Lite makes with 8 bits, and those
// that torchao makes with 4 bits, by way of ExecuTorch. Its weights have codes of 8 bits with a
// scale for each channel, or of 4 bits with a scale for each channel or group; scales of groups are
// bfloat16 or float16 (google/XNNPACK at 00818fa6, src/tensor.c).
const (
	xnnpack8 = "XNNPACK has no groups of 8-bit codes."
	xnnpack4 = "Scales of groups are stored as bfloat16, in 2 bytes: rounding moves each by up to 0.2 %."
)

var systems = []System{
	{"onnxruntime", "ONNX Runtime", "onnx", []Weights{weights("onnxruntime-int8", 0, 128, 32), weights("onnxruntime-int4", 32, 128, 32)}, "onnxruntime-uint8"},
	{"tensorrt", "TensorRT", "onnx", []Weights{weights("tensorrt-int8", 0), wholeGroups(weights("tensorrt-int4", 128, 128, 64))}, "tensorrt-int8"},
	{"vllm", "vLLM", "safetensors", []Weights{weights("compressed-tensors-int8", 0, 128, 32), weights("compressed-tensors-int4", 128, 128, 32)}, ""},
	{"llama.cpp", "llama.cpp", "gguf", []Weights{blocks("ggml-q8_0", "q8_0"), blocks("ggml-q4_0", "q4_0"), blocks("ggml-q5_0", "q5_0")}, ""},
	{"tflite", "TensorFlow Lite", "", []Weights{weights("tflite-int8", 0)}, "tflite-int8-asymmetric"},
	{"xnnpack", "XNNPACK", "", []Weights{noted(weights("tflite-int8", 0), xnnpack8), scaled(weights("torchao-int4", 32, 128, 64, 32), quant.BFloat16Scale, xnnpack4)}, ""},
	{"pytorch", "PyTorch", "", []Weights{weights("pytorch-int8", 0)}, "pytorch-uint8"},
	{"torchao", "torchao", "", []Weights{weights("torchao-int8", 0, 128, 32), weights("torchao-int4", 32, 128, 64, 32)}, ""},
	{"mlx", "MLX", "", []Weights{weights("mlx-4bit", 64, 128, 64, 32), weights("mlx-8bit", 64, 128, 64, 32)}, ""},
}

// Names returns the names of all systems.
func Names() []string {
	var names []string
	for _, s := range systems {
		names = append(names, s.Name)
	}
	return names
}

// Parse returns the system of a name.
func Parse(name string) (System, error) {
	for _, s := range systems {
		if s.Name == name {
			return s, nil
		}
	}
	return System{}, fmt.Errorf("there is no system %q; there are %s", name, strings.Join(Names(), ", "))
}

// Of returns the choice for codes of a width, or the default for 0.
func (s System) Of(bits int) (Weights, error) {
	if bits == 0 {
		return s.Weights[0], nil
	}
	var widths []string
	for _, w := range s.Weights {
		if w.Bits == bits {
			return w, nil
		}
		widths = append(widths, fmt.Sprint(w.Bits))
	}
	return Weights{}, fmt.Errorf("%d bits: the weights of %s have %s", bits, s.Title, text.Or(widths))
}

// With returns w with another granularity, by the names of package option. group is the size of
// groups; 0 is the default of w, or 32 if that has no groups.
func (w Weights) With(s System, granularity string, group int) (Weights, error) {
	p, _ := preset.ByName(w.Preset)
	g := quant.PerTensor
	if w.GroupScales != quant.Float32Scale && granularity != option.PerGroup {
		w.Scheme.Scales, w.Note = quant.Float32Scale, ""
	}
	switch granularity {
	case option.PerTensor:
		w.Group, w.Tensor = 0, true
	case option.PerChannel:
		g, w.Group = quant.PerChannel(0), 0
	case option.PerGroup:
		switch {
		case group > 0:
			w.Group = group
		case w.Group == 0:
			w.Group = 32
		}
		g = quant.PerGroup(-1, w.Group)
		if w.Sizes == nil {
			return w, fmt.Errorf("groups of %d: %s has a scale for each channel of %d-bit weights, and no groups", w.Group, s.Title, w.Bits)
		}
	}
	if _, err := p.With(g); err != nil {
		return w, fmt.Errorf("%v: %s has groups of %s", g, s.Title, text.Or(numbers(w.Sizes)))
	}
	return w, nil
}

func numbers(n []int) []string {
	var words []string
	for _, x := range n {
		words = append(words, fmt.Sprint(x))
	}
	return words
}

// Granularity returns the name of the granularity of w.
func (w Weights) Granularity() string {
	switch {
	case w.Tensor:
		return option.PerTensor
	case w.Group > 0:
		return option.PerGroup
	}
	return option.PerChannel
}

// Whole returns the scheme with its granularity, for channels on axis 0 and groups along the last
// axis.
func (w Weights) Whole() quant.Scheme {
	s := w.Scheme
	switch {
	case w.Tensor:
	case w.Group > 0:
		s.Granularity = quant.PerGroup(-1, w.Group)
	default:
		s.Granularity = quant.PerChannel(0)
	}
	return s
}

// Text returns the scheme as --schemes has it, with a method.
func (w Weights) Text(method quant.Method) string {
	if w.Block != "" {
		return w.Block
	}
	s := w.Whole()
	s.Method = method
	b, err := s.MarshalText()
	if err != nil {
		panic(err) // of a preset
	}
	full := strings.Replace(string(b), ":channel@0", ":"+option.ChannelPart, 1)
	full = strings.Replace(full, fmt.Sprintf(":group%d@-1", w.Group), fmt.Sprintf(":g%d", w.Group), 1)
	return strings.Replace(full, ":symmetric", ":sym", 1)
}

// Schemes returns the schemes of all widths and granularities that the system has, for a sweep.
func (s System) Schemes(method quant.Method) []string {
	var all []string
	for _, w := range s.Weights {
		if w.Block != "" {
			all = append(all, w.Block)
			continue
		}
		if x, err := w.With(s, option.PerChannel, 0); err == nil {
			all = append(all, x.Text(method))
		}
		for _, w.Group = range w.Sizes {
			all = append(all, w.Text(method))
		}
	}
	return all
}

// Activation returns the scheme of activations. The error is for a system that calibrates none.
func (s System) Activation() (quant.Scheme, error) {
	p, ok := preset.ByName(s.Activations)
	if !ok {
		return quant.Scheme{}, fmt.Errorf("%s needs no calibration: it takes the ranges of activations when it runs, or quantizes none", s.Title)
	}
	return p.Scheme, nil
}

// Conform returns a symmetric scheme of integers with the divisor and the narrow range that the
// weights of s have at its width.
func (s System) Conform(x quant.Scheme) quant.Scheme {
	w, err := s.Of(x.Bits)
	if err != nil || x.Bits == 0 || x.Mapping != quant.Symmetric || w.Scheme.Mapping != quant.Symmetric || x.Unsigned != w.Scheme.Unsigned {
		return x
	}
	x.Divisor, x.NarrowRange = w.Scheme.Divisor, w.Scheme.NarrowRange
	return x
}
