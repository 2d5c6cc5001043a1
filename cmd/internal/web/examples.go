package web

import (
	"github.com/a01592f9/quant/cmd/internal/sample"
)

// Examples returns examples that are small enough to be read on the page. Each shows one property
// of quantization.
func Examples() []Example {
	return []Example{
		{
			ID: sample.Name, Title: "Sample: four channels",
			About: "Three channels of ordinary size and one that is ten times smaller: what a scale of its own is worth to it.",
			Text:  sample.Text,
		},
		{
			ID: "negative", Title: "A channel of negative values",
			About: "All of channel 1 is below zero. With the asymmetric mapping its zero point lies outside of the codes; " +
				"“zero in range” widens the range instead, and the symmetric mapping leaves half of the codes unused.",
			Text: "0.42, -0.31, 0.15, 0.58, -0.47, 0.09\n" +
				"-2.10, -1.74, -2.45, -1.96, -2.31, -1.83\n" +
				"0.77, 0.12, -0.64, 0.35, -0.20, 0.51\n",
		},
		{
			ID: "tiny", Title: "A tiny channel beside a huge one",
			About: "Channel 0 spans a ten-thousandth of what channel 1 does. One scale for both rounds all of it to a single code.",
			Text: "0.0012, -0.0031, 0.0008, 0.0044, -0.0025, 0.0017, -0.0009, 0.0036\n" +
				"41.5, -28.3, 12.9, -47.7, 33.1, -6.4, 19.8, -38.2\n" +
				"0.9, -0.4, 1.3, -1.1, 0.2, 0.6, -0.8, 1.5\n",
		},
		{
			ID: "pruned", Title: "A pruned channel of zeros",
			About: "Channel 2 was pruned away: it has no range, and still needs a scale that is not zero. Every scheme keeps it exact.",
			Text: "0.31, -0.22, 0.18, -0.40, 0.27\n" +
				"1.10, -0.95, 0.62, -1.34, 0.88\n" +
				"0, 0, 0, 0, 0\n" +
				"-0.07, 0.12, -0.15, 0.04, 0.09\n",
		},
	}
}
