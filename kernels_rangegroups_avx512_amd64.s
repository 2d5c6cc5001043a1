//go:build !purego

// Ranges of groups of 16, 32, 64 and 128 elements with AVX-512, sixteen at a time.

#include "textflag.h"
#include "kernels_avx512_amd64.h"
#include "kernels_rangegroups_avx512_amd64.h"

// STORE_ENDS stores the ranges of 16 groups of size bytes. -0 becomes +0.
#define STORE_ENDS(size) \
	VADDPS  NAUGHT, UNSIGNED, UNSIGNED \
	VADDPS  NAUGHT, SIGNED, SIGNED     \
	VMOVUPS UNSIGNED, (MINS)           \
	VMOVUPS SIGNED, (MAXS)             \
	ADDQ    $64, MINS                  \
	ADDQ    $64, MAXS                  \
	ADDQ    $(16*size), SRC            \
	SUBQ    $16, RUNS

//	for i := range lo {
//		r := src[i*run : (i+1)*run]
//		lo[i], hi[i] = slices.Min(r)+0, slices.Max(r)+0 // -0 becomes +0
//		for _, x := range r {
//			ok = ok && finite(x)
//		}
//	}
//
// func rangeGroupsAVX512(lo, hi, src []float32, run int) bool
//
// Runs are complete and of 16, 32, 64 or 128 elements; len(lo) is a multiple of 16, and not
// 0. K4 collects ends that are not finite.
#define MINS R9  // where the next minima go
#define MAXS R10 // where the next maxima go
#define RUNS DX  // runs left
TEXT ·rangeGroupsAVX512(SB), NOSPLIT, $0-81
	MOVQ lo_base+0(FP), MINS
	MOVQ lo_len+8(FP), RUNS
	MOVQ hi_base+24(FP), MAXS
	MOVQ src_base+48(FP), SRC
	MOVQ run+72(FP), RUN
	BROADCAST(infBits, INFINITIES)
	BROADCAST(minusInfBits, MINUS_INFINITIES)
	VPXORD NAUGHT, NAUGHT, NAUGHT
	KXORW  K4, K4, K4
	CMPQ RUN, $32
	JE   groups32
	JB   groups16
	CMPQ RUN, $64
	JE   groups64

groups128:
	ENDS_16(PAIR_128, 512)
	CHECK_ENDS(onesign128)

store128:
	STORE_ENDS(512)
	JNZ groups128
	JMP done

groups64:
	ENDS_16(PAIR_64, 256)
	CHECK_ENDS(onesign64)

store64:
	STORE_ENDS(256)
	JNZ groups64
	JMP done

groups32:
	ENDS_16(PAIR_32, 128)
	CHECK_ENDS(onesign32)

store32:
	STORE_ENDS(128)
	JNZ groups32
	JMP done

groups16:
	ENDS_16(PAIR_16, 64)
	CHECK_ENDS(onesign16)

store16:
	STORE_ENDS(64)
	JNZ groups16

done:
	KTESTW K4, K4
	SETEQ  ret+80(FP)
	VZEROUPPER
	RET

onesign128:
	ONE_SIGN(LEAST_128, 512)
	JMP store128

onesign64:
	ONE_SIGN(LEAST_64, 256)
	JMP store64

onesign32:
	ONE_SIGN(LEAST_32, 128)
	JMP store32

onesign16:
	ONE_SIGN(LEAST_16, 64)
	JMP store16
