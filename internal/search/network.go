package search

import "math"

// Sorting by a network: a fixed list of pairs, each of which is put into order. It has no branch that
// depends on the values.

// SortFew sets dst to the values of x in ascending order, -0 before +0. x has at most 32 finite
// values, and dst has as many.
//
// SortFew defines the result that a kernel must have. Kernels.SortFew can hold such a kernel.
func SortFew(dst []float64, x []float32) {
	var keys fewKeys
	keys.sort(dst, x)
}

// networkSize is the number of values that the network sorts.
const networkSize = 32

// network is Batcher's odd-even merge sort for networkSize values (K. Batcher, Sorting Networks and
// Their Applications, 1968).
var network = func() (pairs [][2]uint8) {
	const n = networkSize
	for p := 1; p < n; p *= 2 {
		for k := p; k >= 1; k /= 2 {
			for j := k % p; j+k < n; j += 2 * k {
				for i := j; i < min(j+k, n-k); i++ {
					if i/(2*p) == (i+k)/(2*p) {
						pairs = append(pairs, [2]uint8{uint8(i), uint8(i + k)})
					}
				}
			}
		}
	}
	return pairs
}()

// fewKeys are the values that the network sorts, as ascending has them.
type fewKeys [networkSize]uint32

// sort sets v to the values of x, at most networkSize of them, in ascending order. Both have the same length.
func (keys *fewKeys) sort(v []float64, x []float32) {
	for i, v := range x {
		keys[i&(networkSize-1)] = ascending(v)
	}
	for i := len(x); i < networkSize; i++ {
		keys[i] = math.MaxUint32
	}
	for _, p := range network {
		a, b := &keys[p[0]&(networkSize-1)], &keys[p[1]&(networkSize-1)]
		*a, *b = min(*a, *b), max(*a, *b)
	}
	for i, k := range keys[:len(x)] {
		v[i] = float64(ofAscending(k))
	}
}

// ascending returns the bits of v, changed so that larger values have larger numbers.
func ascending(v float32) uint32 {
	k := math.Float32bits(v)
	return k ^ (uint32(int32(k)>>31) | 1<<31)
}

// ofAscending returns the value for which ascending returns k.
func ofAscending(k uint32) float32 {
	return math.Float32frombits(k ^ (uint32(int32(^k)>>31) | 1<<31))
}
