package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// The names of output formats.
const (
	formatTable    = "table"
	formatJSON     = "json"
	formatCSV      = "csv"
	formatMarkdown = "markdown"
)

var compareFormats = []string{formatTable, formatJSON, formatCSV, formatMarkdown}

// endings are the extensions of file names that select an output format if no flag does.
var endings = map[string][]string{
	formatTable: {".txt", ".text", ".log", ".out"}, formatJSON: {".json"}, formatCSV: {".csv"}, formatMarkdown: {".md", ".markdown"},
}

// formatOf returns the format that the extension of an output file selects. It returns otherwise
// if there is no extension, or if path is not a regular file.
func formatOf(path, otherwise string, formats []string) (string, error) {
	var usual, all []string
	for _, f := range formats {
		if slices.Contains(endings[f], extension(path)) {
			return f, nil
		}
		usual, all = append(usual, endings[f][0]), append(all, endings[f]...)
	}
	if err := checkEnding("output", path, all...); err != nil {
		return "", usagef("--output %s: the ending %s stands for no format; it is %s, or --format says it", path, extension(path), text.Or(usual))
	}
	return otherwise, nil
}

// tableOrJSON sets the format of a command that writes a table or JSON. The extension of the
// output file selects the format unless --format does.
func tableOrJSON(cmd *cobra.Command, format *string, path string) (err error) {
	if !cmd.Flags().Changed("format") {
		*format, err = formatOf(path, *format, []string{formatTable, formatJSON})
	}
	if err == nil && *format != formatTable && *format != formatJSON {
		err = usagef("format %q is neither table nor json", *format)
	}
	return err
}

// checkEnding returns an error if the name of a file has an extension that is not in endings. A
// path that exists and is not a regular file, such as /dev/stdout, may have any name.
func checkEnding(flag, path string, endings ...string) error {
	ext := extension(path)
	if ext == "" || slices.Contains(endings, ext) {
		return nil
	}
	if st, err := os.Stat(path); err == nil && !st.Mode().IsRegular() {
		return nil
	}
	return usagef("--%s %s: the ending %s stands for no format of it; it is %s", flag, path, ext, text.Or(endings))
}

// plotFormat returns the format of a plot by the extension of its file.
func plotFormat(path string) string { return strings.TrimPrefix(extension(path), ".") }

func extension(path string) string { return strings.ToLower(filepath.Ext(path)) }

// defaultGroup is the default size of groups.
const defaultGroup = 32

// granularityGroup is option.PerGroup on the command line.
const granularityGroup = "group"

// methodUsage returns the help of --method for a whole tensor.
func methodUsage() string {
	return "`method` that chooses ranges: " + strings.Join(option.MethodWords(), ", ")
}

// registerDivisor adds the flags --divisor, --scales and --signed-scale to a command.
func registerDivisor(cmd *cobra.Command, divisor, scales *string, signed *bool) {
	cmd.Flags().StringVar(divisor, "divisor", "far", "`name` of the divisor of the symmetric mapping: far (2^(bits-1)), half ((2^bits-1)/2) or each (the larger scale of both ends, which clips nothing)")
	cmd.Flags().StringVar(scales, "scales", "float32", "`format` that scales are rounded to before codes are made: "+strings.Join(option.ScaleFormats(), ", "))
	registerSigned(cmd, signed)
	completeWords(cmd, "divisor", option.Divisors()...)
	completeWords(cmd, "scales", option.ScaleFormats()...)
}

// registerSigned adds the flag --signed-scale to a command.
func registerSigned(cmd *cobra.Command, signed *bool) {
	cmd.Flags().BoolVar(signed, "signed-scale", false, "let scales be negative, so that the largest magnitude has the lowest code (symmetric only)")
}

// schemesUsage describes the flag --schemes of a command.
const schemesUsage = "as in int4:g128,nf4:g64,mxfp4,q4_k"

// splitSchemes splits a list of schemes at commas.
func splitSchemes(list string) ([]string, error) {
	names := strings.Split(list, ",")
	for i, name := range names {
		if names[i] = strings.TrimSpace(name); names[i] == "" {
			return nil, usagef("--schemes %q: scheme %d is empty", list, i+1)
		}
	}
	return names, nil
}

// files checks that a command has from lo to hi arguments.
func files(lo, hi int) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < lo:
			return errors.New("FILE is missing")
		case len(args) > hi:
			return fmt.Errorf("one FILE at a time, not %d", len(args))
		}
		return nil
	}
}

// models checks that a command has one argument, MODEL.
func models(_ *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return errors.New("MODEL is missing")
	case len(args) > 1:
		return fmt.Errorf("one MODEL at a time, not %d", len(args))
	}
	return nil
}

// completeFile completes the argument FILE of a command that takes one.
func completeFile(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveDefault
}

// completeTensors completes the names of tensors for flags, from the files that are arguments
// before the flag.
func completeTensors(cmd *cobra.Command, flags ...string) {
	for _, flag := range flags {
		err := cmd.RegisterFlagCompletionFunc(flag, func(_ *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
			return tensorNames(args, begun), cobra.ShellCompDirectiveNoFileComp
		})
		if err != nil {
			panic(err) // there is no such flag
		}
	}
}

// tensorNames lists the tensors in files whose names begin with begun. A file that cannot be read
// is skipped: completion cannot show errors.
func tensorNames(paths []string, begun string) []string {
	var names []string
	for _, path := range paths {
		if path == "-" {
			continue
		}
		f, err := tensorfile.Open(path)
		if err != nil {
			continue
		}
		for _, info := range f.Tensors() {
			if strings.HasPrefix(info.Name, begun) && text.Clean(info.Name) == info.Name {
				names = append(names, info.Name)
			}
		}
		f.Close()
	}
	slices.SortFunc(names, text.Natural)
	return slices.Compact(names)
}

// completeWords completes the value of a flag.
func completeWords(cmd *cobra.Command, flag string, words ...string) {
	err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic(err) // there is no such flag
	}
}

// same reports whether two names are of one regular file, or of one that does not exist yet. It
// is false for other files, such as /dev/null: overwriting them loses nothing.
func same(a, b string) bool {
	if a == "" || b == "" {
		return false
	}
	for _, p := range []*string{&a, &b} {
		if st, err := os.Stat(*p); err == nil && !st.Mode().IsRegular() {
			return false
		}
		if real, err := filepath.EvalSymlinks(*p); err == nil {
			*p = real
		} else if abs, err := filepath.Abs(*p); err == nil {
			*p = abs
		}
	}
	absA, errA := filepath.Abs(a)
	absB, errB := filepath.Abs(b)
	return errA == nil && errB == nil && absA == absB
}
