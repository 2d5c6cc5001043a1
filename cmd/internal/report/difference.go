package report

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/cmd/internal/text"
	"github.com/a01592f9/quant/internal/summary"
)

// A Difference has the errors between the tensors of two sources that have the same names, such
// as a model before quantization and after dequantization. Marshalled, it is the JSON of `quant
// compare --against`.
type Difference struct {
	Source  string            `json:"source"`
	Against string            `json:"against"`
	Options Options           `json:"options"`
	Summary DifferenceSummary `json:"summary"`
	Tensors []DifferentTensor `json:"tensors"` // in the order of the source
	Skipped []Skipped         `json:"skipped"`
	FileNotes

	base  Report
	order []int
}

// A DifferenceSummary adds up all tensors.
type DifferenceSummary struct {
	Compared int         `json:"compared"`
	Equal    int         `json:"equal"` // of which all values are the same
	Skipped  int         `json:"skipped"`
	Failed   int         `json:"failed"`
	Elements int64       `json:"elements"`
	RMSE     text.Number `json:"rmse"`
	MaxError text.Number `json:"max_error"`
	SQNR     text.Number `json:"sqnr_db"` // of all values together
	MeanSQNR text.Number `json:"mean_sqnr_db"`
}

// A DifferentTensor is the difference between two tensors of one name.
type DifferentTensor struct {
	Name         string      `json:"name"`
	DType        string      `json:"dtype"`
	AgainstDType string      `json:"against_dtype"`
	Shape        []int       `json:"shape"`
	Elements     int64       `json:"elements"`
	Use          string      `json:"use"`
	Axis         *int        `json:"axis"`
	AxisFrom     string      `json:"axis_from"`
	MAE          text.Number `json:"mae"`
	RMSE         text.Number `json:"rmse"`
	MaxError     text.Number `json:"max_error"`
	SQNR         text.Number `json:"sqnr_db"`
	Channels     []Differs   `json:"channels"`
}

// Differs has the errors of one channel.
type Differs struct {
	MAE      text.Number `json:"mae"`
	RMSE     text.Number `json:"rmse"`
	MaxError text.Number `json:"max_error"`
	SQNR     text.Number `json:"sqnr_db"`
}

func differs(m quant.Metrics) Differs {
	return Differs{text.Number(m.MAE), text.Number(m.RMSE), text.Number(m.MaxError), text.Number(m.SQNR)}
}

// BuildDifference measures the tensors of src that o asks for against those of the same name in
// other. It uses these options of o: the axis of the channels, the groups (errors are added up in
// their order, as in Build) and the patterns of names. If both sources have a single tensor, the
// names may differ. A weight of a Gemm that transposes it is compared with the transposed weight of a
// MatMul.
func BuildDifference(ctx context.Context, name, against string, src, other Source, o Options, progress text.Progress) (*Difference, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.Tensors == nil {
		o.Tensors = []string{}
	}
	o = o.normal()
	d := &Difference{Source: name, Against: against, Options: o, Tensors: []DifferentTensor{}, FileNotes: NotesOf(src)}
	d.base = Report{Source: name, Options: o, Skipped: []Skipped{}}
	jobs, match, err := d.plan(src.Tensors(), other.Tensors())
	if err != nil {
		return nil, err
	}
	others := other.Tensors()
	d.Tensors, err = collect(newWork(ctx, src, progress, jobs), &d.base, func(w *work, i int) (*DifferentTensor, error) {
		return differ(w, jobs[i], other, match[i], others[match[i]], o)
	})
	d.Skipped = d.base.Skipped
	if err != nil {
		return nil, err
	}
	d.summarize()
	return d, nil
}

// plan sorts the tensors into those to measure, with the indices of those that they
// are measured against, and those to skip.
func (d *Difference) plan(infos, others []tensorfile.Info) (jobs []job, match []int, err error) {
	at := map[string]int{}
	for i, info := range others {
		at[info.Name] = i
	}
	if len(infos) == 1 && len(others) == 1 {
		at[infos[0].Name] = 0
	}
	picked := 0
	for i, info := range infos {
		if !d.Options.selection().Picks(info.Name) {
			continue
		}
		picked++
		k, there := at[info.Name]
		j := newJob(i, info)
		switch {
		case !info.Floating:
			d.base.skip(info, info.Reason(), false)
		case j.elements == 0:
			d.base.skip(info, "no elements", false)
		case !there && info.PartOf != "":
			d.base.skip(info, info.Left, false)
		case !there:
			d.base.skip(info, "not in "+d.Against, false)
		case !others[k].Floating:
			d.base.skip(info, fmt.Sprintf("in %s %s", d.Against, others[k].Reason()), false)
		case !slices.Equal(info.Shape, others[k].Shape) && !transposes(info, others[k]):
			d.base.skip(info, fmt.Sprintf("shape %s in %s", text.Shape(others[k].Shape), d.Against), true)
		default:
			jobs, match = append(jobs, j), append(match, k)
		}
	}
	switch {
	case picked == 0 && len(infos) == 0:
		return nil, nil, fmt.Errorf("%s: there are no tensors in it", d.Source)
	case picked == 0:
		return nil, nil, fmt.Errorf("%s: %w", d.Source, option.Unmatched("tensor", d.Options.Tensors, namesOf(infos)))
	}
	return jobs, match, nil
}

// Err is like Report.Err.
func (d *Difference) Err() error { return d.base.Err() }

func differ(w *work, j job, other Source, k int, info tensorfile.Info, o Options) (*DifferentTensor, error) {
	axis, err := j.axis(o)
	if err != nil {
		return nil, err
	}
	channels, scheme := quant.PerChannel(axis), quant.PerChannel(axis)
	if o.GroupSize > 0 {
		along, err := j.groupAxis(axis, o.GroupAxis)
		if err != nil {
			return nil, err
		}
		scheme = quant.PerGroup(along, o.GroupSize)
	}
	a, err := w.open(j, 1)
	if err != nil {
		return nil, err
	}
	defer a.finish()
	b, err := other.Source(k)
	if err != nil {
		return nil, err
	}
	if transposes(j.info, info) {
		if b, err = transposed(b, info.Shape[0], info.Shape[1]); err != nil {
			return nil, err
		}
	}
	m, err := quant.Stream{Source: a, Shape: j.shape}.Difference(b, channels, scheme)
	if err != nil {
		return nil, err
	}
	t := &DifferentTensor{
		Name: j.info.Name, DType: j.info.DType, AgainstDType: info.DType, Shape: dims(j.info.Shape), Elements: j.elements,
		Use: j.info.Use, AxisFrom: j.axisFrom(o),
		MAE: text.Number(m.MAE), RMSE: text.Number(m.RMSE), MaxError: text.Number(m.MaxError), SQNR: text.Number(m.SQNR),
	}
	if !j.vector {
		t.Axis = &axis
	}
	for _, c := range m.ChannelMetrics {
		t.Channels = append(t.Channels, differs(c))
	}
	return t, nil
}

func (d *Difference) summarize() {
	s := &d.Summary
	s.Compared, s.Skipped, s.Failed = len(d.Tensors), d.base.Summary.Skipped, d.base.Summary.Failed
	sums := summary.NewErrorSums(1)
	for _, t := range d.Tensors {
		s.Elements += t.Elements
		s.MaxError = max(s.MaxError, t.MaxError)
		if t.MaxError == 0 {
			s.Equal++
		}
		sums.Add(t.Elements, func(int) (float64, float64) { return float64(t.RMSE), float64(t.SQNR) })
	}
	s.RMSE = text.Number(rounded(math.Sqrt(sums.Squares(0) / float64(s.Elements))))
	s.SQNR, s.MeanSQNR = text.Number(sums.SQNR(0)), text.Number(sums.MeanSQNR(0))
	d.order = upTo(len(d.Tensors))
	d.Sort("sqnr")
}

// DifferenceSorts are what Difference.Sort sorts by.
var DifferenceSorts = []string{"sqnr", "rmse", "name", "file"}

// Sort sets the order of the tensors in tables, as Report.Sort does. The worst is first.
func (d *Difference) Sort(by string) {
	less := func(a, b *DifferentTensor) int { return cmp.Compare(a.SQNR, b.SQNR) }
	switch by {
	case "rmse":
		less = func(a, b *DifferentTensor) int { return cmp.Compare(b.RMSE, a.RMSE) }
	case "name":
		less = func(a, b *DifferentTensor) int { return text.Natural(a.Name, b.Name) }
	case "file":
		less = func(a, b *DifferentTensor) int { return 0 }
	}
	slices.Sort(d.order)
	slices.SortStableFunc(d.order, func(a, b int) int { return less(&d.Tensors[a], &d.Tensors[b]) })
}
