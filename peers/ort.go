package main

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"github.com/ebitengine/purego"
)

// ONNX Runtime is called through its C API, so that the overhead of no other language is
// measured. The API is a table of functions. New versions append functions and move none.
const (
	ortGetErrorMessage      = 2
	ortCreateEnv            = 3
	ortCreateFromArray      = 8
	ortRun                  = 9
	ortCreateSessionOptions = 10
	ortSetIntraOpNumThreads = 24
	ortCreateTensor         = 49
	ortCreateCPUMemoryInfo  = 69
	ortReleaseStatus        = 93
	ortReleaseSession       = 95
	ortReleaseValue         = 96
	ortReleaseOptions       = 100

	ortAPIVersion = 20
)

// A runtime is the loaded library.
type onnxruntime struct {
	version     string
	table       *[ortReleaseOptions + 1]uintptr
	env, memory uintptr
}

func loadORT(path string) (*onnxruntime, error) {
	lib, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, err
	}
	var base func() *struct{ getAPI, version uintptr }
	purego.RegisterLibFunc(&base, lib, "OrtGetApiBase")
	var getAPI func(version uint32) *[ortReleaseOptions + 1]uintptr
	purego.RegisterFunc(&getAPI, base().getAPI)
	var version func() string
	purego.RegisterFunc(&version, base().version)
	o := &onnxruntime{version: version(), table: getAPI(ortAPIVersion)}
	if o.table == nil {
		return nil, fmt.Errorf("version %s has no API %d", o.version, ortAPIVersion)
	}
	name := cstring("peers")
	const logErrors, deviceAllocator, memoryDefault = 3, 0, 0
	return o, errors.Join(
		o.call(ortCreateEnv, logErrors, address(name), address(&o.env)),
		o.call(ortCreateCPUMemoryInfo, deviceAllocator, memoryDefault, address(&o.memory)))
}

// address returns the address of p as an integer. The garbage collector does not move p, and
// does not free it before the last use of p in the caller.
func address[T any](p *T) uintptr { return uintptr(unsafe.Pointer(p)) }

func cstring(s string) *byte { return unsafe.SliceData(append([]byte(s), 0)) }

// call calls a function that returns a status.
//
//go:uintptrescapes
func (o *onnxruntime) call(function int, args ...uintptr) error {
	status, _, _ := purego.SyscallN(o.table[function], args...)
	if status == 0 {
		return nil
	}
	var message func(status uintptr) string
	purego.RegisterFunc(&message, o.table[ortGetErrorMessage])
	err := errors.New(message(status))
	purego.SyscallN(o.table[ortReleaseStatus], status)
	return err
}

// A session is a model with memory for its inputs and outputs.
type session struct {
	o       *onnxruntime
	session uintptr
	memory  [][]byte // the memory of the values
	names   [2][]*byte
	values  [2][]uintptr // inputs and outputs
}

// open makes a session of a model of one operator. The buffers are those of
// its inputs and then its outputs.
func (o *onnxruntime) open(n *node, opset, threads int, buffers ...[]byte) (*session, error) {
	s := &session{o: o}
	var options uintptr
	if err := o.call(ortCreateSessionOptions, address(&options)); err != nil {
		return nil, err
	}
	defer purego.SyscallN(o.table[ortReleaseOptions], options)
	if err := o.call(ortSetIntraOpNumThreads, options, uintptr(threads)); err != nil {
		return nil, err
	}
	model := n.model(opset)
	if err := o.call(ortCreateFromArray, o.env, address(unsafe.SliceData(model)), uintptr(len(model)), options, address(&s.session)); err != nil {
		return nil, fmt.Errorf("%s: %w", n.op, err)
	}
	runtime.KeepAlive(model)
	for side, values := range [][]value{n.inputs, n.outputs} {
		for _, v := range values {
			b := buffers[0]
			buffers = buffers[1:]
			shape := make([]int64, len(v.shape)+1)
			for i, d := range v.shape {
				shape[i] = int64(d)
			}
			ref := new(uintptr)
			if err := o.call(ortCreateTensor, o.memory, address(unsafe.SliceData(b)), uintptr(len(b)),
				address(&shape[0]), uintptr(len(v.shape)), uintptr(v.typ), address(ref)); err != nil {
				s.release()
				return nil, fmt.Errorf("%s: %s: %w", n.op, v.name, err)
			}
			s.memory = append(s.memory, b)
			s.names[side] = append(s.names[side], cstring(v.name))
			s.values[side] = append(s.values[side], *ref)
		}
	}
	return s, nil
}

// run runs the model. Results are in the buffers.
func (s *session) run() error {
	in, out := &s.values[0], &s.values[1]
	err := s.o.call(ortRun, s.session, 0,
		address(unsafe.SliceData(s.names[0])), address(unsafe.SliceData(*in)), uintptr(len(*in)),
		address(unsafe.SliceData(s.names[1])), uintptr(len(*out)), address(unsafe.SliceData(*out)))
	runtime.KeepAlive(s)
	return err
}

func (s *session) release() {
	for _, v := range append(s.values[0], s.values[1]...) {
		purego.SyscallN(s.o.table[ortReleaseValue], v)
	}
	purego.SyscallN(s.o.table[ortReleaseSession], s.session)
}
