//go:build !purego

// The ranges of arm64's first instruction set, NEON.

#include "textflag.h"
#include "kernels_arm64.h"

//	for i := range lo {
//		r := src[i*run : min((i+1)*run, len(src))]
//		lo[i], hi[i] = slices.Min(r)+0, slices.Max(r)+0 // -0 becomes +0
//		for _, x := range r {
//			ok = ok && finite(x)
//		}
//	}
//
// func rangeRunsNEON(lo, hi, src []float32, run int) bool
//
// FMIN and FMAX keep NaN, and infinities are the minimum or maximum: what is not
// finite shows in the results. V16 to V19 hold minima, V20 to V23 maxima.
#define MINS         R0  // where the next minimum goes
#define MAXS         R4  // where the next maximum goes
#define RUNS         R6  // runs left
#define BEHIND       R9  // elements left behind those that NEXT points to
#define NEXT         R10 // next elements of a run of 16 or more
#define NAUGHT       V27 // 0
#define NAUGHT_F     F27 // its first lane
#define NAUGHT_N     27  // its number
#define NOT_FINITE   V26 // NaN if an element was not finite
#define NOT_FINITE_F F26 // its first lane
#define NOT_FINITE_N 26  // its number
TEXT ·rangeRunsNEON(SB), NOSPLIT, $0-81
	MOVD lo_base+0(FP), MINS
	MOVD lo_len+8(FP), RUNS
	MOVD hi_base+24(FP), MAXS
	MOVD src_base+48(FP), SRC
	MOVD src_len+56(FP), LEFT
	MOVD run+72(FP), RUN
	VEOR NOT_FINITE.B16, NOT_FINITE.B16, NOT_FINITE.B16
	VEOR NAUGHT.B16, NAUGHT.B16, NAUGHT.B16

nextrun:
	CBZ  RUNS, done
	SUB  $1, RUNS
	CMP  RUN, LEFT
	CSEL LT, LEFT, RUN, N
	SUB  N, LEFT
	SUBS $16, N, BEHIND
	BLT  short

	// The first 16 elements and the 16 after them, or the last 16.
	CMP    $16, BEHIND
	MOVD   $16, NEXT
	CSEL   LT, BEHIND, NEXT, NEXT
	ADD    NEXT<<2, SRC, NEXT
	VLD1   (SRC), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1.P 64(NEXT), [V4.S4, V5.S4, V6.S4, V7.S4]
	ADD    N<<2, SRC
	VFMIN_S4(4, 0, 16)
	VFMIN_S4(5, 1, 17)
	VFMIN_S4(6, 2, 18)
	VFMIN_S4(7, 3, 19)
	VFMAX_S4(4, 0, 20)
	VFMAX_S4(5, 1, 21)
	VFMAX_S4(6, 2, 22)
	VFMAX_S4(7, 3, 23)
	SUBS   $16, BEHIND
	BLE    fold
	SUBS   $32, BEHIND
	BLT    tail

loop: // 32 elements
	VLD1.P 64(NEXT), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1.P 64(NEXT), [V4.S4, V5.S4, V6.S4, V7.S4]
	VFMIN_S4(0, 16, 16)
	VFMIN_S4(1, 17, 17)
	VFMIN_S4(2, 18, 18)
	VFMIN_S4(3, 19, 19)
	VFMAX_S4(0, 20, 20)
	VFMAX_S4(1, 21, 21)
	VFMAX_S4(2, 22, 22)
	VFMAX_S4(3, 23, 23)
	VFMIN_S4(4, 16, 16)
	VFMIN_S4(5, 17, 17)
	VFMIN_S4(6, 18, 18)
	VFMIN_S4(7, 19, 19)
	VFMAX_S4(4, 20, 20)
	VFMAX_S4(5, 21, 21)
	VFMAX_S4(6, 22, 22)
	VFMAX_S4(7, 23, 23)
	SUBS   $32, BEHIND
	BGE    loop

tail: // BEHIND+32 elements are left
	CMN  $32, BEHIND
	BEQ  fold
	ADD  BEHIND<<2, NEXT
	MOVD $0, BEHIND
	B    loop

fold:
	VFMIN_S4(17, 16, 16)
	VFMIN_S4(19, 18, 18)
	VFMAX_S4(21, 20, 20)
	VFMAX_S4(23, 22, 22)
	VFMIN_S4(18, 16, 16)
	VFMAX_S4(22, 20, 20)

store:
	VFMINV_S4(16, 16)
	VFMAXV_S4(20, 20)
	FADDS   NAUGHT_F, F16 // -0 + 0 = 0
	FADDS   NAUGHT_F, F20
	FMOVS.P F16, 4(MINS)
	FMOVS.P F20, 4(MAXS)
	FMADDS  NAUGHT_F, NOT_FINITE_F, F16, NOT_FINITE_F
	FMADDS  NAUGHT_F, NOT_FINITE_F, F20, NOT_FINITE_F
	B       nextrun

short: // N < 16 elements
	SUBS   $4, N, BEHIND
	BLT    tiny
	VLD1.P 16(SRC), [V0.S4]
	VORR   V0.B16, V0.B16, V16.B16
	VORR   V0.B16, V0.B16, V20.B16

shortloop: // BEHIND elements are left
	CBZ    BEHIND, store
	SUBS   $4, BEHIND
	BGE    step
	ADD    BEHIND<<2, SRC
	MOVD   $0, BEHIND

step:
	VLD1.P 16(SRC), [V0.S4]
	VFMIN_S4(0, 16, 16)
	VFMAX_S4(0, 20, 20)
	B      shortloop

tiny: // N < 4 elements
	VLD1R.P 4(SRC), [V16.S4]
	VORR    V16.B16, V16.B16, V20.B16

tinyloop:
	SUBS    $1, N
	BEQ     store
	VLD1R.P 4(SRC), [V0.S4]
	VFMIN_S4(0, 16, 16)
	VFMAX_S4(0, 20, 20)
	B       tinyloop

done:
	FCMPS NOT_FINITE_F, NOT_FINITE_F
	CSET  VC, R0
	MOVB  R0, ret+80(FP)
	RET

// RANGE_GROUP leaves the minima of a run of 16, 32, 48 … elements in four lanes of the
// register with the number min, and the maxima in those of max. The other arguments
// are labels.
#define RANGE_GROUP(min, max, loop, fold) \
	VLD1   (SRC), [V16.S4, V17.S4, V18.S4, V19.S4]   \
	VLD1.P 64(SRC), [V20.S4, V21.S4, V22.S4, V23.S4] \
	SUBS   $16, RUN, N                               \
	BEQ    fold                                      \
loop:                                                    \
	VLD1.P 64(SRC), [V0.S4, V1.S4, V2.S4, V3.S4]     \
	VFMIN_S4(0, 16, 16)                              \
	VFMIN_S4(1, 17, 17)                              \
	VFMIN_S4(2, 18, 18)                              \
	VFMIN_S4(3, 19, 19)                              \
	VFMAX_S4(0, 20, 20)                              \
	VFMAX_S4(1, 21, 21)                              \
	VFMAX_S4(2, 22, 22)                              \
	VFMAX_S4(3, 23, 23)                              \
	SUBS   $16, N                                    \
	BNE    loop                                      \
fold:                                                    \
	VFMIN_S4(17, 16, 16)                             \
	VFMIN_S4(19, 18, 18)                             \
	VFMAX_S4(21, 20, 20)                             \
	VFMAX_S4(23, 22, 22)                             \
	VFMIN_S4(18, 16, min)                            \
	VFMAX_S4(22, 20, max)

//	for i := range lo {
//		r := src[i*run:][:run]
//		lo[i], hi[i] = slices.Min(r)+0, slices.Max(r)+0 // -0 becomes +0
//		for _, x := range r {
//			ok = ok && finite(x)
//		}
//	}
//
// func rangeGroupsNEON(lo, hi, src []float32, run int) bool
//
// len(lo) is a multiple of 4 and not 0, run one of 16. Four runs are folded together.
//
// Named above: MINS, MAXS, RUNS, NAUGHT, NOT_FINITE.
TEXT ·rangeGroupsNEON(SB), NOSPLIT, $0-81
	MOVD lo_base+0(FP), MINS
	MOVD lo_len+8(FP), RUNS
	MOVD hi_base+24(FP), MAXS
	MOVD src_base+48(FP), SRC
	MOVD run+72(FP), RUN
	VEOR NOT_FINITE.B16, NOT_FINITE.B16, NOT_FINITE.B16
	VEOR NAUGHT.B16, NAUGHT.B16, NAUGHT.B16

groups: // 4 runs
	RANGE_GROUP(4, 8, loop1, fold1)
	RANGE_GROUP(5, 9, loop2, fold2)
	RANGE_GROUP(6, 10, loop3, fold3)
	RANGE_GROUP(7, 11, loop4, fold4)
	VFMINP_S4(5, 4, 4)
	VFMINP_S4(7, 6, 6)
	VFMAXP_S4(9, 8, 8)
	VFMAXP_S4(11, 10, 10)
	VFMINP_S4(6, 4, 4)
	VFMAXP_S4(10, 8, 8)
	VFADD_S4(NAUGHT_N, 4, 4) // -0 + 0 = 0
	VFADD_S4(NAUGHT_N, 8, 8)
	VFMLA  NAUGHT.S4, V4.S4, NOT_FINITE.S4
	VFMLA  NAUGHT.S4, V8.S4, NOT_FINITE.S4
	VST1.P [V4.S4], 16(MINS)
	VST1.P [V8.S4], 16(MAXS)
	SUBS   $4, RUNS
	BNE    groups
	VFMAXV_S4(NOT_FINITE_N, NOT_FINITE_N) // keeps NaN
	FCMPS  NOT_FINITE_F, NOT_FINITE_F
	CSET   VC, R0
	MOVB   R0, ret+80(FP)
	RET

//	for r := range rows {
//		for j, x := range src[r*stride:][:len(lo)] {
//			lo[j], hi[j] = min(lo[j], x)+0, max(hi[j], x)+0 // -0 becomes +0
//			ok = ok && finite(x)
//		}
//	}
//
// func rangeColumnsNEON(lo, hi, src []float32, rows, stride int) bool
//
// len(lo) is 16 or more, rows 1 or more. V16 to V19 hold minima, V20 to V23 maxima.
//
// Named above: MINS, MAXS, NAUGHT, NOT_FINITE.
#define SRC_COLUMNS R1 // the columns in the first row
#define ROW_SRC     R5 // their next row
#define ROWS        R2 // rows
#define ROWS_LEFT   R9 // rows left
#define COLUMNS     R8 // columns left, less 16
#define STRIDE      R3 // bytes from row to row
TEXT ·rangeColumnsNEON(SB), NOSPLIT, $0-89
	MOVD lo_base+0(FP), MINS
	MOVD lo_len+8(FP), COLUMNS
	MOVD hi_base+24(FP), MAXS
	MOVD src_base+48(FP), SRC_COLUMNS
	MOVD rows+72(FP), ROWS
	MOVD stride+80(FP), STRIDE
	LSL  $2, STRIDE
	SUB  $16, COLUMNS
	VEOR NOT_FINITE.B16, NOT_FINITE.B16, NOT_FINITE.B16
	VEOR NAUGHT.B16, NAUGHT.B16, NAUGHT.B16

columns: // 16 columns
	MOVD   SRC_COLUMNS, ROW_SRC
	VLD1.P (ROW_SRC)(STRIDE), [V16.S4, V17.S4, V18.S4, V19.S4]
	SUBS   $1, ROWS, ROWS_LEFT
	VORR   V16.B16, V16.B16, V20.B16
	VORR   V17.B16, V17.B16, V21.B16
	VORR   V18.B16, V18.B16, V22.B16
	VORR   V19.B16, V19.B16, V23.B16
	BEQ    store

loop: // a row
	VLD1.P (ROW_SRC)(STRIDE), [V0.S4, V1.S4, V2.S4, V3.S4]
	VFMIN_S4(0, 16, 16)
	VFMIN_S4(1, 17, 17)
	VFMIN_S4(2, 18, 18)
	VFMIN_S4(3, 19, 19)
	VFMAX_S4(0, 20, 20)
	VFMAX_S4(1, 21, 21)
	VFMAX_S4(2, 22, 22)
	VFMAX_S4(3, 23, 23)
	SUBS   $1, ROWS_LEFT
	BNE    loop

store:
	VLD1 (MINS), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1 (MAXS), [V4.S4, V5.S4, V6.S4, V7.S4]
	VFMLA NAUGHT.S4, V16.S4, NOT_FINITE.S4
	VFMLA NAUGHT.S4, V17.S4, NOT_FINITE.S4
	VFMLA NAUGHT.S4, V18.S4, NOT_FINITE.S4
	VFMLA NAUGHT.S4, V19.S4, NOT_FINITE.S4
	VFMLA NAUGHT.S4, V20.S4, NOT_FINITE.S4
	VFMLA NAUGHT.S4, V21.S4, NOT_FINITE.S4
	VFMLA NAUGHT.S4, V22.S4, NOT_FINITE.S4
	VFMLA NAUGHT.S4, V23.S4, NOT_FINITE.S4
	VFMIN_S4(16, 0, 0)
	VFMIN_S4(17, 1, 1)
	VFMIN_S4(18, 2, 2)
	VFMIN_S4(19, 3, 3)
	VFMAX_S4(20, 4, 4)
	VFMAX_S4(21, 5, 5)
	VFMAX_S4(22, 6, 6)
	VFMAX_S4(23, 7, 7)
	VFADD_S4(NAUGHT_N, 0, 0) // -0 + 0 = 0
	VFADD_S4(NAUGHT_N, 1, 1)
	VFADD_S4(NAUGHT_N, 2, 2)
	VFADD_S4(NAUGHT_N, 3, 3)
	VFADD_S4(NAUGHT_N, 4, 4)
	VFADD_S4(NAUGHT_N, 5, 5)
	VFADD_S4(NAUGHT_N, 6, 6)
	VFADD_S4(NAUGHT_N, 7, 7)
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(MINS)
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(MAXS)
	ADD    $64, SRC_COLUMNS
	SUBS   $16, COLUMNS
	BGE    columns

tail: // COLUMNS+16 columns are left
	CMN  $16, COLUMNS
	BEQ  done
	ADD  COLUMNS<<2, MINS
	ADD  COLUMNS<<2, MAXS
	ADD  COLUMNS<<2, SRC_COLUMNS
	MOVD $0, COLUMNS
	B    columns

done:
	VFMAXV_S4(NOT_FINITE_N, NOT_FINITE_N) // keeps NaN
	FCMPS NOT_FINITE_F, NOT_FINITE_F
	CSET  VC, R0
	MOVB  R0, ret+88(FP)
	RET
