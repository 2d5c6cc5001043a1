package tensorfile

import (
	"context"

	"github.com/a01592f9/quant"
)

// Interruptible returns a Source that reads src, and fails once ctx ends. The work on one tensor may
// take minutes: it reads the tensor piece by piece, and asks Err during a long search.
func Interruptible(ctx context.Context, src quant.Source) quant.Source {
	return interruptible{ctx, src}
}

type interruptible struct {
	ctx context.Context
	quant.Source
}

// Err returns the error of the context.
func (s interruptible) Err() error { return s.ctx.Err() }

func (s interruptible) ReadFloats(dst []float32, off int) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	return s.Source.ReadFloats(dst, off)
}
