package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/gguf"
)

// A PlanCandidate is a way to quantize weights, for a plan to choose.
type PlanCandidate struct {
	Name   string // as it was written: "int4:g32"
	keep   bool
	block  bool // of a type of GGUF
	typ    gguf.Type
	scheme quant.Scheme
	chosen bool // the axis is that of the channels of each weight, or the one that groups run along
}

// Keep is the candidate that leaves a weight as it is.
const Keep = "keep"

// ParsePlanCandidate parses the name of a candidate: "keep"; a type of GGUF that is
// written, such as q4_k; or a scheme as quant.ParseScheme has it, with channel,
// tensor or gSIZE for its granularity. Without one it is per channel; a mapping
// and a method that it does not name are those given.
func ParsePlanCandidate(name string, mapping quant.Mapping, method quant.Method) (PlanCandidate, error) {
	c := PlanCandidate{Name: name, keep: name == Keep}
	if c.keep {
		return c, nil
	}
	if t, err := gguf.ParseType(name); err == nil {
		c.block, c.typ = true, t
		if !t.Writable() {
			return c, fmt.Errorf("candidate %q: the type is read but not written; types that are written are %s", name, gguf.Written())
		}
		return c, nil
	}
	parts := strings.Split(name, ":")
	has := func(is func(part string) bool) bool { return slices.ContainsFunc(parts[1:], is) }
	granular := func(part string) bool {
		_, err := quant.ParseGranularity(part)
		return err == nil
	}
	for i, part := range parts {
		if part == "channel" {
			parts[i] = "channel@0"
		}
	}
	if !has(granular) {
		parts = append(parts, "channel@0")
	}
	c.chosen = !strings.Contains(name, "@")
	var err error
	if c.scheme, err = quant.ParseScheme(strings.Join(parts, ":")); err != nil {
		return c, fmt.Errorf("candidate %q: %s; a candidate is keep, a type of GGUF, or a scheme such as int4:g32", name, strings.TrimPrefix(err.Error(), "quant: "))
	}
	mapped := func(part string) bool { return part == "symmetric" || part == "asymmetric" }
	if !has(mapped) && c.scheme.Format == quant.Integers {
		c.scheme.Mapping = mapping
	}
	named := func(part string) bool {
		_, err := quant.ParseMethod(part)
		return err == nil
	}
	if !has(named) {
		c.scheme.Method = method
	}
	c.scheme.ZeroInRange = true // files keep zero points in the type of codes
	return c, c.scheme.Validate()
}

// of returns the scheme of the candidate for a weight.
func (c *PlanCandidate) of(j job) (quant.Scheme, error) {
	s := c.scheme
	if !c.chosen || s.Granularity == quant.PerTensor {
		return s, nil
	}
	axis, err := j.axis(Options{})
	if err != nil {
		return s, err
	}
	size, grouped := s.Granularity.GroupSize()
	if !grouped {
		s.Granularity = quant.PerChannel(axis)
		return s, nil
	}
	along, err := j.groupAxis(axis, nil)
	s.Granularity = quant.PerGroup(along, size)
	return s, err
}

// A PlanTarget is what is to run a model. It says how many bytes codes take, and
// which candidates there are without any being named.
type PlanTarget string

// Targets of a plan.
const (
	PlanAny         PlanTarget = ""
	PlanONNXRuntime PlanTarget = "onnxruntime"
	PlanVLLM        PlanTarget = "vllm"
	PlanLlamaCPP    PlanTarget = "llama.cpp"
)

// PlanTargets are those that can be named.
var PlanTargets = []string{string(PlanONNXRuntime), string(PlanVLLM), string(PlanLlamaCPP)}

// Candidates are those of a plan for t if nobody names any.
func (t PlanTarget) Candidates() []string {
	switch t {
	case PlanONNXRuntime:
		return []string{"int4:channel", "int4:g128", "int4:g32", "int8:channel", "int16:channel", Keep}
	case PlanVLLM:
		return []string{"int4:channel", "int4:g128", "int4:g32", "int8:channel", "int8:g128", "int8:g32", Keep}
	case PlanLlamaCPP:
		return []string{"q4_0", "q4_k", "iq4_nl", "q5_0", "q5_k", "q6_k", "q8_0", Keep}
	}
	return []string{"int2:g32", "int3:channel", "int3:g32", "int4:channel", "int4:g128", "int4:g32", "int5:channel", "int6:channel", "int8:channel", Keep}
}

// bytes is what codes of a scheme take in the files of a target, with their scales
// and zero points.
func (t PlanTarget) bytes(s quant.Scheme, elements int64, params int) int64 {
	width := s.Bits
	if t == PlanONNXRuntime {
		switch {
		case width <= 4:
			width = 4
		case width <= 8:
			width = 8
		default:
			width = 16
		}
	}
	if s.Format != quant.Integers {
		return s.Memory(int(elements), params).Total()
	}
	n := (elements*int64(width)+7)/8 + 4*int64(params)
	if s.Mapping == quant.Asymmetric || s.Unsigned {
		n += (int64(params)*int64(width) + 7) / 8
	}
	return n
}

// blockBytes is what a weight of whole blocks takes. There is none if its rows
// are not whole blocks of any type that could stand for t.
func blockBytes(t gguf.Type, elements int64) int64 {
	block, size := t.Block()
	return elements / int64(block) * int64(size)
}

// blockErrors returns the sum of squared errors of a weight as blocks of a type,
// and its sum of squares.
func blockErrors(r *reading, t gguf.Type, elements int64) (noise, signal float64, err error) {
	type sums struct{ noise, signal float64 }
	const each = blockLen // of every type, blocks are whole in it
	blocks := make([]sums, (elements+each-1)/each)
	_, size := t.Block()
	block, _ := t.Block()
	var failed error
	err = eachBlock(r, elements, func(int) bool { return true }, func(i int, x []float32) {
		codes, back := make([]byte, len(x)/block*size), make([]float32, len(x))
		if err := t.Encode(codes, x); err != nil {
			r.mu.Lock()
			failed = err
			r.mu.Unlock()
			return
		}
		t.Dequantize(back, codes)
		for k, v := range x {
			e := float64(back[k]) - float64(v)
			blocks[i].noise += float64(e * e)
			blocks[i].signal += float64(float64(v) * float64(v))
		}
	})
	for _, b := range blocks {
		noise, signal = noise+b.noise, signal+b.signal
	}
	if err == nil {
		err = failed
	}
	return noise, signal, err
}

// ratio is a signal to noise ratio in decibels.
func ratio(signal, noise float64) float64 {
	switch {
	case noise == 0:
		return math.Inf(1)
	case signal == 0:
		return math.Inf(-1)
	}
	return steady(10 * math.Log10(signal/noise))
}
