package feedback

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/a01592f9/quant"
)

// An Extent says which second moments there are.
type Extent uint8

const (
	// Full keeps the mean of the product of any two inputs: 8·n·(n+1) bytes for n inputs.
	Full Extent = iota

	// Diagonal keeps the mean of the square of each input: 16·n bytes. It is enough for
	// OutputError, which then takes the inputs as uncorrelated.
	Diagonal
)

// String returns "full" or "diagonal".
func (e Extent) String() string {
	switch e {
	case Full:
		return "full"
	case Diagonal:
		return "diagonal"
	}
	return fmt.Sprintf("Extent(%d)", uint8(e))
}

// Moments observes the inputs of a layer and keeps their second moments: the mean over
// all rows x of x[i]·x[j].
//
// The order of the rows does not matter. Any split of the rows into batches and Moments,
// merged in any order, gives the same bytes (MarshalBinary) and the same numbers.
// [Moments.At] says how close the numbers are to exact ones.
//
// All methods are safe for concurrent use; one call runs at a time. A Moments must not be
// copied.
type Moments struct {
	mu      sync.Mutex
	id      uint64 // decides which of two is locked first
	n       int    // inputs; 0 for the zero Moments
	extent  Extent
	policy  quant.NotFinitePolicy
	seen    int    // batches, those with errors too
	rows    uint64 // that the sums are of
	skipped uint64 // rows left out because of NaN or infinities

	exponent []int16 // of the largest magnitude of each input; none if all were 0
	top, low []int64 // see slices.go
	chunk    []float64
}

var ids atomic.Uint64

// maxRows is how many rows sums may be of: see slices.go.
const maxRows = 1<<31 - 1

// maxFull is how many inputs a full matrix may have.
const maxFull = 1 << 15

// NewMoments returns a Moments without rows, of so many inputs. RefuseNotFinite makes
// Observe return an error for NaN and infinities; IgnoreNotFinite leaves out each row that
// has one. The error is quant.ErrShape for a number of inputs below 1 or, for Full, above
// 32768, and quant.ErrScheme for an extent or a policy that there is not.
func NewMoments(inputs int, e Extent, p quant.NotFinitePolicy) (*Moments, error) {
	if e > Diagonal {
		return nil, fmt.Errorf("%w: there is no %v of second moments", quant.ErrScheme, e)
	}
	if p > quant.IgnoreNotFinite {
		return nil, fmt.Errorf("%w: there is no policy %d for inputs that are not finite", quant.ErrScheme, p)
	}
	if inputs < 1 || e == Full && inputs > maxFull || pairsOf(inputs, e) > math.MaxInt/8 {
		return nil, fmt.Errorf("%w: %v second moments of %d inputs", quant.ErrShape, e, inputs)
	}
	m := &Moments{id: ids.Add(1)}
	m.set(inputs, e, p)
	return m, nil
}

// set gives m sums of no rows.
func (m *Moments) set(n int, e Extent, p quant.NotFinitePolicy) {
	pairs := int(pairsOf(n, e))
	m.n, m.extent, m.policy = n, e, p
	m.exponent = make([]int16, n)
	for i := range m.exponent {
		m.exponent[i] = none
	}
	m.top, m.low = make([]int64, pairs), make([]int64, pairs)
}

// pairsOf returns how many sums there are.
func pairsOf(n int, e Extent) uint64 {
	if e == Full {
		return uint64(n) * uint64(n+1) / 2
	}
	return uint64(n)
}

// Inputs returns the number of inputs: 0 for the zero Moments.
func (m *Moments) Inputs() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.n
}

// Extent returns which second moments m keeps.
func (m *Moments) Extent() Extent {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.extent
}

// Policy returns what m does with inputs that are not finite.
func (m *Moments) Policy() quant.NotFinitePolicy {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.policy
}

// Rows returns how many rows m has observed, and how many more it left out because they
// had a NaN or an infinity.
func (m *Moments) Rows() (observed, skipped uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rows, m.skipped
}

// Observe adds a batch of rows. The last axis of the batch must be as long as there are
// inputs; all other axes count rows. A batch of no elements adds nothing.
//
// Errors are a *quant.BatchError of quant.ErrShape or, unless such rows are to be left
// out, a *quant.NotFiniteError for the first NaN or infinity, whose channel is the input.
// At most 2^31-1 rows can be observed; the error for more is quant.ErrShape. Errors leave
// m as it was.
func (m *Moments) Observe(batch quant.Tensor) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen++
	if err := m.observe(batch); err != nil {
		return &quant.BatchError{Batch: m.seen - 1, Err: err}
	}
	return nil
}

func (m *Moments) observe(batch quant.Tensor) error {
	rows, err := m.rowsOf(batch)
	if err != nil || rows == 0 {
		return err
	}
	x, n := batch.Data, m.n
	exponent := make([]int16, n)
	copy(exponent, m.exponent)
	finite := 0
	for r := range rows {
		row := x[r*n : (r+1)*n]
		if i := firstNotFinite(row); i >= 0 {
			if m.policy == quant.RefuseNotFinite {
				return &quant.NotFiniteError{Index: r*n + i, Channel: i, Value: row[i]}
			}
			continue
		}
		finite++
		for i, v := range row {
			if e := exponentOf(v); e > exponent[i] {
				exponent[i] = e
			}
		}
	}
	if err := m.room(uint64(finite), uint64(rows-finite)); err != nil {
		return err
	}
	m.raise(exponent)
	m.rows += uint64(finite)
	m.skipped += uint64(rows - finite)
	m.addRows(x, finite < rows)
	return nil
}

// rowsOf returns how many rows a batch has.
func (m *Moments) rowsOf(batch quant.Tensor) (int, error) {
	if m.n == 0 {
		return 0, fmt.Errorf("%w: the zero Moments has no inputs", quant.ErrState)
	}
	shape := batch.Shape
	if len(shape) == 0 {
		shape = []int{len(batch.Data)}
	}
	last := len(shape) - 1
	if shape[last] != m.n {
		return 0, fmt.Errorf("%w: the last axis of %v is not %d, the number of inputs", quant.ErrShape, shape, m.n)
	}
	values := 1
	if slices.Contains(shape, 0) {
		values = 0
	}
	for _, d := range shape {
		if d < 0 || d > 0 && values > len(batch.Data)/d {
			return 0, fmt.Errorf("%w: %v for %d values", quant.ErrShape, shape, len(batch.Data))
		}
		values *= d
	}
	if values != len(batch.Data) {
		return 0, fmt.Errorf("%w: %v for %d values", quant.ErrShape, shape, len(batch.Data))
	}
	return values / m.n, nil
}

// room returns an error if so many rows more are too many.
func (m *Moments) room(rows, skipped uint64) error {
	if m.rows+rows > maxRows || m.skipped+skipped > maxRows {
		return fmt.Errorf("%w: more than %d rows of inputs", quant.ErrShape, maxRows)
	}
	return nil
}

// Merge adds the rows of other to m, as if m had observed them too, and leaves other
// alone. Both must have the same number of inputs, extent and policy: the error is
// quant.ErrMerge otherwise, and for more than 2^31-1 rows.
func (m *Moments) Merge(other *Moments) error {
	if m == other {
		return fmt.Errorf("%w: moments cannot be merged with themselves", quant.ErrMerge)
	}
	first, second := m, other
	if second.id < first.id {
		first, second = second, first
	}
	first.mu.Lock()
	defer first.mu.Unlock()
	second.mu.Lock()
	defer second.mu.Unlock()

	switch {
	case m.n != other.n:
		return fmt.Errorf("%w: moments of %d inputs and of %d", quant.ErrMerge, m.n, other.n)
	case m.n == 0:
		return fmt.Errorf("%w: the zero Moments has no inputs", quant.ErrMerge)
	case m.extent != other.extent:
		return fmt.Errorf("%w: one has the %v second moments, one the %v ones", quant.ErrMerge, m.extent, other.extent)
	case m.policy != other.policy:
		return fmt.Errorf("%w: one refuses inputs that are not finite, one leaves out their rows", quant.ErrMerge)
	}
	if err := m.room(other.rows, other.skipped); err != nil {
		return fmt.Errorf("%w: %w", quant.ErrMerge, err)
	}
	m.raise(other.exponent)
	m.rows += other.rows
	m.skipped += other.skipped
	m.addSums(other)
	return nil
}

// Diagonal returns the diagonal of m: what Moments of the extent Diagonal would be that
// had observed the same rows.
func (m *Moments) Diagonal() *Moments {
	m.mu.Lock()
	defer m.mu.Unlock()
	d := &Moments{id: ids.Add(1)}
	if m.n == 0 {
		return d
	}
	d.set(m.n, Diagonal, m.policy)
	d.rows, d.skipped = m.rows, m.skipped
	copy(d.exponent, m.exponent)
	for i := range m.n {
		p := m.pair(i, i)
		d.top[i], d.low[i] = m.top[p], m.low[p]
	}
	return d
}

// Reorder returns the moments of the same rows with their inputs in another order: input i
// of the result is input order[i] of m. The error is quant.ErrShape unless order has each
// input once.
func (m *Moments) Reorder(order []int) (*Moments, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	seen := make([]bool, m.n)
	for _, i := range order {
		if i < 0 || i >= m.n || seen[i] {
			return nil, fmt.Errorf("%w: an order of %d inputs has %d, which is not one of them or there twice", quant.ErrShape, m.n, i)
		}
		seen[i] = true
	}
	if len(order) != m.n || m.n == 0 {
		return nil, fmt.Errorf("%w: an order of %d of %d inputs", quant.ErrShape, len(order), m.n)
	}
	r := &Moments{id: ids.Add(1)}
	r.set(m.n, m.extent, m.policy)
	r.rows, r.skipped = m.rows, m.skipped
	for i, from := range order {
		r.exponent[i] = m.exponent[from]
	}
	r.forPairs(func(i, j, p int) {
		from := m.pair(max(order[i], order[j]), min(order[i], order[j]))
		r.top[p], r.low[p] = m.top[from], m.low[from]
	})
	return r, nil
}

// pair returns the index of the sum of inputs i ≥ j.
func (m *Moments) pair(i, j int) int {
	if m.extent == Diagonal {
		return i
	}
	return i*(i+1)/2 + j
}

// At returns the mean of x[i]·x[j] over all rows: 0 where there are no rows, and NaN for
// two different inputs of a Diagonal. It panics for inputs that there are not.
//
// The mean differs from the exact mean, without any rounding, by at most
//
//	2^-31 · max|x[i]| · max|x[j]| + 2^-50 · the mean of |x[i]·x[j]|
func (m *Moments) At(i, j int) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if uint(i) >= uint(m.n) || uint(j) >= uint(m.n) {
		panic(fmt.Sprintf("feedback: inputs %d and %d of %d", i, j, m.n))
	}
	if i < j {
		i, j = j, i
	}
	if m.extent == Diagonal && i != j {
		return math.NaN()
	}
	return m.mean(i, j)
}

// MeanSquares returns the mean of the square of each input, as At returns it. It is the
// importance of the inputs for quant.CalibrateWeighted.
func (m *Moments) MeanSquares() []float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]float64, m.n)
	for i := range all {
		all[i] = m.mean(i, i)
	}
	return all
}

// mean is At for i ≥ j and a sum that there is.
func (m *Moments) mean(i, j int) float64 {
	if m.rows == 0 {
		return 0
	}
	p := m.pair(i, j)
	return sumOf(m.top[p], m.low[p], m.binOf(i, j)) / float64(m.rows)
}

// matrix returns the lower triangle of H, row after row, or its diagonal. The error is
// ErrMoments unless there are rows, of so many inputs.
func (m *Moments) matrix(inputs int) ([]float64, Extent, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.n != inputs {
		return nil, 0, fmt.Errorf("%w: they are of %d inputs, the weight has %d", ErrMoments, m.n, inputs)
	}
	if m.rows == 0 {
		return nil, 0, fmt.Errorf("%w: no rows were observed", ErrMoments)
	}
	h := make([]float64, len(m.top))
	m.forPairs(func(i, j, p int) { h[p] = m.mean(i, j) })
	return h, m.extent, nil
}
