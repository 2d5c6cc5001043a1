package quant

import "math"

// digits find the value that is k-th in size in a bin: they count the next bits
// of those that begin as it does. The bits of a value's magnitude ascend with it.
type digits struct {
	prefix  uint32 // the upper bits, known
	left    int    // bits that are not
	width   int    // how many of them are counted
	smaller uint64 // values of that prefix that are smaller
	counts  []uint64
}

// look begins to look for the value of which k in h are smaller.
func (d *digits) look(h *histogram, k uint64, width int) {
	bin, smaller := h.locate(k)
	d.prefix, d.smaller, d.left, d.width = uint32(bin), smaller, 16, width
	d.clear()
}

func (d *digits) clear() {
	d.counts = resize(d.counts, 1<<d.width)
	clear(d.counts)
}

// copy makes d look for what o does.
func (d *digits) copy(o *digits) {
	d.prefix, d.left, d.width = o.prefix, o.left, o.width
	if d.left > 0 {
		d.clear()
	}
}

func (d *digits) add(x []float32) {
	if d.left == 0 {
		return
	}
	prefix, shift, rest := d.prefix, d.left, d.left-d.width
	for _, v := range x {
		if b := math.Float32bits(v); b>>shift == prefix {
			d.counts[b>>rest&(1<<d.width-1)]++
		}
	}
}

func (d *digits) join(o *digits) {
	if d.left == 0 {
		return
	}
	for i, c := range o.counts {
		d.counts[i] += c
	}
}

// settle takes the bits that were counted, and reports whether they were the last.
func (d *digits) settle() bool {
	for i, c := range d.counts {
		if d.smaller < c {
			d.prefix = d.prefix<<d.width | uint32(i)
			break
		}
		d.smaller -= c
	}
	if d.left -= d.width; d.left == 0 {
		return true
	}
	d.clear()
	return false
}

func (d *digits) value() float32 { return plusZero(math.Float32frombits(d.prefix)) }
