//go:build !purego

#include "textflag.h"
#include "kernels_arm64.h"

// A run that is no multiple of a step ends with a step that overlaps the one
// before: the same elements give the same results. Runs shorter than a step
// are one step whose four vectors overlap as they must.

// func rangeRunsNEON(lo, hi, src []float32, run int) bool
//
// FMIN and FMAX keep NaN, and infinities are the minimum or maximum: what is
// not finite shows in the results.
//
// R0, R4 lo, hi; R1 src; R2 elements left; R3 run; R6 runs left
// V16-V19 minima, V20-V23 maxima, F26 is NaN if any was not finite, F27 0
TEXT ·rangeRunsNEON(SB), NOSPLIT, $0-81
	MOVD lo_base+0(FP), R0
	MOVD lo_len+8(FP), R6
	MOVD hi_base+24(FP), R4
	MOVD src_base+48(FP), R1
	MOVD src_len+56(FP), R2
	MOVD run+72(FP), R3
	VEOR V26.B16, V26.B16, V26.B16
	VEOR V27.B16, V27.B16, V27.B16

next:
	CBZ  R6, done
	SUB  $1, R6
	CMP  R3, R2
	CSEL LT, R2, R3, R8
	SUB  R8, R2
	SUBS $16, R8, R9
	BLT  short

	// The first 16 elements and the 16 after them, or the last 16.
	CMP    $16, R9
	MOVD   $16, R10
	CSEL   LT, R9, R10, R10
	ADD    R10<<2, R1, R10
	VLD1   (R1), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1.P 64(R10), [V4.S4, V5.S4, V6.S4, V7.S4]
	ADD    R8<<2, R1
	VFMIN_S4(4, 0, 16)
	VFMIN_S4(5, 1, 17)
	VFMIN_S4(6, 2, 18)
	VFMIN_S4(7, 3, 19)
	VFMAX_S4(4, 0, 20)
	VFMAX_S4(5, 1, 21)
	VFMAX_S4(6, 2, 22)
	VFMAX_S4(7, 3, 23)
	SUBS   $16, R9
	BLE    fold
	SUBS   $32, R9
	BLT    tail

loop: // 32 elements
	VLD1.P 64(R10), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1.P 64(R10), [V4.S4, V5.S4, V6.S4, V7.S4]
	VFMIN_S4(0, 16, 16)
	VFMIN_S4(1, 17, 17)
	VFMIN_S4(2, 18, 18)
	VFMIN_S4(3, 19, 19)
	VFMAX_S4(0, 20, 20)
	VFMAX_S4(1, 21, 21)
	VFMAX_S4(2, 22, 22)
	VFMAX_S4(3, 23, 23)
	VFMIN_S4(4, 16, 16)
	VFMIN_S4(5, 17, 17)
	VFMIN_S4(6, 18, 18)
	VFMIN_S4(7, 19, 19)
	VFMAX_S4(4, 20, 20)
	VFMAX_S4(5, 21, 21)
	VFMAX_S4(6, 22, 22)
	VFMAX_S4(7, 23, 23)
	SUBS   $32, R9
	BGE    loop

tail: // R9+32 elements are left
	CMN  $32, R9
	BEQ  fold
	ADD  R9<<2, R10
	MOVD $0, R9
	B    loop

fold:
	VFMIN_S4(17, 16, 16)
	VFMIN_S4(19, 18, 18)
	VFMAX_S4(21, 20, 20)
	VFMAX_S4(23, 22, 22)
	VFMIN_S4(18, 16, 16)
	VFMAX_S4(22, 20, 20)

store:
	VFMINV_S4(16, 16)
	VFMAXV_S4(20, 20)
	FADDS   F27, F16 // -0 + 0 = 0
	FADDS   F27, F20
	FMOVS.P F16, 4(R0)
	FMOVS.P F20, 4(R4)
	FMADDS  F27, F26, F16, F26
	FMADDS  F27, F26, F20, F26
	B       next

short: // R8 < 16 elements
	SUBS   $4, R8, R9
	BLT    tiny
	VLD1.P 16(R1), [V0.S4]
	VORR   V0.B16, V0.B16, V16.B16
	VORR   V0.B16, V0.B16, V20.B16

shortloop: // R9 elements are left
	CBZ    R9, store
	SUBS   $4, R9
	BGE    step
	ADD    R9<<2, R1
	MOVD   $0, R9

step:
	VLD1.P 16(R1), [V0.S4]
	VFMIN_S4(0, 16, 16)
	VFMAX_S4(0, 20, 20)
	B      shortloop

tiny: // R8 < 4 elements
	VLD1R.P 4(R1), [V16.S4]
	VORR    V16.B16, V16.B16, V20.B16

tinyloop:
	SUBS    $1, R8
	BEQ     store
	VLD1R.P 4(R1), [V0.S4]
	VFMIN_S4(0, 16, 16)
	VFMAX_S4(0, 20, 20)
	B       tinyloop

done:
	FCMPS F26, F26
	CSET  VC, R0
	MOVB  R0, ret+80(FP)
	RET

// func rangeColumnsNEON(lo, hi, src []float32, rows, stride int) bool
//
// len(lo) is 16 or more, rows 1 or more.
// R0, R4 lo, hi; R1 src; R2 rows; R3 bytes from row to row; R8 columns left - 16
// R5 src of the block's row; R9 rows left of it
// V16-V19 minima, V20-V23 maxima, V26 is NaN where any was not finite, V27 0
TEXT ·rangeColumnsNEON(SB), NOSPLIT, $0-89
	MOVD lo_base+0(FP), R0
	MOVD lo_len+8(FP), R8
	MOVD hi_base+24(FP), R4
	MOVD src_base+48(FP), R1
	MOVD rows+72(FP), R2
	MOVD stride+80(FP), R3
	LSL  $2, R3
	SUB  $16, R8
	VEOR V26.B16, V26.B16, V26.B16
	VEOR V27.B16, V27.B16, V27.B16

block: // 16 columns
	MOVD   R1, R5
	VLD1.P (R5)(R3), [V16.S4, V17.S4, V18.S4, V19.S4]
	SUBS   $1, R2, R9
	VORR   V16.B16, V16.B16, V20.B16
	VORR   V17.B16, V17.B16, V21.B16
	VORR   V18.B16, V18.B16, V22.B16
	VORR   V19.B16, V19.B16, V23.B16
	BEQ    store

loop: // a row
	VLD1.P (R5)(R3), [V0.S4, V1.S4, V2.S4, V3.S4]
	VFMIN_S4(0, 16, 16)
	VFMIN_S4(1, 17, 17)
	VFMIN_S4(2, 18, 18)
	VFMIN_S4(3, 19, 19)
	VFMAX_S4(0, 20, 20)
	VFMAX_S4(1, 21, 21)
	VFMAX_S4(2, 22, 22)
	VFMAX_S4(3, 23, 23)
	SUBS   $1, R9
	BNE    loop

store:
	VLD1 (R0), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1 (R4), [V4.S4, V5.S4, V6.S4, V7.S4]
	VFMLA V27.S4, V16.S4, V26.S4
	VFMLA V27.S4, V17.S4, V26.S4
	VFMLA V27.S4, V18.S4, V26.S4
	VFMLA V27.S4, V19.S4, V26.S4
	VFMLA V27.S4, V20.S4, V26.S4
	VFMLA V27.S4, V21.S4, V26.S4
	VFMLA V27.S4, V22.S4, V26.S4
	VFMLA V27.S4, V23.S4, V26.S4
	VFMIN_S4(16, 0, 0)
	VFMIN_S4(17, 1, 1)
	VFMIN_S4(18, 2, 2)
	VFMIN_S4(19, 3, 3)
	VFMAX_S4(20, 4, 4)
	VFMAX_S4(21, 5, 5)
	VFMAX_S4(22, 6, 6)
	VFMAX_S4(23, 7, 7)
	VFADD_S4(27, 0, 0) // -0 + 0 = 0
	VFADD_S4(27, 1, 1)
	VFADD_S4(27, 2, 2)
	VFADD_S4(27, 3, 3)
	VFADD_S4(27, 4, 4)
	VFADD_S4(27, 5, 5)
	VFADD_S4(27, 6, 6)
	VFADD_S4(27, 7, 7)
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0)
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(R4)
	ADD    $64, R1
	SUBS   $16, R8
	BGE    block

tail: // R8+16 columns are left
	CMN  $16, R8
	BEQ  done
	ADD  R8<<2, R0
	ADD  R8<<2, R4
	ADD  R8<<2, R1
	MOVD $0, R8
	B    block

done:
	VFMAXV_S4(26, 26) // keeps NaN
	FCMPS F26, F26
	CSET  VC, R0
	MOVB  R0, ret+88(FP)
	RET
