package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Commit renames all files to their names. The main file, which needs the others, comes last.
// If an error occurs, the earlier files are restored, as after Abort.
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
	// No error is possible from here on, since the files have their names.
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

// placeFolder renames a new folder to its name.
func (s *Set) placeFolder() error {
	if err := s.makeFolder(); err != nil {
		return failed(s.path, err)
	}
	if err := syncFolder(s.root); err != nil {
		return failed(s.path, err)
	}
	if _, err := os.Lstat(s.real); err == nil {
		return failed(s.path, ErrNotEmpty) // the folder was filled after New
	}
	if err := os.Rename(s.root, s.real); err != nil {
		return failed(s.path, err)
	}
	s.over = true
	syncFolder(filepath.Dir(s.real))
	return nil
}

// place renames a file to its name. If there are several files to place, a file that it
// replaces is kept as a backup.
func (f *File) place(force, several bool) error {
	if !force {
		// A link fails if a file with that name has appeared since New; a rename would replace
		// it. Some file systems have no links.
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

// Abort removes what was written, and undoes an incomplete Commit. After Commit or another
// Abort it does nothing, so it can be deferred.
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
			os.Remove(f.backup) // the backup stays if it is still the same file
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

// syncFolder writes the names in a folder to the disk.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil // the system cannot sync folders
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

// WriteFile writes the file path with f. If the file exists, that is an error unless force is
// set.
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
