package report

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// Build compares the tensors of src that o asks for. It reads tensors in pieces, and several
// small ones at a time, so that memory stays bounded whatever the size of a tensor. The report
// calls the source name.
//
// If src has one tensor, Build compares it or fails. If src has several, Report.Skipped lists
// those that cannot be compared, and Report.Err tells whether some of them should have been
// compared. Build fails if no tensor can be compared.
func Build(ctx context.Context, name string, src Source, o Options, progress text.Progress) (*Report, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	complete(&o.Tensors, &o.Mapping, &o.Method)
	o = o.normal()
	r := &Report{Source: name, Options: o, Tensors: []Tensor{}, Skipped: []Skipped{}, FileNotes: NotesOf(src)}
	plan, err := r.plan(src.Tensors())
	if err != nil {
		return nil, err
	}
	few := o.Few && manyChannels(plan, o)
	r.Tensors, err = collect(newWork(ctx, src, progress, plan), r, func(w *work, i int) (*Tensor, error) {
		t, err := compare(w, plan[i], o)
		if few && err == nil {
			t.trim()
		}
		return t, err
	})
	if err != nil {
		return nil, err
	}
	if err := r.checkWeighted(); err != nil {
		return nil, err
	}
	r.summarize()
	return r, nil
}

// complete sets the defaults of options.
func complete(tensors *[]string, mapping, method *string) {
	if *tensors == nil {
		*tensors = []string{}
	}
	*mapping = cmp.Or(*mapping, quant.Asymmetric.String())
	*method = cmp.Or(*method, quant.MinMax.String())
}

// collect returns the result of f for each tensor of w. It calls f for several tensors at a time.
// Tensors that fail are added to the skipped ones of r; it is an error if all fail.
func collect[T any](w *work, r *Report, f func(w *work, i int) (*T, error)) ([]T, error) {
	made, errs := make([]*T, len(w.jobs)), make([]error, len(w.jobs))
	w.each(func(i int) { made[i], errs[i] = f(w, i) })
	if err := w.ctx.Err(); err != nil {
		return nil, err
	}
	var all []T
	for i, j := range w.jobs {
		if errs[i] != nil {
			r.skip(j.info, j.reason(errs[i], r.Options), true)
		} else {
			all = append(all, *made[i])
		}
	}
	if len(all) == 0 {
		return nil, r.nothing()
	}
	return all, nil
}

// plan sorts the tensors into those to compare, and those to skip.
func (r *Report) plan(infos []tensorfile.Info) ([]job, error) {
	var jobs []job
	picked := 0
	for i, info := range infos {
		if !r.Options.selection().Picks(info.Name) {
			continue
		}
		picked++
		j := newJob(i, info)
		switch alone := len(infos) == 1 || r.Options.selection().Spells(info.Name); {
		case !info.Floating && (strings.HasPrefix(info.Left, quantized) || strings.HasPrefix(info.Left, "sparse")):
			r.skip(info, info.Left, false)
			continue
		case !info.Floating:
			r.skip(info, info.Reason(), false)
			continue
		case j.elements == 0:
			r.skip(info, "no elements", false)
			continue
		case info.Left != "" && !alone: // quant quantize leaves it too
			r.skip(info, info.Left, false)
			continue
		case len(info.Shape) < 2 && !alone:
			r.skip(info, "fewer than two dimensions", false)
			continue
		}
		jobs = append(jobs, j)
	}
	if picked == 0 {
		if len(infos) == 0 {
			return nil, fmt.Errorf("%s: there are no tensors in it", r.Source)
		}
		return nil, fmt.Errorf("%s: %w", r.Source, option.Unmatched("tensor", r.Options.Tensors, namesOf(infos)))
	}
	return jobs, nil
}

// namesOf returns the names of tensors.
func namesOf(infos []tensorfile.Info) []string {
	var all []string
	for _, t := range infos {
		all = append(all, t.Name)
	}
	return all
}

// skip lists a tensor as not compared.
func (r *Report) skip(info tensorfile.Info, reason string, failed bool) {
	r.Skipped = append(r.Skipped, Skipped{
		Name: info.Name, DType: info.DType, Shape: dims(info.Shape), Bytes: info.Bytes, Reason: reason, Failed: failed,
		PartOf: info.PartOf,
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
	// Codes say more about a model than its biases, which may be before them.
	at := max(slices.IndexFunc(r.Skipped, func(s Skipped) bool { return strings.HasPrefix(s.Reason, quantized) }), 0)
	s := r.Skipped[at]
	var err error = &TensorError{Source: r.Source, Tensor: s.Name, Reason: "cannot be compared: " + s.Reason}
	if n := len(r.Skipped) - 1; n > 0 {
		err = fmt.Errorf("%w (nor can %s more)", err, text.Plural(int64(n), "tensor"))
	}
	if strings.HasPrefix(s.Reason, quantized) {
		err = fmt.Errorf("%w; quant dequantize turns codes into floating-point numbers, and quant compare ORIGINAL --against FILE measures what they lost", err)
	}
	return err
}

// quantized begins the reason why a tensor of codes is not compared.
const quantized = "quantized already"

// compare compares one tensor.
func compare(w *work, j job, o Options) (*Tensor, error) {
	schemes, err := schemesOf(j, o)
	if err != nil {
		return nil, err
	}
	src, err := w.open(j, readsOf(schemes))
	if err != nil {
		return nil, err
	}
	defer src.finish()
	c, weighted, err := compareStream(src, j, o, schemes)
	if err != nil {
		return nil, err
	}
	t := &Tensor{
		Name:     j.info.Name,
		DType:    j.info.DType,
		Shape:    dims(j.info.Shape),
		Elements: j.elements,
		Bytes:    j.info.Bytes,
		Channels: len(c.ChannelRanges),
		Min:      text.Float(c.Range.Min),
		Max:      text.Float(c.Range.Max),
		Use:      j.info.Use,
		AxisFrom: j.axisFrom(o),
		Layout:   j.info.Layout,
		job:      j,
	}
	if !j.vector {
		axis := c.Axis // a pointer into c would keep all of c in memory
		t.Axis = &axis
	}
	var whole quant.Tensor
	if o.Codes {
		whole.Shape = j.shape
		if whole.Data, err = w.src.Load(j.index); err != nil {
			return nil, err
		}
	}
	for i := range c.Results {
		res, err := result(c, i, whole, j, o.Codes)
		if err != nil {
			return nil, err
		}
		if weighted != nil {
			res.weigh(&weighted[i])
		}
		t.Results = append(t.Results, res)
	}
	t.Best, _ = c.Winner()
	t.Verdict = verdict(t)
	return t, nil
}

// schemesOf returns the schemes that a tensor is compared under.
func schemesOf(j job, o Options) ([]quant.Scheme, error) {
	axis, err := j.axis(o)
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
		g, err := j.groupAxis(axis, o.GroupAxis)
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
		Scheme:    newScheme(from.Scheme, j.vector),
		Scale:     from.Scale,
		ZeroPoint: from.ZeroPoint,
		Metrics:   metrics(from.Metrics),
		Memory:    memory(from.Memory),
		Channels:  make([]Channel, len(c.ChannelRanges)),
	}
	r.scales[0], r.scales[1] = text.MinMax(r.Scale)
	r.zeros[0], r.zeros[1] = text.MinMax(r.ZeroPoint)
	if i > 0 {
		r.Gain = gain(c, i)
	}
	for k, x := range c.ChannelRanges {
		r.Channels[k] = Channel{Min: text.Float(x.Min), Max: text.Float(x.Max), Metrics: metrics(from.ChannelMetrics[k])}
	}
	if !codes {
		return r, nil
	}
	var err error
	r.Reconstructed = make(text.Floats, len(w.Data))
	switch {
	case from.Scheme.Format != quant.Integers:
		r.Codes, err = roundTrip[uint8](w, from.Params, r.Reconstructed)
	case from.Scheme.Unsigned:
		r.Codes, err = roundTrip[uint16](w, from.Params, r.Reconstructed)
	default:
		r.Codes, err = roundTrip[int16](w, from.Params, r.Reconstructed)
	}
	return r, err
}

// roundTrip returns the codes of w, and stores the reconstructed values in back.
func roundTrip[T uint8 | int16 | uint16](w quant.Tensor, p quant.Params, back []float32) ([]int32, error) {
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
