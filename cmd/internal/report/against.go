package report

import (
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// A Difference is how far the tensors of one source are from those of the same
// name in another, such as a model that was quantized and dequantized again.
// Marshalled, it is the JSON of `quant compare --against`.
type Difference struct {
	Source  string            `json:"source"`
	Against string            `json:"against"`
	Options Options           `json:"options"`
	Summary DifferenceSummary `json:"summary"`
	Tensors []DifferentTensor `json:"tensors"` // in the order of the source
	Skipped []Skipped         `json:"skipped"`

	base  Report
	order []int
}

// A DifferenceSummary adds up all tensors.
type DifferenceSummary struct {
	Compared int    `json:"compared"`
	Equal    int    `json:"equal"` // of which all values are the same
	Skipped  int    `json:"skipped"`
	Failed   int    `json:"failed"`
	Elements int64  `json:"elements"`
	RMSE     Number `json:"rmse"`
	MaxError Number `json:"max_error"`
	SQNR     Number `json:"sqnr_db"` // of all values together
	MeanSQNR Number `json:"mean_sqnr_db"`
}

// A DifferentTensor is the difference between two tensors of one name.
type DifferentTensor struct {
	Name         string    `json:"name"`
	DType        string    `json:"dtype"`
	AgainstDType string    `json:"against_dtype"`
	Shape        []int     `json:"shape"`
	Elements     int64     `json:"elements"`
	Use          string    `json:"use"`
	Axis         *int      `json:"axis"`
	AxisFrom     string    `json:"axis_from"`
	MAE          Number    `json:"mae"`
	RMSE         Number    `json:"rmse"`
	MaxError     Number    `json:"max_error"`
	SQNR         Number    `json:"sqnr_db"`
	Channels     []Differs `json:"channels"`
}

// Differs are the errors of one channel.
type Differs struct {
	MAE      Number `json:"mae"`
	RMSE     Number `json:"rmse"`
	MaxError Number `json:"max_error"`
	SQNR     Number `json:"sqnr_db"`
}

func differs(m quant.Metrics) Differs {
	return Differs{Number(m.MAE), Number(m.RMSE), Number(m.MaxError), Number(m.SQNR)}
}

// BuildDifference measures the tensors of src that o asks for against those of
// the same name in other. Of o count the axis of the channels, the groups (in
// whose order errors are added up, as Build does) and the patterns of names. Two
// sources of one tensor each need no names.
func BuildDifference(ctx context.Context, name, against string, src, other Source, o Options, progress Progress) (*Difference, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.Tensors == nil {
		o.Tensors = []string{}
	}
	d := &Difference{Source: name, Against: against, Options: o, Tensors: []DifferentTensor{}}
	d.base = Report{Source: name, Options: o, Skipped: []Skipped{}}
	infos, others := src.Tensors(), other.Tensors()
	at := map[string]int{}
	for i, info := range others {
		at[info.Name] = i
	}
	if len(infos) == 1 && len(others) == 1 {
		at[infos[0].Name] = 0
	}
	var jobs []job
	var match []int
	picked := 0
	for i, info := range infos {
		if pick, _ := o.selected(info.Name); !pick {
			continue
		}
		picked++
		k, there := at[info.Name]
		j := newJob(i, info)
		switch {
		case !info.Floating:
			d.base.skip(info, fmt.Sprintf("%s is not a floating-point type", info.DType), false)
		case j.elements == 0:
			d.base.skip(info, "no elements", false)
		case !there:
			d.base.skip(info, "not in "+against, false)
		case !others[k].Floating:
			d.base.skip(info, fmt.Sprintf("%s in %s", others[k].DType, against), false)
		case !slices.Equal(info.Shape, others[k].Shape):
			d.base.skip(info, fmt.Sprintf("shape %s in %s", shapeText(others[k].Shape), against), true)
		default:
			jobs, match = append(jobs, j), append(match, k)
		}
	}
	switch {
	case picked == 0 && len(infos) == 0:
		return nil, fmt.Errorf("%s: there are no tensors in it", name)
	case picked == 0:
		return nil, fmt.Errorf("%s: no tensor matches %s; there are %s", name, quoted(o.Tensors, " or "), names(infos))
	}
	tensors, errs := make([]*DifferentTensor, len(jobs)), make([]error, len(jobs))
	w := newWork(ctx, src, progress, jobs)
	w.each(func(i int) { tensors[i], errs[i] = differ(w, jobs[i], other, match[i], others[match[i]], o) })
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for i, j := range jobs {
		if errs[i] != nil {
			d.base.skip(j.info, j.reason(errs[i], o), true)
		} else {
			d.Tensors = append(d.Tensors, *tensors[i])
		}
	}
	d.Skipped = d.base.Skipped
	if len(d.Tensors) == 0 {
		return nil, d.base.nothing()
	}
	d.summarize()
	return d, nil
}

// Err is that of a Report.
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
	m, err := quant.Stream{Source: a, Shape: j.shape}.Difference(b, channels, scheme)
	if err != nil {
		return nil, err
	}
	t := &DifferentTensor{
		Name: j.info.Name, DType: j.info.DType, AgainstDType: info.DType, Shape: dims(j.info.Shape), Elements: j.elements,
		Use: j.info.Use, AxisFrom: j.axisFrom(o),
		MAE: Number(m.MAE), RMSE: Number(m.RMSE), MaxError: Number(m.MaxError), SQNR: Number(m.SQNR),
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
	sums := newErrorSums(1)
	for _, t := range d.Tensors {
		s.Elements += t.Elements
		s.MaxError = max(s.MaxError, t.MaxError)
		if t.MaxError == 0 {
			s.Equal++
		}
		sums.add(t.Elements, 1, func(int) (float64, float64) { return float64(t.RMSE), float64(t.SQNR) })
	}
	s.RMSE = Number(rounded(math.Sqrt(sums.noise[0] / float64(s.Elements))))
	s.SQNR, s.MeanSQNR = Number(sums.sqnr(0)), Number(sums.meanSQNR(0))
	d.order = upTo(len(d.Tensors))
	d.Sort("sqnr")
}

// DifferenceSorts are what Difference.Sort sorts by.
var DifferenceSorts = []string{"sqnr", "rmse", "name", "file"}

// Sort puts the tensors of tables into an order: as that of a Report, where
// worse is before better.
func (d *Difference) Sort(by string) {
	less := func(a, b *DifferentTensor) int { return cmp.Compare(a.SQNR, b.SQNR) }
	switch by {
	case "rmse":
		less = func(a, b *DifferentTensor) int { return cmp.Compare(b.RMSE, a.RMSE) }
	case "name":
		less = func(a, b *DifferentTensor) int { return natural(a.Name, b.Name) }
	case "file":
		less = func(a, b *DifferentTensor) int { return 0 }
	}
	slices.Sort(d.order)
	slices.SortStableFunc(d.order, func(a, b int) int { return less(&d.Tensors[a], &d.Tensors[b]) })
}

// WriteText writes d for a terminal of so many columns, 0 if there is none. Tensors
// that are the same are counted, and not listed.
func (d *Difference) WriteText(w io.Writer, color bool, columns int) error {
	p := newPrinter(w, color, columns)
	p.line(bold, shorten(Clean(d.Source), p.columns))
	p.line(plain, shorten("against "+Clean(d.Against), p.columns))
	p.WriteByte('\n')
	t := &table{left: 4, names: true, head: []string{"tensor", "shape", "axis", "types", "MAE", "RMSE", "max error", "SQNR, dB", "worst channel", "SQNR, dB"}}
	t.optional, t.pressed = []int{2, 1}, []int{3, 4}
	for _, i := range d.order {
		x := &d.Tensors[i]
		if x.MaxError == 0 {
			continue // the sum says how many
		}
		channel, ratio := "", ""
		if len(x.Channels) > 1 {
			worst := 0
			for c := range x.Channels {
				if x.Channels[c].SQNR < x.Channels[worst].SQNR {
					worst = c
				}
			}
			channel, ratio = strconv.Itoa(worst), decibels(float64(x.Channels[worst].SQNR))
		}
		types := Clean(x.DType)
		if x.AgainstDType != x.DType {
			types += ", " + Clean(x.AgainstDType)
		}
		use := Tensor{Use: x.Use, Axis: x.Axis}
		t.rows = append(t.rows, []cell{
			{Clean(x.Name), plain}, {shapeText(x.Shape), plain}, {use.UseText(), plain}, {types, plain},
			{fit(float64(x.MAE)), plain}, {fit(float64(x.RMSE)), plain}, {fit(float64(x.MaxError)), plain}, {decibels(float64(x.SQNR)), plain},
			{channel, plain}, {ratio, plain},
		})
	}
	if len(t.rows) > 0 {
		t.write(p)
		p.WriteByte('\n')
	}
	s := d.Summary
	equal := fmt.Sprintf("%s the same", count(int64(s.Equal)))
	if s.Equal == s.Compared {
		equal = "all the same"
	}
	text := fmt.Sprintf("%s of %s values, %s", plural(int64(s.Compared), "tensor"), count(s.Elements), equal)
	if s.Equal < s.Compared {
		text += fmt.Sprintf("; over all values the RMSE is %s, the largest error %s and the SQNR %s", num(float64(s.RMSE), 4), num(float64(s.MaxError), 4), withUnit(s.SQNR))
	}
	p.paragraph(plain, text+".")
	d.base.writeSkipped(p, true)
	d.base.writeSkipped(p, false)
	return p.Flush()
}

var differenceHead = []string{
	"source", "against", "row", "tensor", "dtype", "against_dtype", "shape", "use", "axis", "axis_from", "channel", "elements",
	"mae", "rmse", "max_error", "sqnr_db",
}

// WriteCSV writes a row for each tensor and, if channels is true, for each of
// its channels; see Report.WriteCSV for its form.
func (d *Difference) WriteCSV(w io.Writer, channels bool) error {
	c := csv.NewWriter(w)
	c.UseCRLF = true
	if err := c.Write(differenceHead); err != nil {
		return err
	}
	for i := range d.Tensors {
		t := &d.Tensors[i]
		row := func(kind, channel string, elements int64, m Differs) error {
			return c.Write([]string{
				inert(d.Source), inert(d.Against), kind, inert(t.Name), inert(t.DType), inert(t.AgainstDType),
				strings.ReplaceAll(shapeText(t.Shape), "×", "x"), inert(t.Use), optional(t.Axis), t.AxisFrom, channel,
				strconv.FormatInt(elements, 10), exact(m.MAE), exact(m.RMSE), exact(m.MaxError), exact(m.SQNR),
			})
		}
		if err := row(rowTensor, "", t.Elements, Differs{t.MAE, t.RMSE, t.MaxError, t.SQNR}); err != nil {
			return err
		}
		for k, m := range t.Channels {
			if !channels {
				break
			}
			if err := row(rowChannel, strconv.Itoa(k), t.Elements/int64(len(t.Channels)), m); err != nil {
				return err
			}
		}
	}
	c.Flush()
	return c.Error()
}
