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
)

// Exit codes.
const (
	exitDone        = 0
	exitFailed      = 1   // an error in the data or of a file
	exitUsage       = 2   // wrong usage
	exitInterrupted = 130 // by Ctrl-C: 128 + SIGINT, as in shells
)

func main() {
	// The first Ctrl-C cancels the work in an orderly way. A second one, after stop, kills the
	// process.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run runs the command with the given arguments and streams. It returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr, args: args}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	strict(root)
	cmd, err := root.ExecuteContextC(ctx)
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, syscall.EPIPE):
		return exitFailed // the reader closed the pipe
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

// oneLine shortens an error of Cobra to one line.
func oneLine(err error) string {
	text := strings.TrimSpace(err.Error())
	text = strings.ReplaceAll(text, "\n\nDid you mean this?\n\t", ": did you mean ")
	text = strings.ReplaceAll(text, "\n\t", " or ")
	// The name of a strconv function does not help users.
	if before, after, ok := strings.Cut(text, ": strconv."); ok {
		text = before + after[strings.LastIndex(after, ": "):]
	}
	return text
}

// helpColumns is the maximal width of help texts.
const helpColumns = 80

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "quant",
		Short: "Show what quantization does to tensors and models",
		Long: `quant shows what quantization does to tensors and models: how much the
reconstructed values differ from the original ones, and how many bytes the codes
take, with one scale for the whole tensor and with one for each channel.`,
		Example: `  quant compare                               the built-in sample
  quant compare weights.csv                   one line for each channel
  quant compare model.safetensors --bits 4    every weight of a model
  quant sweep model.safetensors               error and size at other widths
  quant diff model.onnx --between onnxruntime-int8,pytorch-int8
  quant plan model.onnx --bits-per-weight 4.5 which weight gets how many bits
  quant calibrate act/*.npz -o ranges.json    ranges of activations in batches
  quant inspect model.safetensors             what is in a file
  quant quantize model.onnx -o small.onnx     a model that runtimes load
  quant bench                                 how fast this machine does it`,
		Version:       versionLine(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages", fmt.Sprintf(".FlagUsagesWrapped %d", helpColumns)))
	root.AddCommand(a.compareCommand(), a.sweepCommand(), a.inspectCommand(), a.observeCommand(), a.calibrateCommand(),
		a.sensitivityCommand(), a.diffCommand(), a.planCommand(), a.quantizeCommand(), a.dequantizeCommand(),
		a.serveCommand(), a.benchCommand(), a.versionCommand())
	return root
}
