package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/a01592f9/quant/calibfile"
	"github.com/a01592f9/quant/cmd/internal/convert"
	"github.com/a01592f9/quant/cmd/internal/report"
)

// The files that quant quantize reads besides the model.

// readCalibration reads the calibration file that a flag names.
func readCalibration(path string) (*calibfile.File, error) {
	f, err := calibfile.ReadFile(path)
	var cause *fs.PathError
	switch {
	case errors.As(err, &cause):
		return nil, fmt.Errorf("%s: %w", path, cause.Err)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// readPlan reads a plan for quant quantize.
func readPlan(path string) (plan convert.Plan, importance string, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, "", ofFile(path, err)
	}
	choices, importance, err := report.ReadPlan(data)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", path, err)
	}
	all := make(convert.Plan)
	for _, c := range choices {
		choice, err := convert.ParseChoice(c.Scheme)
		if err != nil {
			return nil, "", fmt.Errorf("%s: weight %s: %w", path, c.Name, err)
		}
		choice.Shape = c.Shape
		all[c.Name] = choice
	}
	return all, importance, nil
}
