//go:build !purego

#include "textflag.h"

// func stack() (lo, hi uintptr)
TEXT ·stack(SB), NOSPLIT, $0-16
	MOVD 0(g), R0 // the goroutine: its first two words are the bounds of its stack
	MOVD 8(g), R1
	MOVD R0, lo+0(FP)
	MOVD R1, hi+8(FP)
	RET
