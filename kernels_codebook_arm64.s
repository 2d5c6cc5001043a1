//go:build !purego

// Codebooks with NEON: codes of floating-point formats by arithmetic, and tables of 16
// values by permutation. These are the kernels of runs.

#include "kernels_codebook_arm64.h"

// CODES_STORED stores the codes in V16. If N+16 elements of the run are left, which are 1 to 15, the
// last step overlaps the one before. It goes on at loop, or at next with the next run.
#define CODES_STORED \
	VST1.P [V16.B16], 16(DST) \
	SUBS   $16, N             \
	BGE    loop               \
	CMN  $16, N               \
	BEQ  next                 \
	ADD  N<<2, SRC            \
	ADD  N, DST               \
	MOVD $0, N                \
	B    loop

// VALUES_STORED does that with the values in V4 to V7.
#define VALUES_STORED \
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(DST) \
	SUBS   $16, N                                \
	BGE    loop                                  \
	CMN  $16, N                                  \
	BEQ  next                                    \
	ADD  N, SRC                                  \
	ADD  N<<2, DST                               \
	MOVD $0, N                                   \
	B    loop

//	for i, x := range src[:n] {
//		dst[i] = uint8(f.code(x / scale[i/run]))
//	}
//
// func quantizeFloatsNEON(dst *uint8, src *float32, n, run int, scale *float32, f *floatCode)
//
// All runs have 16 elements or more.
TEXT ·quantizeFloatsNEON(SB), NOSPLIT, $0-48
	ARGUMENTS
	FLOAT_CODE_CONSTANTS
	MOVW $scaleLeastFloats, SCALE_LEAST
	MOVW $scaleSpanFloats, SCALE_SPAN

run:
	NEXT_RUN
	FMOVS SCALE_F, R9
	FMOVS $1.0, RECIP_F
	FDIVS SCALE_F, RECIP_F, RECIP_F
	FMULS SCALE_F, LARGEST_F, UPPER_F
	SUBW  SCALE_LEAST, R9
	CMPW  SCALE_SPAN, R9
	CSET  HI, DIVIDES
	VDUP  RECIP.S[0], RECIP.S4
	VDUP  UPPER.S[0], UPPER.S4

loop: // 16 elements
	VLD1.P 64(SRC), [V0.S4, V1.S4, V2.S4, V3.S4]
	CBNZ   DIVIDES, divide
	FLOAT_RECIPROCAL

codes:
	FLOAT_CODES
	CODES_STORED

divide:
	DIVIDE
	FLOAT_QUOTIENTS
	B codes

next:
	CBNZ LEFT, run
	RET

//	for i, x := range src[:n] {
//		dst[i] = b.code(x / scale[i/run])
//	}
//
// func quantizeTableNEON(dst *uint8, src *float32, n, run int, scale *float32, f *bookTables)
//
// All runs have 16 elements or more. The codes of b are in the order of their values. The
// index of a value is found bit by bit: each level of limits has the one that tells the next.
TEXT ·quantizeTableNEON(SB), NOSPLIT, $0-48
	ARGUMENTS
	TABLE_CONSTANTS

run:
	NEXT_RUN

loop: // 16 elements
	VLD1.P 64(SRC), [V0.S4, V1.S4, V2.S4, V3.S4]
	DIVIDE
	TABLE_CODES
	CODES_STORED

next:
	CBNZ LEFT, run
	RET

//	for i, c := range src[:n] {
//		dst[i] = t.values[c%16] * scale[i/run]
//	}
//
// func dequantizeTableNEON(dst *float32, src *uint8, n, run int, scale *float32, f *bookTables)
//
// All runs have 16 elements or more.
TEXT ·dequantizeTableNEON(SB), NOSPLIT, $0-48
	ARGUMENTS
	VALUE_CONSTANTS

run:
	NEXT_RUN

loop: // 16 elements
	VLD1.P 16(SRC), [V0.B16]
	TABLE_VALUES
	BY(SCALE_N)
	VALUES_STORED

next:
	CBNZ LEFT, run
	RET

//	for i, c := range src[:n] {
//		if (c^flip)&keep >= special {
//			return i - at // at is the place of i in a step
//		}
//		dst[i] = f.value(c) * scale[i/run]
//	}
//
// func dequantizeFloatsNEON(dst *float32, src *uint8, n, run int, scale *float32, f *floatCode) int
//
// All runs have 16 elements or more. Where the product of FACTOR and the scale is exact, values
// are multiplied once.
TEXT ·dequantizeFloatsNEON(SB), NOSPLIT, $0-56
	ARGUMENTS
	FLOAT_VALUE_CONSTANTS
	MOVD SRC, START

run:
	NEXT_RUN
	FMULS FACTOR_F, SCALE_F, F0
	FDIVS FACTOR_F, F0, F1
	FCMPS F1, SCALE_F
	CSET  NE, TWICE
	BNE   loop
	VDUP  V0.S[0], SCALE.S4

loop: // 16 elements
	VLD1.P 16(SRC), [V0.B16]
	FLOAT_TEST
	CBNZ   R9, special
	FLOAT_VALUES
	CBNZ   TWICE, twice

product:
	BY(SCALE_N)
	VALUES_STORED

twice:
	BY(FACTOR_N)
	B product

next:
	CBNZ LEFT, run
	B    done

special:
	SUB $16, SRC

done:
	SUB  START, SRC
	MOVD SRC, ret+48(FP)
	RET
