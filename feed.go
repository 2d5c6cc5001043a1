package quant

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
)

// Access to the elements of a block. A Source stores them in a buffer, or they are in memory.
// Elements in memory are used in place, or are copied so that the block has no gaps.

// A Source reads the elements of a tensor that is not in memory as a whole: for example, from a
// file, or from a tensor of another type that is converted block by block.
//
// Functions read from a Source in blocks of at most 65,536 elements. They keep a block only as
// long as they need it, so their memory does not grow with the tensor. They need memory for their
// results, about 8 MiB, and for up to 32 schemes less than 1 MiB for each goroutine.
//
// All methods but [MinMax] choose among the values. They collect the values of a parameter if
// there are at most 2^20, or at most 2^16 in short rows. This needs up to 10 MiB for each
// goroutine. For parameters with more values they make passes over the tensor, with a histogram
// for each of up to 256 channels at a time. A histogram usually takes 10 to 40 KiB, and at most
// 260 KiB. The passes need 8 MiB more.
//
// The search for the least error can take minutes between two reads. A Source may have the method
// Err() error, as a [context.Context] has. The search calls it now and then, from up to GOMAXPROCS
// goroutines at once. An error of Err ends the call as one of ReadFloats does.
type Source interface {
	// ReadFloats stores the elements off to off+len(dst)-1, in row-major order, in dst. It must
	// not keep dst. It is called from up to GOMAXPROCS goroutines at once, and several times for
	// the same elements, for which it must return the same values. The first error aborts the
	// call that reads, which returns an error that wraps it.
	ReadFloats(dst []float32, off int) error
}

// An ender is a Source that can end a call between reads (see Source).
type ender interface {
	Source
	Err() error
}

// bufferLen is the number of elements that are read at a time. They are 256 KiB, so a
// second-level cache has room for the results.
const bufferLen = 1 << 16

// copyLen is the number of elements above which the blocks of a tensor in memory may be copied.
// Only tests change it.
var copyLen = 1 << 20

// buffers are buffers for a tensor that is read by one goroutine.
var buffers = sync.Pool{New: func() any { return new([bufferLen]float32) }}

// A feed returns the elements of one tensor, or of two tensors of the same shape. It does not hold
// the slices of a caller: everything that it holds escapes to the heap, since the compiler does
// not know what a Source does with it. So its methods get these slices as arguments.
type feed struct {
	failure
	src, second Source // nil if the elements are in memory
	ender       ender  // src, if it is one
	copies      bool   // copy blocks that are in memory

	bad      atomic.Int64 // the lowest index found so far of an element that is not finite
	badValue float32      // the element at that index
}

// begin prepares f for elements that are read from src and second, or are in memory if these are
// nil.
func (f *feed) begin(src, second Source) {
	if f.failed.Load() { // the load is cheaper than a store
		f.failure.begin()
	}
	f.src, f.second = src, second
	if src != nil {
		f.ender, _ = src.(ender)
	}
	if f.bad.Load() != math.MaxInt64 {
		f.bad.Store(math.MaxInt64)
	}
}

// end releases the sources.
func (f *feed) end() {
	if f.src != nil {
		f.src, f.second, f.ender, f.err = nil, nil, nil, nil
	}
}

// endedEvery is the number of values for which a search goes on without asking whether the call has
// ended. Values of 16 bits take up to a millisecond each, all others a few microseconds.
const endedEvery = 256

// ended reports whether the call has ended, so that no more searches are needed. The search before
// was for n values. *since counts the values since the Source was asked.
func (f *feed) ended(since *int, n int) bool {
	if f.ender == nil {
		return false
	}
	if *since += n; *since < endedEvery {
		return false
	}
	*since = 0
	if f.failed.Load() {
		return true
	}
	if err := f.ender.Err(); err != nil {
		f.fail(fmt.Errorf("quant: choosing ranges: %w", err))
		return true
	}
	return false
}

// readWhole reports whether a tensor of n elements is read from src into one buffer. A Source
// that can end the call is asked only by a search that has the Source. So it is not read whole if
// one of the schemes has such a search.
func readWhole(src Source, n int, searches bool) bool {
	if n > bufferLen {
		return false
	}
	_, ok := src.(ender)
	return !ok || !searches
}

// elements returns the elements of b: ex of the tensor x and, if there are two tensors, ey of the
// tensor y. They may be in the buffers bx and by. Their rows begin pitch elements apart. The
// result is nil if the elements are not needed any more: reading has failed, or an earlier element
// is not finite.
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
	// Only slices of buffers are passed to a Source. If it got the variables x or y, they would
	// escape to the heap.
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

// buffer returns *p with room for the elements of b, and allocates it if necessary.
func buffer(p *[]float32, b *block) []float32 {
	*p = resize(*p, max(bufferLen, b.rows*b.n))
	return *p
}

// compact copies the elements of b to dst, without the gaps between rows. src begins with the
// first element of b.
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

// read reads the elements of b into dst, without the gaps between rows. It returns false after an
// error.
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

// findBad records the first element of b that is not finite. A kernel must have found one.
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

// newNotFinite returns the error for the element x with the index i. Its channel is that of the
// layout l if by is PerChannel, and otherwise -1.
func newNotFinite(i int, x float32, l *layout, by Granularity) error {
	e := &NotFiniteError{Index: i, Channel: -1, Value: x}
	if by.unit == perChannel {
		e.Channel = l.channel(i)
	}
	return e
}

// from returns s[i:], or nil if s is nil.
func from(s []float32, i int) []float32 {
	if s == nil {
		return nil
	}
	return s[i:]
}

// readFloats calls src.ReadFloats. It wraps an error with the indexes of the elements.
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

// A columnsSource is a Source of some columns of another Source: rows of width elements that begin
// stride elements apart. The first row begins at element first.
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

// A failure records the first error or panic of a Source that several goroutines read.
type failure struct {
	failed  atomic.Bool
	mu      sync.Mutex
	err     error
	value   any // the value of the panic
	paniced bool
}

// begin clears the error of an earlier use.
func (f *failure) begin() {
	f.failed.Store(false)
	f.err, f.value, f.paniced = nil, nil, false
}

// fail records an error if it is the first.
func (f *failure) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.failed.Swap(true) {
		f.err = err
	}
}

// guard is deferred by functions that run in a goroutine other than the caller's. A panic there
// would end the program. guard records it, so that outcome can raise it in the caller's goroutine.
// *done must be true if the function has returned normally.
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

// outcome raises the recorded panic again, or returns the recorded error.
func (f *failure) outcome() error {
	if f.paniced {
		panic(f.value)
	}
	return f.err
}

var errFickle = errors.New("quant: a Source has not given the same elements twice")
