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
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/cmd/internal/text"
	"github.com/a01592f9/quant/internal/summary"
	"github.com/a01592f9/quant/preset"
)

// Codes lists the codes and values in which two ways of quantizing the weights of a source
// differ, or the values in which two sources differ. Marshalled, it is the JSON of `quant diff`.
type Codes struct {
	Source  string         `json:"source"`
	Between [2]string      `json:"between"` // presets or schemes, or the names of two files
	Options CodesOptions   `json:"options"`
	Summary CodesSummary   `json:"summary"`
	Tensors []CodedTensor  `json:"tensors"` // in the order of the source
	Skipped []Skipped      `json:"skipped"`
	Sides   []CodesPartner `json:"presets"` // of Between, those that are presets
	FileNotes

	base  Report
	files bool
	order []int
}

// A CodesPartner is a preset that is compared.
type CodesPartner struct {
	Name    string `json:"name"`
	System  string `json:"system"`
	Purpose string `json:"purpose"`
	Source  string `json:"source"`
}

// CodesOptions say what to compare.
type CodesOptions struct {
	Axis      *int     `json:"axis"`
	GroupAxis *int     `json:"group_axis"`
	Tensors   []string `json:"tensors"`
	Exclude   []string `json:"exclude"`
}

// A CodesSummary adds up all tensors.
type CodesSummary struct {
	Compared      int         `json:"compared"`
	Equal         int         `json:"equal"` // of which no code and no value differs
	Skipped       int         `json:"skipped"`
	Failed        int         `json:"failed"`
	Elements      int64       `json:"elements"`
	ChangedCodes  *int64      `json:"changed_codes"` // null if codes are not compared
	Steps         []CodeStep  `json:"steps"`
	ChangedValues int64       `json:"changed_values"`
	MaxDifference text.Number `json:"max_difference"`

	// SQNR has the ratio of each of Between over all values; for two files it has that of the
	// second against the first. Cost is how much the second is below the first, in dB: null for
	// files.
	SQNR []text.Number `json:"sqnr_db"`
	Cost *text.Number  `json:"cost_db"`
}

// A CodeStep is a difference between two codes, the second minus the first.
type CodeStep struct {
	Difference int   `json:"difference"`
	Count      int64 `json:"count"`
}

// A CodedTensor is one tensor, quantized in two ways.
type CodedTensor struct {
	Name          string        `json:"name"`
	DType         string        `json:"dtype"`
	Shape         []int         `json:"shape"`
	Elements      int64         `json:"elements"`
	Use           string        `json:"use"`
	Axis          *int          `json:"axis"`
	AxisFrom      string        `json:"axis_from"`
	ChangedCodes  *int64        `json:"changed_codes"`
	Steps         []CodeStep    `json:"steps"`
	ChangedValues int64         `json:"changed_values"`
	MaxDifference text.Number   `json:"max_difference"`
	First         *CodePlace    `json:"first"`
	RMSE          []text.Number `json:"rmse"`
	SQNR          []text.Number `json:"sqnr_db"`
	Cost          *text.Number  `json:"cost_db"`
	Channels      []int         `json:"changed_by_channel"`
}

// A CodePlace is the first element that differs.
type CodePlace struct {
	Index   int           `json:"index"` // in row-major order
	Channel int           `json:"channel"`
	Codes   []int         `json:"codes"` // centred: see preset.Result
	Values  [2]text.Float `json:"values"`
}

// options returns o as the options of a comparison.
func (o CodesOptions) options() Options {
	d := DefaultOptions()
	d.Axis, d.Tensors = o.Axis, o.Tensors
	return d
}

// A way is a preset or a candidate.
type way struct {
	name     string
	preset   preset.Preset
	isPreset bool
	channel  bool // the preset has a scale for each channel, wherever these are
	candidate
}

// parseWay reads the name of a preset, with a granularity or without, or a scheme of a list.
func parseWay(name string) (way, error) {
	w := way{name: name}
	base, part, parted := strings.Cut(name, ":")
	if _, ok := preset.ByName(base); !ok {
		var err error
		w.candidate, err = parseCandidate(name)
		if err != nil {
			return w, fmt.Errorf("%w; there are presets too, which quant diff --presets lists", err)
		}
		return w, nil
	}
	w.isPreset = true
	if part == option.ChannelPart {
		name = base + ":channel@0"
	}
	var err error
	if w.preset, err = preset.Parse(name); err != nil {
		return w, fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "quant: "))
	}
	_, ranged := w.preset.Scheme.Granularity.Axis()
	_, groups := w.preset.Scheme.Granularity.GroupSize()
	w.channel = ranged && !groups && (!parted || part == option.ChannelPart)
	return w, nil
}

// apply quantizes the values of a tensor in this way. It fails when ctx ends.
func (w way) apply(ctx context.Context, x []float32, j job, o CodesOptions) (preset.Result, error) {
	t := quant.Tensor{Data: x, Shape: j.shape}
	if !w.isPreset {
		return w.applyCandidate(ctx, t, j, o)
	}
	p, err := w.presetOf(j, o)
	if err != nil {
		return preset.Result{}, err
	}
	return p.Apply(t)
}

// presetOf returns the preset for a tensor, with the axes of its channels and groups.
func (w way) presetOf(j job, o CodesOptions) (preset.Preset, error) {
	axis, err := j.axis(o.options())
	if err != nil {
		return preset.Preset{}, err
	}
	g := w.preset.Scheme.Granularity
	if along, ok := g.Axis(); w.channel {
		g = quant.PerChannel(axis)
	} else if size, groups := g.GroupSize(); ok && groups && along == -1 {
		if along, err = j.groupAxis(axis, o.GroupAxis); err != nil {
			return preset.Preset{}, err
		}
		g = quant.PerGroup(along, size)
	}
	return w.preset.With(g)
}

// schemeOf returns the scheme for a tensor, with the axes of its channels and groups.
func (w way) schemeOf(j job, o CodesOptions) (quant.Scheme, error) {
	if w.isPreset {
		p, err := w.presetOf(j, o)
		return p.Scheme, err
	}
	return w.of(j, SweepOptions{Axis: o.Axis, GroupAxis: o.GroupAxis, Tensors: o.Tensors})
}

// ScalesBetween returns the greater of the numbers of scales that a tensor has under two presets or
// schemes. It is 0 if BuildCodes has an error for the tensor, and for block formats.
func ScalesBetween(between [2]string, info tensorfile.Info, o CodesOptions) int {
	most := 0
	for _, name := range between {
		w, err := parseWay(name)
		if err != nil || w.blocks {
			continue
		}
		j := newJob(0, info)
		s, err := w.schemeOf(j, o)
		if err != nil {
			continue
		}
		if n, err := s.NumParams(j.shape); err == nil {
			most = max(most, n)
		}
	}
	return most
}

// failed adds the name of the way to an error that is not about a value of the tensor.
func (w way) failed(err error) error {
	if errors.Is(err, quant.ErrNotFinite) {
		return err
	}
	return fmt.Errorf("%s: %s", w.name, strings.TrimPrefix(err.Error(), "quant: "))
}

// applyCandidate is apply for a scheme, or a block format of GGUF, whose codes are not
// compared.
func (w way) applyCandidate(ctx context.Context, t quant.Tensor, j job, o CodesOptions) (preset.Result, error) {
	if !w.blocks {
		s, err := w.schemeOf(j, o)
		if err != nil {
			return preset.Result{}, err
		}
		params, err := quant.Stream{Source: tensorfile.Interruptible(ctx, Values(t.Data)), Shape: t.Shape}.Calibrate(s)
		if err != nil {
			return preset.Result{}, err
		}
		return preset.ApplyParams(t, params)
	}
	axis, err := j.axis(o.options())
	if err != nil {
		return preset.Result{}, err
	}
	b := newBlockRows(w.block, t.Data, j, axis)
	if err := b.all(); err != nil {
		return preset.Result{}, err
	}
	return preset.Result{Values: b.y}, nil
}

// CheckBetween returns an error unless both are presets or schemes.
func CheckBetween(between [2]string) error {
	for _, name := range between {
		if _, err := parseWay(name); err != nil {
			return err
		}
	}
	return nil
}

// BuildCodes compares two presets or schemes, as quant diff --between names them, on the
// tensors of src that o asks for. Each tensor is in memory as a whole.
func BuildCodes(ctx context.Context, name string, between [2]string, src Source, o CodesOptions, progress text.Progress) (*Codes, error) {
	var ways [2]way
	d := newCodes(name, between, src, o)
	for i, text := range between {
		var err error
		if ways[i], err = parseWay(text); err != nil {
			return nil, optionf("between", "%w", err)
		}
		if p := ways[i].preset; ways[i].isPreset {
			d.Sides = append(d.Sides, CodesPartner{p.Name, p.System, p.Purpose, p.Source})
		}
	}
	jobs, err := d.base.plan(src.Tensors())
	if err != nil {
		return nil, err
	}
	if len(jobs) == 0 {
		return nil, d.base.nothing()
	}
	jobs = slices.DeleteFunc(jobs, func(j job) bool { return d.excluded(j.info.Name) })
	if len(jobs) == 0 {
		return nil, fmt.Errorf("%s: --exclude leaves no tensor", name)
	}
	d.Tensors, err = collect(newWork(ctx, src, progress, jobs), &d.base, func(w *work, i int) (*CodedTensor, error) {
		x, err := w.load(jobs[i])
		if err != nil {
			return nil, err
		}
		a, err := ways[0].apply(ctx, x, jobs[i], d.Options)
		if err != nil {
			return nil, ways[0].failed(err)
		}
		b, err := ways[1].apply(ctx, x, jobs[i], d.Options)
		if err != nil {
			return nil, ways[1].failed(err)
		}
		return d.tensor(jobs[i], x, a, b)
	})
	return d.done(err)
}

// BuildFileCodes compares the values of tensors of the same name in two sources.
func BuildFileCodes(ctx context.Context, name, other string, src, with Source, o CodesOptions, progress text.Progress) (*Codes, error) {
	d := newCodes(name, [2]string{name, other}, src, o)
	d.files = true
	match := Difference{Source: name, Against: other, Options: d.base.Options, base: d.base}
	jobs, at, err := match.plan(src.Tensors(), with.Tensors())
	d.base = match.base
	if err != nil {
		return nil, err
	}
	for i := len(jobs) - 1; i >= 0; i-- {
		if d.excluded(jobs[i].info.Name) {
			jobs, at = slices.Delete(jobs, i, i+1), slices.Delete(at, i, i+1)
		}
	}
	if len(jobs) == 0 && len(d.base.Skipped) == 0 {
		return nil, fmt.Errorf("%s: --exclude leaves no tensor", name)
	}
	d.Tensors, err = collect(newWork(ctx, src, progress, jobs), &d.base, func(w *work, i int) (*CodedTensor, error) {
		x, err := w.load(jobs[i])
		if err != nil {
			return nil, err
		}
		y, err := with.Load(at[i])
		if err != nil {
			return nil, err
		}
		return d.tensor(jobs[i], x, preset.Result{Values: x}, preset.Result{Values: y})
	})
	return d.done(err)
}

func newCodes(name string, between [2]string, src Source, o CodesOptions) *Codes {
	if o.Tensors == nil {
		o.Tensors = []string{}
	}
	if o.Exclude == nil {
		o.Exclude = []string{}
	}
	return &Codes{
		Source: name, Between: between, Options: o, Tensors: []CodedTensor{}, Sides: []CodesPartner{}, FileNotes: NotesOf(src),
		base: Report{Source: name, Options: o.options(), Skipped: []Skipped{}},
	}
}

func (d *Codes) excluded(name string) bool {
	return option.Selection{Exclude: d.Options.Exclude}.Excludes(name)
}

// load returns all values of a tensor.
func (w *work) load(j job) ([]float32, error) {
	r, err := w.open(j, 1)
	if err != nil {
		return nil, err
	}
	defer r.finish()
	x := make([]float32, j.elements)
	const piece = 1 << 20
	for from := 0; from < len(x); from += piece {
		if err := r.ReadFloats(x[from:min(from+piece, len(x))], from); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// tensor compares two results of a tensor of the values x.
func (d *Codes) tensor(j job, x []float32, a, b preset.Result) (*CodedTensor, error) {
	o := d.base.Options
	axis, err := j.axis(o)
	if err != nil {
		return nil, err
	}
	c, err := preset.Compare(a, b, j.shape, quant.PerChannel(axis))
	if err != nil {
		return nil, err
	}
	t := &CodedTensor{
		Name: j.info.Name, DType: j.info.DType, Shape: dims(j.info.Shape), Elements: j.elements, Use: j.info.Use, AxisFrom: j.axisFrom(o),
		Steps: []CodeStep{}, ChangedValues: int64(c.Values), MaxDifference: text.Number(c.MaxValue), Channels: c.Channels,
	}
	if !j.vector {
		t.Axis = &axis
	}
	if c.Codes {
		n := int64(c.Changed)
		t.ChangedCodes = &n
	}
	for _, s := range c.Steps {
		t.Steps = append(t.Steps, CodeStep{s.Difference, int64(s.Count)})
	}
	if p := c.First; p.Index >= 0 {
		t.First = &CodePlace{Index: p.Index, Channel: p.Channel, Values: [2]text.Float{text.Float(p.Value[0]), text.Float(p.Value[1])}}
		if c.Codes {
			t.First.Codes = p.Code[:]
		}
	}
	results := []preset.Result{a, b}
	if d.files {
		results = results[1:]
	}
	for _, r := range results {
		m, err := quant.Difference(quant.Tensor{Data: x, Shape: j.shape}, quant.Tensor{Data: r.Values, Shape: j.shape}, quant.PerTensor, quant.PerTensor)
		if err != nil {
			return nil, err
		}
		t.RMSE, t.SQNR = append(t.RMSE, text.Number(m.RMSE)), append(t.SQNR, text.Number(m.SQNR))
	}
	t.Cost = costOf(t.SQNR)
	return t, nil
}

// costOf returns how much the second of two ratios is below the first; nil for a single ratio.
func costOf(sqnr []text.Number) *text.Number {
	if len(sqnr) < 2 {
		return nil
	}
	cost := text.Number(summary.Steady(float64(sqnr[0] - sqnr[1])))
	if sqnr[0] == sqnr[1] { // infinities too
		cost = 0
	}
	return &cost
}

// done summarizes what was collected.
func (d *Codes) done(err error) (*Codes, error) {
	d.Skipped = d.base.Skipped
	if err != nil {
		return nil, err
	}
	s := &d.Summary
	s.Compared, s.Skipped, s.Failed = len(d.Tensors), d.base.Summary.Skipped, d.base.Summary.Failed
	n := len(d.Tensors[0].SQNR)
	sums, steps, codes, compared := summary.NewErrorSums(n), map[int]int64{}, int64(0), false
	for i := range d.Tensors {
		t := &d.Tensors[i]
		s.Elements += t.Elements
		s.ChangedValues += t.ChangedValues
		s.MaxDifference = max(s.MaxDifference, t.MaxDifference)
		if t.First == nil && t.ChangedValues == 0 {
			s.Equal++
		}
		if t.ChangedCodes != nil {
			codes, compared = codes+*t.ChangedCodes, true
		}
		for _, c := range t.Steps {
			steps[c.Difference] += c.Count
		}
		sums.Add(t.Elements, func(k int) (float64, float64) { return float64(t.RMSE[k]), float64(t.SQNR[k]) })
	}
	if compared {
		s.ChangedCodes = &codes
	}
	s.Steps = []CodeStep{}
	for step, count := range steps {
		s.Steps = append(s.Steps, CodeStep{step, count})
	}
	slices.SortFunc(s.Steps, func(a, b CodeStep) int { return cmp.Compare(a.Difference, b.Difference) })
	for k := range n {
		s.SQNR = append(s.SQNR, text.Number(sums.SQNR(k)))
	}
	s.Cost = costOf(s.SQNR)
	d.order = upTo(len(d.Tensors))
	slices.SortStableFunc(d.order, func(a, b int) int { return cmp.Compare(d.Tensors[b].share(), d.Tensors[a].share()) })
	return d, nil
}

// share returns the share of the elements that differ: in their codes, or else in their values.
func (t *CodedTensor) share() float64 {
	n := t.ChangedValues
	if t.ChangedCodes != nil {
		n = *t.ChangedCodes
	}
	return float64(n) / math.Max(1, float64(t.Elements))
}

// Err is like Report.Err.
func (d *Codes) Err() error { return d.base.Err() }
