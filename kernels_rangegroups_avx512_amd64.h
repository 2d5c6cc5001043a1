// Ends of groups of 16, 32, 64 and 128 elements with AVX-512, sixteen groups at a time: macros for
// the kernels that compute ranges. They are included after kernels_avx512_amd64.h.

#define SIGNED           Z12 // greatest signed of each group
#define UNSIGNED         Z13 // greatest unsigned of each group
#define INFINITIES       Z16 // +Inf
#define MINUS_INFINITIES Z17 // -Inf
#define NAUGHT           Z18 // 0

// JOIN_DWORDS, JOIN_QWORDS and JOIN_LANES are the levels of a tree that reduces sixteen
// vectors to one by OP and transposes them on the way. Element i of the last result is what
// vector i is reduced to. They use Z24.
#define JOIN_DWORDS(OP, a, b, d) \
	VPUNPCKLDQ b, a, d   \
	VPUNPCKHDQ b, a, Z24 \
	OP         Z24, d, d

#define JOIN_QWORDS(OP, a, b, d) \
	VPUNPCKLQDQ b, a, d   \
	VPUNPCKHQDQ b, a, Z24 \
	OP          Z24, d, d

#define JOIN_LANES(OP, a, b, d) \
	VSHUFI64X2 $0x88, b, a, d   \
	VSHUFI64X2 $0xdd, b, a, Z24 \
	OP         Z24, d, d

// ENDS_2 and ENDS_4 set s to the greatest signed and u to the greatest unsigned of the 2 or 4
// vectors off bytes from SRC on. MORE_4 takes 4 more into them.
#define ENDS_2(off, s, u) \
	VMOVDQU32 (off)(SRC), Z28    \
	VMOVDQU32 (off+64)(SRC), Z29 \
	VPMAXSD   Z29, Z28, s        \
	VPMAXUD   Z29, Z28, u

#define MORE_2(off, s, u) \
	VMOVDQU32 (off)(SRC), Z28    \
	VMOVDQU32 (off+64)(SRC), Z29 \
	VPMAXSD   Z28, s, s          \
	VPMAXUD   Z28, u, u          \
	VPMAXSD   Z29, s, s          \
	VPMAXUD   Z29, u, u

#define ENDS_4(off, s, u) \
	ENDS_2(off, s, u)     \
	MORE_2(off+128, s, u)

#define ENDS_8(off, s, u) \
	ENDS_4(off, s, u)     \
	MORE_2(off+256, s, u) \
	MORE_2(off+384, s, u)

// PAIR_N reduces and joins two groups of N elements.
#define PAIR_16(off, s, u) \
	VMOVDQU32  (off)(SRC), Z28    \
	VMOVDQU32  (off+64)(SRC), Z29 \
	VPUNPCKLDQ Z29, Z28, Z20      \
	VPUNPCKHDQ Z29, Z28, Z21      \
	VPMAXSD    Z21, Z20, s        \
	VPMAXUD    Z21, Z20, u

#define JOIN_PAIR(s, u) \
	JOIN_DWORDS(VPMAXSD, Z20, Z22, s) \
	JOIN_DWORDS(VPMAXUD, Z21, Z23, u)

#define PAIR_32(off, s, u) \
	ENDS_2(off, Z20, Z21)     \
	ENDS_2(off+128, Z22, Z23) \
	JOIN_PAIR(s, u)

#define PAIR_64(off, s, u) \
	ENDS_4(off, Z20, Z21)     \
	ENDS_4(off+256, Z22, Z23) \
	JOIN_PAIR(s, u)

#define PAIR_128(off, s, u) \
	ENDS_8(off, Z20, Z21)     \
	ENDS_8(off+512, Z22, Z23) \
	JOIN_PAIR(s, u)

#define ENDS_QUAD(PAIR, size, off, s, u) \
	PAIR(off, Z0, Z1)               \
	PAIR(off+2*size, Z2, Z3)        \
	JOIN_QWORDS(VPMAXSD, Z0, Z2, s) \
	JOIN_QWORDS(VPMAXUD, Z1, Z3, u)

// ENDS_16 leaves the greatest signed of 16 groups in SIGNED and the greatest unsigned in
// UNSIGNED. size is the bytes of a group.
#define ENDS_16(PAIR, size) \
	ENDS_QUAD(PAIR, size, 0, Z4, Z5)        \
	ENDS_QUAD(PAIR, size, 4*size, Z6, Z7)   \
	JOIN_LANES(VPMAXSD, Z4, Z6, Z8)         \
	JOIN_LANES(VPMAXUD, Z5, Z7, Z9)         \
	ENDS_QUAD(PAIR, size, 8*size, Z4, Z5)   \
	ENDS_QUAD(PAIR, size, 12*size, Z6, Z7)  \
	JOIN_LANES(VPMAXSD, Z4, Z6, Z10)        \
	JOIN_LANES(VPMAXUD, Z5, Z7, Z11)        \
	JOIN_LANES(VPMAXSD, Z8, Z10, SIGNED)    \
	JOIN_LANES(VPMAXUD, Z9, Z11, UNSIGNED)

// LEAST_N sets d to the least unsigned of a group of N elements.
#define LEAST_16(off, d) \
	VMOVDQU32 (off)(SRC), d

#define LEAST_32(off, d) \
	VMOVDQU32 (off)(SRC), d        \
	VPMINUD   (off+64)(SRC), d, d

#define LEAST_64(off, d) \
	LEAST_32(off, d)               \
	VPMINUD   (off+128)(SRC), d, d \
	VPMINUD   (off+192)(SRC), d, d

#define LEAST_128(off, d) \
	LEAST_64(off, d)               \
	VPMINUD   (off+256)(SRC), d, d \
	VPMINUD   (off+320)(SRC), d, d \
	VPMINUD   (off+384)(SRC), d, d \
	VPMINUD   (off+448)(SRC), d, d

#define LEAST_QUAD(LEAST, size, off, d) \
	LEAST(off, Z20)                     \
	LEAST(off+size, Z21)                \
	LEAST(off+2*size, Z22)              \
	LEAST(off+3*size, Z23)              \
	JOIN_DWORDS(VPMINUD, Z20, Z21, Z0)  \
	JOIN_DWORDS(VPMINUD, Z22, Z23, Z1)  \
	JOIN_QWORDS(VPMINUD, Z0, Z1, d)

// ONE_SIGN gives the groups of one sign their other end, the least unsigned, see "Ranges" in
// kernels.go. K2 tells the groups without an element that is not negative, K1 those without
// a negative element.
#define ONE_SIGN(LEAST, size) \
	LEAST_QUAD(LEAST, size, 0, Z4)        \
	LEAST_QUAD(LEAST, size, 4*size, Z5)   \
	LEAST_QUAD(LEAST, size, 8*size, Z6)   \
	LEAST_QUAD(LEAST, size, 12*size, Z7)  \
	JOIN_LANES(VPMINUD, Z4, Z5, Z8)       \
	JOIN_LANES(VPMINUD, Z6, Z7, Z9)       \
	JOIN_LANES(VPMINUD, Z8, Z9, Z10)      \
	VMOVDQA32  Z10, K2, SIGNED            \
	VMOVDQA32  Z10, K1, UNSIGNED

// CHECK_ENDS adds the ends that are not finite to K4, and jumps if there are groups of one
// sign.
#define CHECK_ENDS(onesign) \
	VPCMPD   $5, INFINITIES, SIGNED, K2         \
	VPCMPUD  $5, MINUS_INFINITIES, UNSIGNED, K3 \
	KORW     K2, K4, K4                         \
	KORW     K3, K4, K4                         \
	VPMOVD2M SIGNED, K2                         \
	VPMOVD2M UNSIGNED, K1                       \
	KNOTW    K1, K1                             \
	KORTESTW K1, K2                             \
	JNE      onesign
