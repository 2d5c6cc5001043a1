package quant

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"unsafe"
)

// What the tests of kernels share: instruction sets, memory with guards,
// shapes, parameters and values. Every kernel is compared with its definition,
// bit for bit, at every shape that its contract allows.

// tested are the kernel sets that tests run: all that this machine has, or of
// those the ones that the environment names, so that an emulator's time goes to
// the set that only it has. What kernels are compared with is the same.
var tested = func() []isa {
	only := strings.Fields(os.Getenv("QUANT_ONLY_ISA"))
	if len(only) == 0 {
		return usable
	}
	return slices.DeleteFunc(slices.Clone(usable), func(s isa) bool { return !slices.Contains(only, s.String()) })
}()

// forEachISA runs f once for every kernel set that is tested.
func forEachISA(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	saved := active
	defer func() { active = saved }()
	for _, s := range tested {
		active = s
		t.Run("isa="+s.String(), f)
	}
}

// TestRequiredISA fails when the environment names a kernel set that this
// machine cannot run, so that CI cannot pass by skipping.
func TestRequiredISA(t *testing.T) {
	for name := range strings.FieldsSeq(os.Getenv("QUANT_REQUIRE_ISA") + " " + os.Getenv("QUANT_ONLY_ISA")) {
		if !slices.ContainsFunc(usable, func(s isa) bool { return s.String() == name }) {
			t.Errorf("%s is required, but this machine has only %v", name, usable)
		}
	}
	if !slices.IsSorted(usable) || usable[0] != generic {
		t.Errorf("usable sets are %v, want generic first and the fastest last", usable)
	}
}

// An area is memory between guard pages, of which place hands out one slice at
// a time, in the midst of canaries.
type area struct {
	mem      []byte
	from, to int // of the slice
}

const (
	canary = 0xa5
	margin = 256 // bytes of canaries on either side, where there is room
	atEnd  = -1  // for place
)

func newArea(t testing.TB, size int) *area { return &area{mem: guardedBytes(t, size+2*margin)} }

// place returns n elements of a, which begin at elements from its front or end
// where it ends. They are canaries too.
func place[T any](a *area, n, at int) []T {
	size := int(unsafe.Sizeof(*new(T)))
	a.from = at * size
	if at == atEnd {
		a.from = len(a.mem) - n*size
	}
	a.to = a.from + n*size
	if a.from < 0 || a.to > len(a.mem) {
		panic(fmt.Sprintf("an area of %d bytes is too small for [%d, %d)", len(a.mem), a.from, a.to))
	}
	for m := a.mem[max(0, a.from-margin):min(len(a.mem), a.to+margin)]; len(m) > 0; {
		m = m[copy(m, canaries):]
	}
	return unsafe.Slice((*T)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(a.mem)), a.from)), n)
}

// put is place with the contents of s.
func put[T any](a *area, s []T, at int) []T {
	d := place[T](a, len(s), at)
	copy(d, s)
	return d
}

var canaries = bytes.Repeat([]byte{canary}, 1<<16)

// intact reports whether all bytes next to the slice are what they were.
func (a *area) intact() bool {
	return isUntouched(a.mem[max(0, a.from-margin):a.from]) && isUntouched(a.mem[a.to:min(len(a.mem), a.to+margin)])
}

// isUntouched reports whether s, which is short, holds nothing but canaries.
func isUntouched[T any](s []T) bool {
	b := bytesOf(s)
	return bytes.Equal(b, canaries[:len(b)])
}

// bytesOf returns the memory of s.
func bytesOf[T any](s []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*int(unsafe.Sizeof(*new(T))))
}

// differ returns the first index at which the bits of two slices differ, or -1.
func differ[T any](a, b []T) int {
	x, y := bytesOf(a), bytesOf(b)
	if bytes.Equal(x, y) {
		return -1
	}
	i := 0
	for i < min(len(x), len(y)) && x[i] == y[i] {
		i++
	}
	return i / int(unsafe.Sizeof(*new(T)))
}

// ends are the two places of a slice at which a guard page touches it.
var ends = []int{0, atEnd}

// A shape is what a kernel of either walk takes. In the runs walk rows is 0.
type shape struct {
	n      int // elements of the source
	run    int // length of a run, or number of columns
	rows   int // that begin run or stride elements apart; the last may be shorter
	stride int
}

func (s shape) String() string {
	if s.rows > 0 {
		return fmt.Sprintf("%d elements, %d rows of %d columns, %d apart", s.n, s.rows, s.run, s.stride)
	}
	return fmt.Sprintf("%d elements in runs of %d", s.n, s.run)
}

// params returns how many parameters, or results, the shape has.
func (s shape) params() int {
	if s.rows > 0 {
		return s.run
	}
	return (s.n + s.run - 1) / s.run
}

// param returns the index of the parameter of element i.
func (s shape) param(i int) int {
	if s.rows > 0 {
		return min(i%s.stride, s.run-1) // elements between rows have none
	}
	return i / s.run
}

// longest is the most elements that a shape has. It holds more than one block.
const longest = 3*blockLen + 100

// thin returns s, or every fifth of it when time is short.
func thin[T any](s []T) []T {
	if !testing.Short() {
		return s
	}
	var t []T
	for i := 0; i < len(s); i += 5 {
		t = append(t, s[i])
	}
	return t
}

// lengths are all that are short, and what lies around some that are not.
func lengths(short int, more ...int) (n []int) {
	for i := 1; i <= short; i++ {
		n = append(n, i)
	}
	return append(n, more...)
}

// runShapes returns shapes of the runs walk: one run of every length; several
// of them, the last complete, of one element, or one short of complete; and
// runs that are longer than the source.
func runShapes() (s []shape) {
	for _, n := range lengths(300, 511, 512, 513, 1000, blockLen-1, blockLen) {
		s = append(s, shape{n: n, run: n})
	}
	for _, run := range lengths(70, 127, 128, 129, 130, 257, 1000, blockLen) {
		for _, k := range []int{1, 2, 3, 200/run + 1} {
			for _, rest := range []int{0, 1, run - 1} {
				if n := k*run + rest; n <= longest {
					s = append(s, shape{n: n, run: run})
				}
			}
		}
	}
	for _, n := range []int{1, 15, 16, 33, 100, 1000, blockLen} {
		s = append(s, shape{n: n, run: n + 1}, shape{n: n, run: 3*n + 7}, shape{n: n, run: 1 << 30})
	}
	return thin(s)
}

// columnShapes returns shapes of the columns walk whose rows are consecutive.
func columnShapes() (s []shape) {
	for _, cols := range lengths(130, 191, 192, 193, 255, 256, 257, 319, 320, 321, 511, 512, 513, 1000) {
		for _, rows := range []int{1, 2, 3, 7} {
			for _, rest := range []int{0, 1, cols / 2, cols - 1} {
				n := rows * cols
				if rest > 0 {
					n += rest - cols // the last row is short
				}
				s = append(s, shape{n: n, run: cols, rows: rows, stride: cols})
			}
		}
	}
	for _, cols := range lengths(9, 16, 63, 64, 65, 100, 130, 320, 321) { // many rows
		rows := min(300, longest/cols)
		s = append(s, shape{n: rows * cols, run: cols, rows: rows, stride: cols})
	}
	return thin(s)
}

// strideShapes returns shapes of the columns walk whose rows may lie apart.
func strideShapes() (s []shape) {
	for _, cols := range lengths(130, 191, 192, 193, 255, 256, 257, 320, 511, 512) {
		for _, rows := range []int{1, 2, 3, 7} {
			for _, gap := range []int{0, 1, 13, cols, 1000} {
				n := (rows-1)*(cols+gap) + cols
				s = append(s, shape{n: n, run: cols, rows: rows, stride: cols + gap})
				if n < 1000 { // the source may reach further
					s = append(s, shape{n: n + 77, run: cols, rows: rows, stride: cols + gap})
				}
			}
		}
	}
	for _, cols := range lengths(9, 16, 63, 64, 65, 100, 130, 320) { // many rows
		rows := min(300, longest/cols)
		s = append(s, shape{n: rows * cols, run: cols, rows: rows, stride: cols})
	}
	return thin(s)
}

// A grid is bounds of codes.
type grid struct{ qmin, qmax int32 }

// grids returns every grid of up to maxBits.
func grids(maxBits int) (g []grid) {
	for bits := 2; bits <= maxBits; bits++ {
		for _, s := range []Scheme{{Bits: bits}, {Bits: bits, Unsigned: true}, {Bits: bits, NarrowRange: true}} {
			qmin, qmax := s.Grid()
			g = append(g, grid{int32(qmin), int32(qmax)})
		}
	}
	return g
}

// mantissas are those at which a reciprocal is at its worst or best.
var mantissas = []uint32{0, 1, 2, 0x7fffff, 0x7ffffe, 0x400000, 0x3fffff, 0x2aaaab, 0x7f0000}

// anyScale returns a positive finite scale: of any exponent, subnormal too, or
// of a usual one.
func anyScale(rng *rand.Rand) float32 {
	m := rng.Uint32() & 0x7fffff
	if rng.IntN(2) == 0 {
		m = mantissas[rng.IntN(len(mantissas))]
	}
	e := rng.Uint32N(0xff)
	if rng.IntN(2) == 0 {
		e = 127 - 16 + rng.Uint32N(20)
	}
	if e == 0 { // as many subnormals of each length
		m = (m | 0x800000) >> (1 + rng.IntN(23))
	}
	return math.Float32frombits(max(1, e<<23|m))
}

// anySign returns the scale v with either sign, more often the positive one.
func anySign(rng *rand.Rand, v float32) float32 {
	if rng.IntN(3) == 0 {
		return -v
	}
	return v
}

// anyZero returns a zero point: none, in the grid, near it, or far from it.
func anyZero(rng *rand.Rand, g grid) int32 {
	switch rng.IntN(8) {
	case 0, 1:
		return 0
	case 2, 3:
		return g.qmin + rng.Int32N(g.qmax-g.qmin+1)
	case 4:
		return rng.Int32N(2000) - 1000
	case 5:
		return rng.Int32N(1<<23+1) - 1<<22
	case 6:
		return []int32{-1 << 22, 1 << 22, -maxZeroPoint, maxZeroPoint}[rng.IntN(4)]
	}
	return rng.Int32N(2*maxZeroPoint+1) - maxZeroPoint
}

// specials are values that have a way of their own through arithmetic.
var specials = []float32{
	0, float32(math.Copysign(0, -1)), 0.5, -0.5, 1.5, -1.5, 2.5, -2.5,
	126.5, 127.5, -127.5, -128.5, 254.5, 255.5, 32767.5, -32768.5, 65535.5,
	math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32,
	0x1p-126, -0x1p-126, 0x1.fffffcp-127, -0x1.fffffcp-127, // the smallest normal and the largest subnormal
	0x1p22, 0x1p23, -0x1p23, 0x1p24, 0x1p31, -0x1p31, 0x1.fffffep30, 0x1p32, 0x1p63,
	math.Nextafter32(0.5, 0), math.Nextafter32(0.5, 1), math.Nextafter32(-127.5, 0), math.Nextafter32(127.5, 128),
	float32(math.Inf(1)), float32(math.Inf(-1)),
	math.Float32frombits(0x7fc00000), math.Float32frombits(0xffc12345), // quiet NaN
	math.Float32frombits(0x7f800001), math.Float32frombits(0xffbfffff), // signalling NaN
}

// ulps returns v moved by k steps of its last place.
func ulps(v float32, k int) float32 { return math.Float32frombits(math.Float32bits(v) + uint32(k)) }

// anyValue returns a value for which quantizing by s and z is likely to go
// wrong: next to where codes change, at the ends of the grid, or anything.
func anyValue(rng *rand.Rand, s float32, z int32, g grid) float32 {
	lo, hi := float64(g.qmin-z), float64(g.qmax-z)
	q := lo - 3 + rng.Float64()*(hi-lo+6)
	switch rng.IntN(8) {
	case 0:
		return specials[rng.IntN(len(specials))]
	case 1:
		return math.Float32frombits(rng.Uint32())
	case 2:
		return float32(q * float64(s))
	case 3:
		q = math.Floor(q)
	case 4:
		q = []float64{lo - 1, lo - 0.5, lo, lo + 0.5, hi - 0.5, hi, hi + 0.5, hi + 1, -0.5, 0.5}[rng.IntN(10)]
	default:
		q = math.Floor(q) + 0.5
	}
	return ulps(float32(q*float64(s)), rng.IntN(5)-2)
}

// toFinite replaces what is not finite by 0.
func toFinite(x []float32) {
	for i := range x {
		if !finite(x[i]) {
			x[i] = 0
		}
	}
}

// A problem is parameters and values for a shape.
type problem struct {
	shape
	grid
	src   []float32
	scale []float32
	zero  []int32
}

func newProblem(rng *rand.Rand, s shape, g grid) *problem {
	p := &problem{shape: s, grid: g, src: make([]float32, s.n)}
	for range s.params() {
		p.scale = append(p.scale, anySign(rng, anyScale(rng)))
		p.zero = append(p.zero, anyZero(rng, g))
	}
	for i := range p.src {
		j := s.param(i)
		p.src[i] = anyValue(rng, p.scale[j], p.zero[j], g)
	}
	return p
}

func (p *problem) String() string {
	s := fmt.Sprintf("%v, grid [%d, %d]", p.shape, p.qmin, p.qmax)
	if len(p.scale) == 1 {
		s += fmt.Sprintf(", scale %x, zero point %d", p.scale[0], p.zero[0])
	}
	return s
}

// at describes element i.
func (p *problem) at(i int) string {
	j := p.param(i)
	return fmt.Sprintf("element %d, %x (%#08x), with scale %x and zero point %d in %v",
		i, p.src[i], math.Float32bits(p.src[i]), p.scale[j], p.zero[j], p)
}
