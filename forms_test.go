package quant

import (
	"bytes"
	"encoding"
	"encoding/gob"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// Random values of all types that have a text, JSON or gob form, and what becomes of
// them in every place where a Go program can put them.

func someMapping(r *rand.Rand) Mapping { return Mapping(r.IntN(2)) }

func someMethod(r *rand.Rand) Method {
	m := Method{kind: methodKind(r.IntN(len(methods)))}
	if m.takesValue() {
		m.fraction = methods[m.kind].most * (1 - r.Float64())
	}
	return m
}

func someGranularity(r *rand.Rand) Granularity {
	axis := r.IntN(9) - 4
	block := PerBlock(r.IntN(4), 1+r.IntN(1000), -1, 1+r.IntN(1000))
	return []Granularity{PerTensor, PerChannel(axis), PerGroup(axis, 1+r.IntN(1000)), block}[r.IntN(4)]
}

func someFormat(r *rand.Rand) Format {
	return append(Formats(), Integers)[r.IntN(len(Formats())+1)]
}

// someScheme returns a valid scheme in the form that reading gives it.
func someScheme(r *rand.Rand) Scheme {
	for {
		s := Scheme{Bits: r.IntN(17), Granularity: someGranularity(r), Mapping: someMapping(r), Method: someMethod(r)}
		if r.IntN(2) == 0 {
			s.Format = someFormat(r)
		}
		if r.IntN(3) == 0 {
			s.Scales = ScaleFormat(r.IntN(int(scaleFormats)))
		}
		s.Unsigned, s.NarrowRange, s.ZeroInRange = r.IntN(2) == 0, r.IntN(4) == 0, r.IntN(4) == 0
		if s.SignedScale = r.IntN(2) == 0; s.SignedScale && s.Validate() != nil {
			s.SignedScale = false
		}
		if s.Validate() == nil {
			return s.normal()
		}
	}
}

func someParams(r *rand.Rand) Params {
	p := Params{Scheme: someScheme(r), Scale: []float32{}, ZeroPoint: []int32{}}
	if p.Scheme.Scales == E4M3Scale {
		p.TensorScale = 0.3
	}
	for range r.IntN(5) {
		scale := math.Float32frombits(1 + r.Uint32N(0x7f7fffff))
		if p.Scheme.Scales != Float32Scale {
			rule := p.Scheme.scaleRule(0.3)
			scale = rule.stored(scale, 0, minScale)
		}
		if p.Scheme.SignedScale && r.IntN(2) == 0 {
			scale = -scale
		}
		p.Scale = append(p.Scale, scale)
		p.ZeroPoint = append(p.ZeroPoint, r.Int32N(2*maxZeroPoint+1)-maxZeroPoint)
	}
	return p
}

func someMetrics(r *rand.Rand) Metrics {
	m := Metrics{r.Int(), r.ExpFloat64(), r.ExpFloat64(), r.ExpFloat64(), 40 * r.NormFloat64(), r.Int()}
	switch r.IntN(4) {
	case 0:
		m.MAE, m.RMSE, m.MaxError, m.SQNR = math.Inf(1), math.NaN(), math.Inf(1), math.Inf(-1)
	case 1:
		m.SQNR = math.Inf(1)
	}
	return m
}

func someList[T any](r *rand.Rand, random func(*rand.Rand) T) []T {
	var list []T
	for range r.IntN(4) {
		list = append(list, random(r))
	}
	return list
}

func someMemory(r *rand.Rand) Memory { return Memory{r.Int64(), r.Int64()} }

func someRange(r *rand.Rand) Range {
	a, b := float32(r.NormFloat64()), float32(r.NormFloat64())
	return Range{min(a, b), max(a, b)}
}

func someResult(r *rand.Rand) Result {
	return Result{someParams(r), someMetrics(r), someMemory(r), someList(r, someMetrics)}
}

func someDifferences(r *rand.Rand) Differences {
	return Differences{r.IntN(4) - 1, someMetrics(r), someList(r, someMetrics)}
}

func someComparison(r *rand.Rand) Comparison {
	return Comparison{Axis: r.IntN(4) - 1, Shape: []int{1 + r.Int()}, Range: someRange(r),
		ChannelRanges: someList(r, someRange), Results: someList(r, someResult)}
}

// same are the options under which cmp compares values of all types. NaN equals NaN.
var same = cmp.Options{cmpopts.EquateNaNs(), cmpopts.IgnoreUnexported(Comparison{})}

// checkPlaces takes v through JSON and gob alone, in a struct, a list, an array, a map
// and behind pointers.
func checkPlaces[T any](t *testing.T, v T) {
	t.Helper()
	type inner struct{ V T }
	type holder struct {
		Before int
		Value  T
		Point  *T
		Twice  **T
		List   []T
		Array  [2]T
		ByName map[string]T
		Inner  inner
		After  string
	}
	p := &v
	h := holder{1, v, p, &p, []T{v, v}, [2]T{v, v}, map[string]T{"a b": v}, inner{v}, "after"}
	j, g := through(t, h)
	if d := cmp.Diff(h, j, same); d != "" {
		t.Fatalf("JSON (-want +got)\n%s", d)
	}
	if d := cmp.Diff(h, g, same); d != "" {
		t.Fatalf("gob (-want +got)\n%s", d)
	}
	j1, g1 := through(t, v)
	if d := cmp.Diff(v, j1, same) + cmp.Diff(v, g1, same); d != "" {
		t.Fatalf("alone (-want +got)\n%s", d)
	}
}

// checkText takes v through its text form, as a key of a map, and as a flag.
func checkText[T comparable, P interface {
	*T
	encoding.TextUnmarshaler
}](t *testing.T, v T) {
	t.Helper()
	text, err := any(v).(encoding.TextMarshaler).MarshalText()
	if err != nil {
		t.Fatalf("%v: %v", v, err)
	}
	var back T
	if err := P(&back).UnmarshalText(text); err != nil || back != v {
		t.Fatalf("%s became %v, %v", text, back, err)
	}
	keys := map[T]string{v: "value"}
	j, g := through(t, keys)
	if j[v] != "value" || g[v] != "value" || len(j)+len(g) != 2 {
		t.Fatalf("as a key %s became %v in JSON and %v in gob", text, j, g)
	}
	var fromFlag T
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.TextVar(P(&fromFlag), "x", any(v).(encoding.TextMarshaler), "")
	if fromFlag != v {
		t.Fatalf("the default of a flag, %s, became %v", text, fromFlag)
	}
	fromFlag = *new(T)
	if err := flags.Parse([]string{"-x", string(text)}); err != nil || fromFlag != v {
		t.Fatalf("the flag -x %s became %v, %v", text, fromFlag, err)
	}
	if err := flags.Parse([]string{"-x", "none such"}); err == nil {
		t.Fatalf("a flag takes %q for a %T", "none such", v)
	}
}

// many runs a test on random values of a type.
func many[T any](t *testing.T, name string, random func(*rand.Rand) T, checks ...func(*testing.T, T)) {
	t.Run(name, func(t *testing.T) {
		r := rand.New(rand.NewPCG(11, 5))
		for range 200 {
			v := random(r)
			for _, check := range checks {
				check(t, v)
			}
		}
	})
}

func TestRoundTrips(t *testing.T) {
	many(t, "Mapping", someMapping, checkPlaces, checkText[Mapping])
	many(t, "Method", someMethod, checkPlaces, checkText[Method])
	many(t, "Granularity", someGranularity, checkPlaces, checkText[Granularity])
	many(t, "Format", someFormat, checkPlaces, checkText[Format])
	many(t, "Scheme", someScheme, checkPlaces, checkText[Scheme])
	many(t, "Params", someParams, checkPlaces)
	many(t, "Metrics", someMetrics, checkPlaces)
	many(t, "Memory", someMemory, checkPlaces)
	many(t, "Range", someRange, checkPlaces)
	many(t, "Result", someResult, checkPlaces)
	many(t, "Differences", someDifferences, checkPlaces)
	many(t, "Comparison", someComparison, checkPlaces)
}

// TestRoundTripsOfObservers takes observers through JSON and gob, also copies of them.
func TestRoundTripsOfObservers(t *testing.T) {
	type holder struct {
		Before string
		O      *Observer
		List   []*Observer
		ByName map[string]*Observer
	}
	r := rand.New(rand.NewPCG(11, 6))
	for range 20 {
		o := newObserver(t, someScheme(r), NotFinitePolicy(r.IntN(2)))
		x := make([]float32, 64)
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		shape := []int{2, 2, 2, 2, 4}
		if err := o.Observe(Tensor{x, shape}); err != nil {
			t.Fatal(err)
		}
		want := stateOf(t, o)
		j, g := through(t, holder{"before", o, []*Observer{o}, map[string]*Observer{"o": o}})
		for _, h := range []holder{j, g} {
			for _, got := range []*Observer{h.O, h.List[0], h.ByName["o"]} {
				if h.Before != "before" || !bytes.Equal(stateOf(t, got), want) {
					t.Fatalf("%v: another state", o.Scheme())
				}
			}
		}
	}
}

// TestObserverInStruct marshals a struct that has an Observer and not a pointer to one.
func TestObserverInStruct(t *testing.T) {
	type holder struct{ O Observer }
	h := new(holder)
	if err := h.O.UnmarshalBinary(stateOf(t, observed123(t))); err != nil {
		t.Fatal(err)
	}
	want, err := json.Marshal(h)
	if err != nil || !strings.Contains(string(want), `"state":"`) {
		t.Fatalf("%s, %v", want, err)
	}
	// go vet reports copies of an Observer, but not those of package reflect.
	got, err := json.Marshal(reflect.ValueOf(h).Elem().Interface())
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("by value: %s, %v, want %s", got, err, want)
	}
	if b, err := json.Marshal(reflect.ValueOf(new(holder)).Elem().Interface()); !errors.Is(err, ErrState) {
		t.Fatalf("the zero Observer: %s, %v", b, err)
	}
	if err := gob.NewEncoder(io.Discard).Encode(new(holder)); err == nil {
		t.Fatal("gob takes the zero Observer")
	}
}

// observed123 returns an observer of the values 1, 2 and 3.
func observed123(t testing.TB) *Observer {
	o, err := NewObserver(Scheme{Bits: 8, Method: Entropy}, RefuseNotFinite)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Observe(Tensor{Data: []float32{1, 2, 3}}); err != nil {
		t.Fatal(err)
	}
	return o
}

// TestEmbedded holds what the documentation says of structs that embed a type: the
// embedded type's methods become those of the struct.
func TestEmbedded(t *testing.T) {
	p := Params{Scheme: Scheme{Bits: 8}, Scale: []float32{0.5}, ZeroPoint: []int32{3}}
	t.Run("named field", func(t *testing.T) {
		type layer struct {
			Name   string
			Params Params
		}
		want := layer{"conv", p}
		if j, g := through(t, want); cmp.Diff(want, j)+cmp.Diff(want, g) != "" {
			t.Fatal(j, g)
		}
	})
	t.Run("embedded", func(t *testing.T) {
		type layer struct {
			Name string
			Params
		}
		b, err := json.Marshal(layer{"conv", p})
		if err != nil || strings.Contains(string(b), "conv") {
			t.Fatalf("%s, %v: the documentation says that other fields are lost", b, err)
		}
		if err := json.Unmarshal([]byte(`{"Name":"conv","scheme":{},"scale":[],"zero_point":[]}`), new(layer)); err == nil {
			t.Fatal("a name is passed over in silence")
		}
	})
	t.Run("embedded with methods", func(t *testing.T) {
		want := Result{Params: p, Metrics: Metrics{N: 7, SQNR: math.Inf(1)}, Memory: Memory{8, 8}}
		if j, g := through(t, want); cmp.Diff(want, j)+cmp.Diff(want, g) != "" {
			t.Fatal(j, g)
		}
	})
}
