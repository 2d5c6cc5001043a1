package tensorfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"testing"
)

// TestReadLong reads arrays of more than one chunk, of which the last is not full.
func TestReadLong(t *testing.T) {
	const n = 2*chunk + 5
	for _, big := range []bool{false, true} {
		var order binary.AppendByteOrder = binary.LittleEndian
		if big {
			order = binary.BigEndian
		}
		for _, dtype := range []string{"F64", "F32", "F16", "BF16"} {
			var data []byte
			for i := range n {
				switch x := i % 1000; dtype {
				case "F64":
					data = order.AppendUint64(data, math.Float64bits(float64(x)))
				case "F32":
					data = order.AppendUint32(data, math.Float32bits(float32(x)))
				case "F16": // x * 2^-24
					data = order.AppendUint16(data, uint16(x))
				case "BF16": // the integers there are
					data = order.AppendUint16(data, uint16(math.Float32bits(float32(x%128))>>16))
				}
			}
			stream := func(data []byte) ([]float32, error) {
				return encoding{dtype, big}.read(bytes.NewReader(data), n)
			}
			inBlocks := func(data []byte) ([]float32, error) {
				// Not where its type would be aligned.
				r := bytes.NewReader(append([]byte{1}, data...))
				s := &blocks{r: r, start: 1, n: n, enc: encoding{dtype, big}}
				got := make([]float32, n)
				at := 0
				for _, end := range []int{1, 3, 12, 82, 1001, 25_001, n} {
					if err := s.ReadFloats(got[at:end], at); err != nil {
						return nil, err
					}
					at = end
				}
				return got, nil
			}
			for name, read := range map[string]func([]byte) ([]float32, error){"": stream, ", at offset 1 of the file": inBlocks} {
				got, err := read(data)
				if err != nil {
					t.Fatal(err)
				}
				for i, x := range got {
					want := float32(i % 1000)
					switch dtype {
					case "F16":
						want *= 0x1p-24
					case "BF16":
						want = float32(i % 1000 % 128)
					}
					if x != want {
						t.Fatalf("%s: element %d is %v, want %v", dtype, i, x, want)
					}
				}
				_, err = read(data[:len(data)-1])
				if name != "" {
					name = fmt.Sprintf(", at offset %d of the file", len(data))
				}
				wantError(t, err, "data ends after 32772 of 32773 elements"+name)
			}
		}
	}
}

func TestNarrow(t *testing.T) {
	read := func(x float64) (float32, error) {
		b := binary.LittleEndian.AppendUint64(nil, math.Float64bits(x))
		out, err := encoding{dtype: "F64"}.read(bytes.NewReader(b), 1)
		if err != nil {
			return 0, err
		}
		return out[0], nil
	}
	// The largest float64 that rounds to a finite float32, and the next.
	limit := math.MaxFloat32 + math.Ldexp(1, 127-24)
	for _, c := range []struct {
		x    float64
		want float32
	}{
		{1 + 0x1p-24, 1}, // a tie, to even
		{1 + 0x1p-24 + 0x1p-50, math.Nextafter32(1, 2)},
		{1e-60, 0},
		{math.Nextafter(limit, 0), math.MaxFloat32},
		{math.Inf(-1), float32(math.Inf(-1))},
	} {
		got, err := read(c.x)
		if err != nil || got != c.want {
			t.Errorf("%v is %v, want %v, %v", c.x, got, c.want, err)
		}
	}
	if got, err := read(math.NaN()); err != nil || got == got {
		t.Errorf("NaN is %v, %v", got, err)
	}
	_, err := read(-limit)
	wantError(t, err, "-3.4028235677973366e+38 at index 0 overflows float32")
}

func TestElements(t *testing.T) {
	for _, c := range []struct {
		shape []int
		want  int
		err   string
	}{
		{nil, 1, ""},
		{[]int{2, 3}, 6, ""},
		{[]int{math.MaxInt, math.MaxInt, 0}, 0, ""},
		{[]int{0, math.MaxInt, math.MaxInt}, 0, ""},
		{[]int{math.MaxInt / 8}, math.MaxInt / 8, ""},
		{[]int{1 << 30, 1 << 30, 1 << 4}, 0, "shape [1073741824 1073741824 16] has too many elements"},
		{[]int{1 << 20, 1 << 20, 1 << 20, 1 << 20}, 0, "shape [1048576 1048576 1048576 1048576] has too many elements"},
	} {
		n, err := elements(c.shape)
		if c.err != "" {
			wantError(t, err, c.err)
		} else if err != nil || n != c.want {
			t.Errorf("%v: %d, %v", c.shape, n, err)
		}
	}
}

func TestRowMajor(t *testing.T) {
	shape := []int{2, 3, 4}
	column := make([]float32, 24)
	for i := range column {
		column[i] = float32(rowMajorIndex(i, shape))
	}
	for i, x := range rowMajor(column, shape) {
		if x != float32(i) {
			t.Fatalf("element %d is %v", i, x)
		}
	}
}
