package quant

// Memory is an estimate of what a quantized tensor takes, in bytes. Packed
// codes take exactly Payload. Zero points are those of integers; with scales in another
// format than float32, those of the symmetric mapping, which are all the same, count as
// nothing. Files without zero points, or with shorter ones, take less than Metadata.
type Memory struct {
	Payload  int64 `json:"payload"`  // packed codes: elements * bits / 8, rounded up
	Metadata int64 `json:"metadata"` // scales in their format, and 4 for every int32 zero point: 8 for each pair with a float32 scale
}

// Total returns Payload + Metadata.
func (m Memory) Total() int64 { return m.Payload + m.Metadata }

// zeroBytes is the size of a zero point, and tensorScaleBytes that of a tensor's scale.
const (
	zeroBytes        = 4
	tensorScaleBytes = 4
)

// Memory returns what n elements take whose codes have s.Bits bits, with the
// given number of pairs of a scale and a zero point (see NumParams).
func (s Scheme) Memory(n, params int) Memory {
	each := s.Scales.Bytes()
	if s.Format.number == 0 && (s.Scales == Float32Scale || s.Mapping == Asymmetric) {
		each += zeroBytes
	}
	m := Memory{Payload: packedLen(int64(n), s.normal().Bits), Metadata: int64(each) * int64(params)}
	if s.Scales == E4M3Scale {
		m.Metadata += tensorScaleBytes
	}
	return m
}
