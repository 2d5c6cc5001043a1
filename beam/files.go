package beam

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem"
)

// tries is the number of attempts to read a piece of a file before an error of the file system
// is returned.
const tries = 4

// open opens a file through Beam's file systems.
func open(ctx context.Context, file string) (io.ReadCloser, int64, error) {
	fs, err := filesystem.New(ctx, file)
	if err != nil {
		return nil, 0, err
	}
	length, err := fs.Size(ctx, file)
	if err != nil {
		fs.Close()
		return nil, 0, err
	}
	in, err := fs.OpenRead(ctx, file)
	if err != nil {
		fs.Close()
		return nil, 0, err
	}
	o := &opened{in, fs}
	at, canRead := in.(io.ReaderAt)
	if seek, ok := in.(io.Seeker); ok && canRead {
		return &seekable{o, seek, at}, length, nil
	}
	return o, length, nil
}

// An opened is a file that closes its file system too.
type opened struct {
	io.ReadCloser
	fs filesystem.Interface
}

func (o *opened) Close() error {
	return errors.Join(o.ReadCloser.Close(), o.fs.Close())
}

// A seekable is an opened file that can be read at any offset.
type seekable struct {
	*opened
	io.Seeker
	io.ReaderAt
}

// maxHeld is the largest length of an archive that is held in memory, because its file system
// cannot read at any offset.
const maxHeld = 256 << 20

// archive opens an archive. in is the file, and rest is all of it as a stream.
func archive(rest io.Reader, in io.Reader, length int64) (*zip.Reader, error) {
	at, ok := in.(io.ReaderAt)
	if !ok {
		if length > maxHeld {
			return nil, fmt.Errorf("an archive of %d bytes on a file system that reads files from their start only: the limit is %d", length, maxHeld)
		}
		data, err := io.ReadAll(io.LimitReader(rest, maxHeld+1))
		if err != nil {
			return nil, err
		}
		at, length = bytes.NewReader(data), int64(len(data))
	}
	return zip.NewReader(at, length)
}
