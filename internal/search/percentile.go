package search

import (
	"math"

	"github.com/a01592f9/quant/internal/exact"
	"github.com/a01592f9/quant/internal/histogram"
)

// A KthValue finds the value that is k-th in size, exactly, in one pass over all
// values or more. A histogram shows in which bin it is, which is its upper 16
// bits. A pass counts the next bits of the values that begin as it does: the bits
// of a value's magnitude ascend with it. (This is a radix selection; see D. Knuth,
// The Art of Computer Programming, vol. 3, 5.2.5.)
type KthValue struct {
	prefix  uint32 // the upper bits, known
	left    int    // bits that are not
	mask    uint32 // of the bits that are looked at: all, or those of magnitudes
	width   int    // how many of them are counted in a pass: 8 or 16
	smaller uint64 // values of that prefix that are smaller
	counts  []uint64
}

// Begin begins to look for the value of which k in h are smaller, with a pass
// for each so many bits: 8 or 16.
func (d *KthValue) Begin(h *histogram.Histogram, k uint64, width int) {
	bin, smaller := h.Locate(k)
	d.prefix, d.smaller, d.left, d.width, d.mask = uint32(bin), smaller, 16, width, ^uint32(0)
	d.clear()
}

// BeginMagnitude is Begin for the magnitude of which k are smaller.
func (d *KthValue) BeginMagnitude(h *histogram.Histogram, k uint64, width int) {
	bin, smaller := h.LocateMagnitude(k)
	d.prefix, d.smaller, d.left, d.width, d.mask = uint32(bin), smaller, 16, width, 1<<31-1
	d.clear()
}

// Stop makes d look for nothing.
func (d *KthValue) Stop() { d.left = 0 }

// Open reports whether d needs a pass.
func (d *KthValue) Open() bool { return d.left > 0 }

func (d *KthValue) clear() {
	d.counts = resize(d.counts, 1<<d.width)
	clear(d.counts)
}

// Copy makes d look for what o does, for a part of the values of a pass.
func (d *KthValue) Copy(o *KthValue) {
	d.prefix, d.left, d.width, d.mask = o.prefix, o.left, o.width, o.mask
	if d.left > 0 {
		d.clear()
	}
}

// Add counts values.
func (d *KthValue) Add(x []float32) {
	if d.left == 0 {
		return
	}
	prefix, mask, counts := d.prefix, d.mask, d.counts
	if d.width == 16 { // then it is the only pass
		counts = counts[:1<<16]
		for _, v := range x {
			if b := math.Float32bits(v) & mask; b>>16 == prefix {
				counts[b&0xffff]++
			}
		}
		return
	}
	counts = counts[:1<<8]
	shift, rest := uint(d.left)&31, uint(d.left-8)&31 // so that the compiler knows that they are no larger
	for _, v := range x {
		if b := math.Float32bits(v) & mask; b>>shift == prefix {
			counts[b>>rest&0xff]++
		}
	}
}

// Join adds what a copy has counted.
func (d *KthValue) Join(o *KthValue) {
	if d.left == 0 {
		return
	}
	for i, c := range o.counts {
		d.counts[i] += c
	}
}

// Next takes the bits that a pass has counted, and reports whether they were the
// last.
func (d *KthValue) Next() bool {
	smaller := d.smaller
	for i, c := range d.counts {
		if smaller < c {
			d.prefix = d.prefix<<d.width | uint32(i)
			break
		}
		smaller -= c
	}
	d.smaller = smaller
	if d.left -= d.width; d.left == 0 {
		return true
	}
	d.clear()
	return false
}

// Value returns the value that was found.
func (d *KthValue) Value() float32 { return exact.PlusZero(math.Float32frombits(d.prefix)) }

// sortedMagnitudes returns the range that leaves out k of the values, those of the largest
// magnitudes.
func (s *Search) sortedMagnitudes(x []float32, k uint64, r Range) Range {
	if k == 0 {
		return r
	}
	w := &s.sweep
	w.sort(x)
	i, j := 0, len(x)-1
	for ; k > 0; k-- { // one end is the largest magnitude
		if -w.v[i] > w.v[j] {
			i++
		} else {
			j--
		}
	}
	return Cut(r, float32(max(-w.v[i], w.v[j])))
}
