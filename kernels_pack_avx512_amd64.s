//go:build !purego

// Packing and unpacking codes of 4 and 2 bits with AVX-512. K1 masks the codes of
// the last step, K2 their bytes.

#include "textflag.h"
#include "kernels_avx512_amd64.h"

// PACK4 packs 64 codes of 4 bits in z into the 32 bytes of y: a byte is its first
// code and 16 times its second.
#define PACK4(z, y) \
	VPANDD     BITS, z, z    \
	VPMADDUBSW WEIGHTS, z, z \
	VPMOVWB    z, y

//	for i := range dst {
//		dst[i] = codes[2*i]&0x0f | codes[2*i+1]<<4
//	}
//
// func pack4AVX512(dst []byte, codes []uint8, stream bool)
#define BITS    Z16 // the bits of a code, in bytes
#define WEIGHTS Z17 // 1 and 16, in bytes
TEXT ·pack4AVX512(SB), NOSPLIT, $0-49
	MOVQ dst_base+0(FP), DST
	MOVQ codes_base+24(FP), SRC
	MOVQ codes_len+32(FP), N
	BROADCAST(codeBits4, BITS)
	BROADCAST(weights4, WEIGHTS)
	SUBQ $64, N
	JB   tail
	CMPB  stream+48(FP), $0
	JEQ   loop
	TESTQ $31, DST
	JZ    stream

loop:
	VMOVDQU64 (SRC), Z0
	PACK4(Z0, Y0)
	VMOVDQU   Y0, (DST)
	ADDQ $64, SRC
	ADDQ $32, DST
	SUBQ $64, N
	JAE  loop

tail:
	ADDQ $64, N
	JZ   done
	MASK64(N, K1)
	INCQ N
	SHRQ $1, N
	MASK64(N, K2)
	VMOVDQU8.Z (SRC), K1, Z0
	PACK4(Z0, Y0)
	VMOVDQU8   Y0, K2, (DST)

done:
	VZEROUPPER
	RET

stream:
	VMOVDQU64 (SRC), Z0
	PACK4(Z0, Y0)
	VMOVNTDQ  Y0, (DST)
	ADDQ $64, SRC
	ADDQ $32, DST
	SUBQ $64, N
	JAE  stream
	JMP  tail

// PACK2 packs 64 codes of 2 bits in z into the 16 bytes of x: neighbours to 4
// bits, then neighbours of those to 8.
#define PACK2(z, x) \
	VPANDD     BITS, z, z     \
	VPMADDUBSW WEIGHTS, z, z  \
	VPMADDWD   WEIGHTS2, z, z \
	VPMOVDB    z, x

//	for i := range dst {
//		c := codes[4*i:]
//		dst[i] = c[0]&3 | c[1]&3<<2 | c[2]&3<<4 | c[3]<<6
//	}
//
// func pack2AVX512(dst []byte, codes []uint8)
//
// Named above: BITS, WEIGHTS.
#define WEIGHTS2 Z18 // 1 and 16, in words
TEXT ·pack2AVX512(SB), NOSPLIT, $0-48
	MOVQ dst_base+0(FP), DST
	MOVQ codes_base+24(FP), SRC
	MOVQ codes_len+32(FP), N
	BROADCAST(codeBits2, BITS)
	BROADCAST(weights2, WEIGHTS)
	BROADCAST(weightsWords2, WEIGHTS2)
	SUBQ $64, N
	JB   tail

loop:
	VMOVDQU64 (SRC), Z0
	PACK2(Z0, X0)
	VMOVDQU   X0, (DST)
	ADDQ $64, SRC
	ADDQ $16, DST
	SUBQ $64, N
	JAE  loop

tail:
	ADDQ $64, N
	JZ   done
	MASK64(N, K1)
	ADDQ $3, N
	SHRQ $2, N
	MASK64(N, K2)
	VMOVDQU8.Z (SRC), K1, Z0
	PACK2(Z0, X0)
	VMOVDQU8   X0, K2, (DST)

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

// UNPACK4 spreads the 32 bytes in y to 64 codes in z.
#define UNPACK4(y, z) \
	VPMOVZXBW y, z       \
	VPSLLW    $4, z, Z1  \
	VPORD     Z1, z, z   \
	VPANDD    BITS, z, z \
	VPSHUFB   z, TABLE, z

//	for i := range dst {
//		c := packed[i/2] >> (i % 2 * 4) & 0x0f
//		dst[i] = c // (c^8)-8 if signed
//	}
//
// func unpack4AVX512(dst []uint8, packed []byte, signed bool)
//
// Named above: BITS.
#define TABLE Z17 // the codes of bit patterns
TEXT ·unpack4AVX512(SB), NOSPLIT, $0-49
	MOVQ dst_base+0(FP), DST
	MOVQ dst_len+8(FP), N
	MOVQ packed_base+24(FP), SRC
	BROADCAST(codeBits4, BITS)
	VBROADCASTI32X4 unsigned4<>(SB), TABLE
	CMPB signed+48(FP), $0
	JEQ  2(PC)
	VBROADCASTI32X4 signed4<>(SB), TABLE
	SUBQ $64, N
	JB   tail

loop:
	VMOVDQU   (SRC), Y0
	UNPACK4(Y0, Z0)
	VMOVDQU64 Z0, (DST)
	ADDQ $32, SRC
	ADDQ $64, DST
	SUBQ $64, N
	JAE  loop

tail:
	ADDQ $64, N
	JZ   done
	MASK64(N, K1)
	INCQ N
	SHRQ $1, N
	MASK64(N, K2)
	VMOVDQU8.Z (SRC), K2, Y0
	UNPACK4(Y0, Z0)
	VMOVDQU8   Z0, K1, (DST)

done:
	VZEROUPPER
	RET

// UNPACK2 spreads the 16 bytes in x to 64 codes in z.
#define UNPACK2(x, z) \
	VPMOVZXBD x, z       \
	VPSLLD    $12, z, Z1 \
	VPORD     Z1, z, z   \
	VPSLLD    $6, z, Z1  \
	VPORD     Z1, z, z   \
	VPANDD    BITS, z, z \
	VPSHUFB   z, TABLE, z

//	for i := range dst {
//		c := packed[i/4] >> (i % 4 * 2) & 0x03
//		dst[i] = c // (c^2)-2 if signed
//	}
//
// func unpack2AVX512(dst []uint8, packed []byte, signed bool)
//
// Named above: BITS, TABLE.
TEXT ·unpack2AVX512(SB), NOSPLIT, $0-49
	MOVQ dst_base+0(FP), DST
	MOVQ dst_len+8(FP), N
	MOVQ packed_base+24(FP), SRC
	BROADCAST(codeBits2, BITS)
	VBROADCASTI32X4 unsigned4<>(SB), TABLE
	CMPB signed+48(FP), $0
	JEQ  2(PC)
	VBROADCASTI32X4 signed2<>(SB), TABLE
	SUBQ $64, N
	JB   tail

loop:
	VMOVDQU   (SRC), X0
	UNPACK2(X0, Z0)
	VMOVDQU64 Z0, (DST)
	ADDQ $16, SRC
	ADDQ $64, DST
	SUBQ $64, N
	JAE  loop

tail:
	ADDQ $64, N
	JZ   done
	MASK64(N, K1)
	ADDQ $3, N
	SHRQ $2, N
	MASK64(N, K2)
	VMOVDQU8.Z (SRC), K2, X0
	UNPACK2(X0, Z0)
	VMOVDQU8   Z0, K1, (DST)

done:
	VZEROUPPER
	RET
