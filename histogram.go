package quant

import (
	"math"
	"slices"
)

// A histogram counts the finite values of one tensor, channel or group by
// their bins, which are the same for all data: two histograms add up exactly.
// Its memory is that of the octaves seen: 512 bytes for each of them and each
// lane, and 2 KiB for each lane.
type histogram struct {
	at     []octaveIndex // of one lane, or of histogramLanes
	counts []uint32      // of binsEach bins for each octave and lane
	wide   []uint64      // what counts held before it had to begin anew; may be shorter

	// pending is the number of values in counts: below 2^32, so that none of
	// them wraps around.
	pending uint64
}

// reset empties h, which is to count in so many lanes.
func (h *histogram) reset(lanes int) {
	h.at = resize(h.at, lanes)
	clear(h.at)
	h.counts, h.wide, h.pending = h.counts[:0], h.wide[:0], 0
}

// add counts src, whose elements are finite.
func (h *histogram) add(src []float32) {
	var at [histogramLanes]*octaveIndex
	for i := range at {
		at[i] = &h.at[i%len(h.at)]
	}
	for len(src) > 0 {
		if h.pending == math.MaxUint32 {
			h.carry()
		}
		part := src[:min(uint64(len(src)), math.MaxUint32-h.pending)]
		n := histogramRuns(h.counts, &at, part)
		h.pending += uint64(n)
		if src = src[n:]; n < len(part) {
			h.place(int(math.Float32bits(src[0]) >> 23))
		}
	}
}

// place gives an octave its bins, in every lane.
func (h *histogram) place(octave int) {
	for i := range h.at {
		first := len(h.counts)
		h.at[i][octave] = uint32(bins + first - octave*binsEach)
		if cap(h.counts) >= first+binsEach {
			h.counts = h.counts[:first+binsEach]
			clear(h.counts[first:])
		} else {
			h.counts = append(h.counts, make([]uint32, binsEach)...)
		}
	}
}

// reserve makes room for n octaves.
func (h *histogram) reserve(n int) {
	h.counts = slices.Grow(h.counts, n*binsEach*len(h.at))
}

// carry moves all counts to wide.
func (h *histogram) carry() {
	if n := len(h.counts) - len(h.wide); n > 0 {
		h.wide = append(h.wide, make([]uint64, n)...)
	}
	for i, c := range h.counts {
		h.wide[i] += uint64(c)
	}
	clear(h.counts)
	h.pending = 0
}

// addCount adds n values to bin b.
func (h *histogram) addCount(b int, n uint64) {
	if h.at[0][b/binsEach] == 0 {
		h.place(b / binsEach)
	}
	i := int(h.at[0][b/binsEach]) + b - bins
	if n <= math.MaxUint32-h.pending {
		h.counts[i] += uint32(n)
		h.pending += n
		return
	}
	h.carry()
	h.wide[i] += n
}

// count returns the number of values in bin b.
func (h *histogram) count(b int) uint64 {
	n := uint64(0)
	for l := range h.at {
		first := h.at[l][b/binsEach]
		if first == 0 {
			return 0
		}
		i := int(first) + b - bins
		n += uint64(h.counts[i])
		if i < len(h.wide) {
			n += h.wide[i]
		}
	}
	return n
}

// next returns the first bin from b on that holds values, or bins.
func (h *histogram) next(b int) int {
	for b < bins && len(h.at) > 0 {
		end := (b/binsEach + 1) * binsEach
		if h.at[0][b/binsEach] != 0 {
			for ; b < end; b++ {
				if h.count(b) > 0 {
					return b
				}
			}
		}
		b = end
	}
	return bins
}

// merge adds the counts of o.
func (h *histogram) merge(o *histogram) {
	if len(o.wide) == 0 && o.pending <= math.MaxUint32-h.pending {
		h.mergeOctaves(o)
		return
	}
	for b := o.next(0); b < bins; b = o.next(b + 1) {
		h.addCount(b, o.count(b))
	}
}

// mergeOctaves is merge for counts that leave those of h below 2^32.
func (h *histogram) mergeOctaves(o *histogram) {
	if len(o.at) == 0 {
		return
	}
	for octave := range octaves {
		if o.at[0][octave] == 0 {
			continue
		}
		if h.at[0][octave] == 0 {
			h.place(octave)
		}
		first := int(h.at[0][octave]) + octave*binsEach - bins
		to := h.counts[first : first+binsEach]
		for l := range o.at {
			first := int(o.at[l][octave]) + octave*binsEach - bins
			for i, n := range o.counts[first : first+binsEach] {
				to[i] += n
			}
		}
	}
	h.pending += o.pending
}

// Of the bins, those from negative on are of negative values, or -0, and go
// from 0 downwards.
const negative = bins / 2

// binOf returns the bin of a value.
func binOf(x float32) int { return int(math.Float32bits(x) >> 16) }

// edges returns the least and the greatest magnitude that bin b%negative may hold.
func edges(b int) (least, greatest float64) {
	b %= negative
	first := math.Float32frombits(uint32(b) << 16)
	last := math.Float32frombits(uint32(b)<<16 | 0xffff)
	return float64(first), float64(last)
}

// ascending returns the bins in the order of their values: the i-th of bins.
func ascending(i int) int {
	if i < negative {
		return bins - 1 - i
	}
	return i - negative
}

// rank returns about the value of which k are smaller: one in the same bin,
// where the values of a bin are taken to be spread evenly. The exact one is
// not further off than 2^-7 of its magnitude, or than 2^-133. n is the number
// of all values; r is their range.
func (h *histogram) rank(k, n uint64, r Range) float32 {
	if k == 0 {
		return r.Min
	}
	if k == n-1 {
		return r.Max
	}
	for i := 0; i < bins; i++ {
		b := ascending(i)
		if h.at[0][b/binsEach] == 0 {
			i |= binsEach - 1
			continue
		}
		c := h.count(b)
		if k >= c {
			k -= c
			continue
		}
		if b%negative == 0 {
			return clampTo(0, r) // most likely they are zeros
		}
		least, greatest := edges(b)
		part := (float64(k) + 0.5) / float64(c)
		if b >= negative {
			part = 1 - part
		}
		v := least + float64(part*(greatest-least))
		if b >= negative {
			v = -v
		}
		return clampTo(float32(v), r)
	}
	return r.Max
}

// locate returns the bin of the value of which k are smaller, and how many in
// that bin have a smaller magnitude than it, equal ones being put in any order.
func (h *histogram) locate(k uint64) (bin int, smaller uint64) {
	for i := 0; i < bins; i++ {
		bin = ascending(i)
		if h.at[0][bin/binsEach] == 0 {
			i |= binsEach - 1
			continue
		}
		c := h.count(bin)
		if k < c {
			if bin >= negative {
				k = c - 1 - k
			}
			break
		}
		k -= c
	}
	return bin, k
}

func clampTo(v float32, r Range) float32 { return min(max(v, r.Min), r.Max) }

// tails returns how many of n values Percentile(p) leaves out at either end.
func tails(p float64, n uint64) uint64 {
	k := uint64(float64(float64(n)*(100-p)) / 200)
	return min(k, (n-1)/2)
}

// percentile returns the range that leaves out k of n values at either end.
func (h *histogram) percentile(k, n uint64, r Range) Range {
	return Range{h.rank(k, n, r), h.rank(n-1-k, n, r)}
}
