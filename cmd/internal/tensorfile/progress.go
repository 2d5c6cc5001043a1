package tensorfile

import "io"

// Progress of reading a text.

// A counter counts the bytes that a reader has read.
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
