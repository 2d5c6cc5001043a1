package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/convert"
	"github.com/a01592f9/quant/cmd/internal/imatrix"
	"github.com/a01592f9/quant/cmd/internal/moments"
	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/cmd/internal/report"
)

// headOf returns the beginning of a file.
func headOf(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(file, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return head[:n], nil
}

// imatrixInputs returns the inputs of weights by an importance matrix.
func imatrixInputs(path string) (report.PlanInputs, error) {
	file, err := imatrix.Open(path)
	if err != nil {
		return nil, err
	}
	return func(name string, shape []int) (*moments.Inputs, error) {
		e := file.Entry(name)
		if e == nil {
			return nil, nil
		}
		squares, err := e.For(shape)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		x := &moments.Inputs{Form: moments.RowsForm(shape), Squares: make([]float64, len(squares))}
		for i, v := range squares {
			x.Squares[i] = float64(v)
		}
		return x, nil
	}, nil
}

// momentInputs returns the inputs of weights by second moments.
func momentInputs(path, in string, kind convert.Kind) (report.PlanInputs, error) {
	state, err := moments.Open(path)
	if err != nil {
		return nil, err
	}
	var forms map[string]moments.Form
	if kind == convert.KindONNX {
		m, err := onnx.Open(in)
		if err != nil {
			return nil, ofFile(in, err)
		}
		defer m.Close()
		forms, _ = moments.Forms(m)
	}
	return func(name string, shape []int) (*moments.Inputs, error) {
		m := state.Find(name)
		form, ok := forms[name]
		if m == nil || len(shape) == 0 || forms != nil && !ok {
			return nil, nil
		}
		if forms == nil {
			form = moments.RowsForm(shape)
		}
		x, err := moments.FromMoments(form, m)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return x, nil
	}, nil
}

// readFactors reads patterns of names and their factors from a file.
func readFactors(path string) ([]report.PlanFactor, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	r := csv.NewReader(file)
	r.FieldsPerRecord, r.TrimLeadingSpace = 2, true
	var all []report.PlanFactor
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		factor, err := strconv.ParseFloat(strings.TrimSpace(row[1]), 64)
		line, _ := r.FieldPos(1)
		switch {
		case err != nil && line == 1:
			continue // the header line
		case err != nil:
			return nil, fmt.Errorf("%s: line %d: %q is not a number", path, line, row[1])
		}
		all = append(all, report.PlanFactor{Pattern: strings.TrimPrefix(row[0], "\ufeff"), Factor: factor})
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: there are no factors in it", path)
	}
	return all, nil
}
