package beam

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/a01592f9/quant"
)

// A Part is a part of a batch of a tensor. It has some of the values, as bytes of the file, or
// the state of an observer of these values. Values are bytes since a runner would encode a
// slice of floats element by element.
type Part struct {
	PartHeader
	Data []byte
}

// A PartHeader is a Part without its data.
type PartHeader struct {
	File    string // the file of the batch, for errors
	Tensor  string // name of the tensor, for errors
	Batch   []int  // shape of the whole batch
	Batches uint64 // 1 for one part of each batch, and 0 for the others
	Shape   []int  // shape of the values of this part
	First   int    // index of the part's first value in the batch

	DType     string // of the values: f32, f16 or bf16; "" if Data is a state
	BigEndian bool
}

// NewPart returns a Part with a whole batch. file is any text that says where the values came
// from; errors contain it.
func NewPart(file, name string, t quant.Tensor) Part {
	data := make([]byte, 0, 4*len(t.Data))
	for _, v := range t.Data {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	return Part{PartHeader{File: file, Tensor: name, Batch: t.Shape, Batches: 1, Shape: t.Shape, DType: "f32"}, data}
}

func init() {
	beam.RegisterCoder(reflect.TypeFor[Part](), encodePart, decodePart)
}

// encodePart writes the length of the header, the header in JSON, and the data.
func encodePart(p Part) ([]byte, error) {
	head, err := json.Marshal(p.PartHeader)
	if err != nil {
		return nil, err
	}
	b := make([]byte, 0, len(head)+len(p.Data)+binary.MaxVarintLen64)
	b = append(binary.AppendUvarint(b, uint64(len(head))), head...)
	return append(b, p.Data...), nil
}

func decodePart(b []byte) (Part, error) {
	var p Part
	n, k := binary.Uvarint(b)
	if k <= 0 || n > uint64(len(b)-k) {
		return p, errors.New("a part of a tensor is damaged")
	}
	if err := json.Unmarshal(b[k:k+int(n)], &p.PartHeader); err != nil {
		return p, fmt.Errorf("a part of a tensor is damaged: %w", err)
	}
	p.Data = b[k+int(n):]
	return p, nil
}

// widen stores the values of data in dst, which has the right length. halves is memory of the
// same length.
func widen(dst []float32, halves []uint16, data []byte, dtype string, big bool) {
	var order binary.ByteOrder = binary.LittleEndian
	if big {
		order = binary.BigEndian
	}
	if dtype == "f32" {
		for i := range dst {
			if big {
				dst[i] = math.Float32frombits(binary.BigEndian.Uint32(data[4*i:]))
			} else {
				dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
			}
		}
		return
	}
	for i := range halves {
		halves[i] = order.Uint16(data[2*i:])
	}
	if dtype == "bf16" {
		quant.WidenBFloat16(dst, halves)
	} else {
		quant.WidenFloat16(dst, halves)
	}
}
