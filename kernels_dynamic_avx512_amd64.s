//go:build !purego

// Dynamic quantization with AVX-512: ranges, parameters and codes in one kernel. One kernel takes
// sixteen groups at a time, the other a few longer runs.

#include "textflag.h"
#include "kernels_avx512_amd64.h"
#include "kernels_rangegroups_avx512_amd64.h"

// dynamicConstants has the bounds of what the kernel serves.
DATA dynamicConstants<>+0(SB)/4, $scaleLeast
DATA dynamicConstants<>+4(SB)/4, $scaleSpan
DATA dynamicConstants<>+8(SB)/4, $zeroFarthestGroups
DATA dynamicConstants<>+12(SB)/4, $6
DATA dynamicConstants<>+16(SB)/4, $12
DATA dynamicConstants<>+20(SB)/4, $lowBits15
DATA dynamicConstants<>+24(SB)/4, $shareLeast
DATA dynamicConstants<>+28(SB)/4, $normalLeast
DATA dynamicConstants<>+32(SB)/4, $zeroFarthestWords
DATA dynamicConstants<>+36(SB)/4, $lowBits9
GLOBL dynamicConstants<>(SB), RODATA|NOPTR, $40

#define SCALE_LEAST_1   dynamicConstants<>+0(SB)  // as SCALE_LEAST
#define SCALE_SPAN_1    dynamicConstants<>+4(SB)  // as SCALE_SPAN
#define ZERO_FARTHEST_1 dynamicConstants<>+8(SB)  // zeroFarthestGroups
#define NEAR_1          dynamicConstants<>+12(SB) // 6
#define NEAR_TWICE_1    dynamicConstants<>+16(SB) // 12
#define LOW_BITS_1      dynamicConstants<>+20(SB) // mask of the lowest 15 bits
#define SHARE_LEAST_1   dynamicConstants<>+24(SB) // 2^-22
#define NORMAL_LEAST_1  dynamicConstants<>+28(SB) // 2^-126
#define ZERO_FARTHER_1  dynamicConstants<>+32(SB) // zeroFarthestWords
#define LOW_BITS_9_1    dynamicConstants<>+36(SB) // mask of the lowest 9 bits

// MAKE_SCALES makes the scales of 16 groups from the ends in UNSIGNED and SIGNED, as asymmetricOf and
// symmetricScale do. It leaves the minima in LOWS, and in K1 the groups of zeros, whose scales are
// set to 1 later.
#define MAKE_SCALES \
	VADDPS      NAUGHT, UNSIGNED, UNSIGNED           \
	VADDPS      NAUGHT, SIGNED, SIGNED               \
	VMINPS.BCST hullMin+112(FP), UNSIGNED, LOWS      \
	VMAXPS.BCST hullMax+116(FP), SIGNED, SIGNED      \
	VSUBPS      LOWS, NAUGHT, Z0                     \
	VMAXPS      SIGNED, Z0, Z0                       \
	VPORD       SIGNED, LOWS, Z1                     \
	VPTESTNMD   Z1, Z1, K1                           \
	VSUBPS      LOWS, SIGNED, MADE                   \
	VMOVAPS     Z0, SYMMETRIC, MADE                  \
	VDIVPS.BCST steps+108(FP), MADE, MADE            \
	VMULPS.BCST SHARE_LEAST_1, Z0, Z0                \
	VMAXPS      Z0, MADE, MADE                       \
	VMAXPS.BCST NORMAL_LEAST_1, MADE, MADE

// MAKE_ZEROS makes the zero points of the groups, in Z3, and stores the parameters of the groups
// that MADE_GROUPS tells.
#define MAKE_ZEROS \
	VDIVPS       MADE, LOWS, Z3             \
	VMOVAPS      ONES, K1, MADE             \
	VDIVPS       MADE, ONES, Z4             \
	VSUBPS       Z3, GRID_LEAST, Z3         \
	VCVTPS2DQ    Z3, Z3                     \
	VMOVDQA32    NAUGHT, K1, Z3             \
	VPMAXSD.BCST zeroMin+120(FP), Z3, Z3    \
	VPMINSD.BCST zeroMax+124(FP), Z3, Z3    \
	VMOVUPS      MADE, MADE_GROUPS, (SCALES) \
	VMOVDQU32    Z3, MADE_GROUPS, (ZEROS)

// SERVED sets K2 to the groups whose scale and zero point a reciprocal in two parts serves, see
// "Reciprocals in two parts" in kernels.go. A scale that has overflowed is not served. farthest is
// the greatest magnitude of a zero point, and low a mask of the lowest bits of a scale. It uses Z0, Z1
// and K3.
#define SERVED(farthest, low) \
	VPSUBD.BCST   SCALE_LEAST_1, MADE, Z0    \
	VPCMPUD.BCST  $2, SCALE_SPAN_1, Z0, K2   \
	VPABSD        Z3, Z1                     \
	VPCMPUD.BCST  $2, farthest, Z1, K2, K2   \
	VPADDD.BCST   NEAR_1, MADE, Z0           \
	VPANDD.BCST   low, Z0, Z0                \
	VPCMPUD.BCST  $2, NEAR_TWICE_1, Z0, K3   \
	VPTESTMD.BCST low, MADE, K3, K3          \
	KANDNW        K2, K3, K2

// CHECK_PARAMS sets UNSERVED to the groups whose codes the kernel cannot make: those with an end
// that is not finite, which K4 tells, and those that are not served. It uses Z0, Z1, K2 and K3.
#define CHECK_PARAMS \
	SERVED(ZERO_FARTHEST_1, LOW_BITS_1) \
	KNOTW         K2, K2               \
	KORW          K4, K2, K2           \
	KMOVW         K2, UNSERVED

// PREPARE_DYNAMIC stores the parameters of 16 groups at AHEAD as the codes need them: reciprocals,
// which are in Z4, at 0, their second parts at 64, and zero points in both words of a dword at 128.
#define PREPARE_DYNAMIC \
	VMOVAPS      ONES, Z5       \
	VFNMADD231PS MADE, Z4, Z5   \
	VMULPS       Z4, Z5, Z5     \
	VPSLLD       $16, Z3, Z6    \
	VPSRLD       $16, Z6, Z7    \
	VPORD        Z7, Z6, Z6     \
	VMOVUPS      Z4, 0(AHEAD)   \
	VMOVUPS      Z5, 64(AHEAD)  \
	VMOVDQU32    Z6, 128(AHEAD)

// DYNAMIC_PARAMS loads the parameters of the group INDEX + i.
#define DYNAMIC_PARAMS(i, y, low, zero) \
	VBROADCASTSS (4*i+0)(PARAMS)(INDEX*4), y    \
	VBROADCASTSS (4*i+64)(PARAMS)(INDEX*4), low \
	VPBROADCASTD (4*i+128)(PARAMS)(INDEX*4), zero

// ROUND_GROUP sets q to the rounded quotients of the 16 elements off bytes from CODED on. It uses
// x. The elements are in the range of their group, so no quotient needs a bound before it is
// converted.
#define ROUND_GROUP(off, y, low, x, q) \
	VMOVUPS     off(CODED), x \
	VMULPS      low, x, q     \
	VFMADD231PS y, x, q       \
	VCVTPS2DQ   q, q

// DYNAMIC_N leaves the codes of 64 elements of groups of N in Z4, by the saturating instruction
// PACK. Groups of 64 and of 128 elements have the same parameters for all 64.
#define DYNAMIC_32(PACK) \
	DYNAMIC_PARAMS(0, Z8, Z9, Z10)     \
	DYNAMIC_PARAMS(1, Z11, Z12, Z13)   \
	ROUND_GROUP(0, Z8, Z9, Z0, Z4)     \
	ROUND_GROUP(64, Z8, Z9, Z1, Z5)    \
	ROUND_GROUP(128, Z11, Z12, Z2, Z6) \
	ROUND_GROUP(192, Z11, Z12, Z3, Z7) \
	VPACKSSDW Z5, Z4, Z4               \
	VPACKSSDW Z7, Z6, Z6               \
	VPADDSW   Z10, Z4, Z4              \
	VPADDSW   Z13, Z6, Z6              \
	PACK      Z6, Z4, Z4               \
	VPERMD    Z4, ORDER, Z4

#define DYNAMIC_64(PACK) \
	ROUND_GROUP(0, Z8, Z9, Z0, Z4)   \
	ROUND_GROUP(64, Z8, Z9, Z1, Z5)  \
	ROUND_GROUP(128, Z8, Z9, Z2, Z6) \
	ROUND_GROUP(192, Z8, Z9, Z3, Z7) \
	VPACKSSDW Z5, Z4, Z4             \
	VPACKSSDW Z7, Z6, Z6             \
	VPADDSW   Z10, Z4, Z4            \
	VPADDSW   Z10, Z6, Z6            \
	PACK      Z6, Z4, Z4             \
	VPERMD    Z4, ORDER, Z4

// FETCH_AHEAD fetches the elements that are 8 KiB behind those whose codes are made. A fetch never
// faults.
#define FETCH_AHEAD \
	PREFETCHT0 8192(CODED) \
	PREFETCHT0 8256(CODED) \
	PREFETCHT0 8320(CODED) \
	PREFETCHT0 8384(CODED)

// STORE_CODES stores the 64 codes in Z4.
#define STORE_CODES(STORE) \
	FETCH_AHEAD       \
	STORE Z4, (DST)   \
	ADDQ  $64, DST    \
	ADDQ  $256, CODED

// CODES_N makes the codes of the groups from INDEX up to the next multiple of 8, of N elements.
#define CODES_32(PACK, STORE, loop) \
loop:                     \
	DYNAMIC_32(PACK)  \
	STORE_CODES(STORE) \
	ADDQ $2, INDEX    \
	TESTQ $7, INDEX   \
	JNZ  loop         \
	JMP  half

#define CODES_64(PACK, STORE, loop, again) \
loop:                                  \
	DYNAMIC_PARAMS(0, Z8, Z9, Z10) \
	MOVQ RUN, N                    \
again:                                 \
	DYNAMIC_64(PACK)               \
	STORE_CODES(STORE)             \
	SUBQ $64, N                    \
	JNZ  again                     \
	INCQ INDEX                     \
	TESTQ $7, INDEX                \
	JNZ  loop                      \
	JMP  half

//	for i := range scale {
//		x := src[i*run : (i+1)*run]
//		lo, hi := slices.Min(x)+0, slices.Max(x)+0 // -0 becomes +0
//		scale[i], zero[i] = rule.params(lo, hi)
//		for j, v := range x {
//			dst[i*run+j] = uint8(code(v, scale[i], float32(qmin-zero[i]), float32(qmin+255-zero[i])) + zero[i])
//		}
//	}
//
// func dynamicGroups8AVX512(dst []uint8, src []float32, run int, scale []float32, zero []int32, qmin, steps, hullMin, hullMax float32, zeroMin, zeroMax int32, symmetric, stream, unsigned bool) int
//
// Runs are complete and of 32, 64 or 128 elements; their number is a multiple of 16, and not 0. It
// returns for how many it has stored parameters and codes: all, or a multiple of 16 if the next 16
// have an element that is not finite, or a parameter that a reciprocal in two parts does not serve.
// It may store parameters of the 16 behind those. A range is widened to hold hullMin and hullMax,
// and a zero point is bounded by zeroMin and zeroMax: so a zero is in the range, or all groups have
// the same zero point.
//
// The ranges and scales of 16 groups are made before the codes of the 16 groups before them, and
// their other parameters between the two halves of these codes. A core then makes codes while it
// waits for divisions and for a tree of shuffles.
#define PARAMS     BX  // parameters of the groups whose codes are made
#define AHEAD      DX  // where those of the next 16 go
#define UNSERVED   R15 // not 0 if these are the last: the kernel does not serve the next, or there are none
#define GROUPS     R11 // groups left without parameters
#define INDEX      R12 // which of the 16 groups
#define DONE       R13 // groups done
#define CODED      AX  // the next element whose code is made
#define STREAM     R14 // set to store past the caches
#define SYMMETRIC  K6  // all groups if the mapping is symmetric, else none
#define MADE_GROUPS K5 // the groups whose parameters are stored
#define ORDER      Z19 // packOrderTwice
#define GRID_LEAST Z14 // qmin
#define LOWS       Z20 // minima of the next 16 groups
#define MADE       Z21 // their scales
TEXT ·dynamicGroups8AVX512(SB), NOSPLIT, $384-144
	MOVQ    dst_base+0(FP), DST
	MOVQ    src_base+24(FP), SRC
	MOVQ    run+48(FP), RUN
	MOVQ    scale_base+56(FP), SCALES
	MOVQ    scale_len+64(FP), GROUPS
	MOVQ    zero_base+80(FP), ZEROS
	MOVBQZX stream+129(FP), STREAM
	MOVBQZX symmetric+128(FP), CX
	NEGL    CX
	KMOVW   CX, SYMMETRIC
	BROADCAST(infBits, INFINITIES)
	BROADCAST(minusInfBits, MINUS_INFINITIES)
	BROADCAST(oneBits, ONES)
	VBROADCASTSS qmin+104(FP), GRID_LEAST
	VMOVDQU32 packOrderTwice<>(SB), ORDER
	VPXORD NAUGHT, NAUGHT, NAUGHT
	KXORW  K4, K4, K4
	KXNORW MADE_GROUPS, MADE_GROUPS, MADE_GROUPS
	TESTQ $63, DST
	JZ    2(PC)
	XORL  STREAM, STREAM
	LEAQ 0(SP), AHEAD
	LEAQ 192(SP), PARAMS
	MOVQ SRC, CODED
	MOVQ $-16, DONE

groups:
	SUBQ $16, GROUPS
	JB   last
	CMPQ RUN, $64
	JB   groups32
	JE   groups64
	ENDS_16(PAIR_128, 512)
	CHECK_ENDS(onesign128)
	JMP scales

groups64:
	ENDS_16(PAIR_64, 256)
	CHECK_ENDS(onesign64)
	JMP scales

groups32:
	ENDS_16(PAIR_32, 128)
	CHECK_ENDS(onesign32)

scales:
	MAKE_SCALES
	MOVQ RUN, CX
	SHLQ $6, CX
	ADDQ CX, SRC
	XORL INDEX, INDEX
	TESTQ DONE, DONE
	JS    params

codes:
	CMPB  unsigned+130(FP), $0
	JNE   codesunsigned
	TESTQ STREAM, STREAM
	JNE   codesstream
	CMPQ  RUN, $32
	JE    codes32
	CODES_64(VPACKSSWB, VMOVDQU64, loop64, again64)

codes32:
	CODES_32(VPACKSSWB, VMOVDQU64, loop32)

codesstream:
	CMPQ  RUN, $32
	JE    stream32
	CODES_64(VPACKSSWB, VMOVNTDQ, streamloop64, streamagain64)

stream32:
	CODES_32(VPACKSSWB, VMOVNTDQ, streamloop32)

codesunsigned:
	TESTQ STREAM, STREAM
	JNE   unsignedstream
	CMPQ  RUN, $32
	JE    unsigned32
	CODES_64(VPACKUSWB, VMOVDQU64, unsignedloop64, unsignedagain64)

unsigned32:
	CODES_32(VPACKUSWB, VMOVDQU64, unsignedloop32)

unsignedstream:
	CMPQ  RUN, $32
	JE    unsignedstream32
	CODES_64(VPACKUSWB, VMOVNTDQ, unsignedstreamloop64, unsignedstreamagain64)

unsignedstream32:
	CODES_32(VPACKUSWB, VMOVNTDQ, unsignedstreamloop32)

half: // 8 or 16 groups have codes
	CMPQ  INDEX, $16
	JE    next
	TESTL UNSERVED, UNSERVED
	JNE   codes

params:
	MAKE_ZEROS
	ADDQ $64, SCALES
	ADDQ $64, ZEROS
	CHECK_PARAMS
	PREPARE_DYNAMIC
	TESTQ DONE, DONE
	JNS   codes

next:
	ADDQ  $16, DONE
	TESTL UNSERVED, UNSERVED
	JNE   done
	XCHGQ PARAMS, AHEAD
	JMP   groups

last: // the codes of the last 16 groups
	MOVL $1, UNSERVED
	XORL INDEX, INDEX
	JMP  codes

done:
	MOVQ DONE, ret+136(FP)
	VZEROUPPER
	RET

onesign128:
	ONE_SIGN(LEAST_128, 512)
	JMP scales

onesign64:
	ONE_SIGN(LEAST_64, 256)
	JMP scales

onesign32:
	ONE_SIGN(LEAST_32, 128)
	JMP scales

// ENDS_OF_64 takes 64 elements into four minima and four maxima. PRODUCTS and PRODUCTS_2 collect
// products of two elements. They become infinite or NaN if an element is. (They also do if elements
// are beyond 2^60.) Integer maxima would take one pipe of an Intel core, these take both.
#define ENDS_OF_64 \
	VMOVUPS 0(SRC), Z8              \
	VMOVUPS 64(SRC), Z9             \
	VMOVUPS 128(SRC), Z10           \
	VMOVUPS 192(SRC), Z11           \
	VMINPS  Z8, Z0, Z0              \
	VMAXPS  Z8, Z4, Z4              \
	VMINPS  Z9, Z1, Z1              \
	VMAXPS  Z9, Z5, Z5              \
	VMINPS  Z10, Z2, Z2             \
	VMAXPS  Z10, Z6, Z6             \
	VMINPS  Z11, Z3, Z3             \
	VMAXPS  Z11, Z7, Z7             \
	VFMADD231PS Z8, Z9, PRODUCTS    \
	VFMADD231PS Z10, Z11, PRODUCTS_2

// ENDS_OF_REST is ENDS_OF_64 for the last elements of a run, fewer than 64.
#define ENDS_OF_REST \
	VMOVUPS.Z 0(SRC), K1, Z8        \
	VMOVUPS.Z 64(SRC), K2, Z9       \
	VMOVUPS.Z 128(SRC), K3, Z10     \
	VMOVUPS.Z 192(SRC), K4, Z11     \
	VMINPS  Z8, Z0, K1, Z0          \
	VMAXPS  Z8, Z4, K1, Z4          \
	VMINPS  Z9, Z1, K2, Z1          \
	VMAXPS  Z9, Z5, K2, Z5          \
	VMINPS  Z10, Z2, K3, Z2         \
	VMAXPS  Z10, Z6, K3, Z6         \
	VMINPS  Z11, Z3, K4, Z3         \
	VMAXPS  Z11, Z7, K4, Z7         \
	VFMADD231PS Z8, Z9, PRODUCTS    \
	VFMADD231PS Z10, Z11, PRODUCTS_2

// REDUCE_ENDS stores the maximum of a run at 0(SP), and the negated minimum at 64(SP). The two
// halves of a vector hold one of them each while it is reduced.
#define REDUCE_ENDS \
	VMINPS        Z1, Z0, Z0        \
	VMAXPS        Z5, Z4, Z4        \
	VMINPS        Z3, Z2, Z2        \
	VMAXPS        Z7, Z6, Z6        \
	VMINPS        Z2, Z0, Z0        \
	VMAXPS        Z6, Z4, Z4        \
	VPXORD        SIGNS, Z0, Z0     \
	VSHUFF64X2    $0x44, Z0, Z4, Z1 \
	VSHUFF64X2    $0xee, Z0, Z4, Z2 \
	VMAXPS        Z2, Z1, Z0        \
	VSHUFF64X2    $0xb1, Z0, Z0, Z1 \
	VMAXPS        Z1, Z0, Z0        \
	VPERMILPS     $0x4e, Z0, Z1     \
	VMAXPS        Z1, Z0, Z0        \
	VPERMILPS     $0xb1, Z0, Z1     \
	VMAXPS        Z1, Z0, Z0        \
	VEXTRACTF64X4 $1, Z0, Y1        \
	VMOVSS        X0, 0(SP)(INDEX*4) \
	VMOVSS        X1, 64(SP)(INDEX*4)

// MASKS_OF_REST sets K1 to K4 to the last elements of a run, 16 elements each.
#define MASKS_OF_REST \
	KMOVQ    REST, K1      \
	KSHIFTRQ $16, REST, K2 \
	KSHIFTRQ $32, REST, K3 \
	KSHIFTRQ $48, REST, K4

// ROUND_REST is ROUND_GROUP for the elements that mask tells. The others become 0.
#define ROUND_REST(off, mask, x, q) \
	VMOVUPS.Z   off(CODED), mask, x \
	VMULPS      Z9, x, q            \
	VFMADD231PS Z8, x, q            \
	VCVTPS2DQ   q, q

// DYNAMIC_REST is DYNAMIC_64 for the last elements of a run, fewer than 64.
#define DYNAMIC_REST(PACK) \
	ROUND_REST(0, K1, Z0, Z4)   \
	ROUND_REST(64, K2, Z1, Z5)  \
	ROUND_REST(128, K3, Z2, Z6) \
	ROUND_REST(192, K4, Z3, Z7) \
	VPACKSSDW Z5, Z4, Z4        \
	VPACKSSDW Z7, Z6, Z6        \
	VPADDSW   Z10, Z4, Z4       \
	VPADDSW   Z10, Z6, Z6       \
	PACK      Z6, Z4, Z4        \
	VPERMD    Z4, ORDER, Z4

// CODES_OF_RUNS makes the codes of the runs of a batch, and goes on to the next batch.
#define CODES_OF_RUNS(PACK, STORE, nextrun, loop, rest, end) \
nextrun:                               \
	DYNAMIC_PARAMS(0, Z8, Z9, Z10) \
	MOVQ RUN, N                    \
	SUBQ $64, N                    \
	JB   rest                      \
loop:                                  \
	DYNAMIC_64(PACK)               \
	PREFETCHT0 0(CODED)(FETCHED*1)   \
	PREFETCHT0 64(CODED)(FETCHED*1)  \
	PREFETCHT0 128(CODED)(FETCHED*1) \
	PREFETCHT0 192(CODED)(FETCHED*1) \
	STORE Z4, (DST)                \
	ADDQ  $64, DST                 \
	ADDQ  $256, CODED              \
	SUBQ  $64, N                   \
	JAE   loop                     \
rest:                                  \
	ADDQ $64, N                    \
	JZ   end                       \
	DYNAMIC_REST(PACK)             \
	VMOVDQU8 Z4, REST, (DST)       \
	ADDQ N, DST                    \
	LEAQ (CODED)(N*4), CODED       \
end:                                   \
	INCQ INDEX                     \
	CMPQ INDEX, 320(SP)            \
	JB   nextrun                   \
	JMP  batch

//	for i := range scale {
//		x := src[i*run : (i+1)*run]
//		lo, hi := slices.Min(x)+0, slices.Max(x)+0 // -0 becomes +0
//		scale[i], zero[i] = rule.params(lo, hi)
//		for j, v := range x {
//			dst[i*run+j] = uint8(code(v, scale[i], float32(qmin-zero[i]), float32(qmin+255-zero[i])) + zero[i])
//		}
//	}
//
// func dynamicRuns8AVX512(dst []uint8, src []float32, run int, scale []float32, zero []int32, qmin, steps, hullMin, hullMax float32, zeroMin, zeroMax int32, symmetric, stream, unsigned bool, together, ahead int) int
//
// Runs are complete and of any length. A batch is together runs, at most 16: first their ranges are
// made, then their parameters, then their codes. While codes are made, the elements that are ahead
// bytes farther are fetched. A fetch never faults. If stream is set, run is a multiple of 64.
//
// It returns for how many runs it has stored parameters and codes: all, those before a batch with an
// element that is not finite, or those before a run with a parameter that a reciprocal in two parts
// does not serve. It may store parameters of runs behind those, up to the end of a batch. Ranges are
// widened and zero points are bounded as in dynamicGroups8AVX512.
//
// The frame has the maximum of each run of a batch at 0 and the negated minimum at 64, what
// PREPARE_DYNAMIC stores at 128, and the number of runs of the batch at 320. Behind the runs of
// a batch are zeros, or the ends of an earlier batch.
//
// Named above: PARAMS, UNSERVED, INDEX, DONE, CODED, STREAM.
#define BATCH   BX  // runs of the batch, while their ranges are made
#define FETCHED DX  // bytes from an element to the one that is fetched
#define RUNS    R11 // runs left
#define SIGNS      Z22 // sign bits
#define PRODUCTS   Z15 // see ENDS_OF_64
#define PRODUCTS_2 Z23
#define REST    K7  // the last elements of a run, fewer than 64
TEXT ·dynamicRuns8AVX512(SB), NOSPLIT, $328-160
	MOVQ    dst_base+0(FP), DST
	MOVQ    src_base+24(FP), SRC
	MOVQ    run+48(FP), RUN
	MOVQ    scale_base+56(FP), SCALES
	MOVQ    scale_len+64(FP), RUNS
	MOVQ    zero_base+80(FP), ZEROS
	MOVBQZX stream+129(FP), STREAM
	MOVBQZX symmetric+128(FP), CX
	NEGL    CX
	KMOVW   CX, SYMMETRIC
	BROADCAST(infBits, INFINITIES)
	BROADCAST(minusInfBits, MINUS_INFINITIES)
	BROADCAST(oneBits, ONES)
	BROADCAST(signBit, SIGNS)
	VBROADCASTSS qmin+104(FP), GRID_LEAST
	VMOVDQU32 packOrderTwice<>(SB), ORDER
	VPXORD NAUGHT, NAUGHT, NAUGHT
	VMOVDQU32 NAUGHT, 0(SP)
	VMOVDQU32 NAUGHT, 64(SP)
	MOVQ RUN, CX
	ANDQ $63, CX
	MASK64(CX, REST)
	TESTQ $63, DST
	JZ    2(PC)
	XORL  STREAM, STREAM
	XORL DONE, DONE

batch:
	TESTQ RUNS, RUNS
	JZ    done
	MOVQ    together+136(FP), BATCH
	CMPQ    RUNS, BATCH
	CMOVQLT RUNS, BATCH
	SUBQ    BATCH, RUNS
	MOVQ    BATCH, 320(SP)
	MASK(BATCH, MADE_GROUPS)
	MASKS_OF_REST
	VMOVAPS ONES, PRODUCTS // of numbers that are too small for a normal product, too
	VMOVAPS ONES, PRODUCTS_2
	MOVQ SRC, CODED
	XORL INDEX, INDEX

nextends:
	VMOVAPS INFINITIES, Z0
	VMOVAPS INFINITIES, Z1
	VMOVAPS INFINITIES, Z2
	VMOVAPS INFINITIES, Z3
	VMOVAPS MINUS_INFINITIES, Z4
	VMOVAPS MINUS_INFINITIES, Z5
	VMOVAPS MINUS_INFINITIES, Z6
	VMOVAPS MINUS_INFINITIES, Z7
	MOVQ RUN, N
	SUBQ $64, N
	JB   endsrest

endsloop:
	ENDS_OF_64
	ADDQ $256, SRC
	SUBQ $64, N
	JAE  endsloop

endsrest: // N + 64 elements, fewer than 64
	ADDQ $64, N
	JZ   reduce
	ENDS_OF_REST
	LEAQ (SRC)(N*4), SRC

reduce:
	REDUCE_ENDS
	INCQ INDEX
	CMPQ INDEX, BATCH
	JB   nextends
	VADDPS PRODUCTS_2, PRODUCTS, Z0
	VMULPS NAUGHT, Z0, Z0
	VCMPPS $3, Z0, Z0, K1 // is NaN
	KTESTW K1, K1
	JNE    check

ends:
	VMOVUPS 0(SP), SIGNED
	VPXORD  64(SP), SIGNS, UNSIGNED
	KXORW   K4, K4, K4 // all are finite
	MAKE_SCALES
	MAKE_ZEROS
	LEAQ (SCALES)(BATCH*4), SCALES
	LEAQ (ZEROS)(BATCH*4), ZEROS
	CHECK_PARAMS
	TESTL UNSERVED, UNSERVED
	JNE   farther

served:
	ADDQ BATCH, DONE
	LEAQ 128(SP), AHEAD
	PREPARE_DYNAMIC
	LEAQ 128(SP), PARAMS
	MOVQ ahead+144(FP), FETCHED
	MASKS_OF_REST
	XORL INDEX, INDEX
	CMPB  unsigned+130(FP), $0
	JNE   codesunsigned
	TESTQ STREAM, STREAM
	JNE   codesstream
	CODES_OF_RUNS(VPACKSSWB, VMOVDQU64, run1, loop1, rest1, end1)

codesstream:
	CODES_OF_RUNS(VPACKSSWB, VMOVNTDQ, run2, loop2, rest2, end2)

codesunsigned:
	TESTQ STREAM, STREAM
	JNE   unsignedstream
	CODES_OF_RUNS(VPACKUSWB, VMOVDQU64, run3, loop3, rest3, end3)

unsignedstream:
	CODES_OF_RUNS(VPACKUSWB, VMOVNTDQ, run4, loop4, rest4, end4)

farther: // zero points beyond 255, for which fewer scales are served
	SERVED(ZERO_FARTHER_1, LOW_BITS_9_1)
	KMOVW K2, CX
	NOTL  CX
	ANDL  CX, UNSERVED
	JEQ   served
	BSFL  UNSERVED, BATCH // the runs before the first that is not served are the last
	MOVQ  BATCH, 320(SP)
	XORL  RUNS, RUNS
	TESTQ BATCH, BATCH
	JNZ   served
	JMP   done

check: // whether all elements of the batch are finite: 0 times an element is NaN if it is not
	VPXORD Z0, Z0, Z0
	MOVQ CODED, DX

checkloop: // 16 at a time
	LEAQ 64(DX), CX
	CMPQ CX, SRC
	JA   checkrest
	VFMADD231PS (DX), NAUGHT, Z0
	MOVQ CX, DX
	JMP  checkloop

checkrest:
	MOVQ  SRC, CX
	SUBQ  DX, CX
	SHRQ  $2, CX
	MOVL  $-1, DX
	BZHIL CX, DX, DX
	KMOVW DX, K1
	SHLQ  $2, CX
	NEGQ  CX
	VMOVUPS.Z (SRC)(CX*1), K1, Z1
	VFMADD231PS Z1, NAUGHT, Z0
	VCMPPS $3, Z0, Z0, K1
	KTESTW K1, K1
	JEQ    ends

done:
	MOVQ DONE, ret+152(FP)
	VZEROUPPER
	RET
