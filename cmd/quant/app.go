package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// An app holds what the commands share: the streams, the arguments and --force.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer

	args  []string // the command line
	force bool     // --force: existing files may be replaced

	// started is true once a command has begun its work. Earlier errors are about its arguments.
	started bool
}

// complain writes an error on one line. Control characters, such as those from a file, are
// replaced.
func (a *app) complain(message string) {
	fmt.Fprintf(a.stderr, "quant: %s\n", text.Clean(strings.TrimPrefix(message, "quant: ")))
}

// A usageError reports wrong arguments that Cobra does not detect.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// written are the flags of all commands that name a file to write.
var written = []string{"output", "csv", "pdf", "html", "plot", "state", "moments"}

// start wraps the function of a command. It notes that the work has begun.
func (a *app) start(f func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		for _, name := range written {
			if flag := cmd.Flags().Lookup(name); flag != nil && flag.Value.String() == "-" {
				return usagef(`--%s -: "-" is standard input only; /dev/stdout is standard output, and ./- a file of that name`, name)
			}
		}
		a.started = true
		return f(cmd, args)
	}
}

// ofFile adds the name of a file to an error about the file, unless the error has the name
// already or is about the output.
func ofFile(path string, err error) error {
	var own *atomicfile.Error
	var cause *fs.PathError
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &cause) && cause.Path == path:
		err = cause.Err
	}
	text := strings.TrimPrefix(err.Error(), "quant: ")
	if strings.HasPrefix(text, path+":") {
		return err
	}
	return fmt.Errorf("%s: %w", path, err)
}
