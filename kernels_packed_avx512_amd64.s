//go:build !purego

// Quantizing one run to packed codes of 4 and of 2 bits, and dequantizing packed codes of 2
// bits, with AVX-512. No buffer holds codes that are not packed.

#include "textflag.h"
#include "kernels_avx512_amd64.h"

// QUOTIENT_OF sets q to the rounded quotients of the elements x: see SATURATE_TWO_PART.
#define QUOTIENT_OF(x, q) \
	VMINPS      x, UPPER, x     \
	VMULPS      RECIP_LOW, x, q \
	VFMADD231PS RECIP, x, q     \
	VCVTPS2DQ   q, q

// CODES_64 turns the elements in Z0 to Z3 into codes, one in each byte of Z4.
#define CODES_64 \
	QUOTIENT_OF(Z0, Z4)      \
	QUOTIENT_OF(Z1, Z5)      \
	QUOTIENT_OF(Z2, Z6)      \
	QUOTIENT_OF(Z3, Z7)      \
	VPACKSSDW Z5, Z4, Z4     \
	VPACKSSDW Z7, Z6, Z6     \
	VPADDSW   ZERO, Z4, Z4   \
	VPADDSW   ZERO, Z6, Z6   \
	VPACKSSWB Z6, Z4, Z4     \
	VPERMD    Z4, ORDER, Z4  \
	VPADDB    BACK, Z4, Z4   \
	VPANDD    BITS, Z4, Z4

#define LOAD_64 \
	VMOVUPS 0(SRC), Z0   \
	VMOVUPS 64(SRC), Z1  \
	VMOVUPS 128(SRC), Z2 \
	VMOVUPS 192(SRC), Z3

// FETCH_LOAD_64 is LOAD_64, and fetches the elements AHEAD bytes farther.
#define FETCH_LOAD_64 \
	PREFETCHT0 0(SRC)(AHEAD*1)   \
	PREFETCHT0 64(SRC)(AHEAD*1)  \
	PREFETCHT0 128(SRC)(AHEAD*1) \
	PREFETCHT0 192(SRC)(AHEAD*1) \
	LOAD_64

// LOAD_SOME is LOAD_64 for the N elements that the mask K1 tells.
#define LOAD_SOME \
	MASK64(N, K1)               \
	KSHIFTRQ  $16, K1, K2       \
	KSHIFTRQ  $32, K1, K3       \
	KSHIFTRQ  $48, K1, K4       \
	VMOVUPS.Z 0(SRC), K1, Z0    \
	VMOVUPS.Z 64(SRC), K2, Z1   \
	VMOVUPS.Z 128(SRC), K3, Z2  \
	VMOVUPS.Z 192(SRC), K4, Z3

// PAIRS joins codes that are neighbours in Z4, and PAIRS_TWICE neighbours of those, too.
#define PAIRS \
	VPMADDUBSW WEIGHTS, Z4, Z4 \
	VPMOVWB    Z4, Y4

#define PAIRS_TWICE \
	VPMADDUBSW WEIGHTS, Z4, Z4  \
	VPMADDWD   WEIGHTS2, Z4, Z4 \
	VPMOVDB    Z4, X4

//	for j, x := range src {
//		put(dst, j, uint8(code(x, scale, float32(qmin-zero), float32(qmax-zero))+zero)) // bits bits
//	}
//
// func quantizePackedAVX512(dst []byte, src []float32, scale float32, zero, qmin, qmax int32, bits int) bool
//
// bits is 4 or 2. It returns false, and stores nothing, if it does not serve the scale or the zero
// point. The grid is moved as in quantizeInt8RunsAVX512. Elements of long runs are fetched: they may
// not be in a cache. A fetch never faults.
#define AHEAD     R9  // bytes from an element to the one that is fetched
#define RECIP_LOW Z18 // second part of the reciprocal
#define BACK      Z21 // qmin + 128, in bytes
#define BITS      Z22 // the bits of a code, in bytes
#define ORDER     Z23 // packOrderTwice
#define WEIGHTS   Z24 // of two codes, in bytes
#define WEIGHTS2  Z30 // of two pairs, in words
TEXT ·quantizePackedAVX512(SB), NOSPLIT, $0-73
	MOVQ dst_base+0(FP), DST
	MOVQ src_base+24(FP), SRC
	MOVQ src_len+32(FP), N
	MOVL qmin+56(FP), BX
	MOVL qmax+60(FP), R8
	CONSTANTS(BX, R8)
	BROADCAST(zeroFarthestWords, ZERO_FARTHEST)
	VBROADCASTSS scale+48(FP), SCALE
	MOVL zero+52(FP), AX
	VPBROADCASTD AX, ZERO
	PREPARE
	KTESTW K3, K3
	JNE    unserved
	MOVL   scale+48(FP), AX // "Reciprocals in two parts" in kernels.go
	LEAL   6(AX), R8
	ANDL   $511, R8
	CMPL   R8, $12
	JA     twopart
	TESTL  $511, AX
	JNE    unserved

twopart:
	SECOND_PART(RECIP_LOW)
	VMULPS SCALE, Z1, UPPER
	VMOVDQU32 packOrderTwice<>(SB), ORDER
	SUBL $-128, BX
	VPBROADCASTB BX, BACK
	MOVL zero+52(FP), AX
	SUBL BX, AX
	VPBROADCASTW AX, ZERO
	XORL AHEAD, AHEAD
	CMPQ N, $dynamicElements
	JBE  2(PC)
	MOVL $fetchedBytes, AHEAD
	CMPQ bits+64(FP), $2
	JEQ  two
	BROADCAST(codeBits4, BITS)
	BROADCAST(weights4, WEIGHTS)
	SUBQ $64, N
	JB   tail4

loop4:
	FETCH_LOAD_64
	CODES_64
	PAIRS
	VMOVDQU Y4, (DST)
	ADDQ $256, SRC
	ADDQ $32, DST
	SUBQ $64, N
	JAE  loop4

tail4: // N + 64 elements, fewer than 64
	ADDQ $64, N
	JZ   done
	LOAD_SOME
	CODES_64
	VMOVDQU8.Z Z4, K1, Z4 // the bits behind the last code are 0
	PAIRS
	INCQ N
	SHRQ $1, N
	MASK64(N, K1)
	VMOVDQU8 Y4, K1, (DST)
	JMP  done

two:
	BROADCAST(codeBits2, BITS)
	BROADCAST(weights2, WEIGHTS)
	BROADCAST(weightsWords2, WEIGHTS2)
	SUBQ $64, N
	JB   tail2

loop2:
	FETCH_LOAD_64
	CODES_64
	PAIRS_TWICE
	VMOVDQU X4, (DST)
	ADDQ $256, SRC
	ADDQ $16, DST
	SUBQ $64, N
	JAE  loop2

tail2: // N + 64 elements, fewer than 64
	ADDQ $64, N
	JZ   done
	LOAD_SOME
	CODES_64
	VMOVDQU8.Z Z4, K1, Z4
	PAIRS_TWICE
	ADDQ $3, N
	SHRQ $2, N
	MASK(N, K1)
	VMOVDQU8 X4, K1, (DST)

done:
	MOVB $1, ret+72(FP)
	VZEROUPPER
	RET

unserved:
	MOVB $0, ret+72(FP)
	VZEROUPPER
	RET

// codes2 has the codes that 2 bits stand for, four times: unsigned ones, then signed ones.
DATA codes2<>+0(SB)/8, $0x0302010003020100
DATA codes2<>+8(SB)/8, $0x0302010003020100
DATA codes2<>+16(SB)/8, $0xfffe0100fffe0100
DATA codes2<>+24(SB)/8, $0xfffe0100fffe0100
GLOBL codes2<>(SB), RODATA|NOPTR, $32

// places2 has the places of 16 codes in a dword.
DATA places2<>+0(SB)/8, $0x0e0c0a0806040200
DATA places2<>+8(SB)/8, $0x1e1c1a1816141210
GLOBL places2<>(SB), RODATA|NOPTR, $16

// LOOK_UP_2 leaves in z the values of the 16 codes that each dword of z holds. The instruction for
// the table looks at the lowest 2 bits of each dword alone.
#define LOOK_UP_2(z) \
	VPSRLVD   PLACES, z, z \
	VPERMILPS z, TABLE, z

// LOOK_UP_64 stores the values of the 64 codes at SRC.
#define LOOK_UP_64(STORE) \
	VPBROADCASTD 0(SRC), Z0  \
	VPBROADCASTD 4(SRC), Z1  \
	VPBROADCASTD 8(SRC), Z2  \
	VPBROADCASTD 12(SRC), Z3 \
	LOOK_UP_2(Z0)            \
	LOOK_UP_2(Z1)            \
	LOOK_UP_2(Z2)            \
	LOOK_UP_2(Z3)            \
	STORE Z0, 0(DST)         \
	STORE Z1, 64(DST)        \
	STORE Z2, 128(DST)       \
	STORE Z3, 192(DST)       \
	ADDQ  $16, SRC           \
	ADDQ  $256, DST          \
	SUBQ  $64, N

//	for j := range dst {
//		s, z := scale[j/run], zero[j/run]
//		dst[j] = float32(code(packed, j)-z) * s
//	}
//
// func dequantize2RunsAVX512(dst []float32, packed []byte, run int, scale []float32, zero []int32, signed, stream bool)
//
// Each run begins at a byte.
#define STREAM R12 // set to store past the caches, where dst is aligned
#define CODES  Z21 // the 4 codes, four times
#define TABLE  Z22 // their values
#define PLACES Z23 // places2
TEXT ·dequantize2RunsAVX512(SB), NOSPLIT, $0-106
	MOVQ    dst_base+0(FP), DST
	MOVQ    dst_len+8(FP), LEFT
	MOVQ    packed_base+24(FP), SRC
	MOVQ    run+48(FP), RUN
	MOVQ    scale_base+56(FP), SCALES
	MOVQ    zero_base+80(FP), ZEROS
	MOVBQZX stream+105(FP), STREAM
	MOVBQZX signed+104(FP), AX
	SHLQ    $4, AX
	LEAQ    codes2<>(SB), BX
	VPMOVSXBD (BX)(AX*1), CODES
	VPMOVZXBD places2<>(SB), PLACES

nextrun:
	TESTQ   LEFT, LEFT
	JZ      end
	MOVQ    RUN, N
	CMPQ    LEFT, N
	CMOVQLT LEFT, N
	SUBQ    N, LEFT
	VPBROADCASTD (ZEROS), ZERO
	VPSUBD       ZERO, CODES, TABLE
	VCVTDQ2PS    TABLE, TABLE
	VMULPS.BCST  (SCALES), TABLE, TABLE
	ADDQ $4, SCALES
	ADDQ $4, ZEROS
	SUBQ $64, N
	JB   rest
	TESTQ STREAM, STREAM
	JZ    loop
	TESTQ $63, DST
	JZ    stream

loop:
	LOOK_UP_64(VMOVUPS)
	JAE loop

rest: // N + 64 elements, fewer than 64
	ADDQ $48, N
	JL   tail

loop16:
	VPBROADCASTD (SRC), Z0
	LOOK_UP_2(Z0)
	VMOVUPS Z0, (DST)
	ADDQ $4, SRC
	ADDQ $64, DST
	SUBQ $16, N
	JGE  loop16

tail: // N + 16 elements, fewer than 16
	ADDQ $16, N
	JZ   nextrun
	MASK(N, K1)
	LEAQ 3(N), BX
	SHRQ $2, BX
	MASK(BX, K2)
	VMOVDQU8.Z   (SRC), K2, X0
	VPBROADCASTD X0, Z0
	LOOK_UP_2(Z0)
	VMOVUPS Z0, K1, (DST)
	ADDQ BX, SRC
	LEAQ (DST)(N*4), DST
	JMP  nextrun

stream:
	LOOK_UP_64(VMOVNTPS)
	JAE stream
	JMP rest

end:
	VZEROUPPER
	RET
