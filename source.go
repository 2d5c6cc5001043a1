package quant

// A Source gives the elements of a tensor that is not in memory as a whole:
// a file, say, or a tensor of another type that is widened piece by piece.
type Source interface {
	// ReadFloats stores the elements from off up to off+len(dst), in row-major
	// order, in dst. It is called from several goroutines at once, and for the
	// same elements more than once.
	ReadFloats(dst []float32, off int) error
}

// RangesFrom is [Ranges] of a tensor of the given shape that is read from src.
func RangesFrom(src Source, shape []int, g Granularity) ([]Range, error) {
	t, err := readAll(src, shape)
	if err != nil {
		return nil, err
	}
	return Ranges(t, g)
}

// CalibrateFrom is [Calibrate] of a tensor of the given shape that is read from src.
func CalibrateFrom(src Source, shape []int, s Scheme) (Params, error) {
	t, err := readAll(src, shape)
	if err != nil {
		return Params{}, err
	}
	return Calibrate(t, s)
}

// CompareFrom is [Compare] of a tensor of the given shape that is read from src.
func CompareFrom(src Source, shape []int, schemes ...Scheme) (*Comparison, error) {
	t, err := readAll(src, shape)
	if err != nil {
		return nil, err
	}
	return Compare(t, schemes...)
}

// EvaluateFrom is [Evaluate] of a tensor of the given shape that is read from src.
func EvaluateFrom(src Source, shape []int, params ...Params) (*Comparison, error) {
	t, err := readAll(src, shape)
	if err != nil {
		return nil, err
	}
	return Evaluate(t, params...)
}

func readAll(src Source, shape []int) (Tensor, error) {
	n := 1
	for _, d := range shape {
		n *= d
	}
	t := Tensor{Data: make([]float32, n), Shape: shape}
	return t, src.ReadFloats(t.Data, 0)
}

// QuantizePart quantizes x, the elements from off on of a tensor of the given
// shape, to as many codes of p.
func QuantizePart[T Integer](dst []T, x []float32, off int, shape []int, p Params) error {
	all := make([]float32, off+len(x), size(shape))
	all = all[:cap(all)]
	copy(all[off:], x)
	codes := make([]T, len(all))
	if err := QuantizeCodes(codes, Tensor{Data: all, Shape: shape}, p); err != nil {
		return err
	}
	copy(dst, codes[off:off+len(x)])
	return nil
}

// DequantizePart dequantizes codes, those from element off on of a tensor of
// the given shape, to as many values.
func DequantizePart[T Integer](dst []float32, codes []T, off int, shape []int, p Params) error {
	all := make([]T, size(shape))
	copy(all[off:], codes)
	values := make([]float32, len(all))
	if err := DequantizeCodes(values, all, shape, p); err != nil {
		return err
	}
	copy(dst, values[off:off+len(codes)])
	return nil
}

func size(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}
