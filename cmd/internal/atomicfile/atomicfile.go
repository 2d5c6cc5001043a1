// Package atomicfile writes files that appear whole or not at all, under their
// names only once all of them are written and on the disk. What was there
// before stays until then, and stays if anything fails.
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

// A Set is a file, with others that belong to it, or a folder of files.
//
//	out, err := atomicfile.New("model.onnx", false)
//	…
//	defer out.Abort()
//	w, err := out.Main()
//	…
//	return out.Commit()
//
// Methods of a Set are not to be called concurrently.
type Set struct {
	path   string // as it was given
	real   string // where the main file goes, or the folder is
	force  bool
	folder bool
	dry    bool // nothing is written
	*shared

	files     []*File
	protected []fs.FileInfo
	over      bool // committed or aborted
}

// New begins a set whose main file is to be path. A file that is there
// already, of the set's, is an error unless force is set.
func New(path string, force bool) (*Set, error) {
	s := &Set{path: path, force: force, shared: newShared()}
	var err error
	if s.real, err = s.resolve(path); err != nil {
		return nil, err
	}
	return s, nil
}

// NewFolder begins a set whose files are in the folder path, which is made
// with them. A folder that is there already has to be empty unless force is
// set; then files of other names stay in it.
func NewFolder(path string, force bool) (*Set, error) {
	s := &Set{path: path, real: filepath.Clean(path), force: force, folder: true, shared: newShared()}
	st, err := os.Stat(s.real)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := parent(path); err != nil {
			return nil, err
		}
		s.root = tempName(s.real)
		// It is made when the first file needs it: this is a trial.
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

// Dry begins a set that is written nowhere: what comes of it is its Size.
func Dry(path string, folder bool) *Set {
	return &Set{path: path, real: filepath.Clean(path), folder: folder, dry: true, shared: newShared()}
}

// resolve returns where a file is to be put that is known as path: what a
// link points to is replaced, not the link.
func (s *Set) resolve(path string) (string, error) {
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Lstat(path); err == nil && !s.force {
			return "", failed(path, ErrExists) // a link to nothing
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
	// A rename would get past a file that is not to be written.
	w, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return "", failed(path, err)
	}
	w.Close()
	real, err := filepath.EvalSymlinks(path)
	return real, failed(path, err)
}

// parent returns an error if there is no folder to make path in.
func parent(path string) error {
	dir := filepath.Dir(filepath.Clean(path))
	st, err := os.Stat(dir)
	if err == nil && !st.IsDir() {
		err = fmt.Errorf("%s is not a folder", dir)
	}
	return failed(path, err)
}

// Path is what New or NewFolder was given.
func (s *Set) Path() string { return s.path }

// Size is the sum of the lengths of all files, once committed.
func (s *Set) Size() int64 {
	n := int64(0)
	for _, f := range s.files {
		n += f.size
	}
	return n
}

// IsFolder reports whether the set is a folder of files.
func (s *Set) IsFolder() bool { return s.folder }

// Bind lets writing and Commit fail once ctx is done. Without it, whoever
// writes watches for that.
func (s *Set) Bind(ctx context.Context) { s.ctx = ctx }

// Protect refuses files that are being read: those of the set may replace
// others, with force, but none of these. Names that stand for nothing are
// passed over. It is an error if a file of the set is one already.
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

// Main begins the file that New was given.
func (s *Set) Main() (*File, error) {
	if s.folder {
		panic("atomicfile: a folder has no main file")
	}
	return s.create(s.path, s.real)
}

// Create begins a further file of the set: next to the main file, or in the
// folder. The name is that of a file, without any folder.
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

// Beside returns an error if further files cannot be next to the main file: if
// that is a link into another folder, some readers would look for them beside
// the link, and others beside what it points to.
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

// Others returns the names of files in a folder that was there already, which
// the set does not write.
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

// create begins a file at target that messages call path.
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
	mode := fs.FileMode(0o666) // less the umask
	switch st, err := os.Stat(target); {
	case err == nil && !st.Mode().IsRegular():
		// A pipe or a device is written to as it is.
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

// named makes every file have a name from the start: for tests of what systems
// without nameless files do.
var named = false
