// Command quant-beam calibrates and compares tensors with pipelines of Apache
// Beam. See docs/distributed.md of this project.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/metrics"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/gcs"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/local"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/s3"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/x/beamx"

	"github.com/a01592f9/quant"
	distributed "github.com/a01592f9/quant/beam"
)

const usage = `Usage: quant-beam calibrate [flags] -o calibration.json GLOB…

Observe tensors in .npy, .npz and safetensors files, and write the calibration
file of quant calibrate. A GLOB is a path or a URL of gs:// or s3://; quote it,
so that the shell leaves it as it is. Without --runner the pipeline runs in this
process.
`

// list is a flag that can be given several times.
type list []string

func (l *list) String() string     { return strings.Join(*l, " ") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

var (
	scheme  = flag.String("scheme", "int8:minmax:zero", "text form of the `scheme`, as quant.ParseScheme reads it")
	output  = flag.String("o", "", "write the result to a `file`")
	state   = flag.String("state", "", "write what was seen to a `file`, for quant calibrate --merge")
	bad     = flag.String("bad", "", "with -skip-bad, write the bad files and why they are bad to a `file`")
	skipBad = flag.Bool("skip-bad", false, "leave bad files out, and list them, instead of failing")
	ignore  = flag.Bool("ignore-non-finite", false, "leave NaN and infinities out, and count them, instead of failing")
	name    = flag.String("name", "{stem}", "`name` of the tensors of .npy files: {stem} is that of the file, {folder} that of its folder")
	quiet   = flag.Bool("quiet", false, "do not write the metrics of the run to standard error")
	tensors list
)

func main() {
	flag.Var(&tensors, "tensor", "only tensors whose name matches the `pattern`; may be given several times")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), usage)
		flag.PrintDefaults()
	}
	command := ""
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		command = os.Args[1]
		os.Args = append(os.Args[:1], os.Args[2:]...)
	}
	// A worker that a runner has started has no command: Init does its work.
	flag.Parse()
	beam.Init()
	if err := run(context.Background(), command, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "quant-beam:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, command string, globs []string) error {
	switch {
	case command != "calibrate":
		return fmt.Errorf("there is no command %q: see quant-beam -help", command)
	case len(globs) == 0:
		return errors.New("globs of files are missing")
	case *output == "":
		return errors.New("-o is missing: the file to write")
	case *skipBad != (*bad != ""):
		return errors.New("-skip-bad and -bad go together: no bad file may be lost")
	}
	s, err := quant.ParseScheme(*scheme)
	if err != nil {
		return err
	}
	o, err := distributed.NewOptions(s)
	if err != nil {
		return err
	}
	o.Name, o.Tensors, o.SkipBad, o.IgnoreNotFinite = *name, tensors, *skipBad, *ignore
	p := beam.NewPipeline()
	distributed.CalibrateFiles(p.Root(), o, *output, *state, *bad, globs...)
	result, err := beamx.RunWithMetrics(ctx, p)
	if err != nil {
		return err
	}
	if !*quiet {
		report(result.Metrics().AllMetrics())
	}
	return nil
}

// report writes the metrics of the library's transforms.
func report(all metrics.QueryResults) {
	for _, c := range all.Counters() {
		fmt.Fprintf(os.Stderr, "%s %s: %d\n", c.Namespace(), c.Name(), c.Result())
	}
}
