package quant

import (
	"cmp"
	"math"

	"github.com/a01592f9/quant/internal/search"
)

// A codebook is a table of values, with tables for finding the nearest value. It is constant
// once it is made.
type codebook struct {
	name    string
	bits    int       // of a code
	values  []float32 // by code; NaN or infinite for codes that no value becomes
	largest float32   // largest finite magnitude
	nan     uint8     // the code of NaN

	// The finite values in ascending order, with -0 before +0.
	order  []uint8   // their codes
	levels []float64 // the values, each once

	// limits[i] is the key of the largest float32 whose code is order[i] and not order[i+1].
	// The last code has no limit.
	limits []uint32

	// padded is limits, extended to len(values)-1 elements with a number above all keys.
	padded []uint32

	// float rounds to the format by arithmetic. It is nil unless the values are floating-point
	// numbers. mantissa is the number of bits of their mantissas.
	float    *floatCode
	mantissa int

	// tables are for the kernels of codebooks with at most 16 values. Those that quantize need
	// codes in the order of their values, without repeated values: sorted reports that. Or codes
	// are a sign and the number of a magnitude: mirrored.
	tables   bookTables
	small    bool // whether there are at most 16 values
	sorted   bool
	mirrored bool

	// lowest and highest are the keys of the smallest and the largest value. Quotients outside
	// of them are clipped.
	lowest, highest uint32
}

// A bookTables has the tables of a codebook of at most 16 values for kernels.
type bookTables struct {
	values [16]float32 // by code; repeated if there are fewer than 16

	// limits are the limits of the codebook, or of its magnitudes, as a binary tree. Level 0 has
	// the middle limit, level 1 the middle limit of either half, and so on. Unused elements are
	// infinite.
	limits [4][8]float32
	nan    uint32 // the code of NaN
	tableBins
}

// setTables sets the tables of b.
func (b *codebook) setTables() {
	b.sorted = true
	for i, c := range b.order {
		b.sorted = b.sorted && int(c) == i && (i == 0 || b.values[i-1] < b.values[i])
	}
	limits, mirrored := b.mirroredLimits()
	if !mirrored {
		for _, k := range b.limits {
			limits = append(limits, ofKey(k))
		}
	}
	b.mirrored = mirrored
	t := &b.tables
	for i := range t.values {
		t.values[i] = b.values[i%len(b.values)]
	}
	for level := range t.limits {
		for i := range t.limits[level] {
			t.limits[level][i] = float32(math.Inf(1))
			if at := (2*i+1)<<(3-level) - 1; at < len(limits) {
				t.limits[level][i] = limits[at]
			}
		}
	}
	t.nan = uint32(b.nan)
	if b.sorted || mirrored {
		t.tableBins = newTableBins(b.order, limits, b.largest, mirrored)
	}
}

// mirroredLimits returns the limits between the magnitudes of b if its 16 codes are a sign and a
// magnitude, and both signs have the same limits.
func (b *codebook) mirroredLimits() (limits []float32, ok bool) {
	half := len(b.values) / 2
	if len(b.order) != 16 || math.Float32bits(b.values[0]) != 0 || b.limits[half-1] != key(minusZero) {
		return nil, false
	}
	for c := range half {
		if int(b.order[half+c]) != c || int(b.order[half-1-c]) != half+c ||
			math.Float32bits(b.values[half+c]) != math.Float32bits(b.values[c])|1<<31 {
			return nil, false
		}
		if c == 0 {
			continue
		}
		l := ofKey(b.limits[half+c-1])
		if b.values[c-1] >= b.values[c] || b.limits[half-1-c] != key(-l)-1 {
			return nil, false
		}
		limits = append(limits, l)
	}
	return limits, true
}

// ofKey is the inverse of key.
func ofKey(k uint32) float32 {
	if k>>31 == 1 {
		return math.Float32frombits(k &^ (1 << 31))
	}
	return math.Float32frombits(^k)
}

// A tieRule says which of two neighbouring codes the value halfway between their values gets.
type tieRule uint8

const (
	// tieToEven chooses the code whose lowest bit is 0. For floating-point codes that is the
	// even mantissa.
	tieToEven tieRule = iota

	// tieDown chooses the code of the smaller value.
	tieDown
)

// key returns an integer that orders floats by their values, with -0 below +0. NaN is below or
// above all other values, by its sign.
func key(v float32) uint32 {
	b := math.Float32bits(v)
	if b>>31 == 1 {
		return ^b
	}
	return b | 1<<31
}

func compareKeys(a, b float32) int { return cmp.Compare(key(a), key(b)) }

// limit returns the key of the largest float32 that is nearer to a than to b, for a below b. If
// down is set, the value halfway between them counts as nearer to a.
//
// The sum of two values of a codebook is exact in float64, and so is half of it.
func limit(a, b float32, down bool) uint32 {
	if a == 0 && b == 0 {
		return key(a) // -0 has a code
	}
	middle := (float64(a) + float64(b)) / 2
	m := float32(middle) // may round up or down
	k := key(m)
	if m == 0 { // +0 and -0 are both halfway
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

// searched returns b as a grid of its different values, for package search.
func (b *codebook) searched(s search.Scaler) search.Grid {
	return search.Grid{Scaler: s, Highest: int32(len(b.levels) - 1), Levels: b.levels, Symmetric: true}
}

// code returns the code of the value nearest to v. It is a faster nearest.
func (b *codebook) code(v float32) uint8 {
	if b.float != nil {
		return uint8(b.float.code(v))
	}
	if v != v {
		return b.nan
	}
	return b.order[b.rank(key(v))]
}

// rank returns the number of limits below k. The loop has no branches.
func (b *codebook) rank(k uint32) int {
	n := 0
	for step := (len(b.padded) + 1) / 2; step > 0; step /= 2 {
		n += step & int((int64(b.padded[n+step-1])-int64(k))>>63)
	}
	return n
}

// nearest returns the code of the value nearest to v. It is the definition of code.
func (b *codebook) nearest(v float32) uint8 {
	if v != v {
		return b.nan
	}
	k := key(v)
	low, high := 0, len(b.limits) // the first limit that is at least k is in [low, high]
	for low < high {
		if middle := (low + high) / 2; b.limits[middle] < k {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return b.order[low]
}

// deviation returns |e|, where e is the reconstruction of x minus x. clipped is 1 if x/scale is
// outside the range of the values, else 0.
func (b *codebook) deviation(x, scale float32) (abs float32, clipped uint32) {
	v := x / scale
	if k := key(v); k < b.lowest || k > b.highest {
		clipped = 1
	}
	y := float32(b.values[b.code(v)] * scale)
	return float32(math.Abs(float64(y - x))), clipped
}
