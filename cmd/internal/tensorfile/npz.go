package tensorfile

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/sniff"
)

const (
	zipLocalHeader = 30   // smallest number of bytes before the data of a member
	maxDeflate     = 1040 // above the largest possible ratio of deflate
)

// parseNPZ reads a zip archive of npy files. It reads only their headers. Members that are not
// arrays are returned as skipped.
func parseNPZ(r io.ReaderAt, size int64) ([]entry, []Skipped, error) {
	z, err := zip.NewReader(r, size)
	if errors.Is(err, zip.ErrFormat) {
		err = errors.New("truncated or damaged: the directory is missing that a zip archive has at its end; download or copy it again")
	}
	if err == nil {
		err = checkZip(z.File, size)
	}
	if err != nil {
		return nil, nil, err
	}
	seen := make(map[string]bool)
	var entries []entry
	var skipped []Skipped
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") {
			continue // a folder
		}
		name, isArray := strings.CutSuffix(f.Name, ".npy")
		if why := foreignMember(f, isArray); why != "" {
			skipped = append(skipped, Skipped{f.Name, why})
			continue
		}
		if seen[name] {
			return nil, nil, fmt.Errorf("two tensors are called %s", quote(name))
		}
		seen[name] = true
		e, err := npzEntry(name, f, r, size)
		if err != nil {
			return nil, nil, inTensor(name, err)
		}
		entries = append(entries, e)
	}
	if len(entries) == 0 && len(skipped) > 0 {
		return nil, nil, fmt.Errorf("a zip archive without arrays: it holds %s", memberList(skipped))
	}
	return entries, skipped, nil
}

// foreignMember returns the reason why a member of an archive is not an array. It is "" if the
// member is an array or has the name of one.
func foreignMember(f *zip.File, isArray bool) string {
	base := f.Name[strings.LastIndexByte(f.Name, '/')+1:]
	macOS := strings.HasPrefix(f.Name, "__MACOSX/") || strings.HasPrefix(base, "._")
	const noted = "what macOS notes about a file"
	switch {
	case macOS && f.Flags&1 != 0:
		return noted
	case isArray && f.Flags&1 != 0:
		return "" // an error follows
	case f.Flags&1 != 0:
		return "encrypted, and not called .npy"
	}
	r, err := f.Open()
	switch {
	case err != nil && macOS:
		return noted
	case err != nil && isArray:
		return ""
	case err != nil:
		return "compressed by a method that is not read, and not called .npy"
	}
	defer r.Close()
	magic := make([]byte, len(npyMagic))
	n, err := io.ReadFull(r, magic)
	switch {
	case string(magic[:n]) == npyMagic: // a tensor may have any name
		return ""
	case macOS:
		return noted
	case isArray && err != nil && err != io.EOF && err != io.ErrUnexpectedEOF:
		return ""
	case n == 0 && f.UncompressedSize64 == 0:
		return "an empty file"
	case isArray:
		return "not an array, though it is called .npy"
	}
	return "not an array"
}

func memberList(skipped []Skipped) string {
	names := make([]string, len(skipped))
	for i, s := range skipped {
		names[i] = s.Name
	}
	return quoteAll(names)
}

// checkZip refuses archives whose members overlap or have impossible sizes. So the time and the
// memory to read an archive are bounded by a multiple of its size.
func checkZip(files []*zip.File, size int64) error {
	left := uint64(size)
	for _, f := range files {
		if foreign := sniff.Archive(f.Name); foreign != nil {
			return foreign
		}
		if f.CompressedSize64 > left || left-f.CompressedSize64 < zipLocalHeader {
			return errors.New("members are larger than the file")
		}
		left -= f.CompressedSize64 + zipLocalHeader
		most := f.CompressedSize64
		if f.Method != zip.Store {
			most *= maxDeflate // no overflow, since no file is so large
		}
		if f.UncompressedSize64 > most {
			return inTensor(f.Name, fmt.Errorf("claims to hold %d bytes, more than its data can", f.UncompressedSize64))
		}
	}
	return nil
}

// npzEntry returns the entry of a member. A stored member is read in place, after its checksum
// was verified once. A compressed member can only be read from its beginning, so all of it is
// held in memory.
func npzEntry(name string, f *zip.File, r io.ReaderAt, size int64) (entry, error) {
	m, h, err := openMember(f)
	if err != nil {
		return entry{}, err
	}
	m.Close()
	e, err := h.entry(name, int64(f.UncompressedSize64)-h.len)
	if err != nil {
		return entry{}, err
	}
	if f.Method == zip.Store {
		offset, err := f.DataOffset()
		if err != nil {
			return entry{}, zipError(err)
		}
		if int64(f.UncompressedSize64) > size-offset {
			return entry{}, errors.New("data ends too early")
		}
		h.locate(&e, r, offset+h.len, e.Bytes)
		if e.open == nil {
			return e, nil
		}
		open, check := e.open, sync.OnceValue(func() error { return checkMember(f) })
		e.open = func() (quant.Source, error) {
			if err := check(); err != nil {
				return nil, err
			}
			return open()
		}
		return e, nil
	}
	if !e.Floating {
		return e, nil
	}
	e.open = func() (quant.Source, error) {
		m, h, err := openMember(f)
		if err != nil {
			return nil, err
		}
		defer m.Close()
		data, err := h.read(m)
		return floats(data), zipError(err)
	}
	return e, nil
}

// checkMember reads a member to its end. Package zip then verifies its size and its checksum.
func checkMember(f *zip.File) error {
	r, err := f.Open()
	if err != nil {
		return zipError(err)
	}
	defer r.Close()
	_, err = io.CopyBuffer(io.Discard, struct{ io.Reader }{r}, make([]byte, blockBytes))
	return zipError(err)
}

// openMember opens a member and reads its header.
func openMember(f *zip.File) (io.ReadCloser, *npyHeader, error) {
	if f.Flags&1 != 0 {
		return nil, nil, errors.New("encrypted")
	}
	r, err := f.Open()
	if err != nil {
		if errors.Is(err, zip.ErrAlgorithm) {
			err = fmt.Errorf("compression method %d is not supported", f.Method)
		}
		return nil, nil, zipError(err)
	}
	h, err := readNPYHeader(r, int64(f.UncompressedSize64))
	if err != nil {
		r.Close()
		return nil, nil, zipError(err)
	}
	return r, h, nil
}

// zipError returns an error of package zip with a clearer text.
func zipError(err error) error {
	switch {
	case errors.Is(err, zip.ErrFormat):
		return errors.New("damaged zip archive")
	case errors.Is(err, zip.ErrChecksum):
		return errors.New("checksum does not match")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("data ends too early")
	}
	return err
}
