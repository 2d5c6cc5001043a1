package main

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/a01592f9/quant/cmd/internal/text"
)

// strict makes the commands help and completion, which Cobra adds, reject unknown words. It also
// adds the most similar flag to the error for an unknown flag.
func strict(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Args = func(_ *cobra.Command, args []string) error {
				if found, rest, err := root.Find(args); err != nil || len(rest) > 0 || found == nil {
					return fmt.Errorf("there is no command %q", strings.Join(args, " "))
				}
				return nil
			}
		case "completion":
			var shells []string
			for _, shell := range cmd.Commands() {
				shells = append(shells, shell.Name())
				shell.Long = strings.NewReplacer("\t", "  ",
					"If it is not installed already, you can install it via your OS's package manager.", "The package manager of your system has it.").Replace(shell.Long)
			}
			cmd.Args = func(_ *cobra.Command, args []string) error {
				if len(args) > 0 {
					return fmt.Errorf("%q is none of the shells %s", args[0], strings.Join(shells, ", "))
				}
				return nil
			}
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		}
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		var unknown *pflag.NotExistError
		var invalid *pflag.InvalidValueError
		switch {
		case errors.As(err, &unknown):
			// Of -bits pflag takes each letter for a flag.
			name := cmp.Or(unknown.GetSpecifiedShortnames(), unknown.GetSpecifiedName())
			if like := likeFlag(cmd, name); like != "" {
				return fmt.Errorf("%w: did you mean --%s", err, like)
			}
		case errors.As(err, &invalid) && errors.Is(err, strconv.ErrSyntax):
			if want := wanted[invalid.GetFlag().Value.Type()]; want != "" {
				return fmt.Errorf("--%s: %q is not %s", invalid.GetFlag().Name, invalid.GetValue(), want)
			}
		}
		return err
	})
}

// wanted says what the value of a flag has to be, by the name that pflag has for its type.
var wanted = map[string]string{
	"int":      "a whole number",
	"intSlice": "a list of whole numbers with commas",
	"float64":  "a number",
	"bool":     "true or false",
}

// likeFlag returns the flag of a command that is most similar to an unknown name, or "" if none
// is similar.
func likeFlag(cmd *cobra.Command, name string) string {
	var flags []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { flags = append(flags, f.Name) })
	return text.Nearest(name, flags)
}
