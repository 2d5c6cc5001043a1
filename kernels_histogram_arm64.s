//go:build !purego

#include "textflag.h"
#include "kernels_arm64.h"

// COUNT counts the bin of the float32 in the lower or the upper half of b, whose
// bits above or below at are those of the bin, by an index. Where the octave has
// no place it goes to end.
#define COUNT(b, at, index, end) \
	UBFX  $(at+7), b, $9, R11     \
	UBFX  $(at), b, $16, R12      \
	MOVWU (index)(R11<<2), R11    \
	CBZ   R11, end                \
	ADD   R12, R11                \
	MOVWU (R0)(R11<<2), R12       \
	ADD   $1, R12                 \
	MOVW  R12, (R0)(R11<<2)

// func histogramRunsNEON(counts []uint32, at *[histogramLanes]*octaveIndex, src []float32) int
//
// Counting is no work for vectors, but four indexes stay in registers here.
// R0 counts, less the bins that indexes are above them; R1 src; R2 elements
// left; R4-R7 indexes. The ends are named after how many elements are counted
// from R1 on.
TEXT ·histogramRunsNEON(SB), NOSPLIT, $0-64
	MOVD counts_base+0(FP), R0
	MOVD at+24(FP), R3
	MOVD src_base+32(FP), R1
	MOVD src_len+40(FP), R2
	LDP  0(R3), (R4, R5)
	LDP  16(R3), (R6, R7)
	SUB  $0x40000, R0
	SUBS $4, R2
	BLT  rest

loop:
	LDP  (R1), (R8, R9)
	COUNT(R8, 16, R4, end0)
	COUNT(R8, 48, R5, end1)
	COUNT(R9, 16, R6, end2)
	COUNT(R9, 48, R7, end3)
	ADD  $16, R1
	SUBS $4, R2
	BGE  loop

rest: // R2+4 elements, fewer than 4
	CMN   $4, R2
	BEQ   end0
	MOVWU (R1), R8
	COUNT(R8, 16, R4, end0)
	CMN   $3, R2
	BEQ   end1
	MOVWU 4(R1), R8
	COUNT(R8, 16, R5, end1)
	CMN   $2, R2
	BEQ   end2
	MOVWU 8(R1), R8
	COUNT(R8, 16, R6, end2)

end3:
	ADD $4, R1

end2:
	ADD $4, R1

end1:
	ADD $4, R1

end0:
	MOVD src_base+32(FP), R2
	SUB  R2, R1
	LSR  $2, R1
	MOVD R1, ret+56(FP)
	RET

// func transposeNEON(dst, src *float32, rows, cols, stride int)
//
// There are at least 4 rows and 4 columns. Squares of 4 go from left to right;
// the last of a row, and those of the last rows, may overlap others.
// R0 dst; R1 src; R2 rows left; R3 and R4 bytes from row to row of src and dst
TEXT ·transposeNEON(SB), NOSPLIT, $0-40
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD rows+16(FP), R2
	MOVD stride+32(FP), R3
	LSL  $2, R3
	LSL  $2, R2, R4

rows: // the next 4
	MOVD R0, R5
	MOVD R1, R6
	MOVD cols+24(FP), R7

square:
	MOVD   R6, R8
	VLD1.P (R8)(R3), [V0.S4]
	VLD1.P (R8)(R3), [V1.S4]
	VLD1.P (R8)(R3), [V2.S4]
	VLD1   (R8), [V3.S4]
	VZIP1  V2.S4, V0.S4, V4.S4 // 00 20 01 21
	VZIP2  V2.S4, V0.S4, V5.S4 // 02 22 03 23
	VZIP1  V3.S4, V1.S4, V6.S4 // 10 30 11 31
	VZIP2  V3.S4, V1.S4, V7.S4
	VZIP1  V6.S4, V4.S4, V0.S4 // 00 10 20 30
	VZIP2  V6.S4, V4.S4, V1.S4
	VZIP1  V7.S4, V5.S4, V2.S4
	VZIP2  V7.S4, V5.S4, V3.S4
	VST1.P [V0.S4], (R5)(R4)
	VST1.P [V1.S4], (R5)(R4)
	VST1.P [V2.S4], (R5)(R4)
	VST1.P [V3.S4], (R5)(R4)
	ADD    $16, R6
	SUBS   $4, R7
	BEQ    next
	CMP    $4, R7
	BGE    square
	SUB    $4, R7 // the last 4
	ADD    R7<<2, R6
	MADD   R4, R5, R7, R5
	MOVD   $4, R7
	B      square

next:
	ADD  $16, R0
	ADD  R3<<2, R1
	SUBS $4, R2
	BEQ  done
	CMP  $4, R2
	BGE  rows
	SUB  $4, R2
	ADD  R2<<2, R0
	MADD R3, R1, R2, R1
	MOVD $4, R2
	B    rows

done:
	RET
