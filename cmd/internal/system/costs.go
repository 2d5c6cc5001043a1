package system

import (
	"fmt"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/option"
)

// Costs says in sentences what a scheme costs without a gain, in a file of a kind: bits that are
// stored and not used, and accuracy that another granularity keeps. kind is that of System.File.
func Costs(s quant.Scheme, kind string) []string {
	if s.Format != quant.Integers {
		return nil
	}
	var all []string
	if width := stored(s.Bits, kind); width != s.Bits {
		all = append(all, fmt.Sprintf("Codes of %d bits are stored in %d: --bits %d makes a file of the same size with smaller errors.", s.Bits, width, width))
	}
	if kind != "" && kind != "gguf" && s.Scales != quant.Float32Scale {
		all = append(all, fmt.Sprintf("Scales are rounded to %v and stored as float32: the file is no smaller.", s.Scales))
	}
	if kind == "onnx" && s.Unsigned && s.Mapping == quant.Symmetric {
		all = append(all, "Unsigned codes of the symmetric mapping have zero points in the file, which signed codes do not need.")
	}
	if s.NarrowRange && s.Bits <= 4 {
		all = append(all, fmt.Sprintf("Narrow range leaves one of %d codes unused.", 1<<s.Bits))
	}
	return append(all, granularityCosts(s)...)
}

// granularityCosts says which finer granularity usually has smaller errors.
func granularityCosts(s quant.Scheme) []string {
	switch g := option.Granularity(s.Granularity); {
	case g == option.PerTensor:
		return []string{"A whole tensor has one scale: the channel with the widest range decides the step of all. A scale for each channel usually has smaller errors."}
	case g == option.PerChannel && s.Bits <= 4:
		return []string{fmt.Sprintf("A whole channel has one scale of %d-bit codes: groups, as with --group-size 32, usually have smaller errors.", s.Bits)}
	}
	return nil
}

// stored returns the bits in which a file of a kind stores codes of a width.
func stored(bits int, kind string) int {
	switch {
	case kind != "onnx":
		return bits
	case bits <= 4:
		return 4
	case bits <= 8:
		return 8
	}
	return 16
}
