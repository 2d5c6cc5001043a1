package onnx

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

	ranks           map[string]int // of values whose shape is told
	initializersEnd position       // where a new initializer goes
	defs            map[string]definition
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
	long   bool // ints were left out
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

// version returns the version of ONNX's own operators that g is written for.
func (m *Model) version(g *graph) int64 {
	for g.parent != nil {
		g = g.parent
	}
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
