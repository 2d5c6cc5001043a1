package feedback

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/a01592f9/quant"
)

// An Extent says which second moments a Moments has.
type Extent uint8

const (
	// Full is the mean of the product of every two inputs. It needs 8·n·(n+1) bytes for n
	// inputs.
	Full Extent = iota

	// Diagonal is the mean of the square of each input. It needs 16·n bytes. OutputError
	// accepts it, and then assumes that the inputs are not correlated.
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

// Moments computes the second moments of the inputs of a layer: for each two inputs i and j, the
// mean of x[i]·x[j] over all rows x that it has observed.
//
// The order of the rows has no effect. If the rows are divided into batches and among several
// Moments, which are merged in any order, the result has the same bytes (MarshalBinary) and the
// same numbers. [Moments.At] states how close the numbers are to the exact means.
//
// All methods are safe for concurrent use; one call runs at a time. A Moments must not be
// copied.
type Moments struct {
	mu      sync.Mutex
	id      uint64 // Merge locks the one with the lower id first
	n       int    // number of inputs; 0 for the zero Moments
	extent  Extent
	policy  quant.NotFinitePolicy
	seen    int    // number of batches, including those with errors
	rows    uint64 // number of rows in the sums
	skipped uint64 // number of rows left out because of NaN or infinities

	exponent []int16   // of the largest magnitude of each input; none if that is 0
	top, low []int64   // the two sums of each pair: see slices.go
	chunk    []float64 // buffer of addRows
}

// ids is the last id that was given to a Moments.
var ids atomic.Uint64

// maxRows is the largest number of rows: see slices.go.
const maxRows = 1<<31 - 1

// maxFull is the largest number of inputs of a full matrix.
const maxFull = 1 << 15

const (
	chunkRows = 64  // number of rows that are converted to float64 together
	tile      = 128 // number of sums that stay in the first-level cache while rows are added
	band      = 16  // number of inputs whose sums one goroutine computes at a time
)

// NewMoments returns a Moments without rows for the given number of inputs. With the policy
// RefuseNotFinite, Observe returns an error for NaN and infinities. With IgnoreNotFinite it
// leaves out each row that has one. The error is quant.ErrShape for a number of inputs below 1
// or, for Full, above 32768, and quant.ErrScheme for an unknown extent or policy.
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

// set sets the fields of m for n inputs and no rows.
func (m *Moments) set(n int, e Extent, p quant.NotFinitePolicy) {
	pairs := int(pairsOf(n, e))
	m.n, m.extent, m.policy = n, e, p
	m.exponent = make([]int16, n)
	for i := range m.exponent {
		m.exponent[i] = none
	}
	m.top, m.low = make([]int64, pairs), make([]int64, pairs)
}

// pairsOf returns the number of pairs of n inputs that have sums.
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

// Extent returns the extent that was given to NewMoments.
func (m *Moments) Extent() Extent {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.extent
}

// Policy returns the policy for NaN and infinities that was given to NewMoments.
func (m *Moments) Policy() quant.NotFinitePolicy {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.policy
}

// Rows returns the number of rows in the second moments, and the number of other rows that were
// left out because they had a NaN or an infinity.
func (m *Moments) Rows() (observed, skipped uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rows, m.skipped
}

// Observe adds a batch of rows. The length of the last axis of the batch must be the number of
// inputs; all other axes together are the rows. A batch without elements has no effect.
//
// An error is a *quant.BatchError. It wraps quant.ErrShape for a wrong shape and for more than
// 2^31-1 rows in total. With the policy RefuseNotFinite it wraps a *quant.NotFiniteError for the
// first NaN or infinity; its channel is the input. After an error m is unchanged, except that
// the batch counts in the index of later errors.
func (m *Moments) Observe(batch quant.Tensor) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen++
	if err := m.observe(batch); err != nil {
		return &quant.BatchError{Batch: m.seen - 1, Err: err}
	}
	return nil
}

// observe is Observe without the lock and the BatchError.
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

// rowsOf returns the number of rows of a batch, or an error if its shape is wrong.
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

// room returns an error if m cannot have that many more rows.
func (m *Moments) room(rows, skipped uint64) error {
	if m.rows+rows > maxRows || m.skipped+skipped > maxRows {
		return fmt.Errorf("%w: more than %d rows of inputs", quant.ErrShape, maxRows)
	}
	return nil
}

// binOf returns the top slice of the pair of inputs i and j. The result is meaningless if the
// exponent of one of them is none.
func (m *Moments) binOf(i, j int) int { return bin(m.exponent[i], m.exponent[j]) }

// forPairs calls do for each pair of inputs i ≥ j that m has sums of. pair is the index of the
// sums.
func (m *Moments) forPairs(do func(i, j, pair int)) {
	for i := range m.n {
		if m.extent == Diagonal {
			do(i, i, i)
			continue
		}
		for j := range i + 1 {
			do(i, j, i*(i+1)/2+j)
		}
	}
}

// raise raises each exponent of m to at least that of other, and changes the sums accordingly.
func (m *Moments) raise(other []int16) {
	changed := false
	exponent := make([]int16, m.n)
	for i, e := range m.exponent {
		exponent[i] = max(e, other[i])
		changed = changed || exponent[i] != e
	}
	if !changed {
		return
	}
	m.forPairs(func(i, j, p int) {
		if m.exponent[i] != none && m.exponent[j] != none {
			up := bin(exponent[i], exponent[j]) - m.binOf(i, j)
			m.top[p], m.low[p] = raised(m.top[p], m.low[p], up)
		}
	})
	m.exponent = exponent
}

// addSums adds the sums of other. No exponent of other may be above that of m.
func (m *Moments) addSums(other *Moments) {
	m.forPairs(func(i, j, p int) {
		if other.exponent[i] != none && other.exponent[j] != none {
			top, low := raised(other.top[p], other.low[p], m.binOf(i, j)-other.binOf(i, j))
			m.top[p] += top
			m.low[p] += low
		}
	})
}

// addRows adds the rows of x to the sums. If sift is true, rows with a NaN or an infinity are
// left out. The exponents must already include those of the rows.
func (m *Moments) addRows(x []float32, sift bool) {
	n := m.n
	if cap(m.chunk) < chunkRows*n {
		m.chunk = make([]float64, chunkRows*n)
	}
	for len(x) > 0 {
		rows, wide := 0, m.chunk[:chunkRows*n]
		for rows < chunkRows && len(x) > 0 {
			row := x[:n]
			x = x[n:]
			if sift && firstNotFinite(row) >= 0 {
				continue
			}
			to := wide[rows*n : (rows+1)*n]
			for i, v := range row {
				to[i] = float64(v)
			}
			rows++
		}
		wide = wide[:rows*n]
		parts := (n + band - 1) / band
		parallel(parts, rows*len(m.top) > 1<<16, func(part int) {
			// The last inputs have the longest rows of the triangle, so they come first.
			end := n - part*band
			for i := end - 1; i >= max(0, end-band); i-- {
				m.addInput(wide, i)
			}
		})
	}
}

// addInput adds the rows of x to the sums of input i with each input up to i.
func (m *Moments) addInput(x []float64, i int) {
	if m.exponent[i] == none {
		return
	}
	first, p := 0, m.pair(i, 0) // the pair of i and j has the index p+j
	if m.extent == Diagonal {
		first, p = i, 0
	}
	var scale [tile]float64
	for j := first; j <= i; j += tile {
		k := min(tile, i+1-j)
		for t := range k {
			scale[t] = 0
			if m.exponent[j+t] != none {
				scale[t] = power(-sliceBits * m.binOf(i, j+t))
			}
		}
		addTile(m.top[p+j:p+j+k], m.low[p+j:p+j+k], scale[:k], x, m.n, i, j)
	}
}

// Merge adds the rows of other to m, as if m had observed them too. It does not change other. Both
// must have the same number of inputs, extent and policy. The error is quant.ErrMerge if they
// differ, and for more than 2^31-1 rows in total.
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

// Diagonal returns the diagonal of m: a Moments with the extent Diagonal, as if it had observed
// the same rows.
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

// Reorder returns the moments of the same rows with the inputs in another order: input i of the
// result is input order[i] of m. The error is quant.ErrShape unless order has each input once.
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

// pair returns the index of the sums of inputs i ≥ j.
func (m *Moments) pair(i, j int) int {
	if m.extent == Diagonal {
		return i
	}
	return i*(i+1)/2 + j
}

// At returns the mean of x[i]·x[j] over all rows, in the square of the unit of the inputs. It
// returns 0 if there are no rows, and NaN for two different inputs of a Diagonal. It panics if i
// or j is not an input.
//
// The result differs from the exact mean by at most
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

// MeanSquares returns the mean of the square of each input: At(i, i) for each input i. The
// means are the importance of the inputs for quant.CalibrateWeighted.
func (m *Moments) MeanSquares() []float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]float64, m.n)
	for i := range all {
		all[i] = m.mean(i, i)
	}
	return all
}

// mean is At for i ≥ j, and for i = j if m is a Diagonal.
func (m *Moments) mean(i, j int) float64 {
	if m.rows == 0 {
		return 0
	}
	p := m.pair(i, j)
	return sumOf(m.top[p], m.low[p], m.binOf(i, j)) / float64(m.rows)
}

// matrix returns the lower triangle of H, row after row, or its diagonal. The error is ErrMoments
// if m has no rows or another number of inputs.
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
