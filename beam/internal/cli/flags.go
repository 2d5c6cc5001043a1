// Package cli has the flags of quant-beam and their checks. It does not import Beam, so its
// tests are fast.
package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/a01592f9/quant/beam/report"
)

// The commands.
const (
	Calibrate = "calibrate"
	Compare   = "compare"
	Sweep     = "sweep"
)

var commands = []string{Calibrate, Compare, Sweep}

// A UsageError reports wrong flags. The exit code is then 2.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return strings.TrimPrefix(e.Err.Error(), "quant: ") }

// Unwrap returns the error itself.
func (e *UsageError) Unwrap() error { return e.Err }

func usagef(format string, args ...any) error { return &UsageError{fmt.Errorf(format, args...)} }

// Message returns the line of an error with the cause. Beam adds lines with the names of stages
// and functions to the error of a worker.
func Message(err error) string {
	last := ""
	for line := range strings.Lines(err.Error()) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "panic: ") {
			return line // a stack trace follows
		}
		if line != "" {
			last = line
		}
	}
	return last
}

// list is a flag that may be repeated.
type list []string

func (l *list) String() string     { return strings.Join(*l, " ") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

// axis is a flag that is an axis, or nil where the flag is missing.
type axis struct{ value *int }

func (a *axis) String() string {
	if a.value == nil {
		return ""
	}
	return strconv.Itoa(*a.value)
}

func (a *axis) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil {
		return errors.New("it is not a number")
	}
	a.value = &n
	return nil
}

// Flags are those of all commands. Beam registers its own beside them.
type Flags struct {
	Output, Bad, Name string
	SkipBad, Quiet    bool
	Verbose           bool
	Tensors           []string

	Scheme, State   string // of calibrate
	IgnoreNotFinite bool
	FanOut          int

	bits, groupSize, source, mapping, method, divisor string // of compare and sweep
	unsigned, narrow, zero, signed                    bool
	axis, groupAxis                                   axis
	target                                            float64

	set *flag.FlagSet
}

// A flagInfo says which commands have a flag; none means all.
type flagInfo struct {
	name string
	of   []string
}

// own lists the flags in the order of the help text.
var own = []flagInfo{
	{"o", nil}, {"tensor", nil}, {"name", nil}, {"skip-bad", nil}, {"bad", nil}, {"quiet", nil}, {"verbose", nil},
	{"scheme", []string{Calibrate}}, {"state", []string{Calibrate}}, {"ignore-non-finite", []string{Calibrate}}, {"fan-out", []string{Calibrate}},
	{"bits", comparisons}, {"unsigned", comparisons}, {"mapping", comparisons}, {"narrow-range", comparisons}, {"divisor", comparisons}, {"signed-scale", comparisons},
	{"zero-in-range", comparisons}, {"method", comparisons}, {"axis", comparisons}, {"group-size", comparisons},
	{"group-axis", comparisons}, {"source", comparisons}, {"target", []string{Sweep}},
}

var comparisons = []string{Compare, Sweep}

// takes reports whether a command has the flag.
func (i flagInfo) takes(command string) bool { return i.of == nil || slices.Contains(i.of, command) }

// Register registers the flags.
func Register(set *flag.FlagSet) *Flags {
	f := &Flags{set: set}
	set.StringVar(&f.Output, "o", "", "write the result to a `file`, a path or a URL")
	set.Var((*list)(&f.Tensors), "tensor", "only tensors whose name matches the `pattern`: * is any text; may be given several times")
	set.StringVar(&f.Name, "name", "{stem}", "`name` of the tensors of .npy files: {stem} is that of the file, {folder} that of its folder")
	set.BoolVar(&f.SkipBad, "skip-bad", false, "leave bad files out, and list them in the file of -bad, instead of failing")
	set.StringVar(&f.Bad, "bad", "", "with -skip-bad, write the bad files and the reasons to a `file`, one a line")
	set.BoolVar(&f.Quiet, "quiet", false, "do not write the counts of the run to standard error")
	set.BoolVar(&f.Verbose, "verbose", false, "write the log of the runner in this process to standard error")

	set.StringVar(&f.Scheme, "scheme", "int8:minmax:zero", "`scheme` in its text form, as int4:channel@0:mse or uint8:percentile=99.99:zero")
	set.StringVar(&f.State, "state", "", "write what was seen to a `file` too, for quant calibrate --merge")
	set.BoolVar(&f.IgnoreNotFinite, "ignore-non-finite", false, "leave NaN and infinities out, and count them, instead of failing")
	set.IntVar(&f.FanOut, "fan-out", 0, "merge what was seen of a tensor on `n` workers first, for runs of very many")

	set.StringVar(&f.bits, "bits", "", "width `n` of a code, 2 to 16 (default 8); widths of a sweep (default 2-6,8)")
	set.BoolVar(&f.unsigned, "unsigned", false, "codes from 0 up instead of around 0")
	set.StringVar(&f.mapping, "mapping", "asymmetric", "`name`: asymmetric or symmetric")
	set.BoolVar(&f.narrow, "narrow-range", false, "leave out the lowest code (signed, symmetric only)")
	set.StringVar(&f.divisor, "divisor", "far", "`name` of what the symmetric mapping divides by: far, half or each")
	set.BoolVar(&f.signed, "signed-scale", false, "scales of the symmetric mapping may be negative")
	set.BoolVar(&f.zero, "zero-in-range", false, "widen each range to hold 0")
	set.StringVar(&f.method, "method", "minmax", "`name` of how ranges are chosen: minmax, percentile=99.99, mse, mae or entropy")
	set.Var(&f.axis, "axis", "axis `i` has the channels, -1 is the last (default 0)")
	set.StringVar(&f.groupSize, "group-size", "", "groups of `n` values too; sizes of a sweep (default 128,32; 0 is none)")
	set.Var(&f.groupAxis, "group-axis", "axis `i` along which groups run (default the longest other than -axis)")
	set.StringVar(&f.source, "source", "", "`name` of the source in the report (default the globs)")
	set.Float64Var(&f.target, "target", 0, "say which scheme is the smallest with so many `dB`")
	return f
}

const usage = `quant-beam calibrates and compares tensors with pipelines of Apache Beam.

Usage:
  quant-beam calibrate [flags] -o calibration.json GLOB…
  quant-beam compare   [flags] -o report.json GLOB…
  quant-beam sweep     [flags] -o sweep.json GLOB…

calibrate observes batches of activations, and writes the calibration file of
quant calibrate. compare and sweep quantize weights, and write the JSON of quant
compare and quant sweep.

A GLOB names .npy, .npz and safetensors files: a path, or a URL of gs:// or
s3://. Quote it, so that the shell leaves it as it is. Without --runner the
pipeline runs in this process. See docs/distributed.md for other runners.

  quant-beam COMMAND -help     lists the flags of a command
  quant-beam -help             lists those of Beam too

Exit codes: 0 done, 1 failed on the data or a file, 2 wrong usage.
`

// Usage writes the help of a command, or of all with the flags of Beam.
func (f *Flags) Usage(command string) {
	set, w := f.set, f.set.Output()
	if !slices.Contains(commands, command) {
		fmt.Fprint(w, usage, "\nAll flags, with those of Beam:\n")
		set.PrintDefaults()
		return
	}
	fmt.Fprintf(w, "Usage: quant-beam %s [flags] -o FILE GLOB…\n\n", command)
	printFlags(w, set, command)
	fmt.Fprint(w, "\nBeam has flags of its own, such as --runner: quant-beam -help lists them.\n")
}

// printFlags lists the flags of a command.
func printFlags(w io.Writer, set *flag.FlagSet, command string) {
	for _, i := range own {
		x := set.Lookup(i.name)
		if !i.takes(command) {
			continue
		}
		value, text := flag.UnquoteUsage(x)
		head := "  -" + x.Name
		if value != "" {
			head += " " + value
		}
		if d := x.DefValue; d != "" && d != "false" && d != "0" {
			text += " (default " + d + ")"
		}
		fmt.Fprintf(w, "%-22s %s\n", head, text)
	}
}

// Check returns a usage error for wrong flags.
func (f *Flags) Check(command string, globs []string) error {
	switch {
	case command == "":
		return usagef("a command is missing: calibrate, compare or sweep; see quant-beam -help")
	case !slices.Contains(commands, command):
		return usagef("there is no command %q: there are calibrate, compare and sweep; see quant-beam -help", command)
	case len(globs) == 0:
		return usagef("globs of files are missing")
	case slices.Contains(globs, ""):
		return usagef("a glob is empty")
	case f.Output == "":
		return usagef("-o is missing: the file to write")
	case f.FanOut < 0:
		return usagef("-fan-out %d is negative", f.FanOut)
	case f.SkipBad != (f.Bad != ""):
		return usagef("-skip-bad and -bad go together: no bad file may be lost")
	}
	for _, g := range globs {
		if strings.HasPrefix(g, "-") {
			return usagef("flag %s comes after a glob: flags come first", g)
		}
	}
	var err error
	f.set.Visit(func(x *flag.Flag) {
		for _, i := range own {
			if i.name == x.Name && !i.takes(command) && err == nil {
				err = usagef("-%s is a flag of %s, not of %s", i.name, strings.Join(i.of, " and "), command)
			}
		}
	})
	files := map[string]string{}
	for _, x := range []struct{ flag, path string }{{"o", f.Output}, {"state", f.State}, {"bad", f.Bad}} {
		if other, twice := files[x.path]; x.path != "" && twice && err == nil {
			err = usagef("-%s and -%s name the same file", other, x.flag)
		}
		files[x.path] = x.flag
		for _, g := range globs {
			if ok, _ := path.Match(g, x.path); (ok || g == x.path) && err == nil {
				err = usagef("-%s %s is a file that %s names: it would be read and replaced", x.flag, x.path, g)
			}
		}
	}
	return err
}

// Report returns the name of the source in the report, and the options of compare or of sweep.
// The other options are nil.
func (f *Flags) Report(command string, globs []string) (source string, c *report.Options, s *report.SweepOptions, err error) {
	if source = f.source; source == "" {
		source = strings.Join(globs, " ")
	}
	if f.Tensors == nil {
		f.Tensors = []string{}
	}
	if command == Sweep {
		if s, err = f.sweep(); err == nil {
			err = s.Validate()
		}
	} else if c, err = f.compare(); err == nil {
		err = c.Validate()
	}
	if err != nil {
		err = &UsageError{Err: err}
	}
	return source, c, s, err
}

// divisor returns the divisor as options have it: the default is "".
func divisor(name string) string {
	if name == "far" {
		return ""
	}
	return name
}

func (f *Flags) compare() (*report.Options, error) {
	o := report.DefaultOptions()
	o.Unsigned, o.Mapping, o.NarrowRange, o.ZeroInRange = f.unsigned, f.mapping, f.narrow, f.zero
	o.Divisor, o.SignedScale = divisor(f.divisor), f.signed
	o.Method, o.Axis, o.GroupAxis, o.Tensors = f.method, f.axis.value, f.groupAxis.value, f.Tensors
	var err error
	if f.bits != "" {
		if o.Bits, err = strconv.Atoi(f.bits); err != nil {
			return nil, fmt.Errorf("-bits %q is not a number", f.bits)
		}
	}
	if f.groupSize != "" {
		if o.GroupSize, err = strconv.Atoi(f.groupSize); err != nil || o.GroupSize <= 0 {
			return nil, fmt.Errorf("-group-size %q is not a positive number", f.groupSize)
		}
	}
	return &o, nil
}

func (f *Flags) sweep() (*report.SweepOptions, error) {
	o := &report.SweepOptions{
		Unsigned: f.unsigned, Mapping: f.mapping, NarrowRange: f.narrow, ZeroInRange: f.zero,
		Method: f.method, Axis: f.axis.value, GroupAxis: f.groupAxis.value, Tensors: f.Tensors,
		Divisor: divisor(f.divisor), SignedScale: f.signed,
	}
	if f.bits == "" {
		f.bits = "2-6,8"
	}
	if f.groupSize == "" {
		f.groupSize = "128,32"
	}
	var err error
	if o.Bits, err = numbers("bits", f.bits); err != nil {
		return nil, err
	}
	if o.GroupSizes, err = numbers("group-size", f.groupSize); err != nil {
		return nil, err
	}
	o.GroupSizes = slices.DeleteFunc(o.GroupSizes, func(n int) bool { return n == 0 })
	f.set.Visit(func(x *flag.Flag) {
		if x.Name == "target" {
			o.Target = &f.target
		}
	})
	return o, nil
}

// numbers reads a list such as "2-4,8".
func numbers(name, words string) ([]int, error) {
	var all []int
	for _, part := range strings.Split(words, ",") {
		first, last, ranged := strings.Cut(strings.TrimSpace(part), "-")
		from, err := strconv.Atoi(first)
		to := from
		if err == nil && ranged {
			to, err = strconv.Atoi(last)
		}
		if err != nil || to < from || to-from > 64 {
			return nil, fmt.Errorf("-%s: %q is neither a number nor a range as 2-8", name, part)
		}
		for n := from; n <= to; n++ {
			all = append(all, n)
		}
	}
	return all, nil
}
