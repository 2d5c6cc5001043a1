package gguf

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
)

// parseMetadata reads the keys and skips the values.
func (f *File) parseMetadata(s *scanner, n uint64) error {
	seen := make(map[string]bool)
	f.Align = defaultAlign
	for i := range n {
		v := Value{pair: s.pos()}
		var err error
		if v.Key, err = s.string(maxName, "a key"); err != nil {
			return fmt.Errorf("metadata %d of %d: %w", i, n, err)
		}
		if v.Key == "" {
			return fmt.Errorf("metadata %d of %d: at byte %d: key is empty", i, n, v.pair)
		}
		if seen[v.Key] {
			return fmt.Errorf("key %s occurs twice", quote(v.Key))
		}
		seen[v.Key] = true
		if err := v.skip(s); err != nil {
			return fmt.Errorf("key %s: %w", quote(v.Key), err)
		}
		f.Metadata = append(f.Metadata, v)
	}
	return f.parseAlign()
}

// skip reads the type of v and skips its value.
func (v *Value) skip(s *scanner) error {
	id, err := s.uint32()
	if err != nil {
		return err
	}
	v.Type = ValueType(id)
	v.start = s.pos()
	if v.Type == Array {
		v.Elem, v.Len, err = skipArray(s, 1)
	} else {
		err = skipValues(s, v.Type, 1)
	}
	v.end = s.pos()
	return err
}

// maxNested is the largest depth of nested arrays. llama.cpp does not support any.
const maxNested = 8

func skipArray(s *scanner, depth int) (ValueType, uint64, error) {
	at := s.pos()
	id, err := s.uint32()
	if err != nil {
		return 0, 0, err
	}
	n, err := s.uint64()
	if err != nil {
		return 0, 0, err
	}
	elem := ValueType(id)
	if elem != Array {
		return elem, n, skipValues(s, elem, n)
	}
	if depth == maxNested {
		return 0, 0, fmt.Errorf("at byte %d: arrays are nested more than %d deep", at, maxNested)
	}
	// Every array takes bytes, so n is limited by the size of the file.
	for range n {
		if _, _, err := skipArray(s, depth+1); err != nil {
			return 0, 0, err
		}
	}
	return elem, n, nil
}

func skipValues(s *scanner, t ValueType, n uint64) error {
	if t == String {
		for range n {
			length, err := s.uint64()
			if err == nil {
				err = s.skip(length)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	size := t.size()
	if size == 0 {
		return fmt.Errorf("at byte %d: values are of an unknown type, %d", s.pos(), uint32(t))
	}
	if n > math.MaxInt64/size {
		return s.ends()
	}
	return s.skip(n * size)
}

// parseAlign sets Align from the metadata.
func (f *File) parseAlign() error {
	v := f.find(keyAlignment)
	if v == nil {
		return nil
	}
	if v.Type != Uint32 {
		return fmt.Errorf("key %q: value is %s, not uint32", keyAlignment, v.Type)
	}
	n, err := f.number(v)
	if err != nil {
		return err
	}
	if n == 0 || n&(n-1) != 0 {
		return fmt.Errorf("key %q: %d is no power of two", keyAlignment, n)
	}
	f.Align = int64(n)
	return nil
}

func (f *File) find(key string) *Value {
	for i := range f.Metadata {
		if f.Metadata[i].Key == key {
			return &f.Metadata[i]
		}
	}
	return nil
}

// number reads the bits of a value with a type of fixed size.
func (f *File) number(v *Value) (uint64, error) {
	var b [8]byte
	n := v.end - v.start
	if got, err := f.parts[v.part].r.ReadAt(b[:n], v.start); int64(got) < n {
		return 0, fmt.Errorf("key %s: at byte %d: %w", quote(v.Key), v.start, err)
	}
	return binary.LittleEndian.Uint64(b[:]), nil
}

// Text returns the value of a key as text: a number in decimal, the first 64 KiB of a string,
// and the type and length of an array. It is "" if there is no such key.
func (f *File) Text(key string) (string, error) {
	v := f.find(key)
	if v == nil {
		return "", nil
	}
	switch v.Type {
	case String:
		b := make([]byte, min(v.end-v.start-8, 1<<16))
		if got, err := f.parts[v.part].r.ReadAt(b, v.start+8); got < len(b) {
			return "", fmt.Errorf("key %s: at byte %d: %w", quote(key), v.start, err)
		}
		return string(b), nil
	case Array:
		return fmt.Sprintf("%s[%d]", v.Elem, v.Len), nil
	}
	n, err := f.number(v)
	if err != nil {
		return "", err
	}
	switch v.Type {
	case Int8:
		return strconv.Itoa(int(int8(n))), nil
	case Int16:
		return strconv.Itoa(int(int16(n))), nil
	case Int32:
		return strconv.Itoa(int(int32(n))), nil
	case Int64:
		return strconv.FormatInt(int64(n), 10), nil
	case Float32:
		return strconv.FormatFloat(float64(math.Float32frombits(uint32(n))), 'g', -1, 32), nil
	case Float64:
		return strconv.FormatFloat(math.Float64frombits(n), 'g', -1, 64), nil
	case Bool:
		return strconv.FormatBool(n != 0), nil
	}
	return strconv.FormatUint(n, 10), nil
}
