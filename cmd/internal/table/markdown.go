package table

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/text"
)

// A Markdown writes headings, paragraphs and tables of GitHub's Markdown. Errors
// stay in the bufio.Writer until Flush.
type Markdown struct {
	*bufio.Writer
	begun bool // whether there is a block already
}

// NewMarkdown returns a Markdown that writes to w.
func NewMarkdown(w io.Writer) *Markdown { return &Markdown{Writer: bufio.NewWriter(w)} }

// Heading writes a heading of a level from 1. S is shown literally.
func (m *Markdown) Heading(level int, s string) {
	m.separate()
	fmt.Fprintf(m, "%s %s\n", strings.Repeat("#", level), Literal(s))
}

// Paragraph writes a paragraph of Markdown.
func (m *Markdown) Paragraph(s string) {
	m.separate()
	fmt.Fprintln(m, s)
}

// separate writes the empty line before all but the first block.
func (m *Markdown) separate() {
	if m.begun {
		m.WriteByte('\n')
	}
	m.begun = true
}

// Table writes t with its note. Markdown has no headings over several columns: the
// head of a column in a group names both.
func (m *Markdown) Table(t *Table) {
	if t.Note != "" {
		m.Paragraph(Literal(t.Note))
	}
	m.separate()
	head := make([]string, len(t.Columns))
	rule := "|"
	for i, c := range t.Columns {
		head[i] = text.Upper(c.title())
		if c.Left {
			rule += ":---|"
		} else {
			rule += "---:|"
		}
	}
	m.row(head)
	fmt.Fprintln(m, rule)
	for _, row := range t.Rows {
		m.cells(t.Columns, row.Cells)
	}
	if t.Sum != nil {
		m.cells(t.Columns, t.Sum)
	}
}

// title is the head of a column with that of its group: "RMSE per tensor".
func (c Column) title() string {
	switch {
	case c.Group == "":
		return c.Head
	case strings.HasSuffix(c.Group, " per"):
		return c.Group + " " + c.Head
	case strings.HasPrefix(c.Group, "per "):
		return c.Head + " " + c.Group
	}
	return c.Group + ": " + c.Head
}

// cells writes a row, in which text may come from a file.
func (m *Markdown) cells(columns []Column, cells []Cell) {
	texts := make([]string, len(cells))
	for i, c := range cells {
		if texts[i] = c.Text; columns[i].Left {
			texts[i] = Literal(c.Text)
		}
	}
	m.row(texts)
}

func (m *Markdown) row(cells []string) { fmt.Fprintf(m, "| %s |\n", strings.Join(cells, " | ")) }

// Literal returns s, which may come from a file, such that Markdown shows it as
// it is.
func Literal(s string) string {
	var b strings.Builder
	for _, r := range text.Clean(s) {
		if strings.ContainsRune("\\`*_{}[]<>()#+!|~&$", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
