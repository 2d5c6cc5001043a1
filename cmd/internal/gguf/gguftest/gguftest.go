// Package gguftest makes GGUF files for tests, wrong ones too. Types are the
// numbers that the format has for them.
package gguftest

import (
	"bytes"
	"encoding/binary"
	"math"
)

// A Builder makes a file. Metadata and tensors stay in the order in which they
// are added.
type Builder struct {
	Version uint32
	Align   int // of data; it takes a Value too for others to know of it

	pairs [][]byte
	infos [][]byte
	data  []byte
}

// New begins a file of version 3, without metadata and tensors.
func New() *Builder { return &Builder{Version: 3, Align: 32} }

// U32 returns the bytes of a number.
func U32(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }

// U64 returns the bytes of a number.
func U64(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }

// String returns the bytes of a string: its length, and what it holds.
func String(s string) []byte { return append(U64(uint64(len(s))), s...) }

// Floats returns the bytes of float32 numbers.
func Floats(x ...float32) []byte {
	b := make([]byte, 0, 4*len(x))
	for _, v := range x {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// Cat joins parts.
func Cat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// Value adds metadata whose value is raw.
func (b *Builder) Value(key string, typ uint32, raw ...[]byte) *Builder {
	b.pairs = append(b.pairs, Cat(String(key), U32(typ), Cat(raw...)))
	return b
}

// Text adds metadata whose value is a string.
func (b *Builder) Text(key, value string) *Builder { return b.Value(key, 8, String(value)) }

// Number adds metadata whose value is a uint32.
func (b *Builder) Number(key string, value uint32) *Builder { return b.Value(key, 4, U32(value)) }

// Info adds an entry to the list of tensors. The last of dims is the outermost
// axis.
func (b *Builder) Info(name string, typ uint32, offset uint64, dims ...uint64) *Builder {
	e := Cat(String(name), U32(uint32(len(dims))))
	for _, d := range dims {
		e = append(e, U64(d)...)
	}
	b.infos = append(b.infos, Cat(e, U32(typ), U64(offset)))
	return b
}

// Tensor adds a tensor with its data.
func (b *Builder) Tensor(name string, typ uint32, data []byte, dims ...uint64) *Builder {
	b.Info(name, typ, uint64(len(b.data)), dims...)
	b.data = append(b.data, data...)
	b.data = append(b.data, make([]byte, -len(b.data)&(b.Align-1))...)
	return b
}

// Header returns the file up to the end of the list of tensors.
func (b *Builder) Header() []byte {
	return Cat([]byte("GGUF"), U32(b.Version), U64(uint64(len(b.infos))), U64(uint64(len(b.pairs))), Cat(b.pairs...), Cat(b.infos...))
}

// Bytes returns the file.
func (b *Builder) Bytes() []byte {
	h := b.Header()
	return Cat(h, make([]byte, -len(h)&(b.Align-1)), b.data)
}
