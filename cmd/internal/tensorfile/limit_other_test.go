//go:build !((darwin || freebsd || linux || netbsd || openbsd) && (amd64 || arm64 || s390x))

package tensorfile

import "testing"

func lower(*testing.T, uint64) {}
