package quant

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// The JSON forms of Scheme, Params and Observer, and the functions that read the JSON forms of
// all types. Granularity, Method, Mapping, Format, ScaleFormat and Divisor are strings in JSON,
// with the text forms of text.go. The JSON forms of results are in json_results.go.

// A member is one member of a JSON object. (Package json calls it a field.)
type member struct {
	name     string
	to       any  // pointer to the variable for the value
	null     bool // the value may be null
	optional bool // the member may be missing
}

// readObject reads a JSON object with the given members. It refuses null, unknown, missing and
// repeated members, names in another case, and data after the object. Errors name the type with
// form.
func readObject(form string, data []byte, members ...member) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if t, err := d.Token(); err != nil {
		return &formError{form, "", err}
	} else if t != json.Delim('{') {
		return &formError{form, "", fmt.Errorf("%.20q is not a JSON object", bytes.TrimSpace(data))}
	}
	seen := make([]bool, len(members))
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return &formError{form, "", err}
		}
		name := key.(string) // package json refuses keys that are not strings
		i := slices.IndexFunc(members, func(m member) bool { return m.name == name })
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return &formError{form, name, err}
		}
		switch {
		case i < 0:
			return &formError{form, "", fmt.Errorf("unknown field %q", name)}
		case seen[i]:
			return &formError{form, "", fmt.Errorf("field %q is there twice", name)}
		case string(value) == "null" && !members[i].null:
			return &formError{form, name, errNull}
		}
		seen[i] = true
		if err := json.Unmarshal(value, members[i].to); err != nil {
			return &formError{form, name, err}
		}
	}
	if _, err := d.Token(); err != nil { // the closing brace
		return &formError{form, "", err}
	}
	if _, err := d.Token(); err != io.EOF {
		return &formError{form, "", errors.New("more after the end of the object")}
	}
	var lacks []string
	for i, m := range members {
		if !seen[i] && !m.optional {
			lacks = append(lacks, m.name)
		}
	}
	if len(lacks) > 0 {
		return &formError{form, "", errors.New("missing: " + strings.Join(lacks, ", "))}
	}
	return nil
}

var errNull = errors.New("null is not a value")

// A formError is an error in the JSON form of a type.
type formError struct {
	form  string // such as "scheme"
	field string // such as "bits"; empty for the object as a whole
	err   error
}

func (e *formError) Error() string {
	text := e.err.Error()
	if e.err == io.EOF {
		text = io.ErrUnexpectedEOF.Error()
	}
	for _, prefix := range []string{"quant: ", "json: ", e.field + ": "} {
		text = strings.TrimPrefix(text, prefix)
	}
	if e.field == "" {
		return "quant: " + e.form + ": " + text
	}
	return "quant: " + e.form + ": " + e.field + ": " + text
}

// Unwrap returns the cause of e.
func (e *formError) Unwrap() error { return e.err }

// numbers is a JSON array of numbers without null. (Package json would read null as 0.)
type numbers[T int | int32 | float32] []T

func (n *numbers[T]) UnmarshalJSON(data []byte) error {
	if err := json.Unmarshal(data, (*[]T)(n)); err != nil {
		return err
	}
	if !bytes.Contains(data, []byte("null")) {
		return nil
	}
	var elements []*T
	if err := json.Unmarshal(data, &elements); err != nil {
		return err
	}
	return fmt.Errorf("null at index %d is not a number", slices.Index(elements, nil))
}

// readString reads a JSON string into a type with a text form.
func readString(form string, data []byte, to encoding.TextUnmarshaler) error {
	var text *string
	if err := json.Unmarshal(data, &text); err != nil {
		return &formError{form, "", err}
	}
	if text == nil {
		return &formError{form, "", errNull}
	}
	return to.UnmarshalText([]byte(*text))
}

// UnmarshalJSON reads a string as UnmarshalText does. It refuses null, which package json would
// ignore.
func (m *Mapping) UnmarshalJSON(data []byte) error { return readString("mapping", data, m) }

// UnmarshalJSON reads a string as ParseMethod does. It refuses null, which package json would
// ignore.
func (m *Method) UnmarshalJSON(data []byte) error { return readString("method", data, m) }

// UnmarshalJSON reads a string as ParseGranularity does. It refuses null, which package json
// would ignore.
func (g *Granularity) UnmarshalJSON(data []byte) error { return readString("granularity", data, g) }

// UnmarshalJSON reads a string as UnmarshalText does. It refuses null, which package json would
// ignore.
func (f *Format) UnmarshalJSON(data []byte) error { return readString("format", data, f) }

// UnmarshalJSON reads a string as UnmarshalText does. It refuses null, which package json would
// ignore.
func (f *ScaleFormat) UnmarshalJSON(data []byte) error { return readString("scales", data, f) }

// UnmarshalJSON reads a string as UnmarshalText does. It refuses null, which package json would
// ignore.
func (d *Divisor) UnmarshalJSON(data []byte) error { return readString("divisor", data, d) }

type schemeJSON struct {
	Format      *Format  `json:"format,omitempty"`
	Bits        *int     `json:"bits"`
	Unsigned    *bool    `json:"unsigned"`
	Mapping     *Mapping `json:"mapping"`
	Granularity *string  `json:"granularity"`
	Axis        *int     `json:"axis"`
	GroupSize   *int     `json:"group_size"`
	Axes        []int    `json:"axes,omitempty"`
	BlockSize   []int    `json:"block_size,omitempty"`
	NarrowRange *bool    `json:"narrow_range"`
	ZeroInRange *bool    `json:"zero_in_range"`
	Method      *Method  `json:"method"`

	Scales  *ScaleFormat `json:"scales,omitempty"`
	Divisor *Divisor     `json:"divisor,omitempty"`

	SignedScale bool `json:"signed_scale,omitempty"`
}

// MarshalJSON returns an object with the fields bits, unsigned, mapping, granularity
// ("per_tensor", "per_channel", "per_group" or "per_block"), axis, group_size, narrow_range,
// zero_in_range and method. It also has the fields axes and block_size, of two numbers each, if
// the granularity is PerBlock, format unless Format is Integers, scales unless Scales is
// Float32Scale, divisor unless Divisor is FarEnd, and signed_scale if SignedScale is set. Axis and
// group_size are null if the granularity does not have them. As a map key a Scheme has its text form. The errors are those
// of Validate.
func (s Scheme) MarshalJSON() ([]byte, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	name := "per_tensor"
	j := schemeJSON{Bits: &s.Bits, Unsigned: &s.Unsigned, Mapping: &s.Mapping, Granularity: &name,
		NarrowRange: &s.NarrowRange, ZeroInRange: &s.ZeroInRange, Method: &s.Method, SignedScale: s.SignedScale}
	if s = s.normal(); s.Format != Integers {
		j.Format = &s.Format
	}
	if s.Scales != Float32Scale {
		j.Scales = &s.Scales
	}
	if s.Divisor != FarEnd {
		j.Divisor = &s.Divisor
	}
	switch s.Granularity.unit {
	case perChannel:
		name, j.Axis = "per_channel", &s.Granularity.axis
	case perGroup:
		name, j.Axis, j.GroupSize = "per_group", &s.Granularity.axis, &s.Granularity.size
	case perBlock:
		axis0, size0, axis1, size1, _ := s.Granularity.Block()
		name, j.Axes, j.BlockSize = "per_block", []int{axis0, axis1}, []int{size0, size1}
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads the form of MarshalJSON, with the fields in any order. It refuses unknown
// and repeated fields, and null where a value must be. Only format, scales, divisor,
// signed_scale, axis, group_size, axes and block_size may be missing. It reads a string as the text form, since package json passes map
// keys as strings. Other errors: ErrScheme, and those of Validate.
func (s *Scheme) UnmarshalJSON(data []byte) error {
	if text := bytes.TrimSpace(data); len(text) > 0 && text[0] == '"' {
		return readString("scheme", text, s)
	}
	var t Scheme
	var granularity string
	var axisValue, sizeValue *int
	var axes, blockSize numbers[int]
	if err := readObject("scheme", data,
		member{name: "format", to: &t.Format, optional: true},
		member{name: "bits", to: &t.Bits},
		member{name: "unsigned", to: &t.Unsigned},
		member{name: "mapping", to: &t.Mapping},
		member{name: "granularity", to: &granularity},
		member{name: "axis", to: &axisValue, null: true, optional: true},
		member{name: "group_size", to: &sizeValue, null: true, optional: true},
		member{name: "axes", to: &axes, optional: true},
		member{name: "block_size", to: &blockSize, optional: true},
		member{name: "narrow_range", to: &t.NarrowRange},
		member{name: "zero_in_range", to: &t.ZeroInRange},
		member{name: "method", to: &t.Method},
		member{name: "scales", to: &t.Scales, optional: true},
		member{name: "divisor", to: &t.Divisor, optional: true},
		member{name: "signed_scale", to: &t.SignedScale, optional: true},
	); err != nil {
		return err
	}
	axis, size, block := false, false, false
	switch granularity {
	case "per_tensor":
	case "per_channel":
		axis, t.Granularity.unit = true, perChannel
	case "per_group":
		axis, size, t.Granularity.unit = true, true, perGroup
	case "per_block":
		block = true
	default:
		return fmt.Errorf("%w: there is no granularity %q; there are per_tensor, per_channel, per_group and per_block", ErrScheme, granularity)
	}
	if axis != (axisValue != nil) || size != (sizeValue != nil) || block != (axes != nil) || block != (blockSize != nil) {
		return fmt.Errorf("%w: per_channel has an axis, per_group an axis and a group_size, per_block has axes and a block_size, per_tensor none of them", ErrScheme)
	}
	if block {
		if len(axes) != 2 || len(blockSize) != 2 {
			return fmt.Errorf("%w: per_block has two axes and two sizes, not %d and %d", ErrScheme, len(axes), len(blockSize))
		}
		t.Granularity = PerBlock(axes[0], blockSize[0], axes[1], blockSize[1])
	}
	if axis {
		t.Granularity.axis = *axisValue
	}
	if size {
		t.Granularity.size = *sizeValue
	}
	if err := t.Validate(); err != nil {
		return err
	}
	*s = t.normal()
	return nil
}

type paramsJSON struct {
	Scheme    *Scheme   `json:"scheme"`
	Scale     []float32 `json:"scale"`
	ZeroPoint []int32   `json:"zero_point"`
	Tensor    float32   `json:"tensor_scale,omitempty"`
}

// check returns an error unless p can be the parameters of some shape.
func (p paramsJSON) check() error {
	if len(p.Scale) != len(p.ZeroPoint) {
		return fmt.Errorf("%w: %d scales and %d zero points", ErrParams, len(p.Scale), len(p.ZeroPoint))
	}
	for i, s := range p.Scale {
		if !p.Scheme.usableScale(s) {
			return fmt.Errorf("%w: scale %d is %v", ErrScale, i, s)
		}
		if z := p.ZeroPoint[i]; z < -maxZeroPoint || z > maxZeroPoint {
			return fmt.Errorf("%w: zero point %d is %d", ErrZeroPoint, i, z)
		}
	}
	if t := p.Tensor; (p.Scheme.Scales == E4M3Scale) != (t != 0) || t < 0 || !finite(t) {
		return fmt.Errorf("%w: %v, of the tensor, for scales %v", ErrScale, t, p.Scheme.Scales)
	}
	for i, s := range p.Scale {
		if !p.Scheme.Scales.stores(s, p.Tensor) {
			return fmt.Errorf("%w: scale %d is %v, for %v", ErrScaleFormat, i, s, p.Scheme.Scales)
		}
	}
	return nil
}

// MarshalJSON returns an object with the fields scheme, scale and zero_point, and with
// tensor_scale for E4M3Scale. Scales are the shortest decimals that read back as the same
// float32. Errors: those of Validate, ErrParams, ErrScale, ErrScaleFormat and ErrZeroPoint.
//
// A struct that embeds Params has this method too, and then package json leaves out all other
// fields of the struct: see the type.
func (p Params) MarshalJSON() ([]byte, error) {
	j := paramsJSON{&p.Scheme, p.Scale, p.ZeroPoint, p.TensorScale}
	if err := j.check(); err != nil {
		return nil, err
	}
	if j.Scale == nil {
		j.Scale = []float32{}
	}
	if j.ZeroPoint == nil {
		j.ZeroPoint = []int32{}
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads the form of MarshalJSON, with the fields in any order. It refuses
// unknown, missing and repeated fields, null, and values that MarshalJSON refuses. It does not
// know the shape: Scheme.NumParams returns the number of scales that a shape needs.
func (p *Params) UnmarshalJSON(data []byte) error {
	var j paramsJSON
	j.Scheme = new(Scheme)
	if err := readObject("params", data,
		member{name: "scheme", to: j.Scheme},
		member{name: "scale", to: (*numbers[float32])(&j.Scale)},
		member{name: "zero_point", to: (*numbers[int32])(&j.ZeroPoint)},
		member{name: "tensor_scale", to: &j.Tensor, optional: true},
	); err != nil {
		return err
	}
	if err := j.check(); err != nil {
		return err
	}
	*p = Params{*j.Scheme, j.Scale, j.ZeroPoint, j.Tensor}
	return nil
}

// GobEncode returns the JSON form, so that package gob checks what JSON checks.
func (p Params) GobEncode() ([]byte, error) { return p.MarshalJSON() }

// GobDecode reads the JSON form.
func (p *Params) GobDecode(data []byte) error { return p.UnmarshalJSON(data) }

type observerJSON struct {
	Version int    `json:"version"`
	State   []byte `json:"state"`
}

// MarshalJSON returns an object with the fields version, which is 1, and state, which has the
// bytes of MarshalBinary in base64. The error is ErrState for the zero Observer.
func (f observerForms) MarshalJSON() ([]byte, error) {
	if f.of == nil {
		return nil, fmt.Errorf("%w: it was not made by NewObserver", ErrState)
	}
	state, err := f.of.MarshalBinary()
	if err != nil {
		return nil, err
	}
	return json.Marshal(observerJSON{stateVersion, state})
}

// UnmarshalJSON reads the form of MarshalJSON. The error is ErrState. An error leaves o as it
// was.
func (o *Observer) UnmarshalJSON(data []byte) error {
	var j observerJSON
	if err := readObject("observer", data,
		member{name: "version", to: &j.Version},
		member{name: "state", to: &j.State},
	); err != nil {
		return fmt.Errorf("%w: %s", ErrState, strings.TrimPrefix(err.Error(), "quant: observer: "))
	}
	if j.Version != stateVersion {
		return fmt.Errorf("%w: version %d, not %d", ErrState, j.Version, stateVersion)
	}
	return o.UnmarshalBinary(j.State)
}
