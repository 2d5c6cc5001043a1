package tensorfile

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// parseNPYHeader parses the text of an npy header. It is a Python literal such as
//
//	{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
//
// with exactly these keys, in any order, padded with blanks. The parser supports only the parts
// of Python that such a header and structured types need.
func parseNPYHeader(text string) (*npyHeader, error) {
	p := &literal{rest: text}
	h := new(npyHeader)
	seen := make(map[string]bool)
	err := p.list('{', '}', func() error {
		key, err := p.str()
		if err != nil {
			return err
		}
		if seen[key] {
			return fmt.Errorf("key %s twice", quote(key))
		}
		seen[key] = true
		if !p.take(':') {
			return p.unexpected("a colon")
		}
		return h.set(p, key)
	})
	if err != nil {
		return nil, err
	}
	if p.skipBlanks(); p.rest != "" {
		return nil, p.unexpected("nothing")
	}
	for _, key := range []string{"descr", "fortran_order", "shape"} {
		if !seen[key] {
			return nil, fmt.Errorf("no key %q", key)
		}
	}
	if h.elements, err = elements(h.shape); err != nil {
		return nil, err
	}
	return h, nil
}

// set reads the value of key.
func (h *npyHeader) set(p *literal, key string) (err error) {
	p.skipBlanks()
	switch key {
	case "descr":
		if len(p.rest) > 1 && p.at('u') && strings.ContainsRune(`'"`, rune(p.rest[1])) {
			p.rest = p.rest[1:] // the prefix u of a string in Python 2
		}
		if h.simple = p.at('\'') || p.at('"'); h.simple {
			h.descr, err = p.str()
			h.kind = parseNPYType(h.descr)
			return err
		}
		before := p.rest
		err = p.skip(0)
		h.descr = before[:len(before)-len(p.rest)]
		h.fields = p.fields
	case "fortran_order":
		h.fortran, err = p.boolean()
	case "shape":
		err = p.list('(', ')', func() error {
			if len(h.shape) == maxAxes {
				return fmt.Errorf("shape has more than %d axes", maxAxes)
			}
			d, err := p.integer()
			h.shape = append(h.shape, d)
			return err
		})
	default:
		return fmt.Errorf("unknown key %s", quote(key))
	}
	return err
}

// literal parses Python literals from the front of rest.
type literal struct {
	rest   string
	fields []string // names of the fields of a structured type: the first strings of its tuples
}

func (p *literal) skipBlanks() { p.rest = strings.TrimLeft(p.rest, " \t\r\n\f") }

func (p *literal) at(c byte) bool { return p.rest != "" && p.rest[0] == c }

// take skips blanks. Then it skips c and returns true if c is next.
func (p *literal) take(c byte) bool {
	if p.skipBlanks(); !p.at(c) {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *literal) unexpected(want string) error {
	if p.rest == "" {
		return fmt.Errorf("it ends where %s should be", want)
	}
	return fmt.Errorf("%s where %s should be", quote(strings.TrimRight(p.rest, " \n")), want)
}

// list parses items between brackets, separated by commas. A comma may follow the last item.
func (p *literal) list(open, shut byte, item func() error) error {
	if !p.take(open) {
		return p.unexpected(fmt.Sprintf("%q", open))
	}
	for !p.take(shut) {
		if err := item(); err != nil {
			return err
		}
		if p.take(',') {
			continue
		}
		if !p.take(shut) {
			return p.unexpected(fmt.Sprintf("%q", shut))
		}
		break
	}
	return nil
}

// str parses a string. It keeps backslashes and the characters after them.
func (p *literal) str() (string, error) {
	p.skipBlanks()
	if !p.at('\'') && !p.at('"') {
		return "", p.unexpected("a string")
	}
	end := p.rest[0]
	for i := 1; i < len(p.rest); i++ {
		switch p.rest[i] {
		case '\\':
			i++
		case end:
			s := p.rest[1:i]
			p.rest = p.rest[i+1:]
			return s, nil
		}
	}
	return "", errors.New("string has no end")
}

func (p *literal) boolean() (bool, error) {
	for _, b := range []bool{true, false} {
		word := "False"
		if b {
			word = "True"
		}
		if strings.HasPrefix(p.rest, word) {
			p.rest = p.rest[len(word):]
			return b, nil
		}
	}
	return false, p.unexpected("True or False")
}

// integer parses a natural number. Python 2 writes an L after large ones.
func (p *literal) integer() (int, error) {
	p.skipBlanks()
	digits := p.rest[:len(p.rest)-len(strings.TrimLeft(p.rest, "0123456789"))]
	if digits == "" {
		return 0, p.unexpected("a natural number")
	}
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0, fmt.Errorf("%s is too large", shorten(digits))
	}
	p.rest = strings.TrimPrefix(p.rest[len(digits):], "L")
	return n, nil
}

// skip skips the literal of a structured type: strings, numbers, lists and tuples.
func (p *literal) skip(depth int) (err error) {
	const most = 32
	p.skipBlanks()
	item := func() error { return p.skip(depth + 1) }
	switch {
	case depth > most:
		return errors.New("type is nested too deeply")
	case p.at('['):
		return p.list('[', ']', item)
	case p.at('('):
		first := true
		return p.list('(', ')', func() error {
			p.skipBlanks()
			if first && depth == 1 && (p.at('\'') || p.at('"')) {
				first = false
				name, err := p.str()
				if name != "" { // a field without a name is padding
					p.fields = append(p.fields, name)
				}
				return err
			}
			first = false
			return item()
		})
	case p.at('\''), p.at('"'):
		_, err = p.str()
	default:
		_, err = p.integer()
	}
	return err
}

// npyHeader is the header of an npy file.
type npyHeader struct {
	descr    string   // the type of the elements, as in the file
	simple   bool     // whether descr is a single type
	fields   []string // of a structure
	kind     npyType  // of a simple type
	fortran  bool     // column-major
	shape    []int
	elements int
	len      int64 // length of the header, which is the offset of the data
}
