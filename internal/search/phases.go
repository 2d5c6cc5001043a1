package search

import (
	"math"
	"math/bits"
)

// The distances of values from the multiples of many steps at once, in integers of 16 bits.
//
// The phase of a value is the value in steps, modulo 1, in units of 2^-16. Read as a signed
// integer, it is the distance of the value from the nearest multiple: it wraps around where the
// value is in the middle between two multiples.

// Phases are the phases of two values, at steps whose reciprocals are equally spaced. The lower 16
// bits of each number are for the one value, and the upper 16 bits for the other.
type Phases struct {
	First uint32 // the phases at the first step
	Moves uint32 // the change of the phases from one step to the next
}

// phasesOf returns the Phases of two values, each with its first phase and the change of it.
func phasesOf(a, moveA, b, moveB uint16) Phases {
	return Phases{uint32(a) | uint32(b)<<16, uint32(moveA) | uint32(moveB)<<16}
}

// PhasesMost is the largest number of steps of one call of Low.
const PhasesMost = 64

const (
	phaseShift  = 13                       // squares are divided by 2^phaseShift
	phaseOne    = 1 << 16                  // the phase of a whole step, without wrapping around
	phaseSquare = 1 << (2*16 - phaseShift) // the square of a whole step, in the units of a sum
	phaseLimit  = 1<<31 - 1                // the largest limit
)

// PhaseSums are sums of distances, or of their squares, over all values: one for each step.
type PhaseSums [PhasesMost]uint32

// lowPhases sets the first sums, one for each of the given number of steps, from the phases of
// all pairs of values. It returns at which steps the values are close to multiples of the step:
// bit j is set if sum j is at most limit-j*down, which must not be below 0. The limit is at most
// 2^31-1. There are at most 2^12 pairs.
//
// A sum adds the distances of the phases from the nearest multiple of 2^16. With squares it adds
// their squares: those of each pair are added, divided by 2^13 and rounded down. Without
// squares, the distance of a negative phase is reduced by 1.
func lowPhases(sums *PhaseSums, all []Phases, steps int, limit, down uint32, squares bool) (low uint64) {
	clear(sums[:steps])
	for i := range all {
		p := &all[i]
		a, b, moveA, moveB := uint16(p.First), uint16(p.First>>16), uint16(p.Moves), uint16(p.Moves>>16)
		if squares {
			for j := range sums[:steps] {
				d, e := int32(int16(a)), int32(int16(b))
				sums[j] += (uint32(d*d) + uint32(e*e)) >> phaseShift
				a += moveA
				b += moveB
			}
			continue
		}
		for j := range sums[:steps] {
			d, e := int32(int16(a)), int32(int16(b))
			sums[j] += uint32(d^d>>15) + uint32(e^e>>15)
			a += moveA
			b += moveB
		}
	}
	for j, sum := range sums[:steps] {
		if sum <= limit {
			low |= 1 << j
		}
		limit -= down
	}
	return low
}

// Steps are n+1 steps whose reciprocals are equally spaced. Mid is the reciprocal of the step with
// index n/2, and Move the change of the reciprocals from one step to the next, both times 2^16. n is
// at least 1 and below PhasesMost.
type Steps struct {
	Mid, Move float64
	N         int
}

// setPhases returns the phases of all values at the steps s, in the memory of all. Since moves are
// rounded, the phases are computed for the step in the middle, and the first phases from these. An
// error of a move then adds up over half the steps only.
func setPhases(all []Phases, values []float64, s Steps) []Phases {
	all = resize(all, (len(values)+1)/2)
	back := uint16(s.N / 2)
	rest := all
	for ; len(values) > 1; values, rest = values[2:], rest[1:] {
		a, b := values[0], values[1]
		moveA, moveB := phaseOf(float64(a*s.Move)), phaseOf(float64(b*s.Move))
		rest[0] = phasesOf(phaseOf(float64(a*s.Mid))-back*moveA, moveA, phaseOf(float64(b*s.Mid))-back*moveB, moveB)
	}
	if len(values) > 0 {
		move := phaseOf(float64(values[0] * s.Move))
		rest[0] = phasesOf(phaseOf(float64(values[0]*s.Mid))-back*move, move, 0, 0)
	}
	return all
}

// Low returns at which of n+1 steps the values are close to multiples of the step, as bits: bit j is
// set if sum j is at most limit-j*down, which must not be below 0. The limit is at most 2^31-1. least
// is the index of the least of the sums whose bits are set: the lowest of equal ones, or 0 if no bit
// is set. lowPhases explains the sums. The sums after those of the steps are not specified; if no bit
// is set, no sum is. There are 1 to 2^13 values, and the phases are below 2^51 in magnitude.
//
// Low defines the result that a kernel must have. Kernels.Low can hold such a kernel. all is memory
// for phases.
func Low(sums *PhaseSums, all []Phases, values []float64, s Steps, limit, down uint32, squares bool) (low uint64, least int) {
	all = setPhases(all, values, s)
	first := uint64(math.MaxUint64)
	low = lowPhases(sums, all, s.N+1, limit, down, squares)
	for l := low; l != 0; l &= l - 1 {
		j := bits.TrailingZeros64(l) & (PhasesMost - 1)
		first = min(first, uint64(sums[j])<<32|uint64(j))
	}
	if low == 0 {
		return 0, 0
	}
	return low, int(uint32(first))
}

// AtMost returns which of the sums whose bits are set in low are at most their limits, as bits. The
// limits are those of lowPhases, and the sums are below 2^31, as those of Low are.
//
// AtMost defines the result that a kernel must have. Kernels.AtMost can hold such a kernel.
func AtMost(sums *PhaseSums, low uint64, limit, down uint32) (lower uint64) {
	for l := low; l != 0; l &= l - 1 {
		j := bits.TrailingZeros64(l) & (PhasesMost - 1)
		if sums[j] <= limit-down*uint32(j) {
			lower |= 1 << j
		}
	}
	return lower
}

// StepBounds are lower bounds on the costs of the steps between successive steps.
type StepBounds [PhasesMost]float64

// Bounding is what Bounds needs to know besides the sums: of steps whose reciprocals are U, U-H,
// U-2*H and so on.
type Bounding struct {
	U, H  float64
	Error float64 // the phases make the square root of f wrong by at most this
	Curve float64 // the sum of the squares of the values, times H²
	Share float64 // the largest share of the values in the cost of all values
	Most  float64 // bounds of this or more are of no use
}

// Bounds sets bounds[j], for each bit j in between, to a lower bound on the cost of all steps between
// the steps j and j+1, from sums of squares. It returns which of these bounds are below b.Most, as
// bits. Bit 63 of between is 0, and the sums are below 2^31. The other bounds are not specified afterwards. sweep_wide.go explains the
// bounds.
//
// Bounds defines the result that a kernel must have. Kernels.Bounds can hold such a kernel.
func Bounds(bounds *StepBounds, sums *PhaseSums, between uint64, b Bounding) (below uint64) {
	u, h, curve := b.U, b.H, b.Curve
	next, f2 := -1, 0.0 // f2 is a lower bound on f at the step next
	for l := between; l != 0; l &= l - 1 {
		j := bits.TrailingZeros64(l) & (PhasesMost - 1)
		f1 := f2
		if j != next {
			f1 = b.distance(sums[j])
		}
		next = j + 1
		f2 = b.distance(sums[next&(PhasesMost-1)])
		var f float64
		switch d := f1 - f2; {
		case d >= curve:
			f = f2
		case -d >= curve:
			f = f1
		default:
			d = curve + f1 - f2
			f = upper(f1-float64(d*d)/(4*curve), 0)
		}
		at := u - float64(float64(j)*h)
		bound := f / (float64(at*at) * b.Share)
		bounds[j] = bound
		if bound < b.Most {
			below |= 1 << j
		}
	}
	return below
}

// distance returns a lower bound on f from its sum.
func (b *Bounding) distance(sum uint32) float64 {
	d := upper(math.Sqrt(float64(sum)/phaseSquare)-b.Error, 0)
	return float64(d * d)
}

// phaseOf returns y, a value in units of 2^-16 steps, rounded to an integer and modulo 2^16. It
// requires |y| < 2^51. The last place of the sum is 2^0, so the addition rounds y.
func phaseOf(y float64) uint16 { return uint16(math.Float64bits(y + 0x1.8p52)) }
