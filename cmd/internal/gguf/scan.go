package gguf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// windowLen is the number of bytes of a header in memory.
const windowLen = 1 << 16

// A scanner reads a header from beginning to end, through a window in memory.
type scanner struct {
	r      io.ReaderAt
	size   int64
	start  int64  // offset of window in the file
	window []byte // the bytes of the window that were read
	at     int64  // offset of the next byte
}

func newScanner(r io.ReaderAt, size int64) *scanner {
	return &scanner{r: r, size: size, window: make([]byte, 0, min(max(size, 0), windowLen))}
}

// pos returns the offset of the next byte.
func (s *scanner) pos() int64 { return s.at }

// next returns the next n bytes, at most a window. They are valid until the next call.
func (s *scanner) next(n int) ([]byte, error) {
	if int64(n) > s.size-s.at {
		return nil, s.ends()
	}
	if off := s.at - s.start; off > int64(len(s.window)) || int64(len(s.window))-off < int64(n) {
		s.start = s.at
		s.window = s.window[:min(int64(cap(s.window)), s.size-s.at)]
		if got, err := s.r.ReadAt(s.window, s.at); got < len(s.window) {
			s.window = s.window[:0]
			return nil, fmt.Errorf("at byte %d: %w", s.at, err)
		}
	}
	b := s.window[s.at-s.start:][:n]
	s.at += int64(n)
	return b, nil
}

// ends returns the error for reading past the end.
func (s *scanner) ends() error {
	return fmt.Errorf("at byte %d: %w at %d", s.at, errTruncated, s.size)
}

// skip skips n bytes.
func (s *scanner) skip(n uint64) error {
	if n > uint64(s.size-s.at) {
		return s.ends()
	}
	s.at += int64(n)
	return nil
}

func (s *scanner) uint32() (uint32, error) {
	b, err := s.next(4)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(b), nil
}

func (s *scanner) uint64() (uint64, error) {
	b, err := s.next(8)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b), nil
}

// string reads a length and a string of at most limit bytes.
func (s *scanner) string(limit int, what string) (string, error) {
	at := s.at
	n, err := s.uint64()
	if err != nil {
		return "", err
	}
	if n > uint64(limit) {
		return "", fmt.Errorf("at byte %d: %s of %d bytes, where %d are allowed", at, what, n, limit)
	}
	b, err := s.next(int(n))
	return string(b), err
}

var errTruncated = errors.New("truncated: file ends")
