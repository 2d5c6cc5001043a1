package quant

import (
	"bytes"
	"encoding"
	"encoding/json"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The fuzz targets hand arbitrary bytes to everything that reads a text or JSON form.
// It refuses them, or what it reads has one canonical form that reads back the same.

// checkCanonical takes bytes through read, write, read and write.
func checkCanonical[T any, P interface {
	*T
	json.Unmarshaler
}](t *testing.T, data []byte) {
	var v, back T
	if err := P(&v).UnmarshalJSON(data); err != nil {
		if !reflect.ValueOf(v).IsZero() {
			t.Fatalf("%q: %v, but the value changed to %v", data, err, v)
		}
		return
	}
	first, err := json.Marshal(&v)
	if err != nil {
		t.Fatalf("%q is read, but not written: %v", data, err)
	}
	if err := json.Unmarshal(first, &back); err != nil {
		t.Fatalf("%q is written as %s, which is refused: %v", data, first, err)
	}
	if d := cmp.Diff(v, back, same); d != "" {
		t.Fatalf("%q is written as %s, which reads as something else\n%s", data, first, d)
	}
	if second, err := json.Marshal(&back); err != nil || !bytes.Equal(first, second) {
		t.Fatalf("%q is written as %s, and then as %s, %v", data, first, second, err)
	}
}

// checkCanonicalText does the same with the text form.
func checkCanonicalText[T comparable, P interface {
	*T
	encoding.TextUnmarshaler
}](t *testing.T, text string) {
	var v, back T
	if err := P(&v).UnmarshalText([]byte(text)); err != nil {
		if v != *new(T) {
			t.Fatalf("%q: %v, but the value changed to %v", text, err, v)
		}
		return
	}
	first, err := any(v).(encoding.TextMarshaler).MarshalText()
	if err != nil {
		t.Fatalf("%q is read, but not written: %v", text, err)
	}
	if err := P(&back).UnmarshalText(first); err != nil || back != v {
		t.Fatalf("%q is written as %s, which reads as %v, not %v: %v", text, first, back, v, err)
	}
	if second, err := any(back).(encoding.TextMarshaler).MarshalText(); err != nil || !bytes.Equal(first, second) {
		t.Fatalf("%q is written as %s, and then as %s, %v", text, first, second, err)
	}
}

func FuzzParseScheme(f *testing.F) {
	for text := range textSchemes {
		f.Add(text)
	}
	for _, text := range []string{"nf4:g64", "fp8_e4m3fn:c-1:mae", "int16:sym:ema=0.01", "g128:sym:int4", "uint2:asym:tensor:entropy", "int8:percentile=1e-300", "int8:channel@+1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { checkCanonicalText[Scheme](t, text) })
}

// FuzzTexts is for the types that a Scheme has.
func FuzzTexts(f *testing.F) {
	for _, text := range []string{"asymmetric", "symmetric", "minmax", "percentile=99.9", "ema=0x1p-3", "tensor", "channel@-1", "group32@0", "g32", "c0", "block128x128@-2x-1", "64x32", "nf4", "integers"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		checkCanonicalText[Mapping](t, text)
		checkCanonicalText[Method](t, text)
		checkCanonicalText[Granularity](t, text)
		checkCanonicalText[Format](t, text)
		for _, data := range [][]byte{[]byte(text), []byte(`"` + text + `"`)} {
			checkCanonical[Mapping](t, data)
			checkCanonical[Method](t, data)
			checkCanonical[Granularity](t, data)
			checkCanonical[Format](t, data)
		}
	})
}

func FuzzSchemeJSON(f *testing.F) {
	f.Add([]byte(goodScheme))
	f.Add([]byte(`"int4:symmetric:group32@-1:mse:narrow"`))
	f.Add([]byte(`{"format":"nf4","bits":0,"unsigned":false,"mapping":"asymmetric","granularity":"per_group","axis":-1,"group_size":64,"narrow_range":false,"zero_in_range":false,"method":"mae"}`))
	f.Fuzz(func(t *testing.T, data []byte) { checkCanonical[Scheme](t, data) })
}

func FuzzParamsJSON(f *testing.F) {
	f.Add([]byte(goodParams))
	f.Add([]byte(`{"scheme":"uint8","scale":[1e-45,3.4028235e38],"zero_point":[-8388608,8388608]}`))
	f.Fuzz(func(t *testing.T, data []byte) { checkCanonical[Params](t, data) })
}

// FuzzResultsJSON is for the types of the results of a comparison.
func FuzzResultsJSON(f *testing.F) {
	for _, text := range []string{goodMetrics, goodMemory, goodRange, goodResult, goodDiffs, goodCompare, `{"min":-0,"max":0}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		checkCanonical[Metrics](t, data)
		checkCanonical[Memory](t, data)
		checkCanonical[Range](t, data)
		checkCanonical[Result](t, data)
		checkCanonical[Differences](t, data)
		checkCanonical[Comparison](t, data)
	})
}

// FuzzObserverJSON gives an observer the JSON form of arbitrary bytes, and arbitrary JSON.
func FuzzObserverJSON(f *testing.F) {
	state := stateOf(f, observed123(f))
	f.Add(state[:len(state)-4], true)
	text, err := json.Marshal(observed123(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text, false)
	f.Add([]byte(`{"version":1,"state":[81]}`), false)
	f.Fuzz(func(t *testing.T, data []byte, asState bool) {
		if asState {
			data, _ = json.Marshal(observerJSON{stateVersion, withChecksum(data)})
		}
		o := new(Observer)
		if err := o.UnmarshalJSON(data); err != nil {
			return
		}
		first, err := json.Marshal(o)
		if err != nil {
			t.Fatalf("%q is read, but not written: %v", data, err)
		}
		back := new(Observer)
		if err := json.Unmarshal(first, back); err != nil {
			t.Fatalf("%q is written as %s, which is refused: %v", data, first, err)
		}
		if !bytes.Equal(stateOf(t, o), stateOf(t, back)) {
			t.Fatalf("%q is written as %s, which reads as something else", data, first)
		}
	})
}
