package quant

// A Comparison holds what several schemes do to one tensor, side by side.
type Comparison struct {
	// Axis is the one whose indices are the channels below, counted from the
	// front: that of the first per-channel scheme; without one, axis 0. It is -1
	// where a tensor of one axis was not to be cut into channels: then there is
	// one channel.
	Axis     int
	Shape    []int
	Channels []Range  // range of each channel
	Results  []Result // of each scheme, in the order of the call
}

// A Result is what one scheme does to a tensor.
type Result struct {
	Params             // the scheme and what it was calibrated to
	Metrics            // over all elements
	Memory   Memory    // of the codes and the parameters
	Channels []Metrics // over each channel of Comparison.Axis, whatever the scheme's granularity
}

// Metrics say how far a tensor is from its reconstruction, e being
// reconstruction minus original, in the tensor's units.
type Metrics struct {
	N        int     // elements
	MAE      float64 // mean absolute error: sum|e| / n
	RMSE     float64 // root mean squared error: sqrt(sum e² / n)
	MaxError float64 // max|e|
	SQNR     float64 // signal to quantization noise ratio in dB: 10*log10(sum x² / sum e²); +Inf where nothing is lost
	Clipped  int     // elements whose code had to be clamped to the grid
}

// Compare calibrates t to each scheme, and measures what quantizing to it and
// back would change. It reads t twice, whatever the number of schemes, and
// makes no copy of it.
func Compare(t Tensor, schemes ...Scheme) (*Comparison, error) { panic("not yet") }

// CompareInto is Compare into memory that c brings from an earlier call: where
// it suffices, as it does for the same shape and schemes, nothing is allocated.
func CompareInto(c *Comparison, t Tensor, schemes ...Scheme) error { panic("not yet") }

// Evaluate is Compare with parameters that are there already, from elsewhere
// or from other data, instead of schemes to calibrate.
func Evaluate(t Tensor, params ...Params) (*Comparison, error) { panic("not yet") }

// Gain returns by what factor result i lowers the RMSE of result j:
// RMSE[j] / RMSE[i]. It is 1 where both are 0, and +Inf where only that of i is.
func (c *Comparison) Gain(i, j int) float64 { panic("not yet") }

// Winner returns the index of the result with the lowest RMSE (of equals the
// one that takes less memory, then the first), and the factor by which it is
// lower than that of the runner-up: 1 where there is none.
func (c *Comparison) Winner() (best int, factor float64) { panic("not yet") }

// ChannelWinner is Winner by the RMSE of one channel.
func (c *Comparison) ChannelWinner(channel int) (best int, factor float64) { panic("not yet") }
