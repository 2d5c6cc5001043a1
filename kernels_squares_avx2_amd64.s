//go:build !purego

// Sums of squares with AVX2.

#include "textflag.h"
#include "kernels_avx2_amd64.h"

// ADD_SQUARES adds the squares of the 8 elements in y, whose lower half is x, to
// the lanes in a and b.
#define ADD_SQUARES(y, x, a, b) \
	VEXTRACTF128 $1, y, X2 \
	VCVTPS2PD    x, y      \
	VCVTPS2PD    X2, Y2    \
	VFMADD231PD  y, y, a   \
	VFMADD231PD  Y2, Y2, b

//	for i := range acc {
//		var sq [lanes]float64
//		for j, x := range src[i*run : min((i+1)*run, len(src))] {
//			sq[j%lanes] += float64(x) * float64(x)
//		}
//		acc[i] = fold(&sq)
//	}
//
// func squaresRunsAVX2(acc []float64, src []float32, run int)
//
// Y8 to Y11 hold the lanes.
#define ACC    DI  // where the next sum goes
#define LENGTH R12 // elements of the run
TEXT ·squaresRunsAVX2(SB), NOSPLIT, $0-56
	MOVQ acc_base+0(FP), ACC
	MOVQ src_base+24(FP), SRC
	MOVQ src_len+32(FP), LEFT
	MOVQ run+48(FP), RUN

nextrun:
	MOVQ    RUN, N
	CMPQ    LEFT, N
	CMOVQLT LEFT, N
	SUBQ    N, LEFT
	MOVQ    N, LENGTH
	VPXOR   Y8, Y8, Y8
	VPXOR   Y9, Y9, Y9
	VPXOR   Y10, Y10, Y10
	VPXOR   Y11, Y11, Y11
	SUBQ    $16, N
	JB      tail

loop:
	VCVTPS2PD 0(SRC), Y0
	VCVTPS2PD 16(SRC), Y1
	VCVTPS2PD 32(SRC), Y2
	VCVTPS2PD 48(SRC), Y3
	VFMADD231PD Y0, Y0, Y8
	VFMADD231PD Y1, Y1, Y9
	VFMADD231PD Y2, Y2, Y10
	VFMADD231PD Y3, Y3, Y11
	ADDQ $64, SRC
	SUBQ $16, N
	JAE  loop

tail: // N + 16 elements, fewer than 16
	ADDQ $8, N
	JL   tail8 // fewer than 8
	VMOVUPS (SRC), Y0
	ADD_SQUARES(Y0, X0, Y8, Y9)
	ADDQ $32, SRC
	TESTQ N, N
	JZ   fold
	LOAD_TAIL(Y0, Y3)
	ADD_SQUARES(Y0, X0, Y10, Y11)
	JMP  fold

tail8:
	ADDQ $8, N
	JZ   fold
	CMPQ LENGTH, $8
	JB   tinyrun
	LOAD_TAIL(Y0, Y3)
	ADD_SQUARES(Y0, X0, Y8, Y9)

fold:
	FOLD(Y8, Y9, Y10, Y11, X8, (ACC))
	ADDQ  $8, ACC
	TESTQ LEFT, LEFT
	JNZ   nextrun
	VZEROUPPER
	RET

tinyrun: // a run of fewer than 8 elements
	LOAD_1_TO_7(SRC, N, Y0, X0, Y1, X1, under4, loaded)
	ADD_SQUARES(Y0, X0, Y8, Y9)
	LEAQ (SRC)(N*4), SRC
	JMP  fold

//	for r := range rows {
//		for j, x := range src[r*stride:][:len(acc)] {
//			acc[j] += float64(x) * float64(x)
//		}
//	}
//
// func squaresColumnsAVX2(acc []float64, src *float32, rows, stride int)
//
// There are at least 8 columns. The last 8 may overlap those before, and then only
// the others are stored. Y8 to Y11 hold the sums.
//
// Named above: ACC.
#define COLUMNS     R11 // columns left
#define SRC_COLUMNS DX  // the next columns in the first row
#define NEW         BX  // columns left behind 8, or columns of the last 8 that are not done
#define STRIDE      R8  // bytes from row to row
#define ROWS_LEFT   CX  // rows left
TEXT ·squaresColumnsAVX2(SB), NOSPLIT, $0-48
	MOVQ acc_base+0(FP), ACC
	MOVQ acc_len+8(FP), COLUMNS
	MOVQ src+24(FP), SRC_COLUMNS
	MOVQ stride+40(FP), STRIDE
	SHLQ $2, STRIDE
	SUBQ $16, COLUMNS
	JB   rest

wide: // 16 columns at a time
	MOVQ SRC_COLUMNS, SRC
	MOVQ rows+32(FP), ROWS_LEFT
	VMOVUPD 0(ACC), Y8
	VMOVUPD 32(ACC), Y9
	VMOVUPD 64(ACC), Y10
	VMOVUPD 96(ACC), Y11

wideloop:
	VCVTPS2PD 0(SRC), Y0
	VCVTPS2PD 16(SRC), Y1
	VCVTPS2PD 32(SRC), Y2
	VCVTPS2PD 48(SRC), Y3
	VFMADD231PD Y0, Y0, Y8
	VFMADD231PD Y1, Y1, Y9
	VFMADD231PD Y2, Y2, Y10
	VFMADD231PD Y3, Y3, Y11
	ADDQ STRIDE, SRC
	DECQ ROWS_LEFT
	JNZ  wideloop
	VMOVUPD Y8, 0(ACC)
	VMOVUPD Y9, 32(ACC)
	VMOVUPD Y10, 64(ACC)
	VMOVUPD Y11, 96(ACC)
	ADDQ $128, ACC
	ADDQ $64, SRC_COLUMNS
	SUBQ $16, COLUMNS
	JAE  wide

rest:
	ADDQ $16, COLUMNS
	MOVQ COLUMNS, NEW
	JZ   done
	SUBQ $8, NEW
	JAE  columns // 8 columns, and NEW behind them
	ADDQ $8, NEW
	LEAQ -64(ACC)(NEW*8), ACC // the last 8 columns, NEW of which are not done
	LEAQ -32(SRC_COLUMNS)(NEW*4), SRC_COLUMNS
	MASK_LAST(NEW, Y4)
	MASK_QUADS(Y4, X4, Y5, Y6, X6)
	XORL NEW, NEW
	JMP  load

columns: // 8 columns
	VPCMPEQD Y5, Y5, Y5
	VPCMPEQD Y6, Y6, Y6

load:
	MOVQ SRC_COLUMNS, SRC
	MOVQ rows+32(FP), ROWS_LEFT
	VMOVUPD 0(ACC), Y8
	VMOVUPD 32(ACC), Y9

loop:
	VCVTPS2PD 0(SRC), Y0
	VCVTPS2PD 16(SRC), Y1
	VFMADD231PD Y0, Y0, Y8
	VFMADD231PD Y1, Y1, Y9
	ADDQ STRIDE, SRC
	DECQ ROWS_LEFT
	JNZ  loop
	VMASKMOVPD Y8, Y5, 0(ACC)
	VMASKMOVPD Y9, Y6, 32(ACC)
	ADDQ $64, ACC
	ADDQ $32, SRC_COLUMNS
	MOVQ NEW, COLUMNS
	SUBQ $16, COLUMNS
	JMP  rest

done:
	VZEROUPPER
	RET
