package tensorfile

import "io"

// How much of a text was read.

// A counter tells how far a reader has come.
type counter struct {
	io.Reader
	done, size int64
	progress   func(done, total int64)
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.done += int64(n)
	if c.progress != nil {
		c.progress(c.done, c.size)
	}
	return n, err
}
