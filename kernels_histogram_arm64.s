//go:build !purego

// Histograms on arm64.

#include "textflag.h"
#include "kernels_arm64.h"

// COUNT_BIN counts the bin of the float32 in the lower or the upper half of b, by
// an index. at is the lowest of the bits of the bin. Where the octave has no place
// it goes to end. It uses R11 and R12.
#define COUNT_BIN(b, at, index, end) \
	UBFX  $(at+7), b, $9, R11   \
	UBFX  $(at), b, $16, R12    \
	MOVWU (index)(R11<<2), R11  \
	CBZ   R11, end              \
	ADD   R12, R11              \
	MOVWU (COUNTS)(R11<<2), R12 \
	ADD   $1, R12               \
	MOVW  R12, (COUNTS)(R11<<2)

//	for n < len(src) && at[n%histogramLanes].count(counts, src[n]) {
//		n++
//	}
//	return n
//
// func histogramRunsNEON(counts []uint32, at *[histogramLanes]*octaveIndex, src []float32) int
//
// Counting is no work for vectors, but four indexes stay in registers here. The
// labels end0 to end3 say how many elements are counted from SRC on.
#define COUNTS R0 // counts, less the number of bins, which the entries of indexes are too high by
#define INDEX0 R4 // at[0]
#define INDEX1 R5 // at[1]
#define INDEX2 R6 // at[2]
#define INDEX3 R7 // at[3]
TEXT ·histogramRunsNEON(SB), NOSPLIT, $0-64
	MOVD counts_base+0(FP), COUNTS
	MOVD at+24(FP), R3
	MOVD src_base+32(FP), SRC
	MOVD src_len+40(FP), LEFT
	LDP  0(R3), (INDEX0, INDEX1)
	LDP  16(R3), (INDEX2, INDEX3)
	SUB  $(4*binCount), COUNTS
	SUBS $4, LEFT
	BLT  rest

loop:
	LDP  (SRC), (R8, R9)
	COUNT_BIN(R8, 16, INDEX0, end0)
	COUNT_BIN(R8, 48, INDEX1, end1)
	COUNT_BIN(R9, 16, INDEX2, end2)
	COUNT_BIN(R9, 48, INDEX3, end3)
	ADD  $16, SRC
	SUBS $4, LEFT
	BGE  loop

rest: // LEFT+4 elements, fewer than 4
	CMN   $4, LEFT
	BEQ   end0
	MOVWU (SRC), R8
	COUNT_BIN(R8, 16, INDEX0, end0)
	CMN   $3, LEFT
	BEQ   end1
	MOVWU 4(SRC), R8
	COUNT_BIN(R8, 16, INDEX1, end1)
	CMN   $2, LEFT
	BEQ   end2
	MOVWU 8(SRC), R8
	COUNT_BIN(R8, 16, INDEX2, end2)

end3:
	ADD $4, SRC

end2:
	ADD $4, SRC

end1:
	ADD $4, SRC

end0:
	MOVD src_base+32(FP), R2
	SUB  R2, SRC
	LSR  $2, SRC
	MOVD SRC, ret+56(FP)
	RET
