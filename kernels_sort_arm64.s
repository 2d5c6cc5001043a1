//go:build !purego

// search.SortFew with NEON.

#include "textflag.h"
#include "kernels_arm64.h"

// ORDER sets lo to the lesser and hi to the greater lanes of a and b, registers as numbers. lo is
// neither a nor b. Both instructions take -0 as less than +0.
#define ORDER(a, b, lo, hi) \
	VFMIN_S4(a, b, lo) \
	VFMAX_S4(a, b, hi)

// TRANSPOSE sets e to the first lanes of a, b, c and d, f to the second ones and so on. It uses V24
// to V27.
#define TRANSPOSE(a, b, c, d, e, f, g, h) \
	VZIP1 c.S4, a.S4, V24.S4   \
	VZIP2 c.S4, a.S4, V25.S4   \
	VZIP1 d.S4, b.S4, V26.S4   \
	VZIP2 d.S4, b.S4, V27.S4   \
	VZIP1 V26.S4, V24.S4, e.S4 \
	VZIP2 V26.S4, V24.S4, f.S4 \
	VZIP1 V27.S4, V25.S4, g.S4 \
	VZIP2 V27.S4, V25.S4, h.S4

// REVERSE sets r to the lanes of a from the last to the first.
#define REVERSE(a, r) \
	VREV64 a.S4, r.S4           \
	VEXT   $8, r.B16, r.B16, r.B16

// WITHIN sorts the lanes of each of V16 to V19, a bitonic sequence, into a, b, c and d. It uses
// V20 to V27.
#define WITHIN(a, b, c, d) \
	TRANSPOSE(V16, V17, V18, V19, V20, V21, V22, V23) \
	ORDER(20, 22, 16, 18)                             \
	ORDER(21, 23, 17, 19)                             \
	ORDER(16, 17, 20, 21)                             \
	ORDER(18, 19, 22, 23)                             \
	TRANSPOSE(V20, V21, V22, V23, a, b, c, d)

// MERGE_8 merges the sorted values of a and b with those of c and d. an and bn are the numbers of a
// and b. It uses V16 to V29.
#define MERGE_8(a, an, b, bn, c, d) \
	REVERSE(d, V24)       \
	REVERSE(c, V25)       \
	ORDER(an, 24, 26, 28) \
	ORDER(bn, 25, 27, 29) \
	ORDER(26, 27, 16, 17) \
	ORDER(28, 29, 18, 19) \
	WITHIN(a, b, c, d)

//	search.SortFew(dst, x)
//
// func sortFewNEON(dst []float64, x []float32)
//
// A network of 19 pairs sorts the lanes of 8 registers, which are then merged by K. Batcher's bitonic
// sorter (Sorting Networks and Their Applications, 1968). Missing values are +Inf. The frame holds
// the values, and then the results, if there are fewer than 32.
#define RESULTS R0 // dst
#define VALUES  R1 // x
#define COUNT   R2 // their number
TEXT ·sortFewNEON(SB), NOSPLIT, $256-48
	MOVD dst_base+0(FP), RESULTS
	MOVD x_base+24(FP), VALUES
	MOVD x_len+32(FP), COUNT
	CMP  $32, COUNT
	BLT  few

load:
	VLD1.P 64(VALUES), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1   (VALUES), [V4.S4, V5.S4, V6.S4, V7.S4]

	// The network of 19 pairs. The registers of the 8 places change.
	ORDER(0, 2, 16, 18)
	ORDER(1, 3, 17, 19)
	ORDER(4, 6, 20, 22)
	ORDER(5, 7, 21, 23)
	ORDER(16, 20, 0, 4)
	ORDER(17, 21, 1, 5)
	ORDER(18, 22, 2, 6)
	ORDER(19, 23, 3, 7)
	ORDER(0, 1, 16, 17)
	ORDER(2, 3, 18, 19)
	ORDER(4, 5, 20, 21)
	ORDER(6, 7, 22, 23)
	ORDER(18, 20, 2, 4)
	ORDER(19, 21, 3, 5)
	ORDER(17, 4, 1, 20)
	ORDER(3, 22, 19, 6)
	ORDER(1, 2, 17, 18)
	ORDER(19, 20, 3, 4)
	ORDER(5, 6, 21, 22)

	// The four sorted columns become those of V0 and V4, V1 and V5 and so on.
	TRANSPOSE(V16, V17, V18, V3, V0, V1, V2, V3)
	TRANSPOSE(V4, V21, V22, V23, V4, V5, V6, V7)
	MERGE_8(V0, 0, V4, 4, V1, V5)
	MERGE_8(V2, 2, V6, 6, V3, V7)

	// V0, V4, V1 and V5 are merged with V2, V6, V3 and V7.
	REVERSE(V7, V24)
	REVERSE(V3, V25)
	REVERSE(V6, V26)
	REVERSE(V2, V27)
	ORDER(0, 24, 16, 20)
	ORDER(4, 25, 17, 21)
	ORDER(1, 26, 18, 22)
	ORDER(5, 27, 19, 23)
	ORDER(16, 18, 0, 2)
	ORDER(17, 19, 1, 3)
	ORDER(20, 22, 4, 6)
	ORDER(21, 23, 5, 7)
	ORDER(0, 1, 16, 17)
	ORDER(2, 3, 18, 19)
	WITHIN(V0, V1, V2, V3)
	ORDER(4, 5, 16, 17)
	ORDER(6, 7, 18, 19)
	WITHIN(V4, V5, V6, V7)

	VFCVTL_D2(0, 16)
	VFCVTL2_D2(0, 17)
	VFCVTL_D2(1, 18)
	VFCVTL2_D2(1, 19)
	VFCVTL_D2(2, 20)
	VFCVTL2_D2(2, 21)
	VFCVTL_D2(3, 22)
	VFCVTL2_D2(3, 23)
	VFCVTL_D2(4, 24)
	VFCVTL2_D2(4, 25)
	VFCVTL_D2(5, 26)
	VFCVTL2_D2(5, 27)
	VFCVTL_D2(6, 28)
	VFCVTL2_D2(6, 29)
	VFCVTL_D2(7, 30)
	VFCVTL2_D2(7, 31)
	VST1.P [V16.D2, V17.D2, V18.D2, V19.D2], 64(RESULTS)
	VST1.P [V20.D2, V21.D2, V22.D2, V23.D2], 64(RESULTS)
	VST1.P [V24.D2, V25.D2, V26.D2, V27.D2], 64(RESULTS)
	VST1   [V28.D2, V29.D2, V30.D2, V31.D2], (RESULTS)
	CMP    $32, COUNT
	BEQ    done

	// The first results are copied.
	MOVD dst_base+0(FP), RESULTS
	MOVD $buf-256(SP), R9

results:
	MOVD.P 8(R9), R10
	MOVD.P R10, 8(RESULTS)
	SUBS   $1, COUNT
	BNE    results

done:
	RET

few:
	CBZ    COUNT, done
	MOVW   $infBits, R9
	VDUP   R9, V0.S4
	VDUP   R9, V1.S4
	VDUP   R9, V2.S4
	VDUP   R9, V3.S4
	MOVD   $buf-256(SP), R9
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R9)
	VST1   [V0.S4, V1.S4, V2.S4, V3.S4], (R9)
	MOVD   $buf-256(SP), R9
	MOVD   COUNT, R10

values:
	MOVWU.P 4(VALUES), R11
	MOVW.P  R11, 4(R9)
	SUBS    $1, R10
	BNE     values
	MOVD    $buf-256(SP), VALUES
	MOVD    VALUES, RESULTS
	B       load
