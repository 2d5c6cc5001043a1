package gguf

import "math"

// The encoders of Q4_K, Q5_K and Q6_K; dequantize_k.go describes their blocks. For every group
// they try several scales and minima, and take those with the least weighted error. Then they
// round the scales and minima, and take the nearest codes for the rounded ones.

// nearestInt rounds to the nearest integer, ties to even. For NaN and magnitudes above 2²² it
// returns the same as ggml's bit operations.
func nearestInt(x float32) int {
	const magic = 12582912 // 2²³ + 2²²
	return int(math.Float32bits(float32(x)+magic)&0x007fffff) - 0x00400000
}

// clampInt limits v to the range from low to high.
func clampInt(v, low, high int) int { return max(low, min(high, v)) }

// A scaled is a group of 32 elements with the weights of their errors, and some sums.
type scaled struct {
	x, weights *[32]float32
	low, high  float32
	sumW, sumX float32 // sums of the weights, and of the weighted elements
}

// newScaled returns a group. The weight of an element is its magnitude plus the root mean
// square of the group.
func newScaled(x, weights *[32]float32) scaled {
	squares := float32(0)
	for _, v := range x {
		squares += float32(v * v)
	}
	root := float32(math.Sqrt(float64(squares / 32)))
	for i, v := range x {
		weights[i] = root + absolute(v)
	}
	s := scaled{x: x, weights: weights, low: x[0], high: x[0], sumW: weights[0], sumX: float32(weights[0] * x[0])}
	for i := 1; i < len(x); i++ {
		if x[i] < s.low {
			s.low = x[i]
		}
		if x[i] > s.high {
			s.high = x[i]
		}
		s.sumW += weights[i]
		s.sumX += float32(weights[i] * x[i])
	}
	if s.low > 0 {
		s.low = 0
	}
	return s
}

// loss returns the weighted sum of squared errors for a scale and a minimum.
func (s *scaled) loss(codes []byte, scale, low float32) float32 {
	sum := float32(0)
	for i, c := range (*[32]byte)(codes) {
		diff := float32(scale*float32(c)) + low - s.x[i]
		sum += float32(s.weights[i] * float32(diff*diff))
	}
	return sum
}

// fit stores codes from 0 to most, and returns the scale and the minimum, which is subtracted.
// It tries several numbers of steps from the smallest element to the largest: most+first,
// most+first+0.1 and so on. For each it computes the best scale and minimum for the resulting
// codes.
func (s *scaled) fit(codes []byte, most int, first float32, steps int) (scale, minimum float32) {
	if s.high == s.low {
		clear(codes)
		return 0, -s.low
	}
	low, high := s.low, s.high
	inverse := float32(most) / (high - low)
	scale = 1 / inverse
	for i, v := range s.x {
		codes[i] = byte(clampInt(nearestInt(inverse*(v-low)), 0, most))
	}
	best := s.loss(codes, scale, low)
	var trial [32]byte
	for step := range steps + 1 {
		inverse = (first + float32(0.1*float32(step)) + float32(most)) / (high - low)
		var sumL, sumL2, sumXL float32
		for i, v := range s.x {
			// low is the minimum of the last improvement.
			code := clampInt(nearestInt(inverse*(v-low)), 0, most)
			trial[i] = byte(code)
			l, w := float32(code), s.weights[i]
			wl := w * l
			sumL += float32(wl)
			sumL2 += float32(wl * l)
			sumXL += float32(wl * v)
		}
		det := float32(s.sumW*sumL2) - float32(sumL*sumL)
		if !(det > 0) {
			continue
		}
		trialScale := (float32(s.sumW*sumXL) - float32(s.sumX*sumL)) / det
		trialLow := (float32(sumL2*s.sumX) - float32(sumL*sumXL)) / det
		if trialLow > 0 {
			trialLow = 0
			trialScale = sumXL / sumL2
		}
		if e := s.loss(trial[:], trialScale, trialLow); e < best {
			copy(codes, trial[:])
			best, scale, low = e, trialScale, trialLow
		}
	}
	return scale, -low
}

// groupsK stores d, dmin and the 12 bytes of scales and minima in dst, and 256 codes from 0 to
// most in codes.
func groupsK(dst []byte, codes *[256]byte, x []float32, most int, first float32, steps int) bool {
	if notFinite(x) >= 0 {
		return false
	}
	var weights [32]float32
	var scales, minima [8]float32
	var maxScale, maxMin float32
	for g := range scales {
		s := newScaled((*[32]float32)(x[32*g:]), &weights)
		scales[g], minima[g] = s.fit(codes[32*g:][:32], most, first, steps)
		if scales[g] > maxScale {
			maxScale = scales[g]
		}
		if minima[g] > maxMin {
			maxMin = minima[g]
		}
	}
	packed := (*[12]byte)(dst[4:])
	packScales(packed, &scales, &minima, maxScale, maxMin)
	if !putHalf(dst, maxScale/63) || !putHalf(dst[2:], maxMin/63) {
		return false
	}
	d, dmin := half(dst), half(dst[2:])
	for g := range scales {
		s, m := scaleMin(packed, g)
		scale, minimum := d*float32(s), float32(dmin*float32(m))
		if scale == 0 {
			continue
		}
		for i, v := range x[32*g:][:32] {
			codes[32*g+i] = byte(clampInt(nearestInt((v+minimum)/scale), 0, most))
		}
	}
	return true
}

// packScales rounds scales and minima to six bits, and stores them in the layout of scaleMin.
func packScales(dst *[12]byte, scales, minima *[8]float32, maxScale, maxMin float32) {
	var inverseScale, inverseMin float32
	if maxScale > 0 {
		inverseScale = 63 / maxScale
	}
	if maxMin > 0 {
		inverseMin = 63 / maxMin
	}
	for g := range scales {
		s := min(byte(nearestInt(inverseScale*scales[g])), 63)
		m := min(byte(nearestInt(inverseMin*minima[g])), 63)
		if g < 4 {
			dst[g], dst[g+4] = s, m
			continue
		}
		dst[g+4] = s&15 | m<<4
		dst[g-4] |= s >> 4 << 6
		dst[g] |= m >> 4 << 6
	}
}

func encodeQ4K(dst []byte, x []float32) bool {
	var codes [256]byte
	if !groupsK(dst, &codes, x, 15, -1, 20) {
		return false
	}
	for i := range 128 {
		low := i/32*64 + i%32
		dst[16+i] = codes[low] | codes[low+32]<<4
	}
	return true
}

func encodeQ5K(dst []byte, x []float32) bool {
	var codes [256]byte
	if !groupsK(dst, &codes, x, 31, -0.5, 15) {
		return false
	}
	fifth := dst[16:48]
	clear(fifth)
	for i, c := range codes {
		fifth[i%32] |= c >> 4 << (i / 32)
	}
	for i := range 128 {
		low := i/32*64 + i%32
		dst[48+i] = codes[low]&15 | codes[low+32]<<4
	}
	return true
}

// fitSigned stores codes of 16 elements and returns their scale. Codes are from 0 to 63, and
// stand for −32 to 31. It tries the scale that gives the largest magnitude the code −32, and 18
// other scales. The weights of errors are the squares of elements.
func fitSigned(codes *[16]byte, x *[16]float32) float32 {
	bits, most := largest(x[:])
	if math.Float32frombits(bits) < tiny {
		clear(codes[:])
		return 0
	}
	// sums returns weighted sums for the codes of a scale: of elements times codes, and of the
	// squares of codes.
	sums := func(inverse float32) (lx, l2 float32) {
		for _, v := range x {
			l := float32(clampInt(nearestInt(inverse*v), -32, 31))
			w := v * v
			lx += float32(w * v * l)
			l2 += float32(w * l * l)
		}
		return lx, l2
	}
	inverse := -32 / most
	lx, l2 := sums(inverse)
	chosen, scale := inverse, float32(0)
	if l2 != 0 {
		scale = lx / l2
	}
	best := scale * lx
	for step := -9; step <= 9; step++ {
		if step == 0 {
			continue
		}
		inverse = -(32 + float32(0.1*float32(step))) / most
		if lx, l2 = sums(inverse); l2 > 0 && lx*lx > best*l2 {
			chosen, scale = inverse, lx/l2
			best = scale * lx
		}
	}
	for i, v := range x {
		codes[i] = byte(32 + clampInt(nearestInt(chosen*v), -32, 31))
	}
	return scale
}

// encodeQ6K encodes a block. It returns false for a block whose sums overflow, for which ggml
// returns zeros.
func encodeQ6K(dst []byte, x []float32) bool {
	if notFinite(x) >= 0 {
		return false
	}
	var codes [256]byte
	var scales [16]float32
	var maxScale, maxAbs float32
	for g := range scales {
		s := fitSigned((*[16]byte)(codes[16*g:]), (*[16]float32)(x[16*g:]))
		if s-s != 0 {
			return false
		}
		scales[g] = s
		if a := absolute(s); a > maxAbs {
			maxScale, maxAbs = s, a
		}
	}
	if maxAbs < tiny {
		clear(dst)
		return true
	}
	inverse := -128 / maxScale
	if !putHalf(dst[208:], 1/inverse) {
		return false
	}
	d, packed := half(dst[208:]), dst[192:208]
	for g, s := range scales {
		scale := min(127, nearestInt(inverse*s))
		packed[g] = byte(scale)
		step := d * float32(int8(scale))
		if step == 0 {
			continue
		}
		for i, v := range x[16*g:][:16] {
			codes[16*g+i] = byte(clampInt(nearestInt(v/step), -32, 31) + 32)
		}
	}
	packQ6K(dst, &codes)
	return true
}

// packQ6K stores codes in the layout of decodeQ6K.
func packQ6K(dst []byte, codes *[256]byte) {
	for part := range 2 {
		low, high, c := dst[64*part:][:64], dst[128+32*part:][:32], codes[128*part:][:128]
		for l := range 32 {
			a, b, e, f := c[l], c[l+32], c[l+64], c[l+96]
			low[l] = a&15 | e<<4
			low[l+32] = b&15 | f<<4
			high[l] = a>>4 | b>>4<<2 | e>>4<<4 | f>>4<<6
		}
	}
}
