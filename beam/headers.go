package beam

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Limits of the headers of files.
const (
	maxNPYHeader         = 1 << 20
	maxSafetensorsHeader = 100 << 20
	maxAxes              = 64
)

// An array is a tensor as described in the header of a file.
type array struct {
	name   string
	dtype  string // f32, f16 or bf16; the name in the file for other types, which are not floating-point
	word   string // the name of the type in reports: F32, F16, BF16 or the name in the file
	big    bool   // whether its bytes are big-endian
	float  bool
	shape  []int
	offset int64 // offset in the file, or in the member of an archive
	bytes  int64
}

// size returns the size of an element, or 0 for types that are not read.
func size(dtype string) int {
	switch dtype {
	case "f32":
		return 4
	case "f16", "bf16":
		return 2
	}
	return 0
}

// count returns the number of elements of a shape.
func count(shape []int) (int, error) {
	n := 1
	for _, d := range shape {
		if d < 0 {
			return 0, fmt.Errorf("an axis of length %d", d)
		}
		if d > 0 && n > math.MaxInt/8/d {
			return 0, fmt.Errorf("shape %v has too many elements", shape)
		}
		n *= d
	}
	return n, nil
}

// The header of an .npy file is a Python dictionary with these three keys.
var (
	npyDescr   = regexp.MustCompile(`'descr'\s*:\s*'([^']*)'`)
	npyFortran = regexp.MustCompile(`'fortran_order'\s*:\s*(True|False)`)
	npyShape   = regexp.MustCompile(`'shape'\s*:\s*\(([^)]*)\)`)
)

var npyMagic = []byte("\x93NUMPY")

// readNPY reads the header of an .npy file.
func readNPY(r io.Reader) (array, error) {
	a := array{}
	head := make([]byte, 8)
	if _, err := io.ReadFull(r, head); err != nil || !bytes.HasPrefix(head, npyMagic) {
		return a, errors.New("not an .npy file")
	}
	length := make([]byte, 2)
	if head[6] > 1 {
		length = make([]byte, 4)
	}
	if head[6] < 1 || head[6] > 3 {
		return a, fmt.Errorf("version %d of .npy is not known", head[6])
	}
	if _, err := io.ReadFull(r, length); err != nil {
		return a, errors.New("the header of the .npy file ends too early")
	}
	n := int64(binary.LittleEndian.Uint32(append(length, 0, 0)[:4]))
	if n > maxNPYHeader {
		return a, fmt.Errorf("the header of the .npy file has %d bytes, more than %d", n, maxNPYHeader)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return a, errors.New("the header of the .npy file ends too early")
	}
	a.offset = int64(len(head)+len(length)) + n
	return a, a.parseNPY(string(text))
}

// parseNPY reads the dictionary of an .npy header into a.
func (a *array) parseNPY(text string) error {
	descr, fortran, shape := npyDescr.FindStringSubmatch(text), npyFortran.FindStringSubmatch(text), npyShape.FindStringSubmatch(text)
	if descr == nil || fortran == nil || shape == nil {
		return errors.New("the header of the .npy file lacks its type, its order or its shape")
	}
	for _, d := range strings.Split(strings.TrimSuffix(strings.TrimSpace(shape[1]), ","), ",") {
		if d = strings.TrimSpace(d); d == "" && shape[1] == "" {
			break
		}
		n, err := strconv.Atoi(d)
		if err != nil || n < 0 || len(a.shape) == maxAxes {
			return fmt.Errorf("the shape (%s) of the .npy file is not one", shape[1])
		}
		a.shape = append(a.shape, n)
	}
	a.dtype, a.word = descr[1], descr[1]
	switch a.big = a.dtype != "" && a.dtype[0] == '>'; strings.TrimLeft(a.dtype, "<>") {
	case "f4":
		a.dtype, a.word, a.float = "f32", "F32", true
	case "f2":
		a.dtype, a.word, a.float = "f16", "F16", true
	case "f8", "f16":
		return fmt.Errorf("type %s is not read here: convert it to float32", a.dtype)
	}
	if fortran[1] == "True" && len(a.shape) > 1 && a.float {
		return errors.New("the .npy file is in Fortran order, which is not read here")
	}
	n, err := count(a.shape)
	a.bytes = int64(n) * int64(size(a.dtype))
	return err
}

// readSafetensors reads the header of a safetensors file with the given length.
func readSafetensors(r io.Reader, length int64) ([]array, error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, errors.New("not a safetensors file: it has fewer than 8 bytes")
	}
	n := binary.LittleEndian.Uint64(head[:])
	if n > maxSafetensorsHeader || int64(n) > length-8 {
		return nil, fmt.Errorf("not a safetensors file: a header of %d bytes in a file of %d", n, length)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return nil, fmt.Errorf("the header of the safetensors file: %w", err)
	}
	var all []array
	seen := map[string]bool{}
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("not a safetensors file: its header is not an object of JSON")
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("the header of the safetensors file: %w", err)
		}
		name, _ := key.(string)
		if seen[name] {
			return nil, fmt.Errorf("tensor %q is in the header twice", name)
		}
		seen[name] = true
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, fmt.Errorf("the header of the safetensors file: %w", err)
		}
		if name == "__metadata__" {
			continue
		}
		a, err := safetensor(name, raw, int64(n)+8, length)
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		all = append(all, a)
	}
	if _, err := d.Token(); err != nil {
		return nil, errors.New("the header of the safetensors file ends too early")
	}
	// The reports of the tool have the tensors in the order of their data.
	slices.SortStableFunc(all, func(a, b array) int {
		return cmp.Or(cmp.Compare(a.offset, b.offset), cmp.Compare(a.bytes, b.bytes))
	})
	return all, nil
}

// safetensor returns a tensor of a safetensors file. The data of the file begin at base.
func safetensor(name string, raw json.RawMessage, base, length int64) (array, error) {
	var x struct {
		DType   string  `json:"dtype"`
		Shape   []int   `json:"shape"`
		Offsets []int64 `json:"data_offsets"`
	}
	if err := json.Unmarshal(raw, &x); err != nil {
		return array{}, err
	}
	a := array{name: name, dtype: x.DType, word: x.DType, shape: x.Shape}
	switch x.DType {
	case "F32":
		a.dtype, a.float = "f32", true
	case "F16":
		a.dtype, a.float = "f16", true
	case "BF16":
		a.dtype, a.float = "bf16", true
	case "F64":
		return a, errors.New("type F64 is not read here: convert it to float32")
	}
	if len(x.Offsets) != 2 || x.Offsets[0] < 0 || x.Offsets[1] < x.Offsets[0] || x.Offsets[1] > length-base {
		return a, fmt.Errorf("its data_offsets %v are not in the file, which has %d bytes of data", x.Offsets, length-base)
	}
	a.offset, a.bytes = base+x.Offsets[0], x.Offsets[1]-x.Offsets[0]
	n, err := count(x.Shape)
	if err == nil && a.float && a.bytes != int64(n)*int64(size(a.dtype)) {
		err = fmt.Errorf("%d bytes for shape %v of %s", a.bytes, x.Shape, x.DType)
	}
	return a, err
}
