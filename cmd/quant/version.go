package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/a01592f9/quant/cmd/internal/web"
)

func (a *app) versionCommand() *cobra.Command {
	var licences bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version, the compiler and the platform",
		Args:  cobra.NoArgs,
		RunE: a.start(func(*cobra.Command, []string) error {
			text := versionLine() + "\n"
			if licences {
				text += "\n" + web.Notices(convolutionNotice)
			}
			_, err := io.WriteString(a.stdout, text)
			return err
		}),
	}
	cmd.Flags().BoolVar(&licences, "licences", false, "print the licences of what quant is made of, too")
	return cmd
}

// versionLine returns the version of the tool, its commit and the version of Go.
func versionLine() string {
	version, commit := "(devel)", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" {
			version = info.Main.Version
		}
		commit = commitOf(info.Settings)
	}
	return fmt.Sprintf("quant %s%s %s %s/%s", version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// commitOf returns the commit in the build settings, in parentheses.
func commitOf(settings []debug.BuildSetting) string {
	revision, modified := "", ""
	for _, s := range settings {
		switch s.Key {
		case "vcs.revision":
			revision = s.Value[:min(12, len(s.Value))]
		case "vcs.modified":
			if s.Value == "true" {
				modified = ", modified"
			}
		}
	}
	if revision == "" {
		return ""
	}
	return " (" + revision + modified + ")"
}
