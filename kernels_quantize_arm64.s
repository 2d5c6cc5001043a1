//go:build !purego

#include "textflag.h"
#include "kernels_arm64.h"

// CONSTANTS loads what checks and rounding need.
// V12 0x1.8p23, whose sum with a real of magnitude below 2^22 has the integer
// nearest to it in its low bits; V26 1
#define CONSTANTS \
	MOVW $0x4B400000, R9   \
	VDUP R9, V12.S4        \
	FMOVS $1.0, F26        \
	MOVW $minScale, R14    \
	MOVW $scaleRange, R15  \
	MOVW $zeroRange, R16   \
	LSL  $1, R16, R17

// PARAMETERS reads a run's scale and zero point. The zero point is left in R11.
// V8 scale, V9 1/scale; V14, V15 bounds of the quotient; V10, V11 bounds of x
// R10 is not 0 if QUOTIENT does not serve
#define PARAMETERS \
	MOVWU.P 4(R4), R9         \
	MOVW.P  4(R5), R11        \
	VDUP    R9, V8.S4         \
	SUBW    R11, R6, R12      \
	SUBW    R11, R7, R13      \
	SCVTFWS R12, F14          \
	SCVTFWS R13, F15          \
	FDIVS   F8, F26, F9       \
	FMULS   F8, F14, F10      \
	FMULS   F8, F15, F11      \
	VDUP    V14.S[0], V14.S4  \
	VDUP    V15.S[0], V15.S4  \
	VDUP    V9.S[0], V9.S4    \
	VDUP    V10.S[0], V10.S4  \
	VDUP    V11.S[0], V11.S4  \
	SUBW    R14, R9           \
	ADDW    R16, R11, R12     \
	CMPW    R15, R9           \
	CCMPW   LS, R12, R17, $2  \
	CSET    HI, R10

// ROUND sets V0…V3 to round(clamp(x/scale)) in their low bits. Clamping x to
// the bounds times scale instead of the quotient comes to the same, because a
// bound times scale, rounded, still has the bound as its code. FMIN makes a
// NaN quiet and FMAXNM replaces that with the lower bound.
#define ROUND \
	VFMIN_S4(11, 0, 0)    \
	VFMIN_S4(11, 1, 1)    \
	VFMIN_S4(11, 2, 2)    \
	VFMIN_S4(11, 3, 3)    \
	VFMAXNM_S4(10, 0, 0)  \
	VFMAXNM_S4(10, 1, 1)  \
	VFMAXNM_S4(10, 2, 2)  \
	VFMAXNM_S4(10, 3, 3)  \
	QUOTIENT              \
	VFADD_S4(12, 4, 0)    \
	VFADD_S4(12, 5, 1)    \
	VFADD_S4(12, 6, 2)    \
	VFADD_S4(12, 7, 3)

// DIVIDE does what ROUND does, for any scale and bounds.
#define DIVIDE \
	VFDIV_S4(8, 0, 0)     \
	VFDIV_S4(8, 1, 1)     \
	VFDIV_S4(8, 2, 2)     \
	VFDIV_S4(8, 3, 3)     \
	VFMAXNM_S4(14, 0, 0)  \
	VFMAXNM_S4(14, 1, 1)  \
	VFMAXNM_S4(14, 2, 2)  \
	VFMAXNM_S4(14, 3, 3)  \
	VFMIN_S4(15, 0, 0)    \
	VFMIN_S4(15, 1, 1)    \
	VFMIN_S4(15, 2, 2)    \
	VFMIN_S4(15, 3, 3)    \
	VFCVTNS_S4(0, 0)      \
	VFCVTNS_S4(1, 1)      \
	VFCVTNS_S4(2, 2)      \
	VFCVTNS_S4(3, 3)

// NARROW16 keeps the low 16 bits of V0…V3 in V0 and V1. NARROW8 keeps 8 bits
// in V0.
#define NARROW16 \
	VUZP1 V1.H8, V0.H8, V0.H8 \
	VUZP1 V3.H8, V2.H8, V1.H8

#define NARROW8 \
	NARROW16 \
	VUZP1 V1.B16, V0.B16, V0.B16

// ZERO adds the zero points, whose low bits V13 holds, to the low bits of codes.
#define ZERO16 \
	VADD V13.H8, V0.H8, V0.H8 \
	VADD V13.H8, V1.H8, V1.H8

#define ZERO8 VADD V13.B16, V0.B16, V0.B16

// Offsets of the vectors of a short step of R8+4 elements: 0, R11, R12, R8.
#define OFFSETS \
	MOVD $4, R11            \
	MOVD $8, R12            \
	CMP  R8, R11            \
	CSEL LT, R11, R8, R11   \
	CMP  R8, R12            \
	CSEL LT, R12, R8, R12

// GATHER loads the four vectors of a short step, GATHER1 up to three single
// elements, the last of which is at R8.
#define GATHER \
	ADD  R11<<2, R1, R9    \
	ADD  R12<<2, R1, R13   \
	VLD1 (R1), [V0.S4]     \
	ADD  R8<<2, R1         \
	VLD1 (R9), [V1.S4]     \
	VLD1 (R13), [V2.S4]    \
	VLD1.P 16(R1), [V3.S4]

#define GATHER1 \
	ADD  R11<<2, R1, R9    \
	VLD1 (R1), V0.S[0]     \
	ADD  R8<<2, R1         \
	VLD1 (R9), V1.S[0]     \
	VLD1.P 4(R1), V2.S[0]

// func quantizeInt8RunsNEON(dst []uint8, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32)
//
// R0 dst; R1 src; R2 elements left; R3 run; R4 scale; R5 zero; R6 qmin; R7 qmax
// V13 the zero point; see CONSTANTS, PARAMETERS
TEXT ·quantizeInt8RunsNEON(SB), NOSPLIT, $0-112
	MOVD dst_base+0(FP), R0
	MOVD src_base+24(FP), R1
	MOVD src_len+32(FP), R2
	MOVD run+48(FP), R3
	MOVD scale_base+56(FP), R4
	MOVD zero_base+80(FP), R5
	MOVW qmin+104(FP), R6
	MOVW qmax+108(FP), R7
	CONSTANTS

next:
	CBZ  R2, done
	CMP  R3, R2
	CSEL LT, R2, R3, R8
	SUB  R8, R2
	PARAMETERS
	VDUP R11, V13.B16
	SUBS $16, R8
	BLT  short

loop: // 16 elements
	VLD1.P 64(R1), [V0.S4, V1.S4, V2.S4, V3.S4]
	CBNZ   R10, divide
	ROUND

narrow:
	NARROW8
	ZERO8
	VST1.P [V0.B16], 16(R0)
	SUBS   $16, R8
	BGE    loop

tail: // R8+16 elements are left
	CMN  $16, R8
	BEQ  next
	ADD  R8<<2, R1
	ADD  R8, R0
	MOVD $0, R8
	B    loop

divide:
	DIVIDE
	B narrow

short: // R8+16 elements
	ADDS $12, R8
	BLT  tiny
	OFFSETS
	GATHER
	CBNZ R10, shortdivide
	ROUND
	B    shortstore

shortdivide:
	DIVIDE

shortstore:
	NARROW8
	ZERO8
	ADD    R11, R0, R9
	ADD    R12, R0, R13
	VST1   V0.S[0], (R0)
	ADD    R8, R0
	VST1   V0.S[1], (R9)
	VST1   V0.S[2], (R13)
	VST1.P V0.S[3], 4(R0)
	B      next

tiny: // R8+4 elements
	ADD  $3, R8
	CMP  $1, R8
	CSET GE, R11
	GATHER1
	CBNZ R10, tinydivide
	ROUND
	B    tinystore

tinydivide:
	DIVIDE

tinystore:
	NARROW8
	ZERO8
	ADD    R11, R0, R9
	VST1   V0.B[0], (R0)
	ADD    R8, R0
	VST1   V0.B[4], (R9)
	VST1.P V0.B[8], 1(R0)
	B      next

done:
	RET

// func quantizeInt16RunsNEON(dst []uint16, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32)
//
// As quantizeInt8RunsNEON.
TEXT ·quantizeInt16RunsNEON(SB), NOSPLIT, $0-112
	MOVD dst_base+0(FP), R0
	MOVD src_base+24(FP), R1
	MOVD src_len+32(FP), R2
	MOVD run+48(FP), R3
	MOVD scale_base+56(FP), R4
	MOVD zero_base+80(FP), R5
	MOVW qmin+104(FP), R6
	MOVW qmax+108(FP), R7
	CONSTANTS

next:
	CBZ  R2, done
	CMP  R3, R2
	CSEL LT, R2, R3, R8
	SUB  R8, R2
	PARAMETERS
	VDUP R11, V13.H8
	SUBS $16, R8
	BLT  short

loop: // 16 elements
	VLD1.P 64(R1), [V0.S4, V1.S4, V2.S4, V3.S4]
	CBNZ   R10, divide
	ROUND

narrow:
	NARROW16
	ZERO16
	VST1.P [V0.H8, V1.H8], 32(R0)
	SUBS   $16, R8
	BGE    loop

tail: // R8+16 elements are left
	CMN  $16, R8
	BEQ  next
	ADD  R8<<2, R1
	ADD  R8<<1, R0
	MOVD $0, R8
	B    loop

divide:
	DIVIDE
	B narrow

short: // R8+16 elements
	ADDS $12, R8
	BLT  tiny
	OFFSETS
	GATHER
	CBNZ R10, shortdivide
	ROUND
	B    shortstore

shortdivide:
	DIVIDE

shortstore:
	NARROW16
	ZERO16
	ADD    R11<<1, R0, R9
	ADD    R12<<1, R0, R13
	VST1   V0.D[0], (R0)
	ADD    R8<<1, R0
	VST1   V0.D[1], (R9)
	VST1   V1.D[0], (R13)
	VST1.P V1.D[1], 8(R0)
	B      next

tiny: // R8+4 elements
	ADD  $3, R8
	CMP  $1, R8
	CSET GE, R11
	GATHER1
	CBNZ R10, tinydivide
	ROUND
	B    tinystore

tinydivide:
	DIVIDE

tinystore:
	NARROW16
	ZERO16
	ADD    R11<<1, R0, R9
	VST1   V0.H[0], (R0)
	ADD    R8<<1, R0
	VST1   V0.H[4], (R9)
	VST1.P V1.H[0], 2(R0)
	B      next

done:
	RET

// The columns kernels load the parameters of 16 columns and go down the rows.
//
// R0 dst; R1 src; R2 rows; R3 columns left - 16; R4 scale; R5 zero
// R20, R21 bytes from row to row of src and dst
// R8, R9 rows left of the block, its src; R11 its dst
// V8-V11 scale; V28-V31 1/scale; V16-V19, V20-V23 bounds of the quotient, or of x
// V13, V14 low bits of the zero points; V12 0x1.8p23; V25 1; V26 qmin; V27 qmax
// V15 minScale, V24 zeroRange; R15, R17 as CONSTANTS has them

#define COLUMNCONSTANTS \
	CONSTANTS              \
	VDUP V26.S[0], V25.S4  \
	VDUP R14, V15.S4       \
	VDUP R16, V24.S4       \
	VDUP R6, V26.S4        \
	VDUP R7, V27.S4        \
	LSL  $2, R3, R20       \
	SUB  $16, R3

// COLUMNS loads the parameters, and leaves the zero points in V0…V3.
#define COLUMNS \
	VLD1.P 64(R4), [V8.S4, V9.S4, V10.S4, V11.S4] \
	VLD1.P 64(R5), [V0.S4, V1.S4, V2.S4, V3.S4]   \
	VSUB V0.S4, V26.S4, V16.S4 \
	VSUB V1.S4, V26.S4, V17.S4 \
	VSUB V2.S4, V26.S4, V18.S4 \
	VSUB V3.S4, V26.S4, V19.S4 \
	VSUB V0.S4, V27.S4, V20.S4 \
	VSUB V1.S4, V27.S4, V21.S4 \
	VSUB V2.S4, V27.S4, V22.S4 \
	VSUB V3.S4, V27.S4, V23.S4 \
	VSCVTF_S4(16, 16)          \
	VSCVTF_S4(17, 17)          \
	VSCVTF_S4(18, 18)          \
	VSCVTF_S4(19, 19)          \
	VSCVTF_S4(20, 20)          \
	VSCVTF_S4(21, 21)          \
	VSCVTF_S4(22, 22)          \
	VSCVTF_S4(23, 23)

// CHECK compares the parameters with what QUOTIENT serves: HI if it does not.
#define CHECK \
	VSUB  V15.S4, V8.S4, V4.S4  \
	VSUB  V15.S4, V9.S4, V5.S4  \
	VSUB  V15.S4, V10.S4, V6.S4 \
	VSUB  V15.S4, V11.S4, V7.S4 \
	VADD  V24.S4, V0.S4, V0.S4  \
	VADD  V24.S4, V1.S4, V1.S4  \
	VADD  V24.S4, V2.S4, V2.S4  \
	VADD  V24.S4, V3.S4, V3.S4  \
	VUMAX V4.S4, V5.S4, V4.S4   \
	VUMAX V6.S4, V7.S4, V6.S4   \
	VUMAX V0.S4, V1.S4, V0.S4   \
	VUMAX V2.S4, V3.S4, V2.S4   \
	VUMAX V4.S4, V6.S4, V4.S4   \
	VUMAX V0.S4, V2.S4, V0.S4   \
	VUMAXV_S4(4, 4)             \
	VUMAXV_S4(0, 0)             \
	FMOVS F4, R12               \
	FMOVS F0, R13               \
	CMPW  R15, R12              \
	CCMPW LS, R13, R17, $2

// RECIPROCALS gives ROUNDCOLUMNS what it needs.
#define RECIPROCALS \
	VFDIV_S4(8, 25, 28)   \
	VFDIV_S4(9, 25, 29)   \
	VFDIV_S4(10, 25, 30)  \
	VFDIV_S4(11, 25, 31)  \
	VFMUL_S4(8, 16, 16)   \
	VFMUL_S4(9, 17, 17)   \
	VFMUL_S4(10, 18, 18)  \
	VFMUL_S4(11, 19, 19)  \
	VFMUL_S4(8, 20, 20)   \
	VFMUL_S4(9, 21, 21)   \
	VFMUL_S4(10, 22, 22)  \
	VFMUL_S4(11, 23, 23)

// ROUNDCOLUMNS and DIVIDECOLUMNS are ROUND and DIVIDE.
#define ROUNDCOLUMNS \
	VFMIN_S4(20, 0, 0)           \
	VFMIN_S4(21, 1, 1)           \
	VFMIN_S4(22, 2, 2)           \
	VFMIN_S4(23, 3, 3)           \
	VFMAXNM_S4(16, 0, 0)         \
	VFMAXNM_S4(17, 1, 1)         \
	VFMAXNM_S4(18, 2, 2)         \
	VFMAXNM_S4(19, 3, 3)         \
	VFMUL_S4(28, 0, 4)           \
	VFMUL_S4(29, 1, 5)           \
	VFMUL_S4(30, 2, 6)           \
	VFMUL_S4(31, 3, 7)           \
	VFMLS V8.S4, V4.S4, V0.S4    \
	VFMLS V9.S4, V5.S4, V1.S4    \
	VFMLS V10.S4, V6.S4, V2.S4   \
	VFMLS V11.S4, V7.S4, V3.S4   \
	VFMLA V28.S4, V0.S4, V4.S4   \
	VFMLA V29.S4, V1.S4, V5.S4   \
	VFMLA V30.S4, V2.S4, V6.S4   \
	VFMLA V31.S4, V3.S4, V7.S4   \
	VFADD_S4(12, 4, 0)           \
	VFADD_S4(12, 5, 1)           \
	VFADD_S4(12, 6, 2)           \
	VFADD_S4(12, 7, 3)

#define DIVIDECOLUMNS \
	VFDIV_S4(8, 0, 0)     \
	VFDIV_S4(9, 1, 1)     \
	VFDIV_S4(10, 2, 2)    \
	VFDIV_S4(11, 3, 3)    \
	VFMAXNM_S4(16, 0, 0)  \
	VFMAXNM_S4(17, 1, 1)  \
	VFMAXNM_S4(18, 2, 2)  \
	VFMAXNM_S4(19, 3, 3)  \
	VFMIN_S4(20, 0, 0)    \
	VFMIN_S4(21, 1, 1)    \
	VFMIN_S4(22, 2, 2)    \
	VFMIN_S4(23, 3, 3)    \
	VFCVTNS_S4(0, 0)      \
	VFCVTNS_S4(1, 1)      \
	VFCVTNS_S4(2, 2)      \
	VFCVTNS_S4(3, 3)

// func quantizeInt8ColumnsNEON(dst []uint8, src []float32, rows int, scale []float32, zero []int32, qmin, qmax int32)
//
// len(scale) is 16 or more, rows 1 or more.
TEXT ·quantizeInt8ColumnsNEON(SB), NOSPLIT, $0-112
	MOVD dst_base+0(FP), R0
	MOVD src_base+24(FP), R1
	MOVD rows+48(FP), R2
	MOVD scale_base+56(FP), R4
	MOVD scale_len+64(FP), R3
	MOVD zero_base+80(FP), R5
	MOVW qmin+104(FP), R6
	MOVW qmax+108(FP), R7
	MOVD R3, R21
	COLUMNCONSTANTS

block: // 16 columns
	MOVD  R2, R8
	MOVD  R1, R9
	MOVD  R0, R11
	COLUMNS
	VUZP1 V1.H8, V0.H8, V4.H8
	VUZP1 V3.H8, V2.H8, V5.H8
	VUZP1 V5.B16, V4.B16, V13.B16
	CMP   $4, R2 // fewer rows are not worth reciprocals
	BLT   divide
	CHECK
	BHI   divide
	RECIPROCALS

loop: // a row
	VLD1.P (R9)(R20), [V0.S4, V1.S4, V2.S4, V3.S4]
	ROUNDCOLUMNS
	NARROW8
	ZERO8
	VST1.P [V0.B16], (R11)(R21)
	SUBS   $1, R8
	BNE    loop

tail: // R3 columns are left
	ADD  $64, R1
	ADD  $16, R0
	SUBS $16, R3
	BGE  block
	CMN  $16, R3
	BEQ  done
	ADD  R3<<2, R1
	ADD  R3<<2, R4
	ADD  R3<<2, R5
	ADD  R3, R0
	MOVD $0, R3
	B    block

divide: // a row
	VLD1.P (R9)(R20), [V0.S4, V1.S4, V2.S4, V3.S4]
	DIVIDECOLUMNS
	NARROW8
	ZERO8
	VST1.P [V0.B16], (R11)(R21)
	SUBS   $1, R8
	BNE    divide
	B      tail

done:
	RET

// func quantizeInt16ColumnsNEON(dst []uint16, src []float32, rows int, scale []float32, zero []int32, qmin, qmax int32)
//
// As quantizeInt8ColumnsNEON.
TEXT ·quantizeInt16ColumnsNEON(SB), NOSPLIT, $0-112
	MOVD dst_base+0(FP), R0
	MOVD src_base+24(FP), R1
	MOVD rows+48(FP), R2
	MOVD scale_base+56(FP), R4
	MOVD scale_len+64(FP), R3
	MOVD zero_base+80(FP), R5
	MOVW qmin+104(FP), R6
	MOVW qmax+108(FP), R7
	LSL  $1, R3, R21
	COLUMNCONSTANTS

block: // 16 columns
	MOVD  R2, R8
	MOVD  R1, R9
	MOVD  R0, R11
	COLUMNS
	VUZP1 V1.H8, V0.H8, V13.H8
	VUZP1 V3.H8, V2.H8, V14.H8
	CMP   $4, R2 // fewer rows are not worth reciprocals
	BLT   divide
	CHECK
	BHI   divide
	RECIPROCALS

loop: // a row
	VLD1.P (R9)(R20), [V0.S4, V1.S4, V2.S4, V3.S4]
	ROUNDCOLUMNS
	NARROW16
	VADD   V13.H8, V0.H8, V0.H8
	VADD   V14.H8, V1.H8, V1.H8
	VST1.P [V0.H8, V1.H8], (R11)(R21)
	SUBS   $1, R8
	BNE    loop

tail: // R3 columns are left
	ADD  $64, R1
	ADD  $32, R0
	SUBS $16, R3
	BGE  block
	CMN  $16, R3
	BEQ  done
	ADD  R3<<2, R1
	ADD  R3<<2, R4
	ADD  R3<<2, R5
	ADD  R3<<1, R0
	MOVD $0, R3
	B    block

divide: // a row
	VLD1.P (R9)(R20), [V0.S4, V1.S4, V2.S4, V3.S4]
	DIVIDECOLUMNS
	NARROW16
	VADD   V13.H8, V0.H8, V0.H8
	VADD   V14.H8, V1.H8, V1.H8
	VST1.P [V0.H8, V1.H8], (R11)(R21)
	SUBS   $1, R8
	BNE    divide
	B      tail

done:
	RET
