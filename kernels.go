package quant

// Kernels
//
// A kernel is an inner loop in assembly. Each kernel has a definition: a Go function whose name
// ends in Generic, and which returns the same bits for every input. The function with the name
// alone is the dispatcher: it calls the kernel or the definition, depending on active.
//
//	function                  definition             AVX2                      AVX-512                     NEON
//	range                     kernels_generic.go     kernels_amd64.s           range_avx512_amd64.s        kernels_arm64.s
//	range of groups           kernels_generic.go     -                         rangegroups_avx512_amd64.s  kernels_arm64.s
//	squares                   kernels_generic.go     squares_avx2_amd64.s      squares_avx512_amd64.s      squares_arm64.s
//	params                    kernels_generic.go     params_avx2_amd64.s       as AVX2                     params_arm64.s
//	quantize to 8 bits        kernels_generic.go     quantize_avx2_amd64.s     quantize_avx512_amd64.s     quantize_arm64.s
//	quantize groups           kernels_generic.go     groups_avx2_amd64.s       groups_avx512_amd64.s       quantize_arm64.s
//	ranges and codes, runs    kernels_dynamic.go     -                         dynamic_avx512_amd64.s      -
//	quantize packed           kernels_generic.go     -                         packed_avx512_amd64.s       -
//	quantize to 16 bits       kernels_generic.go     quantize16_avx2_amd64.s   quantize16_avx512_amd64.s   quantize16_arm64.s
//	dequantize                kernels_generic.go     dequantize_avx2_amd64.s   dequantize_avx512_amd64.s   dequantize_arm64.s
//	dequantize packed 4 bits  kernels_generic.go     -                         dequantize4_avx512_amd64.s  dequantize_arm64.s
//	dequantize packed 2 bits  kernels_generic.go     -                         packed_avx512_amd64.s       -
//	errors                    kernels_generic.go     errors_avx2_amd64.s       errors_avx512_amd64.s       errors_arm64.s
//	errors of few             kernels_generic.go     few_avx2_amd64.s          few_avx512_amd64.s          -
//	errors inside             kernels_generic.go     inside_avx2_amd64.s       inside_avx512_amd64.s       inside_arm64.s
//	errors inside, 2 schemes  kernels_generic.go     -                         insidetwo_avx512_amd64.s    -
//	errors inside, columns    kernels_generic.go     insidecolumns_avx2_amd64.s insidecolumns_avx512_amd64.s inside_arm64.s
//	the same of 2 schemes     kernels_generic.go     insidecolumns_avx2_amd64.s insidetwo_avx512_amd64.s    -
//	metrics of channels       metrics_channels.go    metrics_avx2_amd64.s      metrics_avx512_amd64.s      metrics_arm64.s
//	codebooks                 codebook_generic.go    codebook_avx2_amd64.s     codebook_avx512_amd64.s     codebook_arm64.s
//	codebooks, columns        codebook_generic.go    codebookcolumns_avx2_amd64.s codebookcolumns_avx512_amd64.s codebookcolumns_arm64.s
//	differences               kernels_generic.go     differences_avx2_amd64.s  differences_avx512_amd64.s  differences_arm64.s
//	histogram                 kernels_generic.go     histogram_avx2_amd64.s    as AVX2                     histogram_arm64.s
//	transpose                 kernels_generic.go     transpose_avx2_amd64.s    as AVX2                     transpose_arm64.s
//	pack, unpack              kernels_generic.go     pack_avx2_amd64.s         pack_avx512_amd64.s         pack_arm64.s
//	widen                     kernels_generic.go     widen_avx2_amd64.s        widen_avx512_amd64.s        widen_arm64.s
//	low                       search.Low             phases_avx2_amd64.s       phases_avx512_amd64.s       phases_arm64.s
//	bounds                    search.Bounds          phases_avx2_amd64.s       phases_avx512_amd64.s       -
//	at most                   search.AtMost          phases_avx2_amd64.s       phases_avx512_amd64.s       -
//	sort few                  search.SortFew         sort_avx2_amd64.s         sort_avx512_amd64.s         sort_arm64.s
//
// The table leaves out the prefix kernels_ of all names but kernels_generic.go,
// kernels_amd64.s and kernels_arm64.s. The errors inside are those of elements that are not
// clipped. Other files:
//
//   - kernels_amd64.s and kernels_arm64.s have the ranges; kernels_amd64.s also has the fence.
//   - kernels_avx2_amd64.h, kernels_avx512_amd64.h and kernels_arm64.h have the macros and the
//     register names that the kernels of a set share. The names are the same in all three.
//     kernels_codebook_avx2_amd64.h, kernels_codebook_avx512_amd64.h and kernels_codebook_arm64.h
//     have those that the kernels of codebooks add, kernels_rangegroups_avx512_amd64.h those of the
//     ranges of groups, and kernels_quantize_arm64.h those of quantizing to 8 and to 16 bits.
//   - kernels.h has the constants that all kernels share.
//   - kernels_amd64.go and kernels_arm64.go detect the processor and have dispatchers.
//     kernels_asm.go has the dispatchers that both architectures share, and kernels_noasm.go
//     those without assembly.
//
// # Contract
//
// A kernel of runs takes src as consecutive runs of run elements. The last run may be shorter.
// There is one parameter or result for each run. A kernel of columns takes len(scale) columns,
// or as many as it has results, and one parameter or result for each column. Its rows are
// consecutive, and the last may be shorter; or the rows begin stride elements apart.
//
// A code is stored as its lowest 8 or 16 bits, so one kernel serves signed and unsigned codes.
// The ends of the grid, qmin and qmax, fit these bits. The magnitude of a zero point is at most
// maxZeroPoint, so the bounds qmin-zero and qmax-zero are exact in float32. x/scale is clamped to
// these bounds before it is rounded. So no conversion overflows, and NaN becomes qmin. This holds
// for every scale, even for one that is not valid.
//
// With the hint stream a kernel may store to memory without using the caches. Its caller must
// then call fence before another goroutine reads what was stored.
//
// A kernel accesses nothing outside its slices, allocates nothing and lets nothing escape: it is
// called directly, never through a func value.
//
// # Exact quotients
//
// The code of x is round(RN(x/s)) + zero. RN rounds to the nearest float32, ties to even. For
// every x whose quotient is near a boundary between codes, the macro QUOTIENT computes RN(x/s)
// without a division:
//
//	y = RN(1/s)   q0 = RN(x·y)   r = x - q0·s   q = RN(q0 + r·y)
//
// Proof: scale x and s by powers of two so that both have integer significands X and S in
// [2^23, 2^24), and measure the quotient Q = x/s in units of its last place. Let M be the
// midpoint between two adjacent float32 that is nearest to Q. Q is never a midpoint, so
// Q - M = ±D/(2S) with an integer D ≥ 1. Let Y be the significand of y. Then S·Y = 2^47 + η with
// |η| ≤ S/2. The residual r is exact,
//
//	q0 + r·y - M = (Q - M) + (Q - q0)·η/2^47,
//
// and q = RN(x/s) if the last term is smaller than |Q - M|: |Q - q0|·|η|·S < D·2^46.
//
//   - If q0 is one of the two float32 around M, |Q - q0| ≤ 1/2 + D/(2S) and |η|·S ≤ S²/2. Then
//     the left side is at most S²/4 + S·D/4 < D·2^46, because S ≤ 2^24 - 1. (This is
//     Markstein's theorem.)
//   - Otherwise |Q - q0| < 3/2 + D/(2S), which is small enough for D ≥ 3. For a smaller D the
//     product x·y = Q·(1 + η/2^47) would have to be a whole unit away from M. Then
//     m·|η| ≥ 2^24 - 2, where m < 2 is the significand of Q. Since |η| ≤ S/2, this leaves only
//     S = 2^24 - 1, a significand of all ones, with Q next to a power of two.
//
// So the significand of the scale must not be all ones. If 2^-100 ≤ s ≤ 2^100, no step overflows
// or underflows near a boundary, since |x| ≥ s/2 there. The clamp is applied to x. Its bounds are
// RN(lo·s) and RN(hi·s); their quotients round to lo and hi if lo and hi are below 2^20. So the
// result needs no clamp, x may be infinite, and NaN becomes the lower bound. If a condition does
// not hold, kernels divide. TestExhaustive and TestBoundaries check all this.
//
// The NEON kernels allow zero points of at most 2^16 and every significand. The proof is beside
// QUOTIENT in kernels_arm64.h.
//
// # Reciprocals in two parts
//
// On amd64 the kernels that quantize long runs to 8 bits save one operation (Brisebarre and
// Muller, Correctly rounded multiplication by arbitrary precision constants, 2008):
//
//	z = RN(y·RN(1 - s·y))   p = RN(x·y + RN(x·z))
//
// This p gives the same code as Q, but is not always RN(Q). Proof: scale s and x to [1, 2). Then
// |1/s - y| ≤ 2^-25. The residual 1 - s·y is exact and at most s·2^-25. Its product with y is
// within 2^-49 of 1/s - y, and is rounded by at most 2^-49, even if z is subnormal. RN(x·z)
// rounds by at most x·2^-49. So
//
//	|x·y + RN(x·z) - Q| ≤ E, and E is slightly more than 3·x·2^-49.
//
// p and RN(Q) can differ only if the midpoint M between two adjacent float32 is within E of Q. p
// and RN(Q) are then these two numbers, so their codes differ only if one of them is a boundary
// b, which is half of an odd integer B. Zero points of at most 32000 keep |B| below 2^16. So
// with integer significands M is a multiple of 2^9 plus or minus 1, and
//
//	D = |X·2^24 - M·S| ≡ ±S (mod 2^9),  |Q - M| = D/(S·2^24) if Q ≥ 1
//	D = |X·2^25 - M·S| ≡ ±S (mod 2^9),  |Q - M| = D/(S·2^25) if Q < 1.
//
// Since s and x are below 2, E < D/(S·2^25) if D > 6. D is not 0, since a quotient is never a
// midpoint. So p can be used if the distance of S from the nearest multiple of 2^9 is 0 or more
// than 6. (The condition is stricter than necessary. With zero points in the grid, a boundary is
// too near for only one of the 2^23 significands: the one of all ones.)
//
// Kernels of groups prepare 8 or 16 scales at a time, and the condition must hold for all. Their
// zero points are at most 255 in magnitude. This keeps |B| below 2^10, and M a multiple of 2^15
// plus or minus 1. So p can be used if the distance of S from the nearest multiple of 2^15 is 0
// or more than 6. The kernel that makes ranges and codes of rows tries this condition first, and
// then that for zero points of at most 32000.
//
// # Codes without a quotient
//
// With AVX-512 the errors of two schemes on runs need no quotient where no element is clipped. Let
// a = |x|, and let k be the magnitude of x's code less the zero point. Errors are the same for x and
// -x. The kernel computes
//
//	t = RN(a·y + 2^23)   v = RN(t·s - 2^23·s)   e = v - a
//
// Numbers from 2^23 to 2^24 are consecutive integers. So t - 2^23 is a·y rounded to an integer, ties
// to even, and v is its product with s, rounded once: t·s - 2^23·s is that product. If t - 2^23 = k,
// v is the reconstruction of a, and e has the magnitude of the error of x.
//
// Otherwise |e| is near s/2. Proof: both a·y and RN(a/s) are within 2^-24·a/s of a/s, since the
// relative error of y is at most 2^-24, too. They round to different integers, so a boundary between
// two codes, half of an odd integer, is not outside of the interval between them. So a/s is within
// 2^-24·a/s of this boundary, and |a - m·s| ≥ s/2 - 2^-24·a, m being t - 2^23. v is within 2^-24·m·s
// of m·s. Rounding v - a keeps it on its side of a limit that is a float32. Codes of up to 8 bits and
// a zero point z keep k at K = 255 + |z| or below, a/s at K + 1/2, and m at K + 1. So
//
//	|e| ≥ s/2 - 2^-24·(2K + 3/2)·s
//
// up to terms of 2^-38·s. The limit is RN(s·(1/2 - (K + 2)·2^-23)). Its factor is exact, and its
// rounding adds at most 2^-25·s. So it is less than |e| by more than 2^-24·s. A block whose greatest
// |e| is below the limit has no wrong code. Other blocks are done again with "Reciprocals in two
// parts". (About one block in a hundred has an element so near to a boundary.)
//
// # Saturation
//
// On amd64 codes of 8 bits are clamped by saturating instructions, and only the upper bound is
// applied to x. The grid is shifted so that qmin becomes -128. A quotient that is too small for
// an integer is converted to the least integer, and so is NaN: the conversion returns the least
// integer for everything that does not fit. (A product that overflows to -Inf gives NaN.)
// Saturating packs and additions of words then map everything below the grid to -128. Zero points
// are at most 32000 in magnitude, so a quotient that saturates as a word is still below the grid
// after the zero point is added.
//
// With AVX-512 long runs do without the upper bound if all 256 bytes are codes: the last pack
// saturates there too. Only a quotient of 2^31 or more would be wrong, since it becomes the least
// integer. So the least word of up to 1,024 elements is kept. If it is -32768, the codes of these
// elements, and of those behind them in the run, are made once more with the bound.
//
// # Ranges
//
// On amd64 the ends of a run are found with integer maxima and minima, since the bits of a
// float32 order it by sign and magnitude. As a signed integer, the largest element is the maximum
// if some element is not negative. As an unsigned integer, the largest element is the minimum if
// some element is negative. NaN and infinities are beyond all other elements of their sign. In a
// run of one sign both are the same end. The other end is then the least integer, signed or
// unsigned.
//
// On a core of Intel an integer maximum of 512 bits takes one of two pipes, and a minimum or maximum
// of float32 takes either. So the kernel that makes ranges and codes of rows uses those of float32.
// They may drop NaN, so it adds up products of two elements too: one operation for two vectors. A
// sum is infinite or NaN if an element is. If it is, the elements are looked at again, since
// products of numbers beyond 2^60 can overflow.
//
// # Codebooks
//
// The codes of floating-point formats come from the sum with a power of two that floatcode.go
// explains. The kernels for runs, and on amd64 those for columns, take the quotient from
// "Reciprocals in two parts". That proof holds for these formats, with other numbers. A boundary
// between two codes, or the largest number, is an odd integer B times a power of two. The formats
// have mantissas of at most 3 bits, so |B| is below 2^5, M is a multiple of 2^20 plus or minus 1,
// and p can be used if the distance of S from the nearest multiple of 2^20 is 0 or more than 6.
// Boundaries are between 2^-18 and 2^16. For scales from 2^-100 to 2^100 no step overflows or
// underflows near them. A p whose quotient is below the least boundary stays below it. The
// magnitude of x is bounded by RN(largest·s). The quotient of that bound differs from the largest
// number by a factor of at most 1 + 2^-22, and gets its code. NaN is bounded as well, so elements
// that are compared with NaN first go the way of the other scales: they are divided.
//
// The sum of p and its power of two is made by one FMA, since the power of two is 2^drop times the
// exponent of p, or times the smallest normal number. Its upper 16 bits are 128 times an exponent,
// and its lower 16 bits are the mantissa with the leading 1. So one multiplication of words by 1
// and 2^(drop-16), with the sum of both products, gives 2^(drop-16) times the code, plus a
// constant. The signs come from the elements, since -0 has one.
//
// The other kernels of codebooks divide, so their quotients are those of the definition. For a
// table of at most 16 values whose codes ascend, the limits between the codes are a tree of 4
// levels. In each level a permutation looks up the limit for the bits of the index found so far.
// Limits are compared as float32. That is the order of their keys, since no table has two zeros.
// A kernel handles 8 or 16 elements at a time. The definition handles the rest of a run, or of
// each row of columns. The kernels of columns are those of runs with a vector of scales. The
// errors of a codebook are the differences between the elements and the values of their codes.
//
// # Bins of a table
//
// With AVX-512, and with AVX2 if codes ascend, the codes of a table come from words. Let K
// be the factor of the table and y = RN(K/s). The word w of an element is the integer nearest to RN(x·y), saturated to 16 bits.
// The upper 5 bits of w are its bin. K is chosen so that no bin has two limits. The kernel adds to
// w what the table has for its bin. The upper 4 bits of the sum v are the index of the nearest
// value:
//
//   - If a limit l is in the bin, let n be the integer nearest to K·l and i the index of the value
//     above the limit. Then v = i·2^12 + w - n. A bin has 2^11 words, so the upper bits of v are
//     i-1 if w < n, and i if w > n. The lower 12 bits are 0 only if w = n.
//   - Otherwise v is from i·2^12 + 2^10 to i·2^12 + 2^10 + 2^11 - 1.
//
// If the lower 12 bits of v are 0, the limit is too near: the kernel divides 16 elements (32 with
// AVX2), and compares the quotients with the tree of limits. Proof that all other indices are right: l is
// the largest float32 with the index i-1. Let Q = x/s and |K·Q| < 2^15. y is a normal number,
// since s is from 2^-100 to 2^100 and K from 2^-20 to 2^20. Rounding y and the product changes
// the product by less than 2^-8 in all, and where it is subnormal by 2^-149 more. RN(Q) differs
// from Q by at most 2^-24·|Q| or 2^-150, so K·RN(Q) differs from K·Q by less than 2^-8. If
// RN(Q) > l, the product is above K·l - 2^-6. K is chosen so that K·l is farther than that from
// the middle between two integers, so w ≥ n. If RN(Q) ≤ l, the product is below K·l + 2^-6, and
// w ≤ n. If |K·Q| ≥ 2^15, x is beyond all limits, and so is w.
//
// A product of 2^31 or more, an infinite one and NaN become the least integer, and the word
// -32768. The sum of this word is 0, so these elements are divided. The kernel replaces y by NaN
// for scales that it does not serve. The words of the values themselves are at most 32000 in
// magnitude. Elements that are clipped farther below are divided, too.
//
// The codes of E2M1 are a sign and a magnitude, and -0 has a code. The kernel adds 3/4, with the
// sign of x, to the product, in one FMA. So no word is 0, and each has the sign of its element.
// The integer of a limit l is that nearest to K·l + 3/4, or its opposite. One more permutation
// turns indices into codes. Elements that are divided lose their sign before they are compared,
// and get it back in the code.
//
// # Edges of a grid
//
// On amd64 the kernels of errors decide from x alone whether a code is clamped. Codes increase
// with x, so there is a largest x whose code is at most qmax, and a least x whose code is at
// least qmin. These two are the edges. If x is clamped to them, the quotient rounds to a code of
// the grid. The code of an element is clamped exactly if this changes the element.
//
// The macro EDGE finds an edge once for each scale. Let b be the bound plus half a step outwards.
// RN(x/s) reaches b at an x that differs from b·s by a factor of at most 1 + 2^-24, and the
// product b·s is rounded once. So EDGE starts two float32 outside RN(b·s) and goes inwards one
// float32 at a time. Six steps are enough, since below a power of two adjacent float32 are half
// as far apart. If the last float32 is still outside, the kernel does not handle the scale.

// An isa is a set of assembly kernels. The sets that a machine can use are ordered: the last is
// the fastest.
type isa uint8

const (
	generic isa = iota
	neon
	avx2
	avx512
)

// String returns the name that InstructionSet returns.
func (s isa) String() string {
	return [...]string{"generic", "neon", "avx2", "avx512"}[s]
}

// active is the set in use: the fastest that this machine supports. It is set when the program
// starts. Only tests and benchmarks change it.
var active isa

// InstructionSet returns the name of the kernels in use on this machine: "generic", "neon",
// "avx2" or "avx512". It is meant for reports: results do not depend on it.
func InstructionSet() string { return active.String() }

// dynamicLen is the approximate number of elements that a dynamic call calibrates and quantizes together. So
// many elements and their codes fit into a first-level cache. Kernels fetch the next ones meanwhile, and
// kernels.h has the number for them.
const dynamicLen = 1 << 13

// lanes is the number of partial sums of a run: element i of a block is added to lane i%lanes.
const lanes = 16

// blockLen is the number of elements after which the lanes of a run are added together.
const blockLen = 4096

// sums are the sums of the errors e of some elements under one scheme.
type sums struct {
	abs, sq float64 // sum|e| and sum e²
	max     float32 // max|e|
	clipped uint32  // number of clipped elements: at most blockLen in a kernel; tally has more bits
}

// columnSums are the sums of each of some columns.
type columnSums struct {
	abs, sq []float64
	max     []float32
	clipped []uint32
}

// sub returns the sums of the first n columns.
func (c columnSums) sub(n int) columnSums {
	return columnSums{c.abs[:n], c.sq[:n], c.max[:n], c.clipped[:n]}
}

// from returns the sums of the columns from i on.
func (c columnSums) from(i int) columnSums {
	return columnSums{c.abs[i:], c.sq[i:], c.max[i:], c.clipped[i:]}
}
