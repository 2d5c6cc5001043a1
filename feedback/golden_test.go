package feedback

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/a01592f9/quant"
)

// goldenLayer returns a weight and inputs, made without operations that a compiler could
// fuse.
func goldenLayer(out, in, rows int) (w, x []float32) {
	r := rand.New(rand.NewPCG(24, 25))
	noise := func() float64 {
		sum := 0
		for range 4 {
			sum += r.IntN(2001) - 1000
		}
		return float64(sum) / 1000
	}
	for range out * in {
		w = append(w, float32(noise()/16))
	}
	for range rows {
		v := noise()
		for range in {
			v = v - v/8 + noise()/2
			x = append(x, float32(max(0, v)))
		}
	}
	return w, x
}

func checksum(q quant.Quantized) uint32 {
	return crc32.Update(crc32.ChecksumIEEE(q.Codes), crc32.IEEETable, paramBytes(q.Params))
}

func paramBytes(p quant.Params) (b []byte) {
	for i, s := range p.Scale {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(s))
		b = binary.LittleEndian.AppendUint32(b, uint32(p.ZeroPoint[i]))
	}
	return b
}

// TestGolden has results that must be the same bits on every architecture.
func TestGolden(t *testing.T) {
	const out, in, rows = 40, 100, 250
	data, x := goldenLayer(out, in, rows)
	w := quant.Tensor{Data: data, Shape: []int{out, in}}
	m := newMoments(t, in, Full, quant.RefuseNotFinite)
	observe(t, m, x)
	if got, want := crc32.ChecksumIEEE(state(t, m)), uint32(0x2144df1c); got != want {
		t.Errorf("state: checksum %#x, want %#x", got, want)
	}
	for _, c := range []struct {
		name string
		s    quant.Scheme
		o    Options
		want uint32
	}{
		{"groups", quant.Scheme{Bits: 4, Granularity: quant.PerGroup(1, 32)}, Options{}, 0x922896c1},
		{"symmetric", quant.Scheme{Bits: 3, Mapping: quant.Symmetric, Granularity: quant.PerGroup(1, 32)}, Options{}, 0x5bf52386},
		{"activation", quant.Scheme{Bits: 4, Granularity: quant.PerChannel(0)}, Options{Order: Activation, Damping: 0.001}, 0x6bb4a03e},
		{"nvfp4", quant.NVFP4, Options{}, 0x7525d6b4},
	} {
		t.Run(c.name, func(t *testing.T) {
			q, err := Quantize(w, m, c.s, c.o)
			if err != nil {
				t.Fatal(err)
			}
			if got := checksum(q); got != c.want {
				t.Errorf("checksum %#x, want %#x", got, c.want)
			}
		})
	}
	t.Run("half-quadratic", func(t *testing.T) {
		p, err := HalfQuadratic(w, quant.Scheme{Bits: 3, Granularity: quant.PerGroup(1, 32)}, HalfQuadraticOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := crc32.ChecksumIEEE(paramBytes(p)), uint32(0x1049fc7b); got != want {
			t.Errorf("checksum %#x, want %#x", got, want)
		}
	})
	t.Run("output error", func(t *testing.T) {
		p, err := quant.Calibrate(w, quant.Scheme{Bits: 4})
		if err != nil {
			t.Fatal(err)
		}
		q, err := quant.Quantize(w, p)
		if err != nil {
			t.Fatal(err)
		}
		if o, want := outputError(t, w, q, m), (Output{0x1.9a11fc5baa8abp-03, 0x1.bd41265284f7p+03}); o != want {
			t.Errorf("%x, %x; want %x, %x", o.Error, o.Signal, want.Error, want.Signal)
		}
	})
}
