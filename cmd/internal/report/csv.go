package report

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
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

// WriteCSV writes a row for each tensor and scheme, after RFC 4180 and in full
// precision: the summary. If channels is true a row for each channel follows,
// with the number of the channel in the column that is empty otherwise, and no
// bytes. Column row tells which is which, so that the two, which are one table
// here, are easily told apart by whoever reads it. The gain is against the
// scheme per tensor, for which it is empty. A number that is not finite is an
// empty field.
func WriteCSV(w io.Writer, r *Report, channels bool) error {
	c := csv.NewWriter(w)
	c.UseCRLF = true
	if err := c.Write(csvHead); err != nil {
		return err
	}
	for i := range r.Tensors {
		t := &r.Tensors[i]
		for k := range t.Results {
			if err := t.writeCSV(c, r.Source, k, channels); err != nil {
				return err
			}
		}
	}
	c.Flush()
	return c.Error()
}

func (t *Tensor) writeCSV(c *csv.Writer, source string, k int, channels bool) error {
	r := &t.Results[k]
	s := r.Scheme
	fixed := []string{
		inert(source), inert(t.Name), inert(t.DType), strings.ReplaceAll(shapeText(t.Shape), "×", "x"),
		strconv.Itoa(s.Bits), strconv.FormatBool(s.Unsigned), s.Mapping, s.Granularity, optional(s.Axis), optional(s.GroupSize),
		strconv.FormatBool(s.NarrowRange), strconv.FormatBool(s.ZeroInRange),
	}
	row := func(channel string, elements int64, m *Metrics, lo, hi Float, scale []float32, zero []int32) []string {
		scaleMin, scaleMax := minMax(scale)
		zeroMin, zeroMax := minMax(zero)
		return append(append([]string{}, fixed...),
			channel, strconv.FormatInt(elements, 10), exactFloat(float32(lo)), exactFloat(float32(hi)),
			exactFloat(scaleMin), exactFloat(scaleMax), zeroText(zeroMin), zeroText(zeroMax),
			exact(m.MAE), exact(m.RMSE), exact(m.MaxError), exact(m.SQNR), strconv.Itoa(m.Clipped))
	}

	whole := append(row("", t.Elements, &r.Metrics, t.Min, t.Max, r.scales[:], r.zeros[:]),
		strconv.FormatInt(r.Memory.Payload, 10), strconv.FormatInt(r.Memory.Metadata, 10), strconv.FormatInt(r.Memory.Total, 10),
		rowTensor)
	if g := r.Gain; g != nil {
		whole = append(whole, exact(g.RMSEFactor), exact(g.SQNR), strconv.FormatInt(g.ExtraBytes, 10), exact(g.ExtraPercent))
	} else {
		whole = append(whole, "", "", "", "")
	}
	about := []string{inert(t.Use), t.AxisFrom}
	whole = append(append(whole, strconv.FormatBool(k == t.Best)), append(about, bitsPerWeight(r.Memory.Total, t.Elements), strconv.FormatInt(t.Bytes, 10), s.Method)...)
	if err := c.Write(whole); err != nil || !channels {
		return err
	}
	per := t.Elements / int64(t.Channels)
	for i := range r.Channels {
		ch := &r.Channels[i]
		scale, zero := t.params(r, i)
		x := append(row(strconv.Itoa(t.channel(i)), per, &ch.Metrics, ch.Min, ch.Max, scale, zero), "", "", "", rowChannel, "", "", "", "", "")
		x = append(append(x, about...), "", "", s.Method)
		if err := c.Write(x); err != nil {
			return err
		}
	}
	return nil
}

// params returns the scales and zero points that the channel at a place in the
// results is quantized with.
func (t *Tensor) params(r *Result, place int) ([]float32, []int32) {
	switch {
	case t.kept == nil:
		return t.pick(r.Scheme, r.Scale, r.ZeroPoint, place)
	case r.Scheme.Granularity == PerChannel:
		return r.Scale[place : place+1], r.ZeroPoint[place : place+1]
	}
	return r.Scale, r.ZeroPoint
}

// pick returns those of a tensor's scales and zero points that a channel is
// quantized with.
func (t *Tensor) pick(s Scheme, scale []float32, zero []int32, channel int) ([]float32, []int32) {
	switch {
	case s.Granularity == PerTensor || t.Axis == nil:
		return scale, zero
	case s.Granularity == PerChannel:
		return scale[channel : channel+1], zero[channel : channel+1]
	}
	// Parameters of groups are in the order of the tensor's elements, with as
	// many indices on the axis of the groups as there are groups; on the axis
	// of the channels that is one for each channel, or several share one.
	shape := append([]int(nil), t.Shape...)
	group, size := *s.Axis, *s.GroupSize
	shape[group] = (shape[group] + size - 1) / size
	at := channel
	if group == *t.Axis {
		at /= size
	}
	inner := int(elements(shape[*t.Axis+1:]))
	var scales []float32
	var zeros []int32
	for from := at * inner; from < len(scale); from += inner * shape[*t.Axis] {
		scales = append(scales, scale[from:from+inner]...)
		zeros = append(zeros, zero[from:from+inner]...)
	}
	return scales, zeros
}

// bitsPerWeight is what a value takes, in full precision.
func bitsPerWeight(bytes, elements int64) string {
	return exact(Number(8 * float64(bytes) / float64(elements)))
}

// inert returns a name from a file as text that no spreadsheet takes for a
// formula and no terminal for a command: an apostrophe goes before each
// character that a formula begins with (also in its wide form) if that stands at
// the start, or after what some spreadsheet may take for the end of a cell.
func inert(s string) string {
	var b strings.Builder
	start := true
	for _, r := range Clean(s) {
		if start && strings.ContainsRune("=+-@\uff1d\uff0b\uff0d\uff20", r) {
			b.WriteByte('\'')
		}
		b.WriteRune(r)
		// A space or a quote does not keep what follows from being the first.
		start = strings.ContainsRune(",;|", r) || start && (r == ' ' || r == '"' || r == '\'')
	}
	return b.String()
}

func optional(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}
