package tensorfile

import (
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Sniff tells the format of the file at path by how it begins, as Open does
// but without reading on. A folder, and the index of one, are safetensors.
// Only errors of the operating system name the path.
func Sniff(path string) (kind string, folder bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", false, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return "", false, err
	}
	if st.IsDir() || strings.EqualFold(filepath.Ext(path), ".json") {
		return "safetensors", true, nil
	}
	head := make([]byte, sniffLen)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return "", false, err
	}
	kind, err = sniff(path, head[:n])
	return kind, false, err
}
