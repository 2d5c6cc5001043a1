//go:build !purego

#include "textflag.h"
#include "kernels_avx512_amd64.h"

// MASK64 sets k to the lowest n bits, n being a register below 64.
#define MASK64(n, k) \
	MOVQ  $-1, AX   \
	BZHIQ n, AX, AX \
	KMOVQ AX, k

// NIBBLES packs 64 codes of 4 bits in z into the 32 bytes of y: a byte is its
// first code and 16 times its second.
#define NIBBLES(z, y) \
	VPANDD     Z16, z, z \
	VPMADDUBSW Z17, z, z \
	VPMOVWB    z, y

// func pack4AVX512(dst []byte, codes []uint8, stream bool)
TEXT ·pack4AVX512(SB), NOSPLIT, $0-49
	MOVQ dst_base+0(FP), DI
	MOVQ codes_base+24(FP), SI
	MOVQ codes_len+32(FP), CX
	BROADCAST(0x0f0f0f0f, Z16)
	BROADCAST(0x10011001, Z17)
	SUBQ $64, CX
	JB   tail
	CMPB  stream+48(FP), $0
	JEQ   loop
	TESTQ $31, DI
	JZ    past

loop:
	VMOVDQU64 (SI), Z0
	NIBBLES(Z0, Y0)
	VMOVDQU   Y0, (DI)
	ADDQ $64, SI
	ADDQ $32, DI
	SUBQ $64, CX
	JAE  loop

tail:
	ADDQ $64, CX
	JZ   done
	MASK64(CX, K1)
	INCQ CX
	SHRQ $1, CX
	MASK64(CX, K2)
	VMOVDQU8.Z (SI), K1, Z0
	NIBBLES(Z0, Y0)
	VMOVDQU8   Y0, K2, (DI)

done:
	VZEROUPPER
	RET

past:
	VMOVDQU64 (SI), Z0
	NIBBLES(Z0, Y0)
	VMOVNTDQ  Y0, (DI)
	ADDQ $64, SI
	ADDQ $32, DI
	SUBQ $64, CX
	JAE  past
	JMP  tail

// PAIRS packs 64 codes of 2 bits in z into the 16 bytes of x: neighbours to 4
// bits, then neighbours of those to 8.
#define PAIRS(z, x) \
	VPANDD     Z16, z, z \
	VPMADDUBSW Z17, z, z \
	VPMADDWD   Z18, z, z \
	VPMOVDB    z, x

// func pack2AVX512(dst []byte, codes []uint8)
TEXT ·pack2AVX512(SB), NOSPLIT, $0-48
	MOVQ dst_base+0(FP), DI
	MOVQ codes_base+24(FP), SI
	MOVQ codes_len+32(FP), CX
	BROADCAST(0x03030303, Z16)
	BROADCAST(0x04010401, Z17)
	BROADCAST(0x00100001, Z18)
	SUBQ $64, CX
	JB   tail

loop:
	VMOVDQU64 (SI), Z0
	PAIRS(Z0, X0)
	VMOVDQU   X0, (DI)
	ADDQ $64, SI
	ADDQ $16, DI
	SUBQ $64, CX
	JAE  loop

tail:
	ADDQ $64, CX
	JZ   done
	MASK64(CX, K1)
	ADDQ $3, CX
	SHRQ $2, CX
	MASK64(CX, K2)
	VMOVDQU8.Z (SI), K1, Z0
	PAIRS(Z0, X0)
	VMOVDQU8   X0, K2, (DI)

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

// CODES4 spreads 32 bytes in y to 64 codes in z, by the table in Z17.
#define CODES4(y, z) \
	VPMOVZXBW y, z       \
	VPSLLW    $4, z, Z1  \
	VPORD     Z1, z, z   \
	VPANDD    Z16, z, z  \
	VPSHUFB   z, Z17, z

// func unpack4AVX512(dst []uint8, packed []byte, signed bool)
TEXT ·unpack4AVX512(SB), NOSPLIT, $0-49
	MOVQ dst_base+0(FP), DI
	MOVQ dst_len+8(FP), CX
	MOVQ packed_base+24(FP), SI
	BROADCAST(0x0f0f0f0f, Z16)
	VBROADCASTI32X4 unsigned4<>(SB), Z17
	CMPB signed+48(FP), $0
	JEQ  2(PC)
	VBROADCASTI32X4 signed4<>(SB), Z17
	SUBQ $64, CX
	JB   tail

loop:
	VMOVDQU   (SI), Y0
	CODES4(Y0, Z0)
	VMOVDQU64 Z0, (DI)
	ADDQ $32, SI
	ADDQ $64, DI
	SUBQ $64, CX
	JAE  loop

tail:
	ADDQ $64, CX
	JZ   done
	MASK64(CX, K1)
	INCQ CX
	SHRQ $1, CX
	MASK64(CX, K2)
	VMOVDQU8.Z (SI), K2, Y0
	CODES4(Y0, Z0)
	VMOVDQU8   Z0, K1, (DI)

done:
	VZEROUPPER
	RET

// CODES2 spreads 16 bytes in x to 64 codes in z, by the table in Z17.
#define CODES2(x, z) \
	VPMOVZXBD x, z        \
	VPSLLD    $12, z, Z1  \
	VPORD     Z1, z, z    \
	VPSLLD    $6, z, Z1   \
	VPORD     Z1, z, z    \
	VPANDD    Z16, z, z   \
	VPSHUFB   z, Z17, z

// func unpack2AVX512(dst []uint8, packed []byte, signed bool)
TEXT ·unpack2AVX512(SB), NOSPLIT, $0-49
	MOVQ dst_base+0(FP), DI
	MOVQ dst_len+8(FP), CX
	MOVQ packed_base+24(FP), SI
	BROADCAST(0x03030303, Z16)
	VBROADCASTI32X4 unsigned4<>(SB), Z17
	CMPB signed+48(FP), $0
	JEQ  2(PC)
	VBROADCASTI32X4 signed2<>(SB), Z17
	SUBQ $64, CX
	JB   tail

loop:
	VMOVDQU   (SI), X0
	CODES2(X0, Z0)
	VMOVDQU64 Z0, (DI)
	ADDQ $16, SI
	ADDQ $64, DI
	SUBQ $64, CX
	JAE  loop

tail:
	ADDQ $64, CX
	JZ   done
	MASK64(CX, K1)
	ADDQ $3, CX
	SHRQ $2, CX
	MASK64(CX, K2)
	VMOVDQU8.Z (SI), K2, X0
	CODES2(X0, Z0)
	VMOVDQU8   Z0, K1, (DI)

done:
	VZEROUPPER
	RET

// func widenBFloat16AVX512(dst []float32, src []uint16)
TEXT ·widenBFloat16AVX512(SB), NOSPLIT, $0-48
	MOVQ dst_base+0(FP), DI
	MOVQ src_base+24(FP), SI
	MOVQ src_len+32(FP), CX
	SUBQ $16, CX
	JB   tail

loop:
	VPMOVZXWD (SI), Z0
	VPSLLD    $16, Z0, Z0
	VMOVDQU32 Z0, (DI)
	ADDQ $32, SI
	ADDQ $64, DI
	SUBQ $16, CX
	JAE  loop

tail:
	ADDQ $16, CX
	MASK(CX, K1)
	VMOVDQU16.Z (SI), K1, Y0
	VPMOVZXWD   Y0, Z0
	VPSLLD      $16, Z0, Z0
	VMOVDQU32   Z0, K1, (DI)
	VZEROUPPER
	RET

// func widenFloat16AVX512(dst []float32, src []uint16)
TEXT ·widenFloat16AVX512(SB), NOSPLIT, $0-48
	MOVQ dst_base+0(FP), DI
	MOVQ src_base+24(FP), SI
	MOVQ src_len+32(FP), CX
	SUBQ $16, CX
	JB   tail

loop:
	VCVTPH2PS (SI), Z0
	VMOVUPS   Z0, (DI)
	ADDQ $32, SI
	ADDQ $64, DI
	SUBQ $16, CX
	JAE  loop

tail:
	ADDQ $16, CX
	MASK(CX, K1)
	VMOVDQU16.Z (SI), K1, Y0
	VCVTPH2PS   Y0, Z0
	VMOVUPS     Z0, K1, (DI)
	VZEROUPPER
	RET
