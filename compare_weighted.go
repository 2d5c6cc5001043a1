package quant

import (
	"math"

	"github.com/a01592f9/quant/internal/exact"
)

// WeightedMetrics are metrics in which the squared error of each element counts with its
// importance w. e is the error of an element x, as in Metrics.
//
// Sums are in float64. The products w·e², w·x² and the weights of a channel are added in
// row-major order, one after the other, and those of a tensor are the sums of its channels,
// added in order. So every machine gives the same bits. If all elements of a channel or of a
// tensor have the same importance, its weighted metrics are exactly the RMSE and the SQNR of
// its Metrics.
type WeightedMetrics struct {
	RMSE float64 // sqrt(sum w·e² / sum w)
	SQNR float64 // 10*log10(sum w·x² / sum w·e²) in dB; +Inf where sum w·e² is 0, else -Inf where sum w·x² is
}

// A WeightedResult is what one scheme does to a tensor whose elements have an importance.
type WeightedResult struct {
	WeightedMetrics                   // over all elements
	Channels        []WeightedMetrics // over each channel of Comparison.Axis
}

// A WeightedComparison is a Comparison with weighted metrics beside the others.
type WeightedComparison struct {
	Comparison *Comparison      // of the parameters that CalibrateWeighted returns
	Weighted   []WeightedResult // of each scheme, in the order of Comparison.Results
}

// Winner is [Comparison.Winner] by the weighted RMSE.
func (c *WeightedComparison) Winner() (best int, factor float64) {
	return c.Comparison.winner(func(i int) float64 { return c.Weighted[i].RMSE })
}

// CompareWeighted is [Compare] with an importance for the elements: it calibrates t to each
// scheme as CalibrateWeighted does, and measures the weighted errors too. Unlike Compare it
// makes a pass over t for them. Errors: those of Compare and of Importance.Validate.
func CompareWeighted(t Tensor, i Importance, schemes ...Scheme) (*WeightedComparison, error) {
	return weightedSubject{x: t.Data, shape: t.Shape}.compare(i, schemes)
}

// CompareParamsWeighted is [CompareParams] with weighted metrics beside the others.
func CompareParamsWeighted(t Tensor, i Importance, params ...Params) (*WeightedComparison, error) {
	return weightedSubject{x: t.Data, shape: t.Shape}.compareParams(i, params)
}

// CompareWeighted is [CompareWeighted] of t.
func (t Stream) CompareWeighted(i Importance, schemes ...Scheme) (*WeightedComparison, error) {
	return weightedSubject{src: t.Source, shape: t.Shape}.compare(i, schemes)
}

// CompareParamsWeighted is [CompareParamsWeighted] of t.
func (t Stream) CompareParamsWeighted(i Importance, params ...Params) (*WeightedComparison, error) {
	return weightedSubject{src: t.Source, shape: t.Shape}.compareParams(i, params)
}

// A weightedSubject is a tensor in memory or, if src is not nil, one that is read.
type weightedSubject struct {
	x     []float32
	src   Source
	shape []int
}

// compare is CompareWeighted of t.
func (t weightedSubject) compare(i Importance, schemes []Scheme) (*WeightedComparison, error) {
	// The cheapest comparison finds all errors of the tensor and the schemes.
	cheap := append([]Scheme(nil), schemes...)
	for k := range cheap {
		if cheap[k].Method == LeastSquares {
			cheap[k].Method = MinMax
		}
	}
	c, err := t.plain(cheap)
	if err != nil {
		return nil, err
	}
	n, _ := elements(c.Shape) // Compare has checked the shape
	params := make([]Params, len(schemes))
	for k, s := range schemes {
		params[k] = c.Results[k].Params
		if s.Method != LeastSquares {
			continue
		}
		if params[k], err = calibrateWeighted(t.x, t.src, n, c.Shape, s, i); err != nil {
			return nil, err
		}
	}
	return t.compareParams(i, params)
}

// plain is Compare of t.
func (t weightedSubject) plain(schemes []Scheme) (*Comparison, error) {
	if t.src != nil {
		return Stream{t.src, t.shape}.Compare(schemes...)
	}
	return Compare(Tensor{t.x, t.shape}, schemes...)
}

// compareParams is CompareParamsWeighted of t.
func (t weightedSubject) compareParams(i Importance, params []Params) (*WeightedComparison, error) {
	var c *Comparison
	var err error
	if t.src != nil {
		c, err = Stream{t.src, t.shape}.CompareParams(params...)
	} else {
		c, err = CompareParams(Tensor{t.x, t.shape}, params...)
	}
	if err != nil {
		return nil, err
	}
	n, _ := elements(c.Shape)
	w, err := i.weights(n, c.Shape)
	if err != nil {
		return nil, err
	}
	l, err := newLayout(n, c.Shape, c.ChannelGranularity())
	if err != nil {
		return nil, err
	}
	m := weightedMeasure{weights: w, layout: l, c: c, sums: make([]weightedSums, l.axis)}
	m.begin()
	if !w.equal {
		if err := m.add(t.x, t.src, n); err != nil {
			return nil, err
		}
	}
	return m.result(), nil
}

// A weightedMeasure is the job of measuring the weighted errors of a comparison.
type weightedMeasure struct {
	weights
	layout
	c    *Comparison
	sums []weightedSums // of each channel
	sq   [][]float64    // sum w·e² of each scheme and channel

	// Of one block.
	read, y  []float32
	weight   []float64 // of each element
	channels []int     // of each element
	unsigned []uint16  // codes
	signed   []int16
	bytes    []uint8
}

// weightedSums are the sums of a channel that do not depend on a scheme.
type weightedSums struct {
	weight, squares float64
	first           float64 // weight
	n               int     // elements
	unequal         bool
}

func (m *weightedMeasure) begin() {
	m.sq = make([][]float64, len(m.c.Results))
	for i := range m.sq {
		m.sq[i] = make([]float64, m.axis)
	}
}

// add adds the weighted errors of n elements, which are x or are read from src.
func (m *weightedMeasure) add(x []float32, src Source, n int) error {
	for off := 0; off < n; off += bufferLen {
		end := min(off+bufferLen, n)
		b := from(x, off)
		if src != nil {
			m.read = resize(m.read, end-off)
			b = m.read
			if err := readFloats(src, b, off); err != nil {
				return err
			}
		}
		b = b[:end-off]
		m.addSquares(b, off)
		for i := range m.c.Results {
			if err := m.reconstruct(b, off, &m.c.Results[i].Params); err != nil {
				return err
			}
			m.addErrors(m.sq[i], b)
		}
	}
	return nil
}

// addSquares adds the weights and the squares of x, whose first element is e, to the sums of
// their channels.
func (m *weightedMeasure) addSquares(x []float32, e int) {
	m.weight, m.channels = resize(m.weight, len(x)), resize(m.channels, len(x))
	for j, v := range x {
		w, c := m.weights.of(e+j), m.channel(e+j)
		m.weight[j], m.channels[j] = w, c
		s := &m.sums[c]
		if s.n == 0 {
			s.first = w
		}
		s.n++
		s.unequal = s.unequal || w != s.first
		s.weight += w
		s.squares += float64(w * float64(float64(v)*float64(v)))
	}
}

// addErrors adds the weighted squared errors of x, whose reconstruction is m.y, to the sums of
// their channels.
func (m *weightedMeasure) addErrors(sq []float64, x []float32) {
	for j, w := range m.weight {
		if w > 0 {
			d := float64(m.y[j] - x[j])
			sq[m.channels[j]] += float64(w * float64(d*d))
		}
	}
}

// reconstruct stores in m.y what becomes of x, whose first element is e, with the parameters p.
func (m *weightedMeasure) reconstruct(x []float32, e int, p *Params) error {
	m.y = resize(m.y, len(x))
	if p.Scheme.Format.number != 0 {
		m.bytes = resize(m.bytes, len(x))
		return reconstruct(m.y, m.bytes, x, e, m.c.Shape, *p)
	}
	if p.Scheme.Unsigned {
		m.unsigned = resize(m.unsigned, len(x))
		return reconstruct(m.y, m.unsigned, x, e, m.c.Shape, *p)
	}
	m.signed = resize(m.signed, len(x))
	return reconstruct(m.y, m.signed, x, e, m.c.Shape, *p)
}

// reconstruct stores in y what becomes of x, whose first element is e, by way of codes.
func reconstruct[T Code](y []float32, codes []T, x []float32, e int, shape []int, p Params) error {
	if err := QuantizePart(codes, x, e, shape, p); err != nil {
		return err
	}
	return DequantizePart(y, codes, e, shape, p)
}

// result returns the comparison with the weighted metrics.
func (m *weightedMeasure) result() *WeightedComparison {
	r := &WeightedComparison{Comparison: m.c, Weighted: make([]WeightedResult, len(m.c.Results))}
	for i := range r.Weighted {
		plain, w := &m.c.Results[i], &r.Weighted[i]
		w.Channels = make([]WeightedMetrics, m.axis)
		weight, squares, sq := 0.0, 0.0, 0.0
		for k := range w.Channels {
			s := &m.sums[k]
			w.Channels[k] = WeightedMetrics{plain.ChannelMetrics[k].RMSE, plain.ChannelMetrics[k].SQNR}
			if s.unequal {
				w.Channels[k] = weightedMetrics(m.sq[i][k], s.squares, s.weight)
			}
			weight, squares, sq = weight+s.weight, squares+s.squares, sq+m.sq[i][k]
		}
		w.WeightedMetrics = WeightedMetrics{plain.RMSE, plain.SQNR}
		if !m.equal {
			w.WeightedMetrics = weightedMetrics(sq, squares, weight)
		}
	}
	return r
}

// weightedMetrics returns the metrics of sums of w·e², w·x² and w.
func weightedMetrics(sq, squares, weight float64) WeightedMetrics {
	m := WeightedMetrics{RMSE: math.Sqrt(sq / weight), SQNR: math.Inf(1)}
	if sq > 0 {
		m.SQNR = exact.Decibels(squares / sq)
	}
	return m
}
