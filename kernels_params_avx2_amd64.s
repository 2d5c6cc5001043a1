//go:build !purego

// Parameters from ranges with AVX2.

#include "textflag.h"
#include "kernels_avx2_amd64.h"

// MAGNITUDES sets m to max(|lo|, |hi|), for ranges from Y0 to Y1, and z to a mask
// of the ranges that contain only 0. A zero in m has any sign: it is only
// compared.
#define MAGNITUDES(m, z) \
	VSUBPS Y0, NAUGHT, m \
	VMAXPS Y1, m, m      \
	VORPS  Y0, Y1, z     \
	VCMPPS $0, NAUGHT, z, z

//	for i, v := range lo {
//		scale[i], zero[i] = asymmetricOf(v, hi[i], qmin, steps)
//	}
//
// func asymmetricParamsAVX2(scale []float32, zero []int32, lo, hi []float32, qmin, steps float32)
//
// The number of ranges is a multiple of 8.
#define ZEROS_DST  DX  // where the next zero points go
#define MINS       SI  // next minima
#define MAXS       BX  // next maxima
#define QMIN       Y14 // qmin
#define STEPS      Y13 // steps
#define ONES       Y12 // 1.0
#define SHARES     Y11 // SHARE_LEAST
#define NORMALS    Y10 // NORMAL_LEAST
#define INFINITIES Y9  // +Inf
#define NAUGHT     Y15 // 0
TEXT ·asymmetricParamsAVX2(SB), NOSPLIT, $0-104
	MOVQ scale_base+0(FP), DST
	MOVQ scale_len+8(FP), N
	MOVQ zero_base+24(FP), ZEROS_DST
	MOVQ lo_base+48(FP), MINS
	MOVQ hi_base+72(FP), MAXS
	VBROADCASTSS qmin+96(FP), QMIN
	VBROADCASTSS steps+100(FP), STEPS
	VBROADCASTSS ONE, ONES
	VBROADCASTSS SHARE_LEAST, SHARES
	VBROADCASTSS NORMAL_LEAST, NORMALS
	VBROADCASTSS INFINITY, INFINITIES
	VXORPS NAUGHT, NAUGHT, NAUGHT

loop:
	VMOVUPS (MINS), Y0
	VMOVUPS (MAXS), Y1
	MAGNITUDES(Y2, Y3)
	VSUBPS  Y0, Y1, Y4
	VDIVPS  STEPS, Y4, Y4
	VCMPPS  $0, INFINITIES, Y4, Y5
	VPTEST  Y5, Y5
	JNE     overflow

least:
	VMULPS  SHARES, Y2, Y2
	VMAXPS  Y2, Y4, Y4
	VMAXPS  NORMALS, Y4, Y4
	VDIVPS  Y4, Y0, Y5
	VSUBPS  Y5, QMIN, Y5
	VCVTPS2DQ Y5, Y5
	VBLENDVPS Y3, ONES, Y4, Y4
	VPANDN  Y5, Y3, Y5
	VMOVUPS Y4, (DST)
	VMOVDQU Y5, (ZEROS_DST)
	ADDQ $32, MINS
	ADDQ $32, MAXS
	ADDQ $32, DST
	ADDQ $32, ZEROS_DST
	SUBQ $8, N
	JNZ  loop
	VZEROUPPER
	RET

overflow: // where a difference overflows, each end is divided first
	VDIVPS  STEPS, Y0, Y6
	VDIVPS  STEPS, Y1, Y7
	VSUBPS  Y6, Y7, Y7
	VBLENDVPS Y5, Y7, Y4, Y4
	JMP     least

//	for i, v := range lo {
//		scale[i] = symmetricScale(v, hi[i], steps)
//	}
//
// func symmetricParamsAVX2(scale, lo, hi []float32, steps float32)
//
// The number of ranges is a multiple of 8.
//
// Named above: MINS, MAXS, STEPS, ONES, NORMALS, NAUGHT.
TEXT ·symmetricParamsAVX2(SB), NOSPLIT, $0-76
	MOVQ scale_base+0(FP), DST
	MOVQ scale_len+8(FP), N
	MOVQ lo_base+24(FP), MINS
	MOVQ hi_base+48(FP), MAXS
	VBROADCASTSS steps+72(FP), STEPS
	VBROADCASTSS ONE, ONES
	VBROADCASTSS NORMAL_LEAST, NORMALS
	VXORPS NAUGHT, NAUGHT, NAUGHT

loop:
	VMOVUPS (MINS), Y0
	VMOVUPS (MAXS), Y1
	MAGNITUDES(Y2, Y3)
	VDIVPS  STEPS, Y2, Y2
	VMAXPS  NORMALS, Y2, Y2
	VBLENDVPS Y3, ONES, Y2, Y2
	VMOVUPS Y2, (DST)
	ADDQ $32, MINS
	ADDQ $32, MAXS
	ADDQ $32, DST
	SUBQ $8, N
	JNZ  loop
	VZEROUPPER
	RET

//	for i, s := range scale {
//		b, z := math.Float32bits(s), uint32(zero[i]+maxZeroPoint)
//		bad |= (0x7f7fffff - b) | (b - 1) | z | (2*maxZeroPoint - z)
//	}
//
// func unusableParamsAVX2(scale []float32, zero []int32) bool
//
// It reports whether the top bit of bad is set. Their number is a multiple of 8, and not 0.
#define COUNT DX // parameters left
TEXT ·unusableParamsAVX2(SB), NOSPLIT, $0-49
	MOVQ scale_base+0(FP), SI
	MOVQ scale_len+8(FP), COUNT
	MOVQ zero_base+24(FP), DI
	VPXOR    Y0, Y0, Y0
	VPCMPEQD Y4, Y4, Y4 // -1
	MOVL     $largestBits, AX
	VMOVD    AX, X5
	VPBROADCASTD X5, Y5
	MOVL     $zeroFarthest23, AX
	VMOVD    AX, X6
	VPBROADCASTD X6, Y6

loop:
	VMOVDQU (SI), Y1
	VMOVDQU (DI), Y3
	VPSUBD  Y1, Y5, Y2
	VPADDD  Y4, Y1, Y1
	VPOR    Y1, Y2, Y2
	VPADDD  Y6, Y3, Y1
	VPSUBD  Y3, Y6, Y3 // 2*maxZeroPoint - (zero+maxZeroPoint)
	VPOR    Y1, Y3, Y3
	VPOR    Y2, Y0, Y0
	VPOR    Y3, Y0, Y0
	ADDQ $32, SI
	ADDQ $32, DI
	SUBQ $8, COUNT
	JNZ  loop
	VMOVMSKPS Y0, AX
	TESTL AX, AX
	SETNE ret+48(FP)
	VZEROUPPER
	RET
