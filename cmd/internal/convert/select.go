package convert

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/internal/summary"
)

// tiny is the least number of elements of a tensor to quantize. For smaller tensors the scales
// and other parameters take more bytes than the codes save.
const tiny = 64

// Reasons why a tensor is left, in addition to those of a format.
const (
	reasonExcluded = "excluded"
	reasonNot      = "not included"
	reasonEmpty    = "no elements"
	reasonVector   = "of one dimension, or all others 1: a bias, a norm or the like"
	reasonTiny     = "fewer than 64 elements"
	reasonLarger   = "the codes and their scales would be no smaller"
)

// reason returns why a tensor is left, or "" if it is to be quantized. Small tensors are
// quantized if Include or a plan has the full name.
func (o *Options) reason(t tensorfile.Info) string {
	n := elements(t.Shape)
	if !t.Floating {
		return unread(t)
	}
	if t.PartOf != "" {
		return t.Left
	}
	if why := o.reasonByName(t.Name); why != "" {
		return why
	}
	if _, why := o.planned(t.Name); why != "" {
		return why
	}
	switch {
	case n == 0:
		return reasonEmpty
	case o.asked(t.Name):
		return ""
	case t.Left != "":
		return t.Left
	case n == int64(slices.Max(t.Shape)): // such as 1×4096
		return reasonVector
	case n < tiny:
		return reasonTiny
	}
	return ""
}

// unread returns why a tensor that is not floating-point is left.
func unread(t tensorfile.Info) string {
	switch {
	case t.PartOf != "":
		return t.Left
	case t.Unread != "" && t.Left == reasonQuantized:
		return t.Left + ", " + t.Unread
	case t.Unread != "":
		return t.Unread
	}
	return summary.NotFloating(t.DType)
}

// spelling returns options that include only one full name.
func (o *Options) spelling(name string) *Options {
	with := *o
	with.Include = []string{name}
	return &with
}

// reasonByName returns why patterns of names exclude a tensor, or "".
func (o *Options) reasonByName(name string) string {
	switch s := o.selection(); {
	case s.Excludes(name):
		return reasonExcluded
	case !s.Includes(name):
		return reasonNot
	}
	return ""
}

// elements returns the product of shape, for the shape of a tensor in a file.
func elements(shape []int) int64 {
	n := int64(1)
	for _, d := range shape {
		n *= int64(d)
	}
	return n
}

// shortGroup is the least length of an axis for groups along it, if the axis is shorter than a
// group. With a scale for each row of 5 weights, as in 5×5 kernels, 4-bit codes would take more
// bytes than 8-bit codes.
const shortGroup = 16

// scheme returns the scheme for a tensor and the axis of its channels or groups, which is -1 for
// per tensor. Groups run along the longest axis other than the axis of the channels, the last of
// equal ones, as in quant compare. If that axis is too short, the scheme is per channel.
func (o *Options) scheme(t tensorfile.Info) (s quant.Scheme, axis int, err error) {
	if c, _ := o.planned(t.Name); c != nil {
		s = c.Scheme
		s.ZeroInRange = s.Format == quant.Integers // files keep zero points in the type of codes
		axis, err = plannedAxis(s, t.Shape)
		return s, axis, err
	}
	s = o.codes()
	switch o.Granularity {
	case option.PerTensor:
		return s, -1, nil
	case option.PerBlock:
		return s, -1, fmt.Errorf("blocks of %d×%d are for safetensors: DequantizeLinear has blocks along one axis, as with g%d", o.Block[0], o.Block[1], o.Block[1])
	}
	channels := o.channelAxis(t)
	if channels < 0 || channels >= len(t.Shape) {
		return s, -1, fmt.Errorf("axis %d of a tensor of %d dimensions", *o.Axis, len(t.Shape))
	}
	if o.Granularity == option.PerChannel {
		s.Granularity = quant.PerChannel(channels)
		return s, channels, nil
	}
	along := -1
	for i, n := range t.Shape {
		if i != channels && (along < 0 || n >= t.Shape[along]) {
			along = i
		}
	}
	if along < 0 {
		along = channels // the only axis
	}
	if n := t.Shape[along]; along != channels && n < o.GroupSize && n < shortGroup {
		s.Granularity = quant.PerChannel(channels)
		return s, channels, nil
	}
	s.Granularity = quant.PerGroup(along, o.GroupSize)
	return s, along, nil
}

// ungrouped returns why Options.WholeGroups leaves a weight, or "".
func (o *Options) ungrouped(t tensorfile.Info) string {
	if !o.WholeGroups || o.Plan != nil || o.Granularity != option.PerGroup {
		return ""
	}
	s, axis, err := o.scheme(t)
	if err != nil {
		return "" // the caller has the same error
	}
	switch size, grouped := s.Granularity.GroupSize(); {
	case !grouped:
		return fmt.Sprintf("no axis of it has groups of %d", o.GroupSize)
	case axis < len(t.Shape)-2:
		return fmt.Sprintf("its groups would run along axis %d, which is not one of the last two", axis)
	case t.Shape[axis]%size != 0:
		return fmt.Sprintf("axis %d has %d elements, which are not whole groups of %d", axis, t.Shape[axis], size)
	}
	return ""
}

// codes returns the scheme of o, per tensor.
func (o *Options) codes() quant.Scheme {
	return quant.Scheme{
		Bits: o.Bits, Format: o.Format, Scales: o.Scales, Unsigned: o.Unsigned, Mapping: o.Mapping, NarrowRange: o.NarrowRange, Divisor: o.Divisor, SignedScale: o.SignedScale,
		Method: o.Range, ZeroInRange: o.Format == quant.Integers, // files keep zero points in the type of codes
	}
}

// Scheme returns the scheme of o for a matrix whose channels are on axis 0.
func (o *Options) Scheme() quant.Scheme { return o.rowScheme() }

// rowScheme returns the scheme of o for a matrix whose rows are channels.
func (o *Options) rowScheme() quant.Scheme {
	s := o.codes()
	switch o.Granularity {
	case option.PerChannel:
		s.Granularity = quant.PerChannel(0)
	case option.PerGroup:
		s.Granularity = quant.PerGroup(1, o.GroupSize)
	case option.PerBlock:
		s.Granularity = quant.PerBlock(0, o.Block[0], 1, o.Block[1])
	}
	return s
}

// channelAxis returns the axis of the channels of t: Options.Axis if set, else the axis of the
// operator that uses t, or 0. The result is out of range if Options.Axis is.
func (o *Options) channelAxis(t tensorfile.Info) int {
	switch {
	case o.Axis != nil && *o.Axis < 0:
		return *o.Axis + len(t.Shape)
	case o.Axis != nil:
		return *o.Axis
	case t.Axis == tensorfile.NoAxis:
		return 0
	}
	return t.Axis
}

// calibrated returns the parameters of t in the calibration file. It returns nil if there are
// none, or no file.
func (o *Options) calibrated(t tensorfile.Info) (*quant.Params, error) {
	if o.Calibration == nil {
		return nil, nil
	}
	entry := o.Calibration.Find(t.Name)
	if entry == nil {
		return nil, nil
	}
	p, err := entry.Params(t.Shape)
	if err != nil {
		return nil, fmt.Errorf("the calibration does not go with it: %w", err)
	}
	qmin, qmax := p.Scheme.Grid()
	for i, z := range p.ZeroPoint {
		if int(z) < qmin || int(z) > qmax {
			return nil, fmt.Errorf("zero point %d of the calibration, at index %d, is no code: calibrate with zero in range", z, i)
		}
	}
	return &p, nil
}

// errNotCalibrated is the error if no weight uses the calibration file.
var errNotCalibrated = errors.New("no weight that is quantized has a name of the calibration file")

// checkCalibrated returns an error if there is a calibration file but no weight used it.
func (o *Options) checkCalibrated(weights []Weight) error {
	if o.Calibration == nil || len(weights) == 0 || slices.ContainsFunc(weights, func(w Weight) bool { return w.Calibrated }) {
		return nil
	}
	return errNotCalibrated
}

// SetMapping sets Mapping from a name.
func (o *Options) SetMapping(name string) error {
	m, err := option.ParseMapping(name)
	if err == nil {
		o.Mapping = m
	}
	return err
}

// SetScheme sets the options of a scheme, given as text for option.ParseScheme.
func (o *Options) SetScheme(text string) error {
	s, channel, err := option.ParseScheme(text)
	if err != nil {
		return err
	}
	o.Bits, o.Format, o.Scales, o.Mapping = s.Bits, s.Format, s.Scales, s.Mapping
	o.Unsigned, o.NarrowRange, o.Divisor, o.Range = s.Unsigned, s.NarrowRange, s.Divisor, s.Method
	o.SignedScale = s.SignedScale
	o.Granularity = option.Granularity(s.Granularity)
	o.GroupSize, _ = s.Granularity.GroupSize()
	axis, _ := s.Granularity.Axis()
	if axis0, size0, axis1, size1, ok := s.Granularity.Block(); ok {
		if axis0 != -2 || axis1 != -1 {
			return fmt.Errorf("scheme %q: blocks are of the last two axes: write %dx%d", text, size0, size1)
		}
		o.Block = [2]int{size0, size1}
	}
	switch {
	case channel:
		o.Granularity = option.PerChannel
	case o.Granularity == option.PerGroup && axis != -1:
		return fmt.Errorf("scheme %q: groups run along the longest axis other than the channels': write g%d", text, o.GroupSize)
	case o.Granularity == option.PerChannel && o.Axis != nil:
		return fmt.Errorf("scheme %q names the axis of the channels, which is given already", text)
	case o.Granularity == option.PerChannel:
		o.Axis = &axis
	}
	return o.Validate()
}

// Validate returns an error if an option is out of range or conflicts with another.
func (o *Options) Validate() error {
	s := o.codes()
	s.Method = quant.MinMax
	switch {
	case o.Bits < 2 || o.Bits > 16:
		return fmt.Errorf("%d bits: a code has 2 to 16", o.Bits)
	case o.Granularity == option.PerBlock:
		if o.Format != quant.E4M3FN || o.Scales != quant.Float32Scale {
			return fmt.Errorf("blocks of %d×%d: they are written of fp8_e4m3 with float32 scales, to safetensors", o.Block[0], o.Block[1])
		}
	case !slices.Contains(option.Granularities(), o.Granularity):
		return fmt.Errorf("granularity %q is none of %s, %s and %s", o.Granularity, option.PerTensor, option.PerChannel, option.PerGroup)
	case o.Granularity == option.PerGroup && o.GroupSize <= 0:
		return fmt.Errorf("group size %d is not positive", o.GroupSize)
	case o.NarrowRange && (o.Mapping != quant.Symmetric || o.Unsigned):
		return fmt.Errorf("narrow range is for signed codes of the symmetric mapping")
	}
	if o.Format == quant.Integers && TwoLevels(o.Scales) {
		return fmt.Errorf("scales of %v are for floating-point codes: files of integers have no second level of scales", o.Scales)
	}
	if err := o.selection().Validate(); err != nil {
		return err
	}
	if s.Method = o.Range; o.Range.String() != quant.MinMax.String() {
		if _, err := option.ParseMethod(o.Range.String()); err != nil {
			return err
		}
	}
	return s.Validate()
}

// reasonQuantized is the reason for leaving a tensor of codes, or its beginning.
const reasonQuantized = "quantized already"

// Quantized reports whether a tensor was left because it has codes.
func (l Left) Quantized() bool { return strings.HasPrefix(l.Reason, reasonQuantized) }
