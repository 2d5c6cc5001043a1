package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// An Error is why a file cannot be written.
type Error struct {
	Path string // as the user knows it
	Err  error
}

func (e *Error) Error() string { return fmt.Sprintf("cannot write %s: %v", e.Path, e.Err) }

func (e *Error) Unwrap() error { return e.Err }

// What only force replaces, and what is not replaced at all.
var (
	ErrExists    = errors.New("the file exists (--force replaces it)")
	ErrNotEmpty  = errors.New("the folder has files in it (--force replaces those of the same names)")
	ErrIsRead    = errors.New("it would overwrite a file that is read")
	errDirectory = errors.New("it is a directory")
	errNoFolder  = errors.New("it is not a folder")
)

// failed makes an Error of path out of what an operation on it or on a
// temporary file returned, whose name would say nothing.
func failed(path string, err error) error {
	var own *Error
	if err == nil || errors.As(err, &own) {
		return err
	}
	var cause *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &cause):
		err = cause.Err
	case errors.As(err, &link):
		err = link.Err
	}
	return &Error{path, err}
}
