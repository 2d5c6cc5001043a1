package beam

import (
	"reflect"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
)

// registerTypes registers functions and values by their types. The generic functions of Beam's
// package register would avoid reflection in calls, but they double the size of the program.
// Since an element here is a block of many values, calls are rare.
func registerTypes(values ...any) {
	for _, v := range values {
		beam.RegisterType(reflect.TypeOf(v))
	}
}
