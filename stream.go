package quant

// A Stream is a tensor whose elements are read from a [Source]. Its methods return the results
// of the functions of the same names, to the last bit. The methods that end in Into allocate
// nothing where those functions allocate nothing. A Shape of no axes is one element.
//
// Errors: those of the functions of the same names, and errors of the Source, wrapped.
type Stream struct {
	Source Source
	Shape  []int // lengths of the axes
}

// Ranges is [Ranges] of t, which is read once.
func (t Stream) Ranges(g Granularity) ([]Range, error) {
	l, err := layoutFrom(t.Shape, g)
	if err != nil {
		return nil, err
	}
	dst := make([]Range, l.params)
	if err := rangesFrom(dst, t.Source, t.Shape, l, g); err != nil {
		return nil, err
	}
	return dst, nil
}

// RangesInto is [RangesInto] of t, which is read once.
func (t Stream) RangesInto(dst []Range, g Granularity) error {
	l, err := layoutFrom(t.Shape, g)
	if err != nil {
		return err
	}
	mustHold(len(dst), l.params)
	return rangesFrom(dst[:l.params], t.Source, t.Shape, l, g)
}

// layoutFrom returns the layout of a tensor whose shape alone is known.
func layoutFrom(shape []int, g Granularity) (layout, error) {
	n, err := elements(shape)
	if err != nil {
		return layout{}, err
	}
	return newLayout(n, shape, g)
}

func rangesFrom(dst []Range, src Source, shape []int, l layout, by Granularity) error {
	if n := l.n(); n <= bufferLen {
		p := buffers.Get().(*[bufferLen]float32)
		x := p[:n]
		err := readFloats(src, x, 0)
		if err == nil {
			err = rangesInto(dst, x, l, by)
		}
		buffers.Put(p)
		return err
	}
	g := walks.Get().(*walk)
	lo, hi, err := g.rangesOf(nil, src, l, by)
	if err == nil {
		for i := range dst {
			dst[i] = Range{lo[i], hi[i]}
		}
	}
	walks.Put(g)
	return err
}

// Calibrate is [Calibrate] of t.
//
// The method decides how often each element is read, together with the number of values for
// each parameter. Many values are those that are not held in memory together (see [Source]):
//
//   - MinMax reads once.
//   - Other methods read twice, if each parameter has few values.
//   - With many values Entropy reads twice, percentiles three or four times.
//   - With many values LeastSquares and LeastAbsolute read three or four times for
//     the symmetric mapping, and usually five to eight times for the asymmetric
//     one. They read up to 20 times where most values are near one end of the
//     range, and never more than 43 times.
//
// A tensor of at most 65,536 elements is read once, unless its Source has the method Err and s has
// LeastSquares or LeastAbsolute.
func (t Stream) Calibrate(s Scheme) (Params, error) {
	var p Params
	if err := t.CalibrateInto(&p, s); err != nil {
		return Params{}, err
	}
	return p, nil
}

// CalibrateInto is [CalibrateInto] of t.
func (t Stream) CalibrateInto(p *Params, s Scheme) error {
	src, shape := t.Source, t.Shape
	if err := s.validateForTensor(); err != nil {
		return err
	}
	l, err := layoutFrom(shape, s.Granularity)
	if err != nil {
		return err
	}
	if n := l.n(); readWhole(src, n, s.Method.byErrors()) {
		b := buffers.Get().(*[bufferLen]float32)
		x := b[:n]
		err := readFloats(src, x, 0)
		if err == nil {
			err = CalibrateInto(p, Tensor{x, shape}, s)
		}
		buffers.Put(b)
		return err
	}
	g := walks.Get().(*walk)
	lo, hi, err := g.rangesOf(nil, src, l, s.Granularity)
	if err == nil {
		tensor := s.tensorScale(lo, hi)
		if err = s.choose(nil, src, l, lo, hi, tensor); err == nil {
			p.set(s, l.params)
			s.paramsOf(p, lo, hi, tensor)
		}
	}
	walks.Put(g)
	return err
}

// Compare is [Compare] of t. It reads t twice, for any number of schemes. Each method other
// than MinMax adds the passes that Calibrate makes for it, less one. Schemes of the same
// granularity with many values for each parameter share these passes, four schemes at a time.
func (t Stream) Compare(schemes ...Scheme) (*Comparison, error) {
	c := new(Comparison)
	if err := t.CompareInto(c, schemes...); err != nil {
		return nil, err
	}
	return c, nil
}

// CompareInto is [CompareInto] of t.
func (t Stream) CompareInto(c *Comparison, schemes ...Scheme) error {
	c.setSchemes(schemes)
	return c.measureFrom(t.Source, t.Shape, true)
}

// CompareParams is [CompareParams] of t, which is read once.
func (t Stream) CompareParams(params ...Params) (*Comparison, error) {
	c := new(Comparison)
	if err := t.CompareParamsInto(c, params...); err != nil {
		return nil, err
	}
	return c, nil
}

// CompareParamsInto is [CompareParamsInto] of t.
func (t Stream) CompareParamsInto(c *Comparison, params ...Params) error {
	c.setParams(params)
	return c.measureFrom(t.Source, t.Shape, false)
}

// measureFrom is measure for a tensor that is read from src.
func (c *Comparison) measureFrom(src Source, shape []int, calibrate bool) error {
	if err := c.checkSchemes(calibrate); err != nil {
		return err
	}
	n, err := elements(shape)
	if err != nil {
		return err
	}
	searches := false
	for i := range c.Results {
		searches = searches || calibrate && c.Results[i].Scheme.Method.byErrors()
	}
	if readWhole(src, n, searches) {
		p := buffers.Get().(*[bufferLen]float32)
		x := p[:n]
		err := readFloats(src, x, 0)
		if err == nil {
			err = c.measure(x, n, shape, nil, calibrate)
		}
		buffers.Put(p)
		return err
	}
	return c.measure(nil, n, shape, src, calibrate)
}
