package beam

import (
	"archive/zip"
	"bytes"
	"path/filepath"
	"testing"
)

// archiveOf returns an .npz file of two arrays.
func archiveOf(t *testing.T, method uint16) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i, name := range []string{"w.npy", "u.npy"} {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err == nil {
			_, err = w.Write(npy(uint64(i), 64, []int{3200, 32}[i]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestFormatsSameBytes(t *testing.T) {
	for file, data := range map[string][]byte{"stored.npz": archiveOf(t, zip.Store), "deflated.npz": archiveOf(t, zip.Deflate)} {
		for scheme, flags := range map[string][]string{
			"int8:mse:zero":               {"--method", "mse"},
			"int8:channel@0:mse:zero":     {"--method", "mse", "--axis", "0"},
			"int4:group32@-1:minmax:zero": {"--group-size", "32", "--bits", "4"},
		} {
			t.Run(file+", "+scheme, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), file)
				write0(t, path, data)
				sameAsTool(t, path, scheme, flags)
			})
		}
	}
}

func sameAsTool(t *testing.T, path, scheme string, flags []string) {
	t.Helper()
	calibration, state := onTool(t, flags, path)
	gotCalibration, gotState, err := onPrism(t, Options{Scheme: scheme, Name: "{folder}"}, path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(gotCalibration, calibration) || !bytes.Equal(gotState, state) {
		t.Errorf("calibration\n%.600s\nwant\n%.600s", gotCalibration, calibration)
	}
}
