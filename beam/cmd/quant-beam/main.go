// Command quant-beam calibrates and compares tensors with pipelines of Apache
// Beam. See docs/distributed.md of this project.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/metrics"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/gcs"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/local"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/s3"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/x/beamx"

	"github.com/a01592f9/quant"
	distributed "github.com/a01592f9/quant/beam"
	"github.com/a01592f9/quant/beam/internal/cli"
	"github.com/a01592f9/quant/beam/report"
)

func main() {
	command := ""
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		command = os.Args[1]
		os.Args = append(os.Args[:1], os.Args[2:]...)
	}
	f := cli.Register(flag.CommandLine)
	flag.Usage = func() { f.Usage(command) }
	flag.Parse()
	// A worker that a runner has started has no command: Init does its work and exits.
	beam.Init()
	if runner := flag.Lookup("runner").Value.String(); command != "" && !f.Verbose && (runner == "" || runner == "prism") {
		// Errors are printed once, below. The log of another runner says where the job is.
		slog.SetDefault(slog.New(slog.DiscardHandler))
	}
	err := run(context.Background(), command, f, flag.Args())
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "quant-beam:", cli.Message(err))
	var wrong *cli.UsageError
	if errors.As(err, &wrong) {
		os.Exit(2)
	}
	os.Exit(1)
}

func run(ctx context.Context, command string, f *cli.Flags, globs []string) error {
	if err := f.Check(command, globs); err != nil {
		return err
	}
	p, err := pipeline(f, command, globs)
	if err != nil {
		return err
	}
	result, err := beamx.RunWithMetrics(ctx, p)
	if err != nil {
		return err
	}
	if !f.Quiet {
		show(result.Metrics().AllMetrics())
	}
	if command == cli.Calibrate {
		return nil
	}
	return failed(ctx, f.Output)
}

// pipeline returns the pipeline of a command.
func pipeline(f *cli.Flags, command string, globs []string) (*beam.Pipeline, error) {
	p := beam.NewPipeline()
	if command == cli.Calibrate {
		s, err := quant.ParseScheme(f.Scheme)
		if err != nil {
			return nil, &cli.UsageError{Err: err}
		}
		o, err := distributed.NewOptions(s)
		if err != nil {
			return nil, &cli.UsageError{Err: err}
		}
		o.Name, o.Tensors, o.SkipBad, o.IgnoreNotFinite = f.Name, f.Tensors, f.SkipBad, f.IgnoreNotFinite
		o.FanOut = f.FanOut
		distributed.CalibrateFiles(p.Root(), o, f.Output, f.State, f.Bad, globs...)
		return p, nil
	}
	source, compare, sweep, err := f.Report(command, globs)
	if err != nil {
		return nil, err
	}
	o := distributed.CompareOptions{Source: source, Compare: compare, Sweep: sweep}
	find := distributed.Options{Name: f.Name, SkipBad: f.SkipBad}
	distributed.CompareFiles(p.Root(), o, find, f.Output, f.Bad, globs...)
	return p, nil
}

// failed reads the report. It returns an error if a tensor should have been compared and was
// not. The other tensors are in the report.
func failed(ctx context.Context, path string) error {
	fs, err := filesystem.New(ctx, path)
	if err != nil {
		return err
	}
	defer fs.Close()
	data, err := filesystem.Read(ctx, fs, path)
	if err != nil {
		return err
	}
	return report.Failed(data)
}

// show writes the metrics of the library's transforms.
func show(all metrics.QueryResults) {
	counters := all.Counters()
	slices.SortFunc(counters, func(a, b metrics.CounterResult) int { return cmp.Compare(a.Name(), b.Name()) })
	for _, c := range counters {
		if c.Namespace() == "quant" {
			fmt.Fprintf(os.Stderr, "%s: %d\n", c.Name(), c.Result())
		}
	}
}
