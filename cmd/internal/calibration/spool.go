package calibration

import (
	"context"
	"encoding/binary"
	"os"
	"sync"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// mostHeld is the largest number of elements of an array from a stream that are held in memory,
// if the array must be observed as a whole. Only tests change it.
var mostHeld = 1 << 24

// A spool is an array from a stream in a temporary file. An array that must be observed as a
// whole is read from it by several goroutines, and possibly more than once.
type spool struct{ file *os.File }

// spooled observes the current array of s, which is too large for memory.
func (c *Calibration) spooled(ctx context.Context, s *tensorfile.Stream, o *quant.Observer, of []int) error {
	f, err := os.CreateTemp("", "quant-*")
	if err != nil {
		return err
	}
	os.Remove(f.Name()) // if the system allows it, the file then disappears even after a crash
	defer func() {
		f.Close()
		os.Remove(f.Name())
	}()
	var b []byte
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		x, err := s.Read(blockLen)
		if err != nil {
			return err
		}
		if len(x) == 0 {
			break
		}
		if b, err = binary.Append(b[:0], binary.LittleEndian, x); err != nil {
			return err
		}
		if _, err := f.Write(b); err != nil {
			return err
		}
	}
	return c.observeFrom(ctx, o, spool{f}, of, func(int) {})
}

var spoolBuffers = sync.Pool{New: func() any { return new([]byte) }}

func (s spool) ReadFloats(dst []float32, off int) error {
	p := spoolBuffers.Get().(*[]byte)
	defer spoolBuffers.Put(p)
	if cap(*p) < 4*len(dst) {
		*p = make([]byte, 4*len(dst))
	}
	b := (*p)[:4*len(dst)]
	if _, err := s.file.ReadAt(b, 4*int64(off)); err != nil {
		return err
	}
	_, err := binary.Decode(b, binary.LittleEndian, dst)
	return err
}

// A watched is a Source that fails when a context is done, reports what is read, and keeps its
// own error without the text that others add.
type watched struct {
	quant.Source
	ctx  context.Context
	tick func(n int)

	mu  sync.Mutex
	err error
}

func (w *watched) ReadFloats(dst []float32, off int) error {
	err := w.ctx.Err()
	if err == nil {
		err = w.Source.ReadFloats(dst, off)
	}
	if err != nil {
		w.mu.Lock()
		w.err = err
		w.mu.Unlock()
		return err
	}
	w.tick(len(dst))
	return nil
}

// observeFrom observes a batch as a whole. It calls tick with the numbers of elements that are
// read.
func (c *Calibration) observeFrom(ctx context.Context, o *quant.Observer, src quant.Source, of []int, tick func(n int)) error {
	w := &watched{Source: src, ctx: ctx, tick: tick}
	err := o.ObserveStream(quant.Stream{Source: w, Shape: of})
	if w.err != nil {
		return w.err
	}
	return c.placed(err, src, of)
}
