package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/gguf"
	"github.com/a01592f9/quant/cmd/internal/system"
)

// A planCandidate is a way to quantize weights from which a plan chooses: a scheme of the
// library, blocks of a type of GGUF, or no quantization.
type planCandidate struct {
	candidate
	keep bool
}

// planCandidate reads the name of a candidate: "keep"; a type of GGUF that is written, such
// as q4_k; or a scheme as --schemes has it. Without a granularity codes of integers are per
// channel. A mapping and a method that the name does not have are those of o.
func (o *PlanOptions) planCandidate(name string, mapping quant.Mapping, method quant.Method) (planCandidate, error) {
	if name == Keep {
		return planCandidate{candidate: candidate{name: name}, keep: true}, nil
	}
	if t, err := gguf.ParseType(name); err == nil && (o.Target == PlanLlamaCPP || slices.Contains(blockFormats(), strings.ToLower(name))) {
		c := planCandidate{candidate: candidate{name: name, block: t, blocks: true}}
		if o.Target == PlanONNXRuntime || o.Target == PlanVLLM {
			return c, fmt.Errorf("candidate %q: a type of GGUF, and files for %s do not hold those", name, o.Target)
		}
		if !t.Writable() {
			return c, fmt.Errorf("candidate %q: the type is read but not written; types that are written are %s", name, gguf.Written())
		}
		return c, nil
	}
	parsed, err := parseCandidate(name)
	c := planCandidate{candidate: parsed}
	if err != nil {
		return c, fmt.Errorf("candidate %q: %w; a candidate is keep, a type of GGUF, or a scheme such as int4:g32", name, err)
	}
	s, parts := &c.scheme, strings.Split(name, ":")[1:]
	has := func(reads func(part string) error) bool {
		return slices.ContainsFunc(parts, func(part string) bool { return reads(part) == nil })
	}
	if s.Format == quant.Integers && s.Scales == quant.Float32Scale {
		if s.Granularity == quant.PerTensor && !slices.Contains(parts, "tensor") {
			c.channel = true
		}
		if !has(func(part string) error { return new(quant.Mapping).UnmarshalText([]byte(part)) }) {
			s.Mapping = mapping
		}
		s.ZeroInRange = true // files keep zero points in the type of codes
		if target, err := system.Parse(string(o.Target)); err == nil && o.Conforms && s.Divisor == quant.FarEnd && !s.NarrowRange {
			*s = target.Conform(*s)
		}
	}
	if !has(func(part string) error { return new(quant.Method).UnmarshalText([]byte(part)) }) {
		s.Method = method
	}
	if what := o.Target.writes(*s); what != "" {
		return c, fmt.Errorf("candidate %q: quant quantize writes no such codes for %s: it has %s", name, o.Target, what)
	}
	return c, s.Validate()
}

// blockBytes returns how many bytes a weight of whole blocks of type t takes.
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
	errs := make([]error, len(blocks))
	block, size := t.Block()
	err = eachBlock(r, elements, func(int) bool { return true }, func(i int, x []float32) {
		codes, back := make([]byte, len(x)/block*size), make([]float32, len(x))
		if errs[i] = gguf.CountedFrom(t.Encode(codes, x), i*each); errs[i] != nil {
			return
		}
		t.Dequantize(back, codes)
		for k, v := range x {
			e := float64(back[k]) - float64(v)
			blocks[i].noise += float64(e * e)
			blocks[i].signal += float64(float64(v) * float64(v))
		}
	})
	for i, b := range blocks {
		noise, signal = noise+b.noise, signal+b.signal
		if err == nil {
			err = errs[i]
		}
	}
	return noise, signal, err
}
