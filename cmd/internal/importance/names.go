package importance

import (
	"regexp"
)

// Importance matrices have the names that weights have in GGUF. Models of transformers, in
// safetensors, have other names for the same weights.

// layerName matches the weight of a layer of a model of transformers.
var layerName = regexp.MustCompile(`^model\.layers\.(\d+)\.(.+)\.weight$`)

// layerNames maps the modules of a layer of transformers to names in GGUF, for models with the
// architecture of Llama.
var layerNames = map[string]string{
	"self_attn.q_proj": "attn_q",
	"self_attn.k_proj": "attn_k",
	"self_attn.v_proj": "attn_v",
	"self_attn.o_proj": "attn_output",
	"mlp.gate_proj":    "ffn_gate",
	"mlp.up_proj":      "ffn_up",
	"mlp.down_proj":    "ffn_down",
}

// matrixName returns the name in GGUF of a weight of transformers, or "" for other names.
func matrixName(name string) string {
	switch name {
	case "lm_head.weight":
		return "output.weight"
	case "model.embed_tokens.weight":
		return "token_embd.weight"
	}
	m := layerName.FindStringSubmatch(name)
	if m == nil || layerNames[m[2]] == "" {
		return ""
	}
	return "blk." + m[1] + "." + layerNames[m[2]] + ".weight"
}
