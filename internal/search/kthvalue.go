package search

import (
	"math"

	"github.com/a01592f9/quant/internal/exact"
	"github.com/a01592f9/quant/internal/histogram"
)

// A KthValue finds the value of a given rank exactly, in one or two passes over all values. The
// histogram gives its upper 16 bits, since a bin is all values with the same upper 16 bits. Each
// pass counts the values that begin with the known bits by their next bits. For values of one
// sign the order of the bits is the order of the magnitudes. (This is a radix selection; see
// D. Knuth, The Art of Computer Programming, vol. 3, 5.2.5.)
//
// Call Begin or BeginMagnitude. For each pass call Add with all values, and then Next. Call
// Value when Next has returned true.
type KthValue struct {
	prefix  uint32   // the upper bits, which are known
	left    int      // number of the lower bits, which are not known yet
	mask    uint32   // the bits that are compared: all, or all but the sign
	width   int      // number of bits that a pass counts: 8 or 16
	smaller uint64   // number of values with the prefix and a smaller magnitude
	counts  []uint64 // a counter for each combination of the next width bits
}

// Begin starts the search for the value at index k of the values of h in ascending order. Each
// pass finds width bits: 8 or 16. So one pass is needed for 16 bits, and two for 8.
func (d *KthValue) Begin(h *histogram.Histogram, k uint64, width int) {
	bin, smaller := h.Locate(k)
	d.prefix, d.smaller, d.left, d.width, d.mask = uint32(bin), smaller, 16, width, ^uint32(0)
	d.clear()
}

// BeginMagnitude is Begin for the magnitude at index k of all magnitudes in ascending order.
func (d *KthValue) BeginMagnitude(h *histogram.Histogram, k uint64, width int) {
	bin, smaller := h.LocateMagnitude(k)
	d.prefix, d.smaller, d.left, d.width, d.mask = uint32(bin), smaller, 16, width, 1<<31-1
	d.clear()
}

// Stop ends the search: d needs no more passes.
func (d *KthValue) Stop() { d.left = 0 }

// Open reports whether d needs another pass.
func (d *KthValue) Open() bool { return d.left > 0 }

// clear sets all counters to 0.
func (d *KthValue) clear() {
	d.counts = resize(d.counts, 1<<d.width)
	clear(d.counts)
}

// Copy makes d count for the same search as o. The values of a pass can then be divided between
// o and d; Join adds the counts of d to those of o.
func (d *KthValue) Copy(o *KthValue) {
	d.prefix, d.left, d.width, d.mask = o.prefix, o.left, o.width, o.mask
	if d.left > 0 {
		d.clear()
	}
}

// Add counts the values of x. It does nothing if d needs no pass.
func (d *KthValue) Add(x []float32) {
	if d.left == 0 {
		return
	}
	prefix, mask, counts := d.prefix, d.mask, d.counts
	if d.width == 16 { // the only pass
		counts = counts[:1<<16]
		for _, v := range x {
			if b := math.Float32bits(v) & mask; b>>16 == prefix {
				counts[b&0xffff]++
			}
		}
		return
	}
	counts = counts[:1<<8]
	shift, rest := uint(d.left)&31, uint(d.left-8)&31 // &31 spares a check of the shifts
	for _, v := range x {
		if b := math.Float32bits(v) & mask; b>>shift == prefix {
			counts[b>>rest&0xff]++
		}
	}
}

// Join adds the counts of o, a copy of d.
func (d *KthValue) Join(o *KthValue) {
	if d.left == 0 {
		return
	}
	for i, c := range o.counts {
		d.counts[i] += c
	}
}

// Next ends a pass: it finds the next bits of the value. It returns true after the last pass.
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

// Value returns the value that the search has found.
func (d *KthValue) Value() float32 { return exact.PlusZero(math.Float32frombits(d.prefix)) }
