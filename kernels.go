package quant

// Kernels
//
// A kernel is a hot loop. For each there is a Go function, named …Generic,
// which is its definition, and assembly that gives the same bits for every
// input; a dispatcher of the same name without ending chooses by active. What
// they have in common:
//
// A kernel of the runs walk takes src as consecutive runs of run elements, the
// last of which may be shorter, and one parameter or result for each run. A
// kernel of the columns walk takes len(scale) columns (or as many as it has
// results) and one parameter or result for each; its rows are consecutive, the
// last of them possibly shorter, or lie stride elements apart.
//
// A code is stored as its low 8 or 16 bits, so that one kernel serves signed
// and unsigned grids; qmin and qmax, the ends of a grid that fits, bound it. Zero points are at most
// maxZeroPoint in magnitude, so the bounds qmin-zero and qmax-zero are exact in
// float32, and x/scale is clamped to them before it is rounded: no conversion
// overflows, and NaN becomes qmin. Any scale is safe, if not sensible.
//
// With the hint stream a kernel may store past the caches; its caller then
// calls fence before anyone else may read.
//
// Kernels touch nothing outside their slices, allocate nothing and let nothing
// escape: they are called directly, never through a func value.

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

// active is the set in use: the fastest that this machine has. Only tests and
// benchmarks change it.
var active = usable[len(usable)-1]

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
