// Package report makes the JSON reports of quant compare and quant sweep from entries for
// single tensors, which may come from different machines.
//
// docs/json.md of this project describes the reports. The package imports neither Beam nor the
// tool. Tests of the pipelines compare its bytes with those of the tool.
package report

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/a01592f9/quant/calibfile"
	"github.com/a01592f9/quant/internal/numtext"
	"github.com/a01592f9/quant/internal/summary"
)

// Kinds of reports.
const (
	Compare = "compare"
	Sweep   = "sweep"
)

// An Entry is a tensor's part of a report.
type Entry struct {
	Position int             // of the tensor among all of the source
	Name     string          // of the tensor
	Skipped  bool            // the tensor was not compared, and JSON says why
	JSON     json.RawMessage // an object of "tensors", "weights" or "skipped"
}

// A Skipped is a tensor that was not compared, and why.
type Skipped struct {
	Name   string `json:"name"`
	DType  string `json:"dtype"`
	Shape  []int  `json:"shape"`
	Bytes  int64  `json:"bytes"`
	Reason string `json:"reason"`
	Failed bool   `json:"failed"` // the tensor should have been compared, but its data did not allow it
}

// Skip returns the entry of a tensor that is not compared.
func Skip(position int, t Tensor, reason string, failed bool) (Entry, error) {
	data, err := marshal(Skipped{t.Name, t.DType, dims(t.Shape), t.Bytes, reason, failed})
	return Entry{position, t.Name, true, data}, err
}

// A Total is what all tensors take, and lose, under one scheme.
type total struct {
	Granularity   string         `json:"granularity"`
	Memory        Memory         `json:"memory"`
	BitsPerWeight numtext.Number `json:"bits_per_weight"`
	Compression   numtext.Number `json:"compression"`
	SQNR          numtext.Number `json:"sqnr_db"`
	MeanSQNR      numtext.Number `json:"mean_sqnr_db"`
	Clipped       int64          `json:"clipped"`
}

// sizes are the counts that the summaries of both kinds of reports begin with.
type sizes struct {
	Compared     int   `json:"compared"`
	Skipped      int   `json:"skipped"`
	Failed       int   `json:"failed"`
	Elements     int64 `json:"elements"`
	Float32Bytes int64 `json:"float32_bytes"`
	SourceBytes  int64 `json:"source_bytes"`
	OtherBytes   int64 `json:"other_bytes"`
}

// A comparison is the report of quant compare.
type comparison struct {
	Source  string  `json:"source"`
	Options Options `json:"options"`
	Summary struct {
		sizes
		Totals []total `json:"totals"`
		ByGain []int   `json:"by_gain"`
	} `json:"summary"`
	Tensors []json.RawMessage `json:"tensors"`
	Skipped []json.RawMessage `json:"skipped"`
}

// figures are what sums over tensors need of the entry of a tensor.
type figures struct {
	Name     string `json:"name"`
	Elements int64  `json:"elements"`
	Bytes    int64  `json:"bytes"`

	Results []figure `json:"results"`
}

// A figure is what sums need of one result of a tensor.
type figure struct {
	Scheme struct {
		Granularity string `json:"granularity"`
	} `json:"scheme"`
	RMSE    numtext.Number `json:"rmse"`
	SQNR    numtext.Number `json:"sqnr_db"`
	Clipped int64          `json:"clipped"`
	Memory  Memory         `json:"memory"`
	Gain    *struct {
		RMSEFactor numtext.Number `json:"rmse_factor"`
	} `json:"gain"`
	Total int64 `json:"total_bytes"` // of a sweep
}

// errors returns the RMSE and the SQNR of result k.
func (x *figures) errors(k int) (rmse, sqnr float64) {
	return float64(x.Results[k].RMSE), float64(x.Results[k].SQNR)
}

// read returns the figures of an entry, with the numbers that JSON has as null.
func (e *Entry) read() (figures, error) {
	var f figures
	if err := json.Unmarshal(e.JSON, &f); err != nil {
		return f, fmt.Errorf("the entry of tensor %q is damaged: %w", e.Name, err)
	}
	for i := range f.Results {
		r := &f.Results[i]
		if math.IsNaN(float64(r.SQNR)) { // the null of a ratio that is infinite
			r.SQNR = numtext.Number(math.Inf(1))
			if r.RMSE != 0 {
				r.SQNR = numtext.Number(math.Inf(-1))
			}
		}
		if r.Gain != nil && math.IsNaN(float64(r.Gain.RMSEFactor)) {
			r.Gain.RMSEFactor = numtext.Number(math.Inf(1))
		}
	}
	return f, nil
}

// divide sorts entries by their positions, and returns the figures of those
// that were compared, and the JSON of both kinds.
func (s *sizes) divide(entries []Entry) (compared []figures, tensors, skipped []json.RawMessage, err error) {
	slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(a.Position, b.Position) })
	tensors, skipped = []json.RawMessage{}, []json.RawMessage{}
	var failed []json.RawMessage
	for i := range entries {
		e := &entries[i]
		if i > 0 && e.Position == entries[i-1].Position {
			return nil, nil, nil, fmt.Errorf("tensors %q and %q have the same position", entries[i-1].Name, e.Name)
		}
		if !e.Skipped {
			f, err := e.read()
			if err != nil {
				return nil, nil, nil, err
			}
			compared, tensors = append(compared, f), append(tensors, e.JSON)
			s.Elements += f.Elements
			s.SourceBytes += f.Bytes
			continue
		}
		var x Skipped
		if err := json.Unmarshal(e.JSON, &x); err != nil {
			return nil, nil, nil, fmt.Errorf("the entry of tensor %q is damaged: %w", e.Name, err)
		}
		s.OtherBytes += x.Bytes
		if x.Failed {
			s.Failed++
			failed = append(failed, e.JSON)
		} else {
			s.Skipped++
			skipped = append(skipped, e.JSON)
		}
	}
	s.Compared, s.Float32Bytes = len(compared), 4*s.Elements
	return compared, tensors, append(skipped, failed...), nil
}

// WriteComparison writes the report of quant compare. The entries are those of
// Options.Entry and Skip; their order does not matter.
func WriteComparison(w io.Writer, source string, o Options, entries []Entry) error {
	r := comparison{Source: source, Options: o.filled()}
	s := &r.Summary
	compared, tensors, skipped, err := s.divide(entries)
	if err != nil {
		return err
	}
	if len(compared) == 0 {
		return nothing(source, skipped)
	}
	r.Tensors, r.Skipped = tensors, skipped
	for _, x := range compared[0].Results {
		s.Totals = append(s.Totals, total{Granularity: x.Scheme.Granularity})
	}
	sums := summary.NewErrorSums(len(s.Totals))
	for i := range compared {
		x := &compared[i]
		s.ByGain = append(s.ByGain, i)
		for k, res := range x.Results {
			s.Totals[k].Memory = s.Totals[k].Memory.add(res.Memory)
			s.Totals[k].Clipped += res.Clipped
		}
		sums.Add(x.Elements, x.errors)
	}
	for k := range s.Totals {
		t := &s.Totals[k]
		t.BitsPerWeight = numtext.Number(8 * float64(t.Memory.Total) / float64(s.Elements))
		t.Compression = numtext.Number(float64(s.Float32Bytes) / float64(t.Memory.Total))
		t.SQNR, t.MeanSQNR = numtext.Number(sums.SQNR(k)), numtext.Number(sums.MeanSQNR(k))
	}
	slices.SortStableFunc(s.ByGain, func(a, b int) int {
		return cmp.Compare(compared[b].Results[1].Gain.RMSEFactor, compared[a].Results[1].Gain.RMSEFactor)
	})
	return calibfile.WriteJSON(w, r)
}

// nothing returns why no tensor was compared.
func nothing(source string, skipped []json.RawMessage) error {
	if len(skipped) == 0 {
		return fmt.Errorf("%s: there are no tensors to compare", source)
	}
	first := Skipped{}
	for i := range skipped {
		var x Skipped
		if err := json.Unmarshal(skipped[i], &x); err != nil {
			return err
		}
		if i == 0 || x.Failed && !first.Failed {
			first = x
		}
	}
	reason := first.Reason
	if !first.Failed {
		reason = "cannot be compared: " + reason
	}
	err := fmt.Errorf("%s: tensor %q: %s", source, first.Name, reason)
	if n := len(skipped) - 1; n > 0 {
		return fmt.Errorf("%w (nor can %s more)", err, numtext.Plural(int64(n), "tensor"))
	}
	return err
}

// Failed returns an error that names the first tensor of a report that should
// have been compared and was not, and how many more there are; nil if there is none.
func Failed(data []byte) error {
	var r struct {
		Source  string    `json:"source"`
		Skipped []Skipped `json:"skipped"`
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return err
	}
	r.Skipped = slices.DeleteFunc(r.Skipped, func(x Skipped) bool { return !x.Failed })
	if len(r.Skipped) == 0 {
		return nil
	}
	first := r.Skipped[0]
	text := fmt.Sprintf("%s: tensor %q: %s", r.Source, first.Name, first.Reason)
	if n := len(r.Skipped) - 1; n > 0 {
		text += fmt.Sprintf(" (and %s more)", numtext.Plural(int64(n), "tensor"))
	}
	return errors.New(text)
}

// marshal is json.Marshal that leaves <, > and & as they are.
func marshal(v any) (json.RawMessage, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return json.RawMessage(strings.TrimSuffix(b.String(), "\n")), err
}
