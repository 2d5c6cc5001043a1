package report

// A planCandidate is a way to quantize weights from which a plan chooses: a scheme of the
// library, blocks of a type of GGUF, or no quantization.
type planCandidate struct {
	candidate
	keep bool
}
