package quant

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
)

// The elements of a block are in memory, or a Source stores them in a buffer. Those in
// memory stay where they are, or are copied so that the block has no gaps.

// A Source gives the elements of a tensor that is not in memory as a whole:
// a file, say, or a tensor of another type that is widened block by block.
//
// A function that reads from a Source does so in blocks of at most 65,536
// elements, which it keeps no longer than it needs them, so that its memory does
// not grow with the tensor: it has what its results take, and a megabyte or two
// for each goroutine and 8 MiB besides.
//
// Methods that choose among the values, which are all but [MinMax], bring the values of a parameter together, of which it may
// have up to 2^20, or 2^16 if they are scattered over short rows: that takes up
// to 10 MiB for each goroutine. Parameters of more values are chosen for by
// passes over the tensor, with a histogram for each of up to 256 channels at a
// time, 10 to 40 KiB commonly and 260 KiB at most, and 8 MiB more.
type Source interface {
	// ReadFloats stores the elements from off up to off+len(dst), in row-major
	// order, in dst, which it must not keep. It is called from up to GOMAXPROCS
	// goroutines at once, for the same elements more than once, and has to give
	// the same ones each time. The first error ends the call that reads; what
	// that returns wraps it.
	ReadFloats(dst []float32, off int) error
}

// bufferLen is how many elements are read at a time: 256 KiB, which leaves a
// second-level cache room for what is made of them.
const bufferLen = 1 << 16

// copyLen is the length from which blocks of a tensor in memory are copied. Only
// tests change it.
var copyLen = 1 << 20

// buffers are for a tensor that is read at once.
var buffers = sync.Pool{New: func() any { return new([bufferLen]float32) }}

// A feed gives the elements of one tensor, or of two of the same shape. Slices
// of a caller are no part of it, since what it holds escapes to the heap: nobody
// knows what a Source does with it. They are passed along beside it.
type feed struct {
	failure
	src, second Source // nil if the elements are in memory
	copies      bool   // copy blocks that are in memory

	bad      atomic.Int64 // index of the first element found that is not finite
	badValue float32
}

// begin readies f for elements that come from these sources, if they are not nil.
func (f *feed) begin(src, second Source) {
	if f.failed.Load() { // a store each time would cost more than this load
		f.failure.begin()
	}
	f.src, f.second = src, second
	if f.bad.Load() != math.MaxInt64 {
		f.bad.Store(math.MaxInt64)
	}
}

// end lets go of the sources.
func (f *feed) end() {
	if f.src != nil {
		f.src, f.second, f.err = nil, nil, nil
	}
}

// elements returns the elements of b: those of x and, if there are two tensors, those
// of y. They may be in the given buffers. Rows are pitch elements apart. The result is
// nil where the elements do not matter any more: reading has failed, or an element
// before them is not finite.
func (f *feed) elements(x, y []float32, b *block, bx, by *[]float32) (ex, ey []float32, pitch int) {
	if f.failed.Load() || int64(b.e) > f.bad.Load() {
		return nil, nil, 0
	}
	if f.src == nil {
		x, y = x[b.e:], from(y, b.e)
		if !f.copies {
			return x, y, b.stride
		}
		x = b.compact(buffer(bx, b), x)
		if y != nil {
			y = b.compact(buffer(by, b), y)
		}
		return x, y, b.n
	}
	// Only slices of buffers may be given to a Source: no variable that is x or y
	// elsewhere, or the compiler would move these to the heap.
	if rx := buffer(bx, b); !f.read(rx, f.src, b) {
		return nil, nil, 0
	}
	if f.second == nil {
		return *bx, nil, b.n
	}
	if ry := buffer(by, b); !f.read(ry, f.second, b) {
		return nil, nil, 0
	}
	return *bx, *by, b.n
}

// buffer returns *p, with room for the elements of b. It is allocated when it is
// first needed.
func buffer(p *[]float32, b *block) []float32 {
	*p = resize(*p, max(bufferLen, b.rows*b.n))
	return *p
}

// compact stores the elements of b, the first of which is the first of src, in
// dst without the gaps between rows.
func (b *block) compact(dst, src []float32) []float32 {
	if b.n == b.stride {
		copy(dst, src[:b.rows*b.n])
		return dst
	}
	for i := range b.rows {
		copy(dst[i*b.n:(i+1)*b.n], src[i*b.stride:])
	}
	return dst
}

// read stores the elements of b in dst without the gaps between rows, and
// reports whether that went well.
func (f *feed) read(dst []float32, src Source, b *block) bool {
	if f.failed.Load() {
		return false
	}
	n, rows := b.n, b.rows
	if b.n == b.stride || rows == 1 {
		n, rows = rows*n, 1
	}
	for i := range rows {
		if err := readLong(src, dst[i*n:(i+1)*n], b.e+i*b.stride); err != nil {
			f.fail(err)
			return false
		}
	}
	return true
}

// findBad looks for the first element of b that is not finite, once a kernel has found one.
func (f *feed) findBad(x []float32, pitch int, b *block) {
	for i := range b.rows {
		for j, v := range x[i*pitch:][:b.n] {
			if finite(v) {
				continue
			}
			e := int64(b.e + i*b.stride + j)
			f.mu.Lock()
			if e < f.bad.Load() {
				f.bad.Store(e)
				f.badValue = v
			}
			f.mu.Unlock()
			return
		}
	}
	panic("quant: a kernel found a value that is not finite where there is none")
}

// notFinite returns the error for the first element that is NaN or infinite.
func notFinite(src []float32, l *layout, by Granularity) error {
	for i, x := range src {
		if !finite(x) {
			return newNotFinite(i, x, l, by)
		}
	}
	panic("quant: a kernel found a value that is not finite where there is none")
}

func newNotFinite(i int, x float32, l *layout, by Granularity) error {
	e := &NotFiniteError{Index: i, Channel: -1, Value: x}
	if by.unit == perChannel {
		e.Channel = l.channel(i)
	}
	return e
}

// from returns s from element i on, nil if it is nil.
func from(s []float32, i int) []float32 {
	if s == nil {
		return nil
	}
	return s[i:]
}

// readFloats calls src.ReadFloats, and says in an error where that was.
func readFloats(src Source, dst []float32, off int) error {
	if c, ok := src.(*columnsSource); ok {
		return c.ReadFloats(dst, off) // its errors count elements of the whole tensor
	}
	if err := src.ReadFloats(dst[:len(dst):len(dst)], off); err != nil {
		return fmt.Errorf("quant: reading elements %d to %d: %w", off, off+len(dst)-1, err)
	}
	return nil
}

// readLong is readFloats for any number of elements.
func readLong(src Source, dst []float32, off int) error {
	for len(dst) > 0 {
		n := min(bufferLen, len(dst))
		if err := readFloats(src, dst[:n], off); err != nil {
			return err
		}
		dst, off = dst[n:], off+n
	}
	return nil
}

// A columnsSource is a Source of some columns of another: rows of width elements,
// stride elements apart, from element first on.
type columnsSource struct {
	src                  Source
	first, width, stride int
}

func (c *columnsSource) ReadFloats(dst []float32, off int) error {
	for len(dst) > 0 {
		row, at := off/c.width, off%c.width
		n := min(len(dst), c.width-at)
		if err := readFloats(c.src, dst[:n], c.first+row*c.stride+at); err != nil {
			return err
		}
		dst, off = dst[n:], off+n
	}
	return nil
}

// A failure is the first error of a Source that goroutines read, or its panic.
type failure struct {
	failed  atomic.Bool
	mu      sync.Mutex
	err     error
	value   any // that a Source panicked with
	paniced bool
}

// begin clears the error of an earlier use.
func (f *failure) begin() {
	f.failed.Store(false)
	f.err, f.value, f.paniced = nil, nil, false
}

// fail keeps an error, if it is the first.
func (f *failure) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.failed.Swap(true) {
		f.err = err
	}
}

// guard is deferred by functions that run in a goroutine other than the caller's. A
// panic there would end the program: guard keeps it for the caller.
func (f *failure) guard(done *bool) {
	if *done {
		return
	}
	v := recover()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed.Swap(true) {
		return
	}
	if f.paniced, f.value = v != nil, v; v == nil {
		f.err = errors.New("quant: a Source has ended a goroutine that called it")
	}
}

// outcome raises the panic of a Source in another goroutine again, or returns the
// error of the Source.
func (f *failure) outcome() error {
	if f.paniced {
		panic(f.value)
	}
	return f.err
}

var errFickle = errors.New("quant: a Source has not given the same elements twice")
