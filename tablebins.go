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

// newTableBins returns the bins of b, whose limits between codes are limits: those of magnitudes
// if mirrored is set. Limits ascend.
func newTableBins(b *codebook, limits []float32, mirrored bool) tableBins {
	t := tableBins{factor: float32(math.NaN()), magnitude: math.MaxUint32}
	if mirrored {
		t.magnitude, t.sign = math.MaxUint32>>1, uint32(len(b.values)/2)
	}
	for i, c := range b.order {
		t.order[i] = c
	}
	// The smallest factor that will do leaves most room for clipped elements.
	for k := float64(1<<binBits) / 4 / float64(b.largest); k <= farthestWord/float64(b.largest); k *= 1 + 1.0/256 {
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

// mirroredLimits returns the limits between the magnitudes of b if its codes are a sign and a
// magnitude, and both signs have the same limits.
func (b *codebook) mirroredLimits() (limits []float32, ok bool) {
	half := len(b.values) / 2
	if len(b.order) != 2*half || math.Float32bits(b.values[0]) != 0 || b.limits[half-1] != key(minusZero) {
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
