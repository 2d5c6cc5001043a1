package convert

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/gguf"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/internal/summary"
)

// Reasons why a tensor of a GGUF file is left.
const (
	reasonRows    = "its rows are not multiples of 32"
	reasonRuntime = "llama.cpp wants it as it is"
	reasonF64     = "float64, which llama.cpp does not quantize"
	reasonFloat   = "float32 already"
	reasonUnread  = "of a type that is not read"
)

// GGUF quantizes the GGUF model in: its tensors of F32, F16 and BF16 become the type of o, byte
// for byte as in ggml's reference. The type defines the scheme, so GGUF returns an error if o
// asks for another scheme; it ignores Mapping. A model in parts becomes one file.
//
// GGUF leaves vectors, tensors with rows that are not multiples of 32, and tensors that llama.cpp
// leaves by name. It quantizes the output head, for which llama.cpp uses more than 4 bits. If the
// rows are not whole blocks of the type, the tensor gets the type that llama.cpp uses instead.
// Metadata are copied, except the type of the file and the keys of parts.
func GGUF(ctx context.Context, in string, out *atomicfile.Set, o Options, p Progress) (*Result, error) {
	to, err := ggufType(o)
	if err != nil {
		return nil, err
	}
	c, err := newGGUFCopy(ctx, in, out, p)
	if err != nil {
		return nil, err
	}
	defer c.close()
	names := c.names()
	if err := errors.Join(o.selection().Check(names), o.checkPlan(KindGGUF, names, func(i int) []int { return c.from.Tensors[i].Shape })); err != nil {
		return nil, err
	}
	if unused := o.TensorTypes.Unused(names); len(unused) > 0 {
		return nil, fmt.Errorf("no tensor matches %q, which gives tensors a type", unused[0])
	}
	plan := func(t *gguf.Tensor) (gguf.Type, string) {
		choice, why := o.TensorTypes.Choose(t, to), o.reasonGGUF(t)
		if c, _ := o.planned(t.Name); c != nil {
			choice.Type = c.Type.Fallback(t.RowLen())
		}
		if why != "" && o.spelling(t.Name).reasonGGUF(t) == "" {
			c.result.Choosable = append(c.result.Choosable, t.Name)
		}
		if why == "" && choice.Type == t.Type {
			why = "it is " + t.Type.String() + " already"
		}
		return choice.Type, why
	}
	set := gguf.Settings(to)
	return c.run(plan, func([]gguf.Type) []gguf.Setting { return set }, o.Measure)
}

// DequantizeGGUF converts the tensors of the GGUF model in to F32, for every type it can read
// except integers. Only Include and Exclude of o matter.
func DequantizeGGUF(ctx context.Context, in string, out *atomicfile.Set, o Options, p Progress) (*Result, error) {
	c, err := newGGUFCopy(ctx, in, out, p)
	if err != nil {
		return nil, err
	}
	defer c.close()
	if err := o.selection().Check(c.names()); err != nil {
		return nil, err
	}
	plan := func(t *gguf.Tensor) (gguf.Type, string) {
		switch {
		case t.Type == gguf.F32:
			return gguf.F32, reasonFloat
		case t.Type.Integer():
			return gguf.F32, summary.NotFloating(t.Type.String())
		case !t.Type.Readable():
			return gguf.F32, reasonUnread
		}
		return gguf.F32, o.reasonByName(t.Name)
	}
	set := func(types []gguf.Type) []gguf.Setting {
		for _, t := range types {
			if block, _ := t.Block(); block != 1 {
				return nil // a tensor stays quantized, so the file keeps its type
			}
		}
		return gguf.Settings(gguf.F32)
	}
	return c.run(plan, set, false)
}

// ggufType returns the type for o, which is also the type of the file.
func ggufType(o Options) (gguf.Type, error) {
	if o.Plan != nil {
		return o.Plan.commonest(), nil
	}
	var t gguf.Type
	switch {
	case o.Type != "":
		var err error
		if t, err = gguf.ParseType(o.Type); err != nil {
			return 0, err
		}
		if !t.Writable() {
			return 0, fmt.Errorf("type %s is read but not written; types that are written are %s", t, gguf.Written())
		}
	case o.Bits == 8:
		t = gguf.Q8_0
	case o.Bits == 4:
		t = gguf.Q4_0
	default:
		return 0, fmt.Errorf("%d bits: GGUF files are quantized to 8 (Q8_0) or 4 (Q4_0), or to a type that is named", o.Bits)
	}
	group := ggufSchemes[t].group
	switch {
	case group == 0 && (o.Granularity != "" || o.GroupSize != 0):
		return 0, fmt.Errorf("granularity: %s has no scales", t)
	case o.Granularity != "" && o.Granularity != option.PerGroup:
		return 0, fmt.Errorf("granularity %s: %s has groups of %d", o.Granularity, t, group)
	case o.GroupSize != 0 && o.GroupSize != group:
		return 0, fmt.Errorf("group size %d: %s has groups of %d", o.GroupSize, t, group)
	case o.Axis != nil:
		return 0, fmt.Errorf("axis: groups of %s run along the rows of a tensor", t)
	case o.Unsigned && !ggufSchemes[t].minimum:
		return 0, fmt.Errorf("unsigned: codes of %s are signed", t)
	case o.NarrowRange && t == gguf.Q4_0:
		return 0, errors.New("narrow range: Q4_0 uses the code -8")
	case o.NarrowRange && t != gguf.Q8_0:
		return 0, fmt.Errorf("narrow range: %s says which codes there are", t)
	}
	return t, nil
}

// inRuntime are parts of names of weights that llama.cpp's quantizer leaves: small weights, and
// weights that its operators need in floating point.
var inRuntime = []string{
	"_norm.weight", "ffn_gate_inp.weight", "altup", "laurel", "per_layer_model_proj",
	"ssm_conv1d", "shortconv.conv.weight", "indexer.k_proj.weight", "indexer.q_proj.weight",
	"time_mix_first.weight", "time_mix_w0.weight", "time_mix_w1.weight", "time_mix_w2.weight",
	"time_mix_v0.weight", "time_mix_v1.weight", "time_mix_v2.weight",
	"time_mix_a0.weight", "time_mix_a1.weight", "time_mix_a2.weight",
	"time_mix_g1.weight", "time_mix_g2.weight",
	"time_mix_decay_w1.weight", "time_mix_decay_w2.weight", "time_mix_lerp_fused.weight",
	"attn_rel_b.weight", ".position_embd", "sam.pos_embd", "sam.neck.", "sam.net_",
	".rel_pos", ".patch_embd", ".patch_merger", "a.rvq.codebook", "mm.a.code_embd",
}

// reasonGGUF is like reason, with the rules of the format and of llama.cpp. The rules on names do
// not apply to a name that Include or a plan has in full.
func (o *Options) reasonGGUF(t *gguf.Tensor) string {
	floating := t.Type == gguf.F32 || t.Type == gguf.F16 || t.Type == gguf.BF16
	if block, _ := t.Type.Block(); !floating && block != 1 {
		return reasonQuantized
	}
	if t.Type == gguf.F64 {
		return reasonF64
	}
	shape := t.Shape
	if len(shape) == 0 {
		shape = []int{1}
	}
	if why := o.reason(tensorfile.Info{Name: t.Name, DType: t.Type.String(), Shape: shape, Floating: floating}); why != "" {
		return why
	}
	if t.RowLen()%gguf.BlockLen != 0 {
		return reasonRows
	}
	if o.asked(t.Name) {
		return ""
	}
	named := func(part string) bool { return strings.Contains(t.Name, part) }
	if !strings.HasSuffix(t.Name, "weight") || slices.ContainsFunc(inRuntime, named) ||
		t.Name == "position_embd.weight" || t.Name == "token_types.weight" {
		return reasonRuntime
	}
	return ""
}

// A ggufCopy copies a GGUF model to another file.
type ggufCopy struct {
	*copier
	from *gguf.File
	w    io.Writer
}

func newGGUFCopy(ctx context.Context, in string, out *atomicfile.Set, p Progress) (*ggufCopy, error) {
	from, err := gguf.Open(in)
	if err != nil {
		return nil, err
	}
	if err := out.Protect(from.Paths()...); err != nil {
		from.Close()
		return nil, err
	}
	c := &ggufCopy{copier: newCopier(ctx, out, p), from: from}
	c.expect(from.Size())
	for _, x := range from.LeftOut {
		c.result.LeftOut = append(c.result.LeftOut, LeftOut(x))
	}
	return c, nil
}

func (c *ggufCopy) close() { c.from.Close() }

// names returns the names of the tensors of the file.
func (c *ggufCopy) names() []string {
	var names []string
	for _, t := range c.from.Tensors {
		names = append(names, t.Name)
	}
	return names
}

// run writes the file. plan returns the type of a tensor, or why it is left. set returns the
// metadata for a file with tensors of these types.
func (c *ggufCopy) run(plan func(*gguf.Tensor) (gguf.Type, string), set func([]gguf.Type) []gguf.Setting, measure bool) (*Result, error) {
	c.result.Read = c.from.Size()
	tensors := c.from.Tensors
	types := make([]gguf.Type, len(tensors))
	reasons := make([]string, len(tensors))
	var settings []gguf.Setting
	converted := false
	for i := range tensors {
		t := &tensors[i]
		if types[i], reasons[i] = plan(t); reasons[i] != "" {
			types[i] = t.Type
			continue
		}
		converted = true
		if measure {
			c.expect(t.Bytes)
		}
	}
	if converted {
		settings = set(types)
	}
	layout, err := c.from.Layout(types, settings)
	if err != nil {
		return nil, err
	}
	if c.w, err = c.out.Main(); err != nil {
		return nil, err
	}
	if err := layout.WriteHeader(c.w); err != nil {
		return nil, err
	}
	c.tick(c.from.DataStart)
	for i := range tensors {
		t := &tensors[i]
		if reasons[i] != "" {
			c.leave(Left{Name: t.Name, DType: t.Type.String(), Shape: t.Shape, Bytes: t.Bytes, Reason: reasons[i]})
			err = c.copy(c.w, c.from.Data(i), 0, t.Bytes)
		} else {
			err = c.convert(i, types[i], layout.Tensors[i].Bytes, measure)
		}
		if err != nil {
			return nil, inTensor(t.Name, err)
		}
		if err := layout.Pad(c.w, i); err != nil {
			return nil, err
		}
	}
	c.finish()
	return &c.result, nil
}

// convert writes tensor i and adds it to the result.
func (c *ggufCopy) convert(i int, to gguf.Type, after int64, measure bool) error {
	t := &c.from.Tensors[i]
	blocks := to
	if to == gguf.F32 {
		blocks = t.Type
	}
	w := Weight{Name: t.Name, Type: to.String(), Shape: t.Shape, Axis: len(t.Shape) - 1, Before: t.Bytes, After: after,
		Scheme: ggufScheme(blocks, len(t.Shape))}
	clipped, err := c.encode(i, to, measure)
	if err != nil {
		return err
	}
	if measure {
		groups := quant.PerTensor
		if blocks.Quantized() {
			groups = w.Scheme.Granularity
		}
		if w.Metrics, err = c.measure(i, to, groups); err != nil {
			return err
		}
		w.Metrics.Clipped = clipped
	}
	c.add(w)
	return nil
}

// ggufSchemes approximate quantized types for reports. The scales of these types are float16 or
// smaller, unlike those of the library. The values of IQ4_NL and MXFP4 codes are not multiples of
// a step.
var ggufSchemes = map[gguf.Type]struct {
	bits, group int
	minimum     bool // each group has a minimum
}{
	gguf.Q8_0: {8, 32, false}, gguf.Q4_0: {4, 32, false}, gguf.Q5_0: {5, 32, false}, gguf.Q4_1: {4, 32, true},
	gguf.Q5_1: {5, 32, true}, gguf.Q4_K: {4, 32, true}, gguf.Q5_K: {5, 32, true}, gguf.Q6_K: {6, 16, false},
	gguf.IQ4_NL: {4, 32, false}, gguf.MXFP4: {4, 32, false},
}

// ggufScheme returns the scheme of a quantized type, for a tensor with the given number of axes.
// It is the zero value for other types.
func ggufScheme(t gguf.Type, axes int) quant.Scheme {
	f, ok := ggufSchemes[t]
	if !ok {
		return quant.Scheme{}
	}
	s := quant.Scheme{Bits: f.bits, Mapping: quant.Symmetric, Granularity: quant.PerGroup(axes-1, f.group), NarrowRange: t == gguf.Q8_0}
	if f.minimum {
		s.Mapping, s.Unsigned = quant.Asymmetric, true
	}
	return s
}

// encode writes tensor i as type to. If count is true, it returns the number of clipped values.
func (c *ggufCopy) encode(i int, to gguf.Type, count bool) (clipped int, err error) {
	t := &c.from.Tensors[i]
	block, size := to.Block()
	fill := func(b *piece, from, end int) error {
		b.floats = slices.Grow(b.floats[:0], end-from)[:end-from]
		if err := c.from.ReadFloats(i, b.floats, from); err != nil {
			return err
		}
		n := (end - from) / block * size
		b.bytes = slices.Grow(b.bytes[:0], n)[:n]
		err := gguf.CountedFrom(to.Encode(b.bytes, b.floats), from)
		if count {
			b.clipped = to.Clipped(b.floats, b.bytes)
		}
		return err
	}
	before, beforeSize := t.Type.Block()
	err = inOrder(c.ctx, t.Elements(), fill, func(b *piece, from, end int) error {
		clipped += b.clipped
		_, err := c.w.Write(b.bytes)
		c.tick(int64(end-from) / int64(before) * int64(beforeSize))
		return err
	})
	return clipped, err
}

// measure returns the errors of tensor i as type to. The sums have the same order as in a
// comparison of the two files with these groups.
func (c *ggufCopy) measure(i int, to gguf.Type, groups quant.Granularity) (*quant.Metrics, error) {
	t := &c.from.Tensors[i]
	original := &countedSource{Source: tensorfile.Interruptible(c.ctx, ggufSource{c.from, i}), left: t.Bytes, per: t.Bytes / int64(t.Elements()), tick: c.tick}
	d, err := quant.Stream{Source: original, Shape: t.Shape}.Difference(ggufBlocks{c.from, i, to}, quant.PerTensor, groups)
	if err != nil {
		return nil, err
	}
	original.rest()
	return &d.Metrics, nil
}

// A ggufSource is a quant.Source of a tensor in a file.
type ggufSource struct {
	from *gguf.File
	i    int
}

func (s ggufSource) ReadFloats(dst []float32, off int) error { return s.from.ReadFloats(s.i, dst, off) }

// ggufBlocks is a quant.Source of a tensor that is encoded as another type and decoded.
type ggufBlocks struct {
	from *gguf.File
	i    int
	to   gguf.Type
}

func (s ggufBlocks) ReadFloats(dst []float32, off int) error {
	block, size := s.to.Block()
	skip := off % block
	n := (skip + len(dst) + block - 1) / block // number of blocks to encode
	values, bytes := make([]float32, n*block), make([]byte, n*size)
	if err := s.from.ReadFloats(s.i, values, off-skip); err != nil {
		return err
	}
	if err := s.to.Encode(bytes, values); err != nil {
		return err
	}
	s.to.Dequantize(values, bytes)
	copy(dst, values[skip:])
	return nil
}
