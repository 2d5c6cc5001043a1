package report

import (
	"context"
	"fmt"

	"github.com/a01592f9/quant/cmd/internal/text"
)

// Stretch returns the curves of the elements of tensor i from position `from` up to `to`, in the
// order channel by channel, with at most the given number of points (0 for 4096). It reads the
// tensor again from the source that r was built from. Zoomed graphs show stretches.
func (r *Report) Stretch(ctx context.Context, src Source, i, from, to, points int) (*ElementCurves, error) {
	t := &r.Tensors[i]
	w := newWalk(t)
	if from < 0 || to > w.total || from >= to {
		return nil, fmt.Errorf("there is no stretch from %d to %d: positions are 0 to %d", from, to, w.total-1)
	}
	if points <= 0 {
		points = 4096
	}
	schemes, err := schemesOf(t.job, r.Options)
	if err != nil {
		return nil, err
	}
	opened, err := newWork(ctx, src, nil, []job{t.job}).open(t.job, readsOf(schemes)+1)
	if err != nil {
		return nil, err
	}
	defer opened.finish()
	params, err := paramsOf(opened, r.Options, schemes)
	if err != nil {
		return nil, err
	}
	d := &Detail{}
	n := to - from
	d.Elements = ElementCurves{Total: w.total, PerChannel: w.per, From: from, To: to,
		Note: fmt.Sprintf("All %s of this stretch are shown.", text.Plural(int64(n), "element"))}
	err = walkTeam(opened, t, w.blocks(from, to),
		func() *walker {
			x := newWalker(w, binsOf(n, points, len(params)), len(params), d)
			x.from, x.to = from, to
			return x
		},
		func(x *walker, values []float32, off int) error { return x.block(values, off, t.job.shape, params) },
		func(x *walker) { x.finish(d, points, len(params)) })
	return &d.Elements, err
}

// blocks returns which blocks hold elements with positions from `from` up to `to`. If positions
// are not in the order of the elements, it picks all blocks.
func (w walk) blocks(from, to int) func(block int) bool {
	if w.channels*w.inner != w.total {
		return func(int) bool { return true }
	}
	return func(block int) bool { return block*blockLen < to && (block+1)*blockLen > from }
}
