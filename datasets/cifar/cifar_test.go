package cifar

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/lowerbound-ml/lowerbound/datasets"
)

// batch is a .bin file of n records: record i has the label (first+i) mod 10,
// and pixel k of channel c the value (i + 3k + 85c) mod 256.
func batch(first, n int) []byte {
	var out []byte
	for i := range n {
		out = append(out, byte((first+i)%Classes))
		for c := range Channels {
			for k := range plane {
				out = append(out, byte(i+3*k+85*c))
			}
		}
	}
	return out
}

type entry struct {
	name    string
	content []byte
}

// six is the content of an archive with n records in each file, the first label of file i being i.
func six(n int) []entry {
	out := []entry{{"cifar-10-batches-bin/readme.html", []byte("hello")}}
	for i, name := range allFiles() {
		out = append(out, entry{"cifar-10-batches-bin/" + name, batch(i, n)})
	}
	return out
}

func pack(entries []entry) []byte {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, e := range entries {
		w.WriteHeader(&tar.Header{Name: e.name, Mode: 0o644, Size: int64(len(e.content)), Typeflag: tar.TypeReg})
		w.Write(e.content)
	}
	w.Close()
	return out.Bytes()
}

func zip(data []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	z.Write(data)
	z.Close()
	return out.Bytes()
}

// [3, 32, 32] on file becomes [32, 32, 3] in memory.
func TestReadBatch(t *testing.T) {
	b, err := ReadBatch(bytes.NewReader(batch(8, 3)), 3)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(b.Labels, []int32{8, 9, 0}) {
		t.Errorf("labels %v, want [8 9 0]", b.Labels)
	}
	for i := range 3 {
		for k := range plane {
			for c := range Channels {
				if got, want := b.Pixels[(i*plane+k)*Channels+c], byte(i+3*k+85*c); got != want {
					t.Fatalf("image %d, pixel %d, channel %d is %d, want %d", i, k, c, got, want)
				}
			}
		}
	}
}

// put writes files under a fresh folder and returns it.
func put(t *testing.T, entries ...entry) string {
	t.Helper()
	dir := t.TempDir()
	for _, e := range entries {
		path := filepath.Join(dir, e.name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, e.content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// The archive, packed or not, and the folders give the same images, in the order of the files.
func TestLoad(t *testing.T) {
	flat := six(4)
	for i := range flat {
		flat[i].name = filepath.Base(flat[i].name)
	}
	for name, dir := range map[string]string{
		"tar.gz": put(t, entry{"cifar-10-binary.tar.gz", zip(pack(six(4)))}),
		"tar":    put(t, entry{"cifar-10-binary.tar", pack(six(4))}),
		"folder": put(t, six(4)...),
		"flat":   put(t, flat...),
	} {
		train, test, err := load(t.Context(), datasets.Source{Dir: dir}, 4)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := []int32{0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5, 3, 4, 5, 6, 4, 5, 6, 7}
		if !slices.Equal(train.Labels, want) || !slices.Equal(test.Labels, []int32{5, 6, 7, 8}) {
			t.Errorf("%s: labels %v and %v", name, train.Labels, test.Labels)
		}
		if got := train.At(5)[:4]; !slices.Equal(got, []float32{1. / 255, 86. / 255, 171. / 255, 4. / 255}) {
			t.Errorf("%s: image 5 begins %v", name, got)
		}
	}
}

func TestBadArchives(t *testing.T) {
	change := func(i int, content []byte) []byte {
		e := six(4)
		e[i].content = content
		return zip(pack(e))
	}
	label := batch(0, 4)
	label[record] = 10
	good := zip(pack(six(4)))
	checksum := slices.Clone(good)
	checksum[len(checksum)-8] ^= 1
	for want, content := range map[string][]byte{
		"expected 12292: the file is truncated":                 change(2, batch(0, 3)),
		"data_batch_2.bin in the archive: found 12291 byte":     change(2, batch(0, 4)[:4*record-1]),
		"found more than 12292 bytes of data":                   change(6, batch(0, 5)),
		"found the label 10 in record 1, expected 0..9":         change(1, label),
		"found no test_batch.bin in the archive":                zip(pack(six(4)[:6])),
		"twice or not as a file":                                zip(pack(append(six(4), six(4)...))),
		"unpacks to more than 1122328 bytes":                    zip(pack(append([]entry{{"bomb", make([]byte, 4<<20)}}, six(4)...))),
		"data_batch_1.bin in the archive: found 10219 bytes of": good[:len(good)/2],
		"gzip: invalid checksum":                                checksum,
		"found a broken archive":                                bytes.Repeat([]byte("not a tar file"), 100),
		"found no data_batch_1.bin in the archive":              {},
	} {
		dir := put(t, entry{"cifar-10-binary.tar.gz", content})
		_, _, err := load(t.Context(), datasets.Source{Dir: dir}, 4)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "cifar-10-binary.tar.gz") {
			t.Errorf("error %v, want one with %q and the archive's name", err, want)
		}
	}
}

func TestBadFolders(t *testing.T) {
	files := six(4)
	for want, dir := range map[string]string{
		"test_batch.bin: no such file":                      put(t, files[:6]...),
		"data_batch_3.bin: found 5 bytes of data, expected": put(t, append(six(4)[:3], entry{files[3].name, []byte("short")}, files[4], files[5], files[6])...),
		"test_batch.bin: found a directory, expected a fil": put(t, append(six(4)[:6], entry{files[6].name + "/x", nil})...),
		"holds none of": t.TempDir(),
	} {
		if _, _, err := load(t.Context(), datasets.Source{Dir: dir}, 4); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// 64 MiB of zeros in a small gzip file: unpacking stops at the limit, and takes no memory for them.
func TestBombMemory(t *testing.T) {
	content := zip(pack(append([]entry{{"data_batch_1.bin", make([]byte, 64<<20)}}, six(4)...)))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := ReadArchive(bytes.NewReader(content), 4)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; err == nil || used > 4<<20 {
		t.Errorf("error %v, %d bytes of memory; want an error and at most 4 MiB", err, used)
	}
}

// Whatever ReadBatch accepts is what a file of one record holds, and can be written back.
func FuzzCIFAR(f *testing.F) {
	f.Add(batch(0, 1))
	f.Add(batch(9, 1)[:record-1])
	f.Add(append(batch(0, 1), 0))
	f.Add(zip(pack(six(1))))
	f.Add(pack(six(1)))
	f.Add(zip(pack(six(1)))[:200])
	f.Fuzz(func(t *testing.T, content []byte) {
		if b, err := ReadBatch(bytes.NewReader(content), 1); err == nil && !bytes.Equal(unread(b), content) {
			t.Error("a batch was read that is not the file's")
		}
		batches, err := ReadArchive(bytes.NewReader(content), 1)
		if err != nil {
			return
		}
		for name, b := range batches {
			if len(b.Labels) != 1 || len(b.Pixels) != Channels*plane {
				t.Errorf("%s: %d labels, %d pixels", name, len(b.Labels), len(b.Pixels))
			}
		}
	})
}

// unread is the .bin file of b.
func unread(b Batch) (out []byte) {
	for i, label := range b.Labels {
		out = append(out, byte(label))
		for c := range Channels {
			for k := range plane {
				out = append(out, b.Pixels[(i*plane+k)*Channels+c])
			}
		}
	}
	return out
}
