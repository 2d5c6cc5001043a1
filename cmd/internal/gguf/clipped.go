package gguf

import "math"

// Clipped returns the number of elements of src that are at least half a step beyond the
// largest or the smallest value of their group in blocks. The blocks are the result of Encode
// for src, with a type that is Writable. The result is 0 for types that cover the range from
// the smallest to the largest element, and for F32, F16 and BF16.
func (t Type) Clipped(src []float32, blocks []byte) int {
	switch t {
	case Q4_0:
		return clippedCentred(src, 8)
	case Q5_0:
		return clippedCentred(src, 16)
	}
	block, size := t.Block()
	limits := t.limits()
	if limits == nil {
		return 0
	}
	n := 0
	for ; len(src) >= block; src, blocks = src[block:], blocks[size:] {
		limits(blocks[:size], func(from, end int, low, high float32) {
			for _, v := range src[from:end] {
				if v < low || v > high {
					n++
				}
			}
		})
	}
	return n
}

// clippedCentred is Clipped for Q4_0 and Q5_0. Their codes end one step earlier on the side of
// 0 opposite to the largest magnitude.
func clippedCentred(src []float32, zero float32) int {
	n := 0
	for ; len(src) > 0; src = src[BlockLen:] {
		x := src[:BlockLen]
		_, most := largest(x)
		id := reciprocal(most / -zero)
		if math.IsInf(float64(id), 0) {
			continue // the scale is 0, and so are all codes
		}
		for _, v := range x {
			if float32(v*id)+(zero+0.5) >= 2*zero {
				n++
			}
		}
	}
	return n
}

// A limiter calls f for every group of a block with a scale other than 0: with the range of its
// elements, and with the limits beyond which elements are clipped.
type limiter func(block []byte, f func(from, end int, low, high float32))

// limits returns the limiter of t, or nil if t does not clip.
func (t Type) limits() limiter {
	whole := func(low, high float32, d func(b []byte) float32) limiter {
		return func(b []byte, f func(from, end int, low, high float32)) {
			if d := d(b); d != 0 {
				f(0, BlockLen, min(low*d, high*d), max(low*d, high*d))
			}
		}
	}
	switch t {
	case IQ4_NL:
		return whole(-138.5, 125, half) // half of the distance between the last two values is added
	case MXFP4:
		return whole(-14, 14, func(b []byte) float32 { return halfE8M0(b[0]) })
	case Q4_K:
		return func(b []byte, f func(from, end int, low, high float32)) { limitsK(b, 15, f) }
	case Q5_K:
		return func(b []byte, f func(from, end int, low, high float32)) { limitsK(b, 31, f) }
	case Q6_K:
		return limitsQ6K
	}
	return nil
}

func limitsK(b []byte, most float32, f func(from, end int, low, high float32)) {
	d, dmin := half(b), half(b[2:])
	for g := range 8 {
		s, m := scaleMin((*[12]byte)(b[4:]), g)
		if scale, minimum := d*float32(s), float32(dmin*float32(m)); scale != 0 {
			f(32*g, 32*g+32, float32(-0.5*scale)-minimum, float32((most+0.5)*scale)-minimum)
		}
	}
}

func limitsQ6K(b []byte, f func(from, end int, low, high float32)) {
	d := half(b[208:])
	for g, s := range b[192:208] {
		if scale := d * float32(int8(s)); scale != 0 {
			low, high := -32.5*scale, 31.5*scale
			f(16*g, 16*g+16, min(low, high), max(low, high))
		}
	}
}
