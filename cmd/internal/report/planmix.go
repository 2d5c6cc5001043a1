package report

import (
	"slices"
	"strconv"
	"strings"
)

// mixed chooses as llama.cpp's Q4_K_M does: Q4_K, but Q6_K for the output head and for
// attn_v and ffn_down of some layers, and Q5_K for attn_qkv. It returns nil if the
// candidates of the weights do not have these types, or if no weight has a layer.
// Embeddings of tokens get Q4_K, as in llama.cpp.
func (p *Plan) mixed() []int {
	layers := 0
	for i := range p.Weights {
		if n, _, ok := blockOf(p.Weights[i].Name); ok {
			layers = max(layers, n+1)
		}
	}
	if layers == 0 {
		return nil
	}
	choice := make([]int, len(p.Weights))
	for i := range p.Weights {
		x := &p.Weights[i]
		name := "q4_k"
		n, part, _ := blockOf(x.Name)
		switch {
		case x.Name == "output.weight":
			name = "q6_k"
		case part == "attn_qkv.weight":
			name = "q5_k"
		case (part == "attn_v.weight" || part == "ffn_down.weight") && moreBits(n, layers):
			name = "q6_k"
		}
		choice[i] = slices.IndexFunc(x.ways, func(w planWay) bool { return w.name == name })
		if choice[i] < 0 {
			return nil
		}
	}
	return choice
}

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
