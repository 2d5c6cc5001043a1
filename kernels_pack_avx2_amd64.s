//go:build !purego

#include "textflag.h"
#include "kernels_avx2_amd64.h"

// Codes are packed and unpacked 8 at a time where no vector of them is left.

// func pack4AVX2(dst []byte, codes []uint8, stream bool)
//
// The number of codes is a multiple of 8.
TEXT ·pack4AVX2(SB), NOSPLIT, $0-49
	MOVQ dst_base+0(FP), DI
	MOVQ codes_base+24(FP), SI
	MOVQ codes_len+32(FP), CX
	VPBROADCASTD nibbles<>+0(SB), Y14
	VPBROADCASTD nibbles<>+8(SB), Y13
	SUBQ $64, CX
	JB   tail
	CMPB  stream+48(FP), $0
	JEQ   loop
	TESTQ $31, DI
	JZ    past

// NIBBLES packs 64 codes of 4 bits into 32 bytes: a byte is its first code and
// 16 times its second.
#define NIBBLES \
	VPAND      0(SI), Y14, Y0  \
	VPAND      32(SI), Y14, Y1 \
	VPMADDUBSW Y13, Y0, Y0     \
	VPMADDUBSW Y13, Y1, Y1     \
	VPACKUSWB  Y1, Y0, Y0      \
	VPERMQ     $0xd8, Y0, Y0

loop:
	NIBBLES
	VMOVDQU Y0, (DI)
	ADDQ $64, SI
	ADDQ $32, DI
	SUBQ $64, CX
	JAE  loop

tail:
	ADDQ $64, CX
	JZ   done
	MOVQ nibbles<>+0(SB), BX

tail8:
	MOVQ  (SI), AX
	PEXTQ BX, AX, AX
	MOVL  AX, (DI)
	ADDQ $8, SI
	ADDQ $4, DI
	SUBQ $8, CX
	JNZ  tail8

done:
	VZEROUPPER
	RET

past:
	NIBBLES
	VMOVNTDQ Y0, (DI)
	ADDQ $64, SI
	ADDQ $32, DI
	SUBQ $64, CX
	JAE  past
	JMP  tail

// func pack2AVX2(dst []byte, codes []uint8)
//
// The number of codes is a multiple of 8.
TEXT ·pack2AVX2(SB), NOSPLIT, $0-48
	MOVQ dst_base+0(FP), DI
	MOVQ codes_base+24(FP), SI
	MOVQ codes_len+32(FP), CX
	VPBROADCASTD pairs<>+0(SB), Y14
	VPBROADCASTD pairs<>+8(SB), Y13
	VPBROADCASTD pairs<>+12(SB), Y12
	VMOVDQU packOrder256<>(SB), Y11
	SUBQ $128, CX
	JB   tail

// PAIRS packs neighbours to 4 bits, then neighbours of those to 8, in dwords.
#define PAIRS(off, y) \
	VPAND      off(SI), Y14, y \
	VPMADDUBSW Y13, y, y       \
	VPMADDWD   Y12, y, y

loop: // 128 codes
	PAIRS(0, Y0)
	PAIRS(32, Y1)
	PAIRS(64, Y2)
	PAIRS(96, Y3)
	VPACKSSDW Y1, Y0, Y0
	VPACKSSDW Y3, Y2, Y2
	VPACKUSWB Y2, Y0, Y0
	VPERMD    Y0, Y11, Y0
	VMOVDQU   Y0, (DI)
	ADDQ $128, SI
	ADDQ $32, DI
	SUBQ $128, CX
	JAE  loop

tail:
	ADDQ $128, CX
	JZ   done
	MOVQ pairs<>+0(SB), BX

tail8:
	MOVQ  (SI), AX
	PEXTQ BX, AX, AX
	MOVW  AX, (DI)
	ADDQ $8, SI
	ADDQ $2, DI
	SUBQ $8, CX
	JNZ  tail8

done:
	VZEROUPPER
	RET

// The codes that bit patterns stand for, by their low 4 bits.
DATA signed4<>+0(SB)/8, $0x0706050403020100
DATA signed4<>+8(SB)/8, $0xfffefdfcfbfaf9f8
GLOBL signed4<>(SB), RODATA|NOPTR, $16
DATA unsigned4<>+0(SB)/8, $0x0706050403020100
DATA unsigned4<>+8(SB)/8, $0x0f0e0d0c0b0a0908
GLOBL unsigned4<>(SB), RODATA|NOPTR, $16
DATA signed2<>+0(SB)/8, $0xfffe0100fffe0100
DATA signed2<>+8(SB)/8, $0xfffe0100fffe0100
GLOBL signed2<>(SB), RODATA|NOPTR, $16

// The bits of codes in bytes, and the weights of neighbours.
DATA nibbles<>+0(SB)/8, $0x0f0f0f0f0f0f0f0f
DATA nibbles<>+8(SB)/4, $0x10011001
GLOBL nibbles<>(SB), RODATA|NOPTR, $12
DATA pairs<>+0(SB)/8, $0x0303030303030303
DATA pairs<>+8(SB)/4, $0x04010401
DATA pairs<>+12(SB)/4, $0x00100001
GLOBL pairs<>(SB), RODATA|NOPTR, $16

// CODES4 spreads 16 bytes to 32 codes in y, by the table in Y13.
#define CODES4(off, y, t) \
	VPMOVZXBW off(SI), y \
	VPSLLW    $4, y, t   \
	VPOR      t, y, y    \
	VPAND     Y14, y, y  \
	VPSHUFB   y, Y13, y

// func unpack4AVX2(dst []uint8, packed []byte, signed bool)
//
// The number of codes is a multiple of 8.
TEXT ·unpack4AVX2(SB), NOSPLIT, $0-49
	MOVQ dst_base+0(FP), DI
	MOVQ dst_len+8(FP), CX
	MOVQ packed_base+24(FP), SI
	VPBROADCASTD nibbles<>+0(SB), Y14
	VBROADCASTI128 unsigned4<>(SB), Y13
	CMPB signed+48(FP), $0
	JEQ  2(PC)
	VBROADCASTI128 signed4<>(SB), Y13
	SUBQ $64, CX
	JB   tail

loop:
	CODES4(0, Y0, Y2)
	CODES4(16, Y1, Y3)
	VMOVDQU Y0, 0(DI)
	VMOVDQU Y1, 32(DI)
	ADDQ $32, SI
	ADDQ $64, DI
	SUBQ $64, CX
	JAE  loop

tail:
	ADDQ $64, CX
	JZ   done
	MOVQ nibbles<>+0(SB), BX

tail8:
	MOVL  (SI), AX
	PDEPQ BX, AX, AX
	VMOVQ AX, X0
	VPSHUFB X0, X13, X0
	VMOVQ X0, (DI)
	ADDQ $4, SI
	ADDQ $8, DI
	SUBQ $8, CX
	JNZ  tail8

done:
	VZEROUPPER
	RET

// CODES2 spreads 8 bytes to 32 codes in y, by the table in Y13.
#define CODES2(off, y, t) \
	VPMOVZXBD off(SI), y \
	VPSLLD    $12, y, t  \
	VPOR      t, y, y    \
	VPSLLD    $6, y, t   \
	VPOR      t, y, y    \
	VPAND     Y14, y, y  \
	VPSHUFB   y, Y13, y

// func unpack2AVX2(dst []uint8, packed []byte, signed bool)
//
// The number of codes is a multiple of 8.
TEXT ·unpack2AVX2(SB), NOSPLIT, $0-49
	MOVQ dst_base+0(FP), DI
	MOVQ dst_len+8(FP), CX
	MOVQ packed_base+24(FP), SI
	VPBROADCASTD pairs<>+0(SB), Y14
	VBROADCASTI128 unsigned4<>(SB), Y13
	CMPB signed+48(FP), $0
	JEQ  2(PC)
	VBROADCASTI128 signed2<>(SB), Y13
	SUBQ $64, CX
	JB   tail

loop:
	CODES2(0, Y0, Y2)
	CODES2(8, Y1, Y3)
	VMOVDQU Y0, 0(DI)
	VMOVDQU Y1, 32(DI)
	ADDQ $16, SI
	ADDQ $64, DI
	SUBQ $64, CX
	JAE  loop

tail:
	ADDQ $64, CX
	JZ   done
	MOVQ pairs<>+0(SB), BX

tail8:
	MOVWLZX (SI), AX
	PDEPQ BX, AX, AX
	VMOVQ AX, X0
	VPSHUFB X0, X13, X0
	VMOVQ X0, (DI)
	ADDQ $2, SI
	ADDQ $8, DI
	SUBQ $8, CX
	JNZ  tail8

done:
	VZEROUPPER
	RET

// BFLOAT16 widens 8 of them.
#define BFLOAT16(src, y) \
	VPMOVZXWD src, y   \
	VPSLLD    $16, y, y

// func widenBFloat16AVX2(dst []float32, src []uint16)
//
// There are at least 8 elements; those that are taken twice do no harm.
TEXT ·widenBFloat16AVX2(SB), NOSPLIT, $0-48
	MOVQ dst_base+0(FP), DI
	MOVQ src_base+24(FP), SI
	MOVQ src_len+32(FP), CX
	SUBQ $16, CX
	JB   last

loop:
	BFLOAT16(0(SI), Y0)
	BFLOAT16(16(SI), Y1)
	VMOVDQU Y0, 0(DI)
	VMOVDQU Y1, 32(DI)
	ADDQ $32, SI
	ADDQ $64, DI
	SUBQ $16, CX
	JAE  loop

last: // CX + 16, fewer than 16
	CMPQ CX, $-8
	JLE  last8
	BFLOAT16((SI), Y0)
	VMOVDQU Y0, (DI)

last8:
	BFLOAT16(16(SI)(CX*2), Y0)
	VMOVDQU Y0, 32(DI)(CX*4)
	VZEROUPPER
	RET

// func widenFloat16AVX2(dst []float32, src []uint16)
//
// There are at least 8 elements; those that are taken twice do no harm.
TEXT ·widenFloat16AVX2(SB), NOSPLIT, $0-48
	MOVQ dst_base+0(FP), DI
	MOVQ src_base+24(FP), SI
	MOVQ src_len+32(FP), CX
	SUBQ $16, CX
	JB   last

loop:
	VCVTPH2PS 0(SI), Y0
	VCVTPH2PS 16(SI), Y1
	VMOVUPS Y0, 0(DI)
	VMOVUPS Y1, 32(DI)
	ADDQ $32, SI
	ADDQ $64, DI
	SUBQ $16, CX
	JAE  loop

last:
	CMPQ CX, $-8
	JLE  last8
	VCVTPH2PS (SI), Y0
	VMOVUPS Y0, (DI)

last8:
	VCVTPH2PS 16(SI)(CX*2), Y0
	VMOVUPS Y0, 32(DI)(CX*4)
	VZEROUPPER
	RET
