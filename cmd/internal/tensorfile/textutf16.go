package tensorfile

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// isUTF16 reports whether a text begins with a byte order mark of UTF-16, as
// Excel and PowerShell write it.
func isUTF16(head []byte) bool {
	return bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff"))
}

// newUTF16Reader returns a Reader of UTF-16 as UTF-8. The byte order mark tells
// which byte comes first.
func newUTF16Reader(r io.Reader) io.Reader {
	return &utf16Reader{r: bufio.NewReaderSize(r, blockBytes)}
}

var errCutOff = errors.New("UTF-16 ends in the middle of a character: the text is cut off")

type utf16Reader struct {
	r     *bufio.Reader
	order binary.ByteOrder // nil before the mark was read
	rest  []byte           // decoded, and not yet read
	next  rune             // a unit that was read in advance; 0 if there is none
}

func (u *utf16Reader) Read(b []byte) (int, error) {
	for len(u.rest) < utf8.UTFMax*64 {
		c, err := u.char()
		if err != nil {
			if len(u.rest) > 0 && err == io.EOF {
				break
			}
			return 0, err
		}
		u.rest = utf8.AppendRune(u.rest, c)
	}
	n := copy(b, u.rest)
	u.rest = append(u.rest[:0], u.rest[n:]...)
	return n, nil
}

// unit reads two bytes.
func (u *utf16Reader) unit() (rune, error) {
	if c := u.next; c != 0 {
		u.next = 0
		return c, nil
	}
	var b [2]byte
	if _, err := io.ReadFull(u.r, b[:]); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = errCutOff
		}
		return 0, err
	}
	if u.order == nil {
		u.order = binary.LittleEndian
		if b[0] == 0xfe {
			u.order = binary.BigEndian
		}
	}
	return rune(u.order.Uint16(b[:])), nil
}

// char reads a character, of one unit or two.
func (u *utf16Reader) char() (rune, error) {
	c, err := u.unit()
	if err != nil || !utf16.IsSurrogate(c) {
		return c, err
	}
	low, err := u.unit()
	if err == io.EOF {
		err = errCutOff
	}
	if err != nil {
		return 0, err
	}
	pair := utf16.DecodeRune(c, low)
	if pair == utf8.RuneError {
		u.next = low // it may be a separate character
	}
	return pair, nil
}
