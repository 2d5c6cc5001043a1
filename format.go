package quant

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/a01592f9/quant/internal/search"
)

// A Format says which value a code stands for, in units of the scale, and which code a
// value becomes. Its zero value is [Integers]. Formats can be compared with ==.
//
// The other formats are codebooks: tables of at most 256 values, such as those of small
// floating-point numbers. They have a scale and no zero point. The scale lays the largest
// magnitude of the range over the largest of the table:
//
//	scale = max(|min|, |max|) / largest value
//	code  = that of the value next to x / scale, with x / scale rounded once to float32
//	x'    = value of the code * scale, rounded once to float32
//
// What lies beyond the largest value gets its code, and counts as clipped. NaN becomes the
// format's code for NaN if there is one, else that of 0.
type Format struct{ number uint16 } // index into books; no pointer, since what holds a Scheme must not escape

// Integers is the format of the integers from qmin to qmax: see [Scheme.Grid].
var Integers = Format{}

// String returns the name of the format: "integers" for the zero value.
func (f Format) String() string {
	if f.number == 0 {
		return "integers"
	}
	return f.book().name
}

// Equal reports whether f and g are the same.
func (f Format) Equal(g Format) bool { return f == g }

// Width returns the number of bits of a code, 0 for Integers, whose width is Scheme.Bits.
func (f Format) Width() int {
	if f.number == 0 {
		return 0
	}
	return f.book().bits
}

// formatNamed returns the format with a name.
func formatNamed(name string) (f Format, ok bool) {
	for i := 1; i < len(books.all); i++ {
		b := books.all[i].Load()
		if b == nil {
			break
		}
		if b.name == name {
			return Format{uint16(i)}, true
		}
	}
	return Integers, name == Integers.String()
}

// Formats returns all formats but Integers.
func Formats() []Format {
	var all []Format
	for i := 1; i < len(books.all) && books.all[i].Load() != nil; i++ {
		all = append(all, Format{uint16(i)})
	}
	return all
}

// MarshalText returns the name of the format.
func (f Format) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads what MarshalText returns. The error is ErrScheme.
func (f *Format) UnmarshalText(text []byte) error {
	g, ok := formatNamed(string(text))
	if !ok {
		return fmt.Errorf("%w: there is no format %q; there are integers, %s", ErrScheme, text, formatList())
	}
	*f = g
	return nil
}

// GobEncode returns the text form.
func (f Format) GobEncode() ([]byte, error) { return f.MarshalText() }

// GobDecode reads the text form.
func (f *Format) GobDecode(data []byte) error { return f.UnmarshalText(data) }

// book returns the table of f, or nil for integers.
func (f Format) book() *codebook { return books.all[f.number].Load() }

// A codebook is a table of values with what a search of it needs. It does not change
// once it is made.
type codebook struct {
	name    string
	bits    int       // of a code
	values  []float32 // of each code; NaN or infinite for codes that no value becomes
	largest float32   // magnitude among values
	nan     uint8     // code that NaN becomes

	// The finite values in ascending order, -0 before +0.
	order  []uint8   // codes in this order
	levels []float64 // the different values

	// limits[i] is the key of the largest float32 that becomes order[i] and not
	// order[i+1]. The last order has no limit.
	limits []uint32

	// lowest and highest are the keys of the smallest and the largest value. A quotient
	// outside of them is clipped.
	lowest, highest uint32
}

// A tieRule says which of two neighbouring codes the value half-way between them becomes.
type tieRule uint8

const (
	// tieToEven chooses the code whose lowest bit is 0: the even mantissa, where codes are
	// floating-point numbers.
	tieToEven tieRule = iota

	// tieDown chooses the smaller value.
	tieDown
)

// books has all codebooks, at the number of their Format. The first is nil.
var books struct {
	all        [1 << 10]atomic.Pointer[codebook]
	used       int
	sync.Mutex // of used
}

// newFormat makes the format of a table: values[c] is the value of code c, NaN or infinite
// if nothing becomes that code. There are 2^bits of them. nan is the code that NaN becomes.
func newFormat(name string, bits int, values []float32, ties tieRule, nan uint8) Format {
	if bits < 2 || bits > 8 || len(values) != 1<<bits || int(nan) >= len(values) {
		panic(fmt.Sprintf("quant: format %s has %d values for %d bits, and the code %d for NaN", name, len(values), bits, nan))
	}
	b := &codebook{name: name, bits: bits, values: slices.Clone(values), nan: nan}
	for c, v := range values {
		if finite(v) {
			b.order = append(b.order, uint8(c))
			b.largest = max(b.largest, absolute(v))
		}
	}
	slices.SortFunc(b.order, func(c, d uint8) int { return compareKeys(b.values[c], b.values[d]) })
	for i := range len(b.order) - 1 {
		b.limits = append(b.limits, limit(b.values[b.order[i]], b.values[b.order[i+1]], ties == tieDown || b.order[i]&1 == 0))
	}
	for _, c := range b.order {
		if v := float64(b.values[c]); len(b.levels) == 0 || v != b.levels[len(b.levels)-1] {
			b.levels = append(b.levels, v)
		}
	}
	b.lowest, b.highest = key(b.values[b.order[0]]), key(b.values[b.order[len(b.order)-1]])

	books.Lock()
	defer books.Unlock()
	for i := range books.used {
		if books.all[i+1].Load().name == name {
			panic("quant: there are two formats named " + name)
		}
	}
	books.used++
	books.all[books.used].Store(b)
	return Format{uint16(books.used)}
}

// key returns an integer that orders floats as their values do, -0 below +0. NaN is above
// or below all others.
func key(v float32) uint32 {
	b := math.Float32bits(v)
	if b>>31 == 1 {
		return ^b
	}
	return b | 1<<31
}

func compareKeys(a, b float32) int { return int(int64(key(a)) - int64(key(b))) }

// limit returns the key of the largest float32 that is nearer to a than to b, where a is
// below b. Half-way counts as nearer to a if down is set.
//
// The sum of two values of a codebook is exact in float64, and so is its half.
func limit(a, b float32, down bool) uint32 {
	if a == 0 && b == 0 {
		return key(a) // -0, which is its own
	}
	middle := (float64(a) + float64(b)) / 2
	m := float32(middle) // may be rounded either way
	k := key(m)
	if m == 0 { // both zeros are half-way
		if down {
			return key(0)
		}
		return key(minusZero) - 1
	}
	if float64(m) > middle || float64(m) == middle && !down {
		k--
	}
	return k
}

var minusZero = math.Float32frombits(1 << 31)

func absolute(v float32) float32 { return math.Float32frombits(math.Float32bits(v) &^ (1 << 31)) }

// searched returns b as a search sees it: by the different values that there are.
func (b *codebook) searched(s search.Scaler) search.Grid {
	return search.Grid{Scaler: s, Highest: int32(len(b.levels) - 1), Levels: b.levels, Symmetric: true}
}

// validateFormat checks the options of a scheme whose codes are no integers.
func (s Scheme) validateFormat() error {
	b := s.Format.book()
	switch {
	case s.Bits != 0 && s.Bits != b.bits:
		return fmt.Errorf("%w: %d, but codes of %s have %d", ErrBits, s.Bits, b.name, b.bits)
	case s.Unsigned || s.NarrowRange || s.ZeroInRange:
		return fmt.Errorf("%w: unsigned codes, narrow range and zero in range are for integers, not for %s", ErrScheme, b.name)
	case s.Method.kind == entropy:
		return fmt.Errorf("%w: %v is for integers, not for %s", ErrMethod, s.Method, b.name)
	}
	return nil
}

// normal returns s with what follows from its format: the width in Bits, and the
// symmetric mapping, since there is no zero point.
func (s Scheme) normal() Scheme {
	if s.Format.number != 0 {
		s.Bits, s.Mapping = s.Format.book().bits, Symmetric
	}
	return s
}

// A codeGrid is what the loops over elements need to know of a scheme: how x/scale becomes a
// code, and what a code stands for.
type codeGrid struct {
	qmin, qmax int32
	bits       int       // of a code
	signed     bool      // codes are in two's complement
	book       *codebook // nil for integers
}

func (s Scheme) grid() codeGrid {
	qmin, qmax := s.Grid()
	g := codeGrid{int32(qmin), int32(qmax), s.Bits, !s.Unsigned, s.Format.book()}
	if g.book != nil {
		g.bits, g.signed = g.book.bits, false
	}
	return g
}

// What follows chooses the kernel of a format. Codes of codebooks are bytes.

func (g *codeGrid) quantizeRuns(dst []uint8, src []float32, run int, scale []float32, zero []int32, stream bool) {
	if g.book != nil {
		quantizeBookRunsGeneric(dst, src, run, scale, g.book)
		return
	}
	quantizeInt8Runs(dst, src, run, scale, zero, g.qmin, g.qmax, stream)
}

func (g *codeGrid) quantizeColumns(dst []uint8, src []float32, scale []float32, zero []int32, stream bool) {
	if g.book != nil {
		quantizeBookColumnsGeneric(dst, src, scale, g.book)
		return
	}
	quantizeInt8Columns(dst, src, scale, zero, g.qmin, g.qmax, stream)
}

func (g *codeGrid) dequantizeRuns(dst []float32, src []uint8, run int, scale []float32, zero []int32, stream bool) {
	if g.book != nil {
		dequantizeBookRunsGeneric(dst, src, run, scale, g.book)
		return
	}
	dequantizeInt8Runs(dst, src, run, scale, zero, g.signed, stream)
}

func (g *codeGrid) dequantizeColumns(dst []float32, src []uint8, scale []float32, zero []int32, stream bool) {
	if g.book != nil {
		dequantizeBookColumnsGeneric(dst, src, scale, g.book)
		return
	}
	dequantizeInt8Columns(dst, src, scale, zero, g.signed, stream)
}

// errorsRuns sets acc to the sums of runs, and sq, if it is not nil, to their sums of
// squares.
func (g *codeGrid) errorsRuns(acc []sums, sq []float64, src []float32, run int, scale []float32, zero []int32) {
	switch {
	case g.book != nil:
		errorsBookRunsGeneric(acc, src, run, scale, g.book)
		if sq != nil {
			squaresRuns(sq[:len(acc)], src, run)
		}
	case sq != nil:
		errorsSquaresRuns(acc, sq, src, run, scale, zero, g.qmin, g.qmax)
	default:
		errorsRuns(acc, src, run, scale, zero, g.qmin, g.qmax)
	}
}

func (g *codeGrid) errorsColumns(acc columnSums, src []float32, rows, stride int, scale []float32, zero []int32) {
	if g.book != nil {
		errorsBookColumnsGeneric(acc, src, rows, stride, scale, g.book)
		return
	}
	errorsColumns(acc, src, rows, stride, scale, zero, g.qmin, g.qmax)
}
