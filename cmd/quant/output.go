package main

import (
	"errors"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/plot"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// write calls f with the writer for a command's result: the file at path, or standard output if
// path is empty. color tells f whether the writer supports colour.
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

// An output is a file that a flag names.
type output struct{ flag, path string }

// moreFiles are the files that quant sweep and quant plan write besides their output.
type moreFiles struct{ csv, plot string }

// outputs lists the files to write. path is the file of --output, or "".
func (f moreFiles) outputs(path string) []output {
	return []output{{"output", path}, {"csv", f.csv}, {"plot", f.plot}}
}

// check returns a usage error if a file has no name, the name of another, or an unknown ending.
func (f moreFiles) check(changed func(flag string) bool, path string) error {
	named := f.outputs(path)
	for i, x := range named {
		if changed(x.flag) && x.path == "" {
			return usagef("--%s needs the name of a file", x.flag)
		}
		for _, other := range named[:i] {
			if same(x.path, other.path) {
				return usagef("--%s and --%s name the same file", x.flag, other.flag)
			}
		}
	}
	if f.plot != "" && !slices.Contains(plot.Formats, plotFormat(f.plot)) {
		return usagef("--plot %s: the name has to end in .svg or .png", f.plot)
	}
	return checkEnding("csv", f.csv, endings[formatCSV]...)
}

// writeFiles writes the files of f that have a name.
func (a *app) writeFiles(f moreFiles, csv func(io.Writer) error, figure func() *plot.Figure) error {
	if f.csv != "" {
		if err := a.write(f.csv, func(w io.Writer, _ bool) error { return csv(w) }); err != nil {
			return err
		}
	}
	if f.plot == "" {
		return nil
	}
	return a.write(f.plot, func(w io.Writer, _ bool) error { return figure().Write(w, plotFormat(f.plot)) })
}

// overwriting is the rule of all commands that write files, for their help.
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

// colorful reports whether to write colours to w: see https://no-color.org.
func colorful(w io.Writer) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && terminal(w)
}

// width returns the number of columns if w is a terminal, else 0.
func width(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil {
			return columns
		}
	}
	return 0
}

// progress starts a progress bar that counts steps. The caller must call Stop.
func (a *app) progress(label string) *text.Bar { return text.NewBar(a.barWriter(), label, false) }

// reading starts a progress bar that counts bytes. The caller must call Stop.
func (a *app) reading(label string) *text.Bar { return text.NewBar(a.barWriter(), label, true) }

// barWriter returns the terminal for progress bars, or nil if there is none.
func (a *app) barWriter() io.Writer {
	if terminal(a.stderr) && os.Getenv("TERM") != "dumb" {
		return a.stderr
	}
	return nil
}
