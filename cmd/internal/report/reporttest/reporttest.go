// Package reporttest holds what the tests of everything that shows reports are
// made from.
package reporttest

import (
	"math"
	"strings"
	"testing"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/sample"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// Tensors returns a source of tensors that are all of one shape and one content.
func Tensors(names []string, shape []int, data []float32) report.Source {
	return memory{names, shape, data}
}

type memory struct {
	names []string
	shape []int
	data  []float32
}

func (m memory) Tensors() []tensorfile.Info {
	var infos []tensorfile.Info
	for _, n := range m.names {
		infos = append(infos, tensorfile.Info{Name: n, DType: "F32", Shape: m.shape, Floating: true})
	}
	return infos
}

func (m memory) Source(int) (quant.Source, error) { return report.Values(m.data), nil }

func (m memory) Load(int) ([]float32, error) { return m.data, nil }

// Wave returns n values between -1 and 1.
func Wave(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(math.Sin(float64(i) * 1.3))
	}
	return x
}

// Sample returns the tensor of the calculator's example.
func Sample(t testing.TB) report.Source {
	t.Helper()
	src, err := tensorfile.Read("", strings.NewReader(sample.Text), 0)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// Build returns the report of a source, with the details of up to n tensors.
func Build(t testing.TB, src report.Source, o report.Options, n int) (*report.Report, []*report.Detail) {
	t.Helper()
	r, err := report.Build(t.Context(), "test", src, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	d, err := r.Details(t.Context(), src, n, report.DetailOptions{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r, d
}
