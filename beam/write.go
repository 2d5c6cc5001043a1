package beam

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem"
)

// writeFile writes a file through Beam's file systems. The file appears complete or not at all,
// even if two workers write it. An object store guarantees that; a local file gets its name at
// the end.
func writeFile(ctx context.Context, path string, data []byte) error {
	fs, err := filesystem.New(ctx, path)
	if err != nil {
		return err
	}
	defer fs.Close()
	if strings.Contains(path, "://") {
		return writeTo(ctx, fs, path, data)
	}
	part := fmt.Sprintf("%s.%08x.part", path, rand.Uint32())
	if err = writeTo(ctx, fs, part, data); err == nil {
		err = filesystem.Rename(ctx, fs, part, path)
	}
	if err != nil {
		os.Remove(part)
	}
	return err
}

func writeTo(ctx context.Context, fs filesystem.Interface, path string, data []byte) error {
	out, err := fs.OpenWrite(ctx, path)
	if err != nil {
		return err
	}
	_, err = out.Write(data)
	return errors.Join(err, out.Close())
}
