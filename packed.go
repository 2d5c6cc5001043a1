package quant

// PackedLen returns the bytes that n codes take when packed: n*bits/8, rounded up.
func PackedLen(n, bits int) int { return int(packedLen(int64(n), bits)) }

// Pack stores the low bits of each code in dst as a little-endian bit stream,
// the form of Quantized.Codes, and returns the bytes it took. It panics if dst
// is too short, or bits is not in [2, 16] or wider than T.
func Pack[T Integer](dst []byte, codes []T, bits int) int { panic("not yet") }

// Unpack is the inverse of Pack: it fills dst from packed, sign-extending each
// code if T is signed.
func Unpack[T Integer](dst []T, packed []byte, bits int) { panic("not yet") }

// WidenBFloat16 stores each bfloat16 of src, given by its bits, in dst as the
// float32 of the same value. A NaN keeps its sign and payload; a signalling
// one stays so. It panics if dst is shorter than src.
func WidenBFloat16(dst []float32, src []uint16) { panic("not yet") }

// WidenFloat16 is WidenBFloat16 for IEEE 754 binary16. A NaN keeps its sign
// and payload (moved to the top of the mantissa) and is made quiet, as F16C
// and NEON instructions do.
func WidenFloat16(dst []float32, src []uint16) { panic("not yet") }
