package moments

import (
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/documented"
	"github.com/a01592f9/quant/feedback"
)

// document returns docs/moments-format.md.
func document(t *testing.T) string {
	t.Helper()
	return documented.Text(t, "../../..", "moments-format.md")
}

// exampleRow matches a row of the example: bytes in hexadecimal, and what they are.
var exampleRow = regexp.MustCompile("(?m)^\\| `((?:[0-9a-f]{2} ?)+)` \\| (.+) \\|$")

// TestFormatExample: the bytes of the example in docs/moments-format.md are those of its rows, in
// pieces that the table describes.
func TestFormatExample(t *testing.T) {
	var all []byte
	rows := exampleRow.FindAllStringSubmatch(document(t), -1)
	for _, row := range rows {
		b, err := hex.DecodeString(strings.ReplaceAll(row[1], " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	want := marshal(t, State{
		"a": observed(t, feedback.Full, []float32{1, -2, 3, 0.5}, 2),
		"b": observed(t, feedback.Diagonal, []float32{0, 4}, 2),
	})
	if string(all) != string(want) {
		t.Errorf("the document has\n% x\nand the file is\n% x", all, want)
	}
	if len(rows) != 29 {
		t.Errorf("%d rows", len(rows))
	}
}

// TestFormatTables reads a file by the tables of docs/moments-format.md alone: the lengths that they
// have in their first column lead to the end, and the sums, by the formula, to the means.
func TestFormatTables(t *testing.T) {
	lengths := func(after string) (all []string) {
		doc := document(t)
		doc = doc[strings.Index(doc, after):]
		for _, m := range regexp.MustCompile(`(?m)^\| ([^|]+) \| [^|]+ \|$`).FindAllStringSubmatch(doc[:strings.Index(doc, "\n\n")], -1) {
			all = append(all, m[1])
		}
		return all
	}
	file := lengths("| length | field of the file |")
	state := lengths("| length | field of the second moments |")
	if got := strings.Join(file, ", "); got != "length, 4 bytes, 1 byte, number, number, bytes, number, bytes, 4 bytes" {
		t.Fatalf("fields of the file: %s", got)
	}
	if got := strings.Join(state, ", "); got != "length, 4 bytes, 1 byte, 1 byte, 4 bytes, 4 bytes, 4 bytes, 2·n bytes, 16·pairs bytes, 4 bytes" {
		t.Fatalf("fields of the second moments: %s", got)
	}
	x := []float32{1, -2, 3, 0.5, 1e-20, 7e18, -0.25, 0, 11}
	want := map[string]*feedback.Moments{"full": observed(t, feedback.Full, x, 3), "squares": observed(t, feedback.Diagonal, x, 3)}
	b := marshal(t, State(want))
	sum := func(b []byte) {
		end := len(b) - 4
		if binary.LittleEndian.Uint32(b[end:]) != crc32.ChecksumIEEE(b[:end]) {
			t.Error("the checksum is another")
		}
	}
	sum(b)
	rest := b[5 : len(b)-4]
	number := func() int {
		v, n := binary.Uvarint(rest)
		rest = rest[n:]
		return int(v)
	}
	take := func(n int) []byte {
		b := rest[:n]
		rest = rest[n:]
		return b
	}
	for range number() {
		name := string(take(number()))
		m := take(number())
		sum(m)
		n, rows, diagonal := int(binary.LittleEndian.Uint32(m[6:])), float64(binary.LittleEndian.Uint32(m[10:])), m[5]&1 != 0
		exponent := func(i int) int { return int(binary.LittleEndian.Uint16(m[18+2*i:])) - 150 }
		at := 18 + 2*n
		for i := range n {
			for j := range i + 1 {
				if diagonal && i != j {
					continue
				}
				upper, lower := int64(binary.LittleEndian.Uint64(m[at:])), int64(binary.LittleEndian.Uint64(m[at+8:]))
				at += 16
				slice := math.Floor(float64(exponent(i)+exponent(j)+1) / 32)
				got := 0.0
				if upper != 0 || lower != 0 {
					got = (float64(upper)*math.Exp2(32*slice) + float64(lower)*math.Exp2(32*(slice-1))) / rows
				}
				if mean := want[name].At(i, j); math.Abs(got-mean) > 1e-15*math.Abs(mean) {
					t.Errorf("%s, inputs %d and %d: %v, want %v", name, i, j, got, mean)
				}
			}
		}
		if at != len(m)-4 {
			t.Errorf("%s: the sums end at %d of %d bytes", name, at, len(m))
		}
	}
	if len(rest) != 0 {
		t.Errorf("%d bytes are left", len(rest))
	}
}
