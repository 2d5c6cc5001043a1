package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/sample"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// An input is the file that a command works on.
type input struct {
	*tensorfile.File
	name string // as reports call it
	path string // empty if it is not a file
	file *os.File
}

// openFile opens the file at path, and tells how much of it is read. Text is
// parsed at once and may take a while; of other formats only the header is read.
func (in *input) openFile(progress report.Progress) (*tensorfile.File, error) {
	st, err := os.Stat(in.path)
	switch {
	case err != nil:
		return nil, err
	case st.IsDir():
		return nil, errors.New("it is a directory")
	case !st.Mode().IsRegular():
		return tensorfile.Open(in.path)
	}
	if in.file, err = os.Open(in.path); err != nil {
		return nil, err
	}
	return tensorfile.Parse(in.path, &counter{in.file, st.Size(), progress}, st.Size())
}

// Close closes the file, if there is one.
func (in *input) Close() error {
	if in.file != nil {
		return in.file.Close()
	}
	return in.File.Close()
}

// A counter reports how far a file has been read.
type counter struct {
	io.ReaderAt
	size     int64
	progress report.Progress
}

func (c *counter) ReadAt(b []byte, off int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(b, off)
	c.progress(off+int64(n), c.size)
	return n, err
}

// open opens what the arguments name: a file, "-" for standard input, or
// without arguments the sample.
func (a *app) open(ctx context.Context, args []string) (*input, error) {
	in := &input{name: sample.Name}
	bar := a.reading("reading")
	defer bar.stop()
	read := func() (*tensorfile.File, error) {
		return tensorfile.Read("", strings.NewReader(sample.Text), 0)
	}
	switch {
	case len(args) == 0:
	case args[0] == "-":
		in.name = "stdin"
		read = func() (*tensorfile.File, error) { return tensorfile.Read("", a.stdin, 0) }
	default:
		in.name, in.path = args[0], args[0]
		read = func() (*tensorfile.File, error) { return in.openFile(bar.update) }
	}
	// Whoever presses Ctrl-C while standard input is a terminal, or a pipe that
	// brings nothing, need not wait for its end.
	var err error
	in.File, err = await(ctx, read)
	var path *fs.PathError
	switch {
	case errors.Is(err, context.Canceled):
		return nil, err
	case errors.As(err, &path):
		return nil, fmt.Errorf("%s: %w", in.name, path.Err)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", in.name, err)
	}
	return in, nil
}

// Tensors is that of the file, with the name of the file for a tensor that has
// none of its own.
func (in *input) Tensors() []tensorfile.Info {
	infos := in.File.Tensors()
	if len(infos) == 1 && infos[0].Name == "" {
		base := filepath.Base(in.name)
		infos[0].Name = strings.TrimSuffix(base, filepath.Ext(base))
	}
	return infos
}

// overwrittenBy returns an error if the file that a flag names is the one that
// the input is.
func (in *input) overwrittenBy(flag, output string) error {
	if in.path == "" || output == "" {
		return nil
	}
	a, errA := os.Stat(in.path)
	b, errB := os.Stat(output)
	if errA == nil && errB == nil && a.Mode().IsRegular() && os.SameFile(a, b) {
		return usagef("--%s %s would overwrite the file that is read", flag, output)
	}
	return nil
}

// await returns what f returns, or earlier an error if ctx ends. Then f goes
// on until the process ends, which it is about to.
func await[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		value, err := f()
		done <- outcome{value, err}
	}()
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
