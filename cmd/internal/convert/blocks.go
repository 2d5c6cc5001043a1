package convert

import (
	"context"
	"encoding/binary"
	"io"
	"runtime"
	"slices"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/team"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// blockLen is the number of elements in a block, the unit of reading and conversion. Several
// blocks take a few MiB. Codes of any bit width fill whole bytes in a block.
const blockLen = 1 << 18

// maxWorkers limits the number of blocks in memory.
const maxWorkers = 16

// A piece has the buffers of one goroutine of inOrder.
type piece struct {
	floats  []float32
	clipped int
	codes8  []uint8
	bytes   []byte
}

// inOrder splits n elements into blocks. It calls fill for the blocks on several goroutines, and
// take for each filled block, one at a time and in order. A panic of either is raised again in the
// goroutine of the caller.
func inOrder(ctx context.Context, n int, fill func(b *piece, from, to int) error, take func(b *piece, from, to int) error) error {
	blocks := (n + blockLen - 1) / blockLen
	workers := min(runtime.GOMAXPROCS(0), maxWorkers, blocks)
	if workers <= 1 {
		var b piece
		for from := 0; from < n; from += blockLen {
			to := min(from+blockLen, n)
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := fill(&b, from, to); err != nil {
				return err
			}
			if err := take(&b, from, to); err != nil {
				return err
			}
		}
		return nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	turn := make([]chan struct{}, workers) // of each worker, to call take
	for i := range turn {
		turn[i] = make(chan struct{}, 1)
	}
	turn[0] <- struct{}{}
	var all team.Team
	for w := range workers {
		all.Go(func() {
			finished := false
			defer func() {
				if !finished {
					cancel(nil) // after a panic nobody else gets a turn
				}
			}()
			var b piece
			for k := w; k < blocks; k += workers {
				from, to := k*blockLen, min((k+1)*blockLen, n)
				err := ctx.Err()
				if err == nil {
					err = fill(&b, from, to)
				}
				// An error is reported in the order of the blocks, so it does not depend on the
				// number of cores.
				select {
				case <-turn[w]:
				case <-ctx.Done():
				}
				if context.Cause(ctx) == nil && err == nil {
					err = take(&b, from, to)
				}
				if err != nil {
					cancel(err)
				}
				if context.Cause(ctx) != nil {
					break
				}
				turn[(w+1)%workers] <- struct{}{}
			}
			finished = true
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

// calibrate returns the parameters for a tensor: known if it is not nil, else those that s gives.
// If measure is true, it also returns the errors of the reconstructed values. i may be nil.
func calibrate(ctx context.Context, src quant.Source, shape []int, s quant.Scheme, known *quant.Params, i *quant.Importance, measure bool) (quant.Params, Measured, error) {
	stream := quant.Stream{Source: tensorfile.Interruptible(ctx, src), Shape: shape}
	switch {
	case known != nil && !measure:
		return *known, Measured{}, nil
	case known != nil && i != nil:
		c, err := stream.CompareParamsWeighted(*i, *known)
		if err != nil {
			return quant.Params{}, Measured{}, err
		}
		return *known, Measured{&c.Comparison.Results[0].Metrics, &c.Weighted[0].WeightedMetrics}, nil
	case known != nil:
		c, err := stream.CompareParams(*known)
		if err != nil {
			return quant.Params{}, Measured{}, err
		}
		m := c.Results[0].Metrics
		return *known, Measured{Metrics: &m}, nil
	case i != nil:
		return calibrateWeighted(stream, s, *i, measure)
	case !measure:
		p, err := stream.Calibrate(s)
		return p, Measured{}, err
	}
	c, err := stream.Compare(s)
	if err != nil {
		return quant.Params{}, Measured{}, err
	}
	m := c.Results[0].Metrics
	return c.Results[0].Params, Measured{Metrics: &m}, nil
}

// calibrateWeighted is calibrate for a weight whose inputs have an importance.
func calibrateWeighted(stream quant.Stream, s quant.Scheme, i quant.Importance, measure bool) (quant.Params, Measured, error) {
	if !measure {
		p, err := stream.CalibrateWeighted(s, i)
		return p, Measured{}, err
	}
	c, err := stream.CompareWeighted(i, s)
	if err != nil {
		return quant.Params{}, Measured{}, err
	}
	r := &c.Comparison.Results[0]
	return r.Params, Measured{&r.Metrics, &c.Weighted[0].WeightedMetrics}, nil
}

// eachCodes quantizes a tensor block by block and passes the codes to take in order. take must
// not keep them. Each code has one byte and at most 8 bits; the scheme of p says whether it is
// signed.
func eachCodes(ctx context.Context, src quant.Source, shape []int, p quant.Params, take func(codes []byte, from int) error) error {
	fill := func(b *piece, from, to int) error {
		b.floats = slices.Grow(b.floats[:0], to-from)[:to-from]
		b.codes8 = slices.Grow(b.codes8[:0], to-from)[:to-from]
		if err := src.ReadFloats(b.floats, from); err != nil {
			return err
		}
		if p.Scheme.Unsigned || p.Scheme.Format != quant.Integers {
			return quant.QuantizePart(b.codes8, b.floats, from, shape, p)
		}
		return quant.QuantizePart(signed(b.codes8), b.floats, from, shape, p)
	}
	return inOrder(ctx, int(elements(shape)), fill, func(b *piece, from, _ int) error { return take(b.codes8, from) })
}

// writeCodes quantizes a tensor block by block and writes the codes as a little-endian stream
// with width bits for a code, at least those of the scheme. Codes of 8 and 16 bits are plain
// integers; of two 4-bit codes the first is in the low nibble. It calls tick with the number of
// elements done.
func writeCodes(ctx context.Context, w io.Writer, src quant.Source, shape []int, p quant.Params, width int, tick func(elements int)) error {
	if p.Scheme.Bits <= 8 && width <= 8 {
		var packed []byte
		return eachCodes(ctx, src, shape, p, func(codes []byte, _ int) error {
			out := codes
			if width < 8 {
				n := quant.PackedLen(len(codes), width)
				packed = slices.Grow(packed[:0], n)[:n]
				quant.Pack(packed, codes, width)
				out = packed
			}
			_, err := w.Write(out)
			tick(len(codes))
			return err
		})
	}
	fill := func(b *piece, from, to int) (err error) {
		b.floats = slices.Grow(b.floats[:0], to-from)[:to-from]
		if err := src.ReadFloats(b.floats, from); err != nil {
			return err
		}
		b.bytes = b.bytes[:0]
		if p.Scheme.Unsigned {
			codes := make([]uint16, to-from)
			err = quant.QuantizePart(codes, b.floats, from, shape, p)
			b.bytes, _ = binary.Append(b.bytes, binary.LittleEndian, codes)
		} else {
			codes := make([]int16, to-from)
			err = quant.QuantizePart(codes, b.floats, from, shape, p)
			b.bytes, _ = binary.Append(b.bytes, binary.LittleEndian, codes)
		}
		return err
	}
	return inOrder(ctx, int(elements(shape)), fill, func(b *piece, from, to int) error {
		_, err := w.Write(b.bytes)
		tick(to - from)
		return err
	})
}

// writeFloats writes a tensor as little-endian float32.
func writeFloats(ctx context.Context, w io.Writer, src quant.Source, shape []int, tick func(elements int)) error {
	fill := func(b *piece, from, to int) error {
		b.floats = slices.Grow(b.floats[:0], to-from)[:to-from]
		if err := src.ReadFloats(b.floats, from); err != nil {
			return err
		}
		b.bytes, _ = binary.Append(b.bytes[:0], binary.LittleEndian, b.floats)
		return nil
	}
	return inOrder(ctx, int(elements(shape)), fill, func(b *piece, from, to int) error {
		_, err := w.Write(b.bytes)
		tick(to - from)
		return err
	})
}
