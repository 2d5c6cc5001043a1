package moments

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/a01592f9/quant/cmd/internal/text"
	"github.com/a01592f9/quant/feedback"
)

// A State has the second moments of the inputs of weights, by the names of the weights.
//
// In bytes it is, with numbers as unsigned LEB128 (docs/moments-format.md has an example):
//
//	4 bytes    "QCMO"
//	1 byte     1, the version
//	number     of weights, in the order of their names; for each:
//	  number, bytes   length of the name, and the name
//	  number, bytes   length of the second moments, and their bytes as package feedback has them
//	4 bytes    CRC-32 (IEEE) of all before it, little-endian
type State map[string]*feedback.Moments

const (
	stateMagic   = "QCMO"
	stateVersion = 1
)

// IsState reports whether a file with the beginning head is a State.
func IsState(head []byte) bool { return bytes.HasPrefix(head, []byte(stateMagic)) }

// Names returns the names of the weights in order.
func (s State) Names() []string { return slices.Sorted(maps.Keys(s)) }

// Merge adds the rows of other, which must not be used afterwards. If one has all second moments
// of a weight and the other the diagonal, the result has the diagonal. The result does not depend
// on the order of merges. Errors name the weight.
func (s State) Merge(other State) error {
	for _, name := range other.Names() {
		to, from := s[name], other[name]
		if to == nil {
			s[name] = from
			continue
		}
		if to.Extent() != from.Extent() {
			to, from = to.Diagonal(), from.Diagonal()
			s[name] = to
		}
		if err := to.Merge(from); err != nil {
			return inTensor(name, err)
		}
	}
	return nil
}

// MarshalBinary returns the bytes of s. The same rows give the same bytes.
func (s State) MarshalBinary() ([]byte, error) {
	b := append([]byte(stateMagic), stateVersion)
	b = binary.AppendUvarint(b, uint64(len(s)))
	for _, name := range s.Names() {
		state, err := s[name].MarshalBinary()
		if err != nil {
			return nil, inTensor(name, err)
		}
		b = binary.AppendUvarint(b, uint64(len(name)))
		b = append(b, name...)
		b = binary.AppendUvarint(b, uint64(len(state)))
		b = append(b, state...)
	}
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b)), nil
}

// Parse returns the State of bytes. It trusts nothing, and allocates at most a small multiple of
// the length of data.
func Parse(data []byte) (State, error) {
	const least = len(stateMagic) + 1 + 1 + 4
	if !IsState(data) || len(data) < least {
		return nil, errors.New("not a file of second moments")
	}
	if v := data[len(stateMagic)]; v != stateVersion {
		return nil, fmt.Errorf("second moments of version %d, not %d", v, stateVersion)
	}
	body := data[:len(data)-4]
	if crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(data[len(body):]) {
		return nil, errors.New("the checksum of the second moments is wrong")
	}
	r := reader{body[len(stateMagic)+1:], len(stateMagic) + 1}
	n, err := r.number()
	if err != nil {
		return nil, err
	}
	s := make(State)
	last := ""
	for i := range n {
		name, err := r.next()
		if err != nil {
			return nil, err
		}
		at := r.at
		state, err := r.next()
		if err != nil {
			return nil, err
		}
		key := string(name)
		if !utf8.Valid(name) || i > 0 && key <= last {
			return nil, fmt.Errorf("damaged second moments: before byte %d: name %q is not UTF-8 or not in order", at, key)
		}
		m := new(feedback.Moments)
		if err := m.UnmarshalBinary(state); err != nil {
			return nil, inTensor(key, err)
		}
		s[key], last = m, key
	}
	if len(r.rest) > 0 {
		return nil, fmt.Errorf("damaged second moments: %d bytes follow the end at byte %d", len(r.rest), r.at)
	}
	return s, nil
}

// Open reads the State at path.
func Open(path string) (State, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	s, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// A reader reads the numbers and bytes of a State.
type reader struct {
	rest []byte
	at   int
}

func (r *reader) number() (uint64, error) {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || n > 1 && r.rest[n-1] == 0 {
		return 0, fmt.Errorf("damaged second moments: no number at byte %d", r.at)
	}
	r.rest, r.at = r.rest[n:], r.at+n
	return v, nil
}

// next reads a number and then that many bytes.
func (r *reader) next() ([]byte, error) {
	n, err := r.number()
	if err != nil {
		return nil, err
	}
	if n > uint64(len(r.rest)) {
		return nil, fmt.Errorf("damaged second moments: %d bytes at byte %d, where %d are left", n, r.at, len(r.rest))
	}
	b := r.rest[:n]
	r.rest, r.at = r.rest[n:], r.at+int(n)
	return b, nil
}

// inTensor adds the name of a tensor to an error.
func inTensor(name string, err error) error {
	return fmt.Errorf("tensor %q: %w", text.Clean(name), trimmed{err})
}

// A trimmed is an error whose text does not begin with the name of a package.
type trimmed struct{ error }

func (e trimmed) Error() string {
	return strings.TrimPrefix(strings.TrimPrefix(e.error.Error(), "feedback: "), "quant: ")
}
func (e trimmed) Unwrap() error { return e.error }
