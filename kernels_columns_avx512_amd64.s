//go:build !purego

#include "textflag.h"
#include "kernels_avx512_amd64.h"

// The kernels of the columns walk take 16 columns at a time down the rows, with
// the parameters in registers: K1 masks the columns that there are, R13 counts
// those done, R8 is the length of a row in bytes of the source. Only
// dequantizing goes row by row, since its parameters need no preparation.

// STASH prepares 16 columns and stores their parameters at off and every 256
// bytes on from R12: scale, reciprocal, upper bound of x, and the zero point less
// Z24. K4 collects those not for SATURATE4.
#define STASH(off) \
	VMOVUPS   off(R9), Z16        \
	VMOVDQU32 off(R10), Z20       \
	PREPARE                       \
	KORW      K3, K4, K4          \
	VMULPS    Z16, Z1, Z1         \
	VPSUBD    Z24, Z20, Z20       \
	VMOVUPS   Z16, (0+off)(R12)   \
	VMOVUPS   Z17, (256+off)(R12) \
	VMOVUPS   Z1, (512+off)(R12)  \
	VMOVDQU32 Z20, (768+off)(R12)

// SATURATE4 is SATURATE of the runs walk, with parameters of its own for each
// vector.
#define SATURATE4(x, s, y, hi, q) \
	VMINPS       x, hi, x \
	VMULPS       y, x, q  \
	VFNMADD231PS s, q, x  \
	VFMADD231PS  y, x, q  \
	VCVTPS2DQ    q, q

// func prepareWideAVX512(buf *float32, scale []float32, zero []int32, qmin, qmax int32) int
//
// It prepares 64 columns at a time, 256 floats for each, while there are so
// many, and returns how many it did: fewer if a scale is not for SATURATE4.
TEXT ·prepareWideAVX512(SB), NOSPLIT, $0-72
	MOVQ buf+0(FP), R12
	MOVQ scale_base+8(FP), R9
	MOVQ scale_len+16(FP), R11
	MOVQ zero_base+32(FP), R10
	MOVL qmin+56(FP), R14
	MOVL qmax+60(FP), R15
	XORL R13, R13
	CONSTANTS(R14, R15)
	BROADCAST(32000, Z25) // the largest zero point that saturating words allow
	SUBL $-128, R14
	VPBROADCASTD R14, Z24

next:
	SUBQ $64, R11
	JB   done
	KXORW  K4, K4, K4
	STASH(0)
	STASH(64)
	STASH(128)
	STASH(192)
	KTESTW K4, K4
	JNE    done
	ADDQ $256, R9
	ADDQ $256, R10
	ADDQ $1024, R12
	ADDQ $64, R13
	JMP  next

done:
	MOVQ R13, ret+64(FP)
	VZEROUPPER
	RET

// func quantizeInt8WideAVX512(dst *uint8, src *float32, rows, stride, cols int, buf *float32, qmin int32)
//
// It takes columns 64 at a time; cols is a multiple of that. buf is theirs from
// prepareWideAVX512. Codes are moved and bounded as in the runs walk. A row's next 64 columns are fetched while the rows of
// these are done.
TEXT ·quantizeInt8WideAVX512(SB), NOSPLIT, $0-52
	MOVQ dst+0(FP), BX
	MOVQ src+8(FP), DX
	MOVQ stride+24(FP), R13
	MOVQ cols+32(FP), R11
	MOVQ buf+40(FP), R12
	LEAQ (R13*4), R8
	VMOVDQU32 packOrder512<>(SB), Z28
	MOVL    qmin+48(FP), AX
	SUBL    $-128, AX
	VPBROADCASTB AX, Z29

columns:
	VMOVUPS 0(R12), Z8
	VMOVUPS 64(R12), Z9
	VMOVUPS 128(R12), Z10
	VMOVUPS 192(R12), Z11
	VMOVUPS 256(R12), Z12
	VMOVUPS 320(R12), Z13
	VMOVUPS 384(R12), Z14
	VMOVUPS 448(R12), Z15
	VMOVUPS 512(R12), Z16
	VMOVUPS 576(R12), Z17
	VMOVUPS 640(R12), Z18
	VMOVUPS 704(R12), Z19
	VMOVDQU32 768(R12), Z20
	VMOVDQU32 896(R12), Z21
	VPACKSSDW 832(R12), Z20, Z20
	VPACKSSDW 960(R12), Z21, Z21
	MOVQ rows+16(FP), CX
	MOVQ BX, DI
	MOVQ DX, SI

loop:
	VMOVUPS 0(SI), Z0
	VMOVUPS 64(SI), Z1
	VMOVUPS 128(SI), Z2
	VMOVUPS 192(SI), Z3
	PREFETCHT0 256(SI)
	PREFETCHT0 320(SI)
	PREFETCHT0 384(SI)
	PREFETCHT0 448(SI)
	SATURATE4(Z0, Z8, Z12, Z16, Z4)
	SATURATE4(Z1, Z9, Z13, Z17, Z5)
	SATURATE4(Z2, Z10, Z14, Z18, Z6)
	SATURATE4(Z3, Z11, Z15, Z19, Z7)
	VPACKSSDW Z5, Z4, Z4
	VPACKSSDW Z7, Z6, Z6
	VPADDSW   Z20, Z4, Z4
	VPADDSW   Z21, Z6, Z6
	VPACKSSWB Z6, Z4, Z4
	VPERMD    Z4, Z28, Z4
	VPADDB    Z29, Z4, Z4
	VMOVDQU64 Z4, (DI)
	ADDQ R8, SI
	ADDQ R13, DI
	DECQ CX
	JNZ  loop

	ADDQ $1024, R12
	ADDQ $64, BX
	ADDQ $256, DX
	SUBQ $64, R11
	JNZ  columns
	VZEROUPPER
	RET

// QUOTIENTS64 divides 64 elements by the scales at R9, R13 columns on, and makes
// codes of them with the zero points at R10 as SATURATE and BYTES64 do: Z19 is
// above all that matters, Z22 half of an unsigned grid in words.
#define QUOTIENTS64 \
	VMOVUPS 0(SI), Z0                      \
	VMOVUPS 64(SI), Z1                     \
	VMOVUPS 128(SI), Z2                    \
	VMOVUPS 192(SI), Z3                    \
	VDIVPS  0(R9)(R13*4), Z0, Z0           \
	VDIVPS  64(R9)(R13*4), Z1, Z1          \
	VDIVPS  128(R9)(R13*4), Z2, Z2         \
	VDIVPS  192(R9)(R13*4), Z3, Z3         \
	VMOVDQU32 0(R10)(R13*4), Z8            \
	VMOVDQU32 128(R10)(R13*4), Z10         \
	VMINPS  Z0, Z19, Z0                    \
	VMINPS  Z1, Z19, Z1                    \
	VMINPS  Z2, Z19, Z2                    \
	VMINPS  Z3, Z19, Z3                    \
	VCVTPS2DQ Z0, Z0                       \
	VCVTPS2DQ Z1, Z1                       \
	VCVTPS2DQ Z2, Z2                       \
	VCVTPS2DQ Z3, Z3                       \
	VPACKSSDW 64(R10)(R13*4), Z8, Z8       \
	VPACKSSDW 192(R10)(R13*4), Z10, Z10    \
	VPACKSSDW Z1, Z0, Z0                   \
	VPACKSSDW Z3, Z2, Z2                   \
	VPSUBW    Z22, Z8, Z8                  \
	VPSUBW    Z22, Z10, Z10                \
	VPADDSW   Z8, Z0, Z0                   \
	VPADDSW   Z10, Z2, Z2                  \
	VPACKSSWB Z2, Z0, Z0                   \
	VPERMD    Z0, Z23, Z0                  \
	VPMAXSB   Z15, Z0, Z0                  \
	VPMINSB   Z14, Z0, Z0                  \
	VPXORD    Z21, Z0, Z0

// func quantizeInt8RowsAVX512(dst *uint8, src *float32, rows, stride, cols int, scale *float32, zero *int32, qmin, qmax int32, stream bool)
//
// It goes row by row, in the order of memory, and divides: for tensors that do
// not fit the caches, where reading in strides costs more than dividing. cols
// is a multiple of 64, and no zero point is beyond ±32000.
TEXT ·quantizeInt8RowsAVX512(SB), NOSPLIT, $0-65
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ rows+16(FP), CX
	MOVQ stride+24(FP), R8
	MOVQ cols+32(FP), R11
	MOVQ scale+40(FP), R9
	MOVQ zero+48(FP), R10
	MOVL qmin+56(FP), BX
	MOVL qmax+60(FP), DX
	MOVBQZX stream+64(FP), R14
	BROADCAST(0x4e800000, Z19) // 2^30
	VMOVDQU32 packOrder512<>(SB), Z23
	VPXORD Z21, Z21, Z21
	VPXORD Z22, Z22, Z22
	CMPL   DX, $127
	JLE    signed
	BROADCAST(0x80808080, Z21)
	BROADCAST(0x00800080, Z22)
	SUBL   $128, BX
	SUBL   $128, DX

signed:
	VPBROADCASTB BX, Z15
	VPBROADCASTB DX, Z14
	MOVQ DI, AX // past the caches only whole lines: rows of them, from one on
	ORQ  R8, AX
	ANDQ $63, AX
	JZ   2(PC)
	XORL R14, R14
	SUBQ R11, R8 // from the end of the columns to the next row

row:
	XORL R13, R13
	TESTQ R14, R14
	JNE  past

loop:
	QUOTIENTS64
	VMOVDQU64 Z0, (DI)
	ADDQ $256, SI
	ADDQ $64, DI
	ADDQ $64, R13
	CMPQ R13, R11
	JB   loop

next:
	LEAQ (SI)(R8*4), SI
	ADDQ R8, DI
	DECQ CX
	JNZ  row
	VZEROUPPER
	RET

past:
	QUOTIENTS64
	VMOVNTDQ Z0, (DI)
	ADDQ $256, SI
	ADDQ $64, DI
	ADDQ $64, R13
	CMPQ R13, R11
	JB   past
	JMP  next

// func quantizeInt8ColumnsAVX512(dst *uint8, src *float32, rows, stride int, scale []float32, zero []int32, qmin, qmax int32)
TEXT ·quantizeInt8ColumnsAVX512(SB), NOSPLIT, $0-88
	MOVQ scale_base+32(FP), R9
	MOVQ scale_len+40(FP), R11
	MOVQ zero_base+56(FP), R10
	MOVL qmin+80(FP), R14
	MOVL qmax+84(FP), R15
	CONSTANTS(R14, R15)
	MOVQ stride+24(FP), R12 // length of a row in bytes of the destination
	LEAQ (R12*4), R8
	XORL R13, R13

columns:
	TESTQ R11, R11
	JZ    done
	NEXT16 // leaves the number of columns in BX
	PREPARE
	MOVQ dst+0(FP), DI
	ADDQ R13, DI
	MOVQ src+8(FP), SI
	LEAQ (SI)(R13*4), SI
	ADDQ BX, R13
	MOVQ rows+16(FP), CX
	VMOVAPS Z0, Z18
	VMOVAPS Z1, Z19
	KTESTW K3, K3
	JNE    divide
	VMULPS Z16, Z0, Z18
	VMULPS Z16, Z1, Z19
	CMPQ   BX, $16
	JNE    loop

whole:
	VMOVUPS (SI), Z0
	QUOTIENT(Z0, Z4)
	CODE(Z4)
	VPMOVDB Z4, X4
	VMOVDQU X4, (DI)
	ADDQ R8, SI
	ADDQ R12, DI
	DECQ CX
	JNZ  whole
	JMP  columns

loop:
	VMOVUPS.Z (SI), K1, Z0
	QUOTIENT(Z0, Z4)
	CODE(Z4)
	VPMOVDB  Z4, X4
	VMOVDQU8 X4, K1, (DI)
	ADDQ R8, SI
	ADDQ R12, DI
	DECQ CX
	JNZ  loop
	JMP  columns

divide:
	VMOVUPS.Z (SI), K1, Z0
	DIVIDE(Z0, Z4)
	CODE(Z4)
	VPMOVDB  Z4, X4
	VMOVDQU8 X4, K1, (DI)
	ADDQ R8, SI
	ADDQ R12, DI
	DECQ CX
	JNZ  divide
	JMP  columns

done:
	VZEROUPPER
	RET

// func quantizeInt16ColumnsAVX512(dst *uint16, src *float32, rows int, scale []float32, zero []int32, qmin, qmax int32)
TEXT ·quantizeInt16ColumnsAVX512(SB), NOSPLIT, $0-80
	MOVQ scale_base+24(FP), R9
	MOVQ scale_len+32(FP), R11
	MOVQ zero_base+48(FP), R10
	MOVL qmin+72(FP), R14
	MOVL qmax+76(FP), R15
	CONSTANTS(R14, R15)
	LEAQ (R11*2), R12
	LEAQ (R11*4), R8
	XORL R13, R13

columns:
	TESTQ R11, R11
	JZ    done
	NEXT16
	PREPARE
	MOVQ dst+0(FP), DI
	LEAQ (DI)(R13*2), DI
	MOVQ src+8(FP), SI
	LEAQ (SI)(R13*4), SI
	ADDQ BX, R13
	MOVQ rows+16(FP), CX
	VMOVAPS Z0, Z18
	VMOVAPS Z1, Z19
	KTESTW K3, K3
	JNE    divide
	VMULPS Z16, Z0, Z18
	VMULPS Z16, Z1, Z19

loop:
	VMOVUPS.Z (SI), K1, Z0
	QUOTIENT(Z0, Z4)
	CODE(Z4)
	VPMOVDW   Z4, Y4
	VMOVDQU16 Y4, K1, (DI)
	ADDQ R8, SI
	ADDQ R12, DI
	DECQ CX
	JNZ  loop
	JMP  columns

divide:
	VMOVUPS.Z (SI), K1, Z0
	DIVIDE(Z0, Z4)
	CODE(Z4)
	VPMOVDW   Z4, Y4
	VMOVDQU16 Y4, K1, (DI)
	ADDQ R8, SI
	ADDQ R12, DI
	DECQ CX
	JNZ  divide
	JMP  columns

done:
	VZEROUPPER
	RET

// PLACE turns sign-extended codes, from which Z21 took half of an unsigned
// grid and Z22 gives it back, into real values: scales are at R9, zero points
// at R10, R13 columns on.
#define PLACE(v) \
	VPADDD    Z22, v, v            \
	VPSUBD    (R10)(R13*4), v, v   \
	VCVTDQ2PS v, v                 \
	VMULPS    (R9)(R13*4), v, v

#define PLACEMASKED(v) \
	VPADDD      Z22, v, v                \
	VMOVDQU32.Z (R10)(R13*4), K1, Z1     \
	VMOVUPS.Z   (R9)(R13*4), K1, Z2      \
	VPSUBD      Z1, v, v                 \
	VCVTDQ2PS   v, v                     \
	VMULPS      Z2, v, v

// func dequantizeInt8ColumnsAVX512(dst *float32, src *uint8, rows, stride int, scale []float32, zero []int32, signed bool)
TEXT ·dequantizeInt8ColumnsAVX512(SB), NOSPLIT, $0-81
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ rows+16(FP), CX
	MOVQ scale_base+32(FP), R9
	MOVQ scale_len+40(FP), R11
	MOVQ zero_base+56(FP), R10
	MOVQ stride+24(FP), R8
	SUBQ R11, R8 // from the end of a row to the next
	VPXORD Z21, Z21, Z21
	VPXORD Z22, Z22, Z22
	MOVQ R11, R12
	ANDQ $15, R12
	MASK(R12, K1)
	CMPB signed+80(FP), $0
	JNE  row
	BROADCAST(0x80808080, Z21)
	BROADCAST(128, Z22)

row:
	XORL R13, R13
	MOVQ R11, DX
	SUBQ $16, DX
	JB   tail

loop:
	WIDEN8(0, X0, Z0)
	PLACE(Z0)
	VMOVUPS Z0, (DI)
	ADDQ $16, SI
	ADDQ $64, DI
	ADDQ $16, R13
	SUBQ $16, DX
	JAE  loop

tail:
	TESTQ R12, R12
	JZ    next
	VMOVDQU8.Z (SI), K1, X0
	VPXORD    X21, X0, X0
	VPMOVSXBD X0, Z0
	PLACEMASKED(Z0)
	VMOVUPS   Z0, K1, (DI)
	ADDQ R12, SI
	LEAQ (DI)(R12*4), DI

next:
	ADDQ R8, SI
	LEAQ (DI)(R8*4), DI
	DECQ CX
	JNZ  row
	VZEROUPPER
	RET

// func dequantizeInt8WideAVX512(dst *float32, src *uint8, rows int, scale []float32, zero []int32, signed, stream bool)
//
// It takes 64 columns at a time down the rows; len(scale) is at least 64, and
// the columns behind the last 64 are left.
TEXT ·dequantizeInt8WideAVX512(SB), NOSPLIT, $0-74
	MOVQ dst+0(FP), BX
	MOVQ src+8(FP), DX
	MOVQ scale_base+24(FP), R9
	MOVQ scale_len+32(FP), R11
	MOVQ zero_base+48(FP), R10
	VPXORD Z21, Z21, Z21
	VPXORD Z22, Z22, Z22
	MOVQ R11, R13
	LEAQ (R11*4), R8
	// Past the caches only whole lines: what begins at one, in rows of them.
	MOVBQZX stream+73(FP), R14
	MOVQ BX, AX
	ORQ  R8, AX
	ANDQ $63, AX
	JZ   2(PC)
	XORL R14, R14
	CMPB signed+72(FP), $0
	JNE  columns
	BROADCAST(0x80808080, Z21)
	BROADCAST(128, Z22)

columns:
	VMOVUPS 0(R9), Z8
	VMOVUPS 64(R9), Z9
	VMOVUPS 128(R9), Z10
	VMOVUPS 192(R9), Z11
	VMOVDQU32 0(R10), Z12
	VMOVDQU32 64(R10), Z13
	VMOVDQU32 128(R10), Z14
	VMOVDQU32 192(R10), Z15
	VPSUBD Z22, Z12, Z12
	VPSUBD Z22, Z13, Z13
	VPSUBD Z22, Z14, Z14
	VPSUBD Z22, Z15, Z15
	MOVQ BX, DI
	MOVQ DX, SI
	MOVQ rows+16(FP), CX
	TESTQ R14, R14
	JNE  past

loop:
	WIDEN8(0, X0, Z0)
	WIDEN8(16, X1, Z1)
	WIDEN8(32, X2, Z2)
	WIDEN8(48, X3, Z3)
	PREFETCHT0 64(SI)
	VPSUBD Z12, Z0, Z0
	VPSUBD Z13, Z1, Z1
	VPSUBD Z14, Z2, Z2
	VPSUBD Z15, Z3, Z3
	VCVTDQ2PS Z0, Z0
	VCVTDQ2PS Z1, Z1
	VCVTDQ2PS Z2, Z2
	VCVTDQ2PS Z3, Z3
	VMULPS Z8, Z0, Z0
	VMULPS Z9, Z1, Z1
	VMULPS Z10, Z2, Z2
	VMULPS Z11, Z3, Z3
	VMOVUPS Z0, 0(DI)
	VMOVUPS Z1, 64(DI)
	VMOVUPS Z2, 128(DI)
	VMOVUPS Z3, 192(DI)
	ADDQ R13, SI
	ADDQ R8, DI
	DECQ CX
	JNZ  loop

next:
	ADDQ $256, R9
	ADDQ $256, R10
	ADDQ $256, BX
	ADDQ $64, DX
	SUBQ $64, R11
	CMPQ R11, $64
	JAE  columns
	VZEROUPPER
	RET

past:
	WIDEN8(0, X0, Z0)
	WIDEN8(16, X1, Z1)
	WIDEN8(32, X2, Z2)
	WIDEN8(48, X3, Z3)
	PREFETCHT0 64(SI)
	VPSUBD Z12, Z0, Z0
	VPSUBD Z13, Z1, Z1
	VPSUBD Z14, Z2, Z2
	VPSUBD Z15, Z3, Z3
	VCVTDQ2PS Z0, Z0
	VCVTDQ2PS Z1, Z1
	VCVTDQ2PS Z2, Z2
	VCVTDQ2PS Z3, Z3
	VMULPS Z8, Z0, Z0
	VMULPS Z9, Z1, Z1
	VMULPS Z10, Z2, Z2
	VMULPS Z11, Z3, Z3
	VMOVNTPS Z0, 0(DI)
	VMOVNTPS Z1, 64(DI)
	VMOVNTPS Z2, 128(DI)
	VMOVNTPS Z3, 192(DI)
	ADDQ R13, SI
	ADDQ R8, DI
	DECQ CX
	JNZ  past
	JMP  next

// func dequantizeInt16ColumnsAVX512(dst *float32, src *uint16, rows int, scale []float32, zero []int32, signed bool)
TEXT ·dequantizeInt16ColumnsAVX512(SB), NOSPLIT, $0-73
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ rows+16(FP), CX
	MOVQ scale_base+24(FP), R9
	MOVQ scale_len+32(FP), R11
	MOVQ zero_base+48(FP), R10
	VPXORD Z21, Z21, Z21
	VPXORD Z22, Z22, Z22
	MOVQ R11, R12
	ANDQ $15, R12
	MASK(R12, K1)
	CMPB signed+72(FP), $0
	JNE  row
	BROADCAST(0x80008000, Z21)
	BROADCAST(0x8000, Z22)

row:
	XORL R13, R13
	MOVQ R11, DX
	SUBQ $16, DX
	JB   tail

loop:
	WIDEN16(0, Y0, Z0)
	PLACE(Z0)
	VMOVUPS Z0, (DI)
	ADDQ $32, SI
	ADDQ $64, DI
	ADDQ $16, R13
	SUBQ $16, DX
	JAE  loop

tail:
	TESTQ R12, R12
	JZ    next
	VMOVDQU16.Z (SI), K1, Y0
	VPXORD    Y21, Y0, Y0
	VPMOVSXWD Y0, Z0
	PLACEMASKED(Z0)
	VMOVUPS   Z0, K1, (DI)
	LEAQ (SI)(R12*2), SI
	LEAQ (DI)(R12*4), DI

next:
	DECQ CX
	JNZ  row
	VZEROUPPER
	RET

// WIDER lowers lo and raises hi to the elements x; odd collects the greatest
// magnitude, doubled, which tells whether all are finite.
#define WIDER(x, lo, hi, odd) \
	VMINPS  x, lo, lo   \
	VMAXPS  x, hi, hi   \
	VPADDD  x, x, x     \
	VPMAXUD x, odd, odd

// func rangeColumnsAVX512(lo, hi []float32, src *float32, rows, stride int) bool
TEXT ·rangeColumnsAVX512(SB), NOSPLIT, $0-73
	MOVQ lo_base+0(FP), R9
	MOVQ lo_len+8(FP), R11
	MOVQ hi_base+24(FP), R10
	MOVQ stride+64(FP), R8
	SHLQ $2, R8
	MOVQ src+48(FP), DX
	VPXORD Z30, Z30, Z30 // greatest doubled magnitudes
	VPXORD Z31, Z31, Z31
	SUBQ $64, R11
	JB   rest

wide: // 64 columns at a time
	MOVQ DX, SI
	MOVQ rows+56(FP), CX
	VMOVUPS 0(R9), Z8
	VMOVUPS 64(R9), Z9
	VMOVUPS 128(R9), Z10
	VMOVUPS 192(R9), Z11
	VMOVUPS 0(R10), Z12
	VMOVUPS 64(R10), Z13
	VMOVUPS 128(R10), Z14
	VMOVUPS 192(R10), Z15

wideloop:
	VMOVUPS 0(SI), Z0
	VMOVUPS 64(SI), Z1
	VMOVUPS 128(SI), Z2
	VMOVUPS 192(SI), Z3
	WIDER(Z0, Z8, Z12, Z30)
	WIDER(Z1, Z9, Z13, Z30)
	WIDER(Z2, Z10, Z14, Z30)
	WIDER(Z3, Z11, Z15, Z30)
	ADDQ R8, SI
	DECQ CX
	JNZ  wideloop
	VADDPS Z31, Z8, Z8 // -0 becomes +0
	VADDPS Z31, Z9, Z9
	VADDPS Z31, Z10, Z10
	VADDPS Z31, Z11, Z11
	VADDPS Z31, Z12, Z12
	VADDPS Z31, Z13, Z13
	VADDPS Z31, Z14, Z14
	VADDPS Z31, Z15, Z15
	VMOVUPS Z8, 0(R9)
	VMOVUPS Z9, 64(R9)
	VMOVUPS Z10, 128(R9)
	VMOVUPS Z11, 192(R9)
	VMOVUPS Z12, 0(R10)
	VMOVUPS Z13, 64(R10)
	VMOVUPS Z14, 128(R10)
	VMOVUPS Z15, 192(R10)
	ADDQ $256, R9
	ADDQ $256, R10
	ADDQ $256, DX
	SUBQ $64, R11
	JAE  wide

rest:
	ADDQ $64, R11

columns:
	TESTQ R11, R11
	JZ    done
	MOVQ    $16, BX
	CMPQ    R11, BX
	CMOVQLT R11, BX
	SUBQ    BX, R11
	MASK(BX, K1)
	MOVQ DX, SI
	MOVQ rows+56(FP), CX
	VMOVUPS.Z (R9), K1, Z8
	VMOVUPS.Z (R10), K1, Z12

loop:
	VMOVUPS.Z (SI), K1, Z0
	WIDER(Z0, Z8, Z12, Z30)
	ADDQ R8, SI
	DECQ CX
	JNZ  loop
	VADDPS Z31, Z8, Z8
	VADDPS Z31, Z12, Z12
	VMOVUPS Z8, K1, (R9)
	VMOVUPS Z12, K1, (R10)
	LEAQ (R9)(BX*4), R9
	LEAQ (R10)(BX*4), R10
	LEAQ (DX)(BX*4), DX
	JMP  columns

done:
	BROADCAST(0xff000000, Z0)
	VPCMPUD $5, Z0, Z30, K1 // not less
	KTESTW  K1, K1
	SETEQ   ret+72(FP)
	VZEROUPPER
	RET

// func squaresColumnsAVX512(acc []float64, src *float32, rows, stride int)
TEXT ·squaresColumnsAVX512(SB), NOSPLIT, $0-48
	MOVQ acc_base+0(FP), DI
	MOVQ acc_len+8(FP), R11
	MOVQ src+24(FP), DX
	MOVQ stride+40(FP), R8
	SHLQ $2, R8

columns:
	TESTQ R11, R11
	JZ    done
	MOVQ    $16, BX
	CMPQ    R11, BX
	CMOVQLT R11, BX
	SUBQ    BX, R11
	MASK(BX, K1)
	KSHIFTRW $8, K1, K2
	MOVQ DX, SI
	MOVQ rows+32(FP), CX
	VMOVUPD.Z 0(DI), K1, Z24
	VMOVUPD.Z 64(DI), K2, Z25

loop:
	VMOVUPS.Z (SI), K1, Z0
	VEXTRACTF64X4 $1, Z0, Y1
	VCVTPS2PD Y0, Z0
	VCVTPS2PD Y1, Z1
	VFMADD231PD Z0, Z0, Z24
	VFMADD231PD Z1, Z1, Z25
	ADDQ R8, SI
	DECQ CX
	JNZ  loop
	VMOVUPD Z24, K1, 0(DI)
	VMOVUPD Z25, K2, 64(DI)
	LEAQ (DI)(BX*8), DI
	LEAQ (DX)(BX*4), DX
	JMP  columns

done:
	VZEROUPPER
	RET
