package tensorfile

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// A rowsParser reads text in which lines, or semicolons, end channels.
type rowsParser struct {
	scan  *scanner
	style rowStyle
	want  Reading
	nums  numberReader

	values []float32
	rows   int
	perRow int // values of the first channel
	row    row
	semis  int // semicolons that ended channels

	header  *headerNote // the header that was left out, or nil
	corner  error       // for an empty first field of a header: an error unless labels follow
	labels  []string    // of the first rows
	labeled bool        // every row begins with a label
	label   token       // of the first row
	end     token       // the separator at the end of the first row, if there is one
	skipped int         // rows left out by the options

	counting countingRow
}

// headerNote is a line of names.
type headerNote struct {
	line   int
	names  []string
	values int   // number of values of a line below, if blanks separate the names; otherwise 0
	err    error // the error to return if no values follow
}

// row is the state of one line.
type row struct {
	start   int   // where its values begin
	first   token // its first value
	any     bool  // it has a token other than its end
	line    int   // of its first token
	sep     bool  // it has a separator
	end     token // its last separator, if no field follows
	bar     bool  // it begins with the bar of a table
	tokens  int   // values and words
	fields  int   // that have ended
	numbers int   // fields that are numbers
	bad     int   // fields that are not numbers
	err     error // for the first field that is neither a number nor a name, or else the first non-number
	named   bool  // err is for a name
	unnamed bool  // a field that is neither a number nor a name
	signs   bool  // a word is neither a number nor a name
	mixed   bool  // a field that has numbers and other words
	rules   bool  // all fields are drawn rules
	label   string
	labelAt token
	texts   []string // of the first fields
	empty   error    // for an empty first field
	field   field
}

// field is the state of one field.
type field struct {
	n       int // tokens
	start   int // where its values begin
	numbers int
	words   int  // tokens that are not numbers
	leads   bool // the first token is not a number
	err     error
	text    []string // the tokens, while they can be a name
}

func newRowsParser(s *scanner, style rowStyle, want Reading) *rowsParser {
	p := &rowsParser{scan: s, style: style, want: want, nums: numberReader{style.decimal}}
	p.row.rules = true
	return p
}

func (p *rowsParser) parse() error {
	for {
		t, err := p.scan.next()
		if err != nil {
			return err
		}
		switch t.kind {
		case tokenValue:
			err = p.value(t)
		case p.style.sep:
			err = p.separator(t)
		default:
			if t.kind == ';' {
				p.semis++
			}
			err = p.endRow()
		}
		if err != nil {
			return err
		}
		if t.kind == tokenEOF {
			break
		}
	}
	switch {
	case p.rows == 0 && p.corner != nil:
		return p.corner
	case p.rows == 0 && p.header != nil && p.header.err != nil && !p.style.csv: // it is prose
		return p.header.err
	case p.rows == 0:
		return &SyntaxError{1, 1, "no values"}
	}
	return nil
}

// begin notes the first token of a line.
func (r *row) begin(t token) {
	if !r.any {
		r.any, r.line = true, t.line
	}
}

// value reads a token of a field.
func (p *rowsParser) value(t token) error {
	r, f := &p.row, &p.row.field
	if !r.any || f.n == 0 && r.fields == 0 {
		r.labelAt = t
	}
	r.begin(t)
	r.rules = r.rules && isRule(t.text)
	if p.cutLabel(&t) {
		return nil
	}
	if f.n == 0 {
		f.start = len(p.values)
	}
	f.n++
	r.tokens++
	r.end = token{}
	if len(f.text) <= maxNames {
		f.text = append(f.text, t.text)
	}
	if p.leftOut(r.fields, r.tokens-1) {
		return nil
	}
	if p.style.sep == '|' {
		trimEmphasis(&t)
	}
	x, isNumber, err := p.nums.read(t)
	if isNumber && err == nil {
		f.numbers++
		if len(p.values) == r.start {
			r.first = t
		}
		p.values = append(p.values, x)
		return nil
	}
	if f.err == nil {
		f.err = err
	}
	f.words++
	f.leads = f.leads || f.n == 1
	r.signs = r.signs || !isName(t.text)
	if isNumber || t.text == "" {
		r.unnamed = true // NaN is not a name
	}
	return nil
}

// leftOut reports whether to leave out the values that follow the given numbers of fields and
// tokens in their line.
func (p *rowsParser) leftOut(fields, tokens int) bool {
	if p.style.words {
		return tokens < p.want.SkipColumns
	}
	return fields < p.want.SkipColumns
}

// trimEmphasis removes the stars and backticks of Markdown from a cell.
func trimEmphasis(t *token) {
	s := strings.TrimLeft(t.text, "*`_")
	t.column += len(t.text) - len(s)
	t.text = strings.TrimRight(s, "*`_")
}

// cutLabel removes a label that ends with a colon from the first field. It reports whether the
// label is the whole token.
func (p *rowsParser) cutLabel(t *token) bool {
	r, f := &p.row, &p.row.field
	if r.fields > 0 || r.label != "" || t.quoted || f.numbers > 0 || f.n > 0 && f.err == nil {
		return false
	}
	before, after, found := strings.Cut(t.text, ": ")
	if !found {
		if before, found = strings.CutSuffix(t.text, ":"); !found {
			return false
		}
	}
	name := strings.Join(append(slices.Clone(f.text), before), " ")
	if name == "" || strings.HasPrefix(name, ":") || isRule(t.text) {
		return false
	}
	r.label = name
	*f = field{}
	t.column += len([]rune(t.text)) - len([]rune(after))
	t.text = after
	return strings.TrimFunc(after, isBlank) == ""
}

// separator ends a field.
func (p *rowsParser) separator(t token) error {
	r := &p.row
	if t.kind == '|' && !r.any {
		r.begin(t)
		r.bar = true
		return nil
	}
	r.begin(t)
	r.sep, r.end = true, t
	empty := r.field.n == 0 && r.label == "" || r.field.n == 0 && r.fields > 0
	if empty && !p.leftOut(r.fields, r.tokens) {
		err := &SyntaxError{t.line, t.column, "empty field"}
		if r.fields > 0 || p.rows > 0 || p.header != nil || p.style.sep == ' ' {
			if p.skipped < p.want.SkipRows {
				r.fields++
				return nil
			}
			return err
		}
		// A header may have no name for the column of labels.
		r.empty = err
	}
	p.endField()
	return nil
}

// endField counts the field that ends.
func (p *rowsParser) endField() {
	r, f := &p.row, &p.row.field
	if p.isLabel() {
		r.label, f.text, f.err = f.text[0], f.text[1:], nil
	}
	text := strings.Join(f.text, " ")
	if len(r.texts) <= maxNames {
		r.texts = append(r.texts, text)
	}
	switch {
	case f.err != nil:
		named := isName(text)
		if r.bad++; r.err == nil || r.named && !named {
			r.err, r.named = f.err, named
		}
		r.unnamed = r.unnamed || !named
		r.mixed = r.mixed || f.numbers > 0
		p.values = p.values[:f.start]
	case f.numbers > 0:
		r.numbers++
	}
	r.fields++
	*f = field{text: f.text[:0]}
}

// isLabel reports whether the first field of a line is a name and several numbers,
// with blanks between them.
func (p *rowsParser) isLabel() bool {
	r, f := &p.row, &p.row.field
	several := f.numbers > 1 || f.numbers == 1 && r.sep
	return p.style.words && r.fields == 0 && !r.bar && r.label == "" && f.leads && f.words == 1 && several && !r.signs && !r.unnamed
}

// endRow decides whether a line is blank, a rule, a header or a channel.
func (p *rowsParser) endRow() error {
	r := &p.row
	defer func() { p.row = row{start: len(p.values), rules: true, field: field{text: r.field.text[:0]}} }()
	if r.field.n > 0 {
		p.endField()
	}
	if !r.any {
		return nil
	}
	drop := func() { p.values = p.values[:r.start] }
	switch {
	case r.rules && r.bad > 0: // the line under a header
		drop()
		p.rule()
		return nil
	case p.skipped < p.want.SkipRows && (r.fields > 0 || r.label != ""):
		p.skipped++
		drop()
		return nil
	case p.isHeader():
		drop()
		p.header = &headerNote{line: r.line, names: r.texts, err: r.err}
		if !r.sep && !r.bar && p.style.words {
			p.header.names, p.header.values = strings.Fields(r.texts[0]), r.tokens
		}
		p.corner = r.empty
		return nil
	case p.isLabeled():
		r.label = r.texts[0]
	case r.err != nil:
		return r.err
	case r.empty != nil:
		return r.empty
	}
	return p.endChannel()
}

// rule is called for a drawn line. In Markdown a single line above it is a header, whatever its
// fields are.
func (p *rowsParser) rule() {
	if p.rows == 1 && p.header == nil && p.row.bar && p.row.bad == p.row.fields {
		p.header = &headerNote{line: p.counting.line, names: p.counting.texts}
		p.values, p.rows, p.labels, p.labeled = p.values[:0], 0, nil, false
	}
}

// isHeader reports whether the first line has names and no numbers.
func (p *rowsParser) isHeader() bool {
	r := &p.row
	if p.rows > 0 || p.header != nil || r.label != "" {
		return false
	}
	if r.empty != nil && r.bad == 0 {
		// Pandas writes the numbers of columns.
		return r.numbers > 1 && countsFrom(p.values[r.start:], 0)
	}
	if r.numbers > 0 || r.bad == 0 {
		return false
	}
	if !r.sep && !r.bar && p.style.words {
		return !r.mixed && !r.signs
	}
	return !r.unnamed && !(p.style.words && r.signs)
}

// isLabeled reports whether a line is a name followed by numbers.
func (p *rowsParser) isLabeled() bool {
	r := &p.row
	return r.bad == 1 && r.numbers > 0 && r.label == "" && (r.sep || r.bar) && len(r.texts) > 0 && isName(r.texts[0]) && !(p.style.words && r.signs)
}

// numbered recognises the first line below a header in a print of pandas. There blanks separate
// the names or numbers of the columns, and each line below begins with its number, from 0.
func (p *rowsParser) numbered() {
	r := &p.row
	n := len(p.values) - r.start
	if !p.style.words || r.sep || r.label != "" || p.corner != nil || n < 3 || p.values[r.start] != 0 {
		return
	}
	switch {
	case p.rows == 0 && p.header != nil && p.header.values+1 == n:
	case p.rows == 1 && p.header == nil && p.perRow+1 == n && countsFrom(p.values[:p.perRow], 0):
		p.header = &headerNote{line: p.counting.line, names: strings.Fields(strings.Join(p.counting.texts, " "))}
		p.values = slices.Delete(p.values, 0, p.perRow)
		r.start, p.rows, p.counting = 0, 0, countingRow{}
	default:
		return
	}
	p.corner = &SyntaxError{r.first.line, r.first.column, fmt.Sprintf("a line with %d values below %d names", n, n-1)}
}

// endChannel counts the channel that ends, and compares it with the first.
func (p *rowsParser) endChannel() error {
	r := &p.row
	p.numbered()
	if p.corner != nil && r.label == "" {
		// Under an empty first field of a header there are the numbers of rows.
		if len(p.values) == r.start || p.values[r.start] != float32(p.rows) {
			return p.corner
		}
		r.label = fmt.Sprint(p.rows)
		p.values = slices.Delete(p.values, r.start, r.start+1)
	}
	n := len(p.values) - r.start
	if n == 0 {
		if r.label != "" {
			return &SyntaxError{r.labelAt.line, r.labelAt.column, "no values after the label " + quote(r.label)}
		}
		return nil
	}
	labeled := r.label != ""
	if p.rows == 0 {
		p.perRow, p.labeled, p.label, p.end = n, labeled, r.labelAt, r.end
	}
	switch {
	case labeled && !p.labeled:
		msg := fmt.Sprintf("%s is not a number, and the lines before have no label", quote(r.label))
		return &SyntaxError{r.labelAt.line, r.labelAt.column, msg}
	case !labeled && p.labeled:
		msg := fmt.Sprintf("no label before the values, as %s in line %d is one", quote(p.labels[0]), p.label.line)
		return &SyntaxError{r.first.line, r.first.column, msg}
	case labeled && len(p.labels) <= maxNames:
		p.labels = append(p.labels, r.label)
	}
	p.counting.add(p.rows, r, p.values[r.start:])
	p.rows++
	switch {
	case n+1 == p.perRow && r.end.line > 0: // the one value that is missing
		return &SyntaxError{r.end.line, r.end.column + 1, "empty field"}
	case n == p.perRow+1 && p.rows == 2 && p.end.line > 0:
		return &SyntaxError{p.end.line, p.end.column + 1, "empty field"}
	case n != p.perRow:
		msg := fmt.Sprintf("channel %d has %s, channel 0 has %d", p.rows-1, count(n, "value"), p.perRow)
		return &SyntaxError{r.first.line, r.first.column, msg}
	}
	return nil
}

// countingRow recognises a first line that counts columns, and first values of lines that count
// rows. They may not be data.
type countingRow struct {
	line    int      // of the first row
	texts   []string // of its fields
	columns bool     // the first row counts
	rows    bool     // the first values of the rows count
	from    float32  // the number at which they begin
	below   bool     // a value of a later row has a fraction
	behind  bool     // a value that is not the first of its row has a fraction
}

// add checks the values of a row.
func (c *countingRow) add(index int, r *row, values []float32) {
	fraction := func(x []float32) bool {
		for _, v := range x {
			if float64(v) != math.Trunc(float64(v)) {
				return true
			}
		}
		return false
	}
	if index == 0 {
		c.line, c.texts = r.line, r.texts
		c.columns = len(values) > 2 && (countsFrom(values, 0) || countsFrom(values, 1))
		c.rows, c.from = values[0] == 0 || values[0] == 1, values[0]
	}
	c.rows = c.rows && len(values) > 1 && values[0] == c.from+float32(index)
	c.below = c.below || index > 0 && fraction(values)
	c.behind = c.behind || fraction(values[1:])
}

// countsFrom reports whether values are first, first + 1, and so on.
func countsFrom(values []float32, first float32) bool {
	for i, x := range values {
		if x != first+float32(i) {
			return false
		}
	}
	return true
}
