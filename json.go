package quant

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
)

// The JSON forms of Scheme, Params, Metrics, Result, Differences and Observer.
// Those of Granularity, Method and Mapping are strings: see text.go.

// strict reads one JSON value into v, and refuses unknown fields and what
// follows the value. Of what it is the form, name says.
func strict(name string, data []byte, v any) error {
	if string(bytes.TrimSpace(data)) == "null" {
		return fmt.Errorf("quant: %s: null is no value of it", name)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("quant: %s: %w", name, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("quant: %s: more after the end of the JSON", name)
	}
	return nil
}

// missing returns an error that names the fields that are not there.
func missing(name string, there map[string]bool, fields ...string) error {
	var lacks []string
	for _, f := range fields {
		if !there[f] {
			lacks = append(lacks, f)
		}
	}
	if len(lacks) == 0 {
		return nil
	}
	return fmt.Errorf("quant: %s: missing: %s", name, strings.Join(lacks, ", "))
}

type schemeJSON struct {
	Format      *Format  `json:"format,omitempty"`
	Bits        *int     `json:"bits"`
	Unsigned    *bool    `json:"unsigned"`
	Mapping     *Mapping `json:"mapping"`
	Granularity *string  `json:"granularity"`
	Axis        *int     `json:"axis"`
	GroupSize   *int     `json:"group_size"`
	NarrowRange *bool    `json:"narrow_range"`
	ZeroInRange *bool    `json:"zero_in_range"`
	Method      *Method  `json:"method"`
}

// MarshalJSON returns an object with the fields format (unless that is Integers), bits, unsigned, mapping,
// granularity ("per_tensor", "per_channel" or "per_group"), axis, group_size,
// narrow_range, zero_in_range and method. Axis and group_size are null where they
// mean nothing. The errors are those of Validate. As the key of a map a Scheme has
// its text form.
func (s Scheme) MarshalJSON() ([]byte, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	name := "per_tensor"
	j := schemeJSON{Bits: &s.Bits, Unsigned: &s.Unsigned, Mapping: &s.Mapping, Granularity: &name,
		NarrowRange: &s.NarrowRange, ZeroInRange: &s.ZeroInRange, Method: &s.Method}
	if s = s.normal(); s.Format != Integers {
		j.Format = &s.Format
	}
	switch s.Granularity.unit {
	case perChannel:
		name, j.Axis = "per_channel", &s.Granularity.axis
	case perGroup:
		name, j.Axis, j.GroupSize = "per_group", &s.Granularity.axis, &s.Granularity.size
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON returns. All fields must be there, but
// axis and group_size where they mean nothing. Errors: those of Validate,
// ErrScheme, and those of JSON and of fields that are unknown or missing. A
// string is read as the text form: package json hands over keys of maps so.
func (s *Scheme) UnmarshalJSON(data []byte) error {
	if text := bytes.TrimSpace(data); len(text) > 0 && text[0] == '"' {
		var key string
		if err := json.Unmarshal(text, &key); err != nil {
			return fmt.Errorf("quant: scheme: %w", err)
		}
		return s.UnmarshalText([]byte(key))
	}
	var j schemeJSON
	if err := strict("scheme", data, &j); err != nil {
		return err
	}
	there := map[string]bool{"bits": j.Bits != nil, "unsigned": j.Unsigned != nil, "mapping": j.Mapping != nil, "granularity": j.Granularity != nil,
		"narrow_range": j.NarrowRange != nil, "zero_in_range": j.ZeroInRange != nil, "method": j.Method != nil}
	if err := missing("scheme", there, "bits", "unsigned", "mapping", "granularity", "narrow_range", "zero_in_range", "method"); err != nil {
		return err
	}
	t := Scheme{Bits: *j.Bits, Unsigned: *j.Unsigned, Mapping: *j.Mapping, NarrowRange: *j.NarrowRange, ZeroInRange: *j.ZeroInRange, Method: *j.Method}
	if j.Format != nil {
		t.Format = *j.Format
	}
	axis, size := false, false
	switch *j.Granularity {
	case "per_tensor":
	case "per_channel":
		axis, t.Granularity.unit = true, perChannel
	case "per_group":
		axis, size, t.Granularity.unit = true, true, perGroup
	default:
		return fmt.Errorf("%w: there is no granularity %q; there are per_tensor, per_channel and per_group", ErrScheme, *j.Granularity)
	}
	if axis != (j.Axis != nil) || size != (j.GroupSize != nil) {
		return fmt.Errorf("%w: per_channel has an axis, per_group an axis and a group_size, per_tensor neither", ErrScheme)
	}
	if axis {
		t.Granularity.axis = *j.Axis
	}
	if size {
		t.Granularity.size = *j.GroupSize
	}
	if err := t.Validate(); err != nil {
		return err
	}
	*s = t
	return nil
}

type paramsJSON struct {
	Scheme    *Scheme   `json:"scheme"`
	Scale     []float32 `json:"scale"`
	ZeroPoint []int32   `json:"zero_point"`
}

// check returns an error unless p could be the parameters of some shape.
func (p paramsJSON) check() error {
	if len(p.Scale) != len(p.ZeroPoint) {
		return fmt.Errorf("%w: %d scales and %d zero points", ErrParams, len(p.Scale), len(p.ZeroPoint))
	}
	for i, s := range p.Scale {
		if !(s > 0) || math.IsInf(float64(s), 1) {
			return fmt.Errorf("%w: scale %d is %v", ErrScale, i, s)
		}
		if z := p.ZeroPoint[i]; z < -1<<23 || z > 1<<23 {
			return fmt.Errorf("%w: zero point %d is %d", ErrZeroPoint, i, z)
		}
	}
	return nil
}

// MarshalJSON returns an object with the fields scheme, scale and zero_point.
// Scales are the shortest decimals that read back as the same float32. Errors:
// those of Validate, ErrParams, ErrScale and ErrZeroPoint. A struct that embeds
// Params needs a MarshalJSON of its own, or has only this one.
func (p Params) MarshalJSON() ([]byte, error) {
	j := paramsJSON{&p.Scheme, p.Scale, p.ZeroPoint}
	if err := j.check(); err != nil {
		return nil, err
	}
	if j.Scale == nil {
		j.Scale = []float32{}
	}
	if j.ZeroPoint == nil {
		j.ZeroPoint = []int32{}
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON returns, and refuses all that it would
// refuse. Whether the number of scales is right is for a shape to say.
func (p *Params) UnmarshalJSON(data []byte) error {
	var j paramsJSON
	if err := strict("params", data, &j); err != nil {
		return err
	}
	there := map[string]bool{"scheme": j.Scheme != nil, "scale": j.Scale != nil, "zero_point": j.ZeroPoint != nil}
	if err := missing("params", there, "scheme", "scale", "zero_point"); err != nil {
		return err
	}
	if err := j.check(); err != nil {
		return err
	}
	*p = Params{*j.Scheme, j.Scale, j.ZeroPoint}
	return nil
}

// A jsonFloat is a number in JSON, or "Infinity", "-Infinity" or "NaN".
type jsonFloat float64

func (f jsonFloat) MarshalJSON() ([]byte, error) {
	switch x := float64(f); {
	case math.IsNaN(x):
		return []byte(`"NaN"`), nil
	case math.IsInf(x, 1):
		return []byte(`"Infinity"`), nil
	case math.IsInf(x, -1):
		return []byte(`"-Infinity"`), nil
	}
	return json.Marshal(float64(f))
}

func (f *jsonFloat) UnmarshalJSON(data []byte) error {
	switch string(data) {
	case `"NaN"`:
		*f = jsonFloat(math.NaN())
	case `"Infinity"`:
		*f = jsonFloat(math.Inf(1))
	case `"-Infinity"`:
		*f = jsonFloat(math.Inf(-1))
	default:
		return json.Unmarshal(data, (*float64)(f))
	}
	return nil
}

type metricsJSON struct {
	N        *int       `json:"n"`
	MAE      *jsonFloat `json:"mae"`
	RMSE     *jsonFloat `json:"rmse"`
	MaxError *jsonFloat `json:"max_error"`
	SQNR     *jsonFloat `json:"sqnr_db"`
	Clipped  *int       `json:"clipped"`
}

// MarshalJSON returns an object with the fields n, mae, rmse, max_error, sqnr_db
// and clipped. A number that is not finite is "Infinity", "-Infinity" or "NaN".
// The reports of the tool have null for all three.
func (m Metrics) MarshalJSON() ([]byte, error) {
	return json.Marshal(metricsJSON{&m.N, (*jsonFloat)(&m.MAE), (*jsonFloat)(&m.RMSE), (*jsonFloat)(&m.MaxError), (*jsonFloat)(&m.SQNR), &m.Clipped})
}

// UnmarshalJSON reads what MarshalJSON returns: all fields must be there.
func (m *Metrics) UnmarshalJSON(data []byte) error {
	var j metricsJSON
	if err := strict("metrics", data, &j); err != nil {
		return err
	}
	there := map[string]bool{"n": j.N != nil, "mae": j.MAE != nil, "rmse": j.RMSE != nil, "max_error": j.MaxError != nil, "sqnr_db": j.SQNR != nil, "clipped": j.Clipped != nil}
	if err := missing("metrics", there, "n", "mae", "rmse", "max_error", "sqnr_db", "clipped"); err != nil {
		return err
	}
	*m = Metrics{*j.N, float64(*j.MAE), float64(*j.RMSE), float64(*j.MaxError), float64(*j.SQNR), *j.Clipped}
	return nil
}

type resultJSON struct {
	Params         *Params   `json:"params"`
	Metrics        *Metrics  `json:"metrics"`
	Memory         *Memory   `json:"memory"`
	ChannelMetrics []Metrics `json:"channel_metrics"`
}

// MarshalJSON returns an object with the fields params, metrics, memory and
// channel_metrics.
func (r Result) MarshalJSON() ([]byte, error) {
	return json.Marshal(resultJSON{&r.Params, &r.Metrics, &r.Memory, r.ChannelMetrics})
}

// UnmarshalJSON reads what MarshalJSON returns.
func (r *Result) UnmarshalJSON(data []byte) error {
	var j resultJSON
	if err := strict("result", data, &j); err != nil {
		return err
	}
	there := map[string]bool{"params": j.Params != nil, "metrics": j.Metrics != nil, "memory": j.Memory != nil}
	if err := missing("result", there, "params", "metrics", "memory"); err != nil {
		return err
	}
	*r = Result{*j.Params, *j.Metrics, *j.Memory, j.ChannelMetrics}
	return nil
}

type differencesJSON struct {
	Axis           *int      `json:"axis"`
	Metrics        *Metrics  `json:"metrics"`
	ChannelMetrics []Metrics `json:"channel_metrics"`
}

// MarshalJSON returns an object with the fields axis, metrics and
// channel_metrics.
func (d Differences) MarshalJSON() ([]byte, error) {
	return json.Marshal(differencesJSON{&d.Axis, &d.Metrics, d.ChannelMetrics})
}

// UnmarshalJSON reads what MarshalJSON returns.
func (d *Differences) UnmarshalJSON(data []byte) error {
	var j differencesJSON
	if err := strict("differences", data, &j); err != nil {
		return err
	}
	if err := missing("differences", map[string]bool{"axis": j.Axis != nil, "metrics": j.Metrics != nil}, "axis", "metrics"); err != nil {
		return err
	}
	d.Axis, d.Metrics, d.ChannelMetrics = *j.Axis, *j.Metrics, j.ChannelMetrics
	return nil
}

type observerJSON struct {
	Version int    `json:"version"`
	State   []byte `json:"state"`
}

// MarshalJSON returns an object with the field version, which is 1, and state,
// which is the bytes of MarshalBinary in base64. It needs a pointer: package json
// sees no method of an Observer that was copied, which go vet reports.
func (o *Observer) MarshalJSON() ([]byte, error) {
	state, err := o.MarshalBinary()
	if err != nil {
		return nil, err
	}
	return json.Marshal(observerJSON{stateVersion, state})
}

// UnmarshalJSON reads what MarshalJSON returns. The error is ErrState, and leaves
// o as it was.
func (o *Observer) UnmarshalJSON(data []byte) error {
	var j observerJSON
	if err := strict("observer", data, &j); err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	if j.Version != stateVersion {
		return fmt.Errorf("%w: version %d, not %d", ErrState, j.Version, stateVersion)
	}
	return o.UnmarshalBinary(j.State)
}
