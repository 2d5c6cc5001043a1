package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"

	"golang.org/x/term"
)

// write calls f with the writer that a command's result goes to, and with
// whether it takes colour: standard output, or the file at path.
func (a *app) write(path string, f func(w io.Writer, color bool) error) error {
	if path == "" {
		return f(a.stdout, colorful(a.stdout))
	}
	err := writeFile(path, func(w io.Writer) error { return f(w, false) })
	var cause *fs.PathError
	if errors.As(err, &cause) {
		err = cause.Err // the path of a temporary file says nothing
	}
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	return nil
}

// writeFile writes a file in one step: it is there with all that f writes or,
// after an error, as it was. What is not a regular file, such as a pipe, is
// written to as it is.
func writeFile(path string, f func(io.Writer) error) (err error) {
	mode := fs.FileMode(0o666) // less the umask
	switch st, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case st.IsDir():
		return errors.New("it is a directory")
	case !st.Mode().IsRegular():
		w, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(f(w), w.Close())
	default:
		mode = st.Mode().Perm()
		// The file that a link points to is to be replaced, not the link.
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return err
		}
		// A rename would get past a file that is not to be written.
		w, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		w.Close()
	}
	temp := filepath.Join(filepath.Dir(path), fmt.Sprintf(".quant-%016x.tmp", rand.Uint64()))
	w, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(temp)
		}
	}()
	if err := errors.Join(f(w), w.Sync(), w.Close()); err != nil {
		return err
	}
	return os.Rename(temp, path)
}

// terminal reports whether a stream is a terminal.
func terminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// colorful reports whether w wants colour: https://no-color.org.
func colorful(w io.Writer) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && terminal(w)
}

// width returns the columns of the terminal that w is, 0 if it is none.
func width(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil {
			return columns
		}
	}
	return 0
}
