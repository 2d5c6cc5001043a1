package main

import (
	_ "embed"

	"github.com/a01592f9/quant/cmd/internal/web"
)

// The weight of a convolution, an example on the page, and its licence.
var (
	//go:embed testdata/silero_vad_v5_excerpt.safetensors
	convolution []byte
	//go:embed testdata/README.md
	convolutionNotice string
)

// pageExamples lists the examples of the page.
func pageExamples() []web.Example {
	return append(web.Examples(), web.Example{
		ID:    "convolution",
		Title: "A real convolution (Silero VAD)",
		About: "Weights that were trained: two layers in an excerpt of Silero VAD v5, a voice activity detector (MIT licence). " +
			"Choose a tensor, and the axis of its channels.",
		File: "silero_vad_v5_excerpt.safetensors",
		Data: convolution,
	})
}
