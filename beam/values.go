package beam

import (
	"context"
	"io"
	"os"
	"sync"
)

// values is a quant.Source of a tensor to compare. It is read several times, and from several
// goroutines.
//
// If the file can be read at any offset, the values are read from it. Otherwise, as for most
// object stores and for compressed archives, they are first copied to a temporary file.
type values struct {
	ref   Ref
	at    io.ReaderAt
	first int64 // offset of the values in at
	done  []func() error

	buffers sync.Pool // of *buffer
}

// A buffer holds the bytes that are being widened.
type buffer struct {
	raw    []byte
	halves []uint16
}

// A readError is an error of the file system.
type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }

func (e *readError) Unwrap() error { return e.err }

func openValues(ctx context.Context, ref Ref) (*values, error) {
	v := &values{ref: ref, first: ref.Offset}
	v.buffers.New = func() any { return new(buffer) }
	if ref.Member == "" {
		in, _, err := open(ctx, ref.File)
		if err != nil {
			return nil, err
		}
		if at, ok := in.(io.ReaderAt); ok {
			v.at, v.done = at, append(v.done, in.Close)
			return v, nil
		}
		in.Close()
	}
	return v, v.spool(ctx)
}

// spool copies the values to a temporary file.
func (v *values) spool(ctx context.Context) error {
	file, err := os.CreateTemp("", "quant-beam")
	if err != nil {
		return err
	}
	v.at, v.first = file, 0
	v.done = append(v.done, file.Close, func() error { return os.Remove(file.Name()) })
	c := &cursor{ctx: ctx, ref: v.ref}
	defer c.close()
	chunk := make([]byte, min(v.ref.Bytes, 1<<20))
	for off := int64(0); off < v.ref.Bytes; off += int64(len(chunk)) {
		chunk = chunk[:min(int64(len(chunk)), v.ref.Bytes-off)]
		if err = c.bytes(chunk, off); err == nil {
			_, err = file.Write(chunk)
		}
		if err != nil {
			v.close()
			return err
		}
	}
	return nil
}

// ReadFloats implements quant.Source.
func (v *values) ReadFloats(dst []float32, off int) error {
	b := v.buffers.Get().(*buffer)
	defer v.buffers.Put(b)
	w := size(v.ref.DType)
	if n := len(dst) * w; cap(b.raw) < n {
		b.raw, b.halves = make([]byte, n), make([]uint16, len(dst))
	}
	raw := b.raw[:len(dst)*w]
	var err error
	for range tries {
		if _, err = v.at.ReadAt(raw, v.first+int64(off)*int64(w)); err == nil {
			widen(dst, b.halves[:len(dst)], raw, v.ref.DType, v.ref.Big)
			return nil
		}
	}
	return &readError{err}
}

// close closes the files, and removes the temporary file.
func (v *values) close() {
	for _, f := range v.done {
		f()
	}
	v.done = nil
}
