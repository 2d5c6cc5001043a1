package quant

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// The kinds of errors of this package, for errors.Is. An error that a function returns wraps
// one of these, and names the value, axis, channel or index.
var (
	ErrEmpty       = errors.New("quant: tensor has no elements")
	ErrShape       = errors.New("quant: shape does not match the data")
	ErrAxis        = errors.New("quant: axis out of range")
	ErrBits        = errors.New("quant: bit width out of range")  // 2 to 16
	ErrGroupSize   = errors.New("quant: group size out of range") // at least 1
	ErrScheme      = errors.New("quant: invalid scheme")
	ErrMethod      = errors.New("quant: invalid method of choosing a range")
	ErrNotFinite   = errors.New("quant: value is not finite") // a *NotFiniteError
	ErrRange       = errors.New("quant: invalid range")
	ErrParams      = errors.New("quant: number of parameters does not match the shape")
	ErrImportance  = errors.New("quant: invalid importance")
	ErrScale       = errors.New("quant: scale is not positive and finite")              // a *ParamError
	ErrScaleFormat = errors.New("quant: scale is not a number of the format of scales") // a *ParamError
	ErrZeroPoint   = errors.New("quant: zero point out of range")                       // a *ParamError
	ErrCode        = errors.New("quant: code outside the grid")                         // a *CodeError
	ErrState       = errors.New("quant: invalid state of an observer")
	ErrMerge       = errors.New("quant: observers do not go together")
	ErrOverflow    = errors.New("quant: integer overflow") // an *OverflowError
	ErrCodesLength = errors.New("quant: number of code bytes does not match the shape")
)

// A NotFiniteError reports the first NaN or infinity, in row-major order, of a tensor that must
// be finite. errors.Is(err, ErrNotFinite) is true for it.
type NotFiniteError struct {
	Index   int     // of the element in Tensor.Data
	Channel int     // channel of the element, or -1 if there are no channels
	Value   float32 // NaN, +Inf or -Inf
}

func (e *NotFiniteError) Error() string {
	name := "NaN"
	switch {
	case math.IsInf(float64(e.Value), 1):
		name = "+Inf"
	case math.IsInf(float64(e.Value), -1):
		name = "-Inf"
	}
	if e.Channel < 0 {
		return fmt.Sprintf("quant: %s at index %d", name, e.Index)
	}
	return fmt.Sprintf("quant: %s at index %d (channel %d)", name, e.Index, e.Channel)
}

// Is reports whether target is ErrNotFinite.
func (e *NotFiniteError) Is(target error) bool { return target == ErrNotFinite }

// A BatchError reports the batch for which an Observer returned an error.
type BatchError struct {
	Batch int   // number of the batch, from 0; batches with errors count too
	Err   error // such as a *NotFiniteError
}

func (e *BatchError) Error() string {
	return fmt.Sprintf("quant: batch %d: %s", e.Batch, strings.TrimPrefix(e.Err.Error(), "quant: "))
}

// Unwrap returns e.Err.
func (e *BatchError) Unwrap() error { return e.Err }

// A CodeError reports the first code outside the grid of its scheme. errors.Is(err, ErrCode) is
// true for it.
type CodeError struct {
	Index    int // of the code, in row-major order
	Code     int
	Min, Max int // of the grid
}

func (e *CodeError) Error() string {
	return fmt.Sprintf("quant: code %d at index %d is outside the grid [%d, %d]", e.Code, e.Index, e.Min, e.Max)
}

// Is reports whether target is ErrCode.
func (e *CodeError) Is(target error) bool { return target == ErrCode }

// A ParamError reports the first scale or zero point that is not valid. errors.Is is true for
// it and ErrScale, ErrScaleFormat or ErrZeroPoint.
type ParamError struct {
	Index     int     // in Params.Scale and Params.ZeroPoint; -1 for the input of QuantizeBias
	Scale     float32 // at that index
	ZeroPoint int32   // at that index
	Err       error   // ErrScale, ErrScaleFormat or ErrZeroPoint
}

func (e *ParamError) Error() string {
	if e.Index < 0 {
		return fmt.Sprintf("%v: %v of the input", e.Err, e.Scale)
	}
	if e.Err == ErrScale || e.Err == ErrScaleFormat {
		return fmt.Sprintf("%v: %v at index %d", e.Err, e.Scale, e.Index)
	}
	return fmt.Sprintf("%v: %d at index %d is not in [%d, %d]", e.Err, e.ZeroPoint, e.Index, -maxZeroPoint, maxZeroPoint)
}

// Unwrap returns e.Err.
func (e *ParamError) Unwrap() error { return e.Err }

// An OverflowError reports the first integer that int32 cannot hold. errors.Is(err,
// ErrOverflow) is true for it.
type OverflowError struct {
	Index int     // of the bias, or of the channel or group
	Value float64 // the integer
}

func (e *OverflowError) Error() string {
	return fmt.Sprintf("quant: %.0f at index %d does not go into int32", e.Value, e.Index)
}

// Is reports whether target is ErrOverflow.
func (e *OverflowError) Is(target error) bool { return target == ErrOverflow }
