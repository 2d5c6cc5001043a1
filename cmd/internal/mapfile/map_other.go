//go:build !(darwin || freebsd || linux || netbsd || openbsd)

package mapfile

import (
	"errors"
	"os"
)

func mapping(*os.File, int64) ([]byte, error) { return nil, errors.ErrUnsupported }

func unmap([]byte) error { return nil }
