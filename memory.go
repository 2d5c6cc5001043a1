package quant

// Memory is the size of a quantized tensor in bytes. Payload is exactly the size of packed
// codes. Metadata is an estimate: files with shorter zero points, or without them, take less.
// Only integers have zero points. If scales have another format than float32 and the mapping is
// symmetric, zero points do not count, since they are all the same.
type Memory struct {
	Payload  int64 `json:"payload"`  // packed codes: elements * bits / 8, rounded up
	Metadata int64 `json:"metadata"` // scales in their format, and int32 zero points: 8 for each pair with a float32 scale
}

// Total returns Payload + Metadata.
func (m Memory) Total() int64 { return m.Payload + m.Metadata }

// zeroBytes is the size of a zero point, and tensorScaleBytes the size of the scale of a
// tensor.
const (
	zeroBytes        = 4
	tensorScaleBytes = 4
)

// Memory returns the size of n elements with codes of s.Bits bits. params is the number of
// scales (see NumParams).
func (s Scheme) Memory(n, params int) Memory {
	each := s.Scales.Bytes()
	if s.Format.number == 0 && (s.Scales == Float32Scale || s.Mapping == Asymmetric) {
		each += zeroBytes
	}
	m := Memory{Payload: packedLen(int64(n), s.normal().Bits), Metadata: int64(each) * int64(params)}
	switch s.Scales {
	case E4M3Scale:
		m.Metadata += tensorScaleBytes
	case DynamicScale: // the mean, and the largest magnitudes
		m.Metadata += tensorScaleBytes + 4*((int64(params)+nestedLen-1)/nestedLen)
	}
	return m
}
