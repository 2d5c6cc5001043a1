package quant

import (
	"fmt"
	"math"
	"math/bits"
)

// Stochastic rounding: a quotient between two integers becomes either of them, the nearer
// one more often, so that the mean of many codes is the quotient. Gradients are rounded so.

// QuantizeStochastic is QuantizeCodes with stochastic rounding. A quotient x/scale between the
// integers k and k+1 becomes k+1 with the probability x/scale - k, and k otherwise;
// integers stay what they are. The quotient is rounded to float32 and limited to the grid first, and
// NaN becomes qmin.
//
// The random numbers are those of the counter-based generator Philox4x32-10 of Salmon et al.,
// 2011: element i takes word i mod 4 of counter i/4 under the key seed. So the same
// seed gives the same codes on every machine, and element i does not depend on others: with first, the index of
// the first element of t among all that share a seed, a tensor can be done in pieces. Each
// tensor needs a seed of its own, or indexes of its own.
//
// It works on the calling goroutine and allocates nothing. It is for integers. Errors: those of
// QuantizeCodes, and ErrScheme for a format that is a codebook.
func QuantizeStochastic[T Code](dst []T, t Tensor, p Params, seed, first uint64) error {
	f, err := newTransform(len(t.Data), t.Shape, p)
	if err != nil {
		return err
	}
	mustHold(len(dst), len(t.Data))
	if f.book != nil {
		return fmt.Errorf("%w: stochastic rounding is for integers, not for %v", ErrScheme, p.Scheme.Format)
	}
	if err := fits[T](f.codeGrid); err != nil {
		return err
	}
	s := f.spreadParams(false)
	r := philox{key: [2]uint32{uint32(seed), uint32(seed >> 32)}, at: first}
	for e, n := 0, len(t.Data); e < n; {
		span := f.span(e, n)
		x, d := t.Data[e:e+span.n], dst[e:e+span.n]
		for i, v := range x {
			j := span.p + i/span.run
			if span.columns {
				j = span.p + i%span.run
			}
			z := f.zero[j]
			d[i] = T(stochasticCode(v, f.scale[j], float32(f.qmin-z), float32(f.qmax-z), r.next()) + z)
		}
		e += span.n
	}
	if s != nil {
		spreaders.Put(s)
	}
	return nil
}

// stochasticCode is code with the rounding that a random word decides.
func stochasticCode(x, scale, lo, hi float32, random uint32) int32 {
	v := x / scale
	if !(v > lo) { // also catches NaN
		v = lo
	}
	if v > hi {
		v = hi
	}
	below := math.Floor(float64(v))
	if rest := float64(v) - below; float64(random) < rest*0x1p32 {
		below++
	}
	return int32(below)
}

// A philox gives the words of the generator Philox4x32-10, one after the other.
type philox struct {
	key   [2]uint32
	at    uint64 // index of the next word
	ready bool   // whether words are those of at/4
	words [4]uint32
}

// next returns the word at the index that is next.
func (r *philox) next() uint32 {
	i := r.at % 4
	if i == 0 || !r.ready {
		n := r.at / 4
		r.words = philoxWords([4]uint32{uint32(n), uint32(n >> 32)}, r.key)
		r.ready = true
	}
	r.at++
	return r.words[i]
}

// philoxWords returns the four words of a counter under a key. The constants
// are those of the paper.
func philoxWords(c [4]uint32, key [2]uint32) [4]uint32 {
	for range 10 {
		hi0, lo0 := bits.Mul32(0xd2511f53, c[0])
		hi1, lo1 := bits.Mul32(0xcd9e8d57, c[2])
		c = [4]uint32{hi1 ^ c[1] ^ key[0], lo1, hi0 ^ c[3] ^ key[1], lo0}
		key[0] += 0x9e3779b9
		key[1] += 0xbb67ae85
	}
	return c
}
