package main

import (
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	library "github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/option"
)

// calibrateFlags are the flags of quant calibrate.
type calibrateFlags struct {
	scheme      library.Scheme
	method      string
	mapping     string
	granularity string
	axis        int
	groupSize   int
	name        string
	tensors     []string
	system      string // of --for
	ignore      bool
	merge       bool
	state       string
	moments     momentFlags
	output      string
	format      string
	reading     readingFlags
}

// momentFlags are the flags of quant calibrate for second moments.
type momentFlags struct {
	path   string // of the file to write; "" for none
	layers string // path of an ONNX model; "" for none
	memory string
	limit  int64
}

// register adds the flags of quant calibrate to its command.
func (f *calibrateFlags) register(cmd *cobra.Command) {
	s, flags := &f.scheme, cmd.Flags()
	flags.SortFlags = false
	flags.StringVarP(&f.output, "output", "o", "", "write the calibration to a `file`")
	flags.StringVar(&f.method, "method", "minmax", "`name` of the way to choose ranges: minmax, percentile=P, magnitude=P, mse, mae, entropy or ema=M")
	registerFor(cmd, &f.system)
	flags.IntVar(&s.Bits, "bits", s.Bits, "width `n` of a code, 2 to 16")
	flags.BoolVar(&s.Unsigned, "unsigned", false, "codes from 0 up instead of around 0")
	flags.StringVar(&f.mapping, "mapping", "asymmetric", "`name`: asymmetric or symmetric")
	flags.BoolVar(&s.NarrowRange, "narrow-range", false, "leave out the lowest code (signed, symmetric only)")
	registerSigned(cmd, &s.SignedScale)
	flags.BoolVar(&s.ZeroInRange, "zero-in-range", true, "widen each range to hold 0, as runtimes need")
	flags.StringVar(&f.granularity, "granularity", "", "`name`: per_tensor, per_channel or group (default per_tensor, or group with --group-size)")
	flags.IntVar(&f.axis, "axis", 0, "axis `i` has the channels, or is cut into groups; -1 is the last (default 0; for groups -1)")
	flags.IntVar(&f.groupSize, "group-size", 0, "groups of `n` values (default 32)")
	flags.StringVar(&f.name, "name", "{stem}", "`name` of tensors that have none in their file: {stem} is that of the file, {folder} that of its folder")
	flags.StringArrayVar(&f.tensors, "tensor", nil, "only tensors whose name matches the `pattern`, as in quant compare; may be given several times")
	flags.BoolVar(&f.ignore, "ignore-non-finite", false, "leave out NaN and infinities, and count them, instead of failing")
	flags.StringVar(&f.state, "state", "", "keep what was seen in a `file`, to be merged")
	flags.BoolVar(&f.merge, "merge", false, "FILES are states: join them")
	flags.StringVar(&f.format, "format", formatTable, "`name` of the output format: table or json; json is the calibration file")
	f.moments.register(cmd)
	f.reading.register(cmd)
	completeTensors(cmd, "tensor")
	completeWords(cmd, "mapping", option.Mappings()...)
	completeWords(cmd, "granularity", option.PerTensor, option.PerChannel, granularityGroup)
	completeWords(cmd, "method", option.MethodWords()...)
	completeWords(cmd, "format", formatTable, formatJSON)
}

// check returns a usage error for flags that contradict each other or are out of
// range, and completes the scheme.
func (f *calibrateFlags) check(cmd *cobra.Command, args []string) error {
	changed := cmd.Flags().Changed
	if err := f.checkScheme(changed); err != nil {
		return err
	}
	for _, p := range f.tensors {
		if _, err := path.Match(p, ""); err != nil {
			return usagef("--tensor %q is not a pattern: %w", p, err)
		}
	}
	if err := f.checkFiles(changed, args); err != nil {
		return err
	}
	if f.format != formatTable && f.format != formatJSON {
		return usagef("format %q is neither table nor json", f.format)
	}
	if f.merge {
		for _, name := range []string{"granularity", "axis", "group-size", "name", "tensor", "ignore-non-finite", "separator", "decimal", "skip-rows", "skip-columns"} {
			if changed(name) {
				return usagef("--%s does not go with --merge: states have been made already", name)
			}
		}
	}
	return nil
}

// checkScheme checks the flags of the scheme, and sets the scheme.
func (f *calibrateFlags) checkScheme(changed func(flag string) bool) error {
	s := &f.scheme
	if changed("for") {
		if err := f.checkFor(changed); err != nil {
			return err
		}
	}
	var err error
	if s.Method, err = library.ParseMethod(f.method); err != nil {
		return usagef("--method: %s", strings.TrimPrefix(err.Error(), "quant: "))
	}
	if s.Mapping, err = option.ParseMapping(f.mapping); err != nil {
		return &usageError{err}
	}
	if err := f.checkGranularity(changed); err != nil {
		return err
	}
	if err := s.Validate(); err != nil {
		return &usageError{errors.New(strings.TrimPrefix(err.Error(), "quant: "))}
	}
	return nil
}

// checkFor sets the scheme to that of activations of the system of --for.
func (f *calibrateFlags) checkFor(changed func(flag string) bool) error {
	s, err := parseFor(f.system, changed)
	if err != nil {
		return err
	}
	x, err := s.Activation()
	if err != nil {
		return usagef("--for %s: %w", s.Name, err)
	}
	if changed("bits") && f.scheme.Bits != x.Bits {
		return usagef("--bits %d contradicts --for %s, which has %d", f.scheme.Bits, s.Name, x.Bits)
	}
	f.scheme.Bits = x.Bits
	flags := schemeFlags{mapping: &f.mapping, unsigned: &f.scheme.Unsigned, narrow: &f.scheme.NarrowRange, signed: &f.scheme.SignedScale, zero: &f.scheme.ZeroInRange}
	return flags.set(s, x, changed)
}

// checkGranularity checks the flags of the granularity, and sets it.
func (f *calibrateFlags) checkGranularity(changed func(flag string) bool) error {
	s := &f.scheme
	switch {
	case changed("group-size") && f.groupSize <= 0:
		return usagef("--group-size %d is not positive", f.groupSize)
	case f.granularity == "" && changed("group-size"):
		f.granularity = option.PerGroup
	case f.granularity == granularityGroup:
		f.granularity = option.PerGroup
	case f.granularity == "" && changed("axis"):
		f.granularity = option.PerChannel
	case f.granularity == "":
		f.granularity = option.PerTensor
	}
	switch f.granularity {
	case option.PerTensor:
		if changed("axis") {
			return usagef("--axis does not go with --granularity per_tensor")
		}
	case option.PerChannel:
		s.Granularity = library.PerChannel(f.axis)
	case option.PerGroup:
		if !changed("axis") {
			f.axis = -1
		}
		if f.groupSize == 0 {
			f.groupSize = defaultGroup
		}
		s.Granularity = library.PerGroup(f.axis, f.groupSize)
	default:
		return usagef("granularity %q is none of %s, %s and %s", f.granularity, option.PerTensor, option.PerChannel, granularityGroup)
	}
	if f.granularity != option.PerGroup && changed("group-size") {
		return usagef("--group-size goes with --granularity group, not with %s", f.granularity)
	}
	return nil
}

// outputs lists the files to write.
func (f *calibrateFlags) outputs() []output {
	return []output{{"output", f.output}, {"state", f.state}, {"moments", f.moments.path}}
}

// checkFiles checks the names of the input and output files.
func (f *calibrateFlags) checkFiles(changed func(flag string) bool, args []string) error {
	for _, x := range f.outputs() {
		if changed(x.flag) && x.path == "" {
			return usagef("--%s needs the name of a file", x.flag)
		}
		for _, in := range args {
			if in != "-" && x.flag == "output" && same(x.path, in) {
				return usagef("--output %s would overwrite a file that is read", x.path)
			}
		}
	}
	if err := checkEnding("output", f.output, endings[formatJSON]...); err != nil {
		return err
	}
	dashes := 0
	for _, in := range args {
		if in == "-" {
			dashes++
		}
	}
	switch {
	case same(f.output, f.state):
		return usagef("--output and --state name the same file")
	case same(f.moments.path, f.output) || same(f.moments.path, f.state):
		return usagef("--moments names the same file as --output or --state")
	case f.moments.only(f):
		return f.moments.check(changed, f, dashes)
	case f.output == "" && f.state == "" && f.format != formatJSON:
		return usagef("--output is missing: the name of the calibration file to write")
	case dashes > 1:
		return usagef("standard input can be read once only")
	case f.merge && dashes > 0:
		return usagef("--merge joins files, not standard input")
	}
	return f.moments.check(changed, f, dashes)
}

// keepInputs returns an error if an output is one of the files that are read: seen, which have second
// moments, old states, and batches. A state may be replaced by the state that goes on from it, and so
// may a file of second moments.
func (f *calibrateFlags) keepInputs(seen, old, batches []string) error {
	read := append(slices.Clone(batches), f.moments.layers)
	for _, x := range f.outputs() {
		others := slices.Concat(read, seen, old)
		switch x.flag {
		case "state":
			others = slices.Concat(read, seen)
		case "moments":
			others = slices.Concat(read, old)
		}
		if err := x.keeps(others...); err != nil {
			return err
		}
	}
	return nil
}

// overridden returns the scheme of a state file, changed by the flags that were given.
func (f *calibrateFlags) overridden(cmd *cobra.Command, s library.Scheme) library.Scheme {
	changed := func(flag string) bool { return cmd.Flags().Changed(flag) || f.system != "" && flag != "method" }
	if changed("method") {
		s.Method = f.scheme.Method
	}
	if changed("bits") {
		s.Bits = f.scheme.Bits
	}
	if changed("unsigned") {
		s.Unsigned = f.scheme.Unsigned
	}
	if changed("mapping") {
		s.Mapping = f.scheme.Mapping
	}
	if changed("narrow-range") {
		s.NarrowRange = f.scheme.NarrowRange
	}
	if changed("signed-scale") {
		s.SignedScale = f.scheme.SignedScale
	}
	if changed("zero-in-range") {
		s.ZeroInRange = f.scheme.ZeroInRange
	}
	return s
}

func (m *momentFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&m.path, "moments", "", "keep the second moments of the inputs of layers in a `file`")
	flags.StringVar(&m.layers, "layers", "", "for --moments: the tensors are values of this ONNX `model`")
	flags.StringVar(&m.memory, "moments-memory", "1G", "for --moments: a `size`; layers that do not fit keep the mean squares of their inputs alone")
}

// only reports whether second moments are all that is asked for.
func (m *momentFlags) only(f *calibrateFlags) bool {
	return m.path != "" && f.output == "" && f.state == "" && f.format != formatJSON
}

// check returns a usage error for wrong flags.
func (m *momentFlags) check(changed func(flag string) bool, f *calibrateFlags, dashes int) error {
	var err error
	switch {
	case m.path == "" && (changed("layers") || changed("moments-memory")):
		return usagef("--layers and --moments-memory go with --moments")
	case m.path != "" && dashes > 0:
		return usagef("--moments reads files, not standard input")
	case f.merge && changed("layers"):
		return usagef("--layers does not go with --merge: second moments have been observed already")
	}
	if m.limit, err = parseBytes(m.memory); err != nil {
		return usagef("--moments-memory: %w", err)
	}
	return nil
}
