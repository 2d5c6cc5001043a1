//go:build !purego

// Codes of groups of 16, 32, 64 and 128 elements with AVX-512, sixteen at a time.

#include "textflag.h"
#include "kernels_avx512_amd64.h"

// PREPARE_GROUPS prepares the next 16 groups and stores their parameters at AHEAD:
// reciprocals at 0, their second parts at 64, upper bounds of elements at 128, and zero points
// less OFFSET at 192, in both words of a dword. K3 tells the groups that SATURATE_GROUP does
// not serve: see "Reciprocals in two parts" in kernels.go.
//
// It works on the groups after those whose codes are made next. A core then has other
// work while it divides, and the parameters are in the cache when they are read.
#define PREPARE_GROUPS \
	BROADCAST(12, NEAR_TWICE)              \
	BROADCAST(lowBits15, LOW_BITS)         \
	VMOVUPS        (SCALES), SCALE         \
	VMOVDQU32      (ZEROS), ZERO           \
	PREPARE                                \
	CHECK_TWO_PARTS(NEAR, NEAR_TWICE, LOW_BITS) \
	VMULPS         SCALE, Z1, Z1           \
	SECOND_PART(Z2)                        \
	VPSUBD         OFFSET, ZERO, Z3        \
	VPSLLD         $16, Z3, Z3             \
	VPSRLD         $16, Z3, Z4             \
	VPORD          Z4, Z3, Z3              \
	VMOVUPS        RECIP, 0(AHEAD)         \
	VMOVUPS        Z2, 64(AHEAD)           \
	VMOVUPS        Z1, 128(AHEAD)          \
	VMOVDQU32      Z3, 192(AHEAD)          \
	KMOVW          K3, UNSERVED            \
	ADDQ           $64, SCALES             \
	ADDQ           $64, ZEROS

// GROUP_PARAMS loads the parameters of the group INDEX + i.
#define GROUP_PARAMS(i, y, low, hi, zero) \
	VBROADCASTSS (4*i+0)(PARAMS)(INDEX*4), y   \
	VBROADCASTSS (4*i+64)(PARAMS)(INDEX*4), low \
	VBROADCASTSS (4*i+128)(PARAMS)(INDEX*4), hi \
	VPBROADCASTD (4*i+192)(PARAMS)(INDEX*4), zero

// SATURATE_GROUP sets q to the rounded quotients of the 16 elements off bytes from SRC on. It
// uses x.
#define SATURATE_GROUP(off, y, low, hi, x, q) \
	VMINPS      off(SRC), hi, x \
	VMULPS      low, x, q       \
	VFMADD231PS y, x, q         \
	VCVTPS2DQ   q, q

// BYTES_OF_N leaves the codes of 64 elements of groups of N in Z4, and goes on to the next
// groups. Groups of more than 64 elements are taken in several steps.
#define BYTES_OF_64 \
	SATURATE_GROUP(0, Z8, Z9, Z10, Z0, Z4)   \
	SATURATE_GROUP(64, Z8, Z9, Z10, Z1, Z5)  \
	SATURATE_GROUP(128, Z8, Z9, Z10, Z2, Z6) \
	SATURATE_GROUP(192, Z8, Z9, Z10, Z3, Z7) \
	VPACKSSDW Z5, Z4, Z4                     \
	VPACKSSDW Z7, Z6, Z6                     \
	VPADDSW   Z11, Z4, Z4                    \
	VPADDSW   Z11, Z6, Z6                    \
	BOUND_BYTES

#define BYTES_OF_32 \
	GROUP_PARAMS(0, Z8, Z9, Z10, Z11)          \
	GROUP_PARAMS(1, Z12, Z13, Z14, Z15)        \
	SATURATE_GROUP(0, Z8, Z9, Z10, Z0, Z4)     \
	SATURATE_GROUP(64, Z8, Z9, Z10, Z1, Z5)    \
	SATURATE_GROUP(128, Z12, Z13, Z14, Z2, Z6) \
	SATURATE_GROUP(192, Z12, Z13, Z14, Z3, Z7) \
	VPACKSSDW Z5, Z4, Z4                       \
	VPACKSSDW Z7, Z6, Z6                       \
	VPADDSW   Z11, Z4, Z4                      \
	VPADDSW   Z15, Z6, Z6                      \
	BOUND_BYTES

// A pack of two vectors leaves two dwords of the first and two of the second in turn, so that
// the zero points of two groups take turns, too: K5 masks those of the second.
#define BYTES_OF_16 \
	GROUP_PARAMS(0, Z8, Z9, Z10, Z11)          \
	GROUP_PARAMS(1, Z12, Z13, Z14, Z15)        \
	SATURATE_GROUP(0, Z8, Z9, Z10, Z0, Z4)     \
	SATURATE_GROUP(64, Z12, Z13, Z14, Z1, Z5)  \
	VMOVDQA32 Z15, K5, Z11                     \
	VPACKSSDW Z5, Z4, Z4                       \
	VPADDSW   Z11, Z4, Z4                      \
	GROUP_PARAMS(2, Z8, Z9, Z10, Z11)          \
	GROUP_PARAMS(3, Z12, Z13, Z14, Z15)        \
	SATURATE_GROUP(128, Z8, Z9, Z10, Z2, Z6)   \
	SATURATE_GROUP(192, Z12, Z13, Z14, Z3, Z7) \
	VMOVDQA32 Z15, K5, Z11                     \
	VPACKSSDW Z7, Z6, Z6                       \
	VPADDSW   Z11, Z6, Z6                      \
	BOUND_BYTES

// BOUND_BYTES narrows the words in Z4 and Z6 to bytes of the grid in Z4, in order.
#define BOUND_BYTES \
	VPACKSSWB Z6, Z4, Z4        \
	VPERMD    Z4, ORDER, Z4     \
	VPMAXSB   BYTES_MIN, Z4, Z4 \
	VPMINSB   BYTES_MAX, Z4, Z4

// FETCH_NEXT fetches the elements that a dynamic call calibrates and quantizes next, which are
// 4096 elements ahead: they are read from memory while codes are made. A fetch never faults.
#define FETCH_NEXT \
	PREFETCHT0 16384(SRC) \
	PREFETCHT0 16448(SRC) \
	PREFETCHT0 16512(SRC) \
	PREFETCHT0 16576(SRC)

// STORE_8 and STORE_4 store the 64 codes in Z4, as bytes or packed.
#define STORE_8 \
	FETCH_NEXT          \
	VPXORD FLIP, Z4, Z4 \
	VMOVDQU64 Z4, (DST)  \
	ADDQ   $64, DST     \
	ADDQ   $256, SRC

#define STORE_4 \
	FETCH_NEXT                 \
	VPANDD     BITS, Z4, Z4    \
	VPMADDUBSW WEIGHTS, Z4, Z4 \
	VPMOVWB    Z4, Y4          \
	VMOVDQU    Y4, (DST)       \
	ADDQ       $32, DST        \
	ADDQ       $256, SRC

// GROUPS_N does 16 groups of N elements, STORE_BITS being STORE_8 or STORE_4.
#define GROUPS_16(STORE_BITS, loop) \
loop:                     \
	BYTES_OF_16       \
	STORE_BITS \
	ADDQ $4, INDEX    \
	CMPQ INDEX, $16   \
	JNE  loop         \
	JMP  next

#define GROUPS_32(STORE_BITS, loop) \
loop:                     \
	BYTES_OF_32       \
	STORE_BITS \
	ADDQ $2, INDEX    \
	CMPQ INDEX, $16   \
	JNE  loop         \
	JMP  next

#define GROUPS_64(STORE_BITS, loop, again) \
loop:                                     \
	GROUP_PARAMS(0, Z8, Z9, Z10, Z11) \
	MOVQ RUN, N                       \
again:                                    \
	BYTES_OF_64                       \
	STORE_BITS                 \
	SUBQ $64, N                       \
	JNZ  again                        \
	INCQ INDEX                        \
	CMPQ INDEX, $16                   \
	JNE  loop                         \
	JMP  next

//	for j, x := range src {
//		s, z := scale[j/run], zero[j/run]
//		dst[j] = uint8(code(x, s, float32(qmin-z), float32(qmax-z)) + z)
//	}
//
// func quantizeGroups8AVX512(dst []uint8, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) int
//
// Runs are complete and of 16, 32, 64 or 128 elements; their number is a multiple of 16. It
// returns how many it did: all, or a multiple of 16 if it does not serve one of the next
// 16. Codes are bounded as bytes in BYTES_MIN and BYTES_MAX. Those of a grid that reaches
// above 127 are first taken 128 down, by OFFSET, and then flipped back.
#define PARAMS     BX  // parameters of 16 groups
#define AHEAD      DX  // where those of the next 16 go
#define UNSERVED   R15 // not 0 if the kernel does not serve one of these
#define INDEX      R12 // which of the 16 groups
#define DONE       R13 // groups done
#define BYTES_MIN  Z18 // qmin less OFFSET, in bytes
#define BYTES_MAX  Z19 // qmax less OFFSET, in bytes
#define FLIP       Z21 // sign bits of bytes if OFFSET is not 0
#define OFFSET     Z22 // 128 or 0, in dwords
#define ORDER      Z23 // packOrderTwice
#define NEAR       Z24 // 6
#define NEAR_TWICE Z15 // 12, while parameters are prepared
#define LOW_BITS   Z14 // mask of the lowest 15 bits, while parameters are prepared
TEXT ·quantizeGroups8AVX512(SB), NOSPLIT, $512-120
	MOVQ    dst_base+0(FP), DST
	MOVQ    src_base+24(FP), SRC
	MOVQ    run+48(FP), RUN
	MOVQ    scale_base+56(FP), SCALES
	MOVQ    scale_len+64(FP), PARAMS_LEFT
	MOVQ    zero_base+80(FP), ZEROS
	MOVL    qmin+104(FP), BX
	MOVL    qmax+108(FP), CX
	CONSTANTS(BX, CX)
	BROADCAST(zeroFarthestGroups, ZERO_FARTHEST)
	BROADCAST(6, NEAR)
	VMOVDQU32 packOrderTwice<>(SB), ORDER
	MOVL   $0xcccc, AX
	KMOVD  AX, K5
	VPXORD FLIP, FLIP, FLIP
	VPXORD OFFSET, OFFSET, OFFSET
	CMPL   CX, $127
	JLE    signed
	BROADCAST(signBytes, FLIP)
	BROADCAST(signCode8, OFFSET)
	SUBL   $128, BX
	SUBL   $128, CX

signed:
	VPBROADCASTB BX, BYTES_MIN
	VPBROADCASTB CX, BYTES_MAX
	LEAQ 0(SP), AHEAD
	LEAQ 256(SP), PARAMS
	XORL DONE, DONE
	PREPARE_GROUPS

groups: // of which 16 are prepared at AHEAD
	TESTL UNSERVED, UNSERVED
	JNE   done
	XCHGQ PARAMS, AHEAD
	SUBQ  $16, PARAMS_LEFT
	JZ    codes
	PREPARE_GROUPS

codes:
	XORL INDEX, INDEX
	CMPQ RUN, $32
	JE   groups32
	JB   groups16
	GROUPS_64(STORE_8, loop64, again64)

groups32:
	GROUPS_32(STORE_8, loop32)

groups16:
	GROUPS_16(STORE_8, loop16)

next:
	ADDQ  $16, DONE
	TESTQ PARAMS_LEFT, PARAMS_LEFT
	JNZ   groups

done:
	MOVQ DONE, ret+112(FP)
	VZEROUPPER
	RET

//	for j, x := range src {
//		s, z := scale[j/run], zero[j/run]
//		c := byte(code(x, s, float32(qmin-z), float32(qmax-z))+z) & 15
//		dst[j/2] |= c << (4 * (j % 2)) // dst is 0 before
//	}
//
// func quantizeGroups4AVX512(dst []byte, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) int
//
// It is quantizeGroups8AVX512 for packed codes of 4 bits.
//
// Named above: INDEX, DONE, BYTES_MIN, BYTES_MAX, ORDER, NEAR, NEAR_TWICE, LOW_BITS.
#undef OFFSET
#define OFFSET  Z21 // 0: no grid of 4 bits reaches above 127
#define BITS    Z16 // the bits of a code, in bytes, while there are no scales there
#define WEIGHTS Z22 // 1 and 16, in bytes
TEXT ·quantizeGroups4AVX512(SB), NOSPLIT, $512-120
	MOVQ    dst_base+0(FP), DST
	MOVQ    src_base+24(FP), SRC
	MOVQ    run+48(FP), RUN
	MOVQ    scale_base+56(FP), SCALES
	MOVQ    scale_len+64(FP), PARAMS_LEFT
	MOVQ    zero_base+80(FP), ZEROS
	MOVL    qmin+104(FP), BX
	MOVL    qmax+108(FP), CX
	CONSTANTS(BX, CX)
	BROADCAST(zeroFarthestGroups, ZERO_FARTHEST)
	BROADCAST(6, NEAR)
	BROADCAST(weights4, WEIGHTS)
	VMOVDQU32 packOrderTwice<>(SB), ORDER
	MOVL   $0xcccc, AX
	KMOVD  AX, K5
	VPXORD OFFSET, OFFSET, OFFSET
	VPBROADCASTB BX, BYTES_MIN
	VPBROADCASTB CX, BYTES_MAX
	LEAQ 0(SP), AHEAD
	LEAQ 256(SP), PARAMS
	XORL DONE, DONE
	PREPARE_GROUPS

groups: // of which 16 are prepared at AHEAD
	TESTL UNSERVED, UNSERVED
	JNE   done
	XCHGQ PARAMS, AHEAD
	SUBQ  $16, PARAMS_LEFT
	JZ    codes
	PREPARE_GROUPS

codes:
	BROADCAST(codeBits4, BITS)
	XORL INDEX, INDEX
	CMPQ RUN, $32
	JE   groups32
	JB   groups16
	GROUPS_64(STORE_4, loop64, again64)

groups32:
	GROUPS_32(STORE_4, loop32)

groups16:
	GROUPS_16(STORE_4, loop16)

next:
	ADDQ  $16, DONE
	TESTQ PARAMS_LEFT, PARAMS_LEFT
	JNZ   groups

done:
	MOVQ DONE, ret+112(FP)
	VZEROUPPER
	RET
