// Package sample holds the tensor that is compared if no file is given: four channels of five
// values. The values of one channel have a tenth of the spread of the others, so that the
// channel gains much from its own scale.
package sample

import _ "embed"

// Name is the name of the sample in reports.
const Name = "sample"

// Text is the sample as text, with one line for each channel.
//
//go:embed sample.txt
var Text string
