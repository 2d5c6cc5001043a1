//go:build !purego

// search.SortFew with AVX-512.

#include "textflag.h"

#define DST    DI  // where the values go
#define SRC    SI  // the values
#define LOW    Z0  // keys 0 to 15
#define HIGH   Z1  // keys 16 to 31
#define SIGNS  Z31 // all bits but the sign
#define ODD    K3  // lanes whose numbers have the bit 1
#define SECOND K4  // lanes whose numbers have the bit 2
#define FOURTH K5  // lanes whose numbers have the bit 4
#define EIGHTH K6  // lanes whose numbers have the bit 8

// FLIP changes the bits of float32 into integers of the same order, and back. It changes t.
#define FLIP(x, t) \
	VPSRAD $31, x, t    \
	VPANDD SIGNS, t, t  \
	VPXORD t, x, x

// ORDER_BOTH puts pairs of lanes into order. Z2 and Z3 have, in each lane, the other lane of its
// pair. k says which lanes of the pairs get the larger key.
#define ORDER_BOTH(k) \
	VPMINSD   Z2, LOW, Z4     \
	VPMINSD   Z3, HIGH, Z5    \
	VPMAXSD   Z2, LOW, k, Z4  \
	VPMAXSD   Z3, HIGH, k, Z5 \
	VMOVDQA64 Z4, LOW         \
	VMOVDQA64 Z5, HIGH

// BY1 and so on order pairs whose numbers differ in the bit 1 and so on; REVERSED4 orders pairs
// whose numbers differ in the two lowest bits, REVERSED8 in the three lowest and so on.
#define BY1 \
	VPSHUFD $0xb1, LOW, Z2  \
	VPSHUFD $0xb1, HIGH, Z3 \
	ORDER_BOTH(ODD)

#define BY2 \
	VPSHUFD $0x4e, LOW, Z2  \
	VPSHUFD $0x4e, HIGH, Z3 \
	ORDER_BOTH(SECOND)

#define BY4 \
	VSHUFI32X4 $0xb1, LOW, LOW, Z2   \
	VSHUFI32X4 $0xb1, HIGH, HIGH, Z3 \
	ORDER_BOTH(FOURTH)

#define BY8 \
	VSHUFI32X4 $0x4e, LOW, LOW, Z2   \
	VSHUFI32X4 $0x4e, HIGH, HIGH, Z3 \
	ORDER_BOTH(EIGHTH)

#define REVERSED4 \
	VPSHUFD $0x1b, LOW, Z2  \
	VPSHUFD $0x1b, HIGH, Z3 \
	ORDER_BOTH(SECOND)

#define REVERSED8 \
	VSHUFI32X4 $0xb1, LOW, LOW, Z2   \
	VSHUFI32X4 $0xb1, HIGH, HIGH, Z3 \
	VPSHUFD $0x1b, Z2, Z2            \
	VPSHUFD $0x1b, Z3, Z3            \
	ORDER_BOTH(FOURTH)

#define REVERSED16 \
	VSHUFI32X4 $0x1b, LOW, LOW, Z2   \
	VSHUFI32X4 $0x1b, HIGH, HIGH, Z3 \
	VPSHUFD $0x1b, Z2, Z2            \
	VPSHUFD $0x1b, Z3, Z3            \
	ORDER_BOTH(EIGHTH)

//	search.SortFew(dst, x)
//
// func sortFewAVX512(dst []float64, x []float32)
//
// It is K. Batcher's bitonic sorter (Sorting Networks and Their Applications, 1968). Missing values
// are the largest key, which is that of a NaN.
TEXT ·sortFewAVX512(SB), NOSPLIT, $0-48
	MOVQ  dst_base+0(FP), DST
	MOVQ  x_base+24(FP), SRC
	MOVQ  x_len+32(FP), CX
	MOVL  $-1, AX
	BZHIL CX, AX, AX
	KMOVD AX, K1
	KSHIFTRD $16, K1, K2
	MOVL  $0x7fffffff, AX
	VPBROADCASTD AX, SIGNS
	VMOVDQA32 SIGNS, LOW
	VMOVDQA32 SIGNS, HIGH
	VMOVDQU32 (SRC), K1, LOW
	VMOVDQU32 64(SRC), K2, HIGH
	FLIP(LOW, Z2)
	FLIP(HIGH, Z3)
	MOVL  $0xaaaa, AX
	KMOVW AX, ODD
	MOVL  $0xcccc, AX
	KMOVW AX, SECOND
	MOVL  $0xf0f0, AX
	KMOVW AX, FOURTH
	MOVL  $0xff00, AX
	KMOVW AX, EIGHTH
	BY1
	REVERSED4
	BY1
	REVERSED8
	BY2
	BY1
	REVERSED16
	BY4
	BY2
	BY1

	// The keys of HIGH in descending order are paired with those of LOW.
	VSHUFI32X4 $0x1b, HIGH, HIGH, Z3
	VPSHUFD    $0x1b, Z3, Z3
	VPMAXSD    Z3, LOW, HIGH
	VPMINSD    Z3, LOW, LOW
	BY8
	BY4
	BY2
	BY1
	FLIP(LOW, Z2)
	FLIP(HIGH, Z3)
	VEXTRACTF64X4 $1, LOW, Y2
	VEXTRACTF64X4 $1, HIGH, Y3
	VCVTPS2PD  Y0, Z0
	VCVTPS2PD  Y2, Z2
	VCVTPS2PD  Y1, Z1
	VCVTPS2PD  Y3, Z3
	VMOVUPD    Z0, K1, (DST)
	KSHIFTRD   $8, K1, K1
	VMOVUPD    Z2, K1, 64(DST)
	VMOVUPD    Z1, K2, 128(DST)
	KSHIFTRD   $8, K2, K2
	VMOVUPD    Z3, K2, 192(DST)
	VZEROUPPER
	RET
