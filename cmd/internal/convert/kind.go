package convert

// A Kind is a kind of file that models are read from and written to.
type Kind string

const (
	KindONNX        Kind = "onnx"
	KindGGUF        Kind = "gguf"
	KindSafetensors Kind = "safetensors"
)

// Extension is that of the names of files.
func (k Kind) Extension() string { return "." + string(k) }
