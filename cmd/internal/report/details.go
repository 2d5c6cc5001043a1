package report

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/text"
)

const minPoints = 64 // however few are asked for

// Detail reads tensor i of r again, in pieces, from the source that r was built from. It returns
// the data for graphs of the tensor. It takes longer than Build did for the tensor, because it
// compares all widths.
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
	whole := schemes[0].Format != quant.Integers
	if whole {
		reads += readsOf(schemes)
	}
	reads += readsOf(rounds...)
	src, err := w.open(t.job, reads)
	if err != nil {
		return nil, err
	}
	defer src.finish()
	params, err := d.sweep(src, r.Options, rounds, schemes[0].Bits, len(schemes))
	if err == nil && whole {
		params, err = paramsOf(src, r.Options, schemes)
	}
	if err != nil {
		return nil, err
	}
	if err := d.prepare(t, params, o.Histograms); err != nil {
		return nil, err
	}
	if err := d.walk(src, t, params, o.Points); err != nil {
		return nil, err
	}
	d.Methods, err = methodRanges(src, t, schemes[0])
	return d, err
}

// Details returns those of at most limit tensors, first the ones that gain most.
func (r *Report) Details(ctx context.Context, src Source, limit int, o DetailOptions, progress text.Progress) ([]*Detail, error) {
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

// paramsOf returns the parameters of a tensor under each scheme.
func paramsOf(src *reading, o Options, schemes []quant.Scheme) ([]quant.Params, error) {
	c, _, err := compareStream(src, src.job, o, schemes)
	if err != nil {
		return nil, err
	}
	var params []quant.Params
	for i := range c.Results {
		params = append(params, c.Results[i].Params)
	}
	return params, nil
}

// widths returns the schemes at every width of a code. Those of a format, which has
// one width, are compared with integers.
func widths(schemes []quant.Scheme) []quant.Scheme {
	var all []quant.Scheme
	for bits := 2; bits <= 16; bits++ {
		for _, s := range schemes {
			if s.Format != quant.Integers {
				s = asIntegers(s)
			}
			s.Bits = bits
			all = append(all, s)
		}
	}
	return all
}

// sweep compares a tensor under every width, in several rounds, and returns the
// parameters for the one that was asked for. Errors count with the importance of the inputs, if o
// has one.
func (d *Detail) sweep(src *reading, o Options, rounds [][]quant.Scheme, asked, schemes int) ([]quant.Params, error) {
	var params []quant.Params
	at := 0
	for _, round := range rounds {
		c, weighted, err := compareStream(src, src.job, o, round)
		if err != nil {
			return nil, err
		}
		for k, x := range c.Results {
			if at%schemes == 0 {
				d.Sweep = append(d.Sweep, SweepPoint{Bits: x.Scheme.Bits})
			}
			at++
			p := &d.Sweep[len(d.Sweep)-1]
			r := SweepResult{RMSE: text.Number(x.RMSE), SQNR: text.Number(x.SQNR), TotalBytes: x.Memory.Total()}
			if weighted != nil {
				r.Weighted = NewWeighted(weighted[k].WeightedMetrics)
			}
			p.Results = append(p.Results, r)
			if x.Scheme.Bits == asked {
				params = append(params, x.Params)
			}
		}
	}
	return params, nil
}

// channelCurves picks the channels to show.
func (t *Tensor) channelCurves(points int) ChannelCurves {
	c := ChannelCurves{Total: t.Channels, Note: fmt.Sprintf("All %s are shown.", text.Plural(int64(t.Channels), "channel"))}
	if t.Channels == 1 {
		c.Note = "There is one channel."
	}
	places := upTo(t.listed())
	switch {
	case t.kept != nil:
		c.Note = fmt.Sprintf("%s of %s are shown: those with the greatest errors.", text.Count(int64(len(places))), text.Plural(int64(t.Channels), "channel"))
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
			text.Count(int64(len(places))), text.Plural(int64(t.Channels), "channel"), text.Count(int64(bins)))
	}
	for _, i := range places {
		c.Index = append(c.Index, t.channel(i))
	}
	for _, r := range t.Results {
		var rmse, most []text.Number
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
