package table

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/text"
)

// A Markdown writes headings, paragraphs and tables in GitHub's Markdown. Errors are kept by
// the bufio.Writer until Flush.
type Markdown struct {
	*bufio.Writer
	begun bool // whether a block was written
}

// NewMarkdown returns a Markdown that writes to w.
func NewMarkdown(w io.Writer) *Markdown { return &Markdown{Writer: bufio.NewWriter(w)} }

// Heading writes a heading of a level from 1. s is escaped.
func (m *Markdown) Heading(level int, s string) {
	m.separate()
	fmt.Fprintf(m, "%s %s\n", strings.Repeat("#", level), Literal(s))
}

// Paragraph writes a paragraph of Markdown.
func (m *Markdown) Paragraph(s string) {
	m.separate()
	fmt.Fprintln(m, s)
}

// separate writes the empty line before a block, except before the first.
func (m *Markdown) separate() {
	if m.begun {
		m.WriteByte('\n')
	}
	m.begun = true
}

// Table writes t with its note. Since Markdown has no headings over several columns, the head
// of a column in a group names the group too.
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

// title returns the head of a column with the name of its group: "RMSE per tensor".
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

// cells writes a row. Text in it may come from a file.
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

// Literal escapes s, which may come from a file, so that Markdown shows it unchanged.
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
