// Package histogram counts float32 values in fixed bins, and finds values of a given rank.
// Since the bins are the same for all data, the sum of two histograms is exact.
//
// A bin is all values with the same upper 16 bits: sign, exponent and seven bits of mantissa.
// So the width of a bin is 2^-7 of the power of two below its values, and the bins do not
// depend on the range of the values.
package histogram

import (
	"math"
	"slices"
)

const (
	// Bins is the number of bins. The bins from Negative on hold -0 and negative values, in
	// descending order.
	Bins     = 1 << 16
	Negative = Bins / 2

	// Octaves is the number of octaves. An octave is all bins with the same sign and exponent.
	Octaves   = 1 << 9
	PerOctave = Bins / Octaves // bins in an octave

	// Lanes is the number of counters for each bin that a kernel uses in turn. Equal neighbours
	// in the data then need not wait for the same counter.
	Lanes = 4
)

// A Range is the smallest and the largest of some values. Both are finite, Min
// is not above Max, and a zero is +0.
type Range struct{ Min, Max float32 }

// Clamp returns the value in r that is nearest to v.
func (r Range) Clamp(v float32) float32 { return min(max(v, r.Min), r.Max) }

// An OctaveIndex says where the counters of each octave are: the counter of bin b is
// counters[index[b/PerOctave]+b-Bins]. The index is 0 for an octave without counters.
type OctaveIndex [Octaves]uint32

// A Histogram counts the finite values of one tensor, channel or group. Its memory is 2 KiB for
// each lane, and 512 bytes for each lane and each octave that has values. The zero Histogram
// has no lanes and is empty; call Reset before counting.
type Histogram struct {
	at     []OctaveIndex // for one lane, or for Lanes
	counts []uint32      // PerOctave counters for each octave and lane
	wide   []uint64      // earlier sums of the counters in counts; may be shorter than counts

	// pending is the number of values in counts. It is below 2^32, so that no counter wraps
	// around.
	pending uint64
}

// Reset makes h empty, with 1 lane or with Lanes.
func (h *Histogram) Reset(lanes int) {
	if cap(h.at) < lanes {
		h.at = make([]OctaveIndex, lanes)
	}
	h.at = h.at[:lanes]
	clear(h.at)
	h.counts, h.wide, h.pending = h.counts[:0], h.wide[:0], 0
}

// Empty reports whether h has no counters, and so no values.
func (h *Histogram) Empty() bool { return len(h.counts) == 0 }

// Counters returns what a kernel needs to count up to n values: the counters, and the number of
// values that it may count now, which is at least 1. It stores the indexes of the lanes in at;
// some of them may be the same. The caller must call Counted afterwards.
func (h *Histogram) Counters(at *[Lanes]*OctaveIndex, n int) (counters []uint32, most int) {
	if h.pending == math.MaxUint32 {
		h.carry()
	}
	lane := 0
	for i := range at {
		if lane == len(h.at) {
			lane = 0
		}
		at[i] = &h.at[lane]
		lane++
	}
	return h.counts, int(min(uint64(n), math.MaxUint32-h.pending))
}

// Counted records that a kernel has counted n values.
func (h *Histogram) Counted(n int) { h.pending += uint64(n) }

// Place allocates counters for the octave of bin b in every lane. The octave must not have
// counters yet.
func (h *Histogram) Place(b int) {
	octave := b / PerOctave
	for i := range h.at {
		first := len(h.counts)
		h.at[i][octave] = uint32(Bins + first - octave*PerOctave)
		if cap(h.counts) >= first+PerOctave {
			h.counts = h.counts[:first+PerOctave]
			clear(h.counts[first:])
		} else {
			h.counts = append(h.counts, make([]uint32, PerOctave)...)
		}
	}
}

// Reserve allocates memory for the counters of n more octaves.
func (h *Histogram) Reserve(n int) {
	h.counts = slices.Grow(h.counts, n*PerOctave*len(h.at))
}

// carry moves all counts from counts to wide.
func (h *Histogram) carry() {
	if n := len(h.counts) - len(h.wide); n > 0 {
		h.wide = append(h.wide, make([]uint64, n)...)
	}
	for i, c := range h.counts {
		h.wide[i] += uint64(c)
	}
	clear(h.counts)
	h.pending = 0
}

// AddCount adds n values to bin b.
func (h *Histogram) AddCount(b int, n uint64) {
	if h.at[0][b/PerOctave] == 0 {
		h.Place(b)
	}
	i := int(h.at[0][b/PerOctave]) + b - Bins
	if n <= math.MaxUint32-h.pending {
		h.counts[i] += uint32(n)
		h.pending += n
		return
	}
	h.carry()
	h.wide[i] += n
}

// Count returns the number of values in bin b.
func (h *Histogram) Count(b int) uint64 {
	n := uint64(0)
	for l := range h.at {
		first := h.at[l][b/PerOctave]
		if first == 0 {
			return 0
		}
		i := int(first) + b - Bins
		n += uint64(h.counts[i])
		if i < len(h.wide) {
			n += h.wide[i]
		}
	}
	return n
}

// Next returns the first bin from b on that holds values, or Bins if there is none.
func (h *Histogram) Next(b int) int {
	for b < Bins && len(h.at) > 0 {
		end := (b/PerOctave + 1) * PerOctave
		if h.at[0][b/PerOctave] != 0 {
			for ; b < end; b++ {
				if h.Count(b) > 0 {
					return b
				}
			}
		}
		b = end
	}
	return Bins
}

// Merge adds the counts of o.
func (h *Histogram) Merge(o *Histogram) {
	if len(o.wide) == 0 && o.pending <= math.MaxUint32-h.pending {
		h.mergeOctaves(o)
		return
	}
	for b := o.Next(0); b < Bins; b = o.Next(b + 1) {
		h.AddCount(b, o.Count(b))
	}
}

// mergeOctaves is Merge for the case that pending stays below 2^32.
func (h *Histogram) mergeOctaves(o *Histogram) {
	if len(o.at) == 0 {
		return
	}
	for octave := range Octaves {
		if o.at[0][octave] == 0 {
			continue
		}
		if h.at[0][octave] == 0 {
			h.Place(octave * PerOctave)
		}
		first := int(h.at[0][octave]) + octave*PerOctave - Bins
		to := h.counts[first : first+PerOctave]
		for l := range o.at {
			first := int(o.at[l][octave]) + octave*PerOctave - Bins
			for i, n := range o.counts[first : first+PerOctave] {
				to[i] += n
			}
		}
	}
	h.pending += o.pending
}

// BinOf returns the bin of a value.
func BinOf(x float32) int { return int(math.Float32bits(x) >> 16) }

// Edges returns the smallest and the largest magnitude of the values in a bin.
func Edges(b int) (least, greatest float64) {
	b %= Negative
	first := math.Float32frombits(uint32(b) << 16)
	last := math.Float32frombits(uint32(b)<<16 | 0xffff)
	return float64(first), float64(last)
}

// Ascending returns the bin at place i in ascending order of values.
func Ascending(i int) int {
	if i < Negative {
		return Bins - 1 - i
	}
	return i - Negative
}

// NextAscending returns the first bin that holds values, from place i on in ascending order of
// values. at is its place and n the number of its values. at is Bins if there is no such bin.
func (h *Histogram) NextAscending(i int) (at, bin int, n uint64) {
	if len(h.at) == 0 {
		return Bins, 0, 0
	}
	for ; i < Bins; i++ {
		b := Ascending(i)
		if h.at[0][b/PerOctave] == 0 {
			i |= PerOctave - 1
			continue
		}
		if n := h.Count(b); n > 0 {
			return i, b, n
		}
	}
	return Bins, 0, 0
}

// Rank returns an estimate of the value that is larger than k of the n values. It is in the
// same bin as the exact one, so it differs by at most 2^-7 of the magnitude, or by 2^-133 if
// that is more. Rank assumes that the values of a bin are spread evenly. r is the range of all
// values.
func (h *Histogram) Rank(k, n uint64, r Range) float32 {
	if k == 0 {
		return r.Min
	}
	if k == n-1 {
		return r.Max
	}
	for i, b, c := h.NextAscending(0); i < Bins; i, b, c = h.NextAscending(i + 1) {
		if k >= c {
			k -= c
			continue
		}
		if b%Negative == 0 {
			return r.Clamp(0) // most of them are usually zeros
		}
		least, greatest := Edges(b)
		part := (float64(k) + 0.5) / float64(c)
		if b >= Negative {
			part = 1 - part
		}
		v := least + float64(part*(greatest-least))
		if b >= Negative {
			v = -v
		}
		return r.Clamp(float32(v))
	}
	return r.Max
}

// Locate returns the bin of the value that is larger than k values, and the number of values in
// that bin with a smaller magnitude. Equal values count in any order. The histogram must have
// more than k values.
func (h *Histogram) Locate(k uint64) (bin int, smaller uint64) {
	for i := 0; i < Bins; i++ { // NextAscending would be slower
		b := Ascending(i)
		if h.at[0][b/PerOctave] == 0 {
			i |= PerOctave - 1
			continue
		}
		c := h.Count(b)
		if k < c {
			if b >= Negative {
				k = c - 1 - k
			}
			return b, k
		}
		k -= c
	}
	return 0, k
}

// Percentile returns an estimate of the range without the k smallest and the k largest of n
// values.
func (h *Histogram) Percentile(k, n uint64, r Range) Range {
	return Range{h.Rank(k, n, r), h.Rank(n-1-k, n, r)}
}

// Tails returns how many of n values the percentile p leaves out at either end: (100-p)/200 of
// them, rounded down.
func Tails(p float64, n uint64) uint64 {
	k := uint64(float64(float64(n)*(100-p)) / 200)
	return min(k, (n-1)/2)
}

// Outside returns how many of n values the percentile p of magnitudes leaves out: (100-p)/100
// of them, rounded down, but at most n-1.
func Outside(p float64, n uint64) uint64 {
	return min(uint64(float64(float64(n)*(100-p))/100), n-1)
}

// LocateMagnitude returns the bin of the magnitude that is larger than the magnitudes of k
// values, as a bin of positive values. smaller is the number of values of either sign in that
// bin with a smaller magnitude. Equal magnitudes count in any order. The histogram must have
// more than k values.
func (h *Histogram) LocateMagnitude(k uint64) (bin int, smaller uint64) {
	for b := range Negative {
		c := h.Count(b) + h.Count(b+Negative)
		if k < c {
			return b, k
		}
		k -= c
	}
	return 0, k
}

// Magnitude returns an estimate of the magnitude that is larger than the magnitudes of k
// values, like Rank.
func (h *Histogram) Magnitude(k, n uint64, r Range) float32 {
	most := max(-r.Min, r.Max)
	if k == n-1 {
		return most
	}
	b, k := h.LocateMagnitude(k)
	if b == 0 {
		return 0 // most of them are usually zeros
	}
	least, greatest := Edges(b)
	part := (float64(k) + 0.5) / float64(h.Count(b)+h.Count(b+Negative))
	return min(most, float32(least+float64(part*(greatest-least))))
}
