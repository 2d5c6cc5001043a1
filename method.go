package quant

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A Method says how the range of a tensor, channel or group is chosen, from
// which scale and zero point follow. Its zero value is MinMax. Methods can be
// compared with ==.
//
// Every method chooses within the smallest and the largest value, and gives
// those two for values that are all the same.
type Method struct {
	kind     methodKind
	fraction float64 // of Percentile and MovingAverage
}

type methodKind uint8

const (
	minMax methodKind = iota
	percentile
	leastSquares
	leastAbsolute
	entropy
	movingAverage
)

var (
	// MinMax takes the smallest and the largest value: nothing is clipped.
	MinMax = Method{}

	// LeastSquares takes the range with the least sum of squared errors: a
	// range that clips outliers makes the step smaller for all others.
	LeastSquares = Method{kind: leastSquares}

	// LeastAbsolute takes the range with the least sum of absolute errors. It
	// clips more than LeastSquares.
	LeastAbsolute = Method{kind: leastAbsolute}

	// Entropy takes the range under which the distribution of the codes is
	// closest to that of the values: their Kullback-Leibler divergence is the
	// least. It needs many values, and no few outliers that matter.
	Entropy = Method{kind: entropy}
)

// Percentile takes the range that leaves out the fraction (100-p)/100 of the
// values, half of it at either end: Percentile(99.9) goes from the value below
// which 0.05 % lie to the one above which 0.05 % lie. p is above 0 and at most
// 100, which is MinMax by another name.
func Percentile(p float64) Method { return Method{percentile, p} }

// MovingAverage takes the averages of the smallest and of the largest values
// of batches, m being the weight of a batch: average = (1-m)*average + m*value.
// The first batch counts in full. m is above 0 and at most 1; 0.01 is common.
// The result depends on the order of the batches, which is in its nature. The
// method is for an [Observer]: [Calibrate] and [Compare] refuse it, since a tensor
// by itself is no sequence of batches.
func MovingAverage(m float64) Method { return Method{movingAverage, m} }

// String returns the method as ParseMethod reads it, such as "minmax" or
// "percentile=99.99".
func (m Method) String() string {
	switch m.kind {
	case minMax:
		return "minmax"
	case percentile:
		return "percentile=" + strconv.FormatFloat(m.fraction, 'g', -1, 64)
	case leastSquares:
		return "mse"
	case leastAbsolute:
		return "mae"
	case entropy:
		return "entropy"
	case movingAverage:
		return "ema=" + strconv.FormatFloat(m.fraction, 'g', -1, 64)
	}
	return fmt.Sprintf("Method(%d)", m.kind)
}

// ParseMethod returns the method with the given name: "minmax",
// "percentile=99.99", "mse" for LeastSquares, "mae" for LeastAbsolute,
// "entropy", or "ema=0.01" for MovingAverage. The error is ErrMethod.
func ParseMethod(name string) (Method, error) {
	var m Method
	word, value, hasValue := strings.Cut(name, "=")
	switch word {
	case "minmax":
	case "percentile":
		m.kind = percentile
	case "mse":
		m = LeastSquares
	case "mae":
		m = LeastAbsolute
	case "entropy":
		m = Entropy
	case "ema":
		m.kind = movingAverage
	default:
		return Method{}, fmt.Errorf("%w: there is no %q; there are minmax, percentile=P, mse, mae, entropy and ema=M", ErrMethod, name)
	}
	if takes := m.kind == percentile || m.kind == movingAverage; takes != hasValue {
		if takes {
			return Method{}, fmt.Errorf("%w: %q needs a value, as in %s=%v", ErrMethod, name, word, map[string]float64{"percentile": 99.99, "ema": 0.01}[word])
		}
		return Method{}, fmt.Errorf("%w: %q: %s takes no value", ErrMethod, name, word)
	}
	if hasValue {
		f, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return Method{}, fmt.Errorf("%w: %q: %q is not a number", ErrMethod, name, value)
		}
		m.fraction = f
	}
	return m, m.validate()
}

func (m Method) validate() error {
	switch {
	case m.kind > movingAverage:
		return fmt.Errorf("%w: there is no %v", ErrMethod, m)
	case m.kind == percentile && !(m.fraction > 0 && m.fraction <= 100):
		return fmt.Errorf("%w: percentile %v is not in (0, 100]", ErrMethod, m.fraction)
	case m.kind == movingAverage && !(m.fraction > 0 && m.fraction <= 1):
		return fmt.Errorf("%w: weight %v of a moving average is not in (0, 1]", ErrMethod, m.fraction)
	case m.kind != percentile && m.kind != movingAverage && (m.fraction != 0 || math.Signbit(m.fraction)):
		return fmt.Errorf("%w: %v takes no value", ErrMethod, m)
	}
	return nil
}

// Fraction returns the p of Percentile or the m of MovingAverage; ok is false
// for the others.
func (m Method) Fraction() (f float64, ok bool) {
	return m.fraction, m.kind == percentile || m.kind == movingAverage
}

// Equal reports whether m and n are the same.
func (m Method) Equal(n Method) bool { return m == n }

// ranged reports whether the smallest and the largest value, or averages of
// them, are all that m needs to know of a tensor.
func (m Method) ranged() bool { return m.kind == minMax || m.kind == movingAverage }
