package report

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/importance"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/text"
	"github.com/a01592f9/quant/internal/summary"
)

// A Sweep compares schemes of several widths and granularities on the weights of a source.
// Marshalled, it is the JSON of `quant sweep`, which docs/json.md describes.
type Sweep struct {
	Source  string       `json:"source"`
	Options SweepOptions `json:"options"`
	Summary SweepSummary `json:"summary"`

	// Schemes are those per tensor from the narrowest to the widest, those per
	// channel, those in groups of each size, and those of a list.
	Schemes []SweepScheme `json:"schemes"`

	Weights []SweepWeight `json:"weights"` // in the order of the source
	Skipped []Skipped     `json:"skipped"`
	FileNotes

	base Report // the report that picked the tensors
}

// SweepOptions say what to sweep.
type SweepOptions struct {
	Bits        []int    `json:"bits"`
	GroupSizes  []int    `json:"group_sizes"`
	Unsigned    bool     `json:"unsigned"`
	Mapping     string   `json:"mapping"`
	Axis        *int     `json:"axis"`
	GroupAxis   *int     `json:"group_axis"`
	NarrowRange bool     `json:"narrow_range"`
	ZeroInRange bool     `json:"zero_in_range"`
	Method      string   `json:"method"`
	Tensors     []string `json:"tensors"`
	Target      *float64 `json:"target_db"` // SQNR to reach; nil for none

	// Divisor, Scales and SignedScale are those of Options.
	Divisor     string `json:"divisor,omitempty"`
	Scales      string `json:"scales,omitempty"`
	SignedScale bool   `json:"signed_scale,omitempty"`

	// Importance names the file with the importance of the inputs of weights; "" for none. See
	// SetImportance.
	Importance string `json:"importance,omitempty"`
	importance *importance.File

	// Schemes are a list to compare beside those of Bits and GroupSizes: texts as
	// quant.ParseScheme reads them, with "channel" for the axis of the channels, and
	// block formats of GGUF such as "q4_k". If Bits is empty, only these are compared.
	Schemes []string `json:"schemes,omitempty"`

	// listed are Schemes after parsing.
	listed []candidate
}

// A SweepSummary adds up all weights.
type SweepSummary struct {
	Compared     int   `json:"compared"`
	Skipped      int   `json:"skipped"`
	Failed       int   `json:"failed"`
	Elements     int64 `json:"elements"`
	Float32Bytes int64 `json:"float32_bytes"`
	SourceBytes  int64 `json:"source_bytes"`
	OtherBytes   int64 `json:"other_bytes"`

	// Chosen is the smallest scheme that reaches the target over all weights
	// together, an index of Schemes; nil if none does, or none was asked for.
	Chosen *int `json:"chosen"`

	// MixedBytes is the size of the weights if each has the smallest scheme with which it
	// reaches the target alone, or else the best scheme; 0 without a target.
	MixedBytes int64 `json:"mixed_bytes"`

	// Short is how many weights reach the target with no scheme.
	Short int `json:"short"`

	// Weighted is how many weights have an importance.
	Weighted int `json:"weighted,omitempty"`
}

// A SweepScheme is a scheme with the size and the errors of all weights together.
type SweepScheme struct {
	Name          string      `json:"name,omitempty"` // of a list, as it was given
	Bits          int         `json:"bits"`
	Granularity   string      `json:"granularity"`
	GroupSize     *int        `json:"group_size"`
	BlockSize     []int       `json:"block_size,omitempty"`
	Memory        Memory      `json:"memory"`
	BitsPerWeight text.Number `json:"bits_per_weight"`
	Compression   text.Number `json:"compression"`
	SQNR          text.Number `json:"sqnr_db"`      // of all values together
	MeanSQNR      text.Number `json:"mean_sqnr_db"` // over the weights that are not exact
	MinSQNR       text.Number `json:"min_sqnr_db"`  // of the worst weight
	Worst         int         `json:"worst"`        // which that is, an index of Weights
	Clipped       int64       `json:"clipped"`

	// WeightedSQNR is that of all weights together that have an importance; nil if none has.
	WeightedSQNR *text.Number `json:"weighted_sqnr_db,omitempty"`

	Padded int  `json:"padded,omitempty"` // weights whose rows are no whole blocks, and were filled up with zeros
	Pareto bool `json:"pareto"`           // no other scheme is at least as small and as exact
}

// Label is the scheme for people: "4 bits per channel".
func (s SweepScheme) Label() string {
	if s.Name != "" {
		return s.Name
	}
	return fmt.Sprintf("%d bits %s", s.Bits, Scheme{Granularity: s.Granularity, GroupSize: s.GroupSize, BlockSize: s.BlockSize}.adverb())
}

// GranularityLabel is its granularity for people: "per channel".
func (s SweepScheme) GranularityLabel() string {
	return Scheme{Granularity: s.Granularity, GroupSize: s.GroupSize, BlockSize: s.BlockSize}.Label()
}

// A SweepWeight has the results of each scheme for one weight.
type SweepWeight struct {
	Name     string       `json:"name"`
	DType    string       `json:"dtype"`
	Shape    []int        `json:"shape"`
	Elements int64        `json:"elements"`
	Bytes    int64        `json:"bytes"` // in the file
	Use      string       `json:"use"`
	Axis     *int         `json:"axis"`
	AxisFrom string       `json:"axis_from"`
	Results  []SweepError `json:"results"` // in the order of Schemes
	Choice   *int         `json:"choice"`  // the smallest scheme that reaches the target; nil for none

	important float64 // the sum of the importances of all elements
}

// A SweepError has the errors and the size of one weight under one scheme.
type SweepError struct {
	RMSE     text.Number `json:"rmse"`
	MaxError text.Number `json:"max_error"`
	SQNR     text.Number `json:"sqnr_db"`
	Clipped  int         `json:"clipped"`
	Weighted *Weighted   `json:"weighted,omitempty"` // nil without an importance
	Bytes    int64       `json:"total_bytes"`

	memory Memory
	padded bool
}

// options returns o as the options of a comparison.
func (o SweepOptions) options() Options {
	return Options{
		Unsigned: o.Unsigned, Mapping: o.Mapping, Axis: o.Axis, NarrowRange: o.NarrowRange,
		ZeroInRange: o.ZeroInRange, Method: o.Method, Tensors: o.Tensors, Divisor: o.Divisor, Scales: o.Scales, SignedScale: o.SignedScale,
		Importance: o.Importance, importance: o.importance,
	}
}

// SetImportance makes errors count with the importances in f.
func (o *SweepOptions) SetImportance(f *importance.File) {
	o.importance, o.Importance = f, filepath.Base(f.Path)
}

// Validate returns an error if an option is out of its range.
func (o SweepOptions) Validate() error {
	if len(o.Bits) == 0 && len(o.Schemes) == 0 {
		return optionf("bits", "there is no width of a code")
	}
	if _, err := parseCandidates(o.Schemes); err != nil {
		return optionf("schemes", "%w", err)
	}
	x := o.options()
	for _, x.Bits = range o.Bits {
		if err := x.Validate(); err != nil {
			return err
		}
	}
	for _, n := range o.GroupSizes {
		if n <= 0 {
			return optionf("group_sizes", "group size %d is not positive", n)
		}
	}
	if o.GroupAxis != nil && len(o.GroupSizes) == 0 && len(o.Schemes) == 0 {
		return optionf("group_axis", "a group axis needs a group size")
	}
	return nil
}

// schemes returns the schemes for one weight, in the order of Sweep.Schemes, without those
// of a list.
func (o SweepOptions) schemes(j job) ([]quant.Scheme, error) {
	base := o.options()
	mapping, err := base.mapping()
	if err != nil {
		return nil, err
	}
	axis, err := j.axis(base)
	if err != nil {
		return nil, err
	}
	granularities := []quant.Granularity{quant.PerTensor, quant.PerChannel(axis)}
	for _, size := range o.GroupSizes {
		along, err := j.groupAxis(axis, o.GroupAxis)
		if err != nil {
			return nil, err
		}
		granularities = append(granularities, quant.PerGroup(along, size))
	}
	var all []quant.Scheme
	for _, g := range granularities {
		for _, base.Bits = range o.Bits {
			s := base.scheme(mapping)
			s.Granularity = g
			all = append(all, s)
		}
	}
	return all, nil
}

// BuildSweep sweeps the tensors of src that o asks for. It reads each tensor twice for any number
// of schemes, and more often if these have very many parameters. Errors are those of Build.
func BuildSweep(ctx context.Context, name string, src Source, o SweepOptions, progress text.Progress) (*Sweep, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o.listed, _ = parseCandidates(o.Schemes) // Validate has checked them
	o.Bits = slices.Compact(slices.Sorted(slices.Values(o.Bits)))
	o.GroupSizes = slices.Compact(slices.Sorted(slices.Values(o.GroupSizes)))
	slices.Reverse(o.GroupSizes) // from coarse to fine, as the granularities
	if o.GroupSizes == nil {
		o.GroupSizes = []int{}
	}
	if o.Bits == nil {
		o.Bits = []int{}
	}
	complete(&o.Tensors, &o.Mapping, &o.Method)
	usual := o.options().normal()
	o.Divisor, o.Scales, o.Importance = usual.Divisor, usual.Scales, usual.Importance
	s := &Sweep{Source: name, Options: o, Weights: []SweepWeight{}, FileNotes: NotesOf(src)}
	s.base = Report{Source: name, Options: o.options(), Skipped: []Skipped{}}
	plan, err := s.base.plan(src.Tensors())
	if err != nil {
		return nil, err
	}
	s.Weights, err = collect(newWork(ctx, src, progress, plan), &s.base, func(w *work, i int) (*SweepWeight, error) { return sweepOne(w, plan[i], o) })
	s.Skipped = s.base.Skipped
	if err != nil {
		return nil, err
	}
	s.summarize()
	return s, noImportance(o.importance, name, s.Summary.Weighted)
}

// Err is like Report.Err.
func (s *Sweep) Err() error { return s.base.Err() }

func sweepOne(w *work, j job, o SweepOptions) (*SweepWeight, error) {
	schemes, err := o.schemes(j)
	if err != nil {
		return nil, err
	}
	rounds := batches(schemes, j)
	for _, c := range o.listed {
		if c.blocks {
			continue
		}
		x, err := c.of(j, o)
		if err != nil {
			return nil, fmt.Errorf("scheme %s: %w", c.name, err)
		}
		rounds = append(rounds, []quant.Scheme{x})
	}
	important, err := o.options().importanceOf(j)
	if err != nil {
		return nil, err
	}
	reads := 0
	for _, round := range rounds {
		reads += readsOf(round)
	}
	src, err := w.open(j, reads)
	if err != nil {
		return nil, err
	}
	defer src.finish()
	x := &SweepWeight{
		Name: j.info.Name, DType: j.info.DType, Shape: dims(j.info.Shape), Elements: j.elements, Bytes: j.info.Bytes,
		Use: j.info.Use, AxisFrom: j.axisFrom(o.options()),
	}
	if axis, err := j.axis(o.options()); err == nil && !j.vector {
		x.Axis = &axis
	}
	if important != nil {
		x.important = totalImportance(important, j.elements)
	}
	for _, round := range rounds {
		c, weighted, err := compareBy(src, j, important, round)
		if err != nil {
			return nil, err
		}
		for k, r := range c.Results {
			e := SweepError{
				RMSE: text.Number(r.RMSE), MaxError: text.Number(r.MaxError), SQNR: text.Number(r.SQNR), Clipped: r.Clipped,
				Bytes: r.Memory.Total(), memory: memory(r.Memory),
			}
			if weighted != nil {
				e.Weighted = NewWeighted(weighted[k].WeightedMetrics)
			}
			x.Results = append(x.Results, e)
		}
	}
	return x, x.addBlocks(w, j, o, important)
}

// addBlocks inserts the results of block formats at their places in the list. If there are any,
// all values of the tensor are in memory.
func (x *SweepWeight) addBlocks(w *work, j job, o SweepOptions, important *quant.Importance) error {
	if !slices.ContainsFunc(o.listed, func(c candidate) bool { return c.blocks }) {
		return nil
	}
	values, err := w.src.Load(j.index)
	if err != nil {
		return err
	}
	axis, err := j.axis(o.options())
	if err != nil {
		return err
	}
	at := len(x.Results)
	for _, c := range o.listed {
		if !c.blocks {
			at--
		}
	}
	for _, c := range o.listed {
		if c.blocks {
			e, err := measureBlocks(c.block, values, j, axis, important)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			x.Results = slices.Insert(x.Results, at, e)
		}
		at++
	}
	return nil
}

// summarize sets the summary over all weights.
func (s *Sweep) summarize() {
	sum := &s.Summary
	sum.Compared, sum.Skipped, sum.Failed = len(s.Weights), s.base.Summary.Skipped, s.base.Summary.Failed
	o := s.Options
	add := func(granularity string, size *int) {
		for _, bits := range o.Bits {
			s.Schemes = append(s.Schemes, SweepScheme{Bits: bits, Granularity: granularity, GroupSize: size})
		}
	}
	add(option.PerTensor, nil)
	add(option.PerChannel, nil)
	for i := range o.GroupSizes {
		add(option.PerGroup, &o.GroupSizes[i])
	}
	for _, c := range o.listed {
		s.Schemes = append(s.Schemes, c.about())
	}
	sums, weighted := summary.NewErrorSums(len(s.Schemes)), summary.NewErrorSums(len(s.Schemes))
	for i, x := range s.Weights {
		sum.Elements += x.Elements
		sum.Float32Bytes += 4 * x.Elements
		sum.SourceBytes += x.Bytes
		sums.Add(x.Elements, func(k int) (float64, float64) {
			return float64(x.Results[k].RMSE), float64(x.Results[k].SQNR)
		})
		if x.Results[0].Weighted != nil {
			sum.Weighted++
			weighted.AddWeighted(x.important, func(k int) (float64, float64) {
				return float64(x.Results[k].Weighted.RMSE), float64(x.Results[k].Weighted.SQNR)
			})
		}
		for k, r := range x.Results {
			t := &s.Schemes[k]
			t.Memory = t.Memory.add(r.memory)
			t.Clipped += int64(r.Clipped)
			if r.padded {
				t.Padded++
			}
			if i == 0 || r.SQNR < t.MinSQNR {
				t.MinSQNR, t.Worst = r.SQNR, i
			}
		}
	}
	for k := range s.Schemes {
		t := &s.Schemes[k]
		t.BitsPerWeight = text.Number(8 * float64(t.Memory.Total) / float64(sum.Elements))
		t.Compression = text.Number(float64(sum.Float32Bytes) / float64(t.Memory.Total))
		t.SQNR, t.MeanSQNR = text.Number(sums.SQNR(k)), text.Number(sums.MeanSQNR(k))
		if sum.Weighted > 0 {
			all := text.Number(weighted.SQNR(k))
			t.WeightedSQNR = &all
		}
	}
	for k := range s.Schemes {
		s.Schemes[k].Pareto = !slices.ContainsFunc(upTo(len(s.Schemes)), func(i int) bool { return s.beats(i, k) })
	}
	for _, x := range s.Skipped {
		sum.OtherBytes += x.Bytes
	}
	if o.Target != nil {
		s.choose(*o.Target)
	}
}

// A SweepSeries is schemes that belong together: the widths of one granularity, or those
// of a list.
type SweepSeries struct {
	Label      string
	First, End int // indices of Schemes
	Listed     bool
}

// Series returns all schemes in series.
func (s *Sweep) Series() []SweepSeries {
	var all []SweepSeries
	listed := len(s.Schemes) - len(s.Options.Schemes)
	for i, n := 0, len(s.Options.Bits); i < listed; i += n {
		all = append(all, SweepSeries{Label: s.Schemes[i].GranularityLabel(), First: i, End: i + n})
	}
	if listed < len(s.Schemes) {
		all = append(all, SweepSeries{Label: "listed schemes", First: listed, End: len(s.Schemes), Listed: true})
	}
	return all
}

// Short is a label of a scheme beside others of its series: the bits, or the name.
func (s SweepScheme) Short() string {
	if s.Name != "" {
		return s.Name
	}
	return strconv.Itoa(s.Bits)
}

// beats reports whether scheme i makes scheme k useless.
func (s *Sweep) beats(i, k int) bool {
	a, b := &s.Schemes[i], &s.Schemes[k]
	if i == k || a.Memory.Total > b.Memory.Total || a.SQNR < b.SQNR {
		return false
	}
	return a.Memory.Total < b.Memory.Total || a.SQNR > b.SQNR || i < k
}

// choose finds the smallest schemes that reach a target: for all weights, and
// for each.
func (s *Sweep) choose(target float64) {
	better := func(k, than int, bytes func(k int) int64, sqnr func(k int) float64) bool {
		return cmp.Or(cmp.Compare(bytes(k), bytes(than)), cmp.Compare(sqnr(than), sqnr(k))) < 0
	}
	pick := func(bytes func(k int) int64, sqnr func(k int) float64) *int {
		best := -1
		for k := range s.Schemes {
			if sqnr(k) >= target && (best < 0 || better(k, best, bytes, sqnr)) {
				best = k
			}
		}
		if best < 0 {
			return nil
		}
		return &best
	}
	s.Summary.Chosen = pick(
		func(k int) int64 { return s.Schemes[k].Memory.Total },
		func(k int) float64 { return float64(s.Schemes[k].SQNR) })
	for i := range s.Weights {
		x := &s.Weights[i]
		x.Choice = pick(
			func(k int) int64 { return x.Results[k].Bytes },
			func(k int) float64 { return float64(x.Results[k].SQNR) })
		use := x.Choice
		if use == nil {
			s.Summary.Short++
			best := 0
			for k, r := range x.Results {
				if r.SQNR > x.Results[best].SQNR {
					best = k
				}
			}
			use = &best
		}
		s.Summary.MixedBytes += x.Results[*use].Bytes
	}
}

// BySize lists the schemes from the smallest to the largest.
func (s *Sweep) BySize() []int {
	index := upTo(len(s.Schemes))
	slices.SortStableFunc(index, func(a, b int) int {
		x, y := &s.Schemes[a], &s.Schemes[b]
		return cmp.Or(cmp.Compare(x.Memory.Total, y.Memory.Total), cmp.Compare(y.SQNR, x.SQNR))
	})
	return index
}

// Verdict says in one or two sentences which scheme to choose; "" without a target.
func (s *Sweep) Verdict() string {
	if s.Options.Target == nil {
		return ""
	}
	target := text.DecibelsWithUnit(text.Number(*s.Options.Target))
	about := func(k int) string {
		c := &s.Schemes[k]
		words := fmt.Sprintf("%s, with %s, %s bits per weight and %s (%s smaller than float32)",
			c.Label(), text.DecibelsWithUnit(c.SQNR), text.Digits(float64(c.BitsPerWeight), 3), text.Plural(c.Memory.Total, "byte"), text.Times(float64(c.Compression)))
		if len(s.Weights) > 1 {
			words += fmt.Sprintf("; the worst weight, %s, has %s", text.Clean(s.Weights[c.Worst].Name), text.DecibelsWithUnit(c.MinSQNR))
		}
		return words
	}
	if s.Summary.Chosen == nil {
		best := 0
		for k := range s.Schemes {
			if s.Schemes[k].SQNR > s.Schemes[best].SQNR {
				best = k
			}
		}
		return fmt.Sprintf("No scheme reaches %s. The best is %s.", target, about(best))
	}
	words := fmt.Sprintf("The smallest scheme that reaches %s: %s.", target, about(*s.Summary.Chosen))
	sum := s.Summary
	if sum.MixedBytes == s.Schemes[*sum.Chosen].Memory.Total && sum.Short == 0 {
		return words // one scheme is best for all weights, or there is one weight
	}
	mixed := fmt.Sprintf(" If each weight has the smallest scheme with which it reaches %s by itself, they take %s, %s bits per weight",
		target, text.Plural(sum.MixedBytes, "byte"), text.Digits(8*float64(sum.MixedBytes)/float64(sum.Elements), 3))
	if sum.Short > 0 {
		mixed += fmt.Sprintf("; %s with none", reach(sum.Short))
	}
	return words + mixed + "."
}

func reach(n int) string {
	if n == 1 {
		return "1 weight reaches it"
	}
	return text.Count(int64(n)) + " weights reach it"
}
