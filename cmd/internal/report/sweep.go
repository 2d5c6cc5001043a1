package report

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/a01592f9/quant"
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
	src, err := w.open(j, readsOf(rounds...))
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
