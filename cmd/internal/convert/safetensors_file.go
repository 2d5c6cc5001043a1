package convert

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sort"

	"github.com/a01592f9/quant/cmd/internal/atomicfile"
)

// An stTensor is a tensor to write to a safetensors file.
type stTensor struct {
	name, dtype string
	shape       []int
	bytes       int64
	offset      int64 // in the file; set by lay
}

// newST returns a tensor of a type that this package writes.
func newST(name, dtype string, shape ...int) *stTensor {
	return &stTensor{name: name, dtype: dtype, shape: shape, bytes: elements(shape) * int64(elemBytes[dtype])}
}

// elemBytes has the sizes of types whose elements readers expect to be aligned.
var elemBytes = map[string]int{
	"F64": 8, "I64": 8, "U64": 8, "C64": 8,
	"F32": 4, "I32": 4, "U32": 4,
	"F16": 2, "BF16": 2, "I16": 2, "U16": 2,
	"I8": 1, "U8": 1, "BOOL": 1, "F8_E4M3": 1,
}

// An stFile is a safetensors file to write. Its layout is computed before its data.
type stFile struct {
	name     string // in the folder
	metadata map[string]string
	tensors  []*stTensor
	header   []byte
	size     int64
	*atomicfile.File
}

// lay computes the layout and the header. Tensors with the widest elements come first, so all are
// aligned without gaps, which the format forbids.
func (f *stFile) lay() error {
	slices.SortStableFunc(f.tensors, func(a, b *stTensor) int {
		return cmp.Compare(elemBytes[b.dtype], elemBytes[a.dtype])
	})
	var b bytes.Buffer
	b.Write(make([]byte, 8))
	b.WriteByte('{')
	// Loaders need the framework of the tensors in the metadata.
	metadata := f.metadata
	if metadata["format"] == "" {
		metadata = map[string]string{"format": "pt"}
		for key, value := range f.metadata {
			metadata[key] = value
		}
	}
	if err := member(&b, "__metadata__", metadata); err != nil {
		return err
	}
	seen := make(map[string]bool)
	end := int64(0)
	for _, t := range f.tensors {
		if seen[t.name] {
			return inTensor(t.name, fmt.Errorf("the file has one of this name, which is to be written"))
		}
		seen[t.name] = true
		t.offset = end
		end += t.bytes
		b.WriteByte(',')
		err := member(&b, t.name, struct {
			DType   string   `json:"dtype"`
			Shape   []int    `json:"shape"`
			Offsets [2]int64 `json:"data_offsets"`
		}{t.dtype, t.shape, [2]int64{t.offset, end}})
		if err != nil {
			return err
		}
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	f.header = b.Bytes()
	const most = 100_000_000
	if b.Len()-8 > most {
		return fmt.Errorf("%s: header of %d bytes is longer than %d", f.name, b.Len()-8, most)
	}
	binary.LittleEndian.PutUint64(f.header, uint64(b.Len()-8))
	for _, t := range f.tensors {
		t.offset += int64(b.Len())
	}
	f.size = end + int64(b.Len())
	return nil
}

// member writes a key and its value as JSON.
func member(b *bytes.Buffer, key string, value any) error {
	k, err := marshal(key)
	if err != nil {
		return err
	}
	v, err := marshal(value)
	if err != nil {
		return err
	}
	b.Write(k)
	b.WriteByte(':')
	b.Write(v)
	return nil
}

// marshal is json.Marshal without escapes for HTML.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// begin creates the file in a set and writes its header.
func (f *stFile) begin(out *atomicfile.Set) (err error) {
	if out.IsFolder() {
		f.File, err = out.Create(f.name)
	} else {
		f.File, err = out.Main()
	}
	if err != nil {
		return err
	}
	_, err = f.Write(f.header)
	return err
}

// at starts the data of t: the next calls of Write belong to t.
func (f *stFile) at(t *stTensor) error {
	_, err := f.Seek(t.offset, io.SeekStart)
	return err
}

const indexName = "model.safetensors.index.json"

// writeIndex writes the index, which says which file has which tensor.
func writeIndex(out *atomicfile.Set, files []*stFile) error {
	where := make(map[string]string)
	var names []string
	total := int64(0)
	for _, f := range files {
		for _, t := range f.tensors {
			where[t.name] = f.name
			names = append(names, t.name)
			total += t.bytes
		}
	}
	sort.Strings(names)
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\n  \"metadata\": {\n    \"total_size\": %d\n  },\n  \"weight_map\": {", total)
	for i, name := range names {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n    ")
		if err := member(&b, name, where[name]); err != nil {
			return err
		}
	}
	b.WriteString("\n  }\n}\n")
	w, err := out.Create(indexName)
	if err != nil {
		return err
	}
	_, err = w.Write(b.Bytes())
	return err
}
