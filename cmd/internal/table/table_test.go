package table

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
)

// sample is a table with a group, a detail, a best cell and a minor row.
func sample() *Table {
	t := &Table{Columns: append(Texts("weight", "shape"), Numbers("RMSE per", "tensor", "channel")...), Note: "All rows."}
	t.Columns = append(t.Columns, Column{Head: "bytes", Detail: true})
	t.Optional = []int{1}
	best := Measure(0.000123456)
	best.Best = true
	t.Add(Name("model.layers.0.attention.weight"), Text("4×8"), Measure(0.25), best, Count(1234))
	t.Rows = append(t.Rows, Row{Minor: true, Cells: []Cell{Name("model.layers.0.attention.weight"), Text("1"), Measure(0.5), Measure(1e-9), Count(8)}})
	t.Sum = []Cell{{Text: "all"}, {}, {}, {}, Count(1242)}
	return t
}

func TestTerminal(t *testing.T) {
	for _, test := range []struct {
		name  string
		color bool
		want  string
	}{
		{"plain", false, "" +
			"                                        ─── RMSE per ───\n" +
			"weight                           shape  tensor   channel\n" +
			"model.layers.0.attention.weight  4×8     0.250  0.000123\n" +
			"                                 1       0.500  1.00e-09\n"},
		{"colour", true, "" +
			"\x1b[2m                                        ─── RMSE per ───\x1b[0m\n" +
			"\x1b[1mweight\x1b[0m                           \x1b[1mshape\x1b[0m  \x1b[1mtensor\x1b[0m   \x1b[1mchannel\x1b[0m\n" +
			"model.layers.0.attention.weight  4×8     0.250  \x1b[32m0.000123\x1b[0m\n" +
			"                                 \x1b[2m1\x1b[0m       \x1b[2m0.500\x1b[0m  \x1b[2m1.00e-09\x1b[0m\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var b bytes.Buffer
			p := NewTerminal(&b, test.color, 0)
			p.Table(sample())
			if err := p.Flush(); err != nil || b.String() != test.want {
				t.Errorf("%v, got\n%q\nwant\n%q", err, b.String(), test.want)
			}
		})
	}
}

// TestGap has one empty line where two blocks meet, and none at the start.
func TestGap(t *testing.T) {
	var b bytes.Buffer
	p := NewTerminal(&b, false, 0)
	p.Gap()
	p.Line(Plain, "first")
	p.Gap()
	p.Gap()
	p.Table(&Table{Columns: Texts("name")})
	p.Blank()
	p.Gap()
	p.Names([]string{"x"})
	p.Gap()
	p.Line(Plain, "last")
	const want = "first\n\nname\n\n  x\n\nlast\n"
	if err := p.Flush(); err != nil || b.String() != want {
		t.Errorf("%v, got %q, want %q", err, b.String(), want)
	}
}

// TestNarrow leaves out columns and parts of names, and never a row.
func TestNarrow(t *testing.T) {
	var b bytes.Buffer
	wide := sample()
	for i := range wide.Rows {
		wide.Rows[i].Cells[0] = Name("prefix." + strings.Repeat("long_", 12) + string(rune('a'+i)) + ".weight")
		wide.Rows[i].Minor = false
	}
	p := NewTerminal(&b, false, 80)
	p.Table(wide)
	p.Flush()
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if len(lines) != 5 || lines[0] != `Names are without "prefix." at the start and ".weight" at the end.` {
		t.Fatalf("%q", lines)
	}
	for _, l := range lines {
		if n := len([]rune(l)); n > 80 {
			t.Errorf("%d columns: %q", n, l)
		}
	}
}

// TestParagraphAbout explains only the columns that the terminal shows.
func TestParagraphAbout(t *testing.T) {
	for _, columns := range []int{80, 120} {
		wide := sample()
		wide.Columns = append(wide.Columns[:1:1], append([]Column{{Head: strings.Repeat("u", 50), Left: true, About: "About the uses."}}, wide.Columns[1:]...)...)
		wide.Columns[0].About = "About the names."
		for i, row := range wide.Rows {
			wide.Rows[i].Cells = append(row.Cells[:1:1], append([]Cell{Text("x")}, row.Cells[1:]...)...)
		}
		wide.Optional, wide.Pressed = nil, []int{1}
		var b bytes.Buffer
		p := NewTerminal(&b, false, columns)
		p.Table(wide)
		p.ParagraphAbout(wide, Plain, "Sum.")
		p.Line(Plain, "after")
		p.Flush()
		want := "\nSum. About the names.\nafter\n"
		if shown := strings.Contains(b.String(), "uuu"); shown != (columns == 120) {
			t.Errorf("%d columns:\n%s", columns, &b)
		} else if shown {
			want = "\nSum. About the names. About the uses.\nafter\n"
		}
		if !strings.HasSuffix(b.String(), want) {
			t.Errorf("%d columns:\n%s, want %q at the end", columns, &b, want)
		}
	}
}

// TestWrap breaks long cells of the last column into lines, and drops no word.
func TestWrap(t *testing.T) {
	x := &Table{Columns: Texts("skipped", "because")}
	x.Columns[1].Limit, x.Columns[1].Wrap = 20, true
	reason := strings.TrimSpace(strings.Repeat("many words ", 20))
	x.Add(Name("w"), Text(reason))
	x.Add(Name("v"), Text("short"))
	var b bytes.Buffer
	p := NewTerminal(&b, false, 80)
	p.Table(x)
	p.Flush()
	var words []string
	for i, l := range strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n") {
		if n := len(l); n > 80 {
			t.Errorf("%d columns: %q", n, l)
		}
		if strings.HasPrefix(l, "v") {
			break
		}
		if i > 0 {
			words = append(words, strings.Fields(l[len("skipped  "):])...)
		}
	}
	if got := strings.Join(words, " "); got != reason {
		t.Errorf("%q, want %q", got, reason)
	}
}

// A short name does not let a wide column shorten the head of the first one.
func TestHead(t *testing.T) {
	x := &Table{Columns: Texts("tensor", strings.Repeat("u", 78)), Pressed: []int{1}}
	x.Add(Name("w"), Text("x"))
	var b bytes.Buffer
	p := NewTerminal(&b, false, 80)
	p.Table(x)
	p.Flush()
	if b.String() != "tensor\nw\n" {
		t.Errorf("%q", &b)
	}
}

// TestOneName has a tensor in two tables and a list, of which one table has little
// room: it has the same name in all, and what is left out is said once.
func TestOneName(t *testing.T) {
	names := []string{"model.layers.0.self_attention.query.weight", "model.layers.1.self_attention.query.weight", "model.layers.1.self_attention.key.weight"}
	var b bytes.Buffer
	p := NewTerminal(&b, false, 80)
	roomy, narrow := &Table{Columns: Texts("weight")}, &Table{Columns: Texts("weight", "why")}
	for _, n := range names {
		roomy.Add(Name(n))
		narrow.Add(Name(n), Text(strings.Repeat("x", 62)))
	}
	p.Table(roomy)
	p.Line(Plain, "between")
	p.Table(narrow)
	p.Names(names)
	if err := p.Flush(); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), `Names are without "model.layers." at the start and ".weight" at the end.`); n != 1 {
		t.Errorf("said %d times:\n%s", n, &b)
	}
	for _, short := range []string{"0…query", "1…query", "1…key"} {
		if n := strings.Count(b.String(), short); n != 3 {
			t.Errorf("%q stands there %d times:\n%s", short, n, &b)
		}
	}
	if above, below, _ := strings.Cut(b.String(), "between"); strings.Contains(above, "xxx") || !strings.Contains(below, "xxx") {
		t.Errorf("not in order:\n%s", &b)
	}
}

func TestDrop(t *testing.T) {
	x := sample()
	x.Pressed = []int{3, 2}
	x.Drop(2)
	if got := strings.Join(x.Head(), ","); got != "weight,shape,channel,bytes" {
		t.Errorf("columns %s", got)
	}
	if len(x.Rows[0].Cells) != 4 || x.Rows[0].Cells[2].Best != true || len(x.Sum) != 4 || len(x.Pressed) != 1 || x.Pressed[0] != 2 {
		t.Errorf("%+v", x)
	}
	// A group of which one column is left is the head of that column in a terminal.
	var b bytes.Buffer
	one := sample()
	one.Columns[3].Detail = true
	p := NewTerminal(&b, false, 0)
	p.Table(one)
	p.Flush()
	if head, _, _ := strings.Cut(b.String(), "\n"); !strings.HasSuffix(head, "RMSE") {
		t.Errorf("head %q", head)
	}
}

func TestMarkdown(t *testing.T) {
	var b bytes.Buffer
	m := NewMarkdown(&b)
	m.Heading(1, "A *file*")
	m.Table(sample())
	if err := m.Flush(); err != nil {
		t.Fatal(err)
	}
	want := `# A \*file\*

All rows.

| Weight | Shape | RMSE per tensor | RMSE per channel | Bytes |
|:---|:---|---:|---:|---:|
| model.layers.0.attention.weight | 4×8 | 0.2500 | 0.0001235 | 1,234 |
| model.layers.0.attention.weight | 1 | 0.5000 | 1.000e-09 | 8 |
| all |  |  |  | 1,242 |
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &b, want)
	}
}

func TestCSV(t *testing.T) {
	var b bytes.Buffer
	c := NewCSV(&b, []string{"name", "value"})
	c.Row([]string{Inert("=1+1")}, []string{Integer(nil)})
	if err := c.Flush(); err != nil || b.String() != "name,value\r\n'=1+1,\r\n" {
		t.Errorf("%v, %q", err, b.String())
	}
	if err := NewCSV(failing{}, []string{"x"}).Flush(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("error %v", err)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, os.ErrClosed }
