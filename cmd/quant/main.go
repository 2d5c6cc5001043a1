// Command quant shows what quantization does to tensors and models.
//
// See quant --help, and docs/json.md for the JSON that it writes.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/a01592f9/quant/cmd/internal/text"
)

// Exit codes.
const (
	exitDone        = 0
	exitFailed      = 1   // on the data or a file
	exitUsage       = 2   // wrong usage
	exitInterrupted = 130 // by Ctrl-C: 128 + SIGINT, as shells have it
)

func main() {
	// The first Ctrl-C ends the work in good order; a second one, after stop,
	// ends the process at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole command on the given streams. It returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, syscall.EPIPE):
		return exitFailed // whoever read the output has seen enough
	case errors.Is(err, context.Canceled):
		a.complain("interrupted")
		return exitInterrupted
	}
	var usage *usageError
	if a.started && !errors.As(err, &usage) {
		a.complain(err.Error())
		return exitFailed
	}
	a.complain(fmt.Sprintf("%s (see %s --help)", oneLine(err), cmd.CommandPath()))
	return exitUsage
}

// oneLine puts what Cobra says about arguments in fewer words.
func oneLine(err error) string {
	text := strings.TrimSpace(err.Error())
	text = strings.ReplaceAll(text, "\n\nDid you mean this?\n\t", ": did you mean ")
	text = strings.ReplaceAll(text, "\n\t", " or ")
	// Who calls strconv.ParseInt is none of the user's business.
	if before, after, ok := strings.Cut(text, ": strconv."); ok {
		text = before + after[strings.LastIndex(after, ": "):]
	}
	return text
}

// files accepts from lo to hi arguments.
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

// An app is what the commands share.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer

	// started is whether a command has begun its work: errors before are about
	// its arguments.
	started bool
}

// complain writes an error on one line, whatever a file put into it.
func (a *app) complain(message string) {
	fmt.Fprintf(a.stderr, "quant: %s\n", text.Clean(strings.TrimPrefix(message, "quant: ")))
}

// A usageError reports arguments that make no sense, which Cobra did not see.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// start wraps the work of a command.
func (a *app) start(f func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		a.started = true
		return f(cmd, args)
	}
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "quant",
		Short: "Show what quantization does to tensors and models",
		Long: `quant shows what quantization does to tensors and models: how far the values
come back from where they were, and how many bytes that takes, with one scale
for the whole tensor and with one for each channel.`,
		Example: `  quant compare                               the built-in sample
  quant compare weights.csv                   one line for each channel
  quant compare model.safetensors --bits 4    every weight of a model
  quant sweep model.safetensors               error and size at other widths
  quant calibrate act/*.npz -o ranges.json    ranges of activations in batches
  quant inspect model.safetensors             what is in a file
  quant quantize model.onnx -o small.onnx     a model that runtimes load
  quant bench                                 how fast this machine does it`,
		Version:       versionLine(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.AddCommand(a.compareCommand(), a.sweepCommand(), a.inspectCommand(), a.calibrateCommand(),
		a.quantizeCommand(), a.dequantizeCommand(),
		a.serveCommand(), a.benchCommand(), a.versionCommand())
	return root
}
