package main

import (
	"errors"
	"fmt"
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
		if !errors.As(err, &unknown) {
			return err
		}
		if like := likeFlag(cmd, unknown.GetSpecifiedName()); like != "" {
			return fmt.Errorf("%w: did you mean --%s", err, like)
		}
		return err
	})
}

// likeFlag returns the flag of a command that is most similar to an unknown name, or "" if none
// is similar.
func likeFlag(cmd *cobra.Command, name string) string {
	var flags []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { flags = append(flags, f.Name) })
	return text.Nearest(name, flags)
}
