// Package sample holds the tensor that is compared when no other is given:
// four channels of five values, of which one spans a tenth of what the others
// do, so that it shows what a scale of its own is worth.
package sample

import _ "embed"

// Name is what reports call the sample.
const Name = "sample"

// Text is the sample as a user would type it: one line for each channel.
//
//go:embed sample.txt
var Text string
