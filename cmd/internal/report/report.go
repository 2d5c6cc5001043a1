// Package report compares what quantization schemes do to the tensors of a
// file, and writes the outcome for people and for programs.
//
// A Report is at once the outcome in memory and, marshalled, the JSON that
// docs/json.md describes: the command line, and whatever else shows
// comparisons, works from this one type. Build makes one from a Source and
// Options; WriteText, WriteMarkdown, WriteJSON and WriteCSV render it.
package report

import (
	"fmt"

	"github.com/a01592f9/quant"
)

// A Report is the outcome of one comparison over all tensors of a source.
type Report struct {
	Source  string    `json:"source"`  // file name, "stdin" or "sample"
	Options Options   `json:"options"` // what was asked for
	Summary Summary   `json:"summary"`
	Tensors []Tensor  `json:"tensors"` // in the order of the source
	Skipped []Skipped `json:"skipped"` // never nil, so that it is [] in JSON

	order []int // of tables, see Sort; nil for Summary.ByGain
}

// A Summary adds up all tensors of a report.
type Summary struct {
	Compared     int   `json:"compared"`
	Skipped      int   `json:"skipped"` // without those that failed
	Failed       int   `json:"failed"`
	Elements     int64 `json:"elements"`      // of the compared tensors
	Float32Bytes int64 `json:"float32_bytes"` // what they take unquantized
	SourceBytes  int64 `json:"source_bytes"`  // what they take in the file
	OtherBytes   int64 `json:"other_bytes"`   // what the tensors that were not compared take in the file

	// Totals has one entry for each scheme, in the order of Tensor.Results.
	Totals []Total `json:"totals"`

	// ByGain lists indices of Report.Tensors, those first whose RMSE per
	// channel lowers most.
	ByGain []int `json:"by_gain"`
}

// A Total is what all tensors take, and lose, under one scheme.
type Total struct {
	Granularity   string `json:"granularity"`
	Memory        Memory `json:"memory"`
	BitsPerWeight Number `json:"bits_per_weight"` // of codes, scales and zero points
	Compression   Number `json:"compression"`     // float32 bytes divided by these
	SQNR          Number `json:"sqnr_db"`         // of all values together; see Errors
	MeanSQNR      Number `json:"mean_sqnr_db"`    // mean over the tensors of which anything is lost
	Clipped       int64  `json:"clipped"`
}

// A Tensor is the comparison of schemes on one tensor.
type Tensor struct {
	Name     string `json:"name"`
	DType    string `json:"dtype"`
	Shape    []int  `json:"shape"`
	Elements int64  `json:"elements"`
	Bytes    int64  `json:"bytes"` // in the file, uncompressed
	Min      Float  `json:"min"`
	Max      Float  `json:"max"`
	Channels int    `json:"channels"`

	Use string `json:"use"` // the operator that uses it, if the file tells; else ""

	// Axis is the one whose indices are the channels of every result, counted
	// from the front; nil where a tensor of one dimension is one channel.
	Axis *int `json:"axis"`

	// AxisFrom says why it is that axis: see the constants.
	AxisFrom string `json:"axis_from"`

	Results []Result `json:"results"` // per tensor, per channel and, if asked for, per group
	Best    int      `json:"best"`    // index of the result with the lowest RMSE
	Verdict string   `json:"verdict"` // one sentence: what per channel gains, and what it costs

	job  job   // what was compared, for Report.Detail to come back to
	kept []int // the channels that are in Results; nil for all
}

// A Result is what one scheme does to a tensor.
type Result struct {
	Scheme    Scheme  `json:"scheme"`
	Scale     Floats  `json:"scale"`
	ZeroPoint []int32 `json:"zero_point"`
	Metrics
	Memory Memory `json:"memory"`

	// Gain measures the result against the first one, per tensor; nil for that.
	Gain *Gain `json:"gain,omitempty"`

	Channels      []Channel `json:"channels"`
	Codes         []int32   `json:"codes,omitempty"`         // row-major
	Reconstructed Floats    `json:"reconstructed,omitempty"` // row-major

	scales [2]float32 // the least and the greatest of Scale
	zeros  [2]int32   // and of ZeroPoint
}

// A Scheme is a quant.Scheme for a tensor of known shape: its axis is counted
// from the front. Axis and GroupSize are nil where they mean nothing.
type Scheme struct {
	Bits        int    `json:"bits"`
	Unsigned    bool   `json:"unsigned"`
	Mapping     string `json:"mapping"`     // "asymmetric" or "symmetric"
	Granularity string `json:"granularity"` // "per_tensor", "per_channel" or "per_group"
	Axis        *int   `json:"axis"`
	GroupSize   *int   `json:"group_size"`
	NarrowRange bool   `json:"narrow_range"`
	ZeroInRange bool   `json:"zero_in_range"`
	Method      string `json:"method"` // that chose the ranges
}

// The values of Scheme.Granularity.
const (
	PerTensor  = "per_tensor"
	PerChannel = "per_channel"
	PerGroup   = "per_group"
)

// Label returns the granularity for people: "per tensor", "per channel" or
// "groups of 32".
func (s Scheme) Label() string {
	switch s.Granularity {
	case PerChannel:
		return "per channel"
	case PerGroup:
		return fmt.Sprintf("groups of %d", *s.GroupSize)
	}
	return "per tensor"
}

// adverb is a Label for the middle of a sentence: "per tensor", "in groups of 32".
func (s Scheme) adverb() string {
	if s.Granularity == PerGroup {
		return "in " + s.Label()
	}
	return s.Label()
}

// short is a Label for the head of a narrow column.
func (s Scheme) short() string {
	switch s.Granularity {
	case PerChannel:
		return "channel"
	case PerGroup:
		return "group"
	}
	return "tensor"
}

// A Channel is one channel's range and what a scheme does to it.
type Channel struct {
	Min Float `json:"min"`
	Max Float `json:"max"`
	Metrics
}

// Metrics are those of quant.Metrics: of all elements or of one channel.
type Metrics struct {
	MAE      Number `json:"mae"`
	RMSE     Number `json:"rmse"`
	MaxError Number `json:"max_error"`
	SQNR     Number `json:"sqnr_db"` // infinite, and so null in JSON, where nothing is lost
	Clipped  int    `json:"clipped"`
}

func metrics(m quant.Metrics) Metrics {
	return Metrics{
		MAE:      Number(m.MAE),
		RMSE:     Number(m.RMSE),
		MaxError: Number(m.MaxError),
		SQNR:     Number(m.SQNR),
		Clipped:  m.Clipped,
	}
}

// Memory is quant.Memory with its sum.
type Memory struct {
	Payload  int64 `json:"payload_bytes"`
	Metadata int64 `json:"metadata_bytes"`
	Total    int64 `json:"total_bytes"`
}

func memory(m quant.Memory) Memory {
	return Memory{Payload: m.Payload, Metadata: m.Metadata, Total: m.Total()}
}

func (m Memory) add(o Memory) Memory {
	return Memory{m.Payload + o.Payload, m.Metadata + o.Metadata, m.Total + o.Total}
}

// A Gain measures a result against the one per tensor.
type Gain struct {
	RMSEFactor   Number `json:"rmse_factor"`  // by what the RMSE is divided; infinite where no error is left
	SQNR         Number `json:"sqnr_gain_db"` // dB more; null where either is infinite
	ExtraBytes   int64  `json:"extra_bytes"`
	ExtraPercent Number `json:"extra_percent"` // of the total bytes per tensor
}

func gain(c *quant.Comparison, i int) *Gain {
	base, r := c.Results[0], c.Results[i]
	extra := r.Memory.Total() - base.Memory.Total()
	g := &Gain{
		RMSEFactor:   Number(c.Gain(i, 0)),
		SQNR:         Number(r.SQNR - base.SQNR),
		ExtraBytes:   extra,
		ExtraPercent: Number(100 * float64(extra) / float64(base.Memory.Total())),
	}
	if r.SQNR == base.SQNR { // infinite ones too
		g.SQNR = 0
	}
	return g
}

// A Skipped is a tensor that was not compared, and why.
type Skipped struct {
	Name   string `json:"name"`
	DType  string `json:"dtype"`
	Shape  []int  `json:"shape"`
	Bytes  int64  `json:"bytes"` // in the file, uncompressed
	Reason string `json:"reason"`
	Failed bool   `json:"failed"` // it should have been compared, but its data did not allow it
}

// Err returns nil if every tensor that should be compared was, and otherwise
// one error that tells the first that was not and how many more there are.
func (r *Report) Err() error {
	var first *Skipped
	for i := range r.Skipped {
		if r.Skipped[i].Failed {
			first = &r.Skipped[i]
			break
		}
	}
	if first == nil {
		return nil
	}
	err := &TensorError{Source: r.Source, Tensor: first.Name, Reason: first.Reason}
	if n := r.Summary.Failed - 1; n > 0 {
		return fmt.Errorf("%w (and %s more)", err, plural(int64(n), "tensor"))
	}
	return err
}

// A TensorError reports a tensor that could not be compared.
type TensorError struct {
	Source, Tensor, Reason string
}

func (e *TensorError) Error() string {
	if e.Tensor == "" || e.Tensor == e.Source {
		return fmt.Sprintf("%s: %s", e.Source, e.Reason)
	}
	return fmt.Sprintf("%s: tensor %q: %s", e.Source, e.Tensor, e.Reason)
}

// main returns the result per channel, which reports are about.
func (t *Tensor) main() *Result { return &t.Results[1] }
