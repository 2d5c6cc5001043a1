package onnx

import (
	"io"
	"slices"
)

// NoAxis is the Axis of a tensor whose output channels are not known.
const NoAxis = -1

// A Tensor is a constant of a model: an initializer, or the value of a
// Constant node, of any graph.
type Tensor struct {
	// Name is that of the value in its graph. Where two graphs of the model
	// use one name for different tensors, it is preceded by the way to the
	// graph, as in "If_0.then_branch/W".
	Name string

	DType    string // as safetensors has it: F32, F16, BF16, F64, I8, …; else I4, U4, STRING, …
	Shape    []int  // none for a scalar
	Bytes    int64  // of the elements, stored plainly
	Floating bool   // F32, F16, BF16 or F64, with data

	Use    string // the operators that use it, with what for if not as weight: "Conv", "Conv bias", "Gather, MatMul"
	Axis   int    // of the output channels for those operators, or NoAxis
	Weight bool   // whether it is what quantization is for: a matrix that operators multiply with or look up in
	Note   string // what is special, such as why it is not a Weight; "" if nothing

	Seen     []int // the shape that operators see of a list that is only reshaped; nil for others
	SeenAxis int   // Axis, of Seen

	Coded       string // the operator that takes the tensor as codes of a weight, such as MatMulNBits; "" if none does
	BesideCodes bool   // a Weight of an operator whose other operand a DequantizeLinear makes

	File   string // the file that holds the data, relative to the model's folder; "" for the model itself
	Offset int64  // of the data in that file; -1 if they are not there as they are

	model  *Model
	value  string // the name in its graph
	graph  *graph
	node   *node    // the Constant node; nil for an initializer
	frames []*frame // of the TensorProto; more than one if it was merged
	sparse bool

	elem elemType
	n    int // elements

	// Where the data are: in the file from rawOffset on, if that is not -1; or in
	// external; or in field of the messages typed, number by number.
	rawOffset, rawLen int64
	isExternal        bool
	external          *external
	field             int
	typed             []span
	chunks            int   // occurrences of that field
	chunk             field // the last
	mixed             bool  // there are several such fields
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

	unlisted  []*Tensor // others with external data: attributes, and parts of sparse tensors
	r         io.ReaderAt
	size      int64
	dir       string // of external data
	root      frame
	graphs    []*graph // all, outer before inner
	main      *graph
	functions []*function
	byName    map[string]*function // by domain and name
	ints      map[*Tensor][]int64  // lists that were read; nil for what is none
	imports   []importSpan
	irSpan    span // of the field; empty if there is none
	externals externals
	closer    io.Closer
}

// elemType is a TensorProto.DataType.
type elemType int32

// elemInfo says how elements are stored: their name, their bits, and the field
// of TensorProto that holds them if raw_data does not.
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
	elemUint4 elemType = 21
	elemInt4  elemType = 22
)

// A definition is what gives a value its name in a graph.
type definition struct {
	tensor *Tensor // a constant
	node   *node   // or an output of a node
	input  bool    // or an input of the graph, of which a constant may be the default
}

// A use is a place where a value goes: an input of a node, or, if node is nil,
// an output of the graph.
type use struct {
	graph *graph
	node  *node
	index int
}

// A graph holds nodes and their constants: the main graph, a subgraph that is
// an attribute of a node, or the body of a function.
type graph struct {
	name    string
	frames  []*frame // more than one if the message was merged
	parent  *graph   // that of owner
	owner   *node    // nil for the main graph and functions
	attr    string   // of owner
	sibling int      // among the graphs of that attribute
	fn      *function
	nodes   []*node
	tensors []*Tensor // initializers
	inputs  []named
	outputs []named

	ranks           map[string]int      // of values whose shape is told
	elems           map[string]elemType // of values whose type is told
	initializersEnd position            // where a new initializer goes
	defs            map[string]definition
	defined         map[string]int // how many nodes and constants define a value
	uses            map[string][]use
}

// named is an input or output of a graph.
type named struct {
	name  string
	frame frame
}

// A position is a place between two fields of a message.
type position struct {
	frame *frame
	at    int64
}

// A node calls an operator.
type node struct {
	frame   frame
	graph   *graph
	index   int // in graph.nodes
	name    string
	op      string
	domain  string // "" for ONNX's own
	inputs  []string
	outputs []string
	attrs   []attribute
}

// An attribute of a node. Lists of more than maxInts numbers are left out.
type attribute struct {
	name   string
	frame  frame
	i      int64
	f      float32
	ints   []int64
	floats []float32
	long   bool // ints or floats were left out
	s      string
	ref    bool // the value is an attribute of the function
	tensor *Tensor
	graphs []*graph
}

// A function is an operator that the model defines itself.
type function struct {
	name, domain, overload string
	frame                  frame
	body                   *graph
	imports                []importSpan
	calls                  []*node // that call it, from anywhere
	called                 bool    // from the main graph, perhaps through other functions
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

// int returns an attribute that is a number.
func (n *node) int(name string, unset int64) int64 {
	if a := n.attr(name); a != nil {
		return a.i
	}
	return unset
}

// is reports whether n calls one of ONNX's own operators.
func (n *node) is(op string) bool { return n.op == op && n.domain == "" }

// label is how n is called in a path: by its name, or by its operator and place.
func (n *node) label() string {
	if n.name != "" {
		return n.name
	}
	return n.op + "#" + itoa(n.index)
}

// root returns the main graph, or the body of the function, that g is in.
func (g *graph) root() *graph {
	for g.parent != nil {
		g = g.parent
	}
	return g
}

// live reports whether a root is ever run: a function that no node calls is not.
func (g *graph) live() bool { return g.fn == nil || g.fn.called }

// usesDomain reports whether a node of g calls an operator of the domain.
func (g *graph) usesDomain(domain string) bool {
	return slices.ContainsFunc(g.nodes, func(n *node) bool { return n.domain == domain })
}

// version returns the version of ONNX's own operators that g is written for.
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
