package gguf

import (
	"bytes"
	"strings"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/gguf/gguftest"
)

// A builder is a gguftest.Builder that knows the names of types.
type builder struct{ *gguftest.Builder }

func newBuilder() *builder { return &builder{gguftest.New()} }

var (
	u32    = gguftest.U32
	u64    = gguftest.U64
	str    = gguftest.String
	cat    = gguftest.Cat
	floats = gguftest.Floats
)

func (b *builder) value(key string, t ValueType, raw ...[]byte) *builder {
	b.Value(key, uint32(t), raw...)
	return b
}

func (b *builder) info(name string, t Type, offset uint64, dims ...uint64) *builder {
	b.Info(name, uint32(t), offset, dims...)
	return b
}

func (b *builder) tensor(name string, t Type, data []byte, dims ...uint64) *builder {
	b.Tensor(name, uint32(t), data, dims...)
	return b
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
