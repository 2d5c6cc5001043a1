// What the NEON kernels of errors share: those of all elements, and those of elements
// whose codes are not clamped.

#include "textflag.h"
#include "kernels_arm64.h"

// ADD_ERRORS is ADD_ALL for errors, and raises MAX to them.
#define ADD_ERRORS ADD_ALL(VFMAX_S4, MAX_N)

// ADD_ERRORS_2 does so for V0 and V1, whose lanes are columns: V16 to V19 have their sum
// |e|, V20 to V23 their sum e², V24 and V25 their max |e|.
#define ADD_ERRORS_2 \
	VFCVTL_D2(0, 4)            \
	VFCVTL2_D2(0, 5)           \
	VFCVTL_D2(1, 6)            \
	VFCVTL2_D2(1, 7)           \
	VFADD_D2(4, 16, 16)        \
	VFADD_D2(5, 17, 17)        \
	VFADD_D2(6, 18, 18)        \
	VFADD_D2(7, 19, 19)        \
	VFMLA V4.D2, V4.D2, V20.D2 \
	VFMLA V5.D2, V5.D2, V21.D2 \
	VFMLA V6.D2, V6.D2, V22.D2 \
	VFMLA V7.D2, V7.D2, V23.D2 \
	VFMAX_S4(0, 24, 24)        \
	VFMAX_S4(1, 25, 25)

// Names of the kernels of runs.
#define ACC      R0  // where the next sums go
#define LENGTH   R20 // elements of the run
#define RUNS     R21 // runs left
#define MASKS    R13 // tailMasks + 64
#define TAIL_SRC R12 // last elements of a run
#define MAX      V12 // greatest |e|
#define MAX_F    F12 // its first lane
#define MAX_N    12  // its number

// Names of the kernels of columns.
#define ABS         R0  // sums of |e| of the next columns
#define SQ          R2  // sums of e²
#define MAXS        R3  // max
#define SRC_COLUMNS R1  // the columns in the first row
#define ROW_SRC     R9  // their next row
#define ROWS        R20 // rows
#define ROWS_LEFT   R10 // rows left
#define STRIDE      R21 // bytes from row to row
#define COLUMNS     R22 // columns left, less 8
#define NEW         R12 // columns of the 8 that are not done, at their end
