//go:build !purego

#include "textflag.h"
#include "kernels_arm64.h"

// A shift that inserts (SLI) overwrites what lies above the bits that it keeps.

// func pack4NEON(dst []byte, codes []uint8)
//
// len(codes) is a multiple of 32.
TEXT ·pack4NEON(SB), NOSPLIT, $0-48
	MOVD dst_base+0(FP), R0
	MOVD codes_base+24(FP), R1
	MOVD codes_len+32(FP), R2
	SUBS $64, R2
	BLT  tail

loop: // 64 codes
	VLD2.P 32(R1), [V0.B16, V1.B16]
	VLD2.P 32(R1), [V2.B16, V3.B16]
	VSLI   $4, V1.B16, V0.B16
	VSLI   $4, V3.B16, V2.B16
	VST1.P [V0.B16], 16(R0)
	VST1.P [V2.B16], 16(R0)
	SUBS   $64, R2
	BGE    loop

tail: // R2+64 codes are left
	CMN  $64, R2
	BEQ  done
	VLD2 (R1), [V0.B16, V1.B16]
	VSLI $4, V1.B16, V0.B16
	VST1 [V0.B16], (R0)

done:
	RET

// func pack2NEON(dst []byte, codes []uint8)
//
// len(codes) is a multiple of 64.
TEXT ·pack2NEON(SB), NOSPLIT, $0-48
	MOVD dst_base+0(FP), R0
	MOVD codes_base+24(FP), R1
	MOVD codes_len+32(FP), R2
	CBZ  R2, done

loop: // 64 codes
	VLD4.P 64(R1), [V0.B16, V1.B16, V2.B16, V3.B16]
	VSLI   $2, V3.B16, V2.B16
	VSLI   $2, V1.B16, V0.B16
	VSLI   $4, V2.B16, V0.B16
	VST1.P [V0.B16], 16(R0)
	SUBS   $64, R2
	BNE    loop

done:
	RET

// To extend signs, the bytes' sign bits are flipped before the codes are taken
// apart, and their weight is taken off afterwards.

// func unpack4NEON(dst []uint8, packed []byte, sign uint8)
//
// len(dst) is a multiple of 32.
// V16 the flip of both codes of a byte, V17 of one; V18 0x0F
TEXT ·unpack4NEON(SB), NOSPLIT, $0-49
	MOVD  dst_base+0(FP), R0
	MOVD  dst_len+8(FP), R2
	MOVD  packed_base+24(FP), R1
	MOVBU sign+48(FP), R3
	VDUP  R3, V17.B16
	ORR   R3<<4, R3
	VDUP  R3, V16.B16
	VMOVI $0x0F, V18.B16
	CBZ   R2, done

loop: // 32 codes
	VLD1.P 16(R1), [V0.B16]
	VEOR   V16.B16, V0.B16, V0.B16
	VUSHR  $4, V0.B16, V1.B16
	VAND   V18.B16, V0.B16, V0.B16
	VSUB   V17.B16, V1.B16, V1.B16
	VSUB   V17.B16, V0.B16, V0.B16
	VST2.P [V0.B16, V1.B16], 32(R0)
	SUBS   $32, R2
	BNE    loop

done:
	RET

// func unpack2NEON(dst []uint8, packed []byte, sign uint8)
//
// len(dst) is a multiple of 64.
// V16 the flip of all codes of a byte, V17 of one; V18 0x03
TEXT ·unpack2NEON(SB), NOSPLIT, $0-49
	MOVD  dst_base+0(FP), R0
	MOVD  dst_len+8(FP), R2
	MOVD  packed_base+24(FP), R1
	MOVBU sign+48(FP), R3
	VDUP  R3, V17.B16
	ORR   R3<<2, R3
	ORR   R3<<4, R3
	VDUP  R3, V16.B16
	VMOVI $0x03, V18.B16
	CBZ   R2, done

loop: // 64 codes
	VLD1.P 16(R1), [V0.B16]
	VEOR   V16.B16, V0.B16, V0.B16
	VUSHR  $2, V0.B16, V1.B16
	VUSHR  $4, V0.B16, V2.B16
	VUSHR  $6, V0.B16, V3.B16
	VAND   V18.B16, V0.B16, V0.B16
	VAND   V18.B16, V1.B16, V1.B16
	VAND   V18.B16, V2.B16, V2.B16
	VSUB   V17.B16, V0.B16, V0.B16
	VSUB   V17.B16, V1.B16, V1.B16
	VSUB   V17.B16, V2.B16, V2.B16
	VSUB   V17.B16, V3.B16, V3.B16
	VST4.P [V0.B16, V1.B16, V2.B16, V3.B16], 64(R0)
	SUBS   $64, R2
	BNE    loop

done:
	RET

// Fewer than eight elements are widened one by one in lane 0, more are in
// vectors of which the last overlaps.

// func widenBFloat16NEON(dst []float32, src []uint16)
//
// R0 dst; R1 src; R2 elements left; V16 0
TEXT ·widenBFloat16NEON(SB), NOSPLIT, $0-48
	MOVD dst_base+0(FP), R0
	MOVD src_base+24(FP), R1
	MOVD src_len+32(FP), R2
	VEOR V16.B16, V16.B16, V16.B16
	SUBS $8, R2
	BLT  short

loop: // 8 elements
	VLD1.P 16(R1), [V0.H8]
	VZIP1  V0.H8, V16.H8, V4.H8
	VZIP2  V0.H8, V16.H8, V5.H8
	VST1.P [V4.S4, V5.S4], 32(R0)
	SUBS   $8, R2
	BGE    loop

tail: // R2+8 elements are left
	CMN  $8, R2
	BEQ  done
	ADD  R2<<1, R1
	ADD  R2<<2, R0
	MOVD $0, R2
	B    loop

short: // R2+8 elements
	ADDS $8, R2
	BEQ  done

shortloop:
	MOVHU.P 2(R1), R3
	LSLW    $16, R3
	MOVW.P  R3, 4(R0)
	SUBS    $1, R2
	BNE     shortloop

done:
	RET

// func widenFloat16NEON(dst []float32, src []uint16)
//
// FCVTL makes a NaN quiet and keeps its payload.
// R0 dst; R1 src; R2 elements left
TEXT ·widenFloat16NEON(SB), NOSPLIT, $0-48
	MOVD dst_base+0(FP), R0
	MOVD src_base+24(FP), R1
	MOVD src_len+32(FP), R2
	SUBS $8, R2
	BLT  short

loop: // 8 elements
	VLD1.P 16(R1), [V0.H8]
	VFCVTL_S4(0, 4)
	VFCVTL2_S4(0, 5)
	VST1.P [V4.S4, V5.S4], 32(R0)
	SUBS   $8, R2
	BGE    loop

tail: // R2+8 elements are left
	CMN  $8, R2
	BEQ  done
	ADD  R2<<1, R1
	ADD  R2<<2, R0
	MOVD $0, R2
	B    loop

short: // R2+8 elements
	ADDS $8, R2
	BEQ  done

shortloop:
	VLD1.P 2(R1), V0.H[0]
	VFCVTL_S4(0, 4)
	VST1.P V4.S[0], 4(R0)
	SUBS   $1, R2
	BNE    shortloop

done:
	RET
