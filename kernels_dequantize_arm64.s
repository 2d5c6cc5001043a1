//go:build !purego

#include "textflag.h"
#include "kernels_arm64.h"

// For four codes each: the code's byte, twice byte 0 of magic, byte 3 of magic.
DATA spread<>+0(SB)/8, $0x1310100113101000
DATA spread<>+8(SB)/8, $0x1310100313101002
DATA spread<>+16(SB)/8, $0x1310100513101004
DATA spread<>+24(SB)/8, $0x1310100713101006
DATA spread<>+32(SB)/8, $0x1310100913101008
DATA spread<>+40(SB)/8, $0x1310100B1310100A
DATA spread<>+48(SB)/8, $0x1310100D1310100C
DATA spread<>+56(SB)/8, $0x1310100F1310100E
GLOBL spread<>(SB), RODATA|NOPTR, $64

// A code becomes real without a conversion: below the magic bytes 0x4B 0x00 it
// is the float32 2^23 + b, b being the code's bits with the sign bit flipped
// where codes are signed, and below 0xCB 0x00 it is -2^23 - b. K takes that off
// and the zero point with it: the sum is exact if K is, and K is, if zero
// points that are not negative go with -2^23 (and b inverted), negative ones
// with 2^23. (A sum of 0 is +0 either way.)

// CONSTANTS(max, sign) prepares for codes from 0 to max, or signed ones with
// that sign bit. For a zero point that is not negative:
//   R11 2^23 + max - sign; R13 bits to flip; R15 magic
// and for a negative one:
//   R12 -2^23 - sign; R14; R16
#define CONSTANTS(max, sign) \
	MOVBU signed+104(FP), R9   \
	NEG   R9, R9               \
	AND   $sign, R9, R14       \
	MOVD  $(0x800000+max), R11 \
	SUB   R14, R11             \
	MOVD  $-0x800000, R12      \
	SUB   R14, R12             \
	EOR   $max, R14, R13       \
	MOVD  $0xCB000000, R15     \
	MOVD  $0x4B000000, R16

// PARAMETERS reads a run's scale and zero point.
// V16 scale; V17 K; R9 bits to flip; R10 magic
#define PARAMETERS \
	VLD1R.P 4(R4), [V16.S4]   \
	MOVW.P  4(R5), R17        \
	CMPW    $0, R17           \
	CSEL    GE, R11, R12, R10 \
	SUBW    R17, R10          \
	SCVTFWS R10, F17          \
	VDUP    V17.S[0], V17.S4  \
	CSEL    GE, R13, R14, R9  \
	CSEL    GE, R15, R16, R10

// WIDEN8 puts the codes in V0 below the magic in V1, WIDEN16 those in V0 and V1
// below that in V2. V18 has the bits to flip.
#define WIDEN8 \
	VEOR V18.B16, V0.B16, V0.B16            \
	VTBL V20.B16, [V0.B16, V1.B16], V4.B16  \
	VTBL V21.B16, [V0.B16, V1.B16], V5.B16  \
	VTBL V22.B16, [V0.B16, V1.B16], V6.B16  \
	VTBL V23.B16, [V0.B16, V1.B16], V7.B16

#define WIDEN16 \
	VEOR  V18.B16, V0.B16, V0.B16 \
	VEOR  V18.B16, V1.B16, V1.B16 \
	VZIP1 V2.H8, V0.H8, V4.H8     \
	VZIP2 V2.H8, V0.H8, V5.H8     \
	VZIP1 V2.H8, V1.H8, V6.H8     \
	VZIP2 V2.H8, V1.H8, V7.H8

// SCALE sets V4…V7 to (V4…V7 + K) * scale.
#define SCALE \
	VFADD_S4(17, 4, 4) \
	VFADD_S4(17, 5, 5) \
	VFADD_S4(17, 6, 6) \
	VFADD_S4(17, 7, 7) \
	VFMUL_S4(16, 4, 4) \
	VFMUL_S4(16, 5, 5) \
	VFMUL_S4(16, 6, 6) \
	VFMUL_S4(16, 7, 7)

// Offsets of the vectors of a short step of R8+4 elements: 0, R6, R7, R8.
#define OFFSETS \
	MOVD $4, R6         \
	MOVD $8, R7         \
	CMP  R8, R6         \
	CSEL LT, R6, R8, R6 \
	CMP  R8, R7         \
	CSEL LT, R7, R8, R7

// SCATTER stores the four vectors of a short step, SCATTER1 up to three single
// elements, the last of which is at R8.
#define SCATTER \
	ADD    R6<<2, R0, R9   \
	ADD    R7<<2, R0, R10  \
	VST1   [V4.S4], (R0)   \
	ADD    R8<<2, R0       \
	VST1   [V5.S4], (R9)   \
	VST1   [V6.S4], (R10)  \
	VST1.P [V7.S4], 16(R0)

#define SCATTER1 \
	ADD    R6<<2, R0, R9    \
	VST1   V4.S[0], (R0)    \
	ADD    R8<<2, R0        \
	VST1   V5.S[0], (R9)    \
	VST1.P V6.S[0], 4(R0)

// func dequantizeInt8RunsNEON(dst []float32, src []uint8, run int, scale []float32, zero []int32, signed bool)
//
// R0 dst; R1 src; R2 elements left; R3 run; R4 scale; R5 zero
// V20-V23 spread; see CONSTANTS, PARAMETERS, WIDEN8
TEXT ·dequantizeInt8RunsNEON(SB), NOSPLIT, $0-105
	MOVD dst_base+0(FP), R0
	MOVD src_base+24(FP), R1
	MOVD src_len+32(FP), R2
	MOVD run+48(FP), R3
	MOVD scale_base+56(FP), R4
	MOVD zero_base+80(FP), R5
	CONSTANTS(0xFF, 0x80)
	MOVD $spread<>(SB), R9
	VLD1 (R9), [V20.B16, V21.B16, V22.B16, V23.B16]

next:
	CBZ  R2, done
	CMP  R3, R2
	CSEL LT, R2, R3, R8
	SUB  R8, R2
	PARAMETERS
	VDUP R9, V18.B16
	VDUP R10, V1.S4
	SUBS $16, R8
	BLT  short

loop: // 16 elements
	VLD1.P 16(R1), [V0.B16]
	WIDEN8
	SCALE
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(R0)
	SUBS   $16, R8
	BGE    loop

tail: // R8+16 elements are left
	CMN  $16, R8
	BEQ  next
	ADD  R8, R1
	ADD  R8<<2, R0
	MOVD $0, R8
	B    loop

short: // R8+16 elements
	ADDS   $12, R8
	BLT    tiny
	OFFSETS
	ADD    R6, R1, R9
	ADD    R7, R1, R10
	VLD1   (R1), V0.S[0]
	ADD    R8, R1
	VLD1   (R9), V0.S[1]
	VLD1   (R10), V0.S[2]
	VLD1.P 4(R1), V0.S[3]
	WIDEN8
	SCALE
	SCATTER
	B      next

tiny: // R8+4 elements
	ADD    $3, R8
	CMP    $1, R8
	CSET   GE, R6
	ADD    R6, R1, R9
	VLD1   (R1), V0.B[0]
	ADD    R8, R1
	VLD1   (R9), V0.B[4]
	VLD1.P 1(R1), V0.B[8]
	WIDEN8
	SCALE
	SCATTER1
	B      next

done:
	RET

// func dequantizeInt16RunsNEON(dst []float32, src []uint16, run int, scale []float32, zero []int32, signed bool)
//
// As dequantizeInt8RunsNEON.
TEXT ·dequantizeInt16RunsNEON(SB), NOSPLIT, $0-105
	MOVD dst_base+0(FP), R0
	MOVD src_base+24(FP), R1
	MOVD src_len+32(FP), R2
	MOVD run+48(FP), R3
	MOVD scale_base+56(FP), R4
	MOVD zero_base+80(FP), R5
	CONSTANTS(0xFFFF, 0x8000)

next:
	CBZ  R2, done
	CMP  R3, R2
	CSEL LT, R2, R3, R8
	SUB  R8, R2
	PARAMETERS
	LSR  $16, R10
	VDUP R9, V18.H8
	VDUP R10, V2.H8
	SUBS $16, R8
	BLT  short

loop: // 16 elements
	VLD1.P 32(R1), [V0.H8, V1.H8]
	WIDEN16
	SCALE
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(R0)
	SUBS   $16, R8
	BGE    loop

tail: // R8+16 elements are left
	CMN  $16, R8
	BEQ  next
	ADD  R8<<1, R1
	ADD  R8<<2, R0
	MOVD $0, R8
	B    loop

short: // R8+16 elements
	ADDS   $12, R8
	BLT    tiny
	OFFSETS
	ADD    R6<<1, R1, R9
	ADD    R7<<1, R1, R10
	VLD1   (R1), V0.D[0]
	ADD    R8<<1, R1
	VLD1   (R9), V0.D[1]
	VLD1   (R10), V1.D[0]
	VLD1.P 8(R1), V1.D[1]
	WIDEN16
	SCALE
	SCATTER
	B      next

tiny: // R8+4 elements
	ADD    $3, R8
	CMP    $1, R8
	CSET   GE, R6
	ADD    R6<<1, R1, R9
	VLD1   (R1), V0.H[0]
	ADD    R8<<1, R1
	VLD1   (R9), V0.H[4]
	VLD1.P 2(R1), V1.H[0]
	WIDEN16
	SCALE
	SCATTER1
	B      next

done:
	RET

// The columns kernels load the parameters of 16 columns and go down the rows.
// There 2^23 and the zero point are taken off one after the other, so that all
// zero points do with one magic.
//
// R0 dst; R1 src; R2 rows; R3 columns left - 16; R4 scale; R5 zero
// R20, R21 bytes from row to row of src and dst
// R8, R9 rows left of the block, its src; R10 its dst
// V8-V11 scale; V12-V15 zero point + sign; V16 2^23; V18 bits to flip; V19 sign

#define COLUMNCONSTANTS(sign) \
	MOVBU signed+104(FP), R9 \
	NEG   R9, R9             \
	AND   $sign, R9          \
	VDUP  R9, V19.S4         \
	MOVW  $0x4B000000, R10   \
	VDUP  R10, V16.S4        \
	SUB   $16, R3

// COLUMNS loads the parameters.
#define COLUMNS \
	VLD1.P 64(R4), [V8.S4, V9.S4, V10.S4, V11.S4]   \
	VLD1.P 64(R5), [V12.S4, V13.S4, V14.S4, V15.S4] \
	VADD V19.S4, V12.S4, V12.S4 \
	VADD V19.S4, V13.S4, V13.S4 \
	VADD V19.S4, V14.S4, V14.S4 \
	VADD V19.S4, V15.S4, V15.S4 \
	VSCVTF_S4(12, 12)           \
	VSCVTF_S4(13, 13)           \
	VSCVTF_S4(14, 14)           \
	VSCVTF_S4(15, 15)

// SCALECOLUMNS sets V4…V7 to (V4…V7 - 2^23 - zero points) * scales.
#define SCALECOLUMNS \
	VFSUB_S4(16, 4, 4)  \
	VFSUB_S4(16, 5, 5)  \
	VFSUB_S4(16, 6, 6)  \
	VFSUB_S4(16, 7, 7)  \
	VFSUB_S4(12, 4, 4)  \
	VFSUB_S4(13, 5, 5)  \
	VFSUB_S4(14, 6, 6)  \
	VFSUB_S4(15, 7, 7)  \
	VFMUL_S4(8, 4, 4)   \
	VFMUL_S4(9, 5, 5)   \
	VFMUL_S4(10, 6, 6)  \
	VFMUL_S4(11, 7, 7)

// func dequantizeInt8ColumnsNEON(dst []float32, src []uint8, rows int, scale []float32, zero []int32, signed bool)
//
// len(scale) is 16 or more, rows 1 or more.
TEXT ·dequantizeInt8ColumnsNEON(SB), NOSPLIT, $0-105
	MOVD dst_base+0(FP), R0
	MOVD src_base+24(FP), R1
	MOVD rows+48(FP), R2
	MOVD scale_base+56(FP), R4
	MOVD scale_len+64(FP), R3
	MOVD zero_base+80(FP), R5
	MOVD R3, R20
	LSL  $2, R3, R21
	COLUMNCONSTANTS(0x80)
	VDUP R9, V18.B16
	VDUP R10, V1.S4
	MOVD $spread<>(SB), R9
	VLD1 (R9), [V20.B16, V21.B16, V22.B16, V23.B16]

block: // 16 columns
	MOVD R2, R8
	MOVD R1, R9
	MOVD R0, R10
	COLUMNS

loop: // a row
	VLD1.P (R9)(R20), [V0.B16]
	WIDEN8
	SCALECOLUMNS
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], (R10)(R21)
	SUBS   $1, R8
	BNE    loop

tail: // R3 columns are left
	ADD  $16, R1
	ADD  $64, R0
	SUBS $16, R3
	BGE  block
	CMN  $16, R3
	BEQ  done
	ADD  R3, R1
	ADD  R3<<2, R4
	ADD  R3<<2, R5
	ADD  R3<<2, R0
	MOVD $0, R3
	B    block

done:
	RET

// func dequantizeInt16ColumnsNEON(dst []float32, src []uint16, rows int, scale []float32, zero []int32, signed bool)
//
// As dequantizeInt8ColumnsNEON.
TEXT ·dequantizeInt16ColumnsNEON(SB), NOSPLIT, $0-105
	MOVD dst_base+0(FP), R0
	MOVD src_base+24(FP), R1
	MOVD rows+48(FP), R2
	MOVD scale_base+56(FP), R4
	MOVD scale_len+64(FP), R3
	MOVD zero_base+80(FP), R5
	LSL  $1, R3, R20
	LSL  $2, R3, R21
	COLUMNCONSTANTS(0x8000)
	LSR  $16, R10
	VDUP R9, V18.H8
	VDUP R10, V2.H8

block: // 16 columns
	MOVD R2, R8
	MOVD R1, R9
	MOVD R0, R10
	COLUMNS

loop: // a row
	VLD1.P (R9)(R20), [V0.H8, V1.H8]
	WIDEN16
	SCALECOLUMNS
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], (R10)(R21)
	SUBS   $1, R8
	BNE    loop

tail: // R3 columns are left
	ADD  $32, R1
	ADD  $64, R0
	SUBS $16, R3
	BGE  block
	CMN  $16, R3
	BEQ  done
	ADD  R3<<1, R1
	ADD  R3<<2, R4
	ADD  R3<<2, R5
	ADD  R3<<2, R0
	MOVD $0, R3
	B    block

done:
	RET
