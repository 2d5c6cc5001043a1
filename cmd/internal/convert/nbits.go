package convert

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/onnx"
)

// CheckNBits returns an error if o does not describe codes that MatMulNBits takes: in groups of
// 16, 32, 64 or another power of two.
func (o *Options) CheckNBits() error {
	switch {
	case o.Bits < 2 || o.Bits > 8 || o.Format != quant.Integers:
		return fmt.Errorf("MatMulNBits has codes of 2 to 8 bits, not %d", o.Bits)
	case o.GroupSize < 16 || o.GroupSize&(o.GroupSize-1) != 0:
		return fmt.Errorf("MatMulNBits has groups of a power of two of at least 16 values, not %d", o.GroupSize)
	case o.NBits.Accuracy < 0 || o.NBits.Accuracy > 4:
		return fmt.Errorf("MatMulNBits has accuracy levels 0 to 4, not %d", o.NBits.Accuracy)
	}
	return nil
}

// nbits completes j for MatMulNBits, or returns the reason to leave the weight in floating point.
// block is the size of the groups.
func (j *onnxJob) nbits(block int) (why string) {
	if j.use, why = j.c.model.NBits(j.t); why != "" {
		return why
	}
	axis, _ := j.scheme.Granularity.Axis()
	size, grouped := j.scheme.Granularity.GroupSize()
	whole := !grouped && axis == 1-j.use.Columns && j.t.Shape[j.use.Columns] <= block // a row is shorter than a group
	if whole {
		size = block
	}
	if !whole && (!grouped || axis != j.use.Columns) || size < 16 || size&(size-1) != 0 {
		return fmt.Sprintf("MatMulNBits has no codes of %v along axis %d", j.scheme.Granularity, axis)
	}
	j.block = size
	if j.scheme.Bits == 2 {
		j.width = 2
	}
	q := j.nbitsCodes()
	j.weight.After = q.Codes.Size + q.Scales.Size + q.Zeros.Size
	return ""
}

// nbitsCodes returns the codes of j for MatMulNBits.
func (j *onnxJob) nbitsCodes() onnx.NBits {
	size := j.block
	q := onnx.NBits{Use: j.use, Bits: j.width, Block: size, Accuracy: j.accuracy}
	rows, _, blocks := q.Size()
	q.Codes = onnx.Payload{Size: int64(rows) * int64(blocks) * int64(size*j.width/8), Write: func(w io.Writer) error { return j.writeBlocks(w, &q) }}
	q.Scales = onnx.Payload{Size: 4 * int64(rows*blocks), Write: func(w io.Writer) error {
		p, err := j.calibrate()
		if err != nil {
			return err
		}
		return binary.Write(w, binary.LittleEndian, byRows(p.Scale, rows, blocks, j.use.Columns))
	}}
	if j.scheme.Unsigned || j.scheme.Mapping != quant.Symmetric {
		q.Zeros = onnx.Payload{Size: int64(rows * quant.PackedLen(blocks, j.width)), Write: func(w io.Writer) error {
			p, err := j.calibrate()
			if err != nil {
				return err
			}
			return writeRows(w, byRows(p.ZeroPoint, rows, blocks, j.use.Columns), blocks, j.width, j.middle())
		}}
	}
	return q
}

// middle is what is added to codes and zero points, since MatMulNBits takes unsigned codes.
func (j *onnxJob) middle() int32 {
	if j.scheme.Unsigned {
		return 0
	}
	return 1 << (j.width - 1)
}

// byRows returns parameters of groups in the order of output channels. columns is the axis along
// which the groups run.
func byRows[T any](v []T, rows, blocks, columns int) []T {
	if columns == 1 {
		return v
	}
	out := make([]T, 0, len(v))
	for n := range rows {
		for b := range blocks {
			out = append(out, v[b*rows+n])
		}
	}
	return out
}

// writeRows packs codes, and begins each row at a byte.
func writeRows(w io.Writer, codes []int32, row, width int, middle int32) error {
	packed, unsigned := make([]byte, quant.PackedLen(row, width)), make([]uint8, row)
	for ; len(codes) > 0; codes = codes[row:] {
		for i, c := range codes[:row] {
			unsigned[i] = uint8(c + middle)
		}
		quant.Pack(packed, unsigned, width)
		if _, err := w.Write(packed); err != nil {
			return err
		}
	}
	return nil
}

// writeBlocks writes the codes of all blocks, row by row. Codes behind the end of a row are those
// of the value 0. All codes of the weight are in memory meanwhile.
func (j *onnxJob) writeBlocks(w io.Writer, q *onnx.NBits) error {
	var b bytes.Buffer
	if err := j.writeCodesOf(&b, 8); err != nil {
		return err
	}
	p, err := j.calibrate()
	if err != nil {
		return err
	}
	codes := b.Bytes()
	rows, columns, blocks := q.Size()
	down, along := 1, rows // distances of neighbours in codes
	if j.use.Columns == 1 {
		down, along = columns, 1
	}
	zeros := byRows(p.ZeroPoint, rows, blocks, j.use.Columns)
	row, middle := make([]int32, blocks*q.Block), j.middle()
	for n := range rows {
		for k := range row {
			switch {
			case k >= columns:
				row[k] = zeros[n*blocks+k/q.Block]
			case j.scheme.Unsigned:
				row[k] = int32(codes[n*down+k*along])
			default:
				row[k] = int32(int8(codes[n*down+k*along]))
			}
		}
		if err := writeRows(w, row, len(row), q.Bits, middle); err != nil {
			return err
		}
	}
	return nil
}
