package quant

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"math"
	"runtime"
	"testing"
	"unsafe"
)

// The hashes of everything that the library makes of a fixed workload: they
// are the same with every instruction set, on every architecture and on any
// number of cores. They change only if the numbers are meant to.
const (
	goldenSmall = "6f9e4bc3b769213a6e2935240b8501084b37b397eda3d1db69e26cc5aeea450f"
	goldenLarge = "9b27afc59313b05071e65d9242b246911fc1a4814181beb4fcf97d6bb01b7a5f"
)

// A section is a part of a workload with the hash of what came out, so that a
// difference can be told from where it is.
type section struct {
	name string
	hash [sha256.Size]byte
}

func combine(s []section) string {
	h := sha256.New()
	for _, s := range s {
		h.Write(s.hash[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// checkGolden compares sections with the hash that they ought to have. Those
// of the definition, which come first, are kept to compare the others with.
func checkGolden(t *testing.T, got []section, want string, first *[]section) {
	t.Helper()
	if *first == nil {
		*first = got
	}
	sum := combine(got)
	if sum == want {
		return
	}
	t.Errorf("the hash is %s, want %s", sum, want)
	for i, s := range got {
		if s != (*first)[i] {
			t.Fatalf("%s: not what the first run made of it", s.name)
		}
	}
}

func TestGolden(t *testing.T) {
	var first []section
	forEachISA(t, func(t *testing.T) {
		if testing.Short() && active == generic && len(usable) > 1 {
			t.Skip("the definition is slow, and there are others")
		}
		checkGolden(t, smallWorkload(t), goldenSmall, &first)
	})
}

// TestGoldenLarge has tensors of many parts, on different numbers of cores.
func TestGoldenLarge(t *testing.T) {
	tensors := largeTensors()
	var first []section
	forEachISA(t, func(t *testing.T) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
		for _, procs := range []int{1, 2, 3, 7} {
			// The definition is slow, and there may be others.
			if procs != 3 && testing.Short() || active == generic && len(usable) > 1 && (procs != 3 || testing.Short()) {
				continue
			}
			runtime.GOMAXPROCS(procs)
			checkGolden(t, largeWorkload(t, tensors), goldenLarge, &first)
		}
	})
}

// A splitmix is a generator of its own, so that the workload stays what it is.
type splitmix uint64

func (s *splitmix) next() uint64 {
	*s += 0x9e3779b97f4a7c15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// goldenTensor returns values made from integers alone, of one of four kinds.
func goldenTensor(r *splitmix, kind int, shape ...int) Tensor {
	n, _ := elements(shape)
	x := Tensor{Data: make([]float32, n), Shape: shape}
	for i := range x.Data {
		u := uint32(r.next() >> 32)
		sign, man := u&0x80000000, u&0x7fffff
		var b uint32
		switch kind {
		case 0: // about a unit, of both signs
			b = sign | (118+u>>28)<<23 | man
		case 1: // far from zero, of one sign
			b = 130<<23 | man>>3
		case 2: // each 64 elements of another order of magnitude, subnormals too
			b = sign | (uint32(i/64)*23%240+u>>30&1)<<23 | man
		case 3: // stretches of zeros, of the same value, and of few values
			switch i / 23 % 3 {
			case 0:
				b = sign
			case 1:
				b = 0x3fc00000
			case 2:
				b = sign | (120+u>>29&7)<<23
			}
		}
		x.Data[i] = math.Float32frombits(b)
	}
	return x
}

// goldenSchemes returns every combination of options of a width.
func goldenSchemes(bits int) []Scheme {
	return []Scheme{
		{Bits: bits},
		{Bits: bits, ZeroInRange: true},
		{Bits: bits, Unsigned: true},
		{Bits: bits, Unsigned: true, ZeroInRange: true},
		{Bits: bits, Mapping: Symmetric},
		{Bits: bits, Mapping: Symmetric, NarrowRange: true},
		{Bits: bits, Mapping: Symmetric, Unsigned: true},
	}
}

// goldenGranularities returns all kinds for a rank: channels on each axis,
// groups on each, and of sizes that do and do not divide it.
func goldenGranularities(rank int) []Granularity {
	g := []Granularity{PerTensor, PerGroup(-1, 32)}
	for axis := range rank {
		g = append(g, PerChannel(axis), PerGroup(axis, 1+2*axis+rank%2))
	}
	return g
}

func smallWorkload(t *testing.T) (sections []section) {
	d := digest{Hash: sha256.New()}
	var r splitmix
	var tensors []Tensor
	for i, shape := range [][]int{{7, 11, 13}, {5, 67}, {33, 3, 3, 3}, {1031}, {200, 3}, {3, 4, 40}, {1, 129}, {16, 97}} {
		tensors = append(tensors, goldenTensor(&r, i%4, shape...))
	}
	for i, x := range tensors {
		for bits := 2; bits <= 16; bits++ {
			for _, g := range goldenGranularities(len(x.Shape)) {
				for _, s := range goldenSchemes(bits) {
					s.Granularity = g
					d.scheme(t, x, s)
				}
			}
			sections = append(sections, d.seal(fmt.Sprintf("tensor %d %v, %d bits", i, x.Shape, bits)))
		}
	}
	all, wide := make([]uint16, 1<<16), make([]float32, 1<<16)
	for i := range all {
		all[i] = uint16(i)
	}
	WidenBFloat16(wide, all)
	d.floats(wide...)
	WidenFloat16(wide, all)
	d.floats(wide...)
	return append(sections, d.seal("widening"))
}

func largeTensors() []Tensor {
	r := splitmix(1)
	return []Tensor{
		goldenTensor(&r, 0, 515, 521),       // long rows
		goldenTensor(&r, 1, 60001, 5),       // short rows
		goldenTensor(&r, 2, 3, 120003),      // runs of several parts
		goldenTensor(&r, 0, 259, 117, 3, 3), // a convolution
		goldenTensor(&r, 3, 2, 77, 1753),
	}
}

func largeWorkload(t *testing.T, tensors []Tensor) (sections []section) {
	d := digest{Hash: sha256.New()}
	for i, x := range tensors {
		for _, s := range []Scheme{
			{Bits: 8, Granularity: PerChannel(0)},
			{Bits: 4, Granularity: PerChannel(-1), Mapping: Symmetric},
			{Bits: 16, Granularity: PerChannel(1), Unsigned: true, ZeroInRange: true},
			{Bits: 3, Granularity: PerGroup(-1, 32)},
			{Bits: 13, Granularity: PerGroup(0, 9), Unsigned: true},
		} {
			d.scheme(t, x, s)
			sections = append(sections, d.seal(fmt.Sprintf("tensor %d %v, %+v", i, x.Shape, s)))
		}
	}
	return sections
}

// A digest is a hash of results, with the memory that they are made in.
type digest struct {
	hash.Hash
	params Params
	codes  []byte
	real   []float32
	wide   []uint16
	c      Comparison
	buf    []byte
}

// seal returns what was hashed since the last call as a section.
func (d *digest) seal(name string) section {
	defer d.Reset()
	return section{name, [sha256.Size]byte(d.Sum(nil))}
}

// scheme hashes everything that s makes of x. It leaves SQNR out, since some
// architectures have a logarithm of their own.
func (d *digest) scheme(t *testing.T, x Tensor, s Scheme) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%v, %+v: %v", x.Shape, s, err)
		}
	}
	n := len(x.Data)
	must(CalibrateInto(&d.params, x, s))
	d.floats(d.params.Scale...)
	writeInts(d, d.params.ZeroPoint...)
	d.codes, d.real, d.wide = resize(d.codes, PackedLen(n, s.Bits)), resize(d.real, n), resize(d.wide, n)
	must(QuantizeInto(d.codes, x, d.params))
	d.Write(d.codes)
	must(DequantizeInto(d.real, Quantized{d.codes, x.Shape, d.params}))
	d.floats(d.real...)

	// Codes that are not packed are the same.
	clear(d.real)
	if s.Unsigned {
		must(QuantizeCodes(d.wide, x, d.params))
		must(DequantizeCodes(d.real, d.wide, x.Shape, d.params))
	} else {
		wide := unsafe.Slice((*int16)(unsafe.Pointer(unsafe.SliceData(d.wide))), n)
		must(QuantizeCodes(wide, x, d.params))
		must(DequantizeCodes(d.real, wide, x.Shape, d.params))
	}
	d.buf = d.buf[:0]
	for _, c := range d.wide {
		d.buf = binary.LittleEndian.AppendUint16(d.buf, c)
	}
	d.Write(d.buf)
	d.floats(d.real...)

	reference := s
	reference.Granularity = PerTensor
	must(CompareInto(&d.c, x, reference, s))
	d.floats(d.c.Range.Min, d.c.Range.Max)
	for _, r := range d.c.ChannelRanges {
		d.floats(r.Min, r.Max)
	}
	for _, r := range d.c.Results {
		d.floats(r.Scale...)
		writeInts(d, r.ZeroPoint...)
		writeInts(d, r.Memory.Payload, r.Memory.Metadata)
		d.metrics(&r.Metrics)
		for i := range r.ChannelMetrics {
			d.metrics(&r.ChannelMetrics[i])
		}
	}
}

func (d *digest) metrics(m *Metrics) {
	writeInts(d, uint64(m.N), uint64(m.Clipped), math.Float64bits(m.MAE), math.Float64bits(m.RMSE), math.Float64bits(m.MaxError))
}

func (d *digest) floats(v ...float32) {
	d.buf = d.buf[:0]
	for _, x := range v {
		d.buf = binary.LittleEndian.AppendUint32(d.buf, math.Float32bits(x))
	}
	d.Write(d.buf)
}

func writeInts[T int32 | int64 | uint64](d *digest, v ...T) {
	d.buf = d.buf[:0]
	for _, x := range v {
		d.buf = binary.LittleEndian.AppendUint64(d.buf, uint64(x))
	}
	d.Write(d.buf)
}
