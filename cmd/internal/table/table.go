// Package table has the type of table of all reports, and writes it for a terminal and as
// Markdown. The PDF and the HTML report lay out the same tables themselves.
//
// A table only says what it contains. The writer decides how much of it is shown, and with how
// many digits. A terminal shows least.
package table

import (
	"strconv"

	"github.com/a01592f9/quant/cmd/internal/text"
)

// A Table is rows of cells under named columns. Its text has been through text.Clean.
type Table struct {
	Columns []Column
	Rows    []Row
	Sum     []Cell // a last row of totals, for documents only; nil for none
	Note    string // which rows are shown, if not all

	// Optional and Pressed are the columns that a narrow terminal drops, in this order. It
	// drops pressed columns only if dropping optional ones is not enough.
	Optional, Pressed []int
}

// A Column describes a column.
type Column struct {
	Head   string
	Group  string // the heading over neighbouring columns that have the same one; "" for none
	Left   bool   // whether it is text, which is flush left; numbers are flush right
	Detail bool   // whether only documents show it
	Limit  int    // the width to which a terminal shortens cells; 0 for no limit
	Wrap   bool   // whether a terminal breaks long cells into lines; only the last column can have it, with a Limit
	About  string // a sentence that explains the cells: see Terminal.ParagraphAbout
}

// A Row is a line of a table.
type Row struct {
	Cells  []Cell
	Style  Style // of cells without a style, in a terminal
	Detail bool  // whether only documents show it

	// Minor reports whether the row belongs to the row above, with the same name. A terminal
	// dims it and does not repeat the name.
	Minor bool
}

// A Cell is a text or a number.
type Cell struct {
	Text  string // the text in documents
	Short string // as a terminal shows it; "" if as in documents
	Exact string // a finite number in full precision, to sort by and to copy; else ""
	Best  bool   // whether it is the least error of a row
	Style Style  // in a terminal; Plain for the style of the row
	Name  bool   // whether it is the name of a tensor, which a terminal may shorten: see Terminal
}

// A Style is the look of text in a terminal with colour.
type Style string

// Styles are the codes of ANSI terminals.
const (
	Plain Style = ""
	Bold  Style = "1"
	Dim   Style = "2"
	Red   Style = "31"
	Green Style = "32"
)

// A Span is a heading over columns From to To.
type Span struct {
	From, To int
	Text     string
}

// Add appends a row.
func (t *Table) Add(cells ...Cell) { t.Rows = append(t.Rows, Row{Cells: cells}) }

// Head returns the names of the columns.
func (t *Table) Head() []string {
	head := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		head[i] = c.Head
	}
	return head
}

// Left returns the number of columns of text, which are the first columns.
func (t *Table) Left() int {
	n := 0
	for n < len(t.Columns) && t.Columns[n].Left {
		n++
	}
	return n
}

// Spans returns the headings over several columns.
func (t *Table) Spans() []Span {
	var spans []Span
	for i, c := range t.Columns {
		switch last := len(spans) - 1; {
		case c.Group == "":
		case i > 0 && t.Columns[i-1].Group == c.Group:
			spans[last].To = i
		default:
			spans = append(spans, Span{i, i, c.Group})
		}
	}
	return spans
}

// Drop removes a column.
func (t *Table) Drop(column int) {
	t.Columns = without(t.Columns, column)
	for i := range t.Rows {
		t.Rows[i].Cells = without(t.Rows[i].Cells, column)
	}
	if t.Sum != nil {
		t.Sum = without(t.Sum, column)
	}
	t.Optional, t.Pressed = renumber(t.Optional, column), renumber(t.Pressed, column)
}

// without returns a copy of list without the element at index i.
func without[T any](list []T, i int) []T {
	return append(append(make([]T, 0, len(list)-1), list[:i]...), list[i+1:]...)
}

// renumber returns the numbers of columns after a column was removed.
func renumber(columns []int, out int) []int {
	var left []int
	for _, c := range columns {
		switch {
		case c > out:
			left = append(left, c-1)
		case c < out:
			left = append(left, c)
		}
	}
	return left
}

// Texts returns columns of text.
func Texts(heads ...string) []Column {
	var columns []Column
	for _, h := range heads {
		columns = append(columns, Column{Head: h, Left: true})
	}
	return columns
}

// Numbers returns columns of numbers under a group, which may be "".
func Numbers(group string, heads ...string) []Column {
	var columns []Column
	for _, h := range heads {
		columns = append(columns, Column{Head: h, Group: group})
	}
	return columns
}

// Text returns a cell of text.
func Text(s string) Cell { return Cell{Text: text.Clean(s)} }

// Name returns a cell of the name of a tensor.
func Name(s string) Cell { return Cell{Text: text.Clean(s), Name: true} }

// Count returns a cell of a count.
func Count[T ~int | ~int64](n T) Cell {
	return Cell{Text: text.Count(n), Exact: strconv.FormatInt(int64(n), 10)}
}

// Brief returns a cell of a count, with few digits in a terminal.
func Brief[T ~int | ~int64](n T) Cell {
	c := Count(n)
	c.Short = text.Short(n)
	return c
}

// Measure returns a cell of a measured value: up to three digits in a terminal
// and four in a document.
func Measure(x text.Number) Cell {
	return Cell{Short: text.Fit(x), Text: text.Digits(x, 4), Exact: text.Exact(x)}
}

// Float is Measure for a float32.
func Float(x text.Float) Cell {
	return Cell{Short: text.Fit(x), Text: text.Digits(x, 4), Exact: text.ExactFloat(x)}
}

// Precise returns a cell of a value that stands alone: four digits in a terminal
// and six in a document.
func Precise(x text.Number) Cell {
	return Cell{Short: text.Digits(x, 4), Text: text.Digits(x, 6), Exact: text.Exact(x)}
}

// Digits returns a cell of a value with the given number of digits everywhere.
func Digits(x text.Number, digits int) Cell {
	return Cell{Text: text.Digits(x, digits), Exact: text.Exact(x)}
}

// Decibels returns a cell of a ratio in dB: one decimal in a terminal, and the
// given number of them in a document.
func Decibels(x text.Number, decimals int) Cell {
	c := Cell{Short: text.Decibels(x), Text: text.Decibels(x), Exact: text.Exact(x)}
	if c.Exact != "" {
		c.Text = strconv.FormatFloat(float64(x), 'f', decimals, 64)
	}
	return c
}

// Factor returns a cell of a factor.
func Factor(x text.Number) Cell { return Cell{Text: text.Times(x), Exact: text.Exact(x)} }

// Percent returns a cell of a percentage.
func Percent(x float64) Cell {
	return Cell{Text: text.Percent(x), Exact: text.Exact(text.Number(x))}
}
