// Compare, CompareParams and what they return: the errors of several schemes on one tensor.

package quant

import (
	"fmt"
	"math"
	"strings"
)

// A Comparison holds the errors of several schemes on one tensor, side by side. It owns its
// slices: the next CompareInto into the same Comparison overwrites them.
type Comparison struct {
	// Axis is the axis of the channels below, counted from the front. It is the axis of the
	// first per-channel scheme, or 0 if no scheme is per-channel. If no scheme is per-channel
	// and the tensor has one axis, Axis is -1 and the whole tensor is one channel.
	Axis          int      `json:"axis"`
	Shape         []int    `json:"shape"`          // of the tensor; never empty
	Range         Range    `json:"range"`          // of the whole tensor
	ChannelRanges []Range  `json:"channel_ranges"` // of each channel
	Results       []Result `json:"results"`        // of each scheme, in the order of the call

	// The walk is on the heap because goroutines share it. A Comparison may be on the stack of
	// its caller, and that stack can move during the call.
	walk *walk
}

// A Result holds the parameters of one scheme for a tensor, its errors and its size.
type Result struct {
	Params                   // the scheme with its scales and zero points
	Metrics                  // over all elements
	Memory         Memory    // of the codes and the parameters
	ChannelMetrics []Metrics // over each channel of Comparison.Axis, whatever the scheme's granularity
}

// String returns the scheme, the errors and the size as a line of a report.
func (r Result) String() string {
	return fmt.Sprintf("%v: RMSE %.4g, SQNR %.1f dB, %d bytes", r.Scheme, r.RMSE, r.SQNR, r.Memory.Total())
}

// String returns a line for each result, and a last line that names the scheme with the lowest
// RMSE. Of equals it names the first. Without results, and for nil, it returns "no results".
func (c *Comparison) String() string {
	if c == nil || len(c.Results) == 0 {
		return "no results"
	}
	var b strings.Builder
	best := 0
	for i, r := range c.Results {
		if fmt.Fprintln(&b, r); r.RMSE < c.Results[best].RMSE {
			best = i
		}
	}
	fmt.Fprintf(&b, "least RMSE: %v", c.Results[best].Scheme)
	return b.String()
}

// Compare calibrates each scheme on t, and measures the errors of quantizing t and dequantizing
// it again. It reads t twice, for any number of schemes, and makes no copy of it. Methods other
// than MinMax read t several times more.
//
// Errors: those of Calibrate, and ErrScheme if there is no scheme. NotFiniteError.Channel counts
// along Comparison.Axis.
func Compare(t Tensor, schemes ...Scheme) (*Comparison, error) {
	c := new(Comparison)
	if err := CompareInto(c, t, schemes...); err != nil {
		return nil, err
	}
	return c, nil
}

// CompareInto is Compare with the result in c. It uses the memory that c has from an earlier
// call. It allocates nothing if that memory is large enough, and for the same shape and the same
// schemes it is. The zero Comparison is valid and has no memory. After an error the contents of
// c are undefined. Errors: those of Compare.
func CompareInto(c *Comparison, t Tensor, schemes ...Scheme) error {
	c.setSchemes(schemes)
	return c.measure(t.Data, len(t.Data), t.Shape, nil, true)
}

// CompareParams is Compare with given parameters instead of schemes to calibrate. The parameters
// may come from other data or from another system. CompareParams copies them. Elements outside
// the range that the parameters cover are clipped and counted. Errors: those of Compare and
// those of Quantize.
func CompareParams(t Tensor, params ...Params) (*Comparison, error) {
	c := new(Comparison)
	if err := CompareParamsInto(c, t, params...); err != nil {
		return nil, err
	}
	return c, nil
}

// CompareParamsInto is CompareParams with the result in c. It uses the memory of c as
// CompareInto does, and copies the parameters. Errors: those of CompareParams.
func CompareParamsInto(c *Comparison, t Tensor, params ...Params) error {
	c.setParams(params)
	return c.measure(t.Data, len(t.Data), t.Shape, nil, false)
}

func (c *Comparison) setSchemes(schemes []Scheme) {
	c.setResults(len(schemes))
	for i, s := range schemes {
		c.Results[i].Scheme = s.normal()
	}
}

func (c *Comparison) setParams(params []Params) {
	c.setResults(len(params))
	for i, p := range params {
		r := &c.Results[i].Params
		r.Scheme = p.Scheme.normal()
		r.Scale = append(r.Scale[:0], p.Scale...)
		r.TensorScale = p.TensorScale
		r.ZeroPoint = append(r.ZeroPoint[:0], p.ZeroPoint...)
	}
}

func (c *Comparison) setResults(n int) {
	if cap(c.Results) < n {
		c.Results = append(c.Results[:cap(c.Results)], make([]Result, n-cap(c.Results))...)
	}
	c.Results = c.Results[:n]
}

// measure fills c for the schemes in c.Results and n elements. The elements are x, or come from
// src. If calibrate is true, measure calibrates the schemes first.
func (c *Comparison) measure(x []float32, n int, shape []int, src Source, calibrate bool) error {
	if err := c.checkSchemes(calibrate); err != nil {
		return err
	}
	by, err := c.prepare(n, shape, src, calibrate)
	if err != nil {
		return err
	}
	g := c.walk
	if calibrate {
		copies := g.copies
		g.copies = false // a pass that computes only ranges reads large tensors in memory order
		if err = g.pass(x, nil, true, false, by); err == nil {
			c.setRanges()
			err = c.calibrate(shape, x, src)
		}
		if err == nil {
			c.setSubjects()
			c.findInside(n)
			g.copies = copies
			err = g.pass(x, nil, false, true, by)
		}
	} else {
		c.setSubjects()
		err = g.pass(x, nil, true, true, by)
		c.setRanges()
	}
	g.end()
	if err != nil {
		return err
	}
	c.setMetrics(n)
	return nil
}

// prepare checks the shape and all parameters before any element is read, and begins the walk.
// It returns the granularity of the channels.
func (c *Comparison) prepare(n int, shape []int, src Source, calibrate bool) (by Granularity, err error) {
	by = c.channels(len(shape))
	channels, err := newLayout(n, shape, by)
	if err != nil {
		return by, err
	}
	c.Axis = -1
	if by.unit == perChannel {
		if c.Axis, err = checkAxis(by.axis, len(shape)); err != nil {
			return by, err
		}
	}
	if c.Shape = append(c.Shape[:0], shape...); len(c.Shape) == 0 {
		c.Shape = append(c.Shape, n)
	}

	if c.walk == nil {
		c.walk = new(walk)
	}
	g := c.walk
	g.begin(channels, true, len(c.Results), src, nil)
	g.squaresBesideErrors()
	g.layouts = resize(g.layouts, len(c.Results))
	for i := range c.Results {
		r, l := &c.Results[i], &g.layouts[i]
		if *l = channels; r.Scheme.Granularity != by {
			if *l, err = newLayout(n, shape, r.Scheme.Granularity); err != nil {
				return by, err
			}
		}
		switch {
		case !calibrate:
			if err := r.Params.check(l.params); err != nil {
				return by, err
			}
		case l.params > 1 && *l != channels:
			g.ranges.addOther(*l, src == nil)
		}
	}
	return by, nil
}

// checkSchemes checks the schemes as far as that is possible without the tensor.
func (c *Comparison) checkSchemes(calibrate bool) error {
	if len(c.Results) == 0 {
		return fmt.Errorf("%w: no scheme to compare", ErrScheme)
	}
	for i := range c.Results {
		s := &c.Results[i].Scheme
		err := s.Validate()
		if calibrate && err == nil {
			err = s.Method.ofTensor()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// calibrate computes the parameters of all schemes from the ranges that the first pass found. A
// method that needs all values reads them from x, or from src.
func (c *Comparison) calibrate(shape []int, x []float32, src Source) error {
	g := c.walk
	other := 0 // an index of g.ranges.others: ranges of schemes with another layout than the channels
	g.chosen = resize(g.chosen, len(c.Results))
	clear(g.chosen)
	for i := range c.Results {
		r, l := &c.Results[i], &g.layouts[i]
		lo, hi := g.ranges.lo, g.ranges.hi
		switch {
		case *l == g.ch:
		case l.params == 1:
			g.chosenLo, g.chosenHi = append(g.chosenLo[:0], c.Range.Min), append(g.chosenHi[:0], c.Range.Max)
			lo, hi = g.chosenLo, g.chosenHi
		default:
			lo, hi = g.ranges.others[other].lo, g.ranges.others[other].hi
			other++
		}
		if g.chosen[i] {
			continue
		}
		lo, hi = lo[:l.params], hi[:l.params]
		tensor := r.Scheme.tensorScale(lo, hi)
		if !r.Scheme.Method.ranged() {
			if l.large() {
				if err := c.chooseLarge(i, lo, hi, shape, x, src); err != nil {
					return err
				}
				continue
			}
			g.chosenLo, g.chosenHi = append(g.chosenLo[:0], lo...), append(g.chosenHi[:0], hi...)
			lo, hi = g.chosenLo, g.chosenHi
			if err := r.Scheme.choose(x, src, *l, lo, hi, tensor); err != nil {
				return err
			}
		}
		r.Params.resize(l.params) // the scheme is normal, see setSchemes
		r.Scheme.paramsOf(&r.Params, lo, hi, tensor)
	}
	return nil
}

// chooseLarge calibrates the i-th result, each of whose parameters has many values between lo and
// hi. It also calibrates the later results that have the same layout, in the same passes over
// the values, until the selection is full.
func (c *Comparison) chooseLarge(i int, lo, hi []float32, shape []int, x []float32, src Source) error {
	g := c.walk
	l := g.layouts[i]
	s := selections.Get().(*selection)
	s.begin(l, lo, hi)
	g.with = g.with[:0]
	for j := i; j < len(c.Results); j++ {
		if g.chosen[j] || c.Results[j].Scheme.Method.ranged() || g.layouts[j] != l {
			continue
		}
		g.with, g.chosen[j] = append(g.with, j), true
		if !s.add(c.Results[j].Scheme) {
			break
		}
	}
	if err := s.run(x, src); err != nil {
		selections.Put(s)
		return err
	}
	for k, j := range g.with {
		r := &c.Results[j]
		r.Params.set(r.Scheme, l.params)
		g.chosenLo, g.chosenHi = resize(g.chosenLo, l.params), resize(g.chosenHi, l.params)
		s.chosen(k, g.chosenLo, g.chosenHi)
		r.Scheme.paramsOf(&r.Params, g.chosenLo, g.chosenHi, s.tensor(k))
	}
	selections.Put(s)
	return nil
}

// setSubjects adds the parameters of each result to the second pass, which measures errors.
func (c *Comparison) setSubjects() {
	for i := range c.Results {
		c.walk.errors.addSubject(&c.walk.order, &c.walk.layouts[i], &c.Results[i].Params)
	}
}

// The least numbers of elements of a channel, and of rows of columns, for which findInside saves
// time.
const (
	leastInside     = 256
	leastInsideRows = 4
)

// findInside finds the schemes that clip no element, from the ranges of the first pass. The
// second pass uses a faster kernel for them.
func (c *Comparison) findInside(n int) {
	g := c.walk
	if g.ch.cols > 0 && n/g.ch.cols < leastInsideRows || g.ch.cols == 0 && n/g.ch.axis < leastInside {
		return
	}
	for i := range g.errors.schemes {
		switch u := &g.errors.schemes[i]; {
		case u.own:
			u.inside = u.holds(g.ranges.lo, g.ranges.hi, u.scale, u.zero)
		case u.params == 1:
			lo, hi := [1]float32{c.Range.Min}, [1]float32{c.Range.Max}
			u.inside = u.holds(lo[:], hi[:], u.scale, u.zero)
		}
	}
}

// setMetrics sets the metrics of all results from the sums of the second pass over n elements.
func (c *Comparison) setMetrics(n int) { setResults(c.Results, c.walk, n) }

// setResults sets the metrics of all results from the sums of a pass over n elements: result i has
// those of the i-th scheme of g.
func setResults(all []Result, g *walk, n int) {
	const step = 4
	for i := 0; i < len(all); i += step {
		results := all[i:min(i+step, len(all))]
		var tallies [step]tally
		var squares [step]float64
		for j := range results {
			tallies[j], squares[j] = results[j].set(g, &g.errors.schemes[i+j], n)
		}
		if g.ch.axis == 1 {
			continue
		}
		var m [step]Metrics // the logarithms of several results take hardly longer than one
		channelMetricsGeneric(m[:len(results)], tallies[:], squares[:], n)
		for j := range results {
			results[j].Metrics = m[j]
		}
	}
}

// channels returns the granularity of the channels of a comparison.
func (c *Comparison) channels(rank int) Granularity {
	for i := range c.Results {
		if g := c.Results[i].Scheme.Granularity; g.unit == perChannel {
			return g
		}
	}
	if rank > 1 {
		return PerChannel(0)
	}
	return PerTensor
}

// ChannelGranularity returns PerChannel(c.Axis), or PerTensor if the whole tensor is one
// channel.
func (c *Comparison) ChannelGranularity() Granularity {
	if c.Axis < 0 {
		return PerTensor
	}
	return PerChannel(c.Axis)
}

// setRanges copies the ranges of the channels from the walk.
func (c *Comparison) setRanges() {
	c.ChannelRanges = resize(c.ChannelRanges, c.walk.ch.axis)
	lo, hi := c.walk.ranges.lo[:len(c.ChannelRanges)], c.walk.ranges.hi[:len(c.ChannelRanges)]
	all := Range{lo[0], hi[0]}
	for i := range c.ChannelRanges {
		r := Range{lo[i], hi[i]}
		c.ChannelRanges[i] = r
		if r.Min < all.Min { // rarely so, and a comparison is faster than Union
			all.Min = r.Min
		}
		if r.Max > all.Max {
			all.Max = r.Max
		}
	}
	c.Range = all
}

// set fills r with the metrics of u, from the sums of the second pass over n elements. It returns
// the sums over all channels. Metrics over all elements are set only if there is one channel.
func (r *Result) set(g *walk, u *subject, n int) (all tally, squares float64) {
	channels := g.ch.axis
	r.ChannelMetrics = resize(r.ChannelMetrics, channels)
	all, squares = metricsOf(r.ChannelMetrics, u.tally[:channels], g.ranges.sq[:channels], n/channels)
	if channels == 1 {
		r.Metrics = r.ChannelMetrics[0]
	}
	r.Memory = r.Scheme.Memory(n, len(r.Scale))
	return all, squares
}

// Gain returns RMSE[j] / RMSE[i], the factor by which result i lowers the RMSE of result j. It
// is below 1 if i is the worse of the two, 1 if both RMSEs are 0, and +Inf if only the RMSE of i
// is 0.
func (c *Comparison) Gain(i, j int) float64 {
	return gain(c.Results[i].RMSE, c.Results[j].RMSE)
}

func gain(a, b float64) float64 {
	if a == b {
		return 1
	}
	if a == 0 {
		return math.Inf(1)
	}
	return b / a
}

// Winner returns the index of the result with the lowest RMSE, and the factor by which its RMSE
// is lower than the second lowest. Of results with equal RMSE the one with less memory wins, and
// then the first. The factor is 1 if the two lowest are equal, or if there is one result.
func (c *Comparison) Winner() (best int, factor float64) {
	return c.winner(func(i int) float64 { return c.Results[i].RMSE })
}

// ChannelWinner is Winner by the RMSE over one channel, an index of ChannelMetrics. Of results
// with equal RMSE the one with less memory for the whole tensor wins.
func (c *Comparison) ChannelWinner(channel int) (best int, factor float64) {
	return c.winner(func(i int) float64 { return c.Results[i].ChannelMetrics[channel].RMSE })
}

func (c *Comparison) winner(rmse func(i int) float64) (best int, factor float64) {
	for i := range c.Results {
		if a, b := rmse(i), rmse(best); a < b ||
			a == b && c.Results[i].Memory.Total() < c.Results[best].Memory.Total() {
			best = i
		}
	}
	factor = math.Inf(1)
	for i := range c.Results {
		if i != best {
			factor = min(factor, gain(rmse(best), rmse(i)))
		}
	}
	if len(c.Results) < 2 {
		factor = 1
	}
	return best, factor
}
