package tensorfile

import (
	"encoding/json"
	"io"
	"slices"
)

// stConfig is the configuration of quantization in a file next to a model. Any field may be
// missing.
type stConfig struct {
	Method    string `json:"quant_method"`
	Format    string `json:"checkpoint_format"` // of GPTQ: gptq or gptq_v2
	Version   any    `json:"version"`           // of AWQ: gemm or another
	BlockSize []int  `json:"weight_block_size"` // of FP8
	Groups    map[string]struct {
		Weights struct {
			Bits  int   `json:"num_bits"`
			Block []int `json:"block_structure"`
		} `json:"weights"`
	} `json:"config_groups"` // of compressed-tensors

	Bits      int `json:"bits"`       // of MLX
	GroupSize int `json:"group_size"` // of MLX
}

// configFiles are the names of such files. In the first the configuration is below a key; the
// others consist of it.
var configFiles = []string{"config.json", "quantize_config.json", "quant_config.json"}

// maxSTConfig is the largest number of bytes of such a file that are read.
const maxSTConfig = 16 << 20

// readSTConfig reads the configuration next to a model. It ignores errors, since a model can be
// read without a configuration.
func readSTConfig(dir string) *stConfig {
	return stConfigOf(func(name string) ([]byte, bool) {
		if dir == "" {
			return nil, false
		}
		f, err := OpenBeside(dir, name)
		if err != nil {
			return nil, false
		}
		defer f.Close()
		data, err := io.ReadAll(io.LimitReader(f, maxSTConfig))
		return data, err == nil
	})
}

// stConfigOf returns the configuration in the files that read returns for their names.
func stConfigOf(read func(name string) (data []byte, ok bool)) *stConfig {
	for _, name := range configFiles {
		data, ok := read(name)
		if !ok {
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

// blockSize returns the sizes of blocks that the configuration has for all weights, or nil.
func (c *stConfig) blockSize() []int {
	size := c.BlockSize
	for _, g := range c.Groups {
		if b := g.Weights.Block; len(b) > 0 {
			if len(size) > 0 && !slices.Equal(size, b) {
				return nil
			}
			size = b
		}
	}
	return size
}

// bits returns the width of the codes of compressed-tensors if it is the same for all weights,
// and 0 otherwise.
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
