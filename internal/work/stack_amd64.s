//go:build !purego

#include "textflag.h"

// func stack() (lo, hi uintptr)
TEXT ·stack(SB), NOSPLIT, $0-16
	MOVQ (TLS), AX // the goroutine: its first two words are the bounds of its stack
	MOVQ 0(AX), CX
	MOVQ 8(AX), DX
	MOVQ CX, lo+0(FP)
	MOVQ DX, hi+8(FP)
	RET
