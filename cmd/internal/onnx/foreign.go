package onnx

import (
	"fmt"
	"io"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/sniff"
)

// foreign returns an error if a file of external data is a Git LFS pointer or a web page instead
// of the data. It only recognizes texts, because data may begin with any bytes.
func foreign(r io.ReaderAt, size int64, location string) error {
	head := make([]byte, min(size, sniff.HeadLen))
	if n, err := r.ReadAt(head, 0); n < len(head) {
		return fmt.Errorf("external data: %s: %w", quote(location), err)
	}
	text := func(prefix string) bool { return strings.HasPrefix(string(head), prefix) }
	e := sniff.Foreign(head, size)
	if e == nil || !text("version https://git-lfs") && !text("<") {
		return nil
	}
	return fmt.Errorf("external data: %s: %w", quote(location), e)
}
