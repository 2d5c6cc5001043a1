package quant

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// A Format says which values codes stand for, in units of the scale. Its zero value is
// [Integers]. Formats can be compared with ==.
//
// The other formats are codebooks: tables with a value for each code, such as the numbers of a
// small floating-point format. A codebook has at most 256 values. It has a scale and no zero
// point. The scale maps the largest magnitude of the range to the largest value of the table:
//
//	scale = max(|min|, |max|) / largest value
//	code  = that of the value nearest to x / scale, with x / scale rounded once to float32
//	x'    = value of the code * scale, rounded once to float32
//
// A quotient beyond the largest value gets the code of the largest value, and counts as
// clipped. NaN becomes the format's code for NaN, or that of 0 if there is none.
type Format struct{ number uint16 } // index into books; not a pointer, so that a struct that holds a Scheme does not escape

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

// formatNamed returns the format with the given name.
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

// UnmarshalText reads the name of a format. The error is ErrScheme for an unknown name.
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

// books has all codebooks, with the numbers of their formats as indices. The first element is
// nil.
var books struct {
	all        [1 << 10]atomic.Pointer[codebook]
	used       int
	sync.Mutex // guards used
}

// newBook makes the codebook of a table. values[c] is the value of code c; it is NaN or infinite
// if no value becomes that code. There must be 2^bits values. nan is the code of NaN.
func newBook(name string, bits int, values []float32, ties tieRule, nan uint8) *codebook {
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
	b.padded = append(make([]uint32, 0, len(values)-1), b.limits...)
	for len(b.padded) < len(values)-1 {
		b.padded = append(b.padded, math.MaxUint32)
	}
	for _, c := range b.order {
		if v := float64(b.values[c]); len(b.levels) == 0 || v != b.levels[len(b.levels)-1] {
			b.levels = append(b.levels, v)
		}
	}
	if b.small = bits <= 4; b.small {
		b.setTables()
	}
	b.lowest, b.highest = key(b.values[b.order[0]]), key(b.values[b.order[len(b.order)-1]])
	return b
}

// newFormat makes the format of a table, as newBook makes its codebook.
func newFormat(name string, bits int, values []float32, ties tieRule, nan uint8) Format {
	b := newBook(name, bits, values, ties, nan)
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

// formatList returns the names of the formats, separated by commas.
func formatList() string {
	var names []string
	for _, f := range Formats() {
		names = append(names, f.String())
	}
	return strings.Join(names, ", ")
}
