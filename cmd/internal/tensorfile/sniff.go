package tensorfile

import (
	"bytes"
	"errors"
	"fmt"
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
	if st.IsDir() {
		kind, err = kindOfFolder(path)
		return kind, kind == "safetensors", err
	}
	if isIndex(path) {
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

// kindOfFolder returns "safetensors" for a folder with safetensors files, and "gguf" for one with only
// GGUF files. It returns an error for any other folder.
func kindOfFolder(dir string) (string, error) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	kind, others := "", []string(nil)
	for _, d := range list {
		name := d.Name()
		if strings.HasPrefix(name, ".") {
			continue
		}
		if strings.HasSuffix(name, ".safetensors") || strings.HasSuffix(name, indexSuffix) {
			return "safetensors", nil
		}
		if strings.EqualFold(filepath.Ext(name), ".gguf") {
			kind = "gguf"
		}
		others = append(others, name)
	}
	if kind == "" {
		err = noModel(others)
	}
	return kind, err
}

// noModel returns the error for a folder that has neither safetensors nor GGUF files. It names one of
// the files in the folder that can be read by itself.
func noModel(names []string) error {
	const text = "it is a folder without safetensors files or GGUF files; name the file of another format"
	for _, ext := range []string{".onnx", ".npz", ".npy", ".csv"} {
		for _, name := range names {
			if strings.EqualFold(filepath.Ext(name), ext) {
				return fmt.Errorf("%s, such as %q", text, name)
			}
		}
	}
	return errors.New(text)
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
	case ext == "safetensors" && beginsONNX(head), ext == "onnx" && beginsSafetensors(head):
		return map[string]string{"safetensors": "onnx", "onnx": "safetensors"}[ext], nil // by another name
	case ext == "safetensors", ext == "onnx":
		return ext, nil
	case isUTF16(head) && (ext == "csv" || ext == "tsv"):
		return "csv", nil
	case isUTF16(head):
		return "text", nil
	case beginsSafetensors(head):
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

// beginsSafetensors reports whether a file begins as safetensors do: with a binary length and a JSON
// object.
func beginsSafetensors(head []byte) bool {
	return len(head) > 8 && head[8] == '{' && bytes.ContainsFunc(head[:8], isBinary)
}

// beginsONNX reports whether a file begins as nearly all ONNX models do: with the version of the
// format and another field of a model that has a length.
func beginsONNX(head []byte) bool {
	return len(head) > 8 && head[0] == 1<<3 && head[1] > 0 && head[1] < 0x80 && head[8] != '{' &&
		head[2]&7 == 2 && onnx.Looks(head[2:])
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
