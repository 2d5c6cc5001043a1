package beam

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

// A cursor is a quant.Source that reads the bytes of a tensor. It is fastest if they are read
// in order.
type cursor struct {
	ctx context.Context
	ref Ref

	mu     sync.Mutex
	in     io.ReadCloser // the file
	r      io.Reader     // the file or the member of an archive, at pos
	member io.Closer
	pos    int64 // offset in the file or the member
	raw    []byte
	halves []uint16
	read   int64 // number of bytes read
}

// close closes the file. The cursor opens it again when it needs it.
func (c *cursor) close() {
	if c.member != nil {
		c.member.Close()
	}
	if c.in != nil {
		c.in.Close()
	}
	c.in, c.r, c.member, c.pos = nil, nil, nil, 0
}

// bytes reads len(b) bytes of the tensor from offset off. After an error of the file system it
// reads all of b again.
func (c *cursor) bytes(b []byte, off int64) error {
	var err error
	for range tries {
		if err = c.ctx.Err(); err != nil {
			return err
		}
		if err = c.tryBytes(b, c.ref.Offset+off); err == nil {
			c.read += int64(len(b))
			return nil
		}
		c.close()
	}
	return fmt.Errorf("at byte %d: %w", c.ref.Offset+off, err)
}

func (c *cursor) tryBytes(b []byte, at int64) error {
	if c.r != nil && c.member == nil && at != c.pos {
		if s, ok := c.in.(io.Seeker); ok {
			if _, err := s.Seek(at, io.SeekStart); err != nil {
				return err
			}
			c.pos = at
		}
	}
	if c.r == nil || at < c.pos {
		c.close()
		if err := c.open(at); err != nil {
			return err
		}
	}
	if at > c.pos {
		n, err := io.CopyN(io.Discard, c.r, at-c.pos)
		c.pos += n
		if err != nil {
			return err
		}
	}
	n, err := io.ReadFull(c.r, b)
	c.pos += int64(n)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the file ends too early")
	}
	return err
}

// open opens the file at an offset, if the file system supports that.
func (c *cursor) open(at int64) error {
	in, length, err := open(c.ctx, c.ref.File)
	if err != nil {
		return err
	}
	c.in, c.r = in, in
	if c.ref.Member == "" {
		if s, ok := in.(io.Seeker); ok {
			_, err = s.Seek(at, io.SeekStart)
			c.pos = at
		}
		return err
	}
	z, err := archive(in, in, length)
	if err != nil {
		return err
	}
	for _, f := range z.File {
		if f.Name == c.ref.Member {
			m, err := f.Open()
			if err != nil {
				return err
			}
			c.member, c.r = m, m
			return nil
		}
	}
	return fmt.Errorf("there is no member %q any more", c.ref.Member)
}

// ReadFloats implements quant.Source.
func (c *cursor) ReadFloats(dst []float32, off int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := size(c.ref.DType)
	if n := len(dst) * w; cap(c.raw) < n {
		c.raw, c.halves = make([]byte, n), make([]uint16, len(dst))
	}
	raw, halves := c.raw[:len(dst)*w], c.halves[:len(dst)]
	if err := c.bytes(raw, int64(off)*int64(w)); err != nil {
		return err
	}
	widen(dst, halves, raw, c.ref.DType, c.ref.Big)
	return nil
}
