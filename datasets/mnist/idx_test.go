package mnist

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/lowerbound-ml/lowerbound/datasets"
)

// idx is an IDX file: the magic number, the lengths, the data.
func idx(magic uint32, dims []uint32, data []byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, magic)
	for _, d := range dims {
		out = binary.BigEndian.AppendUint32(out, d)
	}
	return append(out, data...)
}

func zip(data []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	z.Write(data)
	z.Close()
	return out.Bytes()
}

// count is n bytes 0, 1, 2, ...
func count(n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(i)
	}
	return out
}

func TestReadIDX(t *testing.T) {
	file := idx(0x803, []uint32{2, 3, 4}, count(24))
	for name, content := range map[string][]byte{"plain": file, "gzip": zip(file)} {
		dims, data, err := ReadIDX(bytes.NewReader(content), 3)
		if err != nil || !slices.Equal(dims, []int{2, 3, 4}) || !bytes.Equal(data, count(24)) {
			t.Errorf("%s: dims %v, data %v, error %v", name, dims, data, err)
		}
	}
}

func TestBadIDX(t *testing.T) {
	whole := zip(idx(0x803, []uint32{2, 3, 4}, count(24)))
	flipped := slices.Clone(whole)
	flipped[len(flipped)-8] ^= 1 // the checksum
	for want, content := range map[string][]byte{
		"found 0 bytes, expected an IDX header of 16":                    {},
		"found 7 bytes, expected an IDX header of 16":                    idx(0x803, nil, count(3)),
		"found the magic number 0x00000801, expected 0x00000803":         idx(0x801, []uint32{2}, count(24)),
		"found the magic number 0x00000d03, expected":                    idx(0xd03, []uint32{2, 3, 4}, count(24)),
		"found the magic number 0x3c68746d":                              []byte("<html><body>an error page</body></html>"),
		"found 23 bytes of data, expected 24: the file is truncated":     idx(0x803, []uint32{2, 3, 4}, count(23)),
		"found more than 24 bytes of data, expected 24":                  idx(0x803, []uint32{2, 3, 4}, count(25)),
		"found the lengths [2 0 4]":                                      idx(0x803, []uint32{2, 0, 4}, nil),
		"found the lengths [4294967295 4294967295 4294967295]":           idx(0x803, []uint32{1<<32 - 1, 1<<32 - 1, 1<<32 - 1}, nil),
		"found the lengths [1048576 32 33]":                              idx(0x803, []uint32{1 << 20, 32, 33}, nil),
		"truncated":                                                      zip(idx(0x803, []uint32{2, 3, 4}, count(20))),
		"found a broken gzip header":                                     whole[:6],
		"broken data after 24 of 24 bytes: gzip: invalid checksum":       flipped,
		"found 0 bytes of data, expected 24: the file is truncated":      idx(0x803, []uint32{2, 3, 4}, nil),
		"found 0 bytes of data, expected 1073741824: the file is trunca": idx(0x803, []uint32{1 << 20, 32, 32}, nil),
	} {
		dims, data, err := ReadIDX(bytes.NewReader(content), 3)
		if err == nil || !strings.Contains(err.Error(), want) || data != nil {
			t.Errorf("dims %v, %d bytes, error %v; want an error with %q", dims, len(data), err, want)
		}
	}
}

// A header of a small promise before 64 MiB of zeros in 64 KiB of gzip: reading stops at the promise,
// and takes memory for it only.
func TestGzipBomb(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	z.Write(idx(0x803, []uint32{2, 3, 4}, nil))
	for range 64 {
		z.Write(make([]byte, 1<<20))
	}
	z.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _, err := ReadIDX(&bomb, 3)
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), "found more than 24 bytes of data") {
		t.Errorf("error %v, want one about more than 24 bytes", err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 {
		t.Errorf("reading took %d bytes of memory, want at most 4 MiB", used)
	}
}

// The opposite: a header that promises 1 GiB over an empty file must not take 1 GiB.
func TestEmptyPromise(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _, err := ReadIDX(bytes.NewReader(idx(0x803, []uint32{1 << 20, 32, 32}, nil)), 3)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; err == nil || used > 4<<20 {
		t.Errorf("error %v, %d bytes of memory; want an error and at most 4 MiB", err, used)
	}
}

// files writes a pair of IDX files and returns their paths.
func files(t *testing.T, images, labels []byte) (string, string) {
	t.Helper()
	dir := t.TempDir()
	a, b := filepath.Join(dir, "images"), filepath.Join(dir, "labels")
	for path, content := range map[string][]byte{a: images, b: labels} {
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return a, b
}

func TestReadImages(t *testing.T) {
	a, b := files(t, idx(0x803, []uint32{2, 2, 3}, []byte{0, 51, 102, 153, 204, 255, 1, 2, 3, 4, 5, 6}), zip(idx(0x801, []uint32{2}, []byte{9, 4})))
	d, err := ReadImages("pair", a, b)
	if err != nil {
		t.Fatal(err)
	}
	if got := d.At(0); !slices.Equal(got, []float32{0, 0.2, 0.4, 0.6, 0.8, 1}) || !slices.Equal(d.Labels, []int32{9, 4}) || d.Height != 2 || d.Width != 3 {
		t.Errorf("%dx%d, first image %v, labels %v", d.Height, d.Width, got, d.Labels)
	}
}

func TestReadImagesErrors(t *testing.T) {
	images := idx(0x803, []uint32{2, 1, 1}, []byte{1, 2})
	for want, labels := range map[string][]byte{
		"labels: found 3 labels, expected one for each of the 2 images": idx(0x801, []uint32{3}, []byte{1, 2, 3}),
		"labels: found the label 10 at 1, expected 0..9":                idx(0x801, []uint32{2}, []byte{1, 10}),
		"labels: found the magic number 0x00000803":                     images,
	} {
		a, b := files(t, images, labels)
		if _, err := ReadImages("pair", a, b); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	if _, err := ReadImages("x", t.TempDir(), ""); err == nil || !strings.Contains(err.Error(), "found a directory, expected a file") {
		t.Errorf("error %v for a directory", err)
	}
}

// A good pair of the wrong size is not Fashion-MNIST.
func TestWrongSize(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string][]byte{
		"train-images-idx3-ubyte": idx(0x803, []uint32{2, 28, 28}, make([]byte, 2*784)),
		"train-labels-idx1-ubyte": idx(0x801, []uint32{2}, []byte{1, 2}),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err := Fashion(t.Context(), datasets.Source{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "found 2 images of 28x28, expected 60000 of 28x28") {
		t.Errorf("error %v, want one about 2 images", err)
	}
}

// Whatever is accepted is what the header says, and is written back to the same bytes.
func FuzzIDX(f *testing.F) {
	good := idx(0x803, []uint32{2, 3, 4}, count(24))
	f.Add(good)
	f.Add(zip(good))
	f.Add(good[:30])
	f.Add(idx(0x801, []uint32{5}, count(5)))
	f.Add(idx(0x803, []uint32{1 << 31, 1 << 31, 4}, nil))
	f.Add(zip(good)[:20])
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, axes := range []int{1, 3} {
			dims, data, err := ReadIDX(bytes.NewReader(content), axes)
			if err != nil {
				continue
			}
			size, lengths := 1, []uint32{}
			for _, d := range dims {
				size, lengths = size*d, append(lengths, uint32(d))
			}
			if size != len(data) || len(dims) != axes {
				t.Fatalf("dims %v with %d bytes", dims, len(data))
			}
			again := idx(0x800|uint32(axes), lengths, data)
			if plain := unzip(t, content); !bytes.Equal(again, plain) {
				t.Fatalf("read %v and %d bytes from a file of %d", dims, len(data), len(plain))
			}
		}
	})
}

// unzip is what gzip makes of content, or content itself when it is no gzip stream.
func unzip(t *testing.T, content []byte) []byte {
	z, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return content
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(fmt.Errorf("a broken gzip stream was accepted: %w", err))
	}
	return plain
}
