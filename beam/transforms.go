package beam

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/a01592f9/quant/calibfile"
)

func init() {
	registerTypes(&fanFn{}, &fannedFn{}, &describeFn{}, &entryFn{}, &writeFn{}, &reasonFn{}, entry{})
}

// Observe observes parts of tensors. parts is a collection of KV<string, Part>, keyed by the
// names of the tensors. The result is KV<string, []byte>: the binary form of the calibfile.Seen
// of each tensor.
func Observe(s beam.Scope, o Options, parts beam.PCollection) beam.PCollection {
	s = s.Scope("quant.Observe")
	f := &ObserveFn{Scheme: o.Scheme, IgnoreNotFinite: o.IgnoreNotFinite}
	if o.FanOut > 1 {
		some := beam.CombinePerKey(s, f, beam.ParDo(s, &fanFn{FanOut: o.FanOut}, parts))
		parts = beam.ParDo(s, &fannedFn{}, some)
	}
	return beam.CombinePerKey(s, f, parts)
}

// A fanFn gives the parts of a tensor different keys: the name with a number that depends on
// the part.
type fanFn struct{ FanOut int }

func (f *fanFn) ProcessElement(name string, p Part) (string, Part) {
	h := fnv.New32a()
	fmt.Fprintf(h, "%s %d", p.File, p.First)
	return fmt.Sprintf("%d %s", h.Sum32()%uint32(f.FanOut), name), p
}

// A fannedFn makes a part with the name as its key from the observations for one of these keys.
type fannedFn struct{}

func (*fannedFn) ProcessElement(key string, seen []byte) (string, Part) {
	_, name, _ := strings.Cut(key, " ")
	return name, Part{PartHeader{Tensor: name}, seen}
}

// Calibrate chooses the parameters of tensors from their parts, a collection of KV<string,
// Part>. The result is KV<string, []byte>: the calibfile.Tensor of each tensor in JSON, keyed
// by its name.
func Calibrate(s beam.Scope, o Options, parts beam.PCollection) beam.PCollection {
	return Describe(s, o, Observe(s, o, parts))
}

// Describe chooses the parameters of tensors from the result of Observe.
func Describe(s beam.Scope, o Options, seen beam.PCollection) beam.PCollection {
	return beam.ParDo(s.Scope("quant.Describe"), &describeFn{Scheme: o.Scheme}, seen)
}

// An entry is the name of a tensor with the bytes to write.
type entry struct {
	Name string
	Data []byte
}

// A describeFn chooses the parameters of a tensor.
type describeFn struct{ Scheme string }

var (
	notFinite  = beam.NewCounter("quant", "not_finite")
	stateBytes = beam.NewDistribution("quant", "state_bytes")
)

func (f *describeFn) ProcessElement(ctx context.Context, name string, seen []byte) (string, []byte, error) {
	s, err := Options{Scheme: f.Scheme}.scheme()
	if err != nil {
		return "", nil, err
	}
	x := new(calibfile.Seen)
	if err := x.UnmarshalBinary(seen); err != nil {
		return "", nil, fmt.Errorf("tensor %q: %w", name, err)
	}
	n := x.Observer.Counts()
	notFinite.Inc(ctx, int64(n.NaN+n.PosInf+n.NegInf))
	stateBytes.Update(ctx, int64(len(seen)))
	t, err := calibfile.Describe(name, x, s)
	if err != nil {
		return "", nil, err
	}
	data, err := json.Marshal(t)
	return name, data, err
}

// WriteCalibration writes the result of Calibrate to a calibration file, with the same bytes as
// quant calibrate.
func WriteCalibration(s beam.Scope, path string, described beam.PCollection) {
	write(s.Scope("quant.WriteCalibration"), &writeFn{path, calibrationFile}, described)
}

// WriteState writes the result of Observe to a state, with the same bytes as quant calibrate
// --state. quant calibrate --merge reads it.
func WriteState(s beam.Scope, path string, seen beam.PCollection) {
	write(s.Scope("quant.WriteState"), &writeFn{path, stateFile}, seen)
}

func write(s beam.Scope, f *writeFn, col beam.PCollection) {
	entries := beam.ParDo(s, &entryFn{}, col)
	beam.ParDo0(s, f, beam.GroupByKey(s, beam.AddFixedKey(s, entries)))
}

// CalibrateFiles observes the files of globs and writes the calibration file. If state or bad
// are not empty, it also writes the state, and the bad files with one file on each line.
func CalibrateFiles(s beam.Scope, o Options, path, state, bad string, globs ...string) {
	from := Find(s, o, globs...)
	seen := Observe(s, o, Read(s, o, from.Tensors))
	WriteCalibration(s, path, Describe(s, o, seen))
	if state != "" {
		WriteState(s, state, seen)
	}
	if bad != "" {
		WriteBad(s, bad, from.Bad)
	}
}

// WriteBad writes the bad files of Find, one on each line: the file, a tab and the reason. If
// there are none, it writes nothing.
func WriteBad(s beam.Scope, path string, bad beam.PCollection) {
	s = s.Scope("quant.WriteBad")
	write(s, &writeFn{path, badFile}, beam.ParDo(s, &reasonFn{}, bad))
}

// A reasonFn makes a pair of a bad file and its reason.
type reasonFn struct{}

func (*reasonFn) ProcessElement(b Bad) (string, []byte) { return b.File, []byte(b.Reason) }

// An entryFn makes a single value of a pair, so that all pairs can be grouped.
type entryFn struct{}

func (*entryFn) ProcessElement(name string, data []byte) entry { return entry{name, data} }

// The kinds of files of a writeFn.
const (
	calibrationFile = "calibration"
	stateFile       = "state"
	badFile         = "bad files"
)

// A writeFn writes a file with all tensors in the order of their names. A repeated bundle
// writes the same bytes.
type writeFn struct{ Path, Kind string }

func (f *writeFn) ProcessElement(ctx context.Context, _ int, next func(*entry) bool) error {
	tensors := map[string][]byte{}
	for e := (entry{}); next(&e); {
		if _, twice := tensors[e.Name]; twice {
			return fmt.Errorf("%s: tensor %q comes twice", f.Path, e.Name)
		}
		tensors[e.Name] = e.Data
	}
	data, err := f.encode(tensors)
	if err != nil {
		return fmt.Errorf("%s: %w", f.Path, err)
	}
	return writeFile(ctx, f.Path, data)
}

func (f *writeFn) encode(tensors map[string][]byte) ([]byte, error) {
	var b bytes.Buffer
	switch f.Kind {
	case stateFile:
		seen := map[string]*calibfile.Seen{}
		for name, data := range tensors {
			seen[name] = new(calibfile.Seen)
			if err := seen[name].UnmarshalBinary(data); err != nil {
				return nil, fmt.Errorf("tensor %q: %w", name, err)
			}
		}
		return calibfile.State(seen)
	case calibrationFile:
		file := calibfile.File{Format: calibfile.Format, Version: calibfile.Version}
		for _, name := range slices.Sorted(maps.Keys(tensors)) {
			var t calibfile.Tensor
			if err := json.Unmarshal(tensors[name], &t); err != nil {
				return nil, fmt.Errorf("tensor %q: %w", name, err)
			}
			file.Tensors = append(file.Tensors, t)
		}
		err := file.Write(&b)
		return b.Bytes(), err
	}
	if f.Kind == badFile {
		for _, name := range slices.Sorted(maps.Keys(tensors)) {
			fmt.Fprintf(&b, "%s\t%s\n", name, tensors[name])
		}
		return b.Bytes(), nil
	}
	return nil, fmt.Errorf("there is no file of the kind %q", f.Kind)
}
