package convert

import (
	"context"
	"encoding/binary"
	"io"
	"slices"

	"github.com/a01592f9/quant"
)

// words returns the number of int32 that hold n packed codes.
func words(n, bits int) int { return (n*bits + 31) / 32 }

// offsetCodes returns p for packed codes, which begin at 0. Codes and zero points are larger by
// half of the number of codes.
func offsetCodes(p quant.Params) quant.Params {
	p.Scheme.Unsigned, p.Scheme.NarrowRange = true, false // the code that narrow range excludes does not occur
	half := int32(1) << (p.Scheme.Bits - 1)
	zero := make([]int32, len(p.ZeroPoint))
	for i, z := range p.ZeroPoint {
		zero[i] = z + half
	}
	p.ZeroPoint = zero
	return p
}

// writePacked quantizes a matrix and writes its codes. Each row is a little-endian stream of
// bits, padded to whole int32.
func writePacked(ctx context.Context, w io.Writer, src quant.Source, shape []int, p quant.Params, tick func(elements int)) error {
	p = offsetCodes(p)
	bits, cols := p.Scheme.Bits, shape[1]
	if cols*bits%32 == 0 {
		return writeCodes(ctx, w, src, shape, p, bits, tick)
	}
	packed := make([]byte, 4*words(cols, bits)) // the padding stays 0
	row := make([]byte, 0, cols)
	return eachCodes(ctx, src, shape, p, func(codes []byte, _ int) error {
		tick(len(codes))
		for len(codes) > 0 {
			n := min(cols-len(row), len(codes))
			row, codes = append(row, codes[:n]...), codes[n:]
			if len(row) < cols {
				break
			}
			quant.Pack(packed, row, bits)
			row = row[:0]
			if _, err := w.Write(packed); err != nil {
				return err
			}
		}
		return nil
	})
}

// packColumns packs a matrix of codes, which begin at 0, along its columns. The result has
// words(rows) rows of int32 and as many columns.
func packColumns(codes []int32, rows, cols, bits int) []byte {
	out := make([]byte, 4*words(rows, bits)*cols)
	for i, c := range codes {
		row, col := i/cols, i%cols
		// Codes of 2, 4 and 8 bits do not span two words.
		at := 4 * (row*bits/32*cols + col)
		word := binary.LittleEndian.Uint32(out[at:]) | uint32(c)<<(row*bits%32)
		binary.LittleEndian.PutUint32(out[at:], word)
	}
	return out
}

// unpackColumns is the inverse of packColumns.
func unpackColumns(packed []byte, rows, cols, bits int) []int32 {
	codes := make([]int32, rows*cols)
	for i := range codes {
		row, col := i/cols, i%cols
		word := binary.LittleEndian.Uint32(packed[4*(row*bits/32*cols+col):])
		codes[i] = int32(word >> (row * bits % 32) & (1<<bits - 1))
	}
	return codes
}

// packedSource is a quant.Source of the values that packed codes stand for.
type packedSource struct {
	r      io.ReaderAt
	shape  []int
	params quant.Params // for codes that begin at 0
}

// ReadFloats reads values from element off on into dst.
func (s *packedSource) ReadFloats(dst []float32, off int) error {
	bits, cols := s.params.Scheme.Bits, s.shape[1]
	stride := 4 * words(cols, bits)
	if cols*bits%32 == 0 {
		whole := codeSource{r: s.r, width: bits, shape: s.shape, params: s.params}
		return whole.ReadFloats(dst, off)
	}
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	for len(dst) > 0 {
		row, col := off/cols, off%cols
		n := min(cols-col, len(dst))
		// Eight codes fill whole bytes.
		skip := col % 8
		size := quant.PackedLen(skip+n, bits)
		*buf = slices.Grow((*buf)[:0], size+skip+n)
		raw, codes := (*buf)[:size], (*buf)[size:size+skip+n]
		if _, err := s.r.ReadAt(raw, int64(row)*int64(stride)+int64((col-skip)*bits/8)); err != nil {
			return err
		}
		quant.Unpack(codes, raw, bits)
		if err := quant.DequantizePart(dst[:n], codes[skip:], off, s.shape, s.params); err != nil {
			return err
		}
		dst, off = dst[n:], off+n
	}
	return nil
}
