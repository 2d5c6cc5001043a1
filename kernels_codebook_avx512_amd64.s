//go:build !purego

// Codebooks with AVX-512: codes of floating-point formats by arithmetic, and tables of 16
// values by permutation. The kernels of columns are in kernels_codebookcolumns_avx512_amd64.s.

#include "kernels_codebook_avx512_amd64.h"

//	for i, x := range src[:n] {
//		dst[i] = uint8(f.code(x / scale[i/run]))
//	}
//
// func quantizeFloatsAVX512(dst *uint8, src *float32, n, run int, scale []float32, f *floatCode, stream bool)
//
// n and run are multiples of 16. The parameters of 16 runs are prepared at a time. The frame has
// their scales at 0, the two parts of their reciprocals at 64 and 128, and the bounds of their
// elements at 192.
#define DIVIDES R14 // set if PLACES does not serve one of the 16 runs
TEXT ·quantizeFloatsAVX512(SB), NOSPLIT, $256-65
	MOVQ dst+0(FP), DST
	MOVQ src+8(FP), SRC
	MOVQ n+16(FP), LEFT
	MOVQ run+24(FP), RUN
	MOVQ scale_base+32(FP), SCALES
	MOVQ scale_len+40(FP), PARAMS_LEFT
	MOVQ f+56(FP), FORMAT
	FAST_CONSTANTS
	FLOAT_CODE_CONSTANTS

params: // the parameters of the next 16 runs
	MOVQ    $16, RUNS
	CMPQ    PARAMS_LEFT, RUNS
	CMOVQLT PARAMS_LEFT, RUNS
	SUBQ    RUNS, PARAMS_LEFT
	MASK(RUNS, K1)
	BROADCAST(oneBits, SCALE)
	VMOVUPS (SCALES), K1, SCALE
	ADDQ    $64, SCALES
	VMOVUPS SCALE, 0(SP)
	PREPARE_FLOATS
	VMOVUPS RECIP, 64(SP)
	VMOVUPS LOW, 128(SP)
	VMOVUPS BOUND, 192(SP)
	XORL    DIVIDES, DIVIDES
	KTESTW  K1, K1
	SETNE   DIVIDES
	MOVQ    SP, PARAMS
	TESTL   DIVIDES, DIVIDES
	JNE     nextrun
	CMPQ    RUN, $32
	JEQ     pairs
	CMPQ    RUN, $16
	JEQ     quads

nextrun:
	TESTQ   RUNS, RUNS
	JZ      nextparams
	DECQ    RUNS
	MOVQ    RUN, N
	CMPQ    LEFT, N
	CMOVQLT LEFT, N
	SUBQ    N, LEFT
	VBROADCASTSS 0(PARAMS), SCALE
	VBROADCASTSS 64(PARAMS), RECIP
	VBROADCASTSS 128(PARAMS), LOW
	VBROADCASTSS 192(PARAMS), BOUND
	ADDQ    $4, PARAMS
	TESTL   DIVIDES, DIVIDES
	JNE     divide
	SUBQ    $64, N
	JB      rest

first:
	LOAD_64
	JNE nan
	FIRST_64(VRANGEPS, VMULPS, VFMADD231PS, BOUND, BOUND, BOUND, BOUND, LOW, LOW, LOW, LOW, RECIP, RECIP, RECIP, RECIP)
	NEXT_64
	JB  last
	CMPB stream+64(FP), $0
	JNE  streamed

loop:
	LOAD_64
	JNE nanlater
	STEP_64(VMOVDQU64, VRANGEPS, VMULPS, VFMADD231PS, BOUND, BOUND, BOUND, BOUND, LOW, LOW, LOW, LOW, RECIP, RECIP, RECIP, RECIP)
	NEXT_64
	JAE loop

last:
	LAST_64

rest: // N + 64 elements, fewer than 64
	ADDQ $64, N
	JZ   nextrun

divide: // 16 elements at a time
	DIVIDE_16(0, SCALE)
	ADDQ $64, SRC
	ADDQ $16, DST
	SUBQ $16, N
	JNE  divide
	JMP  nextrun

streamed: // past the caches, if dst is aligned
	TESTQ $63, DST
	JNE   loop

stream:
	LOAD_64
	JNE nanlater
	STEP_64(VMOVNTDQ, VRANGEPS, VMULPS, VFMADD231PS, BOUND, BOUND, BOUND, BOUND, LOW, LOW, LOW, LOW, RECIP, RECIP, RECIP, RECIP)
	NEXT_64
	JAE stream
	JMP last

nanlater:
	LAST_64

nan:
	DIVIDE_16(0, SCALE)
	DIVIDE_16(16, SCALE)
	DIVIDE_16(32, SCALE)
	DIVIDE_16(48, SCALE)
	NEXT_64
	JAE first
	JMP rest

nextparams:
	TESTQ LEFT, LEFT
	JNE   params
	VZEROUPPER
	RET

pairs: // two runs of 32 at a time, N + 64 elements of the runs whose parameters are prepared
	MOVQ    RUN, N
	IMULQ   RUNS, N
	CMPQ    LEFT, N
	CMOVQLT LEFT, N
	SUBQ    N, LEFT
	MOVQ    N, RUNS
	ANDQ    $63, RUNS
	ADDQ    RUNS, LEFT
	SUBQ    RUNS, N
	SUBQ    $64, N
	JB      pairrest

pairfirst:
	LOAD_64
	JNE  pairnan
	FIRST_64(VRANGEPS.BCST, VMULPS.BCST, VFMADD231PS.BCST, 192(PARAMS), 192(PARAMS), 196(PARAMS), 196(PARAMS), 128(PARAMS), 128(PARAMS), 132(PARAMS), 132(PARAMS), 64(PARAMS), 64(PARAMS), 68(PARAMS), 68(PARAMS))
	ADDQ $8, PARAMS
	NEXT_64
	JB   pairlast

pairloop:
	LOAD_64
	JNE  pairnanlater
	STEP_64(VMOVDQU64, VRANGEPS.BCST, VMULPS.BCST, VFMADD231PS.BCST, 192(PARAMS), 192(PARAMS), 196(PARAMS), 196(PARAMS), 128(PARAMS), 128(PARAMS), 132(PARAMS), 132(PARAMS), 64(PARAMS), 64(PARAMS), 68(PARAMS), 68(PARAMS))
	ADDQ $8, PARAMS
	NEXT_64
	JAE  pairloop

pairlast:
	LAST_64

pairrest: // elements in RUNS, fewer than 64
	ADDQ RUN, RUNS
	DECQ RUNS
	SHRQ $5, RUNS
	JMP  nextrun

pairnanlater:
	LAST_64

pairnan:
	VBROADCASTSS 0(PARAMS), SCALE
	DIVIDE_16(0, SCALE)
	DIVIDE_16(16, SCALE)
	VBROADCASTSS 4(PARAMS), SCALE
	DIVIDE_16(32, SCALE)
	DIVIDE_16(48, SCALE)
	ADDQ $8, PARAMS
	NEXT_64
	JAE  pairfirst
	JMP  pairrest

quads: // four runs of 16 at a time, N + 64 elements of the runs whose parameters are prepared
	MOVQ    RUN, N
	IMULQ   RUNS, N
	CMPQ    LEFT, N
	CMOVQLT LEFT, N
	SUBQ    N, LEFT
	MOVQ    N, RUNS
	ANDQ    $63, RUNS
	ADDQ    RUNS, LEFT
	SUBQ    RUNS, N
	SUBQ    $64, N
	JB      quadrest

quadfirst:
	LOAD_64
	JNE  quadnan
	FIRST_64(VRANGEPS.BCST, VMULPS.BCST, VFMADD231PS.BCST, 192(PARAMS), 196(PARAMS), 200(PARAMS), 204(PARAMS), 128(PARAMS), 132(PARAMS), 136(PARAMS), 140(PARAMS), 64(PARAMS), 68(PARAMS), 72(PARAMS), 76(PARAMS))
	ADDQ $16, PARAMS
	NEXT_64
	JB   quadlast

quadloop:
	LOAD_64
	JNE  quadnanlater
	STEP_64(VMOVDQU64, VRANGEPS.BCST, VMULPS.BCST, VFMADD231PS.BCST, 192(PARAMS), 196(PARAMS), 200(PARAMS), 204(PARAMS), 128(PARAMS), 132(PARAMS), 136(PARAMS), 140(PARAMS), 64(PARAMS), 68(PARAMS), 72(PARAMS), 76(PARAMS))
	ADDQ $16, PARAMS
	NEXT_64
	JAE  quadloop

quadlast:
	LAST_64

quadrest: // elements in RUNS, fewer than 64
	ADDQ RUN, RUNS
	DECQ RUNS
	SHRQ $4, RUNS
	JMP  nextrun

quadnanlater:
	LAST_64

quadnan:
	VBROADCASTSS 0(PARAMS), SCALE
	DIVIDE_16(0, SCALE)
	VBROADCASTSS 4(PARAMS), SCALE
	DIVIDE_16(16, SCALE)
	VBROADCASTSS 8(PARAMS), SCALE
	DIVIDE_16(32, SCALE)
	VBROADCASTSS 12(PARAMS), SCALE
	DIVIDE_16(48, SCALE)
	ADDQ $16, PARAMS
	NEXT_64
	JAE  quadfirst
	JMP  quadrest

//	for i, x := range src[:n] {
//		put(dst, i, b.code(x / scale[i/run])) // 4 bits if packed is set, else 8
//	}
//
// func quantizeSortedAVX512(dst *uint8, src *float32, n, run int, scale []float32, t *bookTables, packed, stream bool)
//
// n and run are multiples of 16. The codes of b are in the order of their values.
TEXT ·quantizeSortedAVX512(SB), NOSPLIT, $128-66
	TABLE_RUNS(LOAD_16_TIMES, VMULPS.BCST, INDICES_64, INDICES_16)

// func quantizeMirroredAVX512(dst *uint8, src *float32, n, run int, scale []float32, t *bookTables, packed, stream bool)
//
// It is quantizeSortedAVX512 for codes that are a sign and a magnitude.
TEXT ·quantizeMirroredAVX512(SB), NOSPLIT, $128-66
	TABLE_RUNS(LOAD_16_AWAY, VFMADD132PS.BCST, MAPPED_64, MAPPED_16)

//	for i, c := range src[:n] {
//		dst[i] = t.values[c%16] * scale[i/run]
//	}
//
// func dequantizeTableAVX512(dst *float32, src *uint8, n, run int, scale *float32, t *bookTables, stream bool)
//
// n and run are multiples of 16. The values are multiplied once for each run.
#define PRODUCTS Z23 // the 16 values times the scale
TEXT ·dequantizeTableAVX512(SB), NOSPLIT, $0-49
	MOVQ dst+0(FP), DST
	MOVQ src+8(FP), SRC
	MOVQ n+16(FP), LEFT
	MOVQ run+24(FP), RUN
	MOVQ scale+32(FP), SCALES
	MOVQ t+40(FP), FORMAT
	VALUE_CONSTANTS

run:
	NEXT_RUN
	VMULPS SCALE, TABLE, PRODUCTS
	SUBQ   $64, N
	JB     rest
	CMPB   stream+48(FP), $0
	JEQ    loop
	TESTQ  $63, DST
	JEQ    stream

loop:
	TABLE_VALUES_64(PRODUCTS)
	STORE_VALUES_64(VMOVUPS)
	JAE   loop

rest: // N + 64 elements, fewer than 64
	ADDQ $64, N
	JZ   nextrun

rest16:
	TABLE_VALUES(0, PRODUCTS, Z0)
	VMOVUPS Z0, (DST)
	ADDQ    $16, SRC
	ADDQ    $64, DST
	SUBQ    $16, N
	JNE     rest16

nextrun:
	TESTQ LEFT, LEFT
	JNE   run
	VZEROUPPER
	RET

stream: // past the caches
	TABLE_VALUES_64(PRODUCTS)
	STORE_VALUES_64(VMOVNTPS)
	JAE stream
	JMP rest

//	for i, c := range src[:n] {
//		if (c^flip)&keep >= special {
//			return i &^ 15
//		}
//		dst[i] = f.value(c) * scale[i/run]
//	}
//
// func dequantizeFloatsAVX512(dst *float32, src *uint8, n, run int, scale *float32, f *floatCode, stream bool) int
//
// n and run are multiples of 16. A code is moved to where a float32 has its exponent and
// mantissa, and multiplied by FACTOR, a power of two; that is exact, for subnormal numbers too.
// The product of FACTOR and the scale is exact as well, unless it is infinite. So the values are
// multiplied by that product, and rounded once.
TEXT ·dequantizeFloatsAVX512(SB), NOSPLIT, $0-64
	MOVQ dst+0(FP), DST
	MOVQ src+8(FP), SRC
	MOVQ n+16(FP), LEFT
	MOVQ run+24(FP), RUN
	MOVQ scale+32(FP), SCALES
	MOVQ f+40(FP), FORMAT
	FLOAT_VALUE_CONSTANTS

run:
	NEXT_RUN
	VMULPS      FACTOR, SCALE, PRODUCT
	VFPCLASSPSX $0x99, X23, K1 // infinities and NaN
	KTESTW      K1, K1
	JNE         loop
	SUBQ        $64, N
	JB          half
	CMPB        stream+48(FP), $0
	JEQ         loop64
	TESTQ       $63, DST
	JEQ         stream64

loop64:
	VMOVDQU64 (SRC), Z2
	FLOAT_TEST(Z2, Z2, FLIP, KEEP, SPECIAL)
	JNE       special64
	VALUES_64(VMOVUPS, PRODUCT, PRODUCT, PRODUCT, PRODUCT)
	JAE       loop64

half: // N + 64 elements, fewer than 64
	ADDQ $32, N
	JL   quarter
	VMOVDQU (SRC), Y2
	FLOAT_TEST(Y2, Y2, FLIP_Y, KEEP_Y, SPECIAL_Y)
	JNE     special32
	FLOAT_VALUES(0, Z0)
	FLOAT_VALUES(16, Z1)
	VMULPS  PRODUCT, Z0, Z0
	VMULPS  PRODUCT, Z1, Z1
	VMOVUPS Z0, 0(DST)
	VMOVUPS Z1, 64(DST)
	ADDQ    $32, SRC
	ADDQ    $128, DST
	SUBQ    $32, N

quarter: // N + 32 elements, 0 or 16
	ADDQ $32, N
	JZ   nextrun

loop:
	VMOVDQU (SRC), X2
	FLOAT_TEST(X2, X2, FLIP_X, KEEP_X, SPECIAL_X)
	JNE     special
	MULTIPLY_16(SCALE)
	JNE     loop

nextrun:
	TESTQ LEFT, LEFT
	JNE   run
	JMP   special

stream64: // past the caches
	VMOVDQU64 (SRC), Z2
	FLOAT_TEST(Z2, Z2, FLIP, KEEP, SPECIAL)
	JNE       special64
	VALUES_64(VMOVNTPS, PRODUCT, PRODUCT, PRODUCT, PRODUCT)
	JAE       stream64
	JMP       half

special64:
	ADDQ $32, N

special32:
	ADDQ $32, N
	JMP  loop

special:
	SUBQ src+8(FP), SRC
	MOVQ SRC, ret+56(FP)
	VZEROUPPER
	RET
