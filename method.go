package quant

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/a01592f9/quant/internal/search"
)

// A Method says how the range of a tensor, channel or group is chosen. The scale and the zero
// point follow from the range. Its zero value is MinMax. Methods can be compared with ==.
//
// LeastSquares and LeastAbsolute may choose a range that is wider than the range of the values:
// if all values are multiples of a step, that step has no error, even if it leaves many codes
// unused. All other methods choose a range inside the range of the values. If all values are
// equal, every method chooses exactly their range.
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

// methods describes each method, by its kind. A new method needs an element here and, if it
// needs a new kind of search, a goal in internal/search.
var methods = [...]struct {
	MethodInfo
	goal search.Goal // of the search; search.NoGoal for methods that need only ranges
	most float64     // the largest value of the parameter; all must be above 0
	what string      // the parameter in an error, as in "percentile %v"
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
	}, goal: search.Magnitudes, most: 100, what: "magnitude %v"},
}

// A MethodInfo describes a method, for a tool that lists them.
type MethodInfo struct {
	Name      string  // as ParseMethod reads it, before a value: "percentile"
	Value     string  // letter for the parameter of the method, as in percentile=P; empty if it has none
	Example   float64 // a common value of the parameter
	Histogram bool    // whether an Observer keeps a histogram for the method, and not only ranges
	Batches   bool    // whether the method needs batches, so that only an Observer takes it
	Purpose   string  // what the method does, as the end of a sentence that begins with its name
}

// String returns the name with the letter of the parameter, as in help texts: "percentile=P".
func (i MethodInfo) String() string {
	if i.Value == "" {
		return i.Name
	}
	return i.Name + "=" + i.Value
}

// Method returns the method, with i.Example as its parameter if it has one. For an unknown name
// it returns MinMax.
func (i MethodInfo) Method() Method {
	for k := range methods {
		if methods[k].Name == i.Name {
			return Method{methodKind(k), methods[k].Example}
		}
	}
	return Method{}
}

// Methods returns descriptions of all methods, in the order for a list.
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

	// LeastSquares takes the range with the least sum of squared errors. Such a range may clip
	// outliers, so that the step is smaller for all other values. For up to 64 values the
	// result is the least over all scales and zero points, up to rounding. For more values it
	// is at most the error of MinMax for the same scheme, and for schemes whose codes are a
	// subset.
	LeastSquares = Method{kind: leastSquares}

	// LeastAbsolute takes the range with the least sum of absolute errors, with the search of
	// LeastSquares. It clips more than LeastSquares.
	LeastAbsolute = Method{kind: leastAbsolute}

	// Entropy takes the range for which the distribution of the codes is closest to that of the
	// values: the range with the least Kullback-Leibler divergence. It needs many values, and
	// suits data whose few outliers do not matter.
	Entropy = Method{kind: entropy}
)

// Percentile takes the range that leaves out the fraction (100-p)/100 of the values, half of it
// at either end. Percentile(99.9) goes from the value below which 0.05 % of the values are to
// the value above which 0.05 % are. p is above 0 and at most 100. Percentile(100) chooses the
// same range as MinMax.
func Percentile(p float64) Method { return Method{percentile, p} }

// PercentileMagnitude takes the range that leaves out the fraction (100-p)/100 of the values:
// those with the largest magnitudes, at either end. TensorRT and ONNX Runtime's symmetric
// calibration choose the range this way. If all values are on one side of 0, as after ReLU, it
// leaves out only values at the end far from 0. Percentile also leaves out half of them at the
// end near 0, which gains nothing there. p is above 0 and at most 100.
func PercentileMagnitude(p float64) Method { return Method{magnitudes, p} }

// MovingAverage takes moving averages of the smallest and of the largest values of batches:
// average = (1-m)*average + m*value. The weight m is above 0 and at most 1; 0.01 is common. The
// first batch sets the averages. The result depends on the order of the batches. The method is
// for an [Observer]: [Calibrate] and [Compare] refuse it, since a single tensor is not a
// sequence of batches.
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

// takesValue reports whether m, which must be valid, has a parameter.
func (m Method) takesValue() bool { return methods[m.kind].Value != "" }

// ParseMethod returns the method with the given name, followed by "=" and the parameter if it
// has one: "minmax", "percentile=99.99", "magnitude=99.99" for PercentileMagnitude, "mse" for
// LeastSquares, "mae" for LeastAbsolute, "entropy", or "ema=0.01" for MovingAverage. Methods
// lists the names. The error is ErrMethod.
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
		return fmt.Errorf("%w: "+k.what+" is not above 0 and at most %v", ErrMethod, m.fraction, k.most)
	case !m.takesValue() && (m.fraction != 0 || math.Signbit(m.fraction)):
		return fmt.Errorf("%w: %v takes no value", ErrMethod, m)
	}
	return nil
}

// ofTensor returns an error if m needs a sequence of batches, not a single tensor.
func (m Method) ofTensor() error {
	if m.kind == movingAverage {
		return fmt.Errorf("%w: %v is of batches, which an Observer sees; a tensor has its min and max", ErrMethod, m)
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

// goal returns the goal of the search for m.
func (m Method) goal() search.Goal {
	if int(m.kind) >= len(methods) {
		return search.NoGoal // validate refuses it
	}
	return methods[m.kind].goal
}

// ranged reports whether m needs only the smallest and the largest value of a tensor, or
// averages of them.
func (m Method) ranged() bool { return m.goal() == search.NoGoal }

// byErrors reports whether m searches for the range with the least error, which takes longest.
func (m Method) byErrors() bool { return m.goal().ByErrors() }
