package report

import (
	"context"

	"github.com/a01592f9/quant/cmd/internal/text"
)

// Inspect lists the tensors of src, and reads those of floating-point types in
// pieces, on all cores.
func Inspect(ctx context.Context, name, kind string, src Source, progress text.Progress) (*Inventory, error) {
	infos := src.Tensors()
	v := NewInventory(name, kind, infos)
	v.FileNotes = NotesOf(src)
	v.Activations = roundedBy(src)
	var jobs []job
	for i, info := range infos {
		if info.Floating {
			jobs = append(jobs, newJob(i, info))
		}
	}
	w := newWork(ctx, src, progress, jobs)
	w.each(func(i int) {
		item := &v.Tensors[jobs[i].index]
		if err := item.measure(w, jobs[i]); err != nil {
			item.Error = afterName(err, jobs[i].info.Name)
		}
	})
	return v, ctx.Err()
}
