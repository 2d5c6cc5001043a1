package report

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// A lastRead is a source of one tensor that calls done when the last value has been read.
type lastRead struct {
	fake
	done func()
}

func (s lastRead) Source(i int) (quant.Source, error) { return lastValues{s.fake[i].data, s.done}, nil }

type lastValues struct {
	Values
	done func()
}

func (v lastValues) ReadFloats(dst []float32, off int) error {
	if off+len(dst) == len(v.Values) {
		defer v.done()
	}
	return v.Values.ReadFloats(dst, off)
}

// TestCodesEnd tests that a comparison of codes ends soon after its context, although its values are
// in memory by then: the search for the ranges of these would take many seconds.
func TestCodesEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	src := lastRead{fake{{name: "w", shape: []int{1 << 10, 1 << 10}, data: wave(1 << 20), axis: tensorfile.NoAxis}}, cancel}
	start := time.Now()
	_, err := BuildCodes(ctx, "test", [2]string{"int16:g8:mae", "int16:g8:mse"}, src, CodesOptions{}, nil)
	if took := time.Since(start); !errors.Is(err, context.Canceled) || took > 5*time.Second {
		t.Errorf("%v after %v", err, took)
	}
}
