package feedback

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"testing"

	"github.com/a01592f9/quant"
)

// signed puts the checksum of the rest at the end of a state.
func signed(b []byte) []byte {
	b = bytes.Clone(b)
	end := len(b) - 4
	binary.LittleEndian.PutUint32(b[end:], crc32.ChecksumIEEE(b[:end]))
	return b
}

// TestStateGolden has the bytes of a state that a reader can redo by hand.
func TestStateGolden(t *testing.T) {
	m := newMoments(t, 2, Full, quant.RefuseNotFinite)
	observe(t, m, []float32{1, -2, 3, 0.5})
	const want = "514d4f4d" + "01" + "00" + "02000000" + "02000000" + "00000000" +
		"9700" + "9700" + // both exponents are 1
		"0a00000000000000" + "0000000000000000" + // 1 + 9
		"ffffffffffffffff" + "0000008000000000" + // -2 + 1, and 0.5 in the lower slice
		"0400000000000000" + "0000004000000000" + // 4, and 0.25
		"9634ba04"
	if got := hex.EncodeToString(state(t, m)); got != want {
		t.Errorf("state %s, want %s", got, want)
	}
}

func TestStateErrors(t *testing.T) {
	m := newMoments(t, 2, Full, quant.RefuseNotFinite)
	observe(t, m, []float32{1, -2, 3, 0.5})
	good := state(t, m)
	const sums = stateHead + 2*2
	put16 := func(at int, v uint16) func(b []byte) {
		return func(b []byte) { binary.LittleEndian.PutUint16(b[at:], v) }
	}
	put32 := func(at int, v uint32) func(b []byte) {
		return func(b []byte) { binary.LittleEndian.PutUint32(b[at:], v) }
	}
	put64 := func(at int, v int64) func(b []byte) {
		return func(b []byte) { binary.LittleEndian.PutUint64(b[at:], uint64(v)) }
	}
	for _, c := range []struct {
		name  string
		alter func(b []byte)
	}{
		{"magic", func(b []byte) { b[0] = 'X' }},
		{"version", func(b []byte) { b[4] = 2 }},
		{"flags", func(b []byte) { b[5] = 4 }},
		{"diagonal", func(b []byte) { b[5] = stateDiagonal }},
		{"no inputs", put32(6, 0)},
		{"other inputs", put32(6, 3)},
		{"very many inputs", put32(6, 1<<32-1)},
		{"no rows", put32(10, 0)},
		{"too many rows", put32(10, 1<<31)},
		{"rows left out", put32(14, 1)},
		{"exponent", put16(stateHead, 300)},
		{"exponent of no sums", put16(stateHead, 140)},
		{"no exponent", put16(stateHead, 0)},
		{"negative square", put64(sums, -10)},
		{"square below the largest", put64(sums, 3)},
		{"square above all", put64(sums, 1<<40)},
		{"most negative", put64(sums+16, -1<<63)},
		{"lower slice", put64(sums+24, 1<<34)},
		{"negative lower slice", put64(sums+8, -1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := bytes.Clone(good)
			c.alter(b)
			read := newMoments(t, 1, Full, quant.RefuseNotFinite)
			before := state(t, read)
			if err := read.UnmarshalBinary(signed(b)); !errors.Is(err, quant.ErrState) {
				t.Errorf("error %v", err)
			}
			if !bytes.Equal(before, state(t, read)) {
				t.Error("an error altered the Moments")
			}
		})
	}
	t.Run("each bit", func(t *testing.T) {
		for bit := range 8 * len(good) {
			b := bytes.Clone(good)
			b[bit/8] ^= 1 << (bit % 8)
			if err := new(Moments).UnmarshalBinary(b); !errors.Is(err, quant.ErrState) {
				t.Errorf("bit %d: error %v", bit, err)
			}
		}
	})
	t.Run("each length", func(t *testing.T) {
		for n := range good {
			if err := new(Moments).UnmarshalBinary(good[:n]); !errors.Is(err, quant.ErrState) {
				t.Errorf("%d bytes: error %v", n, err)
			}
		}
		if err := new(Moments).UnmarshalBinary(append(bytes.Clone(good), 0)); !errors.Is(err, quant.ErrState) {
			t.Errorf("a byte more: error %v", err)
		}
	})
}

// FuzzState reads arbitrary states. What is valid must be written as it was read, and can
// be merged with itself.
func FuzzState(f *testing.F) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, kind := range rowKinds {
		for _, e := range []Extent{Full, Diagonal} {
			m := newMoments(f, 3, e, quant.IgnoreNotFinite)
			x := make([]float32, 3)
			for range 5 {
				kind.row(r, x)
				observe(f, m, x)
			}
			f.Add(state(f, m))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < stateHead+4 {
			return
		}
		data = signed(data)
		var m, other Moments
		if err := m.UnmarshalBinary(data); err != nil {
			if !errors.Is(err, quant.ErrState) {
				t.Fatal(err)
			}
			return
		}
		if !bytes.Equal(state(t, &m), data) {
			t.Fatal("a state is written in another way than it was read")
		}
		if err := other.UnmarshalBinary(data); err != nil {
			t.Fatal(err)
		}
		if rows, skipped := m.Rows(); rows > maxRows/2 || skipped > maxRows/2 {
			return
		}
		if err := m.Merge(&other); err != nil {
			t.Fatal(err)
		}
		for i := range m.Inputs() {
			for j := range m.Inputs() {
				if got, want := m.At(i, j), other.At(i, j); got != want && m.Extent() == Full {
					t.Fatalf("twice the rows have the mean %v, not %v", got, want)
				}
			}
		}
		if err := new(Moments).UnmarshalBinary(state(t, &m)); err != nil {
			t.Fatal(err)
		}
	})
}
