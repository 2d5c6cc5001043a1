//go:build !purego

// The fence of amd64, and the ranges of its first instruction set, AVX2.

#include "textflag.h"
#include "kernels_avx2_amd64.h"

// func storeFence()
TEXT ·storeFence(SB), NOSPLIT, $0-0
	SFENCE
	RET

//	for i := range lo {
//		r := src[i*run : min((i+1)*run, len(src))]
//		lo[i], hi[i] = slices.Min(r)+0, slices.Max(r)+0 // -0 becomes +0
//		for _, x := range r {
//			ok = ok && finite(x)
//		}
//	}
//
// func rangeRunsAVX2(lo, hi, src []float32, run int) bool
//
// For how integer maxima give both ends of a run, see "Ranges" in kernels.go. An
// element that is taken twice does no harm.
#define MINS           R9  // where the next minimum goes
#define MAXS           R10 // where the next maximum goes
#define START          R11 // first element of the run
#define LENGTH         R12 // elements of the run
#define MAX_SIGNED     Y4  // greatest signed so far
#define MAX_SIGNED_X   X4  // its lower half
#define MAX_UNSIGNED   Y5  // greatest unsigned so far
#define MAX_UNSIGNED_X X5  // its lower half
TEXT ·rangeRunsAVX2(SB), NOSPLIT, $0-81
	MOVQ lo_base+0(FP), MINS
	MOVQ hi_base+24(FP), MAXS
	MOVQ src_base+48(FP), SRC
	MOVQ src_len+56(FP), LEFT
	MOVQ run+72(FP), RUN
	MOVB $1, ret+80(FP)

nextrun:
	MOVQ    RUN, N
	CMPQ    LEFT, N
	CMOVQLT LEFT, N
	SUBQ    N, LEFT
	MOVQ    SRC, START
	MOVQ    N, LENGTH
	VPBROADCASTD SIGN, MAX_SIGNED // greatest signed so far, of 4 times 8
	VPXOR   MAX_UNSIGNED, MAX_UNSIGNED, MAX_UNSIGNED // greatest unsigned so far
	CMPQ    N, $32
	JBE     short
	VMOVDQU MAX_SIGNED, Y6
	VMOVDQU MAX_UNSIGNED, Y7
	SUBQ    $32, N

loop:
	VMOVDQU 0(SRC), Y0
	VMOVDQU 32(SRC), Y1
	VMOVDQU 64(SRC), Y2
	VMOVDQU 96(SRC), Y3
	VPMAXSD Y0, MAX_SIGNED, MAX_SIGNED
	VPMAXUD Y0, MAX_UNSIGNED, MAX_UNSIGNED
	VPMAXSD Y1, Y6, Y6
	VPMAXUD Y1, Y7, Y7
	VPMAXSD Y2, MAX_SIGNED, MAX_SIGNED
	VPMAXUD Y2, MAX_UNSIGNED, MAX_UNSIGNED
	VPMAXSD Y3, Y6, Y6
	VPMAXUD Y3, Y7, Y7
	ADDQ $128, SRC
	SUBQ $32, N
	JA   loop
	VPMAXSD Y6, MAX_SIGNED, MAX_SIGNED
	VPMAXUD Y7, MAX_UNSIGNED, MAX_UNSIGNED
	LEAQ (SRC)(N*4), SRC
	MOVQ $32, N

ends32:
	VMOVDQU 0(SRC), Y0
	VMOVDQU 32(SRC), Y1
	VMOVDQU -64(SRC)(N*4), Y2
	VMOVDQU -32(SRC)(N*4), Y3
	VPMAXSD Y1, Y0, Y6
	VPMAXUD Y1, Y0, Y7
	VPMAXSD Y2, MAX_SIGNED, MAX_SIGNED
	VPMAXUD Y2, MAX_UNSIGNED, MAX_UNSIGNED
	VPMAXSD Y3, Y6, Y6
	VPMAXUD Y3, Y7, Y7
	VPMAXSD Y6, MAX_SIGNED, MAX_SIGNED
	VPMAXUD Y7, MAX_UNSIGNED, MAX_UNSIGNED

reduce:
	LEAQ (SRC)(N*4), SRC
	REDUCE(VPMAXSD, MAX_SIGNED, MAX_SIGNED_X, X0)
	REDUCE(VPMAXUD, MAX_UNSIGNED, MAX_UNSIGNED_X, X1)
	VMOVD   MAX_SIGNED_X, AX // maximum
	VMOVD   MAX_UNSIGNED_X, BX // minimum
	CMPL    AX, $infBits
	JGE     bad
	CMPL    BX, $minusInfBits
	JAE     bad
	TESTL   BX, BX
	JNS     onesign
	TESTL   AX, AX
	JS      onesign

store:
	CMPL    BX, $signBit // a minimum of -0 is +0
	JNE     2(PC)
	XORL    BX, BX
	CMPL    AX, $signBit
	JNE     2(PC)
	XORL    AX, AX
	MOVL    BX, (MINS)
	MOVL    AX, (MAXS)
	ADDQ    $4, MINS
	ADDQ    $4, MAXS
	TESTQ   LEFT, LEFT
	JNZ     nextrun
	VZEROUPPER
	RET

short:
	CMPQ N, $16
	JAE  ends32
	CMPQ N, $8
	JB   short8
	VMOVDQU 0(SRC), Y0
	VMOVDQU -32(SRC)(N*4), Y1

two: // a run of two vectors
	VPMAXSD Y1, Y0, MAX_SIGNED
	VPMAXUD Y1, Y0, MAX_UNSIGNED
	JMP  reduce

short8:
	CMPQ N, $4
	JB   tiny
	VBROADCASTI128 0(SRC), Y0
	VBROADCASTI128 -16(SRC)(N*4), Y1
	JMP  two

tiny:
	MOVQ N, BX
	SHRQ $1, BX
	VPBROADCASTD (SRC), Y0
	VPBROADCASTD (SRC)(BX*4), Y1
	VPBROADCASTD -4(SRC)(N*4), MAX_SIGNED
	VPBLENDD $0x55, MAX_SIGNED, Y1, Y1
	JMP  two

bad:
	MOVB $0, ret+80(FP)
	JMP  store

onesign: // the run once more, for the least unsigned
	VPCMPEQD MAX_SIGNED, MAX_SIGNED, MAX_SIGNED
	CMPQ    LENGTH, $8
	JBE     oneshort
	SUBQ    $8, LENGTH

oneloop:
	VPMINUD (START), MAX_SIGNED, MAX_SIGNED
	ADDQ $32, START
	SUBQ $8, LENGTH
	JA   oneloop
	LEAQ (START)(LENGTH*4), START
	MOVQ $8, LENGTH

oneshort:
	CMPQ LENGTH, $4
	JB   onetiny
	VBROADCASTI128 0(START), Y0
	VBROADCASTI128 -16(START)(LENGTH*4), Y1

onereduce:
	VPMINUD Y0, MAX_SIGNED, MAX_SIGNED
	VPMINUD Y1, MAX_SIGNED, MAX_SIGNED
	REDUCE(VPMINUD, MAX_SIGNED, MAX_SIGNED_X, X0)
	TESTL   AX, AX
	JS      negative
	VMOVD   MAX_SIGNED_X, BX
	JMP     store

negative:
	VMOVD   MAX_SIGNED_X, AX
	JMP     store

onetiny:
	MOVQ LENGTH, R13
	SHRQ $1, R13
	VPBROADCASTD (START), MAX_SIGNED
	VPBROADCASTD (START)(R13*4), Y0
	VPBROADCASTD -4(START)(LENGTH*4), Y1
	JMP  onereduce

// Of 8 vectors, one for each run, REDUCE_PAIR reduces a and b to the alternating
// dwords of t. REDUCE_8 reduces four such pairs, off bytes from FRAME on, to a
// dword for each run in Y0.
#define REDUCE_PAIR(op, a, b, u, t) \
	VPUNPCKLDQ b, a, t \
	VPUNPCKHDQ b, a, u \
	op         u, t, t

#define REDUCE_8(op, off) \
	VMOVDQU     (off+0)(FRAME), Y0      \
	VMOVDQU     (off+64)(FRAME), Y2     \
	VPUNPCKLQDQ (off+32)(FRAME), Y0, Y1 \
	VPUNPCKHQDQ (off+32)(FRAME), Y0, Y0 \
	VPUNPCKLQDQ (off+96)(FRAME), Y2, Y3 \
	VPUNPCKHQDQ (off+96)(FRAME), Y2, Y2 \
	op          Y1, Y0, Y0              \
	op          Y3, Y2, Y2              \
	VPERM2I128  $0x20, Y2, Y0, Y1       \
	VPERM2I128  $0x31, Y2, Y0, Y0       \
	op          Y1, Y0, Y0

// ENDS_17_TO_32 sets a to the greatest signed and b to the greatest unsigned of
// 17 to 32 elements, RUN of them at p.
#define ENDS_17_TO_32(p, a, b) \
	VMOVDQU 0(p), Y0          \
	VMOVDQU 32(p), Y1         \
	VMOVDQU -64(p)(RUN*4), Y2 \
	VMOVDQU -32(p)(RUN*4), Y3 \
	VPMAXSD Y1, Y0, a         \
	VPMAXUD Y1, Y0, b         \
	VPMAXSD Y3, Y2, Y0        \
	VPMAXUD Y3, Y2, Y1        \
	VPMAXSD Y0, a, a          \
	VPMAXUD Y1, b, b

//	for i := range lo {
//		r := src[i*run : (i+1)*run]
//		lo[i], hi[i] = slices.Min(r)+0, slices.Max(r)+0 // -0 becomes +0
//		for _, x := range r {
//			ok = ok && finite(x)
//		}
//	}
//
// func rangeShortAVX2(lo, hi, src []float32, run int) bool
//
// Runs are of at least 8 elements, all complete, and taken 8 at a time. The frame
// collects their vectors in pairs, which are reduced for all 8 together: greatest
// signed at 0, greatest unsigned at 128. If all elements of a run have one sign,
// a second reading finds the least signed.
//
// Named above: MINS, MAXS.
#define RUNS             R11 // runs left
#define FRAME            R12 // start of the frame, a multiple of 32
#undef START
#define START            DI  // first of the 8 runs
#define SECOND           DX  // second run of a pair
#define PAIR             BX  // bytes of the pairs that are done
#define NAUGHT           Y14 // 0
#define INFINITIES       Y13 // +Inf
#define MINUS_INFINITIES Y12 // -Inf
#define NOT_FINITE       Y15 // collects a mask of ends that are not finite
TEXT ·rangeShortAVX2(SB), NOSPLIT, $288-81
	MOVQ  lo_base+0(FP), MINS
	MOVQ  lo_len+8(FP), RUNS
	MOVQ  hi_base+24(FP), MAXS
	MOVQ  src_base+48(FP), SRC
	MOVQ  run+72(FP), RUN
	LEAQ  31(SP), FRAME
	ANDQ  $~31, FRAME
	VPXOR NOT_FINITE, NOT_FINITE, NOT_FINITE
	VPXOR NAUGHT, NAUGHT, NAUGHT
	VPBROADCASTD INFINITY, INFINITIES
	VPBROADCASTD SIGN, MINUS_INFINITIES
	VPOR  INFINITIES, MINUS_INFINITIES, MINUS_INFINITIES

eight:
	MOVQ SRC, START
	XORL PAIR, PAIR
	CMPQ RUN, $16
	JBE  two
	CMPQ RUN, $32
	JA   long

pair: // a pair of runs
	LEAQ (SRC)(RUN*4), SECOND
	ENDS_17_TO_32(SRC, Y4, Y5)
	ENDS_17_TO_32(SECOND, Y6, Y7)
	REDUCE_PAIR(VPMAXSD, Y4, Y6, Y0, Y2)
	REDUCE_PAIR(VPMAXUD, Y5, Y7, Y1, Y3)
	VMOVDQU Y2, 0(FRAME)(PAIR*1)
	VMOVDQU Y3, 128(FRAME)(PAIR*1)
	LEAQ (SRC)(RUN*8), SRC
	ADDQ $32, PAIR
	CMPQ PAIR, $128
	JB   pair

reduce:
	REDUCE_8(VPMAXUD, 128)
	VMOVDQA Y0, Y5 // minima
	REDUCE_8(VPMAXSD, 0) // maxima
	VPMAXUD MINUS_INFINITIES, Y5, Y1
	VPMAXSD INFINITIES, Y0, Y2
	VPCMPEQD Y5, Y1, Y1
	VPCMPEQD Y0, Y2, Y2
	VPOR  Y1, NOT_FINITE, NOT_FINITE
	VPOR  Y2, NOT_FINITE, NOT_FINITE
	VPANDN Y5, Y0, Y1
	VMOVMSKPS Y1, AX
	CMPL  AX, $0xff
	JNE   onesign

store: // -0 becomes +0
	VADDPS  NAUGHT, Y5, Y5
	VADDPS  NAUGHT, Y0, Y0
	VMOVUPS Y5, (MINS)
	VMOVUPS Y0, (MAXS)
	ADDQ $32, MINS
	ADDQ $32, MAXS
	SUBQ $8, RUNS
	JNZ  eight
	VPTEST NOT_FINITE, NOT_FINITE
	SETEQ  ret+80(FP)
	VZEROUPPER
	RET

two: // a run of two vectors
	LEAQ (SRC)(RUN*4), SECOND
	VMOVDQU 0(SRC), Y0
	VMOVDQU -32(SRC)(RUN*4), Y1
	VMOVDQU 0(SECOND), Y2
	VMOVDQU -32(SECOND)(RUN*4), Y3
	VPMAXSD Y1, Y0, Y4
	VPMAXUD Y1, Y0, Y5
	VPMAXSD Y3, Y2, Y6
	VPMAXUD Y3, Y2, Y7
	REDUCE_PAIR(VPMAXSD, Y4, Y6, Y0, Y2)
	REDUCE_PAIR(VPMAXUD, Y5, Y7, Y1, Y3)
	VMOVDQU Y2, 0(FRAME)(PAIR*1)
	VMOVDQU Y3, 128(FRAME)(PAIR*1)
	LEAQ (SRC)(RUN*8), SRC
	ADDQ $32, PAIR
	CMPQ PAIR, $128
	JB   two
	JMP  reduce

long: // runs of more than 32
	MOVQ RUN, N
	VMOVDQU 0(SRC), Y4
	VMOVDQU 32(SRC), Y6
	VMOVDQA Y4, Y5
	VMOVDQA Y6, Y7

longloop:
	VMOVDQU 64(SRC), Y2
	VMOVDQU 96(SRC), Y3
	VPMAXSD Y2, Y4, Y4
	VPMAXUD Y2, Y5, Y5
	VPMAXSD Y3, Y6, Y6
	VPMAXUD Y3, Y7, Y7
	ADDQ $64, SRC
	SUBQ $16, N
	CMPQ N, $32
	JA   longloop
	LEAQ (SRC)(N*4), SRC // past the run
	VMOVDQU -64(SRC), Y2
	VMOVDQU -32(SRC), Y3
	VPMAXSD Y2, Y4, Y4
	VPMAXUD Y2, Y5, Y5
	VPMAXSD Y3, Y6, Y6
	VPMAXUD Y3, Y7, Y7
	VPMAXSD Y6, Y4, Y4
	VPMAXUD Y7, Y5, Y5
	XORQ $16, PAIR // the first run of a pair, or the second
	TESTQ $16, PAIR
	JZ   second
	VMOVDQA Y4, Y8
	VMOVDQA Y5, Y9
	JMP  long

second:
	REDUCE_PAIR(VPMAXSD, Y8, Y4, Y0, Y2)
	REDUCE_PAIR(VPMAXUD, Y9, Y5, Y1, Y3)
	VMOVDQU Y2, 0(FRAME)(PAIR*1)
	VMOVDQU Y3, 128(FRAME)(PAIR*1)
	ADDQ $32, PAIR
	CMPQ PAIR, $128
	JB   long
	JMP  reduce

onesign: // a run has elements of one sign only: the 8 runs from START on once more
	VMOVDQA Y0, Y4
	XORL PAIR, PAIR

onepair:
	VMOVDQU -32(START)(RUN*4), Y2
	LEAQ (START)(RUN*4), SECOND
	VMOVDQU -32(SECOND)(RUN*4), Y3
	MOVQ RUN, N

oneloop:
	VPMINSD (START), Y2, Y2
	VPMINSD (START)(RUN*4), Y3, Y3
	ADDQ $32, START
	SUBQ $8, N
	CMPQ N, $8
	JAE  oneloop
	REDUCE_PAIR(VPMINSD, Y2, Y3, Y0, Y1)
	VMOVDQU Y1, 0(FRAME)(PAIR*1)
	LEAQ (SECOND)(RUN*4), START
	ADDQ $32, PAIR
	CMPQ PAIR, $128
	JB   onepair
	REDUCE_8(VPMINSD, 0)
	VBLENDVPS Y5, Y5, Y0, Y5 // the minimum of a run without negative elements
	VBLENDVPS Y4, Y0, Y4, Y0 // the maximum of a run of negative elements
	JMP  store

// EXTEND_RANGE lowers lo and raises hi to the elements x. odd collects x·0,
// which is NaN unless x is finite.
#define EXTEND_RANGE(x, lo, hi, odd) \
	VMINPS      x, lo, lo \
	VMAXPS      x, hi, hi \
	VFMADD231PS NAUGHT, x, odd

// STORE_ENDS stores ends; -0 becomes +0.
#define STORE_ENDS(v, dst) \
	VADDPS  NAUGHT, v, v \
	VMOVUPS v, dst

//	for r := range rows {
//		for j, x := range src[r*stride:][:len(lo)] {
//			lo[j], hi[j] = min(lo[j], x)+0, max(hi[j], x)+0 // -0 becomes +0
//			ok = ok && finite(x)
//		}
//	}
//
// func rangeColumnsAVX2(lo, hi []float32, src *float32, rows, stride int) bool
//
// There are at least 8 columns; those that are taken twice do no harm.
//
// Named above: MINS, MAXS.
#define COLUMNS   R11 // columns
#define COLUMN    R13 // columns done
#define DISTANCE  BX  // from the first 16 columns to the second 16
#define COLUMN2   R15 // where the second 16 columns begin
#define STRIDE    R8  // bytes from row to row
#define ROWS_LEFT CX  // rows left
#undef NAUGHT
#define NAUGHT    Y15 // 0
TEXT ·rangeColumnsAVX2(SB), NOSPLIT, $0-73
	MOVQ lo_base+0(FP), MINS
	MOVQ lo_len+8(FP), COLUMNS
	MOVQ hi_base+24(FP), MAXS
	MOVQ stride+64(FP), STRIDE
	SHLQ $2, STRIDE
	XORL COLUMN, COLUMN
	VPXOR NAUGHT, NAUGHT, NAUGHT
	VPXOR Y2, Y2, Y2
	VPXOR Y3, Y3, Y3
	VPXOR Y12, Y12, Y12
	VPXOR Y13, Y13, Y13
	CMPQ COLUMNS, $16
	JB   narrow
	MOVQ $16, DISTANCE
	CMPQ COLUMNS, $32
	JAE  wide
	LEAQ -16(COLUMNS), DISTANCE

wide: // the next 16 columns, and the 16 from DISTANCE columns on
	LEAQ (COLUMN)(DISTANCE*1), COLUMN2
	MOVQ src+48(FP), SRC
	LEAQ (SRC)(COLUMN*4), SRC
	MOVQ rows+56(FP), ROWS_LEFT
	VMOVUPS 0(MINS)(COLUMN*4), Y4
	VMOVUPS 32(MINS)(COLUMN*4), Y5
	VMOVUPS 0(MINS)(COLUMN2*4), Y6
	VMOVUPS 32(MINS)(COLUMN2*4), Y7
	VMOVUPS 0(MAXS)(COLUMN*4), Y8
	VMOVUPS 32(MAXS)(COLUMN*4), Y9
	VMOVUPS 0(MAXS)(COLUMN2*4), Y10
	VMOVUPS 32(MAXS)(COLUMN2*4), Y11

wideloop:
	VMOVUPS 0(SRC), Y0
	VMOVUPS 32(SRC), Y1
	EXTEND_RANGE(Y0, Y4, Y8, Y2)
	EXTEND_RANGE(Y1, Y5, Y9, Y3)
	VMOVUPS 0(SRC)(DISTANCE*4), Y0
	VMOVUPS 32(SRC)(DISTANCE*4), Y1
	EXTEND_RANGE(Y0, Y6, Y10, Y12)
	EXTEND_RANGE(Y1, Y7, Y11, Y13)
	ADDQ STRIDE, SRC
	DECQ ROWS_LEFT
	JNZ  wideloop
	STORE_ENDS(Y4, 0(MINS)(COLUMN*4))
	STORE_ENDS(Y5, 32(MINS)(COLUMN*4))
	STORE_ENDS(Y6, 0(MINS)(COLUMN2*4))
	STORE_ENDS(Y7, 32(MINS)(COLUMN2*4))
	STORE_ENDS(Y8, 0(MAXS)(COLUMN*4))
	STORE_ENDS(Y9, 32(MAXS)(COLUMN*4))
	STORE_ENDS(Y10, 0(MAXS)(COLUMN2*4))
	STORE_ENDS(Y11, 32(MAXS)(COLUMN2*4))
	LEAQ 16(COLUMN2), COLUMN
	LEAQ -32(COLUMNS), AX
	CMPQ COLUMN, AX
	JLE  wide
	ADDQ $16, AX
	CMPQ COLUMN, AX
	JGE  rest
	LEAQ -32(COLUMNS), COLUMN // more than 16 columns are left
	JMP  wide

narrow: // the next 8 columns, or the last 8
	MOVQ src+48(FP), SRC
	LEAQ (SRC)(COLUMN*4), SRC
	MOVQ rows+56(FP), ROWS_LEFT
	VMOVUPS (MINS)(COLUMN*4), Y4
	VMOVUPS (MAXS)(COLUMN*4), Y8

narrowloop:
	VMOVUPS (SRC), Y0
	EXTEND_RANGE(Y0, Y4, Y8, Y12)
	ADDQ STRIDE, SRC
	DECQ ROWS_LEFT
	JNZ  narrowloop
	STORE_ENDS(Y4, (MINS)(COLUMN*4))
	STORE_ENDS(Y8, (MAXS)(COLUMN*4))
	ADDQ $8, COLUMN

rest:
	CMPQ COLUMN, COLUMNS
	JEQ  done
	LEAQ -8(COLUMNS), AX
	CMPQ COLUMN, AX
	CMOVQGT AX, COLUMN
	JMP  narrow

done:
	VADDPS   Y3, Y2, Y2
	VADDPS   Y13, Y12, Y12
	VADDPS   Y12, Y2, Y2
	VCMPPS   $3, Y2, Y2, Y2 // unordered
	VPTEST   Y2, Y2
	SETEQ    ret+72(FP)
	VZEROUPPER
	RET
