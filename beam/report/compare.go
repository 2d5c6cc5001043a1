package report

import (
	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/internal/numtext"
	"github.com/a01592f9/quant/internal/summary"
)

// The words for granularities.
const (
	perTensor  = "per_tensor"
	perChannel = "per_channel"
	perGroup   = "per_group"
)

// compared is the entry of a tensor in the report of quant compare.
type compared struct {
	Name     string        `json:"name"`
	DType    string        `json:"dtype"`
	Shape    []int         `json:"shape"`
	Elements int64         `json:"elements"`
	Bytes    int64         `json:"bytes"`
	Min      numtext.Float `json:"min"`
	Max      numtext.Float `json:"max"`
	Channels int           `json:"channels"`
	Use      string        `json:"use"` // always "": no file that is read here tells it
	Axis     *int          `json:"axis"`
	AxisFrom string        `json:"axis_from"`
	Results  []result      `json:"results"`
	Best     int           `json:"best"`
	Verdict  string        `json:"verdict"`
}

// A scheme is a quant.Scheme for a tensor of known shape.
type scheme struct {
	Bits        int    `json:"bits"`
	Unsigned    bool   `json:"unsigned"`
	Mapping     string `json:"mapping"`
	Granularity string `json:"granularity"`
	Axis        *int   `json:"axis"`
	GroupSize   *int   `json:"group_size"`
	NarrowRange bool   `json:"narrow_range"`
	ZeroInRange bool   `json:"zero_in_range"`
	Method      string `json:"method"`
	Divisor     string `json:"divisor,omitempty"` // "" is "far"
	SignedScale bool   `json:"signed_scale,omitempty"`
}

// A result is what one scheme does to a tensor.
type result struct {
	Scheme    scheme         `json:"scheme"`
	Scale     numtext.Floats `json:"scale"`
	ZeroPoint []int32        `json:"zero_point"`
	metrics
	Memory   Memory    `json:"memory"`
	Gain     *gain     `json:"gain,omitempty"`
	Channels []channel `json:"channels"`
}

// metrics are those of quant.Metrics.
type metrics struct {
	MAE      numtext.Number `json:"mae"`
	RMSE     numtext.Number `json:"rmse"`
	MaxError numtext.Number `json:"max_error"`
	SQNR     numtext.Number `json:"sqnr_db"`
	Clipped  int            `json:"clipped"`
}

func newMetrics(m quant.Metrics) metrics {
	return metrics{numtext.Number(m.MAE), numtext.Number(m.RMSE), numtext.Number(m.MaxError), numtext.Number(m.SQNR), m.Clipped}
}

// A channel is the range of a channel, and what a scheme does to it.
type channel struct {
	Min numtext.Float `json:"min"`
	Max numtext.Float `json:"max"`
	metrics
}

// A gain measures a result against the one per tensor.
type gain struct {
	RMSEFactor   numtext.Number `json:"rmse_factor"`
	SQNR         numtext.Number `json:"sqnr_gain_db"`
	ExtraBytes   int64          `json:"extra_bytes"`
	ExtraPercent numtext.Number `json:"extra_percent"`
}

func newGain(c *quant.Comparison, i int) *gain {
	base, r := c.Results[0], c.Results[i]
	extra := r.Memory.Total() - base.Memory.Total()
	g := &gain{
		RMSEFactor:   numtext.Number(c.Gain(i, 0)),
		SQNR:         numtext.Number(r.SQNR - base.SQNR),
		ExtraBytes:   extra,
		ExtraPercent: numtext.Number(100 * float64(extra) / float64(base.Memory.Total())),
	}
	if r.SQNR == base.SQNR { // infinite ones too
		g.SQNR = 0
	}
	return g
}

// newScheme returns s in the form of a report. The axes of a vector, which is
// compared as [1, n], are those of the vector itself.
func newScheme(s quant.Scheme, vector bool) scheme {
	r := scheme{
		Bits: s.Bits, Unsigned: s.Unsigned, Mapping: s.Mapping.String(), Granularity: perTensor,
		NarrowRange: s.NarrowRange, ZeroInRange: s.ZeroInRange, Method: s.Method.String(),
		SignedScale: s.SignedScale,
	}
	if s.Divisor != quant.FarEnd {
		r.Divisor = s.Divisor.String()
	}
	axis, ok := s.Granularity.Axis()
	if ok {
		r.Granularity = perChannel
	}
	if size, grouped := s.Granularity.GroupSize(); grouped {
		r.Granularity, r.GroupSize = perGroup, &size
	}
	if vector {
		axis--
	}
	if ok && axis >= 0 {
		r.Axis = &axis
	}
	return r
}

// schemes returns the schemes that a tensor is compared under.
func (o Options) schemes(t Tensor) ([]quant.Scheme, error) {
	s, err := o.scheme()
	if err != nil {
		return nil, err
	}
	axis, err := t.axis(o.Axis)
	if err != nil {
		return nil, err
	}
	own := s
	own.Granularity = quant.PerChannel(axis)
	schemes := []quant.Scheme{s, own}
	if o.GroupSize > 0 {
		along, err := t.groupAxis(axis, o.GroupAxis)
		if err != nil {
			return nil, err
		}
		s.Granularity = quant.PerGroup(along, o.GroupSize)
		schemes = append(schemes, s)
	}
	return schemes, nil
}

// Entry compares a tensor, whose values come from src.
func (o Options) Entry(position int, t Tensor, src quant.Source) (Entry, error) {
	schemes, err := o.schemes(t)
	if err != nil {
		return Entry{}, err
	}
	c, err := quant.Stream{Source: src, Shape: t.shape()}.Compare(schemes...)
	if err != nil {
		return Entry{}, err
	}
	x := compared{
		Name: t.Name, DType: t.DType, Shape: dims(t.Shape), Elements: elements(t.Shape), Bytes: t.Bytes,
		Min: numtext.Float(c.Range.Min), Max: numtext.Float(c.Range.Max), Channels: len(c.ChannelRanges), AxisFrom: axisFrom(o.Axis),
	}
	if !t.vector() {
		x.Axis = &c.Axis
	}
	for i := range c.Results {
		x.Results = append(x.Results, newResult(c, i, t.vector()))
	}
	x.Best, _ = c.Winner()
	x.Verdict = x.verdict()
	data, err := marshal(x)
	return Entry{position, t.Name, false, data}, err
}

// newResult copies result i of c.
func newResult(c *quant.Comparison, i int, vector bool) result {
	from := &c.Results[i]
	r := result{
		Scheme:    newScheme(from.Scheme, vector),
		Scale:     from.Params.Scale,
		ZeroPoint: from.Params.ZeroPoint,
		metrics:   newMetrics(from.Metrics),
		Memory:    newMemory(from.Memory),
		Channels:  make([]channel, len(c.ChannelRanges)),
	}
	if i > 0 {
		r.Gain = newGain(c, i)
	}
	for k, x := range c.ChannelRanges {
		r.Channels[k] = channel{numtext.Float(x.Min), numtext.Float(x.Max), newMetrics(from.ChannelMetrics[k])}
	}
	return r
}

// verdict says in one sentence what the schemes gain over the one per tensor,
// and what they cost.
func (x *compared) verdict() string {
	s := ""
	for i, r := range x.Results[1:] {
		g := summary.Gain{
			Channels: x.Channels, Base: float64(x.Results[0].RMSE), RMSE: float64(r.RMSE), Factor: float64(r.Gain.RMSEFactor),
			SQNR: float64(r.Gain.SQNR), ExtraBytes: r.Gain.ExtraBytes, ExtraPercent: float64(r.Gain.ExtraPercent),
		}
		if r.Scheme.Granularity == perGroup {
			g.Groups = *r.Scheme.GroupSize
		}
		if i > 0 {
			s += "; "
		}
		s += g.Clause()
	}
	return s + "."
}
