//go:build !purego

#include "textflag.h"
#include "kernels_avx2_amd64.h"

// COUNT counts the bin of the float32 in the lower or the upper half of CX, by
// an index. BY is SHRXL or SHRXQ, with what it takes to shift all but the bin
// out, or all but the octave. Only an index of 0 gives less than the number of
// bins: then it goes to end.
#define COUNT(BY, bin, octave, index, end) \
	BY   bin, CX, AX         \
	BY   octave, CX, BX      \
	ADDL (index)(BX*4), AX   \
	CMPL AX, $0x10000        \
	JB   end                 \
	INCL -0x40000(DI)(AX*4)

// func histogramRunsAVX2(counts []uint32, at *[histogramLanes]*octaveIndex, src []float32) int
//
// R8 to R11 hold the indexes, R12 to R15 shifts. The ends are named after how
// many elements are counted from SI on.
TEXT ·histogramRunsAVX2(SB), NOSPLIT, $0-64
	MOVQ counts_base+0(FP), DI
	MOVQ at+24(FP), AX
	MOVQ 0(AX), R8
	MOVQ 8(AX), R9
	MOVQ 16(AX), R10
	MOVQ 24(AX), R11
	MOVQ src_base+32(FP), SI
	MOVQ src_len+40(FP), DX
	MOVL $16, R12
	MOVL $23, R13
	MOVL $48, R14
	MOVL $55, R15
	SUBQ $4, DX
	JB   rest

loop:
	MOVQ 0(SI), CX
	COUNT(SHRXL, R12, R13, R8, end0)
	COUNT(SHRXQ, R14, R15, R9, end1)
	MOVQ 8(SI), CX
	COUNT(SHRXL, R12, R13, R10, end2)
	COUNT(SHRXQ, R14, R15, R11, end3)
	ADDQ $16, SI
	SUBQ $4, DX
	JAE  loop

rest: // DX + 4 elements, fewer than 4
	CMPQ DX, $-4
	JEQ  end0
	MOVL (SI), CX
	COUNT(SHRXL, R12, R13, R8, end0)
	CMPQ DX, $-3
	JEQ  end1
	MOVL 4(SI), CX
	COUNT(SHRXL, R12, R13, R9, end1)
	CMPQ DX, $-2
	JEQ  end2
	MOVL 8(SI), CX
	COUNT(SHRXL, R12, R13, R10, end2)

end3:
	ADDQ $4, SI

end2:
	ADDQ $4, SI

end1:
	ADDQ $4, SI

end0:
	SUBQ src_base+32(FP), SI
	SHRQ $2, SI
	MOVQ SI, ret+56(FP)
	RET

// PLACED sets the lowest bit of each dword of t to that of the map in Y8 and Y9
// for the octave of x.
#define PLACED(x, t, u) \
	VPSRLD    $28, x, u    \
	VPERMD    Y8, u, t     \
	VPERMD    Y9, u, u     \
	VBLENDVPS x, u, t, t   \
	VPSRLD    $23, x, u    \
	VPAND     Y10, u, u    \
	VPSRLVD   u, t, t

// TWO counts the bins of two elements in tables of their lanes.
#define TWO(off, a, b) \
	MOVQ off(SI), AX    \
	MOVL AX, BX         \
	SHRQ $48, AX        \
	SHRL $16, BX        \
	INCL a(DI)(BX*4)    \
	INCL b(DI)(AX*4)

// The tables are 17 lines farther apart than they need be, so that counters of
// the same bin are in different sets of the cache, and no load waits for a store
// to another of them.
#define APART  0x40440
#define TABLE0 0
#define TABLE1 (TABLE0+APART)
#define TABLE2 (TABLE1+APART)
#define TABLE3 (TABLE2+APART)

// func histogramLongAVX2(counts []uint32, at *[histogramLanes]*octaveIndex, table *uint32, src []float32) int
//
// It counts elements 16 at a time, up to the first 16 among which is one whose
// octave has no place in any of the lanes. All of that goes to tables of all
// bins, one for each lane, which begin and end as zeros. In the frame is a map
// of the octaves that have a place, one bit each.
TEXT ·histogramLongAVX2(SB), NOSPLIT, $64-72
	MOVQ  at+24(FP), AX
	MOVQ  0(AX), R8
	MOVQ  8(AX), R9
	MOVQ  16(AX), R10
	MOVQ  24(AX), R11
	MOVQ  table+32(FP), DI
	MOVQ  src_base+40(FP), SI
	MOVQ  src_len+48(FP), DX
	VPXOR Y0, Y0, Y0
	XORL  CX, CX

map: // 8 octaves at a time
	VPCMPEQD  0(R8)(CX*4), Y0, Y1
	VPCMPEQD  0(R9)(CX*4), Y0, Y2
	VPCMPEQD  0(R10)(CX*4), Y0, Y3
	VPCMPEQD  0(R11)(CX*4), Y0, Y4
	VPOR      Y1, Y2, Y2
	VPOR      Y3, Y4, Y4
	VPOR      Y2, Y4, Y4
	VMOVMSKPS Y4, AX
	NOTL      AX
	MOVQ      CX, BX
	SHRQ      $3, BX
	MOVB      AX, 0(SP)(BX*1)
	ADDQ      $8, CX
	CMPQ      CX, $512
	JB        map
	VMOVDQU   0(SP), Y8
	VMOVDQU   32(SP), Y9
	VPBROADCASTD UNIT, Y11
	VPSLLD    $5, Y11, Y10
	VPSUBD    Y11, Y10, Y10
	SUBQ      $16, DX
	JB        stop

loop:
	VMOVDQU 0(SI), Y0
	VMOVDQU 32(SI), Y1
	PLACED(Y0, Y2, Y3)
	PLACED(Y1, Y4, Y5)
	VPAND   Y4, Y2, Y2
	VPTEST  Y11, Y2
	JCC     stop
	TWO(0, TABLE0, TABLE1)
	TWO(8, TABLE2, TABLE3)
	TWO(16, TABLE0, TABLE1)
	TWO(24, TABLE2, TABLE3)
	TWO(32, TABLE0, TABLE1)
	TWO(40, TABLE2, TABLE3)
	TWO(48, TABLE0, TABLE1)
	TWO(56, TABLE2, TABLE3)
	ADDQ    $64, SI
	SUBQ    $16, DX
	JAE     loop

stop:
	SUBQ  src_base+40(FP), SI
	SHRQ  $2, SI
	MOVQ  SI, ret+64(FP)
	JZ    done
	VPXOR Y15, Y15, Y15
	XORL  CX, CX // octave

octave: // from the tables to where it has its place
	BTL  CX, 0(SP)
	JCC  next
	MOVQ counts_base+0(FP), BX
	MOVQ CX, R12
	SHLQ $9, R12
	ADDQ R12, BX
	MOVQ table+32(FP), DI
	ADDQ R12, DI
	MOVQ at+24(FP), R8
	MOVL $4, R9

lane:
	MOVQ (R8), AX
	MOVL (AX)(CX*4), AX
	LEAQ -0x40000(BX)(AX*4), SI
	MOVL $8, DX

bins: // 16 at a time
	VMOVDQU 0(DI), Y0
	VMOVDQU 32(DI), Y1
	VPADDD  0(SI), Y0, Y0
	VPADDD  32(SI), Y1, Y1
	VMOVDQU Y15, 0(DI)
	VMOVDQU Y15, 32(DI)
	VMOVDQU Y0, 0(SI)
	VMOVDQU Y1, 32(SI)
	ADDQ    $64, DI
	ADDQ    $64, SI
	DECL    DX
	JNZ     bins
	ADDQ    $(APART-512), DI
	ADDQ    $8, R8
	DECL    R9
	JNZ     lane

next:
	INCL CX
	CMPL CX, $512
	JB   octave

done:
	VZEROUPPER
	RET

// COLUMNS4 takes 4 columns of 8 rows, off bytes on from SI and R12, to a to d.
#define COLUMNS4(off, a, xa, b, xb, c, xc, d, xd) \
	VMOVUPS     off(SI), xa               \
	VMOVUPS     off(SI)(R8*1), xb         \
	VMOVUPS     off(SI)(R8*2), xc         \
	VMOVUPS     off(SI)(R9*1), xd         \
	VINSERTF128 $1, off(R12), a, a        \
	VINSERTF128 $1, off(R12)(R8*1), b, b  \
	VINSERTF128 $1, off(R12)(R8*2), c, c  \
	VINSERTF128 $1, off(R12)(R9*1), d, d  \
	VUNPCKLPS   b, a, Y8                  \
	VUNPCKHPS   b, a, Y9                  \
	VUNPCKLPS   d, c, Y10                 \
	VUNPCKHPS   d, c, Y11                 \
	VUNPCKLPD   Y10, Y8, a                \
	VUNPCKHPD   Y10, Y8, b                \
	VUNPCKLPD   Y11, Y9, c                \
	VUNPCKHPD   Y11, Y9, d

// func transposeAVX2(dst, src *float32, rows, cols, stride int)
//
// There are at least 8 rows and 8 columns. Squares of 8 go from left to right;
// the last of a row, and those of the last rows, may overlap others. R8 and R9
// are 1 and 3 rows of the source, R10 and R11 of the destination, in bytes. Rows
// that lie far apart are no pattern that a processor foresees: the first lines of
// those that come 16 later are asked for.
TEXT ·transposeAVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), R13
	MOVQ src+8(FP), R14
	MOVQ rows+16(FP), DX
	MOVQ stride+32(FP), R8
	SHLQ $2, R8
	LEAQ (R8)(R8*2), R9
	LEAQ (DX*4), R10
	LEAQ (R10)(R10*2), R11

rows: // the next 8 of DX
	LEAQ (R14)(R8*8), SI
	LEAQ (SI)(R8*8), SI
	LEAQ (SI)(R8*4), DI
	PREFETCHT0 (SI)
	PREFETCHT0 (SI)(R8*1)
	PREFETCHT0 (SI)(R8*2)
	PREFETCHT0 (SI)(R9*1)
	PREFETCHT0 (DI)
	PREFETCHT0 (DI)(R8*1)
	PREFETCHT0 (DI)(R8*2)
	PREFETCHT0 (DI)(R9*1)
	MOVQ R13, DI
	MOVQ R14, SI
	MOVQ cols+24(FP), CX

square:
	LEAQ (SI)(R8*4), R12
	LEAQ (DI)(R10*4), BX
	COLUMNS4(0, Y0, X0, Y1, X1, Y2, X2, Y3, X3)
	COLUMNS4(16, Y4, X4, Y5, X5, Y6, X6, Y7, X7)
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, (DI)(R10*1)
	VMOVUPS Y2, (DI)(R10*2)
	VMOVUPS Y3, (DI)(R11*1)
	VMOVUPS Y4, (BX)
	VMOVUPS Y5, (BX)(R10*1)
	VMOVUPS Y6, (BX)(R10*2)
	VMOVUPS Y7, (BX)(R11*1)
	ADDQ $32, SI
	LEAQ (DI)(R10*8), DI
	SUBQ $8, CX
	JZ   next
	CMPQ CX, $8
	JAE  square
	LEAQ -32(SI)(CX*4), SI // the last 8
	SUBQ $8, CX
	MOVQ R10, AX
	IMULQ CX, AX
	ADDQ AX, DI
	MOVQ $8, CX
	JMP  square

next:
	ADDQ $32, R13
	LEAQ (R14)(R8*8), R14
	SUBQ $8, DX
	JZ   done
	CMPQ DX, $8
	JAE  rows
	SUBQ $8, DX
	LEAQ (R13)(DX*4), R13
	MOVQ R8, AX
	IMULQ DX, AX
	ADDQ AX, R14
	MOVQ $8, DX
	JMP  rows

done:
	VZEROUPPER
	RET
