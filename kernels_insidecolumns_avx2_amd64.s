//go:build !purego

// Sums of errors of columns with AVX2 where no code has to be clamped, under one scheme and under
// two.

#include "textflag.h"
#include "kernels_avx2_amd64.h"

// LAST_MASKS sets Y3 to a mask of the last NEW of 8 columns, and Y0 and Y1 to those of its halves.
#define LAST_MASKS \
	MASK_LAST(NEW, Y3)             \
	MASK_QUADS(Y3, X3, Y0, Y1, X1)

// LOAD_SUMS loads the sums of 8 columns from p, and STORE_SUMS stores them. STORE_LAST stores those
// of the masks that LAST_MASKS made. They use AX.
#define LOAD_SUMS(p, low, high) \
	MOVQ    p, AX                  \
	VMOVUPD 0(AX)(FIRST*8), low    \
	VMOVUPD 32(AX)(FIRST*8), high

#define STORE_SUMS(p, low, high) \
	MOVQ    p, AX                  \
	VMOVUPD low, 0(AX)(FIRST*8)    \
	VMOVUPD high, 32(AX)(FIRST*8)

#define STORE_LAST(p, low, high) \
	MOVQ       p, AX                      \
	VMASKMOVPD low, Y0, 0(AX)(FIRST*8)    \
	VMASKMOVPD high, Y1, 32(AX)(FIRST*8)

// LOAD_MAX, STORE_MAX and STORE_LAST_MAX do the same with the greatest |e|.
#define LOAD_MAX(p, max) \
	MOVQ    p, AX               \
	VMOVDQU (AX)(FIRST*4), max

#define STORE_MAX(p, max) \
	MOVQ    p, AX               \
	VMOVDQU max, (AX)(FIRST*4)

#define STORE_LAST_MAX(p, max) \
	MOVQ       p, AX                   \
	VPMASKMOVD max, Y3, (AX)(FIRST*4)

// NEXT_COLUMNS sets FIRST to the first of the next 8 columns, and NEW to the number of columns that
// are not done. The last 8 may overlap those before. It jumps if all columns are done.
#define NEXT_COLUMNS(done) \
	MOVQ COLUMNS, NEW         \
	SUBQ DONE, NEW            \
	JZ   done                 \
	LEAQ -8(COLUMNS), FIRST   \
	CMPQ DONE, FIRST          \
	CMOVQLT DONE, FIRST

// TO_RING stores |e| of a row at off in the ring, and goes on to the next row. FROM_RING adds it.
#define TO_RING(off) \
	VMOVUPS (SRC), Y0                              \
	DEVIATE_INSIDE(SCALE, RECIP, LOW, Y0, Y1, MAX) \
	VMOVUPS Y1, off(RING)                          \
	ADDQ    STRIDE, SRC

#define FROM_RING(off) ADD_STORED((off)(RING), (off+16)(RING), ABS_LOW, ABS_HIGH, SQ_LOW, SQ_HIGH)

//	for r := range rows {
//		for j, x := range src[r*stride:][:len(scale)] {
//			d, _ := deviation(x, scale[j], float32(qmin-zero[j]), float32(qmax-zero[j]))
//			abs[j] += float64(d)
//			sq[j] += float64(d) * float64(d)
//			max[j] = max(max[j], d)
//		}
//	}
//
// func errorsInsideColumnsAVX2(abs, sq *float64, max *float32, src *float32, rows, stride int, scale []float32, zero []int32) int
//
// No element has a code outside of a grid of up to 8 bits, whatever that grid is. It takes 8 columns
// at a time, of at least 8, and returns how many it did: all, or a multiple of 8 if it does not
// serve a scale among the next 8. Of the last 8 columns those that are done are not stored again. The
// frame holds a ring of |e| of 4 rows: each is added one turn after it was stored, so that a core
// has chains of several rows to work on.
#define COLUMNS    R11 // columns
#define DONE       R13 // columns done
#define FIRST      R12 // first column of the 8
#define NEW        BX  // columns left, from DONE on
#define STRIDE     R8  // bytes from row to row
#define ROWS_LEFT  CX  // rows left
#define LOW        Y10 // second parts of the reciprocals
#define ABS_LOW    Y4  // sum |e| of the lower 4 columns
#define ABS_HIGH   Y5  // sum |e| of the upper 4 columns
#define SQ_LOW     Y6  // sum e² of the lower 4 columns
#define SQ_HIGH    Y7  // sum e² of the upper 4 columns
#define MAX        Y11 // bits of the greatest |e|
#define RING       DI  // the ring in the frame, a multiple of 32
TEXT ·errorsInsideColumnsAVX2(SB), NOSPLIT, $160-104
	MOVQ scale_base+48(FP), SCALES
	MOVQ scale_len+56(FP), COLUMNS
	MOVQ zero_base+72(FP), ZEROS
	MOVQ stride+40(FP), STRIDE
	SHLQ $2, STRIDE
	XORL DONE, DONE
	LEAQ 31(SP), RING
	ANDQ $~31, RING

columns: // the 8 from FIRST on, NEW of which are new
	NEXT_COLUMNS(done)
	VMOVUPS (SCALES)(FIRST*4), SCALE
	VMOVDQU (ZEROS)(FIRST*4), ZERO
	SERVED_IN_TWO_PARTS(SCALE, ZERO, Y0, Y1)
	VMOVMSKPS Y0, AX
	CMPL AX, $0xff
	JNE  done
	TWO_PARTS(SCALE, RECIP, LOW)
	LOAD_SUMS(abs+0(FP), ABS_LOW, ABS_HIGH)
	LOAD_SUMS(sq+8(FP), SQ_LOW, SQ_HIGH)
	LOAD_MAX(max+16(FP), MAX)
	MOVQ src+24(FP), SRC
	LEAQ (SRC)(FIRST*4), SRC
	MOVQ rows+32(FP), ROWS_LEFT
	SUBQ $4, ROWS_LEFT
	JB   rest
	TO_RING(0)
	TO_RING(32)
	TO_RING(64)
	TO_RING(96)
	JMP  next

loop: // 4 rows
	FROM_RING(0)
	TO_RING(0)
	FROM_RING(32)
	TO_RING(32)
	FROM_RING(64)
	TO_RING(64)
	FROM_RING(96)
	TO_RING(96)

next:
	SUBQ $4, ROWS_LEFT
	JAE  loop
	FROM_RING(0)
	FROM_RING(32)
	FROM_RING(64)
	FROM_RING(96)

rest: // ROWS_LEFT + 4 rows
	ADDQ $4, ROWS_LEFT
	JZ   store

looprest:
	VMOVUPS (SRC), Y0
	DEVIATE_INSIDE(SCALE, RECIP, LOW, Y0, Y1, MAX)
	ADD_DEVIATIONS(Y1, X1, ABS_LOW, ABS_HIGH, SQ_LOW, SQ_HIGH)
	ADDQ STRIDE, SRC
	DECQ ROWS_LEFT
	JNZ  looprest

store:
	CMPQ NEW, $8
	JB   last
	STORE_SUMS(abs+0(FP), ABS_LOW, ABS_HIGH)
	STORE_SUMS(sq+8(FP), SQ_LOW, SQ_HIGH)
	STORE_MAX(max+16(FP), MAX)
	ADDQ $8, DONE
	JMP  columns

last:
	LAST_MASKS
	STORE_LAST(abs+0(FP), ABS_LOW, ABS_HIGH)
	STORE_LAST(sq+8(FP), SQ_LOW, SQ_HIGH)
	STORE_LAST_MAX(max+16(FP), MAX)
	MOVQ COLUMNS, DONE

done:
	MOVQ DONE, ret+96(FP)
	VZEROUPPER
	RET

// PREPARE_SCHEME prepares 8 scales and zero points at s and z, and stores the scales and their
// reciprocals in two parts from off on in the frame. m becomes a mask of the scales that are served.
#define PREPARE_SCHEME(s, z, off, m) \
	MOVQ    s, AX                          \
	VMOVUPS (AX)(FIRST*4), Y0              \
	MOVQ    z, AX                          \
	VMOVDQU (AX)(FIRST*4), Y1              \
	SERVED_IN_TWO_PARTS(Y0, Y1, m, Y2)     \
	TWO_PARTS(Y0, Y1, Y2)                  \
	VMOVUPS Y0, (off)(FRAME)               \
	VMOVUPS Y1, (off+32)(FRAME)            \
	VMOVUPS Y2, (off+64)(FRAME)

// DEVIATE_1 and DEVIATE_2 set Y1 to |e| of the elements in Y0 under the first and the second scheme.
#define DEVIATE_1 DEVIATE_INSIDE(0(FRAME), 32(FRAME), 64(FRAME), Y0, Y1, MAX)
#define DEVIATE_2 DEVIATE_INSIDE(96(FRAME), 128(FRAME), 160(FRAME), Y0, Y1, MAX_2)

// BOTH_TO_RING stores |e| of a row under both schemes from off on in the ring, and goes on to the
// next row. SQUARES_OF is ADD_SQUARES or NO_SQUARES.
#define BOTH_TO_RING(off, SQUARES_OF) \
	VMOVUPS (SRC), Y0                \
	DEVIATE_1                        \
	VMOVUPS Y1, (192+off)(FRAME)     \
	DEVIATE_2                        \
	VMOVUPS Y1, (224+off)(FRAME)     \
	SQUARES_OF                       \
	ADDQ    STRIDE, SRC

#define BOTH_FROM_RING(off) \
	ADD_STORED((192+off)(FRAME), (208+off)(FRAME), ABS_LOW, ABS_HIGH, SQ_LOW, SQ_HIGH) \
	ADD_STORED((224+off)(FRAME), (240+off)(FRAME), ABS_LOW_2, ABS_HIGH_2, SQ_LOW_2, SQ_HIGH_2)

// ADD_SQUARES adds the squares of a row.
#define ADD_SQUARES \
	VCVTPS2PD   0(SRC), Y2      \
	VCVTPS2PD   16(SRC), Y3     \
	VFMADD231PD Y2, Y2, X2_LOW  \
	VFMADD231PD Y3, Y3, X2_HIGH

#define NO_SQUARES

// DOWN_ROWS adds the errors of all rows. The other arguments are labels.
#define DOWN_ROWS(SQUARES_OF, loop, next, rest, looprest) \
	SUBQ $4, ROWS_LEFT                \
	JB   rest                         \
	BOTH_TO_RING(0, SQUARES_OF)       \
	BOTH_TO_RING(64, SQUARES_OF)      \
	BOTH_TO_RING(128, SQUARES_OF)     \
	BOTH_TO_RING(192, SQUARES_OF)     \
	JMP  next                         \
loop:                                     \
	BOTH_FROM_RING(0)                 \
	BOTH_TO_RING(0, SQUARES_OF)       \
	BOTH_FROM_RING(64)                \
	BOTH_TO_RING(64, SQUARES_OF)      \
	BOTH_FROM_RING(128)               \
	BOTH_TO_RING(128, SQUARES_OF)     \
	BOTH_FROM_RING(192)               \
	BOTH_TO_RING(192, SQUARES_OF)     \
next:                                     \
	SUBQ $4, ROWS_LEFT                \
	JAE  loop                         \
	BOTH_FROM_RING(0)                 \
	BOTH_FROM_RING(64)                \
	BOTH_FROM_RING(128)               \
	BOTH_FROM_RING(192)               \
rest:                                     \
	ADDQ $4, ROWS_LEFT                \
	JZ   store                        \
looprest:                                 \
	VMOVUPS (SRC), Y0                 \
	DEVIATE_1                         \
	ADD_DEVIATIONS(Y1, X1, ABS_LOW, ABS_HIGH, SQ_LOW, SQ_HIGH)         \
	DEVIATE_2                         \
	ADD_DEVIATIONS(Y1, X1, ABS_LOW_2, ABS_HIGH_2, SQ_LOW_2, SQ_HIGH_2) \
	SQUARES_OF                        \
	ADDQ STRIDE, SRC                  \
	DECQ ROWS_LEFT                    \
	JNZ  looprest                     \
	JMP  store

//	for r := range rows {
//		for j, x := range src[r*stride:][:len(scale1)] {
//			sq[j] += float64(x)*float64(x) // unless it is nil
//		}
//	}
//	for k, acc := range []columnSums{acc1, acc2} { // errorsInsideColumns
//		scale, zero := [][]float32{scale1, scale2}[k], [][]int32{zero1, zero2}[k]
//		for r := range rows {
//			for j, x := range src[r*stride:][:len(scale)] {
//				d, _ := deviation(x, scale[j], float32(qmin[k]-zero[j]), float32(qmax[k]-zero[j]))
//				acc.abs[j] += float64(d)
//				acc.sq[j] += float64(d) * float64(d)
//				acc.max[j] = max(acc.max[j], d)
//			}
//		}
//	}
//
// func errorsInsideColumnsTwoAVX2(acc1, acc2 columnSums, sq *float64, src *float32, rows, stride int, scale1 []float32, zero1 []int32, scale2 []float32, zero2 []int32) int
//
// It is errorsInsideColumnsAVX2 for two schemes, with sums of squares. The frame holds the scales
// of the first scheme and their reciprocals in two parts at 0, those of the second at 96, and at 192
// the ring of errorsInsideColumnsAVX2 for both schemes.
//
// Named above: COLUMNS, DONE, FIRST, NEW, STRIDE, ROWS_LEFT, ABS_LOW, ABS_HIGH, SQ_LOW, SQ_HIGH, MAX.
#define FRAME      DI  // start of the frame, a multiple of 32
#define SQUARES    DX  // sq
#define X2_LOW     Y8  // sum x² of the lower 4 columns
#define X2_HIGH    Y9  // sum x² of the upper 4 columns
#define ABS_LOW_2  Y12 // sums of the second scheme
#define ABS_HIGH_2 Y13
#define SQ_LOW_2   Y14
#define SQ_HIGH_2  Y15
#define MAX_2      Y10
TEXT ·errorsInsideColumnsTwoAVX2(SB), NOSPLIT, $480-328
	MOVQ scale1_len+232(FP), COLUMNS
	MOVQ sq+192(FP), SQUARES
	MOVQ stride+216(FP), STRIDE
	SHLQ $2, STRIDE
	XORL DONE, DONE
	LEAQ 31(SP), FRAME
	ANDQ $~31, FRAME

columns: // the 8 from FIRST on, NEW of which are new
	NEXT_COLUMNS(done)
	PREPARE_SCHEME(scale1_base+224(FP), zero1_base+248(FP), 0, Y3)
	PREPARE_SCHEME(scale2_base+272(FP), zero2_base+296(FP), 96, Y4)
	VANDPS Y3, Y4, Y4
	VMOVMSKPS Y4, AX
	CMPL AX, $0xff
	JNE  done
	LOAD_SUMS(acc1_abs_base+0(FP), ABS_LOW, ABS_HIGH)
	LOAD_SUMS(acc1_sq_base+24(FP), SQ_LOW, SQ_HIGH)
	LOAD_MAX(acc1_max_base+48(FP), MAX)
	LOAD_SUMS(acc2_abs_base+96(FP), ABS_LOW_2, ABS_HIGH_2)
	LOAD_SUMS(acc2_sq_base+120(FP), SQ_LOW_2, SQ_HIGH_2)
	LOAD_MAX(acc2_max_base+144(FP), MAX_2)
	MOVQ src+200(FP), SRC
	LEAQ (SRC)(FIRST*4), SRC
	MOVQ rows+208(FP), ROWS_LEFT
	TESTQ SQUARES, SQUARES
	JNE  rowssquares

	DOWN_ROWS(NO_SQUARES, loop, next, rest, looprest)

rowssquares:
	LOAD_SUMS(SQUARES, X2_LOW, X2_HIGH)
	DOWN_ROWS(ADD_SQUARES, loopsquares, nextsquares, restsquares, looprestsquares)

store:
	CMPQ NEW, $8
	JB   last
	STORE_SUMS(acc1_abs_base+0(FP), ABS_LOW, ABS_HIGH)
	STORE_SUMS(acc1_sq_base+24(FP), SQ_LOW, SQ_HIGH)
	STORE_MAX(acc1_max_base+48(FP), MAX)
	STORE_SUMS(acc2_abs_base+96(FP), ABS_LOW_2, ABS_HIGH_2)
	STORE_SUMS(acc2_sq_base+120(FP), SQ_LOW_2, SQ_HIGH_2)
	STORE_MAX(acc2_max_base+144(FP), MAX_2)
	ADDQ $8, DONE
	TESTQ SQUARES, SQUARES
	JE   columns
	STORE_SUMS(SQUARES, X2_LOW, X2_HIGH)
	JMP  columns

last:
	LAST_MASKS
	STORE_LAST(acc1_abs_base+0(FP), ABS_LOW, ABS_HIGH)
	STORE_LAST(acc1_sq_base+24(FP), SQ_LOW, SQ_HIGH)
	STORE_LAST_MAX(acc1_max_base+48(FP), MAX)
	STORE_LAST(acc2_abs_base+96(FP), ABS_LOW_2, ABS_HIGH_2)
	STORE_LAST(acc2_sq_base+120(FP), SQ_LOW_2, SQ_HIGH_2)
	STORE_LAST_MAX(acc2_max_base+144(FP), MAX_2)
	MOVQ COLUMNS, DONE
	TESTQ SQUARES, SQUARES
	JE   done
	STORE_LAST(SQUARES, X2_LOW, X2_HIGH)

done:
	MOVQ DONE, ret+320(FP)
	VZEROUPPER
	RET
