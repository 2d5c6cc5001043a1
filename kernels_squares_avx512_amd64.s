//go:build !purego

// Sums of squares with AVX-512.

#include "textflag.h"
#include "kernels_avx512_amd64.h"

//	for i := range acc {
//		var sq [lanes]float64
//		for j, x := range src[i*run : min((i+1)*run, len(src))] {
//			sq[j%lanes] += float64(x) * float64(x)
//		}
//		acc[i] = fold(&sq)
//	}
//
// func squaresRunsAVX512(acc []float64, src []float32, run int)
//
// Z24 and Z25 hold the lanes.
#define ACC DI // where the next sum goes
TEXT ·squaresRunsAVX512(SB), NOSPLIT, $0-56
	MOVQ acc_base+0(FP), ACC
	MOVQ src_base+24(FP), SRC
	MOVQ src_len+32(FP), LEFT
	MOVQ run+48(FP), RUN

nextrun:
	MOVQ    RUN, N
	CMPQ    LEFT, N
	CMOVQLT LEFT, N
	SUBQ    N, LEFT
	VPXORD  Z24, Z24, Z24
	VPXORD  Z25, Z25, Z25
	SUBQ    $16, N
	JB      tail

loop:
	VCVTPS2PD 0(SRC), Z0
	VCVTPS2PD 32(SRC), Z1
	VFMADD231PD Z0, Z0, Z24
	VFMADD231PD Z1, Z1, Z25
	ADDQ $64, SRC
	SUBQ $16, N
	JAE  loop

tail:
	ADDQ $16, N
	JZ   fold
	MASK(N, K1)
	VMOVUPS.Z (SRC), K1, Z0
	VEXTRACTF64X4 $1, Z0, Y1
	VCVTPS2PD Y0, Z0
	VCVTPS2PD Y1, Z1
	VFMADD231PD Z0, Z0, Z24
	VFMADD231PD Z1, Z1, Z25
	LEAQ (SRC)(N*4), SRC

fold:
	FOLD(Z24, Z25, Y24, X24, (ACC))
	ADDQ  $8, ACC
	TESTQ LEFT, LEFT
	JNZ   nextrun
	VZEROUPPER
	RET

//	for r := range rows {
//		for j, x := range src[r*stride:][:len(acc)] {
//			acc[j] += float64(x) * float64(x)
//		}
//	}
//
// func squaresColumnsAVX512(acc []float64, src *float32, rows, stride int)
//
// It takes up to 16 columns at a time, which K1 masks. Z24 and Z25 hold the sums.
//
// Named above: ACC.
#define COLUMNS     R11 // columns left
#define SRC_COLUMNS DX  // the next columns in the first row
#define STRIDE      R8  // bytes from row to row
#define ROWS_LEFT   CX  // rows left
TEXT ·squaresColumnsAVX512(SB), NOSPLIT, $0-48
	MOVQ acc_base+0(FP), ACC
	MOVQ acc_len+8(FP), COLUMNS
	MOVQ src+24(FP), SRC_COLUMNS
	MOVQ stride+40(FP), STRIDE
	SHLQ $2, STRIDE

columns:
	TESTQ COLUMNS, COLUMNS
	JZ    done
	MOVQ    $16, BX
	CMPQ    COLUMNS, BX
	CMOVQLT COLUMNS, BX
	SUBQ    BX, COLUMNS
	MASK(BX, K1)
	KSHIFTRW $8, K1, K2
	MOVQ SRC_COLUMNS, SRC
	MOVQ rows+32(FP), ROWS_LEFT
	VMOVUPD.Z 0(ACC), K1, Z24
	VMOVUPD.Z 64(ACC), K2, Z25

loop:
	VMOVUPS.Z (SRC), K1, Z0
	VEXTRACTF64X4 $1, Z0, Y1
	VCVTPS2PD Y0, Z0
	VCVTPS2PD Y1, Z1
	VFMADD231PD Z0, Z0, Z24
	VFMADD231PD Z1, Z1, Z25
	ADDQ STRIDE, SRC
	DECQ ROWS_LEFT
	JNZ  loop
	VMOVUPD Z24, K1, 0(ACC)
	VMOVUPD Z25, K2, 64(ACC)
	LEAQ (ACC)(BX*8), ACC
	LEAQ (SRC_COLUMNS)(BX*4), SRC_COLUMNS
	JMP  columns

done:
	VZEROUPPER
	RET
