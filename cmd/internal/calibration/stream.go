package calibration

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// Stream observes npy files that follow each other in r. Messages call them file. The total of
// progress is -1, since it is not known.
func (c *Calibration) Stream(ctx context.Context, r io.Reader, file string, progress text.Progress) ([]Skipped, error) {
	s := tensorfile.NewStream(&counter{r: r, progress: progress})
	name := Name(c.o.Name, file)
	var skipped []Skipped
	for n := 1; ; n++ {
		info, err := s.Next()
		switch {
		case err == io.EOF && n == 1:
			return skipped, fmt.Errorf("%s: there are no arrays in it", file)
		case err == io.EOF:
			return skipped, nil
		case err != nil:
			return skipped, fmt.Errorf("%s: %w", file, err)
		}
		if reason := skip(info); reason != "" {
			skipped = append(skipped, Skipped{fmt.Sprintf("%s, array %d", file, n), name, reason})
			continue
		}
		if err := c.stream(ctx, s, name, info.Shape); err != nil {
			if errors.Is(err, context.Canceled) {
				return skipped, err
			}
			return skipped, fmt.Errorf("%s: array %d: %w", file, n, inTensor(name, ofTensor(err, name)))
		}
	}
}

// A counter counts the bytes that are read.
type counter struct {
	r        io.Reader
	done     int64
	progress text.Progress
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.done += int64(n)
	if c.progress != nil {
		c.progress(c.done, -1)
	}
	return n, err
}

// stream observes the current array of s. Since a pipe can be read only once, whole rows of the
// array are held in memory, however long they are.
func (c *Calibration) stream(ctx context.Context, s *tensorfile.Stream, name string, of []int) error {
	t, err := c.find(name, "an earlier array", of)
	if err != nil {
		return err
	}
	o := c.observer(t)
	defer c.done(t, o)
	if c.wholesale() && elements(of) > mostHeld {
		return c.spooled(ctx, s, o, of)
	}
	cut := newCut(of, c.granularity())
	row := cut.axis * cut.inner
	step := row * max(1, blockLen/row)
	if c.wholesale() {
		step, cut.at = math.MaxInt, c.axis(of)
	} else if cut.at < 0 {
		step = blockLen
	}
	for off := 0; ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		x, err := s.Read(step)
		if err != nil {
			return err
		}
		if len(x) == 0 {
			return nil
		}
		batch := quant.Tensor{Data: x, Shape: []int{len(x)}}
		switch {
		case c.wholesale():
			batch.Shape = of
		case cut.at >= 0:
			batch.Shape = slices.Clone(cut.shape)
			batch.Shape[cut.at] = cut.axis
			if cut.at > 0 {
				batch.Shape[0] = len(x) / row
			}
			if cut.at < len(of)-1 {
				batch.Shape[len(of)-1] = cut.inner
			}
		}
		if err := o.Observe(batch); err != nil {
			if errors.Is(err, quant.ErrNotFinite) {
				i := slices.IndexFunc(x, bad)
				err = placed(x[i], off+i, of, cut.at)
			}
			return err
		}
		off += len(x)
	}
}
