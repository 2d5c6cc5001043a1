//go:build !purego

// Histograms with AVX2.

#include "textflag.h"
#include "kernels_avx2_amd64.h"

// COUNT_BIN counts the bin of the float32 in the lower or the upper half of CX,
// by an index. BY is SHRXL or SHRXQ; bin and octave are what it takes to shift all
// but the bin out, or all but the octave. Only an index of 0 gives less than the
// number of bins: then it goes to end.
#define COUNT_BIN(BY, bin, octave, index, end) \
	BY   bin, CX, AX       \
	BY   octave, CX, BX    \
	ADDL (index)(BX*4), AX \
	CMPL AX, $binCount     \
	JB   end               \
	INCL (-4*binCount)(COUNTS)(AX*4)

//	for n < len(src) && at[n%histogramLanes].count(counts, src[n]) {
//		n++
//	}
//	return n
//
// func histogramRunsAVX2(counts []uint32, at *[histogramLanes]*octaveIndex, src []float32) int
//
// The labels end0 to end3 say how many elements are counted from SRC on.
#define COUNTS      DI  // counts
#define INDEX0      R8  // at[0]
#define INDEX1      R9  // at[1]
#define INDEX2      R10 // at[2]
#define INDEX3      R11 // at[3]
#define BIN_LOW     R12 // shift to the bin in the lower half
#define OCTAVE_LOW  R13 // shift to the octave in the lower half
#define BIN_HIGH    R14 // shift to the bin in the upper half
#define OCTAVE_HIGH R15 // shift to the octave in the upper half
TEXT ·histogramRunsAVX2(SB), NOSPLIT, $0-64
	MOVQ counts_base+0(FP), COUNTS
	MOVQ at+24(FP), AX
	MOVQ 0(AX), INDEX0
	MOVQ 8(AX), INDEX1
	MOVQ 16(AX), INDEX2
	MOVQ 24(AX), INDEX3
	MOVQ src_base+32(FP), SRC
	MOVQ src_len+40(FP), LEFT
	MOVL $16, BIN_LOW
	MOVL $23, OCTAVE_LOW
	MOVL $48, BIN_HIGH
	MOVL $55, OCTAVE_HIGH
	SUBQ $4, LEFT
	JB   rest

loop:
	MOVQ 0(SRC), CX
	COUNT_BIN(SHRXL, BIN_LOW, OCTAVE_LOW, INDEX0, end0)
	COUNT_BIN(SHRXQ, BIN_HIGH, OCTAVE_HIGH, INDEX1, end1)
	MOVQ 8(SRC), CX
	COUNT_BIN(SHRXL, BIN_LOW, OCTAVE_LOW, INDEX2, end2)
	COUNT_BIN(SHRXQ, BIN_HIGH, OCTAVE_HIGH, INDEX3, end3)
	ADDQ $16, SRC
	SUBQ $4, LEFT
	JAE  loop

rest: // LEFT + 4 elements, fewer than 4
	CMPQ LEFT, $-4
	JEQ  end0
	MOVL (SRC), CX
	COUNT_BIN(SHRXL, BIN_LOW, OCTAVE_LOW, INDEX0, end0)
	CMPQ LEFT, $-3
	JEQ  end1
	MOVL 4(SRC), CX
	COUNT_BIN(SHRXL, BIN_LOW, OCTAVE_LOW, INDEX1, end1)
	CMPQ LEFT, $-2
	JEQ  end2
	MOVL 8(SRC), CX
	COUNT_BIN(SHRXL, BIN_LOW, OCTAVE_LOW, INDEX2, end2)

end3:
	ADDQ $4, SRC

end2:
	ADDQ $4, SRC

end1:
	ADDQ $4, SRC

end0:
	SUBQ src_base+32(FP), SRC
	SHRQ $2, SRC
	MOVQ SRC, ret+56(FP)
	RET

// HAS_PLACE sets the lowest bit of each dword of t to that of the map in MAP_LOW
// and MAP_HIGH for the octave of x.
#define HAS_PLACE(x, t, u) \
	VPSRLD    $28, x, u      \
	VPERMD    MAP_LOW, u, t  \
	VPERMD    MAP_HIGH, u, u \
	VBLENDVPS x, u, t, t     \
	VPSRLD    $23, x, u      \
	VPAND     LOW5, u, u     \
	VPSRLVD   u, t, t

// COUNT_2_BINS counts the bins of two elements in the tables of their lanes.
#define COUNT_2_BINS(off, a, b) \
	MOVQ off(SRC), AX   \
	MOVL AX, BX         \
	SHRQ $48, AX        \
	SHRL $16, BX        \
	INCL a(TABLE)(BX*4) \
	INCL b(TABLE)(AX*4)

// A table is 17 lines longer than its bins, so that counters of the same bin are
// in different sets of the cache, and no load waits for a store to the same
// counter of another table.
#define TABLE_SIZE (4*binCount + 17*64)
#define TABLE0 0
#define TABLE1 (TABLE0+TABLE_SIZE)
#define TABLE2 (TABLE1+TABLE_SIZE)
#define TABLE3 (TABLE2+TABLE_SIZE)

//	for n < len(src) && at[n%histogramLanes].count(counts, src[n]) {
//		n++
//	}
//	return n // or fewer
//
// func histogramLongAVX2(counts []uint32, at *[histogramLanes]*octaveIndex, table *uint32, src []float32) int
//
// It counts elements 16 at a time, up to the first 16 that contain one whose octave
// has no place in any of the lanes. Counts go to tables of all bins, one for each
// lane, which begin and end as zeros. The frame holds a map of the octaves that
// have a place, one bit each.
//
// Named above: INDEX0, INDEX1, INDEX2, INDEX3.
#define TABLE    DI  // table
#define OCTAVE   CX  // octave
#define MAP_LOW  Y8  // map of the octaves of values that are not negative
#define MAP_HIGH Y9  // map of the octaves of negative values
#define LOW5     Y10 // mask of the lowest 5 bits
#define UNITS    Y11 // 1
#define NAUGHT   Y15 // 0

// Afterwards, when the counts go from the tables to their places:
#define COUNTS_OCTAVE BX // counts, as far on as the bins of the octave are in a table
#define AT            R8 // index of the lane, in at
#define LANES         R9 // lanes left
#define PLACE         SI // place of the bins
#define BLOCKS        DX // times 16 bins left
TEXT ·histogramLongAVX2(SB), NOSPLIT, $64-72
	MOVQ  at+24(FP), AX
	MOVQ  0(AX), INDEX0
	MOVQ  8(AX), INDEX1
	MOVQ  16(AX), INDEX2
	MOVQ  24(AX), INDEX3
	MOVQ  table+32(FP), TABLE
	MOVQ  src_base+40(FP), SRC
	MOVQ  src_len+48(FP), LEFT
	VPXOR Y0, Y0, Y0
	XORL  OCTAVE, OCTAVE

map: // 8 octaves at a time
	VPCMPEQD  0(INDEX0)(OCTAVE*4), Y0, Y1
	VPCMPEQD  0(INDEX1)(OCTAVE*4), Y0, Y2
	VPCMPEQD  0(INDEX2)(OCTAVE*4), Y0, Y3
	VPCMPEQD  0(INDEX3)(OCTAVE*4), Y0, Y4
	VPOR      Y1, Y2, Y2
	VPOR      Y3, Y4, Y4
	VPOR      Y2, Y4, Y4
	VMOVMSKPS Y4, AX
	NOTL      AX
	MOVQ      OCTAVE, BX
	SHRQ      $3, BX
	MOVB      AX, 0(SP)(BX*1)
	ADDQ      $8, OCTAVE
	CMPQ      OCTAVE, $octaveCount
	JB        map
	VMOVDQU   0(SP), MAP_LOW
	VMOVDQU   32(SP), MAP_HIGH
	VPBROADCASTD INTEGER_ONE, UNITS
	VPSLLD    $5, UNITS, LOW5
	VPSUBD    UNITS, LOW5, LOW5
	SUBQ      $16, LEFT
	JB        stop

loop:
	VMOVDQU 0(SRC), Y0
	VMOVDQU 32(SRC), Y1
	HAS_PLACE(Y0, Y2, Y3)
	HAS_PLACE(Y1, Y4, Y5)
	VPAND   Y4, Y2, Y2
	VPTEST  UNITS, Y2
	JCC     stop
	COUNT_2_BINS(0, TABLE0, TABLE1)
	COUNT_2_BINS(8, TABLE2, TABLE3)
	COUNT_2_BINS(16, TABLE0, TABLE1)
	COUNT_2_BINS(24, TABLE2, TABLE3)
	COUNT_2_BINS(32, TABLE0, TABLE1)
	COUNT_2_BINS(40, TABLE2, TABLE3)
	COUNT_2_BINS(48, TABLE0, TABLE1)
	COUNT_2_BINS(56, TABLE2, TABLE3)
	ADDQ    $64, SRC
	SUBQ    $16, LEFT
	JAE     loop

stop:
	SUBQ  src_base+40(FP), SRC
	SHRQ  $2, SRC
	MOVQ  SRC, ret+64(FP)
	JZ    done
	VPXOR NAUGHT, NAUGHT, NAUGHT
	XORL  OCTAVE, OCTAVE

octave: // adds the counts of an octave to those at its place
	BTL  OCTAVE, 0(SP)
	JCC  next
	MOVQ counts_base+0(FP), COUNTS_OCTAVE
	MOVQ OCTAVE, R12
	SHLQ $9, R12
	ADDQ R12, COUNTS_OCTAVE
	MOVQ table+32(FP), TABLE
	ADDQ R12, TABLE
	MOVQ at+24(FP), AT
	MOVL $4, LANES

lane:
	MOVQ (AT), AX
	MOVL (AX)(OCTAVE*4), AX
	LEAQ (-4*binCount)(COUNTS_OCTAVE)(AX*4), PLACE
	MOVL $8, BLOCKS

bins: // 16 bins at a time
	VMOVDQU 0(TABLE), Y0
	VMOVDQU 32(TABLE), Y1
	VPADDD  0(PLACE), Y0, Y0
	VPADDD  32(PLACE), Y1, Y1
	VMOVDQU NAUGHT, 0(TABLE)
	VMOVDQU NAUGHT, 32(TABLE)
	VMOVDQU Y0, 0(PLACE)
	VMOVDQU Y1, 32(PLACE)
	ADDQ    $64, TABLE
	ADDQ    $64, PLACE
	DECL    BLOCKS
	JNZ     bins
	ADDQ    $(TABLE_SIZE-512), TABLE
	ADDQ    $8, AT
	DECL    LANES
	JNZ     lane

next:
	INCL OCTAVE
	CMPL OCTAVE, $octaveCount
	JB   octave

done:
	VZEROUPPER
	RET
