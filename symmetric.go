package quant

func symmetricScale(lo, hi, steps float32) float32 {
	if lo == 0 && hi == 0 {
		return 1
	}
	return atLeast(absMax(lo, hi)/steps, minScale)
}

// absMax returns max(|lo|, |hi|) for lo ≤ hi.
func absMax(lo, hi float32) float32 { return atLeast(hi, -lo) }

// atLeast is max for values that are not NaN. (The builtin max also orders NaN and -0, and
// takes longer than a division.)
func atLeast(v, limit float32) float32 {
	if v < limit {
		return limit
	}
	return v
}
