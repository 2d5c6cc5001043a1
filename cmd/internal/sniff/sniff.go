// Package sniff recognises files that have none of the formats of the tool, such as a pointer
// of Git LFS, an error page or an archive in place of a model.
//
// It needs the first bytes of a file. It imports no other package of the tool, so that every
// reader can use it.
package sniff

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// HeadLen is the number of bytes from the beginning of a file that Foreign needs.
const HeadLen = 512

// A ForeignError says what kind of file it is that has none of the formats of the tool.
type ForeignError struct {
	What   string // with its article, as "a Git LFS pointer"
	Advice string // what the user can do
}

func (e *ForeignError) Error() string {
	return "it is " + e.What + ", not the tensors themselves: " + e.Advice
}

// A TruncatedError reports a file that is shorter than its header says.
type TruncatedError struct {
	What       string // the first thing that is not whole, as "tensor \"w\"" or "the header"
	Want, Have int64  // length of the whole file: at least, and found
}

func (e *TruncatedError) Error() string {
	return fmt.Sprintf("truncated: %s is cut off, the file has %d of at least %d bytes; download or copy it again", e.What, e.Have, e.Want)
}

// Foreign returns the kind of a file that is recognised as none of the formats of the tool, and
// nil for all other files. head is the beginning of the file, and size its length in bytes, or
// -1 if it is not known. The result does not depend on the file's name.
func Foreign(head []byte, size int64) *ForeignError {
	switch {
	case size == 0:
		return &ForeignError{"an empty file", "it has 0 bytes; download or write it again"}
	case LooksSafetensors(head):
		return nil // the first eight bytes are a length, which can be any bytes
	}
	for _, m := range magics {
		if len(head) >= m.offset && bytes.HasPrefix(head[m.offset:], []byte(m.magic)) {
			return &ForeignError{m.what, m.advice}
		}
	}
	switch {
	case isPickle(head):
		return &ForeignError{"a Python pickle, as torch.save and pickle.dump write", pickleAdvice}
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return foreignZip(head)
	case len(head) >= 16 && len(bytes.Trim(head, "\x00")) == 0:
		return &ForeignError{"a file that begins with zeros only", "room was reserved for a download that did not take place; download it again"}
	}
	return foreignText(head, size)
}

// LooksSafetensors reports whether head begins with a valid length of eight bytes and the brace
// of a safetensors header.
func LooksSafetensors(head []byte) bool {
	return len(head) > 8 && head[8] == '{' && binary.LittleEndian.Uint64(head) <= 100_000_000
}

const (
	unpackAdvice = "unpack it first"
	pickleAdvice = "load it in Python, and save the tensors with safetensors.torch.save_file or numpy.save"
)

// magics are formats that certain bytes at a certain offset identify.
var magics = []struct {
	offset       int
	magic        string
	what, advice string
}{
	{0, "\x1f\x8b\x08", "a gzip file", "unpack it with gunzip"},
	{0, "\x28\xb5\x2f\xfd", "a Zstandard file", "unpack it with zstd -d"},
	{0, "\xfd7zXZ\x00", "an xz file", "unpack it with unxz"},
	{0, "BZh91AY&SY", "a bzip2 file", "unpack it with bunzip2"},
	{0, "\x04\x22\x4d\x18", "an LZ4 file", "unpack it with lz4 -d"},
	{0, "7z\xbc\xaf\x27\x1c", "a 7z archive", unpackAdvice},
	{0, "Rar!\x1a\x07", "a RAR archive", unpackAdvice},
	{257, "ustar", "a tar archive", "unpack it with tar -xf"},
	{0, "%PDF-", "a PDF document", "give the file with the numbers"},
	{0, "\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras and MATLAB write", "save the arrays with numpy.savez"},
	{0, "\x89PNG\r\n\x1a\n", "a PNG image", "save its values with numpy.save"},
	{0, "\xff\xd8\xff", "a JPEG image", "save its values with numpy.save"},
	{0, "GIF8", "a GIF image", "save its values with numpy.save"},
	{0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Microsoft Office document", "save the sheet as CSV"},
	{4, "ORTM", "a model in the format of ONNX Runtime (.ort)", "give the .onnx file that it was made from"},
	{4, "TFL3", "a TensorFlow Lite model", "save its tensors with numpy.savez"},
	{0, "PAR1", "a Parquet file", "save its columns as CSV or with numpy.save"},
	{0, "ARROW1", "an Arrow file", "save its columns as CSV or with numpy.save"},
	{0, "MATLAB 5.0 MAT-file", "a MATLAB file", "save its arrays as text or with numpy.savez"},
	{0, "tjgg", "a ggml file, older than GGUF", oldGGML},
	{0, "lmgg", "a ggml file, older than GGUF", oldGGML},
	{0, "fmgg", "a ggml file, older than GGUF", oldGGML},
	{0, "FUGG", "a GGUF file with its first four bytes reversed", "convert the model again"},
	{0, "\x7fELF", "a program", "give the file with the numbers"},
	{0, "MZ\x90\x00", "a program", "give the file with the numbers"},
	{0, "SQLite format 3\x00", "an SQLite database", "export the table as CSV"},
}

const oldGGML = "convert the model to GGUF with the scripts of llama.cpp"

// Text returns the kind of a file that should have a binary format by its name but is a short
// text. It quotes the text. It returns nil for other files. Servers send such texts in place of
// a file, and systems other than Git LFS have pointers too.
func Text(head []byte, size int64) *ForeignError {
	if size < 0 || size > int64(len(head)) || !utf8.Valid(head) || !bytes.ContainsFunc(head, unicode.IsLetter) ||
		bytes.ContainsFunc(head, func(r rune) bool { return unicode.IsControl(r) && !unicode.IsSpace(r) }) {
		return nil
	}
	return &ForeignError{"a text (" + brief(head) + ")", "a server may have answered with an error in place of the file: read it, and download the file again"}
}

// isPickle reports whether head begins like a pickle. Pickles of protocol 2 to 5 begin with the
// protocol and an operation that can follow it. Pickles of protocol 0 begin with a list, a
// tuple, a dictionary or the name of a class.
func isPickle(head []byte) bool {
	for _, begin := range []string{"(lp0\n", "(dp0\n", "(tp0\n", "(lp1\n", "(dp1\n", "ccopy_reg\n", "ccopyreg\n", "ccollections\n", "cnumpy", "ctorch"} {
		if bytes.HasPrefix(head, []byte(begin)) {
			return true
		}
	}
	if len(head) < 3 || head[0] != 0x80 || head[1] < 2 || head[1] > 5 {
		return false
	}
	return bytes.IndexByte([]byte("\x8a\x95cK]})(X\x8cUBCJGN\x88\x89"), head[2]) >= 0
}

// foreignZip returns the kind of a zip archive by its first member. Archives of arrays are not
// foreign.
func foreignZip(head []byte) *ForeignError {
	const fixed = 30
	if len(head) < fixed {
		return nil
	}
	n := int(binary.LittleEndian.Uint16(head[26:]))
	return Archive(string(head[fixed:min(fixed+n, len(head))]))
}

// Archive returns the kind of a zip archive that has a member with the given name, or nil if
// the name is not characteristic.
func Archive(member string) *ForeignError {
	has := func(prefix string) bool { return strings.HasPrefix(member, prefix) }
	switch {
	case strings.HasSuffix(member, "/data.pkl") || member == "data.pkl":
		return &ForeignError{"a PyTorch checkpoint (a zip archive with a pickle)", pickleAdvice}
	case member == "model.weights.h5":
		return &ForeignError{"a Keras model", "save its weights with numpy.savez"}
	case has("xl/"):
		return &ForeignError{"an Excel workbook", "save the sheet as CSV"}
	case has("[Content_Types].xml"), has("word/"), has("ppt/"):
		return &ForeignError{"a Microsoft Office document", "save a sheet as CSV"}
	case member == "mimetype":
		return &ForeignError{"an OpenDocument file", "save the sheet as CSV"}
	case has("META-INF/"):
		return &ForeignError{"a Java archive", "give the file with the numbers"}
	}
	return nil
}

const lfsVersion = "version https://git-lfs.github.com/spec/"

// foreignText returns the kind of a text in place of a model.
func foreignText(head []byte, size int64) *ForeignError {
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	text := bytes.TrimLeftFunc(head, unicode.IsSpace)
	switch {
	case bytes.HasPrefix(head, []byte(lfsVersion)):
		what := "a Git LFS pointer"
		if n := lfsSize(string(head)); n >= 0 {
			what = fmt.Sprintf("a Git LFS pointer to a file of %d bytes", n)
		}
		return &ForeignError{what, "fetch the file with git lfs pull"}
	case isHTML(text):
		return &ForeignError{"an HTML page", "a server answered with a page in place of the file; download it again, and log in if the server asks for it"}
	case bytes.HasPrefix(text, []byte("<?xml")):
		return &ForeignError{"an XML document", "a server may have answered with an error in place of the file: read it, and download the file again"}
	case isJSONObject(text):
		return foreignJSON(text, size)
	}
	return nil
}

// lfsSize returns the size in a pointer, or -1.
func lfsSize(pointer string) int64 {
	for line := range strings.Lines(pointer) {
		if digits, ok := strings.CutPrefix(line, "size "); ok {
			if n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64); err == nil {
				return n
			}
		}
	}
	return -1
}

func isHTML(text []byte) bool {
	for _, tag := range []string{"<!doctype html", "<html", "<head", "<body"} {
		if len(text) >= len(tag) && strings.EqualFold(string(text[:len(tag)]), tag) {
			return true
		}
	}
	return false
}

// isJSONObject reports whether text begins with a brace and a key, or is {}.
func isJSONObject(text []byte) bool {
	if len(text) == 0 || text[0] != '{' {
		return false
	}
	rest := bytes.TrimLeftFunc(text[1:], unicode.IsSpace)
	return len(rest) > 0 && (rest[0] == '"' || rest[0] == '}')
}

// foreignJSON returns the kind of a JSON text from a server. It returns nil for an index of
// shards.
func foreignJSON(text []byte, size int64) *ForeignError {
	if bytes.Contains(text, []byte(`"weight_map"`)) || bytes.Contains(text, []byte(`"total_size"`)) {
		return &ForeignError{"an index of safetensors files", "give it a name that ends in .safetensors.index.json, beside the files"}
	}
	what := "a JSON document"
	if size >= 0 && size <= int64(len(text)) {
		what += " (" + brief(text) + ")"
	}
	return &ForeignError{what, "give the array of numbers alone; if it is the answer of a server, read it, and download the file again"}
}

// brief returns the beginning of a short text on one line.
func brief(text []byte) string {
	const most = 80
	var b strings.Builder
	n := 0
	for _, r := range strings.Join(strings.Fields(string(text)), " ") {
		if n++; n > most {
			b.WriteString("…")
			break
		}
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			r = '\uFFFD'
		}
		b.WriteRune(r)
	}
	return b.String()
}
