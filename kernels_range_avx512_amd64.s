//go:build !purego

// Ranges with AVX-512. Those with AVX2 are in kernels_amd64.s.

#include "textflag.h"
#include "kernels_avx512_amd64.h"

// GREATEST_4 takes 64 elements, off bytes from SRC on, into four greatest signed
// and four greatest unsigned.
#define GREATEST_4(off) \
	VMOVDQU32 (0+off)(SRC), Z0               \
	VMOVDQU32 (64+off)(SRC), Z1              \
	VMOVDQU32 (128+off)(SRC), Z2             \
	VMOVDQU32 (192+off)(SRC), Z3             \
	VPMAXSD   Z0, MAX_SIGNED, MAX_SIGNED     \
	VPMAXUD   Z0, MAX_UNSIGNED, MAX_UNSIGNED \
	VPMAXSD   Z1, Z6, Z6                     \
	VPMAXUD   Z1, Z7, Z7                     \
	VPMAXSD   Z2, Z8, Z8                     \
	VPMAXUD   Z2, Z9, Z9                     \
	VPMAXSD   Z3, Z10, Z10                   \
	VPMAXUD   Z3, Z11, Z11

//	for i := range lo {
//		r := src[i*run : min((i+1)*run, len(src))]
//		lo[i], hi[i] = slices.Min(r)+0, slices.Max(r)+0 // -0 becomes +0
//		for _, x := range r {
//			ok = ok && finite(x)
//		}
//	}
//
// func rangeRunsAVX512(lo, hi, src []float32, run int) bool
//
// For how integer maxima give both ends of a run, see "Ranges" in kernels.go.
#define MINS           R9  // where the next minimum goes
#define MAXS           R10 // where the next maximum goes
#define START          R11 // first element of the run
#define LENGTH         R12 // elements of the run
#define MAX_SIGNED     Z4  // greatest signed so far
#define MAX_SIGNED_X   X4  // its lowest quarter
#define MAX_SIGNED_Y   Y4  // its lower half
#define MAX_UNSIGNED   Z5  // greatest unsigned so far
#define MAX_UNSIGNED_X X5  // its lowest quarter
#define MAX_UNSIGNED_Y Y5  // its lower half
#define SIGNS          Z30 // sign bits, the least signed
#define NAUGHT         Z31 // 0, the least unsigned
#define NAUGHT_X       X31 // its lowest quarter
TEXT ·rangeRunsAVX512(SB), NOSPLIT, $0-81
	MOVQ lo_base+0(FP), MINS
	MOVQ hi_base+24(FP), MAXS
	MOVQ src_base+48(FP), SRC
	MOVQ src_len+56(FP), LEFT
	MOVQ run+72(FP), RUN
	MOVB $1, ret+80(FP)
	VPXORD NAUGHT, NAUGHT, NAUGHT // the signed maximum begins at the least value, not at 0
	BROADCAST(signBit, SIGNS)

nextrun:
	MOVQ    RUN, N
	CMPQ    LEFT, N
	CMOVQLT LEFT, N
	SUBQ    N, LEFT
	MOVQ    SRC, START
	MOVQ    N, LENGTH
	VMOVDQU32 SIGNS, MAX_SIGNED // greatest signed so far
	VMOVDQU32 NAUGHT, MAX_UNSIGNED // greatest unsigned so far
	SUBQ    $128, N
	JB      rest
	VMOVDQU32 SIGNS, Z6
	VMOVDQU32 NAUGHT, Z7
	VMOVDQU32 SIGNS, Z8
	VMOVDQU32 NAUGHT, Z9
	VMOVDQU32 SIGNS, Z10
	VMOVDQU32 NAUGHT, Z11

loop: // four chains for each end: a maximum may take two cycles
	GREATEST_4(0)
	GREATEST_4(256)
	ADDQ $512, SRC
	SUBQ $128, N
	JAE  loop
	VPMAXSD Z6, MAX_SIGNED, MAX_SIGNED
	VPMAXUD Z7, MAX_UNSIGNED, MAX_UNSIGNED
	VPMAXSD Z10, Z8, Z8
	VPMAXUD Z11, Z9, Z9
	VPMAXSD Z8, MAX_SIGNED, MAX_SIGNED
	VPMAXUD Z9, MAX_UNSIGNED, MAX_UNSIGNED

rest: // N + 128 elements, fewer than 128
	ADDQ $112, N
	JL   tail

loop16:
	VMOVDQU32 (SRC), Z0
	VPMAXSD Z0, MAX_SIGNED, MAX_SIGNED
	VPMAXUD Z0, MAX_UNSIGNED, MAX_UNSIGNED
	ADDQ $64, SRC
	SUBQ $16, N
	JGE  loop16

tail:
	ADDQ $16, N
	JZ   reduce
	MASK(N, K1)
	VMOVDQU32.Z (SRC), K1, Z0
	VPMAXSD Z0, MAX_SIGNED, K1, MAX_SIGNED
	VPMAXUD Z0, MAX_UNSIGNED, K1, MAX_UNSIGNED
	LEAQ (SRC)(N*4), SRC

reduce:
	VEXTRACTI64X4 $1, MAX_SIGNED, Y0
	VEXTRACTI64X4 $1, MAX_UNSIGNED, Y1
	VPMAXSD Y0, MAX_SIGNED_Y, MAX_SIGNED_Y
	VPMAXUD Y1, MAX_UNSIGNED_Y, MAX_UNSIGNED_Y
	VEXTRACTI128 $1, MAX_SIGNED_Y, X0
	VEXTRACTI128 $1, MAX_UNSIGNED_Y, X1
	VPMAXSD X0, MAX_SIGNED_X, MAX_SIGNED_X
	VPMAXUD X1, MAX_UNSIGNED_X, MAX_UNSIGNED_X
	VPSHUFD $0x4e, MAX_SIGNED_X, X0
	VPSHUFD $0x4e, MAX_UNSIGNED_X, X1
	VPMAXSD X0, MAX_SIGNED_X, MAX_SIGNED_X
	VPMAXUD X1, MAX_UNSIGNED_X, MAX_UNSIGNED_X
	VPSHUFD $0xb1, MAX_SIGNED_X, X0
	VPSHUFD $0xb1, MAX_UNSIGNED_X, X1
	VPMAXSD X0, MAX_SIGNED_X, MAX_SIGNED_X
	VPMAXUD X1, MAX_UNSIGNED_X, MAX_UNSIGNED_X
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

bad:
	MOVB $0, ret+80(FP)
	JMP  store

onesign: // the run once more, for the least unsigned
	VPTERNLOGD $0xff, MAX_SIGNED, MAX_SIGNED, MAX_SIGNED
	SUBQ $16, LENGTH
	JB   onetail

oneloop:
	VPMINUD (START), MAX_SIGNED, MAX_SIGNED
	ADDQ $64, START
	SUBQ $16, LENGTH
	JAE  oneloop

onetail:
	ADDQ $16, LENGTH
	JZ   onereduce
	MOVL  $-1, R13
	BZHIL LENGTH, R13, R13
	KMOVD R13, K1
	VMOVDQU32.Z (START), K1, Z0
	VPMINUD Z0, MAX_SIGNED, K1, MAX_SIGNED

onereduce:
	VEXTRACTI64X4 $1, MAX_SIGNED, Y0
	VPMINUD Y0, MAX_SIGNED_Y, MAX_SIGNED_Y
	VEXTRACTI128 $1, MAX_SIGNED_Y, X0
	VPMINUD X0, MAX_SIGNED_X, MAX_SIGNED_X
	VPSHUFD $0x4e, MAX_SIGNED_X, X0
	VPMINUD X0, MAX_SIGNED_X, MAX_SIGNED_X
	VPSHUFD $0xb1, MAX_SIGNED_X, X0
	VPMINUD X0, MAX_SIGNED_X, MAX_SIGNED_X
	TESTL   AX, AX
	JS      negative
	VMOVD   MAX_SIGNED_X, BX
	JMP     store

negative:
	VMOVD   MAX_SIGNED_X, AX
	JMP     store

// ENDS_OF_RUN reads a run of VECTORS whole vectors and the rest that K1 masks,
// RUN_BYTES bytes in all, into its greatest signed, greatest unsigned and least
// unsigned bits. It fetches elements that may not be in a cache. A fetch never faults.
#define ENDS_OF_RUN(sm, um, un, loop, tail) \
	VMOVDQA32   SIGNS, sm         \
	VPXORD      um, um, um        \
	VPTERNLOGD  $0xff, un, un, un \
	MOVQ        VECTORS, CX       \
	MOVQ        SRC, R13          \
	TESTQ       CX, CX            \
	JZ          tail              \
loop:                                 \
	PREFETCHT0  fetchedBytes(R13) \
	VMOVDQU32   (R13), Z0         \
	VPMAXSD     Z0, sm, sm        \
	VPMAXUD     Z0, um, um        \
	VPMINUD     Z0, un, un        \
	ADDQ        $64, R13          \
	DECQ        CX                \
	JNZ         loop              \
tail:                                 \
	VMOVDQU32.Z (R13), K1, Z0     \
	VPMAXSD     Z0, sm, K1, sm    \
	VPMAXUD     Z0, um, K1, um    \
	VPMINUD     Z0, un, K1, un    \
	ADDQ        RUN_BYTES, SRC

// REDUCE_4 reduces four vectors to the four dwords of x, by OP.
#define REDUCE_4(OP, a, b, c, d, y, x) \
	VPUNPCKLDQ  b, a, Z0     \
	VPUNPCKHDQ  b, a, Z1     \
	OP          Z0, Z1, Z1   \
	VPUNPCKLDQ  d, c, Z2     \
	VPUNPCKHDQ  d, c, Z3     \
	OP          Z2, Z3, Z3   \
	VPUNPCKLQDQ Z3, Z1, Z0   \
	VPUNPCKHQDQ Z3, Z1, Z1   \
	OP          Z0, Z1, Z1   \
	VEXTRACTI64X4 $1, Z1, Y0 \
	OP          Y0, Y1, Y1   \
	VEXTRACTI128 $1, Y1, X0  \
	OP          X0, X1, x

//	for i := range lo {
//		r := src[i*run : (i+1)*run]
//		lo[i], hi[i] = slices.Min(r)+0, slices.Max(r)+0 // -0 becomes +0
//		for _, x := range r {
//			ok = ok && finite(x)
//		}
//	}
//
// func rangeShortAVX512(lo, hi, src []float32, run int) bool
//
// Runs are complete and taken four at a time; len(lo) is a multiple of 4. Z8 to Z11
// hold their greatest signed, Z12 to Z15 greatest unsigned, Z16 to Z19 least
// unsigned. K4 collects ends that are not finite.
//
// Named above: MINS, MAXS, SIGNS, NAUGHT.
#define RUNS               DX  // runs left
#define VECTORS            R12 // whole vectors of a run
#define RUN_BYTES          R8  // bytes of a run
#define MINUS_INFINITIES   Z28 // -Inf
#define MINUS_INFINITIES_X X28 // its lowest quarter
#define INFINITIES         Z29 // +Inf
#define INFINITIES_X       X29 // its lowest quarter
TEXT ·rangeShortAVX512(SB), NOSPLIT, $0-81
	MOVQ lo_base+0(FP), MINS
	MOVQ lo_len+8(FP), RUNS
	MOVQ hi_base+24(FP), MAXS
	MOVQ src_base+48(FP), SRC
	MOVQ run+72(FP), RUN_BYTES
	MOVQ RUN_BYTES, VECTORS
	ANDQ $15, VECTORS
	MASK(VECTORS, K1)
	MOVQ RUN_BYTES, VECTORS
	SHRQ $4, VECTORS
	SHLQ $2, RUN_BYTES
	BROADCAST(signBit, SIGNS)
	BROADCAST(infBits, INFINITIES)
	BROADCAST(minusInfBits, MINUS_INFINITIES)
	VPXORD NAUGHT, NAUGHT, NAUGHT
	KXORW  K4, K4, K4 // collects ends that are not finite

four:
	ENDS_OF_RUN(Z8, Z12, Z16, loop0, tail0)
	ENDS_OF_RUN(Z9, Z13, Z17, loop1, tail1)
	ENDS_OF_RUN(Z10, Z14, Z18, loop2, tail2)
	ENDS_OF_RUN(Z11, Z15, Z19, loop3, tail3)
	REDUCE_4(VPMAXSD, Z8, Z9, Z10, Z11, Y4, X4)
	REDUCE_4(VPMAXUD, Z12, Z13, Z14, Z15, Y5, X5)
	REDUCE_4(VPMINUD, Z16, Z17, Z18, Z19, Y6, X6)
	VPCMPD    $5, INFINITIES_X, X4, K2 // not less
	VPCMPUD   $5, MINUS_INFINITIES_X, X5, K3
	KORW      K2, K4, K4
	KORW      K3, K4, K4
	VPMOVD2M  X4, K2 // all elements are negative
	VPMOVD2M  X5, K3 // an element is negative
	VMOVDQA32 X6, K2, X4
	VMOVDQA32 X5, K3, X6
	VADDPS    NAUGHT_X, X4, X4 // -0 becomes +0
	VADDPS    NAUGHT_X, X6, X6
	VMOVUPS   X6, (MINS)
	VMOVUPS   X4, (MAXS)
	ADDQ $16, MINS
	ADDQ $16, MAXS
	SUBQ $4, RUNS
	JNZ  four
	KTESTW K4, K4
	SETEQ  ret+80(FP)
	VZEROUPPER
	RET

// EXTEND_RANGE lowers lo and raises hi to the elements x. odd collects the
// greatest magnitude, doubled, which tells whether all are finite.
#define EXTEND_RANGE(x, lo, hi, odd) \
	VMINPS  x, lo, lo \
	VMAXPS  x, hi, hi \
	VPADDD  x, x, x   \
	VPMAXUD x, odd, odd

// ROW_OF_64 extends the ranges of 64 columns to the elements of a row, and goes on to the next row.
#define ROW_OF_64 \
	VMOVUPS 0(SRC), Z0                  \
	VMOVUPS 64(SRC), Z1                 \
	VMOVUPS 128(SRC), Z2                \
	VMOVUPS 192(SRC), Z3                \
	EXTEND_RANGE(Z0, Z8, Z12, DOUBLED)  \
	EXTEND_RANGE(Z1, Z9, Z13, DOUBLED)  \
	EXTEND_RANGE(Z2, Z10, Z14, DOUBLED) \
	EXTEND_RANGE(Z3, Z11, Z15, DOUBLED) \
	ADDQ STRIDE, SRC                    \
	DECQ ROWS_LEFT

//	for r := range rows {
//		for j, x := range src[r*stride:][:len(lo)] {
//			lo[j], hi[j] = min(lo[j], x)+0, max(hi[j], x)+0 // -0 becomes +0
//			ok = ok && finite(x)
//		}
//	}
//
// func rangeColumnsAVX512(lo, hi []float32, src *float32, rows, stride int) bool
//
// It takes 64 columns at a time, then up to 16, which K1 masks. Z8 to Z11 hold
// minima, Z12 to Z15 maxima. Up to 8 rows of some columns are a piece of a tensor that is read in
// the order of memory. Elements farther right in the rows are then fetched, or, if they are 8
// whole rows of up to 512 elements, the next 8 rows. A fetch never faults.
//
// Named above: MINS, MAXS, NAUGHT.
#define COLUMNS     R11 // columns left
#define SRC_COLUMNS DX  // the next columns in the first row
#define STRIDE      R8  // bytes from row to row
#define ROWS_LEFT   CX  // rows left
#define FETCHED     R12 // bytes from an element to the one that is fetched, or 0
#define DOUBLED     Z30 // greatest doubled magnitudes
TEXT ·rangeColumnsAVX512(SB), NOSPLIT, $0-73
	MOVQ lo_base+0(FP), MINS
	MOVQ lo_len+8(FP), COLUMNS
	MOVQ hi_base+24(FP), MAXS
	MOVQ stride+64(FP), STRIDE
	SHLQ $2, STRIDE
	MOVQ src+48(FP), SRC_COLUMNS
	XORL FETCHED, FETCHED
	CMPQ rows+56(FP), $8
	JA   begin
	MOVQ $512, FETCHED
	CMPQ COLUMNS, stride+64(FP)
	JLT  begin
	LEAQ (STRIDE*8), FETCHED // 8 whole rows
	CMPQ rows+56(FP), $8
	JNE  nofetch
	CMPQ COLUMNS, $512
	JBE  begin

nofetch:
	XORL FETCHED, FETCHED

begin:
	VPXORD DOUBLED, DOUBLED, DOUBLED // greatest doubled magnitudes
	VPXORD NAUGHT, NAUGHT, NAUGHT
	SUBQ $64, COLUMNS
	JB   rest

wide: // 64 columns at a time
	MOVQ SRC_COLUMNS, SRC
	MOVQ rows+56(FP), ROWS_LEFT
	VMOVUPS 0(MINS), Z8
	VMOVUPS 64(MINS), Z9
	VMOVUPS 128(MINS), Z10
	VMOVUPS 192(MINS), Z11
	VMOVUPS 0(MAXS), Z12
	VMOVUPS 64(MAXS), Z13
	VMOVUPS 128(MAXS), Z14
	VMOVUPS 192(MAXS), Z15

	TESTQ FETCHED, FETCHED
	JNE   fetchloop

wideloop:
	ROW_OF_64
	JNZ wideloop
	JMP stored

fetchloop:
	PREFETCHT0 0(SRC)(FETCHED*1)
	PREFETCHT0 64(SRC)(FETCHED*1)
	PREFETCHT0 128(SRC)(FETCHED*1)
	PREFETCHT0 192(SRC)(FETCHED*1)
	ROW_OF_64
	JNZ fetchloop

stored:
	VADDPS NAUGHT, Z8, Z8 // -0 becomes +0
	VADDPS NAUGHT, Z9, Z9
	VADDPS NAUGHT, Z10, Z10
	VADDPS NAUGHT, Z11, Z11
	VADDPS NAUGHT, Z12, Z12
	VADDPS NAUGHT, Z13, Z13
	VADDPS NAUGHT, Z14, Z14
	VADDPS NAUGHT, Z15, Z15
	VMOVUPS Z8, 0(MINS)
	VMOVUPS Z9, 64(MINS)
	VMOVUPS Z10, 128(MINS)
	VMOVUPS Z11, 192(MINS)
	VMOVUPS Z12, 0(MAXS)
	VMOVUPS Z13, 64(MAXS)
	VMOVUPS Z14, 128(MAXS)
	VMOVUPS Z15, 192(MAXS)
	ADDQ $256, MINS
	ADDQ $256, MAXS
	ADDQ $256, SRC_COLUMNS
	SUBQ $64, COLUMNS
	JAE  wide

rest:
	ADDQ $64, COLUMNS

columns:
	TESTQ COLUMNS, COLUMNS
	JZ    done
	MOVQ    $16, BX
	CMPQ    COLUMNS, BX
	CMOVQLT COLUMNS, BX
	SUBQ    BX, COLUMNS
	MASK(BX, K1)
	MOVQ SRC_COLUMNS, SRC
	MOVQ rows+56(FP), ROWS_LEFT
	VMOVUPS.Z (MINS), K1, Z8
	VMOVUPS.Z (MAXS), K1, Z12

loop:
	VMOVUPS.Z (SRC), K1, Z0
	EXTEND_RANGE(Z0, Z8, Z12, DOUBLED)
	ADDQ STRIDE, SRC
	DECQ ROWS_LEFT
	JNZ  loop
	VADDPS NAUGHT, Z8, Z8
	VADDPS NAUGHT, Z12, Z12
	VMOVUPS Z8, K1, (MINS)
	VMOVUPS Z12, K1, (MAXS)
	LEAQ (MINS)(BX*4), MINS
	LEAQ (MAXS)(BX*4), MAXS
	LEAQ (SRC_COLUMNS)(BX*4), SRC_COLUMNS
	JMP  columns

done:
	BROADCAST((infBits<<1), Z0)
	VPCMPUD $5, Z0, DOUBLED, K1 // not less
	KTESTW  K1, K1
	SETEQ   ret+72(FP)
	VZEROUPPER
	RET
