package quant

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/a01592f9/quant/internal/search"
)

// A Method says how the range of a tensor, channel or group is chosen, from
// which scale and zero point follow. Its zero value is MinMax. Methods can be
// compared with ==.
//
// LeastSquares and LeastAbsolute may choose a range that is wider than the smallest and
// the largest value: a step of whose multiples all values are loses nothing, however few
// of the codes are used. All other methods choose within these two. Every method gives
// them for values that are all the same.
type Method struct {
	kind     methodKind
	fraction float64 // of Percentile, PercentileMagnitude and MovingAverage
}

type methodKind uint8

const (
	minMax methodKind = iota
	percentile
	leastSquares
	leastAbsolute
	entropy
	movingAverage
	magnitudes
)

// methods has all that there is to know of each method, by its kind. A new method
// has a line here and, if it needs a search of a new kind, a goal in
// internal/search.
var methods = [...]struct {
	MethodInfo
	goal search.Goal // of the search; search.NoGoal where ranges are all that is needed
	most float64     // of the value, which must be above 0
	what string      // the value is, in an error
}{
	minMax: {MethodInfo: MethodInfo{
		Name:    "minmax",
		Purpose: "takes the smallest and the largest value, so that nothing is clipped",
	}},
	percentile: {MethodInfo: MethodInfo{
		Name: "percentile", Value: "P", Example: 99.99,
		Purpose: "leaves out (100-P) percent of the values, half of them at either end",
	}, goal: search.Tails, most: 100, what: "percentile %v"},
	leastSquares: {MethodInfo: MethodInfo{
		Name:    "mse",
		Purpose: "takes the range with the least sum of squared errors",
	}, goal: search.Squares},
	leastAbsolute: {MethodInfo: MethodInfo{
		Name:    "mae",
		Purpose: "takes the range with the least sum of absolute errors, which clips more",
	}, goal: search.Absolute},
	entropy: {MethodInfo: MethodInfo{
		Name:    "entropy",
		Purpose: "takes the range under which the distribution of the codes is closest to that of the values",
	}, goal: search.Divergence},
	movingAverage: {MethodInfo: MethodInfo{
		Name: "ema", Value: "M", Example: 0.01, Batches: true,
		Purpose: "averages the smallest and the largest values of batches, each with the weight M",
	}, most: 1, what: "weight %v of a moving average"},
	magnitudes: {MethodInfo: MethodInfo{
		Name: "magnitude", Value: "P", Example: 99.99,
		Purpose: "leaves out (100-P) percent of the values, those of the largest magnitudes, at either end",
	}, goal: search.Magnitudes, most: 100, what: "percentile %v"},
}

// A MethodInfo describes a method, for a tool that lists them.
type MethodInfo struct {
	Name      string  // as ParseMethod reads it, before a value: "percentile"
	Value     string  // letter for the value that the method takes, as in percentile=P; empty if it takes none
	Example   float64 // such a value, a common one
	Histogram bool    // an Observer keeps a histogram for the method, not only ranges
	Batches   bool    // the method is of batches: only an Observer takes it
	Purpose   string  // what the method does, as the end of a sentence that begins with its name
}

// String returns the name as a help text gives it, such as "percentile=P".
func (i MethodInfo) String() string {
	if i.Value == "" {
		return i.Name
	}
	return i.Name + "=" + i.Value
}

// Method returns the method with the value of i.Example, if it takes one. It is the
// zero Method, MinMax, for a name that there is not.
func (i MethodInfo) Method() Method {
	for k := range methods {
		if methods[k].Name == i.Name {
			return Method{methodKind(k), methods[k].Example}
		}
	}
	return Method{}
}

// Methods returns a description of each method, in an order to list them in.
func Methods() []MethodInfo {
	all := make([]MethodInfo, len(methods))
	for i := range all {
		all[i] = methods[i].MethodInfo
		all[i].Histogram = methods[i].goal != search.NoGoal
	}
	return all
}

var (
	// MinMax takes the smallest and the largest value: nothing is clipped.
	MinMax = Method{}

	// LeastSquares takes the range with the least sum of squared errors: a
	// range that clips outliers makes the step smaller for all others. Of up to 64
	// values it is the least of all scales and zero points, but for how numbers are
	// rounded; of more it is never worse than the minimum and maximum of a scheme whose
	// codes are a subset.
	LeastSquares = Method{kind: leastSquares}

	// LeastAbsolute takes the range with the least sum of absolute errors, found as that of
	// LeastSquares is. It clips more than LeastSquares.
	LeastAbsolute = Method{kind: leastAbsolute}

	// Entropy takes the range under which the distribution of the codes is
	// closest to that of the values: their Kullback-Leibler divergence is the
	// least. It needs many values, and suits data whose few outliers do not matter.
	Entropy = Method{kind: entropy}
)

// Percentile takes the range that leaves out the fraction (100-p)/100 of the
// values, half of it at either end: Percentile(99.9) goes from the value below
// which 0.05 % lie to the one above which 0.05 % lie. p is above 0 and at most
// 100, which is MinMax by another name.
func Percentile(p float64) Method { return Method{percentile, p} }

// PercentileMagnitude takes the range that leaves out the fraction (100-p)/100 of the
// values, those of the largest magnitudes, at whichever end they are: what TensorRT and ONNX
// Runtime's symmetric calibration take. Where values are on one side of 0, as after a ReLU,
// all that is left out is at their far end; Percentile leaves half of it out at the near
// one, where nothing is gained. p is as for Percentile.
func PercentileMagnitude(p float64) Method { return Method{magnitudes, p} }

// MovingAverage takes the averages of the smallest and of the largest values
// of batches, m being the weight of a batch: average = (1-m)*average + m*value.
// The first batch counts in full. m is above 0 and at most 1; 0.01 is common.
// The result depends on the order of the batches. The method is for an [Observer]: [Calibrate] and [Compare] refuse it, since a tensor
// by itself is no sequence of batches.
func MovingAverage(m float64) Method { return Method{movingAverage, m} }

// String returns the method as ParseMethod reads it, such as "minmax" or
// "percentile=99.99".
func (m Method) String() string {
	switch {
	case int(m.kind) >= len(methods):
		return fmt.Sprintf("Method(%d)", m.kind)
	case m.takesValue():
		return methods[m.kind].Name + "=" + strconv.FormatFloat(m.fraction, 'g', -1, 64)
	}
	return methods[m.kind].Name
}

// takesValue reports whether m, which must be one that there is, takes a value.
func (m Method) takesValue() bool { return methods[m.kind].Value != "" }

// ParseMethod returns the method with the given name, which is one of those that
// Methods describes, with its value if it takes one: "minmax", "percentile=99.99",
// "magnitude=99.99" for PercentileMagnitude, "mse" for LeastSquares, "mae" for
// LeastAbsolute, "entropy", or "ema=0.01" for MovingAverage. The error is ErrMethod.
func ParseMethod(name string) (Method, error) {
	word, value, hasValue := strings.Cut(name, "=")
	var m Method
	for int(m.kind) < len(methods) && methods[m.kind].Name != word {
		m.kind++
	}
	if int(m.kind) == len(methods) {
		return Method{}, fmt.Errorf("%w: there is no %q; there are %s", ErrMethod, name, methodNames())
	}
	if m.takesValue() != hasValue {
		if hasValue {
			return Method{}, fmt.Errorf("%w: %q: %s takes no value", ErrMethod, name, word)
		}
		return Method{}, fmt.Errorf("%w: %q needs a value, as in %s=%v", ErrMethod, name, word, methods[m.kind].Example)
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

// methodNames returns all names, as in "minmax, mse and ema=M".
func methodNames() string {
	var b strings.Builder
	for i, m := range Methods() {
		switch i {
		case 0:
		case len(methods) - 1:
			b.WriteString(" and ")
		default:
			b.WriteString(", ")
		}
		b.WriteString(m.String())
	}
	return b.String()
}

func (m Method) validate() error {
	if int(m.kind) >= len(methods) {
		return fmt.Errorf("%w: there is no %v", ErrMethod, m)
	}
	switch k := &methods[m.kind]; {
	case m.takesValue() && !(m.fraction > 0 && m.fraction <= k.most):
		return fmt.Errorf("%w: "+k.what+" is not in (0, %v]", ErrMethod, m.fraction, k.most)
	case !m.takesValue() && (m.fraction != 0 || math.Signbit(m.fraction)):
		return fmt.Errorf("%w: %v takes no value", ErrMethod, m)
	}
	return nil
}

// Fraction returns the p of Percentile and PercentileMagnitude, or the m of MovingAverage; ok is false
// for the others.
func (m Method) Fraction() (f float64, ok bool) {
	return m.fraction, int(m.kind) < len(methods) && m.takesValue()
}

// Equal reports whether m and n are the same.
func (m Method) Equal(n Method) bool { return m == n }

// goal returns what a search looks for.
func (m Method) goal() search.Goal {
	if int(m.kind) >= len(methods) {
		return search.NoGoal // validate refuses it
	}
	return methods[m.kind].goal
}

// ranged reports whether the smallest and the largest value, or averages of
// them, are all that m needs to know of a tensor.
func (m Method) ranged() bool { return m.goal() == search.NoGoal }
