// The Go assembler has little vector floating point. These macros encode what
// is missing. Like the native instructions they take the destination last, but
// as register numbers: V3 is 3. The comment on each is the Arm spelling, which
// TestEncodings decodes the word back to.
#define VFADD_S4(m, n, d)   WORD $(0x4E20D400 | (m)<<16 | (n)<<5 | (d)) // fadd vd.4s, vn.4s, vm.4s
#define VFSUB_S4(m, n, d)   WORD $(0x4EA0D400 | (m)<<16 | (n)<<5 | (d)) // fsub vd.4s, vn.4s, vm.4s
#define VFMUL_S4(m, n, d)   WORD $(0x6E20DC00 | (m)<<16 | (n)<<5 | (d)) // fmul vd.4s, vn.4s, vm.4s
#define VFDIV_S4(m, n, d)   WORD $(0x6E20FC00 | (m)<<16 | (n)<<5 | (d)) // fdiv vd.4s, vn.4s, vm.4s
#define VFABD_S4(m, n, d)   WORD $(0x6EA0D400 | (m)<<16 | (n)<<5 | (d)) // fabd vd.4s, vn.4s, vm.4s
#define VFMAX_S4(m, n, d)   WORD $(0x4E20F400 | (m)<<16 | (n)<<5 | (d)) // fmax vd.4s, vn.4s, vm.4s
#define VFMIN_S4(m, n, d)   WORD $(0x4EA0F400 | (m)<<16 | (n)<<5 | (d)) // fmin vd.4s, vn.4s, vm.4s
#define VFMAXNM_S4(m, n, d) WORD $(0x4E20C400 | (m)<<16 | (n)<<5 | (d)) // fmaxnm vd.4s, vn.4s, vm.4s
#define VFCMEQ_S4(m, n, d)  WORD $(0x4E20E400 | (m)<<16 | (n)<<5 | (d)) // fcmeq vd.4s, vn.4s, vm.4s
#define VFADD_D2(m, n, d)   WORD $(0x4E60D400 | (m)<<16 | (n)<<5 | (d)) // fadd vd.2d, vn.2d, vm.2d
#define VFRINTN_S4(n, d)    WORD $(0x4E218800 | (n)<<5 | (d)) // frintn vd.4s, vn.4s
#define VFCVTNS_S4(n, d)    WORD $(0x4E21A800 | (n)<<5 | (d)) // fcvtns vd.4s, vn.4s
#define VSCVTF_S4(n, d)     WORD $(0x4E21D800 | (n)<<5 | (d)) // scvtf vd.4s, vn.4s
#define VFCVTL_D2(n, d)     WORD $(0x0E617800 | (n)<<5 | (d)) // fcvtl vd.2d, vn.2s
#define VFCVTL2_D2(n, d)    WORD $(0x4E617800 | (n)<<5 | (d)) // fcvtl2 vd.2d, vn.4s
#define VFCVTL_S4(n, d)     WORD $(0x0E217800 | (n)<<5 | (d)) // fcvtl vd.4s, vn.4h
#define VFCVTL2_S4(n, d)    WORD $(0x4E217800 | (n)<<5 | (d)) // fcvtl2 vd.4s, vn.8h
#define VFMAXV_S4(n, d)     WORD $(0x6E30F800 | (n)<<5 | (d)) // fmaxv sd, vn.4s
#define VFMINV_S4(n, d)     WORD $(0x6EB0F800 | (n)<<5 | (d)) // fminv sd, vn.4s
#define VUMAXV_S4(n, d)     WORD $(0x6EB0A800 | (n)<<5 | (d)) // umaxv sd, vn.4s
#define VFADDP_D(n, d)      WORD $(0x7E70D800 | (n)<<5 | (d)) // faddp dd, vn.2d

// QUOTIENT sets V4…V7 to V0…V3 / scale, correctly rounded as far as codes can
// tell, and uses up V0…V3. All lanes of V8 hold the scale s, of V9 y = 1/s
// rounded: q = x*y, r = x - q*s, q += r*y.
//
// Why no code differs from that of the division x/s, for 2^-100 <= s <= 2^100
// and bounds of the grid of at most 2^17 in magnitude: rounding gives different
// codes only if a midpoint m between a boundary b = k+1/2 of two codes and a
// float32 beside it lies between t = x/s and v = q + r*y, taken exactly. Let u
// be the spacing of floats there and S, Q in [1, 2) the significands of s and
// b; |y - 1/s| <= 2^-25 in units of 1/s's exponent.
//   - x*y misses t by at most u*Q*S/4 < u*(1 - 2^-19), because b has at most 18
//     bits; so q, being rounded, is one of the two floats beside m. (At b = 1/2
//     the spacing halves below b, but there Q = 1 leaves room.)
//   - So |x - q*s| is about s*u/2. It is a multiple of ulp(q)*ulp(s) and less
//     than 2^24 of them, and at least 2^-149: r is exact.
//   - So |v - t| = |r|*|y - 1/s| <= S*(u/2)*2^-25*(1 + 2^-24).
//   - m has 25 bits, so x = m*s is impossible, and |x - m*s| is a multiple of
//     (u/2)*ulp(s): |t - m| >= (u/2)*2^-23/S.
//   - m between t and v asks for S*S*(1 + 2^-24) >= 4, but S <= 2 - 2^-23.
// Where the quotient or a product is subnormal no boundary is near. If x*y
// overflows the result is NaN.
#define QUOTIENT \
	VFMUL_S4(9, 0, 4)           \
	VFMUL_S4(9, 1, 5)           \
	VFMUL_S4(9, 2, 6)           \
	VFMUL_S4(9, 3, 7)           \
	VFMLS V8.S4, V4.S4, V0.S4   \
	VFMLS V8.S4, V5.S4, V1.S4   \
	VFMLS V8.S4, V6.S4, V2.S4   \
	VFMLS V8.S4, V7.S4, V3.S4   \
	VFMLA V9.S4, V0.S4, V4.S4   \
	VFMLA V9.S4, V1.S4, V5.S4   \
	VFMLA V9.S4, V2.S4, V6.S4   \
	VFMLA V9.S4, V3.S4, V7.S4

// The bits of 2^-100, and how far those of 2^100 are from them; how far a zero
// point may be from 0 for the bounds of any grid to be at most 2^17.
#define minScale   0x0D800000
#define scaleRange 0x64000000
#define zeroRange  0x10000
