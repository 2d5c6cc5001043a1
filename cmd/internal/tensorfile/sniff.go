package tensorfile

import (
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Sniff tells the format of the file at path by how it begins, as Open does
// but without reading on. A folder, and the index of one, are safetensors, unless
// a folder has GGUF files alone.
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
	if st.IsDir() && onlyGGUF(path) {
		return "gguf", false, nil
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

// onlyGGUF reports whether a folder has GGUF files and no safetensors files.
func onlyGGUF(dir string) bool {
	list, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	found := false
	for _, d := range list {
		name := d.Name()
		if strings.HasPrefix(name, ".") {
			continue
		}
		if strings.HasSuffix(name, ".safetensors") || strings.HasSuffix(name, indexSuffix) {
			return false
		}
		found = found || strings.EqualFold(filepath.Ext(name), ".gguf")
	}
	return found
}
