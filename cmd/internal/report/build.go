package report

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// A Source is where tensors come from: a *tensorfile.File is one.
type Source interface {
	Tensors() []tensorfile.Info
	Load(i int) ([]float32, error)
}

// Progress is told how many elements of the total are done. It may be nil.
type Progress func(done, total int64)

func (p Progress) report(done, total int64) {
	if p != nil {
		p(done, total)
	}
}

// Build compares the tensors of src that o asks for, one after the other, so
// that no more than one is in memory. Name is what the report calls the source.
//
// Of a source with one tensor, that one is compared or Build fails. Of one
// with several, those that cannot be compared are listed in Report.Skipped,
// and Report.Err tells whether some of them should have been; Build fails if
// none is left.
func Build(ctx context.Context, name string, src Source, o Options, progress Progress) (*Report, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.Tensors == nil {
		o.Tensors = []string{}
	}
	if o.Mapping == "" {
		o.Mapping = quant.Asymmetric.String()
	}
	r := &Report{Source: name, Options: o, Tensors: []Tensor{}, Skipped: []Skipped{}}
	plan, err := r.plan(src.Tensors())
	if err != nil {
		return nil, err
	}

	var done, total int64
	for _, p := range plan {
		total += p.elements
	}
	progress.report(0, total)
	for _, p := range plan {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		t, err := compare(src, p, o)
		if err != nil {
			r.skip(p.info, reason(err, p.info.Name, p.shape, o.Axis), true)
		} else {
			r.Tensors = append(r.Tensors, *t)
		}
		done += p.elements
		progress.report(done, total)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(r.Tensors) == 0 {
		return nil, r.nothing()
	}
	r.summarize()
	return r, nil
}

// A job is one tensor to compare. Its shape is that of the tensor, or
// [1, n] if it has one dimension (or none) and so is one channel.
type job struct {
	index    int
	info     tensorfile.Info
	shape    []int
	elements int64
	vector   bool
}

// plan sorts the tensors into those to compare, and those to skip.
func (r *Report) plan(infos []tensorfile.Info) ([]job, error) {
	var jobs []job
	picked := 0
	for i, info := range infos {
		pick, spelled := r.Options.selected(info.Name)
		if !pick {
			continue
		}
		picked++
		j := job{index: i, info: info, shape: info.Shape, elements: elements(info.Shape)}
		switch alone := len(infos) == 1 || spelled; {
		case !info.Floating:
			r.skip(info, fmt.Sprintf("%s is not a floating-point type", info.DType), false)
			continue
		case j.elements == 0:
			r.skip(info, "no elements", false)
			continue
		case len(info.Shape) < 2 && !alone:
			r.skip(info, "fewer than two dimensions", false)
			continue
		case len(info.Shape) < 2:
			j.shape, j.vector = []int{1, int(j.elements)}, true
		}
		jobs = append(jobs, j)
	}
	if picked == 0 {
		if len(infos) == 0 {
			return nil, fmt.Errorf("%s: there are no tensors in it", r.Source)
		}
		return nil, fmt.Errorf("%s: no tensor matches %s; there are %s",
			r.Source, quoted(r.Options.Tensors, " or "), names(infos))
	}
	return jobs, nil
}

// skip lists a tensor as not compared.
func (r *Report) skip(info tensorfile.Info, reason string, failed bool) {
	r.Skipped = append(r.Skipped, Skipped{
		Name: info.Name, DType: info.DType, Shape: dims(info.Shape), Reason: reason, Failed: failed,
	})
	if failed {
		r.Summary.Failed++
	} else {
		r.Summary.Skipped++
	}
}

// nothing returns why no tensor was compared.
func (r *Report) nothing() error {
	if err := r.Err(); err != nil {
		return err
	}
	s := r.Skipped[0]
	err := &TensorError{Source: r.Source, Tensor: s.Name, Reason: "cannot be compared: " + s.Reason}
	if n := len(r.Skipped) - 1; n > 0 {
		return fmt.Errorf("%w (nor can %s more)", err, plural(int64(n), "tensor"))
	}
	return err
}

// summarize fills in what concerns all tensors.
func (r *Report) summarize() {
	s := &r.Summary
	s.Compared = len(r.Tensors)
	for _, res := range r.Tensors[0].Results {
		s.Totals = append(s.Totals, Total{Granularity: res.Scheme.Granularity})
	}
	for i, t := range r.Tensors {
		s.Elements += t.Elements
		s.Float32Bytes += 4 * t.Elements
		s.ByGain = append(s.ByGain, i)
		for k, res := range t.Results {
			s.Totals[k].Memory = s.Totals[k].Memory.add(res.Memory)
		}
	}
	slices.SortStableFunc(s.ByGain, func(a, b int) int {
		return cmp.Compare(r.Tensors[b].main().Gain.RMSEFactor, r.Tensors[a].main().Gain.RMSEFactor)
	})
}

// compare loads a tensor and runs the comparison.
func compare(src Source, j job, o Options) (*Tensor, error) {
	schemes, err := schemesOf(j, o)
	if err != nil {
		return nil, err
	}
	data, err := src.Load(j.index)
	if err != nil {
		return nil, err
	}
	w := quant.Tensor{Data: data, Shape: j.shape}
	c, err := quant.Compare(w, schemes...)
	if err != nil {
		return nil, err
	}
	t := &Tensor{
		Name:     j.info.Name,
		DType:    j.info.DType,
		Shape:    dims(j.info.Shape),
		Elements: j.elements,
		Channels: len(c.Channels),
		job:      j,
	}
	if !j.vector {
		t.Axis = &c.Axis
	}
	for i := range c.Results {
		res, err := result(c, i, w, j, o.Codes)
		if err != nil {
			return nil, err
		}
		t.Results = append(t.Results, res)
	}
	t.Best, _ = c.Winner()
	t.Verdict = verdict(t)
	return t, nil
}

// schemesOf returns the schemes that a tensor is compared under.
func schemesOf(j job, o Options) ([]quant.Scheme, error) {
	axis, err := axisOf(j, o.Axis)
	if err != nil {
		return nil, err
	}
	mapping, err := o.mapping()
	if err != nil {
		return nil, err
	}
	schemes := make([]quant.Scheme, 2, 3)
	for i := range schemes {
		schemes[i] = o.scheme(mapping)
	}
	schemes[1].Granularity = quant.PerChannel(axis)
	if o.GroupSize > 0 {
		g, err := groupAxis(j, axis, o.GroupAxis)
		if err != nil {
			return nil, err
		}
		s := o.scheme(mapping)
		s.Granularity = quant.PerGroup(g, o.GroupSize)
		schemes = append(schemes, s)
	}
	return schemes, nil
}

// result copies result i of c into the form of a report.
func result(c *quant.Comparison, i int, w quant.Tensor, j job, codes bool) (Result, error) {
	from := &c.Results[i]
	r := Result{
		Scheme:    scheme(from.Scheme, j),
		Scale:     from.Scale,
		ZeroPoint: from.ZeroPoint,
		Metrics:   metrics(from.Metrics),
		Memory:    memory(from.Memory),
		Channels:  make([]Channel, len(c.Channels)),
	}
	if i > 0 {
		r.Gain = gain(c, i)
	}
	for k, x := range c.Channels {
		r.Channels[k] = Channel{Min: Float(x.Min), Max: Float(x.Max), Metrics: metrics(from.Channels[k])}
	}
	if !codes {
		return r, nil
	}
	var err error
	r.Reconstructed = make(Floats, len(w.Data))
	if from.Scheme.Unsigned {
		r.Codes, err = roundTrip[uint16](w, from.Params, r.Reconstructed)
	} else {
		r.Codes, err = roundTrip[int16](w, from.Params, r.Reconstructed)
	}
	return r, err
}

// roundTrip returns the codes of w, and stores in back what they stand for.
func roundTrip[T int16 | uint16](w quant.Tensor, p quant.Params, back []float32) ([]int32, error) {
	narrow := make([]T, len(w.Data))
	if err := quant.QuantizeCodes(narrow, w, p); err != nil {
		return nil, err
	}
	if err := quant.DequantizeCodes(back, narrow, w.Shape, p); err != nil {
		return nil, err
	}
	codes := make([]int32, len(narrow))
	for i, q := range narrow {
		codes[i] = int32(q)
	}
	return codes, nil
}

// scheme returns s in the form of a report. The axes of one that has none, or
// only one, are those of the tensor and not of the [1, n] it is compared as.
func scheme(s quant.Scheme, j job) Scheme {
	r := Scheme{
		Bits:        s.Bits,
		Unsigned:    s.Unsigned,
		Mapping:     s.Mapping.String(),
		Granularity: PerTensor,
		NarrowRange: s.NarrowRange,
		ZeroInRange: s.ZeroInRange,
	}
	axis, ok := s.Granularity.Axis()
	if !ok {
		return r
	}
	r.Granularity = PerChannel
	if size, ok := s.Granularity.GroupSize(); ok {
		r.Granularity, r.GroupSize = PerGroup, &size
	}
	if j.vector {
		axis-- // of [1, n]: the channels have no axis, the groups the only one
	}
	if axis >= 0 {
		r.Axis = &axis
	}
	return r
}

// axisOf returns the axis of the channels, counted from the front.
func axisOf(j job, axis int) (int, error) {
	if j.vector {
		// There is one channel, whatever axis is asked for, if only it exists.
		if axis != 0 && axis != -1 {
			return 0, axisError(axis, j.info.Shape)
		}
		return 0, nil
	}
	return fromFront(axis, j.shape)
}

// groupAxis returns the axis along which groups run: want, or else the longest
// one besides that of the channels, and of equals the last, whose elements lie
// closest together.
func groupAxis(j job, channels int, want *int) (int, error) {
	if want != nil && j.vector {
		if *want != 0 && *want != -1 {
			return 0, axisError(*want, j.info.Shape)
		}
		return 1, nil
	}
	if want != nil {
		return fromFront(*want, j.shape)
	}
	best := -1
	for i, n := range j.shape {
		if i != channels && (best < 0 || n >= j.shape[best]) {
			best = i
		}
	}
	return best, nil
}

func fromFront(axis int, shape []int) (int, error) {
	a := axis
	if a < 0 {
		a += len(shape)
	}
	if a < 0 || a >= len(shape) {
		return 0, axisError(axis, shape)
	}
	return a, nil
}

func axisError(axis int, shape []int) error {
	return fmt.Errorf("there is no axis %d in shape %s", axis, shapeText(shape))
}

// reason says what went wrong with a tensor, in words that follow its name.
func reason(err error, name string, shape []int, axis int) string {
	var bad *quant.NotFiniteError
	if !errors.As(err, &bad) {
		text := strings.TrimPrefix(err.Error(), "quant: ")
		// Readers name the tensor, as far as reports do anyway.
		if _, after, ok := strings.Cut(text, fmt.Sprintf("tensor %q: ", name)); ok {
			text = after
		}
		return text
	}
	channel := bad.Channel
	if a, err := fromFront(axis, shape); err == nil && channel < 0 {
		channel = bad.Index / int(elements(shape[a+1:])) % shape[a]
	}
	value := "NaN"
	if !math.IsNaN(float64(bad.Value)) {
		value = fmt.Sprintf("%+f", bad.Value)
	}
	return fmt.Sprintf("%s in channel %d, at index %d", value, channel, bad.Index)
}

// elements returns the number of elements of a shape, whose product readers
// have checked.
func elements(shape []int) int64 {
	n := int64(1)
	for _, d := range shape {
		n *= int64(d)
	}
	return n
}

// dims returns a shape that is not nil, so that a scalar's is [] in JSON.
func dims(shape []int) []int {
	if shape == nil {
		return []int{}
	}
	return shape
}
