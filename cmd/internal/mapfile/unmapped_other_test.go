//go:build !(darwin || freebsd || linux || netbsd || openbsd)

package mapfile

import "testing"

const maps = false

func unmapped(t *testing.T) []byte {
	t.Skip("nothing is mapped on this system")
	return nil
}
