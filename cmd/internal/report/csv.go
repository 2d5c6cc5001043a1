package report

import (
	"io"
	"slices"
	"strconv"

	"github.com/a01592f9/quant/cmd/internal/table"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// csvHead names the columns of WriteCSV. They are stable: new ones go to the end.
var csvHead = []string{
	"source", "tensor", "dtype", "shape", "bits", "unsigned", "mapping", "granularity", "axis", "group_size",
	"narrow_range", "zero_in_range", "channel", "elements", "min", "max",
	"scale_min", "scale_max", "zero_point_min", "zero_point_max",
	"mae", "rmse", "max_error", "sqnr_db", "clipped", "payload_bytes", "metadata_bytes", "total_bytes",
	"row", "rmse_factor", "sqnr_gain_db", "extra_bytes", "extra_percent", "best",
	"use", "axis_from", "bits_per_weight", "source_bytes", "method",
}

// The kinds of rows: the values of column row.
const (
	rowTensor  = "tensor"
	rowChannel = "channel"
)

// WriteCSV writes a row for each tensor and scheme: the summary. If channels is true, a row for
// each channel follows, with the index of the channel and without bytes. The column "row" has
// the kind of a row. The gain is relative to the scheme per tensor, and empty for that scheme. A
// number that is not finite is an empty field.
func WriteCSV(w io.Writer, r *Report, channels bool) error {
	head := csvHead
	head = append(slices.Clip(head), r.Options.rareColumns()...)
	if r.Options.Importance != "" {
		head = append(head, "weighted_rmse", "weighted_sqnr_db")
	}
	c := table.NewCSV(w, head)
	for i := range r.Tensors {
		t := &r.Tensors[i]
		for k := range t.Results {
			t.writeCSV(c, r, k, channels)
		}
	}
	return c.Flush()
}

func (t *Tensor) writeCSV(c *table.CSV, from *Report, k int, channels bool) {
	r, rare := &t.Results[k], from.Options.rareFields()
	weighted := func(w *Weighted) []string {
		if from.Options.Importance == "" {
			return rare
		}
		return append(slices.Clip(rare), w.fields()...)
	}
	s := r.Scheme
	fixed := []string{
		table.Inert(from.Source), table.Inert(t.Name), table.Inert(t.DType), table.Shape(t.Shape),
		strconv.Itoa(s.Bits), strconv.FormatBool(s.Unsigned), s.Mapping, s.Granularity, table.Integer(s.Axis), table.Integer(s.GroupSize),
		strconv.FormatBool(s.NarrowRange), strconv.FormatBool(s.ZeroInRange),
	}
	measured := func(channel string, elements int64, m *Metrics, lo, hi text.Float, scale []float32, zero []int32) []string {
		scaleMin, scaleMax := text.MinMax(scale)
		zeroMin, zeroMax := text.MinMax(zero)
		return []string{
			channel, strconv.FormatInt(elements, 10), text.ExactFloat(lo), text.ExactFloat(hi),
			text.ExactFloat(scaleMin), text.ExactFloat(scaleMax), text.ZeroPoint(zeroMin), text.ZeroPoint(zeroMax),
			text.Exact(m.MAE), text.Exact(m.RMSE), text.Exact(m.MaxError), text.Exact(m.SQNR), strconv.Itoa(m.Clipped),
		}
	}
	gain := make([]string, 4)
	if g := r.Gain; g != nil {
		gain = []string{text.Exact(g.RMSEFactor), text.Exact(g.SQNR), strconv.FormatInt(g.ExtraBytes, 10), text.Exact(g.ExtraPercent)}
	}
	about := []string{table.Inert(t.Use), t.AxisFrom}
	c.Row(fixed, measured("", t.Elements, &r.Metrics, t.Min, t.Max, r.scales[:], r.zeros[:]),
		r.Memory.fields(), []string{rowTensor}, gain, []string{strconv.FormatBool(k == t.Best)}, about,
		[]string{bitsPerWeight(r.Memory.Total, t.Elements), strconv.FormatInt(t.Bytes, 10), s.Method}, weighted(r.Weighted))
	if !channels {
		return
	}
	per := t.Elements / int64(t.Channels)
	for i := range r.Channels {
		ch := &r.Channels[i]
		scale, zero := t.params(r, i)
		c.Row(fixed, measured(strconv.Itoa(t.channel(i)), per, &ch.Metrics, ch.Min, ch.Max, scale, zero),
			make([]string, 3), []string{rowChannel}, make([]string, 5), about, []string{"", "", s.Method}, weighted(ch.Weighted))
	}
}

// rareColumns names the columns of options that a table has only if the options are not the
// default.
func (o Options) rareColumns() []string {
	var names []string
	if o.Format != "" {
		names = append(names, "format")
	}
	if o.Divisor != "" {
		names = append(names, "divisor")
	}
	if o.Scales != "" {
		names = append(names, "scales")
	}
	if o.SignedScale {
		names = append(names, "signed_scale")
	}
	return names
}

// rareFields are the fields of rareColumns.
func (o Options) rareFields() []string {
	var fields []string
	for _, x := range []string{o.Format, o.Divisor, o.Scales} {
		if x != "" {
			fields = append(fields, x)
		}
	}
	if o.SignedScale {
		fields = append(fields, "true")
	}
	return fields
}

// fields are the bytes of a row.
func (m Memory) fields() []string {
	return []string{strconv.FormatInt(m.Payload, 10), strconv.FormatInt(m.Metadata, 10), strconv.FormatInt(m.Total, 10)}
}

// bitsPerWeight returns the bits that a value takes, in full precision.
func bitsPerWeight(bytes, elements int64) string {
	return text.Exact(text.Number(8 * float64(bytes) / float64(elements)))
}
