package main

import (
	"github.com/a01592f9/quant/cmd/internal/convert"
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

// checkImportance checks --importance of quant quantize.
func (f *convertFlags) checkImportance(kind convert.Kind, changed func(name string) bool) error {
	switch {
	case !changed("importance"):
		return nil
	case f.importance == "":
		return usagef("--importance needs the name of a file")
	case kind == convert.KindGGUF:
		return usagef("--importance does not go with GGUF, whose types say how codes are made")
	case f.static.activations:
		return usagef("--importance does not go with --activations")
	case f.static.dynamic:
		return usagef("--importance does not go with --dynamic")
	case f.feedback != "":
		return usagef("--importance does not go with --feedback, which uses the second moments themselves")
	case changed("plan"):
		return usagef("--importance does not go with --plan")
	}
	return nil
}
