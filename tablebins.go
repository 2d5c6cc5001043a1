package quant

import "math"

// A tableBins finds the codes of a table with a table lookup: see "Bins of a table" in kernels.go.
type tableBins struct {
	factor    float32 // of quotients; NaN without bins
	magnitude uint32  // mask: all ones, or all but the sign if codes are a sign and a magnitude
	sign      uint32  // 0, or the sign bit of a code
	bins      [32]uint16
	order     [16]uint8 // the codes in the order of their values
	bytes     [64]uint8 // the lower bytes of bins, then the upper ones
}

// binBits are the bits of a word below those of its bin, and codeBits those below the index of the
// value.
const (
	binBits  = 11
	codeBits = 12
)

// farthestWord is the largest magnitude of the word of a value of the table. Words from -32768
// to -30721 are in a bin that must not have a limit.
const (
	farthestWord  = 32000
	farthestLimit = 30720
)

// limitSlack is more than a product and the limit of a quotient are rounded by, in words.
const limitSlack = 1.0 / 64

// awayFromZero is what the kernels of mirrored tables add to the magnitude of a word before they
// round it, so that no word is 0: each has the sign of its element.
const awayFromZero = 0.75

// newTableBins returns the bins of a table. order has its codes in the order of their values, limits
// the limits between codes, or between magnitudes if mirrored is set; both ascend. largest is the
// largest magnitude of a value.
func newTableBins(order []uint8, limits []float32, largest float32, mirrored bool) tableBins {
	t := tableBins{factor: float32(math.NaN()), magnitude: math.MaxUint32}
	if mirrored {
		t.magnitude, t.sign = math.MaxUint32>>1, uint32(len(order)/2)
	}
	copy(t.order[:], order)
	// The smallest factor that will do leaves most room for clipped elements.
	for k := float64(1<<binBits) / 4 / float64(largest); k <= farthestWord/float64(largest); k *= 1 + 1.0/256 {
		f := float32(k)
		if bins, ok := binsOf(limits, float64(f), mirrored); ok && 0x1p-20 <= f && f <= 0x1p20 {
			t.factor, t.bins = f, bins
			for i, v := range bins {
				t.bytes[i], t.bytes[32+i] = uint8(v), uint8(v>>8)
			}
			return t
		}
	}
	return t
}

// binsOf returns the bins of limits times factor. ok is false if a bin would have two of them, or
// if one is next to the middle between two words.
func binsOf(limits []float32, factor float64, mirrored bool) (bins [32]uint16, ok bool) {
	var above [32]int // the index of the value above the limit in a bin
	set := func(w float64, index int) bool {
		n := math.RoundToEven(w)
		bin := uint16(int(n)) >> binBits
		if math.Abs(n) >= farthestLimit || math.Abs(w-n) > 0.5-limitSlack || above[bin] != 0 {
			return false
		}
		above[bin] = index
		bins[bin] = uint16(index<<codeBits - int(n))
		return true
	}
	half := len(limits) + 1 // index of +0 in a mirrored table
	for i, l := range limits {
		w := float64(l) * factor
		if mirrored {
			w += awayFromZero
			if !set(w, half+1+i) || !set(-w, half-1-i) {
				return bins, false
			}
		} else if !set(w, i+1) {
			return bins, false
		}
	}
	index := 0
	for i := range 32 {
		bin := (i + 16) % 32 // words are signed
		if bin == 0 && mirrored {
			index = half
		}
		if above[bin] != 0 {
			index = above[bin]
			continue
		}
		bins[bin] = uint16(index<<codeBits + 1<<(codeBits-2) - bin<<binBits)
	}
	bins[16] = 1 << 15 // the word -32768 becomes 0, and those above it numbers of the first index
	return bins, true
}
