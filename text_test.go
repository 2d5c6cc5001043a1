package quant

import (
	"bytes"
	"encoding"
	"encoding/gob"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var textSchemes = map[string]Scheme{
	"uint8":                                {Bits: 8, Unsigned: true},
	"fp8_e4m3fn:block128x128@-2x-1":        {Format: E4M3FN, Bits: 8, Mapping: Symmetric, Granularity: PerBlock(-2, 128, -1, 128)},
	"int4:block3x64@1x0:zero":              {Bits: 4, Granularity: PerBlock(1, 3, 0, 64), ZeroInRange: true},
	"int4:symmetric:group32@-1:mse:narrow": {Bits: 4, Mapping: Symmetric, Granularity: PerGroup(-1, 32), Method: LeastSquares, NarrowRange: true},
	"int8:channel@0:percentile=99.9:zero":  {Bits: 8, Granularity: PerChannel(0), Method: Percentile(99.9), ZeroInRange: true},
}

// through returns what becomes of v in JSON and in gob.
func through[T any](t *testing.T, v T) (fromJSON, fromGob T) {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &fromJSON); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	var buf bytes.Buffer
	if err := gob.NewEncoder(&buf).Encode(v); err != nil {
		t.Fatal(err)
	}
	if err := gob.NewDecoder(&buf).Decode(&fromGob); err != nil {
		t.Fatal(err)
	}
	return fromJSON, fromGob
}

func TestTextJSONGob(t *testing.T) {
	type nested struct {
		Scheme Scheme
		ByKey  map[Scheme]Params
		Method Method
		Unit   Granularity
		Map    Mapping
	}
	for text, s := range textSchemes {
		t.Run(text, func(t *testing.T) {
			if b, err := s.MarshalText(); err != nil || string(b) != text {
				t.Fatalf("%s, %v", b, err)
			}
			if p, err := ParseScheme(text); err != nil || p != s {
				t.Fatalf("%+v, %v", p, err)
			}
			p := Params{Scheme: s, Scale: []float32{0.1, 1e-38, math.SmallestNonzeroFloat32}, ZeroPoint: []int32{0, -5, 7}}
			v := nested{s, map[Scheme]Params{s: p}, s.Method, s.Granularity, s.Mapping}
			j, g := through(t, v)
			if d := cmp.Diff(v, j) + cmp.Diff(v, g); d != "" {
				t.Fatal(d)
			}
		})
	}
	if s, err := ParseScheme("fp8:128x64"); err != nil || s.Granularity != PerBlock(-2, 128, -1, 64) {
		t.Errorf("%v, %v", s, err)
	}
	if s, err := ParseScheme("g128:sym:int4"); err != nil || s != (Scheme{Bits: 4, Mapping: Symmetric, Granularity: PerGroup(-1, 128)}) {
		t.Fatal(s, err)
	}
}

func TestComparisonJSONGob(t *testing.T) {
	c, err := Compare(Tensor{Data: []float32{0, 0, 0, 0}}, Scheme{Bits: 8}, Scheme{Bits: 4, Method: LeastSquares})
	if err != nil {
		t.Fatal(err)
	}
	j, g := through(t, *c)
	for _, got := range []Comparison{j, g} {
		if d := cmp.Diff(c.Results, got.Results); d != "" || !math.IsInf(got.Results[0].SQNR, 1) {
			t.Fatal(d)
		}
	}
	if s := c.String(); strings.Count(s, "\n") != 2 || !strings.Contains(s, "int4 asymmetric, per tensor, mse: RMSE 0, SQNR +Inf dB") {
		t.Fatal(s)
	}
	_ = (&Comparison{}).String() + Result{}.String() + Scheme{}.String()
}

func TestObserverJSONGob(t *testing.T) {
	o, err := NewObserver(Scheme{Bits: 8, Method: Entropy}, RefuseNotFinite)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Observe(Tensor{Data: []float32{1, 2, 3}}); err != nil {
		t.Fatal(err)
	}
	type holder struct{ O *Observer }
	want, _ := o.MarshalBinary()
	j, g := through(t, holder{o})
	for _, h := range []holder{j, g} {
		if b, err := h.O.MarshalBinary(); err != nil || !bytes.Equal(b, want) {
			t.Fatal("other state", err)
		}
	}
	if _, err := json.Marshal(new(Observer)); !errors.Is(err, ErrState) {
		t.Fatal(err)
	}
}

// TestObserverJSONGolden is the JSON form in docs/observer-format.md: of the values 1, 2 and
// 3, for Scheme{Bits: 8}.
func TestObserverJSONGolden(t *testing.T) {
	o := newObserver(t, Scheme{Bits: 8}, RefuseNotFinite)
	mustObserve(t, o, Tensor{Data: []float32{1, 2, 3}})
	got, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("docs/observer-format.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(doc, got) {
		t.Errorf("docs/observer-format.md does not have %s", got)
	}
}

func TestParseSchemes(t *testing.T) {
	got, err := ParseSchemes("int8, int4:sym:g32:percentile=99.9 ,nf4:g64")
	want := []Scheme{
		{Bits: 8},
		{Bits: 4, Mapping: Symmetric, Granularity: PerGroup(-1, 32), Method: Percentile(99.9)},
		{Bits: 4, Format: NF4, Mapping: Symmetric, Granularity: PerGroup(-1, 64)},
	}
	if err != nil || cmp.Diff(want, got) != "" {
		t.Fatalf("%v, %v", got, err)
	}
	for name, c := range map[string]struct{ list, want string }{
		"empty":          {"", `quant: invalid scheme: scheme 1 of the list "" is empty`},
		"trailing comma": {"int8,", `quant: invalid scheme: scheme 2 of the list "int8," is empty`},
		"bad scheme":     {"int8,int4:mse=1", `scheme "int4:mse=1": quant: invalid method of choosing a range: "mse=1": mse takes no value`},
	} {
		t.Run(name, func(t *testing.T) {
			if s, err := ParseSchemes(c.list); err == nil || err.Error() != c.want || s != nil {
				t.Fatalf("got %v, %v\nwant %s", s, err, c.want)
			}
		})
	}
}

// TestSchemeTextNamesAll reads a scheme with each method and each format that there is,
// and wants all of them in the error for a part that is unknown.
func TestSchemeTextNamesAll(t *testing.T) {
	_, unknown := ParseScheme("none")
	for _, m := range Methods() {
		s, err := ParseScheme("int8:" + m.Method().String())
		if err != nil || s.Method != m.Method() || !strings.Contains(unknown.Error(), m.String()) {
			t.Errorf("%v: %v, %v", m, s, err)
		}
	}
	for _, f := range Formats() {
		s, err := ParseScheme(f.String())
		if err != nil || s.Format != f || !strings.Contains(unknown.Error(), f.String()) {
			t.Errorf("%v: %v, %v", f, s, err)
		}
	}
}

func TestBadText(t *testing.T) {
	for name, c := range map[string]struct {
		into encoding.TextUnmarshaler
		text string
		want string
	}{
		"scheme: empty":             {new(Scheme), "", `there is no part ""`},
		"scheme: no type of codes":  {new(Scheme), "symmetric", "type of the codes is missing"},
		"scheme: unknown part":      {new(Scheme), "int8:foo", `scheme "int8:foo": quant: invalid scheme: there is no part "foo"`},
		"scheme: two types":         {new(Scheme), "int8:uint4", `"int8" and "uint4" are both a type of codes`},
		"scheme: two methods":       {new(Scheme), "int8:mse:minmax", `"mse" and "minmax" are both a method`},
		"scheme: too wide":          {new(Scheme), "int99", "99 is not in [2, 16]"},
		"scheme: leading zero":      {new(Scheme), "int08", `"08" is not a number of bits`},
		"scheme: width too large":   {new(Scheme), "int99999999999999999999", "is not a number of bits"},
		"scheme: group of 0":        {new(Scheme), "int8:group0@1", "0 is not positive"},
		"scheme: axis":              {new(Scheme), "int8:channel@x", `"x" is not a whole number`},
		"scheme: mapping of nf4":    {new(Scheme), "nf4:asymmetric", "nf4 has no zero point"},
		"scheme: narrow uint":       {new(Scheme), "uint8:sym:narrow", "narrow range is for signed codes"},
		"scheme: upper case":        {new(Scheme), "INT8", `there is no part "INT8"`},
		"granularity: empty":        {new(Granularity), "", `there is no granularity ""`},
		"granularity: no axis":      {new(Granularity), "group32", "needs an axis, as in group32@-1"},
		"granularity: axis too big": {new(Granularity), "channel@99999999999999999999", "is not a whole number"},
		"granularity: negative":     {new(Granularity), "group-3@0", "-3 is not positive"},
		"granularity: trailing":     {new(Granularity), "tensor ", `there is no granularity "tensor "`},
		"method: unknown":           {new(Method), "best", `there is no "best"; there are minmax, `},
		"method: no value":          {new(Method), "percentile", "needs a value, as in percentile=99.99"},
		"method: NaN":               {new(Method), "percentile=NaN", "percentile NaN is not above 0 and at most 100"},
		"method: too large":         {new(Method), "percentile=101", "percentile 101 is not above 0 and at most 100"},
		"method: value of mse":      {new(Method), "mse=3", "mse takes no value"},
		"mapping: unknown":          {new(Mapping), "sideways", `there is no mapping "sideways"`},
		"format: unknown":           {new(Format), "fp5", `there is no format "fp5"; there are integers, `},
	} {
		t.Run(name, func(t *testing.T) {
			checkRefused(t, c.into, c.into.UnmarshalText([]byte(c.text)), c.want)
		})
	}
}

// checkRefused wants an error that contains a text, and the zero value in into.
func checkRefused(t *testing.T, into any, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("got %v\nwant %s", err, want)
	}
	if v := reflect.ValueOf(into).Elem(); !v.IsZero() {
		t.Fatalf("after an error the value is %v", v)
	}
}

// The members of valid objects. Tests replace one of them, or leave it out.
const (
	schemeHead  = `"bits":8,"unsigned":false,"mapping":"asymmetric","granularity":"per_channel","axis":1,"group_size":null,"narrow_range":false,"zero_in_range":false`
	goodScheme  = `{` + schemeHead + `,"method":"minmax"}`
	goodParams  = `{"scheme":` + goodScheme + `,"scale":[0.5,2],"zero_point":[0,1]}`
	goodMetrics = `{"n":1,"mae":0,"rmse":0,"max_error":0,"sqnr_db":"Infinity","clipped":0}`
	goodMemory  = `{"payload":1,"metadata":8}`
	goodResult  = `{"params":` + goodParams + `,"metrics":` + goodMetrics + `,"memory":` + goodMemory + `,"channel_metrics":null}`
	goodRange   = `{"min":-1,"max":1}`
	goodDiffs   = `{"axis":0,"metrics":` + goodMetrics + `,"channel_metrics":[` + goodMetrics + `]}`
	goodCompare = `{"axis":0,"shape":[1],"range":` + goodRange + `,"channel_ranges":[` + goodRange + `],"results":[` + goodResult + `]}`
)

func TestGoodJSON(t *testing.T) {
	for good, into := range map[string]any{goodScheme: new(Scheme), goodParams: new(Params), goodMetrics: new(Metrics), goodMemory: new(Memory),
		goodResult: new(Result), goodRange: new(Range), goodDiffs: new(Differences), goodCompare: new(Comparison)} {
		if err := json.Unmarshal([]byte(good), into); err != nil {
			t.Errorf("%T: %v", into, err)
		}
		if b, err := json.Marshal(into); err != nil || string(b) != good {
			t.Errorf("%T: %s, %v", into, b, err)
		}
	}
}

func TestBadJSON(t *testing.T) {
	type row struct {
		into     json.Unmarshaler
		in       string // a valid object
		old, new string // what is replaced in it
		want     string // the error
	}
	rows := map[string]row{
		"scheme: unknown field":      {new(Scheme), goodScheme, `"bits"`, `"x":1,"bits"`, `quant: scheme: unknown field "x"`},
		"scheme: missing fields":     {new(Scheme), goodScheme, `"bits":8,"unsigned":false,`, ``, `quant: scheme: missing: bits, unsigned`},
		"scheme: field twice":        {new(Scheme), goodScheme, `"bits":8`, `"bits":8,"bits":4`, `quant: scheme: field "bits" is there twice`},
		"scheme: upper case":         {new(Scheme), goodScheme, `"bits"`, `"Bits"`, `quant: scheme: unknown field "Bits"`},
		"scheme: null":               {new(Scheme), goodScheme, goodScheme, `null`, `quant: scheme: "null" is not a JSON object`},
		"scheme: array":              {new(Scheme), goodScheme, goodScheme, `[]`, `quant: scheme: "[]" is not a JSON object`},
		"scheme: trailing data":      {new(Scheme), goodScheme, `"minmax"}`, `"minmax"} {}`, `quant: scheme: more after the end of the object`},
		"scheme: cut short":          {new(Scheme), goodScheme, `"minmax"}`, `"minmax"`, `quant: scheme: unexpected EOF`},
		"scheme: null field":         {new(Scheme), goodScheme, `"mapping":"asymmetric"`, `"mapping":null`, `quant: scheme: mapping: null is not a value`},
		"scheme: null format":        {new(Scheme), goodScheme, `"bits"`, `"format":null,"bits"`, `quant: scheme: format: null is not a value`},
		"scheme: unknown format":     {new(Scheme), goodScheme, `"bits"`, `"format":"fp5","bits"`, `quant: scheme: format: invalid scheme: there is no format "fp5"`},
		"scheme: unknown mapping":    {new(Scheme), goodScheme, `"asymmetric"`, `"sideways"`, `quant: scheme: mapping: invalid scheme: there is no mapping "sideways"`},
		"scheme: mapping a number":   {new(Scheme), goodScheme, `"asymmetric"`, `1`, `quant: scheme: mapping: cannot unmarshal number`},
		"scheme: unknown method":     {new(Scheme), goodScheme, `"minmax"`, `"best"`, `quant: scheme: method: invalid method of choosing a range: there is no "best"`},
		"scheme: granularity":        {new(Scheme), goodScheme, `"per_channel"`, `"per_row"`, `there is no granularity "per_row"`},
		"scheme: no axis":            {new(Scheme), goodScheme, `"axis":1`, `"axis":null`, `per_channel has an axis`},
		"scheme: axis of a tensor":   {new(Scheme), goodScheme, `"per_channel"`, `"per_tensor"`, `per_tensor none of them`},
		"scheme: no block":           {new(Scheme), goodScheme, `"per_channel","axis":1`, `"per_block","axis":null,"axes":[0,1]`, `per_block has axes and a block_size`},
		"scheme: block of one axis":  {new(Scheme), goodScheme, `"per_channel","axis":1`, `"per_block","axis":null,"axes":[0],"block_size":[8,8]`, `two axes and two sizes, not 1 and 2`},
		"scheme: block of nothing":   {new(Scheme), goodScheme, `"per_channel","axis":1`, `"per_block","axis":null,"axes":[0,1],"block_size":[8,0]`, `0 is not positive`},
		"scheme: null in a block":    {new(Scheme), goodScheme, `"per_channel","axis":1`, `"per_block","axis":null,"axes":[null,1],"block_size":[8,8]`, `axes: null at index 0 is not a number`},
		"scheme: axes of a channel":  {new(Scheme), goodScheme, `"axis":1`, `"axis":1,"axes":[0,1]`, `per_block has axes`},
		"scheme: too wide":           {new(Scheme), goodScheme, `"bits":8`, `"bits":17`, `17 is not in [2, 16]`},
		"scheme: fraction of a bit":  {new(Scheme), goodScheme, `"bits":8`, `"bits":8.5`, `quant: scheme: bits: cannot unmarshal number 8.5`},
		"scheme: bits out of range":  {new(Scheme), goodScheme, `"bits":8`, `"bits":1e30`, `quant: scheme: bits: cannot unmarshal number 1e30`},
		"scheme: bad text":           {new(Scheme), goodScheme, goodScheme, `"int99"`, `99 is not in [2, 16]`},
		"mapping: null":              {new(Mapping), "null", "", "", `quant: mapping: null is not a value`},
		"method: null":               {new(Method), "null", "", "", `quant: method: null is not a value`},
		"granularity: null":          {new(Granularity), "null", "", "", `quant: granularity: null is not a value`},
		"format: null":               {new(Format), "null", "", "", `quant: format: null is not a value`},
		"method: object":             {new(Method), "{}", "", "", `quant: method: cannot unmarshal object`},
		"params: null":               {new(Params), goodParams, goodParams, `null`, `quant: params: "null" is not a JSON object`},
		"params: missing":            {new(Params), goodParams, `,"zero_point":[0,1]`, ``, `quant: params: missing: zero_point`},
		"params: field twice":        {new(Params), goodParams, `"scale"`, `"scale":[1,1],"scale"`, `quant: params: field "scale" is there twice`},
		"params: null scale":         {new(Params), goodParams, `[0.5,2]`, `[0.5,null]`, `quant: params: scale: null at index 1 is not a number`},
		"params: null scales":        {new(Params), goodParams, `[0.5,2]`, `null`, `quant: params: scale: null is not a value`},
		"params: null zero point":    {new(Params), goodParams, `[0,1]`, `[null,1]`, `quant: params: zero_point: null at index 0 is not a number`},
		"params: scale of 0":         {new(Params), goodParams, `[0.5,2]`, `[0.5,0]`, `quant: scale is not positive and finite: scale 1 is 0`},
		"params: scale too large":    {new(Params), goodParams, `[0.5,2]`, `[0.5,1e39]`, `quant: params: scale: cannot unmarshal number 1e39`},
		"params: zero point":         {new(Params), goodParams, `[0,1]`, `[0,8388609]`, `quant: zero point out of range: zero point 1 is 8388609`},
		"params: lengths":            {new(Params), goodParams, `[0,1]`, `[0]`, `2 scales and 1 zero points`},
		"params: scheme":             {new(Params), goodParams, `"bits":8,`, ``, `quant: params: scheme: missing: bits`},
		"metrics: null":              {new(Metrics), goodMetrics, `"mae":0`, `"mae":null`, `quant: metrics: mae: null is not a value`},
		"metrics: text":              {new(Metrics), goodMetrics, `"Infinity"`, `"inf"`, `quant: metrics: sqnr_db: cannot unmarshal string`},
		"metrics: out of range":      {new(Metrics), goodMetrics, `"mae":0`, `"mae":1e400`, `quant: metrics: mae: cannot unmarshal number 1e400`},
		"metrics: missing":           {new(Metrics), goodMetrics, `,"clipped":0`, ``, `quant: metrics: missing: clipped`},
		"memory: negative":           {new(Memory), goodMemory, `"payload":1`, `"payload":-1`, `quant: memory: -1 and 8 bytes`},
		"memory: null":               {new(Memory), goodMemory, `"payload":1`, `"payload":null`, `quant: memory: payload: null is not a value`},
		"range: order":               {new(Range), goodRange, `"min":-1`, `"min":2`, `quant: invalid range: the minimum 2 is above the maximum 1`},
		"range: unknown field":       {new(Range), goodRange, `"min":-1`, `"min":-1,"mean":0`, `quant: range: unknown field "mean"`},
		"result: missing":            {new(Result), goodResult, `,"channel_metrics":null`, ``, `quant: result: missing: channel_metrics`},
		"result: null metrics":       {new(Result), goodResult, `"channel_metrics":null`, `"channel_metrics":[null]`, `quant: result: channel_metrics: metrics: "null" is not a JSON object`},
		"differences: null":          {new(Differences), goodDiffs, `"axis":0`, `"axis":null`, `quant: differences: axis: null is not a value`},
		"comparison: unknown field":  {new(Comparison), goodCompare, `"axis":0`, `"axis":0,"best":1`, `quant: comparison: unknown field "best"`},
		"comparison: null in shape":  {new(Comparison), goodCompare, `"shape":[1]`, `"shape":[1,null]`, `quant: comparison: shape: null at index 1 is not a number`},
		"comparison: null result":    {new(Comparison), goodCompare, goodResult, `null`, `quant: comparison: results: result: "null" is not a JSON object`},
		"comparison: deep duplicate": {new(Comparison), goodCompare, `"bits":8`, `"bits":8,"bits":8`, `quant: comparison: results: result: params: scheme: field "bits" is there twice`},
		"observer: null":             {new(Observer), `null`, "", "", `quant: invalid state of an observer: "null" is not a JSON object`},
		"observer: version":          {new(Observer), `{"version":2,"state":""}`, "", "", `quant: invalid state of an observer: version 2, not 1`},
		"observer: missing":          {new(Observer), `{"version":1}`, "", "", `quant: invalid state of an observer: missing: state`},
		"observer: not base64":       {new(Observer), `{"version":1,"state":"?"}`, "", "", `quant: invalid state of an observer: state: illegal base64 data`},
		"observer: other bytes":      {new(Observer), `{"version":1,"state":"UU9CUw=="}`, "", "", `quant: invalid state of an observer: not the state of an observer`},
	}
	for name, r := range rows {
		t.Run(name, func(t *testing.T) {
			if strings.Count(r.in, r.old) < 1 {
				t.Fatalf("%q is not in %s", r.old, r.in)
			}
			text := r.in
			if r.old != "" {
				text = strings.Replace(r.in, r.old, r.new, 1)
			}
			checkRefused(t, r.into, r.into.UnmarshalJSON([]byte(text)), r.want)
		})
	}
}

// TestBadGob decodes what package gob can carry and no encoder of this package writes.
func TestBadGob(t *testing.T) {
	for name, c := range map[string]struct {
		into gob.GobDecoder
		data string
		want string
	}{
		"mapping":     {new(Mapping), "sideways", `there is no mapping "sideways"`},
		"method":      {new(Method), "", `there is no ""`},
		"granularity": {new(Granularity), "group0@0", "0 is not positive"},
		"format":      {new(Format), "fp5", `there is no format "fp5"`},
		"scheme":      {new(Scheme), "int99", "99 is not in [2, 16]"},
		"params":      {new(Params), strings.Replace(goodParams, "0.5", "-1", 1), "scale 0 is -1"},
		"result":      {new(Result), "{}", "quant: result: missing: params, metrics, memory, channel_metrics"},
	} {
		t.Run(name, func(t *testing.T) { checkRefused(t, c.into, c.into.GobDecode([]byte(c.data)), c.want) })
	}
}

// TestNotMarshalled wants an error for values that no reader would take.
func TestNotMarshalled(t *testing.T) {
	for name, c := range map[string]struct {
		value any
		want  error
	}{
		"scheme: no bits":    {Scheme{}, ErrBits},
		"mapping":            {Mapping(7), ErrScheme},
		"method":             {Percentile(-1), ErrMethod},
		"granularity":        {PerGroup(0, 0), ErrGroupSize},
		"params: infinite":   {Params{Scheme: Scheme{Bits: 8}, Scale: []float32{float32(math.Inf(1))}, ZeroPoint: []int32{0}}, ErrScale},
		"params: lengths":    {Params{Scheme: Scheme{Bits: 8}, Scale: []float32{1}, ZeroPoint: nil}, ErrParams},
		"params: zero point": {Params{Scheme: Scheme{Bits: 8}, Scale: []float32{1}, ZeroPoint: []int32{1 << 24}}, ErrZeroPoint},
		"params: no bits":    {Params{}, ErrBits},
		"result: no bits":    {Result{}, ErrBits},
		"observer: zero":     {new(Observer), ErrState},
	} {
		t.Run(name, func(t *testing.T) {
			if b, err := json.Marshal(c.value); !errors.Is(err, c.want) {
				t.Errorf("JSON: %s, %v", b, err)
			}
			if err := gob.NewEncoder(io.Discard).Encode(c.value); !errors.Is(err, c.want) {
				t.Errorf("gob: %v", err)
			}
		})
	}
}

// TestKeyNotMarshalled is of a key of a map. Package json keeps only the text of its error.
func TestKeyNotMarshalled(t *testing.T) {
	b, err := json.Marshal(map[Scheme]int{{}: 1})
	if err == nil || !strings.Contains(err.Error(), "0 is not in [2, 16]") {
		t.Fatalf("%s, %v", b, err)
	}
}

func TestStringOfNoComparison(t *testing.T) {
	for _, c := range []*Comparison{nil, {}} {
		if s := c.String(); s != "no results" {
			t.Errorf("%q", s)
		}
	}
}
