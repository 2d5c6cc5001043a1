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

// isLayer reports whether a name is one of a layer's weight.
func isLayer(name string) bool { return strings.HasSuffix(name, weightSuffix) }

// moduleOf is the name of the layer.
func moduleOf(name string) string { return strings.TrimSuffix(name, weightSuffix) }

// An stJob is what becomes of a tensor.
type stJob struct {
	file   *stFile
	reason string // why it is left
	part   bool   // it becomes a part of another
	copied *stTensor

	scheme                    quant.Scheme
	format                    string        // the layout of compressed-tensors
	known                     *quant.Params // of a calibration file
	codes, scale, zero, shape *stTensor     // zero and shape may be nil
	global                    *stTensor     // the scale of the tensor, of NVFP4
	largest                   float32       // magnitude, of NVFP4
	floats                    *stTensor     // of a tensor that is dequantized
	packed                    bool
	joined                    bool // it is a weight that the reader of files makes
	rows, cols                int
}

// tensors are those that it becomes.
func (j *stJob) tensors() []*stTensor {
	var all []*stTensor
	for _, t := range []*stTensor{j.copied, j.codes, j.scale, j.global, j.zero, j.shape, j.floats} {
		if t != nil {
			all = append(all, t)
		}
	}
	return all
}

// An stCopy is a model in safetensors files that is copied into another.
type stCopy struct {
	*copier
	from    *tensorfile.File
	infos   []tensorfile.Info
	jobs    []stJob
	files   []*stFile
	config  *modelConfig
	dir     string // of the model
	folder  bool   // the model is all that is in it
	measure bool
	globals map[string]float32           // scales of tensors by fusedName, of NVFP4
	make    func(i int) (*Weight, error) // writes what becomes of weight i
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

// shard plans a file for each that is read.
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

// names lists the tensors of the model.
func (c *stCopy) names() []string {
	var names []string
	for _, info := range c.infos {
		names = append(names, info.Name)
	}
	return names
}

// same describes tensor i as it is.
func (c *stCopy) same(i int) *stTensor {
	info := c.infos[i]
	t := &stTensor{name: info.Name, dtype: info.DType, shape: info.Shape, bytes: info.Bytes}
	if c.from.Scalar(i) {
		t.shape = []int{}
	}
	return t
}

// reads is how many bytes of a weight are read before its codes are made.
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
			c.expect(c.infos[i].Bytes) // for its largest magnitude
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

// room returns an error if the output could not have all files that it takes,
// or if files that are there already would be taken for parts of the model.
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
			model = false // it is replaced
		}
		if model {
			return &atomicfile.Error{Path: filepath.Join(c.out.Path(), name), Err: errStale}
		}
	}
	return nil
}

// errStale is why --force does not write into the folder of another model.
var errStale = errors.New("a file of another model, which would stay in the folder and be taken for a part of this one; remove it first")

// convert writes what becomes of tensor i, and lists it.
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
	c.tick(info.Bytes) // it is a part of another
	return nil
}

// writeRest writes what belongs to the files.
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

// besides returns the files that are copied with the model.
func (c *stCopy) besides() []string {
	if !c.out.IsFolder() || !c.folder {
		return nil
	}
	return besides(c.dir)
}

// put writes a tensor that is in memory.
func (j *stJob) put(t *stTensor, data any) error {
	if err := j.file.at(t); err != nil {
		return err
	}
	return binary.Write(j.file, binary.LittleEndian, data)
}
