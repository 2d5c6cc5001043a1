// What the NEON kernels that quantize to 8 and to 16 bits share: the arguments, the
// parameters, and the names of registers that they add to those of kernels_arm64.h.

#include "textflag.h"
#include "kernels_arm64.h"

#define ONE          V26 // 1.0
#define ONE_F        F26 // its first lane
#define ROUNDING     V12 // 1.5 * 2^23: a sum of it and a real below 2^22 has the nearest integer in its lowest bits
#define ROUNDING_N   12  // its number
#define LOWER_CODE   V14 // lower bound of the quotient
#define LOWER_CODE_F F14 // its first lane
#define LOWER_CODE_N 14  // its number
#define UPPER_CODE   V15 // upper bound of the quotient
#define UPPER_CODE_F F15 // its first lane
#define UPPER_CODE_N 15  // its number
#define DIVIDES      R10 // set if QUOTIENT does not serve the run
#define ZERO_BITS    R11 // zero point, as RUN_PARAMS leaves it
#define ZERO         V13 // zero point, in as many bits as a code is stored in
#define OFFSET1      R11 // second vector of a short step
#define OFFSET2      R12 // third vector of a short step

// RUN_ARGUMENTS loads the arguments of a kernel of runs, and what RUN_PARAMS and
// QUANTIZE need.
#define RUN_ARGUMENTS \
	MOVD dst_base+0(FP), DST       \
	MOVD src_base+24(FP), SRC      \
	MOVD src_len+32(FP), LEFT      \
	MOVD run+48(FP), RUN           \
	MOVD scale_base+56(FP), SCALES \
	MOVD zero_base+80(FP), ZEROS   \
	MOVW qmin+104(FP), QMIN        \
	MOVW qmax+108(FP), QMAX        \
	CONSTANTS

// NEXT_RUN sets N to the length of the next run and loads its parameters. It jumps to
// done if there is none.
#define NEXT_RUN(done) \
	CBZ  LEFT, done       \
	CMP  RUN, LEFT        \
	CSEL LT, LEFT, RUN, N \
	SUB  N, LEFT          \
	RUN_PARAMS

// CONSTANTS loads what RUN_PARAMS and QUANTIZE need. It uses R9.
#define CONSTANTS \
	MOVW $roundBits, R9                 \
	VDUP R9, ROUNDING.S4                \
	FMOVS $1.0, ONE_F                   \
	MOVW $scaleLeast, SCALE_LEAST       \
	MOVW $scaleSpan, SCALE_SPAN         \
	MOVW $zeroFarthest16, ZERO_FARTHEST \
	LSL  $1, ZERO_FARTHEST, ZERO_SPAN

// RUN_PARAMS reads the scale and the zero point of a run. LOWER and UPPER are the
// bounds of elements, LOWER_CODE and UPPER_CODE those of quotients. DIVIDES is set
// if QUOTIENT does not serve these parameters.
#define RUN_PARAMS \
	MOVWU.P 4(SCALES), R9                  \
	MOVW.P  4(ZEROS), ZERO_BITS            \
	VDUP    R9, SCALE.S4                   \
	SUBW    ZERO_BITS, QMIN, R12           \
	SUBW    ZERO_BITS, QMAX, R13           \
	SCVTFWS R12, LOWER_CODE_F              \
	SCVTFWS R13, UPPER_CODE_F              \
	FDIVS   SCALE_F, ONE_F, RECIP_F        \
	FMULS   SCALE_F, LOWER_CODE_F, LOWER_F \
	FMULS   SCALE_F, UPPER_CODE_F, UPPER_F \
	VDUP    LOWER_CODE.S[0], LOWER_CODE.S4 \
	VDUP    UPPER_CODE.S[0], UPPER_CODE.S4 \
	VDUP    RECIP.S[0], RECIP.S4           \
	VDUP    LOWER.S[0], LOWER.S4           \
	VDUP    UPPER.S[0], UPPER.S4           \
	SUBW    SCALE_LEAST, R9                \
	ADDW    ZERO_FARTHEST, ZERO_BITS, R12  \
	CMPW    SCALE_SPAN, R9                 \
	CCMPW   LS, R12, ZERO_SPAN, $2         \
	CSET    HI, DIVIDES

// QUANTIZE sets V0 to V3 to round(clamp(x/scale)) in their lowest bits. x is
// clamped instead of the quotient, to the bounds times the scale, which have the
// bounds as their codes. FMIN makes a NaN quiet and FMAXNM replaces that with the
// lower bound.
#define QUANTIZE \
	VFMIN_S4(UPPER_N, 0, 0)    \
	VFMIN_S4(UPPER_N, 1, 1)    \
	VFMIN_S4(UPPER_N, 2, 2)    \
	VFMIN_S4(UPPER_N, 3, 3)    \
	VFMAXNM_S4(LOWER_N, 0, 0)  \
	VFMAXNM_S4(LOWER_N, 1, 1)  \
	VFMAXNM_S4(LOWER_N, 2, 2)  \
	VFMAXNM_S4(LOWER_N, 3, 3)  \
	QUOTIENT                   \
	VFADD_S4(ROUNDING_N, 4, 0) \
	VFADD_S4(ROUNDING_N, 5, 1) \
	VFADD_S4(ROUNDING_N, 6, 2) \
	VFADD_S4(ROUNDING_N, 7, 3)

// QUANTIZE_DIVIDE does what QUANTIZE does, for any scale and bounds.
#define QUANTIZE_DIVIDE \
	VFDIV_S4(SCALE_N, 0, 0)        \
	VFDIV_S4(SCALE_N, 1, 1)        \
	VFDIV_S4(SCALE_N, 2, 2)        \
	VFDIV_S4(SCALE_N, 3, 3)        \
	VFMAXNM_S4(LOWER_CODE_N, 0, 0) \
	VFMAXNM_S4(LOWER_CODE_N, 1, 1) \
	VFMAXNM_S4(LOWER_CODE_N, 2, 2) \
	VFMAXNM_S4(LOWER_CODE_N, 3, 3) \
	VFMIN_S4(UPPER_CODE_N, 0, 0)   \
	VFMIN_S4(UPPER_CODE_N, 1, 1)   \
	VFMIN_S4(UPPER_CODE_N, 2, 2)   \
	VFMIN_S4(UPPER_CODE_N, 3, 3)   \
	VFCVTNS_S4(0, 0)               \
	VFCVTNS_S4(1, 1)               \
	VFCVTNS_S4(2, 2)               \
	VFCVTNS_S4(3, 3)

// LOAD_SHORT loads the four vectors of a short step, LOAD_1_TO_3 up to three
// single elements, the last of which is at N. They use R9 and R13.
#define LOAD_SHORT \
	ADD  OFFSET1<<2, SRC, R9  \
	ADD  OFFSET2<<2, SRC, R13 \
	VLD1 (SRC), [V0.S4]       \
	ADD  N<<2, SRC            \
	VLD1 (R9), [V1.S4]        \
	VLD1 (R13), [V2.S4]       \
	VLD1.P 16(SRC), [V3.S4]

#define LOAD_1_TO_3 \
	ADD  OFFSET1<<2, SRC, R9 \
	VLD1 (SRC), V0.S[0]      \
	ADD  N<<2, SRC           \
	VLD1 (R9), V1.S[0]       \
	VLD1.P 4(SRC), V2.S[0]

// QUANTIZE_SHORT loads the four vectors of a run of N+16 elements and quantizes them, if
// these are 4 or more: else it jumps to tiny. The other arguments are labels.
#define QUANTIZE_SHORT(tiny, divide, quantized) \
	ADDS $12, N   \
	BLT  tiny     \
	SHORT_OFFSETS \
	LOAD_SHORT    \
	QUANTIZE_OR_DIVIDE(divide, quantized)

// QUANTIZE_TINY does so with the elements of a run of N+4, which are three or fewer.
#define QUANTIZE_TINY(divide, quantized) \
	ADD  $3, N       \
	CMP  $1, N       \
	CSET GE, OFFSET1 \
	LOAD_1_TO_3      \
	QUANTIZE_OR_DIVIDE(divide, quantized)

#define QUANTIZE_OR_DIVIDE(divide, quantized) \
	CBNZ DIVIDES, divide \
	QUANTIZE             \
	B    quantized       \
divide:                      \
	QUANTIZE_DIVIDE      \
quantized:

// The kernels of columns load the parameters of 16 columns and go down the rows.
// V8 to V11 hold scales, V28 to V31 their reciprocals, V16 to V19 lower and V20 to
// V23 upper bounds, those of quotients or, after RECIPROCALS, of elements.

#define DST_COLUMNS    R0  // the columns in the first row of dst
#define SRC_COLUMNS    R1  // the columns in the first row of src
#define ROW_DST        R11 // their next row of dst
#define ROW_SRC        R9  // their next row of src
#define ROWS           R2  // rows
#define ROWS_LEFT      R8  // rows left
#define COLUMNS        R3  // columns left, less 16
#define STRIDE         R20 // bytes from row to row of src
#define DST_STRIDE     R21 // bytes from row to row of dst
#define ONES           V25 // 1.0
#define ONES_N         25  // its number
#define GRID_MIN       V26 // qmin
#define GRID_MAX       V27 // qmax
#define SCALE_LEASTS   V15 // SCALE_LEAST
#define ZERO_FARTHESTS V24 // ZERO_FARTHEST

// COLUMN_ARGUMENTS loads the arguments of a kernel of columns.
#define COLUMN_ARGUMENTS \
	MOVD dst_base+0(FP), DST_COLUMNS  \
	MOVD src_base+24(FP), SRC_COLUMNS \
	MOVD rows+48(FP), ROWS            \
	MOVD scale_base+56(FP), SCALES    \
	MOVD scale_len+64(FP), COLUMNS    \
	MOVD zero_base+80(FP), ZEROS      \
	MOVW qmin+104(FP), QMIN           \
	MOVW qmax+108(FP), QMAX

// NEXT_COLUMNS goes on to the next 16 columns, or to the last 16 if fewer are left, and
// jumps to columns. It jumps to done if none are left. A code is stored in 1<<shift bytes.
#define NEXT_COLUMNS(shift, columns, done) \
	ADD  $64, SRC_COLUMNS            \
	ADD  $(16<<(shift)), DST_COLUMNS \
	SUBS $16, COLUMNS                \
	BGE  columns                     \
	CMN  $16, COLUMNS                \
	BEQ  done                        \
	ADD  COLUMNS<<2, SRC_COLUMNS     \
	ADD  COLUMNS<<2, SCALES          \
	ADD  COLUMNS<<2, ZEROS           \
	ADD  COLUMNS<<shift, DST_COLUMNS \
	MOVD $0, COLUMNS                 \
	B    columns

// COLUMN_CONSTANTS loads what the macros for columns need.
#define COLUMN_CONSTANTS \
	CONSTANTS                             \
	VDUP GRID_MIN.S[0], ONES.S4           \
	VDUP SCALE_LEAST, SCALE_LEASTS.S4     \
	VDUP ZERO_FARTHEST, ZERO_FARTHESTS.S4 \
	VDUP QMIN, GRID_MIN.S4                \
	VDUP QMAX, GRID_MAX.S4                \
	LSL  $2, COLUMNS, STRIDE              \
	SUB  $16, COLUMNS

// COLUMN_PARAMS loads the parameters, and leaves the zero points in V0 to V3.
#define COLUMN_PARAMS \
	VLD1.P 64(SCALES), [V8.S4, V9.S4, V10.S4, V11.S4] \
	VLD1.P 64(ZEROS), [V0.S4, V1.S4, V2.S4, V3.S4]    \
	VSUB V0.S4, GRID_MIN.S4, V16.S4                   \
	VSUB V1.S4, GRID_MIN.S4, V17.S4                   \
	VSUB V2.S4, GRID_MIN.S4, V18.S4                   \
	VSUB V3.S4, GRID_MIN.S4, V19.S4                   \
	VSUB V0.S4, GRID_MAX.S4, V20.S4                   \
	VSUB V1.S4, GRID_MAX.S4, V21.S4                   \
	VSUB V2.S4, GRID_MAX.S4, V22.S4                   \
	VSUB V3.S4, GRID_MAX.S4, V23.S4                   \
	VSCVTF_S4(16, 16)                                 \
	VSCVTF_S4(17, 17)                                 \
	VSCVTF_S4(18, 18)                                 \
	VSCVTF_S4(19, 19)                                 \
	VSCVTF_S4(20, 20)                                 \
	VSCVTF_S4(21, 21)                                 \
	VSCVTF_S4(22, 22)                                 \
	VSCVTF_S4(23, 23)

// CHECK_PARAMS sets the flags to HI if QUOTIENT does not serve the parameters. It
// uses V0 to V7, R12 and R13.
#define CHECK_PARAMS \
	VSUB  SCALE_LEASTS.S4, V8.S4, V4.S4   \
	VSUB  SCALE_LEASTS.S4, V9.S4, V5.S4   \
	VSUB  SCALE_LEASTS.S4, V10.S4, V6.S4  \
	VSUB  SCALE_LEASTS.S4, V11.S4, V7.S4  \
	VADD  ZERO_FARTHESTS.S4, V0.S4, V0.S4 \
	VADD  ZERO_FARTHESTS.S4, V1.S4, V1.S4 \
	VADD  ZERO_FARTHESTS.S4, V2.S4, V2.S4 \
	VADD  ZERO_FARTHESTS.S4, V3.S4, V3.S4 \
	VUMAX V4.S4, V5.S4, V4.S4             \
	VUMAX V6.S4, V7.S4, V6.S4             \
	VUMAX V0.S4, V1.S4, V0.S4             \
	VUMAX V2.S4, V3.S4, V2.S4             \
	VUMAX V4.S4, V6.S4, V4.S4             \
	VUMAX V0.S4, V2.S4, V0.S4             \
	VUMAXV_S4(4, 4)                       \
	VUMAXV_S4(0, 0)                       \
	FMOVS F4, R12                         \
	FMOVS F0, R13                         \
	CMPW  SCALE_SPAN, R12                 \
	CCMPW LS, R13, ZERO_SPAN, $2

// RECIPROCALS prepares what QUANTIZE_COLUMNS needs.
#define RECIPROCALS \
	VFDIV_S4(8, ONES_N, 28)  \
	VFDIV_S4(9, ONES_N, 29)  \
	VFDIV_S4(10, ONES_N, 30) \
	VFDIV_S4(11, ONES_N, 31) \
	VFMUL_S4(8, 16, 16)      \
	VFMUL_S4(9, 17, 17)      \
	VFMUL_S4(10, 18, 18)     \
	VFMUL_S4(11, 19, 19)     \
	VFMUL_S4(8, 20, 20)      \
	VFMUL_S4(9, 21, 21)      \
	VFMUL_S4(10, 22, 22)     \
	VFMUL_S4(11, 23, 23)

// QUANTIZE_COLUMNS and QUANTIZE_COLUMNS_DIVIDE are QUANTIZE and QUANTIZE_DIVIDE for
// 16 columns.
#define QUANTIZE_COLUMNS \
	VFMIN_S4(20, 0, 0)         \
	VFMIN_S4(21, 1, 1)         \
	VFMIN_S4(22, 2, 2)         \
	VFMIN_S4(23, 3, 3)         \
	VFMAXNM_S4(16, 0, 0)       \
	VFMAXNM_S4(17, 1, 1)       \
	VFMAXNM_S4(18, 2, 2)       \
	VFMAXNM_S4(19, 3, 3)       \
	VFMUL_S4(28, 0, 4)         \
	VFMUL_S4(29, 1, 5)         \
	VFMUL_S4(30, 2, 6)         \
	VFMUL_S4(31, 3, 7)         \
	VFMLS V8.S4, V4.S4, V0.S4  \
	VFMLS V9.S4, V5.S4, V1.S4  \
	VFMLS V10.S4, V6.S4, V2.S4 \
	VFMLS V11.S4, V7.S4, V3.S4 \
	VFMLA V28.S4, V0.S4, V4.S4 \
	VFMLA V29.S4, V1.S4, V5.S4 \
	VFMLA V30.S4, V2.S4, V6.S4 \
	VFMLA V31.S4, V3.S4, V7.S4 \
	VFADD_S4(ROUNDING_N, 4, 0) \
	VFADD_S4(ROUNDING_N, 5, 1) \
	VFADD_S4(ROUNDING_N, 6, 2) \
	VFADD_S4(ROUNDING_N, 7, 3)

#define QUANTIZE_COLUMNS_DIVIDE \
	VFDIV_S4(8, 0, 0)    \
	VFDIV_S4(9, 1, 1)    \
	VFDIV_S4(10, 2, 2)   \
	VFDIV_S4(11, 3, 3)   \
	VFMAXNM_S4(16, 0, 0) \
	VFMAXNM_S4(17, 1, 1) \
	VFMAXNM_S4(18, 2, 2) \
	VFMAXNM_S4(19, 3, 3) \
	VFMIN_S4(20, 0, 0)   \
	VFMIN_S4(21, 1, 1)   \
	VFMIN_S4(22, 2, 2)   \
	VFMIN_S4(23, 3, 3)   \
	VFCVTNS_S4(0, 0)     \
	VFCVTNS_S4(1, 1)     \
	VFCVTNS_S4(2, 2)     \
	VFCVTNS_S4(3, 3)
