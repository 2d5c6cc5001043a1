package main

import (
	"errors"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// write calls f with the writer that a command's result goes to, and with
// whether it takes colour: standard output, or the file at path.
func (a *app) write(path string, f func(w io.Writer, color bool) error) error {
	if path == "" {
		return f(a.stdout, colorful(a.stdout))
	}
	err := atomicfile.WriteFile(path, a.force, func(w io.Writer) error { return f(w, false) })
	if own := new(atomicfile.Error); err != nil && !errors.As(err, &own) {
		return &atomicfile.Error{Path: path, Err: err}
	}
	return err
}

// overwriting is the rule of all commands that write files. Help has it.
const overwriting = `A file that exists is replaced only with --force, and one that is read never.`

// registerForce adds the flag that lets a command replace files.
func (a *app) registerForce(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&a.force, "force", false, "replace files that exist")
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

// progress starts a bar for work that is counted in steps. Its Stop must be called.
func (a *app) progress(label string) *text.Bar { return text.NewBar(a.barWriter(), label, false) }

// reading starts a bar for work that is counted in bytes. Its Stop must be called.
func (a *app) reading(label string) *text.Bar { return text.NewBar(a.barWriter(), label, true) }

// barWriter is the terminal for progress bars, or nil if there is none.
func (a *app) barWriter() io.Writer {
	if terminal(a.stderr) && os.Getenv("TERM") != "dumb" {
		return a.stderr
	}
	return nil
}
