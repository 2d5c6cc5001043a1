//go:build !purego

#include "textflag.h"
#include "kernels_arm64.h"

// What the last elements of a run, fewer than lanes, leave of sixteen lanes:
// from 4*n bytes before the zeros on, n lanes are kept.
DATA keep<>+0(SB)/8, $-1
DATA keep<>+8(SB)/8, $-1
DATA keep<>+16(SB)/8, $-1
DATA keep<>+24(SB)/8, $-1
DATA keep<>+32(SB)/8, $-1
DATA keep<>+40(SB)/8, $-1
DATA keep<>+48(SB)/8, $-1
DATA keep<>+56(SB)/8, $-1
DATA keep<>+64(SB)/8, $0
DATA keep<>+72(SB)/8, $0
DATA keep<>+80(SB)/8, $0
DATA keep<>+88(SB)/8, $0
DATA keep<>+96(SB)/8, $0
DATA keep<>+104(SB)/8, $0
DATA keep<>+112(SB)/8, $0
DATA keep<>+120(SB)/8, $0
GLOBL keep<>(SB), RODATA|NOPTR, $128

// LAST points R12 to 16 elements, the first R9 of which are those at R1, and R9
// to the masks that keep them: in place, if 16 elements of src are left, else
// copied to the stack. R1 moves behind them.
// R2 elements of src behind the R9; R13 keep + 64; uses R10, R11, R19
#define LAST(copy, copied) \
	ADD     R9, R2, R10      \
	MOVD    R1, R12          \
	ADD     R9<<2, R1        \
	SUB     R9<<2, R13, R9   \
	CMP     $16, R10         \
	BGE     copied           \
	MOVD    R12, R11         \
	MOVD    $buf-64(SP), R12 \
	MOVD    R12, R10         \
copy: \
	MOVWU.P 4(R11), R19      \
	MOVW.P  R19, 4(R10)      \
	CMP     R11, R1          \
	BNE     copy             \
copied:

// KEEP sets lanes of four registers to zero, as the masks at R9 say.
#define KEEP(a, b, c, d) \
	ADD  $32, R9, R10               \
	VLD1 (R9), [V14.B16, V15.B16]   \
	VAND V14.B16, a.B16, a.B16      \
	VAND V15.B16, b.B16, b.B16      \
	VLD1 (R10), [V14.B16, V15.B16]  \
	VAND V14.B16, c.B16, c.B16      \
	VAND V15.B16, d.B16, d.B16

// CODE rounds the quotients of V0…V3 and clamps the integers to the grid: in
// V0…V3. Lanes of V4…V7 are ones where that changed nothing, else zeros. FMIN
// and FMAX keep NaN.
// V10, V11 bounds of the quotient; see QUOTIENT
#define CODE \
	QUOTIENT             \
	VFRINTN_S4(4, 4)     \
	VFRINTN_S4(5, 5)     \
	VFRINTN_S4(6, 6)     \
	VFRINTN_S4(7, 7)     \
	VFMAX_S4(10, 4, 0)   \
	VFMAX_S4(10, 5, 1)   \
	VFMAX_S4(10, 6, 2)   \
	VFMAX_S4(10, 7, 3)   \
	VFMIN_S4(11, 0, 0)   \
	VFMIN_S4(11, 1, 1)   \
	VFMIN_S4(11, 2, 2)   \
	VFMIN_S4(11, 3, 3)   \
	VFCMEQ_S4(0, 4, 4)   \
	VFCMEQ_S4(1, 5, 5)   \
	VFCMEQ_S4(2, 6, 6)   \
	VFCMEQ_S4(3, 7, 7)

// COUNT takes the lanes that were not clamped off V13.
#define COUNT \
	VADD V4.S4, V13.S4, V13.S4 \
	VADD V5.S4, V13.S4, V13.S4 \
	VADD V6.S4, V13.S4, V13.S4 \
	VADD V7.S4, V13.S4, V13.S4

// DEVIATION sets V0…V3, integers, to |V0…V3 * scale - x|, x being in V4…V7.
#define DEVIATION \
	VFMUL_S4(8, 0, 0)   \
	VFMUL_S4(8, 1, 1)   \
	VFMUL_S4(8, 2, 2)   \
	VFMUL_S4(8, 3, 3)   \
	VFABD_S4(4, 0, 0)   \
	VFABD_S4(5, 1, 1)   \
	VFABD_S4(6, 2, 2)   \
	VFABD_S4(7, 3, 3)

// SUMS adds V0…V3 to the lanes of V16-V23, their squares to those of V24-V31,
// and raises V12 to them. The squares are exact, so that VFMLA rounds once, as
// an addition.
#define SUMS \
	VFCVTL_D2(0, 4)              \
	VFCVTL2_D2(0, 5)             \
	VFCVTL_D2(1, 6)              \
	VFCVTL2_D2(1, 7)             \
	VFADD_D2(4, 16, 16)          \
	VFADD_D2(5, 17, 17)          \
	VFADD_D2(6, 18, 18)          \
	VFADD_D2(7, 19, 19)          \
	VFMLA V4.D2, V4.D2, V24.D2   \
	VFMLA V5.D2, V5.D2, V25.D2   \
	VFMLA V6.D2, V6.D2, V26.D2   \
	VFMLA V7.D2, V7.D2, V27.D2   \
	VFMAX_S4(0, 12, 12)          \
	VFMAX_S4(1, 12, 12)          \
	VFCVTL_D2(2, 4)              \
	VFCVTL2_D2(2, 5)             \
	VFCVTL_D2(3, 6)              \
	VFCVTL2_D2(3, 7)             \
	VFADD_D2(4, 20, 20)          \
	VFADD_D2(5, 21, 21)          \
	VFADD_D2(6, 22, 22)          \
	VFADD_D2(7, 23, 23)          \
	VFMLA V4.D2, V4.D2, V28.D2   \
	VFMLA V5.D2, V5.D2, V29.D2   \
	VFMLA V6.D2, V6.D2, V30.D2   \
	VFMLA V7.D2, V7.D2, V31.D2   \
	VFMAX_S4(2, 12, 12)          \
	VFMAX_S4(3, 12, 12)

// SQUARES adds the squares of V0…V3 to the lanes of V24-V31.
#define SQUARES \
	VFCVTL_D2(0, 4)              \
	VFCVTL2_D2(0, 5)             \
	VFCVTL_D2(1, 6)              \
	VFCVTL2_D2(1, 7)             \
	VFCVTL_D2(2, 16)             \
	VFCVTL2_D2(2, 17)            \
	VFCVTL_D2(3, 18)             \
	VFCVTL2_D2(3, 19)            \
	VFMLA V4.D2, V4.D2, V24.D2   \
	VFMLA V5.D2, V5.D2, V25.D2   \
	VFMLA V6.D2, V6.D2, V26.D2   \
	VFMLA V7.D2, V7.D2, V27.D2   \
	VFMLA V16.D2, V16.D2, V28.D2 \
	VFMLA V17.D2, V17.D2, V29.D2 \
	VFMLA V18.D2, V18.D2, V30.D2 \
	VFMLA V19.D2, V19.D2, V31.D2

#define CLEAR(a, b, c, d, e, f, g, h) \
	VEOR a.B16, a.B16, a.B16 \
	VEOR b.B16, b.B16, b.B16 \
	VEOR c.B16, c.B16, c.B16 \
	VEOR d.B16, d.B16, d.B16 \
	VEOR e.B16, e.B16, e.B16 \
	VEOR f.B16, f.B16, f.B16 \
	VEOR g.B16, g.B16, g.B16 \
	VEOR h.B16, h.B16, h.B16

// FOLD adds eight registers of two lanes each, the upper half to the lower,
// until one lane of the first is left.
#define FOLD(a, b, c, d, e, f, g, h) \
	VFADD_D2(e, a, a) \
	VFADD_D2(f, b, b) \
	VFADD_D2(g, c, c) \
	VFADD_D2(h, d, d) \
	VFADD_D2(c, a, a) \
	VFADD_D2(d, b, b) \
	VFADD_D2(b, a, a) \
	VFADDP_D(a, a)

// func errorsRunsNEON(acc []sums, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) int
//
// It returns how many runs it did. If these are not all, the next is one that
// QUOTIENT does not serve: by its parameters, or because of x that are not
// finite or so large that x/scale is not.
//
// R0 acc; R1 src; R2 elements left; R3 run; R4 scale; R5 zero; R6 qmin; R7 qmax
// R8 elements left of the run; R20 its length; R21 runs left; R13 keep + 64
// V8 scale; V9 1/scale; V10, V11 bounds; V12 max; V13 -(elements not clamped)
// V16-V23 sum|e|; V24-V31 sum e²
TEXT ·errorsRunsNEON(SB), NOSPLIT, $64-120
	MOVD  acc_base+0(FP), R0
	MOVD  acc_len+8(FP), R21
	MOVD  src_base+24(FP), R1
	MOVD  src_len+32(FP), R2
	MOVD  run+48(FP), R3
	MOVD  scale_base+56(FP), R4
	MOVD  zero_base+80(FP), R5
	MOVW  qmin+104(FP), R6
	MOVW  qmax+108(FP), R7
	MOVD  $keep<>+64(SB), R13
	MOVW  $minScale, R14
	MOVW  $scaleRange, R15
	MOVW  $zeroRange, R16
	LSL   $1, R16, R17
	CBZ   R21, done

next:
	CMP     R3, R2
	CSEL    LT, R2, R3, R8
	SUB     R8, R2
	MOVD    R8, R20
	MOVWU.P 4(R4), R9
	MOVW.P  4(R5), R11
	VDUP    R9, V8.S4
	FMOVS   $1.0, F9
	FDIVS   F8, F9, F9
	SUBW    R11, R6, R10
	SUBW    R11, R7, R12
	SCVTFWS R10, F10
	SCVTFWS R12, F11
	VDUP    V9.S[0], V9.S4
	VDUP    V10.S[0], V10.S4
	VDUP    V11.S[0], V11.S4
	SUBW    R14, R9
	ADDW    R16, R11
	CMPW    R15, R9
	CCMPW   LS, R11, R17, $2
	BHI     done
	VEOR    V12.B16, V12.B16, V12.B16
	VEOR    V13.B16, V13.B16, V13.B16
	CLEAR(V16, V17, V18, V19, V20, V21, V22, V23)
	CLEAR(V24, V25, V26, V27, V28, V29, V30, V31)
	SUBS    $16, R8
	BLT     tail

loop: // 16 elements
	VLD1   (R1), [V0.S4, V1.S4, V2.S4, V3.S4]
	CODE
	COUNT
	VLD1.P 64(R1), [V4.S4, V5.S4, V6.S4, V7.S4]
	DEVIATION
	SUMS
	SUBS   $16, R8
	BGE    loop

tail: // R8+16 elements are left
	ADDS $16, R8, R9
	BEQ  fold
	LAST(copy, copied)
	VLD1 (R12), [V0.S4, V1.S4, V2.S4, V3.S4]
	CODE
	KEEP(V4, V5, V6, V7)
	COUNT
	VLD1 (R12), [V4.S4, V5.S4, V6.S4, V7.S4]
	DEVIATION
	KEEP(V0, V1, V2, V3)
	SUMS

fold:
	FOLD(16, 17, 18, 19, 20, 21, 22, 23)
	FOLD(24, 25, 26, 27, 28, 29, 30, 31)
	VFMAXV_S4(12, 12)
	FCMPS   F12, F12
	BVS     done
	VADDV   V13.S4, V13
	FMOVS   F13, R9
	ADDW    R20, R9
	FMOVD   F16, (R0)
	FMOVD   F24, 8(R0)
	FMOVS   F12, 16(R0)
	MOVW    R9, 20(R0)
	ADD     $24, R0
	SUBS    $1, R21
	BNE     next

done:
	MOVD acc_len+8(FP), R0
	SUB  R21, R0
	MOVD R0, ret+112(FP)
	RET

// func squaresRunsNEON(acc []float64, src []float32, run int)
//
// R0 acc; R1 src; R2 elements left; R3 run; R8 elements left of the run
// R21 runs left; R13 keep + 64; V24-V31 sum x²
TEXT ·squaresRunsNEON(SB), NOSPLIT, $64-56
	MOVD acc_base+0(FP), R0
	MOVD acc_len+8(FP), R21
	MOVD src_base+24(FP), R1
	MOVD src_len+32(FP), R2
	MOVD run+48(FP), R3
	MOVD $keep<>+64(SB), R13
	CBZ  R21, done

next:
	CMP  R3, R2
	CSEL LT, R2, R3, R8
	SUB  R8, R2
	CLEAR(V24, V25, V26, V27, V28, V29, V30, V31)
	SUBS $16, R8
	BLT  tail

loop: // 16 elements
	VLD1.P 64(R1), [V0.S4, V1.S4, V2.S4, V3.S4]
	SQUARES
	SUBS   $16, R8
	BGE    loop

tail: // R8+16 elements are left
	ADDS $16, R8, R9
	BEQ  fold
	LAST(copy, copied)
	VLD1 (R12), [V0.S4, V1.S4, V2.S4, V3.S4]
	KEEP(V0, V1, V2, V3)
	SQUARES

fold:
	FOLD(24, 25, 26, 27, 28, 29, 30, 31)
	FMOVD.P F24, 8(R0)
	SUBS    $1, R21
	BNE     next

done:
	RET

// The columns kernels go down the rows of a block of columns, sums in
// registers. Where the last block overlaps the one before, masks keep the
// columns that are already done from being added twice.

// PAIRCODE, PAIRCOUNT, PAIRDEVIATION and PAIRSUMS do for the two vectors V0 and
// V1 what CODE, COUNT, DEVIATION and SUMS do for four; the integers' equality
// is in V2 and V3, and so is x.
// V8, V9 scale; V10, V11 1/scale; V12-V15 bounds; V16-V19 sum|e|
// V20-V23 sum e²; V24, V25 max; V26, V27 -(elements not clamped)
#define PAIRCODE \
	VFMUL_S4(10, 0, 2)          \
	VFMUL_S4(11, 1, 3)          \
	VFMLS V8.S4, V2.S4, V0.S4   \
	VFMLS V9.S4, V3.S4, V1.S4   \
	VFMLA V10.S4, V0.S4, V2.S4  \
	VFMLA V11.S4, V1.S4, V3.S4  \
	VFRINTN_S4(2, 2)            \
	VFRINTN_S4(3, 3)            \
	VFMAX_S4(12, 2, 0)          \
	VFMAX_S4(13, 3, 1)          \
	VFMIN_S4(14, 0, 0)          \
	VFMIN_S4(15, 1, 1)          \
	VFCMEQ_S4(0, 2, 2)          \
	VFCMEQ_S4(1, 3, 3)

#define PAIRCOUNT \
	VADD V2.S4, V26.S4, V26.S4 \
	VADD V3.S4, V27.S4, V27.S4

#define PAIRDEVIATION \
	VFMUL_S4(8, 0, 0)  \
	VFMUL_S4(9, 1, 1)  \
	VFABD_S4(2, 0, 0)  \
	VFABD_S4(3, 1, 1)

#define PAIRSUMS \
	VFCVTL_D2(0, 4)             \
	VFCVTL2_D2(0, 5)            \
	VFCVTL_D2(1, 6)             \
	VFCVTL2_D2(1, 7)            \
	VFADD_D2(4, 16, 16)         \
	VFADD_D2(5, 17, 17)         \
	VFADD_D2(6, 18, 18)         \
	VFADD_D2(7, 19, 19)         \
	VFMLA V4.D2, V4.D2, V20.D2  \
	VFMLA V5.D2, V5.D2, V21.D2  \
	VFMLA V6.D2, V6.D2, V22.D2  \
	VFMLA V7.D2, V7.D2, V23.D2  \
	VFMAX_S4(0, 24, 24)         \
	VFMAX_S4(1, 25, 25)

// func errorsColumnsNEON(abs, sq []float64, max []float32, clipped []uint32, src []float32, rows, stride int, scale []float32, zero []int32, qmin, qmax int32) int
//
// len(scale) is 8 or more, rows 1 or more. It returns how many columns it did:
// all, or those before the first eight (or fewer, if they are the last) that
// have one which QUOTIENT does not serve.
//
// R0, R2, R3, R8 abs, sq, max, clipped; R1 src; R4 scale; R5 zero
// R20 rows; R21 bytes from row to row; R22 columns left - 8
// R9 src of the block's row; R10 rows left of it; R12 columns of the block that
// are not done yet, at its end
// V28, V29 masks of these
TEXT ·errorsColumnsNEON(SB), NOSPLIT, $0-200
	MOVD abs_base+0(FP), R0
	MOVD sq_base+24(FP), R2
	MOVD max_base+48(FP), R3
	MOVD clipped_base+72(FP), R8
	MOVD src_base+96(FP), R1
	MOVD rows+120(FP), R20
	MOVD stride+128(FP), R21
	LSL  $2, R21
	MOVD scale_base+136(FP), R4
	MOVD scale_len+144(FP), R22
	MOVD zero_base+160(FP), R5
	MOVW qmin+184(FP), R6
	MOVW qmax+188(FP), R7
	MOVW $minScale, R14
	MOVW $scaleRange, R15
	MOVW $zeroRange, R16
	LSL  $1, R16, R17
	MOVD $8, R12
	SUB  $8, R22

block: // 8 columns
	VLD1   (R4), [V8.S4, V9.S4]
	VLD1   (R5), [V0.S4, V1.S4]
	VDUP   R6, V4.S4
	VDUP   R7, V5.S4
	VSUB   V0.S4, V4.S4, V12.S4
	VSUB   V1.S4, V4.S4, V13.S4
	VSUB   V0.S4, V5.S4, V14.S4
	VSUB   V1.S4, V5.S4, V15.S4
	VSCVTF_S4(12, 12)
	VSCVTF_S4(13, 13)
	VSCVTF_S4(14, 14)
	VSCVTF_S4(15, 15)
	VDUP   R14, V2.S4
	VDUP   R16, V3.S4
	VSUB   V2.S4, V8.S4, V4.S4
	VSUB   V2.S4, V9.S4, V5.S4
	VADD   V3.S4, V0.S4, V0.S4
	VADD   V3.S4, V1.S4, V1.S4
	VUMAX  V4.S4, V5.S4, V4.S4
	VUMAX  V0.S4, V1.S4, V0.S4
	VUMAXV_S4(4, 4)
	VUMAXV_S4(0, 0)
	FMOVS  F4, R9
	FMOVS  F0, R10
	CMPW   R15, R9
	CCMPW  LS, R10, R17, $2
	BHI    done
	FMOVS  $1.0, F4
	VDUP   V4.S[0], V4.S4
	VFDIV_S4(8, 4, 10)
	VFDIV_S4(9, 4, 11)
	VLD1   (R0), [V16.D2, V17.D2, V18.D2, V19.D2]
	VLD1   (R2), [V20.D2, V21.D2, V22.D2, V23.D2]
	VLD1   (R3), [V24.S4, V25.S4]
	VEOR   V26.B16, V26.B16, V26.B16
	VEOR   V27.B16, V27.B16, V27.B16
	MOVD   R1, R9
	MOVD   R20, R10
	MOVD   $keep<>+32(SB), R13
	ADD    R12<<2, R13
	VLD1   (R13), [V28.B16, V29.B16] // zeros for the columns not done
	VCMEQ  V27.S4, V28.S4, V28.S4
	VCMEQ  V27.S4, V29.S4, V29.S4
	CMP    $8, R12
	BLT    masked

loop: // a row
	VLD1   (R9), [V0.S4, V1.S4]
	PAIRCODE
	PAIRCOUNT
	VLD1.P (R9)(R21), [V2.S4, V3.S4]
	PAIRDEVIATION
	PAIRSUMS
	SUBS   $1, R10
	BNE    loop

store:
	VFMAX_S4(24, 25, 4)
	VFMAXV_S4(4, 4)
	FCMPS  F4, F4
	BVS    done
	VLD1   (R8), [V0.S4, V1.S4]
	VDUP   R20, V4.S4
	VAND   V28.B16, V4.B16, V5.B16
	VAND   V29.B16, V4.B16, V6.B16
	VADD   V5.S4, V26.S4, V26.S4
	VADD   V6.S4, V27.S4, V27.S4
	VADD   V26.S4, V0.S4, V0.S4
	VADD   V27.S4, V1.S4, V1.S4
	VST1.P [V16.D2, V17.D2, V18.D2, V19.D2], 64(R0)
	VST1.P [V20.D2, V21.D2, V22.D2, V23.D2], 64(R2)
	VST1.P [V24.S4, V25.S4], 32(R3)
	VST1.P [V0.S4, V1.S4], 32(R8)
	ADD    $32, R4
	ADD    $32, R5
	ADD    $32, R1
	SUBS   $8, R22
	BGE    block

tail: // R22+8 columns are left
	MOVD R22, R23
	ADDS $8, R22, R12
	MOVD $0, R22
	BEQ  done
	ADD  R23<<3, R0
	ADD  R23<<3, R2
	ADD  R23<<2, R3
	ADD  R23<<2, R8
	ADD  R23<<2, R4
	ADD  R23<<2, R5
	ADD  R23<<2, R1
	B    block

masked: // a row
	VLD1   (R9), [V0.S4, V1.S4]
	PAIRCODE
	VAND   V28.B16, V2.B16, V2.B16
	VAND   V29.B16, V3.B16, V3.B16
	PAIRCOUNT
	VLD1.P (R9)(R21), [V2.S4, V3.S4]
	PAIRDEVIATION
	VAND   V28.B16, V0.B16, V0.B16
	VAND   V29.B16, V1.B16, V1.B16
	PAIRSUMS
	SUBS   $1, R10
	BNE    masked
	B      store

done:
	MOVD scale_len+144(FP), R0
	SUB  R22, R0
	SUB  R12, R0
	MOVD R0, ret+192(FP)
	RET

// func squaresColumnsNEON(acc []float64, src []float32, rows, stride int)
//
// len(acc) is 16 or more, rows 1 or more.
// R0 acc; R1 src; R2 rows; R3 bytes from row to row; R22 columns left - 16
// R9 src of the block's row; R10 rows left of it; R12 columns that are not done
// V8-V11 masks of these; V24-V31 sum x²
TEXT ·squaresColumnsNEON(SB), NOSPLIT, $0-64
	MOVD acc_base+0(FP), R0
	MOVD acc_len+8(FP), R22
	MOVD src_base+24(FP), R1
	MOVD rows+48(FP), R2
	MOVD stride+56(FP), R3
	LSL  $2, R3
	SUB  $16, R22

block: // 16 columns
	ADD  $64, R0, R11
	MOVD R1, R9
	MOVD R2, R10
	VLD1 (R0), [V24.D2, V25.D2, V26.D2, V27.D2]
	VLD1 (R11), [V28.D2, V29.D2, V30.D2, V31.D2]
	TBNZ $63, R22, masked

loop: // a row
	VLD1.P (R9)(R3), [V0.S4, V1.S4, V2.S4, V3.S4]
	SQUARES
	SUBS   $1, R10
	BNE    loop

store:
	VST1.P [V24.D2, V25.D2, V26.D2, V27.D2], 64(R0)
	VST1.P [V28.D2, V29.D2, V30.D2, V31.D2], 64(R0)
	ADD    $64, R1
	SUBS   $16, R22
	BGE    block

tail: // R22+16 columns are left, if R22 >= -16
	ADDS $16, R22, R12
	BLE  done
	ADD  R22<<3, R0
	ADD  R22<<2, R1
	MOVD $keep<>(SB), R13
	ADD  R12<<2, R13
	VLD1 (R13), [V8.B16, V9.B16, V10.B16, V11.B16] // zeros for the columns not done
	VEOR V12.B16, V12.B16, V12.B16
	VCMEQ V12.S4, V8.S4, V8.S4
	VCMEQ V12.S4, V9.S4, V9.S4
	VCMEQ V12.S4, V10.S4, V10.S4
	VCMEQ V12.S4, V11.S4, V11.S4
	B    block

masked: // a row
	VLD1.P (R9)(R3), [V0.S4, V1.S4, V2.S4, V3.S4]
	VAND   V8.B16, V0.B16, V0.B16
	VAND   V9.B16, V1.B16, V1.B16
	VAND   V10.B16, V2.B16, V2.B16
	VAND   V11.B16, V3.B16, V3.B16
	SQUARES
	SUBS   $1, R10
	BNE    masked
	B      store

done:
	RET
