package bench

import (
	"bytes"
	"context"
	"unsafe"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/option"
)

// data is a tensor, with memory for the results of operations.
type data struct {
	src, dst []float32
	codes    []byte
}

// newData returns memory for n elements.
func newData(n int) *data {
	return &data{src: make([]float32, n), dst: make([]float32, n), codes: make([]byte, 2*n)}
}

// sized returns the first n elements of d. Both halves of the source are equal. The values are
// about normally distributed, and the same in every run.
func (d *data) sized(ctx context.Context, n int) (*data, error) {
	const step = 1 << 20
	for i := 0; i < n/2; i += step {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		fill(d.src[i:min(i+step, n/2)], i)
	}
	copy(d.src[n/2:n], d.src)
	return &data{d.src[:n], d.dst[:n], d.codes[:2*n]}, nil
}

// fill sets x to the values with the indices from at on.
func fill(x []float32, at int) {
	for i := range x {
		// SplitMix64. The sum of four uniform numbers is about normally distributed.
		z := uint64(at+i+1) * 0x9e3779b97f4a7c15
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		z ^= z >> 31
		sum := z&0xffff + z>>16&0xffff + z>>32&0xffff + z>>48
		x[i] = float32(int32(sum)-2*0xffff) * 0x1p-18
	}
}

// read reads every byte of the source once. It uses bytes.Equal, which has vector instructions
// on all common processors, to compare one half of the source with the equal other half. A loop
// in Go would take several times as long for data in a cache.
func (d *data) read() {
	half := len(d.src) / 2
	if !bytes.Equal(asBytes(d.src[:half]), asBytes(d.src[half:])) {
		panic("bench: the halves differ")
	}
}

func asBytes(x []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x))
}

func (d *data) copy() { copy(d.dst, d.src) }

// An operation is a row of the report.
type operation struct {
	name        string
	verb        string
	bits        int    // 0 if the operation has no width
	granularity string // as in other JSON; empty for none
	prepare     func(d *data) (func(), error)
}

// Verbs of operations that need no preparation.
const (
	read    = "read"
	copying = "copy"
)

// RowLen is the length of the rows of the tensor that is compared.
const RowLen = 4096

// rowLen is the number of columns, each of which is a channel. dynamicRow is the length of rows
// that are calibrated and quantized in one call.
const (
	rowLen     = 512
	dynamicRow = 1024
)

// smallLen is the number of elements of a small call. Many small calls cover the tensor.
const smallLen = 32

var operations = []operation{
	{name: "read", verb: read}, // all other operations are measured in turns with it
	{name: "copy", verb: copying},
	calibrate("range", option.PerTensor),
	calibrate("range, columns", option.PerChannel),
	calibrate("range, groups of 32", option.PerGroup),
	quantize("quantize to 8 bits", 8, option.PerTensor),
	quantize("quantize to 4 bits", 4, option.PerTensor),
	quantize("quantize to 16 bits", 16, option.PerTensor),
	quantize("quantize to 8 bits, columns", 8, option.PerChannel),
	quantize("quantize to 4 bits, groups of 32", 4, option.PerGroup),
	dequantize("dequantize from 8 bits", 8, option.PerTensor),
	dequantize("dequantize from 4 bits", 4, option.PerTensor),
	dequantize("dequantize from 8 bits, columns", 8, option.PerChannel),
	dequantize("dequantize from 4 bits, groups of 32", 4, option.PerGroup),
	dynamic("dynamic to 8 bits", 8, option.PerTensor),
	dynamic("dynamic to 8 bits, rows", 8, option.PerChannel),
	dynamic("dynamic to 8 bits, groups of 32", 8, option.PerGroup),
	dynamic("dynamic to 4 bits, groups of 32", 4, option.PerGroup),
	small("range, 32 at a time", "range", 0, smallRange),
	small("quantize to 8 bits, 32 at a time", "quantize", 8, smallQuantize),
	small("dequantize from 8 bits, 32 at a time", "dequantize", 8, smallDequantize),
	{"compare 8 bits per tensor and per channel", "compare", 8, "", compare(0)},
	{"compare 8 bits per tensor and per column", "compare", 8, "", compare(-1)},
}

// tensor returns the source as a tensor with the shape for a granularity, and a scheme.
func (d *data) tensor(bits int, granularity string) (quant.Tensor, quant.Scheme) {
	t, s := quant.Tensor{Data: d.src}, quant.Scheme{Bits: bits}
	switch granularity {
	case option.PerChannel:
		t.Shape = []int{len(d.src) / rowLen, rowLen}
		s.Granularity = quant.PerChannel(-1)
	case option.PerGroup:
		s.Granularity = quant.PerGroup(-1, 32)
	}
	return t, s
}

func calibrate(name, granularity string) operation {
	return operation{name, "range", 0, granularity, func(d *data) (func(), error) {
		t, s := d.tensor(8, granularity)
		p, err := quant.Calibrate(t, s)
		return func() { must(quant.CalibrateInto(&p, t, s)) }, err
	}}
}

func quantize(name string, bits int, granularity string) operation {
	return operation{name, "quantize", bits, granularity, func(d *data) (func(), error) {
		t, s := d.tensor(bits, granularity)
		p, err := quant.Calibrate(t, s)
		return func() { must(quant.QuantizeInto(d.codes, t, p)) }, err
	}}
}

func dequantize(name string, bits int, granularity string) operation {
	return operation{name, "dequantize", bits, granularity, func(d *data) (func(), error) {
		t, s := d.tensor(bits, granularity)
		p, err := quant.Calibrate(t, s)
		if err != nil {
			return nil, err
		}
		if err := quant.QuantizeInto(d.codes, t, p); err != nil {
			return nil, err
		}
		q := quant.Quantized{Codes: d.codes[:quant.PackedLen(len(t.Data), bits)], Shape: t.Shape, Params: p}
		if q.Shape == nil {
			q.Shape = []int{len(t.Data)}
		}
		return func() { must(quant.DequantizeInto(d.dst, q)) }, nil
	}}
}

func dynamic(name string, bits int, granularity string) operation {
	return operation{name, "dynamic", bits, granularity, func(d *data) (func(), error) {
		t, s := d.tensor(bits, granularity)
		if granularity == option.PerChannel {
			t.Shape = []int{len(d.src) / dynamicRow, dynamicRow}
			s.Granularity = quant.PerChannel(0)
		}
		var p quant.Params
		f := func() error { return quant.QuantizeDynamicInto(d.codes, &p, t, s, quant.RefuseNotFinite) }
		return func() { must(f()) }, f()
	}}
}

// small returns an operation that consists of calls of smallLen elements each.
func small(name, verb string, bits int, prepare func(d *data, p *quant.Params) func(i int) error) operation {
	return operation{name, verb, bits, option.PerTensor, func(d *data) (func(), error) {
		p, err := quant.Calibrate(quant.Tensor{Data: d.src}, quant.Scheme{Bits: 8})
		if err != nil {
			return nil, err
		}
		if err := quant.QuantizeInto(d.codes, quant.Tensor{Data: d.src}, p); err != nil {
			return nil, err
		}
		call := prepare(d, &p)
		return func() {
			for i := 0; i < len(d.src); i += smallLen {
				must(call(i))
			}
		}, nil
	}}
}

func smallRange(d *data, p *quant.Params) func(i int) error {
	return func(i int) error {
		return quant.CalibrateInto(p, quant.Tensor{Data: d.src[i : i+smallLen]}, quant.Scheme{Bits: 8})
	}
}

func smallQuantize(d *data, p *quant.Params) func(i int) error {
	return func(i int) error {
		return quant.QuantizeInto(d.codes[i:i+smallLen], quant.Tensor{Data: d.src[i : i+smallLen]}, *p)
	}
}

func smallDequantize(d *data, p *quant.Params) func(i int) error {
	shape := []int{smallLen}
	return func(i int) error {
		return quant.DequantizeInto(d.dst[i:i+smallLen], quant.Quantized{Codes: d.codes[i : i+smallLen], Shape: shape, Params: *p})
	}
}

// compare returns the comparison of a scheme per tensor with a scheme per channel of an axis.
func compare(axis int) func(d *data) (func(), error) {
	return func(d *data) (func(), error) {
		t := quant.Tensor{Data: d.src, Shape: []int{len(d.src) / RowLen, RowLen}}
		c := new(quant.Comparison)
		schemes := []quant.Scheme{{Bits: 8}, {Bits: 8, Granularity: quant.PerChannel(axis)}}
		return func() { must(quant.CompareInto(c, t, schemes...)) }, nil
	}
}

// must panics on an error. It is for calls that have succeeded before.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
