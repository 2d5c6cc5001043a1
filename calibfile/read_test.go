package calibfile

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/a01592f9/quant"
)

// files returns a calibration file, and the state that it is made of.
func files(t *testing.T, s quant.Scheme) (file, state []byte) {
	t.Helper()
	x, err := NewSeen(s, quant.IgnoreNotFinite)
	if err != nil {
		t.Fatal(err)
	}
	shape := []int{2, 3}
	if err := x.Observer.Observe(quant.Tensor{Data: []float32{1, -2, 3, 4, 5.5, 0}, Shape: shape}); err != nil {
		t.Fatal(err)
	}
	if err := x.Record("a.npy", shape, 1); err != nil {
		t.Fatal(err)
	}
	all := map[string]*Seen{"act": x}
	if state, err = State(all); err != nil {
		t.Fatal(err)
	}
	f, err := New(all, s)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), state
}

// TestRead reads what was written, and makes the same of it.
func TestRead(t *testing.T) {
	for name, s := range map[string]quant.Scheme{
		"per tensor":  {Bits: 8},
		"per channel": {Bits: 4, Mapping: quant.Symmetric, Method: quant.LeastSquares, Granularity: quant.PerChannel(-1), ZeroInRange: true},
		"per group":   {Bits: 8, Unsigned: true, Granularity: quant.PerGroup(-1, 3)},
	} {
		t.Run(name, func(t *testing.T) {
			file, state := files(t, s)
			dir := t.TempDir()
			paths := []string{filepath.Join(dir, "f.json"), filepath.Join(dir, "f.state")}
			for i, data := range [][]byte{file, state} {
				if err := os.WriteFile(paths[i], data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			f, err := ReadFile(paths[0])
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			if err := f.Write(&b); err != nil || !bytes.Equal(b.Bytes(), file) {
				t.Errorf("it comes back as %s, %v", &b, err)
			}
			x := f.Find("act")
			if x == nil || f.Find("none") != nil || x.ShapeText() != "2×3" || x.Counts.Others() != 0 {
				t.Fatalf("%+v", x)
			}
			p, err := x.Params([]int{2, 3})
			if err != nil || len(p.Scale) != len(x.Scale) || p.Scheme.Bits != s.Bits {
				t.Errorf("%+v, %v", p, err)
			}
			if axis, ok := p.Scheme.Granularity.Axis(); ok && axis != 1 {
				t.Errorf("axis %d", axis)
			}
			if _, err := x.Params([]int{3, 3}); err == nil || !strings.Contains(err.Error(), "its shape is [3 3], and was 2×3 when it was calibrated") {
				t.Errorf("another shape: %v", err)
			}
			seen, err := ReadState(paths[1])
			if err != nil {
				t.Fatal(err)
			}
			if again, err := State(seen); err != nil || !bytes.Equal(again, state) || seen["act"].File != paths[1] {
				t.Errorf("the state comes back as %q, %v", again, err)
			}
		})
	}
}

// TestReadNull: a null in the place of a number is an error that says where it is.
func TestReadNull(t *testing.T) {
	for name, test := range map[string]struct {
		s               quant.Scheme
		from, to, wants string
	}{
		"per channel": {quant.Scheme{Bits: 8, Granularity: quant.PerChannel(-1)}, `"seen_max": [4, 5.5, 3]`, `"seen_max": [4, null, 3]`, `tensor "act": channel 1: "seen_max" is null`},
		"bound":       {quant.Scheme{Bits: 8, Granularity: quant.PerChannel(-1)}, `"min": [1, -2, 0]`, `"min": [1, -2, null]`, `tensor "act": channel 2: "min" is null`},
		"per group":   {quant.Scheme{Bits: 8, Granularity: quant.PerGroup(-1, 3)}, `"max": [3, 5.5]`, `"max": [3, null]`, `tensor "act": "max" is null at index 1`},
		"per tensor":  {quant.Scheme{Bits: 8}, `"min": [-2]`, `"min": [null]`, `tensor "act": "min" is null at index 0`},
		"zero point":  {quant.Scheme{Bits: 8, Mapping: quant.Symmetric}, `"zero_point": [0]`, `"zero_point": [null]`, `tensor "act": "zero_point" is null at index 0`},
		"count":       {quant.Scheme{Bits: 8}, `"nan": 0`, `"nan": null`, `tensor "act": "nan" of "counts" is null`},
		"truth value": {quant.Scheme{Bits: 8}, `"unsigned": false`, `"unsigned": null`, `tensor "act": "unsigned" of "scheme" is null`},
		"batches":     {quant.Scheme{Bits: 8}, `"batches": 1`, `"batches": null`, `tensor "act": "batches" is null`},
	} {
		t.Run(name, func(t *testing.T) {
			file, _ := files(t, test.s)
			if !bytes.Contains(file, []byte(test.from)) {
				t.Fatalf("no %s in %s", test.from, file)
			}
			changed := bytes.Replace(file, []byte(test.from), []byte(test.to), 1)
			if _, err := Parse(changed); err == nil || err.Error() != test.wants {
				t.Errorf("%v, want %s", err, test.wants)
			}
		})
	}
}

// TestReadRefuses has files that are damaged or not calibration files.
func TestReadRefuses(t *testing.T) {
	file, state := files(t, quant.Scheme{Bits: 8, Granularity: quant.PerChannel(0)})
	for _, test := range []struct{ name, old, new, want string }{
		{"not JSON", "{", "<", "not a calibration file: invalid character '<' looking for beginning of value at offset 1"},
		{"another format", "quant calibration", "other", `not a calibration file: its format is not "quant calibration"`},
		{"another version", `"version": 1`, `"version": 2`, "a calibration file of version 2, not 1"},
		{"an unknown key", `"batches"`, `"batch"`, `unknown field "batch"`},
		{"a wrong type", `"bits": 8`, `"bits": "8"`, `"tensors.scheme.bits" is a string`},
		{"a mapping", `"asymmetric"`, `"skew"`, `tensor "act": mapping "skew" is neither asymmetric nor symmetric`},
		{"a method", `"minmax"`, `"best"`, `tensor "act": `},
		{"a granularity", `"per_channel"`, `"per_tensor"`, "does not go with what axis and group_size are"},
		{"no batches", `"batches": 1`, `"batches": 0`, "it has no batches, or no values"},
		{"a list", `"zero_point": [`, `"zero_point": [1, `, "its lists are not of one length"},
		{"an axis", `"shape": [2, 3]`, `"shape": [-2, 3]`, "an axis of length -2"},
		{"a shape", `"shape": [2, 3]`, `"shape": [4, 3]`, "2 scales do not go with its shape"},
		{"a range", `"min": [-2, 0]`, `"min": [9, 0]`, "the range at index 0 is upside down"},
		{"a scale", `"scale": [`, `"scale": [-`, "at index 0 is not positive and finite"},
		{"a share", `"clipped": 0`, `"clipped": 2`, "2 is no share of clipped values"},
		{"no tensors", string(file[bytes.Index(file, []byte(`"tensors": [`)):]), `"tensors": []}`, "there are no tensors in it"},
	} {
		t.Run(test.name, func(t *testing.T) {
			bad := strings.Replace(string(file), test.old, test.new, 1)
			if bad == string(file) {
				t.Fatalf("there is no %q in\n%s", test.old, file)
			}
			if _, err := Parse([]byte(bad)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
	if _, err := ParseState("x", file); err == nil || err.Error() != "not a state of quant calibrate" {
		t.Errorf("a file as a state: %v", err)
	}
	for i := range state {
		bad := bytes.Clone(state)
		bad[i] ^= 1
		if _, err := ParseState("x", bad); err == nil {
			t.Errorf("a state with byte %d changed is read", i)
		}
	}
	for _, path := range []string{"none", t.TempDir()} {
		if _, err := ReadFile(path); err == nil {
			t.Errorf("%s is read as a file", path)
		}
		if _, err := ReadState(path); err == nil {
			t.Errorf("%s is read as a state", path)
		}
	}
}
