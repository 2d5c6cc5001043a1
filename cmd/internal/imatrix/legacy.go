package imatrix

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
)

// The binary form, all numbers little-endian:
//
//	int32             number of entries
//	for each entry:
//	  int32           length of the name
//	  bytes           name of the weight
//	  int32           number of calls
//	  int32           number of values
//	  float32s        mean squares times the number of calls
//	int32             number of chunks (not in the first versions)
//	int32, bytes      length and name of the file with the text
//
// If an entry has 0 calls, its values are mean squares. The number of matrices is not in the
// file.

// maxName is the largest length of a name. Names of tensors in ggml have at most 63 bytes.
const maxName = 65535

// A legacyReader reads the binary form.
type legacyReader struct {
	r    *bufio.Reader
	at   int64 // offset of the next byte
	size int64
}

// bytes reads n bytes. what names them in errors.
func (r *legacyReader) bytes(n int64, what string) ([]byte, error) {
	if n > r.size-r.at {
		return nil, fmt.Errorf("at byte %d: truncated or damaged: %s of %d bytes in a file of %d", r.at, what, n, r.size)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r.r, b); err != nil {
		return nil, fmt.Errorf("at byte %d: %s: %w", r.at, what, err)
	}
	r.at += n
	return b, nil
}

// number reads an int32 from least to most.
func (r *legacyReader) number(least, most int64, what string) (int64, error) {
	at := r.at
	b, err := r.bytes(4, what)
	if err != nil {
		return 0, err
	}
	n := int64(int32(binary.LittleEndian.Uint32(b)))
	if n < least || n > most {
		return 0, fmt.Errorf("at byte %d: %s is %d, which is not from %d to %d", at, what, n, least, most)
	}
	return n, nil
}

func (f *File) parseLegacy(file io.ReaderAt, size int64) error {
	r := &legacyReader{r: bufio.NewReader(io.NewSectionReader(file, 0, size)), size: size}
	// The smallest entry has a name of one byte and one value.
	if size < 4+17 {
		return fmt.Errorf("%d bytes are no importance matrix: neither GGUF nor long enough for the binary form", size)
	}
	entries, err := r.number(1, (size-4)/17, "the number of entries")
	if err != nil {
		return fmt.Errorf("neither GGUF nor the binary form: %w", err)
	}
	for i := range entries {
		e, err := r.entry()
		if err == nil {
			err = f.add(e)
		} else if e.Name != "" {
			err = inEntry(e.Name, err)
		}
		if err != nil {
			return fmt.Errorf("entry %d of %d: %w", i, entries, err)
		}
	}
	if r.at == size {
		return nil
	}
	chunks, err := r.number(0, math.MaxInt32, "the number of chunks")
	if err != nil {
		return err
	}
	f.Chunks = int(chunks)
	if r.at == size {
		return nil
	}
	length, err := r.number(0, math.MaxInt32, "the length of the name of the text")
	if err != nil {
		return err
	}
	if _, err := r.bytes(length, "the name of the text"); err != nil {
		return err
	}
	if r.at < size {
		return fmt.Errorf("at byte %d: %d bytes follow the end", r.at, size-r.at)
	}
	return nil
}

// entry reads an entry. After an error it may have a name.
func (r *legacyReader) entry() (e Entry, err error) {
	length, err := r.number(1, maxName, "the length of the name")
	if err != nil {
		return e, err
	}
	name, err := r.bytes(length, "the name")
	if err != nil {
		return e, err
	}
	if e.Name = string(name); strings.ContainsRune(e.Name, 0) {
		return e, errors.New("the name has a zero byte")
	}
	calls, err := r.number(0, math.MaxInt32, "the number of calls")
	if err != nil {
		return e, err
	}
	n, err := r.number(1, math.MaxInt32, "the number of values")
	if err != nil {
		return e, err
	}
	b, err := r.bytes(4*n, "the values")
	if err != nil {
		return e, err
	}
	e.Counts, e.Squares = []float64{float64(calls)}, make([]float32, n)
	for i := range e.Squares {
		v := math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		if calls > 0 {
			v /= float32(calls)
		}
		e.Squares[i] = v
	}
	return e, nil
}
