//go:build !purego

#include "textflag.h"
#include "kernels_avx2_amd64.h"

// MAGNITUDES sets m to max(|lo|, |hi|), for ranges from Y0 to Y1, and z to a
// mask of those that hold nothing but 0. Y15 is 0. A zero in m has any sign: it
// is only compared.
#define MAGNITUDES(m, z) \
	VSUBPS Y0, Y15, m        \
	VMAXPS Y1, m, m          \
	VORPS  Y0, Y1, z         \
	VCMPPS $0, Y15, z, z

// func asymmetricParamsAVX2(scale []float32, zero []int32, lo, hi []float32, qmin, steps float32)
TEXT ·asymmetricParamsAVX2(SB), NOSPLIT, $0-104
	MOVQ scale_base+0(FP), DI
	MOVQ scale_len+8(FP), CX
	MOVQ zero_base+24(FP), DX
	MOVQ lo_base+48(FP), SI
	MOVQ hi_base+72(FP), BX
	VBROADCASTSS qmin+96(FP), Y14
	VBROADCASTSS steps+100(FP), Y13
	VBROADCASTSS ONE, Y12
	VBROADCASTSS SHARE, Y11
	VBROADCASTSS LEASTNORMAL, Y10
	VBROADCASTSS INFINITY, Y9
	VXORPS Y15, Y15, Y15

loop:
	VMOVUPS (SI), Y0
	VMOVUPS (BX), Y1
	MAGNITUDES(Y2, Y3)
	VSUBPS  Y0, Y1, Y4
	VDIVPS  Y13, Y4, Y4
	VCMPPS  $0, Y9, Y4, Y5
	VPTEST  Y5, Y5
	JNE     overflow

least:
	VMULPS  Y11, Y2, Y2
	VMAXPS  Y2, Y4, Y4
	VMAXPS  Y10, Y4, Y4
	VDIVPS  Y4, Y0, Y5
	VSUBPS  Y5, Y14, Y5
	VCVTPS2DQ Y5, Y5
	VBLENDVPS Y3, Y12, Y4, Y4
	VPANDN  Y5, Y3, Y5
	VMOVUPS Y4, (DI)
	VMOVDQU Y5, (DX)
	ADDQ $32, SI
	ADDQ $32, BX
	ADDQ $32, DI
	ADDQ $32, DX
	SUBQ $8, CX
	JNZ  loop
	VZEROUPPER
	RET

overflow: // of a difference: divide first
	VDIVPS  Y13, Y0, Y6
	VDIVPS  Y13, Y1, Y7
	VSUBPS  Y6, Y7, Y7
	VBLENDVPS Y5, Y7, Y4, Y4
	JMP     least

// func symmetricParamsAVX2(scale, lo, hi []float32, steps float32)
TEXT ·symmetricParamsAVX2(SB), NOSPLIT, $0-76
	MOVQ scale_base+0(FP), DI
	MOVQ scale_len+8(FP), CX
	MOVQ lo_base+24(FP), SI
	MOVQ hi_base+48(FP), BX
	VBROADCASTSS steps+72(FP), Y13
	VBROADCASTSS ONE, Y12
	VBROADCASTSS LEASTNORMAL, Y10
	VXORPS Y15, Y15, Y15

loop:
	VMOVUPS (SI), Y0
	VMOVUPS (BX), Y1
	MAGNITUDES(Y2, Y3)
	VDIVPS  Y13, Y2, Y2
	VMAXPS  Y10, Y2, Y2
	VBLENDVPS Y3, Y12, Y2, Y2
	VMOVUPS Y2, (DI)
	ADDQ $32, SI
	ADDQ $32, BX
	ADDQ $32, DI
	SUBQ $8, CX
	JNZ  loop
	VZEROUPPER
	RET
