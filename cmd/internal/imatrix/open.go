package imatrix

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"unicode"
	"unicode/utf8"

	"github.com/a01592f9/quant/cmd/internal/gguf"
)

// This file opens importance matrices of both forms.

// Is reports whether head, the beginning of a file, is that of an importance matrix in the binary
// form, or that of a GGUF file, which may be an importance matrix.
func Is(head []byte) bool {
	if bytes.HasPrefix(head, []byte(gguf.Magic)) {
		return true
	}
	if len(head) < 8 {
		return false
	}
	entries, length := binary.LittleEndian.Uint32(head), binary.LittleEndian.Uint32(head[4:])
	if entries == 0 || entries > math.MaxInt32 || length == 0 || length > maxName {
		return false
	}
	name := head[8:min(len(head), 8+int(length))]
	return len(name) > 0 && !bytes.ContainsFunc(name, func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) })
}

// Open reads the importance matrix at path. Errors name the file.
func Open(path string) (*File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	st, err := file.Stat()
	if err != nil {
		return nil, err
	}
	f, err := Parse(file, st.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: importance matrix: %w", path, err)
	}
	return f, nil
}

// Parse reads the importance matrix in r, which has size bytes.
func Parse(r io.ReaderAt, size int64) (*File, error) {
	head := make([]byte, len(gguf.Magic))
	n, err := r.ReadAt(head, 0)
	if n < len(head) && err != io.EOF {
		return nil, err
	}
	f := &File{index: make(map[string]int)}
	if string(head[:n]) == gguf.Magic {
		err = f.parseGGUF(r, size)
	} else {
		f.Legacy = true
		err = f.parseLegacy(r, size)
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}
