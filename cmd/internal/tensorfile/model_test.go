package tensorfile

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/a01592f9/quant/cmd/internal/sniff"
)

// message is a protobuf message that is put together.
type message []byte

func (m message) str(field protowire.Number, s string) message {
	return protowire.AppendString(protowire.AppendTag(m, field, protowire.BytesType), s)
}

func (m message) num(field protowire.Number, n uint64) message {
	return protowire.AppendVarint(protowire.AppendTag(m, field, protowire.VarintType), n)
}

// onnxTensor is a TensorProto without data: its shape, type and name.
func onnxTensor(name string, elem uint64, shape ...uint64) (m message) {
	for _, d := range shape {
		m = m.num(1, d)
	}
	return m.num(2, elem).str(8, name)
}

// onnxModel has a MatMul of a weight of 2×2 in each of four forms, and a shape.
func onnxModel() string {
	one := string(binary.LittleEndian.AppendUint32(nil, math.Float32bits(1)))
	raw := onnxTensor("raw", 1, 2, 2).str(9, one+one+one+one)
	half := onnxTensor("half", 10, 2, 2).str(9, "\x00\x3c\x00\x40\x00\x42\x00\x44")
	typed := onnxTensor("typed", 1, 2, 2).str(4, one+one+one+one)
	external := onnxTensor("external", 1, 2, 2).num(14, 1).
		str(13, string(message{}.str(1, "location").str(2, "weights.bin"))).
		str(13, string(message{}.str(1, "offset").str(2, "4"))).
		str(13, string(message{}.str(1, "length").str(2, "16")))
	shape := onnxTensor("shape", 7, 1).str(9, "\x02\x00\x00\x00\x00\x00\x00\x00")
	var graph message
	for _, name := range []string{"raw", "half", "typed", "external"} {
		graph = graph.str(1, string(message{}.str(1, "x").str(1, name).str(2, name+"_y").str(4, "MatMul")))
	}
	for _, t := range []message{raw, half, typed, external, shape} {
		graph = graph.str(5, string(t))
	}
	return string(message{}.num(1, 8).str(2, "test").str(7, string(graph.str(2, "g"))).str(8, string(message{}.num(2, 17))))
}

func TestONNX(t *testing.T) {
	dir := files(t, map[string]string{
		"m.onnx":      onnxModel(),
		"weights.bin": "....\x00\x00\x80\x3f\x00\x00\x00\x40\x00\x00\x40\x40\x00\x00\x80\x40....",
	})
	f, err := Open(filepath.Join(dir, "m.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Kind != "onnx" || f.Metadata["producer_name"] != "test" || len(f.Tensors()) != 5 {
		t.Fatalf("%+v", f)
	}
	if want := []string{filepath.Join(dir, "m.onnx"), filepath.Join(dir, "weights.bin")}; !slices.Equal(f.Paths(), want) {
		t.Errorf("paths %q, want %q", f.Paths(), want)
	}
	wantTensor(t, f, 0, "raw", []int{2, 2}, []float32{1, 1, 1, 1})
	wantTensor(t, f, 1, "half", []int{2, 2}, []float32{1, 2, 3, 4})
	wantTensor(t, f, 2, "typed", []int{2, 2}, []float32{1, 1, 1, 1})
	wantTensor(t, f, 3, "external", []int{2, 2}, []float32{1, 2, 3, 4})
	for i, info := range f.Tensors() {
		if i < 4 && (info.Use != "MatMul" || info.Axis != 1) || i == 4 && (info.Floating || info.DType != "I64" || info.Axis != NoAxis) {
			t.Errorf("%+v", info)
		}
		if inside := info.Offset >= 0 && info.File == ""; inside != (f.Raw(i) != nil) {
			t.Errorf("%+v: raw data %v", info, f.Raw(i))
		}
		if info.Floating {
			src, err := f.Source(i)
			if err != nil {
				t.Fatal(err)
			}
			want, _ := f.Load(i)
			wantPieces(t, src, want)
		}
	}
	if info := f.Tensors()[3]; info.File != "weights.bin" || info.Offset != 4 {
		t.Errorf("%+v", info)
	}
}

// The data of a tensor that is elsewhere are looked for in the folder of the
// model, if it has one.
func TestONNXExternalErrors(t *testing.T) {
	f, err := parse("", onnxModel())
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Source(3)
	wantError(t, err, `onnx: weights.bin: tensor "external": data are in "weights.bin", and a model that is not a file has no folder`)
	dir := files(t, map[string]string{"m": onnxModel()})
	f, err = Open(filepath.Join(dir, "m"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err = f.Source(3); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

// Half a download is called truncated.
func TestONNXTruncated(t *testing.T) {
	data := onnxModel()
	_, err := parse("x.onnx", data[:len(data)/2])
	var truncated *sniff.TruncatedError
	if !errors.As(err, &truncated) || truncated.Have != int64(len(data)/2) || truncated.Want <= truncated.Have || truncated.Want > int64(len(data)) {
		t.Errorf("error %v", err)
	}
}

// ggufFile has a tensor of F32 and one of Q8_0, of 2×32 elements each.
func ggufFile() string {
	le := binary.LittleEndian
	str := func(b []byte, s string) []byte { return append(le.AppendUint64(b, uint64(len(s))), s...) }
	tensor := func(b []byte, name string, kind uint32, offset uint64) []byte {
		b = le.AppendUint32(str(b, name), 2)
		b = le.AppendUint64(le.AppendUint64(b, 32), 2)
		return le.AppendUint64(le.AppendUint32(b, kind), offset)
	}
	b := []byte("GGUF\x03\x00\x00\x00")
	b = le.AppendUint64(le.AppendUint64(b, 2), 1)
	b = str(le.AppendUint32(str(b, "general.architecture"), 8), "test")
	b = tensor(b, "plain", 0, 0)
	b = tensor(b, "blocks", 8, 256)
	b = append(b, make([]byte, -len(b)&31)...)
	for i := range 64 {
		b = le.AppendUint32(b, math.Float32bits(float32(i)))
	}
	for row := range 2 {
		b = append(b, 0x00, 0x38) // 0.5
		for i := range 32 {
			b = append(b, byte(i-16*row))
		}
	}
	return string(append(b, make([]byte, -len(b)&31)...))
}

func TestGGUF(t *testing.T) {
	f, err := parse("", ggufFile())
	if err != nil {
		t.Fatal(err)
	}
	if f.Kind != "gguf" || f.Metadata["general.architecture"] != "test" || len(f.Tensors()) != 2 {
		t.Fatalf("%+v", f)
	}
	plain, quantized := make([]float32, 64), make([]float32, 64)
	for i := range plain {
		plain[i] = float32(i)
		quantized[i] = float32(i%32-i/32*16) / 2
	}
	wantTensor(t, f, 0, "plain", []int{2, 32}, plain)
	wantTensor(t, f, 1, "blocks", []int{2, 32}, quantized)
	if info := f.Tensors()[1]; info.DType != "Q8_0" || info.Bytes != 68 || info.Axis != NoAxis || f.Raw(1).Size() != 68 {
		t.Errorf("%+v", info)
	}
	for i, want := range [][]float32{plain, quantized} {
		src, err := f.Source(i)
		if err != nil {
			t.Fatal(err)
		}
		wantPieces(t, src, want)
	}
	const padding = 28
	for n := range len(ggufFile()) - padding {
		if _, err := parse("", ggufFile()[:n]); err == nil {
			t.Fatalf("no error for the first %d bytes", n)
		} else {
			checkError(t, err)
		}
	}
}

func FuzzModel(f *testing.F) {
	f.Add([]byte(onnxModel()))
	f.Add([]byte(ggufFile()))
	f.Add([]byte(strings.Repeat("\x3a\x00", 100)))
	f.Fuzz(func(t *testing.T, data []byte) {
		kind := "onnx"
		if strings.HasPrefix(string(data), "GGUF") {
			kind = "gguf"
		}
		fuzzFile(t, kind, "x.onnx", data, 4096)
	})
}
