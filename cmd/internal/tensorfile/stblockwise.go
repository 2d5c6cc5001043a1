package tensorfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/internal/exact"
)

// bnbInfo is the description of a weight by bitsandbytes: JSON in a tensor of bytes.
type bnbInfo struct {
	Type         string  `json:"quant_type"`
	BlockSize    int     `json:"blocksize"`
	Shape        []int   `json:"shape"`
	NestedSize   int     `json:"nested_blocksize"`
	NestedOffset float32 `json:"nested_offset"`
}

// joinBlockwise joins the tensors of a weight of bitsandbytes with 4-bit codes. A byte has two
// codes, the first in the high half. quant_map has the values of the codes, and absmax the
// scale of each block. With double quantization absmax holds 8-bit codes; nested_quant_map,
// nested_absmax and an offset give the scales.
func (j *joiner) joinBlockwise(i int) error {
	e := &j.f.entries[i]
	name := e.Name
	state := j.entry(name + bnbState + "nf4")
	if state == nil {
		state = j.entry(name + bnbState + "fp4")
	}
	info, err := readBNB(state)
	if err != nil {
		return err
	}
	n, err := elements(info.Shape)
	if err != nil {
		return err
	}
	blocks := exact.Parts(n, info.BlockSize)
	absmax, table := j.entry(name+".absmax"), j.entry(name+".quant_map")
	switch {
	case e.Bytes < int64(n+1)/2 || e.Bytes > int64(n+1)/2+7: // the storage type may be larger than a byte
		return fmt.Errorf("%d bytes are not the codes of shape %v", e.Bytes, info.Shape)
	case absmax == nil || absmax.elements != blocks:
		return fmt.Errorf("there is no %s of %d blocks", quote(name+".absmax"), blocks)
	case table == nil || !table.Floating || table.elements != 16:
		return fmt.Errorf("there is no %s of 16 values", quote(name+".quant_map"))
	}
	nested, nestedTable := j.entry(name+".nested_absmax"), j.entry(name+".nested_quant_map")
	if absmax.DType == "U8" && (nested == nil || nestedTable == nil || info.NestedSize <= 0 || !nested.Floating || !nestedTable.Floating ||
		nestedTable.elements != 256 || nested.elements != exact.Parts(blocks, info.NestedSize)) {
		return fmt.Errorf("%s is U8, without what makes scales of it", quote(absmax.Name))
	}
	w := weight{name: name, dtype: strings.ToUpper(info.Type), shape: info.Shape,
		layout: fmt.Sprintf("%s: 4-bit codes with a scale for each %d values", strings.ToUpper(info.Type), info.BlockSize)}
	if absmax.DType == "U8" {
		w.layout += ", scales quantized to 8 bits"
	}
	w.open = func() (quant.Source, error) {
		values, err := table.load()
		if err != nil {
			return nil, fmt.Errorf("quant_map: %w", err)
		}
		var scales []float32
		if absmax.DType == "U8" {
			scales, err = nestedScales(absmax, nested, nestedTable, info)
		} else {
			scales, err = absmax.load()
		}
		if err != nil {
			return nil, fmt.Errorf("absmax: %w", err)
		}
		codes := e.coded(n, 4, values)
		codes.high = true
		return &blockwise{codes, scales, info.BlockSize}, nil
	}
	parts := map[string]string{absmax.Name: "scale", table.Name: "table of values", state.Name: "description",
		name + ".nested_absmax": "scale of the scales", name + ".nested_quant_map": "table of scales"}
	return j.join(i, w, parts)
}

// readBNB reads the description of a weight.
func readBNB(state *entry) (*bnbInfo, error) {
	if state.DType != "U8" || state.Bytes > 1<<16 {
		return nil, fmt.Errorf("%s is no description of a weight", quote(state.Name))
	}
	raw := make([]byte, state.Bytes)
	if _, err := state.raw.ReadAt(raw, 0); err != nil {
		return nil, err
	}
	info, err := parseBNB(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", quote(state.Name), err)
	}
	return info, nil
}

// parseBNB parses the description of a weight.
func parseBNB(raw []byte) (*bnbInfo, error) {
	info := new(bnbInfo)
	if err := json.Unmarshal(raw, info); err != nil {
		return nil, errors.New("not the JSON of bitsandbytes")
	}
	switch {
	case info.Type != "nf4" && info.Type != "fp4":
		return nil, fmt.Errorf("type %s is not read", quote(info.Type))
	case info.BlockSize <= 0 || len(info.Shape) == 0 || len(info.Shape) > maxAxes:
		return nil, errors.New("no block size, or no shape")
	}
	for _, d := range info.Shape {
		if d < 0 {
			return nil, fmt.Errorf("shape %v", info.Shape)
		}
	}
	return info, nil
}

// nestedScales returns the scales that 8-bit codes stand for.
func nestedScales(absmax, nested, nestedTable *entry, info *bnbInfo) ([]float32, error) {
	table, err := nestedTable.load()
	if err != nil {
		return nil, err
	}
	outer, err := nested.load()
	if err != nil {
		return nil, err
	}
	scales := make([]float32, absmax.elements)
	if err := absmax.coded(absmax.elements, 8, table).ReadFloats(scales, 0); err != nil {
		return nil, err
	}
	for i, x := range scales {
		scales[i] = float32(x*outer[i/info.NestedSize]) + info.NestedOffset
	}
	return scales, nil
}

// load reads a whole tensor of floating-point numbers.
func (e *entry) load() ([]float32, error) {
	src, err := e.values()
	if err != nil {
		return nil, err
	}
	data := make([]float32, e.elements)
	err = src.ReadFloats(data, 0)
	return data, err
}

// blockwise is a Source of codes with a scale for each block of consecutive elements,
// regardless of the shape.
type blockwise struct {
	codes  quant.Source
	scales []float32
	size   int
}

func (s *blockwise) ReadFloats(dst []float32, off int) error {
	if err := s.codes.ReadFloats(dst, off); err != nil {
		return err
	}
	for len(dst) > 0 {
		n := min(len(dst), s.size-off%s.size)
		scale := s.scales[off/s.size]
		for i := range dst[:n] {
			dst[i] *= scale
		}
		dst, off = dst[n:], off+n
	}
	return nil
}
