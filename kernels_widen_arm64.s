//go:build !purego

// Widening floats of 16 bits with NEON. Fewer than eight elements are widened one by
// one, more in vectors of which the last overlaps.

#include "textflag.h"
#include "kernels_arm64.h"

//	for i, b := range src {
//		dst[i] = math.Float32frombits(uint32(b) << 16)
//	}
//
// func widenBFloat16NEON(dst []float32, src []uint16)
#define ELEMENTS R2  // elements left
#define NAUGHT   V16 // 0
TEXT ·widenBFloat16NEON(SB), NOSPLIT, $0-48
	MOVD dst_base+0(FP), DST
	MOVD src_base+24(FP), SRC
	MOVD src_len+32(FP), ELEMENTS
	VEOR NAUGHT.B16, NAUGHT.B16, NAUGHT.B16
	SUBS $8, ELEMENTS
	BLT  short

loop: // 8 elements
	VLD1.P 16(SRC), [V0.H8]
	VZIP1  V0.H8, NAUGHT.H8, V4.H8
	VZIP2  V0.H8, NAUGHT.H8, V5.H8
	VST1.P [V4.S4, V5.S4], 32(DST)
	SUBS   $8, ELEMENTS
	BGE    loop

tail: // ELEMENTS+8 elements are left
	CMN  $8, ELEMENTS
	BEQ  done
	ADD  ELEMENTS<<1, SRC
	ADD  ELEMENTS<<2, DST
	MOVD $0, ELEMENTS
	B    loop

short: // ELEMENTS+8 elements
	ADDS $8, ELEMENTS
	BEQ  done

shortloop:
	MOVHU.P 2(SRC), R3
	LSLW    $16, R3
	MOVW.P  R3, 4(DST)
	SUBS    $1, ELEMENTS
	BNE     shortloop

done:
	RET

//	for i, h := range src {
//		dst[i] = the float32 of the binary16 h // a NaN becomes quiet
//	}
//
// func widenFloat16NEON(dst []float32, src []uint16)
//
// FCVTL makes a NaN quiet and keeps its payload.
//
// Named above: ELEMENTS.
TEXT ·widenFloat16NEON(SB), NOSPLIT, $0-48
	MOVD dst_base+0(FP), DST
	MOVD src_base+24(FP), SRC
	MOVD src_len+32(FP), ELEMENTS
	SUBS $8, ELEMENTS
	BLT  short

loop: // 8 elements
	VLD1.P 16(SRC), [V0.H8]
	VFCVTL_S4(0, 4)
	VFCVTL2_S4(0, 5)
	VST1.P [V4.S4, V5.S4], 32(DST)
	SUBS   $8, ELEMENTS
	BGE    loop

tail: // ELEMENTS+8 elements are left
	CMN  $8, ELEMENTS
	BEQ  done
	ADD  ELEMENTS<<1, SRC
	ADD  ELEMENTS<<2, DST
	MOVD $0, ELEMENTS
	B    loop

short: // ELEMENTS+8 elements
	ADDS $8, ELEMENTS
	BEQ  done

shortloop:
	VLD1.P 2(SRC), V0.H[0]
	VFCVTL_S4(0, 4)
	VST1.P V4.S[0], 4(DST)
	SUBS   $1, ELEMENTS
	BNE    shortloop

done:
	RET
