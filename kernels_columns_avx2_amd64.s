//go:build !purego

#include "textflag.h"
#include "kernels_avx2_amd64.h"

// The kernels of the columns walk. R13 counts columns that are done, R8 is the
// length of a row in bytes of the source.
//
// To quantize, two vectors of 8 columns go down the rows together, BX columns
// apart. The last two may be columns that were done before, or overlap. The
// second has its parameters in
//
//	Y13 scale
//	Y14 reciprocal
//	Y15 and Y6 bounds
//	Y7  zero point

// COLUMNS8 prepares the 8 columns from column i on.
#define COLUMNS8(i, qmin, qmax) \
	VMOVUPS (R9)(i*4), Y8   \
	VMOVDQU (R10)(i*4), Y12 \
	PREPARE(qmin, qmax, FARTHEST)     \
	VPSUBD  192(SP), Y12, Y12

// COLUMNS16 prepares both vectors. The zero flag is clear if QUOTIENT must not
// be used. At 192 in the frame is what is taken off the zero points.
#define COLUMNS16(qmin, qmax) \
	LEAQ    (R13)(BX*1), AX  \
	COLUMNS8(AX, qmin, qmax) \
	VMOVUPS Y8, 0(SP)        \
	VMOVUPS Y9, 32(SP)       \
	VMOVUPS Y0, 64(SP)       \
	VMOVUPS Y1, 96(SP)       \
	VMOVDQU Y12, 128(SP)     \
	VMOVDQU Y2, 160(SP)      \
	COLUMNS8(R13, qmin, qmax) \
	VPOR    160(SP), Y2, Y2  \
	VMOVAPS Y0, Y10          \
	VMOVAPS Y1, Y11          \
	VMOVUPS 0(SP), Y13       \
	VMOVUPS 32(SP), Y14      \
	VMOVUPS 64(SP), Y15      \
	VMOVUPS 96(SP), Y6       \
	VMOVDQU 128(SP), Y7      \
	VPTEST  Y2, Y2

// BOUNDS turns the bounds of quotients into those of elements.
#define BOUNDS \
	VMULPS Y8, Y10, Y10   \
	VMULPS Y8, Y11, Y11   \
	VMULPS Y13, Y15, Y15  \
	VMULPS Y13, Y6, Y6

// WORDS leaves the codes of the 16 elements at a and b in q, as words in the
// order that packs leave behind. It uses Y0 and p.
#define WORDS(Q, QBY, a, b, q, p) \
	VMOVUPS a, Y0                      \
	Q(Y0, q)                           \
	VMOVUPS b, Y0                      \
	QBY(Y13, Y14, Y15, Y6, Y0, p)      \
	CODE(q)                            \
	VCVTPS2DQ p, p                     \
	VPADDD    Y7, p, p                 \
	VPACKSSDW p, q, q

#define STOREBYTES \
	VPACKSSWB    Y1, Y1, Y1  \
	VEXTRACTI128 $1, Y1, X3  \
	VPUNPCKLDQ   X3, X1, X1  \
	VPXOR        X5, X1, X1  \
	VMOVQ        X1, (DI)    \
	VMOVHPS      X1, (DI)(BX*1)

#define STOREWORDS \
	VPERMQ       $0xd8, Y1, Y1 \
	VPXOR        Y5, Y1, Y1    \
	VMOVDQU      X1, (DI)      \
	VEXTRACTI128 $1, Y1, (DI)(BX*2)

// func quantizeInt8ColumnsAVX2(dst *uint8, src *float32, rows int, scale []float32, zero []int32, qmin, qmax int32)
//
// There are at least 8 columns.
TEXT ·quantizeInt8ColumnsAVX2(SB), NOSPLIT, $224-80
	MOVQ scale_base+24(FP), R9
	MOVQ scale_len+32(FP), R11
	MOVQ zero_base+48(FP), R10
	MOVQ R11, R12 // length of a row in bytes of the destination
	LEAQ (R11*4), R8
	XORL R13, R13
	VPXOR Y5, Y5, Y5
	VPXOR Y0, Y0, Y0
	CMPL qmax+76(FP), $127
	JLE  shifted
	VPBROADCASTD FLIP8, Y5
	VPBROADCASTD SIGN8, Y0

shifted:
	VMOVDQU Y0, 192(SP)
	MOVQ $8, BX
	CMPQ R11, $16
	JAE  columns
	LEAQ -8(R11), BX

columns: // the next 16, or the last
	COLUMNS16(qmin+72(FP), qmax+76(FP))
	MOVQ dst+0(FP), DI
	LEAQ (DI)(R13*1), DI
	MOVQ src+8(FP), SI
	LEAQ (SI)(R13*4), SI
	MOVQ rows+16(FP), CX
	JNE  divide
	BOUNDS
	CMPQ BX, $8
	JNE  loop

	VMOVDQU packOrder256<>(SB), Y4
	SUBQ $2, CX
	JB   odd

two: // rows
	WORDS(QUOTIENT, QUOTIENTBY, 0(SI), 32(SI), Y1, Y2)
	WORDS(QUOTIENT, QUOTIENTBY, 0(SI)(R8*1), 32(SI)(R8*1), Y2, Y3)
	VPACKSSWB Y2, Y1, Y1
	VPERMD    Y1, Y4, Y1
	VPXOR     Y5, Y1, Y1
	VMOVDQU   X1, (DI)
	VEXTRACTI128 $1, Y1, (DI)(R12*1)
	LEAQ (SI)(R8*2), SI
	LEAQ (DI)(R12*2), DI
	SUBQ $2, CX
	JAE  two

odd:
	ADDQ $2, CX
	JZ   next

loop:
	WORDS(QUOTIENT, QUOTIENTBY, (SI), (SI)(BX*4), Y1, Y2)
	STOREBYTES
	ADDQ R8, SI
	ADDQ R12, DI
	DECQ CX
	JNZ  loop

next:
	LEAQ 8(R13)(BX*1), R13
	CMPQ R13, R11
	JEQ  done
	LEAQ -16(R11), AX
	CMPQ R13, AX
	CMOVQGT AX, R13
	JMP  columns

divide:
	WORDS(DIVIDE, DIVIDEBY, (SI), (SI)(BX*4), Y1, Y2)
	STOREBYTES
	ADDQ R8, SI
	ADDQ R12, DI
	DECQ CX
	JNZ  divide
	JMP  next

done:
	VZEROUPPER
	RET

// func quantizeInt16ColumnsAVX2(dst *uint16, src *float32, rows int, scale []float32, zero []int32, qmin, qmax int32)
//
// There are at least 8 columns.
TEXT ·quantizeInt16ColumnsAVX2(SB), NOSPLIT, $224-80
	MOVQ scale_base+24(FP), R9
	MOVQ scale_len+32(FP), R11
	MOVQ zero_base+48(FP), R10
	LEAQ (R11*2), R12
	LEAQ (R11*4), R8
	XORL R13, R13
	VPXOR Y5, Y5, Y5
	VPXOR Y0, Y0, Y0
	CMPL qmax+76(FP), $32767
	JLE  shifted
	VPBROADCASTD FLIP16, Y5
	VPBROADCASTD SIGN16, Y0

shifted:
	VMOVDQU Y0, 192(SP)
	MOVQ $8, BX
	CMPQ R11, $16
	JAE  columns
	LEAQ -8(R11), BX

columns:
	COLUMNS16(qmin+72(FP), qmax+76(FP))
	MOVQ dst+0(FP), DI
	LEAQ (DI)(R13*2), DI
	MOVQ src+8(FP), SI
	LEAQ (SI)(R13*4), SI
	MOVQ rows+16(FP), CX
	JNE  divide
	BOUNDS

loop:
	WORDS(QUOTIENT, QUOTIENTBY, (SI), (SI)(BX*4), Y1, Y2)
	STOREWORDS
	ADDQ R8, SI
	ADDQ R12, DI
	DECQ CX
	JNZ  loop

next:
	LEAQ 8(R13)(BX*1), R13
	CMPQ R13, R11
	JEQ  done
	LEAQ -16(R11), AX
	CMPQ R13, AX
	CMOVQGT AX, R13
	JMP  columns

divide:
	WORDS(DIVIDE, DIVIDEBY, (SI), (SI)(BX*4), Y1, Y2)
	STOREWORDS
	ADDQ R8, SI
	ADDQ R12, DI
	DECQ CX
	JNZ  divide
	JMP  next

done:
	VZEROUPPER
	RET

// Dequantizing goes row by row, since its parameters need no preparation.

// PLACE turns 8 codes of size bytes, i columns on, into real values. Scales are
// at R9, zero points at R10. EXTEND is signed or unsigned.
#define PLACE(EXTEND, size, i, v) PLACEBY(VMOVUPS, EXTEND, size, i, v)

#define PLACEBY(STORE, EXTEND, size, i, v) \
	EXTEND    (SI)(i*size), v        \
	VPSUBD    (R10)(i*4), v, v       \
	VCVTDQ2PS v, v                   \
	VMULPS    (R9)(i*4), v, v        \
	STORE     v, (DI)(i*4)

// ROWS does CX rows of R11 columns, at least 8: as many times 16 as begin below
// column R12, then the last 16 or, of fewer, the first and the last 8.
#define ROWS(EXTEND, size, row, loop, rest) \
	LEAQ -8(R11), R15              \
	XORL R12, R12                  \
	LEAQ -16(R11), AX              \
	CMPQ R11, $16                  \
	CMOVQGT AX, R12                \
row:                               \
	XORL R13, R13                  \
	MOVQ $8, BX                    \
	TESTQ R12, R12                 \
	JZ   rest                      \
loop:                              \
	PLACE(EXTEND, size, R13, Y0)   \
	PLACE(EXTEND, size, BX, Y1)    \
	ADDQ $16, R13                  \
	ADDQ $16, BX                   \
	CMPQ R13, R12                  \
	JB   loop                      \
rest:                              \
	PLACE(EXTEND, size, R12, Y0)   \
	PLACE(EXTEND, size, R15, Y1)   \
	LEAQ (SI)(R11*size), SI        \
	LEAQ (DI)(R11*4), DI           \
	DECQ CX                        \
	JNZ  row

// ROWSPAST is ROWS past the caches, for at least 32 columns: 8 up to an aligned
// destination, 16 at a time, and the last 16.
#define ROWSPAST(EXTEND, size, row, aligned, loop, next) \
	LEAQ -8(R11), R15              \
	LEAQ -16(R11), R12             \
row:                               \
	MOVQ DI, R13                   \
	NEGQ R13                       \
	ANDQ $31, R13                  \
	JZ   aligned                   \
	SHRQ $2, R13                   \
	XORL BX, BX                    \
	PLACE(EXTEND, size, BX, Y0)    \
aligned:                           \
	LEAQ 8(R13), BX                \
loop:                              \
	PLACEBY(VMOVNTPS, EXTEND, size, R13, Y0) \
	PLACEBY(VMOVNTPS, EXTEND, size, BX, Y1)  \
	ADDQ $16, R13                  \
	ADDQ $16, BX                   \
	CMPQ R13, R12                  \
	JBE  loop                      \
	CMPQ R13, R11                  \
	JEQ  next                      \
	PLACE(EXTEND, size, R12, Y0)   \
	PLACE(EXTEND, size, R15, Y1)   \
next:                              \
	LEAQ (SI)(R11*size), SI        \
	LEAQ (DI)(R11*4), DI           \
	DECQ CX                        \
	JNZ  row

// func dequantizeInt8ColumnsAVX2(dst *float32, src *uint8, rows int, scale []float32, zero []int32, signed, stream bool)
TEXT ·dequantizeInt8ColumnsAVX2(SB), NOSPLIT, $0-74
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ rows+16(FP), CX
	MOVQ scale_base+24(FP), R9
	MOVQ scale_len+32(FP), R11
	MOVQ zero_base+48(FP), R10
	CMPB stream+73(FP), $0
	JNE  past
	CMPB signed+72(FP), $0
	JEQ  unsigned
	ROWS(VPMOVSXBD, 1, row, loop, rest)
	VZEROUPPER
	RET

unsigned:
	ROWS(VPMOVZXBD, 1, rowu, loopu, restu)
	VZEROUPPER
	RET

past:
	CMPB signed+72(FP), $0
	JEQ  pastu
	ROWSPAST(VPMOVSXBD, 1, rowp, alignedp, loopp, nextp)
	VZEROUPPER
	RET

pastu:
	ROWSPAST(VPMOVZXBD, 1, rowpu, alignedpu, looppu, nextpu)
	VZEROUPPER
	RET

// func dequantizeInt16ColumnsAVX2(dst *float32, src *uint16, rows int, scale []float32, zero []int32, signed bool)
TEXT ·dequantizeInt16ColumnsAVX2(SB), NOSPLIT, $0-73
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ rows+16(FP), CX
	MOVQ scale_base+24(FP), R9
	MOVQ scale_len+32(FP), R11
	MOVQ zero_base+48(FP), R10
	CMPB signed+72(FP), $0
	JEQ  unsigned
	ROWS(VPMOVSXWD, 2, row, loop, rest)
	VZEROUPPER
	RET

unsigned:
	ROWS(VPMOVZXWD, 2, rowu, loopu, restu)
	VZEROUPPER
	RET

// WIDER lowers lo and raises hi to the elements x; odd collects x·0, which is
// NaN unless x is finite.
#define WIDER(x, lo, hi, odd) \
	VMINPS      x, lo, lo    \
	VMAXPS      x, hi, hi    \
	VFMADD231PS Y15, x, odd

// WIDENED stores ends; -0 becomes +0.
#define WIDENED(v, dst) \
	VADDPS  Y15, v, v \
	VMOVUPS v, dst

// func rangeColumnsAVX2(lo, hi []float32, src *float32, rows, stride int) bool
//
// There are at least 8 columns; those that are taken twice do no harm.
TEXT ·rangeColumnsAVX2(SB), NOSPLIT, $0-73
	MOVQ lo_base+0(FP), R9
	MOVQ lo_len+8(FP), R11
	MOVQ hi_base+24(FP), R10
	MOVQ stride+64(FP), R8
	SHLQ $2, R8
	XORL R13, R13
	VPXOR Y15, Y15, Y15
	VPXOR Y2, Y2, Y2
	VPXOR Y3, Y3, Y3
	VPXOR Y12, Y12, Y12
	VPXOR Y13, Y13, Y13
	CMPQ R11, $16
	JB   narrow
	MOVQ $16, BX
	CMPQ R11, $32
	JAE  wide
	LEAQ -16(R11), BX

wide: // the next 16 columns, and the 16 from BX columns on
	LEAQ (R13)(BX*1), R15
	MOVQ src+48(FP), SI
	LEAQ (SI)(R13*4), SI
	MOVQ rows+56(FP), CX
	VMOVUPS 0(R9)(R13*4), Y4
	VMOVUPS 32(R9)(R13*4), Y5
	VMOVUPS 0(R9)(R15*4), Y6
	VMOVUPS 32(R9)(R15*4), Y7
	VMOVUPS 0(R10)(R13*4), Y8
	VMOVUPS 32(R10)(R13*4), Y9
	VMOVUPS 0(R10)(R15*4), Y10
	VMOVUPS 32(R10)(R15*4), Y11

wideloop:
	VMOVUPS 0(SI), Y0
	VMOVUPS 32(SI), Y1
	WIDER(Y0, Y4, Y8, Y2)
	WIDER(Y1, Y5, Y9, Y3)
	VMOVUPS 0(SI)(BX*4), Y0
	VMOVUPS 32(SI)(BX*4), Y1
	WIDER(Y0, Y6, Y10, Y12)
	WIDER(Y1, Y7, Y11, Y13)
	ADDQ R8, SI
	DECQ CX
	JNZ  wideloop
	WIDENED(Y4, 0(R9)(R13*4))
	WIDENED(Y5, 32(R9)(R13*4))
	WIDENED(Y6, 0(R9)(R15*4))
	WIDENED(Y7, 32(R9)(R15*4))
	WIDENED(Y8, 0(R10)(R13*4))
	WIDENED(Y9, 32(R10)(R13*4))
	WIDENED(Y10, 0(R10)(R15*4))
	WIDENED(Y11, 32(R10)(R15*4))
	LEAQ 16(R15), R13
	LEAQ -32(R11), AX
	CMPQ R13, AX
	JLE  wide
	ADDQ $16, AX
	CMPQ R13, AX
	JGE  rest
	LEAQ -32(R11), R13 // more than 16 are left
	JMP  wide

narrow: // the next 8, or the last
	MOVQ src+48(FP), SI
	LEAQ (SI)(R13*4), SI
	MOVQ rows+56(FP), CX
	VMOVUPS (R9)(R13*4), Y4
	VMOVUPS (R10)(R13*4), Y8

narrowloop:
	VMOVUPS (SI), Y0
	WIDER(Y0, Y4, Y8, Y12)
	ADDQ R8, SI
	DECQ CX
	JNZ  narrowloop
	WIDENED(Y4, (R9)(R13*4))
	WIDENED(Y8, (R10)(R13*4))
	ADDQ $8, R13

rest:
	CMPQ R13, R11
	JEQ  done
	LEAQ -8(R11), AX
	CMPQ R13, AX
	CMOVQGT AX, R13
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

// func squaresColumnsAVX2(acc []float64, src *float32, rows, stride int)
//
// There are at least 8 columns. The last 8 may overlap those before, and then
// only the others are stored.
TEXT ·squaresColumnsAVX2(SB), NOSPLIT, $0-48
	MOVQ acc_base+0(FP), DI
	MOVQ acc_len+8(FP), R11
	MOVQ src+24(FP), DX
	MOVQ stride+40(FP), R8
	SHLQ $2, R8
	SUBQ $16, R11
	JB   rest

wide: // 16 columns at a time
	MOVQ DX, SI
	MOVQ rows+32(FP), CX
	VMOVUPD 0(DI), Y8
	VMOVUPD 32(DI), Y9
	VMOVUPD 64(DI), Y10
	VMOVUPD 96(DI), Y11

wideloop:
	VCVTPS2PD 0(SI), Y0
	VCVTPS2PD 16(SI), Y1
	VCVTPS2PD 32(SI), Y2
	VCVTPS2PD 48(SI), Y3
	VFMADD231PD Y0, Y0, Y8
	VFMADD231PD Y1, Y1, Y9
	VFMADD231PD Y2, Y2, Y10
	VFMADD231PD Y3, Y3, Y11
	ADDQ R8, SI
	DECQ CX
	JNZ  wideloop
	VMOVUPD Y8, 0(DI)
	VMOVUPD Y9, 32(DI)
	VMOVUPD Y10, 64(DI)
	VMOVUPD Y11, 96(DI)
	ADDQ $128, DI
	ADDQ $64, DX
	SUBQ $16, R11
	JAE  wide

rest:
	ADDQ $16, R11
	MOVQ R11, BX
	JZ   done
	SUBQ $8, BX
	JAE  columns // 8 and BX more
	ADDQ $8, BX
	LEAQ -64(DI)(BX*8), DI // the last 8, of which BX are new
	LEAQ -32(DX)(BX*4), DX
	LASTMASK(BX, Y4)
	HALVES(Y4, X4, Y5, Y6, X6)
	XORL BX, BX
	JMP  load

columns: // 8
	VPCMPEQD Y5, Y5, Y5
	VPCMPEQD Y6, Y6, Y6

load:
	MOVQ DX, SI
	MOVQ rows+32(FP), CX
	VMOVUPD 0(DI), Y8
	VMOVUPD 32(DI), Y9

loop:
	VCVTPS2PD 0(SI), Y0
	VCVTPS2PD 16(SI), Y1
	VFMADD231PD Y0, Y0, Y8
	VFMADD231PD Y1, Y1, Y9
	ADDQ R8, SI
	DECQ CX
	JNZ  loop
	VMASKMOVPD Y8, Y5, 0(DI)
	VMASKMOVPD Y9, Y6, 32(DI)
	ADDQ $64, DI
	ADDQ $32, DX
	MOVQ BX, R11
	SUBQ $16, R11
	JMP  rest

done:
	VZEROUPPER
	RET

// In memory beyond the caches rows go one after the other, past them: there a
// division takes no longer than reading what it divides.

// CODES32 leaves the codes of the 32 columns from column i on in Y0. What
// overflows an integer from below, and NaN, is the least; from above Y12 bounds
// it; packs and additions that saturate take all that is too far to the ends of
// the grid, for zero points of at most 32000 in magnitude.
#define CODES32(i) \
	VMOVUPS   0(SI)(i*4), Y0       \
	VMOVUPS   32(SI)(i*4), Y1      \
	VMOVUPS   64(SI)(i*4), Y2      \
	VMOVUPS   96(SI)(i*4), Y3      \
	VDIVPS    0(R9)(i*4), Y0, Y0   \
	VDIVPS    32(R9)(i*4), Y1, Y1  \
	VDIVPS    64(R9)(i*4), Y2, Y2  \
	VDIVPS    96(R9)(i*4), Y3, Y3  \
	VMINPS    Y0, Y12, Y0          \
	VMINPS    Y1, Y12, Y1          \
	VMINPS    Y2, Y12, Y2          \
	VMINPS    Y3, Y12, Y3          \
	VCVTPS2DQ Y0, Y0               \
	VCVTPS2DQ Y1, Y1               \
	VCVTPS2DQ Y2, Y2               \
	VCVTPS2DQ Y3, Y3               \
	VMOVDQU   0(R10)(i*4), Y4      \
	VMOVDQU   64(R10)(i*4), Y5     \
	VPACKSSDW 32(R10)(i*4), Y4, Y4 \
	VPACKSSDW 96(R10)(i*4), Y5, Y5 \
	VPSUBW    Y15, Y4, Y4          \
	VPSUBW    Y15, Y5, Y5          \
	VPACKSSDW Y1, Y0, Y0           \
	VPACKSSDW Y3, Y2, Y2           \
	VPADDSW   Y4, Y0, Y0           \
	VPADDSW   Y5, Y2, Y2           \
	VPACKSSWB Y2, Y0, Y0           \
	VPERMD    Y0, Y13, Y0          \
	VPMAXSB   Y10, Y0, Y0          \
	VPMINSB   Y11, Y0, Y0          \
	VPXOR     Y14, Y0, Y0

// func quantizeInt8RowsAVX2(dst *uint8, src *float32, rows, cols int, scale *float32, zero *int32, qmin, qmax int32)
//
// There are at least 64 columns. Y15 holds the words 128 for an unsigned grid,
// which is moved down by as much and back by Y14; Y10 and Y11 hold qmin and qmax,
// moved down.
TEXT ·quantizeInt8RowsAVX2(SB), NOSPLIT, $0-56
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ rows+16(FP), R12
	MOVQ cols+24(FP), R11
	MOVQ scale+32(FP), R9
	MOVQ zero+40(FP), R10
	MOVL qmin+48(FP), AX
	MOVL qmax+52(FP), BX
	VMOVD AX, X10
	VMOVD BX, X11
	VPBROADCASTB X10, Y10
	VPBROADCASTB X11, Y11
	VPXOR Y14, Y14, Y14
	VPXOR Y15, Y15, Y15
	CMPL BX, $127
	JLE  signed
	VPBROADCASTD FLIP8, Y14
	VPSRLW $8, Y14, Y15

signed:
	VPXOR Y14, Y10, Y10
	VPXOR Y14, Y11, Y11
	VMOVDQU packOrder256<>(SB), Y13
	VBROADCASTSS BEYOND, Y12
	LEAQ -32(R11), R13 // the last 32

row: // up to an aligned destination
	MOVQ DI, AX
	NEGQ AX
	ANDQ $31, AX
	JZ   past
	XORL BX, BX
	CODES32(BX)
	VMOVDQU Y0, (DI)

past:
	CODES32(AX)
	VMOVNTDQ Y0, (DI)(AX*1)
	ADDQ $32, AX
	CMPQ AX, R13
	JBE  past
	CMPQ AX, R11
	JEQ  next
	CODES32(R13)
	VMOVDQU Y0, (DI)(R13*1)

next:
	ADDQ R11, DI
	LEAQ (SI)(R11*4), SI
	DECQ R12
	JNZ  row
	VZEROUPPER
	RET
