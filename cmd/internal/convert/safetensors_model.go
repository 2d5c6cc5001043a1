package convert

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

const weightSuffix = ".weight"

// isLayer reports whether a name is that of the weight of a layer.
func isLayer(name string) bool { return strings.HasSuffix(name, weightSuffix) }

// moduleOf returns the name of the layer of a weight.
func moduleOf(name string) string { return strings.TrimSuffix(name, weightSuffix) }

// An stJob says what to do with a tensor.
type stJob struct {
	file   *stFile
	reason string // why it is left
	part   bool   // it belongs to the weight of another tensor
	copied *stTensor

	scheme                    quant.Scheme
	format                    string        // the layout of compressed-tensors
	known                     *quant.Params // from a calibration file; may be nil
	inputs                    *quant.Importance
	fit                       *fit      // how codes are chosen if not by calibrate; nil if by calibrate
	nearest                   string    // Weight.Nearest
	codes, scale, zero, shape *stTensor // zero and shape may be nil
	global                    *stTensor // the scale of the tensor, for NVFP4
	largest                   float32   // the largest magnitude, for NVFP4
	floats                    *stTensor // the values of a dequantized tensor
	packed                    bool
	joined                    bool // package tensorfile combines the weight
	rows, cols                int
}

// tensors returns the tensors to write for j.
func (j *stJob) tensors() []*stTensor {
	var all []*stTensor
	for _, t := range []*stTensor{j.copied, j.codes, j.scale, j.global, j.zero, j.shape, j.floats} {
		if t != nil {
			all = append(all, t)
		}
	}
	return all
}

// An stCopy copies a model in safetensors files.
type stCopy struct {
	*copier
	from    *tensorfile.File
	infos   []tensorfile.Info
	jobs    []stJob
	files   []*stFile
	config  *modelConfig
	dir     string // folder of the model
	folder  bool   // the model is the whole folder
	measure bool
	globals map[string]float32           // scales of tensors by fusedName, for NVFP4
	make    func(i int) (*Weight, error) // converts and writes weight i
	prepare func() error                 // runs before the first weight is written; may be nil
}

func openST(ctx context.Context, in string, out *atomicfile.Set, p Progress) (*stCopy, error) {
	from, err := tensorfile.Open(in)
	if err != nil {
		return nil, err
	}
	c := &stCopy{copier: newCopier(ctx, out, p), from: from, infos: from.Stored(), dir: filepath.Dir(in)}
	if st, err := os.Stat(in); err == nil && st.IsDir() {
		c.dir, c.folder = in, true
	}
	c.folder = c.folder || strings.HasSuffix(in, ".json")
	if from.Kind != "safetensors" {
		err = fmt.Errorf("it is %s, not safetensors", from.Kind)
	} else if err = c.shard(); err == nil {
		c.config, err = readConfig(c.dir)
	}
	if err == nil {
		err = out.Protect(append(from.Paths(), filepath.Join(c.dir, configName))...)
	}
	if err != nil {
		from.Close()
		return nil, err
	}
	for _, info := range c.infos {
		c.expect(info.Bytes)
	}
	return c, nil
}

// shard plans an output file for each input file.
func (c *stCopy) shard() error {
	shards := c.from.Shards
	if len(shards) <= 1 {
		metadata := c.from.Metadata
		c.files = []*stFile{{name: "model.safetensors", metadata: metadata}}
	} else if !c.out.IsFolder() {
		return fmt.Errorf("a model of %d files is written to a folder", len(shards))
	}
	byName := make(map[string]*stFile)
	if len(shards) > 1 {
		taken := make(map[string]bool)
		for _, s := range shards {
			f := &stFile{name: path.Base(s.Name), metadata: s.Metadata}
			if taken[f.name] {
				return fmt.Errorf("two shards are called %s", f.name)
			}
			taken[f.name] = true
			c.files = append(c.files, f)
			byName[s.Name] = f
		}
	}
	c.jobs = make([]stJob, len(c.infos))
	for i := range c.jobs {
		c.jobs[i].file = c.files[0]
		if f := byName[c.infos[i].File]; f != nil {
			c.jobs[i].file = f
		}
	}
	return nil
}

// names returns the names of the model's tensors.
func (c *stCopy) names() []string {
	var names []string
	for _, info := range c.infos {
		names = append(names, info.Name)
	}
	return names
}

// same returns tensor i for a copy without changes.
func (c *stCopy) same(i int) *stTensor {
	info := c.infos[i]
	t := &stTensor{name: info.Name, dtype: info.DType, shape: info.Shape, bytes: info.Bytes}
	if c.from.Scalar(i) {
		t.shape = []int{}
	}
	return t
}

// reads returns the number of bytes of a weight to read before its codes are written.
func (c *stCopy) reads(t tensorfile.Info) int64 {
	if c.measure {
		return 2 * t.Bytes
	}
	return t.Bytes
}

// run writes the files.
func (c *stCopy) run() (*Result, error) {
	for i := range c.jobs {
		f := c.jobs[i].file
		f.tensors = append(f.tensors, c.jobs[i].tensors()...)
		if c.jobs[i].codes != nil {
			c.expect(c.reads(c.infos[i]))
		}
		if c.jobs[i].format == nvfp4Packed {
			c.expect(c.infos[i].Bytes) // read once more for the largest magnitude
		}
	}
	for _, f := range c.files {
		if err := f.lay(); err != nil {
			return nil, err
		}
	}
	if err := c.room(); err != nil {
		return nil, err
	}
	if c.prepare != nil {
		if err := c.prepare(); err != nil {
			return nil, err
		}
	}
	c.result.Read = sizeOf(append(c.besides(), append(c.from.Paths(), filepath.Join(c.dir, configName))...)...)
	for _, f := range c.files {
		if err := f.begin(c.out); err != nil {
			return nil, err
		}
		for i := range c.jobs {
			if c.jobs[i].file != f {
				continue
			}
			if err := c.convert(i); err != nil {
				return nil, inTensor(c.infos[i].Name, err)
			}
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
	}
	return &c.result, nil
}

// room returns an error if the output cannot hold all files to write, or if loaders would take
// other files in the folder for parts of the model.
func (c *stCopy) room() error {
	if !c.out.IsFolder() {
		return c.out.Beside()
	}
	there, err := c.out.Others()
	if err != nil {
		return err
	}
	for _, name := range there {
		model := strings.HasSuffix(name, ".safetensors") || strings.HasSuffix(name, ".safetensors.index.json")
		if len(c.files) > 1 && name == indexName || slices.ContainsFunc(c.files, func(f *stFile) bool { return f.name == name }) {
			model = false // the file will be replaced
		}
		if model {
			return &atomicfile.Error{Path: filepath.Join(c.out.Path(), name), Err: errStale}
		}
	}
	return nil
}

// errStale is the error if the folder has a file of another model that would not be replaced.
var errStale = errors.New("a file of another model, which would stay in the folder and be taken for a part of this one; remove it first")

// convert converts and writes tensor i, and adds it to the result.
func (c *stCopy) convert(i int) error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	j, info := &c.jobs[i], c.infos[i]
	switch {
	case j.copied != nil:
		c.leave(Left{info.Name, info.DType, info.Shape, info.Bytes, j.reason})
		if err := j.file.at(j.copied); err != nil {
			return err
		}
		r := c.from.Raw(i)
		return c.copy(j.file, r, 0, r.Size())
	case j.codes != nil || j.floats != nil:
		w, err := c.make(i)
		if err == nil {
			c.add(*w)
		}
		return err
	}
	c.tick(info.Bytes) // it belongs to another weight
	return nil
}

// writeRest writes the index, the configuration and the other files of the model.
func (c *stCopy) writeRest() error {
	if len(c.files) > 1 {
		if err := writeIndex(c.out, c.files); err != nil {
			return err
		}
	}
	if there, err := c.out.Others(); err != nil {
		return err
	} else if len(c.config.keys) == 0 && slices.Contains(there, configName) {
		return &atomicfile.Error{Path: filepath.Join(c.out.Path(), configName), Err: errStale}
	}
	if err := c.config.write(c.out); err != nil {
		return err
	}
	for _, path := range c.besides() {
		if err := copyBeside(path, c.out); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(path), err)
		}
	}
	return nil
}

// besides returns the files to copy with the model.
func (c *stCopy) besides() []string {
	if !c.out.IsFolder() || !c.folder {
		return nil
	}
	return besides(c.dir)
}

// put writes a tensor whose data are in memory.
func (j *stJob) put(t *stTensor, data any) error {
	if err := j.file.at(t); err != nil {
		return err
	}
	return binary.Write(j.file, binary.LittleEndian, data)
}
