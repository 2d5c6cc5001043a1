package search

import "math"

// Distances of values from the multiples of many steps at once, in integers of 16 bits: the
// phase of a value is the value in steps, modulo 1, in units of 2^-16. A phase wraps around
// where the value comes to the middle between two multiples, and so does a signed integer.

// Phases are those of two values, at steps whose reciprocals are equally far from each other.
type Phases struct {
	First [2]uint16 // the phases at the first step
	Moves [2]uint16 // by how much they change from one step to the next
}

const (
	// PhasesMost is the largest number of steps of one call of LowPhases. PhasesUnit is the
	// number of which every number of steps is a multiple.
	PhasesMost = 64
	PhasesUnit = 16

	phaseShift  = 13
	phaseOne    = 1 << 16                  // the phase of a whole step
	phaseSquare = 1 << (2*16 - phaseShift) // its square, in the units of a sum
	phaseLimit  = 1<<31 - 1                // the largest limit
)

// PhaseSums are sums over all values, one for each step.
type PhaseSums [PhasesMost]uint32

// LowPhases sets the first sums, one for each of some steps, and returns at which steps the
// values are close to multiples of the step: bit j is set if the sum at step j is at most
// limit-j*down, which must not be below 0. The limit is at most 2^31-1, and there are at most
// 2^12 pairs of values.
//
// The sum is that of the distances of the phases from the next multiple of 2^16. With squares
// it is the sum of the squares: those of each pair are added, divided by 2^13 and rounded
// down. Without squares, the distance of a negative phase is reduced by one unit.
//
// It is the definition. A kernel for it can be given to a Task.
func LowPhases(sums *PhaseSums, all []Phases, steps int, limit, down uint32, squares bool) (low uint64) {
	clear(sums[:steps])
	for i := range all {
		p := &all[i]
		a, b, moveA, moveB := p.First[0], p.First[1], p.Moves[0], p.Moves[1]
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

// phaseOf returns the phase of y units, rounded to the nearest integer, for |y| < 2^51: the
// sum has its last place at 2^0.
func phaseOf(y float64) uint16 { return uint16(math.Float64bits(y + 0x1.8p52)) }

// setPhases sets w.phases for the steps 1/u, 1/(u-h), 1/(u-2*h) and so on to 1/(u-n*h). Moves
// are rounded, so they are exact for the step in the middle.
func (w *sweep) setPhases(u, h float64, n int) {
	v := w.some
	w.phases = resize(w.phases, (len(v)+1)/2)
	mid := (u - float64(float64(n/2)*h)) * phaseOne
	h *= -phaseOne
	back := uint16(n / 2)
	for i := range w.phases[:len(v)/2] {
		p, a, b := &w.phases[i], v[2*i], v[2*i+1]
		moveA, moveB := phaseOf(float64(a*h)), phaseOf(float64(b*h))
		p.First[0], p.First[1] = phaseOf(float64(a*mid))-back*moveA, phaseOf(float64(b*mid))-back*moveB
		p.Moves[0], p.Moves[1] = moveA, moveB
	}
	if m := len(v); m%2 > 0 {
		a := v[m-1]
		move := phaseOf(float64(a * h))
		w.phases[m/2] = Phases{First: [2]uint16{phaseOf(float64(a*mid)) - back*move}, Moves: [2]uint16{move}}
	}
}

// phaseError returns by how many steps the phase of a value at one of n+1 steps differs from
// the value, at most.
func (w *sweep) phaseError(u float64, n int) float64 {
	return 0x1p-17 + float64(n+1)*0x1p-18 + float64(w.most*u)*0x1p-50
}
