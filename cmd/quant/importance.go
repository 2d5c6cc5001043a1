package main

import (
	"github.com/a01592f9/quant/cmd/internal/importance"
)

// importanceUsage is the help of --importance.
const importanceUsage = "weigh errors by the importance of inputs in a `file`: llama.cpp's imatrix, or vectors by the names of weights"

// readImportance reads the file of importances that a flag names.
func readImportance(path string) (*importance.File, error) {
	f, err := importance.Open(path)
	if err != nil {
		return nil, ofFile(path, err)
	}
	return f, nil
}
