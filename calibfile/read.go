package calibfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/a01592f9/quant"
)

// maxFile is the largest length of a calibration file in bytes.
const maxFile = 1 << 30

// ReadFile reads a calibration file and checks all of it. Only errors of the operating system
// name the path.
func ReadFile(path string) (*File, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	data, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("longer than %d bytes", maxFile)
	}
	return Parse(data)
}

// Parse reads a calibration file like ReadFile.
func Parse(data []byte) (*File, error) {
	var head struct {
		Format  string `json:"format"`
		Version int    `json:"version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("not a calibration file: %w", jsonError(err))
	}
	switch {
	case head.Format != Format:
		return nil, fmt.Errorf("not a calibration file: its format is not %q", Format)
	case head.Version != Version:
		return nil, fmt.Errorf("a calibration file of version %d, not %d", head.Version, Version)
	}
	// An unknown field is an error, since it might change the meaning of the others.
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	f := new(File)
	if err := d.Decode(f); err != nil {
		return nil, jsonError(err)
	}
	if err := noNulls(data); err != nil {
		return nil, err
	}
	last := ""
	for i := range f.Tensors {
		t := &f.Tensors[i]
		if i > 0 && t.Name <= last {
			return nil, inTensor(t.Name, errors.New("it is not in the order of names, or there twice"))
		}
		last = t.Name
		if err := t.check(); err != nil {
			return nil, inTensor(t.Name, err)
		}
	}
	if len(f.Tensors) == 0 {
		return nil, errors.New("there are no tensors in it")
	}
	return f, nil
}

// jsonError returns an error of package json without the name of the package.
func jsonError(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("%w at offset %d", err, syntax.Offset)
	case errors.As(err, &kind):
		return fmt.Errorf("%q is a %s, at offset %d", kind.Field, kind.Value, kind.Offset)
	}
	return errors.New(strings.TrimPrefix(err.Error(), "json: "))
}

// A null says whether a value is null, which package json reads as 0 or false.
type null bool

// UnmarshalJSON implements json.Unmarshaler.
func (n *null) UnmarshalJSON(data []byte) error {
	*n = string(data) == "null"
	return nil
}

// noNulls returns an error for a null in a calibration file where a number or a truth value has to
// be. It names the tensor, and the channel of a list for channels.
func noNulls(data []byte) error {
	var f struct {
		Tensors []struct {
			Name    string          `json:"name"`
			Scheme  map[string]null `json:"scheme"`
			Batches null            `json:"batches"`
			Counts  map[string]null `json:"counts"`

			SeenMin   []null `json:"seen_min"`
			SeenMax   []null `json:"seen_max"`
			Min       []null `json:"min"`
			Max       []null `json:"max"`
			Scale     []null `json:"scale"`
			ZeroPoint []null `json:"zero_point"`
		} `json:"tensors"`
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return jsonError(err)
	}
	for _, t := range f.Tensors {
		for _, x := range []struct {
			of     string
			fields map[string]null
		}{{"scheme", t.Scheme}, {"counts", t.Counts}} {
			for _, key := range slices.Sorted(maps.Keys(x.fields)) {
				if x.fields[key] && key != "axis" && key != "group_size" {
					return inTensor(t.Name, fmt.Errorf("%q of %q is null", key, x.of))
				}
			}
		}
		if t.Batches {
			return inTensor(t.Name, errors.New(`"batches" is null`))
		}
		for _, l := range []struct {
			name string
			list []null
		}{{"seen_min", t.SeenMin}, {"seen_max", t.SeenMax}, {"min", t.Min}, {"max", t.Max}, {"scale", t.Scale}, {"zero_point", t.ZeroPoint}} {
			i := slices.Index(l.list, true)
			switch {
			case i < 0:
			case bool(t.Scheme["group_size"] && !t.Scheme["axis"]):
				return inTensor(t.Name, fmt.Errorf("channel %d: %q is null", i, l.name))
			default:
				return inTensor(t.Name, fmt.Errorf("%q is null at index %d", l.name, i))
			}
		}
	}
	return nil
}

// check returns an error if the fields of t contradict each other.
func (t *Tensor) check() error {
	s, err := t.Scheme.Scheme()
	if err != nil {
		return err
	}
	n := len(t.Scale)
	for _, l := range []int{len(t.ZeroPoint), len(t.SeenMin), len(t.SeenMax), len(t.Min), len(t.Max)} {
		if l != n || n == 0 {
			return errors.New("its lists are not of one length")
		}
	}
	var of []int
	for _, d := range t.Shape {
		switch {
		case d == nil:
			of = append(of, 0)
		case *d <= 0 || *d > math.MaxInt/8:
			return fmt.Errorf("an axis of length %d", *d)
		default:
			of = append(of, int(*d))
		}
	}
	if len(of) > maxAxes || !fits(of, n, s.Granularity) {
		return fmt.Errorf("%d scales do not go with its shape", n)
	}
	if t.Batches == 0 || t.Counts.Finite == 0 {
		return errors.New("it has no batches, or no values")
	}
	if t.Clipped != nil && !(*t.Clipped >= 0 && *t.Clipped <= 1) {
		return fmt.Errorf("%v is no share of clipped values", *t.Clipped)
	}
	for i := range n {
		if t.SeenMin[i] > t.SeenMax[i] || t.Min[i] > t.Max[i] {
			return fmt.Errorf("the range at index %d is upside down", i)
		}
	}
	qmin, qmax := s.Grid()
	for i, z := range t.ZeroPoint {
		switch scale := float64(t.Scale[i]); {
		case !(scale > 0 || scale < 0 && s.SignedScale) || math.IsInf(scale, 0):
			return fmt.Errorf("scale %v at index %d is not positive and finite", scale, i)
		case z < -maxZero || z > maxZero, s.ZeroInRange && (int(z) < qmin || int(z) > qmax):
			return fmt.Errorf("zero point %d at index %d is out of range", z, i)
		}
	}
	return nil
}

// maxZero is the largest magnitude of a zero point.
const maxZero = 1 << 23

// Find returns the tensor with the given name, or nil.
func (f *File) Find(name string) *Tensor {
	i, ok := slices.BinarySearchFunc(f.Tensors, name, func(t Tensor, name string) int { return strings.Compare(t.Name, name) })
	if !ok {
		return nil
	}
	return &f.Tensors[i]
}

// Params returns the parameters for a tensor with the given shape. The axis is counted from the
// front. The error says how the shape differs from the calibrated one.
func (t *Tensor) Params(of []int) (quant.Params, error) {
	s, err := t.Scheme.Scheme()
	if err != nil {
		return quant.Params{}, err
	}
	if len(t.Shape) > 0 {
		same := len(t.Shape) == len(of)
		for i := 0; same && i < len(of); i++ {
			same = t.Shape[i] == nil || *t.Shape[i] == int64(of[i])
		}
		if !same {
			return quant.Params{}, fmt.Errorf("its shape is %v, and was %s when it was calibrated", of, t.ShapeText())
		}
	}
	n, err := s.NumParams(of)
	switch {
	case err != nil:
		return quant.Params{}, trimmed{err}
	case n != len(t.Scale):
		return quant.Params{}, fmt.Errorf("shape %v has %d scales %v, %d were calibrated", of, n, s.Granularity, len(t.Scale))
	}
	if axis, ok := s.Granularity.Axis(); ok && axis < 0 {
		s.Granularity = quant.PerChannel(axis + len(of))
		if t.Scheme.GroupSize != nil {
			s.Granularity = quant.PerGroup(axis+len(of), *t.Scheme.GroupSize)
		}
	}
	return quant.Params{Scheme: s, Scale: t.Scale, ZeroPoint: t.ZeroPoint}, nil
}

// ShapeText returns the shape as text, such as "8×?×64". It is "" if the number of axes varies.
func (t *Tensor) ShapeText() string {
	var parts []string
	for _, d := range t.Shape {
		if d == nil {
			parts = append(parts, "?")
			continue
		}
		parts = append(parts, fmt.Sprint(*d))
	}
	return strings.Join(parts, "×")
}

// maxAxes is the largest number of axes of a tensor.
const maxAxes = 64

// fits reports whether batches of shape s can have the given number of scales.
func fits(s []int, params int, g quant.Granularity) bool {
	axis, ok := g.Axis()
	if !ok {
		return params == 1
	}
	if len(s) == 0 {
		return true // the number of axes varies
	}
	if axis < 0 {
		axis += len(s)
	}
	if axis < 0 || axis >= len(s) {
		return false
	}
	if _, grouped := g.GroupSize(); grouped {
		if slices.Contains(s, 0) {
			return true
		}
		n, err := quant.Scheme{Bits: 8, Granularity: g}.NumParams(s)
		return err == nil && n == params
	}
	return s[axis] == params
}
