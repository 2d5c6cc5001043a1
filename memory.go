package quant

// Memory is an estimate of what a quantized tensor takes, in bytes. Packed
// codes take exactly Payload. Formats with smaller scales or without zero points
// take less than Metadata.
type Memory struct {
	Payload  int64 `json:"payload"`  // packed codes: elements * bits / 8, rounded up
	Metadata int64 `json:"metadata"` // 8 for every pair of a float32 scale and an int32 zero point; 4 where a format has no zero points
}

// Total returns Payload + Metadata.
func (m Memory) Total() int64 { return m.Payload + m.Metadata }

// paramBytes is the size of a float32 scale and an int32 zero point, and scaleBytes that
// of a scale alone.
const (
	paramBytes = 8
	scaleBytes = 4
)

// Memory returns what n elements take whose codes have s.Bits bits, with the
// given number of pairs of a scale and a zero point (see NumParams).
func (s Scheme) Memory(n, params int) Memory {
	m := Memory{Payload: packedLen(int64(n), s.normal().Bits), Metadata: paramBytes * int64(params)}
	if s.Format.number != 0 {
		m.Metadata = scaleBytes * int64(params)
	}
	return m
}
