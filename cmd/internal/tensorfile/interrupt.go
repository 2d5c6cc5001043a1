package tensorfile

import (
	"context"

	"github.com/a01592f9/quant"
)

// Interruptible returns a Source that reads src, and fails once ctx ends. The work on one tensor may
// take minutes, and reads it piece by piece.
func Interruptible(ctx context.Context, src quant.Source) quant.Source {
	return interruptible{ctx, src}
}

type interruptible struct {
	ctx context.Context
	quant.Source
}

func (s interruptible) ReadFloats(dst []float32, off int) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	return s.Source.ReadFloats(dst, off)
}
