package beam

import (
	"reflect"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
)

// registerTypes registers functions and values by their types. The generic
// functions of Beam's package register would call the functions without
// reflection, but they double the size of a program, and an element is a block
// of many values here.
func registerTypes(values ...any) {
	for _, v := range values {
		beam.RegisterType(reflect.TypeOf(v))
	}
}
