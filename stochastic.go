package quant

import (
	"fmt"
	"math"
	"math/bits"
)

// Stochastic rounding: a quotient between two integers becomes one of them at random, the
// nearer one more often, so that the mean of many codes is the quotient. It is used for
// gradients.

// QuantizeStochastic is QuantizeCodes with stochastic rounding. A quotient x/scale between the
// integers k and k+1 becomes k+1 with the probability x/scale - k, and k otherwise. Integers do
// not change. Before that, the quotient is rounded to float32 and limited to the grid. NaN
// becomes qmin.
//
// The random numbers come from the counter-based generator Philox4x32-10 (Salmon et al.,
// Parallel Random Numbers: As Easy as 1, 2, 3, 2011). Element i of t takes word j mod 4 of
// counter j/4 under the key seed, where j = first+i. So the same seed gives the same codes on
// every machine, and a tensor can be quantized in pieces: first is then the index of the first
// element of t in the whole tensor. Use another seed, or other indices, for every tensor.
//
// It works on the calling goroutine and allocates nothing. Errors: those of QuantizeCodes, and
// ErrScheme for a format other than Integers.
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

// stochasticCode returns the code of x minus the zero point. random decides the rounding; lo
// and hi are the limits.
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

// A philox returns the words of the generator Philox4x32-10 in order.
type philox struct {
	key   [2]uint32
	at    uint64 // index of the next word
	ready bool   // whether words are the words of counter at/4
	words [4]uint32
}

// next returns the next word.
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

// philoxWords returns the four words of counter c under a key. The constants are from the
// paper.
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
