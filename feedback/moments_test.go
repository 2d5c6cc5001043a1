package feedback

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/a01592f9/quant"
)

// rowKinds are inputs whose sums differ if anything depends on the order.
var rowKinds = []struct {
	name string
	row  func(r *rand.Rand, x []float32)
}{
	{"normal", func(r *rand.Rand, x []float32) {
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
	}},
	{"any bits", func(r *rand.Rand, x []float32) {
		for i := range x {
			for {
				if x[i] = math.Float32frombits(r.Uint32()); firstNotFinite(x[i:i+1]) < 0 {
					break
				}
			}
		}
	}},
	{"subnormal", func(r *rand.Rand, x []float32) {
		for i := range x {
			x[i] = math.Float32frombits(r.Uint32() &^ 0x7f800000)
		}
	}},
	{"huge and tiny", func(r *rand.Rand, x []float32) {
		for i := range x {
			x[i] = []float32{math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, 1, -1, 0, 0x1p-64, 0x1p64, 3}[r.IntN(9)]
		}
	}},
	{"cancelling", func(r *rand.Rand, x []float32) {
		v := float32(r.NormFloat64())
		for i := range x {
			if x[i] = v; i%2 == r.IntN(2) {
				x[i] = -v
			}
		}
	}},
	{"sparse", func(r *rand.Rand, x []float32) {
		for i := range x {
			if x[i] = 0; r.IntN(4) == 0 {
				x[i] = float32(math.Ldexp(r.NormFloat64(), r.IntN(60)-30))
			}
		}
	}},
	{"growing", func(r *rand.Rand, x []float32) {
		for i := range x {
			x[i] = float32(math.Ldexp(1+r.Float64(), r.IntN(250)-125))
		}
	}},
}

func newMoments(t testing.TB, n int, e Extent, p quant.NotFinitePolicy) *Moments {
	t.Helper()
	m, err := NewMoments(n, e, p)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func observe(t testing.TB, m *Moments, x []float32) {
	t.Helper()
	if err := m.Observe(quant.Tensor{Data: x, Shape: []int{len(x) / m.Inputs(), m.Inputs()}}); err != nil {
		t.Fatal(err)
	}
}

func state(t testing.TB, m *Moments) []byte {
	t.Helper()
	b, err := m.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// mergeTree observes the rows in a random order, in random batches by several Moments,
// and merges those in random pairs, some of them by way of their states.
func mergeTree(t *testing.T, r *rand.Rand, x []float32, n int, e Extent) *Moments {
	rows := len(x) / n
	order := r.Perm(rows)
	var all []*Moments
	for len(order) > 0 {
		m := newMoments(t, n, e, quant.RefuseNotFinite)
		for range 1 + r.IntN(3) {
			k := r.IntN(len(order) + 1)
			var batch []float32
			for _, o := range order[:k] {
				batch = append(batch, x[o*n:(o+1)*n]...)
			}
			order = order[k:]
			observe(t, m, batch)
		}
		all = append(all, m)
	}
	for len(all) > 1 {
		i := r.IntN(len(all))
		from := all[i]
		all = slices.Delete(all, i, i+1)
		if r.IntN(2) == 0 {
			var read Moments
			if err := read.UnmarshalBinary(state(t, from)); err != nil {
				t.Fatal(err)
			}
			from = &read
		}
		if err := all[r.IntN(len(all))].Merge(from); err != nil {
			t.Fatal(err)
		}
	}
	return all[0]
}

func TestMomentsOrder(t *testing.T) {
	for _, kind := range rowKinds {
		for _, e := range []Extent{Full, Diagonal} {
			t.Run(fmt.Sprintf("%s, %v", kind.name, e), func(t *testing.T) {
				r := rand.New(rand.NewPCG(1, 2))
				for _, n := range []int{1, 2, 7, 19} {
					x := make([]float32, 97*n)
					for row := range 97 {
						kind.row(r, x[row*n:(row+1)*n])
					}
					m := newMoments(t, n, e, quant.RefuseNotFinite)
					observe(t, m, x)
					want := state(t, m)
					for range 12 {
						if got := state(t, mergeTree(t, r, x, n, e)); !bytes.Equal(got, want) {
							t.Fatalf("%d inputs: rows in another order have another state", n)
						}
					}
				}
			})
		}
	}
}

// TestMomentsLarge has more inputs than a tile and a band, and more rows than a chunk.
func TestMomentsLarge(t *testing.T) {
	const n, rows = 300, 150
	r := rand.New(rand.NewPCG(3, 4))
	x := make([]float32, n*rows)
	for row := range rows {
		rowKinds[5].row(r, x[row*n:(row+1)*n])
	}
	m := newMoments(t, n, Full, quant.RefuseNotFinite)
	observe(t, m, x)
	one := newMoments(t, n, Full, quant.RefuseNotFinite)
	for row := rows - 1; row >= 0; row-- {
		observe(t, one, x[row*n:(row+1)*n])
	}
	if !bytes.Equal(state(t, m), state(t, one)) {
		t.Error("one row after the other gives another state")
	}
	d := newMoments(t, n, Diagonal, quant.RefuseNotFinite)
	observe(t, d, x)
	if !bytes.Equal(state(t, m.Diagonal()), state(t, d)) {
		t.Error("the diagonal of the full moments is not what the diagonal alone is")
	}
	for _, p := range [][2]int{{0, 0}, {299, 0}, {128, 127}, {5, 260}, {299, 299}} {
		wantMean(t, m, x, n, p[0], p[1])
	}
}

// TestMomentsConcurrent is for the race detector.
func TestMomentsConcurrent(t *testing.T) {
	const n = 70
	x := correlated(rand.New(rand.NewPCG(26, 27)), 80, n, 0.9, true)
	a, b, want := newMoments(t, n, Full, 0), newMoments(t, n, Full, 0), newMoments(t, n, Full, 0)
	observe(t, want, x)
	var wg sync.WaitGroup
	for part := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			m := []*Moments{a, b}[part%2]
			if err := m.Observe(quant.Tensor{Data: x[part*20*n : (part+1)*20*n], Shape: []int{20, n}}); err != nil {
				t.Error(err)
			}
			m.At(1, 0)
		}()
	}
	wg.Wait()
	c, d := newMoments(t, n, Full, 0), newMoments(t, n, Full, 0)
	for _, pair := range [][2]*Moments{{c, d}, {d, c}} { // each locks both
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 50 {
				if err := pair[0].Merge(pair[1]); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	wg.Wait()
	if err := a.Merge(b); err != nil || !bytes.Equal(state(t, a), state(t, want)) {
		t.Errorf("another state, %v", err)
	}
}

// wantMean compares a mean with the exact one, under the bound that At documents.
func wantMean(t *testing.T, m *Moments, x []float32, n, i, j int) {
	t.Helper()
	// 24 bits of a factor from 2^-149 to 2^128, and 2^31 rows: all sums are exact.
	sum, size := new(big.Float).SetPrec(700), new(big.Float).SetPrec(700)
	var maxI, maxJ float64
	for ; len(x) > 0; x = x[n:] {
		a, b := float64(x[i]), float64(x[j])
		p := new(big.Float).SetPrec(700).SetFloat64(a * b)
		sum.Add(sum, p)
		size.Add(size, p.Abs(p))
		maxI, maxJ = max(maxI, math.Abs(a)), max(maxJ, math.Abs(b))
	}
	rows, _ := m.Rows()
	count := new(big.Float).SetPrec(700).SetUint64(rows)
	sum.Quo(sum, count)
	size.Quo(size, count)
	bound := new(big.Float).SetPrec(700).SetFloat64(0x1p-31 * maxI * maxJ)
	bound.Add(bound, size.Mul(size, big.NewFloat(0x1p-50)))
	got := new(big.Float).SetPrec(700).SetFloat64(m.At(i, j))
	if got.Sub(got, sum); got.Abs(got).Cmp(bound) > 0 {
		t.Errorf("mean of inputs %d and %d is %v, too far from %v", i, j, m.At(i, j), sum)
	}
}

func TestMomentsExact(t *testing.T) {
	for _, kind := range rowKinds {
		t.Run(kind.name, func(t *testing.T) {
			const n, rows = 6, 500
			r := rand.New(rand.NewPCG(5, 6))
			x := make([]float32, n*rows)
			for row := range rows {
				kind.row(r, x[row*n:(row+1)*n])
			}
			m := newMoments(t, n, Full, quant.RefuseNotFinite)
			observe(t, m, x)
			for i := range n {
				for j := range n {
					wantMean(t, m, x, n, i, j)
				}
			}
		})
	}
}

// TestMomentsSlices has sums that are known: the parts of a product that are kept.
func TestMomentsSlices(t *testing.T) {
	for _, c := range []struct {
		name string
		rows []float32 // of one input
		want float64   // the sum
	}{
		{"one", []float32{1}, 1},
		{"integers", []float32{3, -4}, 25},
		{"largest", []float32{math.MaxFloat32}, math.MaxFloat32 * math.MaxFloat32},
		{"smallest", []float32{math.SmallestNonzeroFloat32}, 0x1p-298},
		{"below the slices", []float32{1, 0x1p-17}, 1},
		{"in the lower slice", []float32{1, 0x1p-16}, 1 + 0x1p-32},
		{"lower slices add up", []float32{0x1p-16, 0x1p-16, 1}, 1 + 0x1p-31},
		{"zero", []float32{0, float32(math.Copysign(0, -1))}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMoments(t, 1, Full, quant.RefuseNotFinite)
			for i := range c.rows {
				observe(t, m, c.rows[i:i+1])
			}
			if got := m.At(0, 0); got != c.want/float64(len(c.rows)) {
				t.Errorf("mean %v, want %v", got, c.want/float64(len(c.rows)))
			}
		})
	}
}

// TestMomentsRoom has sums at their limits.
func TestMomentsRoom(t *testing.T) {
	m := newMoments(t, 1, Full, quant.IgnoreNotFinite)
	x := math.Float32frombits(0x7f7fffff)
	observe(t, m, []float32{x})
	for range 30 { // 2^30 rows
		var read Moments
		if err := read.UnmarshalBinary(state(t, m)); err != nil {
			t.Fatal(err)
		}
		if err := m.Merge(&read); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := m.At(0, 0), float64(x)*float64(x); got != want {
		t.Errorf("mean %v, want %v", got, want)
	}
	other := m.clone(t)
	if err := m.Merge(other); !errors.Is(err, quant.ErrMerge) {
		t.Errorf("2^31 rows: error %v", err)
	}
	if rows, _ := m.Rows(); rows != 1<<30 {
		t.Errorf("%d rows after the error", rows)
	}
	m.rows = maxRows
	if err := m.Observe(quant.Tensor{Data: []float32{1}}); !errors.Is(err, quant.ErrShape) {
		t.Errorf("one row more than there may be: error %v", err)
	}
}

func (m *Moments) clone(t *testing.T) *Moments {
	t.Helper()
	c := new(Moments)
	if err := c.UnmarshalBinary(state(t, m)); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestMomentsNotFinite(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	bad := []float32{1, 2, 3, nan, 5, 6, inf, inf}
	m := newMoments(t, 2, Full, quant.RefuseNotFinite)
	observe(t, m, []float32{1, 1})
	before := state(t, m)
	err := m.Observe(quant.Tensor{Data: bad, Shape: []int{2, 2, 2}})
	var batch *quant.BatchError
	var at *quant.NotFiniteError
	if !errors.As(err, &batch) || batch.Batch != 1 || !errors.As(err, &at) || at.Index != 3 || at.Channel != 1 {
		t.Errorf("error %v", err)
	}
	if !bytes.Equal(before, state(t, m)) {
		t.Error("an error altered the state")
	}
	skips := newMoments(t, 2, Full, quant.IgnoreNotFinite)
	observe(t, skips, bad)
	want := newMoments(t, 2, Full, quant.IgnoreNotFinite)
	observe(t, want, []float32{1, 2, 5, 6})
	if rows, skipped := skips.Rows(); rows != 2 || skipped != 2 {
		t.Errorf("%d rows, %d skipped", rows, skipped)
	}
	want.skipped = 2
	if !bytes.Equal(state(t, skips), state(t, want)) {
		t.Error("rows that are left out count")
	}
}

func TestMomentsErrors(t *testing.T) {
	for _, c := range []struct {
		name   string
		inputs int
		e      Extent
		p      quant.NotFinitePolicy
		want   error
	}{
		{"no inputs", 0, Full, 0, quant.ErrShape},
		{"negative", -1, Diagonal, 0, quant.ErrShape},
		{"too many", 1<<15 + 1, Full, 0, quant.ErrShape},
		{"extent", 1, 2, 0, quant.ErrScheme},
		{"policy", 1, Full, quant.MarkNotFinite, quant.ErrScheme},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := NewMoments(c.inputs, c.e, c.p); !errors.Is(err, c.want) {
				t.Errorf("error %v", err)
			}
		})
	}
	m := newMoments(t, 3, Full, quant.RefuseNotFinite)
	for _, c := range []struct {
		name  string
		batch quant.Tensor
		want  error
	}{
		{"last axis", quant.Tensor{Data: make([]float32, 6), Shape: []int{3, 2}}, quant.ErrShape},
		{"too few values", quant.Tensor{Data: make([]float32, 5), Shape: []int{2, 3}}, quant.ErrShape},
		{"too many values", quant.Tensor{Data: make([]float32, 9), Shape: []int{2, 3}}, quant.ErrShape},
		{"values without rows", quant.Tensor{Data: make([]float32, 3), Shape: []int{0, 3}}, quant.ErrShape},
		{"negative", quant.Tensor{Data: make([]float32, 3), Shape: []int{-1, 3}}, quant.ErrShape},
		{"product that overflows", quant.Tensor{Data: make([]float32, 3), Shape: []int{math.MaxInt, 4, 3}}, quant.ErrShape},
		{"no shape", quant.Tensor{Data: make([]float32, 3)}, nil},
		{"empty", quant.Tensor{Shape: []int{4, 0, 3}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := m.Observe(c.batch); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
	for _, c := range []struct {
		name  string
		other *Moments
	}{
		{"itself", m},
		{"inputs", newMoments(t, 2, Full, quant.RefuseNotFinite)},
		{"extent", newMoments(t, 3, Diagonal, quant.RefuseNotFinite)},
		{"policy", newMoments(t, 3, Full, quant.IgnoreNotFinite)},
		{"zero", new(Moments)},
	} {
		t.Run("merge with "+c.name, func(t *testing.T) {
			if err := m.Merge(c.other); !errors.Is(err, quant.ErrMerge) {
				t.Errorf("error %v", err)
			}
		})
	}
	var zero Moments
	if _, err := zero.MarshalBinary(); !errors.Is(err, quant.ErrState) {
		t.Errorf("state of the zero Moments: %v", err)
	}
	if err := zero.Observe(quant.Tensor{Data: []float32{1}}); !errors.Is(err, quant.ErrState) {
		t.Errorf("a row for the zero Moments: %v", err)
	}
}

// TestMomentsReorder compares reordered moments with those of reordered rows.
func TestMomentsReorder(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 9))
	const n, rows = 7, 40
	for _, e := range []Extent{Full, Diagonal} {
		t.Run(e.String(), func(t *testing.T) {
			order := r.Perm(n)
			x, y := make([]float32, 0, n*rows), make([]float32, 0, n*rows)
			for range rows {
				row := make([]float32, n)
				rowKinds[5].row(r, row)
				x = append(x, row...)
				for _, from := range order {
					y = append(y, row[from])
				}
			}
			m, want := newMoments(t, n, e, quant.RefuseNotFinite), newMoments(t, n, e, quant.RefuseNotFinite)
			observe(t, m, x)
			observe(t, want, y)
			got, err := m.Reorder(order)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(state(t, got), state(t, want)) {
				t.Errorf("order %v: the state is not that of reordered rows", order)
			}
		})
	}
	m := newMoments(t, 3, Full, quant.RefuseNotFinite)
	for _, order := range [][]int{nil, {0, 1}, {0, 1, 1}, {0, 1, 3}, {0, -1, 2}, {0, 1, 2, 0}} {
		if _, err := m.Reorder(order); !errors.Is(err, quant.ErrShape) {
			t.Errorf("order %v: error %v, want %v", order, err, quant.ErrShape)
		}
	}
	if _, err := new(Moments).Reorder(nil); !errors.Is(err, quant.ErrShape) {
		t.Errorf("zero Moments: error %v, want %v", err, quant.ErrShape)
	}
}
