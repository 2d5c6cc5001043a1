package report

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
)

// values are those of a tensor in memory.
type values []float32

func (v values) ReadFloats(dst []float32, off int) error {
	if off+len(dst) > len(v) {
		return errors.New("too few values")
	}
	copy(dst, v[off:])
	return nil
}

// testEntries returns the entries of some tensors: compared ones, of which one
// loses nothing, and skipped ones.
func testEntries(t *testing.T, entry func(position int, x Tensor, v values) (Entry, error)) []Entry {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	var all []Entry
	for i, name := range []string{"a", "b", "zero", "int", "nan"} {
		x := Tensor{Name: name, DType: "F32", Shape: []int{6, 8}, Bytes: 192, Floating: true}
		v := make(values, 48)
		for k := range v {
			if name != "zero" {
				v[k] = float32(r.NormFloat64())
			}
		}
		e, err := entry(i, x, v)
		switch name {
		case "int":
			e, err = Skip(i, x, "I32 is not a floating-point type", false)
		case "nan":
			e, err = Skip(i, x, "NaN in channel 0, at index 1", true)
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

func TestOrderOfEntries(t *testing.T) {
	target := 20.0
	sweep := SweepOptions{Bits: []int{4, 8}, GroupSizes: []int{4}, Target: &target}
	for name, test := range map[string]struct {
		entry func(int, Tensor, values) (Entry, error)
		write func(*bytes.Buffer, []Entry) error
	}{
		"compare": {
			func(i int, x Tensor, v values) (Entry, error) { return DefaultOptions().Entry(i, x, v) },
			func(b *bytes.Buffer, e []Entry) error { return WriteComparison(b, "S", DefaultOptions(), e) },
		},
		"sweep": {
			func(i int, x Tensor, v values) (Entry, error) { return sweep.Entry(i, x, v) },
			func(b *bytes.Buffer, e []Entry) error { return WriteSweep(b, "S", sweep, e) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			entries := testEntries(t, test.entry)
			var want bytes.Buffer
			if err := test.write(&want, entries); err != nil {
				t.Fatal(err)
			}
			for seed := range uint64(5) {
				r := rand.New(rand.NewPCG(seed, 3))
				r.Shuffle(len(entries), func(i, k int) { entries[i], entries[k] = entries[k], entries[i] })
				var got bytes.Buffer
				if err := test.write(&got, entries); err != nil || !bytes.Equal(got.Bytes(), want.Bytes()) {
					t.Errorf("another report, error %v", err)
				}
			}
			if err := Failed(want.Bytes()); err == nil || err.Error() != `S: tensor "nan": NaN in channel 0, at index 1` {
				t.Errorf("failed: %v", err)
			}
		})
	}
}

func TestReportErrors(t *testing.T) {
	entries := testEntries(t, func(i int, x Tensor, v values) (Entry, error) { return DefaultOptions().Entry(i, x, v) })
	damaged := entries[0]
	damaged.JSON = []byte("{")
	for name, test := range map[string]struct {
		entries []Entry
		want    string
	}{
		"none":    {nil, "S: there are no tensors to compare"},
		"twice":   {[]Entry{entries[0], entries[0]}, `tensors "a" and "a" have the same position`},
		"damaged": {[]Entry{damaged}, `the entry of tensor "a" is damaged`},
		"skipped": {entries[3:4], `S: tensor "int": cannot be compared: I32 is not a floating-point type`},
		"failed":  {entries[3:], `S: tensor "nan": NaN in channel 0, at index 1 (nor can 1 tensor more)`},
	} {
		t.Run(name, func(t *testing.T) {
			err := WriteComparison(new(bytes.Buffer), "S", DefaultOptions(), test.entries)
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
}
