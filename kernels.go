package quant

// Kernels
//
// A kernel is a hot loop. Each has a definition, a Go function whose name ends
// in Generic, and assembly that gives the same bits for every input. The
// function with the name alone is its dispatcher, which calls the one or the
// other, as active says.
//
//	verb          definition             AVX2                     AVX-512                    NEON
//	range         kernels_generic.go     kernels_amd64.s          range_avx512_amd64.s       kernels_arm64.s
//	of groups     kernels_generic.go     -                        rangegroups_avx512_amd64.s -
//	squares       kernels_generic.go     squares_avx2_amd64.s     squares_avx512_amd64.s     squares_arm64.s
//	params        kernels_generic.go     params_avx2_amd64.s      as AVX2                    -
//	quantize      kernels_generic.go     quantize_avx2_amd64.s    quantize_avx512_amd64.s    quantize_arm64.s
//	groups        kernels_generic.go     -                        groups_avx512_amd64.s      -
//	to 16 bits    kernels_generic.go     quantize16_avx2_amd64.s  quantize16_avx512_amd64.s  quantize16_arm64.s
//	dequantize    kernels_generic.go     dequantize_avx2_amd64.s  dequantize_avx512_amd64.s  dequantize_arm64.s
//	from 4 bits   kernels_generic.go     -                        dequantize4_avx512_amd64.s -
//	errors        kernels_generic.go     errors_avx2_amd64.s      errors_avx512_amd64.s      errors_arm64.s
//	inside        kernels_generic.go     -                        inside_avx512_amd64.s      -
//	of two        kernels_generic.go     -                        insidetwo_avx512_amd64.s   -
//	of columns    kernels_generic.go     -                        insidecolumns_avx512_amd64.s -
//	codebooks     codebook_generic.go    codebook_avx2_amd64.s    codebook_avx512_amd64.s    -
//	differences   kernels_generic.go     differences_avx2_amd64.s differences_avx512_amd64.s -
//	histogram     kernels_generic.go     histogram_avx2_amd64.s   as AVX2                    histogram_arm64.s
//	transpose     kernels_generic.go     transpose_avx2_amd64.s   as AVX2                    transpose_arm64.s
//	pack, unpack  packed.go              pack_avx2_amd64.s        pack_avx512_amd64.s        pack_arm64.s
//	widen         kernels_generic.go     widen_avx2_amd64.s       widen_avx512_amd64.s       widen_arm64.s
//
// (Names without kernels_ in front have it in front.) kernels_amd64.s and
// kernels_arm64.s hold what an architecture needs first: ranges and, on amd64,
// the fence. Macros and names of registers that the kernels of a set share are in
// kernels_avx2_amd64.h, kernels_avx512_amd64.h and kernels_arm64.h, under the same
// names; numbers that all share are in kernels.h. Detection and dispatchers are in
// kernels_amd64.go and kernels_arm64.go, those that both share in kernels_asm.go,
// and those without assembly in kernels_noasm.go.
//
// # Contract
//
// A kernel of runs takes src as consecutive runs of run elements, the last of
// which may be shorter, and one parameter or result for each run. A kernel of
// columns takes len(scale) columns (or as many as it has results) and one
// parameter or result for each. Its rows are consecutive, the last of them
// possibly shorter, or lie stride elements apart.
//
// A code is stored as its lowest 8 or 16 bits, so that one kernel serves signed
// and unsigned grids. The ends of the grid, qmin and qmax, fit these bits. Zero
// points are at most maxZeroPoint in magnitude, so the bounds qmin-zero and
// qmax-zero are exact in float32. x/scale is clamped to these bounds before it is
// rounded: no conversion overflows, and NaN becomes qmin. Any scale is safe, if
// not sensible.
//
// With the hint stream a kernel may store past the caches. Its caller then calls
// fence before another goroutine may read.
//
// A kernel touches nothing outside its slices, allocates nothing and lets nothing
// escape: it is called directly, never through a func value.
//
// # Exact quotients
//
// The code of x is round(RN(x/s)) + zero, RN being rounding to nearest even. The
// macro QUOTIENT gets RN(x/s), for every x whose quotient is near a boundary between
// codes, without a division:
//
//	y = RN(1/s)   q0 = RN(x·y)   r = x - q0·s   q = RN(q0 + r·y)
//
// Scale x and s by powers of two so that both have integer significands X and
// S in [2^23, 2^24), and measure quotients Q = x/s in units of their last
// place. Let M be the midpoint of two neighbouring float32 next to Q. Since Q
// is never a midpoint, Q - M = ±D/(2S) with an integer D ≥ 1. With Y the
// significand of y, S·Y = 2^47 + η and |η| ≤ S/2. Then r is exact,
//
//	q0 + r·y - M = (Q - M) + (Q - q0)·η/2^47,
//
// and q = RN(x/s) if the last term is the smaller: |Q - q0|·|η|·S < D·2^46.
//
//   - If q0 is a neighbour of M, |Q - q0| ≤ 1/2 + D/(2S), and |η|·S ≤ S²/2:
//     the left side is at most S²/4 + S·D/4 < D·2^46, because S ≤ 2^24 - 1.
//     (That is Markstein's theorem.)
//   - Otherwise |Q - q0| < 3/2 + D/(2S), which is small enough for D ≥ 3. For a
//     smaller D the product x·y, which is Q·(1 + η/2^47), would have to lie a
//     whole unit from M, so that m·|η| ≥ 2^24 - 2 where m < 2 is the significand
//     of Q. With |η| ≤ S/2 that leaves only S = 2^24 - 1, a significand of all
//     ones, and Q next to a power of two.
//
// So the significand of the scale must not be all ones. No step over- or underflows
// where a boundary is near if 2^-100 ≤ s ≤ 2^100, since there |x| ≥ s/2. The clamp
// is applied to x, with bounds RN(lo·s) and RN(hi·s), whose own quotients round to
// lo and hi if those are below 2^20. So the result needs no clamp, x may be
// infinite, and NaN becomes the lower bound. Where a condition fails, kernels
// divide. TestExhaustive and TestBoundaries check all this.
//
// NEON allows zero points of at most 2^16 and every significand; the proof for
// these is beside QUOTIENT in kernels_arm64.h.
//
// # Reciprocals in two parts
//
// On amd64 long runs to 8 bits take one operation less (Brisebarre and Muller,
// Correctly rounded multiplication by arbitrary precision constants, 2008):
//
//	z = RN(y·RN(1 - s·y))   p = RN(x·y + RN(x·z))
//
// which gives the code that Q gives, not always RN(Q). Measure s and x as
// numbers in [1, 2), so that |1/s - y| ≤ 2^-25. The residual is exact, at most
// s·2^-25, and lies 2^-49 or less from 1/s - y after the multiplication by y, which
// rounds by at most 2^-49 more, though z be subnormal; RN(x·z) by x·2^-49. So
//
//	|x·y + RN(x·z) - Q| ≤ E = 3·x·2^-49, and a little.
//
// p and RN(Q) can differ only if a midpoint M of two float32 is as near to Q. They
// are those two, so the codes differ only if one of the two is a boundary b,
// half of an odd integer B. Zero points of at most 32000 keep |B| below 2^16, so
// that with integer significands M is a multiple of 2^9 plus or minus 1, and
//
//	D = |X·2^24 - M·S| ≡ ±S (mod 2^9),  |Q - M| = D/(S·2^24) if Q ≥ 1
//	D = |X·2^25 - M·S| ≡ ±S (mod 2^9),  |Q - M| = D/(S·2^25) if Q < 1.
//
// As s and x are below 2, E < D/(S·2^25) if D > 6. D is not 0, a quotient never
// being a midpoint. So p serves if S modulo 2^9 is 0, or more than 6 from 0. (Of
// the others, hardly any has a boundary that is that near: with zero points in
// the grid, of all 2^23 significands, the one of all ones.)
//
// Kernels of groups prepare 16 scales at a time, and all of them have to be served. Their
// zero points are at most 255 in magnitude. That keeps |B| below 2^10 and M a multiple of
// 2^15 plus or minus 1, so that p serves if S modulo 2^15 is 0, or more than 6 from 0.
//
// # Saturation
//
// On amd64 codes of 8 bits are clamped by instructions that saturate, and only
// the upper bound is applied to x. The grid is moved so that qmin becomes -128. A
// quotient that is too small for an integer, and NaN, is converted to the least
// integer, because that is what the conversion gives for whatever does not fit.
// (A product that overflows to -Inf gives NaN.) Packs and additions of words that
// saturate take all that is below the grid to -128. Zero points are at most 32000 in
// magnitude, so that a quotient that saturates as a word is still below the grid when
// the zero point is added.
//
// # Ranges
//
// On amd64 the ends of a run are found with integer maxima, since the bits of a
// float32 order it by sign and magnitude. Taken as signed integers, the greatest
// are those of the maximum, if an element is not negative. Taken as unsigned
// integers, the greatest are those of the minimum, if an element is negative. NaN
// and infinities lie beyond all others of their sign. For a run of one sign these
// are the same end. The other end is its least integer, signed or unsigned.
//
// # Codebooks
//
// Kernels of codebooks divide, so that a quotient is that of the definition. Codes of
// floating-point formats come from the sum with a power of two that floatcode.go explains.
// A table of at most 16 values whose codes ascend has its limits in a tree of 4 levels,
// each of which a permutation looks up by the bits of the index so far; a limit is compared
// as a float32, which orders as its key does, no table having two zeros. What a kernel does
// at once are 8 or 16 elements; the definition does the rest of a run, or of each row of
// columns. The kernels of columns are those of runs with a vector of scales. The errors of a
// codebook are the differences between the elements and what their codes stand for.
//
// # Edges of a grid
//
// Whether a code has to be clamped is seen from x alone on amd64: codes rise with x,
// so there is a greatest x whose code is at most qmax, and a least x whose code is at
// least qmin. These are the edges. With x clamped to them the quotient rounds to a
// code of the grid, and an x that the clamp changes is one whose code is clamped.
//
// The macro EDGE finds an edge once for each scale. It starts two places outside of
// RN(b·s), b being the bound and half a step: RN(x/s) reaches b at an x that differs
// from b·s by a factor of at most 1 + 2^-24, and the product is rounded once. It goes
// inwards one place at a time. Six steps are enough, as a place may be half as large across a power of two.
// Where the last place is still outside, the kernel does not serve the scale.

// An isa names a set of assembly kernels. On any machine the usable sets are
// ordered: the last is the fastest.
type isa uint8

const (
	generic isa = iota
	neon
	avx2
	avx512
)

func (s isa) String() string {
	return [...]string{"generic", "neon", "avx2", "avx512"}[s]
}

// active is the set in use: the fastest that this machine has. It is set when the
// program starts, and only tests and benchmarks change it.
var active isa

// InstructionSet returns the name of the kernels in use on this machine:
// "generic", "neon", "avx2" or "avx512". It is for reports: results do not
// depend on it.
func InstructionSet() string { return active.String() }

// lanes is the number of partial sums of a run: element i of a block adds to
// lane i%lanes.
const lanes = 16

// blockLen is the number of elements after which the lanes of a run are folded.
const blockLen = 4096

// sums are what errors of one scheme come to.
type sums struct {
	abs, sq float64 // sum|e| and sum e²
	max     float32 // max|e|
	clipped uint32  // at most blockLen in a kernel, see tally for more
}

// columnSums are sums for each of some columns.
type columnSums struct {
	abs, sq []float64
	max     []float32
	clipped []uint32
}

func (c columnSums) sub(n int) columnSums {
	return columnSums{c.abs[:n], c.sq[:n], c.max[:n], c.clipped[:n]}
}

func (c columnSums) from(i int) columnSums {
	return columnSums{c.abs[i:], c.sq[i:], c.max[i:], c.clipped[i:]}
}
