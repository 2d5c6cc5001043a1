package quant

import (
	"encoding/json"
	"fmt"
	"math"
)

// The JSON forms of Metrics, Result, Differences, Comparison, Range and Memory.

// A jsonFloat is a number in JSON, or one of the strings "Infinity", "-Infinity" and "NaN".
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

// MarshalJSON returns an object with the fields n, mae, rmse, max_error, sqnr_db and clipped. A
// number that is not finite is "Infinity", "-Infinity" or "NaN". (The reports of the tool have
// null instead.)
func (m Metrics) MarshalJSON() ([]byte, error) {
	return json.Marshal(metricsJSON{&m.N, (*jsonFloat)(&m.MAE), (*jsonFloat)(&m.RMSE), (*jsonFloat)(&m.MaxError), (*jsonFloat)(&m.SQNR), &m.Clipped})
}

// UnmarshalJSON reads the form of MarshalJSON. It refuses unknown, missing and repeated fields,
// and null.
func (m *Metrics) UnmarshalJSON(data []byte) error {
	var n Metrics
	if err := readObject("metrics", data,
		member{name: "n", to: &n.N},
		member{name: "mae", to: (*jsonFloat)(&n.MAE)},
		member{name: "rmse", to: (*jsonFloat)(&n.RMSE)},
		member{name: "max_error", to: (*jsonFloat)(&n.MaxError)},
		member{name: "sqnr_db", to: (*jsonFloat)(&n.SQNR)},
		member{name: "clipped", to: &n.Clipped},
	); err != nil {
		return err
	}
	*m = n
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

// UnmarshalJSON reads the form of MarshalJSON. It refuses unknown, missing and repeated fields.
// Only channel_metrics may be null.
func (r *Result) UnmarshalJSON(data []byte) error {
	var q Result
	if err := readObject("result", data,
		member{name: "params", to: &q.Params},
		member{name: "metrics", to: &q.Metrics},
		member{name: "memory", to: &q.Memory},
		member{name: "channel_metrics", to: &q.ChannelMetrics, null: true},
	); err != nil {
		return err
	}
	*r = q
	return nil
}

// GobEncode returns the JSON form. Without this method package gob would use that
// of Params, and leave out the rest.
func (r Result) GobEncode() ([]byte, error) { return r.MarshalJSON() }

// GobDecode reads the JSON form.
func (r *Result) GobDecode(data []byte) error { return r.UnmarshalJSON(data) }

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

// UnmarshalJSON reads the form of MarshalJSON. It refuses unknown, missing and repeated fields.
// Only channel_metrics may be null.
func (d *Differences) UnmarshalJSON(data []byte) error {
	var e Differences
	if err := readObject("differences", data,
		member{name: "axis", to: &e.Axis},
		member{name: "metrics", to: &e.Metrics},
		member{name: "channel_metrics", to: &e.ChannelMetrics, null: true},
	); err != nil {
		return err
	}
	d.Axis, d.Metrics, d.ChannelMetrics = e.Axis, e.Metrics, e.ChannelMetrics
	return nil
}

// UnmarshalJSON reads an object with the fields axis, shape, range, channel_ranges and results,
// as package json writes it. It refuses unknown, missing and repeated fields. Only shape,
// channel_ranges and results may be null.
func (c *Comparison) UnmarshalJSON(data []byte) error {
	var d Comparison
	if err := readObject("comparison", data,
		member{name: "axis", to: &d.Axis},
		member{name: "shape", to: (*numbers[int])(&d.Shape), null: true},
		member{name: "range", to: &d.Range},
		member{name: "channel_ranges", to: &d.ChannelRanges, null: true},
		member{name: "results", to: &d.Results, null: true},
	); err != nil {
		return err
	}
	c.Axis, c.Shape, c.Range, c.ChannelRanges, c.Results = d.Axis, d.Shape, d.Range, d.ChannelRanges, d.Results
	return nil
}

// UnmarshalJSON reads an object with the fields min and max. It refuses unknown, missing and
// repeated fields, and null. The error is ErrRange if min is above max. -0 becomes +0.
func (r *Range) UnmarshalJSON(data []byte) error {
	var q Range
	if err := readObject("range", data,
		member{name: "min", to: &q.Min},
		member{name: "max", to: &q.Max},
	); err != nil {
		return err
	}
	if q.Min > q.Max {
		return fmt.Errorf("%w: the minimum %v is above the maximum %v", ErrRange, q.Min, q.Max)
	}
	*r = Range{q.Min + 0, q.Max + 0}
	return nil
}

// UnmarshalJSON reads an object with the fields payload and metadata. It refuses unknown,
// missing and repeated fields, null, and negative numbers.
func (m *Memory) UnmarshalJSON(data []byte) error {
	var n Memory
	if err := readObject("memory", data,
		member{name: "payload", to: &n.Payload},
		member{name: "metadata", to: &n.Metadata},
	); err != nil {
		return err
	}
	if n.Payload < 0 || n.Metadata < 0 {
		return fmt.Errorf("quant: memory: %d and %d bytes: one is negative", n.Payload, n.Metadata)
	}
	*m = n
	return nil
}
