package search

import (
	"math"
	"slices"
)

// The data of a scan, its constants, and what it knows about values. scan.go explains the search.

const (
	scanMost   = 5 << 12 // the largest number of values of a scan
	scanApart  = 0.25    // by how many steps the outermost mark moves between two steps of a scan
	scanSide   = 1 << 9  // the largest number of steps to either side
	scanBest   = 4       // from how many steps a scan goes down at most
	scanHalves = 6       // how often the distance is halved on the way down
	scanLast   = 24      // how often at most, while two halves of the distance gain scanGain of the cost
	scanGain   = 0x1p-13

	// A scan goes down from steps that cost more than the best by at most this part of the noise.
	scanDown = 1.0 / 6

	// These are for values of which few matter, or many are equal. The cost then changes within a quarter
	// of a step, so the steps are half as far from each other.
	scanBestFew = 8
	scanDownFew = 0.5

	scanSample = 1 << 7  // among how many values equal ones are counted
	scanMean   = 1 << 9  // from how many values, about, their mean magnitude is estimated
	scanTiny   = 0x1p-16 // values below this part of the first step need no sweep

	// scanSwept is the largest sum of magnitudes, divided by the largest one, of values that are swept. It
	// is half of that for |e|, for which a sweep has twice as many events.
	scanSwept = 1 << 8

	// scanFar is the ratio of the largest magnitude to the range of the values above which the marks of an
	// asymmetric grid are moved in three ways.
	scanFar = 1.25

	// The ratio of two coarse steps is 1 + scanFine to 1 + scanCoarse. Only those that cost less than
	// scanNear times the best are looked at.
	scanFine   = 0x1p-9
	scanCoarse = 0.09
	scanNear   = 1.25
)

// A scan is the state of a scan.
type scan struct {
	best   candidate
	part   float64 // of an asymmetric grid, the place between the lowest mark, 0, and the highest, 1
	anchor float64 // the value that stays at that place
	coarse float64 // the ratio of two coarse steps
	down   float64 // scanDown or scanDownFew
	margin float64 // by which part of the cost the noise may change it
	spots  []spot  // the best steps, by ascending cost
	starts []spot  // the coarse steps
	large  []float32
	sample []float32
}

// choose sets c.large to the values of x that matter for a symmetric grid, and reports whether a
// sweep of these is fast: if few of them are large. One of the values that do not matter is among
// them.
func (c *scan) choose(w *sweep, x []float32) bool {
	tiny, most := float32(w.first*scanTiny), w.most*scanSwept
	if !w.squares {
		most /= 2
	}
	n, total := 0, 0.0
	for _, v := range x {
		if v > tiny || v < -tiny {
			n++
		}
		total += math.Abs(float64(v))
		if n >= sweepMost || total > most {
			return false
		}
	}
	c.large = c.large[:0]
	left := 0
	for _, v := range x {
		if v > tiny || v < -tiny || left == 0 {
			c.large = append(c.large, v)
		}
		if v <= tiny && v >= -tiny {
			left++
		}
	}
	return true
}

// setMargin sets c.margin and c.down for the values x and marks up to the magnitude most. The noise of a
// sum of n independent errors is its standard deviation, which is about 0.9/√n of the sum for e² and
// 0.6/√n for |e| if a value may be anywhere between two marks. The margin is more than three times that.
// Small values do not count among the n, nor equal ones several times.
func (c *scan) setMargin(x []float32, most float64, squares bool) {
	sum, each := 0.0, 1+len(x)/scanMean
	for i := 0; i < len(x); i += each {
		sum += lower(math.Abs(float64(x[i])), most)
	}
	n := lower(float64(len(x)), 4*sum*float64(each)/most)
	n = upper(lower(n, c.different(x)), 4)
	if c.down = scanDown; n < float64(len(x))/4 {
		c.down = scanDownFew
	}
	c.margin = 3 / math.Sqrt(n)
	if !squares {
		c.margin = 2 / math.Sqrt(n)
	}
}

// different returns about how many different magnitudes above 0 x has, or infinity if they are very
// many. It counts the pairs of equal ones in a sample.
func (c *scan) different(x []float32) float64 {
	c.sample = c.sample[:0]
	for i := range scanSample {
		v := x[i*(len(x)-1)/(scanSample-1)]
		c.sample = append(c.sample, max(v, -v))
	}
	slices.Sort(c.sample)
	pairs, same := 0, 0
	for i := 1; i < scanSample; i++ {
		if same++; c.sample[i] != c.sample[i-1] || c.sample[i] == 0 {
			same = 0
		}
		pairs += same
	}
	return scanSample * (scanSample - 1) / 2 / float64(pairs)
}

// keep inserts a spot into c.spots if it is among the best, which are at most the given number. Of spots
// whose steps differ by at most 1.5 times the part near, only the best is kept.
func (c *scan) keep(at spot, near float64, most int) {
	i := len(c.spots)
	for i > 0 && at.cost < c.spots[i-1].cost {
		i--
	}
	for j, q := range c.spots {
		if math.Abs(q.step-at.step) <= 1.5*near*at.step {
			if j >= i {
				copy(c.spots[i+1:j+1], c.spots[i:j])
				c.spots[i] = at
			}
			return
		}
	}
	c.spots = insert(c.spots, at, i, most)
}
