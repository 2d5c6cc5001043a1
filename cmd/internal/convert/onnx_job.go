package convert

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// This file writes the codes, scales and zero points of one weight of an ONNX model.

// An onnxJob is a weight to quantize.
type onnxJob struct {
	c        *onnxCopy
	t        *onnx.Tensor
	src      quant.Source
	shape    []int
	scheme   quant.Scheme
	dtype    string // type of the codes
	width    int    // bits of a code
	channels int    // axis of the channels, for any scheme
	measure  bool
	zeros    bool // write zero points even if all are 0
	n        int  // number of scales
	weight   Weight
	known    *quant.Params // from a calibration file; may be nil
	fit      *fit          // how codes are chosen if not by calibrate; nil if by calibrate
	fitted   quant.Source  // the values of codes, from fit until they are written
	inputs   *quant.Importance
	params   *quant.Params // nil until they are computed, and after forget
	measured bool

	use      *onnx.NBitsUse // for MatMulNBits; nil for DequantizeLinear
	block    int            // elements in a block of MatMulNBits
	accuracy int            // its accuracy_level
}

// newOperatorJob returns a job whose scales and zero points are those of job.known, which the
// caller sets. shape is that of t, or one with joined axes.
func newOperatorJob(c *onnxCopy, t *onnx.Tensor, shape []int, scheme quant.Scheme, dtype string) (*onnxJob, error) {
	if err := t.Replaceable(); err != nil {
		return nil, err
	}
	j := &onnxJob{c: c, t: t, shape: shape, scheme: scheme, dtype: dtype, width: scheme.Bits, channels: -1, zeros: true} // QGemm requires zero points
	axis := -1
	if a, ok := scheme.Granularity.Axis(); ok {
		axis, j.channels = a, a
	}
	var err error
	if j.n, err = scheme.NumParams(shape); err != nil {
		return nil, err
	}
	data, err := t.Data()
	if err != nil {
		return nil, err
	}
	j.src = tensorfile.Elements(data, 0, int(elements(shape)), t.DType)
	j.known = &quant.Params{Scheme: scheme, Scale: make([]float32, j.n), ZeroPoint: make([]int32, j.n)}
	j.weight = Weight{Name: t.Name, Use: t.Use, Shape: shape, Axis: axis, Scheme: scheme, Before: t.Bytes, Type: typeName(dtype)}
	j.weight.After = int64(quant.PackedLen(int(elements(shape)), j.width)) + 4*int64(j.n) + j.zeroBytes()
	c.expect(2 * t.Bytes)
	return j, nil
}

// reasonNoOperator is a reason for leaving a floating-point tensor.
const reasonNoOperator = "no operator that computes with codes takes it"

// zeroBytes returns the size of the zero points. They are left out if all are 0 and no runtime
// needs them.
func (j *onnxJob) zeroBytes() int64 {
	if j.scheme.Format != quant.Integers || j.scheme.Mapping == quant.Symmetric && !j.scheme.Unsigned && !j.zeros {
		return 0
	}
	return int64(quant.PackedLen(j.n, j.width))
}

func (j *onnxJob) quantized() onnx.Quantized {
	q := onnx.Quantized{Tensor: j.t, DType: j.dtype, Axis: onnx.NoAxis}
	if _, ok := j.scheme.Granularity.Axis(); ok && len(j.shape) > 0 && len(j.t.Shape) > 0 {
		q.Axis = j.weight.Axis
		q.Block, _ = j.scheme.Granularity.GroupSize()
	}
	q.Codes = onnx.Payload{Size: int64(quant.PackedLen(int(elements(j.shape)), j.width)), Write: j.writeCodes}
	q.Scales = onnx.Payload{Size: 4 * int64(j.n), Write: j.writeScales}
	q.Zeros = onnx.Payload{Size: j.zeroBytes(), Write: j.writeZeros}
	return q
}

// fewParams is the largest number of parameters of a weight to keep in memory. More parameters
// are computed again when they are needed.
const fewParams = 4096

// calibrate returns the parameters, and computes them if necessary.
func (j *onnxJob) calibrate() (*quant.Params, error) {
	if j.params != nil {
		return j.params, nil
	}
	measure := j.measure && !j.measured
	src := &countedSource{Source: j.src, left: j.t.Bytes, per: j.perElement(), tick: j.c.tick}
	if measure {
		src.left *= 2
	}
	if j.measured || j.weight.Metrics != nil {
		src.left = 0
	}
	var p quant.Params
	var lost Measured
	var err error
	if j.fit != nil && j.known == nil {
		p, j.fitted, lost.Metrics, err = j.fit.run(j.c.ctx, src, j.shape, j.scheme, measure)
		j.known = &p
	} else {
		p, lost, err = calibrate(j.c.ctx, src, j.shape, j.scheme, j.known, j.inputs, measure)
	}
	if err != nil {
		return nil, inTensor(j.t.Name, inChannel(err, j.shape, j.channels))
	}
	src.rest()
	if measure {
		j.weight.Measured = lost
	}
	j.params, j.measured = &p, true
	return j.params, nil
}

// inChannel changes an error for a value that is not finite: it names the channel on the given
// axis. The axis of the scheme may be that of groups, or missing.
func inChannel(err error, shape []int, axis int) error {
	var bad *quant.NotFiniteError
	if !errors.As(err, &bad) || axis < 0 || axis >= len(shape) {
		return err
	}
	value := &quant.NotFiniteError{Index: bad.Index, Channel: -1, Value: bad.Value}
	channel := int64(bad.Index) / elements(shape[axis+1:]) % int64(shape[axis])
	return fmt.Errorf("%w (channel %d of axis %d)", value, channel, axis)
}

func (j *onnxJob) perElement() int64 { return j.t.Bytes / elements(j.shape) }

// forget releases parameters that take much memory.
func (j *onnxJob) forget() {
	if j.n > fewParams {
		j.params = nil
	}
}

func (j *onnxJob) writeCodes(w io.Writer) error { return j.writeCodesOf(w, j.width) }

// writeCodesOf writes the codes in width bits each.
func (j *onnxJob) writeCodesOf(w io.Writer, width int) error {
	p, err := j.calibrate()
	if err != nil {
		return err
	}
	src := j.src
	if j.fit != nil {
		if j.fitted == nil { // written once already
			j.known, j.params = nil, nil
			if p, err = j.calibrate(); err != nil {
				return err
			}
		}
		src, j.fitted = j.fitted, nil
	}
	per := j.perElement()
	err = writeCodes(j.c.ctx, w, src, j.shape, *p, width, func(n int) { j.c.tick(int64(n) * per) })
	return inTensor(j.t.Name, err)
}

func (j *onnxJob) writeScales(w io.Writer) error {
	p, err := j.calibrate()
	if err != nil {
		return err
	}
	if j.zeroBytes() == 0 {
		defer j.forget()
	}
	return binary.Write(w, binary.LittleEndian, p.Scale)
}

func (j *onnxJob) writeZeros(w io.Writer) error {
	p, err := j.calibrate()
	if err != nil {
		return err
	}
	defer j.forget()
	codes := make([]int16, len(p.ZeroPoint))
	for i, z := range p.ZeroPoint {
		codes[i] = int16(z)
	}
	packed := make([]byte, quant.PackedLen(len(codes), j.width))
	quant.Pack(packed, codes, j.width)
	_, err = w.Write(packed)
	return err
}
