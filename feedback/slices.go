package feedback

import (
	"math"
	"runtime"
	"sync"
	"sync/atomic"
)

// Sums of products that do not depend on the order of the rows.
//
// The product of two float32 is exact in float64: it has at most 24 + 24 = 48 bits, and its
// exponent is between -298 and 255. The magnitude of a product, written in binary, is divided
// into slices at fixed places: slice b has the bits of the weights 2^(32b) to 2^(32b+31). With
// the sign of the product, a slice is an integer times 2^(32b). The product is the sum of its
// slices, and at most three of them are not 0.
//
// The exponent E[i] of an input is that of its largest magnitude. So every |x[i]| is below
// 2^(E[i]+1), and every product of x[i] and x[j] is below 2^(E[i]+E[j]+2). The top slice of the
// pair is T = floor((E[i]+E[j]+1)/32): no product has bits above it. A pair has two sums of 64
// bits: the sum of the slices T of all rows, and the sum of their slices T-1. All lower slices
// are dropped.
//
// The sums depend neither on the order of the rows nor on the order of merges:
//
//   - E[i], and so T, is a maximum over the rows.
//   - The slices of a product depend only on the product.
//   - Let T be the top slice of all rows, and T' ≤ T that of the rows seen so far. The method
//     raise computes the sums for T from those for T'. If T' = T, they are the same. If
//     T' = T-1, the slices T of the rows so far are 0, and the sum of their slices T-1 is the
//     upper sum for T'. If T' < T-1, both slices of the rows so far are 0.
//   - All additions are of integers and do not overflow: a slice is below 2^32 in magnitude,
//     and there are fewer than 2^31 rows.
//
// The error: less than 2^(32(T-1)) is dropped from each row, and 2^(32T) ≤ 2^(E[i]+E[j]+1) is at
// most 2·max|x[i]|·max|x[j]|. So the dropped slices change the mean by less than
// 2^-31·max|x[i]|·max|x[j]|. The three roundings of sumOf and the division add to that.

// sliceBits is the number of bits of a slice.
const sliceBits = 32

// none is the exponent of an input that has been 0 in all rows.
const none = math.MinInt16

// exponentOf returns the e with 2^e ≤ |v| < 2^(e+1), which is from -149 to 127 for finite v. For
// 0 it returns none.
func exponentOf(v float32) int16 {
	if v == 0 {
		return none
	}
	return int16(int(math.Float64bits(float64(v))>>52&0x7ff) - 1023)
}

// firstNotFinite returns the index of the first NaN or infinity, or -1.
func firstNotFinite(x []float32) int {
	for i, v := range x {
		if math.Float32bits(v)&0x7f800000 == 0x7f800000 {
			return i
		}
	}
	return -1
}

// binOf returns the top slice of the pair of inputs i and j. The result is meaningless if the
// exponent of one of them is none.
func (m *Moments) binOf(i, j int) int { return bin(m.exponent[i], m.exponent[j]) }

// bin returns the top slice for two exponents.
func bin(a, b int16) int {
	return (int(a) + int(b) + 1) >> 5 // rounds down
}

// power returns 2^e for e in [-1022, 1023].
func power(e int) float64 { return math.Float64frombits(uint64(e+1023) << 52) }

// sumOf returns the sum of a pair as a float64. b is the top slice of the pair. The products with
// powers of two are exact.
func sumOf(top, low int64, b int) float64 {
	if top == 0 && low == 0 {
		return 0
	}
	return float64(float64(top)*power(sliceBits*b)) + float64(float64(low)*power(sliceBits*(b-1)))
}

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

// raised returns the sums of a pair after its top slice has increased by up.
func raised(top, low int64, up int) (int64, int64) {
	switch up {
	case 0:
		return top, low
	case 1:
		return 0, top
	}
	return 0, 0
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

const (
	chunkRows = 64  // number of rows that are converted to float64 together
	tile      = 128 // number of sums that stay in the first-level cache while rows are added
	band      = 16  // number of inputs whose sums one goroutine computes at a time
)

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

// addTile adds the products of input i with the inputs from j on, for all rows of x. scale is
// 2^(-32T) for each pair. The product times scale has slice T before the binary point, and slice
// T-1 in the first 32 bits after it. All operations are exact except the two conversions to
// integers.
func addTile(top, low []int64, scale, x []float64, n, i, j int) {
	low, scale = low[:len(top)], scale[:len(top)]
	for ; len(x) > 0; x = x[n:] {
		v := x[i]
		if v == 0 {
			continue
		}
		row := x[j:][:len(top)]
		for k, s := range scale {
			y := v * row[k] * s
			t := int64(y) // towards 0
			top[k] += t
			low[k] += int64((y - float64(t)) * (1 << sliceBits))
		}
	}
}

// parallel calls do for each part from 0 to parts-1, on several goroutines if worth is true.
// Parts must not depend on each other.
func parallel(parts int, worth bool, do func(part int)) {
	workers := min(runtime.GOMAXPROCS(0), parts)
	if !worth || workers < 2 {
		for i := range parts {
			do(i)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := next.Add(1) - 1; i < int64(parts); i = next.Add(1) - 1 {
				do(int(i))
			}
		}()
	}
	wg.Wait()
}
