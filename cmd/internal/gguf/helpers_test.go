package gguf

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
)

// A builder makes GGUF files, wrong ones too.
type builder struct {
	version uint32
	align   int
	pairs   [][]byte
	infos   [][]byte
	data    []byte
}

func newBuilder() *builder { return &builder{version: 3, align: 32} }

func u32(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }
func u64(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }
func str(s string) []byte { return append(u64(uint64(len(s))), s...) }

func cat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// value adds a pair whose value is raw.
func (b *builder) value(key string, t ValueType, raw ...[]byte) *builder {
	b.pairs = append(b.pairs, cat(str(key), u32(uint32(t)), cat(raw...)))
	return b
}

// info adds an entry to the list of tensors.
func (b *builder) info(name string, t Type, offset uint64, dims ...uint64) *builder {
	e := cat(str(name), u32(uint32(len(dims))))
	for _, d := range dims {
		e = append(e, u64(d)...)
	}
	b.infos = append(b.infos, cat(e, u32(uint32(t)), u64(offset)))
	return b
}

// tensor adds a tensor with its data. The dimensions are in the order of the file.
func (b *builder) tensor(name string, t Type, data []byte, dims ...uint64) *builder {
	b.info(name, t, uint64(len(b.data)), dims...)
	b.data = append(b.data, data...)
	b.data = append(b.data, make([]byte, -len(b.data)&(b.align-1))...)
	return b
}

func (b *builder) header() []byte {
	return cat([]byte(Magic), u32(b.version), u64(uint64(len(b.infos))), u64(uint64(len(b.pairs))), cat(b.pairs...), cat(b.infos...))
}

func (b *builder) bytes() []byte {
	h := b.header()
	return cat(h, make([]byte, -len(h)&(b.align-1)), b.data)
}

func parse(data []byte) (*File, error) { return Parse(bytes.NewReader(data), int64(len(data))) }

func mustParse(t *testing.T, data []byte) *File {
	t.Helper()
	f, err := parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// checkError checks that a message is one line of sensible length.
func checkError(t *testing.T, err error) {
	t.Helper()
	if s := err.Error(); s == "" || strings.ContainsAny(s, "\n\r") || len(s) > 1000 {
		t.Errorf("error %q", s)
	}
}
