package convert

// A Kind is a file format of models.
type Kind string

const (
	KindONNX        Kind = "onnx"
	KindGGUF        Kind = "gguf"
	KindSafetensors Kind = "safetensors"
)

// Extension returns the extension of file names.
func (k Kind) Extension() string { return "." + string(k) }
