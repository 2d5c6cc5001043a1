package report

import "github.com/a01592f9/quant"

// Memory is quant.Memory with its sum.
type Memory struct {
	Payload  int64 `json:"payload_bytes"`
	Metadata int64 `json:"metadata_bytes"`
	Total    int64 `json:"total_bytes"`
}

func newMemory(m quant.Memory) Memory { return Memory{m.Payload, m.Metadata, m.Total()} }

func (m Memory) add(o Memory) Memory {
	return Memory{m.Payload + o.Payload, m.Metadata + o.Metadata, m.Total + o.Total}
}
