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
	"github.com/a01592f9/quant/cmd/internal/mapfile"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// Reasons why a tensor of a GGUF file is left.
const (
	reasonQuantized = "quantized already"
	reasonRows      = "its rows are not multiples of 32"
	reasonRuntime   = "llama.cpp wants it as it is"
	reasonFloat     = "float32 already"
	reasonUnread    = "of a type that is not read"
)

// GGUF quantizes the GGUF file in: tensors of F32, F16 and BF16 to Q8_0 or
// Q4_0, in groups of 32 along their rows that share a float16 scale, with the
// bytes that llama.cpp's reference makes. The scheme is that of the format, so
// an o that asks for another is an error, save that Mapping is not looked at.
//
// Vectors are left, rows that are not multiples of 32, and what llama.cpp
// leaves by its name; but not the output head, which llama.cpp gives more than
// 4 bits. Metadata are copied but for the type of the file.
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
	if err := o.selection().Check(c.names()); err != nil {
		return nil, err
	}
	plan := func(t *gguf.Tensor) (gguf.Type, string) { return to, o.reasonGGUF(t) }
	set := gguf.Settings(to)
	return c.run(plan, func([]gguf.Type) []gguf.Setting { return set }, o.Measure)
}

// DequantizeGGUF turns the tensors of the GGUF file in into F32: those of Q8_0,
// Q4_0, Q4_1, Q5_0, Q5_1, F16 and BF16. Of o only Include and Exclude matter.
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
		case !t.Type.Readable():
			return gguf.F32, reasonUnread
		}
		return gguf.F32, o.reasonByName(t.Name)
	}
	set := func(types []gguf.Type) []gguf.Setting {
		for _, t := range types {
			if block, _ := t.Block(); block != 1 {
				return nil // it still is what it was, mostly
			}
		}
		return gguf.Settings(gguf.F32)
	}
	return c.run(plan, set, false)
}

// ggufType returns the type that o asks for.
func ggufType(o Options) (gguf.Type, error) {
	var t gguf.Type
	switch o.Bits {
	case 8:
		t = gguf.Q8_0
	case 4:
		t = gguf.Q4_0
	default:
		return 0, fmt.Errorf("%d bits: GGUF files are quantized to 8 (Q8_0) or 4 (Q4_0)", o.Bits)
	}
	switch {
	case o.Granularity != "" && o.Granularity != option.PerGroup:
		return 0, fmt.Errorf("granularity %s: %s has groups of 32", o.Granularity, t)
	case o.GroupSize != 0 && o.GroupSize != gguf.BlockLen:
		return 0, fmt.Errorf("group size %d: %s has groups of 32", o.GroupSize, t)
	case o.Axis != nil:
		return 0, fmt.Errorf("axis: groups of %s run along the rows of a tensor", t)
	case o.Unsigned:
		return 0, fmt.Errorf("unsigned: codes of %s are signed", t)
	case o.NarrowRange && t == gguf.Q4_0:
		return 0, errors.New("narrow range: Q4_0 uses the code -8")
	}
	return t, nil
}

// inRuntime are parts of names of weights that llama.cpp's own quantizer
// leaves: small ones, and those that its operators read as they are.
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

// reasonGGUF is reason by the rules of the format and of llama.cpp. A name that
// Include spells out is above those of names.
func (o *Options) reasonGGUF(t *gguf.Tensor) string {
	floating := t.Type == gguf.F32 || t.Type == gguf.F16 || t.Type == gguf.BF16
	if block, _ := t.Type.Block(); !floating && block != 1 {
		return reasonQuantized
	}
	shape := t.Shape
	if len(shape) == 0 {
		shape = []int{1}
	}
	if why := o.reason(tensorfile.Info{Name: t.Name, Shape: shape, Floating: floating}); why != "" {
		return why
	}
	if t.RowLen()%gguf.BlockLen != 0 {
		return reasonRows
	}
	if o.selection().Spells(t.Name) {
		return ""
	}
	named := func(part string) bool { return strings.Contains(t.Name, part) }
	if !strings.HasSuffix(t.Name, "weight") || slices.ContainsFunc(inRuntime, named) ||
		t.Name == "position_embd.weight" || t.Name == "token_types.weight" {
		return reasonRuntime
	}
	return ""
}

// A ggufCopy is a GGUF file that is copied into another.
type ggufCopy struct {
	*copier
	file *mapfile.File
	from *gguf.File
	w    io.Writer
}

func newGGUFCopy(ctx context.Context, in string, out *atomicfile.Set, p Progress) (*ggufCopy, error) {
	file, err := mapfile.Open(in)
	if err != nil {
		return nil, err
	}
	c := &ggufCopy{copier: newCopier(ctx, out, p), file: file}
	c.expect(file.Size())
	if err = out.Protect(in); err == nil {
		c.from, err = gguf.Parse(file, file.Size())
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return c, nil
}

func (c *ggufCopy) close() { c.file.Close() }

// names lists the tensors of the file.
func (c *ggufCopy) names() []string {
	var names []string
	for _, t := range c.from.Tensors {
		names = append(names, t.Name)
	}
	return names
}

// run writes the file. Plan says what a tensor becomes, or why it is left, and set
// what the metadata say of a file of such tensors.
func (c *ggufCopy) run(plan func(*gguf.Tensor) (gguf.Type, string), set func([]gguf.Type) []gguf.Setting, measure bool) (*Result, error) {
	c.result.Read = c.file.Size()
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
			err = c.copy(c.w, c.file, t.Offset, t.Bytes)
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

// convert writes tensor i, and lists what became of it.
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
		if w.Metrics, err = c.measure(i, to, w.Scheme.Granularity); err != nil {
			return err
		}
		w.Metrics.Clipped = clipped
	}
	c.add(w)
	return nil
}

// ggufScheme describes a quantized type: its scales are float16, which the
// library's are not. It is the zero value for another.
func ggufScheme(t gguf.Type, axes int) quant.Scheme {
	s := quant.Scheme{Mapping: quant.Symmetric, Granularity: quant.PerGroup(axes-1, gguf.BlockLen)}
	switch t {
	case gguf.Q8_0:
		s.Bits, s.NarrowRange = 8, true
	case gguf.Q4_0:
		s.Bits = 4
	case gguf.Q5_0:
		s.Bits = 5
	case gguf.Q4_1:
		s.Bits, s.Mapping, s.Unsigned = 4, quant.Asymmetric, true
	case gguf.Q5_1:
		s.Bits, s.Mapping, s.Unsigned = 5, quant.Asymmetric, true
	default:
		return quant.Scheme{}
	}
	return s
}

// encode writes tensor i as one of another type. If count is true, it returns how
// many values were clipped.
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
		err := to.Encode(b.bytes, b.floats)
		// The index in an error counts from the beginning of the piece.
		var value *quant.NotFiniteError
		var scale *gguf.ScaleError
		switch {
		case errors.As(err, &value):
			value.Index += from
		case errors.As(err, &scale):
			scale.Index += from
		}
		if count {
			b.clipped = to.Clipped(b.floats)
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

// measure returns the errors of tensor i as one of another type. The library adds
// them up in the order that a comparison of the two files with these groups has.
func (c *ggufCopy) measure(i int, to gguf.Type, groups quant.Granularity) (*quant.Metrics, error) {
	t := &c.from.Tensors[i]
	original := &countedSource{Source: interruptible{c.ctx, ggufSource{c.from, i}}, left: t.Bytes, per: t.Bytes / int64(t.Elements()), tick: c.tick}
	d, err := quant.Stream{Source: original, Shape: t.Shape}.Difference(ggufBlocks{c.from, i, to}, quant.PerTensor, groups)
	if err != nil {
		return nil, err
	}
	original.rest()
	return &d.Metrics, nil
}

// A ggufSource is the values of a tensor of a file, as a quant.Source.
type ggufSource struct {
	from *gguf.File
	i    int
}

func (s ggufSource) ReadFloats(dst []float32, off int) error { return s.from.ReadFloats(s.i, dst, off) }

// ggufBlocks is the values of a tensor once it is in blocks of another type: a
// quant.Source.
type ggufBlocks struct {
	from *gguf.File
	i    int
	to   gguf.Type
}

func (s ggufBlocks) ReadFloats(dst []float32, off int) error {
	block, size := s.to.Block()
	skip := off % block
	n := (skip + len(dst) + block - 1) / block // whole blocks
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
