package beam

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/graph"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/graph/coder"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/graph/mtime"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/graph/window"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime/exec"

	"github.com/a01592f9/quant/beam/report"
)

// Prism ends a job when a bundle fails. So these tests do what a runner does
// that repeats bundles: they give the SDK's own worker code bundles that fail at
// random places, throw away what a failed bundle has put out, and repeat it.

// A unit has what all units of a plan need.
type unit struct{ id exec.UnitID }

func (u unit) ID() exec.UnitID                                             { return u.id }
func (u unit) Up(context.Context) error                                    { return nil }
func (u unit) StartBundle(context.Context, string, exec.DataContext) error { return nil }
func (u unit) FinishBundle(context.Context) error                          { return nil }
func (u unit) Down(context.Context) error                                  { return nil }

// An element of a bundle, with the values of its key after a grouping.
type element struct {
	exec.FullValue
	values []exec.FullValue
}

// decoded returns the values. Accumulators are decoded anew for each attempt,
// as a worker does that gets them from a shuffle, because merging changes them.
func (e element) decoded() []exec.FullValue {
	values := slices.Clone(e.values)
	for i := range values {
		a, err := decodeAccumulator(values[i].Elm.([]byte))
		if err != nil {
			panic(err)
		}
		values[i].Elm = a
	}
	return values
}

// newElement returns an element in the one window of a batch pipeline.
func newElement(elm, elm2 any, values ...any) element {
	value := func(a, b any) exec.FullValue {
		return exec.FullValue{Elm: a, Elm2: b, Timestamp: mtime.ZeroTimestamp, Windows: window.SingleGlobalWindow}
	}
	e := element{FullValue: value(elm, elm2)}
	for _, v := range values {
		e.values = append(e.values, value(v, nil))
	}
	return e
}

// A source gives a plan the elements of a bundle.
type source struct {
	unit
	bundle []element
	out    exec.Node
}

func (s *source) StartBundle(ctx context.Context, id string, data exec.DataContext) error {
	return s.out.StartBundle(ctx, id, data)
}

func (s *source) FinishBundle(ctx context.Context) error { return s.out.FinishBundle(ctx) }

func (s *source) Process(ctx context.Context) ([]*exec.Checkpoint, error) {
	for i := range s.bundle {
		e := s.bundle[i].FullValue
		var values []exec.ReStream
		if s.bundle[i].values != nil {
			values = append(values, &exec.FixedReStream{Buf: s.bundle[i].decoded()})
		}
		if err := s.out.ProcessElement(ctx, &e, values...); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// A sink keeps what a bundle puts out.
type sink struct {
	unit
	got []exec.FullValue
}

func (s *sink) ProcessElement(_ context.Context, e *exec.FullValue, _ ...exec.ReStream) error {
	s.got = append(s.got, *e)
	return nil
}

// A breaker passes elements on, and fails after some of them: with an error, or
// with a panic.
type breaker struct {
	unit
	left   int // elements until the failure; negative for none
	panics bool
	out    exec.Node
}

var errInjected = errors.New("injected failure")

func (b *breaker) StartBundle(ctx context.Context, id string, data exec.DataContext) error {
	return b.out.StartBundle(ctx, id, data)
}

func (b *breaker) FinishBundle(ctx context.Context) error {
	if b.left == 0 {
		return errInjected
	}
	return b.out.FinishBundle(ctx)
}

func (b *breaker) ProcessElement(ctx context.Context, e *exec.FullValue, values ...exec.ReStream) error {
	if b.left == 0 && b.panics {
		panic(errInjected)
	}
	if b.left == 0 {
		return errInjected
	}
	b.left--
	return b.out.ProcessElement(ctx, e, values...)
}

// A runner cuts elements into random bundles, and repeats those that fail.
type runner struct {
	t        *testing.T
	r        *rand.Rand
	failures int
	units    exec.UnitID
}

func (r *runner) unit() unit {
	r.units++
	return unit{r.units}
}

// A stage returns the units of a plan behind its source, the first one first. They
// end in out, and have the breaker between them.
type stage func(b *breaker, out exec.Node) []exec.Unit

// run runs a stage over all elements, and returns what it has put out.
func (r *runner) run(s stage, all []element) []exec.FullValue {
	r.t.Helper()
	r.r.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
	var out []exec.FullValue
	for len(all) > 0 {
		n := 1 + r.r.IntN(min(len(all), 5))
		failing := 2 // times that a bundle fails, at most
		for {
			left := -1
			if failing > 0 && r.r.IntN(3) > 0 {
				left = r.r.IntN(n + 1)
			}
			failing--
			got, err := r.bundle(s, all[:n], left)
			if err == nil {
				out = append(out, got...)
				break
			}
			if left < 0 {
				r.t.Fatal(err)
			}
			r.failures++
		}
		all = all[n:]
	}
	return out
}

// bundle runs one bundle, which fails after so many elements.
func (r *runner) bundle(s stage, bundle []element, left int) ([]exec.FullValue, error) {
	out := &sink{unit: r.unit()}
	b := &breaker{unit: r.unit(), left: left, panics: r.r.IntN(2) == 0}
	units := s(b, out)
	root := &source{unit: r.unit(), bundle: bundle, out: units[0].(exec.Node)}
	plan, err := exec.NewPlan("bundle", append([]exec.Unit{root}, units...))
	if err != nil {
		r.t.Fatal(err)
	}
	err = plan.Execute(context.Background(), "1", exec.DataContext{})
	return out.got, err
}

// parDo returns a stage of one DoFn that has so many outputs, of which the
// first counts.
func (r *runner) parDo(fn any, outputs int) stage {
	return func(b *breaker, out exec.Node) []exec.Unit {
		b.out = out
		f, err := graph.NewDoFn(fn, graph.NumMainInputs(graph.MainSingle))
		if err != nil {
			r.t.Fatal(err)
		}
		p := &exec.ParDo{UID: r.unit().id, Fn: f, Out: []exec.Node{b}}
		units := []exec.Unit{p, b, out}
		for range outputs - 1 {
			x := &sink{unit: r.unit()}
			p.Out = append(p.Out, x)
			units = append(units, x)
		}
		return units
	}
}

// pieces is the stage that cuts tensors into restrictions.
func (r *runner) pieces(fn *graph.DoFn) stage {
	return func(b *breaker, out exec.Node) []exec.Unit {
		b.out = out
		split := &exec.SplitAndSizeRestrictions{UID: r.unit().id, Fn: fn, Out: b}
		pair := &exec.PairWithRestriction{UID: r.unit().id, Fn: fn, Out: split}
		return []exec.Unit{pair, split, b, out}
	}
}

// combine returns the parts of a combination.
func (r *runner) combine(o Options, out exec.Node) *exec.Combine {
	f, err := graph.NewCombineFn(&ObserveFn{Scheme: o.Scheme, IgnoreNotFinite: o.IgnoreNotFinite})
	if err != nil {
		r.t.Fatal(err)
	}
	return &exec.Combine{UID: r.unit().id, Fn: f, Out: out}
}

// observe is the stage that reads blocks and observes them in accumulators.
func (r *runner) observe(fn *graph.DoFn, o Options) stage {
	return func(b *breaker, out exec.Node) []exec.Unit {
		lifted := &exec.LiftedCombine{Combine: r.combine(o, out), KeyCoder: coder.NewString(), WindowCoder: coder.NewGlobalWindow()}
		b.out = lifted
		p := &exec.ParDo{UID: r.unit().id, Fn: fn, Out: []exec.Node{b}}
		return []exec.Unit{&exec.ProcessSizedElementsAndRestrictions{PDo: p}, b, lifted, out}
	}
}

// merge is the stage that merges the accumulators of each tensor.
func (r *runner) merge(o Options) stage {
	return func(b *breaker, out exec.Node) []exec.Unit {
		b.out = out
		extract := &exec.ExtractOutput{Combine: r.combine(o, b)}
		merge := &exec.MergeAccumulators{Combine: r.combine(o, extract)}
		return []exec.Unit{merge, extract, b, out}
	}
}

// elements makes elements of what a stage has put out.
func elements(out []exec.FullValue) []element {
	var all []element
	for _, e := range out {
		all = append(all, newElement(e.Elm, e.Elm2))
	}
	return all
}

// accumulators brings the accumulators of each tensor together, each coded as
// between two workers.
func (r *runner) accumulators(out []exec.FullValue) []element {
	by := map[string][]any{}
	for _, e := range out {
		b, err := encodeAccumulator(e.Elm2.(Accumulator))
		if err != nil {
			r.t.Fatal(err)
		}
		by[e.Elm.(string)] = append(by[e.Elm.(string)], b)
	}
	var all []element
	for _, name := range slices.Sorted(maps.Keys(by)) {
		r.r.Shuffle(len(by[name]), func(i, k int) { by[name][i], by[name][k] = by[name][k], by[name][i] })
		all = append(all, newElement(name, nil, by[name]...))
	}
	return all
}

// files are the names of files as elements.
func files(names []string) []element {
	var all []element
	for _, f := range names {
		all = append(all, newElement(f, nil))
	}
	return all
}

func TestRepeatedBundlesOfCalibration(t *testing.T) {
	dir := batches(t)
	names, err := filepath.Glob(dir + "/*/*.npy")
	if err != nil {
		t.Fatal(err)
	}
	for scheme, flags := range map[string][]string{
		"int8:percentile=99.9:zero": {"--method", "percentile=99.9"},
		"int8:channel@1:mse:zero":   {"--method", "mse", "--axis", "1"},
	} {
		calibration, state := onTool(t, flags, names...)
		for seed := range uint64(3) {
			t.Run(fmt.Sprintf("%s, seed %d", scheme, seed), func(t *testing.T) {
				o := Options{Scheme: scheme, Name: "{folder}"}
				r := &runner{t: t, r: rand.New(rand.NewPCG(seed, 1))}
				read, err := graph.NewDoFn(&readFn{Options: o}, graph.NumMainInputs(graph.MainSingle))
				if err != nil {
					t.Fatal(err)
				}
				refs := r.run(r.parDo(&openFn{Options: o}, 3), files(names))
				parts := r.run(r.pieces(read), elements(refs))
				seen := r.run(r.merge(o), r.accumulators(r.run(r.observe(read, o), elements(parts))))
				described := r.run(r.parDo(&describeFn{Scheme: scheme}, 1), elements(seen))
				if r.failures < 10 {
					t.Errorf("%d bundles were repeated: too few for a test", r.failures)
				}
				if got := written(t, &writeFn{Kind: calibrationFile}, described); !bytes.Equal(got, calibration) {
					t.Errorf("calibration\n%.600s\nwant\n%.600s", got, calibration)
				}
				if got := written(t, &writeFn{Kind: stateFile}, seen); !bytes.Equal(got, state) {
					t.Errorf("%d bytes of state, want %d: they differ", len(got), len(state))
				}
			})
		}
	}
}

// written returns the bytes of a file after the bundle that writes it has run
// twice.
func written(t *testing.T, f *writeFn, values []exec.FullValue) []byte {
	t.Helper()
	f.Path = filepath.Join(t.TempDir(), "out")
	for range 2 {
		next := slices.Values(values)
		all := slices.Collect(next)
		err := f.ProcessElement(context.Background(), 0, func(e *entry) bool {
			if len(all) == 0 {
				return false
			}
			*e, all = entry{all[0].Elm.(string), all[0].Elm2.([]byte)}, all[1:]
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return onlyFile(t, f.Path)
}

func TestRepeatedBundlesOfComparison(t *testing.T) {
	dir := shards(t)
	names, err := filepath.Glob(dir + "/*.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	options := report.DefaultOptions()
	o := CompareOptions{Source: dir, Compare: &options}
	want, _ := jsonOnTool(t, "compare", dir)
	for seed := range uint64(3) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			r := &runner{t: t, r: rand.New(rand.NewPCG(seed, 2))}
			refs := r.run(r.parDo(&openFn{}, 3), files(names))
			slices.SortFunc(refs, func(a, b exec.FullValue) int {
				x, y := a.Elm.(Ref), b.Elm.(Ref)
				return cmp.Or(cmp.Compare(x.File, y.File), cmp.Compare(x.Index, y.Index))
			})
			var jobs []element
			for i, e := range refs {
				if len(e.Elm.(Ref).Shape) > 1 {
					jobs = append(jobs, newElement(Job{Position: i, Tensor: e.Elm.(Ref)}, nil))
				}
			}
			var entries []report.Entry
			for _, e := range r.run(r.parDo(&compareFn{Options: o}, 1), jobs) {
				entries = append(entries, e.Elm.(report.Entry))
			}
			if r.failures < 2 {
				t.Errorf("%d bundles were repeated: too few for a test", r.failures)
			}
			var got bytes.Buffer
			if err := report.WriteComparison(&got, dir, options, entries); err != nil {
				t.Fatal(err)
			}
			// The tensors are those of the tool; which were skipped is the plan's part.
			from, to := []byte("\n  \"tensors\": ["), []byte("\n  \"skipped\": [")
			if g, w := between(got.Bytes(), from, to), between(want, from, to); len(w) == 0 || !bytes.Equal(g, w) {
				t.Errorf("the tensors differ from the tool's %s", firstDifference(g, w))
			}
			if err := report.WriteComparison(&got, dir, options, append(entries, entries[0])); err == nil {
				t.Error("an entry counts twice")
			}
		})
	}
}

// between returns the bytes from one mark to another.
func between(b, from, to []byte) []byte {
	i, k := bytes.Index(b, from), bytes.LastIndex(b, to)
	if i < 0 || k < i {
		return nil
	}
	return b[i:k]
}
