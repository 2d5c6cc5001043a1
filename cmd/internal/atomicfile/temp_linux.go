package atomicfile

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// openNameless opens a file without a name in the folder of path. The system removes it if the
// process is killed. ok is false on a file system without such files.
func openNameless(path string, mode fs.FileMode) (f *os.File, ok bool) {
	f, err := os.OpenFile(filepath.Dir(path), os.O_RDWR|unix.O_TMPFILE, mode)
	if err != nil {
		return nil, false
	}
	if _, err := os.Stat(descriptor(f)); err != nil { // /proc is not mounted
		f.Close()
		return nil, false
	}
	return f, true
}

// giveName gives a nameless file the name path.
func giveName(f *os.File, path string) error {
	return unix.Linkat(unix.AT_FDCWD, descriptor(f), unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW)
}

func descriptor(f *os.File) string { return fmt.Sprintf("/proc/self/fd/%d", f.Fd()) }
