package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// An Error is the reason why a file cannot be written.
type Error struct {
	Path string // as the user gave it
	Err  error
}

func (e *Error) Error() string { return fmt.Sprintf("cannot write %s: %v", e.Path, e.Err) }

func (e *Error) Unwrap() error { return e.Err }

// Reasons. ErrExists and ErrNotEmpty do not occur with force.
var (
	ErrExists    = errors.New("the file exists (--force replaces it)")
	ErrNotEmpty  = errors.New("the folder has files in it (--force replaces those of the same names)")
	ErrIsRead    = errors.New("it would overwrite a file that is read")
	errDirectory = errors.New("it is a directory")
	errNoFolder  = errors.New("it is not a folder")
)

// failed returns an Error for path. It removes the name of a temporary file from err, since the
// user does not know that name.
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
