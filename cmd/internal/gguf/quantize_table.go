package gguf

import "math"

// The encoders of IQ4_NL and MXFP4; dequantize_table.go describes their blocks.

// nearestIQ4 returns the code of the value nearest to x, ties to the higher value.
func nearestIQ4(x float32) byte {
	code := 0
	for step := 8; step > 0; step /= 2 {
		if next := code + step; x+x >= valuesIQ4[next-1]+valuesIQ4[next] {
			code = next
		}
	}
	return byte(code)
}

// encodeIQ4NL first gives the largest magnitude the code 0, which stands for −127. Then it
// computes the scale with the least error for these codes, weighted by the squares of elements.
// For a block that counts as zeros, ggml leaves the codes undefined; here they stand for +0.
func encodeIQ4NL(dst []byte, x []float32) bool {
	bits, most := largest(x)
	if bits >= 0x7f800000 {
		return false
	}
	var codes [32]byte
	d := float32(0)
	if math.Float32frombits(bits) < tiny {
		for i := range codes {
			codes[i] = 8
		}
	} else {
		d = fitIQ4(&codes, (*[32]float32)(x), most)
	}
	for j := range 16 {
		dst[2+j] = codes[j] | codes[j+16]<<4
	}
	return putHalf(dst, d)
}

func fitIQ4(codes *[32]byte, x *[32]float32, most float32) float32 {
	inverse := 1 / (most / valuesIQ4[0])
	var sumQX, sumQ2 float32
	for i, v := range x {
		codes[i] = nearestIQ4(inverse * v)
		q, w := valuesIQ4[codes[i]], v*v
		sumQX += float32(w * q * v)
		sumQ2 += float32(w * q * q)
	}
	if !(sumQ2 > 0) {
		return 0
	}
	return sumQX / sumQ2
}

// encodeMXFP4 uses the scale with which the largest magnitude is 4 times a number from 1 to 2,
// or the smallest scale. Ties go to the smaller magnitude. For magnitudes below 2^−125 the
// scale would be smaller than the smallest. In this case ggml stores a scale near the largest
// and codes of 0, or 0xff, which it refuses to read.
func encodeMXFP4(dst []byte, x []float32) bool {
	bits, _ := largest(x)
	if bits >= 0x7f800000 {
		return false
	}
	exponent := byte(0)
	if bits != 0 {
		// ggml rounds the logarithm to float32 before rounding down.
		log := float32(math.Log2(float64(math.Float32frombits(bits))))
		exponent = byte(max(int(math.Floor(float64(log)))-2+127, 0))
	}
	dst[0] = exponent
	d := halfE8M0(exponent)
	for j := range 16 {
		dst[1+j] = nearestFP4(x[j], d) | nearestFP4(x[j+16], d)<<4
	}
	return true
}

func nearestFP4(x, d float32) (code byte) {
	best := absolute(float32(valuesFP4[0]*d) - x)
	for i := 1; i < len(valuesFP4); i++ {
		if e := absolute(float32(valuesFP4[i]*d) - x); e < best {
			code, best = byte(i), e
		}
	}
	return code
}
