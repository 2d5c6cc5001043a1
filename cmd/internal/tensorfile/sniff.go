package tensorfile

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/gguf"
	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/cmd/internal/sniff"
)

// Sniff recognises the format of the file at path by its beginning, like Open, but does not
// read further. A folder and an index of shards are safetensors, but a folder with only GGUF
// files is GGUF. Only errors of the operating system name the path.
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
	if st.IsDir() || isIndex(path) {
		return "safetensors", true, nil
	}
	head := make([]byte, sniff.HeadLen)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return "", false, err
	}
	size := int64(-1)
	if st.Mode().IsRegular() {
		size = st.Size()
	}
	kind, err = formatOf(path, head[:n], size)
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

// formatOf returns the format of a file with the beginning head and the length size, or -1 if
// the length is not known.
func formatOf(name string, head []byte, size int64) (string, error) {
	ext := strings.TrimPrefix(strings.ToLower(filepath.Ext(name)), ".")
	switch {
	case bytes.HasPrefix(head, []byte(npyMagic)):
		return "npy", nil
	case bytes.HasPrefix(head, []byte(gguf.Magic)):
		return "gguf", nil
	}
	if name != "" || size != 0 { // an empty text in the box of the page is not a file
		if foreign := sniff.Foreign(head, size); foreign != nil {
			return "", foreign
		}
	}
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return "npz", nil
	case sniff.Text(head, size) != nil && slices.Contains([]string{"npy", "npz", "gguf", "safetensors", "onnx"}, ext):
		return "", sniff.Text(head, size)
	case ext == "npy":
		return "", errors.New("npy: file does not begin with \"\\x93NUMPY\"")
	case ext == "npz":
		return "", errors.New("npz: file does not begin as a zip archive does")
	case ext == "gguf":
		return "", errors.New("gguf: file does not begin with \"GGUF\"")
	case ext == "safetensors", ext == "onnx":
		return ext, nil
	case isUTF16(head) && (ext == "csv" || ext == "tsv"):
		return "csv", nil
	case isUTF16(head):
		return "text", nil
	case len(head) > 8 && head[8] == '{' && bytes.ContainsFunc(head[:8], isBinary):
		return "safetensors", nil
	case bytes.ContainsFunc(head, isControl) && onnx.Looks(head):
		return "onnx", nil
	case bytes.IndexByte(head, 0) >= 0:
		return "", errors.New("not a tensor file: neither text nor npy, npz, safetensors, ONNX or GGUF")
	case ext == "csv", ext == "tsv":
		return "csv", nil
	}
	return "text", nil
}

// foreign returns an error if a file of the given size is recognised as having none of the
// formats.
func foreign(r io.ReaderAt, size int64) error {
	head := make([]byte, min(size, sniff.HeadLen))
	if n, err := r.ReadAt(head, 0); n < len(head) {
		return err
	}
	if e := sniff.Foreign(head, size); e != nil {
		return e
	}
	return nil
}

// isBinary reports whether r shows that a file begins with a binary length and not with text.
func isBinary(r rune) bool { return isControl(r) || r == '\uFFFD' }

// isControl reports whether r is a character that does not occur in text.
func isControl(r rune) bool { return r < ' ' && !strings.ContainsRune("\t\n\v\f\r", r) }

// isIndex reports whether the file at path is the index of a safetensors model. That is a JSON
// file that does not begin with a list, which could be a list of numbers.
func isIndex(path string) bool {
	if !strings.EqualFold(filepath.Ext(path), ".json") {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return true
	}
	defer f.Close()
	head := make([]byte, 64)
	n, _ := io.ReadFull(f, head)
	return !bytes.HasPrefix(bytes.TrimSpace(bytes.TrimPrefix(head[:n], []byte("\xef\xbb\xbf"))), []byte("["))
}

const (
	indexSuffix = ".safetensors.index.json"
	defaultName = "model" + indexSuffix
)
