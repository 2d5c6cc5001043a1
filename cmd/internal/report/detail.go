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

// Detail loads tensor i of r again from the source that r was built from, and
// returns what graphs of it need. The sweep makes it take longer than Build did
// for that tensor.
func (r *Report) Detail(ctx context.Context, src Source, i int, o DetailOptions) (*Detail, error) {
	if o.Points <= 0 {
		o.Points = 4096
	}
	if o.Histograms <= 0 {
		o.Histograms = 64
	}
	o.Points = max(o.Points, minPoints)
	t := &r.Tensors[i]
	data, err := src.Load(t.job.index)
	if err != nil {
		return nil, err
	}
	if int64(len(data)) != t.Elements {
		return nil, &TensorError{Source: r.Source, Tensor: t.Name, Reason: "it has changed since it was compared"}
	}
	schemes, err := schemesOf(t.job, r.Options)
	if err != nil {
		return nil, err
	}
	d := &Detail{Tensor: i, Name: t.Name, Focus: t.focus(), Channels: t.channelCurves(o.Points)}
	w := quant.Tensor{Data: data, Shape: t.job.shape}
	if o.Focus != nil {
		d.Focus = *o.Focus
	}
	params, err := d.sweep(ctx, w, schemes)
	if err != nil {
		return nil, err
	}
	walk := newWalk(t, data)
	if d.Elements, err = walk.curves(ctx, w, params, o.Points); err != nil {
		return nil, err
	}
	return d, d.histograms(t, walk, params, o.Histograms)
}

// Details returns those of at most limit tensors, first the ones that gain most.
func (r *Report) Details(ctx context.Context, src Source, limit int, o DetailOptions, progress Progress) ([]*Detail, error) {
	picked := r.Summary.ByGain[:min(limit, len(r.Summary.ByGain))]
	var done, total int64
	for _, i := range picked {
		total += r.Tensors[i].Elements
	}
	progress.report(0, total)
	var all []*Detail
	for _, i := range picked {
		d, err := r.Detail(ctx, src, i, o)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
		done += r.Tensors[i].Elements
		progress.report(done, total)
	}
	return all, nil
}

// gain is how much lower the RMSE of a channel is if it has its own scale.
func (t *Tensor) gain(channel int) float64 {
	return float64(t.Results[0].Channels[channel].RMSE) - float64(t.main().Channels[channel].RMSE)
}

// focus returns the channel that gains most.
func (t *Tensor) focus() int {
	best := 0
	for i := range t.Channels {
		if t.gain(i) > t.gain(best) {
			best = i
		}
	}
	return best
}

// sweep compares w under every width, and returns the parameters for the one
// that was asked for.
func (d *Detail) sweep(ctx context.Context, w quant.Tensor, schemes []quant.Scheme) ([]quant.Params, error) {
	var params []quant.Params
	var c quant.Comparison
	asked := schemes[0].Bits
	schemes = slices.Clone(schemes)
	for bits := 2; bits <= 16; bits++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for k := range schemes {
			schemes[k].Bits = bits
		}
		if err := quant.CompareInto(&c, w, schemes...); err != nil {
			return nil, err
		}
		p := SweepPoint{Bits: bits}
		for _, x := range c.Results {
			p.Results = append(p.Results, SweepResult{Number(x.RMSE), Number(x.SQNR), x.Memory.Total()})
			if bits == asked {
				params = append(params, quant.Params{
					Scheme: x.Scheme, Scale: slices.Clone(x.Scale), ZeroPoint: slices.Clone(x.ZeroPoint),
				})
			}
		}
		d.Sweep = append(d.Sweep, p)
	}
	return params, nil
}

// A walk goes through the elements of a tensor channel by channel.
type walk struct {
	data                   []float32 // in that order
	channels, inner, outer int
	per                    int // elements in a channel
}

func newWalk(t *Tensor, data []float32) walk {
	w := walk{channels: 1, inner: len(data), outer: 1, per: len(data)}
	if t.Axis != nil {
		w.channels = t.Channels
		w.inner = int(elements(t.Shape[*t.Axis+1:]))
		w.per = len(data) / w.channels
		w.outer = w.per / w.inner
	}
	w.data = w.ordered(data)
	return w
}

// ordered returns elements channel by channel: those of a tensor whose
// channels are in one piece already, or else a copy.
func (w walk) ordered(x []float32) []float32 {
	if w.outer == 1 {
		return x
	}
	y := make([]float32, 0, len(x))
	for c := range w.channels {
		for o := range w.outer {
			i := (o*w.channels + c) * w.inner
			y = append(y, x[i:i+w.inner]...)
		}
	}
	return y
}

// index returns where in the tensor the element at a position is.
func (w walk) index(position int) int {
	c, rest := position/w.per, position%w.per
	return (rest/w.inner*w.channels+c)*w.inner + rest%w.inner
}

// curves picks the elements to show.
func (w walk) curves(ctx context.Context, t quant.Tensor, params []quant.Params, points int) (ElementCurves, error) {
	n := len(w.data)
	e := ElementCurves{Total: n, PerChannel: w.per, Note: fmt.Sprintf("All %s are shown.", plural(int64(n), "element"))}
	if n <= points {
		e.Position = upTo(n)
	} else {
		// Of each bin stay the least and the greatest value, of the original and
		// for each scheme of what comes back and of the error.
		bins := points / (2 + 4*len(params))
		keep := newExtremes(n, bins)
		keep.add(w.data)
		for _, p := range params {
			if err := ctx.Err(); err != nil {
				return e, err
			}
			back, err := restore(t, p)
			if err != nil {
				return e, err
			}
			back = w.ordered(back)
			keep.add(back)
			keep.add(difference(back, w.data))
		}
		e.Position = keep.positions()
		e.Note = fmt.Sprintf("%s of %s are shown: of each of %s equal stretches those with the least and the greatest original, reconstructed value and error.",
			count(int64(len(e.Position))), plural(int64(n), "element"), count(int64(bins)))
	}
	for _, p := range e.Position {
		e.Index = append(e.Index, w.index(p))
		e.Original = append(e.Original, w.data[p])
	}
	for _, p := range params {
		if err := ctx.Err(); err != nil {
			return e, err
		}
		all, err := restore(t, p)
		if err != nil {
			return e, err
		}
		back, diff := make(Floats, len(e.Index)), make(Floats, len(e.Index))
		for k, i := range e.Index {
			back[k] = all[i]
			diff[k] = all[i] - e.Original[k]
		}
		e.Reconstructed = append(e.Reconstructed, back)
		e.Error = append(e.Error, diff)
	}
	return e, nil
}

// difference overwrites the first slice with what it is more than the second.
func difference(a, b []float32) []float32 {
	for i := range a {
		a[i] -= b[i]
	}
	return a
}

// restore returns what is left of a tensor after quantization.
func restore(w quant.Tensor, p quant.Params) ([]float32, error) {
	back := make([]float32, len(w.Data))
	var err error
	if p.Scheme.Unsigned {
		err = restoreAs[uint16](back, w, p)
	} else {
		err = restoreAs[int16](back, w, p)
	}
	return back, err
}

func restoreAs[T int16 | uint16](back []float32, w quant.Tensor, p quant.Params) error {
	codes := make([]T, len(w.Data))
	if err := quant.QuantizeCodes(codes, w, p); err != nil {
		return err
	}
	return quant.DequantizeCodes(back, codes, w.Shape, p)
}

// extremes collects, of each bin of n positions, those of the least and the
// greatest value of several curves.
type extremes struct {
	n, bins int
	keep    map[int]struct{}
}

func newExtremes(n, bins int) *extremes {
	return &extremes{n, bins, map[int]struct{}{0: {}, n - 1: {}}}
}

func (e *extremes) add(values []float32) {
	for b := range e.bins {
		from, to := bin(b, e.n, e.bins), bin(b+1, e.n, e.bins)
		lo, hi := from, from
		for p, v := range values[from:to] {
			if v < values[lo] {
				lo = from + p
			}
			if v > values[hi] {
				hi = from + p
			}
		}
		e.keep[lo], e.keep[hi] = struct{}{}, struct{}{}
	}
}

// bin returns where bin b of n positions begins.
func bin(b, n, bins int) int { return int(int64(b) * int64(n) / int64(bins)) }

func (e *extremes) positions() []int {
	p := make([]int, 0, len(e.keep))
	for i := range e.keep {
		p = append(p, i)
	}
	slices.Sort(p)
	return p
}

func upTo(n int) []int {
	p := make([]int, n)
	for i := range p {
		p[i] = i
	}
	return p
}

// channelCurves picks the channels to show.
func (t *Tensor) channelCurves(points int) ChannelCurves {
	c := ChannelCurves{Total: t.Channels, Note: fmt.Sprintf("All %s are shown.", plural(int64(t.Channels), "channel"))}
	if t.Channels == 1 {
		c.Note = "There is one channel."
	}
	if t.Channels <= points {
		c.Index = upTo(t.Channels)
	} else {
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
		c.Index = keep.positions()
		c.Note = fmt.Sprintf("%s of %s are shown: of each of %s equal stretches those with the least and the greatest errors.",
			count(int64(len(c.Index))), plural(int64(t.Channels), "channel"), count(int64(bins)))
	}
	for _, r := range t.Results {
		var rmse, most []Number
		for _, i := range c.Index {
			rmse = append(rmse, r.Channels[i].RMSE)
			most = append(most, r.Channels[i].MaxError)
		}
		c.RMSE = append(c.RMSE, rmse)
		c.MaxError = append(c.MaxError, most)
	}
	return c
}

// histograms counts all values, and those of at most limit channels.
func (d *Detail) histograms(t *Tensor, w walk, params []quant.Params, limit int) error {
	channels := upTo(t.Channels)
	if t.Channels > limit {
		slices.SortStableFunc(channels, func(a, b int) int { return cmp.Compare(t.gain(b), t.gain(a)) })
		channels = channels[:limit]
		if !slices.Contains(channels, d.Focus) {
			channels[limit-1] = d.Focus
		}
		slices.Sort(channels)
	}
	lo, hi := t.Results[0].Channels[0].Min, t.Results[0].Channels[0].Max
	for _, c := range t.Results[0].Channels {
		lo, hi = min(lo, c.Min), max(hi, c.Max)
	}
	d.Histogram = newHistogram(lo, hi, len(w.data))
	for _, x := range w.data {
		d.Histogram.count(x)
	}
	for k := range t.Results {
		g, err := grid(lo, hi, params[k].Scheme, t.Results[k].Scale, t.Results[k].ZeroPoint)
		if err != nil {
			return err
		}
		d.Histogram.Grids = append(d.Histogram.Grids, g)
	}
	for _, c := range channels {
		ch := t.Results[0].Channels[c]
		h := newHistogram(ch.Min, ch.Max, w.per)
		h.Channel = &c
		for _, x := range w.data[c*w.per : (c+1)*w.per] {
			h.count(x)
		}
		for k := range t.Results {
			scale, zero := t.params(&t.Results[k], c)
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
func newHistogram(lo, hi Float, n int) Histogram {
	bins := min(max(int(2*math.Cbrt(float64(n))), 8), 64)
	if lo == hi {
		bins = 1
	}
	return Histogram{Min: lo, Max: hi, Counts: make([]int64, bins)}
}

func (h *Histogram) count(x float32) {
	n := len(h.Counts)
	// In float64, where the range of float32 values cannot overflow.
	at := (float64(x) - float64(h.Min)) / (float64(h.Max) - float64(h.Min)) * float64(n)
	if n == 1 {
		at = 0
	}
	h.Counts[min(max(int(at), 0), n-1)]++
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
