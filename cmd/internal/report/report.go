// Package report compares quantization schemes on the tensors of a file, and writes the results
// for people and for programs.
//
// A Report has the results of a comparison. Marshalled, it is the JSON that docs/json.md
// describes. The command line, the page and the documents all use this type. Build makes a
// Report from a Source and Options. SummaryTable and similar methods make tables of it, which
// WriteText and WriteMarkdown write; WriteCSV writes all of it in rows.
package report

import (
	"fmt"
	"strings"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// A Report has the results of a comparison of all tensors of a source.
type Report struct {
	Source  string    `json:"source"`  // file name, "stdin" or "sample"
	Options Options   `json:"options"` // what was asked for
	Summary Summary   `json:"summary"`
	Tensors []Tensor  `json:"tensors"` // in the order of the source
	Skipped []Skipped `json:"skipped"` // never nil, so that it is [] in JSON
	FileNotes

	For *Convention `json:"for,omitempty"` // the system that --for names; nil for none

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

	// ByGain lists indices of Report.Tensors. The tensor whose RMSE a scale for each channel
	// lowers most is first.
	ByGain []int `json:"by_gain"`
}

// A Total has the size and the errors of all tensors under one scheme.
type Total struct {
	Granularity   string      `json:"granularity"`
	Memory        Memory      `json:"memory"`
	BitsPerWeight text.Number `json:"bits_per_weight"` // of codes, scales and zero points
	Compression   text.Number `json:"compression"`     // float32 bytes divided by these
	SQNR          text.Number `json:"sqnr_db"`         // of all values together; see Errors
	MeanSQNR      text.Number `json:"mean_sqnr_db"`    // mean over the tensors that are not exact
	Clipped       int64       `json:"clipped"`
}

// A Tensor is the comparison of schemes on one tensor.
type Tensor struct {
	Name     string     `json:"name"`
	DType    string     `json:"dtype"`
	Shape    []int      `json:"shape"`
	Elements int64      `json:"elements"`
	Bytes    int64      `json:"bytes"` // in the file, uncompressed
	Min      text.Float `json:"min"`
	Max      text.Float `json:"max"`
	Channels int        `json:"channels"`

	Use string `json:"use"` // the operator that uses it, if the file tells; else ""

	// Axis is the one whose indices are the channels of every result, counted
	// from the front; nil where a tensor of one dimension is one channel.
	Axis *int `json:"axis"`

	// AxisFrom says why it is that axis: see the constants.
	AxisFrom string `json:"axis_from"`

	// Layout says how several tensors of the file make this one; "" if one tensor of the file
	// holds it.
	Layout string `json:"layout,omitempty"`

	Results []Result `json:"results"` // per tensor, per channel and, if asked for, per group
	Best    int      `json:"best"`    // index of the result with the lowest RMSE
	Verdict string   `json:"verdict"` // one sentence: what per channel gains, and what it costs

	job  job   // what was compared; Report.Detail reads it again
	kept []int // the channels that are in Results; nil for all
}

// main returns the result per channel, which reports are about.
func (t *Tensor) main() *Result { return &t.Results[1] }

// A Result has the parameters, the errors and the size of a tensor under one scheme.
type Result struct {
	Scheme    Scheme      `json:"scheme"`
	Scale     text.Floats `json:"scale"`
	ZeroPoint []int32     `json:"zero_point"`
	Metrics
	Weighted *Weighted `json:"weighted,omitempty"` // nil without an importance
	Memory   Memory    `json:"memory"`

	// Gain measures the result against the first one, per tensor; nil for that.
	Gain *Gain `json:"gain,omitempty"`

	Channels      []Channel   `json:"channels"`
	Codes         []int32     `json:"codes,omitempty"`         // row-major
	Reconstructed text.Floats `json:"reconstructed,omitempty"` // row-major

	scales [2]float32 // the least and the greatest of Scale
	zeros  [2]int32   // and of ZeroPoint
}

// A Channel has the range of one channel and its errors under a scheme.
type Channel struct {
	Min text.Float `json:"min"`
	Max text.Float `json:"max"`
	Metrics
	Weighted *Weighted `json:"weighted,omitempty"` // nil without an importance
}

// Metrics are quant.Metrics of all elements or of one channel.
type Metrics struct {
	MAE      text.Number `json:"mae"`
	RMSE     text.Number `json:"rmse"`
	MaxError text.Number `json:"max_error"`
	SQNR     text.Number `json:"sqnr_db"` // infinite, and so null in JSON, where nothing is lost
	Clipped  int         `json:"clipped"`
}

func metrics(m quant.Metrics) Metrics {
	return Metrics{
		MAE:      text.Number(m.MAE),
		RMSE:     text.Number(m.RMSE),
		MaxError: text.Number(m.MaxError),
		SQNR:     text.Number(m.SQNR),
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
	RMSEFactor   text.Number `json:"rmse_factor"`  // the RMSE per tensor divided by this one; infinite if there is no error
	SQNR         text.Number `json:"sqnr_gain_db"` // dB more; null where either is infinite
	ExtraBytes   int64       `json:"extra_bytes"`
	ExtraPercent text.Number `json:"extra_percent"` // of the total bytes per tensor
}

func gain(c *quant.Comparison, i int) *Gain {
	base, r := c.Results[0], c.Results[i]
	extra := r.Memory.Total() - base.Memory.Total()
	g := &Gain{
		RMSEFactor:   text.Number(c.Gain(i, 0)),
		SQNR:         text.Number(r.SQNR - base.SQNR),
		ExtraBytes:   extra,
		ExtraPercent: text.Number(100 * float64(extra) / float64(base.Memory.Total())),
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
	Failed bool   `json:"failed"`            // it was to be compared, but its data did not allow it
	PartOf string `json:"part_of,omitempty"` // the weight that it is a part of
}

// Err returns nil if no tensor failed. Otherwise it returns one error with the first tensor that
// failed and the number of others.
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
		return fmt.Errorf("%w (and %s more)", err, text.Plural(int64(n), "tensor"))
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
	reason := e.Reason
	if _, after, ok := strings.Cut(reason, fmt.Sprintf("tensor %q: ", e.Tensor)); ok { // as readers have it
		reason = after
	}
	return fmt.Sprintf("%s: tensor %q: %s", e.Source, e.Tensor, reason)
}
