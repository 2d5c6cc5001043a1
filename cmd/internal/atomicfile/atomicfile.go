// Package atomicfile writes files atomically: a file appears under its name only when all of it
// is written and on the disk. An earlier file of that name stays until then, and stays if an
// error occurs.
package atomicfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A Set is a file together with further files that belong to it, or a folder of files.
//
//	out, err := atomicfile.New("model.onnx", false)
//	…
//	defer out.Abort()
//	w, err := out.Main()
//	…
//	return out.Commit()
//
// The methods of a Set must not be called concurrently.
type Set struct {
	path   string // as given to New or NewFolder
	real   string // path of the main file or the folder, with links resolved
	force  bool
	folder bool
	dry    bool // nothing is written
	*shared

	files     []*File
	protected []fs.FileInfo
	over      bool // committed or aborted
}

// New begins a set with the main file path. If the file exists, that is an error unless force
// is set.
func New(path string, force bool) (*Set, error) {
	s := &Set{path: path, force: force, shared: newShared()}
	var err error
	if s.real, err = s.resolve(path); err != nil {
		return nil, err
	}
	return s, nil
}

// NewFolder begins a set of files in the folder path. Commit makes the folder. If the folder
// exists, it must be empty unless force is set; then files with other names stay in it.
func NewFolder(path string, force bool) (*Set, error) {
	s := &Set{path: path, real: filepath.Clean(path), force: force, folder: true, shared: newShared()}
	st, err := os.Stat(s.real)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := parent(path); err != nil {
			return nil, err
		}
		s.root = tempName(s.real)
		// This only tries whether the folder can be made. The first file makes it.
		if err := os.Mkdir(s.root, 0o777); err != nil {
			return nil, failed(path, err)
		}
		os.Remove(s.root)
		return s, nil
	case err != nil:
		return nil, failed(path, err)
	case !st.IsDir():
		return nil, failed(path, errNoFolder)
	}
	inside, err := os.ReadDir(s.real)
	if err != nil {
		return nil, failed(path, err)
	}
	if len(inside) > 0 && !force {
		return nil, failed(path, ErrNotEmpty)
	}
	return s, nil
}

// Dry begins a set that is not written: only its Size is computed.
func Dry(path string, folder bool) *Set {
	return &Set{path: path, real: filepath.Clean(path), folder: folder, dry: true, shared: newShared()}
}

// resolve returns the path of the file to write for path. If path is a link, that is the target
// of the link.
func (s *Set) resolve(path string) (string, error) {
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Lstat(path); err == nil && !s.force {
			return "", failed(path, ErrExists) // the target of the link does not exist
		}
		return path, parent(path)
	case err != nil:
		return "", failed(path, err)
	case st.IsDir():
		return "", failed(path, errDirectory)
	case !st.Mode().IsRegular():
		return path, nil
	case !s.force:
		return "", failed(path, ErrExists)
	}
	// A file that must not be written is an error. A rename would replace it nevertheless.
	w, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return "", failed(path, err)
	}
	w.Close()
	real, err := filepath.EvalSymlinks(path)
	return real, failed(path, err)
}

// parent returns an error if the parent folder of path does not exist.
func parent(path string) error {
	dir := filepath.Dir(filepath.Clean(path))
	st, err := os.Stat(dir)
	if err == nil && !st.IsDir() {
		err = fmt.Errorf("%s is not a folder", dir)
	}
	return failed(path, err)
}

// Path returns the path that was given to New or NewFolder.
func (s *Set) Path() string { return s.path }

// Size returns the sum of the lengths of all files, after Commit.
func (s *Set) Size() int64 {
	n := int64(0)
	for _, f := range s.files {
		n += f.size
	}
	return n
}

// IsFolder reports whether the set is a folder of files.
func (s *Set) IsFolder() bool { return s.folder }

// Bind makes writing and Commit fail when ctx is done. Without Bind, the caller must check its
// context.
func (s *Set) Bind(ctx context.Context) { s.ctx = ctx }

// Protect forbids the set to replace the given files, such as files that are being read, even
// with force. Names without a file are ignored. The error is for a file that the set has
// already begun.
func (s *Set) Protect(paths ...string) error {
	for _, p := range paths {
		if st, err := os.Stat(p); err == nil && st.Mode().IsRegular() {
			s.protected = append(s.protected, st)
		}
	}
	if s.dry {
		return nil
	}
	if !s.folder {
		if err := s.refuse(s.real, s.path); err != nil {
			return err
		}
	}
	for _, f := range s.files {
		if err := s.refuse(f.target, f.path); err != nil {
			return err
		}
	}
	return nil
}

// refuse returns an error if target is a protected file.
func (s *Set) refuse(target, path string) error {
	st, err := os.Stat(target)
	if err != nil {
		return nil
	}
	for _, p := range s.protected {
		if os.SameFile(st, p) {
			return failed(path, ErrIsRead)
		}
	}
	return nil
}

// Main begins the main file.
func (s *Set) Main() (*File, error) {
	if s.folder {
		panic("atomicfile: a folder has no main file")
	}
	return s.create(s.path, s.real)
}

// Create begins a further file of the set, next to the main file or in the folder. The name
// must not contain a folder.
func (s *Set) Create(name string) (*File, error) {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00"+string(filepath.Separator)) || !filepath.IsLocal(name) {
		return nil, fmt.Errorf("%q is no name for a file", name)
	}
	if s.root != "" {
		return s.create(filepath.Join(s.path, name), filepath.Join(s.root, name))
	}
	dir := s.real
	if !s.folder {
		dir = filepath.Dir(s.real)
	}
	if s.dry {
		return s.create(filepath.Join(dir, name), filepath.Join(dir, name))
	}
	if err := s.Beside(); err != nil {
		return nil, err
	}
	target, err := s.resolve(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	return s.create(filepath.Join(dir, name), target)
}

// Beside returns an error if the set cannot have further files next to the main file. That is
// so if the main file is a link into another folder: some readers look for further files next
// to the link, others next to its target.
func (s *Set) Beside() error {
	if s.folder || s.dry {
		return nil
	}
	a, err := os.Stat(filepath.Dir(filepath.Clean(s.path)))
	if err != nil {
		return failed(s.path, err)
	}
	b, err := os.Stat(filepath.Dir(s.real))
	if err != nil {
		return failed(s.path, err)
	}
	if !os.SameFile(a, b) {
		return failed(s.path, fmt.Errorf("it is a link to %s, and other files go beside: name that", s.real))
	}
	return nil
}

// Others returns the names of files in an existing folder that the set does not write.
func (s *Set) Others() ([]string, error) {
	if !s.folder || s.root != "" || s.dry {
		return nil, nil
	}
	list, err := os.ReadDir(s.real)
	if err != nil {
		return nil, failed(s.path, err)
	}
	var names []string
	for _, e := range list {
		written := slices.ContainsFunc(s.files, func(f *File) bool { return filepath.Base(f.target) == e.Name() })
		if !written && !strings.HasPrefix(e.Name(), ".quant-") {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// create begins a file at target. Messages call it path.
func (s *Set) create(path, target string) (*File, error) {
	if s.over {
		panic("atomicfile: a set is used after its end")
	}
	for _, f := range s.files {
		if f.target == target {
			return nil, failed(path, errors.New("it is written twice"))
		}
	}
	f := &File{shared: s.shared, path: path, target: target}
	if s.dry {
		f.file, f.direct = new(nowhere), true
		s.files = append(s.files, f)
		return f, nil
	}
	if err := s.refuse(target, path); err != nil {
		return nil, err
	}
	mode := fs.FileMode(0o666) // without the bits of the umask
	switch st, err := os.Stat(target); {
	case err == nil && !st.Mode().IsRegular():
		// A pipe or a device is written directly.
		w, err := os.OpenFile(target, os.O_WRONLY, 0)
		if err != nil {
			return nil, failed(path, err)
		}
		f.file, f.direct = w, true
		s.files = append(s.files, f)
		return f, nil
	case err == nil:
		mode = st.Mode().Perm()
	}
	f.temp = target
	if s.root == "" {
		f.temp = tempName(target)
	}
	if !named {
		beside := target
		if s.root != "" {
			beside = s.root
		}
		if w, ok := openNameless(beside, mode); ok {
			f.file, f.nameless = w, true
			s.files = append(s.files, f)
			return f, nil
		}
	}
	if err := s.makeFolder(); err != nil {
		return nil, failed(path, err)
	}
	file, err := os.OpenFile(f.temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return nil, failed(path, err)
	}
	f.file = file
	s.files = append(s.files, f)
	return f, nil
}

// named makes every temporary file have a name from the beginning. Tests set it, to test
// systems without nameless files.
var named = false
