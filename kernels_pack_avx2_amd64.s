//go:build !purego

// Packing and unpacking codes of 4 and 2 bits with AVX2. The numbers of codes
// are multiples of 8. Codes are taken 8 at a time where no whole vector is left.

#include "textflag.h"
#include "kernels_avx2_amd64.h"

// bits4 and bits2 hold the bits of codes in bytes, and the weights of neighbours.
DATA bits4<>+0(SB)/8, $(codeBits4<<32 | codeBits4)
DATA bits4<>+8(SB)/4, $weights4
GLOBL bits4<>(SB), RODATA|NOPTR, $12

DATA bits2<>+0(SB)/8, $(codeBits2<<32 | codeBits2)
DATA bits2<>+8(SB)/4, $weights2
DATA bits2<>+12(SB)/4, $weightsWords2
GLOBL bits2<>(SB), RODATA|NOPTR, $16

// PACK4 packs 64 codes of 4 bits into the 32 bytes of Y0: a byte is its first
// code and 16 times its second.
#define PACK4 \
	VPAND      0(SRC), BITS, Y0  \
	VPAND      32(SRC), BITS, Y1 \
	VPMADDUBSW WEIGHTS, Y0, Y0   \
	VPMADDUBSW WEIGHTS, Y1, Y1   \
	VPACKUSWB  Y1, Y0, Y0        \
	VPERMQ     $0xd8, Y0, Y0

//	for i := range dst {
//		dst[i] = codes[2*i]&0x0f | codes[2*i+1]<<4
//	}
//
// func pack4AVX2(dst []byte, codes []uint8, stream bool)
#define BITS    Y14 // the bits of a code, in bytes
#define WEIGHTS Y13 // 1 and 16, in bytes
#define BITS8   BX  // the bits of 8 codes
TEXT ·pack4AVX2(SB), NOSPLIT, $0-49
	MOVQ dst_base+0(FP), DST
	MOVQ codes_base+24(FP), SRC
	MOVQ codes_len+32(FP), N
	VPBROADCASTD bits4<>+0(SB), BITS
	VPBROADCASTD bits4<>+8(SB), WEIGHTS
	SUBQ $64, N
	JB   tail
	CMPB  stream+48(FP), $0
	JEQ   loop
	TESTQ $31, DST
	JZ    stream

loop:
	PACK4
	VMOVDQU Y0, (DST)
	ADDQ $64, SRC
	ADDQ $32, DST
	SUBQ $64, N
	JAE  loop

tail:
	ADDQ $64, N
	JZ   done
	MOVQ bits4<>+0(SB), BITS8

tail8:
	MOVQ  (SRC), AX
	PEXTQ BITS8, AX, AX
	MOVL  AX, (DST)
	ADDQ $8, SRC
	ADDQ $4, DST
	SUBQ $8, N
	JNZ  tail8

done:
	VZEROUPPER
	RET

stream:
	PACK4
	VMOVNTDQ Y0, (DST)
	ADDQ $64, SRC
	ADDQ $32, DST
	SUBQ $64, N
	JAE  stream
	JMP  tail

// PACK2 packs neighbours to 4 bits, then neighbours of those to 8, in dwords.
#define PACK2(off, y) \
	VPAND      off(SRC), BITS, y \
	VPMADDUBSW WEIGHTS, y, y     \
	VPMADDWD   WEIGHTS2, y, y

//	for i := range dst {
//		c := codes[4*i:]
//		dst[i] = c[0]&3 | c[1]&3<<2 | c[2]&3<<4 | c[3]<<6
//	}
//
// func pack2AVX2(dst []byte, codes []uint8)
//
// Named above: BITS, WEIGHTS, BITS8.
#define WEIGHTS2 Y12 // 1 and 16, in words
#define ORDER    Y11 // packOrderTwice
TEXT ·pack2AVX2(SB), NOSPLIT, $0-48
	MOVQ dst_base+0(FP), DST
	MOVQ codes_base+24(FP), SRC
	MOVQ codes_len+32(FP), N
	VPBROADCASTD bits2<>+0(SB), BITS
	VPBROADCASTD bits2<>+8(SB), WEIGHTS
	VPBROADCASTD bits2<>+12(SB), WEIGHTS2
	VMOVDQU packOrderTwice<>(SB), ORDER
	SUBQ $128, N
	JB   tail

loop: // 128 codes
	PACK2(0, Y0)
	PACK2(32, Y1)
	PACK2(64, Y2)
	PACK2(96, Y3)
	VPACKSSDW Y1, Y0, Y0
	VPACKSSDW Y3, Y2, Y2
	VPACKUSWB Y2, Y0, Y0
	VPERMD    Y0, ORDER, Y0
	VMOVDQU   Y0, (DST)
	ADDQ $128, SRC
	ADDQ $32, DST
	SUBQ $128, N
	JAE  loop

tail:
	ADDQ $128, N
	JZ   done
	MOVQ bits2<>+0(SB), BITS8

tail8:
	MOVQ  (SRC), AX
	PEXTQ BITS8, AX, AX
	MOVW  AX, (DST)
	ADDQ $8, SRC
	ADDQ $2, DST
	SUBQ $8, N
	JNZ  tail8

done:
	VZEROUPPER
	RET

// The codes that bit patterns stand for, by their lowest 4 bits.
DATA signed4<>+0(SB)/8, $0x0706050403020100
DATA signed4<>+8(SB)/8, $0xfffefdfcfbfaf9f8
GLOBL signed4<>(SB), RODATA|NOPTR, $16
DATA unsigned4<>+0(SB)/8, $0x0706050403020100
DATA unsigned4<>+8(SB)/8, $0x0f0e0d0c0b0a0908
GLOBL unsigned4<>(SB), RODATA|NOPTR, $16
DATA signed2<>+0(SB)/8, $0xfffe0100fffe0100
DATA signed2<>+8(SB)/8, $0xfffe0100fffe0100
GLOBL signed2<>(SB), RODATA|NOPTR, $16

// UNPACK4 spreads 16 bytes to 32 codes in y.
#define UNPACK4(off, y, t) \
	VPMOVZXBW off(SRC), y \
	VPSLLW    $4, y, t    \
	VPOR      t, y, y     \
	VPAND     BITS, y, y  \
	VPSHUFB   y, TABLE, y

//	for i := range dst {
//		c := packed[i/2] >> (i % 2 * 4) & 0x0f
//		dst[i] = c // (c^8)-8 if signed
//	}
//
// func unpack4AVX2(dst []uint8, packed []byte, signed bool)
//
// Named above: BITS, BITS8.
#define TABLE   Y13 // the codes of bit patterns
#define TABLE_X X13 // its lower half
TEXT ·unpack4AVX2(SB), NOSPLIT, $0-49
	MOVQ dst_base+0(FP), DST
	MOVQ dst_len+8(FP), N
	MOVQ packed_base+24(FP), SRC
	VPBROADCASTD bits4<>+0(SB), BITS
	VBROADCASTI128 unsigned4<>(SB), TABLE
	CMPB signed+48(FP), $0
	JEQ  2(PC)
	VBROADCASTI128 signed4<>(SB), TABLE
	SUBQ $64, N
	JB   tail

loop:
	UNPACK4(0, Y0, Y2)
	UNPACK4(16, Y1, Y3)
	VMOVDQU Y0, 0(DST)
	VMOVDQU Y1, 32(DST)
	ADDQ $32, SRC
	ADDQ $64, DST
	SUBQ $64, N
	JAE  loop

tail:
	ADDQ $64, N
	JZ   done
	MOVQ bits4<>+0(SB), BITS8

tail8:
	MOVL  (SRC), AX
	PDEPQ BITS8, AX, AX
	VMOVQ AX, X0
	VPSHUFB X0, TABLE_X, X0
	VMOVQ X0, (DST)
	ADDQ $4, SRC
	ADDQ $8, DST
	SUBQ $8, N
	JNZ  tail8

done:
	VZEROUPPER
	RET

// UNPACK2 spreads 8 bytes to 32 codes in y.
#define UNPACK2(off, y, t) \
	VPMOVZXBD off(SRC), y \
	VPSLLD    $12, y, t   \
	VPOR      t, y, y     \
	VPSLLD    $6, y, t    \
	VPOR      t, y, y     \
	VPAND     BITS, y, y  \
	VPSHUFB   y, TABLE, y

//	for i := range dst {
//		c := packed[i/4] >> (i % 4 * 2) & 0x03
//		dst[i] = c // (c^2)-2 if signed
//	}
//
// func unpack2AVX2(dst []uint8, packed []byte, signed bool)
//
// Named above: BITS, TABLE, BITS8.
TEXT ·unpack2AVX2(SB), NOSPLIT, $0-49
	MOVQ dst_base+0(FP), DST
	MOVQ dst_len+8(FP), N
	MOVQ packed_base+24(FP), SRC
	VPBROADCASTD bits2<>+0(SB), BITS
	VBROADCASTI128 unsigned4<>(SB), TABLE
	CMPB signed+48(FP), $0
	JEQ  2(PC)
	VBROADCASTI128 signed2<>(SB), TABLE
	SUBQ $64, N
	JB   tail

loop:
	UNPACK2(0, Y0, Y2)
	UNPACK2(8, Y1, Y3)
	VMOVDQU Y0, 0(DST)
	VMOVDQU Y1, 32(DST)
	ADDQ $16, SRC
	ADDQ $64, DST
	SUBQ $64, N
	JAE  loop

tail:
	ADDQ $64, N
	JZ   done
	MOVQ bits2<>+0(SB), BITS8

tail8:
	MOVWLZX (SRC), AX
	PDEPQ BITS8, AX, AX
	VMOVQ AX, X0
	VPSHUFB X0, TABLE_X, X0
	VMOVQ X0, (DST)
	ADDQ $2, SRC
	ADDQ $8, DST
	SUBQ $8, N
	JNZ  tail8

done:
	VZEROUPPER
	RET
