package tensorfile

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func itoa(i int) string { return strconv.Itoa(i) }

func TestText(t *testing.T) {
	two := []int{2, 2}
	for _, c := range []struct {
		name, data string
		shape      []int
		want       []float32
	}{
		{"lines", "1,2\n3,4\n", two, []float32{1, 2, 3, 4}},
		{"semicolons", "1 2;3 4", two, []float32{1, 2, 3, 4}},
		{"trailing", "1 2;\n3 4;\n\n;;", two, []float32{1, 2, 3, 4}},
		{"mixed separators", " 1, 2 \n3\t,  4,", two, []float32{1, 2, 3, 4}},
		{"CRLF", "1,2\r\n3,4\r\n", two, []float32{1, 2, 3, 4}},
		{"CR", "1,2\r\r3,4\r", two, []float32{1, 2, 3, 4}},
		{"byte order mark", "\ufeff1,2\n3,4", two, []float32{1, 2, 3, 4}},
		{"no-break space", "1\u00a02\n3\u00a04", two, []float32{1, 2, 3, 4}},
		{"comments", "# weights; of 2\n\n1 2 # first\n3 4# second\n  #", two, []float32{1, 2, 3, 4}},
		{"notation", "1e3 -1.5E-2\n+.5 7.", two, []float32{1000, -0.015, .5, 7}},
		{"limits", "3.4028235e38 -3.4028235e38\n1e-45 -0", two,
			[]float32{math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, float32(math.Copysign(0, -1))}},
		{"underflow", "1e-60", []int{1, 1}, []float32{0}},
		{"UTF-16", "\xff\xfe1\x00\t\x002\x00\r\x00\n\x003\x00\t\x004\x00", two, []float32{1, 2, 3, 4}},
		{"UTF-16, big-endian", "\xfe\xff\x001\x00 \x002\x00;\x003\x00 \x004", two, []float32{1, 2, 3, 4}},
		{"rounded once", "1.000000059604644775390626", []int{1, 1}, []float32{math.Nextafter32(1, 2)}},
		{"x.csv", "1,2\n3,4", two, []float32{1, 2, 3, 4}},
		{"header.csv", "a,b\n1,2\n3,4", two, []float32{1, 2, 3, 4}},
		{"header.csv", "\n# about\n\"first, channel\", channel 2\n1,2\n3,4", two, []float32{1, 2, 3, 4}},
		{"header.csv", "first second\n1 2\n3 4", two, []float32{1, 2, 3, 4}},
		{"minus signs", "\u22121 \u20132\n3e\u22124 \uff0d4", two, []float32{-1, -2, 3e-4, -4}},
		{"quoted", "\"1\", \"2\"\n\"3\" 4", two, []float32{1, 2, 3, 4}},
		{"header.csv", "a;b 1\n1,2\n3,4", two, []float32{1, 2, 3, 4}},
		{"header.csv", "\"a\nb\"\r\n1,2\n3,4", two, []float32{1, 2, 3, 4}},
		{"quoted.csv", "\"1\",\"2\"\n\" 3 \";4", []int{3, 1}, nil},
		{"quoted.csv", "\"1\",\"2\"\n\" 3 \",4", two, []float32{1, 2, 3, 4}},
	} {
		f, err := parse(c.name, c.data)
		if c.want == nil {
			if err == nil {
				t.Errorf("%s: no error for %q", c.name, c.data)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %q: %v", c.name, c.data, err)
			continue
		}
		wantTensor(t, f, 0, "", c.shape, c.want)
		if info := f.Tensors()[0]; info.DType != "F32" || info.Bytes != int64(4*len(c.want)) {
			t.Errorf("%s: %+v", c.name, info)
		}
	}
}

func TestTextErrors(t *testing.T) {
	for _, c := range []struct {
		name, data   string
		line, column int
		msg          string
	}{
		{"", "", 1, 1, "no values"},
		{"", "\n;;\n # nothing\n", 1, 1, "no values"},
		{"", "1 2\n3 4 5", 2, 1, "channel 1 has 3 values, channel 0 has 2"},
		{"", "1 2; 3 # one\n4 5", 1, 6, "channel 1 has 1 value, channel 0 has 2"},
		{"", "1 abc", 1, 3, `"abc" is not a number`},
		{"", "\ufeff1 abc", 1, 3, `"abc" is not a number`},
		{"", "# grüße\n1,\u00a0\u00a0é", 2, 5, `"é" is not a number`},
		{"", "1\r\n\r\n2,\tx", 3, 4, `"x" is not a number`},
		{"", "1\r\r2,x", 3, 3, `"x" is not a number`},
		{"", "0x1p4", 1, 1, `"0x1p4" is not a number`},
		{"", "1_000", 1, 1, `"1_000" is not a number: write thousands without separators`},
		{"", "1.2.3", 1, 1, `"1.2.3" is not a number`},
		{"", "1,NaN", 1, 3, `"NaN" is not a finite number`},
		{"", "1 -inf", 1, 3, `"-inf" is not a finite number`},
		{"", "+Infinity", 1, 1, `"+Infinity" is not a finite number`},
		{"", "1e39", 1, 1, `"1e39" overflows float32`},
		{"", "3.4028236e38", 1, 1, `"3.4028236e38" overflows float32`},
		{"", "1e99999999999", 1, 1, `"1e99999999999" overflows float32`},
		{"", "1,,2", 1, 3, "empty field"},
		{"", ",1", 1, 1, "empty field"},
		{"", "1 \xff", 1, 3, "not UTF-8"},
		{"", "1 2\xff", 1, 4, "not UTF-8"},
		{"", "1 # \xff", 1, 5, "not UTF-8"},
		{"", strings.Repeat("y", 70), 1, 1, `"` + strings.Repeat("y", 64) + `…" is not a number`},
		{"x.csv", "a,b\n", 1, 1, "no values"},
		{"x.csv", "a,2\n1,2", 2, 1, `no label before the values, as "a" in line 1 is one`},
		{"x.csv", "1st 2nd\n1 2\n3 4", 1, 1, `"1st" is not a number`},
		{"x.csv", "1,b\n1,2", 1, 3, `"b" is not a number`},
		{"x.csv", "a 1\n1 2", 1, 1, `"a" is not a number`},
		{"x.csv", "a,nan\n1,2", 1, 3, `"nan" is not a finite number`},
		{"x.csv", "nan,nan\n1,2", 1, 1, `"nan" is not a finite number`},
		{"x.csv", "a,b\nc,d\n1,2", 2, 1, `"c" is not a number`},
		{"x.csv", "a,b\n1,\"x\"", 2, 3, `"x" is not a number`},
		{"x.csv", "1,\"\"", 1, 3, "empty field"},
		{"x.csv", "1,\"2", 1, 3, "quoted field has no end"},
		{"x.csv", "1,\"2\"3", 1, 6, "no separator after a quoted field"},
		{"x.csv", "1,\"2\"\"3\"", 1, 3, `"2\"3" is not a number`},
	} {
		_, err := parse(c.name, c.data)
		var syntax *SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%q: error %v, want a SyntaxError", c.data, err)
			continue
		}
		if want := (SyntaxError{c.line, c.column, c.msg}); *syntax != want {
			t.Errorf("%q: %+v, want %+v", c.data, *syntax, want)
		}
	}
	_, err := parse("", "\xff\xfe1\x00 \x00=\xd8")
	wantError(t, err, "text: UTF-16 ends in the middle of a character: the text is cut off")
	_, err = parse("x.csv", "1\n2 3")
	wantError(t, err, "csv: line 2, column 1: channel 1 has 2 values, channel 0 has 1")
}

// A tensor that was loaded belongs to the caller.
func TestTextLoadCopies(t *testing.T) {
	f, err := parse("", "1 2")
	if err != nil {
		t.Fatal(err)
	}
	x, _ := f.Load(0)
	x[0] = 7
	f.Tensors()[0].Shape[0] = 7
	wantTensor(t, f, 0, "", []int{1, 2}, []float32{1, 2})
}

// A column is channels of one value each, which is rarely meant.
func TestColumnNote(t *testing.T) {
	const note = "each line is a channel, which gives 3 channels of one value; values of one channel stand on one line"
	for _, c := range []struct {
		name, data string
		noted      bool
	}{
		{"", "1\n2\n3", true},
		{"x.csv", "height\n1.5\n2.5\n3.5", true},
		{"", "a: 1\nb: 2\nc: 3", false}, // labels say that they are channels
		{"", "1 2 3", false},
		{"", "1", false},
		{"", "[[1],[2],[3]]", false},
	} {
		f, err := parse(c.name, c.data)
		if err != nil {
			t.Fatalf("%q: %v", c.data, err)
		}
		noted := slices.ContainsFunc(f.Text.Doubtful(), func(n Note) bool { return n.Text == note })
		if noted != c.noted {
			t.Errorf("%q: noted %t, %+v", c.data, noted, f.Text.Notes)
		}
	}
}
