package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Commit puts all files in their places: the main file, which needs the
// others, last. If that fails, those that were there before are there again,
// as after Abort.
func (s *Set) Commit() (err error) {
	if s.over {
		panic("atomicfile: a set is used after its end")
	}
	defer func() {
		if err != nil {
			s.Abort()
		}
	}()
	for _, f := range s.files {
		if err := f.finish(); err != nil {
			return err
		}
	}
	if err := s.ctx.Err(); err != nil {
		return err
	}
	for _, f := range s.files {
		if err := f.close(); err != nil {
			return err
		}
	}
	if s.root != "" {
		return s.placeFolder()
	}
	for _, last := range []bool{false, true} {
		for _, f := range s.files {
			if f.direct || (f.target == s.real) != last {
				continue
			}
			if err := f.place(s.force, len(s.files) > 1); err != nil {
				return failed(f.path, err)
			}
		}
	}
	// Nothing fails from here on: the files are in their places.
	s.over = true
	if s.dry {
		return nil
	}
	for _, f := range s.files {
		if f.backup != "" {
			os.Remove(f.backup)
		}
	}
	dir := s.real
	if !s.folder {
		dir = filepath.Dir(s.real)
	}
	syncFolder(dir)
	return nil
}

// placeFolder gives a new folder its name.
func (s *Set) placeFolder() error {
	if err := s.makeFolder(); err != nil {
		return failed(s.path, err)
	}
	if err := syncFolder(s.root); err != nil {
		return failed(s.path, err)
	}
	if _, err := os.Lstat(s.real); err == nil {
		return failed(s.path, ErrNotEmpty) // since New
	}
	if err := os.Rename(s.root, s.real); err != nil {
		return failed(s.path, err)
	}
	s.over = true
	syncFolder(filepath.Dir(s.real))
	return nil
}

// place gives a file its name. A file that it replaces is kept as a backup if there
// are several files to place.
func (f *File) place(force, several bool) error {
	if !force {
		// A link fails, where a rename would not, if a file of that name has
		// come since New. Some file systems have none.
		err := os.Link(f.temp, f.target)
		if errors.Is(err, fs.ErrExist) {
			return ErrExists
		}
		if err == nil {
			f.placed = true
			os.Remove(f.temp)
			return nil
		}
		if _, err := os.Lstat(f.target); err == nil {
			return ErrExists
		}
	} else if st, err := os.Lstat(f.target); err == nil && st.IsDir() {
		return errDirectory
	} else if err == nil && several {
		backup := tempName(f.target)
		if os.Link(f.target, backup) != nil {
			if err := os.Rename(f.target, backup); err != nil {
				return err
			}
		}
		f.backup = backup
	}
	if err := os.Rename(f.temp, f.target); err != nil {
		return err
	}
	f.placed = true
	return nil
}

// Abort removes what was written, and undoes what Commit began. After Commit or
// another Abort it does nothing, so that it may be deferred.
func (s *Set) Abort() {
	if s.over {
		return
	}
	s.over = true
	for _, f := range s.files {
		if f.file != nil {
			f.file.Close()
			f.file = nil
		}
		switch {
		case f.direct:
		case f.backup != "":
			os.Rename(f.backup, f.target)
			os.Remove(f.backup) // it stays if it is the same file still
		case f.placed:
			os.Remove(f.target)
		}
		if !f.direct && !f.placed && !f.nameless {
			os.Remove(f.temp)
		}
	}
	if s.root != "" {
		os.RemoveAll(s.root)
	}
}

// syncFolder makes names last as files do.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil // it has no such thing
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(err, d.Close())
}

// WriteFile writes the one file at path with what f writes. A file that is there
// already is an error unless force is set.
func WriteFile(path string, force bool, f func(io.Writer) error) error {
	s, err := New(path, force)
	if err != nil {
		return err
	}
	defer s.Abort()
	w, err := s.Main()
	if err != nil {
		return err
	}
	if err := f(w); err != nil {
		return err
	}
	return s.Commit()
}
