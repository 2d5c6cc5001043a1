package calibration

import (
	"errors"
	"fmt"
	"slices"

	"github.com/a01592f9/quant"
)

// placed is an error of an observer, which for values that are not finite says
// where the first of them is.
func (c *Calibration) placed(err error, src quant.Source, of []int) error {
	if errors.Is(err, quant.ErrNotFinite) {
		return notFinite(src, of, c.axis(of))
	}
	return err
}

// notFinite returns the first value that is not finite, in row-major order, of
// a tensor that has one: pieces are not read in that order.
func notFinite(src quant.Source, of []int, at int) error {
	n := 1
	for _, d := range of {
		n *= d
	}
	buf := make([]float32, min(n, blockLen))
	for off := 0; off < n; off += len(buf) {
		b := buf[:min(len(buf), n-off)]
		if err := src.ReadFloats(b, off); err != nil {
			return err
		}
		if i := slices.IndexFunc(b, bad); i >= 0 {
			return placed(b[i], off+i, of, at)
		}
	}
	return errors.New("it has changed while it was read")
}

func bad(v float32) bool { return v-v != 0 }

// placed says where a value that is not finite was found.
func placed(v float32, index int, of []int, at int) error {
	value := "NaN"
	if v == v {
		value = fmt.Sprintf("%+f", v)
	}
	if at < 0 {
		return notFiniteError(fmt.Sprintf("%s at index %d", value, index))
	}
	inner := 1
	for _, d := range of[at+1:] {
		inner *= d
	}
	return notFiniteError(fmt.Sprintf("%s in channel %d, at index %d", value, index/inner%of[at], index))
}

// A notFiniteError says where a value that is not finite is. It is a quant.ErrNotFinite.
type notFiniteError string

func (e notFiniteError) Error() string        { return string(e) }
func (e notFiniteError) Is(target error) bool { return target == quant.ErrNotFinite }
