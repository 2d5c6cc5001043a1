package tensorfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// parseSafetensorsHeader parses the JSON header. The tensors have the order of the header. In
// contrast to encoding/json, it refuses repeated keys, and numbers such as 1.0 for a length.
func parseSafetensorsHeader(header []byte) (tensors []stTensor, metadata map[string]string, err error) {
	if !utf8.Valid(header) {
		return nil, nil, errors.New("header is not UTF-8")
	}
	d := newJSONReader(header, "header")
	err = d.object(func(key string) error {
		if key == "__metadata__" {
			if metadata, err = d.metadata(); err != nil {
				return fmt.Errorf("__metadata__: %w", err)
			}
			return nil
		}
		t, err := d.tensor()
		if err != nil {
			return inTensor(key, err)
		}
		t.name = key
		tensors = append(tensors, t)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	if _, err := d.dec.Token(); err != io.EOF {
		return nil, nil, errors.New("header goes on after its closing }")
	}
	return tensors, metadata, nil
}

// jsonReader reads JSON with a known structure, token by token.
type jsonReader struct {
	dec  *json.Decoder
	what string // what is being read, for errors
}

func newJSONReader(data []byte, what string) *jsonReader {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	return &jsonReader{dec, what}
}

// metadata reads an object of strings, or null.
func (d *jsonReader) metadata() (map[string]string, error) {
	t, err := d.token()
	switch {
	case err != nil || t == nil:
		return nil, err
	case t != json.Delim('{'):
		return nil, d.unexpected(t, "{")
	}
	metadata := make(map[string]string)
	err = d.members(func(key string) (err error) {
		metadata[key], err = d.str()
		return err
	})
	return metadata, err
}

func (d *jsonReader) tensor() (t stTensor, err error) {
	var hasDType, hasShape, hasOffsets bool
	err = d.object(func(key string) (err error) {
		switch key {
		case "dtype":
			hasDType = true
			t.dtype, err = d.str()
			t.dtype = printable(t.dtype)
		case "shape":
			hasShape = true
			err = d.array(func() error {
				if len(t.shape) == maxAxes {
					return fmt.Errorf("more than %d axes", maxAxes)
				}
				n, err := d.natural(strconv.IntSize - 1)
				t.shape = append(t.shape, int(n))
				return err
			})
		case "data_offsets":
			hasOffsets = true
			var offsets []int64
			err = d.array(func() error {
				if len(offsets) == 2 {
					return errors.New("more than two")
				}
				n, err := d.natural(63)
				offsets = append(offsets, n)
				return err
			})
			if err == nil && len(offsets) < 2 {
				err = errors.New("fewer than two")
			}
			if err == nil {
				t.begin, t.end = offsets[0], offsets[1]
			}
		default:
			// The reference implementation ignores unknown keys.
			return d.skip(0)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		return nil
	})
	switch {
	case err != nil:
	case !hasDType:
		err = errors.New("no dtype")
	case !hasShape:
		err = errors.New("no shape")
	case !hasOffsets:
		err = errors.New("no data_offsets")
	}
	return t, err
}

// object reads an object. For each key it calls value to read the value.
func (d *jsonReader) object(value func(key string) error) error {
	if err := d.delim('{'); err != nil {
		return err
	}
	return d.members(value)
}

// members reads an object after its opening brace.
func (d *jsonReader) members(value func(key string) error) error {
	seen := make(map[string]struct{})
	for d.dec.More() {
		key, err := d.str()
		if err != nil {
			return err
		}
		if _, twice := seen[key]; twice {
			return fmt.Errorf("key %s twice", quote(key))
		}
		seen[key] = struct{}{}
		if err := value(key); err != nil {
			return err
		}
	}
	return d.delim('}')
}

// array reads an array. It calls item to read each item.
func (d *jsonReader) array(item func() error) error {
	if err := d.delim('['); err != nil {
		return err
	}
	for d.dec.More() {
		if err := item(); err != nil {
			return err
		}
	}
	return d.delim(']')
}

func (d *jsonReader) token() (json.Token, error) {
	t, err := d.dec.Token()
	switch {
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		return nil, errors.New(d.what + " ends too early")
	case err != nil:
		return nil, fmt.Errorf("%s: %w near byte %d", d.what, err, d.dec.InputOffset())
	}
	return t, nil
}

func (d *jsonReader) unexpected(t json.Token, want string) error {
	have := fmt.Sprint(t)
	switch t := t.(type) {
	case string:
		have = quote(t)
	case nil:
		have = "null"
	}
	return fmt.Errorf("%s where %s should be", shorten(have), want)
}

func (d *jsonReader) delim(want json.Delim) error {
	t, err := d.token()
	if err == nil && t != want {
		err = d.unexpected(t, want.String())
	}
	return err
}

func (d *jsonReader) str() (string, error) {
	t, err := d.token()
	if err != nil {
		return "", err
	}
	s, ok := t.(string)
	if !ok {
		return "", d.unexpected(t, "a string")
	}
	return s, nil
}

// natural reads a natural number with at most the given number of bits.
func (d *jsonReader) natural(bits int) (int64, error) {
	t, err := d.token()
	if err != nil {
		return 0, err
	}
	n, ok := t.(json.Number)
	if !ok {
		return 0, d.unexpected(t, "a number")
	}
	u, err := strconv.ParseUint(n.String(), 10, bits)
	if errors.Is(err, strconv.ErrRange) {
		return 0, fmt.Errorf("%s is too large", shorten(n.String()))
	}
	if err != nil {
		return 0, fmt.Errorf("%s is not a natural number", shorten(n.String()))
	}
	return int64(u), nil
}

// skip reads any value.
func (d *jsonReader) skip(depth int) error {
	const most = 32
	t, err := d.token()
	if err != nil {
		return err
	}
	if depth == most {
		return errors.New(d.what + " is nested too deeply")
	}
	switch t {
	case json.Delim('{'):
		return d.members(func(string) error { return d.skip(depth + 1) })
	case json.Delim('['):
		for d.dec.More() {
			if err := d.skip(depth + 1); err != nil {
				return err
			}
		}
		return d.delim(']')
	}
	return nil
}

// stTensor is an entry of a safetensors header.
type stTensor struct {
	name       string
	dtype      string
	shape      []int
	begin, end int64 // offsets of its data, relative to the end of the header
}
