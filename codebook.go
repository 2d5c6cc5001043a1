package quant

import (
	"cmp"
	"math"

	"github.com/a01592f9/quant/internal/search"
)

// A codebook is a table of values with what a search of it needs. It does not change
// once it is made.
type codebook struct {
	name    string
	bits    int       // of a code
	values  []float32 // of each code; NaN or infinite for codes that no value becomes
	largest float32   // magnitude among values
	nan     uint8     // code that NaN becomes

	// The finite values in ascending order, -0 before +0.
	order  []uint8   // codes in this order
	levels []float64 // the different values

	// limits[i] is the key of the largest float32 that becomes order[i] and not
	// order[i+1]. The last order has no limit.
	limits []uint32

	// padded is limits up to the number of codes less one; what was added is above all keys.
	padded []uint32

	// float rounds to the format by arithmetic; nil if the values are no floating-point
	// numbers. Then mantissa is the number of bits of their mantissas.
	float    *floatCode
	mantissa int

	// tables are for kernels of at most 16 values, which are there if sorted is set: codes
	// are in the order of their values, and no value is there twice.
	tables bookTables
	small  bool // at most 16 values
	sorted bool

	// lowest and highest are the keys of the smallest and the largest value. A quotient
	// outside of them is clipped.
	lowest, highest uint32
}

// A bookTables is a codebook of at most 16 values as kernels need it.
type bookTables struct {
	values [16]float32 // of each code; again and again if there are fewer

	// limits are those of the codebook as a tree: the first has the one in the middle, the
	// second those in the middle of either half, and so on. What is not used is infinite.
	limits [4][8]float32
	nan    uint32 // code
}

// newBookTables returns those of b.
func newBookTables(b *codebook) (t bookTables, sorted bool) {
	sorted = true
	for i, c := range b.order {
		sorted = sorted && int(c) == i && (i == 0 || b.values[i-1] < b.values[i])
	}
	for i := range t.values {
		t.values[i] = b.values[i%len(b.values)]
	}
	for level := range t.limits {
		for i := range t.limits[level] {
			t.limits[level][i] = float32(math.Inf(1))
			if at := (2*i+1)<<(3-level) - 1; at < len(b.limits) {
				t.limits[level][i] = ofKey(b.limits[at])
			}
		}
	}
	t.nan = uint32(b.nan)
	return t, sorted
}

// ofKey is the inverse of key.
func ofKey(k uint32) float32 {
	if k>>31 == 1 {
		return math.Float32frombits(k &^ (1 << 31))
	}
	return math.Float32frombits(^k)
}

// A tieRule says which of two neighbouring codes the value half-way between them becomes.
type tieRule uint8

const (
	// tieToEven chooses the code whose lowest bit is 0: the even mantissa, where codes are
	// floating-point numbers.
	tieToEven tieRule = iota

	// tieDown chooses the smaller value.
	tieDown
)

// key returns an integer that orders floats as their values do, -0 below +0. NaN is above
// or below all others.
func key(v float32) uint32 {
	b := math.Float32bits(v)
	if b>>31 == 1 {
		return ^b
	}
	return b | 1<<31
}

func compareKeys(a, b float32) int { return cmp.Compare(key(a), key(b)) }

// limit returns the key of the largest float32 that is nearer to a than to b, where a is
// below b. Half-way counts as nearer to a if down is set.
//
// The sum of two values of a codebook is exact in float64, and so is its half.
func limit(a, b float32, down bool) uint32 {
	if a == 0 && b == 0 {
		return key(a) // -0, which is its own
	}
	middle := (float64(a) + float64(b)) / 2
	m := float32(middle) // may be rounded either way
	k := key(m)
	if m == 0 { // both zeros are half-way
		if down {
			return key(0)
		}
		return key(minusZero) - 1
	}
	if float64(m) > middle || float64(m) == middle && !down {
		k--
	}
	return k
}

var minusZero = math.Float32frombits(1 << 31)

func absolute(v float32) float32 { return math.Float32frombits(math.Float32bits(v) &^ (1 << 31)) }

// searched returns b as a search sees it: by the different values that there are.
func (b *codebook) searched(s search.Scaler) search.Grid {
	return search.Grid{Scaler: s, Highest: int32(len(b.levels) - 1), Levels: b.levels, Symmetric: true}
}

// code returns the code of the value next to v. It is nearest, made faster.
func (b *codebook) code(v float32) uint8 {
	if b.float != nil {
		return uint8(b.float.code(v))
	}
	if v != v {
		return b.nan
	}
	return b.order[b.rank(key(v))]
}

// rank returns how many limits are below k. The loop has no branches.
func (b *codebook) rank(k uint32) int {
	n := 0
	for step := (len(b.padded) + 1) / 2; step > 0; step /= 2 {
		n += step & int((int64(b.padded[n+step-1])-int64(k))>>63)
	}
	return n
}

// nearest returns the code of the value next to v: the definition of code.
func (b *codebook) nearest(v float32) uint8 {
	if v != v {
		return b.nan
	}
	k := key(v)
	low, high := 0, len(b.limits) // the first limit that is not below k is among them
	for low < high {
		if middle := (low + high) / 2; b.limits[middle] < k {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return b.order[low]
}

// deviation returns |e|, e being the reconstruction of x minus x, and 1 if x/scale lies
// outside of the values, else 0.
func (b *codebook) deviation(x, scale float32) (abs float32, clipped uint32) {
	v := x / scale
	if k := key(v); k < b.lowest || k > b.highest {
		clipped = 1
	}
	y := float32(b.values[b.code(v)] * scale)
	return float32(math.Abs(float64(y - x))), clipped
}
