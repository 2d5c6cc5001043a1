package calibration

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// A File is a calibration file: all that is needed to quantize tensors later.
// Its JSON is described in docs/calibration-file.md.
type File struct {
	Format  string   `json:"format"`  // FileFormat
	Version int      `json:"version"` // FileVersion
	Tensors []Tensor `json:"tensors"` // by their names
}

const (
	FileFormat  = "quant calibration"
	FileVersion = 1
)

// A Tensor is one name of a calibration file.
type Tensor struct {
	Name    string   `json:"name"`
	Scheme  Scheme   `json:"scheme"`
	Shape   []*int64 `json:"shape"` // of all batches; nil elements vary, and all if nil
	Batches uint64   `json:"batches"`
	Counts  Counts   `json:"counts"`

	// For the tensor, or for each channel or group.
	SeenMin   []float32 `json:"seen_min"`
	SeenMax   []float32 `json:"seen_max"`
	Min       []float32 `json:"min"` // of the range that was chosen
	Max       []float32 `json:"max"`
	Scale     []float32 `json:"scale"`
	ZeroPoint []int32   `json:"zero_point"`

	// Clipped is the share of the values whose code has to be moved into the
	// grid, as far as the histogram tells; nil if there is none.
	Clipped *float64 `json:"clipped"`
}

// A Scheme is a quant.Scheme.
type Scheme struct {
	Bits        int    `json:"bits"`
	Unsigned    bool   `json:"unsigned"`
	Mapping     string `json:"mapping"`
	NarrowRange bool   `json:"narrow_range"`
	ZeroInRange bool   `json:"zero_in_range"`
	Method      string `json:"method"`
	Granularity string `json:"granularity"`
	Axis        *int   `json:"axis"` // as it was given: negative ones count from the end
	GroupSize   *int   `json:"group_size"`
}

// Counts are quant.Counts.
type Counts struct {
	Finite uint64 `json:"finite"`
	NaN    uint64 `json:"nan"`
	PosInf uint64 `json:"pos_inf"`
	NegInf uint64 `json:"neg_inf"`
}

// Others is the number of values that are not finite.
func (c Counts) Others() uint64 { return c.NaN + c.PosInf + c.NegInf }

// File returns the parameters that s gives to all tensors. The granularity is
// that of the calibration, and the method one that it has kept enough for. The
// error names the tensor.
func (c *Calibration) File(s quant.Scheme) (*File, error) {
	f := &File{Format: FileFormat, Version: FileVersion, Tensors: []Tensor{}}
	for _, name := range c.names() {
		if !utf8.ValidString(name) {
			return nil, inTensor(name, errors.New("its name is not UTF-8"))
		}
		t := c.tensors[name]
		o, err := t.whole()
		if err != nil {
			return nil, inTensor(name, err)
		}
		x, err := describe(o, s)
		if err != nil {
			return nil, inTensor(name, err)
		}
		x.Name, x.Batches = name, t.batches
		for _, d := range t.shape {
			n := int64(d)
			x.Shape = append(x.Shape, &n)
			if d == 0 {
				x.Shape[len(x.Shape)-1] = nil
			}
		}
		f.Tensors = append(f.Tensors, *x)
	}
	return f, nil
}

func describe(o *quant.Observer, s quant.Scheme) (*Tensor, error) {
	plain := s
	plain.Method = quant.MinMax
	seen, err := o.Ranges(plain)
	if err != nil {
		return nil, err
	}
	chosen, err := o.Ranges(s)
	if err != nil {
		return nil, err
	}
	p, err := o.Params(s)
	if err != nil {
		return nil, err
	}
	n := o.Counts()
	x := &Tensor{
		Scheme: schemeOf(s), Counts: Counts{n.Finite, n.NaN, n.PosInf, n.NegInf},
		Scale: p.Scale, ZeroPoint: p.ZeroPoint,
	}
	for i := range seen {
		x.SeenMin, x.SeenMax = append(x.SeenMin, seen[i].Min), append(x.SeenMax, seen[i].Max)
		x.Min, x.Max = append(x.Min, chosen[i].Min), append(x.Max, chosen[i].Max)
	}
	if share, ok := clipped(o, p, seen); ok {
		x.Clipped = &share
	}
	return x, nil
}

// clipped returns the share of the values whose codes are moved into the grid.
func clipped(o *quant.Observer, p quant.Params, seen []quant.Range) (share float64, ok bool) {
	qmin, qmax := p.Scheme.Grid()
	n, all := 0.0, float64(o.Counts().Finite)
	for i, r := range seen {
		scale, zero := float64(p.Scale[i]), float64(p.ZeroPoint[i])
		lo := (float64(qmin) - zero - 0.5) * scale
		hi := (float64(qmax) - zero + 0.5) * scale
		if float64(r.Min) >= lo && float64(r.Max) <= hi {
			continue
		}
		bins := o.Bins(i)
		if bins == nil {
			return 0, false
		}
		for _, b := range bins {
			n += float64(b.Count) * outside(float64(b.Min), float64(b.Max), lo, hi)
		}
	}
	return n / all, true
}

// outside is the share of values spread evenly from a to b that are not in [lo, hi].
func outside(a, b, lo, hi float64) float64 {
	switch {
	case b < lo || a > hi:
		return 1
	case a >= lo && b <= hi:
		return 0
	}
	return min(1, (max(0, lo-a)+max(0, b-hi))/(b-a))
}

func schemeOf(s quant.Scheme) Scheme {
	x := Scheme{
		Bits: s.Bits, Unsigned: s.Unsigned, Mapping: s.Mapping.String(), NarrowRange: s.NarrowRange,
		ZeroInRange: s.ZeroInRange, Method: s.Method.String(), Granularity: option.PerTensor,
	}
	if axis, ok := s.Granularity.Axis(); ok {
		x.Granularity, x.Axis = option.PerChannel, &axis
	}
	if size, ok := s.Granularity.GroupSize(); ok {
		x.Granularity, x.GroupSize = option.PerGroup, &size
	}
	return x
}

// Scheme returns x as the library has it.
func (x *Scheme) Scheme() (quant.Scheme, error) {
	s := quant.Scheme{Bits: x.Bits, Unsigned: x.Unsigned, NarrowRange: x.NarrowRange, ZeroInRange: x.ZeroInRange}
	switch x.Mapping {
	case quant.Asymmetric.String():
	case quant.Symmetric.String():
		s.Mapping = quant.Symmetric
	default:
		return s, fmt.Errorf("mapping %q is neither asymmetric nor symmetric", text.Clean(x.Mapping))
	}
	var err error
	if s.Method, err = quant.ParseMethod(x.Method); err != nil {
		return s, trimmed{err}
	}
	hasAxis, hasSize := x.Axis != nil, x.GroupSize != nil
	switch {
	case x.Granularity == option.PerTensor && !hasAxis && !hasSize:
	case x.Granularity == option.PerChannel && hasAxis && !hasSize:
		s.Granularity = quant.PerChannel(*x.Axis)
	case x.Granularity == option.PerGroup && hasAxis && hasSize:
		s.Granularity = quant.PerGroup(*x.Axis, *x.GroupSize)
	default:
		return s, fmt.Errorf("granularity %q does not go with what axis and group_size are", text.Clean(x.Granularity))
	}
	if err := s.Validate(); err != nil {
		return s, trimmed{err}
	}
	return s, nil
}

// Write writes f as JSON.
func (f *File) Write(w io.Writer) error { return text.WriteJSON(w, f) }

// maxFile is how long a calibration file may be.
const maxFile = 1 << 30

// ReadFile reads a calibration file. It trusts nothing in it. Only errors of
// the operating system name the path.
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
	return ParseFile(data)
}

// ParseFile reads a calibration file, see ReadFile.
func ParseFile(data []byte) (*File, error) {
	var head struct {
		Format  string `json:"format"`
		Version int    `json:"version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("not a calibration file: %w", jsonError(err))
	}
	switch {
	case head.Format != FileFormat:
		return nil, fmt.Errorf("not a calibration file: its format is not %q", FileFormat)
	case head.Version != FileVersion:
		return nil, fmt.Errorf("a calibration file of version %d, not %d", head.Version, FileVersion)
	}
	// What is not known is an error, for it might change what the rest means.
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	f := new(File)
	if err := d.Decode(f); err != nil {
		return nil, jsonError(err)
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

// jsonError is an error of package json without its name.
func jsonError(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("%w at offset %d", err, syntax.Offset)
	case errors.As(err, &kind):
		return fmt.Errorf("%s is a %s, at offset %d", text.Clean(kind.Field), text.Clean(kind.Value), kind.Offset)
	}
	return errors.New(text.Clean(string(bytes.TrimPrefix([]byte(err.Error()), []byte("json: ")))))
}

// check returns an error if t does not hold together.
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
	var of shape
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
		case !(scale > 0) || math.IsInf(scale, 0):
			return fmt.Errorf("scale %v at index %d is not positive and finite", scale, i)
		case z < -maxZero || z > maxZero, s.ZeroInRange && (int(z) < qmin || int(z) > qmax):
			return fmt.Errorf("zero point %d at index %d is out of range", z, i)
		}
	}
	return nil
}

// maxZero is the largest magnitude of a zero point.
const maxZero = 1 << 23

// Find returns the tensor of that name, nil if there is none.
func (f *File) Find(name string) *Tensor {
	i, ok := slices.BinarySearchFunc(f.Tensors, name, func(t Tensor, name string) int { return strings.Compare(t.Name, name) })
	if !ok {
		return nil
	}
	return &f.Tensors[i]
}

// Params returns the parameters for a tensor of a shape, with the axis counted
// from the front. The error says how it differs from what was calibrated.
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

// ShapeText is the shape for people: "8×?×64", "" if it varies altogether.
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
