//go:build !purego

// Codes of groups of 16, 32, 64 and 128 elements with AVX2, eight at a time.

#include "textflag.h"
#include "kernels_avx2_amd64.h"

// PREPARE_GROUPS prepares the next 8 groups and stores their parameters at AHEAD: reciprocals at
// 0, their second parts at 32, upper bounds of elements at 64, and zero points less OFFSET at 96, in
// both words of a dword. UNSERVED has a bit for each group that SATURATE_GROUP does not serve.
//
// It works on the groups after those whose codes are made next. A core then has other work while
// it divides, and the parameters are in the cache when they are read.
#define PREPARE_GROUPS(qmax) \
	VMOVUPS      (SCALES), SCALE            \
	VMOVDQU      (ZEROS), Y7                \
	TWO_PARTS(SCALE, RECIP, Y0)             \
	VPBROADCASTD qmax, Y1                   \
	VPSUBD       Y7, Y1, Y1                 \
	VCVTDQ2PS    Y1, Y1                     \
	VMULPS       SCALE, Y1, Y1              \
	VPSUBD       OFFSET, Y7, Y2             \
	VPSLLD       $16, Y2, Y3                \
	VPBLENDW     $0xaa, Y3, Y2, Y2          \
	SERVED_IN_TWO_PARTS(SCALE, Y7, Y3, Y4)  \
	VMOVUPS      RECIP, 0(AHEAD)            \
	VMOVUPS      Y0, 32(AHEAD)              \
	VMOVUPS      Y1, 64(AHEAD)              \
	VMOVDQU      Y2, 96(AHEAD)              \
	VMOVMSKPS    Y3, UNSERVED               \
	XORL         $0xff, UNSERVED            \
	ADDQ         $32, SCALES                \
	ADDQ         $32, ZEROS

// GROUP_PARAMS loads the parameters of the group INDEX + i.
#define GROUP_PARAMS(i) \
	VBROADCASTSS (4*i+0)(PARAMS)(INDEX*4), RECIP  \
	VBROADCASTSS (4*i+32)(PARAMS)(INDEX*4), LOW   \
	VBROADCASTSS (4*i+64)(PARAMS)(INDEX*4), UPPER \
	VPBROADCASTD (4*i+96)(PARAMS)(INDEX*4), ZERO

// SATURATE_GROUP sets q to the rounded quotients of the 8 elements off bytes from SRC on. It uses
// x.
#define SATURATE_GROUP(off, x, q) \
	VMINPS      off(SRC), UPPER, x \
	VMULPS      LOW, x, q          \
	VFMADD231PS RECIP, x, q        \
	VCVTPS2DQ   q, q

// WORDS_16 sets q to the codes of the 16 elements off bytes from SRC on, less BACK, as words in the
// order that a pack leaves behind. It uses x, y and p.
#define WORDS_16(off, x, y, q, p) \
	SATURATE_GROUP(off, x, q)      \
	SATURATE_GROUP(off+32, y, p)   \
	VPACKSSDW p, q, q              \
	VPADDSW   ZERO, q, q

// BYTES_OF_N leaves the codes of 32 elements of groups of N, less BACK, in Y4, in the order that two
// packs leave behind. Groups of more than 32 elements are taken in several steps.
#define BYTES_OF_32 \
	WORDS_16(0, Y0, Y1, Y4, Y5)  \
	WORDS_16(64, Y2, Y3, Y6, Y7) \
	VPACKSSWB Y6, Y4, Y4

#define BYTES_OF_16 \
	GROUP_PARAMS(0)              \
	WORDS_16(0, Y0, Y1, Y4, Y5)  \
	GROUP_PARAMS(1)              \
	WORDS_16(64, Y2, Y3, Y6, Y7) \
	VPACKSSWB Y6, Y4, Y4

// FETCH_NEXT fetches the elements that a dynamic call calibrates and quantizes next, which are
// 4096 elements ahead: they are read from memory while codes are made. A fetch never faults.
#define FETCH_NEXT \
	PREFETCHT0 16384(SRC) \
	PREFETCHT0 16448(SRC)

// STORE_8 and STORE_4 store the 32 codes in Y4, as bytes or packed.
#define STORE_8 \
	FETCH_NEXT              \
	VPERMD  Y4, ORDER, Y4   \
	VPADDB  BACK, Y4, Y4    \
	VMOVDQU Y4, (DST)       \
	ADDQ    $32, DST        \
	ADDQ    $128, SRC

#define STORE_4 \
	FETCH_NEXT                  \
	VPADDB       BACK, Y4, Y4    \
	VPAND        BITS, Y4, Y4    \
	VPMADDUBSW   WEIGHTS, Y4, Y4 \
	VPACKUSWB    Y4, Y4, Y4      \
	VEXTRACTI128 $1, Y4, X5      \
	VPUNPCKLWD   X5, X4, X4      \
	VMOVDQU      X4, (DST)       \
	ADDQ         $16, DST        \
	ADDQ         $128, SRC

// GROUPS_N does 8 groups of N elements, STORE_BITS being STORE_8 or STORE_4.
#define GROUPS_16(STORE_BITS, loop) \
loop:                   \
	BYTES_OF_16     \
	STORE_BITS      \
	ADDQ $2, INDEX  \
	CMPQ INDEX, $8  \
	JNE  loop       \
	JMP  next

#define GROUPS_32(STORE_BITS, loop) \
loop:                   \
	GROUP_PARAMS(0) \
	BYTES_OF_32     \
	STORE_BITS      \
	INCQ INDEX      \
	CMPQ INDEX, $8  \
	JNE  loop       \
	JMP  next

#define GROUPS_64(STORE_BITS, loop, again) \
loop:                   \
	GROUP_PARAMS(0) \
	MOVQ RUN, N     \
again:                  \
	BYTES_OF_32     \
	STORE_BITS      \
	SUBQ $32, N     \
	JNZ  again      \
	INCQ INDEX      \
	CMPQ INDEX, $8  \
	JNE  loop       \
	JMP  next

// GROUP_ARGUMENTS loads what both kernels take. It uses AX.
#define GROUP_ARGUMENTS \
	MOVQ    dst_base+0(FP), DST           \
	MOVQ    src_base+24(FP), SRC          \
	MOVQ    run+48(FP), RUN               \
	MOVQ    scale_base+56(FP), SCALES     \
	MOVQ    scale_len+64(FP), PARAMS_LEFT \
	MOVQ    zero_base+80(FP), ZEROS       \
	MOVL    qmin+104(FP), AX              \
	ADDL    $128, AX                      \
	VMOVD   AX, OFFSET_X                  \
	VPBROADCASTB OFFSET_X, BACK           \
	VPBROADCASTD OFFSET_X, OFFSET

// GROUPS makes the codes of all groups, 8 at a time, which STORE stores, and returns. It stops before
// 8 groups of which one is not served.
#define GROUPS(STORE) \
	LEAQ    0(SP), AHEAD              \
	LEAQ    128(SP), PARAMS           \
	XORL    DONE, DONE                \
	PREPARE_GROUPS(qmax+108(FP))      \
groups:                               \
	TESTL UNSERVED, UNSERVED          \
	JNE   done                        \
	XCHGQ PARAMS, AHEAD               \
	SUBQ  $8, PARAMS_LEFT             \
	JZ    codes                       \
	PREPARE_GROUPS(qmax+108(FP))      \
codes:                                \
	XORL INDEX, INDEX                 \
	CMPQ RUN, $32                     \
	JE   groups32                     \
	JB   groups16                     \
	GROUPS_64(STORE, loop64, again64) \
groups32:                             \
	GROUPS_32(STORE, loop32)          \
groups16:                             \
	GROUPS_16(STORE, loop16)          \
next:                                 \
	ADDQ  $8, DONE                    \
	TESTQ PARAMS_LEFT, PARAMS_LEFT    \
	JNZ   groups                      \
done:                                 \
	MOVQ DONE, ret+112(FP)            \
	VZEROUPPER                        \
	RET

//	for j, x := range src {
//		s, z := scale[j/run], zero[j/run]
//		dst[j] = uint8(code(x, s, float32(qmin-z), float32(qmax-z)) + z)
//	}
//
// func quantizeGroups8AVX2(dst []uint8, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) int
//
// Runs are complete and of 16, 32, 64 or 128 elements; their number is a multiple of 8, and not 0.
// It returns how many it did: all, or a multiple of 8 if it does not serve one of the next 8. As in
// quantizeInt8RunsAVX2, the grid is moved so that qmin becomes -128, where the last pack saturates,
// and BACK moves codes back. The bound on elements limits codes to qmax.
#define PARAMS   BX  // parameters of 8 groups
#define AHEAD    DX  // where those of the next 8 go
#define UNSERVED R15 // not 0 if the kernel does not serve one of these
#define INDEX    R12 // which of the 8 groups
#define DONE     R13 // groups done
#define LOW      Y10 // second part of the reciprocal
#define ORDER    Y13 // packOrderTwice
#define BACK     Y14 // qmin + 128, in bytes
#define OFFSET   Y15 // qmin + 128, in dwords
#define OFFSET_X X15 // its lower half
TEXT ·quantizeGroups8AVX2(SB), NOSPLIT, $256-120
	GROUP_ARGUMENTS
	VMOVDQU packOrderTwice<>(SB), ORDER
	GROUPS(STORE_8)

//	for j, x := range src {
//		s, z := scale[j/run], zero[j/run]
//		c := byte(code(x, s, float32(qmin-z), float32(qmax-z))+z) & 15
//		dst[j/2] |= c << (4 * (j % 2)) // dst is 0 before
//	}
//
// func quantizeGroups4AVX2(dst []byte, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) int
//
// It is quantizeGroups8AVX2 for packed codes of 4 bits.
//
// Named above: PARAMS, AHEAD, UNSERVED, INDEX, DONE, LOW, BACK, OFFSET.
#define BITS    groupBits<>(SB) // the bits of a code, in bytes
#define WEIGHTS Y13             // 1 and 16, in bytes
DATA groupBits<>+0(SB)/4, $codeBits4
DATA groupBits<>+4(SB)/4, $codeBits4
DATA groupBits<>+8(SB)/4, $codeBits4
DATA groupBits<>+12(SB)/4, $codeBits4
DATA groupBits<>+16(SB)/4, $codeBits4
DATA groupBits<>+20(SB)/4, $codeBits4
DATA groupBits<>+24(SB)/4, $codeBits4
DATA groupBits<>+28(SB)/4, $codeBits4
GLOBL groupBits<>(SB), RODATA|NOPTR, $32
TEXT ·quantizeGroups4AVX2(SB), NOSPLIT, $256-120
	GROUP_ARGUMENTS
	MOVL    $weights4, AX
	VMOVD   AX, X13
	VPBROADCASTD X13, WEIGHTS
	GROUPS(STORE_4)
