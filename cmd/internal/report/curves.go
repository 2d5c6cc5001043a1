package report

import (
	"fmt"
	"math"
	"sync"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// A walk gives the positions of the elements of a tensor in the order channel by channel.
type walk struct {
	total, channels, inner int
	per                    int // elements in a channel
}

func newWalk(t *Tensor) walk {
	n := int(t.Elements)
	w := walk{total: n, channels: 1, inner: n, per: n}
	if t.Axis != nil {
		w.channels = t.Channels
		w.inner = int(elements(t.Shape[*t.Axis+1:]))
		w.per = n / w.channels
	}
	return w
}

// position returns the place of an element in the order channel by channel, and
// its channel.
func (w walk) position(index int) (position, channel int) {
	run := index / w.inner
	channel = run % w.channels
	return channel*w.per + run/w.channels*w.inner + index%w.inner, channel
}

// A spot is an element that is shown.
type spot struct {
	position, index int
	original        float32
	back            [3]float32 // under each scheme
}

// A peak is the least or the greatest value of a curve in a bin.
type peak struct {
	value float32
	spot
	found bool
}

// A walker collects the curves and histograms of the blocks of a tensor that one goroutine
// reads.
type walker struct {
	walk
	from, to int // the stretch of positions that is shown
	bins     int
	curves   int
	peaks    []peak // of each bin and curve the least and the greatest
	ends     []spot
	all      []int64      // counts of the histogram of all values
	counts   [][]int64    // and of those of channels
	spread   *ErrorCounts // of errors; nil if there are none, or they are not counted

	back  [3][]float32
	codes []int16
	words []uint16
	bytes []uint8
}

// walk reads a tensor once more for its curves and histograms.
func (d *Detail) walk(src *reading, t *Tensor, params []quant.Params, points int) error {
	w := newWalk(t)
	bins := binsOf(w.total, points, len(params))
	d.Elements = ElementCurves{Total: w.total, PerChannel: w.per, To: w.total, Note: fmt.Sprintf("All %s are shown.", text.Plural(t.Elements, "element"))}
	// Which histogram counts a channel.
	counter := make([]int16, t.Channels)
	for c := range counter {
		counter[c] = -1
	}
	for k, h := range d.Histograms {
		counter[*h.Channel] = int16(k)
	}

	d.Errors = ErrorCounts{Counts: [][]int64{}}
	for i := range t.Results {
		d.Errors.Most = max(d.Errors.Most, t.Results[i].MaxError)
	}
	return walkTeam(src, t, func(int) bool { return true },
		func() *walker {
			x := newWalker(w, bins, len(params), d)
			if most := float64(d.Errors.Most); most > 0 && !math.IsInf(most, 0) {
				x.spread = newErrorCounts(d.Errors.Most, len(params))
			}
			return x
		},
		func(x *walker, values []float32, off int) error {
			if err := x.block(values, off, t.job.shape, params); err != nil {
				return err
			}
			x.count(d, counter, values, off)
			return nil
		},
		func(x *walker) { x.finish(d, points, len(params)) })
}

// walkTeam gives each block that want picks to a walker. There is a walker for each goroutine.
// At the end it merges all walkers into one, and calls finish with that.
func walkTeam(src *reading, t *Tensor, want func(block int) bool, create func() *walker,
	look func(x *walker, values []float32, off int) error, finish func(*walker)) error {
	var mu sync.Mutex
	var free, team []*walker
	var failed error
	err := eachBlock(src, t.Elements, want, func(block int, values []float32) {
		mu.Lock()
		var x *walker
		if n := len(free); n > 0 {
			x, free = free[n-1], free[:n-1]
		} else {
			x = create()
			team = append(team, x)
		}
		mu.Unlock()
		err := look(x, values, block*blockLen)
		mu.Lock()
		free = append(free, x)
		if err != nil {
			failed = err
		}
		mu.Unlock()
	})
	if err != nil {
		return err
	}
	if failed != nil {
		return failed
	}
	for _, x := range team[1:] {
		team[0].merge(x)
	}
	finish(team[0])
	return nil
}

func newErrorCounts(most text.Number, schemes int) *ErrorCounts {
	c := &ErrorCounts{Most: most, Counts: make([][]int64, schemes)}
	for k := range c.Counts {
		c.Counts[k] = make([]int64, errorBins)
	}
	return c
}

// binsOf returns the number of bins of n elements whose peaks are kept, for at most points
// points.
func binsOf(n, points, schemes int) int {
	if n <= points {
		return n // all elements are kept
	}
	return points / (2 + 4*schemes)
}

func newWalker(w walk, bins, schemes int, d *Detail) *walker {
	x := &walker{walk: w, to: w.total, bins: bins, curves: 1 + 2*schemes}
	x.peaks = make([]peak, 2*bins*x.curves)
	x.all = make([]int64, len(d.Histogram.Counts))
	x.counts = make([][]int64, len(d.Histograms))
	for i := range x.counts {
		x.counts[i] = make([]int64, len(d.Histograms[i].Counts))
	}
	return x
}

// block restores a block under each scheme, and looks for peaks.
func (x *walker) block(values []float32, off int, shape []int, params []quant.Params) error {
	for k, p := range params {
		if cap(x.back[k]) < len(values) {
			x.back[k] = make([]float32, len(values))
		}
		x.back[k] = x.back[k][:len(values)]
		if err := x.restore(x.back[k], values, off, shape, p); err != nil {
			return err
		}
	}
	for i, v := range values {
		pos, _ := x.position(off + i)
		if pos < x.from || pos >= x.to {
			continue
		}
		s := spot{position: pos, index: off + i, original: v}
		for k := range params {
			s.back[k] = x.back[k][i]
		}
		if pos == x.from || pos == x.to-1 {
			x.ends = append(x.ends, s)
		}
		if x.spread != nil {
			for k := range params {
				x.spread.Counts[k][x.spread.bin(s.back[k]-v)]++
			}
		}
		at := int(((int64(pos-x.from)+1)*int64(x.bins)-1)/int64(x.to-x.from)) * 2 * x.curves
		x.peak(at, v, &s)
		for k := range params {
			x.peak(at+2+4*k, s.back[k], &s)
			x.peak(at+4+4*k, s.back[k]-v, &s)
		}
	}
	return nil
}

// peak updates the peaks of a curve in a bin with a value. The first of equal values is kept.
func (x *walker) peak(at int, v float32, s *spot) {
	lo, hi := &x.peaks[at], &x.peaks[at+1]
	if !lo.found || v < lo.value || v == lo.value && s.position < lo.position {
		*lo = peak{v, *s, true}
	}
	if !hi.found || v > hi.value || v == hi.value && s.position < hi.position {
		*hi = peak{v, *s, true}
	}
}

// restore stores the reconstructed values of a block in back.
func (x *walker) restore(back, values []float32, off int, shape []int, p quant.Params) error {
	switch {
	case p.Scheme.Format != quant.Integers:
		return restorePart(back, &x.bytes, values, off, shape, p)
	case p.Scheme.Unsigned:
		return restorePart(back, &x.words, values, off, shape, p)
	}
	return restorePart(back, &x.codes, values, off, shape, p)
}

func restorePart[T uint8 | int16 | uint16](back []float32, codes *[]T, values []float32, off int, shape []int, p quant.Params) error {
	if cap(*codes) < len(values) {
		*codes = make([]T, len(values))
	}
	c := (*codes)[:len(values)]
	if err := quant.QuantizePart(c, values, off, shape, p); err != nil {
		return err
	}
	return quant.DequantizePart(back, c, off, shape, p)
}

// count counts the values of a block.
func (x *walker) count(d *Detail, counter []int16, values []float32, off int) {
	for i, v := range values {
		x.all[d.Histogram.bin(v)]++
		if _, c := x.position(off + i); counter[c] >= 0 {
			x.counts[counter[c]][d.Histograms[counter[c]].bin(v)]++
		}
	}
}

// merge adds what another walker found.
func (x *walker) merge(o *walker) {
	x.ends = append(x.ends, o.ends...)
	for i := range o.peaks {
		p := &o.peaks[i]
		if !p.found {
			continue
		}
		q := &x.peaks[i]
		better := p.value < q.value
		if i%2 == 1 {
			better = p.value > q.value
		}
		if !q.found || better || p.value == q.value && p.position < q.position {
			*q = *p
		}
	}
	for i, n := range o.all {
		x.all[i] += n
	}
	addCounts(x.counts, o.counts)
	if x.spread != nil {
		addCounts(x.spread.Counts, o.spread.Counts)
	}
}

func addCounts(to, from [][]int64) {
	for k := range from {
		for i, n := range from[k] {
			to[k][i] += n
		}
	}
}

// finish stores what was found.
func (x *walker) finish(d *Detail, points, schemes int) {
	if x.spread != nil {
		d.Errors = *x.spread
	}
	d.Histogram.Counts = x.all
	for k := range d.Histograms {
		d.Histograms[k].Counts = x.counts[k]
	}
	kept := map[int]*spot{}
	for i := range x.peaks {
		if p := &x.peaks[i]; p.found {
			kept[p.position] = &p.spot
		}
	}
	for i := range x.ends {
		kept[x.ends[i].position] = &x.ends[i]
	}
	e := &d.Elements
	e.Position = sortedKeys(kept)
	if n := x.to - x.from; n > points {
		e.Bins = x.bins
		e.Note = fmt.Sprintf("%s of %s are shown: of each of %s equal stretches those with the least and the greatest original, reconstructed value and error.",
			text.Count(int64(len(e.Position))), text.Plural(int64(n), "element"), text.Count(int64(x.bins)))
	}
	e.Reconstructed, e.Error = make([]text.Floats, schemes), make([]text.Floats, schemes)
	for _, pos := range e.Position {
		s := kept[pos]
		e.Index = append(e.Index, s.index)
		e.Original = append(e.Original, s.original)
		for k := range schemes {
			e.Reconstructed[k] = append(e.Reconstructed[k], s.back[k])
			e.Error[k] = append(e.Error[k], s.back[k]-s.original)
		}
	}
}
