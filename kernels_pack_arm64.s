//go:build !purego

// Packing and unpacking codes of 4 and 2 bits with NEON.

#include "textflag.h"
#include "kernels_arm64.h"

// A shift that inserts (SLI) overwrites what lies above the bits that it keeps.

//	for i := range dst {
//		dst[i] = codes[2*i]&0x0f | codes[2*i+1]<<4
//	}
//
// func pack4NEON(dst []byte, codes []uint8)
//
// len(codes) is a multiple of 32.
#define CODES R2 // codes left
TEXT ·pack4NEON(SB), NOSPLIT, $0-48
	MOVD dst_base+0(FP), DST
	MOVD codes_base+24(FP), SRC
	MOVD codes_len+32(FP), CODES
	SUBS $64, CODES
	BLT  tail

loop: // 64 codes
	VLD2.P 32(SRC), [V0.B16, V1.B16]
	VLD2.P 32(SRC), [V2.B16, V3.B16]
	VSLI   $4, V1.B16, V0.B16
	VSLI   $4, V3.B16, V2.B16
	VST1.P [V0.B16], 16(DST)
	VST1.P [V2.B16], 16(DST)
	SUBS   $64, CODES
	BGE    loop

tail: // CODES+64 codes are left
	CMN  $64, CODES
	BEQ  done
	VLD2 (SRC), [V0.B16, V1.B16]
	VSLI $4, V1.B16, V0.B16
	VST1 [V0.B16], (DST)

done:
	RET

//	for i := range dst {
//		c := codes[4*i:]
//		dst[i] = c[0]&3 | c[1]&3<<2 | c[2]&3<<4 | c[3]<<6
//	}
//
// func pack2NEON(dst []byte, codes []uint8)
//
// len(codes) is a multiple of 64.
//
// Named above: CODES.
TEXT ·pack2NEON(SB), NOSPLIT, $0-48
	MOVD dst_base+0(FP), DST
	MOVD codes_base+24(FP), SRC
	MOVD codes_len+32(FP), CODES
	CBZ  CODES, done

loop: // 64 codes
	VLD4.P 64(SRC), [V0.B16, V1.B16, V2.B16, V3.B16]
	VSLI   $2, V3.B16, V2.B16
	VSLI   $2, V1.B16, V0.B16
	VSLI   $4, V2.B16, V0.B16
	VST1.P [V0.B16], 16(DST)
	SUBS   $64, CODES
	BNE    loop

done:
	RET

// To extend signs, the sign bits in the bytes are flipped before the codes are
// taken apart, and their weight is taken off afterwards. sign is the sign bit of a
// signed code, else 0.

//	for i := range dst {
//		c := packed[i/2] >> (i % 2 * 4) & 0x0f
//		dst[i] = c // (c^8)-8 if signed
//	}
//
// func unpack4NEON(dst []uint8, packed []byte, sign uint8)
//
// len(dst) is a multiple of 32.
//
// Named above: CODES.
#define FLIP  V16 // sign bits of both codes of a byte
#define SIGNS V17 // sign bit of one code
#define BITS  V18 // the bits of a code
TEXT ·unpack4NEON(SB), NOSPLIT, $0-49
	MOVD  dst_base+0(FP), DST
	MOVD  dst_len+8(FP), CODES
	MOVD  packed_base+24(FP), SRC
	MOVBU sign+48(FP), R3
	VDUP  R3, SIGNS.B16
	ORR   R3<<4, R3
	VDUP  R3, FLIP.B16
	VMOVI $0x0F, BITS.B16
	CBZ   CODES, done

loop: // 32 codes
	VLD1.P 16(SRC), [V0.B16]
	VEOR   FLIP.B16, V0.B16, V0.B16
	VUSHR  $4, V0.B16, V1.B16
	VAND   BITS.B16, V0.B16, V0.B16
	VSUB   SIGNS.B16, V1.B16, V1.B16
	VSUB   SIGNS.B16, V0.B16, V0.B16
	VST2.P [V0.B16, V1.B16], 32(DST)
	SUBS   $32, CODES
	BNE    loop

done:
	RET

//	for i := range dst {
//		c := packed[i/4] >> (i % 4 * 2) & 0x03
//		dst[i] = c // (c^2)-2 if signed
//	}
//
// func unpack2NEON(dst []uint8, packed []byte, sign uint8)
//
// len(dst) is a multiple of 64.
//
// Named above: CODES, FLIP, SIGNS, BITS.
TEXT ·unpack2NEON(SB), NOSPLIT, $0-49
	MOVD  dst_base+0(FP), DST
	MOVD  dst_len+8(FP), CODES
	MOVD  packed_base+24(FP), SRC
	MOVBU sign+48(FP), R3
	VDUP  R3, SIGNS.B16
	ORR   R3<<2, R3
	ORR   R3<<4, R3
	VDUP  R3, FLIP.B16
	VMOVI $0x03, BITS.B16
	CBZ   CODES, done

loop: // 64 codes
	VLD1.P 16(SRC), [V0.B16]
	VEOR   FLIP.B16, V0.B16, V0.B16
	VUSHR  $2, V0.B16, V1.B16
	VUSHR  $4, V0.B16, V2.B16
	VUSHR  $6, V0.B16, V3.B16
	VAND   BITS.B16, V0.B16, V0.B16
	VAND   BITS.B16, V1.B16, V1.B16
	VAND   BITS.B16, V2.B16, V2.B16
	VSUB   SIGNS.B16, V0.B16, V0.B16
	VSUB   SIGNS.B16, V1.B16, V1.B16
	VSUB   SIGNS.B16, V2.B16, V2.B16
	VSUB   SIGNS.B16, V3.B16, V3.B16
	VST4.P [V0.B16, V1.B16, V2.B16, V3.B16], 64(DST)
	SUBS   $64, CODES
	BNE    loop

done:
	RET
