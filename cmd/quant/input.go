package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/sample"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// An input is the file that a command works on.
type input struct {
	*tensorfile.File
	name string // the name in reports
	path string // empty if it is not a file
}

// stdinName is what reports call standard input.
const stdinName = "stdin"

// open opens the file or folder that args names; "-" stands for standard input. Without arguments
// open reads data piped into the command, or else the built-in sample.
func (a *app) open(ctx context.Context, args []string, reading tensorfile.Reading) (*input, error) {
	in := &input{name: sample.Name}
	bar := a.reading("reading")
	defer bar.Stop()
	o := tensorfile.Options{Reading: reading}
	var read func() (*tensorfile.File, error)
	switch {
	case len(args) == 0:
		read = func() (*tensorfile.File, error) {
			if r := piped(a.stdin); r != nil {
				in.name = stdinName
				return o.Read("", r, 0)
			}
			return tensorfile.Read("", strings.NewReader(sample.Text), 0)
		}
	case args[0] == "-":
		in.name = stdinName
		read = func() (*tensorfile.File, error) { return o.Read("", a.stdin, 0) }
	default:
		in.name, in.path = args[0], args[0]
		o.Progress = bar.Update
		read = func() (*tensorfile.File, error) { return o.Open(in.path) }
	}
	// Ctrl-C must work while a read of standard input blocks.
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

// Tensors lists the tensors of the file. A single tensor without a name gets the name of the
// file.
func (in *input) Tensors() []tensorfile.Info {
	infos := in.File.Tensors()
	if len(infos) == 1 && infos[0].Name == "" {
		base := filepath.Base(in.name)
		infos[0].Name = strings.TrimSuffix(base, filepath.Ext(base))
	}
	return infos
}

// mayWrite returns an error if an output is one of the files that are read, or if it exists and must
// not be replaced. Paths that are empty are ignored. Commands call it before long work; write checks
// the latter again.
func (a *app) mayWrite(outputs []output, read ...string) error {
	for _, o := range outputs {
		if err := o.keeps(read...); err != nil {
			return err
		}
	}
	for _, o := range outputs {
		if o.path == "" {
			continue
		}
		if _, err := atomicfile.New(o.path, a.force); err != nil {
			return err
		}
	}
	return nil
}

// read lists the files that an input is read from: none for standard input and the sample.
func (in *input) read() []string {
	if in.path == "" {
		return nil
	}
	return in.Paths()
}

// keeps returns an error if an output is one of the files that are read.
func (o output) keeps(read ...string) error {
	if o.path == "" {
		return nil
	}
	b, err := os.Stat(o.path)
	if err != nil || !b.Mode().IsRegular() {
		return nil
	}
	for _, path := range read {
		if a, err := os.Stat(path); err == nil && os.SameFile(a, b) {
			return usagef("--%s %s would overwrite a file that is read", o.flag, o.path)
		}
	}
	return nil
}

// await returns the results of f, or the error of ctx if that ends first. In the latter case f
// continues in its goroutine; the process is about to exit.
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

// builtIn is the source of the sample in reports.
const builtIn = "built in: no FILE was given"
