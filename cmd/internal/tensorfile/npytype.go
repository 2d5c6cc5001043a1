package tensorfile

import (
	"fmt"
	"strconv"
	"strings"
)

// npyType is the type of elements in an npy file.
type npyType struct {
	dtype string // F64, F32, F16, BF16 or a name of smallFloats; "" if it is not read
	big   bool   // most significant byte first
	size  int    // bytes of an element
	known bool   // whether size is known

	unread string // why it is not read, for a floating-point type that is not read
}

// npyNames maps the names of types in NumPy and ml_dtypes, and the codes of one letter, to a
// letter for the kind and a size. Types whose size depends on the machine, such as int and
// longdouble, are not in it.
var npyNames = map[string]string{
	"float16": "f2", "half": "f2", "e": "f2",
	"float32": "f4", "single": "f4", "f": "f4",
	"float64": "f8", "double": "f8", "float": "f8", "float_": "f8", "d": "f8",
	"float128": "f16", "float96": "f12",
	"complex64": "c8", "csingle": "c8", "F": "c8", "complex128": "c16", "complex": "c16", "cdouble": "c16", "D": "c16",
	"int4": "i1", "uint4": "u1", "int2": "i1", "uint2": "u1", // of ml_dtypes, with one byte each
	"bool": "b1", "bool_": "b1", "?": "b1",
	"int8": "i1", "byte": "i1", "b": "i1", "uint8": "u1", "ubyte": "u1", "B": "u1",
	"int16": "i2", "short": "i2", "h": "i2", "uint16": "u2", "ushort": "u2", "H": "u2",
	"int32": "i4", "intc": "i4", "i": "i4", "uint32": "u4", "uintc": "u4", "I": "u4",
	"int64": "i8", "longlong": "i8", "q": "i8", "uint64": "u8", "ulonglong": "u8", "Q": "u8",
}

// smallNames are the types of ml_dtypes that take a byte each in NumPy.
var smallNames = map[string]string{
	"float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2", "float8_e4m3fnuz": "F8_E4M3FNUZ", "float8_e5m2fnuz": "F8_E5M2FNUZ",
	"float8_e8m0fnu": "F8_E8M0", "float6_e2m3fn": "F6_E2M3", "float6_e3m2fn": "F6_E3M2", "float4_e2m1fn": "F4",
}

const (
	npyVoid2 = "two bytes without a meaning; NumPy saves bfloat16 of ml_dtypes and JAX so: save it as float32, with a.astype(numpy.float32), or as safetensors"
	npyVoid1 = "one byte without a meaning; NumPy saves 8-bit floats of ml_dtypes so: save it as float32, with a.astype(numpy.float32), or as safetensors"
)

// parseNPYType parses the name of a type that is not a structure: an optional byte order, and a
// name or a letter and a number.
//
// Only '>' means most significant byte first. A type without an order, with '|' or with '=' has
// the order of the machine that wrote the file, which is not in the file. It is read as
// little-endian on every machine. Nearly all machines are little-endian, and a file must be the
// same tensor on every machine.
func parseNPYType(descr string) npyType {
	name := descr
	var t npyType
	if name != "" && strings.ContainsRune("<>|=", rune(name[0])) {
		t.big = name[0] == '>'
		name = name[1:]
	}
	if long, ok := npyNames[name]; ok {
		name = long
	}
	if small, ok := smallNames[name]; ok {
		t.dtype, t.size, t.known = small, 1, true
		return t
	}
	if name == "bfloat16" {
		t.dtype, t.size, t.known = "BF16", 2, true
		return t
	}
	t.size, t.known = npySize(name)
	switch name {
	case "f2":
		t.dtype = "F16"
	case "f4":
		t.dtype = "F32"
	case "f8":
		t.dtype = "F64"
	case "f16", "f12", "longdouble", "longfloat", "g":
		t.unread = "extended precision, which differs by machine; save it as float64, with a.astype(numpy.float64)"
	case "V2":
		t.unread = npyVoid2
	case "V1":
		t.unread = npyVoid1
	case "int", "int_", "intp", "l", "p", "uint", "uintp", "L", "P": // four or eight bytes, depending on the machine
	case "O", "object":
		t.unread = "pickled Python objects; save it as numbers, with a.astype(numpy.float32)"
	default:
		if !t.known {
			t.unread = "a type that NumPy does not have by itself"
		} else if name[0] == 'f' {
			t.unread = fmt.Sprintf("floating-point numbers of %d bytes, which NumPy does not have by itself", t.size)
		}
	}
	return t
}

// npySize returns the size of a type that is a letter and a number, such as f4, with an
// optional unit of time.
func npySize(name string) (n int, known bool) {
	if len(name) < 2 {
		return 0, false
	}
	digits := name[1:]
	if name[0] == 'M' || name[0] == 'm' {
		digits, _, _ = strings.Cut(digits, "[")
	}
	u, err := strconv.ParseUint(digits, 10, 31)
	if err != nil {
		return 0, false
	}
	switch name[0] {
	case 'b', 'i', 'u', 'f', 'c', 'S', 'a', 'V', 'M', 'm':
		return int(u), true
	case 'U':
		// Code points of four bytes; on a 32-bit machine their size may not fit an int.
		n = int(u) * 4
		return n, n/4 == int(u)
	}
	return 0, false // O is for pickled objects
}

// npyRecords returns the reason why a structured type is not read. It names the fields.
func npyRecords(fields []string) string {
	what := "records"
	if len(fields) > 0 {
		what = "records of " + namesList(fields)
		return fmt.Sprintf("%s; save a field by itself, as a[%s]", what, quote(fields[0]))
	}
	return what + "; save their numbers by themselves"
}
