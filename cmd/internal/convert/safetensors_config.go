package convert

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

const (
	configName  = "config.json"
	quantConfig = "quantization_config"
	maxConfig   = 16 << 20
)

// A modelConfig is the content of a config.json, with keys in order.
type modelConfig struct {
	keys   []string
	values map[string]json.RawMessage
}

// readConfig reads the configuration in a folder. It is empty if there is none.
func readConfig(dir string) (*modelConfig, error) {
	c := &modelConfig{values: make(map[string]json.RawMessage)}
	f, err := tensorfile.OpenBeside(dir, configName)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", configName, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err == nil && len(data) > maxConfig {
		err = fmt.Errorf("longer than %d bytes", maxConfig)
	}
	if err == nil {
		err = c.parse(data)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", configName, err)
	}
	return c, nil
}

func (c *modelConfig) parse(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if t, err := d.Token(); err != nil {
		return err
	} else if t != json.Delim('{') {
		return errors.New("not a JSON object")
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return err
		}
		key := t.(string) // Token fails for other keys
		if _, twice := c.values[key]; twice {
			return fmt.Errorf("key %q twice", key)
		}
		c.keys, c.values[key] = append(c.keys, key), value
	}
	if _, err := d.Token(); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("goes on after its closing }")
	}
	return nil
}

// set sets the value of a key, or removes the key if value is nil.
func (c *modelConfig) set(key string, value any) error {
	keys := c.keys[:0]
	for _, k := range c.keys {
		if k != key {
			keys = append(keys, k)
		}
	}
	c.keys = keys
	delete(c.values, key)
	if value == nil {
		return nil
	}
	raw, err := marshal(value)
	c.keys, c.values[key] = append(c.keys, key), raw
	return err
}

// text returns the configuration as JSON.
func (c *modelConfig) text() ([]byte, error) {
	var b, indented bytes.Buffer
	b.WriteByte('{')
	for i, key := range c.keys {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := member(&b, key, c.values[key]); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	err := json.Indent(&indented, b.Bytes(), "", "  ")
	indented.WriteByte('\n')
	return indented.Bytes(), err
}

// write writes the configuration to a set, unless it is empty.
func (c *modelConfig) write(out *atomicfile.Set) error {
	if len(c.keys) == 0 {
		return nil
	}
	text, err := c.text()
	if err != nil {
		return err
	}
	w, err := out.Create(configName)
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

// compressedConfig is the configuration that says how weights are stored. It must not have other
// fields than those of compressed-tensors, which rejects unknown fields.
type compressedConfig struct {
	Method string                      `json:"quant_method"`
	Format string                      `json:"format"`
	Status string                      `json:"quantization_status"`
	Groups map[string]compressedScheme `json:"config_groups"`
	Ignore []string                    `json:"ignore"`
}

type compressedScheme struct {
	Targets []string        `json:"targets"`
	Format  string          `json:"format,omitempty"` // the layout of the group, if groups have several
	Weights compressedArgs  `json:"weights"`
	Inputs  *compressedArgs `json:"input_activations"`
}

type compressedArgs struct {
	Bits      int    `json:"num_bits"`
	Type      string `json:"type"`
	Symmetric bool   `json:"symmetric"`
	Strategy  string `json:"strategy"`
	GroupSize int    `json:"group_size,omitempty"`
	Block     [2]int `json:"block_structure,omitzero"` // rows and columns of a block
	Dynamic   bool   `json:"dynamic"`
	ScaleType string `json:"scale_dtype,omitempty"` // type of scales that are powers of two
}

const (
	compressedMethod = "compressed-tensors"
	intQuantized     = "int-quantized"
	packQuantized    = "pack-quantized"
)

// argsOf returns the arguments for codes of a scheme in a layout.
func argsOf(s quant.Scheme, format string) compressedArgs {
	if s.Format != quant.Integers {
		return floatArgs(s, format)
	}
	args := compressedArgs{Bits: s.Bits, Type: "int", Symmetric: s.Mapping == quant.Symmetric, Strategy: "tensor"}
	if size, grouped := s.Granularity.GroupSize(); grouped {
		args.Strategy, args.GroupSize = "group", size
	} else if s.Granularity != quant.PerTensor || format == packQuantized {
		args.Strategy = "channel"
	}
	return args
}

// schemeGroups are groups of weights with the same scheme, in the order of their first weights.
type schemeGroups []schemeGroup

type schemeGroup struct {
	format  string
	args    compressedArgs
	modules []string
}

// add adds the weight of a layer to the group of its scheme.
func (g *schemeGroups) add(format string, args compressedArgs, module string) {
	for i := range *g {
		if x := &(*g)[i]; x.format == format && x.args == args {
			x.modules = append(x.modules, module)
			return
		}
	}
	*g = append(*g, schemeGroup{format, args, []string{module}})
}

// format returns the layout of all groups, or mixedPrecision if there are several.
func (g schemeGroups) format() string {
	for _, x := range g {
		if x.format != g[0].format {
			return mixedPrecision
		}
	}
	return g[0].format
}

// config returns the groups for the configuration. If named is false, there is one group: all
// linear layers that are not ignored.
func (g schemeGroups) config(named bool) map[string]compressedScheme {
	groups := make(map[string]compressedScheme)
	for i, x := range g {
		group := compressedScheme{Targets: []string{"Linear"}, Weights: x.args}
		if named {
			group.Targets = x.modules
		}
		if g.format() == mixedPrecision {
			group.Format = x.format
		}
		if x.format == intQuantized && x.args.Symmetric || x.format == floatQuantized {
			group.Inputs = &compressedArgs{Bits: 8, Type: x.args.Type, Symmetric: true, Strategy: "token", Dynamic: true}
			if x.args.Block != [2]int{} { // the inputs of a block share a scale too
				group.Inputs.Strategy, group.Inputs.GroupSize = "group", x.args.Block[1]
			}
		}
		groups[fmt.Sprintf("group_%d", i)] = group
	}
	return groups
}

// compressed returns the arguments of the weights in the configuration. It returns nil if there
// are none, or if groups have different ones.
func (c *modelConfig) compressed() (*compressedArgs, error) {
	raw, there := c.values[quantConfig]
	if !there || string(raw) == "null" {
		return nil, nil
	}
	var q struct {
		Method string `json:"quant_method"`
		Groups map[string]struct {
			Weights *struct {
				Bits      int  `json:"num_bits"`
				GroupSize *int `json:"group_size"`
			} `json:"weights"`
		} `json:"config_groups"`
	}
	if err := json.Unmarshal(raw, &q); err != nil {
		return nil, fmt.Errorf("%s: %s: %w", configName, quantConfig, err)
	}
	if q.Method != compressedMethod {
		return nil, fmt.Errorf("quantized by %q, which is not read", q.Method)
	}
	var args *compressedArgs
	for _, g := range q.Groups {
		if g.Weights == nil {
			continue
		}
		this := compressedArgs{Bits: g.Weights.Bits}
		if g.Weights.GroupSize != nil {
			this.GroupSize = max(*g.Weights.GroupSize, 0)
		}
		if args != nil && *args != this {
			return nil, nil // the tensors tell the arguments of each weight
		}
		args = &this
	}
	return args, nil
}

// ignore adds layers to the list of layers that are not quantized.
func (c *modelConfig) ignore(modules []string) error {
	raw, there := c.values[quantConfig]
	if !there {
		return nil
	}
	q := &modelConfig{values: make(map[string]json.RawMessage)}
	if err := q.parse(raw); err != nil {
		return err
	}
	var list []string
	if old, there := q.values["ignore"]; there {
		if err := json.Unmarshal(old, &list); err != nil {
			return fmt.Errorf("%s: ignore: %w", configName, err)
		}
	}
	if err := q.set("ignore", append(list, modules...)); err != nil {
		return err
	}
	text, err := q.text()
	if err != nil {
		return err
	}
	return c.set(quantConfig, json.RawMessage(text))
}

// besides returns the other files in a model's folder that its loaders need, such as those of a
// tokenizer.
func besides(dir string) []string {
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil // the folder cannot be listed, so only the model is copied
	}
	var paths []string
	for _, e := range list {
		name := e.Name()
		if name == configName || strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".index.json") {
			continue
		}
		switch filepath.Ext(name) {
		case ".json", ".txt", ".model", ".jinja", ".tiktoken", ".py":
			path := filepath.Join(dir, name)
			if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() {
				paths = append(paths, path)
			}
		}
	}
	return paths
}

// copyBeside copies a file that besides returned.
func copyBeside(path string, out *atomicfile.Set) error {
	from, err := tensorfile.OpenBeside(filepath.Split(path))
	if err != nil {
		return err
	}
	defer from.Close()
	w, err := out.Create(filepath.Base(path))
	if err == nil {
		_, err = io.Copy(w, from)
	}
	return err
}

// floatArgs returns the arguments for floating-point codes in a layout.
func floatArgs(s quant.Scheme, format string) compressedArgs {
	args := compressedArgs{Bits: s.Format.Width(), Type: "float", Symmetric: true, Strategy: "tensor"}
	args.GroupSize, _ = s.Granularity.GroupSize()
	_, high, _, wide, block := s.Granularity.Block()
	switch {
	case block:
		args.Strategy, args.Block = "block", [2]int{high, wide}
	case format == nvfp4Packed:
		args.Strategy = "tensor_group"
	case args.GroupSize > 0:
		args.Strategy, args.ScaleType = "group", "torch.uint8"
	case s.Granularity != quant.PerTensor:
		args.Strategy = "channel"
	}
	return args
}
