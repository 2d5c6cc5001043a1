// Package exact has arithmetic whose results are the same bits on every machine: rounding,
// logarithms and powers of two. Package math computes logarithms and powers in assembly on some
// architectures, with different last bits.
//
// Go rounds +, -, *, / and math.Sqrt in the same way on every machine, but may fuse a product
// and a sum into one operation that rounds once. An explicit conversion of the product, as in
// float64(a*b)+c, prevents that.
//
// Parts is arithmetic of integers that no argument makes overflow.
package exact

import "math"

// Round returns the integer nearest to v, ties to even, for |v| < 2^31. It adds a number whose
// last place is 2^0, so the addition rounds v.
func Round(v float32) int32 {
	return int32(uint32(math.Float64bits(float64(v) + 0x1.8p52)))
}

// Nearest returns the integer nearest to v, ties to even, for |v| < 2^51.
func Nearest(v float64) float64 { return float64(v) + 0x1.8p52 - 0x1.8p52 }

// PlusZero returns v, or +0 if v is -0.
func PlusZero(v float32) float32 {
	if v == 0 {
		return 0
	}
	return v
}

// Decibels returns 10*log10(v) for v ≥ 0.
//
// With v = m * 2^k and m in [sqrt(1/2), sqrt(2)), ln m = 2*artanh(s), where s = (m-1)/(m+1) and
// artanh(s) = s + s³/3 + s⁵/5 + … (M. Abramowitz and I. Stegun, Handbook of Mathematical
// Functions, 4.1.27). The first omitted term is below 2^-57 of the sum.
func Decibels(v float64) float64 {
	if v == 0 || math.IsInf(v, 1) {
		return 10 * math.Log10(v)
	}
	k, a := artanh(v)
	const log2, perNeper = 10 * (math.Ln2 / math.Ln10), 20 / math.Ln10
	return float64(float64(k)*log2) + float64(a*perNeper)
}

// artanh returns the k and the artanh(s) of Decibels.
func artanh(v float64) (k int, a float64) {
	b := math.Float64bits(v)
	k = int(b>>52) - 1022
	m := math.Float64frombits(b&(1<<52-1) | 1022<<52)
	if b>>52 == 0 || b>>52 >= 0x7ff { // subnormal, negative or not finite
		m, k = math.Frexp(v)
	}
	if m < math.Sqrt2/2 {
		m *= 2
		k--
	}
	s := (m - 1) / (m + 1)
	x := float64(s * s)
	sum := float64(x*(1.0/23)) + 1.0/21
	sum = float64(sum*x) + 1.0/19
	sum = float64(sum*x) + 1.0/17
	sum = float64(sum*x) + 1.0/15
	sum = float64(sum*x) + 1.0/13
	sum = float64(sum*x) + 1.0/11
	sum = float64(sum*x) + 1.0/9
	sum = float64(sum*x) + 1.0/7
	sum = float64(sum*x) + 1.0/5
	sum = float64(sum*x) + 1.0/3
	sum = float64(sum*x) + 1
	return k, float64(s * sum)
}

// DecibelsOf sets each element of v to its Decibels. It computes four at a time: each is a chain
// of operations that wait for one another.
func DecibelsOf(v []float64) {
	for ; len(v) >= 4; v = v[4:] {
		a, b, c, d := v[0], v[1], v[2], v[3]
		if !normal(a) || !normal(b) || !normal(c) || !normal(d) {
			for i := range v[:4] {
				v[i] = Decibels(v[i])
			}
			continue
		}
		decibels4((*[4]float64)(v))
	}
	for i := range v {
		v[i] = Decibels(v[i])
	}
}

// normal reports whether v is positive, not subnormal and finite.
func normal(v float64) bool { return math.Float64bits(v)>>52-1 < 0x7fe }

// decibels4 is DecibelsOf for normal numbers.
func decibels4(v *[4]float64) {
	const log2, perNeper = 10 * (math.Ln2 / math.Ln10), 20 / math.Ln10
	k0, s0 := reduced(v[0])
	k1, s1 := reduced(v[1])
	k2, s2 := reduced(v[2])
	k3, s3 := reduced(v[3])
	x0, x1, x2, x3 := float64(s0*s0), float64(s1*s1), float64(s2*s2), float64(s3*s3)
	a, b, c, d := 1.0/23, 1.0/23, 1.0/23, 1.0/23
	for _, t := range &artanhTerms {
		a, b, c, d = float64(a*x0)+t, float64(b*x1)+t, float64(c*x2)+t, float64(d*x3)+t
	}
	v[0] = float64(float64(k0)*log2) + float64(float64(s0*a)*perNeper)
	v[1] = float64(float64(k1)*log2) + float64(float64(s1*b)*perNeper)
	v[2] = float64(float64(k2)*log2) + float64(float64(s2*c)*perNeper)
	v[3] = float64(float64(k3)*log2) + float64(float64(s3*d)*perNeper)
}

// artanhTerms are the coefficients of the series of artanh but that of the highest power.
var artanhTerms = [...]float64{
	1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13, 1.0 / 11, 1.0 / 9, 1.0 / 7, 1.0 / 5, 1.0 / 3, 1,
}

// reduced returns the k and the s of Decibels for a normal number, without branches.
func reduced(v float64) (k int, s float64) {
	b := math.Float64bits(v)
	m := b&(1<<52-1) | 1022<<52
	less := (m - math.Float64bits(math.Sqrt2/2)) >> 63 // 1 if m stands for a number below sqrt(1/2)
	f := math.Float64frombits(m + less<<52)
	return int(b>>52) - 1022 - int(less), (f - 1) / (f + 1)
}

// lnOf1To2[i] has the natural logarithm of 1 + (2i+1)/256, and the reciprocal of
// that number.
var lnOf1To2 = func() (t [128]struct{ ln, inverse float64 }) {
	for i := range t {
		c := 1 + float64(2*i+1)/256
		k, a := artanh(c)
		t[i].ln, t[i].inverse = float64(float64(k)*math.Ln2)+float64(2*a), 1/c
	}
	return t
}()

// Ln returns the natural logarithm of v > 0, not subnormal. The absolute error is about 2^-50
// of the larger of 1 and the result. Ln is faster than Decibels: v is c*(1+r)*2^k, where c is
// the middle of one of 128 intervals of [1, 2). So |r| is below 2^-8, and seven terms of
// ln(1+r) = r - r²/2 + r³/3 - … are enough.
func Ln(v float64) float64 {
	b := math.Float64bits(v)
	k := int(b>>52) - 1023
	m := math.Float64frombits(b&(1<<52-1) | 1023<<52)
	t := &lnOf1To2[b>>45&127]
	r := float64(m*t.inverse) - 1
	p := 1.0 / 7
	p = 1.0/6 - float64(r*p)
	p = 1.0/5 - float64(r*p)
	p = 1.0/4 - float64(r*p)
	p = 1.0/3 - float64(r*p)
	p = 1.0/2 - float64(r*p)
	return float64(float64(k)*math.Ln2) + t.ln + (r - float64(float64(r*r)*p))
}

// OctaveSteps is the number of steps of Shrink in a factor of two.
const OctaveSteps = 256

// powers[i] is 2^(-i/OctaveSteps), computed from square roots and their products.
var powers = func() (p [OctaveSteps]float64) {
	p[0] = 1
	for k, root := OctaveSteps/2, math.Sqrt(0.5); k > 0; k, root = k/2, math.Sqrt(root) {
		for i := k; i < OctaveSteps; i += 2 * k {
			p[i] = p[i-k] * root
		}
	}
	return p
}()

// Shrink returns v * 2^(-k/OctaveSteps), with a relative error of about 2^-50. For a negative k
// the result is larger than v.
func Shrink(v float64, k int) float64 {
	octaves := k >> 8 // the quotient, rounded down
	return math.Ldexp(v*powers[k-octaves*OctaveSteps], -octaves)
}
