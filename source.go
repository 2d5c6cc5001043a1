package quant

// A Source gives the elements of a tensor that is not in memory as a whole:
// a file, say, or a tensor of another type that is widened piece by piece.
//
// A function that reads from a Source does so in pieces of at most 65,536
// elements, which it keeps no longer than it needs them, so that its memory does
// not grow with the tensor: it has what its results take, and a megabyte or two
// for each goroutine and 8 MiB besides.
//
// Methods that choose among the values, which are all but [MinMax] and
// [MovingAverage], bring the values of a parameter together, of which it may
// have up to 2^20, or 2^16 if they are scattered over short rows: that takes up
// to 10 MiB for each goroutine. Parameters of more values are chosen for by
// passes over the tensor, with a histogram for each of up to 256 channels at a
// time, 10 to 40 KiB commonly and 260 KiB at most, and 8 MiB more.
type Source interface {
	// ReadFloats stores the elements from off up to off+len(dst), in row-major
	// order, in dst, which it must not keep. It is called from up to GOMAXPROCS
	// goroutines at once, for the same elements more than once, and has to give
	// the same ones each time. The first error ends the call that reads; what
	// that returns wraps it.
	ReadFloats(dst []float32, off int) error
}

// RangesFrom is [Ranges] of a tensor of the given shape that is read from src,
// once. A shape of no axes is one element. Errors: those of Ranges and of src.
func RangesFrom(src Source, shape []int, g Granularity) ([]Range, error) {
	l, err := layoutFrom(shape, g)
	if err != nil {
		return nil, err
	}
	dst := make([]Range, l.params)
	if err := rangesFrom(dst, src, shape, l, g); err != nil {
		return nil, err
	}
	return dst, nil
}

// RangesFromInto is RangesFrom into dst, as [RangesInto] is Ranges.
func RangesFromInto(dst []Range, src Source, shape []int, g Granularity) error {
	l, err := layoutFrom(shape, g)
	if err != nil {
		return err
	}
	mustHold(len(dst), l.params)
	return rangesFrom(dst[:l.params], src, shape, l, g)
}

// layoutFrom returns the layout of a tensor of which there is only the shape.
func layoutFrom(shape []int, g Granularity) (layout, error) {
	n, err := elements(shape)
	if err != nil {
		return layout{}, err
	}
	return newLayout(n, shape, g)
}

func rangesFrom(dst []Range, src Source, shape []int, l layout, by Granularity) error {
	if n := l.n(); n <= pieceLen {
		p := pieces.Get().(*piece)
		x := p.x[:n]
		err := readFloats(src, x, 0)
		if err == nil {
			err = rangesInto(dst, x, l, by)
		}
		pieces.Put(p)
		return err
	}
	g := rangers.Get().(*survey)
	lo, hi, err := g.rangesFrom(src, l, by)
	if err == nil {
		for i := range dst {
			dst[i] = Range{lo[i], hi[i]}
		}
	}
	rangers.Put(g)
	return err
}

// rangesFrom is ranges of a tensor that is read from src.
func (g *survey) rangesFrom(src Source, l layout, by Granularity) (lo, hi []float32, err error) {
	channels := l.axis
	if l.group > 0 {
		channels = 1
	}
	g.askRanges(l, waveSlots(channels, 0))
	r := newReading(g, src, nil)
	err = r.pass(true, false, by)
	r.done()
	if err != nil {
		return nil, nil, err
	}
	lo, hi = g.rangesOf(&l)
	return lo, hi, nil
}

// CalibrateFrom is [Calibrate] of a tensor of the given shape that is read from
// src. A shape of no axes is one element. Errors: those of Calibrate and of src.
//
// How often elements are read depends on the method, and on whether parameters
// have more values than are brought together (see Source):
//
//   - For MinMax and MovingAverage once.
//   - For other methods twice, if parameters have few values.
//   - If they have more, for Entropy twice, for percentiles three or four times,
//     for LeastSquares and LeastAbsolute three or four times if the mapping is
//     symmetric, and commonly five to eight times if it is not. It may be 20
//     times where values crowd at one end, and never more than 43.
//
// A tensor that is not larger than a piece is read once.
func CalibrateFrom(src Source, shape []int, s Scheme) (Params, error) {
	var p Params
	if err := CalibrateFromInto(&p, src, shape, s); err != nil {
		return Params{}, err
	}
	return p, nil
}

// CalibrateFromInto is CalibrateFrom into memory that p brings, as
// [CalibrateInto] is Calibrate.
func CalibrateFromInto(p *Params, src Source, shape []int, s Scheme) error {
	if err := s.Validate(); err != nil {
		return err
	}
	l, err := layoutFrom(shape, s.Granularity)
	if err != nil {
		return err
	}
	if n := l.n(); n <= pieceLen {
		b := pieces.Get().(*piece)
		x := b.x[:n]
		err := readFloats(src, x, 0)
		if err == nil {
			err = CalibrateInto(p, Tensor{x, shape}, s)
		}
		pieces.Put(b)
		return err
	}
	g := rangers.Get().(*survey)
	lo, hi, err := g.rangesFrom(src, l, s.Granularity)
	if err == nil {
		err = s.chooseFrom(src, l, lo, hi)
	}
	if err == nil {
		p.set(s, l.params)
		s.paramsOf(p, lo, hi)
	}
	rangers.Put(g)
	return err
}

// CompareFrom is [Compare] of a tensor of the given shape that is read from
// src, twice, however many schemes there are. It is read more often for the
// methods of schemes that choose among the values: for each of these as often as
// by CalibrateFrom but once, those of the same granularity with many values for
// a parameter being done together, four at a time. A shape of no axes is one
// element. Errors: those of Compare and of src.
func CompareFrom(src Source, shape []int, schemes ...Scheme) (*Comparison, error) {
	c := new(Comparison)
	if err := CompareFromInto(c, src, shape, schemes...); err != nil {
		return nil, err
	}
	return c, nil
}

// CompareFromInto is CompareFrom into memory that c brings, as [CompareInto] is
// Compare.
func CompareFromInto(c *Comparison, src Source, shape []int, schemes ...Scheme) error {
	c.setSchemes(schemes)
	return c.measureFrom(src, shape, true)
}

// EvaluateFrom is [Evaluate] of a tensor of the given shape that is read from
// src, once. A shape of no axes is one element. Errors: those of Evaluate and
// of src.
func EvaluateFrom(src Source, shape []int, params ...Params) (*Comparison, error) {
	c := new(Comparison)
	if err := EvaluateFromInto(c, src, shape, params...); err != nil {
		return nil, err
	}
	return c, nil
}

// EvaluateFromInto is EvaluateFrom into memory that c brings, as [EvaluateInto]
// is Evaluate.
func EvaluateFromInto(c *Comparison, src Source, shape []int, params ...Params) error {
	c.setParams(params)
	return c.measureFrom(src, shape, false)
}

// measureFrom is measure of a tensor that is read from src.
func (c *Comparison) measureFrom(src Source, shape []int, calibrate bool) error {
	if err := c.checkSchemes(); err != nil {
		return err
	}
	n, err := elements(shape)
	if err != nil {
		return err
	}
	if n <= pieceLen {
		p := pieces.Get().(*piece)
		x := p.x[:n]
		err := readFloats(src, x, 0)
		if err == nil {
			err = c.measure(Tensor{x, shape}, calibrate)
		}
		pieces.Put(p)
		return err
	}
	channels, err := newLayout(n, shape, c.channels(len(shape)))
	if err != nil {
		return err
	}
	by, err := c.prepare(n, shape, calibrate, waveSlots(channels.axis, len(c.Results)))
	if err != nil {
		return err
	}
	r := newReading(c.survey, src, nil)
	if calibrate {
		if err = r.pass(true, false, by); err == nil {
			c.setRanges()
			if err = c.calibrate(shape, nil, src); err == nil {
				c.setSubjects(n, shape)
				err = r.pass(false, true, by)
			}
		}
	} else {
		c.setSubjects(n, shape)
		err = r.pass(true, true, by)
		c.setRanges()
	}
	r.done()
	if err != nil {
		return err
	}
	c.setMetrics(n)
	return nil
}
