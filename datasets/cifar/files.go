package cifar

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/lowerbound-ml/lowerbound/datasets/internal/input"
)

// allowance is what an archive may hold besides the six files: headers, padding, a readme, the class names.
const allowance = 1 << 20

func allFiles() []string { return slices.Concat(trainFiles, testFiles) }

// unpacked returns the folder of the .bin files in dir, dir itself or the folder that the archive unpacks to,
// or "" when neither holds the first of them.
func unpacked(dir string) string {
	if dir == "" {
		return ""
	}
	for _, folder := range []string{dir, filepath.Join(dir, "cifar-10-batches-bin")} {
		if _, err := os.Stat(filepath.Join(folder, trainFiles[0])); err == nil {
			return folder
		}
	}
	return ""
}

func readFolder(folder string, n int) (map[string]Batch, error) {
	batches := map[string]Batch{}
	for _, name := range allFiles() {
		path := filepath.Join(folder, name)
		file, err := input.Open(path)
		if err != nil {
			return nil, fmt.Errorf("cifar: %w", err)
		}
		batches[name], err = ReadBatch(file, n)
		file.Close()
		if err != nil {
			return nil, fmt.Errorf("cifar: %s: %w", path, err)
		}
	}
	return batches, nil
}

func readArchive(path string, n int) (map[string]Batch, error) {
	file, err := input.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cifar: %w", err)
	}
	defer file.Close()
	batches, err := ReadArchive(file, n)
	if err != nil {
		return nil, fmt.Errorf("cifar: %s: %w", path, err)
	}
	return batches, nil
}

// ReadArchive reads a tar archive, plain or gzip'd, of the six .bin files with n records each, by their names.
// It returns an error when one is missing, doubled or no such file, when the archive is truncated or corrupt,
// or when it unpacks to more than the six files and 1 MiB.
func ReadArchive(r io.Reader, n int) (map[string]Batch, error) {
	plain, err := input.Plain(r)
	if err != nil {
		return nil, err
	}
	limit := int64(len(allFiles()))*int64(n)*record + allowance
	bounded := &io.LimitedReader{R: plain, N: limit + 1}
	batches, err := readTar(bounded, n)
	if bounded.N == 0 {
		return nil, fmt.Errorf("found an archive that unpacks to more than %d bytes, expected at most that", limit)
	}
	if err != nil {
		return nil, err
	}
	for _, name := range allFiles() {
		if _, ok := batches[name]; !ok {
			return nil, fmt.Errorf("found no %s in the archive, expected %q", name, allFiles())
		}
	}
	return batches, nil
}

func readTar(r io.Reader, n int) (map[string]Batch, error) {
	batches := map[string]Batch{}
	archive := tar.NewReader(r)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			_, err = io.Copy(io.Discard, r) // to the end, where gzip's checksum is
			return batches, err
		}
		if err != nil {
			return nil, fmt.Errorf("found a broken archive: %w", err)
		}
		name := path.Base(header.Name)
		if !slices.Contains(allFiles(), name) {
			continue
		}
		if _, double := batches[name]; double || header.Typeflag != tar.TypeReg {
			return nil, fmt.Errorf("found %s twice or not as a file, expected one file of that name", header.Name)
		}
		if batches[name], err = ReadBatch(archive, n); err != nil {
			return nil, fmt.Errorf("%s in the archive: %w", header.Name, err)
		}
	}
}
