//go:build !purego

// search.SortFew with AVX2.

#include "textflag.h"

#define DST     DI  // where the values go
#define SRC     SI  // the values
#define COUNT   CX  // how many there are
#define LAST    R8  // the last value that 8 can be loaded from
#define NUMBERS Y12 // 0 to 7
#define LOADED  Y13 // number of the last value that is loaded
#define EIGHT   Y14 // 8
#define SIGNS   Y15 // all bits but the sign

DATA sortLanes8<>+0(SB)/8, $0x0000000100000000
DATA sortLanes8<>+8(SB)/8, $0x0000000300000002
DATA sortLanes8<>+16(SB)/8, $0x0000000500000004
DATA sortLanes8<>+24(SB)/8, $0x0000000700000006
DATA sortLanes8<>+32(SB)/8, $0x7fffffff00000008
GLOBL sortLanes8<>(SB), RODATA|NOPTR, $40

// FLIP changes the bits of float32 into integers of the same order, and back. It changes Y8.
#define FLIP(x) \
	VPSRAD $31, x, Y8    \
	VPAND  SIGNS, Y8, Y8 \
	VPXOR  Y8, x, x

// LOAD sets x to the keys of the 8 values from n on. Where there are fewer, it loads the last 8. Those
// that are loaded already become the largest key, which is that of a NaN: so do missing values. It
// changes AX, Y8 and Y9.
#define LOAD(n, x)                     \
	MOVQ         $n, AX                \
	CMPQ         AX, LAST              \
	CMOVQGT      LAST, AX              \
	VMOVD        AX, X9                \
	VPBROADCASTD X9, Y9                \
	VPADDD       NUMBERS, Y9, Y9       \
	VPCMPGTD     LOADED, Y9, Y9        \
	VPAND        (SRC)(AX*4), Y9, x    \
	VPANDN       SIGNS, Y9, Y9         \
	VPOR         Y9, x, x              \
	VPADDD       EIGHT, LOADED, LOADED \
	FLIP(x)

// ORDER puts the two keys of each lane of a and b into order. It changes Y8.
#define ORDER(a, b) \
	VPMINSD b, a, Y8 \
	VPMAXSD b, a, b  \
	VMOVDQA Y8, a

// BITONIC sorts the four keys in each half of x. They rise and then fall, or they are such keys moved
// around a circle. It changes t and u.
#define BITONIC(x, t, u) \
	VPSHUFD  $0x4e, x, t    \
	VPMINSD  t, x, u        \
	VPMAXSD  t, x, t        \
	VPBLENDD $0xcc, t, u, x \
	VPSHUFD  $0xb1, x, t    \
	VPMINSD  t, x, u        \
	VPMAXSD  t, x, t        \
	VPBLENDD $0xaa, t, u, x

#define BITONIC_ALL \
	BITONIC(Y0, Y4, Y8)  \
	BITONIC(Y1, Y5, Y9)  \
	BITONIC(Y2, Y6, Y10) \
	BITONIC(Y3, Y7, Y11)

// STORE stores the values of the lower half of the keys y, off bytes after DST, and those of the upper
// half 64 bytes after these. x is the lower half of y.
#define STORE(y, x, off) \
	FLIP(y)                       \
	VEXTRACTI128 $1, y, X9        \
	VCVTPS2PD    x, Y8            \
	VCVTPS2PD    X9, Y9           \
	VMOVUPD      Y8, off(DST)     \
	VMOVUPD      Y9, 64+off(DST)

//	search.SortFew(dst, x)
//
// func sortFewAVX2(dst []float64, x []float32)
//
// The keys with the same lane in Y0 to Y3 are sorted first. K. Batcher's bitonic merges follow (Sorting
// Networks and Their Applications, 1968): of 4 and 4 keys, of 8 and 8, and of 16 and 16. Fewer than 32
// values are stored in the frame first, and fewer than 8 are loaded from there. (A masked load would
// do, but emulators read what is masked off.)
TEXT ·sortFewAVX2(SB), NOSPLIT, $256-48
	MOVQ         dst_base+0(FP), DST
	MOVQ         x_base+24(FP), SRC
	MOVQ         x_len+32(FP), COUNT
	VMOVDQU      sortLanes8<>(SB), NUMBERS
	VPBROADCASTD sortLanes8<>+32(SB), EIGHT
	VPBROADCASTD sortLanes8<>+36(SB), SIGNS
	VPCMPEQD     LOADED, LOADED, LOADED // -1
	MOVQ         COUNT, LAST
	SUBQ         $8, LAST
	JGE          load
	VMOVDQU      SIGNS, (SP)
	MOVQ         COUNT, AX

few:
	DECQ AX
	JLT  infew
	MOVL (SRC)(AX*4), BX
	MOVL BX, (SP)(AX*4)
	JMP  few

infew:
	MOVQ SP, SRC
	XORL LAST, LAST

load:
	LOAD(0, Y0)
	LOAD(8, Y1)
	LOAD(16, Y2)
	LOAD(24, Y3)
	ORDER(Y0, Y1)
	ORDER(Y2, Y3)
	ORDER(Y0, Y2)
	ORDER(Y1, Y3)
	ORDER(Y1, Y2)

	// The four keys of a lane become neighbours: lanes 0 and 4 in Y0, 1 and 5 in Y1 and so on.
	VPUNPCKLDQ  Y1, Y0, Y4
	VPUNPCKHDQ  Y1, Y0, Y5
	VPUNPCKLDQ  Y3, Y2, Y6
	VPUNPCKHDQ  Y3, Y2, Y7
	VPUNPCKLQDQ Y6, Y4, Y0
	VPUNPCKHQDQ Y6, Y4, Y1
	VPUNPCKLQDQ Y7, Y5, Y2
	VPUNPCKHQDQ Y7, Y5, Y3

	// Each half of Y0 is merged with that of Y1, and each half of Y2 with that of Y3.
	VPSHUFD $0x1b, Y1, Y1
	VPSHUFD $0x1b, Y3, Y3
	ORDER(Y0, Y1)
	ORDER(Y2, Y3)
	BITONIC_ALL

	// Each half of Y0 and Y1 is merged with that of Y2 and Y3.
	VPSHUFD $0x1b, Y3, Y4
	VPSHUFD $0x1b, Y2, Y5
	VPMAXSD Y4, Y0, Y2
	VPMINSD Y4, Y0, Y0
	VPMAXSD Y5, Y1, Y3
	VPMINSD Y5, Y1, Y1
	ORDER(Y0, Y1)
	ORDER(Y2, Y3)
	BITONIC_ALL

	// The lower halves of all are merged with the upper halves.
	VPERM2I128 $0x20, Y1, Y0, Y4
	VPERM2I128 $0x20, Y3, Y2, Y5
	VPERM2I128 $0x31, Y2, Y3, Y6
	VPERM2I128 $0x31, Y0, Y1, Y7
	VPSHUFD    $0x1b, Y6, Y6
	VPSHUFD    $0x1b, Y7, Y7
	VPMINSD    Y6, Y4, Y0
	VPMINSD    Y7, Y5, Y1
	VPMAXSD    Y6, Y4, Y2
	VPMAXSD    Y7, Y5, Y3
	ORDER(Y0, Y1)
	ORDER(Y2, Y3)
	VPERM2I128 $0x20, Y1, Y0, Y4
	VPERM2I128 $0x31, Y1, Y0, Y5
	VPERM2I128 $0x20, Y3, Y2, Y6
	VPERM2I128 $0x31, Y3, Y2, Y7
	VPMINSD    Y5, Y4, Y0
	VPMAXSD    Y5, Y4, Y1
	VPMINSD    Y7, Y6, Y2
	VPMAXSD    Y7, Y6, Y3
	BITONIC_ALL

	MOVQ    DST, DX
	CMPQ    COUNT, $32
	JEQ     store
	MOVQ    SP, DST

store:
	STORE(Y0, X0, 0)
	STORE(Y1, X1, 32)
	STORE(Y2, X2, 128)
	STORE(Y3, X3, 160)
	VZEROUPPER
	CMPQ DX, DST
	JEQ  done

copy: // of the values in the frame
	DECQ COUNT
	JLT  done
	MOVQ (SP)(COUNT*8), AX
	MOVQ AX, (DX)(COUNT*8)
	JMP  copy

done:
	RET
