package sniff

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

func TestForeign(t *testing.T) {
	tar := strings.Repeat("m", 257) + "ustar\x0000"
	zip := func(name string) string {
		b := append([]byte("PK\x03\x04"), make([]byte, 26)...)
		binary.LittleEndian.PutUint16(b[26:], uint16(len(name)))
		return string(b) + name
	}
	header := func(length uint64, s string) string {
		return string(binary.LittleEndian.AppendUint64(nil, length)) + s
	}
	for _, c := range []struct{ name, head, want string }{
		{"Git LFS", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
			"it is a Git LFS pointer to a file of 12345 bytes, not the tensors themselves: fetch the file with git lfs pull"},
		{"Git LFS without a size", "version https://git-lfs.github.com/spec/v1\n",
			"it is a Git LFS pointer, not the tensors themselves: fetch the file with git lfs pull"},
		{"HTML", "\n <!DOCTYPE HTML><title>Sign in</title>", "an HTML page"},
		{"HTML without a doctype", "<html lang=en>", "an HTML page"},
		{"XML", `<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>`, "an XML document"},
		{"JSON error", `{"error":"Repository not found"}`, `a JSON document ({"error":"Repository not found"})`},
		{"JSON of several lines", "{\n  \"error\": \"x\"\n}", `a JSON document ({ "error": "x" })`},
		{"index", `{"metadata":{"total_size":8},"weight_map":{}}`, "an index of safetensors files"},
		{"pickle", "\x80\x02}q\x00", "a Python pickle"},
		{"pickle 4", "\x80\x04\x95\x10\x00", "a Python pickle"},
		{"pickle 0", "(lp0\nI1\naI2\na.", "a Python pickle"},
		{"ONNX Runtime", "\x1c\x00\x00\x00ORTM", "a model in the format of ONNX Runtime (.ort)"},
		{"old PyTorch", "\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.", "a Python pickle"},
		{"PyTorch", zip("archive/data.pkl"), "a PyTorch checkpoint"},
		{"PyTorch by another name", zip("model/data.pkl"), "a PyTorch checkpoint"},
		{"Excel", zip("xl/workbook.xml"), "an Excel workbook"},
		{"Office", zip("[Content_Types].xml"), "a Microsoft Office document"},
		{"gzip", "\x1f\x8b\x08\x00rest", "a gzip file, not the tensors themselves: unpack it with gunzip"},
		{"Zstandard", "\x28\xb5\x2f\xfdrest", "a Zstandard file"},
		{"xz", "\xfd7zXZ\x00rest", "an xz file"},
		{"bzip2", "BZh91AY&SYrest", "a bzip2 file"},
		{"tar", tar, "a tar archive"},
		{"PDF", "%PDF-1.7", "a PDF document"},
		{"HDF5", "\x89HDF\r\n\x1a\n", "an HDF5 file"},
		{"TensorFlow Lite", "\x1c\x00\x00\x00TFL3", "a TensorFlow Lite model"},
		{"ggml", "tjgg\x03\x00\x00\x00", "a ggml file, older than GGUF"},
		{"zeros", strings.Repeat("\x00", 512), "begins with zeros only"},
		{"empty", "", "it is an empty file, not the tensors themselves: it has 0 bytes"},

		{"array of JSON", "[[1,2],[3,4]]", ""},
		{"list in braces", "{{1,2},{3,4}}", ""},
		{"npz", zip("weight.npy"), ""},
		{"text", "1 2 3", ""},
		{"one zero", "\x00", ""},
		{"GGUF", "GGUF\x03\x00\x00\x00", ""},
		{"npy", "\x93NUMPY\x01\x00", ""},
		{"safetensors of 640 bytes of header", header(640, `{"a":{}}`), ""},      // as a pickle
		{"safetensors of 559903 bytes of header", header(559903, `{"a":{}`), ""}, // as gzip
	} {
		t.Run(c.name, func(t *testing.T) {
			e := Foreign([]byte(c.head), int64(len(c.head)))
			switch {
			case e == nil && c.want != "":
				t.Errorf("nothing, want %q", c.want)
			case e != nil && (c.want == "" || !strings.Contains(e.Error(), c.want)):
				t.Errorf("%q, want %q", e, c.want)
			}
		})
	}
}

func TestTruncatedError(t *testing.T) {
	const want = `truncated: tensor "w" is cut off, the file has 60 of at least 100 bytes; download or copy it again`
	if got := (&TruncatedError{`tensor "w"`, 100, 60}).Error(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestProtobuf(t *testing.T) {
	// Field 1 is a number, field 2 text, field 7 a message of 300 bytes.
	whole := "\x08\x08" + "\x12\x02hi" + "\x3a\xac\x02" + strings.Repeat("x", 300)
	for _, c := range []struct{ name, data, want string }{
		{"whole", whole, ""},
		{"cut in the last field", whole[:100], "truncated: field 7 of the model, at offset 6, is cut off, the file has 100 of at least 309 bytes; download or copy it again"},
		{"cut in a short field", whole[:5], "truncated: field 2 of the model, at offset 2, is cut off, the file has 5 of at least 6 bytes; download or copy it again"},
		{"cut in a length", whole[:8], ""},
		{"text", "1 2 3 4 5", ""},
		{"groups", "\x0b\x00", ""},
		{"empty", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := Protobuf(strings.NewReader(c.data), int64(len(c.data)))
			if c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func FuzzProtobuf(f *testing.F) {
	f.Add([]byte("\x08\x08\x12\x02hi"))
	f.Fuzz(func(t *testing.T, data []byte) {
		err := Protobuf(bytes.NewReader(data), int64(len(data)))
		var truncated *TruncatedError
		if err != nil && (!errors.As(err, &truncated) || truncated.Want <= truncated.Have || truncated.Have != int64(len(data))) {
			t.Errorf("%v", err)
		}
	})
}

func FuzzForeign(f *testing.F) {
	for _, s := range []string{"version https://git-lfs.github.com/spec/v1\nsize x", "{ \"", "PK\x03\x04", "\x80\x02", "<"} {
		f.Add([]byte(s), int64(len(s)))
	}
	f.Fuzz(func(t *testing.T, head []byte, size int64) {
		if e := Foreign(head, size); e != nil {
			if s := e.Error(); strings.ContainsAny(s, "\n\r") || len(s) > 1000 || e.What == "" || e.Advice == "" {
				t.Errorf("%q", s)
			}
		}
	})
}

// TestText has short texts in the place of a file that is binary.
func TestText(t *testing.T) {
	for _, c := range []struct{ name, head, want string }{
		{"an answer", "Entry not found", "it is a text (Entry not found), not the tensors themselves"},
		{"two lines", "Invalid username\nor password.\n", "it is a text (Invalid username or password.)"},
		{"another pointer", "# xet version 0\nfilesize = 123\n", "it is a text (# xet version 0 filesize = 123)"},
		{"numbers", "1 2", ""},
		{"binary", "\x08\x08abc", ""},
		{"no UTF-8", "abc\xff", ""},
	} {
		got := ""
		if e := Text([]byte(c.head), int64(len(c.head))); e != nil {
			got = e.Error()
		}
		if (got == "") != (c.want == "") || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if Text([]byte("the beginning of a long text"), 1000) != nil {
		t.Error("a long text may be anything")
	}
}
