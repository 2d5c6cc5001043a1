package convert

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"sync"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/onnx"
)

// rowSource is a source of the values of a MatMulNBits or MatMulBnb4. A row of codes is a column
// of the values, so each row of values needs a code from every row of codes. For this reason
// rowSource computes a band of several rows of values at a time.
type rowSource struct {
	r         io.ReaderAt
	bits      int
	row, rows int // codes in a row, and number of rows
	rowBytes  int // 0 if rows do not begin at bytes
	block     int
	blocks    int       // scales of a row; 0 if blocks may span rows
	groups    []int32   // the block of each code in a row; nil if blocks are consecutive
	scale     []float32 // in the order of rows
	zero      []float32 // in the order of rows, or one for all
	table     []float32 // values of codes; nil for integers

	mu         sync.Mutex
	band       []float32 // values of the rows from first to end
	first, end int
	raw        []byte
}

// bandRows is the number of rows of values in a band.
const bandRows = 64

func newRows(d *onnx.Dequantizer, r io.ReaderAt, scales []float32) (*rowSource, error) {
	p := d.Packed
	s := &rowSource{
		r: r, bits: p.Bits, row: p.Row, rows: d.Shape[1], block: d.Block, blocks: p.Blocks,
		scale: scales, zero: []float32{float32(d.Zero)}, table: p.Table,
	}
	if p.Blocks > 0 {
		s.rowBytes = p.Blocks * (d.Block * p.Bits / 8)
	}
	for i, x := range scales {
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			return nil, fmt.Errorf("scale %v of index %d is not finite", x, i)
		}
	}
	if d.Zeros != nil {
		var err error
		if d.Zeros.Floating {
			s.zero, err = onnxFloats(d.Zeros)
		} else {
			var zeros []int32
			zeros, err = onnxZeros(d, quant.Scheme{Bits: p.Bits, Unsigned: true})
			s.zero = make([]float32, len(zeros))
			for i, z := range zeros {
				s.zero[i] = float32(z)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	if p.Groups != nil {
		data, err := onnxData(p.Groups)
		if err != nil {
			return nil, err
		}
		s.groups = make([]int32, elements(p.Groups.Shape))
		if _, err := binary.Decode(data, binary.LittleEndian, s.groups); err != nil {
			return nil, err
		}
		for i, g := range s.groups {
			if g < 0 || int(g) >= s.blocks {
				return nil, fmt.Errorf("%q: block %d of code %d, but a row has %d blocks", p.Groups.Name, g, i, s.blocks)
			}
		}
	}
	return s, nil
}

// ReadFloats implements quant.Source.
func (s *rowSource) ReadFloats(dst []float32, off int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(dst) > 0 {
		at := off / s.rows
		if at < s.first || at >= s.end {
			if err := s.fill(at / bandRows * bandRows); err != nil {
				return err
			}
		}
		n := copy(dst, s.band[off-s.first*s.rows:])
		dst, off = dst[n:], off+n
	}
	return nil
}

// fill computes the band of values from row first on.
func (s *rowSource) fill(first int) error {
	end := min(first+bandRows, s.row)
	if s.band == nil {
		s.band = make([]float32, min(bandRows, s.row)*s.rows)
	}
	s.first, s.end = 0, 0 // no band is valid after an error
	s.band = s.band[:(end-first)*s.rows]
	for n := range s.rows {
		// The first bit of the band in row n of codes.
		bit := int64(n) * int64(s.row) * int64(s.bits)
		if s.rowBytes > 0 {
			bit = int64(n) * int64(s.rowBytes) * 8
		}
		bit += int64(first) * int64(s.bits)
		start, skip := bit/8, int(bit%8)
		size := (skip + (end-first)*s.bits + 7) / 8
		if cap(s.raw) < size+1 {
			s.raw = make([]byte, size+1)
		}
		s.raw = s.raw[:size+1]
		if got, err := s.r.ReadAt(s.raw[:size], start); got < size {
			return cmpErr(err, io.ErrUnexpectedEOF)
		}
		s.raw[size] = 0
		s.column(n, first, end, skip)
	}
	s.first, s.end = first, end
	return nil
}

// column computes the band's values of row n of codes. raw has the codes from first to end, after
// skip bits.
func (s *rowSource) column(n, first, end, skip int) {
	mask := byte(1<<s.bits - 1)
	for k := first; k < end; k++ {
		bit := skip + (k-first)*s.bits
		if s.table != nil {
			code := s.raw[bit/8] >> (4 - bit%8) & 15 // the first code is in the high half
			s.band[(k-first)*s.rows+n] = s.table[code] * s.scale[(n*s.row+k)/s.block]
			continue
		}
		code := byte((uint(s.raw[bit/8])|uint(s.raw[bit/8+1])<<8)>>(bit%8)) & mask
		group := n*s.blocks + k/s.block
		if s.groups != nil {
			group = n*s.blocks + int(s.groups[k])
		}
		zero := s.zero[0]
		if len(s.zero) > 1 {
			zero = s.zero[group]
		}
		s.band[(k-first)*s.rows+n] = (float32(code) - zero) * s.scale[group]
	}
}
