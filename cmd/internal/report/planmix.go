package report

import (
	"strconv"
	"strings"
)

// Which weights the Q4_K_M of llama.cpp gives more bits.

// blockOf splits a name such as blk.3.attn_v.weight.
func blockOf(name string) (layer int, part string, ok bool) {
	rest, ok := strings.CutPrefix(name, "blk.")
	if !ok {
		return 0, "", false
	}
	number, part, ok := strings.Cut(rest, ".")
	layer, err := strconv.Atoi(number)
	return layer, part, ok && err == nil && layer >= 0
}

// moreBits reports whether llama.cpp gives sensitive weights of a layer more bits: in
// the first and the last eighth of the layers, and in every third between.
func moreBits(layer, layers int) bool {
	return layer < layers/8 || layer >= 7*layers/8 || (layer-layers/8)%3 == 2
}
