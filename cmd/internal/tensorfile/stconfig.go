package tensorfile

import (
	"encoding/json"
	"io"
)

// stConfig is what a file beside a model tells of how it is quantized. All of
// it may be missing.
type stConfig struct {
	Method    string `json:"quant_method"`
	Format    string `json:"checkpoint_format"` // of GPTQ: gptq or gptq_v2
	BlockSize []int  `json:"weight_block_size"` // of FP8
	Groups    map[string]struct {
		Weights struct {
			Bits int `json:"num_bits"`
		} `json:"weights"`
	} `json:"config_groups"` // of compressed-tensors

	Bits      int `json:"bits"`       // of MLX
	GroupSize int `json:"group_size"` // of MLX
}

// configFiles are the names of such files. In the first the settings are below
// a key, in the others they are all of it.
var configFiles = []string{"config.json", "quantize_config.json", "quant_config.json"}

// readSTConfig reads the configuration beside a model, as far as it can be
// read: a model may be read without one.
func readSTConfig(dir string) *stConfig {
	if dir == "" {
		return new(stConfig)
	}
	for _, name := range configFiles {
		f, err := OpenBeside(dir, name)
		if err != nil {
			continue
		}
		data, err := io.ReadAll(io.LimitReader(f, 16<<20))
		f.Close()
		if err != nil {
			continue
		}
		var model struct {
			Quantization *stConfig `json:"quantization_config"`
			MLX          *stConfig `json:"quantization"`
		}
		if json.Unmarshal(data, &model) == nil {
			if model.MLX != nil {
				return model.MLX
			}
			if model.Quantization != nil {
				return model.Quantization
			}
		}
		config := new(stConfig)
		if name != configFiles[0] && json.Unmarshal(data, config) == nil {
			return config
		}
	}
	return new(stConfig)
}

// bits returns the width of the codes of compressed-tensors, if all weights
// have one; otherwise 0.
func (c *stConfig) bits() int {
	bits := 0
	for _, g := range c.Groups {
		if b := g.Weights.Bits; b != 0 && bits != 0 && b != bits {
			return 0
		} else if b != 0 {
			bits = b
		}
	}
	return bits
}
