package datasets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"github.com/lowerbound-ml/lowerbound/datasets/internal/fetch"
	"github.com/lowerbound-ml/lowerbound/datasets/internal/input"
)

// Source says where the files of a data set come from. The zero value serves: it looks where the operating system's
// package puts them, then in the user's cache, and then downloads them into the cache.
type Source struct {
	// Dir, when named, is the only place looked at: a file that is not there is an error.
	Dir string
	// Cache is the folder that downloads go to, a folder for each data set in it; "" is os.UserCacheDir()/lowerbound.
	Cache string
	// BaseURL replaces the data set's own address; the file's name is added to it. The files must be the same, byte by byte.
	BaseURL string
	// Offline forbids the download.
	Offline bool
	// Client makes the requests; nil is http.DefaultClient.
	Client *http.Client
	// Progress is where a download draws its bar; nil is standard error, io.Discard is silence.
	Progress io.Writer
}

// File is one file of a data set, as the packages below describe theirs to Source.Find.
type File struct {
	Set     string   // the data set's folder in the cache
	Name    string   // the name it is downloaded under
	Also    []string // further names that Dir and the packages' folders may hold it under, as that of the unpacked file
	Folders []string // where packages of operating systems put it
	BaseURL string   // the address of its folder, ending in a slash
	Size    int64    // of the download
	SHA256  string   // of the download
}

// Find returns the path of f, from the first of: Dir, when it is named, and nothing else; the folders of packages;
// the cache; a download, whose size and SHA-256 are checked before it gets its name in the cache.
//
// It returns an error that names the file, what was expected and what was found; then nothing is cached,
// save the first part of a download that was cut off, from which the next call goes on.
func (s Source) Find(ctx context.Context, f File) (string, error) {
	if s.Dir != "" {
		return s.inDir(f)
	}
	for _, folder := range f.Folders {
		if path, err := lookUp(folder, f.names()); !errors.Is(err, fs.ErrNotExist) {
			return path, err
		}
	}
	cache, err := s.cache()
	if err != nil {
		return "", err
	}
	path, err := lookUp(filepath.Join(cache, f.Set), []string{f.Name})
	switch {
	case err == nil:
		return f.checkSize(path)
	case !errors.Is(err, fs.ErrNotExist):
		return "", err
	}
	return s.download(ctx, f, filepath.Join(cache, f.Set, f.Name))
}

// checkSize returns path. It is for files of the cache, which had the right hash when they were put there.
func (f File) checkSize(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("datasets.Source: %w", err)
	}
	if info.Size() != f.Size {
		return "", fmt.Errorf("datasets.Source: %s: found %d bytes, expected %d; delete it, and it is downloaded anew",
			path, info.Size(), f.Size)
	}
	return path, nil
}

func (f File) names() []string { return append([]string{f.Name}, f.Also...) }

func (s Source) inDir(f File) (string, error) {
	path, err := lookUp(s.Dir, f.names())
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("datasets.Source: %s holds none of %q, one of which was expected: %w; put it there, or leave Dir empty",
			s.Dir, f.names(), fs.ErrNotExist)
	}
	return path, err
}

// lookUp returns the first of the names that is a file in dir: fs.ErrNotExist when there is none,
// and another error when one of them is something else.
func lookUp(dir string, names []string) (string, error) {
	for _, name := range names {
		path := filepath.Join(dir, name)
		switch err := input.Regular(path); {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return "", fmt.Errorf("datasets.Source: %w", err)
		}
		return path, nil
	}
	return "", fs.ErrNotExist
}

func (s Source) cache() (string, error) {
	if s.Cache != "" {
		return s.Cache, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("datasets.Source: no cache folder (%w); name one in Cache, or the files' folder in Dir", err)
	}
	return filepath.Join(dir, "lowerbound"), nil
}

func (s Source) download(ctx context.Context, f File, path string) (string, error) {
	if s.Offline {
		return "", fmt.Errorf("datasets.Source: %s of %s is not on this machine (looked in %q and in %s) and Offline is set",
			f.Name, f.Set, f.Folders, filepath.Dir(path))
	}
	d := fetch.Download{URL: f.BaseURL + f.Name, Path: path, Size: f.Size, SHA256: f.SHA256, Client: s.Client, Progress: s.Progress}
	if s.BaseURL != "" {
		d.URL = s.BaseURL + f.Name
	}
	if s.Progress == nil {
		d.Progress = os.Stderr
	}
	if err := d.Get(ctx); err != nil {
		return "", fmt.Errorf("datasets.Source: download of %s of %s: %w; or put the file into a folder and name it in Dir",
			f.Name, f.Set, err)
	}
	return path, nil
}
