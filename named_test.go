package quant

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// TestNamedSchemes reads each name and alias, alone and with a method.
func TestNamedSchemes(t *testing.T) {
	group := func(f Format, bits, size int, scales ScaleFormat) Scheme {
		return Scheme{Format: f, Bits: bits, Mapping: Symmetric, Granularity: PerGroup(-1, size), Scales: scales}
	}
	integers := Scheme{Bits: 8, Mapping: Symmetric, NarrowRange: true, Granularity: PerGroup(-1, 32), Scales: E8M0Floor}
	for text, want := range map[string]struct {
		Scheme
		canonical string
	}{
		"mxfp8_e4m3":         {group(E4M3FN, 8, 32, E8M0Floor), "fp8_e4m3fn:group32@-1:scale=e8m0_floor"},
		"mxfp8":              {group(E4M3FN, 8, 32, E8M0Floor), "fp8_e4m3fn:group32@-1:scale=e8m0_floor"},
		"mxfp8_e5m2":         {group(E5M2, 8, 32, E8M0Floor), "fp8_e5m2:group32@-1:scale=e8m0_floor"},
		"mxfp6_e3m2":         {group(E3M2, 6, 32, E8M0Floor), "fp6_e3m2:group32@-1:scale=e8m0_floor"},
		"mxfp6_e2m3":         {group(E2M3, 6, 32, E8M0Floor), "fp6_e2m3:group32@-1:scale=e8m0_floor"},
		"mxfp4":              {group(E2M1, 4, 32, E8M0Floor), "fp4_e2m1:group32@-1:scale=e8m0_floor"},
		"mxint8":             {integers, "int8:symmetric:group32@-1:scale=e8m0_floor:narrow"},
		"nvfp4":              {group(E2M1, 4, 16, E4M3Scale), "fp4_e2m1:group16@-1:scale=e4m3"},
		"fp4:g16:scale=e4m3": {group(E2M1, 4, 16, E4M3Scale), "fp4_e2m1:group16@-1:scale=e4m3"},
		"nf4:g64":            {group(NF4, 4, 64, Float32Scale), "nf4:group64@-1"},
		"fp8_e4m3":           {Scheme{Format: E4M3FN, Bits: 8, Mapping: Symmetric}, "fp8_e4m3fn"},
		"fp8:c0":             {Scheme{Format: E4M3FN, Bits: 8, Mapping: Symmetric, Granularity: PerChannel(0)}, "fp8_e4m3fn:channel@0"},
	} {
		t.Run(text, func(t *testing.T) {
			s, err := ParseScheme(text)
			if err != nil || s != want.Scheme {
				t.Fatalf("%+v, %v, want %+v", s, err, want.Scheme)
			}
			if m, err := s.MarshalText(); err != nil || string(m) != want.canonical {
				t.Errorf("the canonical form is %q, %v, want %q", m, err, want.canonical)
			}
			if s, err = ParseScheme("mse:" + text); err != nil || s.Method != LeastSquares {
				t.Errorf("with mse: %v, %v", s, err)
			}
		})
	}
	for _, n := range NamedSchemes() {
		if s, err := ParseScheme(n.Name); err != nil || s != n.Scheme {
			t.Errorf("%s: %+v, %v, want %+v", n.Name, s, err, n.Scheme)
		}
	}
	for text, words := range map[string]string{
		"mxfp4:g16":           `"mxfp4" and "g16" are both a granularity`,
		"nvfp4:scale=e4m3":    "both a format of scales",
		"int4:mxfp4":          `"int4" and "mxfp4" are both a type of codes`,
		"mxint8:asym":         "both a mapping",
		"mxfp4:asym":          "has no zero point",
		"mxfp6":               "there is no part",
		"int8:scale=float8":   "there is no format of scales",
		"int8:scale=e8m0":     "e8m0_floor, e8m0_ceil",
		"nf4:scale=e8m0_even": "e8m0_even is for",
	} {
		if _, err := ParseScheme(text); !errors.Is(err, ErrScheme) || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v, want ErrScheme with %q", text, err, words)
		}
	}
}

// TestMXINT8 takes the values of a block to multiples of 1/64 of a power of two.
func TestMXINT8(t *testing.T) {
	x := Tensor{Data: []float32{1.984375, -1.984375, 1, 0.5, -0.015625, 0}}
	p, err := Calibrate(x, MXINT8)
	if err != nil || p.Scale[0] != 1./64 {
		t.Fatalf("%v, %v, want the scale 1/64", p.Scale, err)
	}
	codes := make([]int8, len(x.Data))
	if err := QuantizeCodes(codes, x, p); err != nil || !slices.Equal(codes, []int8{127, -127, 64, 32, -1, 0}) {
		t.Errorf("%v, %v", codes, err)
	}
}
