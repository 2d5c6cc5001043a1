package main

import (
	"bufio"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// readingFlags are the flags that say how to read numbers in text.
type readingFlags struct {
	separator, decimal    string
	skipRows, skipColumns int
}

// register adds the flags to a command.
func (f *readingFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.separator, "separator", "", "text: the `name` of what separates the values of a channel: comma, semicolon, tab, space or bar")
	flags.StringVar(&f.decimal, "decimal", "", "text: the decimal `sign`, point or comma")
	flags.IntVar(&f.skipRows, "skip-rows", 0, "text: leave out the first `n` lines of values")
	flags.IntVar(&f.skipColumns, "skip-columns", 0, "text: leave out the first `n` values of each line")
	completeWords(cmd, "separator", "auto", "comma", "semicolon", "tab", "space", "bar")
	completeWords(cmd, "decimal", "", "point", "comma")
}

// reading returns the options for reading text, or a usage error.
func (f *readingFlags) reading() (tensorfile.Reading, error) {
	r := tensorfile.Reading{SkipRows: f.skipRows, SkipColumns: f.skipColumns}
	var err error
	if r.Separator, err = tensorfile.ParseSeparator(f.separator); err != nil {
		return r, usagef("--separator: %w", err)
	}
	if r.Decimal, err = tensorfile.ParseDecimal(f.decimal); err != nil {
		return r, usagef("--decimal: %w", err)
	}
	if err := r.Validate(); err != nil {
		return r, &usageError{err}
	}
	return r, nil
}

// piped returns a reader of the data piped into the command. It returns nil if standard input is
// a terminal or a device, or has no data.
func piped(stdin io.Reader) io.Reader {
	if stdin == nil {
		return nil
	}
	if f, ok := stdin.(*os.File); ok {
		st, err := f.Stat()
		if err != nil || st.Mode()&os.ModeCharDevice != 0 {
			return nil
		}
	}
	b := bufio.NewReader(stdin)
	if _, err := b.Peek(1); err != nil {
		return nil
	}
	return b
}
