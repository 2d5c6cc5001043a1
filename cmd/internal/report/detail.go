package report

import (
	"github.com/a01592f9/quant/cmd/internal/text"
)

// A Detail has the data of a tensor's graphs that are not in its Tensor. Report.Detail computes
// it from the values of the tensor. Its size is bounded whatever the size of the tensor: curves
// of many points are thinned so that their extremes stay, and their Note says so.
type Detail struct {
	Tensor     int           `json:"tensor"` // index in Report.Tensors
	Name       string        `json:"name"`
	Elements   ElementCurves `json:"elements"`
	Channels   ChannelCurves `json:"channels"`
	Errors     ErrorCounts   `json:"errors"`     // how the errors of all values spread
	Histogram  Histogram     `json:"histogram"`  // of all values
	Histograms []Histogram   `json:"histograms"` // of single channels, by their index
	Focus      int           `json:"focus"`      // the channel to show first: the one that gains most, if none was asked for
	Sweep      []SweepPoint  `json:"sweep"`      // every width of a code
	Methods    MethodRanges  `json:"methods"`    // the range of each method for the whole tensor
}

// ElementCurves are the values of a tensor, channel by channel, and their reconstruction under
// each scheme. The slices are parallel.
type ElementCurves struct {
	Total         int           `json:"total"`         // elements in the tensor
	PerChannel    int           `json:"per_channel"`   // elements in a channel
	From          int           `json:"from"`          // position of the first one of the stretch that is shown
	To            int           `json:"to"`            // position behind the last one
	Bins          int           `json:"bins"`          // equal stretches of which only the extremes are shown; 0 where all is shown
	Position      []int         `json:"position"`      // place in the order channel by channel: what to plot against
	Index         []int         `json:"index"`         // place in the tensor, in row-major order
	Original      text.Floats   `json:"original"`      // values
	Reconstructed []text.Floats `json:"reconstructed"` // for each result: what the codes stand for
	Error         []text.Floats `json:"error"`         // for each result: reconstructed minus original
	Note          string        `json:"note"`          // what is shown, in a sentence
}

// ErrorCounts are histograms of errors, which are counted in float32.
type ErrorCounts struct {
	Most   text.Number `json:"most"`   // the greatest magnitude: bins of equal width go from -Most to Most
	Counts [][]int64   `json:"counts"` // for each result; empty if there is no error
}

// bin returns the bin of an error.
func (c *ErrorCounts) bin(e float32) int {
	at := (float64(e)/float64(c.Most) + 1) / 2 * errorBins
	return min(max(int(at), 0), errorBins-1)
}

// errorBins is an odd number, so that one bin is around 0.
const errorBins = 41

// ChannelCurves are the errors of the channels. The slices are parallel.
type ChannelCurves struct {
	Total    int             `json:"total"`     // channels in the tensor
	Index    []int           `json:"index"`     // of the channel
	RMSE     [][]text.Number `json:"rmse"`      // for each result
	MaxError [][]text.Number `json:"max_error"` // for each result
	Note     string          `json:"note"`      // what is shown, in a sentence
}

// A SweepPoint has the results of the schemes at another width of their codes.
type SweepPoint struct {
	Bits    int           `json:"bits"`
	Results []SweepResult `json:"results"` // in the order of Tensor.Results
}

// A SweepResult has the main numbers of a Result.
type SweepResult struct {
	RMSE       text.Number `json:"rmse"`
	SQNR       text.Number `json:"sqnr_db"`
	TotalBytes int64       `json:"total_bytes"`
	Weighted   *Weighted   `json:"weighted,omitempty"` // nil for a tensor without an importance
}

// Counted returns the RMSE that counts: with the importance of the inputs, if there is one.
func (r *SweepResult) Counted() text.Number {
	if r.Weighted != nil {
		return r.Weighted.RMSE
	}
	return r.RMSE
}

// DetailOptions bound the size of a Detail. The zero value means the defaults.
type DetailOptions struct {
	Points     int // the limit of elements and of channels; 0 for 4096
	Histograms int // the limit of histograms of single channels, those that gain most; 0 for 64

	// Focus is the channel to show first, which then has a histogram; nil for
	// the one that gains most.
	Focus *int
}

// FocusHistogram returns the histogram of the channel to show first, nil if
// there is none.
func (d *Detail) FocusHistogram() *Histogram {
	for i := range d.Histograms {
		if *d.Histograms[i].Channel == d.Focus {
			return &d.Histograms[i]
		}
	}
	return nil
}

// Note says in one or two sentences what the curves show.
func (d *Detail) Note() string { return d.Elements.Note + " " + d.Channels.Note }
