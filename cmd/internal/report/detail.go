package report

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/a01592f9/quant"
)

// A Detail is what the graphs of one tensor show and its Tensor does not hold.
// It is made from the tensor's values by Report.Detail, and its size is bounded
// whatever that of the tensor: curves of many points are thinned so that their
// extremes stay, and say so in a Note.
type Detail struct {
	Tensor     int           `json:"tensor"` // index in Report.Tensors
	Name       string        `json:"name"`
	Elements   ElementCurves `json:"elements"`
	Channels   ChannelCurves `json:"channels"`
	Histogram  Histogram     `json:"histogram"`  // of all values
	Histograms []Histogram   `json:"histograms"` // of single channels, by their index
	Focus      int           `json:"focus"`      // the channel to show first: the one that gains most, if none was asked for
	Sweep      []SweepPoint  `json:"sweep"`      // every width of a code
	Methods    MethodRanges  `json:"methods"`    // what each would choose for the whole tensor
}

// ElementCurves are the values of a tensor, channel by channel, and what each
// scheme makes of them. The slices run in parallel.
type ElementCurves struct {
	Total         int      `json:"total"`         // elements in the tensor
	PerChannel    int      `json:"per_channel"`   // elements in a channel
	Position      []int    `json:"position"`      // place in the order channel by channel: what to plot against
	Index         []int    `json:"index"`         // place in the tensor, in row-major order
	Original      Floats   `json:"original"`      // values
	Reconstructed []Floats `json:"reconstructed"` // for each result: what the codes stand for
	Error         []Floats `json:"error"`         // for each result: reconstructed minus original
	Note          string   `json:"note"`          // what is shown, in a sentence
}

// ChannelCurves are the errors of the channels. The slices run in parallel.
type ChannelCurves struct {
	Total    int        `json:"total"`     // channels in the tensor
	Index    []int      `json:"index"`     // of the channel
	RMSE     [][]Number `json:"rmse"`      // for each result
	MaxError [][]Number `json:"max_error"` // for each result
	Note     string     `json:"note"`      // what is shown, in a sentence
}

// A Histogram counts values in bins of equal width.
type Histogram struct {
	Channel *int    `json:"channel"` // nil for all values
	Min     Float   `json:"min"`     // lower end of the first bin: the least value
	Max     Float   `json:"max"`     // upper end of the last bin: the greatest value
	Counts  []int64 `json:"counts"`  // one bin where all values are the same
	Grids   []Grid  `json:"grids"`   // for each result
}

// A Grid is the real values that codes stand for, between those of the least
// and of the greatest value of a histogram.
type Grid struct {
	Codes  int    `json:"codes"`  // how many; 0 where there is no one grid, as there are several scales
	Values Floats `json:"values"` // empty if there are more than 512
}

// A SweepPoint is what the schemes do with another width of their codes.
type SweepPoint struct {
	Bits    int           `json:"bits"`
	Results []SweepResult `json:"results"` // in the order of Tensor.Results
}

// A SweepResult is a Result in short.
type SweepResult struct {
	RMSE       Number `json:"rmse"`
	SQNR       Number `json:"sqnr_db"`
	TotalBytes int64  `json:"total_bytes"`
}

// DetailOptions bound the size of a Detail. Their zero value is good.
type DetailOptions struct {
	Points     int // at most so many elements, and channels; 0 for 4096
	Histograms int // at most so many of single channels, those that gain most; 0 for 64

	// Focus is the channel to show first, which then has a histogram; nil for
	// the one that gains most.
	Focus *int
}

const (
	minPoints = 64 // however few are asked for
	maxGrid   = 512
)

// Detail reads tensor i of r again from the source that r was built from, in
// pieces, and returns what graphs of it need. The sweep makes it take longer
// than Build did for that tensor.
func (r *Report) Detail(ctx context.Context, src Source, i int, o DetailOptions) (*Detail, error) {
	return r.detail(newWork(ctx, src, nil, []job{r.Tensors[i].job}), i, o)
}

func (r *Report) detail(w *work, i int, o DetailOptions) (*Detail, error) {
	if o.Points <= 0 {
		o.Points = 4096
	}
	if o.Histograms <= 0 {
		o.Histograms = 64
	}
	o.Points = max(o.Points, minPoints)
	t := &r.Tensors[i]
	schemes, err := schemesOf(t.job, r.Options)
	if err != nil {
		return nil, err
	}
	d := &Detail{Tensor: i, Name: t.Name, Focus: t.focus(), Channels: t.channelCurves(o.Points)}
	if o.Focus != nil {
		d.Focus = *o.Focus
	}
	rounds := batches(widths(schemes), t.job)
	reads := 12 // for the walk, the histogram and the methods
	for _, round := range rounds {
		reads += readsOf(round)
	}
	src, err := w.open(t.job, reads)
	if err != nil {
		return nil, err
	}
	defer src.finish()
	params, err := d.sweep(src, rounds, schemes[0].Bits, len(schemes))
	if err != nil {
		return nil, err
	}
	if err := d.prepare(t, params, o.Histograms); err != nil {
		return nil, err
	}
	if err := d.walk(src, t, params, o.Points); err != nil {
		return nil, err
	}
	return d, d.methods(src, t, schemes[0])
}

// Details returns those of at most limit tensors, first the ones that gain most.
func (r *Report) Details(ctx context.Context, src Source, limit int, o DetailOptions, progress Progress) ([]*Detail, error) {
	picked := r.Summary.ByGain[:min(limit, len(r.Summary.ByGain))]
	var jobs []job
	for _, i := range picked {
		jobs = append(jobs, r.Tensors[i].job)
	}
	w := newWork(ctx, src, progress, jobs)
	var all []*Detail
	for _, i := range picked {
		d, err := r.detail(w, i, o)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// gain is how much lower the RMSE of a channel is if it has its own scale.
func (t *Tensor) gain(place int) float64 {
	return float64(t.Results[0].Channels[place].RMSE) - float64(t.main().Channels[place].RMSE)
}

// focus returns the channel that gains most.
func (t *Tensor) focus() int {
	best := 0
	for i := range t.listed() {
		if t.gain(i) > t.gain(best) {
			best = i
		}
	}
	return t.channel(best)
}

// widths returns the schemes at every width of a code.
func widths(schemes []quant.Scheme) []quant.Scheme {
	var all []quant.Scheme
	for bits := 2; bits <= 16; bits++ {
		for _, s := range schemes {
			s.Bits = bits
			all = append(all, s)
		}
	}
	return all
}

// sweep compares a tensor under every width, in several rounds, and returns the
// parameters for the one that was asked for.
func (d *Detail) sweep(src *reading, rounds [][]quant.Scheme, asked, schemes int) ([]quant.Params, error) {
	var params []quant.Params
	at := 0
	for _, round := range rounds {
		c, err := quant.Stream{Source: src, Shape: src.job.shape}.Compare(round...)
		if err != nil {
			return nil, err
		}
		for _, x := range c.Results {
			if at%schemes == 0 {
				d.Sweep = append(d.Sweep, SweepPoint{Bits: x.Scheme.Bits})
			}
			at++
			p := &d.Sweep[len(d.Sweep)-1]
			p.Results = append(p.Results, SweepResult{Number(x.RMSE), Number(x.SQNR), x.Memory.Total()})
			if x.Scheme.Bits == asked {
				params = append(params, x.Params)
			}
		}
	}
	return params, nil
}

// channelCurves picks the channels to show.
func (t *Tensor) channelCurves(points int) ChannelCurves {
	c := ChannelCurves{Total: t.Channels, Note: fmt.Sprintf("All %s are shown.", plural(int64(t.Channels), "channel"))}
	if t.Channels == 1 {
		c.Note = "There is one channel."
	}
	places := upTo(t.listed())
	switch {
	case t.kept != nil:
		c.Note = fmt.Sprintf("%s of %s are shown: those with the greatest errors.", count(int64(len(places))), plural(int64(t.Channels), "channel"))
	case t.Channels > points:
		bins := points / (4 * len(t.Results))
		keep := newExtremes(t.Channels, bins)
		for _, r := range t.Results {
			rmse, most := make([]float32, t.Channels), make([]float32, t.Channels)
			for i, ch := range r.Channels {
				rmse[i], most[i] = float32(ch.RMSE), float32(ch.MaxError)
			}
			keep.add(rmse)
			keep.add(most)
		}
		places = keep.positions()
		c.Note = fmt.Sprintf("%s of %s are shown: of each of %s equal stretches those with the least and the greatest errors.",
			count(int64(len(places))), plural(int64(t.Channels), "channel"), count(int64(bins)))
	}
	for _, i := range places {
		c.Index = append(c.Index, t.channel(i))
	}
	for _, r := range t.Results {
		var rmse, most []Number
		for _, i := range places {
			rmse = append(rmse, r.Channels[i].RMSE)
			most = append(most, r.Channels[i].MaxError)
		}
		c.RMSE = append(c.RMSE, rmse)
		c.MaxError = append(c.MaxError, most)
	}
	return c
}

// prepare makes the histograms, still empty: of all values, and of at most limit
// channels.
func (d *Detail) prepare(t *Tensor, params []quant.Params, limit int) error {
	places := upTo(t.listed())
	if len(places) > limit {
		slices.SortStableFunc(places, func(a, b int) int { return cmp.Compare(t.gain(b), t.gain(a)) })
		places = places[:limit]
		if focus := t.place(d.Focus); focus >= 0 && !slices.Contains(places, focus) {
			places[limit-1] = focus
		}
		slices.Sort(places)
	}
	lo, hi := t.Min, t.Max
	d.Histogram = newHistogram(lo, hi, t.Elements)
	for k := range t.Results {
		g, err := grid(lo, hi, params[k].Scheme, params[k].Scale, params[k].ZeroPoint)
		if err != nil {
			return err
		}
		d.Histogram.Grids = append(d.Histogram.Grids, g)
	}
	for _, i := range places {
		ch := t.Results[0].Channels[i]
		c := t.channel(i)
		h := newHistogram(ch.Min, ch.Max, t.Elements/int64(t.Channels))
		h.Channel = &c
		for k := range t.Results {
			scale, zero := t.pick(t.Results[k].Scheme, params[k].Scale, params[k].ZeroPoint, c)
			g, err := grid(ch.Min, ch.Max, params[k].Scheme, scale, zero)
			if err != nil {
				return err
			}
			h.Grids = append(h.Grids, g)
		}
		d.Histograms = append(d.Histograms, h)
	}
	return nil
}

// newHistogram returns one for n values: more bins for more of them, to 64.
func newHistogram(lo, hi Float, n int64) Histogram {
	bins := min(max(int(2*math.Cbrt(float64(n))), 8), 64)
	if lo == hi {
		bins = 1
	}
	return Histogram{Min: lo, Max: hi, Counts: make([]int64, bins)}
}

// bin returns the bin that a value belongs to.
func (h *Histogram) bin(x float32) int {
	n := len(h.Counts)
	if n == 1 {
		return 0
	}
	// In float64, where the range of float32 values cannot overflow.
	at := (float64(x) - float64(h.Min)) / (float64(h.Max) - float64(h.Min)) * float64(n)
	return min(max(int(at), 0), n-1)
}

// grid returns the values of the codes from that of lo to that of hi.
func grid(lo, hi Float, s quant.Scheme, scale []float32, zero []int32) (Grid, error) {
	g := Grid{Values: Floats{}}
	for i := range scale {
		if scale[i] != scale[0] || zero[i] != zero[0] {
			return g, nil
		}
	}
	s.Granularity = quant.PerTensor
	p := quant.Params{Scheme: s, Scale: scale[:1], ZeroPoint: zero[:1]}
	var err error
	if s.Unsigned {
		err = gridAs[uint16](&g, lo, hi, p)
	} else {
		err = gridAs[int16](&g, lo, hi, p)
	}
	return g, err
}

func gridAs[T int16 | uint16](g *Grid, lo, hi Float, p quant.Params) error {
	ends := make([]T, 2)
	if err := quant.QuantizeCodes(ends, quant.Tensor{Data: []float32{float32(lo), float32(hi)}, Shape: []int{2}}, p); err != nil {
		return err
	}
	g.Codes = int(ends[1]) - int(ends[0]) + 1
	if g.Codes > maxGrid {
		return nil
	}
	codes := make([]T, g.Codes)
	for i := range codes {
		codes[i] = ends[0] + T(i)
	}
	g.Values = make(Floats, g.Codes)
	return quant.DequantizeCodes(g.Values, codes, []int{g.Codes}, p)
}

// FocusHistogram returns the histogram of the channel to show first, nil if
// there is none.
func (d *Detail) FocusHistogram() *Histogram {
	for i := range d.Histograms {
		if *d.Histograms[i].Channel == d.Focus {
			return &d.Histograms[i]
		}
	}
	return nil
}

// Note says in a sentence or two what curves show.
func (d *Detail) Note() string { return d.Elements.Note + " " + d.Channels.Note }
