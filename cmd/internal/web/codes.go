package web

import (
	"context"
	"encoding/csv"
	"fmt"
	"strconv"

	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/text"
	"github.com/a01592f9/quant/internal/exact"
)

// A codePage is a stretch of a tensor, in row-major order, with the codes and reconstructed values
// of each scheme.
type codePage struct {
	Total    int          `json:"total"` // elements in the tensor
	From     int          `json:"from"`  // index of the first one here
	Channel  []int        `json:"channel"`
	Original text.Floats  `json:"original"`
	Results  []codeResult `json:"results"`
}

// A codeResult has the codes and reconstructed values of a codePage under one scheme. The slices
// are parallel to Original.
type codeResult struct {
	Scheme        report.Scheme `json:"scheme"`
	Scale         text.Floats   `json:"scale"`
	ZeroPoint     []int32       `json:"zero_point"`
	Codes         []int32       `json:"codes"`
	Reconstructed text.Floats   `json:"reconstructed"`
	Errors        []text.Number `json:"errors"` // reconstructed minus original
}

// mostCodes is the greatest number of elements in an answer of /api/codes.
const mostCodes = 1000

// codes answers with a page of codes and reconstructed values.
func (s *Server) codes(ctx context.Context, q *request) (*answer, error) {
	if q.From < 0 {
		return nil, bad("from", "from is %d: the first element is 0", q.From)
	}
	if q.Count < 0 || q.Count > mostCodes {
		return nil, bad("count", "count is %d: 1 to %d elements are listed at a time", q.Count, mostCodes)
	}
	count := q.Count
	if count == 0 {
		count = mostCodes
	}
	p, err := q.codePage(ctx, q.From, count)
	if err != nil {
		return nil, err
	}
	a := &answer{kind: jsonType}
	return a, text.WriteJSON(&a.body, p)
}

// codePage builds the report with codes, and returns a stretch of count elements of it.
func (q *request) codePage(ctx context.Context, from, count int) (*codePage, error) {
	q.Options.Codes = true
	r, src, err := q.build(ctx)
	if err != nil {
		return nil, err
	}
	if len(r.Tensors) != 1 || len(src.infos) != 1 {
		return nil, bad("tensor", "codes are of one tensor: say which")
	}
	data, err := src.Load(0)
	if err != nil {
		return nil, of(q.field(), err)
	}
	t := &r.Tensors[0]
	from = min(from, max(len(data)-1, 0))
	to := min(from+count, len(data))
	p := &codePage{Total: len(data), From: from, Original: data[from:to]}
	axis := 0
	if t.Axis != nil {
		axis = *t.Axis
	}
	for i := from; i < to; i++ {
		p.Channel = append(p.Channel, along(t.Shape, axis, i))
	}
	for k := range t.Results {
		p.Results = append(p.Results, codesOf(t, k, axis, from, to, data))
	}
	return p, nil
}

// codesOf returns the codes and reconstructed values of the elements from `from` up to `to` in
// result k of t.
func codesOf(t *report.Tensor, k, axis, from, to int, data []float32) codeResult {
	r := &t.Results[k]
	c := codeResult{Scheme: r.Scheme, Codes: r.Codes[from:to], Reconstructed: r.Reconstructed[from:to]}
	for i := from; i < to; i++ {
		at := pairOf(t.Shape, &r.Scheme, axis, len(r.Scale), i)
		c.Scale = append(c.Scale, r.Scale[at])
		c.ZeroPoint = append(c.ZeroPoint, r.ZeroPoint[at])
		c.Errors = append(c.Errors, text.Number(float64(r.Reconstructed[i])-float64(data[i])))
	}
	return c
}

// pairOf returns the index of the scale and the zero point that element i has.
// The pairs of groups are in row-major order, like the groups.
func pairOf(shape []int, s *report.Scheme, axis, pairs, i int) int {
	switch {
	case pairs == 1:
		return 0
	case s.GroupSize == nil:
		return along(shape, axis, i)
	}
	size, at := *s.GroupSize, *s.Axis
	inner := 1
	for _, n := range shape[at+1:] {
		inner *= n
	}
	length := shape[at]
	groups := exact.Parts(length, size)
	outer, place := i/(inner*length), i/inner%length
	return (outer*groups+place/size)*inner + i%inner
}

// along returns the index of element i along an axis.
func along(shape []int, axis, i int) int {
	if len(shape) == 0 {
		return 0
	}
	inner := 1
	for _, n := range shape[axis+1:] {
		inner *= n
	}
	return i / inner % shape[axis]
}

// codesCSV answers with the codes and reconstructed values of the whole tensor.
func (s *Server) codesCSV(ctx context.Context, q *request) (*answer, error) {
	p, err := q.codePage(ctx, 0, int(s.limits.Codes))
	if err != nil {
		return nil, err
	}
	a := &answer{kind: "text/csv; charset=utf-8", filename: filename(q.Name, "-codes.csv")}
	w := csv.NewWriter(&a.body)
	row := []string{"index", "channel", "original"}
	for _, r := range p.Results {
		for _, column := range []string{"code", "reconstructed", "error"} {
			row = append(row, r.Scheme.Granularity+"_"+column)
		}
	}
	if err := w.Write(row); err != nil {
		return nil, fmt.Errorf("writing codes: %w", err)
	}
	short := func(x float32) string { return strconv.FormatFloat(float64(x), 'g', -1, 32) }
	for i, x := range p.Original {
		row = append(row[:0], strconv.Itoa(i), strconv.Itoa(p.Channel[i]), short(x))
		for _, r := range p.Results {
			row = append(row, strconv.Itoa(int(r.Codes[i])), short(r.Reconstructed[i]),
				strconv.FormatFloat(float64(r.Errors[i]), 'g', -1, 64))
		}
		if err := w.Write(row); err != nil {
			return nil, fmt.Errorf("writing codes: %w", err)
		}
	}
	w.Flush()
	return a, w.Error()
}
