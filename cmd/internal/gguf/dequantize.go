package gguf

// The dequantize_*.go files decode the block formats, one file per family, with
// the bits of ggml's dequantize_row functions. Numbers in blocks are in
// little-endian order. Every product that is added or subtracted is
// converted, float32(a*b)+c, so that no compiler fuses the two.

// Dequantize stores the values of the blocks of src in dst, with the same bits as ggml. It
// panics if the length of dst is not a multiple of the block length, if src is shorter, or if t
// is not read.
func (t Type) Dequantize(dst []float32, src []byte) {
	if !t.decoded() {
		panic("gguf: blocks of " + t.String() + " cannot be dequantized")
	}
	block, size := t.Block()
	if len(dst)%block != 0 {
		panic("gguf: destination is not whole blocks")
	}
	src = src[:len(dst)/block*size]
	decode := types[t].decode
	if block == 1 {
		decode(dst, src)
		return
	}
	for ; len(dst) > 0; dst, src = dst[block:], src[size:] {
		decode(dst[:block:block], src[:size:size])
	}
}
