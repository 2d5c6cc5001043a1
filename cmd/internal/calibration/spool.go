package calibration

import (
	"context"
	"encoding/binary"
	"os"
	"sync"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// mostHeld is up to how many elements of an array of a stream are held in
// memory if they have to be observed in one piece. Only tests change it.
var mostHeld = 1 << 24

// A spool is an array of a stream in a temporary file: what has to be observed
// in one piece is read by several goroutines, and perhaps again.
type spool struct{ file *os.File }

// spooled observes the array that s is at, of which there is too much for memory.
func (c *Calibration) spooled(ctx context.Context, s *tensorfile.Stream, o *quant.Observer, of []int) error {
	f, err := os.CreateTemp("", "quant-*")
	if err != nil {
		return err
	}
	os.Remove(f.Name()) // so that nothing is left of it, where systems allow that
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

// A watched source ends with a context, tells how much is read, and keeps its
// error as it was before others add to it.
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

// observeFrom observes a batch in one piece. It tells tick how many elements
// are read.
func (c *Calibration) observeFrom(ctx context.Context, o *quant.Observer, src quant.Source, of []int, tick func(n int)) error {
	w := &watched{Source: src, ctx: ctx, tick: tick}
	err := o.ObserveStream(quant.Stream{Source: w, Shape: of})
	if w.err != nil {
		return w.err
	}
	return c.placed(err, src, of)
}
