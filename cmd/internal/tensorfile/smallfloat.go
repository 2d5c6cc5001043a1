package tensorfile

import (
	"io"
	"math"
)

// smallFloat is a floating-point type of at most eight bits, with a sign, an exponent and a
// mantissa.
type smallFloat struct {
	exponent, mantissa, bias int  // numbers of bits, and the bias of the exponent
	unsigned                 bool // whether there is only an exponent, without a sign
	infinities               bool // whether the largest exponent is for infinities and NaN
	nan                      int  // magnitude of the code that is the only NaN; 0 if there is none
	negativeZeroIsNaN        bool
}

// bits returns the width of a code.
func (f smallFloat) bits() int {
	if f.unsigned {
		return f.exponent + f.mantissa
	}
	return 1 + f.exponent + f.mantissa
}

// value returns the value of a code. It is exact, since float32 holds all values of such a
// type.
func (f smallFloat) value(code int) float32 {
	magnitude, negative := code, false
	if !f.unsigned {
		sign := 1 << (f.exponent + f.mantissa)
		magnitude, negative = code&(sign-1), code&sign != 0
	}
	e, m := magnitude>>f.mantissa, magnitude&(1<<f.mantissa-1)
	var x float64
	switch {
	case f.nan != 0 && magnitude == f.nan, f.negativeZeroIsNaN && negative && magnitude == 0,
		f.infinities && e == 1<<f.exponent-1 && m != 0:
		return float32(math.NaN())
	case f.infinities && e == 1<<f.exponent-1:
		x = math.Inf(1)
	case e == 0 && !f.unsigned: // subnormal
		x = math.Ldexp(float64(m), 1-f.bias-f.mantissa)
	default:
		x = math.Ldexp(float64(int(1)<<f.mantissa+m), e-f.bias-f.mantissa)
	}
	if negative {
		x = math.Copysign(x, -1)
	}
	return float32(x)
}

// smallFloats are the types of safetensors files, by their names there. Types with FN and UZ in
// the name are those of ONNX: without infinities, and without negative zero.
var smallFloats = map[string]smallFloat{
	"F8_E4M3":     {exponent: 4, mantissa: 3, bias: 7, nan: 0x7f},
	"F8_E5M2":     {exponent: 5, mantissa: 2, bias: 15, infinities: true},
	"F8_E4M3FNUZ": {exponent: 4, mantissa: 3, bias: 8, negativeZeroIsNaN: true},
	"F8_E5M2FNUZ": {exponent: 5, mantissa: 2, bias: 16, negativeZeroIsNaN: true},
	"F8_E8M0":     {exponent: 8, bias: 127, unsigned: true, nan: 0xff},
	"F6_E2M3":     {exponent: 2, mantissa: 3, bias: 1},
	"F6_E3M2":     {exponent: 3, mantissa: 2, bias: 3},
	"F4":          {exponent: 2, mantissa: 1, bias: 1},
}

// smallTables has the value of every code of smallFloats.
var smallTables = func() map[string][]float32 {
	all := make(map[string][]float32)
	for name, f := range smallFloats {
		table := make([]float32, 1<<f.bits())
		for code := range table {
			table[code] = f.value(code)
		}
		all[name] = table
	}
	return all
}()

// coded is a Source of packed codes in a file, with a table of their values. The first code is
// in the lowest bits of the first byte.
type coded struct {
	r     io.ReaderAt
	start int64 // offset of the first code
	n     int   // number of codes
	bits  int   // bits of a code, at most 8
	table []float32
	high  bool // whether the first of two 4-bit codes is in the high half of a byte
}

func (s *coded) ReadFloats(dst []float32, off int) error {
	buf := scratch.Get().(*[blockBytes / 8]uint64)
	defer scratch.Put(buf)
	b := scratchBytes(buf)
	for len(dst) > 0 {
		from, shift := int64(off)*int64(s.bits)/8, off*s.bits%8
		k := min(len(dst), (len(b)*8-shift)/s.bits)
		data := b[:(shift+k*s.bits+7)/8]
		if n, err := s.r.ReadAt(data, s.start+from); n < len(data) {
			return shortRead(err, off+n*8/s.bits, s.n, s.start+from+int64(n))
		}
		if s.bits == 8 {
			for i := range k {
				dst[i] = s.table[data[i]]
			}
		} else {
			s.unpack(dst[:k], data, shift)
		}
		dst, off = dst[k:], off+k
	}
	return nil
}

// unpack stores the values of codes with fewer than eight bits. They begin at bit shift of
// data.
func (s *coded) unpack(dst []float32, data []byte, shift int) {
	mask := 1<<s.bits - 1
	if s.high {
		for i := range dst {
			at := shift + i*s.bits
			dst[i] = s.table[data[at/8]>>(4-at%8)&15]
		}
		return
	}
	for i := range dst {
		at := shift + i*s.bits
		word := int(data[at/8])
		if at%8+s.bits > 8 {
			word |= int(data[at/8+1]) << 8
		}
		dst[i] = s.table[word>>(at%8)&mask]
	}
}
