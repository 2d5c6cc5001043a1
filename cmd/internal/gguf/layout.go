package gguf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// A Layout is the plan of a file to be written. It has the tensors of another file, or of all
// parts of a model, with other types. Tensors keep their order and alignment. Metadata do not
// change, except those that are set.
type Layout struct {
	Tensors   []Tensor // with their offsets in the new file
	DataStart int64
	Size      int64 // of the new file, with the padding of the last tensor

	from   *File
	set    []Setting
	header int64 // length before the padding
}

// A Setting is a uint32 in the metadata.
type Setting struct {
	Key   string
	Value uint32
}

// fileTypes has the numbers of llama.cpp's enum of file types, for files with mostly one type.
// For Q4_K and Q5_K they are those of the small mixtures (S), which have other types only for
// tensors that need them.
var fileTypes = map[Type]uint32{
	F32: 0, F16: 1, Q4_0: 2, Q4_1: 3, Q8_0: 7, Q5_0: 8, Q5_1: 9, Q4_K: 14, Q5_K: 16, Q6_K: 18, IQ4_NL: 25, BF16: 32, MXFP4: 38,
}

// Settings returns the settings for a file with tensors mostly of type t. It panics if t is not
// Writable.
func Settings(t Type) []Setting {
	number, ok := fileTypes[t]
	if !ok {
		panic("gguf: no file type of " + t.String())
	}
	var s []Setting // in the order of llama.cpp
	if t.Quantized() {
		s = append(s, Setting{keyQuantVersion, 2}) // the current version of the block formats
	}
	return append(s, Setting{keyFileType, number})
}

// Layout plans a file like f in which tensor i has the type types[i]. The settings replace
// metadata with the same keys, or are added at the end. A tensor can keep an unknown type, but
// cannot get one.
func (f *File) Layout(types []Type, set []Setting) (*Layout, error) {
	l := &Layout{from: f, set: set, Tensors: make([]Tensor, len(f.Tensors))}
	header := int64(headerLen)
	for _, v := range f.Metadata {
		header += v.end - v.pair
	}
	for _, s := range set {
		header += s.len()
		if v := f.find(s.Key); v != nil {
			header -= v.end - v.pair
		}
	}
	for i := range f.Tensors {
		header += f.Tensors[i].infoLen()
	}
	pad := func(n int64) int64 { return n + -n&(f.Align-1) }
	if header > math.MaxInt64-f.Align {
		return nil, errTooLarge
	}
	at := pad(header)
	if len(f.Tensors) == 0 {
		at = header
	}
	l.header, l.DataStart = header, at
	for i, t := range f.Tensors {
		if types[i] != t.Type {
			block, size := types[i].Block()
			if size == 0 {
				panic("gguf: no layout of " + types[i].String())
			}
			if row := t.RowLen(); row%block != 0 {
				return nil, inTensor(t.Name, fmt.Errorf("rows of %d elements are not whole blocks of %s", row, types[i]))
			}
			// This does not overflow, since Parse refuses shapes whose elements would not fit
			// into memory with 8 bytes each.
			t.Type, t.Bytes = types[i], int64(t.Elements()/block)*int64(size)
		}
		t.Offset, t.Part = at, 0
		if t.Bytes > math.MaxInt64-f.Align-at {
			return nil, errTooLarge
		}
		at = pad(at + t.Bytes)
		l.Tensors[i] = t
	}
	l.Size = at
	return l, nil
}

var errTooLarge = errors.New("the file would be too large")

// infoLen returns the length of the entry of t in the list of tensors.
func (t *Tensor) infoLen() int64 { return 8 + int64(len(t.Name)) + 4 + 8*int64(len(t.Shape)) + 4 + 8 }

// len returns the length of s as a pair of metadata.
func (s *Setting) len() int64 { return 8 + int64(len(s.Key)) + 4 + 4 }

func (s *Setting) append(b []byte) []byte {
	b = appendString(b, s.Key)
	b = binary.LittleEndian.AppendUint32(b, uint32(Uint32))
	return binary.LittleEndian.AppendUint32(b, s.Value)
}

func appendString(b []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint64(b, uint64(len(s))), s...)
}

// WriteHeader writes everything before DataStart. After it the caller writes the data of each
// tensor, followed by Pad.
func (l *Layout) WriteHeader(w io.Writer) error {
	f := l.from
	settings := make(map[string]*Setting)
	added := 0
	for i := range l.set {
		settings[l.set[i].Key] = &l.set[i]
		if f.find(l.set[i].Key) == nil {
			added++
		}
	}
	b := append([]byte(nil), Magic...)
	b = binary.LittleEndian.AppendUint32(b, f.Version)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(l.Tensors)))
	b = binary.LittleEndian.AppendUint64(b, uint64(len(f.Metadata)+added))
	if _, err := w.Write(b); err != nil {
		return err
	}
	for _, v := range f.Metadata {
		if s := settings[v.Key]; s != nil {
			if _, err := w.Write(s.append(b[:0])); err != nil {
				return err
			}
			delete(settings, v.Key)
			continue
		}
		n := v.end - v.pair
		if _, err := io.CopyN(w, io.NewSectionReader(f.parts[v.part].r, v.pair, n), n); err != nil {
			return fmt.Errorf("key %s: %w", quote(v.Key), err)
		}
	}
	b = b[:0]
	for i := range l.set {
		if s := &l.set[i]; settings[s.Key] != nil {
			b = s.append(b)
		}
	}
	for i := range l.Tensors {
		b = l.Tensors[i].appendInfo(b, l.DataStart)
		if len(b) >= bufferLen {
			if _, err := w.Write(b); err != nil {
				return err
			}
			b = b[:0]
		}
	}
	if _, err := w.Write(b); err != nil {
		return err
	}
	return zeros(w, l.DataStart-l.header)
}

// Pad writes the padding after the data of tensor i.
func (l *Layout) Pad(w io.Writer, i int) error {
	end := l.Size
	if i+1 < len(l.Tensors) {
		end = l.Tensors[i+1].Offset
	}
	return zeros(w, end-l.Tensors[i].Offset-l.Tensors[i].Bytes)
}

func zeros(w io.Writer, n int64) error {
	b := make([]byte, min(n, bufferLen))
	for n > 0 {
		k, err := w.Write(b[:min(n, bufferLen)])
		if err != nil {
			return err
		}
		n -= int64(k)
	}
	return nil
}

func (t *Tensor) appendInfo(b []byte, start int64) []byte {
	b = appendString(b, t.Name)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(t.Shape)))
	for i := len(t.Shape) - 1; i >= 0; i-- {
		b = binary.LittleEndian.AppendUint64(b, uint64(t.Shape[i]))
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(t.Type))
	return binary.LittleEndian.AppendUint64(b, uint64(t.Offset-start))
}
