package onnx

import (
	"io"
	"slices"
)

// NoAxis is the Axis of a tensor whose output channels are not known.
const NoAxis = -1

// A Tensor is a constant of a model: an initializer, or the value of a Constant node, in any
// graph.
type Tensor struct {
	// Name is the name of the value in its graph. If two graphs of the model use one name for
	// different tensors, Name begins with the path of the graph, as in "If_0.then_branch/W".
	Name string

	DType    string // as in safetensors: F32, F16, BF16, F64, I8, …; others: I4, U4, STRING, …
	Shape    []int  // empty for a scalar
	Bytes    int64  // size of the elements without encoding
	Floating bool   // the type is F32, F16, BF16 or F64, and there are data

	Use    string // the operators that use it, with its role if that is not the weight: "Conv", "Conv bias", "Gather, MatMul"
	Axis   int    // axis of the output channels for those operators, or NoAxis
	Weight bool   // it can be quantized: operators multiply by it or look up in it
	Note   string // a note, such as the reason why it is not a Weight; "" for none

	Seen     []int // the shape after Reshape, for a list whose only uses are Reshape nodes; nil for others
	SeenAxis int   // axis of the output channels in Seen

	Coded       string // the operator that takes the tensor as codes of a weight, such as MatMulNBits; "" if none does
	BesideCodes bool   // a Weight whose operator takes the other operand from a DequantizeLinear

	File   string // the file that holds the data, relative to the model's folder; "" for the model itself
	Offset int64  // offset of the data in that file; -1 if they are not stored there in plain form

	model  *Model
	value  string // the name in its graph
	graph  *graph
	node   *node    // the Constant node; nil for an initializer
	frames []*frame // frames of the TensorProto; more than one if it was merged
	sparse bool

	elem elemType
	n    int // number of elements

	// Location of the data: in the file from rawOffset on, if that is not -1; or in external; or
	// as numbers in field of the messages in typed.
	rawOffset, rawLen int64
	isExternal        bool
	external          *external
	field             int
	typed             []span
	chunks            int   // number of occurrences of that field
	chunk             field // the last occurrence
	mixed             bool  // the data are in several fields
	inAttribute       bool  // they are fields of an attribute, not of a TensorProto
}

// An Import is an operator set that a model uses.
type Import struct {
	Domain  string // "" for ONNX's own
	Version int64
}

// A Model is an open ONNX model.
type Model struct {
	IR       int64
	Producer string
	Imports  []Import
	Tensors  []*Tensor // in the order of the file

	unlisted  []*Tensor // other tensors with external data: in attributes, and parts of sparse tensors
	r         io.ReaderAt
	size      int64
	dir       string // folder of external data
	root      frame
	graphs    []*graph // all, outer before inner
	main      *graph
	functions []*function
	byName    map[string]*function // by domain and name
	ints      map[*Tensor][]int64  // lists that were read; nil for tensors that are not short lists
	imports   []importSpan
	irSpan    span // span of the field; empty if there is none
	externals externals
	closer    io.Closer
}

// elemType is the enum TensorProto.DataType.
type elemType int32

// elemInfo describes an element type: its name, its bits, and the field of TensorProto that holds
// the elements outside raw_data.
type elemInfo struct {
	name  string
	bits  int
	field int
}

var elemTypes = map[elemType]elemInfo{
	1: {"F32", 32, 4}, 2: {"U8", 8, 5}, 3: {"I8", 8, 5}, 4: {"U16", 16, 5}, 5: {"I16", 16, 5},
	6: {"I32", 32, 5}, 7: {"I64", 64, 7}, 8: {"STRING", 0, 6}, 9: {"BOOL", 8, 5}, 10: {"F16", 16, 5},
	11: {"F64", 64, 10}, 12: {"U32", 32, 11}, 13: {"U64", 64, 11}, 14: {"C64", 64, 4}, 15: {"C128", 128, 10},
	16: {"BF16", 16, 5}, 17: {"F8_E4M3", 8, 5}, 18: {"F8_E4M3FNUZ", 8, 5}, 19: {"F8_E5M2", 8, 5},
	20: {"F8_E5M2FNUZ", 8, 5}, 21: {"U4", 4, 5}, 22: {"I4", 4, 5}, 23: {"F4", 4, 5}, 24: {"F8_E8M0", 8, 5},
	25: {"U2", 2, 5}, 26: {"I2", 2, 5},
}

const (
	elemFloat elemType = 1
	elemUint8 elemType = 2
	elemInt8  elemType = 3
	elemU16   elemType = 4
	elemI16   elemType = 5
	elemI32   elemType = 6
	elemI64   elemType = 7
	elemBool  elemType = 9

	elemF8E4M3   elemType = 17
	elemF8E4M3UZ elemType = 18
	elemF8E5M2   elemType = 19
	elemF8E5M2UZ elemType = 20
	elemUint4    elemType = 21
	elemInt4     elemType = 22
	elemF4       elemType = 23
)

// A definition says what defines a value of a graph.
type definition struct {
	tensor *Tensor // a constant
	node   *node   // or an output of a node
	input  bool    // or an input of the graph; a constant may be its default
}

// A use is a use of a value: by an input of a node or, if node is nil, by an output of the graph.
type use struct {
	graph *graph
	node  *node
	index int
}

// A graph has nodes and constants. It is the main graph, a subgraph in an attribute of a node, or
// the body of a function.
type graph struct {
	name    string
	frames  []*frame // more than one if the message was merged
	parent  *graph   // the graph of owner
	owner   *node    // the node that has the graph; nil for the main graph and functions
	attr    string   // the attribute of owner
	sibling int      // index among the graphs of that attribute
	fn      *function
	nodes   []*node
	tensors []*Tensor // initializers
	inputs  []named
	outputs []named

	ranks           map[string]int      // of values with a known shape
	elems           map[string]elemType // of values with a known type
	initializersEnd position            // where a new initializer goes
	defs            map[string]definition
	defined         map[string]int // the number of nodes and constants that define a value
	uses            map[string][]use
}

// named is an input or output of a graph, with its name.
type named struct {
	name  string
	frame frame
}

// A position is a place for a new field in a message.
type position struct {
	frame *frame
	at    int64
}

// A node calls an operator.
type node struct {
	frame   frame
	graph   *graph
	index   int // index in graph.nodes
	name    string
	op      string
	domain  string // "" for ONNX's own
	inputs  []string
	outputs []string
	attrs   []attribute
}

// An attribute is an attribute of a node. Lists of more than maxInts numbers are left out.
type attribute struct {
	name   string
	frame  frame
	i      int64
	f      float32
	ints   []int64
	floats []float32
	long   bool // ints or floats were too long to keep
	s      string
	ref    bool // it refers to an attribute of the function
	tensor *Tensor
	graphs []*graph
}

// A function is an operator that the model defines itself.
type function struct {
	name, domain, overload string
	frame                  frame
	body                   *graph
	imports                []importSpan
	calls                  []*node // nodes that call it, in any graph
	called                 bool    // the main graph calls it, directly or through other functions
}

type importSpan struct {
	Import
	frame frame
}

func (n *node) attr(name string) *attribute {
	for i := range n.attrs {
		if n.attrs[i].name == name {
			return &n.attrs[i]
		}
	}
	return nil
}

// int returns the value of an integer attribute, or unset if n does not have it.
func (n *node) int(name string, unset int64) int64 {
	if a := n.attr(name); a != nil {
		return a.i
	}
	return unset
}

// is reports whether n calls the given operator of ONNX itself.
func (n *node) is(op string) bool { return n.op == op && n.domain == "" }

// label returns the name of n in a path, or its operator and index if it has no name.
func (n *node) label() string {
	if n.name != "" {
		return n.name
	}
	return n.op + "#" + itoa(n.index)
}

// root returns the main graph or the body of the function that contains g.
func (g *graph) root() *graph {
	for g.parent != nil {
		g = g.parent
	}
	return g
}

// live reports whether a root can run. A function that no node calls cannot.
func (g *graph) live() bool { return g.fn == nil || g.fn.called }

// usesDomain reports whether a node of g calls an operator of the domain.
func (g *graph) usesDomain(domain string) bool {
	return slices.ContainsFunc(g.nodes, func(n *node) bool { return n.domain == domain })
}

// version returns the version of ONNX's operators that g uses.
func (m *Model) version(g *graph) int64 {
	g = g.root()
	imports := m.imports
	if g.fn != nil && len(g.fn.imports) > 0 {
		imports = g.fn.imports
	}
	v := int64(1)
	for _, i := range imports {
		if i.Domain == "" {
			v = i.Version
		}
	}
	return v
}

func (m *Model) function(n *node) *function { return m.byName[n.domain+"\x00"+n.op] }
