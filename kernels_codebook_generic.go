package quant

import "math"

// The definitions of the kernels of codebooks: see kernels.go for what kernels have in
// common. Codes are bytes.

// quantizeBookRunsGeneric stores the code of each element in dst.
func quantizeBookRunsGeneric(dst []uint8, src []float32, run int, scale []float32, b *codebook) {
	dst = dst[:len(src)]
	for i := 0; len(src) > 0; i++ {
		n := min(run, len(src))
		if b.float != nil {
			quantizeFloats(dst[:n], src[:n], scale[i], b.float)
		} else {
			quantizeValues(dst[:n], src[:n], scale[i], b)
		}
		src, dst = src[n:], dst[n:]
	}
}

// quantizeBookPackedGeneric is quantizeBookRunsGeneric, packed to 4 bits. The dispatcher reports
// whether it has a kernel: without one, codes are packed afterwards.
func quantizeBookPackedGeneric(dst []byte, src []float32, run int, scale []float32, b *codebook) {
	for i, x := range src {
		c := b.code(x / scale[i/run])
		if i%2 == 0 {
			dst[i/2] = c
		} else {
			dst[i/2] |= c << 4
		}
	}
}

// quantizeFloats stores f.code of each quotient. The method by itself is too large for the
// compiler to put it into a loop.
func quantizeFloats(dst []uint8, src []float32, scale float32, f *floatCode) {
	dst = dst[:len(src)]
	c, sign := *f, f.sign&31
	for i, x := range src {
		b := math.Float32bits(x / scale)
		a := b & 0x7fffffff
		m := c.magnitude(a)
		m |= b >> 31 << sign & (c.minus | -(-m >> 31))
		if a > 0x7f800000 {
			m = c.nan
		}
		dst[i] = uint8(m)
	}
}

// quantizeValues stores b.code of each quotient, for a table.
func quantizeValues(dst []uint8, src []float32, scale float32, b *codebook) {
	dst = dst[:len(src)]
	for i, x := range src {
		c := b.nan
		if v := x / scale; v == v {
			c = b.order[b.rank(key(v))]
		}
		dst[i] = c
	}
}

// quantizeBookColumnsGeneric is quantizeBookRunsGeneric with the scale of column j for
// element j of each row.
func quantizeBookColumnsGeneric(dst []uint8, src []float32, scale []float32, b *codebook) {
	dst = dst[:len(src)]
	for len(src) > 0 {
		n := min(len(scale), len(src))
		d := dst[:n]
		for j, s := range scale[:n] {
			d[j] = b.code(src[j] / s)
		}
		src, dst = src[n:], dst[n:]
	}
}

// dequantizeBookRunsGeneric stores the value of each code times its scale in dst. Bits of a
// code beyond those of the format are ignored.
func dequantizeBookRunsGeneric(dst []float32, src []uint8, run int, scale []float32, b *codebook) {
	dst = dst[:len(src)]
	last := uint8(len(b.values) - 1)
	for i := 0; len(src) > 0; i++ {
		n := min(run, len(src))
		s := scale[i]
		d := dst[:n]
		for j, c := range src[:n] {
			d[j] = b.values[c&last] * s
		}
		src, dst = src[n:], dst[n:]
	}
}

// dequantizeBookColumnsGeneric is dequantizeBookRunsGeneric with the scale of column j for
// element j of each row.
func dequantizeBookColumnsGeneric(dst []float32, src []uint8, scale []float32, b *codebook) {
	dst = dst[:len(src)]
	last := uint8(len(b.values) - 1)
	for len(src) > 0 {
		n := min(len(scale), len(src))
		d := dst[:n]
		for j, s := range scale[:n] {
			d[j] = b.values[src[j]&last] * s
		}
		src, dst = src[n:], dst[n:]
	}
}

// errorsBookRunsGeneric sets acc[i] to the sums of run i, whose length is at most
// blockLen. Elements are finite.
func errorsBookRunsGeneric(acc []sums, src []float32, run int, scale []float32, b *codebook) {
	for i := range acc {
		var abs, sq [lanes]float64
		a := sums{}
		s := scale[i]
		for j, x := range src[i*run : min((i+1)*run, len(src))] {
			d, clipped := b.deviation(x, s)
			abs[j%lanes] += float64(d)
			sq[j%lanes] += float64(d) * float64(d)
			if d > a.max {
				a.max = d
			}
			a.clipped += clipped
		}
		a.abs, a.sq = fold(&abs), fold(&sq)
		acc[i] = a
	}
}

// errorsBookColumnsGeneric adds the errors of each column, row by row, to acc.
func errorsBookColumnsGeneric(acc columnSums, src []float32, rows, stride int, scale []float32, b *codebook) {
	n := len(scale)
	acc = acc.sub(n)
	for r := range rows {
		for j, x := range src[r*stride:][:n] {
			d, clipped := b.deviation(x, scale[j])
			acc.abs[j] += float64(d)
			acc.sq[j] += float64(d) * float64(d)
			if d > acc.max[j] {
				acc.max[j] = d
			}
			acc.clipped[j] += clipped
		}
	}
}
