package convert

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// Reasons why a tensor of a safetensors file is left.
const (
	reasonName   = "not the weight of a layer by its name"
	reasonMatrix = "not a matrix"
	reasonLoader = "an embedding, an output head or a router by its name, which loaders want as it is"
)

// Safetensors quantizes the weights of a model in safetensors files: in is a
// file, an index of shards, or a folder. What is written is in the layout of
// compressed-tensors, with a config.json that says so:
//
//   - 8 bits for a tensor or a channel: int-quantized. NAME.weight are the
//     codes, NAME.weight_scale has the shape [1] or [rows, 1], and with the
//     asymmetric mapping there is a NAME.weight_zero_point of the same shape.
//     With the symmetric mapping the configuration asks for activations of 8
//     bits, scaled token by token, without which vLLM has no kernel.
//   - otherwise, 2, 4 or 8 bits: pack-quantized. NAME.weight_packed has rows of
//     int32, NAME.weight_shape the shape, NAME.weight_scale is [rows, groups] or
//     [rows, 1], and zero points are packed along the columns. A scale for the
//     whole tensor is repeated for each row: loaders have no other form.
//
// Scales are float32 as they were computed, whatever type the weights had:
// int8 kernels take them so, and others round them as they load them. Rows are
// output channels; groups are parts of a row, and have to divide it.
//
// Embeddings, output heads and routers are left unless Include spells them
// out. If out is a folder, the other files that loaders need are copied to it.
func Safetensors(ctx context.Context, in string, out *atomicfile.Set, o Options, p Progress) (*Result, error) {
	if err := o.checkSafetensors(); err != nil {
		return nil, err
	}
	c, err := openST(ctx, in, out, p)
	if err != nil {
		return nil, err
	}
	defer c.from.Close()
	if raw, there := c.config.values[quantConfig]; there && string(raw) != "null" {
		return nil, errors.New("the model is quantized already: its config.json has a quantization_config")
	}
	if err := c.check(o); err != nil {
		return nil, err
	}
	c.measure = o.Measure
	scheme, strategy := o.schemeST()
	format := packQuantized
	if o.Bits == 8 && strategy != "group" {
		format = intQuantized
	}
	var ignore []string
	for i, info := range c.infos {
		j := &c.jobs[i]
		if j.reason = o.reasonST(info); j.reason == "" {
			j.planCodes(info, scheme, format)
			if err := j.calibrated(&o, info); err != nil {
				return nil, inTensor(info.Name, err)
			}
			after := int64(0)
			for _, t := range j.tensors() {
				after += t.bytes
			}
			if after >= info.Bytes {
				*j = stJob{file: j.file, reason: reasonLarger}
			}
		}
		if j.reason != "" {
			j.copied = c.same(i)
			if isLayer(info.Name) && info.Floating && len(info.Shape) == 2 {
				ignore = append(ignore, moduleOf(info.Name))
			}
		}
	}
	r, err := c.run()
	if err != nil {
		return nil, err
	}
	if len(r.Weights) == 0 {
		return r, c.finish()
	}
	if err := o.checkCalibrated(r.Weights); err != nil {
		return nil, err
	}
	args := compressedArgs{Bits: o.Bits, Type: "int", Symmetric: o.Mapping == quant.Symmetric, Strategy: strategy}
	if strategy == "group" {
		args.GroupSize = o.GroupSize
	}
	if format == packQuantized && strategy == "tensor" {
		args.Strategy = "channel"
	}
	group := compressedScheme{Targets: []string{"Linear"}, Weights: args}
	if format == intQuantized && args.Symmetric {
		group.Inputs = &compressedArgs{Bits: 8, Type: "int", Symmetric: true, Strategy: "token", Dynamic: true}
	}
	slices.Sort(ignore)
	err = c.config.set(quantConfig, compressedConfig{
		Method: compressedMethod, Format: format, Status: "compressed",
		Groups: map[string]compressedScheme{"group_0": group}, Ignore: append([]string{}, ignore...),
	})
	return r, errors.Join(err, c.finish())
}

// checkSafetensors returns an error for options that the layout does not have.
func (o *Options) checkSafetensors() error {
	switch {
	case o.Bits != 2 && o.Bits != 4 && o.Bits != 8:
		return fmt.Errorf("%d bits: compressed-tensors has 8, 4 and 2", o.Bits)
	case o.Unsigned:
		return errors.New("unsigned: codes of compressed-tensors are signed")
	case o.Axis != nil && *o.Axis != 0 && *o.Axis != -2:
		return fmt.Errorf("axis %d: compressed-tensors has output channels on axis 0", *o.Axis)
	}
	return o.Validate()
}

// schemeST returns the scheme of every weight, and what its granularity is
// called.
func (o *Options) schemeST() (s quant.Scheme, strategy string) {
	s = quant.Scheme{Bits: o.Bits, Mapping: o.Mapping, NarrowRange: o.NarrowRange, Range: o.Range, ZeroInRange: true}
	switch o.Granularity {
	case report.PerChannel:
		s.Granularity = quant.PerChannel(0)
		return s, "channel"
	case report.PerGroup:
		s.Granularity = quant.PerGroup(1, o.GroupSize)
		return s, "group"
	}
	return s, "tensor"
}

// reasonST is reason by the rules of the layout and its loaders.
func (o *Options) reasonST(t tensorfile.Info) string {
	if why := o.reason(t); why != "" {
		return why
	}
	switch {
	case !isLayer(t.Name):
		return reasonName
	case len(t.Shape) != 2:
		return reasonMatrix
	case leftByLoaders(moduleOf(t.Name)) && !slices.Contains(o.Include, t.Name):
		return reasonLoader
	case o.Granularity == report.PerGroup && t.Shape[1]%o.GroupSize != 0:
		return fmt.Sprintf("its rows of %d are not whole groups of %d", t.Shape[1], o.GroupSize)
	}
	return ""
}

const weightSuffix = ".weight"

// isLayer reports whether a name is one of a layer's weight.
func isLayer(name string) bool { return strings.HasSuffix(name, weightSuffix) }

// moduleOf is the name of the layer.
func moduleOf(name string) string { return strings.TrimSuffix(name, weightSuffix) }

// leftByLoaders reports whether a layer is one that is usually not linear, or
// that runtimes compute in the type of the model.
func leftByLoaders(module string) bool {
	last := module[strings.LastIndexByte(module, '.')+1:]
	switch last {
	case "lm_head", "wte", "wpe", "shared", "relative_attention_bias", "gate", "shared_expert_gate", "router":
		return true
	}
	return strings.Contains(module, "embed")
}

// An stJob is what becomes of a tensor.
type stJob struct {
	file   *stFile
	reason string // why it is left
	part   bool   // it becomes a part of another
	copied *stTensor

	scheme                    quant.Scheme
	known                     *quant.Params // of a calibration file
	codes, scale, zero, shape *stTensor     // zero and shape may be nil
	floats                    *stTensor     // of a tensor that is dequantized
	packed                    bool
	rows, cols                int
}

// tensors are those that it becomes.
func (j *stJob) tensors() []*stTensor {
	var all []*stTensor
	for _, t := range []*stTensor{j.copied, j.codes, j.scale, j.zero, j.shape, j.floats} {
		if t != nil {
			all = append(all, t)
		}
	}
	return all
}

// planCodes describes the tensors that a weight becomes.
func (j *stJob) planCodes(t tensorfile.Info, s quant.Scheme, format string) {
	rows, cols := t.Shape[0], t.Shape[1]
	j.rows, j.cols = rows, cols
	j.scheme, j.packed = s, format == packQuantized
	params := []int{1}
	groupSize, grouped := s.Granularity.GroupSize()
	switch {
	case grouped:
		params = []int{rows, cols / groupSize}
	case j.packed || s.Granularity != quant.PerTensor:
		params = []int{rows, 1}
	}
	j.scale = newST(t.Name+"_scale", "F32", params...)
	asymmetric := s.Mapping == quant.Asymmetric
	if !j.packed {
		j.codes = newST(t.Name, "I8", rows, cols)
		if asymmetric {
			j.zero = newST(t.Name+"_zero_point", "I8", params...)
		}
		return
	}
	j.codes = newST(t.Name+"_packed", "I32", rows, words(cols, s.Bits))
	j.shape = newST(t.Name+"_shape", "I64", 2)
	if asymmetric {
		j.zero = newST(t.Name+"_zero_point", "I32", words(rows, s.Bits), params[1])
	}
}

// calibrated takes the parameters of a calibration file, if there are any. All
// weights have one scheme in this layout.
func (j *stJob) calibrated(o *Options, t tensorfile.Info) error {
	p, err := o.calibrated(t)
	if p == nil || err != nil {
		return err
	}
	want := p.Scheme
	want.Range, want.ZeroInRange = j.scheme.Range, j.scheme.ZeroInRange
	if want != j.scheme {
		return fmt.Errorf("it was calibrated for %s, and the model is to have %s", schemeText(p.Scheme), schemeText(j.scheme))
	}
	j.known = p
	return nil
}

func schemeText(s quant.Scheme) string {
	text := fmt.Sprintf("%d bits, %v, %v", s.Bits, s.Mapping, s.Granularity)
	if s.Unsigned {
		text += ", unsigned"
	}
	if s.NarrowRange {
		text += ", narrow range"
	}
	return text
}

// An stCopy is a model in safetensors files on its way into another.
type stCopy struct {
	ctx     context.Context
	from    *tensorfile.File
	infos   []tensorfile.Info
	jobs    []stJob
	files   []*stFile
	config  *modelConfig
	dir     string // of the model
	folder  bool   // the model is all that is in it
	out     *atomicfile.Set
	measure bool
	decode  func(i int) (*Weight, error) // writes the floats of tensor i

	mu          sync.Mutex
	progress    Progress
	done, total int64
}

func openST(ctx context.Context, in string, out *atomicfile.Set, p Progress) (*stCopy, error) {
	from, err := tensorfile.Open(in)
	if err != nil {
		return nil, err
	}
	c := &stCopy{ctx: ctx, from: from, infos: from.Tensors(), out: out, progress: p, dir: filepath.Dir(in)}
	if st, err := os.Stat(in); err == nil && st.IsDir() {
		c.dir, c.folder = in, true
	}
	c.folder = c.folder || strings.HasSuffix(in, ".json")
	if from.Kind != "safetensors" {
		err = fmt.Errorf("it is %s, not safetensors", from.Kind)
	} else if err = c.shard(); err == nil {
		c.config, err = readConfig(c.dir)
	}
	if err == nil {
		err = out.Protect(append(from.Paths(), filepath.Join(c.dir, configName))...)
	}
	if err != nil {
		from.Close()
		return nil, err
	}
	for _, info := range c.infos {
		c.total += info.Bytes
	}
	return c, nil
}

// shard plans a file for each that is read.
func (c *stCopy) shard() error {
	shards := c.from.Shards
	if len(shards) <= 1 {
		metadata := c.from.Metadata
		c.files = []*stFile{{name: "model.safetensors", metadata: metadata}}
	} else if !c.out.IsFolder() {
		return fmt.Errorf("a model of %d files is written to a folder", len(shards))
	}
	byName := make(map[string]*stFile)
	if len(shards) > 1 {
		taken := make(map[string]bool)
		for _, s := range shards {
			f := &stFile{name: path.Base(s.Name), metadata: s.Metadata}
			if taken[f.name] {
				return fmt.Errorf("two shards are called %s", f.name)
			}
			taken[f.name] = true
			c.files = append(c.files, f)
			byName[s.Name] = f
		}
	}
	c.jobs = make([]stJob, len(c.infos))
	for i := range c.jobs {
		c.jobs[i].file = c.files[0]
		if f := byName[c.infos[i].File]; f != nil {
			c.jobs[i].file = f
		}
	}
	return nil
}

// check returns an error if a pattern of o matches no tensor.
func (c *stCopy) check(o Options) error {
	names := make([]string, len(c.infos))
	for i := range names {
		names[i] = c.infos[i].Name
	}
	if none := o.unmatched(names); len(none) > 0 {
		return fmt.Errorf("no tensor matches %q", none[0])
	}
	return nil
}

// same describes tensor i as it is.
func (c *stCopy) same(i int) *stTensor {
	info := c.infos[i]
	t := &stTensor{name: info.Name, dtype: info.DType, shape: info.Shape, bytes: info.Bytes}
	if c.from.Scalar(i) {
		t.shape = []int{}
	}
	return t
}

// reads is how many bytes of a weight are read before its codes are made.
func (c *stCopy) reads(t tensorfile.Info) int64 {
	if c.measure {
		return 2 * t.Bytes
	}
	return t.Bytes
}

// tick tells of progress: of n bytes of the input.
func (c *stCopy) tick(n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done += n
	if c.progress != nil {
		c.progress(c.done, c.total)
	}
}

// run writes the files.
func (c *stCopy) run() (*Result, error) {
	for i := range c.jobs {
		f := c.jobs[i].file
		f.tensors = append(f.tensors, c.jobs[i].tensors()...)
		if c.jobs[i].codes != nil {
			c.total += c.reads(c.infos[i])
		}
	}
	for _, f := range c.files {
		if err := f.lay(); err != nil {
			return nil, err
		}
	}
	if err := c.room(); err != nil {
		return nil, err
	}
	r := &Result{Read: sizeOf(append(c.besides(), append(c.from.Paths(), filepath.Join(c.dir, configName))...)...)}
	for _, f := range c.files {
		if err := f.begin(c.out); err != nil {
			return nil, err
		}
		for i := range c.jobs {
			if c.jobs[i].file != f {
				continue
			}
			if err := c.convert(i, r); err != nil {
				return nil, inTensor(c.infos[i].Name, err)
			}
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// room returns an error if the output could not have all files that it takes,
// or if files that are there already would be taken for parts of the model.
func (c *stCopy) room() error {
	if !c.out.IsFolder() {
		return c.out.Beside()
	}
	there, err := c.out.Others()
	if err != nil {
		return err
	}
	for _, name := range there {
		model := strings.HasSuffix(name, ".safetensors") || strings.HasSuffix(name, ".safetensors.index.json")
		if len(c.files) > 1 && name == indexName || slices.ContainsFunc(c.files, func(f *stFile) bool { return f.name == name }) {
			model = false // it is replaced
		}
		if model {
			return &atomicfile.Error{Path: filepath.Join(c.out.Path(), name), Err: errStale}
		}
	}
	return nil
}

// errStale is why --force does not write into the folder of another model.
var errStale = errors.New("a file of another model, which would stay in the folder and be taken for a part of this one; remove it first")

// convert writes what becomes of tensor i, and adds it to r.
func (c *stCopy) convert(i int, r *Result) error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	j, info := &c.jobs[i], c.infos[i]
	var w *Weight
	var err error
	switch {
	case j.copied != nil:
		if err = c.copy(i); err == nil {
			r.Left = append(r.Left, Left{info.Name, info.DType, info.Shape, info.Bytes, j.reason})
		}
	case j.codes != nil:
		w, err = c.quantize(i)
	case j.floats != nil:
		w, err = c.decode(i)
	default: // it is part of another
		c.tick(info.Bytes)
	}
	if err == nil && w != nil {
		r.Weights = append(r.Weights, *w)
	}
	return err
}

// finish writes what belongs to the files.
func (c *stCopy) finish() error {
	if len(c.files) > 1 {
		if err := writeIndex(c.out, c.files); err != nil {
			return err
		}
	}
	if there, err := c.out.Others(); err != nil {
		return err
	} else if len(c.config.keys) == 0 && slices.Contains(there, configName) {
		return &atomicfile.Error{Path: filepath.Join(c.out.Path(), configName), Err: errStale}
	}
	if err := c.config.write(c.out); err != nil {
		return err
	}
	for _, path := range c.besides() {
		if err := copyBeside(path, c.out); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(path), err)
		}
	}
	return nil
}

// besides returns the files that are copied with the model.
func (c *stCopy) besides() []string {
	if !c.out.IsFolder() || !c.folder {
		return nil
	}
	return besides(c.dir)
}

// copy copies tensor i as it is.
func (c *stCopy) copy(i int) error {
	j, r := &c.jobs[i], c.from.Raw(i)
	if err := j.file.at(j.copied); err != nil {
		return err
	}
	const most = 1 << 20
	for off := int64(0); off < r.Size(); off += most {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		n := min(most, r.Size()-off)
		if _, err := io.Copy(j.file, io.NewSectionReader(r, off, n)); err != nil {
			return err
		}
		c.tick(n)
	}
	return nil
}

// quantize writes the codes of tensor i, and what says how they are read.
func (c *stCopy) quantize(i int) (*Weight, error) {
	j, info := &c.jobs[i], c.infos[i]
	src, err := c.from.Source(i)
	if err != nil {
		return nil, err
	}
	counted := &countedSource{Source: src, left: c.reads(info), per: info.Bytes / elements(info.Shape), tick: c.tick}
	p, metrics, err := calibrate(c.ctx, counted, info.Shape, j.scheme, j.known, c.measure)
	if err != nil {
		return nil, err
	}
	counted.rest()
	w := &Weight{Name: info.Name, Shape: info.Shape, Axis: -1, Type: fmt.Sprintf("int%d", j.scheme.Bits),
		Scheme: p.Scheme, Calibrated: j.known != nil, Before: info.Bytes, Metrics: metrics}
	if axis, ok := j.scheme.Granularity.Axis(); ok {
		w.Axis = axis
	}
	for _, t := range j.tensors() {
		w.After += t.bytes
	}
	if err := j.writeParams(p); err != nil {
		return nil, err
	}
	if err := j.file.at(j.codes); err != nil {
		return nil, err
	}
	size := info.Bytes / elements(info.Shape)
	tick := func(n int) { c.tick(int64(n) * size) }
	if j.packed {
		return w, writePacked(c.ctx, j.file, src, info.Shape, p, tick)
	}
	return w, writeCodes(c.ctx, j.file, src, info.Shape, p, 8, tick)
}

// writeParams writes scales, zero points and the shape.
func (j *stJob) writeParams(p quant.Params) error {
	scale, zero := p.Scale, p.ZeroPoint
	if n := int(elements(j.scale.shape)); len(scale) < n { // one for all rows
		scale, zero = slices.Repeat(scale, n), slices.Repeat(zero, n)
	}
	if err := j.put(j.scale, scale); err != nil {
		return err
	}
	if j.shape != nil {
		shape := []int64{int64(j.rows), int64(j.cols)}
		if err := j.put(j.shape, shape); err != nil {
			return err
		}
	}
	switch {
	case j.zero == nil:
		return nil
	case j.packed:
		p.ZeroPoint = zero
		packed := packColumns(offsetCodes(p).ZeroPoint, j.rows, j.zero.shape[1], p.Scheme.Bits)
		return j.put(j.zero, packed)
	}
	codes := make([]int8, len(zero))
	for i, z := range zero {
		codes[i] = int8(z)
	}
	return j.put(j.zero, codes)
}

// put writes a tensor that is in memory.
func (j *stJob) put(t *stTensor, data any) error {
	if err := j.file.at(t); err != nil {
		return err
	}
	return binary.Write(j.file, binary.LittleEndian, data)
}
