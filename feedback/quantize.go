package feedback

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/internal/exact"
)

// An Order says in which order the inputs of a layer are rounded.
type Order uint8

const (
	// Ascending rounds input 0 first, then input 1 and so on.
	Ascending Order = iota

	// Activation rounds the inputs in descending order of their mean squares, since only few
	// inputs remain to compensate for the errors of the last ones. Inputs with equal mean
	// squares are rounded in ascending order. The groups are those of the scheme.
	Activation
)

// String returns "ascending" or "activation".
func (o Order) String() string {
	switch o {
	case Ascending:
		return "ascending"
	case Activation:
		return "activation"
	}
	return fmt.Sprintf("Order(%d)", uint8(o))
}

// DefaultDamping is the damping of the zero Options. It is that of the paper on GPTQ.
const DefaultDamping = 0.01

// Options are the options of Quantize. The zero value has those of the paper on GPTQ.
type Options struct {
	// Damping times the mean of the diagonal of the second moments is added to the diagonal. A
	// larger damping makes the corrections smaller and less dependent on the observed inputs.
	// 0 means DefaultDamping.
	Damping float64

	// Order is the order in which inputs are rounded.
	Order Order
}

// Quantize quantizes weights w, of the shape [out, in], so that the outputs of the layer have a
// small error for inputs with the second moments m. For each output separately, it rounds the
// weights of one input after the other, and corrects the weights that are not rounded yet. This
// is GPTQ: see the package documentation. A corrected weight gets the code that quant.Quantize
// gives it.
//
// The granularity of s must be PerTensor, PerChannel(0) or PerGroup(1, size). The axis may also
// count from the end. For a group, s.Method computes the parameters just before the first input
// of the group is rounded, from the weights of the group corrected for the errors of all inputs
// before it. There are three cases in which the parameters are those of quant.Calibrate for w:
// PerTensor and PerChannel, scales with two levels (quant.E4M3Scale and quant.DynamicScale), and
// the order Activation.
//
// The weights of an input that is 0 in all rows are rounded to the nearest value. (Other programs
// set them to 0.) They cause and get no corrections.
//
// Quantize needs about out·in²/2 + in³/6 multiplications and additions, and 12·in² bytes.
//
// Errors: those of quant.Calibrate; quant.ErrShape if w does not have two axes; quant.ErrScheme
// for another granularity or order; ErrMoments and ErrDamping.
func Quantize(w quant.Tensor, m *Moments, s quant.Scheme, o Options) (quant.Quantized, error) {
	out, in, err := layerOf(w)
	if err != nil {
		return quant.Quantized{}, err
	}
	group, err := groupOf(s, in)
	if err != nil {
		return quant.Quantized{}, err
	}
	if o.Damping == 0 {
		o.Damping = DefaultDamping
	}
	if !(o.Damping > 0) || math.IsInf(o.Damping, 0) {
		return quant.Quantized{}, fmt.Errorf("%w: %v", ErrDamping, o.Damping)
	}
	if o.Order > Activation {
		return quant.Quantized{}, fmt.Errorf("%w: there is no %v", quant.ErrScheme, o.Order)
	}
	adapts := group < in && o.Order == Ascending && s.Scales != quant.E4M3Scale && s.Scales != quant.DynamicScale
	params, err := paramsBefore(w, s, adapts)
	if err != nil {
		return quant.Quantized{}, err
	}
	h, extent, err := m.matrix(in)
	if err != nil {
		return quant.Quantized{}, err
	}
	if extent != Full {
		return quant.Quantized{}, fmt.Errorf("%w: the diagonal alone has no corrections", ErrMoments)
	}
	order := orderOf(h, in, o.Order)
	f, err := newFactor(h, order, o.Damping)
	if err != nil {
		return quant.Quantized{}, err
	}
	j := &job{
		w: w.Data, out: out, in: in, factor: f, order: order, params: params, group: group,
		adapts: adapts, codes: make([]int32, out*in),
	}
	errs := make([]error, (out+outputs-1)/outputs)
	parallel(len(errs), out*in*in > 1<<18, func(part int) {
		errs[part] = j.do(part*outputs, min(out, (part+1)*outputs))
	})
	for _, err := range errs {
		if err != nil { // of the first outputs that have one
			return quant.Quantized{}, err
		}
	}
	return j.quantized()
}

// layerOf returns the numbers of outputs and of inputs of a layer with the weights w. It returns
// an error if the shape of w is not valid.
func layerOf(w quant.Tensor) (out, in int, err error) {
	if len(w.Shape) != 2 {
		return 0, 0, fmt.Errorf("%w: %v, where a layer has [outputs, inputs]", quant.ErrShape, w.Shape)
	}
	out, in = w.Shape[0], w.Shape[1]
	if out < 0 || in < 0 || in > 0 && out > math.MaxInt/in || out*in != len(w.Data) {
		return 0, 0, fmt.Errorf("%w: %v for %d values", quant.ErrShape, w.Shape, len(w.Data))
	}
	if len(w.Data) == 0 {
		return 0, 0, fmt.Errorf("%w: %v", quant.ErrEmpty, w.Shape)
	}
	return out, in, nil
}

// paramsBefore returns the parameters of w without corrections. If adapts is true, their values
// are replaced later, and only the number of parameters matters.
func paramsBefore(w quant.Tensor, s quant.Scheme, adapts bool) (quant.Params, error) {
	if !adapts {
		return quant.Calibrate(w, s)
	}
	if err := s.Validate(); err != nil {
		return quant.Params{}, err
	}
	method := s.Method
	s.Method = quant.MinMax // the cheapest
	p, err := quant.Calibrate(w, s)
	p.Scheme.Method = method
	return p, err
}

// groupOf returns the number of inputs of a group, or in for a scheme without groups. The error
// is quant.ErrScheme for a granularity that a layer cannot have.
func groupOf(s quant.Scheme, in int) (int, error) {
	axis, axes := s.Granularity.Axis()
	_, _, _, _, block := s.Granularity.Block()
	size, groups := s.Granularity.GroupSize()
	if axis < 0 {
		axis += 2
	}
	switch {
	case groups && axis == 1:
		return min(max(size, 1), in), nil // Calibrate refuses a size below 1
	case !groups && !block && (!axes || axis == 0):
		return in, nil
	}
	return 0, fmt.Errorf("%w: %v, where a layer has scales per tensor, per channel of axis 0 or per group of axis 1", quant.ErrScheme, s.Granularity)
}

// orderOf returns the n inputs in the order in which they are rounded. h is the lower triangle of
// the second moments.
func orderOf(h []float64, n int, o Order) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	if o == Activation {
		slices.SortStableFunc(order, func(a, b int) int {
			switch x, y := at(h, a, a), at(h, b, b); {
			case x > y:
				return -1
			case x < y:
				return 1
			}
			return 0
		})
	}
	return order
}

// outputs is the number of rows of weights that are rounded together. A column of the factor is
// then read once for all of them.
const outputs = 32

// A job is one call of Quantize.
type job struct {
	w       []float32
	out, in int
	*factor
	order  []int        // the inputs in the order in which they are rounded
	params quant.Params // the parameters of the result
	group  int          // number of inputs that share parameters, for one output
	adapts bool         // the parameters of a group are computed when the group begins
	codes  []int32      // the codes of the result
}

// A panel is a part of a job: some outputs. The inputs are rounded in turn, each for all outputs
// of the panel.
type panel struct {
	*job
	first, rows int          // the first output, and the number of outputs
	diff        []float64    // original minus rounded weights: a row for each output, in order
	sum         []float64    // of each output: see factor
	x, rounded  []float32    // of each output: the corrected and the rounded weight of an input
	params      quant.Params // of each output, at an input
	packed      []byte       // the codes of an input
}

// do quantizes the outputs from first to end-1.
func (j *job) do(first, end int) error {
	rows := end - first
	p := &panel{
		job: j, first: first, rows: rows,
		diff: make([]float64, rows*j.in), sum: make([]float64, rows),
		x: make([]float32, rows), rounded: make([]float32, rows),
	}
	p.params.Scheme = j.params.Scheme
	p.params.Scheme.Granularity = quant.PerChannel(0)
	p.params.TensorScale = j.params.TensorScale
	p.params.Scale, p.params.ZeroPoint = make([]float32, rows), make([]int32, rows)
	p.packed = make([]byte, quant.PackedLen(rows, p.params.Scheme.Bits))
	for k, input := range j.order {
		if j.adapts && k%j.group == 0 {
			if err := p.begin(k, min(j.in, k+j.group)); err != nil {
				return err
			}
		}
		if err := p.round(k, input); err != nil {
			return err
		}
	}
	return nil
}

// begin computes the parameters of the group of the inputs from first to end-1.
func (p *panel) begin(first, end int) error {
	size := end - first
	x := make([]float32, p.rows*size)
	c := make([]float64, size)
	for r := range p.rows {
		d := p.diff[r*p.in:][:first]
		w := p.w[(p.first+r)*p.in:][first:end]
		for k := range size {
			col := p.col(first + k)
			s := dot(d, col[:first]) - dot(c[:k], col[first:first+k])
			c[k] = s / col[first+k]
			x[r*size+k] = float32(float64(w[k]) + c[k])
		}
	}
	t := quant.Tensor{Data: x, Shape: []int{p.rows, size}}
	err := quant.CalibrateInto(&p.params, t, p.params.Scheme)
	var at *quant.NotFiniteError
	if errors.As(err, &at) {
		row, input := p.first+at.Index/size, first+at.Index%size
		err := &quant.NotFiniteError{Index: row*p.in + input, Channel: row, Value: at.Value}
		return fmt.Errorf("feedback: a corrected weight: %w", err)
	}
	if err != nil {
		return err
	}
	groups := exact.Parts(p.in, p.group)
	for r := range p.rows {
		i := (p.first+r)*groups + first/p.group
		p.job.params.Scale[i], p.job.params.ZeroPoint[i] = p.params.Scale[r], p.params.ZeroPoint[r]
	}
	return nil
}

// round rounds the weights of input, which is at index k of the order.
func (p *panel) round(k, input int) error {
	if !p.adapts {
		for r := range p.rows {
			i := p.index(p.first+r, input)
			p.params.Scale[r], p.params.ZeroPoint[r] = p.job.params.Scale[i], p.job.params.ZeroPoint[i]
		}
	}
	col := p.col(k)
	p.sums(col[:k])
	for r := range p.rows {
		w := float64(p.w[(p.first+r)*p.in+input])
		p.x[r] = float32(w + p.sum[r]/col[k])
	}
	if err := quant.QuantizeInto(p.packed, quant.Tensor{Data: p.x}, p.params); err != nil {
		return err
	}
	q := quant.Quantized{Codes: p.packed, Shape: []int{p.rows}, Params: p.params}
	if err := quant.DequantizeInto(p.rounded, q); err != nil {
		return err
	}
	for r := range p.rows {
		i := (p.first+r)*p.in + input
		p.codes[i] = int32(q.At(r))
		p.diff[r*p.in+k] = float64(p.w[i]) - float64(p.rounded[r])
	}
	return nil
}

// sums stores in p.sum, for each output, the product of the errors so far with a column of the
// factor.
func (p *panel) sums(col []float64) {
	for r := range p.rows {
		p.sum[r] = dot(p.diff[r*p.in:][:len(col)], col)
	}
}

// index returns the index of the parameters of an output and an input.
func (j *job) index(out, input int) int {
	if len(j.params.Scale) == 1 {
		return 0
	}
	groups := exact.Parts(j.in, j.group)
	return out*groups + input/j.group
}

// quantized returns the result of the job.
func (j *job) quantized() (quant.Quantized, error) {
	shape := []int{j.out, j.in}
	if j.params.Scheme.Bits <= 8 {
		return pack[int8, uint8](j, shape)
	}
	return pack[int16, uint16](j, shape)
}

// pack returns the result with codes of the type S, or of U if the codes are unsigned.
func pack[S, U quant.Code](j *job, shape []int) (quant.Quantized, error) {
	if qmin, _ := j.params.Scheme.Grid(); qmin < 0 {
		return packAs[S](j, shape)
	}
	return packAs[U](j, shape)
}

// packAs returns the result with codes of the type T.
func packAs[T quant.Code](j *job, shape []int) (quant.Quantized, error) {
	codes := make([]T, len(j.codes))
	for i, c := range j.codes {
		codes[i] = T(c)
	}
	return quant.QuantizedFromCodes(codes, shape, j.params)
}
