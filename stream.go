package quant

// A Stream is a tensor whose elements come from a [Source]. Its methods give the
// results of the functions of the same names, to the last bit; those that end in
// Into allocate nothing, as their namesakes. A Shape of no axes is one element.
//
// Errors are those of the namesakes, and errors of the Source, wrapped.
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

// RangesInto is [RangesInto] of t.
func (t Stream) RangesInto(dst []Range, g Granularity) error {
	l, err := layoutFrom(t.Shape, g)
	if err != nil {
		return err
	}
	mustHold(len(dst), l.params)
	return rangesFrom(dst[:l.params], t.Source, t.Shape, l, g)
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
// How often elements are read depends on the method, and on whether parameters
// have more values than are brought together (see Source):
//
//   - For MinMax once.
//   - For other methods twice, if parameters have few values.
//   - If they have more, for Entropy twice, for percentiles three or four times,
//     for LeastSquares and LeastAbsolute three or four times if the mapping is
//     symmetric, and commonly five to eight times if it is not. It may be 20
//     times where values crowd at one end, and never more than 43.
//
// A tensor of at most 65,536 elements is read once.
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
	if n := l.n(); n <= bufferLen {
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

// Compare is [Compare] of t, which is read twice, however many schemes there are.
// Methods that choose among the values read t more often: for each of them as
// often as Calibrate does, less one. Schemes of the same granularity with many
// values for a parameter share these passes, four schemes at a time.
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

// measureFrom is measure of a tensor that is read from src.
func (c *Comparison) measureFrom(src Source, shape []int, calibrate bool) error {
	if err := c.checkSchemes(calibrate); err != nil {
		return err
	}
	n, err := elements(shape)
	if err != nil {
		return err
	}
	if n <= bufferLen {
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
