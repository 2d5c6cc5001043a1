//go:build !purego

// Dequantizing packed codes of 4 bits with AVX-512: a run has 16 values at most, and a table
// of these is made of its parameters.

#include "textflag.h"
#include "kernels_avx512_amd64.h"

// codes4 is the codes that 4 bits stand for: unsigned ones, then signed ones.
DATA codes4<>+0(SB)/8, $0x0706050403020100
DATA codes4<>+8(SB)/8, $0x0f0e0d0c0b0a0908
DATA codes4<>+16(SB)/8, $0x0706050403020100
DATA codes4<>+24(SB)/8, $0xfffefdfcfbfaf9f8
GLOBL codes4<>(SB), RODATA|NOPTR, $32

// LOOK_UP leaves in z the values of the 16 codes in the lowest bytes of the qwords of z,
// two in each byte. The instruction for the table looks at the lowest 4 bits of each dword alone.
#define LOOK_UP(z, t) \
	VPSLLQ  $28, z, t   \
	VPORD   t, z, z     \
	VPERMPS TABLE, z, z

// LOOK_UP_4 stores the values of the 64 codes at SRC.
#define LOOK_UP_4(STORE) \
	VPMOVZXBQ 0(SRC), Z0  \
	VPMOVZXBQ 8(SRC), Z1  \
	VPMOVZXBQ 16(SRC), Z2 \
	VPMOVZXBQ 24(SRC), Z3 \
	LOOK_UP(Z0, Z4)       \
	LOOK_UP(Z1, Z5)       \
	LOOK_UP(Z2, Z6)       \
	LOOK_UP(Z3, Z7)       \
	STORE Z0, 0(DST)      \
	STORE Z1, 64(DST)     \
	STORE Z2, 128(DST)    \
	STORE Z3, 192(DST)    \
	ADDQ  $32, SRC        \
	ADDQ  $256, DST       \
	SUBQ  $64, N

//	for j := range dst {
//		s, z := scale[j/run], zero[j/run]
//		dst[j] = float32(code(packed, j)-z) * s
//	}
//
// func dequantize4RunsAVX512(dst []float32, packed []byte, run int, scale []float32, zero []int32, signed, stream bool)
//
// Each run begins at a byte.
#define STREAM R12 // set to store past the caches, where dst is aligned
#define CODES  Z21 // the 16 codes
#define TABLE  Z22 // their values
TEXT ·dequantize4RunsAVX512(SB), NOSPLIT, $0-106
	MOVQ    dst_base+0(FP), DST
	MOVQ    dst_len+8(FP), LEFT
	MOVQ    packed_base+24(FP), SRC
	MOVQ    run+48(FP), RUN
	MOVQ    scale_base+56(FP), SCALES
	MOVQ    zero_base+80(FP), ZEROS
	MOVBQZX stream+105(FP), STREAM
	MOVBQZX signed+104(FP), AX
	SHLQ    $4, AX
	LEAQ    codes4<>(SB), BX
	VPMOVSXBD (BX)(AX*1), CODES

nextrun:
	TESTQ   LEFT, LEFT
	JZ      done
	MOVQ    RUN, N
	CMPQ    LEFT, N
	CMOVQLT LEFT, N
	SUBQ    N, LEFT
	VPBROADCASTD (ZEROS), ZERO
	VBROADCASTSS (SCALES), SCALE
	VPSUBD    ZERO, CODES, TABLE
	VCVTDQ2PS TABLE, TABLE
	VMULPS    SCALE, TABLE, TABLE
	ADDQ $4, SCALES
	ADDQ $4, ZEROS
	SUBQ $64, N
	JB   rest
	TESTQ STREAM, STREAM
	JZ    loop
	TESTQ $63, DST
	JZ    stream

loop:
	LOOK_UP_4(VMOVUPS)
	JAE loop

rest: // N + 64 elements, fewer than 64
	ADDQ $48, N
	JL   tail

loop16:
	VPMOVZXBQ (SRC), Z0
	LOOK_UP(Z0, Z4)
	VMOVUPS Z0, (DST)
	ADDQ $8, SRC
	ADDQ $64, DST
	SUBQ $16, N
	JGE  loop16

tail: // N + 16 elements, fewer than 16
	ADDQ $16, N
	JZ   nextrun
	MASK(N, K1)
	LEAQ 1(N), BX
	SHRQ $1, BX
	MASK(BX, K2)
	VMOVDQU8.Z (SRC), K2, X0
	VPMOVZXBQ  X0, Z0
	LOOK_UP(Z0, Z4)
	VMOVUPS Z0, K1, (DST)
	ADDQ BX, SRC
	LEAQ (DST)(N*4), DST
	JMP  nextrun

stream:
	LOOK_UP_4(VMOVNTPS)
	JAE stream
	JMP rest

done:
	VZEROUPPER
	RET
