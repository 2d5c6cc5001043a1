package beam

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/beam/report"
)

func init() {
	registerTypes(&keptFn{}, &planFn{}, &compareFn{}, &writeReportFn{}, Job{}, LeftOut{})
	beam.RegisterCoder(reflect.TypeFor[report.Entry](), encodeEntry, decodeEntry)
}

// encodeEntry writes the position of an entry, whether its tensor was skipped,
// the length of its name, the name and the JSON.
func encodeEntry(e report.Entry) ([]byte, error) {
	skipped := uint64(0)
	if e.Skipped {
		skipped = 1
	}
	b := make([]byte, 0, len(e.Name)+len(e.JSON)+3*binary.MaxVarintLen64)
	for _, n := range []uint64{uint64(e.Position), skipped, uint64(len(e.Name))} {
		b = binary.AppendUvarint(b, n)
	}
	return append(append(b, e.Name...), e.JSON...), nil
}

func decodeEntry(b []byte) (report.Entry, error) {
	var head [3]uint64
	for i := range head {
		n, k := binary.Uvarint(b)
		if k <= 0 {
			return report.Entry{}, errors.New("an entry of a report is damaged")
		}
		head[i], b = n, b[k:]
	}
	if head[2] > uint64(len(b)) {
		return report.Entry{}, errors.New("an entry of a report is damaged")
	}
	n := int(head[2])
	return report.Entry{Position: int(head[0]), Skipped: head[1] == 1, Name: string(b[:n]), JSON: json.RawMessage(b[n:])}, nil
}

// CompareOptions say what Compare does. Exactly one of Compare and Sweep must be set.
type CompareOptions struct {
	Source  string // the name of the source in the report
	Compare *report.Options
	Sweep   *report.SweepOptions
}

// Validate returns an error if an option is not valid, or unless exactly one of Compare and
// Sweep is set.
func (o CompareOptions) Validate() error {
	switch {
	case (o.Compare == nil) == (o.Sweep == nil):
		return errors.New("either a comparison or a sweep is needed")
	case o.Compare != nil:
		return o.Compare.Validate()
	}
	return o.Sweep.Validate()
}

// patterns returns the patterns of the names of tensors.
func (o CompareOptions) patterns() []string {
	if o.Compare != nil {
		return o.Compare.Tensors
	}
	return o.Sweep.Tensors
}

// axis returns the axis of the channels in the options.
func (o CompareOptions) axis() *int {
	if o.Compare != nil {
		return o.Compare.Axis
	}
	return o.Sweep.Axis
}

// entry compares or sweeps a tensor.
func (o CompareOptions) entry(j Job, src quant.Source) (report.Entry, error) {
	if o.Compare != nil {
		return o.Compare.Entry(j.Position, described(j.Tensor), src)
	}
	return o.Sweep.Entry(j.Position, described(j.Tensor), src)
}

// described returns the tensor of r as it is in a report: a scalar has the shape [1].
func described(r Ref) report.Tensor {
	shape := r.Shape
	if len(shape) == 0 {
		shape = []int{1}
	}
	return report.Tensor{Name: r.Name, DType: r.Word, Shape: shape, Bytes: r.Bytes, Floating: size(r.DType) > 0}
}

// A Job is a tensor to compare, with its position among all tensors of the source.
type Job struct {
	Position int
	Tensor   Ref
}

// Compare measures the errors of quantizing tensors. from must be the result of Find without
// patterns of names. The result is a collection of report.Entry: for each tensor its part of
// the report, or the reason why it is not compared.
//
// One worker compares a tensor, and reads it in pieces. The rules for skipping tensors are
// those of quant compare: a tensor of one dimension is compared only if it is the only tensor,
// or if its full name is given.
func Compare(s beam.Scope, o CompareOptions, from Sources) beam.PCollection {
	s = s.Scope("quant.Compare")
	all := beam.Flatten(s, beam.ParDo(s, &keptFn{}, from.Tensors), from.Left)
	jobs, skipped := beam.ParDo2(s, &planFn{Options: o}, beam.GroupByKey(s, beam.AddFixedKey(s, all)))
	return beam.Flatten(s, beam.ParDo(s, &compareFn{Options: o}, beam.Reshuffle(s, jobs)), skipped)
}

// WriteReport writes the result of Compare to a file: the JSON of quant compare or quant sweep.
func WriteReport(s beam.Scope, o CompareOptions, path string, entries beam.PCollection) {
	s = s.Scope("quant.WriteReport")
	beam.ParDo0(s, &writeReportFn{Options: o, Path: path}, beam.GroupByKey(s, beam.AddFixedKey(s, entries)))
}

// CompareFiles compares the tensors of the files of globs and writes the report. If bad is not
// empty, it also writes the bad files, one on each line.
func CompareFiles(s beam.Scope, o CompareOptions, find Options, path, bad string, globs ...string) {
	find.Tensors = nil // the report needs all tensors
	from := Find(s, find, globs...)
	WriteReport(s, o, path, Compare(s, o, from))
	if bad != "" {
		WriteBad(s, bad, from.Bad)
	}
}

// A keptFn converts a tensor that is read to the type of tensors that are left out.
type keptFn struct{}

func (*keptFn) ProcessElement(r Ref) LeftOut { return LeftOut{Tensor: r} }

// A planFn sorts all tensors in the order of the report, and says which are compared.
type planFn struct{ Options CompareOptions }

func (f *planFn) ProcessElement(_ context.Context, _ int, next func(*LeftOut) bool, emit func(Job), skip func(report.Entry)) error {
	var all []LeftOut
	for x := (LeftOut{}); next(&x); x = (LeftOut{}) {
		all = append(all, x)
	}
	slices.SortFunc(all, func(a, b LeftOut) int {
		return cmp.Or(cmp.Compare(a.Tensor.File, b.Tensor.File), cmp.Compare(a.Tensor.Index, b.Tensor.Index))
	})
	owner := map[string]string{}
	picked := false
	for i, x := range all {
		t := x.Tensor
		if other, twice := owner[t.Name]; twice && other == t.File && all[i-1].Tensor.Index == t.Index {
			return fmt.Errorf("%s: two globs name it", t.File)
		} else if twice {
			return fmt.Errorf("tensor %q is in two files, %s and %s", t.Name, other, t.File)
		}
		owner[t.Name] = t.File
		patterns := f.Options.patterns()
		if !report.Picked(patterns, t.Name) {
			continue
		}
		picked = true
		reason := x.Reason
		if reason == "" {
			reason = described(t).Left(len(all) == 1 || slices.Contains(patterns, t.Name))
		}
		if reason == "" {
			emit(Job{Position: i, Tensor: t})
			continue
		}
		e, err := report.Skip(i, described(t), reason, false)
		if err != nil {
			return err
		}
		skip(e)
	}
	if !picked && len(all) > 0 {
		return fmt.Errorf("%s: no tensor matches %s; there are %s", f.Options.Source, quoted(f.Options.patterns()), quotedNames(all))
	}
	return nil
}

// quoted quotes patterns for an error.
func quoted(patterns []string) string {
	var b []byte
	for i, p := range patterns {
		if i > 0 {
			b = append(b, " or "...)
		}
		b = strconv.AppendQuote(b, p)
	}
	return string(b)
}

// quotedNames quotes the names of the first ten tensors for an error.
func quotedNames(all []LeftOut) string {
	const most = 10
	var b []byte
	for i, x := range all[:min(len(all), most)] {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = strconv.AppendQuote(b, x.Tensor.Name)
	}
	if n := len(all) - most; n > 0 {
		b = fmt.Appendf(b, " and %d more", n)
	}
	return string(b)
}

// A compareFn compares one tensor.
type compareFn struct{ Options CompareOptions }

var (
	tensorsCompared = beam.NewCounter("quant", "compared")
	tensorsFailed   = beam.NewCounter("quant", "failed")
)

func (f *compareFn) ProcessElement(ctx context.Context, j Job, emit func(report.Entry)) error {
	src, err := openValues(ctx, j.Tensor)
	if err != nil {
		return inTensor(j.Tensor.File, j.Tensor.Name, err)
	}
	defer src.close()
	e, err := f.Options.entry(j, src)
	var failed *readError
	switch {
	case errors.As(err, &failed):
		// The runner tries again, since the next read may succeed.
		return inTensor(j.Tensor.File, j.Tensor.Name, failed.err)
	case err != nil:
		tensorsFailed.Inc(ctx, 1)
		t := described(j.Tensor)
		if e, err = report.Skip(j.Position, t, t.Reason(err, f.Options.axis()), true); err != nil {
			return err
		}
	default:
		tensorsCompared.Inc(ctx, 1)
	}
	n, err := count(j.Tensor.Shape)
	if err != nil {
		return err
	}
	valuesRead.Inc(ctx, int64(n))
	bytesRead.Inc(ctx, j.Tensor.Bytes)
	emit(e)
	return nil
}

// A writeReportFn writes a report. A repeated bundle writes the same bytes.
type writeReportFn struct {
	Options CompareOptions
	Path    string
}

func (f *writeReportFn) ProcessElement(ctx context.Context, _ int, next func(*report.Entry) bool) error {
	var all []report.Entry
	for e := (report.Entry{}); next(&e); {
		all = append(all, e)
	}
	var b bytes.Buffer
	var err error
	if o := f.Options; o.Compare != nil {
		err = report.WriteComparison(&b, o.Source, *o.Compare, all)
	} else {
		err = report.WriteSweep(&b, o.Source, *o.Sweep, all)
	}
	if err != nil {
		return err
	}
	return writeFile(ctx, f.Path, b.Bytes())
}
