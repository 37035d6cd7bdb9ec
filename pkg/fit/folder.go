package fit

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/gomlx/gomlx/core/tensors"
)

// named is a tensor to be stored.
type named struct {
	name  string
	value *tensors.Tensor
}

// tempPrefix marks a folder that is being written; nothing reads it, and the next run removes it.
const tempPrefix = ".writing-"

// writeFolder writes a checkpoint's folder dir/name so that it exists whole or not at all: into a temporary folder,
// tensors first, the manifest last, each synced to the disk; then one rename, then the parent folder synced.
// A broken folder of the same name is moved aside, not deleted. hook is called after each stage.
func writeFolder(dir, name string, m manifest, values []named, hook func(string)) (err error) {
	temp, err := os.MkdirTemp(dir, tempPrefix+name+"-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(temp)
		}
	}()
	if err = os.Chmod(temp, 0o755); err != nil {
		return err
	}
	hook("folder made")
	m.Tensors = nil
	err = writeFile(filepath.Join(temp, dataFile), func(w io.Writer) error {
		return writeTensors(w, values, &m, hook)
	})
	if err != nil {
		return err
	}
	hook("tensors written")
	text, err := m.encode()
	if err != nil {
		return err
	}
	err = writeFile(filepath.Join(temp, manifestFile), func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
	if err != nil {
		return err
	}
	hook("manifest written")
	if err = errors.Join(syncFolder(temp), moveAside(filepath.Join(dir, name))); err != nil {
		return err
	}
	if err = os.Rename(temp, filepath.Join(dir, name)); err != nil {
		return err
	}
	hook("renamed")
	return syncFolder(dir)
}

func writeTensors(w io.Writer, values []named, m *manifest, hook func(string)) error {
	offset := int64(0)
	for i, v := range values {
		e := entry{Name: v.name, DType: v.value.DType().String(), Dims: append([]int{}, v.value.Shape().Dimensions...), Offset: offset}
		var failed error
		err := v.value.ConstBytes(func(data []byte) {
			e.Bytes, e.SHA256 = int64(len(data)), sum(data)
			_, failed = w.Write(data)
		})
		if err = errors.Join(err, failed); err != nil {
			return err
		}
		offset += e.Bytes
		m.Tensors = append(m.Tensors, e)
		if i == len(values)/2 {
			hook("half of the tensors written")
		}
	}
	return nil
}

// writeFile creates the file, fills it and syncs it to the disk.
func writeFile(path string, fill func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	if err := fill(f); err != nil {
		return errors.Join(err, f.Close())
	}
	return errors.Join(f.Sync(), f.Close())
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// moveAside renames what is at path, if anything, to a free name beside it.
func moveAside(path string) error {
	if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for i := 1; ; i++ {
		aside := fmt.Sprintf("%s.broken-%d", path, i)
		if _, err := os.Lstat(aside); errors.Is(err, os.ErrNotExist) {
			return os.Rename(path, aside)
		}
	}
}

// readFolder reads a whole checkpoint and checks every byte of it. It returns the tensors by name.
func readFolder(dir string) (m manifest, values map[string]*tensors.Tensor, err error) {
	if m, err = readManifest(dir); err != nil {
		return m, nil, err
	}
	path := filepath.Join(dir, dataFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return m, nil, err
	}
	total := int64(0)
	for _, e := range m.Tensors {
		total += e.Bytes
	}
	if int64(len(data)) != total {
		return m, nil, fmt.Errorf("%s: expected %d bytes, found %d", path, total, len(data))
	}
	values = map[string]*tensors.Tensor{}
	for _, e := range m.Tensors {
		if values[e.Name], err = readTensor(e, data[e.Offset:e.Offset+e.Bytes]); err != nil {
			return m, nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return m, values, nil
}

func readTensor(e entry, data []byte) (*tensors.Tensor, error) {
	if found := sum(data); found != e.SHA256 {
		return nil, fmt.Errorf("tensor %q: expected SHA-256 %.12s…, found %.12s…", e.Name, e.SHA256, found)
	}
	shape, err := e.shape()
	if err != nil {
		return nil, err
	}
	if shape.ByteSize() != e.Bytes {
		return nil, fmt.Errorf("tensor %q: expected %d bytes for %s, found %d", e.Name, shape.ByteSize(), shape, e.Bytes)
	}
	t := tensors.FromShape(shape)
	return t, t.MutableBytes(func(to []byte) { copy(to, data) })
}

// folderSize returns the bytes of a checkpoint's files.
func folderSize(dir string) (total int64) {
	for _, name := range []string{manifestFile, dataFile} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil {
			total += info.Size()
		}
	}
	return total
}
