package tensorfile

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// arrayClasses returns the classes of characters for text with values in brackets.
func arrayClasses(want Reading) scanClasses {
	c := scanClasses{marks: "[](){}=;", words: true, quotes: `"'`, comments: true}
	if want.Decimal != ',' {
		c.marks += ","
	}
	return c
}

// An arrayParser reads values in brackets: lists of JSON and Python, prints of NumPy, PyTorch
// and TensorFlow, initializers of C, and matrices of MATLAB. It skips the arguments of a call
// other than the array, such as dtype=float32.
//
// Each level of brackets is an axis of the array. Several consecutive arrays form one array
// with a further axis.
type arrayParser struct {
	scan *scanner
	nums numberReader
	next token
	err  error

	open   []bracket
	lists  []list // the lists among open, outermost first
	values []float32
	leaf   int   // level of the lists of values; 0 before the first value
	dims   []int // lengths of the lists of each level, from level 1; -1 if not known yet
	matrix bool  // whether semicolons end rows
	top    int   // number of arrays

	calls, commas, blanks, scalar bool // which of these occurred
	rowLines                      bool // whether a list of values has several lines
}

// A bracket is a list or a call that has not ended.
type bracket struct {
	call bool
	shut rune
	full bool // whether the array of a call was read
}

// A list is a list that has not ended.
type list struct {
	at      token // its bracket
	entries int
	comma   bool // whether the last token was a comma
	virtual bool // whether it is a row of a matrix, without a bracket
}

// parseArray reads a text with brackets.
func parseArray(s *scanner, want Reading) (*Text, []float32, error) {
	p := &arrayParser{scan: s, nums: numberReader{'.'}}
	if want.Decimal != 0 {
		p.nums.decimal = want.Decimal
	}
	if err := p.parse(); err != nil {
		return nil, nil, err
	}
	t := &Text{Notation: p.notation(), Array: true, Shape: p.shape(), Reading: Reading{Separator: ',', Decimal: p.nums.decimal}}
	if p.scan.commented > 0 {
		t.Notes = append(t.Notes, Note{Text: count(p.scan.commented, "comment") + " left out"})
	}
	if p.rowLines && p.leaf == 1 && !p.commas && !p.matrix {
		t.Notes = append(t.Notes, Note{Doubtful: true,
			Text: "the ends of lines inside the brackets separate values and end no row; give each row its brackets, or a semicolon at its end"})
	}
	return t, p.values, nil
}

// shape returns the shape of the array that was read.
func (p *arrayParser) shape() []int {
	shape := slices.Clone(p.dims[:max(p.leaf, 0)])
	if p.top > 1 {
		shape = append([]int{p.top}, shape...)
	}
	for len(shape) < 2 {
		shape = append([]int{1}, shape...)
	}
	return shape
}

func (p *arrayParser) notation() string {
	switch {
	case p.matrix:
		return "rows that end with semicolons, in brackets"
	case p.calls && p.commas:
		return "as NumPy or PyTorch write it"
	case p.blanks && !p.commas && p.leaf > 0 && len(p.values) > 1:
		return "as NumPy prints it"
	}
	return "nested brackets"
}

// read advances to the next token.
func (p *arrayParser) read() bool {
	p.next, p.err = p.scan.next()
	return p.err == nil
}

// fail records an error at a token.
func (p *arrayParser) fail(t token, format string, args ...any) error {
	return &SyntaxError{t.line, t.column, fmt.Sprintf(format, args...)}
}

func (p *arrayParser) parse() error {
	for p.read() {
		t := p.next
		var err error
		switch t.kind {
		case tokenEOF:
			return p.end()
		case '[', '{', '(':
			err = p.openList(t)
		case ']', '}', ')':
			err = p.shut(t)
		case ',':
			err = p.comma(t)
		case ';':
			err = p.semicolon(t)
		case '=':
			err = p.fail(t, "= where a value should be")
		default:
			err = p.value(t)
		}
		if err != nil {
			return err
		}
	}
	return p.err
}

// end checks that all brackets are closed at the end of the text.
func (p *arrayParser) end() error {
	switch {
	case len(p.open) > 0:
		return p.fail(p.next, "%q is missing at the end: the text is cut off", p.open[len(p.open)-1].shut)
	case len(p.values) == 0:
		return &SyntaxError{1, 1, "no values"}
	}
	return nil
}

var shuts = map[rune]rune{'[': ']', '{': '}', '(': ')'}

func (p *arrayParser) openList(t token) error {
	if err := p.entry(t); err != nil {
		return err
	}
	level := len(p.lists) + 1
	switch {
	case p.leaf > 0 && level > p.leaf:
		return p.fail(t, "a list where a value should be, as in the rows before")
	case level > maxAxes:
		return p.fail(t, "more than %d levels of brackets", maxAxes)
	}
	p.open = append(p.open, bracket{shut: shuts[t.kind]})
	p.lists = append(p.lists, list{at: t})
	if len(p.dims) < level {
		p.dims = append(p.dims, -1)
	}
	return nil
}

// entry counts an entry of the innermost list, or an array outside of lists.
func (p *arrayParser) entry(t token) error {
	for n := len(p.open); n > 0 && p.open[n-1].call; n-- {
		if p.open[n-1].full {
			return p.fail(t, "a second array in a call")
		}
		p.open[n-1].full = true
	}
	if len(p.lists) == 0 {
		p.top++
		return nil
	}
	l := &p.lists[len(p.lists)-1]
	if l.entries > 0 && !l.comma {
		p.blanks = true
	}
	l.entries++
	l.comma = false
	return nil
}

// shut ends a list or a call.
func (p *arrayParser) shut(t token) error {
	n := len(p.open)
	switch {
	case n == 0:
		return p.fail(t, "%q closes nothing", t.kind)
	case p.open[n-1].shut != t.kind:
		return p.fail(t, "%q where %q should be", t.kind, p.open[n-1].shut)
	case p.open[n-1].call:
		if !p.open[n-1].full {
			return p.fail(t, "a call without values")
		}
		p.open = p.open[:n-1]
		return nil
	}
	if l := p.lists[len(p.lists)-1]; l.virtual {
		if err := p.endList(); err != nil {
			return err
		}
	}
	p.open = p.open[:n-1]
	return p.endList()
}

// endList ends the innermost list, and checks its length against the first list of its level.
func (p *arrayParser) endList() error {
	level := len(p.lists)
	l := p.lists[level-1]
	p.lists = p.lists[:level-1]
	if l.virtual && l.entries == 0 { // after the last row of a matrix there may be a semicolon
		p.lists[level-2].entries--
		return nil
	}
	p.rowLines = p.rowLines || p.scan.line > l.at.line
	if p.leaf == 0 {
		p.leaf = level // the lists have no values
	}
	switch want := p.dims[level-1]; {
	case want < 0:
		p.dims[level-1] = l.entries
	case want != l.entries:
		what := "value"
		if level < p.leaf {
			what = "row"
		}
		return p.fail(l.at, "%s has %s, %s has %d", p.place(false), count(l.entries, what), p.place(true), want)
	}
	return nil
}

// place describes the list that has just ended by its indices. With first it describes the
// first list of the same level.
func (p *arrayParser) place(first bool) string {
	index := func(i int) string {
		if first {
			i = 0
		}
		return fmt.Sprint(i)
	}
	if len(p.lists) == 0 {
		return "array " + index(p.top-1)
	}
	var all []string
	for _, l := range p.lists {
		all = append(all, index(l.entries-1))
	}
	return "row " + strings.Join(all, ",")
}

func (p *arrayParser) comma(t token) error {
	n := len(p.open)
	switch {
	case n == 0:
		return nil // the token is between arrays
	case p.open[n-1].call:
		return p.arguments(t)
	}
	l := &p.lists[len(p.lists)-1]
	if l.entries == 0 || l.comma {
		return p.fail(t, "empty field")
	}
	l.comma, p.commas = true, true
	return nil
}

// arguments skips the arguments of a call after its array.
func (p *arrayParser) arguments(t token) error {
	n := len(p.open)
	if !p.open[n-1].full {
		return p.fail(t, "empty field")
	}
	shut := p.open[n-1].shut
	if !p.scan.skipTo(shut) {
		if p.scan.err != nil {
			return p.scan.err
		}
		return p.fail(t, "%q is missing at the end: the text is cut off", shut)
	}
	p.open = p.open[:n-1]
	return nil
}

// semicolon ends a row of a matrix, as in [1 2; 3 4], or an array.
func (p *arrayParser) semicolon(t token) error {
	if len(p.open) == 0 {
		return nil
	}
	if len(p.lists) == 0 || p.open[len(p.open)-1].call {
		return p.fail(t, "a semicolon in a call")
	}
	l := &p.lists[len(p.lists)-1]
	if !l.virtual {
		level := len(p.lists)
		if p.leaf != level || p.dims[level-1] >= 0 || level == maxAxes {
			return p.fail(t, "a semicolon in a list that others are unlike")
		}
		// The list of values becomes the first of several rows.
		p.matrix = true
		p.leaf++
		p.dims = append(p.dims[:level], -1)
		row := list{at: l.at, entries: l.entries, virtual: true}
		l.entries, l.comma = 1, false
		p.lists = append(p.lists, row)
	}
	if err := p.endList(); err != nil {
		return err
	}
	p.lists[len(p.lists)-1].entries++
	p.lists = append(p.lists, list{at: t, virtual: true})
	return nil
}

// value reads a number, or a word of a notation.
func (p *arrayParser) value(t token) error {
	if !t.quoted && isWord(t.text) {
		return p.word(t)
	}
	x, _, err := p.nums.read(t)
	if err != nil {
		return err
	}
	if len(p.lists) == 0 {
		if len(p.open) == 0 || p.scalar || p.leaf > 0 {
			return p.fail(t, "%s outside of the brackets", quote(t.text))
		}
		p.scalar = true
		if err := p.entry(t); err != nil {
			return err
		}
		p.dims, p.leaf = []int{1}, 1
		p.values = append(p.values, x)
		return nil
	}
	if p.matrix && len(p.lists) == p.leaf-1 { // another matrix begins
		if err := p.entry(t); err != nil {
			return err
		}
		p.lists = append(p.lists, list{at: t, virtual: true})
	}
	if p.leaf == 0 {
		p.leaf = len(p.lists)
	}
	if len(p.lists) != p.leaf || p.scalar {
		return p.fail(t, "%s where a list should be, as in the rows before", quote(t.text))
	}
	if err := p.entry(t); err != nil {
		return err
	}
	p.values = append(p.values, x)
	return nil
}

// isWord reports whether s can be a name in a program: not a number, and not a word such as
// nan.
func isWord(s string) bool {
	c := []rune(s)[0]
	return (unicode.IsLetter(c) || c == '_' || c == '<' || c == '>') && !strings.ContainsAny(s, "+-") &&
		!slices.Contains([]string{"nan", "inf", "infinity"}, strings.ToLower(s))
}

// word reads the name of a call, or a name and the value that is assigned to it.
func (p *arrayParser) word(t token) error {
	if len(p.open) == 0 {
		switch {
		case strings.HasPrefix(t.text, "<tf."):
			return p.skipToNumpy(t)
		case t.text == "Parameter", t.text == "containing:", t.text == ">":
			return nil
		}
	}
	if !p.read() {
		return p.err
	}
	inCall := len(p.open) > 0 && p.open[len(p.open)-1].call
	switch after := p.next; {
	case after.kind == '(' && !strings.ContainsAny(t.text, "<>:"):
		p.calls = true
		p.open = append(p.open, bracket{call: true, shut: ')'})
		return nil
	case after.kind == '=' && len(p.open) == 0:
		return nil // an assignment to a variable
	case after.kind == '=' && inCall && !p.open[len(p.open)-1].full:
		return p.argument()
	}
	return p.fail(t, "%s is not a number", quote(t.text))
}

// skipToNumpy skips the text that TensorFlow prints before the array.
func (p *arrayParser) skipToNumpy(t token) error {
	for p.read() && p.next.kind != tokenEOF {
		if p.next.text != "numpy" {
			continue
		}
		if !p.read() || p.next.kind == '=' {
			return p.err
		}
	}
	if p.err != nil {
		return p.err
	}
	return p.fail(t, "a tensor of TensorFlow without its values: print tensor.numpy()")
}

// argument skips the value and the comma of an argument before the array.
func (p *arrayParser) argument() error {
	if !p.scan.skipTo(',') {
		return p.fail(p.next, "the text is cut off after =")
	}
	return nil
}
