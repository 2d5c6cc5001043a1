package quant

import (
	"math"

	"github.com/a01592f9/quant/internal/exact"
)

// WeightedMetrics are metrics in which the squared error of each element is multiplied by its
// importance w. e is the error of an element x, as in Metrics.
//
// Sums are computed in float64. The sums of a channel, of w·e², w·x² and w, are added element by
// element in row-major order. The sums of a tensor are those of its channels, added in order. So
// the results have the same bits on every machine. If all elements of a channel or of a tensor
// have the same importance, its weighted metrics are exactly the RMSE and the SQNR of its
// Metrics.
type WeightedMetrics struct {
	// RMSE is sqrt(sum w·e² / sum w), in the unit of the tensor's values.
	RMSE float64

	// SQNR is 10*log10(sum w·x² / sum w·e²) in dB. It is +Inf if sum w·e² is 0. Otherwise it
	// is -Inf if sum w·x² is 0.
	SQNR float64
}

// A WeightedResult has the weighted metrics of one scheme.
type WeightedResult struct {
	WeightedMetrics                   // over all elements
	Channels        []WeightedMetrics // over each channel of Comparison.Axis
}

// A WeightedComparison is a Comparison with weighted metrics in addition.
type WeightedComparison struct {
	Comparison *Comparison      // of the parameters that CalibrateWeighted returns
	Weighted   []WeightedResult // of each scheme, in the order of Comparison.Results
}

// Winner is [Comparison.Winner] by the weighted RMSE.
func (c *WeightedComparison) Winner() (best int, factor float64) {
	return c.Comparison.winner(func(i int) float64 { return c.Weighted[i].RMSE })
}

// CompareWeighted is [Compare] with an importance for the elements: it calibrates t to each
// scheme as CalibrateWeighted does, and measures the weighted errors too. It makes one more pass
// over t to measure them. Errors: those of Compare and of Importance.Validate.
func CompareWeighted(t Tensor, i Importance, schemes ...Scheme) (*WeightedComparison, error) {
	return weightedSubject{x: t.Data, shape: t.Shape}.compare(i, schemes)
}

// CompareParamsWeighted is [CompareParams] with weighted metrics in addition.
func CompareParamsWeighted(t Tensor, i Importance, params ...Params) (*WeightedComparison, error) {
	return weightedSubject{x: t.Data, shape: t.Shape}.compareParams(i, params)
}

// CompareWeighted is [CompareWeighted] for t.
func (t Stream) CompareWeighted(i Importance, schemes ...Scheme) (*WeightedComparison, error) {
	return weightedSubject{src: t.Source, shape: t.Shape}.compare(i, schemes)
}

// CompareParamsWeighted is [CompareParamsWeighted] for t.
func (t Stream) CompareParamsWeighted(i Importance, params ...Params) (*WeightedComparison, error) {
	return weightedSubject{src: t.Source, shape: t.Shape}.compareParams(i, params)
}

// DifferenceWeighted returns the weighted errors between the tensors original and restored, which
// have the same shape. An error is restored minus original, as in [Difference]. It is for values
// that were restored from codes that no Params describe. The sums are added element by element in
// row-major order. Errors: those of Difference and of Importance.Validate.
func DifferenceWeighted(original, restored Tensor, i Importance) (WeightedMetrics, error) {
	plain, err := Difference(original, restored, PerTensor, PerTensor)
	if err != nil {
		return WeightedMetrics{}, err
	}
	w, err := i.weights(len(original.Data), original.Shape)
	if err != nil {
		return WeightedMetrics{}, err
	}
	if w.equal {
		return WeightedMetrics{plain.RMSE, plain.SQNR}, nil
	}
	weight, squares, sq := 0.0, 0.0, 0.0
	for e, v := range original.Data {
		h := w.of(e)
		weight += h
		squares += float64(h * float64(float64(v)*float64(v)))
		if h > 0 { // an error may be infinite
			d := float64(restored.Data[e] - v)
			sq += float64(h * float64(d*d))
		}
	}
	return weightedMetrics(sq, squares, weight), nil
}

// A weightedSubject is a tensor in memory, or a tensor that is read from src if that is not nil.
type weightedSubject struct {
	x     []float32
	src   Source
	shape []int
}

// compare is CompareWeighted for t.
func (t weightedSubject) compare(i Importance, schemes []Scheme) (*WeightedComparison, error) {
	// A comparison without searches reports an invalid tensor or scheme. It also has the
	// parameters of all methods but LeastSquares.
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

// plain is Compare for t.
func (t weightedSubject) plain(schemes []Scheme) (*Comparison, error) {
	if t.src != nil {
		return Stream{t.src, t.shape}.Compare(schemes...)
	}
	return Compare(Tensor{t.x, t.shape}, schemes...)
}

// compareParams is CompareParamsWeighted for t.
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

// A weightedMeasure measures the weighted errors of a comparison.
type weightedMeasure struct {
	weights
	layout
	c    *Comparison
	sums []weightedSums // of each channel
	sq   [][]float64    // sum w·e² of each scheme and channel

	// Buffers for up to bufferLen elements.
	read, y  []float32 // elements that are read, and reconstructed elements
	weight   []float64 // of each element
	channels []int     // of each element
	unsigned []uint16  // codes
	signed   []int16   // codes
	bytes    []uint8   // codes
}

// weightedSums are the sums of a channel that do not depend on a scheme.
type weightedSums struct {
	weight, squares float64 // sum w and sum w·x²
	first           float64 // the weight of the first element
	n               int     // number of elements
	unequal         bool    // the weights of the channel differ
}

// begin allocates the sums of the errors.
func (m *weightedMeasure) begin() {
	m.sq = make([][]float64, len(m.c.Results))
	for i := range m.sq {
		m.sq[i] = make([]float64, m.axis)
	}
}

// add adds the weighted errors of the n elements of the tensor. The elements are x, or are read
// from src if that is not nil.
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

// addSquares adds the weights and the weighted squares of x to the sums of their channels. e is
// the index of the first element of x in the tensor.
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

// addErrors adds the weighted squared errors of x to sq, the sums of their channels. m.y is the
// reconstruction of x.
func (m *weightedMeasure) addErrors(sq []float64, x []float32) {
	for j, w := range m.weight {
		if w > 0 {
			d := float64(m.y[j] - x[j])
			sq[m.channels[j]] += float64(w * float64(d*d))
		}
	}
}

// reconstruct quantizes and dequantizes x with the parameters p, and stores the result in m.y. e
// is the index of the first element of x in the tensor.
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

// reconstruct quantizes x to codes and dequantizes the codes to y. e is the index of the first
// element of x in the tensor.
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

// weightedMetrics returns the metrics from sq = sum w·e², squares = sum w·x² and weight = sum w.
func weightedMetrics(sq, squares, weight float64) WeightedMetrics {
	m := WeightedMetrics{RMSE: math.Sqrt(sq / weight), SQNR: math.Inf(1)}
	if sq > 0 {
		m.SQNR = exact.Decibels(squares / sq)
	}
	return m
}
