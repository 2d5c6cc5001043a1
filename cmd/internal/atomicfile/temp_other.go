//go:build !linux

package atomicfile

import (
	"errors"
	"io/fs"
	"os"
)

func openNameless(string, fs.FileMode) (*os.File, bool) { return nil, false }

func giveName(*os.File, string) error { return errors.ErrUnsupported }
